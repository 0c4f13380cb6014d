package gateway_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/trust"
)

// named is a certificate whose subject says it belongs to an organisation.
func named(org string) *x509.Certificate {
	return &x509.Certificate{Raw: []byte("named"), Subject: pkix.Name{Names: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 11}, Value: org}}}}
}

func TestACertificateOfNobodysReportsNobody(t *testing.T) {
	for org, c := range map[string]struct {
		problem error
		reports int
	}{
		"11111111-1111-4111-8111-111111111111": {trust.ErrUntrusted, 0},
		"22222222-2222-4222-8222-222222222222": {trust.ErrRevoked, 1},
		`x","statusCode":200,"a":"`:            {trust.ErrRevoked, 0},
	} {
		w := open(t)
		w.problem = fmt.Errorf("refused: %w", c.problem)
		r := w.prepare(request{path: balances})
		r.TLS.PeerCertificates = []*x509.Certificate{named(org)}
		out := httptest.NewRecorder()
		w.ServeHTTP(out, r)
		if out.Code != http.StatusUnauthorized || len(w.outbox) != c.reports {
			t.Errorf("%s: status %d, reports %q", org, out.Code, w.outbox)
		}
		for _, report := range w.outbox {
			var m map[string]any
			if err := json.Unmarshal([]byte(report), &m); err != nil || m["clientOrgId"] != org || m["statusCode"] != 401.0 {
				t.Errorf("%s: %v", report, err)
			}
		}
	}
}

func TestAMonthHoldsNoMoreForThoseWhoAskAtOnce(t *testing.T) {
	w := open(t, func(c *gateway.Config) { c.Limits = gateway.Limits{Month: true} })
	arrived, leave, answered := make(chan struct{}), make(chan struct{}), make(chan int)
	w.core.hook = func(context.Context) error {
		arrived <- struct{}{}
		<-leave
		return nil
	}
	const asking = 20
	for range asking {
		go func() { answered <- w.do(t, request{path: accounts + "/a1"}).StatusCode }()
	}
	inside, refused := 0, 0
	for range asking {
		select {
		case <-arrived:
			inside++
		case status := <-answered:
			if refused++; status != http.StatusLocked {
				t.Errorf("status %d", status)
			}
		}
	}
	close(leave)
	for range inside {
		if status := <-answered; status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	if inside != 8 || refused != 12 {
		t.Errorf("%d were answered and %d refused", inside, refused)
	}
}
