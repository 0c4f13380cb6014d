package pcm

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/event"
	"github.com/ensaio/ensaio/sim/clock"
	mock "github.com/ensaio/ensaio/sim/pcm"
	"github.com/ensaio/ensaio/sim/pki"
	"github.com/ensaio/ensaio/sim/spec"
)

const (
	orgA = "a0000000-0000-4000-8000-00000000000a"
	orgB = "b0000000-0000-4000-8000-00000000000b"
	soft = "50000000-0000-4000-8000-00000000000b"
)

// identities are made once: keys are what costs time here.
var identities = sync.OnceValues(func() (ids struct {
	server, bank pki.Identity
	roots        *x509.CertPool
}, err error) {
	ca, err := pki.Open("", clock.New())
	if err != nil {
		return ids, err
	}
	ids.roots = x509.NewCertPool()
	ids.roots.AppendCertsFromPEM(ca.CAPEM())
	if ids.server, err = ca.Server("pcm", "auth.pcm.test", "api.pcm.test"); err != nil {
		return ids, err
	}
	ids.bank, err = ca.Transport(pki.Subject{
		Name: "bank", OrganisationID: orgB, SoftwareID: soft, CNPJ: "00000000000191", LegalName: "Banco", City: "BRASILIA", State: "DF", CommonName: "api.banco.test",
	})
	return ids, err
})

// world is a metrics platform behind TLS, and what a reporter needs to reach it.
type world struct {
	pcm    *mock.PCM
	clock  *clock.Clock
	client *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ids, err := identities()
	if err != nil {
		t.Fatal(err)
	}
	clk := clock.New()
	p, err := mock.New(mock.Config{Clock: clk, Roots: ids.roots})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(p.Handler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{ids.server.TLS()}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: ids.roots, Certificates: []tls.Certificate{ids.bank.TLS()}, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
		},
	}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		srv.Close()
		p.Close()
	})
	return &world{pcm: p, clock: clk, client: &http.Client{Transport: tr}}
}

func (w *world) outbox(t *testing.T, dir string) *event.Outbox {
	t.Helper()
	o, err := event.OpenOutbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func (w *world) reporter(t *testing.T, o *event.Outbox, edit ...func(*Config)) *Reporter {
	t.Helper()
	cfg := Config{Outbox: o, Clock: w.clock, HTTP: w.client, API: "https://api.pcm.test", Token: "https://auth.pcm.test/token/", ClientID: soft, Linger: time.Millisecond}
	for _, fn := range edit {
		fn(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func (w *world) flush(t *testing.T, r *Reporter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.pcm.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func interaction(n int) string { return fmt.Sprintf("10000000-0000-4000-8000-%012d", n) }

func (w *world) served(n int) []byte {
	b, err := json.Marshal(spec.Report{
		FapiInteractionID: interaction(n), Endpoint: "/open-banking/accounts/v2/accounts", StatusCode: 200, HTTPMethod: "GET",
		Timestamp: w.clock.Now().Format("2006-01-02T15:04:05.000Z"), ProcessTimespan: 1.5, ClientOrgID: orgA, ServerOrgID: orgB, Role: spec.ServerSide,
	})
	if err != nil {
		panic(err)
	}
	return b
}

func (w *world) arrived() Step {
	return Step{Kind: spec.Authenticated, Body: fmt.Appendf(nil, `{"consentId":"urn:bancoensaio:1","os":"LINUX","osVersion":"6","platform":"APP","timestamp":%q,"serverOrgId":%q}`,
		w.clock.Now().Format("2006-01-02T15:04:05.000Z"), orgB)}
}

// Step is one entry to append.
type Step struct {
	Kind string
	Body []byte
}

func appendTo(t *testing.T, o *event.Outbox, kind string, body []byte) {
	t.Helper()
	if err := o.Append(kind, body); err != nil {
		t.Fatal(err)
	}
}
