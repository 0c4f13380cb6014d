package target

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/jose"
)

// Roots are the authorities that the target's servers chain to; the system's where none are named.
func (t *Target) Roots() (*x509.CertPool, error) {
	if t.CA == "" {
		return x509.SystemCertPool()
	}
	pem, err := t.Read(t.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca: no certificate in it")
	}
	return pool, nil
}

// Pair reads a certificate chain and its key, which must belong together.
func (t *Target) Pair(c Certificate) (tls.Certificate, error) {
	cert, err := t.Read(c.Cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := t.Read(c.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return tls.Certificate{}, err
		}
	}
	return pair, nil
}

// Private reads a private key; an absent reference gives the zero key.
func (t *Target) Private(k Key) (jose.Key, error) {
	var key jose.Key
	if k.JWK == "" {
		return key, nil
	}
	b, err := t.Read(k.JWK)
	if err != nil {
		return key, err
	}
	if err := json.Unmarshal(b, &key); err != nil {
		return key, err
	}
	if key.Private == nil {
		return key, errors.New("the key has no private part")
	}
	return key, nil
}

// Configure says how to be the client towards this target.
func (t *Target) Configure(c *Client, clk *clock.Clock) (tpp.Config, error) {
	cfg := tpp.Config{
		Name: c.Name, OrganisationID: c.OrganisationID, SoftwareID: c.SoftwareStatementID, CNPJ: c.CNPJ,
		RedirectURIs: c.RedirectURIs, WebhookURIs: c.WebhookURIs, SSA: c.SSA,
		Directory: tpp.DirectoryURLs{Participants: t.Directory.Participants, Keystore: t.Directory.Keystore, Token: t.Directory.Token},
		PCM:       tpp.PCMURLs{URL: t.PCM.URL, Token: t.PCM.Token},
		Hosts:     t.Hosts, Clock: clk, Timeout: t.Timeout("request"),
	}
	var err error
	if cfg.CA, err = t.Roots(); err != nil {
		return cfg, err
	}
	if cfg.Transport, err = t.Pair(c.Transport); err != nil {
		return cfg, fmt.Errorf("client %s: transport certificate: %w", c.Name, err)
	}
	if cfg.Signing, err = t.Private(c.Signing); err != nil {
		return cfg, fmt.Errorf("client %s: signing key: %w", c.Name, err)
	}
	if cfg.Encryption, err = t.Private(c.Encryption); err != nil {
		return cfg, fmt.Errorf("client %s: encryption key: %w", c.Name, err)
	}
	return cfg, nil
}

// Courier carries what clients of this process learn about consents to the offices of the third parties, which
// count them for the metrics platform; nil where the target declares no offices. The caller closes it.
func (t *Target) Courier() *tpp.Courier {
	if t.Capabilities.Parties == "" {
		return nil
	}
	return tpp.NewCourier(strings.TrimRight(t.Capabilities.Parties, "/")+"/consents",
		&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{IdleConnTimeout: 30 * time.Second}})
}
