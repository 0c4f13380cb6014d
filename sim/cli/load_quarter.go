package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/quarter"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/target"
)

// quarterPlan reads the plan before anything is started.
func quarterPlan(p *profile.Profile, file string) (*quarter.Plan, error) {
	if file == "" {
		file = p.Plan
	}
	if file == "" {
		return quarter.Default(), nil
	}
	plan, err := quarter.Open(file)
	if err != nil {
		return nil, usage(err, "see docs/load.md")
	}
	return plan, nil
}

// quarter replays ninety days.
func (a *app) quarter(ctx context.Context, cmd *cobra.Command, p *profile.Profile, t *target.Target, f loadFlags) error {
	defects, err := armedAt(ctx, t)
	if err != nil {
		return err
	}
	show := a.meter(p, t)
	dir := a.outDir
	if dir == "" {
		dir = filepath.Join("out", show.watch.Now().Format("2006-01-02T150405"))
	}
	// Half a million requests one after the other leave much behind and keep little: collecting less often
	// takes a sixth off the time of the whole.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	prepared := func(ctx context.Context) error {
		for _, d := range f.defects {
			if err := arm(ctx, t, d); err != nil {
				return err
			}
		}
		return nil
	}
	r, err := quarter.Run(ctx, quarter.Options{Target: t, Plan: f.quarter, Days: f.days, Out: dir, Observe: show.day, Prepared: prepared, Seed: a.seed, Tool: suites.Version,
		Command: loadCommandLine(cmd, p), Defects: append(defects, f.defects...)})
	show.close()
	if r == nil {
		var powerless *quarter.Powerless
		if errors.As(err, &powerless) {
			return usage(err, "%s", powerless.Hint())
		}
		return a.unprepared(ctx, err)
	}
	unwritten := errors.Is(err, quarter.ErrUnwritten)
	switch {
	case a.asJSON:
		if err := a.document(r.Load.JSON); err != nil {
			return err
		}
	case unwritten:
		a.quarterVerdict(r, "")
	default:
		a.quarterVerdict(r, filepath.Join(dir, "quarter.html"))
	}
	if unwritten {
		return &Exit{Code: CodeHarness, Err: err, Hint: unwrittenHint}
	}
	if r.Partial && ctx.Err() == nil { // the target went away; what it had failed before stays a failure
		if r.Verdict != record.VerdictFail {
			return &Exit{Code: CodeNotReady, Err: err, Hint: "the days until then are in the report"}
		}
	}
	return loadOutcome(r.Load, err, cmd.Context().Err() != nil)
}

// day shows a day that has ended.
func (m *meter) day(d quarter.Progress) {
	if m.silent() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	down := ""
	if d.Down > 0 || d.Scheduled > 0 {
		down = fmt.Sprintf(" · down %s, scheduled %s", availability.Span(int64(d.Down.Seconds())), availability.Span(int64(d.Scheduled.Seconds())))
	}
	line := fmt.Sprintf("  %s %d of %s · %s · %s%s", bar(d.Day, d.Days), d.Day, availability.Count(d.Days, "day"), d.Date, availability.Count(d.Calls, "call"), down)
	if m.app.wide {
		m.app.printf("\r\x1b[K%s", line)
		m.live = true
		return
	}
	if now := m.watch.Now(); now.Sub(m.told) >= seldom || d.Day == d.Days || down != "" {
		m.told = now
		m.app.printf("%s\n", line)
	}
}

// quarterVerdict prints the end of a quarter.
func (a *app) quarterVerdict(r *quarter.Report, picture string) {
	if !a.quiet {
		a.printf("\n")
		r.Text(a.out, a.verbose > 0)
		for _, n := range r.Notes {
			a.printf("  %s %s\n", a.yellow("!"), n)
		}
		if len(r.Defects) > 0 {
			a.printf("\n%s\n", a.red("broken on purpose: "+strings.Join(r.Defects, ", ")))
		}
		a.printf("\n")
	}
	name := a.red("FAIL")
	switch r.Verdict {
	case record.VerdictPass:
		name = a.green("PASS")
	case record.VerdictNone:
		name = a.yellow("NO VERDICT")
	}
	a.printf("%s   %s · %s\n", name, r.Sentence(), report.Human(time.Duration(r.Seconds*float64(time.Second))))
	if !a.quiet && picture != "" {
		a.printf("calendar %s\n", shellPath(picture))
	}
}

var errPlan = errors.New("--plan is for the quarter alone")
