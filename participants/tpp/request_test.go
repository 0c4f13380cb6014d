package tpp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/spec"
)

func verified(t *testing.T, compact string, key jose.Key) jose.Token {
	t.Helper()
	tok, err := jose.Verify(compact, jose.Set{Keys: []jose.Key{key}})
	if err != nil {
		t.Fatalf("%v: %.40s…", err, compact)
	}
	return tok
}

func TestThePushedRequestIsSound(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	s := i.server(c)
	p := c.PushedRequest(s, &Consent{ID: "urn:bancoensaio:1", Scopes: []string{"accounts", "resources"}})
	if e := p.Send(context.Background()); e.Status != 201 || p.RequestURI == "" || p.ExpiresIn != 90*time.Second {
		t.Fatal(e)
	}
	q := i.last("/par")
	if q.Cert != "own.tpp.test" || q.Header.Get("X-Fapi-Interaction-Id") == "" || len(q.Form) != 4 {
		t.Errorf("certificate %q, %d parameters", q.Cert, len(q.Form))
	}
	assertion := verified(t, q.Form.Get("client_assertion"), clientKey)
	if assertion.String("iss") != "client-1" || assertion.String("sub") != "client-1" || assertion.String("aud") != s.Token || assertion.String("jti") == "" || q.Form.Get("client_assertion_type") != assertionType {
		t.Errorf("assertion %v", assertion.Claims)
	}
	object := verified(t, q.Form.Get("request"), clientKey)
	for claim, want := range map[string]any{"aud": s.Issuer, "iss": "client-1", "client_id": "client-1", "response_type": "code id_token", "redirect_uri": redirect,
		"scope": "openid consent:urn:bancoensaio:1 accounts resources", "code_challenge_method": "S256", "code_challenge": Challenge(p.Verifier), "state": p.State, "nonce": p.Nonce} {
		if object.Claims[claim] != want {
			t.Errorf("%s is %v, want %v", claim, object.Claims[claim], want)
		}
	}
	if life := object.Claims["exp"].(float64) - object.Claims["nbf"].(float64); life <= 0 || life > 3600 {
		t.Errorf("lives %v s", life)
	}
	if acr, _ := dig(object.Claims, "claims.id_token.acr").(map[string]any); len(acr) != 1 || acr["essential"] != true {
		t.Errorf("acr asked as %v", acr)
	}
	if got := p.Authorize().URL(); got != s.Authorization+"?client_id=client-1&request_uri="+url.QueryEscape(p.RequestURI) {
		t.Errorf("authorize at %s", got)
	}
}

func TestEveryPartOfAPushedRequestBends(t *testing.T) {
	i := newIssuer(t)
	c, other := i.client(), i.client(func(cfg *Config) { cfg.Signing = otherKey })
	s := i.server(c)
	object := func(q request) jose.Token { tok, _ := jose.Parse(q.Form.Get("request")); return tok }
	for name, x := range map[string]struct {
		bend func(*Push)
		seen func(request, *Push) bool
	}{
		"claim out": {func(p *Push) { p.Claims(func(m map[string]any) { delete(m, "exp") }) }, func(q request, _ *Push) bool { return object(q).Claims["exp"] == nil }},
		"set nonce": {func(p *Push) { p.Set("nonce", "n") }, func(_ request, p *Push) bool { return p.Nonce == "n" }},
		"no state":  {func(p *Push) { p.Set("state", nil) }, func(q request, p *Push) bool { _, ok := object(q).Claims["state"]; return p.State == "" && !ok }},
		"RS256":     {func(p *Push) { p.Alg("RS256") }, func(q request, _ *Push) bool { return object(q).Algorithm() == "RS256" }},
		"ES256": {func(p *Push) { p.Alg("ES256") }, func(q request, _ *Push) bool {
			return object(q).Algorithm() == "ES256" && object(q).KeyID() == clientKey.ID
		}},
		"none":        {func(p *Push) { p.Alg("none") }, func(q request, _ *Push) bool { return strings.HasSuffix(q.Form.Get("request"), ".") }},
		"other's key": {func(p *Push) { p.SignedBy(otherKey) }, func(q request, _ *Push) bool { return object(q).KeyID() == otherKey.ID }},
		"broken": {func(p *Push) { p.BreakSignature() }, func(q request, _ *Push) bool {
			_, err := jose.Verify(q.Form.Get("request"), jose.Set{Keys: []jose.Key{clientKey}})
			return errors.Is(err, jose.ErrSignature)
		}},
		"encrypted": {func(p *Push) { p.Encrypted(clientEnc) }, func(q request, _ *Push) bool {
			b, err := jose.Decrypt(q.Form.Get("request"), clientEnc)
			return err == nil && strings.Count(string(b), ".") == 2
		}},
		"encrypted badly": {func(p *Push) { p.EncryptedAs("RSA1_5", "A128CBC-HS256", clientEnc) }, func(q request, _ *Push) bool {
			h, _ := jose.EncryptionHeader(q.Form.Get("request"))
			return h["alg"] == "RSA1_5"
		}},
		"unsigned": {func(p *Push) { p.Unsigned() }, func(q request, p *Push) bool { return !q.Form.Has("request") && q.Form.Get("nonce") == p.Nonce }},
		"outer parameter": {func(p *Push) {
			p.Form(func(f url.Values) { f.Add("request_uri", "urn:x"); f["scope"] = []string{"a", "b"} })
		}, func(q request, _ *Push) bool {
			return q.Form.Get("request_uri") == "urn:x" && len(q.Form["scope"]) == 2
		}},
		"no assertion": {func(p *Push) { p.WithoutAssertion() }, func(q request, _ *Push) bool { return !q.Form.Has("client_assertion") }},
		"assertion claim": {func(p *Push) { p.AssertionClaims(func(m map[string]any) { m["aud"] = "x" }) }, func(q request, _ *Push) bool {
			tok, _ := jose.Parse(q.Form.Get("client_assertion"))
			return tok.String("aud") == "x"
		}},
		"assertion HS256": {func(p *Push) { p.Assertion(func(j *JWS) { j.Alg = "HS256" }) }, func(q request, _ *Push) bool {
			tok, _ := jose.Parse(q.Form.Get("client_assertion"))
			return tok.Algorithm() == "HS256"
		}},
		"as another client": {func(p *Push) { p.As(other, "client-2") }, func(q request, _ *Push) bool {
			tok, err := jose.Verify(q.Form.Get("client_assertion"), jose.Set{Keys: []jose.Key{otherKey}})
			return err == nil && tok.String("sub") == "client-2"
		}},
		"other certificate": {func(p *Push) { p.WithCertificate(foreignCert) }, func(q request, _ *Push) bool { return q.Cert == "foreign.tpp.test" }},
		"no certificate":    {func(p *Push) { p.WithoutCertificate() }, func(q request, _ *Push) bool { return q.Cert == "" }},
		"other method":      {func(p *Push) { p.Method("PUT") }, func(q request, _ *Push) bool { return q.Method == "PUT" }},
		"header":            {func(p *Push) { p.Header("X-Thing", "1").AddHeader("X-Thing", "2").WithoutHeader("Accept") }, func(q request, _ *Push) bool { return len(q.Header["X-Thing"]) == 2 && q.Header.Get("Accept") == "" }},
		"query":             {func(p *Push) { p.Query("a", "1").Query("a", "2") }, func(q request, _ *Push) bool { return q.URL.RawQuery == "a=1&a=2" }},
		"raw body": {func(p *Push) { p.Raw([]byte("{}"), "application/json") }, func(q request, _ *Push) bool {
			return string(q.Body) == "{}" && q.Header.Get("Content-Type") == "application/json"
		}},
		"content type":    {func(p *Push) { p.ContentType("text/plain") }, func(q request, _ *Push) bool { return q.Header.Get("Content-Type") == "text/plain" && len(q.Form) == 4 }},
		"last resort":     {func(p *Push) { p.Edit(func(r *http.Request) { r.Host = "other.example" }) }, func(q request, _ *Push) bool { return q.Host == "other.example" }},
		"object as it is": {func(p *Push) { p.Object(func(j *JWS) { j.Compact = "a.b.c" }) }, func(q request, _ *Push) bool { return q.Form.Get("request") == "a.b.c" }},
		"header of the token": {func(p *Push) { p.JOSEHeader(func(h map[string]any) { delete(h, "kid"); h["jku"] = "https://x" }) }, func(q request, _ *Push) bool {
			h := object(q).Header
			return h["kid"] == nil && h["jku"] == "https://x"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.PushedRequest(s, nil)
			x.bend(p)
			if e := p.Send(context.Background()); e.Err != nil {
				t.Fatal(e.Err)
			}
			if q := i.last("/par"); !x.seen(q, p) {
				t.Errorf("the bend did not reach the wire: %v", q.Form)
			}
		})
	}
}

func TestTokenRequestsBend(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	s := i.server(c)
	ctx := context.Background()
	c.CredentialsRequest(s, "consents", "openid").Param("client_id", "").Param("scope", "payments").Send(ctx)
	if f := i.last("/token").Form; f.Has("client_id") || f.Get("scope") != "payments" || f.Get("grant_type") != "client_credentials" {
		t.Errorf("sent %v", f)
	}
	c.RefreshRequest(s, "rt").AssertionClaims(func(m map[string]any) { delete(m, "sub") }).Send(ctx)
	if tok, _ := jose.Parse(i.last("/token").Form.Get("client_assertion")); tok.Claims["sub"] != nil || i.last("/token").Form.Get("refresh_token") != "rt" {
		t.Error("sub was sent")
	}
	c.RevokeRequest(s, "tok").WithoutAssertion().Send(ctx)
	if f := i.last("/revoke").Form; f.Get("token") != "tok" || f.Has("client_assertion") {
		t.Errorf("sent %v", f)
	}
	c.UserInfoRequest(s, "at").Send(ctx)
	if i.last("/userinfo").Header.Get("Authorization") != "Bearer at" {
		t.Error("no token at userinfo")
	}
}

func TestRemindedTokensLiveAsLongAsTheySay(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	s := i.server(c)
	get := func() {
		if _, err := c.ClientCredentials(context.Background(), s, "consents"); err != nil {
			t.Fatal(err)
		}
	}
	get()
	get()
	if n := i.count("/token"); n != 1 {
		t.Errorf("asked %d times for one token", n)
	}
	i.clk.Advance(15 * time.Minute)
	get()
	c.ForgetTokens()
	get()
	if n := i.count("/token"); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
}

func TestSignedCallsBend(t *testing.T) {
	i := newIssuer(t)
	i.api = func(w http.ResponseWriter, _ *request) { w.WriteHeader(400) }
	c := i.client()
	s := i.server(c)
	op := spec.Find("payments.consent-create")
	path := op.FullPath()
	order := Order{Payer: Person{CPF: "11144477735", CNPJ: "11222333000181"}, Amount: "10.00", Creditor: Creditor{"Marco", "52998224725", Account{"12345678", "0001", "1", "CACC"}}}
	call := func() *APICall { return c.API(s, op).Token("at").Body(order.ConsentBody(i.clk.Now())) }
	parse := func(q request) jose.Token { tok, _ := jose.Parse(string(q.Body)); return tok }

	call().Send(context.Background())
	q := i.last(path)
	tok := verified(t, string(q.Body), clientKey)
	if tok.String("iss") != clientOrg || tok.String("aud") != s.ResourceBase+path || len(tok.String("jti")) != 36 || tok.Claims["iat"] != float64(i.clk.Now().Unix()) {
		t.Errorf("message %v", tok.Claims)
	}
	for name, want := range map[string]string{"Content-Type": "application/jwt", "Accept": "application/jwt", "Authorization": "Bearer at"} {
		if got := q.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if q.Header.Get("X-Idempotency-Key") == "" || q.Header.Get("X-Fapi-Interaction-Id") == "" {
		t.Error("a header is missing")
	}
	if dig(tok.Claims, "data.payment.purpose") != "IMMEDIATE" || dig(tok.Claims, "data.payment.date") != "2026-11-22" || dig(tok.Claims, "data.businessEntity.document.rel") != "CNPJ" {
		t.Errorf("consent %v", tok.Claims["data"])
	}
	for name, x := range map[string]struct {
		bend func(*APICall)
		seen func(request) bool
	}{
		"claims": {func(r *APICall) { r.Claims(func(m map[string]any) { m["aud"] = "x"; delete(m, "jti") }) }, func(q request) bool { return parse(q).String("aud") == "x" && parse(q).Claims["jti"] == nil }},
		"data": {func(r *APICall) { r.Data(func(d map[string]any) { delete(d, "creditor") }) }, func(q request) bool {
			return dig(parse(q).Claims, "data.creditor") == nil && dig(parse(q).Claims, "data.payment") != nil
		}},
		"alg": {func(r *APICall) { r.Alg("RS256") }, func(q request) bool { return parse(q).Algorithm() == "RS256" }},
		"key": {func(r *APICall) { r.SignedBy(otherKey) }, func(q request) bool { return parse(q).KeyID() == otherKey.ID }},
		"broken": {func(r *APICall) { r.BreakSignature() }, func(q request) bool {
			_, err := jose.Verify(string(q.Body), jose.Set{Keys: []jose.Key{clientKey}})
			return errors.Is(err, jose.ErrSignature)
		}},
		"unsigned": {func(r *APICall) { r.Unsigned() }, func(q request) bool { return json.Valid(q.Body) && q.Header.Get("Content-Type") == "application/json" }},
		"header":   {func(r *APICall) { r.JOSEHeader(func(h map[string]any) { h["typ"] = "at+jwt" }) }, func(q request) bool { return parse(q).Header["typ"] == "at+jwt" }},
		"no key": {func(r *APICall) { r.Idempotency("").Interaction("") }, func(q request) bool {
			return q.Header.Get("X-Idempotency-Key") == "" && q.Header.Get("X-Fapi-Interaction-Id") == ""
		}},
		"json accept": {func(r *APICall) { r.Accept("application/json") }, func(q request) bool { return q.Header.Get("Accept") == "application/json" }},
		"scheme":      {func(r *APICall) { r.Scheme("bEaReR", "t") }, func(q request) bool { return q.Header.Get("Authorization") == "bEaReR t" }},
	} {
		t.Run(name, func(t *testing.T) {
			r := call()
			x.bend(r)
			r.Send(context.Background())
			if q := i.last(path); !x.seen(q) {
				t.Errorf("the bend did not reach the wire: %s", q.Body)
			}
		})
	}
}

func TestRegistrationBends(t *testing.T) {
	i := newIssuer(t)
	c := i.client(func(cfg *Config) { cfg.WebhookURIs = []string{"https://app.receptora-aurora.localhost/hook"} })
	s := i.server(c)
	ssa, err := newJWS(otherKey, map[string]any{"software_jwks_uri": "https://keystore/x"}).Sign()
	if err != nil {
		t.Fatal(err)
	}
	body := func() map[string]any {
		var m map[string]any
		if err := json.Unmarshal(i.last("/register").Body, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	c.RegisterRequest(s, ssa).Send(context.Background())
	if m := body(); m["jwks_uri"] != "https://keystore/x" || m["token_endpoint_auth_method"] != "private_key_jwt" || m["software_statement"] != ssa || len(m["webhook_uris"].([]any)) != 1 {
		t.Errorf("registered %v", m)
	}
	c.RegisterRequest(s, ssa).SSA("").Set("jwks", map[string]any{}).Set("jwks_uri", nil).WithCertificate(foreignCert).Send(context.Background())
	if m := body(); m["software_statement"] != nil || m["jwks"] == nil || m["jwks_uri"] != nil || i.last("/register").Cert != "foreign.tpp.test" {
		t.Errorf("registered %v", m)
	}
	s.RegistrationToken, s.RegistrationURI = "rat", s.Registration+"/client-1"
	c.ReadRegistrationRequest(s).Send(context.Background())
	if q := i.last("/register/client-1"); q.Header.Get("Authorization") != "Bearer rat" || len(q.Body) != 0 {
		t.Error("GET was not as it should be")
	}
	c.UpdateRegistrationRequest(s, ssa).Token("other").Send(context.Background())
	if q := i.last("/register/client-1"); q.Method != "PUT" || q.Header.Get("Authorization") != "Bearer other" || !strings.Contains(string(q.Body), `"client_id":"client-1"`) {
		t.Error("PUT was not as it should be")
	}
}

func TestNothingThereIsAnExchangeToo(t *testing.T) {
	i := newIssuer(t)
	var recorded []*Exchange
	c := i.client(func(cfg *Config) { cfg.Record = func(e *Exchange) { recorded = append(recorded, e) } })
	s := i.server(c)
	s.PAR = "https://example.com:1/par?secret=1"
	e := c.PushedRequest(s, nil).Send(context.Background())
	if e.Err == nil || e.OK() || e.JSON() != nil || strings.Contains(e.String(), "eyJ") || recorded[len(recorded)-1] != e {
		t.Errorf("got %v", e)
	}
	if _, err := New(Config{Clock: i.clk, CA: c.cfg.CA, Ignore: []string{"nothing"}}); err == nil {
		t.Error("an unknown demand was accepted")
	}
}
