// Package pki is the certificate authority of an ecosystem.
//
// It promises certificates of the published profiles (BRCAC for transport, BRSEAL for signing, web
// servers), the deliberately wrong ones that a peer must refuse, the unusual but legal ones that it must
// accept, and a truthful word about revocation by CRL and OCSP. Every subject it writes says SIMULADOR,
// so that no certificate of it can be taken for a real one. It decides nothing about who is who: a
// subject is what the caller says.
package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ensaio/ensaio/sim/clock"
)

// How long certificates live. Leaves outlast every step that a test makes with the clock.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	leafLife      = 3 * 365 * 24 * time.Hour
	backdate      = 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
)

// Authority issues and revokes. It is safe for concurrent use; calls that need new keys run in parallel.
type Authority struct {
	clk   *clock.Clock
	files files
	stock *stock
	crl   string
	ocsp  string

	root, transport, signing, server *issuer
	foreign                          func() (*issuer, error)

	slots  sync.Map // file name -> *slot
	ledger ledger
}

// issuer is a CA that signs: its certificate, its key and the name of its revocation list.
type issuer struct {
	Identity
	list string

	mu     sync.Mutex
	signed []byte
	until  time.Time
	number *big.Int
}

// slot serialises the makers of one identity and remembers it.
type slot struct {
	mu   sync.Mutex
	have *Identity
}

// Option adjusts an authority at [Open].
type Option func(*Authority)

// CRL sets the base address under which [Authority.Handler] is reachable for revocation lists,
// "http://crl.pki.test:8080"; certificates then name their list as distribution point.
func CRL(base string) Option { return func(a *Authority) { a.crl = strings.TrimSuffix(base, "/") } }

// OCSP sets the address of the responder, "http://ocsp.pki.test:8080/ocsp", written into certificates.
func OCSP(url string) Option { return func(a *Authority) { a.ocsp = url } }

// Stock makes n keys ahead, on all cores, as soon as the first one is needed.
func Stock(n int) Option { return func(a *Authority) { a.stock = newStock(n) } }

// Open loads the authority kept in dir, or creates it there; files are written whole or not at all,
// readable by their owner only, and a damaged file is an error that names it. With an empty dir
// everything is new and stays in memory.
func Open(dir string, clk *clock.Clock, options ...Option) (*Authority, error) {
	a := &Authority{clk: clk, files: files{dir: dir}, stock: newStock(0)}
	for _, o := range options {
		o(a)
	}
	if err := a.files.prepare(); err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	if err := a.ledger.load(a.files); err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	if err := a.hierarchy(); err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	a.foreign = sync.OnceValues(a.lookalike)
	return a, nil
}

// hierarchy loads or makes the root and its three issuing authorities.
func (a *Authority) hierarchy() error {
	var keys errgroup.Group
	var found [4]*Identity
	names := [4]string{"ca-root", "ca-transport", "ca-signing", "ca-server"}
	for i, name := range names {
		keys.Go(func() error {
			id, err := a.files.read(name, 1)
			if err != nil {
				return err
			}
			if id == nil {
				key, err := a.stock.draw()
				if err != nil {
					return err
				}
				id = &Identity{Key: key}
			}
			found[i] = id
			return nil
		})
	}
	if err := keys.Wait(); err != nil {
		return err
	}
	cn := [4]string{"Raiz", "Emissora V10", "Emissora V5", "Emissora Servidores"}
	lists := [4]string{"root.crl", "issuer.crl", "signing.crl", "server.crl"}
	var made [4]*issuer
	for i, id := range found {
		parent := made[0]
		if id.Certificate == nil {
			var err error
			if *id, err = a.authority(parent, id.Key, cn[i]); err != nil {
				return err
			}
			if err := a.files.write(names[i], *id); err != nil {
				return err
			}
		} else if parent != nil && id.Certificate.CheckSignatureFrom(parent.Certificate) != nil {
			return fmt.Errorf("%s: not signed by the root beside it", a.files.path(names[i]))
		}
		id.Chain = []*x509.Certificate{id.Certificate}
		made[i] = &issuer{Identity: *id, list: lists[i], number: new(big.Int)}
	}
	a.root, a.transport, a.signing, a.server = made[0], made[1], made[2], made[3]
	return nil
}

// authority signs the certificate of a CA; without a parent it signs itself.
func (a *Authority) authority(parent *issuer, key *rsa.PrivateKey, name string) (Identity, error) {
	now := a.clk.Now()
	subject, err := encode([]attribute{
		{oidCountry, "BR", asn1.TagPrintableString},
		{oidOrganisation, "ENSAIO SIMULADOR", asn1.TagUTF8String},
		{oidCommonName, "AC SIMULADOR " + name, asn1.TagUTF8String},
	})
	if err != nil {
		return Identity{}, err
	}
	t := &x509.Certificate{
		RawSubject: subject, NotBefore: now.Add(-2 * backdate), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	signer := parent
	if parent == nil {
		signer = &issuer{Identity: Identity{Certificate: t, Key: key}}
	} else {
		t.MaxPathLenZero = true
		a.addresses(t, parent)
	}
	cert, err := a.sign(t, signer, key)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Certificate: cert, Chain: []*x509.Certificate{cert}, Key: key}, nil
}

// addresses writes where the word about a certificate of ca is found.
func (a *Authority) addresses(t *x509.Certificate, ca *issuer) {
	if a.crl != "" {
		t.CRLDistributionPoints = []string{a.crl + "/" + ca.list}
		t.IssuingCertificateURL = []string{a.crl + "/" + strings.TrimSuffix(ca.list, ".crl") + ".cer"}
	}
	if a.ocsp != "" {
		t.OCSPServer = []string{a.ocsp}
	}
}

// sign issues t under ca for key, enters it in the ledger and returns it parsed.
func (a *Authority) sign(t *x509.Certificate, ca *issuer, key *rsa.PrivateKey) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return nil, fmt.Errorf("draw serial: %w", err)
	}
	serial[0] = serial[0]&0x7f | 0x40
	t.SerialNumber = new(big.Int).SetBytes(serial)
	t.SignatureAlgorithm = x509.SHA256WithRSA
	der, err := x509.CreateCertificate(rand.Reader, t, ca.Certificate, &key.PublicKey, ca.Key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return cert, a.ledger.enter(a.files, cert, a.clk.Now())
}

// lookalike makes a CA that carries the transport issuer's name and nobody's trust.
func (a *Authority) lookalike() (*issuer, error) {
	key, err := a.stock.draw()
	if err != nil {
		return nil, err
	}
	id, err := a.authority(nil, key, "Emissora V10")
	if err != nil {
		return nil, err
	}
	return &issuer{Identity: id, list: a.transport.list, number: new(big.Int)}, nil
}

// CAPEM returns, in PEM, the root to which every server and client chains.
func (a *Authority) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Certificate.Raw})
}

// Roots returns the same as a pool.
func (a *Authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root.Certificate)
	return pool
}

// Key draws a new RSA key of 2048 bits from the authority's stock, for keys that need no certificate.
func (a *Authority) Key() (*rsa.PrivateKey, error) { return a.stock.draw() }

// extension wraps DER as a certificate extension.
func extension(id asn1.ObjectIdentifier, der []byte) pkix.Extension {
	return pkix.Extension{Id: id, Value: der}
}
