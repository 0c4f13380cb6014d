package gateway_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/fault"
)

func TestTheMinuteOfClassHighGrowsWithConsents(t *testing.T) {
	for active, want := range map[int]int{0: 2500, 1_000_000: 2500, 1_000_001: 5000} {
		w := open(t, func(c *gateway.Config) {
			c.Limits, c.Active = gateway.Limits{Minute: true}, func(string) int { return active }
		})
		for i := range want {
			if got := w.do(t, request{path: balances}).StatusCode; got != 200 {
				t.Fatalf("%d consents, call %d: status %d", active, i+1, got)
			}
		}
		if got := w.do(t, request{path: balances}).StatusCode; got != 429 {
			t.Errorf("%d consents: status %d", active, got)
		}
		if u := w.Usage(); len(u.Minutes) != 1 || u.Minutes[0] != (gateway.Share{Origin: "org-aurora", Operation: "accounts.balances", Count: want + 1, Limit: want}) {
			t.Errorf("%+v", u.Minutes)
		}
	}
}

func TestOverloadIsReportedAndLeavesRenewalsOut(t *testing.T) {
	w := open(t, func(c *gateway.Config) { c.Limits = gateway.Limits{PerSecond: 1} })
	renewals := request{path: consents + "/" + w.consent + "/extensions", token: "client"}
	answered := func(q request, want int) {
		t.Helper()
		if r := w.do(t, q); r.StatusCode != want {
			t.Fatalf("%s: status %d, want %d", q.path, r.StatusCode, want)
		}
	}
	for range 3 {
		answered(renewals, 200)
	}
	answered(request{path: balances}, 200)
	r := w.prepare(request{path: balances})
	r.TLS.PeerCertificates = []*x509.Certificate{named(stranger)}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	if last := w.outbox[len(w.outbox)-1]; out.Code != 529 || !strings.Contains(last, `"statusCode":529`) || !strings.Contains(last, `"clientOrgId":"`+stranger) {
		t.Fatalf("status %d, report %s", out.Code, last)
	}
	answered(request{path: "/elsewhere"}, 529)
	answered(renewals, 200)
	if u := w.Usage(); u.Second != (gateway.Share{Count: 3, Limit: 1}) {
		t.Errorf("%+v", u.Second)
	}
	if err := w.board.Arm("off:TRAF-02/renewals-are-left-out"); err != nil {
		t.Fatal(err)
	}
	answered(renewals, 529)
}

func TestAllHostsShareTheSecond(t *testing.T) {
	w := open(t, func(c *gateway.Config) { c.Limits = gateway.Limits{PerSecond: 2} })
	admitted := func(want bool) {
		t.Helper()
		if got := w.Admit(t.Context(), "token"); got != want {
			t.Fatalf("admitted: %v", got)
		}
	}
	answered := func(want int) {
		t.Helper()
		if got := w.do(t, request{path: balances}).StatusCode; got != want {
			t.Fatalf("status %d, want %d", got, want)
		}
	}
	admitted(true)
	answered(200)
	admitted(false)
	answered(529)
	if u := w.Usage(); u.Second != (gateway.Share{Count: 4, Limit: 2}) || u.Security != 2 {
		t.Errorf("%+v, of which %d", u.Second, u.Security)
	}
	w.clock.Advance(time.Second)
	answered(200)
	answered(200)
	admitted(false)
	w.ResetCounts()
	if u := w.Usage(); u.Second.Count != 0 || u.Security != 0 {
		t.Errorf("%+v, of which %d", u.Second, u.Security)
	}
	if err := w.board.Arm("off:TRAF-03/security-endpoints-count"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		admitted(true)
	}
	answered(200)
	answered(200)
}

func TestUsageTellsOfNoCustomer(t *testing.T) {
	w := open(t, func(c *gateway.Config) { c.Limits = gateway.Presets["regulatory"] })
	for range 9 {
		w.do(t, request{path: accounts + "/a1"})
	}
	w.do(t, request{path: accounts + "/a2"})
	u := w.Usage()
	if len(u.Months) != 1 || u.Months[0] != (gateway.Share{Origin: "org-aurora", Operation: "accounts.identification", Count: 8, Limit: 8, Objects: 2, Exhausted: 1}) {
		t.Errorf("%+v", u.Months)
	}
	b, err := json.Marshal(u)
	if err != nil || strings.Contains(string(b), "p1") || strings.Contains(string(b), "a1") {
		t.Errorf("%s %v", b, err)
	}
}

func TestAMonthIsOneOverARestart(t *testing.T) {
	dir := t.TempDir()
	begin := func() (*world, *memo.Counts) {
		kept, err := memo.OpenCounts(dir, gateway.MonthOf(start))
		if err != nil {
			t.Fatal(err)
		}
		return open(t, func(c *gateway.Config) { c.Limits, c.Counts = gateway.Limits{Month: true}, kept }), kept
	}
	w, kept := begin()
	w.do(t, request{path: accounts + "/nobodys"}) // fails, and does not count
	for range 5 {
		w.do(t, request{path: accounts + "/a1"})
	}
	w.do(t, request{path: accounts + "/a2"})
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	w, _ = begin() // and this one ends as a killed process does
	want := gateway.Share{Origin: "org-aurora", Operation: "accounts.identification", Count: 5, Limit: 8, Objects: 3}
	if u := w.Usage(); len(u.Months) != 1 || u.Months[0] != want {
		t.Errorf("after a restart: %+v", u.Months)
	}
	for i, want := range []int{200, 200, 200, 423} {
		if got := w.do(t, request{path: accounts + "/a1"}).StatusCode; got != want {
			t.Errorf("call %d: status %d, want %d", i+6, got, want)
		}
	}
	want.Count, want.Exhausted = 8, 1
	w, kept = begin()
	if u := w.Usage(); len(u.Months) != 1 || u.Months[0] != want {
		t.Errorf("after a kill: %+v", u.Months)
	}
	w.ResetCounts()
	if got := w.do(t, request{path: accounts + "/a1"}).StatusCode; got != 200 {
		t.Errorf("counts that were forgotten: status %d", got)
	}
	w.clock.Set(start.AddDate(0, 1, 0))
	if got := w.do(t, request{path: accounts + "/a1"}).StatusCode; got != 200 || len(w.Usage().Months) != 1 || w.Usage().Months[0].Count != 1 {
		t.Errorf("the next month: status %d, %+v", got, w.Usage().Months)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLimitsAreBent(t *testing.T) {
	board := fault.NewBoard([]fault.Defect{{Name: "x/bent", OnLimit: func(l *fault.Limit) {
		if l.Of == "month" {
			l.Bound, l.Resource = 2, ""
		}
	}}})
	w := open(t, func(c *gateway.Config) { c.Seams, c.Limits = board.Seams(), gateway.Limits{Month: true} })
	if err := board.Arm("x/bent"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{accounts + "/a1": 200, accounts + "/a2": 200} {
		if got := w.do(t, request{path: path}).StatusCode; got != want {
			t.Errorf("%s: status %d", path, got)
		}
	}
	if got := w.do(t, request{path: accounts + "/a1"}).StatusCode; got != 423 {
		t.Errorf("status %d", got)
	}
}

// BenchmarkOverload weighs a call that is turned away beside one that is answered: under overload the first
// must be the cheaper.
func BenchmarkOverload(b *testing.B) {
	for name, bound := range map[string]int{"answered": 0, "turned away": 1} {
		b.Run(name, func(b *testing.B) {
			w := open(b, func(c *gateway.Config) { c.Observe, c.Outbox, c.Limits = nil, sink{}, gateway.Limits{PerSecond: bound} })
			r, out, want := w.prepare(request{path: balances}), &discard{header: http.Header{}}, 200
			w.ServeHTTP(out, r)
			if bound > 0 {
				want = 529
			}
			b.ReportAllocs()
			for b.Loop() {
				if w.ServeHTTP(out, r); out.status != want {
					b.Fatal(out.status)
				}
			}
		})
	}
}
