package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/load/record"
)

// ErrLost says that a run was ended early because a threshold could no longer be kept.
var ErrLost = errors.New("a threshold can no longer be kept")

// Run plays the plan and returns what was measured; the recording is whole as far as the run came, also
// beside an error. The error is of the plan ([Plan.Check]), [ErrLost], or the cause of ctx's end.
//
// Arrivals are sent when they are due, whatever became of earlier ones, until InFlight are on their way: then
// they wait for a place, and the wait counts in their latency.
func Run(ctx context.Context, p Plan) (*record.Recording, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	r := newRunner(p)
	counts, attached := p.Source.(Attached)
	if attached {
		counts.Attach(r.rec, r.start)
	}
	r.shots, r.drop = context.WithCancelCause(context.WithoutCancel(ctx))
	p.Beside.forget()
	playing, end := context.WithCancelCause(ctx)
	defer end(nil)
	stop := r.watch(playing, end)
	err := r.dispatch(playing)
	if cut := r.finish(ctx); err == nil {
		err = cut
	}
	if attached {
		counts.Attach(nil, r.start)
	}
	stop()
	return r.rec, err
}

// Why requests in flight are given up.
var (
	errInterrupted = errors.New("the run was interrupted")
	errGrace       = errors.New("the grace after the schedule was over")
)

// arrival is one request on its way to a worker.
type arrival struct {
	n      uint64
	due    time.Duration
	waited bool // it is late because no place in flight was free
}

type runner struct {
	Plan
	rec      *record.Recording
	start    time.Time
	arrivals chan arrival
	workers  int
	done     sync.WaitGroup
	inflight atomic.Int64
	peak     atomic.Int64
	held     atomic.Int64 // nanoseconds in which no place was free
	shots    context.Context
	drop     context.CancelCauseFunc // gives up what is in flight
	meter    *meter
}

func newRunner(p Plan) *runner {
	if p.InFlight == 0 {
		p.InFlight = InFlight
	}
	if p.Grace == 0 {
		p.Grace = Grace
	}
	if p.Start.IsZero() {
		p.Start = p.Clock.Now()
	}
	r := &runner{Plan: p, start: p.Start, rec: p.Recording, arrivals: make(chan arrival), meter: newMeter()}
	if r.rec == nil {
		r.rec = p.Recorder(p.Start)
	}
	return r
}

func (r *runner) now() time.Duration { return r.Clock.Now().Sub(r.start) }

// dispatch plays the schedule. It only ever waits for the clock, for a place in flight, or for the end.
func (r *runner) dispatch(ctx context.Context) error {
	pause := newPause(r.Clock)
	defer pause.close()
	step, count := uint64(max(r.Shares, 1)), r.Pacer.Count()
	behind := false // the schedule is late because of the bound, and has not caught up since
	now := r.now()
	for n := uint64(r.Share); n < count; n += step {
		due := r.Pacer.At(n)
		if due > now {
			now = r.now()
		}
		for due > now {
			behind = false
			if err := pause.until(ctx, r.start.Add(due), due-now); err != nil {
				return r.stop(n, step, context.Cause(ctx))
			}
			now = r.now()
		}
		if ctx.Err() != nil {
			return r.stop(n, step, context.Cause(ctx))
		}
		if taken, answered := r.Beside.take(); taken {
			r.rec.Lend(due, answered)
			continue
		}
		if r.hand(arrival{n, due, behind}) {
			continue
		}
		behind = true
		since := r.now()
		select {
		case r.arrivals <- arrival{n, due, true}:
		case <-ctx.Done():
			return r.stop(n, step, context.Cause(ctx))
		}
		now = r.now()
		r.held.Add(int64(now - since))
	}
	r.rec.End(r.Pacer.Duration(), "")
	return nil
}

// hand gives the arrival to an idle worker, or to a new one while the bound allows it.
func (r *runner) hand(a arrival) bool {
	select {
	case r.arrivals <- a:
		return true
	default:
	}
	if r.workers >= r.InFlight {
		return false
	}
	r.workers++
	r.done.Add(1)
	go r.work(a)
	return true
}

// stop ends the schedule before arrival n, and counts what was due and is not sent.
func (r *runner) stop(n, step uint64, cause error) error {
	elapsed := min(r.now(), r.Pacer.Duration())
	sent, due := (n-uint64(r.Share))/step, r.dueBy(elapsed)
	for at := r.Pacer.At(n); sent < due; { // slot by slot: there may be thousands of millions
		next := at.Truncate(r.rec.Slot) + r.rec.Slot
		upTo := r.dueBy(min(next-1, elapsed))
		r.rec.Unsend(at, upTo-sent)
		sent, at = upTo, next
	}
	r.rec.End(elapsed, cause.Error())
	return cause
}

// work sends one arrival after the other until there are no more.
func (r *runner) work(a arrival) {
	defer r.done.Done()
	for ok := true; ok; a, ok = <-r.arrivals {
		r.send(a)
	}
}

func (r *runner) send(a arrival) {
	now := r.inflight.Add(1)
	for {
		peak := r.peak.Load()
		if now <= peak || r.peak.CompareAndSwap(peak, now) {
			break
		}
	}
	taken := r.now()
	shot := r.Source.Shot(a.n)
	ctx, cancel := r.shots, context.CancelFunc(func() {})
	if r.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, r.Timeout)
	}
	s := record.Sample{Operation: shot.Operation, Class: shot.Class, Due: a.due, Sent: r.now()}
	if a.waited {
		s.Waited = max(taken-a.due, 0)
	}
	outcome := shot.Do(ctx)
	s.Done = r.now()
	cancel()
	r.inflight.Add(-1)
	if errors.Is(outcome.Err, ErrShort) {
		r.rec.Miss(a.due)
		return
	}
	if outcome.Err != nil || outcome.Status == 0 {
		switch context.Cause(r.shots) {
		case errInterrupted: //nolint:errorlint // the very value that was given as the cause
			r.rec.Abandon(a.due) // by us: the target might have answered
			return
		case errGrace: //nolint:errorlint // likewise
			outcome.Err = context.DeadlineExceeded
		}
	}
	s.Status = outcome.Status
	s.Failure, s.Detail = failure(outcome)
	r.rec.Add(s)
}

// finish waits for what is in flight: for the grace, then it fails as a timeout; or until ctx ends, when it is
// given up.
func (r *runner) finish(ctx context.Context) error {
	close(r.arrivals)
	ended := make(chan struct{})
	go func() { r.done.Wait(); close(ended) }()
	timer := time.AfterFunc(r.Grace, func() { r.drop(errGrace) })
	defer timer.Stop()
	var cut error
	select {
	case <-ended:
	case <-ctx.Done():
		cut = context.Cause(ctx)
		r.drop(errInterrupted)
		<-ended
		r.rec.Stop(cut.Error())
	}
	r.drop(nil)
	r.rec.Observe(r.generator())
	return cut
}

func (r *runner) generator() record.Generator {
	g := r.meter.read()
	g.Workers, g.InFlightLimit, g.InFlightPeak, g.Saturated = 1, r.InFlight, int(r.peak.Load()), time.Duration(r.held.Load())
	return g
}
