package sim

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ensaio/ensaio/platform"
	reporter "github.com/ensaio/ensaio/platform/pcm"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/spec"
)

// figures are what a Prometheus server reads of this ecosystem. No label holds what a caller chose: names
// come from the registry, the routes and the rules.
type figures struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	breaches *prometheus.CounterVec
}

// The classes whose exchanges are not of an API.
const classless = "none"

func newFigures(e *Ecosystem) *figures {
	f := &figures{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ensaio_calls_total", Help: "Exchanges answered."},
			[]string{"role", "api", "operation", "status", "class"}),
		// The budgets of the classes lie at 1.5 s and 4 s; the gateway gives up at 14.5 s.
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ensaio_call_duration_seconds", Help: "Time from request to answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 4, 8, 15}}, []string{"role", "class"}),
		breaches: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ensaio_rule_breaches_total", Help: "Exchanges refused, by the rule that was broken."},
			[]string{"rule"}),
	}
	f.registry.MustRegister(f.calls, f.took, f.breaches, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		armed{e.board.Seams().Armed},
		gauge("ensaio_clock_offset_seconds", "How far the clock of the ecosystem is ahead of the machine's.", func() float64 { return e.clock.Offset().Seconds() }),
	)
	return f
}

// handler serves the figures.
func (f *figures) handler() http.Handler {
	return promhttp.HandlerFor(f.registry, promhttp.HandlerOpts{})
}

// exchange counts one that was answered.
func (f *figures) exchange(e journal.Entry) {
	api, class := e.Role, classless
	operation := e.Operation
	if op := spec.Find(e.Operation); op != nil && e.Role == roleAPI {
		api, class = op.API.Name, string(op.Class)
	} else if operation == "" {
		operation = "unknown"
	}
	f.calls.WithLabelValues(e.Role, api, operation, strconv.Itoa(e.Status), class).Inc()
	f.took.WithLabelValues(e.Role, class).Observe(e.Duration.Seconds())
	if e.Rule != "" {
		f.breaches.WithLabelValues(e.Rule).Inc()
	}
}

// bank adds what the institution knows.
func (f *figures) bank(p *platform.Platform) {
	f.registry.MustRegister(gauge("ensaio_active_consents", "Authorised consents.", func() float64 { return float64(p.Consents.Active()) }), traffic{p.Gateway.Usage})
}

// reporter adds how far the reports to the metrics platform are.
func (f *figures) reporter(r *reporter.Reporter) { f.registry.MustRegister(reports{r}) }

func gauge(name, help string, read func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
}

var armedDefect = prometheus.NewDesc("ensaio_armed_defect", "A defect that is armed now.", []string{"name"}, nil)

// armed tells the defects that are armed.
type armed struct{ names func() []string }

func (armed) Describe(to chan<- *prometheus.Desc) { to <- armedDefect }

func (a armed) Collect(to chan<- prometheus.Metric) {
	for _, name := range a.names() {
		to <- prometheus.MustNewConstMetric(armedDefect, prometheus.GaugeValue, 1, name)
	}
}

var (
	reportsWaiting = prometheus.NewDesc("ensaio_reports_waiting", "Reports in the outbox.", nil, nil)
	reportsOldest  = prometheus.NewDesc("ensaio_reports_oldest_seconds", "Age of the oldest report that trouble keeps waiting.", nil, nil)
	reportsLost    = prometheus.NewDesc("ensaio_reports_lost_total", "Reports that the outbox had no room for.", nil, nil)
	reportsFlawed  = prometheus.NewDesc("ensaio_reports_flawed_total", "Reports sent although they look like a discard.", nil, nil)
	reportsTotal   = prometheus.NewDesc("ensaio_reports_total", "Reports told to the metrics platform, by outcome.", []string{"outcome"}, nil)
	reportBatches  = prometheus.NewDesc("ensaio_report_batches_total", "Batches sent to the metrics platform.", nil, nil)
	reportFailures = prometheus.NewDesc("ensaio_report_failures_total", "Batches that had to be sent again.", nil, nil)
)

// reports are the figures of the reporter, of one moment.
type reports struct{ of *reporter.Reporter }

func (reports) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{reportsWaiting, reportsOldest, reportsLost, reportsFlawed, reportsTotal, reportBatches, reportFailures} {
		to <- d
	}
}

func (r reports) Collect(to chan<- prometheus.Metric) {
	s := r.of.Stats()
	counter := func(d *prometheus.Desc, n int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	to <- prometheus.MustNewConstMetric(reportsWaiting, prometheus.GaugeValue, float64(s.Waiting))
	to <- prometheus.MustNewConstMetric(reportsOldest, prometheus.GaugeValue, s.OldestSeconds)
	counter(reportsLost, s.Lost)
	counter(reportsFlawed, s.Flawed)
	counter(reportsTotal, s.Mended, "mended")
	counter(reportsTotal, s.Accepted, "accepted")
	counter(reportsTotal, s.Discarded, "discarded")
	counter(reportsTotal, s.Repeated, "repeated")
	counter(reportBatches, s.Requests)
	counter(reportFailures, s.Failures)
}
