package record

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
)

// Threshold is one row of what a run must keep. Of narrows it to a class or an operation; "" is everything.
type Threshold struct {
	Name   string  `json:"name"`
	Metric string  `json:"metric"` // the name of a [Metric]
	Of     string  `json:"of"`
	Limit  float64 `json:"limit"` // in the metric's unit; a share is between 0 and 1
}

// Metric is one measurable thing that thresholds limit.
type Metric struct {
	Name  string
	Title string
	Unit  string // "ms", "share", "count", "bytes", "ms/min"
	Least bool   // the limit is the least allowed, else the most
	// Timing metrics are withheld when the generator is the bottleneck.
	Timing bool
	// value returns the figure, or why there is none.
	value func(r *Recording, of string, facts Facts) (float64, string)
	// late is the part of the value that a generator which is the bottleneck may itself have made; nil means
	// none of it. A limit that would be kept without it is withheld then, not crossed.
	late func(r *Recording, of string) float64
	// lost tells whether the limit can no longer be kept, whatever still comes of due arrivals in all; nil means it
	// never is.
	lost func(r *Recording, t Threshold, due uint64) bool
}

// Facts are figures that others measured, by metric name: memory growth, for one.
type Facts map[string]float64

// Metrics lists every metric there is.
func Metrics() []Metric { return metrics }

var metrics = []Metric{
	{Name: "p50", Title: "median latency", Unit: "ms", Timing: true, value: quantile(50)},
	{Name: "p95", Title: "95th percentile of latency", Unit: "ms", Timing: true, value: quantile(95), lost: tooManyLate(95)},
	{Name: "p99", Title: "99th percentile of latency", Unit: "ms", Timing: true, value: quantile(99), lost: tooManyLate(99)},
	{Name: "max", Title: "largest latency", Unit: "ms", Timing: true, value: quantile(100), lost: tooManyLate(100)},
	{Name: "slope", Title: "growth of the median latency", Unit: "ms/min", Timing: true, value: slope},
	{Name: "errors", Title: "share of failed requests", Unit: "share", value: errorShare, late: timeoutShare, lost: tooManyErrors},
	{Name: "5xx", Title: "server errors (529 apart)", Unit: "count", value: serverErrors, lost: tooMany5xx},
	{Name: "529", Title: "share of 529 in valid requests", Unit: "share", value: overloaded},
	{Name: "limited", Title: "share refused by a limit (423, 429)", Unit: "share", value: limited},
	{Name: "achieved", Title: "answered of what was offered", Unit: "share", Least: true, Timing: true, value: achievedShare},
	{Name: "availability", Title: "available minutes of those with traffic, worst endpoint", Unit: "share", Least: true, value: worstEndpoint},
	{Name: "memory", Title: "growth of the target's memory", Unit: "bytes", value: fact("memory")},
}

// FindMetric returns the metric of that name.
func FindMetric(name string) (Metric, bool) {
	i := slices.IndexFunc(metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return metrics[i], true
}

// Check refuses a threshold that no recording could be held against.
func (t Threshold) Check() error {
	m, known := FindMetric(t.Metric)
	switch {
	case !known:
		var names []string
		for _, m := range metrics {
			names = append(names, m.Name)
		}
		return fmt.Errorf("threshold %q: unknown metric %q; there are %s", t.Name, t.Metric, strings.Join(names, ", "))
	case math.IsNaN(t.Limit) || math.IsInf(t.Limit, 0) || t.Limit < 0:
		return fmt.Errorf("threshold %q: the limit %v is impossible", t.Name, t.Limit)
	case m.Unit == "share" && t.Limit > 1:
		return fmt.Errorf("threshold %q: the limit %v of a share is above 1", t.Name, t.Limit)
	}
	return nil
}

// Budgets are the thresholds of the frequency classes: p95 within the class's budget.
func Budgets() []Threshold {
	var rows []Threshold
	for _, class := range []spec.Class{spec.High, spec.MediumHigh, spec.Medium, spec.Low} {
		rows = append(rows, Threshold{Name: "class " + string(class), Metric: "p95", Of: string(class), Limit: float64(class.Budget())})
	}
	return rows
}

// The outcomes of a threshold. Idle means that nothing it speaks of was sent.
const (
	OK       = "ok"
	Crossed  = "crossed"
	Withheld = "withheld"
	Idle     = "idle"
)

// Verdict is a threshold held against a recording.
type Verdict struct {
	Threshold
	Title   string  `json:"title"`
	Unit    string  `json:"unit"`
	Least   bool    `json:"least"` // the limit is the least allowed
	Value   float64 `json:"value"`
	Outcome string  `json:"outcome"` // ok, crossed, withheld or idle
	Reason  string  `json:"reason,omitempty"`
}

// Judge holds every threshold against what was recorded. A latency is withheld while the generator is the
// bottleneck, whether or not it is within its limit: the load asked for was not given. So is a limit that
// only time-outs crossed, which are told by the same late clock.
func (r *Recording) Judge(thresholds []Threshold, facts Facts) []Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	why := r.bottleneck()
	verdicts := make([]Verdict, 0, len(thresholds))
	for _, t := range thresholds {
		m, known := FindMetric(t.Metric)
		v := Verdict{Threshold: t, Title: m.Title, Unit: m.Unit, Least: m.Least, Outcome: OK}
		if !known {
			v.Outcome, v.Reason = Withheld, "unknown metric"
			verdicts = append(verdicts, v)
			continue
		}
		value, none := m.value(r, t.Of, facts)
		v.Value = math.Round(value*1e6) / 1e6
		switch {
		case none == noTraffic:
			v.Outcome, v.Reason = Idle, none
		case none != "":
			v.Outcome, v.Reason = Withheld, none
		case m.Timing && why != nil:
			v.Outcome, v.Reason = Withheld, "generator: "+strings.Join(why, "; ")
		case m.Least && value < t.Limit, !m.Least && value > t.Limit:
			v.Outcome = Crossed
			if why != nil && m.late != nil && value-m.late(r, t.Of) <= t.Limit {
				v.Outcome, v.Reason = Withheld, "generator: "+strings.Join(why, "; ")
			}
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// Lost names the first threshold that can no longer be kept, or "". Due is how many arrivals the whole run has: a
// worker's share forgives as many as the whole does, because what the others measured is not known here.
func (r *Recording) Lost(thresholds []Threshold, due uint64) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	spoilt := r.bottleneck() != nil
	for _, t := range thresholds {
		if m, ok := FindMetric(t.Metric); ok && m.lost != nil && !(m.Timing && spoilt) && m.lost(r, t, due) {
			return t.Name
		}
	}
	return ""
}

const noTraffic = "nothing was sent that it speaks of"

// of are the series that a name means: a class, an operation or, for "", every operation. A class is its
// operations, because only they keep exact values.
func (r *Recording) of(name string) []*Series {
	var all []*Series
	for id, s := range r.Operations {
		if name == "" || id == name || string(s.Class) == name {
			all = append(all, s)
		}
	}
	return all
}

func quantile(p int) func(*Recording, string, Facts) (float64, string) {
	return func(r *Recording, of string, _ Facts) (float64, string) {
		series := r.of(of)
		timed := uint64(0)
		for _, s := range series {
			timed += s.Corrected.Count()
		}
		if timed == 0 {
			return 0, noTraffic
		}
		return ms(percentileOf(p, series...)), ""
	}
}

// tooManyLate tells whether more answers are late already than the percentile forgives of the whole run.
func tooManyLate(p int) func(*Recording, Threshold, uint64) bool {
	return func(r *Recording, t Threshold, due uint64) bool {
		if r.Steps > 0 || due == 0 {
			return false // nobody knows how many steps of journeys are still to come
		}
		forgiven := due - rank(p, due)
		whole := newHist()
		for _, s := range r.of(t.Of) {
			whole.merge(s.Corrected)
		}
		n := whole.Count()
		if n <= forgiven {
			return false
		}
		// A thousandth of room, because the histogram rounds upwards.
		return ms(whole.at(n-forgiven)) > t.Limit*1.001
	}
}

func count(series []*Series, of func(*Series) uint64) uint64 {
	sum := uint64(0)
	for _, s := range series {
		sum += of(s)
	}
	return sum
}

func ended(s *Series) uint64 { return s.Count }

func failed(s *Series) uint64 { return s.Count - s.Good }

func failing5xx(s *Series) uint64 {
	n := uint64(0)
	for code, c := range s.Codes {
		if code >= 500 && code != 529 {
			n += c
		}
	}
	return n
}

// valid are the requests that the monitoring of 529 counts: 2xx, 5xx, 408 and 422.
func valid(s *Series) uint64 {
	n := uint64(0)
	for code, c := range s.Codes {
		if availability.Valid(code) {
			n += c
		}
	}
	return n
}

func errorShare(r *Recording, of string, _ Facts) (float64, string) {
	series := r.of(of)
	all := count(series, ended)
	if all == 0 {
		return 0, noTraffic
	}
	return float64(count(series, failed)) / float64(all), ""
}

// timeoutShare is the share of requests that had no answer in time. Our clock says so, which runs on while
// nobody reads what has come.
func timeoutShare(r *Recording, of string) float64 {
	series := r.of(of)
	return float64(count(series, timedOut)) / float64(max(count(series, ended), 1))
}

func timedOut(s *Series) uint64 { return s.Failures[Timeout] }

func tooManyErrors(r *Recording, t Threshold, due uint64) bool {
	n := count(r.of(t.Of), failed)
	if r.bottleneck() != nil {
		n -= count(r.of(t.Of), timedOut)
	}
	return r.Steps == 0 && float64(n) > t.Limit*float64(due)
}

func serverErrors(r *Recording, of string, _ Facts) (float64, string) {
	series := r.of(of)
	if count(series, ended) == 0 {
		return 0, noTraffic
	}
	return float64(count(series, failing5xx)), ""
}

func tooMany5xx(r *Recording, t Threshold, _ uint64) bool {
	return float64(count(r.of(t.Of), failing5xx)) > t.Limit
}

func overloaded(r *Recording, of string, _ Facts) (float64, string) {
	series := r.of(of)
	all := count(series, valid)
	if all == 0 {
		return 0, noTraffic
	}
	return float64(count(series, func(s *Series) uint64 { return s.Codes[529] })) / float64(all), ""
}

func limited(r *Recording, of string, _ Facts) (float64, string) {
	series := r.of(of)
	all := count(series, ended)
	if all == 0 {
		return 0, noTraffic
	}
	return float64(count(series, func(s *Series) uint64 { return s.Codes[423] + s.Codes[429] })) / float64(all), ""
}

func achievedShare(r *Recording, _ string, _ Facts) (float64, string) {
	offered, achieved := r.rates()
	if offered == 0 {
		return 0, noTraffic
	}
	return min(achieved/offered, 1), ""
}

// worstEndpoint is the worst endpoint's share of available minutes: a minute counts when it had valid
// traffic, and is available when at least 95 % of it succeeded (availability page).
func worstEndpoint(r *Recording, of string, _ Facts) (float64, string) {
	worst, any := 1.0, false
	for _, s := range r.of(of) {
		if a, ok := s.available(); ok {
			worst, any = min(worst, a), true
		}
	}
	if !any {
		return 0, noTraffic
	}
	return worst, ""
}

func (s *Series) available() (share float64, ok bool) {
	up := 0
	for _, m := range s.Minutes {
		// In whole numbers, so that exactly 95 % is available.
		if 100*uint64(m.Success) >= 95*(uint64(m.Success)+uint64(m.Failure)) {
			up++
		}
	}
	if len(s.Minutes) == 0 {
		return 0, false
	}
	return float64(up) / float64(len(s.Minutes)), true
}

func fact(name string) func(*Recording, string, Facts) (float64, string) {
	return func(_ *Recording, _ string, facts Facts) (float64, string) {
		v, ok := facts[name]
		if !ok {
			return 0, "not measured"
		}
		return v, ""
	}
}

// slope is the straight line through the medians of the slots, weighted by their requests, in milliseconds
// a minute. The first tenth of the run is left out: connections and caches warm up there.
func slope(r *Recording, of string, _ Facts) (float64, string) {
	var n, sx, sy, sxx, sxy float64
	for i, s := range r.Timeline {
		if 10*i < len(r.Timeline) {
			continue
		}
		for class, c := range s.Classes {
			if of != "" && of != string(class) || len(c.Sketch) == 0 {
				continue
			}
			w, x := float64(c.Count), (time.Duration(i) * r.Slot).Minutes()
			y := ms(c.Sketch.percentile(50, sortedKeys(c.Sketch)))
			n, sx, sy, sxx, sxy = n+w, sx+w*x, sy+w*y, sxx+w*x*x, sxy+w*x*y
		}
	}
	spread := n*sxx - sx*sx
	if n == 0 || spread <= 0 {
		return 0, noTraffic
	}
	return (n*sxy - sx*sy) / spread, ""
}
