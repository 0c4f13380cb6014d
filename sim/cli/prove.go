package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/check"
)

// childGrace is how long a child process may take to end after it was interrupted.
const childGrace = 5 * time.Second

// batch is how many defects one child process tries before it makes way for a new one: money moved and
// quotas used by earlier defects must not decide later ones.
const batch = 12

type proveFlags struct {
	seeds, parallel, workers            int
	isolate, thorough, widen, noControl bool
	despite                             bool
	specs                               string
}

func (a *app) proveCommand() *cobra.Command {
	var f proveFlags
	cmd := &cobra.Command{
		Use: "prove [selector]…", Short: "Prove that the checks can fail: every defect against the suite",
		Long: `Runs the suite where nothing is wrong (several seeds, and the control group of odd but legal variants):
nothing may fail. Then arms one defect after the other, each time in an ecosystem of its own process: a check must fail,
the one meant for it. A defect that only time shows is held against a short load of its profile instead. Writes proof.json.

A selector names defects: by name, area, weight, kind or rule.

Exit codes: 0 all floors reached · 5 a floor missed · 6 nothing selected · 4 the harness failed.`,
		Example: "  ensaio prove\n  ensaio prove critical -o out\n  ensaio prove 'par/*' AS-REQ-03 --isolate",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.prove(cmd, args, f) },
	}
	fl := cmd.Flags()
	fl.StringVarP(&a.outDir, "out", "o", "", "folder for proof.json (default out/proof)")
	fl.IntVar(&f.seeds, "seeds", 3, "clean runs, each with a seed of its own")
	fl.IntVar(&f.parallel, "parallel", 2, "child processes at a time")
	fl.IntVar(&f.workers, "workers", 0, "checks at a time in each child; 0 divides the processors")
	fl.BoolVar(&f.isolate, "isolate", false, "one child process for every defect")
	fl.BoolVar(&f.thorough, "thorough", false, "do not stop at the check that was meant: run the defect's whole area")
	fl.BoolVar(&f.widen, "widen", false, "try the whole suite on a defect that nothing near it noticed")
	fl.BoolVar(&f.noControl, "no-control-group", false, "leave out the odd but legal variants")
	fl.BoolVar(&f.despite, "despite-alarms", false, "go on without the checks that failed where nothing was wrong")
	fl.StringVar(&f.specs, "specs", "", "validate with the published definitions in this folder")
	return cmd
}

func (a *app) prove(cmd *cobra.Command, selectors []string, f proveFlags) error {
	ctx, cancel := a.bounded(cmd.Context())
	defer cancel()
	var wanted []fault.Defect
	for _, d := range chosenDefects(a.world.defects(), selectors) {
		if d.Kind != fault.Harness {
			wanted = append(wanted, d)
		}
	}
	if len(wanted) == 0 {
		return &Exit{Code: CodeIncomplete, Err: fmt.Errorf("no defect matches %s", strings.Join(selectors, " ")), Hint: "see 'ensaio list defects'"}
	}
	if a.world.Start == nil {
		return &Exit{Code: CodeUsage, Err: errNoWorld, Hint: "only an ecosystem of ours can be broken"}
	}
	all := a.world.checks()
	watch := clock.New()
	started := watch.Now()
	m := &matrix{app: a, flags: f, all: all, clean: map[string]report.Status{}}
	if m.flags.workers == 0 {
		m.flags.workers = max(2, 2*runtime.GOMAXPROCS(0)/max(1, f.parallel))
	}
	p := &report.Proof{APIVersion: report.APIVersion, Kind: report.KindProof, Notice: report.Notice, Defects: []report.DefectProof{},
		FalseAlarms: []report.FalseAlarm{}, Tool: report.Tool{Name: "ensaio", Version: suites.Version, Go: runtime.Version(), Suite: suites.Digest(all)}}
	for i := range max(1, f.seeds) {
		p.Seeds = append(p.Seeds, a.seed+int64(i))
	}
	if !a.quiet && !a.asJSON {
		a.printf("%s · %d defects · %d checks · suite %s\n", a.bold("ensaio prove"), len(wanted), len(all), p.Tool.Suite)
	}
	checked, loaded := byLoad(wanted)
	var err error
	p.FalseAlarms = []report.FalseAlarm{}
	if len(checked) > 0 {
		if p.FalseAlarms, err = m.calm(ctx, p.Seeds, checked); err != nil {
			return err
		}
	}
	loadAlarms, err := m.undisturbed(ctx, loaded)
	if err != nil {
		return err
	}
	p.FalseAlarms = append(p.FalseAlarms, loadAlarms...)
	if len(p.FalseAlarms) == 0 || f.despite {
		for _, alarm := range p.FalseAlarms {
			m.all = slices.DeleteFunc(m.all, func(c check.Check) bool { return c.ID == alarm.Check })
		}
		m.of = len(wanted)
		p.Defects, err = m.storm(ctx, checked)
		if err != nil {
			return err
		}
		p.Defects = append(p.Defects, m.gale(ctx, loaded)...)
	}
	p.Partial = ctx.Err() != nil
	p.DurationMs = watch.Now().Sub(started).Milliseconds()
	p.Summarise(m.asked(all, checked, len(selectors) == 0))
	dir := a.outDir
	if dir == "" {
		dir = filepath.Join("out", "proof")
	}
	file, err := p.Write(dir)
	if err != nil {
		return usage(err, "give a folder that can be written with -o")
	}
	switch {
	case a.asJSON:
		if err := p.JSON(a.out); err != nil {
			return err
		}
	default:
		if !a.quiet {
			a.picture(p)
		}
		a.proofVerdict(p, file)
	}
	silent := func(code int, format string, args ...any) error {
		return &Exit{Code: code, Err: fmt.Errorf(format, args...), Silent: true}
	}
	switch {
	case cmd.Context().Err() != nil:
		return silent(CodeInterrupted, "interrupted")
	case p.Partial:
		return silent(CodeIncomplete, "out of time")
	case len(p.Missed()) > 0:
		return silent(CodeFloor, "%s", strings.Join(p.Missed(), "; "))
	}
	return nil
}

// matrix runs jobs in child processes.
type matrix struct {
	app   *app
	flags proveFlags
	all   []check.Check
	clean map[string]report.Status

	mu   sync.Mutex
	done int
	of   int // defects to try
}

// asked lists the checks that the defects will be held against, or all.
func (m *matrix) asked(all []check.Check, wanted []fault.Defect, whole bool) []string {
	needed := map[string]bool{}
	for _, d := range wanted {
		for _, stage := range stages(d, all, m.flags.thorough, m.flags.widen) {
			for _, id := range stage {
				needed[id] = true
			}
		}
	}
	var ids []string
	for _, c := range all {
		if whole || needed[c.ID] {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// calm runs what the defects will be held against where nothing is wrong, and returns what failed
// nevertheless. With failures nothing could be concluded from the defects.
func (m *matrix) calm(ctx context.Context, seeds []int64, wanted []fault.Defect) ([]report.FalseAlarm, error) {
	ids := m.asked(m.all, wanted, false)
	type run struct {
		name string
		job  job
		seed int64
	}
	var plain, control []run
	for _, s := range seeds {
		plain = append(plain, run{fmt.Sprintf("seed %d", s), job{Stages: [][]string{ids}, Keep: ids, Seed: s}, s})
	}
	if !m.flags.noControl {
		for _, v := range m.app.world.variants() {
			control = append(control, run{v.Name, job{Defect: v.Name, Stages: [][]string{ids}, Keep: ids, Seed: m.app.seed}, m.app.seed})
		}
	}
	alarms := []report.FalseAlarm{}
	var first error
	try := func(i int, r run) {
		a, err := m.alone(ctx, workerSetup{Seed: r.seed, Specs: m.flags.specs, Workers: m.flags.workers}, r.job)
		m.mu.Lock()
		defer m.mu.Unlock()
		if err == nil && a.Error != "" {
			err = fmt.Errorf("%s: %s", r.name, a.Error)
		}
		if err != nil {
			if first == nil {
				first = &Exit{Code: CodeHarness, Err: fmt.Errorf("clean run %s: %w", r.name, err), Hint: "does 'ensaio run' work?"}
			}
			return
		}
		bad := 0
		for _, o := range a.Outcomes {
			if i == 0 {
				m.clean[o.ID] = o.Status
			}
			switch o.Status {
			case report.Fail, report.Error, report.Unavailable, report.Fixed:
				bad++
				alarms = append(alarms, report.FalseAlarm{Run: r.name, Check: o.ID, Detail: o.Headline})
			case report.Pass, report.Warn, report.Skip, report.Review, report.KnownFail:
			}
		}
		if !m.app.quiet && !m.app.asJSON {
			mark := m.app.green("✓")
			if bad > 0 {
				mark = m.app.red("✗")
			}
			m.app.printf("  %s clean: %s, %d checks\n", mark, r.name, len(a.Outcomes))
		}
	}
	m.each(ctx, len(plain), func(i int) { try(i, plain[i]) })
	// What fails without any difference would only fail again with each.
	if first == nil && (len(alarms) == 0 || m.flags.despite) {
		alarming := map[string]bool{}
		for _, f := range alarms {
			alarming[f.Check] = true
		}
		kept := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return alarming[id] })
		m.each(ctx, len(control), func(i int) {
			control[i].job.Stages = [][]string{kept}
			try(-1, control[i])
		})
	}
	if ctx.Err() != nil {
		return nil, &Exit{Code: CodeIncomplete, Err: fmt.Errorf("ended before the clean runs were over")}
	}
	slices.SortFunc(alarms, func(x, y report.FalseAlarm) int { return strings.Compare(x.Run+x.Check, y.Run+y.Check) })
	return alarms, first
}

// storm tries every defect.
func (m *matrix) storm(ctx context.Context, wanted []fault.Defect) ([]report.DefectProof, error) {
	var calm []string
	for _, c := range smoke(m.all) {
		calm = append(calm, c.ID)
	}
	proofs := make([]report.DefectProof, len(wanted))
	tried := make([]bool, len(wanted))
	queue := make(chan int)
	go func() {
		defer close(queue)
		for i := range wanted {
			select {
			case queue <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	watch := clock.New()
	var workers sync.WaitGroup
	for range max(1, m.flags.parallel) {
		workers.Go(func() {
			var c *child
			used := 0
			defer func() {
				if c != nil {
					c.end()
				}
			}()
			for i := range queue {
				d := wanted[i]
				from := watch.Now()
				setup := workerSetup{Seed: m.app.seed, Specs: m.flags.specs, Workers: m.flags.workers}
				j := job{Defect: d.Name, Stages: stages(d, m.all, m.flags.thorough, m.flags.widen), Keep: calm, Seed: m.app.seed, Clean: m.clean}
				var found answer
				var trouble error
				if m.flags.isolate {
					found, trouble = m.alone(ctx, setup, j)
				} else {
					if c != nil && used >= batch {
						c.end()
						c = nil
					}
					if c == nil {
						used = 0
						if c, trouble = m.app.spawn(ctx, setup); trouble != nil {
							c = nil
						}
					}
					if trouble == nil {
						used++
						if trouble = c.exchange(j, &found); trouble != nil {
							c = nil
						}
					}
				}
				if ctx.Err() != nil {
					return
				}
				reason := found.Error
				if trouble != nil {
					reason = trouble.Error()
				}
				proof := conclude(d, m.all, m.clean, found.Outcomes, reason)
				proof.DurationMs = watch.Now().Sub(from).Milliseconds()
				if reason != "" && c != nil {
					c.end()
					c = nil
				}
				m.mu.Lock()
				proofs[i], tried[i] = proof, true
				m.told(proof, m.of)
				m.mu.Unlock()
			}
		})
	}
	workers.Wait()
	out := []report.DefectProof{}
	for i, p := range proofs {
		if tried[i] {
			out = append(out, p)
		}
	}
	return out, nil
}

// alone runs one job in a child process of its own.
func (m *matrix) alone(ctx context.Context, setup workerSetup, j job) (answer, error) {
	c, err := m.app.spawn(ctx, setup)
	if err != nil {
		return answer{}, err
	}
	defer c.end()
	var out answer
	err = c.exchange(j, &out)
	return out, err
}

// each calls fn for 0 to n-1, as many at a time as there may be children.
func (m *matrix) each(ctx context.Context, n int, fn func(int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range max(1, m.flags.parallel) {
		wg.Go(func() {
			for i := range next {
				fn(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
}

func human(ms int64) string { return report.Human(time.Duration(ms) * time.Millisecond) }
