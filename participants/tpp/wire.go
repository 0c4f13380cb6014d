package tpp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// The TLS 1.2 suites of the profile (TLS-01).
var suites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}

// pool returns the keep-alive connections that use one certificate, or none.
func (c *Client) pool(cert *tls.Certificate) *http.Client {
	name := fingerprint(cert)
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.pools[name]; p != nil {
		return p
	}
	p := &http.Client{
		Timeout:       c.cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:           c.dial,
			TLSClientConfig:       c.tls(cert),
			TLSHandshakeTimeout:   10 * time.Second,
			MaxIdleConns:          256,
			MaxIdleConnsPerHost:   128,
			IdleConnTimeout:       60 * time.Second,
			ResponseHeaderTimeout: c.cfg.Timeout,
			DisableCompression:    true,
		},
	}
	c.pools[name] = p
	return p
}

// tls is what this client demands of a connection. The certificate is sent whatever authorities the
// server says it accepts, so that a hostile one really arrives.
func (c *Client) tls(cert *tls.Certificate) *tls.Config {
	t := &tls.Config{
		RootCAs:      c.cfg.CA,
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suites,
		Time:         c.cfg.Clock.Now,
	}
	if cert != nil {
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	return t
}

// dial reaches the names of the hosts map where it says, and other names where the system says.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil {
		if to := c.cfg.Hosts[host]; to != "" {
			if _, _, err := net.SplitHostPort(to); err == nil {
				address = to
			} else {
				address = net.JoinHostPort(to, port)
			}
		}
	}
	d := net.Dialer{Timeout: 10 * time.Second}
	return d.DialContext(ctx, network, address)
}

func fingerprint(cert *tls.Certificate) string {
	if cert == nil || len(cert.Certificate) == 0 {
		return ""
	}
	sum := sha256.Sum256(cert.Certificate[0])
	return hex.EncodeToString(sum[:])
}

// identifier makes a UUID for interaction ids and idempotency keys.
func (c *Client) identifier() string {
	if c.cfg.Seed != nil {
		return c.cfg.Seed.UUID()
	}
	return uuid.NewString()
}

// interaction makes the id of one exchange; a saboteur repeats or forgets it.
func (c *Client) interaction() string {
	if c.ignores("TPP-04/sends-interaction-id") {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == "" || !c.ignores("TPP-04/fresh-interaction-id") {
		c.last = c.identifier()
	}
	return c.last
}
