package quarter

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/suites/target"
)

// line is one kept-alive connection for one request at a time. A quarter asks half a million times, each
// waiting for the one before: without the transport's goroutines and headers an exchange costs half of what
// net/http takes for it.
type line struct {
	address *url.URL
	tls     *tls.Config // nil: plain HTTP
	hosts   map[string]string
	watch   *clock.Clock // the machine's own

	// dial, when set, connects in place of the network.
	dial func(ctx context.Context, to string) (net.Conn, error)
	// meanwhile, when set, runs once while the next answer is awaited.
	meanwhile func()

	conn net.Conn
	r    *bufio.Reader
	out  bytes.Buffer
	in   bytes.Buffer
}

func newLine(address string, hosts map[string]string, secure *tls.Config, watch *clock.Clock) (*line, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("the address %q cannot be used", address)
	}
	l := &line{address: u, hosts: hosts, watch: watch}
	if u.Scheme == "https" {
		l.tls = secure.Clone()
		l.tls.ServerName = u.Hostname()
	}
	return l, nil
}

// open connects, in the time that is left.
func (l *line) open(ctx context.Context, deadline time.Time) error {
	port := l.address.Port()
	if port == "" {
		port = map[bool]string{true: "443", false: "80"}[l.tls != nil]
	}
	to := net.JoinHostPort(l.address.Hostname(), port)
	if at := l.hosts[l.address.Hostname()]; at != "" {
		if _, _, err := net.SplitHostPort(at); err == nil {
			to = at
		} else {
			to = net.JoinHostPort(at, port)
		}
	}
	dial := l.dial
	if dial == nil {
		d := net.Dialer{Deadline: deadline}
		dial = func(ctx context.Context, to string) (net.Conn, error) { return d.DialContext(ctx, "tcp", to) }
	}
	conn, err := dial(ctx, to)
	if err != nil {
		return err
	}
	if l.tls != nil {
		secure := tls.Client(conn, l.tls)
		_ = conn.SetDeadline(deadline)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return err
		}
		conn = secure
	}
	l.conn = conn
	l.r = bufio.NewReaderSize(conn, 16<<10)
	return nil
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// maxAnswer bounds an answer.
const maxAnswer = 8 << 20

// ask makes one exchange. The body is good until the next one. A kept connection that the other side has
// closed meanwhile is opened again, once.
func (l *line) ask(ctx context.Context, method, path string, body []byte, timeout time.Duration) (int, []byte, error) {
	deadline := l.watch.Now().Add(timeout)
	for {
		kept := l.conn != nil
		status, answer, err := l.try(ctx, method, path, body, deadline)
		if err == nil {
			return status, answer, nil
		}
		l.close()
		if !kept || timedOut(err) || ctx.Err() != nil {
			return 0, nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
}

func (l *line) try(ctx context.Context, method, path string, body []byte, deadline time.Time) (int, []byte, error) {
	if l.conn == nil {
		if err := l.open(ctx, deadline); err != nil {
			return 0, nil, err
		}
	}
	if err := l.conn.SetDeadline(deadline); err != nil {
		return 0, nil, err
	}
	l.out.Reset()
	for _, part := range []string{method, " ", strings.TrimSuffix(l.address.Path, "/"), path, " HTTP/1.1\r\nHost: ", l.address.Host, "\r\nAccept: application/json\r\n"} {
		l.out.WriteString(part)
	}
	if body != nil {
		fmt.Fprintf(&l.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	l.out.WriteString("\r\n")
	l.out.Write(body)
	if _, err := l.conn.Write(l.out.Bytes()); err != nil {
		return 0, nil, err
	}
	if l.meanwhile != nil {
		l.meanwhile()
		l.meanwhile = nil
	}
	res, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return 0, nil, err
	}
	l.in.Reset()
	n, err := l.in.ReadFrom(io.LimitReader(res.Body, maxAnswer+1))
	_ = res.Body.Close()
	if err != nil {
		return 0, nil, err
	}
	if n > maxAnswer {
		return 0, nil, errors.New("the answer is too large")
	}
	if res.Close {
		l.close()
	}
	return res.StatusCode, l.in.Bytes(), nil
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// secure is how a caller without a certificate meets the target. Names are verified as by anybody else.
func secure(t *target.Target, now func() time.Time) (*tls.Config, error) {
	roots, err := t.Roots()
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Time: now, NextProtos: []string{"http/1.1"},
		CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}, nil
}
