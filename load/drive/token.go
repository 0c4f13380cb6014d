package drive

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

// bearer is an access token in force. Whoever reads it gets the newest one without a lock.
type bearer struct {
	now atomic.Pointer[held]
	// renew gets a new token and how long it lives.
	renew func(ctx context.Context) (token string, life time.Duration, err error)
	due   time.Time // the keeper's alone
	tried time.Time // the keeper's alone
	// refused asks for a renewal before its time.
	refused atomic.Bool
}

// held is one access token as requests and reports carry it.
type held struct {
	header []string // value of Authorization
	id     string   // what reports carry in its place
}

func (b *bearer) set(token string) { b.now.Store(&held{[]string{"Bearer " + token}, tokenID(token)}) }

// pepper makes the ids of tokens useless to whoever sees a report.
var pepper = func() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}()

func tokenID(token string) string {
	sum := sha256.Sum256(append([]byte(token), pepper...))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// keeper renews tokens ahead of their end, on the target's clock.
type keeper struct {
	clock  *clock.Clock
	log    *slog.Logger
	kept   []*bearer
	failed atomic.Uint64
	wake   chan struct{} // something was refused

	mu   sync.Mutex
	last string
}

func newKeeper(clk *clock.Clock, log *slog.Logger) *keeper {
	return &keeper{clock: clk, log: log, wake: make(chan struct{}, 1)}
}

// refuse tells that a token was answered 401. A bank that has lost its tokens gives new ones; to wait for the end of
// the old one would make minutes of errors of one.
func (k *keeper) refuse(b *bearer, token *held) {
	if b.renew == nil || b.now.Load() != token {
		return // there is a newer one already
	}
	b.refused.Store(true)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// hurry makes due at once what was refused, though not more often than failed renewals are tried.
func (k *keeper) hurry() {
	for _, b := range k.kept {
		if soon := b.tried.Add(again); b.refused.Swap(false) && soon.Before(b.due) {
			b.due = soon
		}
	}
}

// until waits for an instant, and says whether it was waited for or something was refused meanwhile.
func (k *keeper) until(ctx context.Context, due time.Time) (arrived bool) {
	waiting, stop := context.WithCancel(ctx)
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		select {
		case <-k.wake:
			stop()
		case <-waiting.Done():
		}
	}()
	err := k.clock.SleepUntil(waiting, due)
	stop()
	<-listened
	return err == nil
}

// keep obtains the first token and takes the bearer in. Only before run.
func (k *keeper) keep(ctx context.Context, b *bearer) error {
	if err := k.renew(ctx, b); err != nil {
		return err
	}
	k.kept = append(k.kept, b)
	return nil
}

// holds takes in a bearer that already has its token.
func (k *keeper) holds(b *bearer, token string, life time.Duration) {
	b.set(token)
	b.due = k.clock.Now().Add(life - lead(life))
	k.kept = append(k.kept, b)
}

func (k *keeper) renew(ctx context.Context, b *bearer) error {
	var life time.Duration
	token, err := insist(ctx, k.clock, func(ctx context.Context) (token string, err error) {
		token, life, err = b.renew(ctx)
		return token, err
	})
	if err != nil {
		return err
	}
	b.set(token)
	b.due = k.clock.Now().Add(life - lead(life))
	return nil
}

// again is how long a renewal that failed waits for its next try.
const again = 5 * time.Second

func (k *keeper) run(ctx context.Context) {
	for len(k.kept) > 0 {
		next := k.kept[0]
		for _, b := range k.kept {
			if b.due.Before(next.due) {
				next = b
			}
		}
		arrived := k.until(ctx, next.due)
		if ctx.Err() != nil {
			return
		}
		k.hurry()
		if !arrived {
			continue
		}
		next.tried = k.clock.Now()
		if err := k.renew(ctx, next); err != nil {
			if ctx.Err() != nil {
				return
			}
			k.failed.Add(1)
			k.mu.Lock()
			k.last = err.Error()
			k.mu.Unlock()
			k.log.Warn("a token was not renewed", "error", err)
			next.due = k.clock.Now().Add(again)
		}
	}
}

func (k *keeper) lastFailure() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}
