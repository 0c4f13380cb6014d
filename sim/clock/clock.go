// Package clock is the only source of time and of repeatable chance in Ensaio.
//
// It promises one thing to every part of an ecosystem: all of them read the same instant, and that
// instant can be stepped, so that a twelve-month consent ends in milliseconds. Secrets never come from
// here: keys, tokens and codes are drawn from crypto/rand.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time of an ecosystem: a running base plus an offset that [Clock.Advance] moves.
// The zero value is not usable; see [New] and [Fixed]. A Clock is safe for concurrent use.
type Clock struct {
	base func() time.Time

	mu     sync.Mutex
	offset time.Duration
	moved  chan struct{}
}

// New returns a clock that runs with the machine's.
func New() *Clock { return &Clock{base: time.Now, moved: make(chan struct{})} }

// Fixed returns a clock that stands at t until it is advanced.
func Fixed(t time.Time) *Clock {
	return &Clock{base: func() time.Time { return t }, moved: make(chan struct{})}
}

// Now returns the current instant of the ecosystem, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base().Add(c.offset).UTC()
}

// Offset returns how far the clock has been moved from its base.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Advance moves the clock by d, which may be negative, and wakes every sleeper whose time has come.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	close(c.moved)
	c.moved = make(chan struct{})
}

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) { c.Advance(t.Sub(c.Now())) }

// Sleep waits until d has passed on this clock, by running or by stepping, or until ctx ends, whose
// error it then returns.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	return c.SleepUntil(ctx, c.Now().Add(d))
}

// SleepUntil waits until the clock shows t or later, or until ctx ends, whose error it then returns.
func (c *Clock) SleepUntil(ctx context.Context, t time.Time) error {
	for {
		c.mu.Lock()
		left, moved := t.Sub(c.base().Add(c.offset)), c.moved
		c.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-moved:
			timer.Stop()
		case <-timer.C:
		}
	}
}
