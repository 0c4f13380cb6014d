package tpp

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/jose"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	bankOrg   = "11111111-1111-4111-8111-111111111111"
	clientOrg = "22222222-2222-4222-8222-222222222222"
	software  = "33333333-3333-4333-8333-333333333333"
	redirect  = "https://app.receptora-aurora.localhost:9443/cb"
)

// One set of keys serves all tests: making them is what takes time.
var (
	bankKey, otherKey, clientKey, clientEnc = newKey("sig"), newKey("sig"), newKey("sig"), newKey("enc")
	ownCert, foreignCert                    = newCert("own.tpp.test"), newCert("foreign.tpp.test")
)

func newKey(use string) jose.Key {
	k, err := jose.NewKey(use)
	if err != nil {
		panic(err)
	}
	return k
}

func newCert(name string) tls.Certificate {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// request is what the fake institution received.
type request struct {
	*http.Request
	Body []byte
	Form url.Values
	Cert string
}

// issuer is a fake institution, directory and metrics platform in one, whose every answer can be bent.
type issuer struct {
	*httptest.Server
	t     *testing.T
	clk   *clock.Clock
	host  string // public name and port
	mu    sync.Mutex
	got   []request
	doc   map[string]any
	token map[string]any // answer of the token endpoint
	api   func(w http.ResponseWriter, r *request)
	pcm   func(w http.ResponseWriter, r *request)
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t, clk: clock.Fixed(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))}
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(i.serve))
	i.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	i.StartTLS()
	t.Cleanup(i.Close)
	_, port, err := net.SplitHostPort(i.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	i.host = "example.com:" + port
	base := "https://" + i.host
	i.doc = map[string]any{
		"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/unused", "jwks_uri": base + "/jwks",
		"pushed_authorization_request_endpoint": base + "/par", "registration_endpoint": base + "/register", "userinfo_endpoint": base + "/userinfo",
		"revocation_endpoint": base + "/revoke", "require_pushed_authorization_requests": true,
		"token_endpoint_auth_methods_supported": []any{"private_key_jwt"}, "mtls_endpoint_aliases": map[string]any{"token_endpoint": base + "/token"},
	}
	i.token = map[string]any{"access_token": "at-1", "token_type": "Bearer", "expires_in": 900, "scope": "openid"}
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	q := request{Request: r, Body: body}
	q.Form, _ = url.ParseQuery(string(body))
	if len(r.TLS.PeerCertificates) > 0 {
		q.Cert = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	i.mu.Lock()
	i.got = append(i.got, q)
	doc, token, api, pcm := i.doc, i.token, i.api, i.pcm
	i.mu.Unlock()
	switch path := r.URL.Path; {
	case path == "/.well-known/openid-configuration":
		answer(w, 200, doc)
	case path == "/jwks":
		answer(w, 200, jose.Set{Keys: []jose.Key{bankKey}})
	case path == "/keystore/"+bankOrg+"/application.jwks":
		answer(w, 200, jose.Set{Keys: []jose.Key{bankKey}})
	case path == "/par":
		answer(w, 201, map[string]any{"request_uri": "urn:ietf:params:oauth:request_uri:1", "expires_in": 90})
	case path == "/token":
		answer(w, 200, token)
	case strings.HasPrefix(path, "/open-banking/") && api != nil:
		api(w, &q)
	case pcm != nil && (strings.HasPrefix(path, "/pcm-token") || strings.HasPrefix(path, "/report-api/")):
		pcm(w, &q)
	default:
		w.WriteHeader(204)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (i *issuer) last(path string) request {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := len(i.got) - 1; n >= 0; n-- {
		if i.got[n].URL.Path == path {
			return i.got[n]
		}
	}
	i.t.Fatalf("%s was not called", path)
	return request{}
}

func (i *issuer) count(path string) (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, g := range i.got {
		if g.URL.Path == path {
			n++
		}
	}
	return n
}

func (i *issuer) client(edits ...func(*Config)) *Client {
	i.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(i.Certificate())
	cfg := Config{
		Name: "Receptora Aurora", OrganisationID: clientOrg, SoftwareID: software, CNPJ: "11222333000181", Transport: ownCert, Signing: clientKey, Encryption: clientEnc,
		RedirectURIs: []string{redirect}, CA: roots, Hosts: map[string]string{"example.com": "127.0.0.1"}, Clock: i.clk,
		Directory: DirectoryURLs{Keystore: "https://" + i.host + "/keystore", Token: "https://" + i.host + "/token"}, SSA: "https://" + i.host + "/ssa",
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(c.Close)
	return c
}

func (i *issuer) server(c *Client) *Server {
	i.t.Helper()
	s, err := c.Discover(context.Background(), i.institution(), "client-1")
	if err != nil {
		i.t.Fatal(err)
	}
	return s
}

func (i *issuer) institution() Institution {
	base := "https://" + i.host
	return Institution{OrganisationID: bankOrg, Discovery: base + "/.well-known/openid-configuration", ResourceBase: base}
}

// lie is an id_token before it is made: every part can be wrong.
type lie struct {
	claims   map[string]any
	alg      string
	key      jose.Key
	header   map[string]any
	envelope *Envelope
}

func (i *issuer) truth(code, state, nonce string) *lie {
	now := i.clk.Now().Unix()
	return &lie{
		claims: map[string]any{"iss": "https://" + i.host, "aud": "client-1", "sub": "sub-1", "iat": now, "exp": now + 300, "nonce": nonce,
			"c_hash": Hash(code), "s_hash": Hash(state), "acr": "urn:brasil:openbanking:loa2"},
		alg: jose.PS256, key: bankKey, header: map[string]any{}, envelope: &Envelope{jose.RSAOAEP, jose.A256GCM, clientEnc},
	}
}

func (l *lie) token(t *testing.T) string {
	t.Helper()
	j := newJWS(l.key, l.claims)
	j.Alg = l.alg
	for k, v := range l.header {
		j.Header[k] = v
	}
	compact, err := j.Sign()
	if err == nil {
		compact, err = l.envelope.seal(compact)
	}
	if err != nil {
		t.Fatal(err)
	}
	return compact
}
