package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/ensaio/ensaio/sim/file"
)

// How long the word about revocation holds: a list is signed again after its refresh, long before it
// ends; an OCSP answer is signed for each question.
const (
	listLife    = time.Hour
	listRefresh = 10 * time.Minute
	answerLife  = 10 * time.Minute
)

// maxQuestion bounds an OCSP request.
const maxQuestion = 4 << 10

// ledger is the register of what was issued and what became of it.
type ledger struct {
	mu   sync.RWMutex
	rows map[string]*entry
}

type entry struct {
	Authority string     `json:"authority"` // key id of the issuer, hexadecimal
	Issued    time.Time  `json:"issued"`
	Revoked   *time.Time `json:"revoked,omitempty"`
}

func (l *ledger) load(f files) error {
	l.rows = map[string]*entry{}
	if f.dir == "" {
		return nil
	}
	path := filepath.Join(f.dir, "ledger.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &l.rows); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	return nil
}

// save writes the register; the caller holds the lock.
func (l *ledger) save(f files) error {
	if f.dir == "" {
		return nil
	}
	b, err := json.Marshal(l.rows)
	if err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return file.Replace(filepath.Join(f.dir, "ledger.json"), b, 0o600)
}

func (l *ledger) enter(f files, c *x509.Certificate, at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows[c.SerialNumber.Text(16)] = &entry{Authority: fmt.Sprintf("%x", c.AuthorityKeyId), Issued: at}
	return l.save(f)
}

func (l *ledger) find(serial *big.Int, authority []byte) (entry, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	e, ok := l.rows[serial.Text(16)]
	if !ok || e.Authority != fmt.Sprintf("%x", authority) {
		return entry{}, false
	}
	return *e, true
}

func (l *ledger) revoked(authority []byte) []x509.RevocationListEntry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []x509.RevocationListEntry
	for serial, e := range l.rows {
		if e.Revoked == nil || e.Authority != fmt.Sprintf("%x", authority) {
			continue
		}
		if n, ok := new(big.Int).SetString(serial, 16); ok {
			out = append(out, x509.RevocationListEntry{SerialNumber: n, RevocationTime: *e.Revoked})
		}
	}
	return out
}

// Revoke takes a certificate back, for good. The list and the responder say so at once. A certificate
// of somebody else is an error.
func (a *Authority) Revoke(c *x509.Certificate) error {
	ca := a.issuerOf(c)
	if ca == nil {
		return fmt.Errorf("revoke %s: not issued here", c.SerialNumber.Text(16))
	}
	now := a.clk.Now()
	a.ledger.mu.Lock()
	e := a.ledger.rows[c.SerialNumber.Text(16)]
	if e == nil {
		e = &entry{Authority: fmt.Sprintf("%x", c.AuthorityKeyId), Issued: now}
		a.ledger.rows[c.SerialNumber.Text(16)] = e
	}
	var err error
	if e.Revoked == nil {
		e.Revoked = &now
		err = a.ledger.save(a.files)
	}
	a.ledger.mu.Unlock()
	ca.mu.Lock()
	ca.signed = nil
	ca.mu.Unlock()
	return err
}

// IsRevoked says whether the authority has taken the certificate back.
func (a *Authority) IsRevoked(c *x509.Certificate) bool {
	e, ok := a.ledger.find(c.SerialNumber, c.AuthorityKeyId)
	return ok && e.Revoked != nil
}

func (a *Authority) issuers() []*issuer {
	return []*issuer{a.root, a.transport, a.signing, a.server}
}

func (a *Authority) issuerOf(c *x509.Certificate) *issuer {
	for _, ca := range a.issuers() {
		if bytes.Equal(c.AuthorityKeyId, ca.Certificate.SubjectKeyId) && c.CheckSignatureFrom(ca.Certificate) == nil {
			return ca
		}
	}
	return nil
}

// revocationList returns the current list of ca, signed anew after a revocation and every few minutes.
func (a *Authority) revocationList(ca *issuer) ([]byte, error) {
	now := a.clk.Now()
	ca.mu.Lock()
	defer ca.mu.Unlock()
	// The clock may be put back: a list from the future is no list.
	if ca.signed != nil && now.Before(ca.until) && now.Add(listRefresh).After(ca.until) {
		return ca.signed, nil
	}
	number := big.NewInt(now.UnixMilli())
	if number.Cmp(ca.number) <= 0 {
		number.Add(ca.number, big.NewInt(1))
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: number, ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(listLife),
		RevokedCertificateEntries: a.ledger.revoked(ca.Certificate.SubjectKeyId),
	}, ca.Certificate, ca.Key)
	if err != nil {
		return nil, fmt.Errorf("sign revocation list: %w", err)
	}
	ca.signed, ca.until, ca.number = der, now.Add(listRefresh), number
	return der, nil
}

// Handler serves what the outside may know: the lists at /issuer.crl (transport), /signing.crl,
// /server.crl and /root.crl, the CA certificates beside them as .cer, and OCSP at /ocsp by POST and GET
// (RFC 6960 A.1). It looks at no host name.
func (a *Authority) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, ca := range a.issuers() {
		mux.HandleFunc("GET /"+ca.list, func(w http.ResponseWriter, _ *http.Request) {
			der, err := a.revocationList(ca)
			if err != nil {
				http.Error(w, "revocation list unavailable", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/pkix-crl")
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(der)
		})
		mux.HandleFunc("GET /"+strings.TrimSuffix(ca.list, ".crl")+".cer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/pkix-cert")
			_, _ = w.Write(ca.Certificate.Raw)
		})
	}
	mux.HandleFunc("POST /ocsp", func(w http.ResponseWriter, r *http.Request) {
		question, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
		if err != nil {
			http.Error(w, "request too large", http.StatusRequestEntityTooLarge)
			return
		}
		a.respond(w, question)
	})
	mux.HandleFunc("GET /ocsp/{question...}", func(w http.ResponseWriter, r *http.Request) {
		question, err := base64.StdEncoding.DecodeString(r.PathValue("question"))
		if err != nil || len(question) > maxQuestion {
			question = nil
		}
		a.respond(w, question)
	})
	return mux
}

func (a *Authority) respond(w http.ResponseWriter, question []byte) {
	w.Header().Set("Content-Type", "application/ocsp-response")
	w.Header().Set("Cache-Control", "no-store")
	req, err := ocsp.ParseRequest(question)
	if err != nil {
		_, _ = w.Write(ocsp.MalformedRequestErrorResponse)
		return
	}
	ca := a.asked(req)
	if ca == nil {
		_, _ = w.Write(ocsp.UnauthorizedErrorResponse)
		return
	}
	now := a.clk.Now()
	answer := ocsp.Response{SerialNumber: req.SerialNumber, Status: ocsp.Unknown, IssuerHash: req.HashAlgorithm,
		ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(answerLife)}
	if e, ok := a.ledger.find(req.SerialNumber, ca.Certificate.SubjectKeyId); ok {
		answer.Status = ocsp.Good
		if e.Revoked != nil {
			answer.Status, answer.RevokedAt, answer.RevocationReason = ocsp.Revoked, *e.Revoked, ocsp.Unspecified
		}
	}
	der, err := ocsp.CreateResponse(ca.Certificate, ca.Certificate, answer, ca.Key)
	if err != nil {
		_, _ = w.Write(ocsp.InternalErrorErrorResponse)
		return
	}
	_, _ = w.Write(der)
}

// asked finds the CA that an OCSP request names by the hashes of its name and key.
func (a *Authority) asked(req *ocsp.Request) *issuer {
	if !req.HashAlgorithm.Available() {
		return nil
	}
	sum := func(h crypto.Hash, b []byte) []byte { d := h.New(); d.Write(b); return d.Sum(nil) }
	for _, ca := range a.issuers() {
		var info struct {
			Algorithm asn1.RawValue
			PublicKey asn1.BitString
		}
		if _, err := asn1.Unmarshal(ca.Certificate.RawSubjectPublicKeyInfo, &info); err != nil {
			continue
		}
		if bytes.Equal(req.IssuerNameHash, sum(req.HashAlgorithm, ca.Certificate.RawSubject)) &&
			bytes.Equal(req.IssuerKeyHash, sum(req.HashAlgorithm, info.PublicKey.RightAlign())) {
			return ca
		}
	}
	return nil
}
