package as_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
)

func bent(t *testing.T, d fault.Defect) *world {
	t.Helper()
	d.Name = "x/y"
	w := newWorld(t, d)
	if err := w.board.Arm("x/y"); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMetadataIsThatOfTheProfile(t *testing.T) {
	w := newWorld(t)
	g := w.do(w.server.Public(), http.MethodGet, issuer+"/.well-known/openid-configuration", nil, nil, nil)
	if g.status != http.StatusOK || !strings.HasPrefix(g.header.Get("Content-Type"), "application/json") {
		t.Fatalf("%d %v", g.status, g.header)
	}
	for name, want := range map[string]string{
		"issuer": `"` + issuer + `"`, "token_endpoint_auth_methods_supported": `["private_key_jwt"]`, "token_endpoint_auth_signing_alg_values_supported": `["PS256"]`,
		"require_pushed_authorization_requests": "true", "response_types_supported": `["code id_token"]`, "response_modes_supported": `["fragment"]`,
		"subject_types_supported": `["public"]`, "code_challenge_methods_supported": `["S256"]`, "tls_client_certificate_bound_access_tokens": "true",
		"id_token_encryption_alg_values_supported": `["RSA-OAEP"]`, "claims_parameter_supported": "true",
		"acr_values_supported": `["urn:brasil:openbanking:loa2","urn:brasil:openbanking:loa3"]`,
	} {
		if got, _ := json.Marshal(g.json[name]); string(got) != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	aliases, _ := g.json["mtls_endpoint_aliases"].(map[string]any)
	for _, name := range []string{"token_endpoint", "registration_endpoint", "userinfo_endpoint", "pushed_authorization_request_endpoint"} {
		if aliases[name] != g.json[name] || !strings.HasPrefix(g.text(name), mtls) {
			t.Errorf("alias of %s is %v", name, aliases[name])
		}
	}
	k := w.do(w.server.Public(), http.MethodGet, issuer+"/jwks", nil, nil, nil)
	var set jose.Set
	if err := json.Unmarshal(k.body, &set); err != nil || strings.Contains(string(k.body), `"d"`) {
		t.Fatalf("%v %s", err, k.body)
	}
	if _, ok := set.Find(w.bank.ID, "sig"); !ok {
		t.Error("the signing key is not published")
	}
}

func TestMetadataPassesTheSeam(t *testing.T) {
	w := bent(t, fault.Defect{Kind: fault.Mutate, OnClaims: func(c *fault.Claims) {
		if c.Kind == "discovery" {
			c.Body["issuer"] = "https://elsewhere.test"
		}
	}})
	at := issuer + "/.well-known/openid-configuration"
	if g := w.do(w.server.Public(), http.MethodGet, at, nil, nil, nil); g.text("issuer") != "https://elsewhere.test" {
		t.Errorf("%s", g.body)
	}
	w.board.Disarm()
	if g := w.do(w.server.Public(), http.MethodGet, at, nil, nil, nil); g.text("issuer") != issuer {
		t.Errorf("the lie stayed: %s", g.body)
	}
}

func TestIDTokensPassTheSeam(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*fault.Claims)
		seen func(string) bool
	}{
		"plain": {func(c *fault.Claims) { c.Enc = "none" }, func(s string) bool { return strings.Count(s, ".") == 2 }},
		"weak encryption": {func(c *fault.Claims) { c.Enc = "RSA1_5" }, func(s string) bool {
			h, err := jose.EncryptionHeader(s)
			return err == nil && h["alg"] == "RSA1_5"
		}},
		"other content encryption": {func(c *fault.Claims) { c.Enc = "A128CBC-HS256" }, func(s string) bool {
			h, err := jose.EncryptionHeader(s)
			return err == nil && h["enc"] == "A128CBC-HS256"
		}},
		"unsigned": {func(c *fault.Claims) { c.Alg, c.Enc = "none", "none" }, func(s string) bool { return strings.HasSuffix(s, ".") }},
		"weak signature": {func(c *fault.Claims) { c.Alg, c.Enc = "RS256", "none" }, func(s string) bool {
			t, err := jose.Parse(s)
			return err == nil && t.Algorithm() == "RS256"
		}},
		"carries a key": {func(c *fault.Claims) { c.Header["jku"], c.Enc = "https://evil.test/jwks", "none" }, func(s string) bool {
			t, err := jose.Parse(s)
			return err == nil && t.Header["jku"] != nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := bent(t, fault.Defect{Kind: fault.Mutate, OnClaims: func(k *fault.Claims) {
				if k.Kind == "id_token" {
					c.edit(k)
				}
			}})
			v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
			if !c.seen(v.Get("id_token")) || !c.seen(w.redeem(w.a, v.Get("code")).text("id_token")) {
				t.Error(v.Get("id_token"))
			}
		})
	}
}

func TestStatesPassTheSeam(t *testing.T) {
	allow := func(machine string) fault.Defect {
		return fault.Defect{Kind: fault.State, OnTransition: func(s *fault.Transition) {
			if s.Machine == machine {
				s.Allowed = true
			}
		}}
	}
	t.Run("code", func(t *testing.T) {
		w := bent(t, allow("code"))
		v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
		for range 2 {
			if g := w.redeem(w.a, v.Get("code")); g.status != http.StatusOK {
				t.Errorf("the code is not reusable: %d", g.status)
			}
		}
	})
	t.Run("client", func(t *testing.T) {
		w := bent(t, allow("client"))
		if g := w.register(w.a, nil); g.status != http.StatusCreated {
			t.Errorf("%d %s", g.status, g.body)
		}
	})
	t.Run("request_uri", func(t *testing.T) {
		w := bent(t, fault.Defect{Kind: fault.State, OnTransition: func(s *fault.Transition) {
			if s.Machine == "request_uri" && s.Event == "complete" {
				s.To = s.From
			}
		}})
		uri := w.pushed(w.a, dataScope(w.dataConsent(w.a)))
		w.authorised(w.a, uri, "ana", "ana-1")
		page := w.open(w.a, uri)
		if page.status != http.StatusOK {
			t.Fatalf("%d %s", page.status, page.body)
		}
		if _, v := w.returned(w.signIn(page, "ana")); v.Get("error") != "access_denied" { // the consent is no longer waiting
			t.Error(v)
		}
	})
	t.Run("deletion without effect", func(t *testing.T) {
		w := bent(t, fault.Defect{Kind: fault.State, OnTransition: func(s *fault.Transition) {
			if s.Machine == "client" && s.Event == "delete" {
				s.To = s.From
			}
		}})
		w.fresh()
		if g := w.own(w.a, "consents"); g.status != http.StatusOK {
			t.Errorf("%d %s", g.status, g.body)
		}
	})
	for event, end := range map[string]func(*world, got) got{
		"sign-in": func(_ *world, g got) got { return g },
		"deny":    func(w *world, g got) got { return w.submit(g, url.Values{"action": {"deny"}}) },
	} {
		t.Run("approves at "+event, func(t *testing.T) {
			w := bent(t, fault.Defect{Kind: fault.State, OnTransition: func(s *fault.Transition) {
				if s.Machine == "authorization" && s.Event == event {
					s.To = "approved"
				}
			}})
			x := w.dataConsent(w.a)
			_, v := w.returned(end(w, w.signIn(w.open(w.a, w.pushed(w.a, dataScope(x))), "ana")))
			if now, _ := w.engine.Get(x.ID); v.Get("code") == "" || now.Status != consent.Authorised || !slices.Equal(now.Resources, []string{"ana-1", "ana-2"}) {
				t.Errorf("%v %+v", v, now)
			}
		})
	}
}

func TestTimesPassTheSeam(t *testing.T) {
	w := bent(t, fault.Defect{Kind: fault.Time, OnLifetime: func(l *fault.Lifetime) {
		switch l.Of {
		case "access_token":
			l.Duration = 901 * time.Second
		case "request_uri.advertised":
			l.Duration = 30 * time.Second
		case "request_uri", "code":
			l.Duration = 24 * time.Hour
		case "refresh_token":
			l.Duration = time.Hour
		}
	}})
	x := w.dataConsent(w.a)
	g := w.push(w.a, w.objectClaims(w.a, dataScope(x)))
	if g.json["expires_in"] != float64(30) {
		t.Errorf("%s", g.body)
	}
	w.clock.Advance(30 * time.Minute)
	v := w.authorised(w.a, g.text("request_uri"), "ana", "ana-1")
	w.clock.Advance(30 * time.Minute)
	tokens := w.redeem(w.a, v.Get("code"))
	if tokens.json["expires_in"] != float64(901) {
		t.Errorf("%s", tokens.body)
	}
	w.clock.Advance(61 * time.Minute)
	if g := w.refresh(w.a, tokens.text("refresh_token")); g.code() != "invalid_grant" {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestARotatedTokenReallyRotates(t *testing.T) {
	w := bent(t, fault.Defect{Kind: fault.Mutate, OnClaims: func(c *fault.Claims) {
		switch {
		case c.Kind == "token" && c.At == "refresh_token":
			c.Body["refresh_token"] = "another"
		case c.Kind == "registration" && (c.At == "read" || c.At == "update"):
			c.Body["registration_access_token"] = "another"
		}
	}})
	g, _ := w.granted(w.a)
	old := g.text("refresh_token")
	if g := w.refresh(w.a, old); g.text("refresh_token") != "another" {
		t.Fatalf("%s", g.body)
	}
	if w.refresh(w.a, old).status == http.StatusOK || w.refresh(w.a, "another").status != http.StatusOK {
		t.Error("the answer lied about the refresh token")
	}
	w.postJSON(http.MethodGet, "/register/"+w.a.id, nil, w.a.token, w.a.cert)
	if g := w.postJSON(http.MethodGet, "/register/"+w.a.id, nil, w.a.token, w.a.cert); g.status != http.StatusUnauthorized {
		t.Errorf("the answer lied about the registration token: %d", g.status)
	}
}

func TestRequestAndAnswerPassTheSeam(t *testing.T) {
	w := bent(t, fault.Defect{Kind: fault.Mutate, OnClaims: func(c *fault.Claims) {
		switch c.Kind {
		case "request_object":
			if outside := c.Header["state"]; outside != nil {
				c.Body["state"] = outside
			}
		case "authorization":
			c.Body["extra"] = "1"
		}
	}})
	claims := w.objectClaims(w.a, dataScope(w.dataConsent(w.a)))
	g := w.form("/par", w.asserted(w.a, url.Values{"request": {w.sign(claims, w.a.sig)}, "state": {"outside"}}), w.a.cert)
	v := w.authorised(w.a, g.text("request_uri"), "ana", "ana-1")
	if v.Get("state") != "outside" || v.Get("extra") != "1" {
		t.Error(v)
	}
}
