package load

import (
	"context"
	"fmt"
	"sort"
	"time"
)

// watch gives a snapshot every second, and ends the schedule when a threshold is lost. The function it returns ends
// the watch and gives the last snapshot.
func (r *runner) watch(ctx context.Context, end context.CancelCauseFunc) func() {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	w := &watcher{runner: r}
	go func() {
		defer close(ended)
		for second := time.Second; r.Clock.SleepUntil(ctx, r.start.Add(second)) == nil; second += time.Second {
			// A stepped clock may have passed several seconds: they make one snapshot.
			second = max(second, r.now().Truncate(time.Second))
			w.look()
			if r.Abort {
				if name := r.rec.Lost(r.Thresholds, r.Pacer.Count()); name != "" {
					end(fmt.Errorf("%w: %s", ErrLost, name))
					return
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
		w.look()
	}
}

// watcher remembers the last snapshot, for rates.
type watcher struct {
	*runner
	at    time.Duration
	due   uint64
	heard uint64
}

func (w *watcher) look() {
	w.rec.Observe(w.generator())
	if w.Observe == nil {
		return
	}
	now := w.now()
	s := w.rec.Snapshot()
	s.Elapsed, s.InFlight, s.Due = min(now, w.Pacer.Duration()), int(w.inflight.Load()), w.dueBy(now)
	if span := (now - w.at).Seconds(); span > 0 {
		s.Offered, s.Achieved = float64(s.Due-w.due)/span, float64(s.Heard-w.heard)/span
	}
	w.at, w.due, w.heard = now, s.Due, s.Heard
	w.Plan.Observe(s)
}

// dueBy is the number of this share's arrivals that are due by t.
func (r *runner) dueBy(t time.Duration) uint64 {
	step, share := uint64(max(r.Shares, 1)), uint64(r.Share)
	return uint64(sort.Search(int(r.Plan.due()), func(i int) bool { return r.Pacer.At(share+uint64(i)*step) > t }))
}
