package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

func subject() *target.Target {
	return &target.Target{Name: "Banco de Teste", Role: "account-holder", People: []target.Person{
		{ID: "ana", CPF: "76109277673", Username: "ana", Password: "x", Has: []string{"ordinary"}},
		{ID: "bia", CPF: "76109277674", Username: "bia", Password: "x", Has: []string{"ordinary"}},
		{ID: "caio", CPF: "76109277675", Username: "caio", Password: "x", Has: []string{"joint"}},
		{ID: "dora", Login: "human", Has: []string{"rare"}},
	}}
}

func session(t *testing.T, tg *target.Target, o Options) *Session {
	t.Helper()
	s, err := Open(t.Context(), tg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func body(fn func(*Bench)) Check {
	return Check{ID: "T-1", Name: "test/holds", Title: "It holds", Plan: "test", Area: "test", Body: fn}
}

func exchange(status int, text string) *tpp.Exchange {
	return &tpp.Exchange{Name: "x", Method: "GET", URL: "https://bank.test/x?code=canary-code", Status: status, Body: []byte(text), Header: http.Header{}, RequestHeader: http.Header{}}
}

func TestWhatBecomesOfACheck(t *testing.T) {
	s := session(t, subject(), Options{})
	lost := &tpp.Exchange{Method: "GET", URL: "https://bank.test", Err: fmt.Errorf("dial: %w", syscall.ECONNREFUSED)}
	broke := &tpp.Exchange{Method: "GET", URL: "https://bank.test", Err: fmt.Errorf("x: %w", io.ErrUnexpectedEOF)}
	refused := &tpp.Exchange{Method: "GET", URL: "https://bank.test", Err: errors.New("remote error: tls: bad certificate")}
	for _, c := range []struct {
		name   string
		check  Check
		want   report.Status
		reason string
	}{
		{"a met expectation passes", body(func(b *Bench) { b.Expect(1).To(expect.Equal(1)) }), report.Pass, ""},
		{"no expectation at all", body(func(*Bench) {}), report.Error, "expected nothing"},
		{"only preparing steps", body(func(b *Bench) { b.Given("something", nil) }), report.Error, "expected nothing"},
		{"an unmet expectation fails", body(func(b *Bench) { b.Expect(1).To(expect.Equal(2)) }), report.Fail, ""},
		{"what must not match, matches", body(func(b *Bench) { b.Expect(1).NotTo(expect.Equal(1)) }), report.Fail, ""},
		{"an unmet should is a warning", func() Check {
			c := body(func(b *Bench) { b.Expect(1).To(expect.Equal(2)) })
			c.Severity = Should
			return c
		}(), report.Warn, ""},
		{"a preference is a warning", body(func(b *Bench) { b.Prefer(1).To(expect.Equal(2)) }), report.Warn, ""},
		{"a crash is ours", body(func(*Bench) { panic("a mistake of the author") }), report.Error, "crashed"},
		{"a crash after a failure is ours", body(func(b *Bench) { b.Verify(1).To(expect.Equal(2)); panic("no") }), report.Error, "crashed"},
		{"a crash while cleaning up", body(func(b *Bench) { b.Cleanup(func() { panic("no") }); b.Expect(1).To(expect.Equal(1)) }), report.Error, "cleaning up"},
		{"nobody answers", body(func(b *Bench) { b.Expect(lost).To(expect.Status(200)) }), report.Unavailable, "refused"},
		{"an answer breaks off", body(func(b *Bench) { b.Expect(broke).To(expect.Refused()) }), report.Unavailable, "unexpected EOF"},
		{"nobody answers, negated", body(func(b *Bench) { b.Expect(lost).NotTo(expect.Status(200)) }), report.Unavailable, ""},
		{"a refused handshake is an answer", body(func(b *Bench) { b.Expect(refused).To(expect.Refused()) }), report.Pass, ""},
		{"a refused handshake where success is due", body(func(b *Bench) { b.Expect(refused).To(expect.Status(200)) }), report.Fail, ""},
		{"preparation fails", body(func(b *Bench) { b.Given("a consent", errors.New("422")) }), report.Fail, ""},
		{"preparation finds nobody", body(func(b *Bench) { b.Given("a consent", lost.Err) }), report.Unavailable, "refused"},
		{"skip", body(func(b *Bench) { b.Skip("no %s", "card") }), report.Skip, "no card"},
		{"review", body(func(b *Bench) { b.Review("look at the page") }), report.Review, "look"},
		{"a failure before a skip stays", body(func(b *Bench) { b.Verify(1).To(expect.Equal(2)); b.Skip("x") }), report.Fail, ""},
		{"unknown person", body(func(b *Bench) { b.Person("nowhere"); b.Expect(1).To(expect.Equal(1)) }), report.Skip, "declares no such person"},
		{"out of time", func() Check {
			c := body(func(b *Bench) { <-b.Context().Done(); b.Expect(1).To(expect.Equal(1)) })
			c.Timeout = time.Millisecond
			return c
		}(), report.Unavailable, "not finished"},
		{"need not met", func() Check {
			c := body(func(*Bench) {})
			c.Needs = []Need{Clients(1)}
			return c
		}(), report.Skip, "0 registered clients"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s.Run(t.Context(), c.check)
			if r.Status != c.want || !strings.Contains(r.Reason, c.reason) {
				t.Errorf("status %s (%s), want %s (%s)", r.Status, r.Reason, c.want, c.reason)
			}
			if r.Status == report.Fail && (r.Expected == "" || r.Received == "") {
				t.Errorf("a failure without its two columns: %+v", r)
			}
		})
	}
}

func TestAnUndeclaredPowerIsNoGapButAMissingClientIs(t *testing.T) {
	s := session(t, subject(), Options{})
	c := body(func(*Bench) {})
	c.Needs = []Need{Clock}
	if r := s.Run(t.Context(), c); r.Status != report.Skip || !r.Undeclared || !c.Exclusive() {
		t.Errorf("a power: %+v", r)
	}
	c.Needs = []Need{Clients(2)}
	if r := s.Run(t.Context(), c); r.Status != report.Skip || r.Undeclared {
		t.Errorf("a client: %+v", r)
	}
	c.Body = func(b *Bench) { b.Expect(1).To(expect.Equal(1)) }
	for n, want := range map[int]report.Status{2: report.Pass, 3: report.Skip} {
		c.Needs = []Need{Customers(n)}
		if r := s.Run(t.Context(), c); r.Status != want {
			t.Errorf("%d customers: %+v", n, r)
		}
	}
}

func TestAFailureCarriesItsEvidenceWithoutSecrets(t *testing.T) {
	s := session(t, subject(), Options{})
	r := s.Run(t.Context(), body(func(b *Bench) {
		x, y := exchange(200, `{"access_token":"canary-token"}`), exchange(201, "")
		b.record(x)
		b.record(y)
		b.Step("one step")
		b.Expect(x, "the first").To(expect.Status(400))
	}))
	if r.Expected != "the first: status 400 Bad Request" || r.Received != "the first: 200 OK" {
		t.Errorf("expected %q received %q", r.Expected, r.Received)
	}
	if len(r.Evidence) != 2 || r.Evidence[0].Response == nil || len(r.Findings) != 1 || len(r.Findings[0].Evidence) != 1 || r.Findings[0].Evidence[0] != "e1" {
		t.Errorf("evidence %+v findings %+v", r.Evidence, r.Findings)
	}
	text, err := json.Marshal(r)
	if err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("a secret in %s, %v", text, err)
	}
}

func TestOfAPassOnlyLinesAreKept(t *testing.T) {
	b1 := body(func(b *Bench) { b.record(exchange(200, "{}")); b.Expect(1).To(expect.Equal(1)) })
	if r := session(t, subject(), Options{}).Run(t.Context(), b1); len(r.Evidence) != 1 || r.Evidence[0].Response != nil {
		t.Errorf("kept %+v", r.Evidence)
	}
	if r := session(t, subject(), Options{Evidence: true}).Run(t.Context(), b1); r.Evidence[0].Response == nil {
		t.Errorf("kept %+v", r.Evidence)
	}
}

type strict struct{}

func (strict) Violations(x *tpp.Exchange) []string {
	if x.Operation != nil && x.Status == 200 {
		return []string{"/data is missing"}
	}
	return nil
}

func TestAViolatedContractCountsAsTheCheckWishes(t *testing.T) {
	s := session(t, subject(), Options{Contracts: strict{}})
	for wish, want := range map[Contract]report.Status{ContractFails: report.Fail, ContractWarns: report.Warn, ContractOff: report.Pass} {
		c := body(func(b *Bench) {
			x := exchange(200, "{}")
			x.Operation = spec.Find("accounts.list")
			b.record(x)
			b.Expect(x).To(expect.Status(200))
		})
		c.Contract = wish
		if r := s.Run(t.Context(), c); r.Status != want {
			t.Errorf("contract %q: %s, want %s", wish, r.Status, want)
		}
	}
	c := body(func(b *Bench) {
		x := exchange(200, "{}")
		x.Operation = spec.Find("accounts.list")
		b.record(x)
		b.Unjudged(x)
		b.Expect(x).To(expect.Status(200))
	})
	if r := s.Run(t.Context(), c); r.Status != report.Pass {
		t.Errorf("an excluded exchange: %s", r.Status)
	}
}

func TestNoTwoChecksShareACustomer(t *testing.T) {
	s := session(t, subject(), Options{})
	var mu sync.Mutex
	using := map[string]bool{}
	var wg sync.WaitGroup
	var shared atomic.Bool
	for range 40 {
		wg.Go(func() {
			r := s.Run(context.Background(), body(func(b *Bench) {
				p := b.Person()
				mu.Lock()
				shared.CompareAndSwap(false, using[p.ID])
				using[p.ID] = true
				mu.Unlock()
				b.Expect(p.Is("ordinary")).To(expect.True("an ordinary customer"))
				mu.Lock()
				using[p.ID] = false
				mu.Unlock()
			}))
			if r.Status != report.Pass {
				t.Errorf("status %s: %s", r.Status, r.Reason)
			}
		})
	}
	wg.Wait()
	if shared.Load() {
		t.Error("two checks had the same customer")
	}
}

func TestTwoPeopleOfOneCheckAreTwo(t *testing.T) {
	r := session(t, subject(), Options{}).Run(t.Context(), body(func(b *Bench) {
		b.Expect(b.Person().ID).NotTo(expect.Equal(b.Person().ID))
	}))
	if r.Status != report.Pass {
		t.Errorf("%s %s", r.Status, r.Received)
	}
}

func TestTheClockIsPutBackAfterACheck(t *testing.T) {
	var offset atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			var ask struct{ Advance string }
			_ = json.NewDecoder(r.Body).Decode(&ask)
			d, _ := time.ParseDuration(ask.Advance)
			offset.Add(int64(d))
		case http.MethodDelete:
			offset.Store(0)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"now": "2026-11-22T03:00:00Z", "offsetSeconds": time.Duration(offset.Load()).Seconds()})
	}))
	defer server.Close()
	tg := subject()
	tg.Capabilities.Clock = server.URL
	s := session(t, tg, Options{})
	c := body(func(b *Bench) {
		before := b.Now()
		b.Advance(48 * time.Hour)
		b.Expect(b.Now().Sub(before) >= 48*time.Hour).To(expect.True("two days have passed"))
		b.Advance(time.Hour)
		b.Expect(offset.Load()).To(expect.Equal(int64(49 * time.Hour)))
		b.Fail("something", "else")
	})
	c.Needs = []Need{Clock}
	r := s.Run(t.Context(), c)
	if r.Status != report.Fail || len(r.Findings) != 1 {
		t.Errorf("%s %s %v", r.Status, r.Reason, r.Findings)
	}
	if offset.Load() != 0 || s.Clock().Offset() != 0 {
		t.Errorf("left at %v and %v", time.Duration(offset.Load()), s.Clock().Offset())
	}
	if r.DurationMs > 5000 {
		t.Errorf("a stepped clock counts as time: %d ms", r.DurationMs)
	}
}

func TestWaitingGivesUpInTimeAndSaysSo(t *testing.T) {
	tg := subject()
	tg.Run.Timeouts = map[string]target.Duration{"settle": target.Duration(30 * time.Millisecond)}
	r := session(t, tg, Options{}).Run(t.Context(), body(func(b *Bench) {
		n := 0
		b.Expect(b.Wait("settle", "the third look", func() bool { n++; return n == 2 })).To(expect.True("it came in time"))
		b.Expect(b.Wait("settle", "what never comes", func() bool { return false })).To(expect.True("it came in time"))
	}))
	if r.Status != report.Fail || r.Asserted != 2 {
		t.Errorf("%s after %d expectations", r.Status, r.Asserted)
	}
}

func TestAFailureInOneOfSeveralAtOnceIsTheChecks(t *testing.T) {
	r := session(t, subject(), Options{}).Run(t.Context(), body(func(b *Bench) {
		b.Together(func() { b.Expect(1).To(expect.Equal(1)) }, func() { b.Expect(1).To(expect.Equal(2)) })
	}))
	if r.Status != report.Fail {
		t.Errorf("%s", r.Status)
	}
}

func TestAnInterruptedCheckIsNoVerdict(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := session(t, subject(), Options{}).Run(ctx, body(func(b *Bench) {
		b.Expect(1).To(expect.Equal(1))
		cancel()
	}))
	if r.Status != report.Skip || r.Undeclared {
		t.Errorf("%s %s", r.Status, r.Reason)
	}
}
