package sim

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// train is a row of steps of the clock that answered calls of one operation set off, one each: a quarter of
// probes needs a step for every probe, and asking for each of them doubles what is asked.
type train struct {
	clock *clock.Clock
	due   atomic.Bool // a step may be due: calls pay for nothing else

	mu   sync.Mutex
	on   string // operation; "" is no train
	next time.Time
	by   time.Duration
	left int
}

// longestTrain bounds what is set off by one request.
const longestTrain = 1_000_000

var errTrain = errors.New(`want {"set": "2027-03-01T12:00:00Z", "advance": "30s", "after": "common.status", "times": 100}`)

// start sets the clock, and steps it after each of so many answered calls.
func (t *train) start(at time.Time, by time.Duration, on string, times int) error {
	if spec.Find(on) == nil || by <= 0 || times < 1 || times > longestTrain {
		return errTrain
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock.Set(at)
	t.on, t.next, t.by, t.left = on, at.Add(by), by, times
	t.due.Store(true)
	return nil
}

// end forgets the steps that are left: whoever sets the clock otherwise has it.
func (t *train) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.on = ""
	t.due.Store(false)
}

// answered hears of every call of the bank, before its answer has left whole.
func (t *train) answered(operation string) {
	if !t.due.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on == "" || t.on != operation {
		return
	}
	t.clock.Set(t.next)
	t.next = t.next.Add(t.by)
	if t.left--; t.left == 0 {
		t.on = ""
		t.due.Store(false)
	}
}
