package as_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestAJourneyOverTLS plays a journey through sockets: two names, two handlers, one certificate asked for.
func TestAJourneyOverTLS(t *testing.T) {
	w := newWorld(t)
	bank := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Host, "matls-auth.") {
			w.server.MTLS().ServeHTTP(rw, r)
			return
		}
		w.server.Public().ServeHTTP(rw, r)
	}))
	bank.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	bank.StartTLS()
	defer bank.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(bank.Certificate())
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, bank.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "example.com", Certificates: []tls.Certificate{w.a.tls}},
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer := func(res *http.Response, err error) got {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		g := got{status: res.StatusCode, header: res.Header}
		g.body, _ = io.ReadAll(res.Body)
		_ = json.Unmarshal(g.body, &g.json)
		return g
	}
	x := w.dataConsent(w.a)
	g := answer(client.PostForm(mtls+"/par", w.asserted(w.a, url.Values{"request": {w.sign(w.objectClaims(w.a, dataScope(x)), w.a.sig)}})))
	if g.status != http.StatusCreated {
		t.Fatalf("%d %s", g.status, g.body)
	}
	page := answer(client.Get(issuer + "/authorize?" + url.Values{"client_id": {w.a.id}, "request_uri": {g.text("request_uri")}}.Encode()))
	if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "https://aurora.test") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %s", csp)
	}
	submit := func(page got, f url.Values) got {
		t.Helper()
		f.Set("csrf", string(csrfAt.FindSubmatch(page.body)[1]))
		return answer(client.PostForm(issuer+string(actionAt.FindSubmatch(page.body)[1]), f))
	}
	page = submit(page, url.Values{"username": {"ana"}, "password": {"senha"}, "action": {"continue"}})
	_, v := w.returned(submit(page, url.Values{"action": {"approve"}, "account": {"ana-1"}}))
	tokens := answer(client.PostForm(mtls+"/token", w.redeemForm(w.a, v.Get("code"))))
	if tokens.status != http.StatusOK || tokens.text("refresh_token") == "" {
		t.Fatalf("%d %s", tokens.status, tokens.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, mtls+"/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+tokens.text("access_token"))
	if info := answer(client.Do(r)); info.status != http.StatusOK || info.text("sub") == "" {
		t.Errorf("%d %s", info.status, info.body)
	}
	bare := &http.Client{Transport: &http.Transport{DialContext: transport.DialContext, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "example.com"}}}
	defer bare.CloseIdleConnections()
	if g := answer(bare.PostForm(mtls+"/token", w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}}))); g.status != http.StatusUnauthorized || g.code() != "invalid_client" {
		t.Errorf("without certificate: %d %s", g.status, g.body)
	}
}
