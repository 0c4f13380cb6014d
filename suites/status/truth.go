package status

import (
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// truthChecks make trouble and look whether the bank says so.
func truthChecks() []check.Check {
	return []check.Check{
		steered(check.Check{
			ID: "STM-X03", Name: "status/tells-the-truth", Rules: rules("RS-HDR-04"),
			Title:  "Trouble shows within one probe and is gone within one: an endpoint as PARTIAL_FAILURE, a whole API as UNAVAILABLE",
			Why:    "Downtime is counted from what the status says.",
			Causes: causes("the status is a constant", "trouble is found by the next day's report"),
		}, "10:00:05", tellsTruth),
		steered(check.Check{
			ID: "STM-X04", Name: "status/explains-outage", Rules: rules("RS-HDR-04"),
			Title:  "Whatever is not OK is explained: since when, until when, and which endpoints",
			Why:    "Receivers show the explanation to customers, and come back at the time named.",
			Causes: causes("only the code follows the trouble"),
		}, "10:00:05", explains),
		steered(check.Check{
			ID: "STM-X05", Name: "status/keeps-the-hierarchy", Rules: rules("RS-HDR-04"),
			Title:  "Where several conditions hold, trouble comes before a scheduled outage, and UNAVAILABLE before PARTIAL_FAILURE",
			Why:    "A scheduled outage must not hide what was not scheduled.",
			Causes: causes("the last writer wins"),
		}, "10:00:05", hierarchy),
		steered(check.Check{
			ID: "STM-009", Name: "status/slow-is-504", Rules: rules("RS-HDR-07"),
			Title:  "A call that would take longer than fifteen seconds is answered 504 before its caller gives up, and such an endpoint is down",
			Why:    "A caller that has to hang up learns nothing.",
			Causes: causes("no budget on the way to the core"),
		}, "10:00:05", slowIs504),
		steered(check.Check{
			ID: "STM-X06", Name: "status/watches-security", Rules: rules("RS-HDR-04"),
			Title:  "Trouble of the token endpoint shows in the status as that of any other",
			Why:    "The monitoring judges security endpoints as it does data endpoints.",
			Causes: causes("the authorization server is another team's"),
		}, "10:00:05", func(h *house, _ time.Time) {
			h.fail(503, "token")
			h.Expect(h.party.TokenRequest(h.party.Server, "client_credentials", map[string]string{"scope": "consents"}).Send(h.Context()), "token").To(expect.Refused(503))
			h.Advance(period)
			x := h.status()
			h.Expect(code(x), "code").About(x).To(expect.Equal("PARTIAL_FAILURE"))
			h.Expect(fmt.Sprint(downNow(x)), "unavailable endpoints").About(x).To(expect.Containing("token"))
		}),
	}
}

// paths are those of an API's endpoints.
func paths(api string) []string {
	var all []string
	for _, o := range spec.Operations() {
		if o.API.Name == api && !slices.Contains(all, o.FullPath()) {
			all = append(all, o.FullPath())
		}
	}
	return all
}

func tellsTruth(h *house, _ time.Time) {
	says := func(want string, down int) {
		x := h.status()
		h.Expect(code(x), "code").About(x).To(expect.Equal(want))
		h.Expect(len(downNow(x)), "unavailable endpoints").About(x).To(expect.Equal(down))
	}
	says("OK", 0)
	for _, c := range []struct {
		operation, code string
		down            int
	}{{"accounts.balances", "PARTIAL_FAILURE", 1}, {"accounts.*", "UNAVAILABLE", len(paths("accounts"))}} {
		id := h.fail(503, c.operation)
		h.Advance(period)
		says(c.code, c.down)
		x := h.status()
		if c.down == 1 {
			h.Expect(downNow(x)[0], "the unavailable endpoint").About(x).To(expect.Equal(spec.Find(c.operation).FullPath()))
		}
		h.mend(id)
		h.Advance(period)
		says("OK", 0)
	}
	h.Step("a call fails by itself: the core does not answer")
	h.fail(500, "accounts.list")
	h.Expect(h.ask("accounts.list"), "a call").To(expect.OFBError(500))
	h.Advance(period)
	says("PARTIAL_FAILURE", 1)
}

func explains(h *house, at time.Time) {
	h.fail(503, "accounts.*")
	h.Advance(period)
	x := h.status()
	h.Expect(x).To(expect.JSON("data.status[0].code", "UNAVAILABLE"))
	h.Verify(x).To(expect.JSON("data.status[0].explanation", expect.Something()))
	lately(h.Bench, x, "data.status[0].detectionTime", period)
	lately(h.Bench, x, "data.status[0].updateTime", period)
	h.Verify(x).To(expect.JSON("data.status[0].expectedResolutionTime", expect.UTC()))
	until, _ := time.Parse(time.RFC3339, expect.Text(x, "data.status[0].expectedResolutionTime"))
	h.Verify(until.After(h.Now()), "the expected end").About(x).To(expect.True("it is to come"))
	down := downNow(x)
	for _, p := range paths("accounts") {
		h.Verify(slices.Contains(down, any(p)), "%s among the unavailable endpoints", p).About(x).To(expect.True("it is there"))
	}
	first := expect.Text(x, "data.status[0].detectionTime")
	h.Advance(2 * time.Hour)
	x = h.status()
	h.Verify(x).To(expect.JSON("data.status[0].detectionTime", first))
	lately(h.Bench, x, "data.status[0].updateTime", period)
	h.Verify(at.Before(h.Now()), "the clock").To(expect.True("it went on"))
}

func hierarchy(h *house, at time.Time) {
	h.announce(at.Add(time.Minute), "PT1H", "customers.*")
	h.Advance(90 * time.Second)
	scheduled := expect.JSON("data.status[0].code", "SCHEDULED_OUTAGE")
	h.Expect(h.status(), "status in an outage").To(scheduled)
	for _, c := range []struct{ operation, code string }{{"accounts.balances", "PARTIAL_FAILURE"}, {"accounts.*", "UNAVAILABLE"}} {
		id := h.fail(503, c.operation)
		h.Advance(period)
		x := h.status()
		h.Expect(x, "status in an outage with trouble").To(expect.JSON("data.status[0].code", c.code))
		if len(expect.Values(x, "data.status[*]")) > 1 {
			h.Verify(x).To(expect.JSON("data.status[1].code", "SCHEDULED_OUTAGE"))
		}
		h.mend(id)
		h.Advance(period)
		h.Expect(h.status(), "status without the trouble").To(scheduled)
	}
}

func slowIs504(h *house, _ time.Time) {
	h.trouble(map[string]any{"operations": []string{"accounts.list"}, "delay": "40s"})
	var x *tpp.Exchange
	done := make(chan struct{})
	call := h.asking("accounts.list")
	h.Together(func() {
		defer close(done)
		x = call.Send(h.Context())
	}, func() {
		for range 500 { // the call may not have begun to wait when the clock moves for the first time
			select {
			case <-done:
				return
			default:
				h.Advance(15 * time.Second)
			}
		}
	})
	h.Expect(x, "a call to a backend that takes forty seconds").To(expect.OFBError(504))
	h.Advance(period)
	h.Expect(h.status(), "status with a backend that takes forty seconds").To(expect.JSON("data.status[0].code", "PARTIAL_FAILURE"))
}
