package pcm

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
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
}

// FailureKinds lists what can be switched on:
//
//	down     the connection is cut before anything is read
//	status   the request is refused with a status code
//	garbage  the answer is not JSON, nothing was taken in
//	slow     the answer comes late
//	lost     everything is taken in, then the connection is cut
//	discard  every item is discarded
func FailureKinds() []string { return []string{"down", "status", "garbage", "slow", "lost", "discard"} }

type failures struct {
	mu     sync.Mutex
	active []Failure
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
	}
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	p.faults.active = append(p.faults.active, f)
	return nil
}

// Recover clears all misbehaviour.
func (p *PCM) Recover() {
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	p.faults.active = nil
}

// Failures lists what is switched on.
func (p *PCM) Failures() []Failure {
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	return slices.Clone(p.faults.active)
}

// take uses up one stroke of the first failure that applies to one of the kinds.
func (f *failures) take(on string, kinds ...string) (Failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.active {
		hit := f.active[i]
		if (hit.On != "" && hit.On != on) || !slices.Contains(kinds, hit.Kind) {
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
	hit, ok := f.take(on, "down", "status", "garbage", "slow")
	if !ok {
		return false
	}
	switch hit.Kind {
	case "down":
		panic(http.ErrAbortHandler)
	case "status":
		if hit.Status == http.StatusTooManyRequests || hit.Status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		p.refuse(w, r, on, hit.Status, http.StatusText(hit.Status))
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
