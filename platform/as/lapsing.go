package as

import (
	"sync"
	"time"
)

// How much is held in memory at once; the oldest gives way.
const (
	maxPushed   = 100_000
	maxSessions = 100_000
	maxCodes    = 100_000
	maxRevoked  = 1_000_000
)

// lapsing holds values until a moment of the ecosystem's clock, and never more than its size. An expired
// value is as good as absent.
type lapsing[T any] struct {
	size int

	mu    sync.Mutex
	by    map[string]lapses[T]
	order []dated // in order of arrival
	turn  uint64
}

type lapses[T any] struct {
	value T
	until time.Time
	turn  uint64
}

type dated struct {
	key   string
	until time.Time
	turn  uint64
}

func newLapsing[T any](size int) *lapsing[T] {
	return &lapsing[T]{size: size, by: map[string]lapses[T]{}}
}

// put holds v under key until a moment.
func (s *lapsing[T]) put(key string, v T, now, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(key, v, now, until)
}

func (s *lapsing[T]) add(key string, v T, now, until time.Time) {
	s.turn++
	s.by[key] = lapses[T]{v, until, s.turn}
	s.order = append(s.order, dated{key, until, s.turn})
	for len(s.order) > 0 && (len(s.by) > s.size || !now.Before(s.order[0].until) || s.by[s.order[0].key].turn != s.order[0].turn) {
		old := s.order[0]
		if s.by[old.key].turn == old.turn {
			delete(s.by, old.key)
		}
		s.order = s.order[1:]
	}
}

// get returns what is held under key at that moment.
func (s *lapsing[T]) get(key string, now time.Time) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.by[key]
	if !ok || !now.Before(v.until) {
		var none T
		return none, false
	}
	return v.value, true
}
