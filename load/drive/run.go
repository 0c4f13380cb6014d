package drive

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
)

// Session is one run of a profile at a prepared source.
type Session struct {
	// Identity is what the report says of the run; thresholds, findings, facts and notes are added to it.
	Identity record.Identity
	// Prepared, when set, is called once everything is ready and nothing has been sent yet.
	Prepared func(ctx context.Context) error
	Observe  func(load.Snapshot)
	// Say hears in a line what happens beside the sending.
	Say func(format string, args ...any)
	// Ready, when set, is given the recording before it fills.
	Ready func(*record.Recording)
}

func (x *Session) say(format string, args ...any) {
	if x.Say != nil {
		x.Say(format, args...)
	}
}

// Run plays the profile and judges it. A report comes back with every error that left something measured:
// beside the cause of an interruption it is partial.
func (s *Source) Run(ctx context.Context, x Session) (*record.Report, error) {
	x.Identity.Profile, x.Identity.Title = s.profile.Name, s.profile.Title
	x.Identity.Target, x.Identity.Seed = s.target.Name, int64(s.options.Seed)
	if s.profile.Stops() && s.bank() == "" {
		return nil, &Unprepared{errors.New("the profile stops the bank, and the target does not declare the power to do so (capabilities.bank)")}
	}
	restore, err := s.put(ctx, &x)
	if err != nil {
		return nil, err
	}
	defer restore()
	if x.Prepared != nil {
		if err := x.Prepared(ctx); err != nil {
			return nil, err
		}
	}
	switch s.profile.Procedure {
	case profile.Limits:
		return s.limits(ctx, x)
	case profile.Capacity:
		return s.capacity(ctx, x)
	case profile.Quarter:
		return nil, errors.New("a quarter is not played by a source of load")
	default:
		return s.steady(ctx, x)
	}
}

// steady sends the mix as the pacer says.
func (s *Source) steady(ctx context.Context, x Session) (*record.Report, error) {
	pacer, err := s.profile.Pacer.Schedule(time.Duration(s.profile.Duration))
	if err != nil {
		return nil, err
	}
	if err := s.warm(ctx, pacer.Rate(0)); err != nil {
		return nil, err
	}
	plan := s.plan(pacer)
	plan.Observe, plan.Abort = x.Observe, s.profile.Abort
	plan.Start = s.clock.Now()
	plan.Recording = plan.Recorder(plan.Start)
	if x.Ready != nil {
		x.Ready(plan.Recording)
	}
	beside, cancel := context.WithCancel(ctx)
	defer cancel()
	var others sync.WaitGroup
	watch := newVigil(s, plan.Start)
	others.Go(func() { watch.run(beside) })
	trouble := s.troubles(plan.Start, &x)
	others.Go(func() { trouble.run(beside) })
	var book *ledger
	if s.profile.Stops() {
		book = newLedger(plan.Start)
		s.books.Store(book)
	}
	rec, err := load.Run(ctx, plan)
	s.books.Store(nil)
	cancel()
	others.Wait()
	trouble.end()
	if rec == nil {
		return nil, err
	}
	x.Identity.Thresholds = plan.Thresholds
	x.Identity.Findings = append(x.Identity.Findings, trusted(rec, append(book.stopped(trouble.made()), watch.findings(trouble)...))...)
	x.Identity.Findings = append(x.Identity.Findings, trouble.findings()...)
	known, notes := book.available(watch.seen, s.parties[0].server.OrganisationID)
	x.Identity.Availability = known
	x.Identity.Notes = append(append(x.Identity.Notes, notes...), s.Notes()...)
	if errors.Is(err, load.ErrLost) {
		err = nil // the verdict says so
	}
	return rec.Report(x.Identity), err
}

// trusted withholds what was found while the generator was the bottleneck: who cannot send in time cannot
// look in time either.
func trusted(rec *record.Recording, findings []record.Verdict) []record.Verdict {
	why := rec.Bottleneck()
	for i := range findings {
		if f := &findings[i]; len(why) > 0 && f.Outcome == record.Crossed && f.Name != "memory" {
			f.Outcome, f.Reason = record.Withheld, "generator: "+why[0]
		}
	}
	return findings
}

// plan is a run of this source; what is observed is the caller's.
func (s *Source) plan(pacer pace.Pacer) load.Plan {
	return load.Plan{Name: s.profile.Name, Pacer: pacer, Source: s, Thresholds: s.profile.Rows(), InFlight: s.inFlight(), Clock: s.clock, Beside: &s.beside}
}

// warm sends for a while what nobody judges: connections stand afterwards, and caches are filled.
func (s *Source) warm(ctx context.Context, rate float64) error {
	d := time.Duration(s.profile.Warmup)
	if d == 0 || rate <= 0 {
		return nil
	}
	pacer, err := pace.Constant(rate, d)
	if err != nil {
		return err
	}
	plan := s.plan(pacer)
	plan.Thresholds = nil
	rec, err := load.Run(ctx, plan)
	if err != nil {
		return err
	}
	s.warmed += pacer.Count()
	if codes := rec.Codes(); len(codes) == 0 {
		return &Unprepared{fmt.Errorf("the warm-up got no answer at all: %v", rec.Failures())}
	}
	return nil
}

// Attach makes the steps of journeys count under their operations.
func (s *Source) Attach(rec *record.Recording, start time.Time) {
	if rec == nil {
		s.steps.Store(nil)
		return
	}
	hear := func(step step) {
		at := step.at.Sub(start)
		sample := record.Sample{Operation: step.operation, Class: step.class, Due: at, Sent: at, Done: at + step.took, Status: step.status}
		if step.err != nil {
			sample.Failure = load.Kind(step.err)
		}
		rec.Inside(sample)
	}
	s.steps.Store(&hear)
}
