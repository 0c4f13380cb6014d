package pcm

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/pki"
)

// TestTokensOverMutualTLS asks for tokens as participants do: through TLS, with real certificates.
func TestTokensOverMutualTLS(t *testing.T) {
	clk := clock.New()
	ca, err := pki.Open("", clk)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.CAPEM())
	var revoked *x509.Certificate
	p := start(t, Config{Clock: clk, Roots: roots, Revoked: func(c *x509.Certificate) bool { return revoked != nil && c.Equal(revoked) }})
	server, err := ca.Server("pcm", "auth.pcm.test", "api.pcm.test")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(p.Handler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{server.TLS()}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	defer srv.Close()

	subject := pki.Subject{Name: "a", OrganisationID: orgA, SoftwareID: softA, CNPJ: "00000000000191", LegalName: "Receptora", City: "BRASILIA", State: "DF", CommonName: "app.receptora.test"}
	transport, err := ca.Transport(subject)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(t *testing.T, id *pki.Identity, path, media, body string) (int, map[string]any) {
		t.Helper()
		cfg := &tls.Config{RootCAs: roots, ServerName: "auth.pcm.test", MinVersion: tls.VersionTLS12}
		if id != nil {
			cfg.Certificates = []tls.Certificate{id.TLS()}
		}
		tr := &http.Transport{TLSClientConfig: cfg}
		defer tr.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "auth.pcm.test"
		req.Header.Set("Content-Type", media)
		res, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("%d %s: %v", res.StatusCode, b, err)
		}
		return res.StatusCode, m
	}
	const form = "application/x-www-form-urlencoded"
	good := url.Values{"client_id": {softA}, "client_secret": {"ignored"}, "grant_type": {"client_credentials"}}.Encode()

	status, first := ask(t, &transport, "/token/", form, good)
	if status != 200 || first["token_type"] != "Bearer" || first["scope"] != "profile email" || first["expires_in"].(float64) != 21600 || first["statusCode"].(float64) != 200 {
		t.Fatalf("got %d %v", status, first)
	}
	clk.Advance(time.Hour)
	if _, again := ask(t, &transport, "/token/", "application/json", `{"client_id":"`+softA+`","grant_type":"client_credentials"}`); again["access_token"] != first["access_token"] || again["expires_in"].(float64) > 18000 {
		t.Errorf("the cached token was not answered with its remaining life: %v", again["expires_in"])
	}
	_, fresh := ask(t, &transport, "/token-fresh/", form, good)
	if fresh["access_token"] == first["access_token"] || fresh["expires_in"].(float64) != 21600 {
		t.Error("token-fresh answered from the cache")
	}
	if _, again := ask(t, &transport, "/token/", form, good); again["access_token"] != fresh["access_token"] {
		t.Error("the fresh token is not the cached one")
	}
	if _, ok := p.session(&http.Request{Header: http.Header{"Authorization": {"Bearer " + first["access_token"].(string)}}}, clk.Now()); !ok {
		t.Error("the first token died early")
	}
	clk.Advance(6 * time.Hour)
	if _, ok := p.session(&http.Request{Header: http.Header{"Authorization": {"Bearer " + fresh["access_token"].(string)}}}, clk.Now()); ok {
		t.Error("a token outlived its six hours")
	}

	if status, body := ask(t, &transport, "/token", form, good); status != 404 {
		t.Errorf("without the slash: %d %v", status, body)
	}
	if status, body := ask(t, &transport, "/token/", form, "client_id="+softA+"&grant_type=password"); status != 400 || body["error"] != "unsupported_grant_type" {
		t.Errorf("got %d %v", status, body)
	}
	if status, body := ask(t, &transport, "/token/", form, "grant_type=client_credentials"); status != 400 || body["error"] != "invalid_client" {
		t.Errorf("got %d %v", status, body)
	}
	if status, body := ask(t, &transport, "/token/", form, "client_id=other&grant_type=client_credentials"); status != 401 || body["message"] != "ClientId is not valid to the orgId" {
		t.Errorf("got %d %v", status, body)
	}
	if status, _ := ask(t, nil, "/token/", form, good); status != 401 {
		t.Errorf("without a certificate: %d", status)
	}
	for _, kind := range []string{"expired", "untrusted", "signing", "server-only"} {
		id, err := ca.Hostile(kind, subject)
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := ask(t, &id, "/token/", form, good); status != 401 {
			t.Errorf("a certificate that is %s got %d", kind, status)
		}
	}
	revoked = transport.Certificate
	if status, _ := ask(t, &transport, "/token/", form, good); status != 401 {
		t.Errorf("a revoked certificate got %d", status)
	}
}

// TestCacheHoldsNoForgottenToken sets the clock on, so that another's token clears what ended, and back.
func TestCacheHoldsNoForgottenToken(t *testing.T) {
	clk := clock.Fixed(noon)
	p := start(t, Config{Clock: clk})
	bearer(t, p, orgA)
	clk.Advance(7 * time.Hour)
	bearer(t, p, orgB)
	clk.Set(noon)
	if w := send(t, p, "POST", privatePath, bearer(t, p, orgA), encode(t, []object{clientReport(1)})); w.Code != 200 {
		t.Errorf("the token answered is %d %s", w.Code, w.Body)
	}
}
