package tpp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// The kinds of reports of a client, beside the steps of a redirection.
const private = "private"

// The pauses of a reporter: while reports gather, and between attempts that fail.
const (
	linger       = time.Second
	firstPause   = 200 * time.Millisecond
	longestPause = 30 * time.Second
)

// reporter tells the metrics platform the client's side of every call, in the background. A report waits
// in the outbox until the platform has answered for it, whatever happens meanwhile: it is accepted, or
// discarded with a reason. An attempt whose outcome is unclear is made again, and a report that the
// platform then refuses as a repetition counts as delivered.
type reporter struct {
	client *Client
	on     bool
	box    Outbox
	kick   chan struct{} // somebody waits: no more gathering
	cancel context.CancelFunc
	ended  chan struct{}

	// The sender's own state, touched by its goroutine alone.
	told      map[uint64]bool // delivered, but behind one that is not
	uncertain map[uint64]bool // sent, outcome unknown
	before    uint64          // reports up to here may have been sent by an earlier process
	token     token

	mu      sync.Mutex
	settled uint64 // everything up to here was told
	moved   chan struct{}
	problem error    // of the last attempt, nil after a success
	refused []string // why the platform discarded reports

	lost, accepted, discarded, repeated, failures atomic.Int64
}

func newReporter(c *Client) *reporter {
	r := &reporter{client: c, on: c.cfg.PCM.URL != "" && c.cfg.PCM.Token != "", box: c.cfg.Outbox, kick: make(chan struct{}, 1), ended: make(chan struct{}),
		told: map[uint64]bool{}, uncertain: map[uint64]bool{}, moved: make(chan struct{})}
	if r.box == nil {
		r.box = newMemory(backlog)
	}
	r.before = r.box.Last()
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	if !r.on {
		close(r.ended)
		return r
	}
	go r.run(ctx)
	return r
}

func (r *reporter) close() {
	r.cancel()
	<-r.ended
}

// Report queues a private report of the client's side that the caller has built whole. It never waits and
// may be called by many at once.
func (c *Client) Report(r spec.Report) {
	if c.out.on {
		c.out.add(private, r.AppendJSON(make([]byte, 0, 640)))
	}
}

// add queues an encoded report, which nobody may change afterwards.
func (r *reporter) add(kind string, body []byte) {
	_ = r.queue(kind, body) // a call does not fail since its report is lost
}

func (r *reporter) queue(kind string, body []byte) error {
	if !r.on {
		return nil
	}
	err := r.box.Append(kind, body)
	if err != nil {
		r.lost.Add(1)
	}
	return err
}

// tellOf queues a report that is a value.
func (r *reporter) tellOf(kind string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		r.lost.Add(1)
		return
	}
	r.add(kind, body)
}

// FlushReports sends what waits without gathering and returns when everything queued before was told, one
// way or the other. When ctx ends first, the error says why the last attempt failed.
func (c *Client) FlushReports(ctx context.Context) error {
	r := c.out
	target := r.box.Last()
	for first := true; r.on; first = false {
		r.mu.Lock()
		settled, moved, problem := r.settled, r.moved, r.problem
		r.mu.Unlock()
		if settled >= target || r.box.Len() == 0 {
			return nil
		}
		if first || problem == nil { // a platform in trouble is not hurried
			select {
			case r.kick <- struct{}{}:
			default:
			}
		}
		select {
		case <-moved:
		case <-r.ended:
			return errors.New("flush reports: the client is closed")
		case <-ctx.Done():
			if problem != nil {
				return fmt.Errorf("flush reports: %w: %w", ctx.Err(), problem)
			}
			return fmt.Errorf("flush reports: %w", ctx.Err())
		}
	}
	return nil
}

// ReportStats tells how the reports of a client fare.
type ReportStats struct {
	Waiting   int   // not yet answered for
	Lost      int64 // never queued for lack of room
	Accepted  int64
	Discarded int64 // by the platform; see [Client.ReportsRefused]
	Repeated  int64 // already there when they were sent again
	Failures  int64 // attempts that had to be made again
	// Problem is why the last attempt failed, "" after a success.
	Problem string
}

// ReportStats returns the counters.
func (c *Client) ReportStats() ReportStats {
	r := c.out
	s := ReportStats{Waiting: r.box.Len(), Lost: r.lost.Load(), Accepted: r.accepted.Load(), Discarded: r.discarded.Load(), Repeated: r.repeated.Load(), Failures: r.failures.Load()}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.problem != nil {
		s.Problem = r.problem.Error()
	}
	return s
}

// ReportsWaiting is how many reports have not been answered for, and how many were lost for lack of room.
func (c *Client) ReportsWaiting() (waiting, lost int) {
	return c.out.box.Len(), int(c.out.lost.Load())
}

// ReportsRefused lists why the metrics platform discarded reports, at most a hundred reasons.
func (c *Client) ReportsRefused() []string {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return append([]string(nil), c.out.refused...)
}

// run sends until the client is closed.
func (r *reporter) run(ctx context.Context) {
	defer close(r.ended)
	pause := firstPause
	for ctx.Err() == nil {
		list, err := r.gather(ctx)
		if err == nil {
			err = r.deliver(ctx, list)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			r.note(nil)
			pause = firstPause
			continue
		}
		r.failures.Add(1)
		failed := r.client.cfg.Clock.Now() // the pause has begun when the failure can be seen
		r.note(err)
		wait := pause/2 + rand.N(pause) //nolint:gosec // spreads retries, keeps no secret
		var later *retryAfter
		if errors.As(err, &later) {
			wait = max(wait, min(later.pause, longestPause))
		}
		r.rest(ctx, failed, wait)
		pause = min(2*pause, longestPause)
	}
}

// gather waits for reports, then a little for more.
func (r *reporter) gather(ctx context.Context) ([]Kept, error) {
	window := spec.MaxReports + len(r.told)
	list, err := r.box.Next(ctx, window)
	if err != nil || len(list)-len(r.told) >= spec.MaxReports {
		return list, err
	}
	r.rest(ctx, r.client.cfg.Clock.Now(), linger)
	return r.box.Next(ctx, window)
}

// rest waits until the time has passed since a moment on the ecosystem's clock or on the wall, whichever is earlier, or
// until somebody wants everything sent.
func (r *reporter) rest(ctx context.Context, since time.Time, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = r.client.cfg.Clock.SleepUntil(ctx, since.Add(d)) // its error is the end of ctx
	}()
	select {
	case <-over:
	case <-r.kick:
		cancel()
		<-over
	}
}

// note publishes the outcome of an attempt.
func (r *reporter) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem = err
	close(r.moved)
	r.moved = make(chan struct{})
}
