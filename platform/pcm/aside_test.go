package pcm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/event"
	mock "github.com/ensaio/ensaio/sim/pcm"
	"github.com/ensaio/ensaio/sim/spec"
)

// until waits for a condition that an attempt of the reporter brings about, and ends its pauses.
func (w *world) until(t *testing.T, r *Reporter, what string, reached func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		r.mu.Lock()
		moved, problem := r.moved, r.problem
		r.mu.Unlock()
		if reached() {
			return
		}
		if problem != nil {
			w.clock.Advance(time.Minute)
		}
		select {
		case <-moved:
		case <-deadline.C:
			t.Fatalf("%s never came: %+v", what, r.Stats())
		}
	}
}

func (w *world) paid(n int) []byte {
	b, err := json.Marshal(spec.PaymentState{
		EventDateTime: spec.At(w.clock.Now()), PaymentType: "IMMEDIATE", ClientOrgID: orgA, ConsentID: "urn:bancoensaio:1", PaymentID: fmt.Sprintf("p%d", n), PaymentStatus: "ACSC",
	})
	if err != nil {
		panic(err)
	}
	return b
}

// TestAnEndpointThatTakesNothingHoldsUpNoOther fills more than a window with reports that the platform of
// an older release has no endpoint for.
func TestAnEndpointThatTakesNothingHoldsUpNoOther(t *testing.T) {
	w := newWorld(t)
	if err := w.pcm.Speak(map[string]any{"states": false}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o, err := event.OpenOutbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 17 {
		appendTo(t, o, spec.KindPayments, w.paid(i))
	}
	const private = 43 // so that one window ends with the last of them
	for i := range private {
		appendTo(t, o, "private", w.served(i))
	}
	r := w.reporter(t, o, func(c *Config) { c.Batch = 5 })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	flushed := make(chan error, 1)
	go func() { flushed <- r.Flush(ctx) }()
	w.until(t, r, "the last private report", func() bool { return w.pcm.Summary().Reports == private && o.Len() == 17 })
	if s := r.Stats(); s.Accepted != private || s.Discarded != 0 {
		t.Errorf("counted %+v", s)
	}
	cancel()
	if err := <-flushed; err == nil {
		t.Error("flushed, though the states are not told")
	}
	r.Close() // what was set aside outlives the process
	o.Close()
	o = w.outbox(t, dir)
	r = w.reporter(t, o)
	if err := w.pcm.Speak(map[string]any{"states": true}); err != nil {
		t.Fatal(err)
	}
	w.flush(t, r)
	if s := r.Stats(); s.Waiting != 0 || s.Discarded != 0 || len(r.DeadLetters()) != 0 {
		t.Errorf("counted %+v", s)
	}
	if got := strings.Count(exported(t, w.pcm, spec.KindPayments), "\n"); got < 17 {
		t.Errorf("%d states arrived, want all 17", got)
	}
}

func exported(t *testing.T, p *mock.PCM, kind string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/export?kind="+kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &said200{header: http.Header{}}
	p.Control().ServeHTTP(w, r)
	return w.body.String()
}

type said200 struct {
	header http.Header
	body   bytes.Buffer
}

func (s *said200) Header() http.Header         { return s.header }
func (s *said200) Write(b []byte) (int, error) { return s.body.Write(b) }
func (s *said200) WriteHeader(int)             {}

// TestADiscardThatCannotBeKeptRepeatsNoOther fills the box of dead letters: the discarded report waits for
// room there, those accepted beside it are neither told again as news nor taken for discards.
func TestADiscardThatCannotBeKeptRepeatsNoOther(t *testing.T) {
	w := newWorld(t)
	o := w.outbox(t, "")
	dead, err := event.OpenOutbox("", event.Limit(1200))
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	appendTo(t, dead, "dead", bytes.Repeat([]byte("x"), 1000))
	r := w.reporter(t, o, func(c *Config) { c.Dead, c.Linger = dead, 50*time.Millisecond })
	appendTo(t, o, "private", w.served(1))
	appendTo(t, o, "private", []byte(strings.Replace(string(w.served(2)), "/accounts/v2/accounts", "/accounts/v2/accounts/42", 1)))
	appendTo(t, o, "private", w.served(3))
	w.until(t, r, "the attempt that meets the full box", func() bool { return r.Stats().Failures > 1 })
	if err := dead.Ack(dead.Last()); err != nil {
		t.Fatal(err)
	}
	w.until(t, r, "room", func() bool { return o.Len() == 0 })
	letters := r.DeadLetters()
	if len(letters) != 1 || letters[0].Reason != "Unlisted endpoint" || w.pcm.Summary().Reports != 2 || r.Stats().Accepted+r.Stats().Repeated != 2 {
		t.Errorf("%d reports there, kept %+v, counted %+v", w.pcm.Summary().Reports, letters, r.Stats())
	}
}

// TestASlowPlatformGetsSmallerBatches meets a platform that finishes no batch of more than three in time.
func TestASlowPlatformGetsSmallerBatches(t *testing.T) {
	w := newWorld(t)
	real := w.client.Transport
	slow := roundTrip(func(q *http.Request) (*http.Response, error) {
		if strings.Contains(q.URL.Path, "/private/") {
			body, err := io.ReadAll(q.Body)
			if err != nil {
				return nil, err
			}
			q.Body = io.NopCloser(bytes.NewReader(body))
			if bytes.Count(body, []byte("endpoint")) > 3 {
				<-q.Context().Done()
				return nil, q.Context().Err()
			}
		}
		return real.RoundTrip(q)
	})
	o := w.outbox(t, "")
	for i := range 20 {
		appendTo(t, o, "private", w.served(i))
	}
	r := w.reporter(t, o, func(c *Config) { c.HTTP, c.Timeout = &http.Client{Transport: slow}, 250*time.Millisecond })
	w.until(t, r, "the last report", func() bool { return o.Len() == 0 })
	if s := r.Stats(); s.Accepted != 20 || s.Discarded != 0 {
		t.Errorf("counted %+v", s)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestAWeekWithoutThePlatformEndsInDeadLetters gives up what the platform would not take any more, and
// nothing younger.
func TestAWeekWithoutThePlatformEndsInDeadLetters(t *testing.T) {
	w := newWorld(t)
	if err := w.pcm.Fail(mock.Failure{Kind: "status", Status: 500}); err != nil {
		t.Fatal(err)
	}
	o := w.outbox(t, "")
	r := w.reporter(t, o)
	appendTo(t, o, "private", w.served(1))
	w.until(t, r, "a failure", func() bool { return r.Stats().Failures > 0 })
	if len(r.DeadLetters()) != 0 {
		t.Fatal("given up within the week")
	}
	w.clock.Advance(7*24*time.Hour + time.Minute)
	appendTo(t, o, "private", w.served(2))
	w.until(t, r, "the end of the week", func() bool { return len(r.DeadLetters()) > 0 })
	w.pcm.Recover()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	letters := r.DeadLetters()
	if len(letters) != 1 || !strings.Contains(letters[0].Reason, "seven days") || !strings.Contains(letters[0].Reason, "500") || w.pcm.Summary().Reports != 1 {
		t.Errorf("%d reports there, given up %+v", w.pcm.Summary().Reports, letters)
	}
}
