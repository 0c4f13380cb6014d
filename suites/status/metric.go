package status

import (
	"fmt"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// metricChecks hold the metrics against what was done to the bank.
func metricChecks() []check.Check {
	return []check.Check{
		steered(check.Check{
			ID: "STM-005", Name: "metrics/agrees-with-wire", Rules: rules("RS-HDR-04"),
			Title:  "Calls, errors and rejections of a day are those that were made, endpoint by endpoint",
			Why:    "Whoever reads them has the other side's figures beside them.",
			Causes: causes("sampled counters", "errors of callers counted as the bank's"),
		}, "10:00:00", agreesWithWire),
		{
			ID: "STM-X10", Name: "metrics/covers-registry", Rules: rules("RS-HDR-04"),
			Title:  "Every address that the directory lists for the bank has its metrics",
			Why:    "An endpoint without metrics is never found to be down.",
			Causes: causes("a list of endpoints kept beside the registry"),
			Body: func(b *check.Bench) {
				h := open(b)
				all := h.metrics()
				for _, a := range addresses(b) {
					_, known := all[pathOf(a.url)]
					b.Verify(known, "metrics of %s %s", a.family, pathOf(a.url)).To(expect.Equal(true))
				}
			},
		},
		steered(check.Check{
			ID: "STM-X11", Name: "metrics/availability-rule",
			Rules:  rules("DISP-01/client-errors-are-no-downtime", "DISP-01/refusals-are-no-downtime", "DISP-02/night-work-only-at-night"),
			Title:  "Downtime is thirty seconds a probe for what is down, without callers' errors and rejections; scheduled work is apart at night alone",
			Why:    "Ninety-five of a hundred a day is seventy-two minutes; the rule decides which minutes.",
			Causes: causes("scheduled work never counts", "4xx counted as failures"),
		}, "00:30:00", availabilityRule),
		steered(check.Check{
			ID: "STM-X12", Name: "metrics/bridge-a-silence", Rules: rules("RS-HDR-04"),
			Title:  "After months in which nobody asked, the days before today are known, and the answer does not take long",
			Why:    "Who counts only when asked must know what lay between.",
			Causes: causes("one step of the probe for each half minute missed"),
		}, "10:00:00", func(h *house, _ time.Time) {
			h.fail(503, "accounts.balances")
			h.Advance(90 * 24 * time.Hour)
			x := h.ask("admin.metrics", "period", "ALL")
			h.Expect(x.Duration.Seconds(), "seconds until the answer").About(x).To(expect.InRange(0, 1))
			all := h.metrics("period", "ALL")
			down := 7*86400 + int64(h.Now().Sub(midnight(h.Now())).Truncate(period)/time.Second) + 30
			f := h.of(all, spec.Find("accounts.balances").FullPath())
			h.Expect(f.down(), "seconds down of an endpoint in trouble since").About(f.about).To(expect.InRange(float64(down-30), float64(down+30)))
			h.Expect(f.rate("uptimeRate"), "uptime").About(f.about).To(expect.Equal(rate(f.down(), 8)))
			other := h.of(all, spec.Find("accounts.list").FullPath())
			h.Expect(other.down(), "seconds down of its neighbour").About(other.about).To(expect.Equal(0))
		}),
	}
}

func midnight(t time.Time) time.Time {
	y, m, d := t.In(brasilia).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, brasilia)
}

// rate is the share of some days without downtime, as text with six decimals.
func rate(down, days int64) string {
	return fmt.Sprintf("%.6f", 1-float64(down)/float64(86400*days))
}

func agreesWithWire(h *house, _ time.Time) {
	path := spec.Find("accounts.list").FullPath()
	for range 4 {
		h.Expect(h.ask("accounts.list"), "a call without token").To(expect.Status(401))
	}
	for status, n := range map[int]int{500: 3, 503: 2, 423: 1, 429: 2, 529: 1} {
		id := h.fail(status, "accounts.list")
		for range n {
			x := h.ask("accounts.list")
			h.Unjudged(x) // not every provider describes every refusal of every operation
			h.Expect(x, "a call in trouble").To(expect.Status(status))
		}
		h.mend(id)
	}
	for range 6 {
		h.outages()
	}
	all := h.metrics()
	want := map[string]map[string]int64{
		path:                                   {"invocations": 13, "errors": 5, "rejections": 4},
		spec.Find("common.outages").FullPath(): {"invocations": 6, "errors": 0, "rejections": 0},
		spec.Find("accounts.balances").FullPath():                  {"invocations": 0, "errors": 0, "rejections": 0, "peakTps": 0, "averageResponse": 0},
		spec.Find("customers.personal-identifications").FullPath(): {"invocations": 0},
	}
	for path, figures := range want {
		f := h.of(all, path)
		for name, n := range figures {
			h.Verify(f.today(name), "%s of %s", name, path).About(f.about).To(expect.Equal(n))
		}
		sound(h.Bench, path, f)
	}
	f := h.of(all, path)
	h.Verify(f.today("peakTps"), "peak of %s", path).About(f.about).To(expect.InRange(1, 13))
	h.Step("an answer after three hundred milliseconds")
	h.trouble(map[string]any{"operations": []string{"accounts.overdraft-limits"}, "status": 500, "delay": "300ms"})
	slow := h.asking("accounts.overdraft-limits")
	h.Expect(slow.Send(h.Context()), "a slow call").To(expect.Status(500))
	f = h.of(h.metrics(), spec.Find("accounts.overdraft-limits").FullPath())
	h.Verify(f.today("averageResponse"), "average of one answer after 300 ms").About(f.about).To(expect.InRange(300, 1500))
}

func availabilityRule(h *house, at time.Time) {
	list, balances, other := spec.Find("accounts.list").FullPath(), spec.Find("accounts.balances").FullPath(), spec.Find("customers.personal-identifications").FullPath()
	counts := func(when string, path string, down, general, scheduled int64) {
		f := h.of(h.metrics(), path)
		h.Verify(f.down(), "seconds down of %s, %s", path, when).About(f.about).To(expect.Equal(down))
		h.Verify(f.general(), "seconds in which anything was down, %s", when).About(f.about).To(expect.Equal(general))
		h.Verify(f.scheduled(), "seconds of scheduled work counted apart, %s", when).About(f.about).To(expect.Equal(scheduled))
		h.Verify(f.rate("uptimeRate"), "uptime of %s, %s", path, when).About(f.about).To(expect.Equal(rate(down, 1)))
		h.Verify(f.rate("generalUptimeRate"), "uptime of all, %s", when).About(f.about).To(expect.Equal(rate(general, 1)))
	}
	h.announce(at.Add(90*time.Minute), "PT10M", "accounts.list")             // 02:00, at night
	h.announce(at.Add(6*time.Hour+25*time.Minute), "PT10M", "accounts.list") // 06:55 to 07:05
	h.announce(at.Add(11*time.Hour+30*time.Minute), "PT5M", "accounts.list") // noon
	h.SetClock(at.Add(2 * time.Hour))
	counts("after work at two in the morning", list, 0, 0, 600)
	h.SetClock(at.Add(7 * time.Hour))
	counts("after work across seven in the morning", list, 300, 300, 900)
	h.SetClock(at.Add(12 * time.Hour))
	counts("after work at noon", list, 600, 600, 900)
	counts("after work on another endpoint", other, 0, 600, 900)

	down, general := int64(0), int64(600)
	for _, c := range []struct {
		status int
		counts bool
	}{{404, false}, {422, false}, {429, false}, {529, false}, {500, true}, {503, true}, {504, true}} {
		id := h.fail(c.status, "accounts.balances")
		x := h.ask("accounts.balances")
		h.Unjudged(x)
		h.Expect(x, "a call in trouble").To(expect.Status(c.status))
		h.Advance(5 * time.Minute)
		h.mend(id)
		if c.counts {
			down, general = down+300, general+300
		}
		h.Advance(time.Minute)
		counts(fmt.Sprintf("after five minutes of %d", c.status), balances, down, general, 900)
	}
}
