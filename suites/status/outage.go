package status

import (
	"fmt"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// outageChecks announce scheduled unavailability.
func outageChecks() []check.Check {
	return []check.Check{
		steered(check.Check{
			ID: "STM-003", Name: "outages/agree-with-status", Rules: rules("RS-HDR-04"),
			Title:  "An announced outage is published before, in force from its start to its end, and gone after; status and outages agree",
			Why:    "What was published beforehand is what receivers arranged themselves by.",
			Causes: causes("two lists kept by hand", "the outage begins in local time"),
		}, "10:00:05", func(h *house, at time.Time) {
			agrees(h, at.Add(time.Hour), true, "accounts.*")
			agrees(h, at.Add(5*time.Hour), false)
		}),
		steered(check.Check{
			ID: "STM-X07", Name: "outages/can-be-changed", Rules: rules("RS-HDR-04"),
			Title:  "An outage that is moved, prolonged or withdrawn is so in what is published and in what happens",
			Why:    "Works slip; what is published must slip with them.",
			Causes: causes("published from a copy"),
		}, "10:00:05", changes),
		steered(check.Check{
			ID: "STM-X08", Name: "outages/are-announced-beforehand", Rules: rules("DISP-03/announced-beforehand", "DISP-03/stops-no-more", "DISP-03/over-stays-over", "DISP-03/ends"),
			Title:  "Neither an outage that has begun nor one without length can be announced; one under way can be prolonged, but stops no more, and one that is over stays so",
			Why:    "Otherwise every failure could be turned into scheduled work afterwards.",
			Causes: causes("the calendar is not held against the clock"),
		}, "10:00:05", func(h *house, at time.Time) {
			refused := func(what string, body map[string]any) {
				var m made
				err := h.Holder().Try("POST", "/outages", body, &m)
				h.Cleanup(func() { _ = h.Holder().Try("DELETE", "/outages/"+m.ID, nil, nil) })
				h.Verify(err, what).To(expect.Failure())
			}
			refused("an outage of an hour ago", outage(at.Add(-time.Hour), "PT2H"))
			refused("an outage without length", outage(at.Add(time.Hour), "PT0S"))
			refused("an outage of a length that nobody can read", outage(at.Add(time.Hour), "2h"))
			id := h.announce(at.Add(time.Minute), "PT1H", "accounts.*")
			h.Advance(30 * time.Minute)
			h.Verify(h.Holder().Try("PUT", "/outages/"+id, outage(at.Add(time.Minute), "PT2H", "accounts.*"), nil), "an outage under way, prolonged").To(expect.Success())
			h.Verify(h.Holder().Try("PUT", "/outages/"+id, outage(at.Add(10*time.Minute), "PT2H", "accounts.*"), nil), "its beginning changed afterwards").To(expect.Failure())
			h.Verify(h.Holder().Try("PUT", "/outages/"+id, outage(at.Add(time.Minute), "PT2H", "accounts.*", "customers.*"), nil), "an outage under way, of more APIs").To(expect.Failure())
			h.Advance(3 * time.Hour)
			h.Verify(h.Holder().Try("PUT", "/outages/"+id, outage(at.Add(time.Minute), "PT12H", "accounts.*"), nil), "an outage that is over, prolonged").To(expect.Failure())
		}),
		steered(check.Check{
			ID: "STM-X09", Name: "outages/leave-no-trace", Rules: rules("DISP-02/announced-work-is-no-failure"),
			Title:  "Once an outage is over the first probe says OK: what it answered was no failure",
			Why:    "The last half minute of scheduled work would be downtime every time.",
			Causes: causes("the error share does not know the calendar"),
		}, "03:00:00", func(h *house, at time.Time) {
			path := spec.Find("accounts.list").FullPath()
			h.announce(at.Add(time.Minute), "PT10M", "accounts.list")
			h.Advance(10*time.Minute + 50*time.Second)
			h.Expect(h.ask("accounts.list"), "a call in the outage").To(expect.OFBError(503))
			h.Advance(period)
			x := h.status()
			h.Expect(code(x), "code after the outage").About(x).To(expect.Equal("OK"))
			h.Expect(h.of(h.metrics(), path).down(), "downtime of an outage at night, in seconds").To(expect.Equal(0))
		}),
	}
}

// agrees follows one outage from its announcement to its end.
func agrees(h *house, start time.Time, partial bool, operations ...string) {
	inside, outside := "accounts.list", "customers.personal-identifications"
	h.announce(start, "PT1H30M", operations...)
	h.Expect(h.outages(), "outages").To(published(start, "PT1H30M", partial))
	x := h.status()
	h.Expect(code(x), "code before the outage").About(x).To(expect.Equal("OK"))
	h.Expect(h.ask(inside), "a call before the outage").To(expect.Status(401))
	h.SetClock(start.Add(period))
	x = h.status()
	h.Expect(code(x), "code in the outage").About(x).To(expect.Equal("SCHEDULED_OUTAGE"))
	h.Verify(x).To(expect.JSON("data.status[0].explanation", expect.Something()))
	h.Verify(x).To(expect.JSON("data.status[0].expectedResolutionTime", start.Add(90*time.Minute).UTC().Format("2006-01-02T15:04:05Z")))
	down := len(downNow(x))
	h.Expect(h.outages(), "outages while one lasts").To(published(start, "PT1H30M", partial))
	h.Expect(h.ask(inside), "a call in the outage").To(expect.OFBError(503))
	if partial {
		h.Expect(down, "unavailable endpoints").About(x).To(expect.Equal(len(paths("accounts"))))
		h.Expect(h.ask(outside), "a call beside the outage").To(expect.Status(401))
	} else {
		h.Expect(down >= len(paths("accounts"))+len(paths("customers")), "unavailable endpoints").About(x).To(expect.True("they are those of every API"))
		h.Expect(h.ask(outside), "another call in a total outage").To(expect.OFBError(503))
		token := h.party.TokenRequest(h.party.Server, "client_credentials", map[string]string{"scope": "consents"})
		h.Expect(token.Send(h.Context()), "the token endpoint in a total outage").To(expect.Refused(503))
	}
	h.SetClock(start.Add(90*time.Minute + period))
	x = h.status()
	h.Expect(code(x), "code after the outage").About(x).To(expect.Equal("OK"))
	h.Expect(h.ask(inside), "a call after the outage").To(expect.Status(401))
	gone := published(start, "PT1H30M", partial)
	found, _ := gone.Match(h.outages())
	h.Expect(found, "the outage, when it is over").To(expect.Equal(false))
}

func changes(h *house, at time.Time) {
	start := at.Add(time.Hour)
	id := h.announce(start, "PT1H", "accounts.*")
	moved := start.Add(time.Hour)
	h.Step("the outage is moved by an hour, and prolonged by another")
	h.Given("a changed outage", h.Holder().Try("PUT", "/outages/"+id, outage(moved, "PT2H", "accounts.*"), nil))
	x := h.outages()
	h.Expect(x, "outages after the change").To(published(moved, "PT2H", true))
	h.Expect(fmt.Sprint(expect.Values(x, "data[*].outageTime")), "starts published").About(x).To(expect.Equal(fmt.Sprint([]any{moved.UTC().Format("2006-01-02T15:04:05Z")})))
	h.SetClock(start.Add(period))
	h.Expect(code(h.status()), "code at the time first announced").To(expect.Equal("OK"))
	h.SetClock(moved.Add(90 * time.Minute))
	h.Expect(code(h.status()), "code in the time added").To(expect.Equal("SCHEDULED_OUTAGE"))
	h.Step("the outage is withdrawn while it lasts")
	h.Holder().Delete("/outages/" + id)
	h.Expect(h.ask("accounts.list"), "a call after the withdrawal").To(expect.Status(401))
	h.Advance(period)
	h.Expect(code(h.status()), "code after the withdrawal").To(expect.Equal("OK"))
	h.Expect(len(expect.Values(h.outages(), "data[*]")), "outages after the withdrawal").To(expect.Equal(0))
}
