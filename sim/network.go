package sim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/pki"
)

// The limits of every server of the ecosystem: a slow or endless client costs a connection for a while,
// never more.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	shutdownGrace = 3 * time.Second
)

// network is the loopback world of one ecosystem: its listeners, and which public name lies where.
type network struct {
	clock *clock.Clock
	log   *slog.Logger
	base  int

	mu        sync.Mutex
	addresses map[string]string // public name → host:port
	kept      map[string]int    // role → port of an earlier start
	servers   []*http.Server
	running   sync.WaitGroup
}

func newNetwork(clk *clock.Clock, log *slog.Logger, base int) *network {
	return &network{clock: clk, log: log, base: base, addresses: map[string]string{}, kept: map[string]int{}}
}

// PortInUse says that a wanted port is taken.
type PortInUse struct {
	Role string
	Port int
	Err  error
}

func (e *PortInUse) Error() string {
	return fmt.Sprintf("port %d for the %s is not free: %v", e.Port, e.Role, e.Err)
}

// Hint says what to try.
func (e *PortInUse) Hint() string {
	return "choose another --port-base, or leave it out to let the system choose free ports"
}

func (e *PortInUse) Unwrap() error { return e.Err }

// claim opens the listener of a role at its place above the port base, or at a free port, and gives its
// names that address.
func (n *network) claim(role string, place int, names ...string) (net.Listener, error) {
	port := n.kept[role]
	if n.base != 0 {
		port = n.base + place
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return nil, &PortInUse{Role: role, Port: port, Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	at, _ := listener.Addr().(*net.TCPAddr)
	n.kept[role] = at.Port
	for _, name := range names {
		n.addresses[name] = at.String()
	}
	return listener, nil
}

// url is the https address of a public name.
func (n *network) url(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, port, _ := net.SplitHostPort(n.addresses[name])
	return "https://" + name + ":" + port
}

// hosts maps every public name to the address of this machine.
func (n *network) hosts() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make(map[string]string, len(n.addresses))
	for name := range n.addresses {
		all[name] = "127.0.0.1"
	}
	return all
}

// dial connects to a public name of this world, and to nothing else.
func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	at, known := n.addresses[host]
	n.mu.Unlock()
	if !known || !strings.HasSuffix(at, ":"+port) {
		return nil, fmt.Errorf("%s is no address of this ecosystem", address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", at)
}

// client speaks to the servers of this world, with a client certificate if one is given.
func (n *network) client(roots *x509.CertPool, identity ...pki.Identity) *http.Client {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Time: n.clock.Now}
	for _, id := range identity {
		cfg.Certificates = append(cfg.Certificates, id.TLS())
	}
	return &http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{DialContext: n.dial, TLSClientConfig: cfg, MaxIdleConnsPerHost: 16,
			IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second},
	}
}

// endless is client without a bound on reading an answer, for streams; each call's context bounds it.
func (n *network) endless(roots *x509.CertPool, identity ...pki.Identity) *http.Client {
	c := n.client(roots, identity...)
	c.Timeout = 0
	return c
}

// outward is endless for an address outside of this world, found as any other host is. Its certificate
// verifies against the system's authorities or ours.
func (n *network) outward(own []byte, identity ...pki.Identity) *http.Client {
	c := n.endless(nil, identity...)
	t, _ := c.Transport.(*http.Transport)
	t.DialContext = new(net.Dialer).DialContext
	if system, err := x509.SystemCertPool(); err == nil {
		system.AppendCertsFromPEM(own)
		t.TLSClientConfig.RootCAs = system
	}
	return c
}

// serveMutual serves handler to whoever proves a certificate of the given authorities.
func (n *network) serveMutual(listener net.Listener, id pki.Identity, roots *x509.CertPool, handler http.Handler) {
	n.serve(tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{id.TLS()},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots, Time: n.clock.Now}), handler)
}

// serveTLS serves handler under the certificate. Names for which mutual says yes are asked for a client
// certificate, which the application judges, so that a refusal is an answer and not a broken connection.
func (n *network) serveTLS(listener net.Listener, id pki.Identity, mutual func(name string) bool, handler http.Handler) {
	plain := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// AS-TLS-01: of TLS 1.2 only these two; TLS 1.3 chooses among its own.
		CipherSuites:           []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
		SessionTicketsDisabled: true, // TLS-02
		Certificates:           []tls.Certificate{id.TLS()},
		NextProtos:             []string{"h2", "http/1.1"},
		Time:                   n.clock.Now,
	}
	asking := plain.Clone()
	asking.ClientAuth = tls.RequestClientCert
	outer := plain.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if mutual(hello.ServerName) {
			return asking, nil
		}
		return plain, nil
	}
	n.serve(tls.NewListener(listener, outer), handler)
}

func (n *network) serve(listener net.Listener, handler http.Handler) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
	}
	n.mu.Lock()
	n.servers = append(n.servers, server)
	n.mu.Unlock()
	n.running.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			n.log.Error("a server ended", "address", listener.Addr().String(), "error", err)
		}
	})
}

// close ends every server: gently first, then at once.
func (n *network) close() {
	n.mu.Lock()
	servers := n.servers
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(func() {
			if s.Shutdown(ctx) != nil {
				_ = s.Close()
			}
		})
	}
	all.Wait()
	n.running.Wait()
}

// proxy is a forward proxy for the names of this world only, so that any client reaches them as written
// without a hosts file. CONNECT carries TLS; plain requests serve the certificate authority's lists.
func (n *network) proxy() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			n.forward(w, r)
			return
		}
		far, err := n.dial(r.Context(), "tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		near, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = far.Close()
			http.Error(w, "this connection cannot be a tunnel", http.StatusInternalServerError)
			return
		}
		_ = near.SetDeadline(time.Time{})
		if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
			_, _ = near.Close(), far.Close()
			return
		}
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(far, buffered); closeWrite(far) })
		both.Go(func() { _, _ = io.Copy(near, far); closeWrite(near) })
		both.Wait()
		_, _ = near.Close(), far.Close()
	})
}

func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

func (n *network) forward(w http.ResponseWriter, r *http.Request) {
	if r.URL.Host == "" {
		http.Error(w, "this is a forward proxy for the names of the ecosystem: use it with --proxy", http.StatusBadRequest)
		return
	}
	out := r.Clone(r.Context())
	out.RequestURI = ""
	transport := &http.Transport{DialContext: n.dial, DisableKeepAlives: true}
	answer, err := transport.RoundTrip(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	for k, v := range answer.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}
