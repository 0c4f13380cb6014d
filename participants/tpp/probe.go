package tpp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Handshake is what one TLS handshake showed.
type Handshake struct {
	Version     uint16
	Suite       uint16
	Chain       []*x509.Certificate // exactly as served, leaf first
	Resumed     bool
	Protocol    string // ALPN
	AsksForCert bool   // the server asked for a client certificate
	ChainErr    error  // why the chain as served does not verify, for this name and instant
	Err         error  // why there was no handshake
}

// Probe examines the TLS of one server. Its zero certificate is none.
type Probe struct {
	client *Client
	host   string // name and port
	cert   *tls.Certificate
}

// Probe examines the server behind an https address or a name and port.
func (c *Client) Probe(address string) *Probe {
	p := &Probe{client: c, host: address}
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		p.host = u.Host
		if u.Port() == "" {
			p.host += ":443"
		}
	}
	return p
}

// WithCertificate shows a client certificate.
func (p *Probe) WithCertificate(cert tls.Certificate) *Probe { p.cert = &cert; return p }

// Handshake makes one, after edit has changed the client's demands, and closes. Whether the chain
// verifies is told beside it and ends nothing: nothing is entrusted to the connection.
func (p *Probe) Handshake(ctx context.Context, edit func(*tls.Config)) Handshake {
	return p.connect(ctx, edit, nil)
}

func (p *Probe) connect(ctx context.Context, edit func(*tls.Config), use func(*tls.Conn) error) Handshake {
	var h Handshake
	ctx, cancel := context.WithTimeout(ctx, p.client.cfg.Timeout)
	defer cancel()
	name := (&url.URL{Host: p.host}).Hostname()
	t := p.client.tls(nil)
	t.ServerName = name
	t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		h.AsksForCert = true
		if p.cert != nil {
			return p.cert, nil
		}
		return &tls.Certificate{}, nil
	}
	// The chain is verified below, so that what was served is seen also when it does not verify.
	t.InsecureSkipVerify = true // verified by verifyServed; the connection carries no secret
	t.VerifyConnection = func(s tls.ConnectionState) error {
		h.Chain, h.ChainErr = s.PeerCertificates, p.client.verifyServed(s.PeerCertificates, name)
		return nil
	}
	if edit != nil {
		edit(t)
	}
	raw, err := p.client.dial(ctx, "tcp", p.host)
	if err != nil {
		h.Err = err
		return h
	}
	defer func() { _ = raw.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = raw.SetDeadline(deadline)
	}
	conn := tls.Client(raw, t)
	if h.Err = conn.HandshakeContext(ctx); h.Err != nil {
		return h
	}
	s := conn.ConnectionState()
	h.Version, h.Suite, h.Resumed, h.Protocol = s.Version, s.CipherSuite, s.DidResume, s.NegotiatedProtocol
	if use != nil {
		h.Err = use(conn)
	}
	return h
}

// verifyServed verifies a chain with nothing but what was served and the trusted roots (CERT-09).
func (c *Client) verifyServed(chain []*x509.Certificate, name string) error {
	if len(chain) == 0 {
		return errors.New("no certificate was served")
	}
	middle := x509.NewCertPool()
	for _, cert := range chain[1:] {
		middle.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: name, Roots: c.cfg.CA, Intermediates: middle, CurrentTime: c.cfg.Clock.Now()})
	return err
}

// Versions says which protocol versions the server accepts, TLS 1.0 to 1.3.
func (p *Probe) Versions(ctx context.Context) map[uint16]bool {
	out := map[uint16]bool{}
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		h := p.Handshake(ctx, func(t *tls.Config) {
			t.MinVersion, t.MaxVersion = v, v
			t.CipherSuites = nil
			if v < tls.VersionTLS12 {
				t.CipherSuites = everySuite()
			}
		})
		out[v] = h.Err == nil && h.Version == v
	}
	return out
}

// Suites lists the TLS 1.2 suites that the server accepts, of all this client can speak.
func (p *Probe) Suites(ctx context.Context) []uint16 {
	var accepted []uint16
	for _, id := range everySuite() {
		h := p.Handshake(ctx, func(t *tls.Config) {
			t.MinVersion, t.MaxVersion, t.CipherSuites = tls.VersionTLS12, tls.VersionTLS12, []uint16{id}
		})
		if h.Err == nil {
			accepted = append(accepted, id)
		}
	}
	return accepted
}

func everySuite() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		for _, v := range s.SupportedVersions {
			if v == tls.VersionTLS12 {
				ids = append(ids, s.ID)
				break
			}
		}
	}
	return ids
}

// Resumes says whether the server takes up a session again, in a version of TLS (TLS-02). A request is
// made in between, since tickets of TLS 1.3 come after the handshake.
func (p *Probe) Resumes(ctx context.Context, version uint16) (bool, error) {
	cache := tls.NewLRUClientSessionCache(4)
	with := func(t *tls.Config) {
		t.MinVersion, t.MaxVersion, t.ClientSessionCache, t.NextProtos = version, version, cache, []string{"http/1.1"}
	}
	ask := func(conn *tls.Conn) error {
		if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", p.host); err != nil {
			return err
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}
	for range 2 {
		h := p.connect(ctx, with, ask)
		if h.Err != nil {
			return false, h.Err
		}
		if h.Resumed {
			return true, nil
		}
	}
	return false, nil
}

// Expires is how long the served leaf is still valid.
func (h Handshake) Expires(now time.Time) time.Duration {
	if len(h.Chain) == 0 {
		return 0
	}
	return h.Chain[0].NotAfter.Sub(now)
}
