// Package pcm tells the metrics platform (PCM) what the institution served.
//
// The reporter reads the outbox that the request path fills, sends batches, and acknowledges an entry
// only after the platform has answered for it. It promises that every report reaches the platform once,
// or is kept with the reason why not: through a platform that is down, slow, refuses or answers
// nonsense, through an expired token, and through the end of this process. A repetition that an unclear
// answer made necessary, and that the platform refuses as one, counts as delivered. A discard whose reason
// can be mended without another meaning is mended and sent anew, once. It refuses to drop anything
// silently. The invariant: what is acknowledged was accepted, is among [Reporter.DeadLetters],
// or was discarded as a repetition of an accepted report.
package pcm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/platform/event"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

// Config is what a reporter needs.
type Config struct {
	Outbox *event.Outbox
	// Dead keeps discarded reports across restarts; nil keeps them in memory.
	Dead  *event.Outbox
	Clock *clock.Clock
	Seed  clock.Seed
	Seams *fault.Seams
	// HTTP presents the transport certificate and trusts the ecosystem's authority.
	HTTP *http.Client
	// API is the base address of the platform, "https://api.pcm.test"; Token the address of its token
	// endpoint with the slash at its end, "https://auth.pcm.test/token/".
	API, Token string
	// ClientID is the software statement's client at the platform.
	ClientID string
	// Linger is how long reports gather before a batch that is not full leaves, one second when 0.
	Linger time.Duration
	// Batch is the most reports in one request; 0 or more than the published limit means that limit.
	Batch int
	// Timeout bounds one exchange with the platform, half a minute when 0.
	Timeout time.Duration
	// Before, when set, writes what is due into the outbox before it is flushed.
	Before func(ctx context.Context) error
	Log    *slog.Logger
}

// The pauses between attempts: the first, and the longest.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 30 * time.Second
	// heldPause is how often reports are looked at that a seam holds back.
	heldPause = 250 * time.Millisecond
)

// Reporter sends reports in the background from [New] until [Reporter.Close].
type Reporter struct {
	cfg    Config
	chance *clock.Stream
	token  token
	kick   chan struct{} // no more waiting: somebody wants everything sent
	cancel context.CancelFunc
	done   chan struct{}

	// The sender's own state, touched by its goroutine alone.
	size      map[string]int      // of the next batch, by kind
	told      map[uint64]bool     // delivered, but behind an entry that is not
	uncertain map[uint64]bool     // sent, outcome unknown
	bent      map[uint64]*bending // changed by a seam
	before    uint64              // entries up to here may have been sent by an earlier process

	resending sync.Mutex

	mu      sync.Mutex
	settled uint64 // every entry up to here was told, or is held back by a seam
	moved   chan struct{}
	problem error // of the last attempt; nil after a success
	dead    []DeadLetter
	flaws   map[string]int // of reports that left
	since   time.Time      // of the oldest report that a failed attempt left behind

	stats counters
}

type counters struct {
	requests, accepted, discarded, mended, aside, repeated, flawed, failures, tokens atomic.Int64
}

// Stats tells what the reporter did since it was started.
type Stats struct {
	Waiting   int   `json:"waiting"`   // in the outbox
	Requests  int64 `json:"requests"`  // batches sent
	Accepted  int64 `json:"accepted"`  // reports
	Discarded int64 `json:"discarded"` // reports, kept as dead letters
	Mended    int64 `json:"mended"`    // reports that were discarded, changed and sent anew
	Repeated  int64 `json:"repeated"`  // reports that the platform had already
	Flawed    int64 `json:"flawed"`    // reports that left although they look like a discard; see [Reporter.Flaws]
	Failures  int64 `json:"failures"`  // attempts that have to be made again
	Tokens    int64 `json:"tokens"`    // asked for
	// Lost is how many reports the outbox had no room for.
	Lost int64 `json:"lost"`
	// OldestSeconds is the age of the oldest report that trouble keeps waiting, on the ecosystem's clock.
	OldestSeconds float64 `json:"oldestSeconds"`
	// Problem is why the last attempt failed, empty after a success.
	Problem string `json:"problem,omitempty"`
}

// New starts a reporter.
func New(cfg Config) (*Reporter, error) {
	if cfg.Outbox == nil || cfg.Clock == nil || cfg.HTTP == nil || cfg.API == "" || cfg.Token == "" {
		return nil, errors.New("reporter needs an outbox, a clock, an HTTP client and the platform's addresses")
	}
	if cfg.Linger == 0 {
		cfg.Linger = time.Second
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Batch <= 0 || cfg.Batch > spec.MaxReports {
		cfg.Batch = spec.MaxReports
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Reporter{
		cfg: cfg, chance: cfg.Seed.Stream("pcm/reporter"), kick: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{}),
		size: map[string]int{}, told: map[uint64]bool{}, uncertain: map[uint64]bool{}, bent: map[uint64]*bending{}, flaws: map[string]int{}, before: cfg.Outbox.Last(),
	}
	if err := r.recall(); err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go r.run(ctx)
	return r, nil
}

// Close ends the reporter. What is not yet told stays in the outbox; an exchange that is cut short is
// repeated by the next reporter.
func (r *Reporter) Close() error {
	r.cancel()
	<-r.done
	return nil
}

// Flush sends what waits without gathering and returns when everything appended before the call was
// told. When ctx ends first, the error says why the last attempt failed.
func (r *Reporter) Flush(ctx context.Context) error {
	if r.cfg.Before != nil {
		if err := r.cfg.Before(ctx); err != nil {
			return fmt.Errorf("flush reports: %w", err)
		}
	}
	behind := func() int64 { return r.stats.mended.Load() + r.stats.aside.Load() }
	target, known := r.cfg.Outbox.Last(), behind()
	for first := true; ; first = false {
		r.mu.Lock()
		settled, moved, problem := r.settled, r.moved, r.problem
		r.mu.Unlock()
		if settled >= target || r.cfg.Outbox.Len() == 0 {
			if now := behind(); now > known { // what was mended or set aside waits again, behind
				target, known = r.cfg.Outbox.Last(), now
				continue
			}
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
		case <-r.done:
			return errors.New("flush reports: the reporter is closed")
		case <-ctx.Done():
			if problem != nil {
				return fmt.Errorf("flush reports: %w: %w", ctx.Err(), problem)
			}
			return fmt.Errorf("flush reports: %w", ctx.Err())
		}
	}
}

// Stats returns the counters.
func (r *Reporter) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Stats{
		Waiting: r.cfg.Outbox.Len(), Requests: r.stats.requests.Load(), Accepted: r.stats.accepted.Load(), Discarded: r.stats.discarded.Load(),
		Mended: r.stats.mended.Load(), Repeated: r.stats.repeated.Load(), Flawed: r.stats.flawed.Load(), Lost: r.cfg.Outbox.Stats().Refused, Failures: r.stats.failures.Load(), Tokens: r.stats.tokens.Load(),
	}
	if r.problem != nil {
		s.Problem = r.problem.Error()
	}
	if !r.since.IsZero() && s.Waiting > 0 {
		s.OldestSeconds = max(0, r.cfg.Clock.Now().Sub(r.since).Seconds())
	}
	return s
}

func (r *Reporter) run(ctx context.Context) {
	defer close(r.done)
	pause := firstPause
	for ctx.Err() == nil {
		progress := false
		list, err := r.gather(ctx)
		if err == nil {
			progress, err = r.tell(ctx, list)
		}
		if ctx.Err() != nil || errors.Is(err, event.ErrClosed) {
			return
		}
		if err == nil {
			r.note(nil)
			pause = firstPause
			continue
		}
		r.stats.failures.Add(1)
		r.cfg.Log.Warn("reports not delivered, trying again", "waiting", r.cfg.Outbox.Len(), "error", err)
		failed := r.cfg.Clock.Now() // the pause has begun when the failure can be seen
		r.note(err)
		wait := pause/2 + time.Duration(r.chance.IntN(int(pause)))
		var later *retryAfter
		switch {
		case errors.As(err, &later):
			wait = max(wait, min(later.pause, longestPause))
		case progress: // one kind fails, the others go on
			continue
		}
		r.rest(ctx, failed, wait)
		pause = min(2*pause, longestPause)
	}
}

// gather waits for entries, then a little for more, and returns the window that is now to be told.
func (r *Reporter) gather(ctx context.Context) ([]event.Entry, error) {
	window := r.cfg.Batch + len(r.told) + len(r.bent)
	list, err := r.cfg.Outbox.Next(ctx, window)
	if err != nil {
		return nil, err
	}
	pause := r.cfg.Linger
	switch open := r.open(list); {
	case open == 0:
		pause = heldPause
	case open >= r.cfg.Batch:
		return list, nil
	}
	r.rest(ctx, r.cfg.Clock.Now(), pause)
	return r.cfg.Outbox.Next(ctx, window)
}

// open counts the entries that are neither told nor held back.
func (r *Reporter) open(list []event.Entry) (n int) {
	now := r.cfg.Clock.Now()
	for _, e := range list {
		if b := r.bent[e.Seq]; !r.told[e.Seq] && (b == nil || !b.due.After(now)) {
			n++
		}
	}
	return n
}

// rest waits until the duration has passed since a moment on the ecosystem's clock or on the wall, whichever is
// earlier: stepping the clock shortens it, and a clock that stands still does not make it endless. A
// kick ends it.
func (r *Reporter) rest(ctx context.Context, since time.Time, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = r.cfg.Clock.SleepUntil(ctx, since.Add(d)) // its error is the end of ctx
	}()
	select {
	case <-over:
	case <-r.kick:
		cancel()
		<-over
	}
}

// note publishes the outcome of an attempt.
func (r *Reporter) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem = err
	close(r.moved)
	r.moved = make(chan struct{})
}
