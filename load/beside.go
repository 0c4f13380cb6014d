package load

import "sync/atomic"

// Beside counts the requests that go to the target beside the arrivals: steps of journeys, supplies, renewed
// tokens. Each takes the place of an arrival to come, so that the target is asked no more in all than the
// schedule says, and one that serves exactly so much refuses nothing. The zero value is ready.
type Beside struct{ answered, lost atomic.Int64 }

// Count notes one request that ended, with an answer or without.
func (b *Beside) Count(answered bool) {
	if answered {
		b.answered.Add(1)
	} else {
		b.lost.Add(1)
	}
}

// take gives a place of the schedule to a request that went before.
func (b *Beside) take() (taken, answered bool) {
	switch {
	case b == nil:
		return false, false
	case less(&b.answered):
		return true, true
	}
	return less(&b.lost), false
}

// forget drops what was counted before the schedule began.
func (b *Beside) forget() {
	if b != nil {
		b.answered.Store(0)
		b.lost.Store(0)
	}
}

// less takes one from what is above zero. Only the schedule takes.
func less(n *atomic.Int64) bool {
	if n.Load() <= 0 {
		return false
	}
	n.Add(-1)
	return true
}
