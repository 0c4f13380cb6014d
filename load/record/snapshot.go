package record

import (
	"fmt"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
)

// Snapshot is the state of a running load, taken every second.
type Snapshot struct {
	Elapsed   time.Duration
	Planned   time.Duration
	Offered   float64 // arrivals due a second, over the last second
	Achieved  float64 // requests answered a second, over the last second
	Due       uint64  // arrivals due so far
	Answered  uint64  // ended, with an answer or without
	Heard     uint64  // of them, with an answer
	Failed    uint64
	InFlight  int
	Lag       time.Duration // p99 of due → sent so far
	Classes   []ClassNow
	Codes     map[int]uint64
	Failures  map[string]uint64
	Generator []string // why the generator is the bottleneck; nil when it is not
}

// ClassNow is one class so far.
type ClassNow struct {
	Class  spec.Class
	Count  uint64
	P95    time.Duration
	Budget time.Duration // 0: none
}

// Snapshot is the state so far. What only the running generator knows (Elapsed, Offered, Achieved, Due,
// InFlight) is left to it.
func (r *Recording) Snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Snapshot{Planned: r.Planned, Answered: r.Answered, Heard: r.Heard, Failed: r.Failed, Lag: r.Lag.Percentile(99),
		Codes: r.codes(), Failures: r.failures(), Generator: r.bottleneck()}
	for _, class := range classesOf(r.Classes) {
		c := r.Classes[class]
		s.Classes = append(s.Classes, ClassNow{Class: class, Count: c.Count, P95: c.Corrected.Percentile(95), Budget: budget(class)})
	}
	return s
}

// budget is the p95 that the standard allows a class; 0 for what has no class.
func budget(class spec.Class) time.Duration {
	switch class {
	case spec.High, spec.MediumHigh, spec.Medium, spec.Low:
		return time.Duration(class.Budget()) * time.Millisecond
	}
	return 0
}

// Add joins the states of two workers of one run. Percentiles do not add up: the larger one stands.
func (s Snapshot) Add(o Snapshot) Snapshot {
	s.Elapsed, s.Planned = max(s.Elapsed, o.Elapsed), max(s.Planned, o.Planned)
	s.Offered += o.Offered
	s.Achieved += o.Achieved
	s.Due += o.Due
	s.Answered += o.Answered
	s.Heard += o.Heard
	s.Failed += o.Failed
	s.InFlight += o.InFlight
	s.Lag = max(s.Lag, o.Lag)
	byClass := map[spec.Class]ClassNow{}
	for _, c := range append(append([]ClassNow{}, s.Classes...), o.Classes...) {
		b := byClass[c.Class]
		byClass[c.Class] = ClassNow{Class: c.Class, Count: b.Count + c.Count, P95: max(b.P95, c.P95), Budget: c.Budget}
	}
	s.Classes = nil
	for _, class := range classesOf(byClass) {
		s.Classes = append(s.Classes, byClass[class])
	}
	codes, failures := map[int]uint64{}, map[string]uint64{}
	addAll(codes, s.Codes)
	addAll(codes, o.Codes)
	addAll(failures, s.Failures)
	addAll(failures, o.Failures)
	s.Codes, s.Failures = codes, failures
	s.Generator = append(append([]string{}, s.Generator...), o.Generator...)
	if len(s.Generator) == 0 {
		s.Generator = nil
	}
	return s
}

var short = map[spec.Class]string{spec.High: "high", spec.MediumHigh: "med-high", spec.Medium: "medium", spec.Low: "low", Security: "security"}

// Line is a snapshot for a terminal, in under a hundred columns where there is nothing wrong:
//
//	0:42/1:00 · 300/300 a second · 12 in flight · p95 high 21/1500 low 48/4000 ms · 0 errors
func Line(s Snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s · %.0f/%.0f a second · %d in flight", clockface(s.Elapsed), clockface(s.Planned), s.Achieved, s.Offered, s.InFlight)
	for i, c := range s.Classes {
		if i == 0 {
			b.WriteString(" · p95")
		}
		name := short[c.Class]
		if name == "" {
			name = string(c.Class)
		}
		fmt.Fprintf(&b, " %s ", name)
		if c.P95 == 0 {
			b.WriteString("–") // nothing of it was answered in time
		} else {
			fmt.Fprintf(&b, "%.0f", ms(c.P95))
		}
		if c.Budget > 0 {
			fmt.Fprintf(&b, "/%d", c.Budget.Milliseconds())
			if c.P95 > c.Budget {
				b.WriteString("✗")
			}
		}
	}
	if len(s.Classes) > 0 {
		b.WriteString(" ms")
	}
	b.WriteString(" · " + availability.Count(s.Failed, "error"))
	if s.Generator != nil {
		b.WriteString(" · ! generator: " + s.Generator[0])
	}
	return b.String()
}

func clockface(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
