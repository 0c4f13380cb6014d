package profile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// Schedule makes the arrivals of the pacer over a time.
func (p Pacer) Schedule(d time.Duration) (pace.Pacer, error) {
	switch p.Kind {
	case "constant":
		return pace.Constant(p.Rate, d)
	case "ramp":
		return pace.Ramp(p.From, p.To, d)
	case "step":
		steps := make([]pace.Step, p.Steps)
		for i := range steps {
			rate := p.From + (p.To-p.From)*float64(i)/float64(p.Steps-1)
			steps[i] = pace.Step{Rate: rate, For: d * time.Duration(i+1) / time.Duration(p.Steps)}
			if i > 0 {
				steps[i].For -= d * time.Duration(i) / time.Duration(p.Steps)
			}
		}
		return pace.Steps(steps...)
	case "spike":
		at, width := time.Duration(p.At), time.Duration(p.For)
		if at == 0 {
			return pace.Spike(p.Rate, p.Peak, d, width)
		}
		if at+width >= d {
			return nil, fmt.Errorf("a spike from %v for %v does not fit into %v", at, width, d)
		}
		return pace.Steps(pace.Step{Rate: p.Rate, For: at}, pace.Step{Rate: p.Peak, For: width}, pace.Step{Rate: p.Rate, For: d - at - width})
	case "payday":
		return pace.Payday(p.Peak, d)
	}
	return nil, fmt.Errorf("no pacer %q", p.Kind)
}

// Rows are the thresholds as they are held against a recording. What needs more than the recording
// (memory, the published status) is not among them.
func (p *Profile) Rows() []record.Threshold {
	var rows []record.Threshold
	t := p.Thresholds
	if p.JudgesLatency() {
		for _, c := range Classes {
			if _, named := t.Budgets[c]; c == Security && !named {
				continue // the standard gives it no budget
			}
			rows = append(rows, record.Threshold{Name: "class " + string(c), Metric: "p95", Of: string(c), Limit: float64(p.Budget(c).Milliseconds())})
		}
	}
	for _, row := range []struct {
		name, metric string
		limit        *float64
	}{
		{"errors", "errors", t.Errors}, {"server errors", "5xx", t.ServerErrors}, {"overloads", "529", t.Overloads},
		{"limited", "limited", t.Limited}, {"availability", "availability", t.Availability}, {"achieved", "achieved", t.Achieved},
	} {
		if row.limit != nil {
			rows = append(rows, record.Threshold{Name: row.name, Metric: row.metric, Limit: *row.limit})
		}
	}
	if t.Tail != nil && p.JudgesLatency() {
		for _, c := range []spec.Class{spec.High, spec.MediumHigh, spec.Medium, spec.Low} {
			rows = append(rows, record.Threshold{Name: "tail " + string(c), Metric: "p99", Of: string(c), Limit: *t.Tail * float64(p.Budget(c).Milliseconds())})
		}
	}
	if t.Slope != nil {
		for _, c := range []spec.Class{spec.High, spec.MediumHigh, spec.Medium, spec.Low} {
			rows = append(rows, record.Threshold{Name: "slope " + string(c), Metric: "slope", Of: string(c), Limit: *t.Slope})
		}
	}
	return rows
}

// Shorten changes how long the profile sends. What is scheduled at offsets moves in proportion; a spike that
// no longer fits is refused.
func (p *Profile) Shorten(d time.Duration) error {
	by := float64(d) / float64(p.Duration)
	for i := range p.Schedule {
		s := &p.Schedule[i]
		s.At, s.For = times(s.At, by), times(s.For, by)
	}
	p.Pacer.At, p.Pacer.For = times(p.Pacer.At, by), times(p.Pacer.For, by)
	p.Duration = target.Duration(d)
	_, err := p.Pacer.Schedule(d)
	return err
}

func times(d target.Duration, by float64) target.Duration { return target.Duration(float64(d) * by) }

// Stops says whether the schedule makes the bank unavailable.
func (p *Profile) Stops() bool {
	return slices.ContainsFunc(p.Schedule, func(s Step) bool { return s.Outage != nil || s.Failure != nil })
}

// Sends is how long the pacer runs.
func (p *Profile) Sends() time.Duration { return time.Duration(p.Duration) }

// YAML is the profile as a file would say it, with whatever was changed since it was read.
func (p *Profile) YAML() ([]byte, error) {
	b, err := yaml.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("load profile %s: %w", p.Name, err)
	}
	return b, nil
}

// String tells a step in a line.
func (s Step) String() string {
	at := time.Duration(s.At)
	what := func(t *Trouble) string {
		if len(t.Operations) == 0 {
			return "everything"
		}
		return strings.Join(t.Operations, ", ")
	}
	switch {
	case s.Outage != nil:
		return fmt.Sprintf("at %v a scheduled outage for %v: %s", at, time.Duration(s.For), what(s.Outage))
	case s.Failure != nil:
		return fmt.Sprintf("at %v a failure for %v: %s", at, time.Duration(s.For), what(s.Failure))
	}
	return fmt.Sprintf("at %v the clock steps by %s", at, s.Clock)
}

// String tells the limits that are switched.
func (s Switches) String() string {
	var parts []string
	if s.Minute != nil {
		parts = append(parts, fmt.Sprintf("minute %v", *s.Minute))
	}
	if s.Month != nil {
		parts = append(parts, fmt.Sprintf("month %v", *s.Month))
	}
	if s.PerSecond != nil {
		parts = append(parts, fmt.Sprintf("perSecond %d", *s.PerSecond))
	}
	return strings.Join(parts, ", ")
}
