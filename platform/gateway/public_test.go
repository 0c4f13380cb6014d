package gateway_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/trust"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

// The public operations of these tests: one of open data, one that tells of the institution itself.
const (
	branches = "/open-banking/channels/v2/branches"
	status   = "/open-banking/discovery/v2/status"
)

func answering(c *gateway.Config) {
	c.Handlers["common"] = func(_ context.Context, c *call.Call) (*call.Answer, error) {
		if c.Client != nil || c.Token != nil {
			return nil, fmt.Errorf("a client of a public operation: %v", c.Client)
		}
		return call.JSON(200, map[string]any{"data": []string{}}), nil
	}
	c.Handlers["channels"] = c.Handlers["common"]
}

const stranger = "11111111-1111-4111-8111-111111111111"

func TestPublicOperationsAskForNothing(t *testing.T) {
	w := open(t, answering)
	for name, row := range map[string]struct {
		id     string
		echoed bool
	}{"with an id": {interaction, true}, "without": {"", false}, "with a bad one": {"12345", false}} {
		t.Run(name, func(t *testing.T) {
			w.outbox, w.seen = nil, nil
			r := w.do(t, request{path: branches, bare: true, header: map[string]string{"Authorization": "", "x-fapi-interaction-id": row.id}})
			if r.StatusCode != 200 {
				t.Fatalf("status %d: %+v", r.StatusCode, decode(t, r).Errors)
			}
			if id := r.Header.Get("x-fapi-interaction-id"); len(id) != 36 || (id == interaction) != row.echoed {
				t.Errorf("interaction id %q", id)
			}
			if r.Header.Get("x-v") != "2.1.0" || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", r.Header)
			}
			var m map[string]any
			if err := json.Unmarshal([]byte(strings.Join(w.outbox, "")), &m); err != nil || len(m) != 6 {
				t.Fatalf("reports %q", w.outbox)
			}
			if info := fmt.Sprint(m["additionalInfo"]); info != "map[clientIp:192.0.2.1]" || m["endpoint"] != branches || m["statusCode"] != 200.0 {
				t.Errorf("report %v", m)
			}
			if e := w.seen[0]; e.IP != "192.0.2.1" || e.Organisation != "" || e.Operation != "channels.branches" {
				t.Errorf("entry %+v", e)
			}
		})
	}
	if r := w.do(t, request{path: balances, bare: true}); r.StatusCode != 401 {
		t.Errorf("an operation that is not public: status %d", r.StatusCode)
	}
}

func TestAKnownCallerOfADiscoveryOperationIsReported(t *testing.T) {
	for name, row := range map[string]struct {
		bare    bool
		problem error
		reports int
	}{"nobody": {true, nil, 0}, "a member": {false, nil, 1}, "a certificate of nobody's": {false, trust.ErrUntrusted, 0}} {
		t.Run(name, func(t *testing.T) {
			w := open(t, answering)
			w.problem = row.problem
			r := w.prepare(request{path: status, bare: row.bare})
			if !row.bare {
				r.TLS.PeerCertificates = []*x509.Certificate{named(stranger)}
			}
			out := httptest.NewRecorder()
			w.ServeHTTP(out, r)
			if out.Code != 200 || len(w.outbox) != row.reports {
				t.Fatalf("status %d, reports %q", out.Code, w.outbox)
			}
			if row.reports > 0 && (!strings.Contains(w.outbox[0], `"clientOrgId":"`+stranger) || w.seen[0].Organisation != stranger) {
				t.Errorf("report %q, entry %+v", w.outbox[0], w.seen[0])
			}
		})
	}
}

func TestPublicOperationsAreLimitedByAddress(t *testing.T) {
	w := open(t, answering, func(c *gateway.Config) { c.Limits = gateway.Limits{Minute: true, Month: true} })
	from := func(ip string) int {
		r := w.prepare(request{path: branches, bare: true})
		r.RemoteAddr = ip + ":1234"
		out := httptest.NewRecorder()
		w.ServeHTTP(out, r)
		return out.Code
	}
	for i := range 1000 {
		if got := from("192.0.2.7"); got != 200 {
			t.Fatalf("call %d: status %d", i+1, got)
		}
	}
	if got := from("192.0.2.7"); got != 429 {
		t.Errorf("beyond the limit: status %d", got)
	}
	if got := from("192.0.2.8"); got != 200 {
		t.Errorf("another address: status %d", got)
	}
}

func TestTheGuardRefusesAndDelays(t *testing.T) {
	var refused *call.Problem
	var wait time.Duration
	asked := make(chan struct{}, 1)
	w := open(t, func(c *gateway.Config) {
		c.Guard = func(op *spec.Operation, at time.Time) (*call.Problem, time.Duration) {
			if op.ID != "accounts.balances" || !at.Equal(c.Clock.Now()) {
				return nil, 0
			}
			if wait > 0 {
				asked <- struct{}{}
			}
			return refused, wait
		}
	})
	refused = call.Refuse(http.StatusServiceUnavailable, "INDISPONIVEL", "Indisponível", "Parada programada")
	r := w.prepare(request{path: balances})
	r.TLS.PeerCertificates = []*x509.Certificate{named(stranger)}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	if out.Code != 503 || len(w.outbox) != 1 || !strings.Contains(w.outbox[0], `"statusCode":503`) || w.seen[0].Organisation != stranger {
		t.Fatalf("status %d, reports %q", out.Code, w.outbox)
	}
	if got := w.do(t, request{path: accounts}).StatusCode; got != 200 {
		t.Errorf("another operation: status %d", got)
	}

	refused, wait = nil, 3*time.Second
	answered := make(chan int)
	go func() { answered <- w.do(t, request{path: balances}).StatusCode }()
	<-asked
	w.clock.Advance(wait)
	if got := <-answered; got != 200 || w.seen[len(w.seen)-1].Took < wait {
		t.Errorf("after the wait: status %d, %+v", got, w.seen[len(w.seen)-1])
	}
}

func TestServiceIsBent(t *testing.T) {
	var seen []fault.Serve
	w := open(t)
	board := fault.NewBoard([]fault.Defect{{Name: "x/slow", OnServe: func(v *fault.Serve) {
		v.Hold(make([]byte, 10))
		seen = append(seen, *v)
		if v.Status = 0; v.Number == 2 {
			v.Status = 529
		}
	}}})
	bent := open(t, func(c *gateway.Config) { c.Seams, c.Active = board.Seams(), func(string) int { return 7 } })
	if err := board.Arm("x/slow"); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{200, 529, 200} {
		if got := bent.do(t, request{path: balances}).StatusCode; got != want {
			t.Errorf("call %d: status %d", i+1, got)
		}
	}
	if v := seen[2]; v.Operation != "accounts.balances" || v.Class != "high" || v.Number != 3 || v.Consents != 7 || v.Held() != 3 {
		t.Errorf("%+v", v)
	}
	if got := w.do(t, request{path: balances}).StatusCode; got != 200 {
		t.Errorf("unbent: status %d", got)
	}
}
