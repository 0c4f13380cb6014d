package drive

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/suites/target"
)

// patience is how long a client of the standard waits for an answer (timeouts page).
const patience = 15 * time.Second

// wire holds the kept-alive connections of one certificate, or of none.
type wire struct {
	transport *http.Transport
}

// newWire makes the connections. HTTP/1.1 is the default, one connection for each request that is under way:
// a request that hangs then holds up no other, and many connections are what a bank meets in the field. One
// shared HTTP/2 connection costs the generator a tenth to a quarter less (BenchmarkWire).
func newWire(t *target.Target, roots *x509.CertPool, cert *tls.Certificate, clk *clock.Clock, atOnce int, h2 bool) *wire {
	cfg := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Time: clk.Now, ClientSessionCache: tls.NewLRUClientSessionCache(64),
		CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}
	if cert != nil {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	hosts := t.Hosts
	return &wire{&http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, mapped(hosts, address))
		},
		TLSClientConfig: cfg, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 2 * time.Minute,
		DisableCompression: true, ForceAttemptHTTP2: h2, ResponseHeaderTimeout: patience,
	}}
}

// mapped is where an address of host and port is reached.
func mapped(hosts map[string]string, address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || hosts[host] == "" {
		return address
	}
	if _, _, err := net.SplitHostPort(hosts[host]); err == nil {
		return hosts[host]
	}
	return net.JoinHostPort(hosts[host], port)
}

func (w *wire) close() { w.transport.CloseIdleConnections() }

// answer is what came back, until its buffer is given back.
type answer struct {
	status int
	header http.Header
	body   *bytes.Buffer
	took   time.Duration // from the first byte that left to the head of the answer
}

func (a *answer) release() {
	if a.body != nil && a.body.Cap() <= 1<<20 { // one huge answer must not be kept for ever
		a.body.Reset()
		buffers.Put(a.body)
	}
	a.body = nil
}

var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 16<<10)) }}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

var errTooLarge = errors.New("the answer is too large")

// send makes one exchange. The header is the request's own: nobody else may write to it.
func (w *wire) send(ctx context.Context, clk *clock.Clock, method string, to *url.URL, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := (&http.Request{Method: method, URL: to, Host: to.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	from, offset := clk.Now(), clk.Offset()
	res, err := w.transport.RoundTrip(r)
	took := clk.Now().Sub(from) - (clk.Offset() - offset)
	if err != nil {
		return answer{took: took}, err
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header, body: buffers.Get().(*bytes.Buffer), took: took}
	n, err := a.body.ReadFrom(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && n > maxAnswer {
		err = errTooLarge
	}
	return a, err
}
