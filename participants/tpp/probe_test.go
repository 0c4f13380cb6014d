package tpp

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// quiet starts a TLS server whose handshake errors are not printed.
func quiet(t *testing.T, edit func(*tls.Config)) *issuer {
	t.Helper()
	i := newIssuer(t)
	i.Close()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	edit(s.TLS)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	i.Server = s
	return i
}

func TestProbeSeesWhatAServerAllows(t *testing.T) {
	ctx := context.Background()
	strict := quiet(t, func(c *tls.Config) {
		c.CipherSuites, c.SessionTicketsDisabled, c.ClientAuth = suites, true, tls.RequestClientCert
	})
	p := strict.client().Probe(strict.URL)
	if v := p.Versions(ctx); v[tls.VersionTLS10] || v[tls.VersionTLS11] || !v[tls.VersionTLS12] || !v[tls.VersionTLS13] {
		t.Errorf("versions %v", v)
	}
	got := p.Suites(ctx)
	slices.Sort(got)
	want := slices.Clone(suites)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("suites %v, want %v", got, want)
	}
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if resumes, err := p.Resumes(ctx, v); err != nil || resumes {
			t.Errorf("%s: resumes %v, %v", tls.VersionName(v), resumes, err)
		}
	}
	if h := p.Handshake(ctx, nil); h.Err != nil || h.ChainErr != nil || len(h.Chain) != 1 || !h.AsksForCert {
		t.Errorf("handshake %+v", h)
	}
	other := strict.client(func(cfg *Config) { cfg.Hosts = map[string]string{"other.test": "127.0.0.1"} }).Probe("https://other.test:" + port(strict.URL))
	if h := other.Handshake(ctx, nil); h.Err != nil || h.ChainErr == nil || len(h.Chain) != 1 {
		t.Errorf("a chain for another name gave %+v", h)
	}
}

func TestProbeSeesALaxServer(t *testing.T) {
	ctx := context.Background()
	lax := quiet(t, func(c *tls.Config) {
		c.MinVersion = tls.VersionTLS10
		c.CipherSuites = append(slices.Clone(suites), tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA)
	})
	p := lax.client().Probe("https://example.com:" + port(lax.URL))
	if v := p.Versions(ctx); !v[tls.VersionTLS10] || !v[tls.VersionTLS11] {
		t.Errorf("versions %v", v)
	}
	if got := p.Suites(ctx); !slices.Contains(got, tls.TLS_RSA_WITH_AES_128_CBC_SHA) || len(got) != 4 {
		t.Errorf("suites %v", got)
	}
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if resumes, err := p.Resumes(ctx, v); err != nil || !resumes {
			t.Errorf("%s: resumes %v, %v", tls.VersionName(v), resumes, err)
		}
	}
	if h := p.WithCertificate(ownCert).Handshake(ctx, nil); h.Err != nil || h.AsksForCert || h.Version != tls.VersionTLS13 || h.Expires(lax.clk.Now()) <= 0 {
		t.Errorf("handshake %+v", h)
	}
}

func port(address string) string { return address[len("https://127.0.0.1:"):] }
