package load

import (
	"context"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

// The machine's timers round up to a millisecond, so the last stretch before an arrival is waited for with a
// finer one. Arrivals closer together than coalesce leave together: a wake-up for each would cost more
// than sending it.
const (
	lastStretch = 1500 * time.Microsecond
	coalesce    = 100 * time.Microsecond
)

// pause waits for instants of a clock that may be stepped.
type pause struct {
	clock *clock.Clock
	fine  fineTimer
}

func newPause(c *clock.Clock) *pause { return &pause{c, newFineTimer()} }

// until waits for t, which is left away, or for nearly t: whoever calls looks at the clock again.
func (p *pause) until(ctx context.Context, t time.Time, left time.Duration) error {
	if left > lastStretch {
		return p.clock.SleepUntil(ctx, t.Add(-lastStretch/2))
	}
	p.fine.wait(max(left, coalesce))
	return ctx.Err()
}

func (p *pause) close() { p.fine.close() }
