package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/load/drive"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/quarter"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/target"
)

// The bounds that must be raised knowingly.
const (
	maxRate     = 2000
	maxDuration = 15 * time.Minute
)

type loadFlags struct {
	rate, maxRate         float64
	duration, maxDuration time.Duration
	inFlight, grants      int
	defects               []string
	yes, metrics          string
	noReports, noPreview  bool
	http2                 bool
	workers, days         int
	nats                  string
	dir, core, plan       string
	release               string
	quarter               *quarter.Plan
}

func (a *app) loadCommand() *cobra.Command {
	var f loadFlags
	cmd := &cobra.Command{
		Use: "load [profile]", Short: "Drive load at a target and judge latency, errors and limits",
		Long: `Sends requests as a profile says, at the rate it says whatever the target does, and judges what came back:
latency at the 95th percentile of every frequency class against its budget, errors, 529, and what else the profile
holds. Writes load.json and load.html. Without -t it starts an ecosystem of its own.

A profile is one of those that come with it (see 'ensaio list profiles') or a file. Everything is prepared before the
first request: clients, customers' consents, tokens, signed messages.

Load goes to the hosts of the target file and to nowhere else. When one of them is not on this machine it must be
confirmed: at the terminal, or with --yes and the name of the target. Rates above 2000 a second and runs longer than
15 minutes must be raised knowingly, with --max-rate and --max-duration.

Exit codes: 0 every threshold kept · 5 a threshold crossed · 2 usage or configuration · 3 target not ready, or the
generator was the bottleneck and says so · 4 the harness failed, or its report could not be
kept · 130 interrupted, with a partial report.`,
		Example: `  ensaio load                              the least a bank must stand: 300 a second
  ensaio load capacity                     the highest rate at which every budget is kept
  ensaio load regulatory -t bank.yaml --yes 'Banco Exemplo' -o out
  ensaio load soak --duration 2m --rate 100
  ensaio load quarter                      ninety days of probes and traffic in under a minute
  ensaio load regulatory --defect perf/slow-class    see it fail`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.driveLoad(cmd, args, f) },
	}
	a.targetFlag(cmd)
	cmd.Flags().Lookup("target").Usage = "target file; without it an ecosystem of its own"
	fl := cmd.Flags()
	fl.StringVarP(&a.outDir, "out", "o", "", "folder for load.json and load.html (default out/<time>)")
	fl.Float64Var(&f.rate, "rate", 0, "highest rate, requests a second; 0 is the profile's")
	fl.DurationVar(&f.duration, "duration", 0, "how long to send; 0 is the profile's")
	fl.Float64Var(&f.maxRate, "max-rate", maxRate, "the highest rate that may be asked for")
	fl.DurationVar(&f.maxDuration, "max-duration", maxDuration, "the longest time that may be asked for")
	fl.IntVar(&f.inFlight, "in-flight", 0, "most requests at once; 0 is the profile's")
	fl.IntVar(&f.grants, "grants", 0, "consents made ahead for each client; 0 is the profile's")
	fl.StringArrayVar(&f.defects, "defect", nil, "arm a defect in the own ecosystem once everything is prepared (may be repeated)")
	fl.StringVar(&f.yes, "yes", "", "name of the target, to confirm load at hosts that are not on this machine")
	fl.StringVar(&f.metrics, "metrics", "", "address to serve the figures of the run at, for Prometheus, such as 127.0.0.1:9090")
	fl.BoolVar(&f.noReports, "no-reports", false, "do not report our side of the calls to the metrics platform")
	fl.BoolVar(&f.http2, "http2", false, "speak HTTP/2 where the target does")
	fl.BoolVar(&f.noPreview, "no-preflight", false, "do not look first whether the target can be reached")
	fl.StringVar(&f.plan, "plan", "", "file with the outages of a quarter; without it the plan that comes with it")
	fl.StringVar(&f.dir, "dir", "", "folder for keys and state of the own ecosystem; where memory is measured, a temporary one unless named")
	fl.StringVar(&f.core, "core", "", "core behind the own ecosystem's bank: \"http\", or the address of your connector")
	releaseFlag(cmd, &f.release)
	fl.IntVar(&f.workers, "workers", 1, "processes that share the run")
	fl.IntVar(&f.days, "days", 0, "play only the first days of a quarter; 0 is all of them")
	fl.StringVar(&f.nats, "nats", "", "NATS server or cluster at which workers of other machines wait ('ensaio load worker')")
	cmd.AddCommand(a.loadWorkerCommand())
	return cmd
}

// driveLoad plays a profile. Everything that can be wrong with the question is told before anything is
// started, and before anything is sent.
func (a *app) driveLoad(cmd *cobra.Command, args []string, f loadFlags) error {
	ctx, cancel := a.bounded(cmd.Context())
	defer cancel()
	if len(args) > 1 {
		return usage(fmt.Errorf("load takes one profile, not %d", len(args)), "see 'ensaio list profiles'")
	}
	if err := a.ours(cmd, "pcm-release", "dir", "core"); err != nil {
		return err
	}
	name := "regulatory"
	if len(args) == 1 {
		name = args[0]
	}
	p, err := profile.Open(name)
	if err != nil {
		return usage(err, "see 'ensaio list profiles' and docs/load.md")
	}
	if err := f.apply(p, a.target == ""); err != nil {
		return err
	}
	if p.Procedure == profile.Quarter {
		if f.quarter, err = quarterPlan(p, f.plan); err != nil {
			return err
		}
	} else if f.plan != "" {
		return usage(errPlan, "leave it out, or run 'ensaio load quarter'")
	}
	if f.workers > 1 || f.nats != "" {
		if err := drive.Shared(p); err != nil {
			return usage(err, "leave --workers and --nats out")
		}
	}
	if err := writable(cmp.Or(a.outDir, "out")); err != nil {
		return usage(err, "give a folder that can be written with -o")
	}
	if a.target != "" && len(f.defects) > 0 {
		return usage(fmt.Errorf("--defect breaks an ecosystem of our own, not the target %s", a.target), "arm it there with 'ensaio defect on NAME -t %s', or leave -t out", a.target)
	}
	for _, d := range f.defects {
		if !a.knows(d) {
			return usage(fmt.Errorf("no defect %q", d), "see 'ensaio list defects'")
		}
	}
	file := a.target
	if file == "" {
		dir, remove, err := f.folder(p)
		if err != nil {
			return usage(err, "give a folder that can be written with --dir")
		}
		defer remove()
		e, err := a.start(ctx, StartOptions{Dir: dir, Core: f.core, Seed: a.seed, Journal: -1, Reports: remembered(p), Release: f.release})
		if err != nil {
			return err
		}
		defer func() { _ = e.Close() }()
		file = e.TargetFile()
	}
	t, err := a.load(file)
	if err != nil {
		return err
	}
	if err := a.confirm(ctx, t, f.yes); err != nil {
		return err
	}
	if !f.noPreview {
		if err := a.preflight(ctx, t); err != nil {
			return err
		}
	}
	if p.Procedure == profile.Quarter {
		return a.quarter(ctx, cmd, p, t, f)
	}
	return a.perform(ctx, cmd, p, t, f)
}

// folder is where the own ecosystem keeps its state. Where memory is measured that is a folder of the run if none
// was named: an institution keeps its records on a disk, and in memory alone each one made would look like a leak.
func (f loadFlags) folder(p *profile.Profile) (dir string, remove func(), err error) {
	if f.dir != "" || p.Thresholds.Memory == nil {
		return f.dir, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "ensaio-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// remembered bounds the reports that the metrics platform of an ecosystem of ours remembers where memory is
// measured: by its own measure it would grow for half an hour, which is no leak and hides one.
func remembered(p *profile.Profile) int {
	if p.Thresholds.Memory == nil {
		return 0
	}
	return 50_000
}

// perform prepares the target, plays the profile there, and tells what came of it.
func (a *app) perform(ctx context.Context, cmd *cobra.Command, p *profile.Profile, t *target.Target, f loadFlags) error {
	o := drive.Options{Profile: p, Seed: clock.Seed(a.seed), Reports: !f.noReports, HTTP2: f.http2, Log: a.log()}
	var err error
	show := a.meter(p, t)
	x := drive.Session{Observe: show.observe, Say: show.say, Identity: record.Identity{Defects: f.defects, Tool: suites.Version, Command: loadCommandLine(cmd, p)}}
	x.Prepared = func(ctx context.Context) error {
		for _, d := range f.defects {
			if err := arm(ctx, t, d); err != nil {
				return err
			}
		}
		armed, err := armedAt(ctx, t)
		if err == nil && len(armed) > 0 {
			show.say("broken on purpose: %s", strings.Join(armed, ", "))
		}
		return err
	}
	if x.Identity.Defects, err = armedAt(ctx, t); err != nil {
		return err
	}
	for _, d := range f.defects {
		if !slices.Contains(x.Identity.Defects, d) {
			x.Identity.Defects = append(x.Identity.Defects, d)
		}
	}
	stop, err := a.figures(ctx, f.metrics, &x)
	if err != nil {
		return err
	}
	defer stop()
	rep, err := a.play(ctx, t, o, x, f)
	show.close()
	if rep == nil {
		return a.unprepared(ctx, err)
	}
	dir := a.outDir
	if dir == "" {
		dir = filepath.Join("out", rep.Started.UTC().Format("2006-01-02T150405"))
	}
	picture, werr := rep.Write(dir)
	if a.asJSON {
		if err := a.document(rep.JSON); err != nil {
			return err
		}
	} else {
		a.loadVerdict(rep, picture)
	}
	if werr != nil {
		return &Exit{Code: CodeHarness, Err: werr, Hint: unwrittenHint}
	}
	return loadOutcome(rep, err, cmd.Context().Err() != nil)
}

// unwrittenHint is for reports that were made and could not be kept: what they say was printed, and with --json whole.
const unwrittenHint = "make room there, or give another folder with -o; --json prints the whole report"

// play prepares and plays, in this process or with a crew.
func (a *app) play(ctx context.Context, t *target.Target, o drive.Options, x drive.Session, f loadFlags) (*record.Report, error) {
	if f.workers > 1 || f.nats != "" {
		return a.crew(ctx, t, o, x, f)
	}
	s, err := drive.Prepare(ctx, t, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Run(ctx, x)
}

// apply puts the flags over the profile and holds the result against the bounds.
func (f loadFlags) apply(p *profile.Profile, own bool) error {
	for name, rate := range map[string]float64{"rate": f.rate, "max-rate": f.maxRate} {
		if math.IsNaN(rate) || math.IsInf(rate, 0) {
			return usage(fmt.Errorf("--%s is %v, which is no number of requests a second", name, rate), "see 'ensaio load --help'")
		}
	}
	if f.rate < 0 || f.duration < 0 || f.inFlight < 0 || f.grants < 0 || f.workers < 1 {
		return usage(errors.New("rates, durations and counts cannot be negative, and a run needs a worker"), "see 'ensaio load --help'")
	}
	flow := func() string {
		return fmt.Sprintf("%.4g a second for %v", p.Pacer.Highest(), time.Duration(p.Duration))
	}
	asked := flow()
	if f.rate > 0 {
		switch p.Procedure {
		case profile.Steady:
			p.Pacer = p.Pacer.AtRate(f.rate)
		case profile.Capacity:
			p.Search.Most = f.rate
			p.Search.From = min(p.Search.From, f.rate)
		case profile.Limits, profile.Quarter:
			return usage(fmt.Errorf("profile %s sets its own rates", p.Name), "leave --rate out")
		}
	}
	if f.days != 0 && (f.days < 0 || p.Procedure != profile.Quarter) {
		return usage(fmt.Errorf("profile %s has no %d days", p.Name, f.days), "--days shortens a quarter")
	}
	if f.duration > 0 {
		if p.Procedure != profile.Steady {
			return usage(fmt.Errorf("profile %s takes the time it needs", p.Name), "leave --duration out")
		}
		if err := p.Shorten(f.duration); err != nil {
			return usage(err, "give a longer --duration")
		}
	}
	if now := flow(); p.Procedure == profile.Steady && now != asked {
		// A pass of less than the profile asks must not read as one of the profile.
		p.Title += fmt.Sprintf(" (changed: %s in place of %s)", now, asked)
	}
	if f.inFlight > 0 {
		p.InFlight = f.inFlight
	}
	if f.grants > 0 {
		p.Grants = f.grants
	}
	// What is looked for at somebody else's is looked for below the bound; our own may be driven to its end.
	if p.Procedure == profile.Capacity && p.Search.Most == 0 && (!own || f.maxRate != maxRate) {
		p.Search.Most = max(f.maxRate, p.Search.From)
	}
	return f.bounds(p)
}

func (f loadFlags) bounds(p *profile.Profile) error {
	rate := p.Pacer.Highest()
	if p.Search != nil {
		rate = max(p.Search.From, p.Search.Most)
	}
	if !(rate <= f.maxRate) { // a bound that is no number bounds nothing
		return usage(fmt.Errorf("%s asks for %.0f requests a second, and %.0f is the bound", p.Name, rate, f.maxRate), "if you mean it, give --max-rate %.0f", rate)
	}
	if d := p.Length(); d > f.maxDuration && p.Procedure != profile.Quarter {
		return usage(fmt.Errorf("%s lasts %v, and %v is the bound", p.Name, d, f.maxDuration), "if you mean it, give --max-duration %v", d)
	}
	return nil
}

// unprepared is the exit of a run that measured nothing.
func (a *app) unprepared(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &Exit{Code: CodeIncomplete, Err: errors.New("ended before anything was measured")}
	}
	var exit *Exit
	if errors.As(err, &exit) {
		return err
	}
	return &Exit{Code: CodeNotReady, Err: err}
}

// loadOutcome is the exit of a run with a report.
func loadOutcome(r *record.Report, cause error, interrupted bool) error {
	done := func(code int) error {
		return &Exit{Code: code, Err: fmt.Errorf("verdict: %s", r.Verdict), Silent: true}
	}
	switch {
	case interrupted:
		return done(CodeInterrupted)
	case cause != nil && errors.Is(cause, context.DeadlineExceeded):
		return done(CodeIncomplete)
	case r.Verdict == record.VerdictPass:
		return nil
	case r.Verdict == record.VerdictFail:
		return done(CodeFloor)
	}
	return done(CodeNotReady)
}

// loadCommandLine is how to repeat the run.
func loadCommandLine(cmd *cobra.Command, p *profile.Profile) string {
	name := p.Name
	if cmd.Flags().NArg() == 1 {
		name = cmd.Flags().Arg(0) // a file has a path and a name
	}
	parts := []string{"ensaio", "load", name, "--seed", cmd.Flag("seed").Value.String()}
	for _, name := range []string{"target", "rate", "duration", "in-flight", "grants", "workers", "no-reports", "http2", "plan", "days", "core", "pcm-release"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			parts = append(parts, "--"+name+"="+f.Value.String())
		}
	}
	if defects, err := cmd.Flags().GetStringArray("defect"); err == nil {
		for _, d := range defects {
			parts = append(parts, "--defect", d)
		}
	}
	return strings.Join(parts, " ")
}
