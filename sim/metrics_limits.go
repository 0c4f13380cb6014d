package sim

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ensaio/ensaio/platform/gateway"
)

var (
	secondCalls = prometheus.NewDesc("ensaio_second_calls", "Calls of this second, all together.", nil, nil)
	secondAside = prometheus.NewDesc("ensaio_second_security_calls", "Calls of this second, of all together, that asked the authorization server.", nil, nil)
	secondLimit = prometheus.NewDesc("ensaio_second_limit", "Calls that are answered in a second; 0 is no bound.", nil, nil)
	peakCalls   = prometheus.NewDesc("ensaio_second_peak_calls", "Most calls in one second of this fortnight.", nil, nil)
	busySeconds = prometheus.NewDesc("ensaio_busy_seconds", "Seconds of this fortnight above nine tenths of the regulation's floor.", nil, nil)
	trafficStep = prometheus.NewDesc("ensaio_traffic_floor", "Requests a second that the regulation demands of what was observed.", []string{"when"}, nil)
	limitUsed   = prometheus.NewDesc("ensaio_limit_used_ratio", "What the origin that calls an operation most has used of its limit.", []string{"limit", "operation"}, nil)
)

// traffic tells how much of the limits is used, of one moment. Origins stay unnamed.
type traffic struct{ usage func() gateway.Usage }

func (traffic) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{secondCalls, secondAside, secondLimit, peakCalls, busySeconds, trafficStep, limitUsed} {
		to <- d
	}
}

func (t traffic) Collect(to chan<- prometheus.Metric) {
	u := t.usage()
	gauge := func(d *prometheus.Desc, n float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	gauge(secondCalls, float64(u.Second.Count))
	gauge(secondAside, float64(u.Security))
	gauge(secondLimit, float64(u.Second.Limit))
	gauge(peakCalls, float64(u.Steps.Fortnight.Peak))
	gauge(busySeconds, float64(u.Steps.Seconds90))
	gauge(trafficStep, float64(u.Steps.Limit), "now")
	gauge(trafficStep, float64(u.Steps.Demanded), "next")
	for limit, shares := range map[string][]gateway.Share{"minute": u.Minutes, "month": u.Months} {
		seen := map[string]bool{}
		for _, s := range shares { // the most used first
			if !seen[s.Operation] && s.Limit > 0 {
				seen[s.Operation] = true
				gauge(limitUsed, float64(s.Count)/float64(s.Limit), limit, s.Operation)
			}
		}
	}
}
