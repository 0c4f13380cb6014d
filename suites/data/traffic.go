package data

import (
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// rate is what a second is limited to where its limit is looked at: much less than a client can send.
const rate = 40

// trafficChecks hold the institution to the limits that it says are in force: its calls of a minute and of a
// second, and when its months turn.
func trafficChecks() []check.Check {
	all := []check.Check{
		{
			ID: "DACC-X94", Name: "limits/minute-of-class-high", Rules: rules("RS-HDR-07", "ERR-14", "TRAF"),
			Title:  "The limit of a clock minute is as high as the class's, told with Retry-After, each receiver's and each call's own, and over with the minute",
			Why:    "The numbers are the least that a receiver may count on; what an institution says it allows is what it allows.",
			Causes: causes("a window that slides", "one count for all receivers", "429 from a layer in front, without the header"),
			Body: func(b *check.Bench) {
				const op = "accounts.balances"
				limited(b, map[string]any{"minute": true, "month": false})
				v := accountFace.open(b)
				other := accountFace.of(b, b.Party(1), v.person)
				other.account = v.anAccount()
				b.SetClock(b.Now().Truncate(time.Minute).Add(time.Minute))
				least := spec.Find(op).Class.PerMinute(0)
				quarter := func() { v.often(op, least/4) }
				b.Together(quarter, quarter, quarter, quarter)
				bound := inForce(b, "minutes", op)
				v.often(op, bound-least)
				beyond := v.call(op).Send(b.Context())
				if bound == 0 && beyond.Status == 200 {
					b.Note("the bank does not say which limit is in force; it did not show after %d calls", least)
					return
				}
				b.Expect(beyond, "a call beyond the limit of %d", bound).To(expect.OFBError(429))
				b.Expect(beyond).To(expect.Header("Retry-After", expect.InRange(1, 60)))
				other.reads(op)
				v.reads("accounts.overdraft-limits")
				b.Advance(45 * time.Second)
				b.Expect(v.call(op).Send(b.Context()), "a call of the same clock minute").To(expect.OFBError(429))
				b.Advance(15 * time.Second)
				v.reads(op)
			},
		},
		{
			ID: "DACC-X95", Name: "limits/overload-is-529", Rules: rules("RS-HDR-07", "TRAF"),
			Title:  "Requests up to the rate of a second are answered, those beyond it 529 at once, and the next second is free again",
			Why:    "Who is told to wait does; who runs into a timeout sends again, and more.",
			Causes: causes("503 or 429 from a layer in front", "requests wait in a queue until they time out"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				v.anAccount()
				limited(b, map[string]any{"minute": false, "month": false, "perSecond": rate, "grows": false})
				within, beyond := v.burst("accounts.balances")
				for i, x := range within {
					b.Expect(x, "request %d of a second that has room for %d", i+1, rate).To(expect.Status(200))
				}
				for i, x := range beyond {
					b.Expect(x, "request %d of a second that has room for %d", rate+i+1, rate).To(expect.OFBError(529))
				}
				b.Advance(time.Second)
				v.reads("accounts.balances")
			},
		},
		{
			ID: "DACC-X96", Name: "limits/renewals-are-left-out", Rules: rules("TRAF-02/renewals-are-left-out"),
			Title:  "Calls about the renewal of consents are no part of the requests per second",
			Why:    "Renewals come in waves; the standard leaves them out of what an institution must grow for.",
			Causes: causes("one rate limit for the whole host"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				token := v.party.Credentials("consents")
				limited(b, map[string]any{"minute": false, "month": false, "perSecond": 1, "grows": false})
				b.SetClock(b.Now().Truncate(time.Second).Add(time.Second))
				for i := range 8 {
					x := v.party.Call("consents.extensions", token).Param("consentId", v.grant.Consent.ID).Send(b.Context())
					b.Expect(x, "renewals asked for, call %d", i+1).To(expect.Status(200))
				}
			},
		},
		{
			ID: "DACC-X97", Name: "limits/first-page-counts", Rules: rules("OPER-03/first-page-counts"),
			Title:  "The first page counts against the monthly quota, even with a pagination key",
			Why:    "The key frees further pages of the same query; with the first one the query is asked again.",
			Causes: causes("every call that carries a valid key is free"),
			Body: func(b *check.Bench) {
				const op, quota = "accounts.transactions", 8
				limited(b, map[string]any{"minute": false, "month": true})
				v := accountFace.open(b)
				first := v.bare(op).Query("fromBookingDate", v.date(-89)).Query("toBookingDate", v.date(0)).Query("page-size", "25").Send(b.Context())
				b.Expect(first, "the first page").To(expect.Status(200))
				to := func(link string) *tpp.Exchange {
					return v.party.API(v.grant.Server, first.Operation).With(v.grant).To(expect.Text(first, "links."+link)).Send(b.Context())
				}
				for i := range quota - 1 {
					b.Expect(to("self"), "the same page, time %d", i+2).To(expect.Status(200))
				}
				bound := inForce(b, "months", op)
				if bound == 0 {
					b.Note("the bank does not say which quota is in force")
					return
				}
				for range bound - quota {
					b.Expect(to("self"), "the same page, within a quota of %d", bound).To(expect.Status(200))
				}
				b.Expect(to("self"), "the first page beyond a quota of %d", bound).To(expect.OFBError(423))
				b.Expect(to("next"), "a further page").To(expect.Status(200))
			},
		},
		{
			ID: "DACC-X98", Name: "limits/month-turns-in-brasilia", Rules: rules("RS-HDR-07", "OPER"),
			Title:  "A monthly quota holds until the last minute of the month in Brasília, and is whole again in the first of the next",
			Why:    "The quota is of the calendar month; three hours of another zone are another month.",
			Causes: causes("months of UTC", "thirty days instead of a month"),
			Body: func(b *check.Bench) {
				const op, quota = "accounts.identification", 8
				limited(b, map[string]any{"minute": false, "month": true})
				b.SetClock(lastEvening(b.Now()))
				v := accountFace.open(b)
				v.anAccount()
				v.often(op, quota)
				bound := inForce(b, "months", op)
				v.often(op, bound-quota)
				if bound == 0 {
					b.Note("the bank does not say which quota is in force")
				} else {
					b.Expect(v.call(op).Send(b.Context()), "beyond a quota of %d", bound).To(expect.OFBError(423))
					b.Advance(time.Hour)
					v.Given("a refreshed token", v.party.Refresh(b.Context(), v.grant))
					b.Expect(v.call(op).Send(b.Context()), "in the last evening of the month, when UTC has the next").To(expect.OFBError(423))
				}
				b.SetClock(lastEvening(b.Now()).Add(4 * time.Hour))
				v.Given("a refreshed token", v.party.Refresh(b.Context(), v.grant))
				v.often(op, quota)
			},
		},
	}
	for i := range all {
		all[i].Alone = true
		all[i].Needs = []check.Need{check.Clients(1), check.Customer(), check.HolderControl, check.Clock}
	}
	all[0].Needs[0] = check.Clients(2)
	return all
}

// lastEvening is half past eight of the last evening of the month in Brasília.
func lastEvening(t time.Time) time.Time {
	t = t.In(brasilia)
	return time.Date(t.Year(), t.Month()+1, 0, 20, 30, 0, 0, brasilia)
}

// burst sends half as many calls again as a second has room for, all within one second of the target.
func (v *view) burst(op string) (within, beyond []*tpp.Exchange) {
	v.withinASecond(rate+rate/2, func() { within, beyond = v.together(op, rate), v.together(op, rate/2) })
	return within, beyond
}

// withinASecond sends n calls within one second of the target, trying again where they took longer.
func (v *view) withinASecond(n int, send func()) {
	for try := 1; ; try++ {
		v.SetClock(v.Now().Truncate(time.Second).Add(time.Second))
		started := v.Now()
		send()
		if took := v.Now().Sub(started); took < time.Second-started.Sub(started.Truncate(time.Second)) {
			return
		} else if try == 5 {
			v.Skip("%d calls took %v: too slow to send them in a second", n, took)
		}
	}
}

// together sends n calls, two at a time.
func (v *view) together(op string, n int) []*tpp.Exchange {
	out := make([]*tpp.Exchange, n)
	half := func(from int) func() {
		return func() {
			for i := from; i < n; i += 2 {
				out[i] = v.call(op).Send(v.Context())
			}
		}
	}
	v.Together(half(0), half(1))
	return out
}

// inForce is the bound that the institution says it keeps for an operation, where it was called most: of
// "minutes" or "months"; 0 when it does not say.
func inForce(b *check.Bench, of, op string) int {
	var usage map[string]any
	if err := b.Holder().Try("GET", "/limits/usage", nil, &usage); err != nil {
		return 0
	}
	shares, _ := usage[of].([]any)
	for _, s := range shares { // the most used first
		if share, _ := s.(map[string]any); share["operation"] == op {
			bound, _ := share["limit"].(float64)
			return int(bound)
		}
	}
	return 0
}
