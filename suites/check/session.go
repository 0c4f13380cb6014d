package check

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

// Contracts validates exchanges against the published definitions.
type Contracts interface {
	// Violations lists how an answer deviates from the contract of its operation; an answer to a call
	// that no contract knows has none.
	Violations(x *tpp.Exchange) []string
}

// Options of a session.
type Options struct {
	Seed      int64
	Contracts Contracts // nil validates nothing
	// Evidence keeps whole messages of passed checks too.
	Evidence bool
	// Waiting hears what a running check waits for, and "" when that is over.
	Waiting func(c Check, what string)
}

// Session is one target opened for checks: its identities, its people, its control surfaces. It is safe
// for concurrent use; checks that must be alone are the caller's to keep apart.
type Session struct {
	target  *target.Target
	options Options
	clock   *clock.Clock
	control *control
	people  *people
	actors  *actors
}

// Open reads what the target refers to and prepares the sessions' actors. It sends nothing but a question
// to the clock, where the target has that power.
func Open(ctx context.Context, t *target.Target, o Options) (*Session, error) {
	s := &Session{target: t, options: o, clock: clock.New()}
	s.control = newControl(t, s.clock)
	s.people = newPeople(t)
	if err := s.control.follow(ctx); err != nil {
		return nil, fmt.Errorf("open target %s: %w", t.Name, err)
	}
	actors, err := newActors(s)
	if err != nil {
		return nil, fmt.Errorf("open target %s: %w", t.Name, err)
	}
	s.actors = actors
	return s, nil
}

// Target is what the session is about.
func (s *Session) Target() *target.Target { return s.target }

// Clock is the time as the session and its actors read it.
func (s *Session) Clock() *clock.Clock { return s.clock }

// Close lets go of connections.
func (s *Session) Close() { s.actors.close() }

func (s *Session) waiting(c Check, what string) {
	if s.options.Waiting != nil {
		s.options.Waiting(c, what)
	}
}

// pause waits in real time, whatever the stepped clock does.
func (s *Session) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Run executes one check and reports it. Whatever the body does, a report comes back.
func (s *Session) Run(ctx context.Context, c Check) report.Check {
	result := c.Result()
	if need, reason := c.Unmet(s.target); need != nil {
		result.Status, result.Reason, result.Undeclared = report.Skip, reason, need.Power
		return result
	}
	limit := c.Timeout
	if limit == 0 {
		limit = s.target.Timeout("check")
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b := &Bench{session: s, check: c, ctx: bounded, marked: map[*tpp.Exchange]bool{},
		flaws: map[*tpp.Exchange][]string{}, unjudged: map[*tpp.Exchange]bool{}, clients: map[string]*tpp.Client{}}
	started := s.clock.Now()
	offset := s.clock.Offset()
	crash := b.work()
	elapsed := s.clock.Now().Sub(started) - (s.clock.Offset() - offset)
	if crash == "" {
		b.judgeContracts()
	}
	if crash != "" || len(b.findings) > 0 || b.ended != nil {
		b.seen()
	}
	b.settle(&result, crash, bounded.Err() != nil && ctx.Err() == nil, limit)
	if ctx.Err() != nil && result.Status != report.Fail {
		result.Status, result.Reason = report.Skip, "the run was interrupted"
	}
	result.DurationMs = elapsed.Milliseconds()
	b.trace(ctx, &result)
	return result
}

// work runs the body and what it left to undo, and returns the text of a crash.
func (b *Bench) work() (crash string) {
	defer func() {
		for _, fn := range slices.Backward(b.undo) {
			if c := guarded(fn); c != "" && crash == "" {
				crash = "while cleaning up: " + c
			}
		}
		b.session.people.back(b.lent)
	}()
	return guarded(func() { b.check.Body(b) })
}

func guarded(fn func()) (crash string) {
	defer func() {
		if r := recover(); r != nil {
			if _, settled := r.(stop); !settled {
				crash = fmt.Sprintf("%v\n%s", r, frames(string(debug.Stack())))
			}
		}
	}()
	fn()
	return ""
}

// frames keeps the lines of a stack that lie in the suites.
func frames(stack string) string {
	var keep []string
	for line := range strings.Lines(stack) {
		if strings.Contains(line, "/suites/") && strings.Contains(line, ".go:") {
			keep = append(keep, strings.TrimSpace(line[strings.Index(line, "/suites/")+1:]))
		}
	}
	return strings.Join(keep, "\n")
}

func (b *Bench) judgeContracts() {
	contracts := b.session.options.Contracts
	if contracts == nil || b.check.Contract == ContractOff {
		return
	}
	weight := report.Fail
	if b.check.Contract == ContractWarns {
		weight = report.Warn
	}
	for _, x := range b.Exchanges() {
		b.mu.Lock()
		excluded := b.unjudged[x]
		b.mu.Unlock()
		if x.Err != nil || excluded {
			continue
		}
		flaws := contracts.Violations(x)
		if len(flaws) == 0 {
			continue
		}
		b.mu.Lock()
		b.flaws[x] = flaws
		b.mu.Unlock()
		more := ""
		if len(flaws) > 1 {
			more = fmt.Sprintf(" (and %d more)", len(flaws)-1)
		}
		b.deviation(weight, "an answer that keeps its published contract", flaws[0]+more, []*tpp.Exchange{x})
	}
}

// settle turns what happened into the report's entry.
func (b *Bench) settle(r *report.Check, crash string, late bool, limit time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.Steps, r.Notes, r.Findings, r.Asserted = b.steps, b.notes, b.findings, b.asserted
	worst := report.Pass
	for _, f := range b.findings {
		if f.Status == report.Fail {
			worst = report.Fail
		} else if worst == report.Pass {
			worst = f.Status
		}
	}
	for _, f := range b.findings {
		if f.Status == worst {
			r.Expected, r.Received = f.Expected, f.Received
			break
		}
	}
	switch {
	case crash != "":
		head, trace, _ := strings.Cut(crash, "\n")
		r.Status, r.Reason = report.Error, "the check itself crashed: "+report.RedactText(head)
		if trace != "" {
			r.Notes = append(r.Notes, trace)
		}
	case worst == report.Fail && b.check.Weight() == Should:
		r.Status = report.Warn
	case worst == report.Fail:
		r.Status = report.Fail
	case b.ended != nil:
		r.Status, r.Reason = b.ended.status, b.ended.reason
	case late:
		r.Status, r.Reason = report.Unavailable, fmt.Sprintf("not finished within %v", limit)
	case b.asserted == 0:
		r.Status, r.Reason = report.Error, "the check expected nothing, so it cannot pass"
	default:
		r.Status = worst
	}
	brief := r.Status == report.Pass && !b.session.options.Evidence
	for i, x := range b.exchanges {
		e := report.NewExchange(raw(i, x), brief)
		for _, flaw := range b.flaws[x] {
			e.Violations = append(e.Violations, report.RedactText(flaw))
		}
		r.Evidence = append(r.Evidence, e)
	}
}

func raw(i int, x *tpp.Exchange) report.Raw {
	out := report.Raw{
		Ref: ref(i), Operation: x.Name, Method: x.Method, URL: x.URL, Status: x.Status, Duration: x.Duration, Started: x.Started,
		Certificate: x.Certificate, RequestHeader: x.RequestHeader, Header: x.Header, RequestBody: x.RequestBody,
		Body: x.Body, RequestClaims: x.RequestClaims, Claims: x.Claims,
	}
	if x.Operation != nil {
		out.Operation = x.Operation.ID
	}
	if x.Err != nil {
		out.Error = x.Err.Error()
	}
	if x.TLS != nil {
		out.TLS = describeTLS(x.TLS)
	}
	return out
}
