package suites

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/contract"
	"github.com/ensaio/ensaio/suites/target"
)

// The ways in which a run ends without having judged anything.
var (
	ErrEmpty    = errors.New("the selection is empty")
	ErrUsage    = errors.New("wrong usage or configuration")
	ErrNotReady = errors.New("the target is not ready")
)

// Version is the version of the tool, set at build time.
var Version = "0.1.0"

// Options of a run. Target is required.
type Options struct {
	Target   *target.Target
	Checks   []check.Check // all there are; nil means [All]
	Profile  string
	Patterns []string
	Seed     int64
	Specs    string // folder of published definitions; "" means the built-in contracts
	Baseline string // file of known failures
	FailOn   string // "must" (default), "should" or "warn"
	FailFast bool
	Workers  int  // checks at a time; 0 means twice the processors
	Evidence bool // keep whole messages of passed checks too
	Defects  []string
	Proof    map[string][]string // check id → defects it was seen to fail on
	Command  string
	Observe  func(Event)
	// Frame runs the checks: nil means inside Ginkgo, which allows one run a process. [Direct] has no
	// such limit.
	Frame Frame
}

// Event tells what a run is doing.
type Event struct {
	Kind     EventKind
	Check    check.Check
	Result   report.Check // with Finished
	Waiting  string       // with Waiting; "" when that is over
	Selected []check.Check
}

// EventKind says which event it is.
type EventKind string

// The events.
const (
	Selected EventKind = "selected"
	Began    EventKind = "began"
	Finished EventKind = "finished"
	Waiting  EventKind = "waiting"
)

// Run judges a target. An error means that there is no report; every other trouble is in the report. When
// ctx ends early the report says so.
func Run(ctx context.Context, o Options) (*report.Report, error) {
	all := o.Checks
	if all == nil {
		all = All()
	}
	profile, ok := ProfileOf(o.Profile)
	if !ok {
		return nil, fmt.Errorf("%w: no profile %q; did you mean %q?", ErrUsage, o.Profile, target.Nearest(o.Profile, profileNames()))
	}
	chosen := Select(all, profile, o.Patterns)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%w: nothing of profile %s matches %s", ErrEmpty, profile.Name, strings.Join(o.Patterns, " "))
	}
	var baseline Baseline
	if o.Baseline != "" {
		var err error
		if baseline, err = LoadBaseline(o.Baseline); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
	}
	contracts, err := Contracts(o.Specs)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	session, err := check.Open(ctx, o.Target, check.Options{Seed: o.Seed, Contracts: contracts, Evidence: o.Evidence,
		Waiting: func(c check.Check, what string) { o.tell(Event{Kind: Waiting, Check: c, Waiting: what}) }})
	if err != nil {
		if check.Unreachable(err) {
			return nil, fmt.Errorf("%w: %w", ErrNotReady, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	defer session.Close()

	order := slices.Clone(chosen)
	shuffle(order, clock.Seed(o.Seed).Stream("order"))
	o.tell(Event{Kind: Selected, Selected: order})
	watch := clock.New()
	started := watch.Now()
	frame := o.Frame
	if frame == nil {
		frame = InGinkgo
	}
	work := newWork(ctx, session, order, o)
	if err := frame(ctx, work, o.Seed); err != nil {
		return nil, err
	}
	outcomes, cut := work.results(chosen)
	for i := range outcomes {
		outcomes[i].ProvenBy = o.Proof[outcomes[i].ID]
	}
	problems := baseline.apply(chosen, outcomes, session.Clock().Now())
	r := &report.Report{
		APIVersion: report.APIVersion, Kind: report.Kind, Notice: report.Notice, Partial: cut, Seed: o.Seed,
		Tool:    report.Tool{Name: "ensaio", Version: Version, Go: runtime.Version(), Suite: Digest(all)},
		Target:  describe(o.Target),
		Started: started, DurationMs: watch.Now().Sub(started).Milliseconds(), Defects: orEmpty(o.Defects),
		Selection: report.Selection{Patterns: orEmpty(o.Patterns), Profile: profile.Name, Selected: len(chosen), Of: len(all),
			Full: len(chosen) == len(Select(all, profile, nil)), Specs: o.Specs, Command: o.Command},
		Profiles: results(all, outcomes, cut, o.FailOn), Problems: problems, Checks: outcomes,
	}
	r.Summary = report.Count(outcomes)
	r.Verdict = report.Judge(outcomes, cut, o.FailOn)
	if len(problems) > 0 && r.Verdict == report.VerdictPass {
		r.Verdict = report.VerdictFail
	}
	return r, nil
}

// shuffle puts the checks in an order that only the seed decides.
func shuffle(order []check.Check, draw *clock.Stream) {
	for i := len(order) - 1; i > 0; i-- {
		j := draw.IntN(i + 1)
		order[i], order[j] = order[j], order[i]
	}
}

func (o Options) tell(e Event) {
	if o.Observe != nil {
		o.Observe(e)
	}
}

func profileNames() []string {
	var names []string
	for _, p := range profiles {
		names = append(names, p.Name)
	}
	return names
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func describe(t *target.Target) report.Target {
	return report.Target{Name: t.Name, Role: t.Role, Organisation: t.Bank.OrganisationID, Server: t.Bank.AuthorisationServerID,
		Discovery: t.Bank.Discovery, Capabilities: orEmpty(t.Capabilities.Names())}
}

// Work is the checks of one run and what has become of them.
type Work struct {
	ctx     context.Context
	cancel  context.CancelFunc
	session *check.Session
	order   []check.Check
	options Options
	done    map[string]chan struct{}

	mu       sync.Mutex
	outcomes map[string]report.Check
	cut      bool
	started  sync.Once
}

func newWork(ctx context.Context, s *check.Session, order []check.Check, o Options) *Work {
	w := &Work{session: s, order: order, options: o, done: map[string]chan struct{}{}, outcomes: map[string]report.Check{}}
	w.ctx, w.cancel = context.WithCancel(ctx)
	for _, c := range order {
		w.done[c.ID] = make(chan struct{})
	}
	return w
}

// Checks lists the checks in the order of the run.
func (w *Work) Checks() []check.Check { return w.order }

// Start sets the workers to it, once: first the checks that may share the target, side by side, then
// each of those that must be alone.
func (w *Work) Start() {
	w.started.Do(func() {
		var shared, alone []check.Check
		for _, c := range w.order {
			if c.Exclusive() {
				alone = append(alone, c)
			} else {
				shared = append(shared, c)
			}
		}
		go func() {
			n := w.options.Workers
			if n <= 0 {
				n = 2 * runtime.GOMAXPROCS(0)
			}
			queue := make(chan check.Check)
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					for c := range queue {
						w.run(c)
					}
				})
			}
			for _, c := range shared {
				queue <- c
			}
			close(queue)
			wg.Wait()
			for _, c := range alone {
				w.run(c)
			}
		}()
	})
}

// Await returns what became of a check, once that is known.
func (w *Work) Await(c check.Check) report.Check {
	<-w.done[c.ID]
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.outcomes[c.ID]
}

func (w *Work) run(c check.Check) {
	var result report.Check
	defer func() {
		w.mu.Lock()
		w.outcomes[c.ID] = result
		w.mu.Unlock()
		w.options.tell(Event{Kind: Finished, Check: c, Result: result})
		close(w.done[c.ID])
	}()
	if w.ctx.Err() != nil {
		result = c.Result()
		result.Status, result.Reason = report.Skip, "not started: the run was cut short"
		w.mu.Lock()
		w.cut = true
		w.mu.Unlock()
		return
	}
	w.options.tell(Event{Kind: Began, Check: c})
	result = w.session.Run(w.ctx, c)
	if w.ctx.Err() != nil {
		w.mu.Lock()
		w.cut = true
		w.mu.Unlock()
	}
	if w.options.FailFast && result.Status == report.Fail {
		w.cancel()
	}
}

// results returns the outcomes in the given order, and whether the run was cut short.
func (w *Work) results(order []check.Check) ([]report.Check, bool) {
	w.Start()
	out := make([]report.Check, 0, len(order))
	for _, c := range order {
		out = append(out, w.Await(c))
	}
	w.cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	return out, w.cut
}

// Contracts are the API definitions against which every exchange is held: the built-in ones, or those in
// a folder.
func Contracts(dir string) (check.Contracts, error) {
	source := contract.Embedded()
	if dir != "" {
		source = contract.Published(dir)
	}
	judge, err := contract.New(source)
	if err != nil {
		return nil, err
	}
	return contracts{judge}, nil
}

type contracts struct{ judge *contract.Judge }

// Violations holds the answer of an exchange against the contract of its operation. An exchange whose
// method was bent is another call than the contract describes.
func (c contracts) Violations(x *tpp.Exchange) []string {
	if x.Operation == nil || x.Method != x.Operation.Method || x.Err != nil {
		return nil
	}
	body := x.Body
	if x.Claims != nil {
		if t, err := jose.Parse(strings.TrimSpace(string(x.Body))); err == nil {
			body = t.Payload
		}
	}
	var out []string
	for _, v := range contract.Breaches(c.judge.Response(x.Operation, x.Status, x.Header, body, x.RequestHeader)) {
		out = append(out, x.Operation.ID+" "+v.String())
	}
	return out
}

// Build names the version in full.
func Build() string {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 8 {
				revision = " (" + s.Value[:8] + ")"
			}
		}
	}
	return Version + revision
}
