package data

import (
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// open is the operation by which the limits of public calls are looked at: it says nothing of anybody and
// has no monthly quota.
const open = "common.status"

// floorChecks look at the minute limit of public calls, which is the caller's address's.
func floorChecks() []check.Check {
	return []check.Check{
		{
			ID: "STM-010", Name: "limits/traffic-floor", Rules: rules("RS-HDR-07", "TRAF"), Alone: true, Needs: []check.Need{check.Clients(1)},
			Title:  "Five hundred calls of one address within a minute are answered",
			Why:    "Receivers ask for the status when calls fail: exactly then nobody may be turned away.",
			Causes: causes("a limit for robots in front of the institution"),
			Body: func(b *check.Bench) {
				nextMinute(b)
				public(b, 500)
			},
		},
		{
			ID: "STM-011", Name: "limits/rate-headers", Rules: rules("RS-HDR-07", "ERR-14", "TRAF"), Alone: true,
			Needs:  []check.Need{check.Clients(1), check.HolderControl, check.Clock},
			Title:  "Public calls beyond the limit of a minute are answered 429 with Retry-After, and headers of the rate that agree with it",
			Why:    "A caller that is told when to return does; one that is not keeps knocking.",
			Causes: causes("429 from a layer in front, without the header", "headers of another window"),
			Body: func(b *check.Bench) {
				limited(b, map[string]any{"minute": true})
				nextMinute(b)
				least := spec.Find(open).Class.PerMinute(0)
				public(b, least)
				bound := inForce(b, "minutes", open)
				public(b, bound-least)
				x := status(b)
				if bound == 0 && x.Status == 200 {
					b.Note("the bank does not say which limit is in force; it did not show after %d calls", least)
					return
				}
				b.Expect(x, "a call beyond the limit of %d", bound).To(expect.OFBError(429))
				b.Expect(x).To(expect.Header("Retry-After", expect.InRange(1, 60)))
				for name, want := range map[string]any{"x-rate-limit": expect.InRange(float64(least), 1e9), "x-rate-limit-remaining": "0", "x-rate-limit-time": expect.InRange(1, 60)} {
					if x.Header.Get(name) != "" {
						b.Expect(x).To(expect.Header(name, want))
					}
				}
				b.Advance(time.Minute)
				b.Expect(status(b), "in the next minute").To(expect.Status(200))
			},
		},
	}
}

// nextMinute waits for no minute where the target's clock can be stepped.
func nextMinute(b *check.Bench) {
	if b.Target().Capabilities.Clock != "" {
		b.SetClock(b.Now().Truncate(time.Minute).Add(time.Minute))
	}
}

func status(b *check.Bench) *tpp.Exchange { return b.Party(0).Call(open, nil).Send(b.Context()) }

// public expects that so many public calls are answered, four at a time.
func public(b *check.Bench, n int) {
	p := b.Party(0)
	part := func(from int) func() {
		return func() {
			for i := from; i < n; i += 4 {
				b.Expect(p.Call(open, nil).Send(b.Context()), "call %d of %d", i+1, n).To(expect.Status(200))
			}
		}
	}
	b.Together(part(0), part(1), part(2), part(3))
}
