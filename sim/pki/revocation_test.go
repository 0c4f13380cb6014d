package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/ensaio/ensaio/sim/clock"
)

func TestRevocationShowsAtOnceInListAndResponder(t *testing.T) {
	clk := clock.Fixed(start)
	a, err := Open("", clk, Stock(6))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(a.Handler())
	defer srv.Close()
	id := must(t)(a.Transport(aurora))
	issuer := id.Chain[1]

	verdict := func() int {
		t.Helper()
		question, err := ocsp.CreateRequest(id.Certificate, issuer, &ocsp.RequestOptions{Hash: crypto.SHA256})
		if err != nil {
			t.Fatal(err)
		}
		posted := fetch(t, srv, http.MethodPost, "/ocsp", question)
		answer, err := ocsp.ParseResponseForCert(posted, id.Certificate, issuer)
		if err != nil {
			t.Fatal(err)
		}
		got := fetch(t, srv, http.MethodGet, "/ocsp/"+base64.StdEncoding.EncodeToString(question), nil)
		again, err := ocsp.ParseResponseForCert(got, id.Certificate, issuer)
		if err != nil || again.Status != answer.Status {
			t.Fatalf("GET and POST disagree: %v", err)
		}
		if answer.NextUpdate.Before(clk.Now()) || answer.ThisUpdate.After(clk.Now()) {
			t.Errorf("answer is not of now: %v to %v", answer.ThisUpdate, answer.NextUpdate)
		}
		return answer.Status
	}
	list := func() *x509.RevocationList {
		t.Helper()
		l, err := x509.ParseRevocationList(fetch(t, srv, http.MethodGet, "/issuer.crl", nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.CheckSignatureFrom(issuer); err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := list()
	if verdict() != ocsp.Good || len(first.RevokedCertificateEntries) != 0 {
		t.Fatal("a new certificate must be good")
	}
	if err := a.Revoke(id.Certificate); err != nil {
		t.Fatal(err)
	}
	second := list()
	if verdict() != ocsp.Revoked || len(second.RevokedCertificateEntries) != 1 ||
		second.RevokedCertificateEntries[0].SerialNumber.Cmp(id.Certificate.SerialNumber) != 0 {
		t.Fatal("revocation does not show")
	}
	if second.Number.Cmp(first.Number) <= 0 {
		t.Error("the list's number must grow")
	}
	clk.Advance(400 * 24 * time.Hour)
	if l := list(); l.NextUpdate.Before(clk.Now()) || verdict() != ocsp.Revoked {
		t.Error("the list is stale after a step of the clock")
	}
	clk.Advance(-800 * 24 * time.Hour)
	if l := list(); l.ThisUpdate.After(clk.Now()) {
		t.Error("the list is from the future after the clock was put back")
	}
}

func TestResponderKnowsOnlyWhatItIssued(t *testing.T) {
	a := authority(t)
	srv := httptest.NewServer(a.Handler())
	defer srv.Close()
	id := must(t)(a.Transport(aurora))
	stranger := *id.Certificate
	stranger.SerialNumber = new(big.Int).Lsh(id.Certificate.SerialNumber, 1)
	question, err := ocsp.CreateRequest(&stranger, id.Chain[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ocsp.ParseResponse(fetch(t, srv, http.MethodPost, "/ocsp", question), id.Chain[1])
	if err != nil || answer.Status != ocsp.Unknown {
		t.Errorf("an unknown serial number: %v, %v", answer, err)
	}
	if got := fetch(t, srv, http.MethodPost, "/ocsp", []byte("nonsense")); !bytes.Equal(got, ocsp.MalformedRequestErrorResponse) {
		t.Errorf("nonsense answered by %x", got)
	}
	res, err := srv.Client().Post(srv.URL+"/ocsp", "application/ocsp-request", bytes.NewReader(make([]byte, maxQuestion+1)))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("an endless question answered by %d", res.StatusCode)
	}
	if err := a.Revoke(must(t)(a.Hostile(Untrusted, aurora)).Certificate); err == nil {
		t.Error("a certificate of another CA cannot be revoked here")
	}
}

func fetch(t *testing.T, srv *httptest.Server, method, path string, body []byte) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	return b
}
