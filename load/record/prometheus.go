package record

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Gauges are the live figures of a run for a Prometheus server, fed with every [Snapshot]. No label holds
// what a target chose: classes, kinds and codes are a fixed few.
type Gauges struct {
	mu   sync.Mutex
	last Snapshot
}

var (
	described = func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("ensaio_load_"+name, help, labels, nil)
	}
	elapsedDesc    = described("elapsed_seconds", "How much of the schedule was played.")
	plannedDesc    = described("planned_seconds", "Length of the schedule.")
	offeredDesc    = described("offered_rate", "Arrivals due a second, over the last second.")
	achievedDesc   = described("achieved_rate", "Requests answered a second, over the last second.")
	dueDesc        = described("due_total", "Arrivals due so far.")
	inflightDesc   = described("in_flight", "Requests on their way.")
	failedDesc     = described("failed_total", "Requests that failed.")
	lagDesc        = described("generator_lag_seconds", "How late requests left, 99th percentile so far.")
	bottleneckDesc = described("generator_bottleneck", "1 while the generator, and not the target, explains the latency.")
	requestsDesc   = described("requests_total", "Requests that ended, by class.", "class")
	p95Desc        = described("p95_seconds", "95th percentile of latency so far, corrected for coordinated omission, by class.", "class")
	budgetDesc     = described("budget_seconds", "The 95th percentile that the standard allows a class.", "class")
	answersDesc    = described("answers_total", "Answers by status.", "status")
	failuresDesc   = described("failures_total", "Requests without the answer asked for, by kind.", "kind")
)

// Set takes over a snapshot: hand it to the plan's Observe.
func (g *Gauges) Set(s Snapshot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = s
}

// Describe implements [prometheus.Collector].
func (g *Gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{elapsedDesc, plannedDesc, offeredDesc, achievedDesc, dueDesc, inflightDesc, failedDesc, lagDesc,
		bottleneckDesc, requestsDesc, p95Desc, budgetDesc, answersDesc, failuresDesc} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (g *Gauges) Collect(ch chan<- prometheus.Metric) {
	g.mu.Lock()
	s := g.last
	g.mu.Unlock()
	give := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	give(elapsedDesc, prometheus.GaugeValue, s.Elapsed.Seconds())
	give(plannedDesc, prometheus.GaugeValue, s.Planned.Seconds())
	give(offeredDesc, prometheus.GaugeValue, s.Offered)
	give(achievedDesc, prometheus.GaugeValue, s.Achieved)
	give(dueDesc, prometheus.CounterValue, float64(s.Due))
	give(inflightDesc, prometheus.GaugeValue, float64(s.InFlight))
	give(failedDesc, prometheus.CounterValue, float64(s.Failed))
	give(lagDesc, prometheus.GaugeValue, s.Lag.Seconds())
	bottleneck := 0.0
	if s.Generator != nil {
		bottleneck = 1
	}
	give(bottleneckDesc, prometheus.GaugeValue, bottleneck)
	for _, c := range s.Classes {
		give(requestsDesc, prometheus.CounterValue, float64(c.Count), string(c.Class))
		give(p95Desc, prometheus.GaugeValue, c.P95.Seconds(), string(c.Class))
		if c.Budget > 0 {
			give(budgetDesc, prometheus.GaugeValue, c.Budget.Seconds(), string(c.Class))
		}
	}
	for code, n := range s.Codes {
		give(answersDesc, prometheus.CounterValue, float64(n), strconv.Itoa(code))
	}
	for kind, n := range s.Failures {
		give(failuresDesc, prometheus.CounterValue, float64(n), kind)
	}
}
