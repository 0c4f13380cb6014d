package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a source whose nth shot always is the same.
type fake func(n uint64) Shot

func (f fake) Shot(n uint64) Shot { return f(n) }

func answers(status int) fake {
	return func(n uint64) Shot {
		class := []spec.Class{spec.High, spec.Low}[n%2]
		return Shot{Operation: "op." + string(class), Class: class, Do: func(context.Context) Outcome { return Outcome{Status: status} }}
	}
}

func constant(t testing.TB, rate float64, d time.Duration) pace.Pacer {
	t.Helper()
	p, err := pace.Constant(rate, d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryArrivalIsSentOnceAndWhenDue(t *testing.T) {
	var mu sync.Mutex
	seen := map[uint64]int{}
	source := fake(func(n uint64) Shot {
		mu.Lock()
		seen[n]++
		mu.Unlock()
		return answers(200)(n)
	})
	rec, err := Run(context.Background(), Plan{Pacer: constant(t, 1000, 500*time.Millisecond), Source: source, Clock: clock.New()})
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(500) {
		if seen[n] != 1 {
			t.Fatalf("arrival %d was sent %d times", n, seen[n])
		}
	}
	if counts := rec.Counts(); counts["op.high"] != 250 || counts["op.low"] != 250 {
		t.Errorf("counts %v", counts)
	}
	if median := rec.Lag.Percentile(50); median > 2*time.Millisecond {
		t.Errorf("half of the requests left more than %v late", median)
	}
}

// What a target that has stopped answering never got is offered all the same: the picture must show the rates part.
func TestTheTimelineOffersWhatTheScheduleAskedFor(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stalled := fake(func(n uint64) Shot {
		return Shot{Operation: "op", Class: spec.High, Do: func(ctx context.Context) Outcome {
			if n == 3 {
				return Outcome{Err: ErrShort}
			}
			<-ctx.Done()
			return Outcome{Err: ctx.Err()}
		}}
	})
	rec, err := Run(ctx, Plan{Pacer: constant(t, 100, time.Minute), Source: stalled, Clock: clock.New(), InFlight: 5,
		Observe: func(s Snapshot) {
			if s.Due >= 100 {
				cancel(errors.New("enough"))
			}
		}})
	if err == nil || rec.Short != 1 || rec.Abandoned == 0 || rec.Unsent < 50 {
		t.Fatalf("%v: %d short, %d abandoned, %d unsent", err, rec.Short, rec.Abandoned, rec.Unsent)
	}
	offered := uint64(0)
	for _, s := range rec.Timeline {
		offered += s.Offered
	}
	if all := rec.Answered + rec.Unsent + rec.Abandoned + rec.Short; offered != all || rec.Timeline[0].Offered != 100 {
		t.Errorf("the timeline offers %d of %d, %d in its first second", offered, all, rec.Timeline[0].Offered)
	}
}

// A target that is gone refuses at once: the rates part, however quickly it does.
func TestWhatIsRefusedIsNotAchieved(t *testing.T) {
	var last Snapshot
	source := fake(func(n uint64) Shot {
		return Shot{Operation: "op", Class: spec.High, Do: func(context.Context) Outcome {
			if n%4 == 0 {
				return Outcome{Status: 503}
			}
			return Outcome{Err: fmt.Errorf("dial: %w", syscall.ECONNREFUSED)}
		}}
	})
	rec, err := Run(t.Context(), Plan{Pacer: constant(t, 200, 200*time.Millisecond), Source: source, Clock: clock.New(), Observe: func(s Snapshot) { last = s }})
	if err != nil {
		t.Fatal(err)
	}
	rep := rec.Report(record.Identity{Thresholds: []Threshold{{Name: "achieved", Metric: "achieved", Limit: 0.99}}})
	if offered, achieved := rec.Rates(); offered != 200 || achieved != 50 || rep.Thresholds[0].Outcome != record.Crossed || last.Heard != 10 || last.Answered != 40 {
		t.Errorf("offered %v, achieved %v, %+v, %d of %d heard", offered, achieved, rep.Thresholds[0], last.Heard, last.Answered)
	}
}

func TestASlowTargetDoesNotSlowTheArrivals(t *testing.T) {
	c := clock.New()
	release := make(chan struct{})
	var sent atomic.Int64
	source := fake(func(uint64) Shot {
		return Shot{Operation: "op", Class: spec.High, Do: func(context.Context) Outcome {
			if sent.Add(1) == 100 {
				close(release) // the last one frees all
			}
			<-release
			return Outcome{Status: 200}
		}}
	})
	rec, err := Run(context.Background(), Plan{Pacer: constant(t, 1000, 100*time.Millisecond), Source: source, Clock: c, InFlight: 100})
	if err != nil {
		t.Fatal(err)
	}
	if g := rec.Generator; g.InFlightPeak != 100 {
		t.Errorf("%d were in flight at once, want all 100", g.InFlightPeak)
	}
}

func TestTheWaitForAPlaceInFlightCountsInTheLatency(t *testing.T) {
	source := fake(func(uint64) Shot {
		return Shot{Operation: "op", Class: spec.High, Do: func(ctx context.Context) Outcome {
			if err := clock.New().Sleep(ctx, 40*time.Millisecond); err != nil {
				return Outcome{Err: err}
			}
			return Outcome{Status: 200}
		}}
	})
	rec, err := Run(context.Background(), Plan{Pacer: constant(t, 100, 200*time.Millisecond), Source: source, Clock: clock.New(), InFlight: 1})
	if err != nil {
		t.Fatal(err)
	}
	// One place, 40 ms each, 20 arrivals within 200 ms: the last one waits for more than half a second.
	s := rec.Operations["op"]
	if s.Count != 20 {
		t.Fatalf("%d of 20 arrived", s.Count)
	}
	if worst := s.Corrected.Max(); worst < 400*time.Millisecond {
		t.Errorf("the largest corrected latency is %v, want the wait in it", worst)
	}
	if worst := s.Service.Percentile(50); worst > 200*time.Millisecond {
		t.Errorf("the median service time is %v, want about 40ms", worst)
	}
	if rec.Generator.Saturated < 300*time.Millisecond {
		t.Errorf("held back for %v, want most of the run", rec.Generator.Saturated)
	}
}

func TestAnInterruptedRunKeepsWhatItMeasured(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("the user said stop")
	source := fake(func(n uint64) Shot {
		if n == 10 {
			cancel(why)
		}
		return answers(200)(n)
	})
	rec, err := Run(ctx, Plan{Pacer: constant(t, 1000, time.Hour), Source: source, Clock: clock.New()})
	if !errors.Is(err, why) {
		t.Fatalf("error %v", err)
	}
	rep := rec.Report(record.Identity{Profile: "x"})
	if !rep.Partial || rep.Verdict != record.VerdictNone || rep.Requests < 10 {
		t.Errorf("partial %v, verdict %s, %d requests", rep.Partial, rep.Verdict, rep.Requests)
	}
}

// What was in flight at an interruption was given up by us, and is no failure of the target.
func TestWhatIsGivenUpIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("the user said stop")
	source := fake(func(n uint64) Shot {
		return Shot{Operation: "op", Class: spec.High, Do: func(ctx context.Context) Outcome {
			if n == 9 {
				cancel(why)
			}
			<-ctx.Done()
			return Outcome{Err: ctx.Err()}
		}}
	})
	rec, err := Run(ctx, Plan{Pacer: constant(t, 1000, 10*time.Millisecond), Source: source, Clock: clock.New()})
	if !errors.Is(err, why) {
		t.Fatalf("error %v", err)
	}
	rep := rec.Report(record.Identity{Thresholds: []Threshold{{Name: "errors", Metric: "errors"}}})
	if rep.Failed != 0 || rep.Abandoned != 10 || rep.Verdict != record.VerdictNone || !rep.Partial {
		t.Errorf("%d failed, %d abandoned, verdict %s, partial %v", rep.Failed, rep.Abandoned, rep.Verdict, rep.Partial)
	}
}

func TestWhatIsNotAnsweredWithinTheGraceIsATimeout(t *testing.T) {
	source := fake(func(uint64) Shot {
		return Shot{Operation: "op", Class: spec.High, Do: func(ctx context.Context) Outcome {
			<-ctx.Done()
			return Outcome{Err: ctx.Err()}
		}}
	})
	rec, err := Run(context.Background(), Plan{Pacer: constant(t, 1000, 10*time.Millisecond), Source: source, Clock: clock.New(), Grace: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if n := rec.Failures()[record.Timeout]; n != 10 {
		t.Errorf("failures %v, want ten timeouts", rec.Failures())
	}
}

func TestARunThatCannotPassAnyMoreEndsEarly(t *testing.T) {
	rec, err := Run(context.Background(), Plan{Pacer: constant(t, 200, time.Hour), Source: answers(503), Clock: clock.New(), Abort: true,
		Thresholds: []Threshold{{Name: "no server errors", Metric: "5xx", Limit: 0}}})
	if !errors.Is(err, ErrLost) {
		t.Fatalf("error %v", err)
	}
	rep := rec.Report(record.Identity{Thresholds: []Threshold{{Name: "no server errors", Metric: "5xx", Limit: 0}}})
	if rep.Verdict != record.VerdictFail || !rep.Partial || rep.Requests == 0 {
		t.Errorf("verdict %s, partial %v, %d requests", rep.Verdict, rep.Partial, rep.Requests)
	}
}

func TestFailuresHaveKinds(t *testing.T) {
	for want, o := range map[string]Outcome{
		record.Timeout: {Err: fmt.Errorf("get: %w", context.DeadlineExceeded)},
		record.Refused: {Err: fmt.Errorf("dial: %w", syscall.ECONNREFUSED)},
		record.Reset:   {Err: io.ErrUnexpectedEOF},
		record.TLS:     {Err: errors.New("remote error: tls: bad certificate")},
		record.Other:   {Err: errors.New("something else")},
		record.Wrong:   {Status: 200, Wrong: "an empty list"},
		"":             {Status: 200},
	} {
		if got, _ := failure(o); got != want {
			t.Errorf("%v: %q, want %q", o, got, want)
		}
	}
}

func TestBadPlansAreRefused(t *testing.T) {
	good := Plan{Pacer: constant(t, 1, time.Second), Source: answers(200), Clock: clock.New()}
	for name, bend := range map[string]func(*Plan){
		"no schedule":    func(p *Plan) { p.Pacer = nil },
		"no source":      func(p *Plan) { p.Source = nil },
		"no clock":       func(p *Plan) { p.Clock = nil },
		"no such share":  func(p *Plan) { p.Share, p.Shares = 2, 2 },
		"unknown metric": func(p *Plan) { p.Thresholds = []Threshold{{Metric: "p42"}} },
	} {
		p := good
		bend(&p)
		if _, err := Run(context.Background(), p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A schedule of thousands of millions of arrivals ends as soon as a short one.
func TestAHugeScheduleEndsAtOnce(t *testing.T) {
	source := fake(func(uint64) Shot { return answers(200)(0) })
	r := newRunner(Plan{Pacer: constant(t, 1e9, time.Hour), Source: source, Clock: clock.New(), Share: 1, Shares: 4, Start: clock.New().Now().Add(-2 * time.Hour)})
	if err := r.stop(5, 4, context.Canceled); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	// Of the arrivals 1, 5, 9 … one was sent.
	if want := r.Plan.due() - 1; r.rec.Unsent != want {
		t.Errorf("%d were not sent, want %d", r.rec.Unsent, want)
	}
}
