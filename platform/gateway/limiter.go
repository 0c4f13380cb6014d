package gateway

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/spec"
)

// brasilia is the zone of calendar months.
var brasilia = time.FixedZone("BRT", -3*60*60)

type minuteKey struct {
	origin string // organisation, or the address of a caller of public operations
	op     *spec.Operation
}

type quotaKey struct {
	origin, customer, resource string
	op                         *spec.Operation
}

// limiter counts in memory: a count belongs to its clock second, clock minute or calendar month and is
// forgotten after the next one, or with the process. Counts of months can be kept beside: then each has a
// place in a file, found when it is first asked for, and is written there before the call is answered.
//
// Every call meets the limiter, so nothing that all calls share is locked: the second is one word, and
// minutes and months lie in shards.
type limiter struct {
	limits  atomic.Pointer[Limits]
	bound   atomic.Int64 // of a second, 0 for none
	pulse   pulse        // of all calls
	aside   pulse        // those among them that came by another host than ours
	steps   steps
	minutes counts[minuteKey]
	months  counts[quotaKey]
}

const (
	pulseBits = 24
	pulseMask = 1<<pulseBits - 1
	// late is how many seconds after it read the clock a call may still be counted; a clock that is further
	// back was set back.
	late = 5
)

func newLimiter(l Limits, keep func(month int64, k quotaKey) *memo.Slot) *limiter {
	m := &limiter{}
	m.minutes.init(nil)
	m.months.init(keep)
	m.set(l)
	return m
}

// set puts other limits in force, with what was counted so far.
func (l *limiter) set(to Limits) {
	l.limits.Store(&to)
	l.settle()
}

// settle puts the bound of a second in force: where it grows, by what the regulation has demanded so far.
func (l *limiter) settle() {
	limits := l.limits.Load()
	bound := limits.PerSecond
	if bound > 0 && limits.Grows {
		bound += l.steps.grown()
	}
	l.bound.Store(int64(bound))
}

// pulse is a clock second and the calls counted in it, in one word.
type pulse struct{ atomic.Uint64 }

// beat counts a call and returns which of its second it is; the first of one gets the word of the last.
func (p *pulse) beat(now time.Time) (n int, over uint64) {
	second := uint64(now.Unix())
	for {
		seen := p.Load()
		// Who read the clock just before the others turned the second counts with them.
		if last := seen >> pulseBits; second <= last && last <= second+late {
			return int(p.Add(1) & pulseMask), 0
		}
		if p.CompareAndSwap(seen, second<<pulseBits|1) {
			return 1, seen
		}
	}
}

// in is how many calls were counted in that second.
func (p *pulse) in(now time.Time) int {
	if seen := p.Load(); seen>>pulseBits == uint64(now.Unix()) {
		return int(seen & pulseMask)
	}
	return 0
}

// second counts a call that all share, and returns which of its second it is.
func (l *limiter) second(now time.Time) int {
	n, over := l.pulse.beat(now)
	if over != 0 {
		l.steps.note(time.Unix(int64(over>>pulseBits), 0), now, int(over&pulseMask))
		l.settle()
	}
	return n
}

func monthOf(t time.Time) int64 {
	y, m, _ := t.In(brasilia).Date()
	return int64(y*12 + int(m))
}

func (l *limiter) reset() {
	l.pulse.Store(0)
	l.aside.Store(0)
	l.steps.reset()
	l.minutes.clear()
	l.months.clear()
	l.settle()
}

// counts counts calls of one period by key.
type counts[K comparable] struct {
	seed   maphash.Seed
	keep   func(period int64, k K) *memo.Slot // nil where nothing is kept
	shards [shards]shard[K]
}

const shards = 32

// tally is one count, and the bound it is told to have.
type tally struct {
	atomic.Int64
	bound atomic.Int64
	place *memo.Slot // nil where it is not kept
}

// kept notes what the count has become, where counts are kept.
func (t *tally) kept() {
	if t.place != nil {
		t.place.Keep(&t.Int64)
	}
}

// promise notes the bound.
func (t *tally) promise(bound int) {
	if t.bound.Load() != int64(bound) {
		t.bound.Store(int64(bound))
	}
}

// shard holds two periods: calls that read the clock just before it turned are still counted in theirs.
type shard[K comparable] struct {
	mu          sync.RWMutex
	now, before span[K]
	_           [8]byte // a line of the cache each
}

type span[K comparable] struct {
	period int64
	of     map[K]*tally
}

// span is that of a period, nil when it is neither of the two. The lock is held.
func (s *shard[K]) span(period int64) *span[K] {
	switch period {
	case s.now.period:
		return &s.now
	case s.before.period:
		return &s.before
	}
	return nil
}

func (c *counts[K]) init(keep func(period int64, k K) *memo.Slot) {
	c.keep = keep
	c.seed = maphash.MakeSeed()
	for i := range c.shards {
		c.shards[i].now.of, c.shards[i].before.of = map[K]*tally{}, map[K]*tally{}
	}
}

// count finds the count of a key in a period, which is zero at first or what was kept of it.
func (c *counts[K]) count(period int64, k K) *tally {
	s := &c.shards[maphash.Comparable(c.seed, k)%shards]
	var n *tally
	s.mu.RLock()
	if at := s.span(period); at != nil {
		n = at.of[k]
	}
	s.mu.RUnlock()
	if n != nil {
		return n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.span(period)
	if at == nil {
		forgotten := s.before.of
		clear(forgotten)
		s.before, s.now = s.now, span[K]{period, forgotten}
		at = &s.now
	}
	if n = at.of[k]; n == nil {
		n = &tally{}
		if c.keep != nil {
			if n.place = c.keep(period, k); n.place != nil {
				n.Store(n.place.Value())
			}
		}
		at.of[k] = n
	}
	return n
}

// charge counts a call if the bound leaves room, so that of many at the same time no more are let through
// than the bound allows.
func (c *counts[K]) charge(period int64, k K, bound int) bool {
	n := c.count(period, k)
	for {
		seen := n.Load()
		if seen >= int64(bound) {
			return false
		}
		if n.CompareAndSwap(seen, seen+1) {
			n.kept()
			return true
		}
	}
}

// release takes back what was charged in that period, if it is not over.
func (c *counts[K]) release(period int64, k K) {
	s := &c.shards[maphash.Comparable(c.seed, k)%shards]
	s.mu.RLock()
	defer s.mu.RUnlock()
	if at := s.span(period); at != nil {
		if n := at.of[k]; n != nil {
			if n.Add(-1) < 0 {
				n.Store(0) // forgotten in between
			}
			n.kept()
		}
	}
}

// each visits the counts of a period.
func (c *counts[K]) each(period int64, visit func(k K, t *tally)) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		if at := s.span(period); at != nil {
			for k, n := range at.of {
				visit(k, n)
			}
		}
		s.mu.RUnlock()
	}
}

func (c *counts[K]) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		clear(s.now.of)
		clear(s.before.of)
		s.mu.Unlock()
	}
}
