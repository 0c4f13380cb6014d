package pcm

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Failure is a misbehaviour of the platform, switched on for a number of requests or until cleared.
type Failure struct {
	// Kind is one of [FailureKinds].
	Kind string `json:"kind"`
	// On is "token", "report" or "" for both.
	On string `json:"on,omitempty"`
	// Status is the answer of kind "status".
	Status int `json:"status,omitempty"`
	// Times is how many requests are struck; 0 means until cleared.
	Times int `json:"times,omitempty"`
	// Milliseconds is how late kind "slow" answers.
	Milliseconds int `json:"milliseconds,omitempty"`
	// Rate is how many requests per second kind "throttle" lets through.
	Rate int `json:"rate,omitempty"`
	// From and Until bound kind "maintenance" on the ecosystem's clock; From is now when absent.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`

	bucket *rate.Limiter
}

// FailureKinds lists what can be switched on:
//
//	down         the connection is cut before anything is read
//	timeout      there is no answer until the caller gives up
//	status       the request is refused with a status code
//	garbage      the answer is not JSON, nothing was taken in
//	slow         the answer comes late
//	throttle     requests beyond a rate are refused with 429
//	maintenance  everything is refused with 503 between two times; the 08:00 target of the days concerned is waived
//	lost         everything is taken in, then the connection is cut
//	discard      every item is discarded
//	refuse       a live token is refused with 401
//	expire       every token minted so far has ended; strikes once, at once
func FailureKinds() []string {
	return []string{"down", "timeout", "status", "garbage", "slow", "throttle", "maintenance", "lost", "discard", "refuse", "expire"}
}

type window struct{ from, until time.Time }

type failures struct {
	mu      sync.Mutex
	active  []Failure
	windows []window // every maintenance so far, for the deadlines that it waives
}

// Fail switches a misbehaviour on.
func (p *PCM) Fail(f Failure) error {
	switch {
	case !slices.Contains(FailureKinds(), f.Kind):
		return fmt.Errorf("no failure %q; there are %v", f.Kind, FailureKinds())
	case f.Kind == "status" && (f.Status < 400 || f.Status > 599):
		return errors.New("failure status needs a status between 400 and 599")
	case f.On != "" && f.On != "token" && f.On != "report":
		return fmt.Errorf("failures happen on token or report, not %q", f.On)
	case f.Times < 0 || f.Milliseconds < 0:
		return errors.New("times and milliseconds are not negative")
	case f.Kind == "throttle" && f.Rate < 1:
		return errors.New("failure throttle needs a rate, requests per second, of at least 1")
	case f.Kind == "maintenance" && !f.Until.After(p.cfg.Clock.Now()):
		return errors.New("failure maintenance needs until, a time to come")
	}
	if f.Kind == "expire" {
		p.tokens.expire()
		return nil
	}
	if f.Kind == "throttle" {
		f.bucket = rate.NewLimiter(rate.Limit(f.Rate), f.Rate)
	}
	if f.Kind == "maintenance" && f.From.IsZero() {
		f.From = p.cfg.Clock.Now()
	}
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	p.faults.active = append(p.faults.active, f)
	if f.Kind == "maintenance" {
		p.faults.windows = append(p.faults.windows, window{f.From, f.Until})
	}
	return nil
}

// away says whether a maintenance fell into a stretch of time.
func (f *failures) away(from, until time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.windows, func(w window) bool { return w.from.Before(until) && w.until.After(from) })
}

// Recover clears all misbehaviour. A maintenance that goes on ends now.
func (p *PCM) Recover() {
	now := p.cfg.Clock.Now()
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	p.faults.active = nil
	for i, w := range p.faults.windows {
		if w.until.After(now) {
			p.faults.windows[i].until = now
		}
	}
}

// Failures lists what is switched on.
func (p *PCM) Failures() []Failure {
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	return slices.Clone(p.faults.active)
}

// take uses up one stroke of the first failure that applies to one of the kinds.
func (f *failures) take(now time.Time, on string, kinds ...string) (Failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.active {
		hit := f.active[i]
		switch {
		case (hit.On != "" && hit.On != on) || !slices.Contains(kinds, hit.Kind):
			continue
		case hit.Kind == "maintenance" && (now.Before(hit.From) || !now.Before(hit.Until)):
			continue
		case hit.bucket != nil && hit.bucket.AllowN(now, 1):
			continue
		}
		if hit.Times > 0 {
			if f.active[i].Times--; f.active[i].Times == 0 {
				f.active = slices.Delete(f.active, i, i+1)
			}
		}
		return hit, true
	}
	return Failure{}, false
}

// strike misbehaves before a request is looked at, and says whether that was the answer.
func (f *failures) strike(w http.ResponseWriter, r *http.Request, p *PCM, on string) bool {
	now := p.cfg.Clock.Now()
	hit, ok := f.take(now, on, "down", "timeout", "status", "garbage", "slow", "throttle", "maintenance")
	if !ok {
		return false
	}
	refuse := func(status int, message string, after time.Duration) {
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", strconv.Itoa(int(max(after, time.Second)/time.Second)))
		}
		p.refuse(w, r, on, status, message)
	}
	switch hit.Kind {
	case "down":
		panic(http.ErrAbortHandler)
	case "timeout":
		_, _ = io.Copy(io.Discard, r.Body) // only behind the body does the server hear that the caller left
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case "status":
		refuse(hit.Status, http.StatusText(hit.Status), time.Second)
	case "throttle":
		refuse(http.StatusTooManyRequests, "Too Many Requests", time.Second)
	case "maintenance":
		refuse(http.StatusServiceUnavailable, "Service Unavailable", hit.Until.Sub(now))
	case "garbage":
		p.answer(w, r, on, http.StatusOK, []byte("<html><body>maintenance</body>"))
	case "slow":
		timer := time.NewTimer(time.Duration(hit.Milliseconds) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
		return false
	}
	return true
}
