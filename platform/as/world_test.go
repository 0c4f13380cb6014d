package as_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/as"
	"github.com/ensaio/ensaio/platform/as/screen"
	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
)

const (
	issuer    = "https://auth.banco.localhost:8443"
	mtls      = "https://matls-auth.banco.test:8443"
	ssaIssuer = "Ensaio SSA issuer"
	orgA      = "11111111-1111-4111-8111-111111111111"
	orgB      = "22222222-2222-4222-8222-222222222222"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// world is a running server with everything around it.
type world struct {
	*cast
	t          testing.TB
	server     *as.Server
	board      *fault.Board
	clock      *clock.Clock
	engine     *consent.Engine
	store      *store.Store
	seen       *memo.Seen
	admit      func(context.Context, string) bool
	committing func() error // when set, runs before each commit and may fail it
	trust      *library
	core       *core
	outbox     *outbox
	cookies    map[string]string
	a, b       *client
}

func newWorld(t testing.TB, extra ...fault.Defect) *world {
	t.Helper()
	rows := slices.Clone(extra)
	for _, r := range as.Rules() {
		rows = append(rows, fault.Defect{Name: "generated/" + r.ID, Kind: fault.Off, Rule: r.ID, Weight: r.Weight})
	}
	c := theCast()
	a, b := *c.a, *c.b
	w := &world{cast: c, t: t, board: fault.NewBoard(rows), clock: clock.Fixed(start), core: &core{verdict: connector.Verdict{Allowed: true}}, outbox: &outbox{}, cookies: map[string]string{}, a: &a, b: &b}
	w.trust = &library{refused: map[*x509.Certificate]bool{}, sets: map[string]jose.Set{
		"directory": {Keys: []jose.Key{c.directory}}, a.jwks: {Keys: []jose.Key{a.sig, a.enc}}, b.jwks: {Keys: []jose.Key{b.sig, b.enc}},
	}}
	var err error
	if w.store, err = store.Open(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	if w.engine, err = consent.Open(t.Context(), consent.Config{Clock: w.clock, Seams: w.board.Seams(), Namespace: "banco"}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	for _, c := range []*client{w.a, w.b} {
		got := w.register(c, nil)
		if got.status != http.StatusCreated {
			t.Fatalf("register: %d %s", got.status, got.body)
		}
		c.id, c.token = got.text("client_id"), got.text("registration_access_token")
	}
	return w
}

// records is the world's store, whose commits a test can watch and break.
type records struct{ *world }

func (r records) Commit(ctx context.Context, ops ...store.Op) error {
	if r.committing != nil {
		if err := r.committing(); err != nil {
			return err
		}
	}
	return r.store.Commit(ctx, ops...)
}

func (r records) Each(ctx context.Context, kind string, fn func(store.Record) error) error {
	return r.store.Each(ctx, kind, fn)
}

// in is the same world seen from another test.
func (w *world) in(t testing.TB) *world {
	c := *w
	c.t = t
	return &c
}

// restart makes the server anew from the store.
func (w *world) restart() {
	w.t.Helper()
	screens, err := screen.New()
	if err != nil {
		w.t.Fatal(err)
	}
	w.server, err = as.New(as.Config{
		Issuer: issuer, MTLS: mtls, Clock: w.clock, Seed: clock.Seed(1).Stream("clients"), Seams: w.board.Seams(), Trust: w.trust, Consents: w.engine, Source: w.core, Store: records{w},
		Outbox: w.outbox, Signing: w.bank, Encryption: w.bankEnc, SSAIssuer: ssaIssuer, Org: as.Organisation{ID: orgB, Brand: "Banco"}, Screens: screens, Admit: w.admit, Seen: w.seen,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) off(rule string) {
	w.t.Helper()
	if err := w.board.Arm("off:" + rule); err != nil {
		w.t.Fatal(err)
	}
}

// got is an answer.
type got struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (g got) text(name string) string { s, _ := g.json[name].(string); return s }
func (g got) code() string            { return g.text("error") }

func (w *world) do(h http.Handler, method, target string, header http.Header, body []byte, cert *x509.Certificate) got {
	w.t.Helper()
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	maps.Copy(r.Header, header)
	r.TLS = &tls.ConnectionState{}
	if cert != nil {
		r.TLS.PeerCertificates = []*x509.Certificate{cert}
	}
	for k, v := range w.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	res := rec.Result()
	for _, c := range res.Cookies() {
		w.cookies[c.Name] = c.Value
	}
	g := got{status: res.StatusCode, header: res.Header}
	g.body, _ = io.ReadAll(res.Body)
	_ = json.Unmarshal(g.body, &g.json)
	return g
}

func (w *world) form(path string, f url.Values, cert *x509.Certificate) got {
	return w.do(w.server.MTLS(), http.MethodPost, mtls+path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(f.Encode()), cert)
}

var serial atomic.Int64

func next() string { return fmt.Sprintf("id-%d", serial.Add(1)) }

func (w *world) sign(claims map[string]any, key jose.Key) string {
	w.t.Helper()
	out, err := jose.Sign(claims, key, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// assertionClaims are those of a good client assertion.
func (w *world) assertionClaims(c *client) map[string]any {
	now := w.clock.Now().Unix()
	return map[string]any{"iss": c.id, "sub": c.id, "aud": issuer, "jti": next(), "iat": now, "exp": now + 60}
}

// asserted adds a client assertion to a form.
func (w *world) asserted(c *client, f url.Values) url.Values {
	f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	f.Set("client_assertion", w.sign(w.assertionClaims(c), c.sig))
	return f
}

const (
	verifier = "a-verifier-that-is-long-enough-for-the-standard-0123456789"
	dataPerm = "ACCOUNTS_READ"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// objectClaims are those of a good request object.
func (w *world) objectClaims(c *client, scope string) map[string]any {
	now := w.clock.Now().Unix()
	return map[string]any{
		"iss": c.id, "aud": issuer, "client_id": c.id, "exp": now + 300, "nbf": now, "iat": now, "jti": next(),
		"response_type": "code id_token", "redirect_uri": c.redirect, "scope": scope, "state": "state-1", "nonce": "nonce-1",
		"code_challenge": challenge(), "code_challenge_method": "S256",
	}
}

func (w *world) dataConsent(c *client, edit ...func(*consent.Consent)) *consent.Consent {
	w.t.Helper()
	x := consent.Consent{Kind: consent.Data, ClientID: c.id, CPF: "11144477735", Permissions: []string{dataPerm, "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}}
	for _, e := range edit {
		e(&x)
	}
	made, err := w.engine.Create(w.t.Context(), x)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func (w *world) paymentConsent(c *client, edit ...func(*consent.Consent)) *consent.Consent {
	return w.dataConsent(c, append([]func(*consent.Consent){func(x *consent.Consent) {
		x.Kind, x.Permissions = consent.Payment, nil
		x.Payment = json.RawMessage(`{"creditor":{"personType":"PESSOA_NATURAL","cpfCnpj":"52998224725","name":"Bia"},"payment":{"type":"PIX","date":"2026-03-02","currency":"BRL","amount":"10.00","details":{"localInstrument":"MANU","creditorAccount":{"ispb":"99999004","issuer":"0001","number":"999999","accountType":"CACC"}}}}`)
	}}, edit...)...)
}

func dataScope(c *consent.Consent) string    { return "openid accounts resources consent:" + c.ID }
func paymentScope(c *consent.Consent) string { return "openid payments consent:" + c.ID }

func (w *world) push(c *client, claims map[string]any) got {
	return w.form("/par", w.asserted(c, url.Values{"request": {w.sign(claims, c.sig)}}), c.cert)
}

// pushed pushes a good request for a consent and returns its request_uri.
func (w *world) pushed(c *client, scope string, edit ...func(map[string]any)) string {
	w.t.Helper()
	claims := w.objectClaims(c, scope)
	for _, e := range edit {
		e(claims)
	}
	g := w.push(c, claims)
	if g.status != http.StatusCreated {
		w.t.Fatalf("push: %d %s", g.status, g.body)
	}
	return g.text("request_uri")
}

func (w *world) visit(query url.Values) got {
	return w.do(w.server.Public(), http.MethodGet, issuer+"/authorize?"+query.Encode(), nil, nil, nil)
}

func (w *world) open(c *client, uri string) got {
	return w.visit(url.Values{"client_id": {c.id}, "request_uri": {uri}})
}

var (
	actionAt = regexp.MustCompile(`action="([^"]+)"`)
	csrfAt   = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
)

// submit posts the form of a page.
func (w *world) submit(page got, f url.Values) got {
	w.t.Helper()
	action, csrf := actionAt.FindSubmatch(page.body), csrfAt.FindSubmatch(page.body)
	if action == nil || csrf == nil {
		w.t.Fatalf("no form on the page: %d %s %s", page.status, page.header, page.body)
	}
	f.Set("csrf", string(csrf[1]))
	return w.do(w.server.Public(), http.MethodPost, issuer+string(action[1]), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(f.Encode()), nil)
}

func (w *world) signIn(page got, user string) got {
	return w.submit(page, url.Values{"username": {user}, "password": {"senha"}, "action": {"continue"}})
}

// returned reads the answer out of a redirect's fragment.
func (w *world) returned(g got) (string, url.Values) {
	w.t.Helper()
	if g.status != http.StatusSeeOther {
		w.t.Fatalf("no redirect: %d %s", g.status, g.body)
	}
	base, fragment, _ := strings.Cut(g.header.Get("Location"), "#")
	v, err := url.ParseQuery(fragment)
	if err != nil {
		w.t.Fatal(err)
	}
	return base, v
}

// authorised plays the customer's part and returns the answer.
func (w *world) authorised(c *client, uri, user string, accounts ...string) url.Values {
	w.t.Helper()
	page := w.signIn(w.open(c, uri), user)
	if page.status == http.StatusSeeOther {
		_, v := w.returned(page)
		return v
	}
	_, v := w.returned(w.submit(page, url.Values{"action": {"approve"}, "account": accounts}))
	return v
}

func (w *world) redeemForm(c *client, code string) url.Values {
	return w.asserted(c, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.redirect}, "code_verifier": {verifier}})
}

func (w *world) redeem(c *client, code string) got {
	return w.form("/token", w.redeemForm(c, code), c.cert)
}

func (w *world) refresh(c *client, token string, more ...string) got {
	f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if len(more) > 0 {
		f.Set("scope", more[0])
	}
	return w.form("/token", w.asserted(c, f), c.cert)
}

func (w *world) own(c *client, scope string) got {
	return w.form("/token", w.asserted(c, url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}), c.cert)
}

// granted plays a whole data journey and returns the token answer and the consent.
func (w *world) granted(c *client) (got, *consent.Consent) {
	w.t.Helper()
	x := w.dataConsent(c)
	v := w.authorised(c, w.pushed(c, dataScope(x)), "ana", "ana-1")
	g := w.redeem(c, v.Get("code"))
	if g.status != http.StatusOK {
		w.t.Fatalf("redeem: %d %s (%v)", g.status, g.body, v)
	}
	return g, x
}

// kept counts the records of a kind in the store.
func (w *world) kept(kind string) (n int) {
	w.t.Helper()
	if err := w.store.Each(w.t.Context(), kind, func(store.Record) error { n++; return nil }); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) introspect(token string, cert *x509.Certificate) (*call.Token, error) {
	t, _, err := w.server.Introspect(w.t.Context(), token, cert)
	return t, err
}

// statement is a good software statement.
func (w *world) statement(c *client) map[string]any {
	return map[string]any{
		"iss": ssaIssuer, "iat": w.clock.Now().Unix(), "software_id": c.software, "software_client_name": "Receptora " + c.name, "software_status": "Active",
		"software_jwks_uri": c.jwks, "software_redirect_uris": []any{c.redirect, c.second}, "software_api_webhook_uris": []any{c.hook},
		"software_statement_roles": c.roles, "org_id": c.org, "org_name": c.name, "org_status": "Active", "org_number": "11222333000181",
	}
}

// metadata is a good registration request.
func (w *world) metadata(c *client, statement map[string]any) map[string]any {
	return map[string]any{"software_statement": w.sign(statement, w.directory), "redirect_uris": []any{c.redirect}}
}

func (w *world) register(c *client, edit func(statement, body map[string]any)) got {
	st := w.statement(c)
	body := map[string]any{}
	if edit != nil {
		edit(st, body)
	}
	full := w.metadata(c, st)
	for k, v := range body {
		if full[k] = v; v == nil {
			delete(full, k)
		}
	}
	return w.postJSON(http.MethodPost, "/register", full, "", c.cert)
}

func (w *world) postJSON(method, path string, body map[string]any, bearer string, cert *x509.Certificate) got {
	w.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	if bearer != "" {
		h.Set("Authorization", "Bearer "+bearer)
	}
	return w.do(w.server.MTLS(), method, mtls+path, h, b, cert)
}

// fresh is a third party not registered yet, with the keys and the certificate of A.
func (w *world) fresh() *client {
	w.t.Helper()
	if g := w.postJSON(http.MethodDelete, "/register/"+w.a.id, nil, w.a.token, w.a.cert); g.status != http.StatusNoContent {
		w.t.Fatalf("delete: %d %s", g.status, g.body)
	}
	return w.a
}

// idToken decrypts and verifies an ID token as a strict client would.
func (w *world) idToken(c *client, compact string) jose.Token {
	w.t.Helper()
	h, err := jose.EncryptionHeader(compact)
	if err != nil || h["kid"] != c.enc.ID {
		w.t.Fatalf("envelope %v: %v", h, err)
	}
	inner, err := jose.Decrypt(compact, c.enc)
	if err != nil {
		w.t.Fatal(err)
	}
	t, err := jose.Verify(string(inner), jose.Set{Keys: []jose.Key{w.bank}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range []string{"x5u", "x5c", "jku", "jwk"} {
		if t.Header[name] != nil {
			w.t.Errorf("header carries %s", name)
		}
	}
	if t.String("iss") != issuer || t.String("aud") != c.id || t.String("sub") == "" || t.Claims["exp"] == nil || t.Claims["iat"] == nil {
		w.t.Errorf("claims %v", t.Claims)
	}
	for _, name := range []string{"cpf", "cnpj", "email", "name"} {
		if t.Claims[name] != nil {
			w.t.Errorf("the ID token tells %s", name)
		}
	}
	return t
}
