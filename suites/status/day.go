package status

import (
	"fmt"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// dayChecks step over midnight.
func dayChecks() []check.Check {
	return []check.Check{
		steered(check.Check{
			ID: "STM-X13", Name: "metrics/day-boundaries", Rules: rules("RS-HDR-04"),
			Title:  "A day begins at midnight in Brasília: calls and downtime before it are yesterday's, and nine in the evening is no boundary",
			Why:    "Two sides that cut the day differently never agree.",
			Causes: causes("days in UTC"),
		}, "20:59:40", boundaries),
		steered(check.Check{
			ID: "STM-X14", Name: "metrics/previous-days-shift", Rules: rules("RS-HDR-04"),
			Title:  "Every midnight the days move on by one: yesterday first, seven at most",
			Why:    "The first figure of the days before is yesterday's.",
			Causes: causes("oldest first", "today among the days before"),
		}, "10:00:00", func(h *house, start time.Time) {
			path := spec.Find("accounts.identification").FullPath()
			var want []int64
			for day := range 9 {
				h.SetClock(start.AddDate(0, 0, day))
				had := h.of(h.metrics(), path).today("invocations") // of who was here before, by a clock that was put back
				for range day + 1 {
					h.Expect(h.asking("accounts.identification").Param("accountId", "nobody").Send(h.Context()), "a call").To(expect.Status(401))
				}
				f := h.of(h.metrics("period", "ALL"), path)
				before := f.before("invocations")
				all := had + int64(day+1)
				h.Expect(f.today("invocations"), "calls of day %d", day+1).About(f.about).To(expect.Equal(all))
				h.Expect(len(before) >= min(len(want), 7) && len(before) <= 7, "days before day %d", day+1).About(f.about).To(expect.True("they are those known, seven at most"))
				h.Expect(fmt.Sprint(before[:min(len(want), 7)]), "calls of the days before day %d", day+1).About(f.about).To(expect.Equal(fmt.Sprint(want[:min(len(want), 7)])))
				want = append([]int64{all}, want...)
			}
		}),
	}
}

func boundaries(h *house, evening time.Time) {
	path := spec.Find("accounts.transactions").FullPath()
	calls := func(n int) {
		for range n {
			h.Expect(h.asking("accounts.transactions").Param("accountId", "nobody").Send(h.Context()), "a call").To(expect.Status(401))
		}
	}
	today := func() int64 { return h.of(h.metrics(), path).today("invocations") }
	had := today()
	calls(3)
	id := h.fail(503, "accounts.balances")
	h.Advance(30 * time.Second) // 21:00:10, midnight of UTC
	calls(2)
	f := h.of(h.metrics(), path)
	h.Expect(f.today("invocations"), "calls of today at nine in the evening").About(f.about).To(expect.Equal(had + 5))
	h.mend(id)

	h.SetClock(evening.Add(3 * time.Hour)) // 23:59:40
	down := h.of(h.metrics(), spec.Find("accounts.balances").FullPath()).down()
	h.Expect(down, "seconds down today").To(expect.Equal(30))
	calls(1)
	h.fail(503, "accounts.balances")
	h.Advance(50 * time.Second) // 00:00:30: two probes of the new day
	fresh := today()
	calls(4)
	f = h.of(h.metrics("period", "ALL"), path)
	h.Expect(f.today("invocations"), "calls of today after midnight").About(f.about).To(expect.Equal(fresh + 4))
	before := f.before("invocations")
	h.Expect(len(before), "days before").About(f.about).To(expect.InRange(1, 7))
	h.Expect(before[0], "calls of yesterday").About(f.about).To(expect.Equal(had + 6))
	f = h.of(h.metrics(), spec.Find("accounts.balances").FullPath())
	h.Expect(f.down(), "seconds down since midnight").About(f.about).To(expect.Equal(60))
	f = h.of(h.metrics("period", "ALL"), spec.Find("accounts.balances").FullPath())
	h.Expect(f.down(), "seconds down today and before").About(f.about).To(expect.Equal(90))
}
