package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/target"
)

type runFlags struct {
	profile, specs, baseline, failOn, proof string
	defects                                 []string
	failFast, evidence, noPreflight         bool
	workers                                 int
	dir, core                               string
	portBase                                int
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use: "run [selector]…", Short: "Judge a target: the verdict",
		Long: `Runs the checks of a profile against a target and writes report.json, junit.xml and report.html.
Without -t it starts an ecosystem of its own and judges that, through the same kind of target file.

A selector is an id, a name, a plan or an area, with * and ** as wildcards; a leading ! excludes.

Exit codes: 0 pass · 1 fail · 2 usage or configuration · 3 target not ready · 4 the harness failed ·
6 incomplete · 130 interrupted.`,
		Example: `  ensaio run
  ensaio run 'par/*' token SOP-015 -o out
  ensaio run -t bank.yaml -p data-transmitter --baseline known.yaml
  ensaio run --defect par/accepts-missing-exp par     see a check fail`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd, args, f) },
	}
	a.targetFlag(cmd)
	cmd.Flags().Lookup("target").Usage = "target file; without it an ecosystem of its own"
	fl := cmd.Flags()
	fl.StringVarP(&a.outDir, "out", "o", "", "folder for report.json, junit.xml and report.html (default out/<time>)")
	fl.StringVarP(&f.profile, "profile", "p", "", "profile; see 'ensaio list profiles'")
	fl.StringVar(&f.specs, "specs", "", "validate with the published definitions in this folder (<api>/<version>.yml)")
	fl.StringVar(&f.baseline, "baseline", "", "file of known failures")
	fl.StringVar(&f.failOn, "fail-on", "must", "what makes the verdict a fail: must, should or warn; with --defect warn is the default: whatever notices it counts")
	fl.StringVar(&f.proof, "proof", "", "proof.json of 'ensaio prove', to show what each check was seen to fail on")
	fl.StringArrayVar(&f.defects, "defect", nil, "arm a defect in the own ecosystem (may be repeated)")
	fl.BoolVar(&f.failFast, "fail-fast", false, "stop at the first failure")
	fl.BoolVar(&f.evidence, "evidence", false, "keep whole messages of passed checks too")
	fl.BoolVar(&f.noPreflight, "no-preflight", false, "do not look first whether the target can be reached")
	fl.IntVar(&f.workers, "workers", 0, "checks at a time; 0 means twice the processors")
	fl.StringVar(&f.dir, "dir", "", "folder for keys and state of the own ecosystem")
	fl.StringVar(&f.core, "core", "", "core behind the own ecosystem's bank: \"http\", or the address of your connector")
	fl.IntVar(&f.portBase, "port-base", 0, "first port of the own ecosystem; 0 takes free ones")
	return cmd
}

func (a *app) run(cmd *cobra.Command, selectors []string, f runFlags) error {
	ctx, cancel := a.bounded(cmd.Context())
	defer cancel()
	if f.failOn != "must" && f.failOn != "should" && f.failOn != "warn" {
		return usage(fmt.Errorf("--fail-on is %q", f.failOn), "give must, should or warn")
	}
	if len(f.defects) > 0 && !cmd.Flags().Changed("fail-on") {
		f.failOn = "warn"
	}
	if a.target != "" && len(f.defects) > 0 {
		return usage(fmt.Errorf("--defect breaks an ecosystem of our own, not the target %s", a.target), "arm it there with 'ensaio defect on NAME -t %s', or leave -t out", a.target)
	}
	if err := writable(cmp.Or(a.outDir, "out")); err != nil {
		return usage(err, "give a folder that can be written with -o")
	}
	proof, err := readProof(f.proof)
	if err != nil {
		return err
	}
	o := suites.Options{Checks: a.world.checks(), Profile: f.profile, Patterns: selectors, Seed: a.seed, Specs: f.specs,
		Baseline: f.baseline, FailOn: f.failOn, FailFast: f.failFast, Workers: f.workers, Evidence: f.evidence,
		Proof: proof, Frame: a.world.Frame, Command: a.command(cmd, selectors)}
	// What is wrong with the question is told before anything is started.
	if err := a.selectable(o); err != nil {
		return err
	}
	file := a.target
	if file == "" {
		for _, name := range f.defects {
			if !a.knows(name) {
				return usage(fmt.Errorf("no defect %q", name), "see 'ensaio list defects'")
			}
		}
		e, err := a.start(ctx, StartOptions{Dir: f.dir, PortBase: f.portBase, Core: f.core, Seed: a.seed})
		if err != nil {
			return err
		}
		defer func() { _ = e.Close() }()
		file = e.TargetFile()
	}
	if o.Target, err = a.load(file); err != nil {
		return err
	}
	// Broken only once it stands: what cannot start cannot be judged.
	for _, name := range f.defects {
		if err := arm(ctx, o.Target, name); err != nil {
			return err
		}
	}
	if o.Defects, err = armedAt(ctx, o.Target); err != nil {
		return err
	}
	if o.Profile == "" {
		o.Profile = o.Target.Run.Profile
	}
	if o.Baseline == "" && o.Target.Baseline != "" {
		o.Baseline = filepath.Join(filepath.Dir(o.Target.Path()), o.Target.Baseline)
	}
	if !f.noPreflight {
		if err := a.preflight(ctx, o.Target); err != nil {
			return err
		}
	}
	a.banner(o)
	p := a.progress()
	o.Observe = p.observe
	r, err := suites.Run(ctx, o)
	p.close()
	if err != nil {
		return err
	}
	dir := a.outDir
	if dir == "" {
		dir = filepath.Join("out", r.Started.UTC().Format("2006-01-02T150405"))
	}
	html, unwritten := r.Write(dir)
	if a.asJSON {
		if err := a.document(r.JSON); err != nil {
			return err
		}
	} else {
		a.verdict(r, html)
	}
	if unwritten != nil {
		return &Exit{Code: CodeHarness, Err: unwritten, Hint: unwrittenHint}
	}
	return outcome(r, cmd.Context().Err() != nil)
}

func (a *app) selectable(o suites.Options) error {
	profile, ok := suites.ProfileOf(o.Profile)
	if !ok {
		return usage(fmt.Errorf("no profile %q", o.Profile), "see 'ensaio list profiles'")
	}
	if len(suites.Select(o.Checks, profile, o.Patterns)) == 0 {
		return fmt.Errorf("%w: nothing of profile %s matches %s", suites.ErrEmpty, profile.Name, strings.Join(o.Patterns, " "))
	}
	return nil
}

// command is how to repeat the run.
func (a *app) command(cmd *cobra.Command, selectors []string) string {
	parts := []string{"ensaio", "run", "--seed", fmt.Sprint(a.seed)}
	for _, name := range []string{"target", "profile", "specs", "baseline", "fail-on"} {
		if f := cmd.Flags().Lookup(name); f.Changed {
			parts = append(parts, "--"+name, f.Value.String())
		}
	}
	if defects, err := cmd.Flags().GetStringArray("defect"); err == nil {
		for _, d := range defects {
			parts = append(parts, "--defect", d)
		}
	}
	for _, s := range selectors {
		if strings.ContainsAny(s, "*!") {
			s = "'" + s + "'"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func (a *app) banner(o suites.Options) {
	if a.quiet || a.asJSON {
		return
	}
	profile := o.Profile
	if profile == "" {
		profile = "all"
	}
	a.printf("%s · %s · %s · seed %d\n", a.bold("ensaio run"), o.Target.Name, profile, o.Seed)
	if len(o.Defects) > 0 {
		a.printf("%s\n", a.red("broken on purpose: "+strings.Join(o.Defects, ", ")))
	}
}

// preflight looks whether a verdict can be reached at all. What a broken target might answer is left to
// the checks.
func (a *app) preflight(ctx context.Context, t *target.Target) error {
	findings := target.Preflight(ctx, t)
	var bad []target.Finding
	for _, f := range findings {
		if f.State == target.Broken {
			bad = append(bad, f)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	if !a.asJSON {
		for _, f := range bad {
			_, _ = fmt.Fprintf(a.err, "  ✗ %s: %s\n    %s\n", f.Name, f.Cause, f.Remedy)
		}
	}
	code := CodeNotReady
	if bad[0].Configuration {
		code = CodeUsage
	}
	return &Exit{Code: code, Err: fmt.Errorf("preflight: %s: %s", bad[0].Name, bad[0].Cause), Hint: "'ensaio doctor' looks at everything"}
}

func readProof(path string) (map[string][]string, error) {
	if path == "" {
		return nil, nil
	}
	p, err := report.OpenProof(path)
	if err != nil {
		return nil, usage(err, "make one with 'ensaio prove'")
	}
	return p.ByCheck(), nil
}
