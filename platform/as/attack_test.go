package as_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
)

func wrong() url.Values { return url.Values{"username": {"ana"}, "password": {"errada"}} }

func TestMorePagesGiveNoMoreTries(t *testing.T) {
	w := newWorld(t)
	uri := w.pushed(w.a, dataScope(w.dataConsent(w.a)))
	for range 4 {
		if g := w.submit(w.open(w.a, uri), wrong()); g.status != http.StatusUnauthorized {
			t.Fatalf("%d %s", g.status, g.body)
		}
	}
	spare := w.open(w.a, uri)
	_, v := w.returned(w.submit(w.open(w.a, uri), wrong()))
	if v.Get("error") != "access_denied" {
		t.Error(v)
	}
	if g := w.signIn(spare, "ana"); g.status != http.StatusBadRequest || g.header.Get("Location") != "" {
		t.Errorf("a page left over from a completed request goes on: %d %s", g.status, g.header)
	}
}

func TestFloodingARequestWithPagesEndsWithIt(t *testing.T) {
	w := newWorld(t)
	uri := w.pushed(w.a, dataScope(w.dataConsent(w.a)))
	first := w.open(w.a, uri)
	shown := 1
	for range 100 {
		if w.open(w.a, uri).status == http.StatusOK {
			shown++
		}
	}
	if shown > 40 {
		t.Errorf("%d pages were shown for one request", shown)
	}
	if g := w.signIn(first, "ana"); g.status != http.StatusOK {
		t.Errorf("the page opened first: %d", g.status)
	}
}

func TestAReuseDuringTheFirstUseEndsWhatThatGives(t *testing.T) {
	w := newWorld(t)
	v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
	w.committing = func() error {
		w.committing = nil
		if g := w.redeem(w.a, v.Get("code")); g.code() != "invalid_grant" {
			t.Errorf("the second use: %d %s", g.status, g.body)
		}
		return nil
	}
	g := w.redeem(w.a, v.Get("code"))
	if g.code() != "invalid_grant" {
		t.Errorf("the first use: %d %s", g.status, g.body)
	}
	if grants := w.kept("grant"); grants != 0 {
		t.Errorf("%d grants outlive the reuse", grants)
	}
}

func TestALateReuseStillEndsWhatTheCodeGave(t *testing.T) {
	w := newWorld(t)
	v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
	first := w.redeem(w.a, v.Get("code"))
	w.clock.Advance(2 * time.Minute)
	if g := w.redeem(w.a, v.Get("code")); g.code() != "invalid_grant" {
		t.Fatalf("%d %s", g.status, g.body)
	}
	if _, err := w.introspect(first.text("access_token"), w.a.cert); introspected(err) != "revoked" {
		t.Errorf("the access token of the first use lives: %v", err)
	}
}

func TestARevocationIsConfirmedOnlyWhenItLasts(t *testing.T) {
	w := newWorld(t)
	tokens, _ := w.granted(w.a)
	w.committing = func() error { return errors.New("the disk is full") }
	revoke := func() got {
		return w.form("/revocation", w.asserted(w.a, url.Values{"token": {tokens.text("refresh_token")}}), w.a.cert)
	}
	if g := revoke(); g.status < 500 || strings.Contains(string(g.body), "disk") {
		t.Errorf("confirmed although it was not kept: %d %s", g.status, g.body)
	}
	w.committing = nil
	if g := revoke(); g.status != http.StatusOK {
		t.Errorf("%d %s", g.status, g.body)
	}
	w.restart()
	if g := w.refresh(w.a, tokens.text("refresh_token")); g.code() != "invalid_grant" {
		t.Errorf("the token is alive after a restart: %d", g.status)
	}
}

func TestTheCustomerIsShownWhatWillBePaid(t *testing.T) {
	w := newWorld(t)
	x := w.paymentConsent(w.a, func(x *consent.Consent) {
		x.Payment = []byte(strings.NewReplacer(
			`"cpfCnpj":"52998224725"`, `"cpfCnpj":"52998224725","cpfcnpj":"11144477735"`,
			`"amount":"10.00"`, `"amount":"10.00","AMOUNT":"1.00"`,
		).Replace(string(x.Payment)))
	})
	page := w.signIn(w.open(w.a, w.pushed(w.a, paymentScope(x))), "ana")
	for _, want := range []string{"R$ 10,00", "***.982.247-**"} {
		if !strings.Contains(string(page.body), want) {
			t.Errorf("the page lacks %q: another member was read in its place", want)
		}
	}
}

// slow is a client that reads its answer only when something else has happened.
type slow struct {
	*httptest.ResponseRecorder
	first func()
}

func (s *slow) Write(b []byte) (int, error) {
	if s.first != nil {
		s.first()
		s.first = nil
	}
	return s.ResponseRecorder.Write(b)
}

func TestAClientThatReadsSlowlyKeepsNobodyWaiting(t *testing.T) {
	w := newWorld(t)
	put := func(c *client, out http.ResponseWriter) {
		body := w.metadata(c, w.statement(c))
		body["client_id"] = c.id
		b, err := json.Marshal(body)
		if err != nil {
			t.Error(err)
			return
		}
		r := httptest.NewRequest(http.MethodPut, mtls+"/register/"+c.id, bytes.NewReader(b))
		r.Header.Set("Authorization", "Bearer "+c.token)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c.cert}}
		w.server.MTLS().ServeHTTP(out, r)
	}
	done := make(chan int, 1)
	out := &slow{httptest.NewRecorder(), func() {
		go func() {
			other := httptest.NewRecorder()
			put(w.b, other)
			done <- other.Code
		}()
		select {
		case code := <-done:
			done <- code
		case <-time.After(5 * time.Second):
			t.Error("another client waits for it")
		}
	}}
	put(w.a, out)
	if code := <-done; code != http.StatusOK || out.Code != http.StatusOK {
		t.Errorf("%d and %d", out.Code, code)
	}
}

func TestWhatIsKeptUntilTheCustomerReturnsIsBounded(t *testing.T) {
	w := newWorld(t)
	claims := w.objectClaims(w.a, dataScope(w.dataConsent(w.a)))
	claims["state"] = strings.Repeat("x", 100_000)
	if g := w.push(w.a, claims); g.code() != "invalid_request_object" {
		t.Errorf("%d %s", g.status, g.body)
	}
}
