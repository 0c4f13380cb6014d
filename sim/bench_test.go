package sim_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/payment"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/pki"
	"github.com/ensaio/ensaio/sim/spec"
)

// Every figure stands beside its floor, taken in the same run, in turns of a few milliseconds, so that a
// busy machine slows both: the ratio is what counts. docs/performance.md says what was found.

const parallel = 8 // connections

// measured is a third party with an authorised consent at a bank without limits.
type measured struct {
	ready  sim.Ready
	client *tpp.Client
	bank   *tpp.Server
	grant  *tpp.Grant
	pool   *http.Client
}

func measure(b *testing.B, o sim.Options) *measured {
	b.Helper()
	_, r := inProcess(b, o)
	m := &measured{ready: r}
	m.client = party(b, r, 0, nil)
	m.bank = bankOf(b.Context(), b, r, m.client, 0)
	unlimited(b, r)
	who := ordinary(r)[0]
	g, err := m.client.Share(b.Context(), m.bank, []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, tpp.Person{CPF: who.CPF},
		robot(b, r, who, m.client.Config().RedirectURIs))
	if err != nil {
		b.Fatal(err)
	}
	m.grant = g
	m.pool = wire(m.client.Config().Transport, roots(b, r), r.Hosts)
	b.Cleanup(m.pool.CloseIdleConnections)
	return m
}

// unlimited takes the bank's limits away: they would be what is measured.
func unlimited(b *testing.B, r sim.Ready) {
	b.Helper()
	a, err := http.Post(r.Control+"/bank/limits", "application/json", bytes.NewReader([]byte(`{"minute":false,"month":false,"perSecond":0}`)))
	if err != nil {
		b.Fatal(err)
	}
	_ = a.Body.Close()
	if a.StatusCode/100 != 2 {
		b.Fatal(a.Status)
	}
}

// wire is the one client of both sides of a comparison.
func wire(cert tls.Certificate, roots *x509.CertPool, hosts map[string]string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if hosts[host] != "" {
				host = hosts[host]
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
		},
		TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 2 * parallel, DisableCompression: true,
	}}
}

// exchange sends one request and reads its answer whole.
func exchange(c *http.Client, r *http.Request) (*http.Response, []byte, error) {
	a, err := c.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = a.Body.Close() }()
	body, err := io.ReadAll(a.Body)
	return a, body, err
}

// drive sends n requests over parallel connections and returns how long it took.
func drive(b *testing.B, n int, send func() error) time.Duration {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range min(parallel, n) {
		all.Go(func() {
			for next.Add(1) <= int64(n) {
				if err := send(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(began)
}

// beside measures what and its floor in turns and reports both, and the ratio of their rates.
func beside(b *testing.B, what, floor func() error) {
	b.Helper()
	const turn = 200
	drive(b, 2*parallel, what) // connections stand, caches are filled
	drive(b, 2*parallel, floor)
	var spent, least time.Duration
	b.ResetTimer()
	for done := 0; done < b.N; done += turn {
		n := min(turn, b.N-done)
		spent += drive(b, n, what)
		b.StopTimer()
		least += drive(b, n, floor)
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/spent.Seconds(), "req/s")
	b.ReportMetric(float64(b.N)/least.Seconds(), "floor-req/s")
	b.ReportMetric(least.Seconds()/spent.Seconds(), "ratio")
}

// bare serves the same bytes with the same headers over the same kind of connection, and nothing else.
func bare(b *testing.B, header http.Header, body []byte) string {
	b.Helper()
	return serveBare(b, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for name, values := range header {
			h[name] = values
		}
		h["X-Fapi-Interaction-Id"] = r.Header["X-Fapi-Interaction-Id"]
		_, _ = w.Write(body)
	})
}

// floorName is the name of every bare server.
const floorName = "floor.test"

// floorAuthority certifies them.
var floorAuthority = sync.OnceValues(func() (*pki.Authority, error) { return pki.Open("", clock.New()) })

// serveBare serves a handler as the bank's listener does, and returns host and port.
func serveBare(b *testing.B, handler http.HandlerFunc) string {
	b.Helper()
	authority, err := floorAuthority()
	if err != nil {
		b.Fatal(err)
	}
	id, err := authority.Server("floor", floorName)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, Handler: handler,
		ErrorLog:  log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{id.TLS()}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	b.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

func floorAddress(at, path string) string {
	_, port, _ := net.SplitHostPort(at)
	return "https://" + floorName + ":" + port + path
}

// plain is the client of a bare server.
func (m *measured) plain(b *testing.B, at string) *http.Client {
	b.Helper()
	authority, err := floorAuthority()
	if err != nil {
		b.Fatal(err)
	}
	host, _, _ := net.SplitHostPort(at)
	c := wire(m.client.Config().Transport, authority.Roots(), map[string]string{floorName: host})
	b.Cleanup(c.CloseIdleConnections)
	return c
}

// A data read through the whole bank, kept-alive mTLS, beside a bare handler: at least half its rate.
func BenchmarkDataRead(b *testing.B) {
	for _, place := range []string{"memory", "durable"} {
		for _, kind := range []string{"list", "balances"} {
			b.Run(kind+"/"+place, func(b *testing.B) {
				o := sim.Options{Seed: 3}
				if place == "durable" {
					o.Dir = b.TempDir()
				}
				m := measure(b, o)
				accounts, err := m.client.Accounts(b.Context(), m.grant)
				if err != nil {
					b.Fatal(err)
				}
				path := spec.Find("accounts.list").FullPath()
				if kind == "balances" {
					path += "/" + fmt.Sprint(accounts[0]["accountId"]) + "/balances"
				}
				m.read(b, m.grant.AccessToken(), func() string { return path })
			})
		}
	}
}

// read measures a read beside its floor.
func (m *measured) read(b *testing.B, token string, path func() string) {
	token = "Bearer " + token
	ask := func(c *http.Client, address func() string) func() error {
		return func() error {
			q, err := http.NewRequest("GET", address(), nil)
			if err != nil {
				return err
			}
			q.Header = http.Header{"Authorization": {token}, "Accept": {"application/json"}, "X-Fapi-Interaction-Id": {uuid.NewString()}}
			a, body, err := exchange(c, q)
			if err == nil && a.StatusCode != 200 {
				err = fmt.Errorf("%s: %s", a.Status, body)
			}
			return err
		}
	}
	q, err := http.NewRequest("GET", m.bank.ResourceBase+path(), nil)
	if err != nil {
		b.Fatal(err)
	}
	q.Header = http.Header{"Authorization": {token}, "X-Fapi-Interaction-Id": {uuid.NewString()}}
	a, body, err := exchange(m.pool, q)
	if err != nil || a.StatusCode != 200 {
		b.Fatal(err, a, string(body))
	}
	floor := bare(b, a.Header, body)
	beside(b, ask(m.pool, func() string { return m.bank.ResourceBase + path() }), ask(m.plain(b, floor), func() string { return floorAddress(floor, path()) }))
	b.ReportMetric(float64(len(body)), "body-B")
}

// Ready means that a real journey was played, in a process of its own. Under two seconds on two idle
// cores, under 300 MB.
func BenchmarkReady(b *testing.B) {
	for b.Loop() {
		p := up(b, "")
		b.StopTimer()
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)); err == nil {
			for line := range strings.Lines(string(status)) {
				var kB float64
				if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kB); n == 1 {
					b.ReportMetric(kB/1000, "peak-MB")
				}
			}
		}
		p.kill()
		b.StartTimer()
	}
}

// verifying answers a form as the authorization server does, and does nothing of its work but the RSA.
func verifying(b *testing.B, key *rsa.PublicKey, header http.Header, status int, body []byte, members ...string) string {
	b.Helper()
	return serveBare(b, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			b.Error(err)
		}
		for _, m := range members {
			if err := proven(r.PostForm.Get(m), key); err != nil {
				b.Error(err)
			}
		}
		h := w.Header()
		for name, values := range header {
			h[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

// proven verifies PS256 and nothing more: the arithmetic that cannot be saved.
func proven(compact string, key *rsa.PublicKey) error {
	at := strings.LastIndexByte(compact, '.')
	signature, err := base64.RawURLEncoding.DecodeString(compact[at+1:])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(compact[:at]))
	return rsa.VerifyPSS(key, crypto.SHA256, sum[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
}

// forms measures a form endpoint of the authorization server beside a bare handler that verifies the same
// signatures, and beside the verifications alone. The forms are signed before.
func (m *measured) forms(b *testing.B, address string, status int, form func() (url.Values, error), members ...string) {
	b.Helper()
	made := make([]string, b.N+2*parallel+1)
	var all sync.WaitGroup
	for part := range 2 {
		all.Go(func() {
			for i := part; i < len(made); i += 2 {
				f, err := form()
				if err != nil {
					b.Error(err)
					return
				}
				made[i] = f.Encode()
			}
		})
	}
	all.Wait()
	post := func(c *http.Client, address string) func() error {
		var next atomic.Int64
		return func() error {
			body := made[next.Add(1)-1]
			q, err := http.NewRequest("POST", address, strings.NewReader(body))
			if err != nil {
				return err
			}
			q.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
			a, answer, err := exchange(c, q)
			if err == nil && a.StatusCode != status {
				err = fmt.Errorf("%s: %s", a.Status, answer)
			}
			return err
		}
	}
	what := post(m.pool, address)
	q, err := http.NewRequest("POST", address, strings.NewReader(made[len(made)-1]))
	if err != nil {
		b.Fatal(err)
	}
	q.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	a, body, err := exchange(m.pool, q)
	if err != nil || a.StatusCode != status {
		b.Fatal(err, a, string(body))
	}
	key := &m.client.Config().Signing.Private.PublicKey
	floor := verifying(b, key, a.Header, status, body, members...)
	beside(b, what, post(m.plain(b, floor), floorAddress(floor, "/")))
	f, err := url.ParseQuery(made[0])
	if err != nil {
		b.Fatal(err)
	}
	alone := drive(b, 2000, func() error {
		for _, member := range members {
			if err := proven(f.Get(member), key); err != nil {
				return err
			}
		}
		return nil
	})
	b.ReportMetric(2000/alone.Seconds(), "rsa-only/s")
}

// A token costs one verification: it is opaque, nothing is signed.
func BenchmarkToken(b *testing.B) {
	m := measure(b, sim.Options{Seed: 3})
	m.forms(b, m.bank.Token, http.StatusOK, func() (url.Values, error) {
		assertion, err := m.client.Assertion(m.bank).Sign()
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {m.bank.ClientID}, "scope": {"consents"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}, err
	}, "client_assertion")
}

// A pushed request costs two verifications: the assertion's and the request object's.
func BenchmarkPushedRequest(b *testing.B) {
	m := measure(b, sim.Options{Seed: 3})
	k, err := m.client.CreateConsent(b.Context(), m.bank, []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, tpp.Person{CPF: ordinary(m.ready)[0].CPF})
	if err != nil {
		b.Fatal(err)
	}
	m.forms(b, m.bank.PAR, http.StatusCreated, func() (url.Values, error) {
		assertion, err := m.client.Assertion(m.bank).Sign()
		if err != nil {
			return nil, err
		}
		object := m.client.Assertion(m.bank)
		object.Header["typ"] = "oauth-authz-req+jwt"
		delete(object.Claims, "sub")
		for name, v := range map[string]any{
			"aud": m.bank.Issuer, "client_id": m.bank.ClientID, "nbf": time.Now().Unix(), "response_type": "code id_token", "response_mode": "fragment",
			"redirect_uri": m.client.Config().RedirectURIs[0], "scope": "openid accounts resources consent:" + k.ID, "state": uuid.NewString(), "nonce": uuid.NewString(),
			"code_challenge": tpp.Challenge(strings.Repeat("v", 48)), "code_challenge_method": "S256",
			"claims": map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true}}},
		} {
			object.Claims[name] = v
		}
		request, err := object.Sign()
		return url.Values{"client_id": {m.bank.ClientID}, "request": {request},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}, err
	}, "client_assertion", "request")
}

// What a call costs does not grow with what is held: the same reads, at the same floor, of a bank that holds a
// hundred consents, grants and payments, and of one that was started on a million of each.
func BenchmarkManyConsents(b *testing.B) {
	for _, many := range []int{100, 1_000_000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			dir := b.TempDir()
			fill(b, dir, many)
			began := time.Now()
			m := measure(b, sim.Options{Seed: 3, Dir: dir})
			started := time.Since(began).Round(time.Millisecond)
			runtime.GC()
			began = time.Now()
			runtime.GC()
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			b.Logf("started on %d consents, grants and payments in %v; the collector walks %d objects of %d MB in %v",
				many, started, mem.HeapObjects, mem.HeapAlloc>>20, time.Since(began).Round(time.Millisecond))
			accounts, err := m.client.Accounts(b.Context(), m.grant)
			if err != nil {
				b.Fatal(err)
			}
			b.Run("balances", func(b *testing.B) {
				m.read(b, m.grant.AccessToken(), func() string {
					return spec.Find("accounts.list").FullPath() + "/" + fmt.Sprint(accounts[0]["accountId"]) + "/balances"
				})
			})
			b.Run("consent", func(b *testing.B) {
				own, err := m.client.ClientCredentials(b.Context(), m.bank, "consents")
				if err != nil {
					b.Fatal(err)
				}
				base := spec.Find("consents.create").FullPath() + "/"
				var next atomic.Int64
				m.read(b, own.AccessToken(), func() string { // another one each time
					return base + crowd(int(next.Add(1)*7919)%many)
				})
			})
		})
	}
}

// crowd is the id of one of many consents.
func crowd(i int) string { return fmt.Sprintf("urn:bancoensaio:%032x", i+1) }

// fill writes many consents, grants and settled payments into the store of a bank that has been started once.
func fill(b *testing.B, dir string, many int) {
	b.Helper()
	e, err := sim.Start(b.Context(), sim.Options{Seed: 3, Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	client := e.Ready().TPPs[0].Clients[0].ClientID
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	records, err := store.Open(b.Context(), "sqlite:"+filepath.Join(dir, "bank.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	now := time.Now().UTC().Truncate(time.Second)
	ends := now.AddDate(1, 0, -1)
	for from := 0; from < many; from += 2000 {
		var ops []store.Op
		for i := from; i < min(from+2000, many); i++ {
			ops = append(ops, store.Put(string(consent.Data), crowd(i), consent.Consent{ID: crowd(i), Kind: consent.Data, ClientID: client, Status: consent.Authorised,
				Created: now, Updated: now, Expires: &ends, CPF: fmt.Sprintf("%011d", i), Owner: fmt.Sprintf("p%d", i),
				Permissions: []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, Resources: []string{fmt.Sprintf("a%d", i)},
				History: []consent.Change{{At: now, To: consent.Awaiting, By: "client:" + client, Channel: "api"},
					{At: now, From: consent.Awaiting, To: consent.Authorised, By: "customer", Channel: "authorization"}}}))
			ops = append(ops, store.Put("grant", fmt.Sprintf("%032x", i+1), map[string]any{
				"client_id": client, "consent_id": crowd(i), "sub": fmt.Sprintf("s%d", i), "customer": fmt.Sprintf("p%d", i), "issued": now,
				"scopes": []string{"openid", "accounts"}, "dynamic_scope": "consent:" + crowd(i), "refresh_hash": fmt.Sprintf("%064x", i+1),
			}))
			id := uuid.NewString()
			ops = append(ops, store.Put("payment", id, payment.Payment{ID: id, ConsentID: fmt.Sprintf("urn:bancoensaio:%032x", 1<<40+i), ClientID: client, Status: "ACSC",
				Created: now, Updated: now, Item: json.RawMessage(`{"localInstrument":"MANU"}`),
				Order: connector.Order{ID: id, Customer: fmt.Sprintf("p%d", i), Amount: "1.00", EndToEndID: fmt.Sprintf("E99999004202603101500%011d", i)},
				History: []payment.Change{{At: now, Event: "create", To: "RCVD"}, {At: now, Event: "accept", From: "RCVD", To: "ACCP"},
					{At: now, Event: "send", From: "ACCP", To: "ACPD"}, {At: now, Event: "settle", From: "ACPD", To: "ACSC"}}}))
		}
		if err := records.Commit(b.Context(), ops...); err != nil {
			b.Fatal(err)
		}
	}
}
