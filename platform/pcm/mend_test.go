package pcm

import (
	"bytes"
	"fmt"
	"github.com/ensaio/ensaio/sim/spec"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A discard with a reason that can be mended is mended and sent anew, once; the others are kept.
func TestADiscardIsMendedWhereItsReasonAllows(t *testing.T) {
	w := newWorld(t)
	o := w.outbox(t, t.TempDir())
	r := w.reporter(t, o)
	with := func(n int, member string) []byte {
		return []byte(strings.Replace(string(w.served(n)), `"role"`, member+`,"role"`, 1))
	}
	appendTo(t, o, "private", with(1, `"note":"x"`))
	appendTo(t, o, "private", with(2, `"correlationId":"<a>"`))
	appendTo(t, o, "private", []byte(strings.Replace(string(w.served(3)), `"processTimespan":1.5`, `"processTimespan":0`, 1)))
	appendTo(t, o, "private", []byte(strings.Replace(string(with(4, `"note":"x"`)), "/accounts/v2/accounts", "/unicorns", 1)))
	appendTo(t, o, "private", w.served(5))
	w.flush(t, r)
	if s := r.Stats(); s.Accepted != 4 || s.Discarded != 1 || s.Waiting != 0 || s.Mended != 4 || s.Flawed == 0 {
		t.Errorf("counted %+v", s)
	}
	if s := w.pcm.Summary(); s.Reports != 4 {
		t.Errorf("the platform holds %d", s.Reports)
	}
	if dead := r.DeadLetters(); len(dead) != 1 || dead[0].Kind != "private" || !strings.Contains(dead[0].Reason, "Unlisted endpoint") {
		t.Errorf("kept %+v", dead)
	}
}

// What the platform would discard is found before it is sent, and sent all the same.
func TestFlawsAreFoundBeforeTheyLeave(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	sound := string(w.served(1))
	state := fmt.Sprintf(`{"eventDateTime":%q,"paymentType":"IMMEDIATE","clientOrgId":%q,"consentId":"urn:bancoensaio:1","paymentId":"p1","paymentStatus":"RJCT"}`, spec.At(now), orgA)
	for _, c := range []struct{ kind, body, want string }{
		{"private", sound, ""},
		{"private", strings.Replace(sound, "/accounts/v2/accounts", "/accounts/v2/accounts/42", 1), "endpoint"},
		{"private", strings.Replace(sound, ":200,", ":100,", 1), "statusCode"},
		{"private", strings.Replace(sound, ":1.5", ":0", 1), "processTimespan"},
		{"private", strings.Replace(sound, orgA, "nobody", 1), "clientOrgId"},
		{"private", strings.Replace(sound, spec.At(now)[:10], "2020-01-01", 1), "seven days"},
		{"private", strings.Replace(sound, spec.At(now)[:10], "2099-01-01", 1), "future"},
		{"private", strings.Replace(sound, `"timestamp"`, `"time"`, 1), "malformed"},
		{"payments", state, "statusReasonCode"},
		{"payments", strings.Replace(state, "RJCT", "ACSC", 1), ""},
		{"stock", `{"date":"2026-11-21","orgId":"` + orgB + `","role":"SERVER","scope":"DADOS","consentsStockList":[]}`, ""},
		{"stock", `{"orgId":"` + orgB + `","role":"SERVER","scope":"DADOS"}`, "date"},
		{spec.Authenticated, string(w.arrived().Body), ""},
		{spec.Authenticated, strings.Replace(string(w.arrived().Body), `"platform"`, `"form"`, 1), "platform"},
	} {
		if got := flaw(c.kind, []byte(c.body), now); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %q, want %q", c.kind, c.body, got, c.want)
		}
	}
}

// twisted answers the first requests itself.
type twisted struct {
	next http.RoundTripper
	with []func(*http.Request) (*http.Response, error)
}

func (t *twisted) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "/report-api/") || len(t.with) == 0 {
		return t.next.RoundTrip(r)
	}
	fn := t.with[0]
	t.with = t.with[1:]
	return fn(r)
}

func said(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// Answers that are no answers: every report is sent again, and those that had arrived count once.
func TestAnswersThatAreNone(t *testing.T) {
	w := newWorld(t)
	real := w.client.Transport
	tail := func(edit func([]byte) []byte) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			a, err := real.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			defer a.Body.Close()
			body, err := io.ReadAll(a.Body)
			a.Body = io.NopCloser(bytes.NewReader(edit(body)))
			return a, err
		}
	}
	client := &http.Client{Transport: &twisted{real, []func(*http.Request) (*http.Response, error){
		said(200, "<html>maintenance</html>"), said(200, ""), said(207, "[]"), said(404, `{"message":"Not Found"}`),
		tail(func(b []byte) []byte { return b[:len(b)/2] }),
		tail(func(b []byte) []byte { return []byte(`[{"status":"ACCEPTED"}]`) }),
		tail(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"status"`), []byte(`"state"`)) }),
	}}}
	o := w.outbox(t, "")
	r := w.reporter(t, o, func(c *Config) { c.HTTP = client })
	for i := range 10 {
		appendTo(t, o, "private", w.served(i))
	}
	for {
		r.mu.Lock()
		moved, problem, settled := r.moved, r.problem, r.settled
		r.mu.Unlock()
		if settled == o.Last() {
			break
		}
		if problem != nil {
			w.clock.Advance(time.Minute) // ends the pause
		}
		<-moved
	}
	w.flush(t, r)
	if s := r.Stats(); s.Waiting != 0 || s.Discarded != 0 || s.Repeated != 10 || s.Failures != 7 || w.pcm.Summary().Reports != 10 {
		t.Errorf("%+v, the platform holds %d", s, w.pcm.Summary().Reports)
	}
}
