// Package status is the institution's knowledge of itself: whether each endpoint is up, when it will be
// down on purpose, and how much it was used.
//
// It promises that an answer holds every probe that was due on the ecosystem's clock before it, however
// far the clock was stepped: probes are caught up when somebody asks, and a goroutine that looks every
// thirty seconds is a convenience. Probes that nobody saw take the last observed state, and scheduled
// outages go by their calendar. Announced outages survive a killed process; so do the figures of the
// seven days before today. It refuses to count as trouble what the availability page leaves alone, and
// time in which the process did not run is neither up nor down. The invariant: a probe slot has exactly
// one state, and every figure of availability follows from those states alone. No answer waits for a part
// that hangs: it is the last diagnosis then.
//
// Rules without a number in the security checklists are numbered here: DISP for the availability page, ADM
// for the definition of metrics.
package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

const (
	// Period lies between two probes, Timeout is what one may take (availability page).
	Period  = 30 * time.Second
	Timeout = time.Second
	// longest is more than any call takes.
	longest = time.Minute
)

// Config is what the institution knows of itself at the start.
type Config struct {
	Clock *clock.Clock
	Seams *fault.Seams
	Store *store.Store
	// APIs are those offered; API and MTLS the addresses of their host and of the security endpoints'.
	APIs      []*spec.API
	API, MTLS string
	// Ping asks the core for a sign of life; NeedsCore says whose answers depend on it.
	Ping      func(context.Context) error
	NeedsCore func(*spec.Operation) bool
	NewID     func() string
	Log       *slog.Logger
}

// Service watches over the endpoints. It is safe for concurrent use.
type Service struct {
	cfg       Config
	endpoints []*endpoint
	byOp      map[string]*endpoint
	needCore  set
	writing   set

	changing sync.Mutex // held to change the plan
	plan     atomic.Pointer[plan]
	troubled atomic.Int64 // the last slot in which a call failed
	looked   atomic.Int64 // the last slot looked at
	counted  atomic.Int64 // the last slot in which a call began

	mu      sync.Mutex // held to look, never while a disk is waited for
	history history
	since   int64 // the first slot known of
	exam    exam  // as of the last probe
	pending chan exam
	saved   int64         // the slot of the last save
	offset  time.Duration // of the clock, at the last save

	exams sync.WaitGroup

	stop context.CancelFunc
	done chan struct{}
}

// Open loads what was announced and counted, looks once, and goes on looking until Close.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Clock == nil || cfg.Store == nil || cfg.Ping == nil || cfg.NewID == nil {
		return nil, errors.New("status: incomplete configuration")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: cfg, done: make(chan struct{})}
	s.survey()
	s.plan.Store(&plan{})
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	s.mu.Lock()
	s.look(ctx, cfg.Clock.Now())
	s.mu.Unlock()
	background, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.watch(background)
	return s, nil
}

// Close ends the looking and keeps what was counted.
func (s *Service) Close() error {
	s.stop()
	<-s.done
	s.exams.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.save(ctx, s.cfg.Clock.Now())
}

// watch looks at every slot. A clock that is set back must not leave it waiting for a far day.
func (s *Service) watch(ctx context.Context) {
	defer close(s.done)
	for ctx.Err() == nil {
		now := s.cfg.Clock.Now()
		turn, cancel := context.WithTimeout(ctx, Period)
		_ = s.cfg.Clock.SleepUntil(turn, time.Unix((slotOf(now)+1)*seconds, 0)) // either end is a reason to look
		cancel()
		if ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		now = s.cfg.Clock.Now()
		s.look(ctx, now)
		s.mu.Unlock()
		err := s.keep(ctx, now)
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Error("figures of availability not kept", "error", err)
		}
	}
}

// Observe counts a call of the API host after it was answered.
func (s *Service) Observe(_ context.Context, e gateway.Entry) {
	s.observe(e.Operation, e.At, e.Took, e.Status)
}

func (s *Service) observe(operation string, at time.Time, took time.Duration, status int) {
	p := s.byOp[operation]
	if p == nil {
		return
	}
	if slotOf(at)+1 < s.looked.Load() { // the clock was set back: the future that was counted is none
		s.mu.Lock()
		s.look(context.Background(), s.cfg.Clock.Now())
		s.mu.Unlock()
	}
	for slot, last := slotOf(at), s.counted.Load(); slot > last && !s.counted.CompareAndSwap(last, slot); {
		last = s.counted.Load()
	}
	took = min(max(took, 0), longest) // the clock may be stepped, either way, while a call is answered
	x := observation{operation: operation, status: status}
	if status >= 400 {
		_, x.planned = s.plan.Load().planned(operation, at)
	}
	if v := p.count(s.dayOf(at.Unix()), at, took, x, s.cfg.Seams); v > 0 {
		s.troubled.Store(v)
	}
}
