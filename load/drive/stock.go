package drive

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

// stock is a supply of things that can be used once and do not keep: signed messages, authorised payment
// consents, consents to be revoked. Makers keep it full in the background; taking never waits.
type stock struct {
	name   string
	ready  chan piece
	life   time.Duration // how long a piece keeps
	makers int
	make   func(ctx context.Context) (any, error)
	// spoilt, when set, gets what was not used in its time.
	spoilt func(any)
	clock  *clock.Clock

	dry    atomic.Uint64 // taken when there was nothing
	failed atomic.Uint64

	mu   sync.Mutex
	last string
}

type piece struct {
	thing any
	made  time.Time
}

// stock adds a supply of that many pieces, made by as many makers.
func (s *Source) stock(name string, size, makers int, life time.Duration, making func(context.Context) (any, error)) *stock {
	k := &stock{name: name, ready: make(chan piece, max(size, 1)), life: life, makers: makers, make: making, clock: s.clock}
	s.stocks = append(s.stocks, k)
	return k
}

// take returns a piece that is still good, or false when the makers are behind.
func (k *stock) take() (any, bool) {
	for {
		select {
		case p := <-k.ready:
			if age := k.clock.Now().Sub(p.made); age >= 0 && age < k.life {
				return p.thing, true
			}
			if k.spoilt != nil {
				k.spoilt(p.thing)
			}
		default:
			k.dry.Add(1)
			return nil, false
		}
	}
}

// put gives a piece that came about by itself, if there is room.
func (k *stock) put(thing any) bool {
	select {
	case k.ready <- piece{thing, k.clock.Now()}:
		return true
	default:
		return false
	}
}

// run makes pieces until ctx ends. A maker that fails waits, longer each time.
func (k *stock) run(ctx context.Context) {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		thing, err := insist(ctx, k.clock, k.make)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			k.failed.Add(1)
			k.mu.Lock()
			k.last = err.Error()
			k.mu.Unlock()
			if k.clock.Sleep(ctx, pause) != nil {
				return
			}
			pause = min(2*pause, 5*time.Second)
			continue
		}
		pause = 100 * time.Millisecond
		select {
		case k.ready <- piece{thing, k.clock.Now()}:
		case <-ctx.Done():
			return
		}
	}
}

// freshen throws away what will soon be too old, so that makers put new pieces in its place, until ctx ends.
func (k *stock) freshen(ctx context.Context) {
	for k.clock.Sleep(ctx, k.life/4) == nil {
		for range len(k.ready) {
			select {
			case p := <-k.ready:
				if k.clock.Now().Sub(p.made) < k.life/2 {
					select {
					case k.ready <- p:
						continue
					default:
					}
				}
				if k.spoilt != nil {
					k.spoilt(p.thing)
				}
			default:
			}
		}
	}
}

// filled waits until the stock is full, or its makers fail, or ctx ends.
func (k *stock) filled(ctx context.Context) error {
	for len(k.ready) < cap(k.ready) {
		if k.failed.Load() >= 3 {
			return fmt.Errorf("no %s can be made: %s", k.name, k.lastFailure())
		}
		if err := k.clock.Sleep(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("making %s: %w", k.name, err)
		}
	}
	return nil
}

func (k *stock) lastFailure() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}
