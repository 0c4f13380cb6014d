package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/drive"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/suites/target"
)

// resolveLimit bounds the resolution of one name.
const resolveLimit = 5 * time.Second

// meter shows a run while it goes: one line that changes where a person watches, one line every ten seconds
// elsewhere.
type meter struct {
	app   *app
	watch *clock.Clock

	mu   sync.Mutex
	told time.Time
	live bool // the live line stands
}

// seldom is how often a line is printed where nobody watches.
const seldom = 10 * time.Second

func (a *app) meter(p *profile.Profile, t *target.Target) *meter {
	m := &meter{app: a, watch: clock.New()}
	m.told = m.watch.Now()
	if !m.silent() {
		what := p.Name
		if p.Procedure == profile.Steady {
			what += fmt.Sprintf(" · up to %.0f a second for %v", p.Pacer.Highest(), time.Duration(p.Duration))
		}
		a.printf("%s · %s · %s · seed %d\n", a.bold("ensaio load"), t.Name, what, a.seed)
	}
	return m
}

func (m *meter) silent() bool { return m.app.quiet || m.app.asJSON }

func (m *meter) observe(s load.Snapshot) {
	if m.silent() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.app.wide {
		m.app.printf("\r\x1b[K  %s", record.Line(s))
		m.live = true
		return
	}
	if now := m.watch.Now(); now.Sub(m.told) >= seldom {
		m.told = now
		m.app.printf("  %s\n", record.Line(s))
	}
}

// say tells what happens beside the sending.
func (m *meter) say(format string, args ...any) {
	if m.silent() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	m.app.printf("  … %s\n", fmt.Sprintf(format, args...))
}

func (m *meter) clear() {
	if m.live {
		m.app.printf("\r\x1b[K")
		m.live = false
	}
}

func (m *meter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
}

// loadVerdict prints the end of a run: what was crossed first, then the classes, the verdict, the picture.
func (a *app) loadVerdict(r *record.Report, picture string) {
	if !a.quiet {
		a.thresholds(r)
		a.printf("\n")
		a.classes(r)
		a.loadErrors(r)
		for _, n := range r.Notes {
			a.printf("  %s %s\n", a.yellow("!"), n)
		}
		if len(r.Defects) > 0 {
			a.printf("\n%s\n", a.red("broken on purpose: "+strings.Join(r.Defects, ", ")))
		}
		a.printf("\n")
	}
	name := a.red("FAIL")
	switch {
	case r.Verdict == record.VerdictPass:
		name = a.green("PASS")
	case r.Verdict == record.VerdictNone:
		name = a.yellow("NO VERDICT")
	}
	kept, judged := 0, 0
	for _, t := range r.Thresholds {
		if t.Outcome == record.OK || t.Outcome == record.Crossed {
			judged++
		}
		if t.Outcome == record.OK {
			kept++
		}
	}
	a.printf("%s   %d of %s kept · %s · %.0f of %.0f a second · %v\n", name, kept, availability.Count(judged, "threshold"), availability.Count(r.Requests, "request"), r.Achieved, r.Offered,
		time.Duration(r.Duration*float64(time.Second)).Round(time.Second))
	if !a.quiet && picture != "" {
		a.printf("picture %s\n", shellPath(picture))
	}
}

// thresholds prints those that were not kept, the crossed ones first.
func (a *app) thresholds(r *record.Report) {
	for _, outcome := range []string{record.Crossed, record.Withheld} {
		for _, t := range r.Thresholds {
			if t.Outcome != outcome {
				continue
			}
			mark, reason := a.red("✗"), ""
			if outcome == record.Withheld {
				mark = a.yellow("–")
			}
			if t.Reason != "" {
				reason = " · " + t.Reason
			}
			a.printf("\n%s %s  %s %s, %s %s allowed%s", mark, a.bold(t.Name), t.Title, amount(t.Value, t.Unit), map[bool]string{true: "at least", false: "at most"}[t.Least], amount(t.Limit, t.Unit), a.dim(reason))
		}
	}
}

func amount(v float64, unit string) string {
	switch unit {
	case "share":
		return fmt.Sprintf("%.4g %%", 100*v)
	case "count":
		return fmt.Sprintf("%.0f", v)
	case "ms":
		return fmt.Sprintf("%.0f ms", v)
	}
	return strings.TrimSpace(fmt.Sprintf("%.4g %s", v, unit))
}

// classes prints the table by class.
func (a *app) classes(r *record.Report) {
	rows := [][]string{{"", "class", "requests", "p50", "p95", "p99", "max", "budget"}}
	for _, c := range r.Classes {
		mark, budget := a.green("✓"), fmt.Sprintf("%d ms", c.BudgetMs)
		if !c.OK {
			mark = a.red("✗")
		}
		if c.Withheld {
			mark = a.yellow("–")
		}
		if c.BudgetMs == 0 {
			mark, budget = " ", "none"
		}
		ms := func(v float64) string {
			if v == 0 {
				return "–" // no answer whose latency counts
			}
			return fmt.Sprintf("%.1f", v)
		}
		rows = append(rows, []string{"  " + mark, c.Class, fmt.Sprint(c.Count), ms(c.P50Ms), ms(c.P95Ms), ms(c.P99Ms), ms(c.MaxMs), budget})
	}
	rows[0][0] = "   "
	table(a.out, rows)
}

func (a *app) loadErrors(r *record.Report) {
	if len(r.Errors) == 0 {
		return
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Errors)) {
		parts = append(parts, fmt.Sprintf("%s × %d", name, r.Errors[name]))
	}
	a.printf("  answers that are no 2xx: %s\n", strings.Join(parts, ", "))
	shown := 0
	for _, e := range r.Endpoints {
		for _, detail := range slices.Sorted(maps.Keys(e.Details)) {
			if shown++; shown <= 5 {
				a.printf("    %s: %s × %d\n", e.Operation, detail, e.Details[detail])
			}
		}
	}
}

// figures serves the run's figures for Prometheus, where that was asked for, and feeds them.
func (a *app) figures(ctx context.Context, address string, x *drive.Session) (func(), error) {
	if address == "" {
		return func() {}, nil
	}
	m, err := load.Serve(ctx, address)
	if err != nil {
		return nil, usage(err, "give a free address such as 127.0.0.1:9090 with --metrics")
	}
	show := x.Observe
	x.Observe = func(s load.Snapshot) {
		m.Set(s)
		show(s)
	}
	if !a.quiet && !a.asJSON {
		a.printf("  figures for Prometheus: %s\n", m.URL())
	}
	return func() { _ = m.Close() }, nil
}
