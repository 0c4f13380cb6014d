package pcm

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/platform/event"
	"github.com/ensaio/ensaio/sim/fault"
	mock "github.com/ensaio/ensaio/sim/pcm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReportsOfAllKindsArrive(t *testing.T) {
	w := newWorld(t)
	o := w.outbox(t, t.TempDir())
	r := w.reporter(t, o, func(c *Config) { c.Batch = 3 })
	for i := range 10 {
		appendTo(t, o, "private", w.served(i))
		s := w.arrived()
		appendTo(t, o, s.Kind, s.Body)
	}
	w.flush(t, r)
	if s := w.pcm.Summary(); s.Reports != 10 || len(w.pcm.Journey("urn:bancoensaio:1")) != 10 {
		t.Errorf("%d reports, %d steps", s.Reports, len(w.pcm.Journey("urn:bancoensaio:1")))
	}
	if s := r.Stats(); s.Accepted != 20 || s.Waiting != 0 || s.Discarded != 0 || s.Tokens != 1 || o.Len() != 0 {
		t.Errorf("counted %+v", s)
	}
	for _, q := range w.pcm.Requests() {
		if q.Items > 3 {
			t.Errorf("a batch of %d", q.Items)
		}
	}
}

// TestEveryTroubleEndsWithEachReportOnce lets the platform misbehave in every way it knows and expects
// each report exactly once there, and nothing given up.
func TestEveryTroubleEndsWithEachReportOnce(t *testing.T) {
	for _, f := range []mock.Failure{
		{Kind: "down", Times: 2}, {Kind: "down", On: "token", Times: 1}, {Kind: "status", Status: 500, Times: 2}, {Kind: "status", Status: 503, On: "token", Times: 1},
		{Kind: "status", Status: 401, On: "report", Times: 1}, {Kind: "status", Status: 401, On: "report", Times: 2}, {Kind: "status", Status: 413, On: "report", Times: 3},
		{Kind: "status", Status: 404, On: "report", Times: 1}, {Kind: "garbage", Times: 2}, {Kind: "slow", Milliseconds: 5, Times: 2}, {Kind: "lost", Times: 2},
	} {
		t.Run(fmt.Sprintf("%s %d %s", f.Kind, f.Status, f.On), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := w.pcm.Fail(f); err != nil {
				t.Fatal(err)
			}
			o := w.outbox(t, "")
			const n = 20
			for i := range n {
				appendTo(t, o, "private", w.served(i))
			}
			r := w.reporter(t, o) // after them: a few alone would be halved to one, and that one be at fault
			w.flush(t, r)
			if s := w.pcm.Summary(); s.Reports != n {
				t.Errorf("the platform holds %d of %d", s.Reports, n)
			}
			if s := r.Stats(); s.Waiting != 0 || s.Discarded != 0 || s.Accepted+s.Repeated != n || s.Problem != "" {
				t.Errorf("counted %+v", s)
			}
			if left := w.pcm.Failures(); len(left) != 0 {
				t.Errorf("never met %+v", left)
			}
		})
	}
}

func TestRetryAfterIsHonouredOnTheClock(t *testing.T) {
	w := newWorld(t)
	if err := w.pcm.Fail(mock.Failure{Kind: "status", Status: 429, On: "report", Times: 1}); err != nil {
		t.Fatal(err)
	}
	o := w.outbox(t, "")
	r := w.reporter(t, o)
	appendTo(t, o, "private", w.served(1))
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for r.Stats().Failures == 0 { // poll: the first attempt meets the 429
		select {
		case <-deadline.C:
			t.Fatal("no attempt was made")
		default:
			r.mu.Lock()
			moved := r.moved
			r.mu.Unlock()
			if r.Stats().Failures == 0 {
				select {
				case <-moved:
				case <-deadline.C:
				}
			}
		}
	}
	w.clock.Advance(time.Minute) // ends the pause
	w.flush(t, r)
	if s := r.Stats(); s.Accepted != 1 || s.Requests != 2 {
		t.Errorf("counted %+v", s)
	}
}

func TestDiscardedReportsAreKeptWithTheReason(t *testing.T) {
	w := newWorld(t)
	dir, dead := t.TempDir(), t.TempDir()
	o, d := w.outbox(t, dir), w.outbox(t, dead)
	r := w.reporter(t, o, func(c *Config) { c.Dead = d })
	appendTo(t, o, "private", w.served(1))
	appendTo(t, o, "private", []byte(strings.Replace(string(w.served(2)), "/accounts/v2/accounts", "/accounts/v2/accounts/42", 1)))
	appendTo(t, o, "private", []byte(`not JSON`))
	appendTo(t, o, "elsewhere", []byte(`{}`))
	appendTo(t, o, "private", w.served(3))
	w.flush(t, r)
	if s := w.pcm.Summary(); s.Reports != 2 || o.Len() != 0 {
		t.Fatalf("%d reports, %d wait", s.Reports, o.Len())
	}
	letters := r.DeadLetters()
	reasons := map[string]bool{}
	for _, l := range letters {
		reasons[l.Reason] = true
	}
	if len(letters) != 3 || !reasons["Unlisted endpoint"] || !reasons["no endpoint for reports of kind elsewhere"] {
		t.Fatalf("kept %+v", letters)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	again := w.reporter(t, o, func(c *Config) { c.Dead = d })
	if len(again.DeadLetters()) != 3 {
		t.Error("dead letters did not outlive the reporter")
	}
	if n, err := again.Resend(t.Context()); n != 3 || err != nil {
		t.Fatalf("resent %d: %v", n, err)
	}
	w.flush(t, again)
	if len(again.DeadLetters()) != 3 || w.pcm.Summary().Reports != 2 {
		t.Errorf("after resending: %d dead, %d reports", len(again.DeadLetters()), w.pcm.Summary().Reports)
	}
}

// TestResendingForgetsNoOtherLetter resends more letters than memory holds, while one of them comes back.
func TestResendingForgetsNoOtherLetter(t *testing.T) {
	w := newWorld(t)
	dead := t.TempDir()
	o, d := w.outbox(t, ""), w.outbox(t, dead)
	const letters = 2*maxDead + 1
	for n := range letters {
		body, err := json.Marshal(DeadLetter{Kind: "private", Reason: "x", Report: w.served(n)})
		if err != nil {
			t.Fatal(err)
		}
		appendTo(t, d, "dead", body)
	}
	r := w.reporter(t, o, func(c *Config) { c.Dead = d })
	if n, err := r.Resend(t.Context()); n != letters || err != nil {
		t.Fatalf("resent %d: %v", n, err)
	}
	w.flush(t, r)
	if s := w.pcm.Summary(); s.Reports != letters || d.Len() != 0 || len(r.DeadLetters()) != 0 {
		t.Errorf("%d reports arrived, %d letters are in the box and %d in memory", s.Reports, d.Len(), len(r.DeadLetters()))
	}
	// A platform that discards them again leaves every one in the box.
	if err := w.pcm.Fail(mock.Failure{Kind: "discard"}); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		appendTo(t, o, "private", w.served(letters+n))
	}
	w.flush(t, r)
	if n, err := r.Resend(t.Context()); n != 3 || err != nil {
		t.Fatalf("resent %d: %v", n, err)
	}
	w.flush(t, r)
	if d.Len() != 3 || len(r.DeadLetters()) != 3 {
		t.Errorf("%d letters are in the box and %d in memory", d.Len(), len(r.DeadLetters()))
	}
}

// TestDiscardsOfASoundReportAreResentByHand covers the platform that discards without reason.
func TestDiscardsOfASoundReportAreResentByHand(t *testing.T) {
	w := newWorld(t)
	if err := w.pcm.Fail(mock.Failure{Kind: "discard", Times: 1}); err != nil {
		t.Fatal(err)
	}
	o := w.outbox(t, "")
	r := w.reporter(t, o)
	appendTo(t, o, "private", w.served(1))
	w.flush(t, r)
	if len(r.DeadLetters()) != 1 || w.pcm.Summary().Reports != 0 {
		t.Fatalf("kept %+v", r.DeadLetters())
	}
	if n, err := r.Resend(t.Context()); n != 1 || err != nil {
		t.Fatalf("resent %d: %v", n, err)
	}
	w.flush(t, r)
	if len(r.DeadLetters()) != 0 || w.pcm.Summary().Reports != 1 {
		t.Errorf("after resending: %+v", r.DeadLetters())
	}
}

// TestAKilledReporterLosesAndRepeatsNothing ends the process between the platform's commit and the
// acknowledgement, and starts another on the same directory.
func TestAKilledReporterLosesAndRepeatsNothing(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	o, err := event.OpenOutbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.pcm.Fail(mock.Failure{Kind: "lost"}); err != nil {
		t.Fatal(err)
	}
	r := w.reporter(t, o)
	for i := range 5 {
		appendTo(t, o, "private", w.served(i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for w.pcm.Summary().Reports < 5 { // poll: taken in, never answered
		r.mu.Lock()
		moved := r.moved
		r.mu.Unlock()
		if w.pcm.Summary().Reports >= 5 {
			break
		}
		select {
		case <-moved:
		case <-ctx.Done():
			t.Fatal("the platform took nothing in")
		}
	}
	r.Close()
	o.Close()

	w.pcm.Recover()
	o = w.outbox(t, dir)
	if o.Len() != 5 {
		t.Fatalf("%d wait, want all 5", o.Len())
	}
	r = w.reporter(t, o)
	for i := 5; i < 8; i++ {
		appendTo(t, o, "private", w.served(i))
	}
	w.flush(t, r)
	if s := w.pcm.Summary(); s.Reports != 8 || s.ByStatus[mock.Unpaired] != 8 {
		t.Errorf("the platform holds %+v", s.ByStatus)
	}
	if s := r.Stats(); s.Repeated != 5 || s.Accepted != 3 || s.Discarded != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestAnExpiredTokenIsReplaced(t *testing.T) {
	w := newWorld(t)
	o := w.outbox(t, "")
	r := w.reporter(t, o)
	appendTo(t, o, "private", w.served(1))
	w.flush(t, r)
	w.clock.Advance(7 * time.Hour)
	appendTo(t, o, "private", w.served(2))
	w.flush(t, r)
	if s := r.Stats(); s.Accepted != 2 || s.Tokens != 2 || s.Failures != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestFlushSaysWhyItCouldNot(t *testing.T) {
	w := newWorld(t)
	if err := w.pcm.Fail(mock.Failure{Kind: "status", Status: 500}); err != nil {
		t.Fatal(err)
	}
	o := w.outbox(t, "")
	r := w.reporter(t, o)
	appendTo(t, o, "private", w.served(1))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := r.Flush(ctx); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("got %v", err)
	}
	if o.Len() != 1 {
		t.Error("an undelivered report is gone")
	}
}

func TestSeamsBendWhatLeaves(t *testing.T) {
	for _, row := range []struct {
		name  string
		bend  func(*fault.Report)
		want  int
		check func(*testing.T, []mock.Report)
	}{
		{"omitted", func(r *fault.Report) { r.Copies = 0 }, 0, nil},
		{"doubled", func(r *fault.Report) { r.Copies = 2 }, 2, nil},
		{"altered", func(r *fault.Report) { r.Body["statusCode"] = 418; r.Body["httpMethod"] = "PUT" }, 1, func(t *testing.T, list []mock.Report) {
			if list[0].StatusCode != 418 || list[0].Method != "PUT" {
				t.Errorf("got %+v", list[0])
			}
		}},
		{"late", func(r *fault.Report) { r.Delay = 48 * time.Hour }, 0, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			b := fault.NewBoard([]fault.Defect{{Name: "pcm/x", Kind: fault.Mutate, OnReport: func(r *fault.Report) {
				if r.Kind != "private" || r.Role != "SERVER" {
					t.Errorf("a seam saw %s of %s", r.Kind, r.Role)
				}
				row.bend(r)
			}}})
			if err := b.Arm("pcm/x"); err != nil {
				t.Fatal(err)
			}
			o := w.outbox(t, "")
			r := w.reporter(t, o, func(c *Config) { c.Seams = b.Seams() })
			appendTo(t, o, "private", w.served(1))
			w.flush(t, r)
			if got := w.pcm.Reports(mock.Query{}); len(got) != row.want {
				t.Fatalf("the platform holds %d, want %d", len(got), row.want)
			} else if row.check != nil {
				row.check(t, got)
			}
			if row.name != "late" {
				return
			}
			if o.Len() != 1 {
				t.Error("a report held back was acknowledged")
			}
			b.Disarm()
			appendTo(t, o, "private", w.served(2))
			w.flush(t, r)
			if n := w.pcm.Summary().Reports; n != 1 {
				t.Errorf("the platform holds %d, want the later one", n)
			}
			w.clock.Advance(49 * time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for o.Len() > 0 {
				r.mu.Lock()
				moved := r.moved
				r.mu.Unlock()
				if o.Len() == 0 {
					break
				}
				select {
				case <-moved:
				case <-ctx.Done():
					t.Fatal("the report held back never left")
				}
			}
			if n := w.pcm.Summary().Reports; n != 2 {
				t.Errorf("the platform holds %d, want both", n)
			}
		})
	}
}
