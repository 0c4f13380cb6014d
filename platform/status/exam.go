package status

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/platform/store"
)

// grace is how long an answer waits for the parts behind the endpoints to be looked at. A part that hangs is
// known to after Timeout; whoever asks meanwhile hears the last diagnosis, since the prober outside gives a
// status no more than Timeout, and one that comes late counts as none.
const grace = Timeout / 4

// exam is what was found of the parts behind the endpoints.
type exam struct {
	core, disk bool  // down
	failed     int64 // commits, as of then
}

// examine looks at the parts, and waits for what it finds no longer than grace: what comes later corrects
// the probe that it was for. Held under mu.
func (s *Service) examine(ctx context.Context) {
	if s.pending != nil {
		select {
		case found := <-s.pending:
			s.exam, s.pending = found, nil
		default:
			return // one at a time
		}
	}
	landed, last := make(chan exam, 1), s.exam
	var late atomic.Bool
	s.exams.Go(func() {
		landed <- s.visit(context.WithoutCancel(ctx), last)
		if late.Load() {
			s.correct(landed)
		}
	})
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case s.exam = <-landed:
	case <-patience.C:
		late.Store(true)
		select {
		case s.exam = <-landed: // in between, and perhaps before it saw that it was late
		default:
			s.pending = landed
		}
	}
}

// visit asks the core for a sign of life, and the store once a commit has failed.
func (s *Service) visit(ctx context.Context, last exam) exam {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	now := exam{core: s.cfg.Ping(ctx) != nil, disk: last.disk, failed: last.failed}
	if failed := s.cfg.Store.Stats().Failed; now.disk || failed != now.failed {
		now.disk = s.cfg.Store.Commit(ctx, store.Put(probeKind, "last", s.cfg.Clock.Now())) != nil
		now.failed = s.cfg.Store.Stats().Failed
	}
	return now
}

// correct puts what was found too late for its probe into the last one.
func (s *Service) correct(landed chan exam) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending != landed {
		return
	}
	s.exam, s.pending = <-landed, nil
	slot := s.history.last
	s.history.rewind(slot - 1)
	s.history.add(slot, slot+1, s.found(s.plan.Load(), slot, s.failing(slot)))
}
