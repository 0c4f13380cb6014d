package trust

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
)

// library keeps copies of documents by address. One caller at a time fetches a document; the others
// wait for it.
type library[T any] struct {
	mu     sync.Mutex
	copies map[string]*copied[T]
}

type copied[T any] struct {
	mu      sync.Mutex
	value   T
	fetched time.Time // of the value; zero while there is none
	tried   time.Time
	err     error // of the last try, nil when it went well
}

// get returns the document, fetched not longer than life ago. When it cannot be fetched the last copy
// serves, for as long as staleLife; a failed try is not repeated for a second.
func (l *library[T]) get(ctx context.Context, t *Trust, url string, life time.Duration) (T, error) {
	c := l.place(url)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := t.cfg.Clock.Now()
	if fresh(now, c.fetched, life) {
		return c.value, nil
	}
	if !fresh(now, c.tried, keysRetry) || c.err == nil {
		value, err := fetch[T](ctx, t, url)
		c.tried, c.err = now, err
		if err == nil {
			c.value, c.fetched = value, now
			return value, nil
		}
		if ctx.Err() != nil {
			c.tried = time.Time{} // the caller left; nothing is known of the source
		}
	}
	if fresh(now, c.fetched, staleLife) {
		return c.value, nil
	}
	var none T
	return none, c.err
}

// fresh says whether then lies in the last d; a clock that went back makes everything old.
func fresh(now, then time.Time, d time.Duration) bool {
	return !then.IsZero() && !now.Before(then) && now.Sub(then) < d
}

func (l *library[T]) place(url string) *copied[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.copies == nil {
		l.copies = map[string]*copied[T]{}
	}
	c := l.copies[url]
	if c == nil {
		if len(l.copies) >= maxCopies {
			for other := range l.copies { // any one: this many addresses are nobody's normal day
				delete(l.copies, other)
				break
			}
		}
		c = &copied[T]{}
		l.copies[url] = c
	}
	return c
}

func fetch[T any](ctx context.Context, t *Trust, url string) (T, error) {
	var v T
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return v, fmt.Errorf("fetch %s: %w", url, err)
	}
	resp, err := t.cfg.HTTP.Do(req)
	if err != nil {
		return v, fmt.Errorf("fetch %s: %w", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case err != nil:
		return v, fmt.Errorf("fetch %s: %w", url, err)
	case resp.StatusCode != http.StatusOK:
		return v, fmt.Errorf("fetch %s: status %d", url, resp.StatusCode)
	case len(body) > maxDocument:
		return v, fmt.Errorf("fetch %s: more than %d bytes", url, maxDocument)
	}
	switch into := any(&v).(type) {
	case *jose.Set:
		err = json.Unmarshal(body, into)
	case **x509.RevocationList:
		*into, err = x509.ParseRevocationList(body)
	}
	if err != nil {
		return v, fmt.Errorf("fetch %s: %w", url, err)
	}
	return v, nil
}
