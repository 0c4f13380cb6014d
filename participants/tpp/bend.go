package tpp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// Bend is what can be bent of every request: method, address, header, query, body, certificate. B is the
// concrete request, so that calls chain.
type Bend[B any] struct {
	self    B
	client  *Client
	name    string
	method  string
	address string
	op      *spec.Operation
	header  http.Header
	query   url.Values
	body    []byte
	raw     bool // body is final: nothing is built
	cert    *tls.Certificate
	edits   []func(*http.Request)
	consent string
	party   string
}

func bend[B any](self B, c *Client, name, method, address string) Bend[B] {
	b := Bend[B]{self: self, client: c, name: name, method: method, address: address, header: http.Header{}, query: url.Values{}}
	if len(c.cfg.Transport.Certificate) > 0 {
		b.cert = &c.cfg.Transport
	}
	b.header.Set("Accept", "application/json")
	if id := c.interaction(); id != "" {
		b.header.Set("X-Fapi-Interaction-Id", id)
	}
	return b
}

// Method replaces the HTTP method.
func (b *Bend[B]) Method(m string) B { b.method = m; return b.self }

// To replaces the address the request is sent to.
func (b *Bend[B]) To(address string) B { b.address = address; return b.self }

// Address is where the request goes, without added query.
func (b *Bend[B]) Address() string { return b.address }

// Header sets a header, in place of any value it had.
func (b *Bend[B]) Header(name, value string) B { b.header.Set(name, value); return b.self }

// AddHeader adds a further value of a header.
func (b *Bend[B]) AddHeader(name, value string) B { b.header.Add(name, value); return b.self }

// WithoutHeader takes headers out.
func (b *Bend[B]) WithoutHeader(names ...string) B {
	for _, n := range names {
		b.header.Del(n)
	}
	return b.self
}

// Accept replaces the Accept header; "" takes it out.
func (b *Bend[B]) Accept(media string) B {
	b.header.Del("Accept")
	if media != "" {
		b.header.Set("Accept", media)
	}
	return b.self
}

// Query adds a query parameter; the same name may be added again.
func (b *Bend[B]) Query(name, value string) B { b.query.Add(name, value); return b.self }

// Raw replaces the whole body and its content type ("" sends none): nothing else is built or signed.
func (b *Bend[B]) Raw(body []byte, contentType string) B {
	b.body, b.raw = body, true
	b.header.Del("Content-Type")
	if contentType != "" {
		b.header.Set("Content-Type", contentType)
	}
	return b.self
}

// ContentType replaces the content type and leaves the body.
func (b *Bend[B]) ContentType(media string) B {
	b.edits = append(b.edits, func(r *http.Request) {
		r.Header.Del("Content-Type")
		if media != "" {
			r.Header.Set("Content-Type", media)
		}
	})
	return b.self
}

// WithCertificate shows another client certificate.
func (b *Bend[B]) WithCertificate(cert tls.Certificate) B { b.cert = &cert; return b.self }

// WithoutCertificate shows none.
func (b *Bend[B]) WithoutCertificate() B { b.cert = nil; return b.self }

// Edit changes the finished request just before it leaves, as a last resort.
func (b *Bend[B]) Edit(f func(*http.Request)) B { b.edits = append(b.edits, f); return b.self }

// About names the consent the request is about, for the report of the call.
func (b *Bend[B]) About(consentID string) B { b.consent = consentID; return b.self }

// send does the exchange and tells everybody who must know of it.
func (b *Bend[B]) send(ctx context.Context, claims map[string]any, built error) *Exchange {
	c := b.client
	address := b.address
	if len(b.query) > 0 {
		join := "?"
		if strings.Contains(address, "?") {
			join = "&"
		}
		address += join + b.query.Encode()
	}
	e := &Exchange{Name: b.name, Method: b.method, URL: address, Operation: b.op, RequestHeader: b.header.Clone(), RequestBody: b.body,
		RequestClaims: claims, Certificate: commonName(b.cert), Started: c.cfg.Clock.Now(), consent: b.consent, party: b.party}
	if built != nil {
		e.Err = fmt.Errorf("build %s: %w", b.name, built)
		return c.done(e)
	}
	r, err := http.NewRequestWithContext(ctx, b.method, address, bytes.NewReader(b.body))
	if err != nil {
		e.Err = fmt.Errorf("build %s: %w", b.name, err)
		return c.done(e)
	}
	r.Header = e.RequestHeader
	for _, edit := range b.edits {
		edit(r)
	}
	e.Method, e.URL, e.token = r.Method, r.URL.String(), bearer(r.Header)
	offset := c.cfg.Clock.Offset()
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { e.Started, offset = c.cfg.Clock.Now(), c.cfg.Clock.Offset() },
	}))
	answer, err := c.pool(b.cert).Do(r)
	e.FirstByte = c.cfg.Clock.Now().Sub(e.Started) - (c.cfg.Clock.Offset() - offset)
	if err != nil {
		e.Duration, e.Err = e.FirstByte, fmt.Errorf("%s: %w", b.name, withoutAddress(err))
		return c.done(e)
	}
	defer func() { _ = answer.Body.Close() }()
	e.Status, e.Header, e.TLS = answer.StatusCode, answer.Header, answer.TLS
	e.Body, err = readBounded(answer.Body)
	e.Duration = c.cfg.Clock.Now().Sub(e.Started) - (c.cfg.Clock.Offset() - offset)
	if err != nil {
		e.Err = fmt.Errorf("%s: read answer: %w", b.name, err)
	}
	e.read()
	return c.done(e)
}

// done records an exchange and reports it.
func (c *Client) done(e *Exchange) *Exchange {
	if c.cfg.Record != nil {
		c.cfg.Record(e)
	}
	c.sight(e)
	c.out.exchange(c, e)
	return e
}

// Call is a request without any further structure: discovery, keys, pages.
type Call struct{ Bend[*Call] }

// Request makes a bare request.
func (c *Client) Request(name, method, address string) *Call {
	r := &Call{}
	r.Bend = bend(r, c, name, method, address)
	return r
}

// Bearer sets the access token.
func (r *Call) Bearer(token string) *Call { return r.Header("Authorization", "Bearer "+token) }

// Send sends the request.
func (r *Call) Send(ctx context.Context) *Exchange { return r.send(ctx, nil, nil) }

func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errTooLarge
	}
	return body, err
}

func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// withoutAddress drops the address that the standard library puts into its errors: it may hold secrets.
func withoutAddress(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // only the outermost wrapper carries it
		return e.Err
	}
	return err
}

func commonName(cert *tls.Certificate) string {
	if cert == nil || len(cert.Certificate) == 0 {
		return ""
	}
	leaf := cert.Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return "unreadable certificate"
		}
	}
	return leaf.Subject.CommonName
}
