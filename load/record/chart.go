package record

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The drawing area of a chart, in units of its view box.
const (
	width   = 560.0
	height  = 210.0
	left    = 52.0
	right   = 12.0
	top     = 14.0
	bottom  = 26.0
	columns = 180 // most points of a line; a longer timeline is drawn by its worst values
)

// chart is a plot over time, ready for the template.
type chart struct {
	Name    string // of the class, as people write it
	Class   string // for its colour
	Alt     string // what one would say about it
	X, Y    []tick
	Lines   []line
	Bars    []bar
	Budget  string // vertical position of the budget's line; "" for none
	BudgetY string // of its label
	Beyond  string // height of what lies above it, from Top
	Top     string
	Label   string
	Legend  []key
}

type tick struct{ At, Label string }

type line struct{ Kind, Points string }

type bar struct{ Kind, X, Y, W, H, Title string }

type key struct{ Kind, Name string }

func num(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

// axis maps seconds to the horizontal and values to the vertical.
type axis struct {
	seconds  float64
	from, to float64
	log      bool
}

func (a axis) x(second float64) float64 {
	return left + (width-left-right)*min(second/a.seconds, 1)
}

func (a axis) y(v float64) float64 {
	share := (v - a.from) / (a.to - a.from)
	if a.log {
		share = (math.Log10(max(v, a.from)) - math.Log10(a.from)) / (math.Log10(a.to) - math.Log10(a.from))
	}
	return height - bottom - (height-top-bottom)*min(max(share, 0), 1)
}

// times are the labels of the horizontal: at most seven, on round instants.
func (a axis) times() []tick {
	step := 86400.0
	for _, s := range []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200} {
		if a.seconds/s <= 7 {
			step = s
			break
		}
	}
	var ticks []tick
	for t := 0.0; t <= a.seconds; t += step {
		ticks = append(ticks, tick{num(a.x(t)), clockface(time.Duration(t * float64(time.Second)))})
	}
	return ticks
}

// levels are the labels of a linear vertical: about four, on round values.
func (a axis) levels() []tick {
	step := math.Pow(10, math.Floor(math.Log10(max(a.to, 1))))
	for a.to/step < 3 && step > 1 {
		step /= 2
	}
	for a.to/step > 5 {
		step *= 2
	}
	step = max(math.Round(step), 1)
	var ticks []tick
	for v := 0.0; v <= a.to; v += step {
		ticks = append(ticks, tick{num(a.y(v)), num(v)})
	}
	return ticks
}

// spans groups the timeline into at most [columns] parts. Past the schedule's end there are only answers that
// came late, which would look like a load that breaks off.
func (r *Report) spans() [][]Moment {
	drawn := slices.DeleteFunc(slices.Clone(r.Timeline), func(m Moment) bool { return m.Second > 0 && m.Second >= r.Duration })
	// So would the last one where the end cuts it: its counts are of less time than the others'.
	if n := len(drawn); n > 2 && drawn[n-1].Second+drawn[1].Second > r.Duration {
		drawn = drawn[:n-1]
	}
	if len(drawn) == 0 {
		return nil
	}
	return slices.Collect(slices.Chunk(drawn, (len(drawn)+columns-1)/columns))
}

// seconds is the length of the drawn timeline.
func (r *Report) seconds() float64 { return max(r.Duration, 1) }

// latencies draws every class: its percentiles over time against its budget, all on one logarithmic scale.
func (r *Report) latencies() []chart {
	lowest, highest := 1.0, 10.0
	for _, m := range r.Timeline {
		for _, p := range m.Classes {
			highest = max(highest, p.P99Ms)
			if p.P50Ms > 0 {
				lowest = min(lowest, p.P50Ms)
			}
		}
	}
	for _, c := range r.Classes {
		highest = max(highest, float64(c.BudgetMs))
	}
	a := axis{seconds: r.seconds(), from: math.Pow(10, math.Floor(math.Log10(lowest))), to: highest * 1.6, log: true}
	var levels []tick
	for v := a.from; v <= a.to; v *= 10 {
		levels = append(levels, tick{num(a.y(v)), milliseconds(v)})
	}
	var charts []chart
	for _, c := range r.Classes {
		ch := chart{Name: c.Class, Class: c.Class, X: a.times(), Y: levels,
			Alt: fmt.Sprintf("Class %s: p95 of the whole run %s, budget %s", c.Class, milliseconds(c.P95Ms), milliseconds(float64(c.BudgetMs)))}
		for _, kind := range []string{"p99", "p95", "p50"} {
			ch.Lines = append(ch.Lines, r.lines(a, kind, c.Class)...)
		}
		if c.BudgetMs > 0 {
			y := a.y(float64(c.BudgetMs))
			ch.Top, ch.Beyond = num(top), num(y-top)
			ch.Budget, ch.BudgetY, ch.Label = num(y), num(y+13), "budget "+milliseconds(float64(c.BudgetMs))
		}
		charts = append(charts, ch)
	}
	return charts
}

// lines are the stretches of one percentile of a class; where nothing was timed the line is broken.
func (r *Report) lines(a axis, kind, class string) []line {
	var lines []line
	var points []string
	flush := func() {
		if len(points) == 1 { // a lone point is drawn as a short stroke
			var x, y float64
			_, _ = fmt.Sscanf(points[0], "%g,%g", &x, &y)
			points = append(points, num(x+2)+","+num(y))
		}
		if len(points) > 0 {
			lines = append(lines, line{kind, strings.Join(points, " ")})
		}
		points = nil
	}
	for _, span := range r.spans() {
		worst := 0.0
		for _, m := range span {
			for _, p := range m.Classes {
				if string(p.Class) == class {
					worst = max(worst, map[string]float64{"p50": p.P50Ms, "p95": p.P95Ms, "p99": p.P99Ms}[kind])
				}
			}
		}
		if worst == 0 {
			flush()
			continue
		}
		points = append(points, num(a.x(span[0].Second))+","+num(a.y(worst)))
	}
	flush()
	return lines
}

// throughput draws what was offered and what was achieved.
func (r *Report) throughput() chart {
	spans := r.spans()
	highest := 1.0
	mean := func(span []Moment, of func(Moment) float64) float64 {
		sum := 0.0
		for _, m := range span {
			sum += of(m)
		}
		return sum / float64(len(span))
	}
	offered := func(m Moment) float64 { return m.Offered }
	achieved := func(m Moment) float64 { return m.Achieved }
	for _, s := range spans {
		highest = max(highest, mean(s, offered), mean(s, achieved))
	}
	a := axis{seconds: r.seconds(), to: highest * 1.15}
	ch := chart{X: a.times(), Y: a.levels(), Legend: []key{{"offered", "offered · oferecido"}, {"achieved", "achieved · atingido"}},
		Alt: fmt.Sprintf("Offered %g and achieved %g requests a second over the run", r.Offered, r.Achieved)}
	for _, kind := range []struct {
		name string
		of   func(Moment) float64
	}{{"offered", offered}, {"achieved", achieved}} {
		var points []string
		for i, s := range spans {
			end := a.seconds
			if i+1 < len(spans) {
				end = spans[i+1][0].Second
			}
			y := num(a.y(mean(s, kind.of)))
			points = append(points, num(a.x(s[0].Second))+","+y, num(a.x(end))+","+y)
		}
		if points != nil {
			ch.Lines = append(ch.Lines, line{kind.name, strings.Join(points, " ")})
		}
	}
	return ch
}

// codes draws everything that was not 2xx over time, stacked by code or kind of failure.
func (r *Report) codes() *chart {
	if len(r.Errors) == 0 {
		return nil
	}
	kinds := keysOf(r.Errors)
	slices.Sort(kinds)
	spans := r.spans()
	highest, slot := 1.0, 1.0
	sum := func(span []Moment, kind string) float64 {
		n := 0.0
		for _, m := range span {
			n += float64(m.Errors[kind])
		}
		return n / (float64(len(span)) * slot)
	}
	if len(r.Timeline) > 1 {
		slot = r.Timeline[1].Second
	}
	for _, s := range spans {
		all := 0.0
		for _, k := range kinds {
			all += sum(s, k)
		}
		highest = max(highest, all)
	}
	a := axis{seconds: r.seconds(), to: highest * 1.15}
	ch := &chart{X: a.times(), Y: a.levels(), Alt: "Answers other than 2xx and failures a second, by kind"}
	for _, k := range kinds {
		ch.Legend = append(ch.Legend, key{family(k), fmt.Sprintf("%s ×%d", k, r.Errors[k])})
	}
	for i, s := range spans {
		end := a.seconds
		if i+1 < len(spans) {
			end = spans[i+1][0].Second
		}
		base := 0.0
		for _, k := range kinds {
			v := sum(s, k)
			if v == 0 {
				continue
			}
			lower, upper := a.y(base), a.y(base+v)
			base += v
			ch.Bars = append(ch.Bars, bar{family(k), num(a.x(s[0].Second)), num(upper), num(max(a.x(end)-a.x(s[0].Second)-0.6, 0.8)), num(max(lower-upper, 0.8)),
				fmt.Sprintf("%s at %s: %.3g a second", k, clockface(time.Duration(s[0].Second*float64(time.Second))), v)})
		}
	}
	return ch
}

// family is the colour of an error: each code that the limits use has its own.
func family(kind string) string {
	switch kind {
	case "423", "429", "529", Timeout, Wrong:
		return "e-" + kind
	}
	switch kind[0] {
	case '3', '4':
		return "e-4xx"
	case '5':
		return "e-5xx"
	}
	return "e-lost"
}

// milliseconds is a latency as people read it.
func milliseconds(v float64) string {
	switch {
	case v == 0:
		return "–"
	case v < 1:
		return fmt.Sprintf("%.2g ms", v)
	case v < 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " ms"
	case v < 10_000:
		return fmt.Sprintf("%.0f ms", v)
	}
	return fmt.Sprintf("%.3g s", v/1000)
}
