package as_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/as"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/jose"
)

// breach breaks one sentence. It returns "" when the request goes through, else the error that came.
type breach struct {
	want string // the error while the rule is on
	try  func(w *world) string
}

// result is the error of a JSON answer, or "" when it succeeded.
func result(g got) string {
	if g.status < 300 {
		return ""
	}
	if g.code() == "" {
		return http.StatusText(g.status)
	}
	return g.code()
}

// pushing pushes a request whose object is edited.
func pushing(want string, edit func(w *world, claims map[string]any)) breach {
	return breach{want, func(w *world) string {
		claims := w.objectClaims(w.a, dataScope(w.dataConsent(w.a)))
		edit(w, claims)
		return result(w.push(w.a, claims))
	}}
}

func without(name string) func(*world, map[string]any) {
	return func(_ *world, c map[string]any) { delete(c, name) }
}

func with(name string, value any) func(*world, map[string]any) {
	return func(_ *world, c map[string]any) { c[name] = value }
}

// object pushes a good claims set, signed or wrapped in another way.
func object(want string, seal func(w *world, claims map[string]any) string) breach {
	return breach{want, func(w *world) string {
		compact := seal(w, w.objectClaims(w.a, dataScope(w.dataConsent(w.a))))
		return result(w.form("/par", w.asserted(w.a, url.Values{"request": {compact}}), w.a.cert))
	}}
}

func as256(w *world, alg string, claims map[string]any, key jose.Key, kid string) string {
	w.t.Helper()
	out, err := jose.SignAs(alg, claims, key.Private, map[string]any{"kid": kid, "typ": "JWT"})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// proving asks for a token in the client's own name with an edited assertion.
func proving(want string, edit func(w *world, claims map[string]any)) breach {
	return asserting(want, func(w *world) string {
		claims := w.assertionClaims(w.a)
		edit(w, claims)
		return w.sign(claims, w.a.sig)
	})
}

func asserting(want string, make func(w *world) string) breach {
	return breach{want, func(w *world) string {
		f := w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}, "scope": {"consents"}})
		f.Set("client_assertion", make(w))
		return result(w.form("/token", f, w.a.cert))
	}}
}

// registering registers with an edited statement or body.
func registering(want string, edit func(w *world, statement, body map[string]any)) breach {
	return breach{want, func(w *world) string {
		c := w.fresh()
		return result(w.register(c, func(st, body map[string]any) { edit(w, st, body) }))
	}}
}

func registeringAs(want string, key func(w *world) jose.Key, alg, kid string) breach {
	return breach{want, func(w *world) string {
		c := w.fresh()
		k := key(w)
		id := map[string]string{"": k.ID, "directory": w.directory.ID}[kid]
		return result(w.register(c, func(st, body map[string]any) { body["software_statement"] = as256(w, alg, st, k, id) }))
	}}
}

// registeringWithout registers over a certificate that lacks one attribute of its subject, or the DNS name.
func registeringWithout(attribute string) breach {
	return breach{"invalid_client", func(w *world) string {
		c := w.fresh()
		less := *c.cert
		if attribute == "san" {
			less.DNSNames = nil
		}
		less.Subject.Names = slices.DeleteFunc(slices.Clone(less.Subject.Names), func(n pkix.AttributeTypeAndValue) bool { return n.Type.String() == attribute })
		c.cert = &less
		return result(w.register(c, nil))
	}}
}

// redeeming redeems a good code with an edited form.
func redeeming(want string, edit func(w *world, f url.Values)) breach {
	return breach{want, func(w *world) string {
		v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
		f := w.redeemForm(w.a, v.Get("code"))
		edit(w, f)
		return result(w.form("/token", f, w.a.cert))
	}}
}

// answered is the error of the redirect, "page" for an error page, "" for a code.
func answered(w *world, g got) string {
	if g.status != http.StatusSeeOther {
		return "page"
	}
	_, v := w.returned(g)
	if v.Get("code") != "" {
		return ""
	}
	return v.Get("error")
}

func deciding(user string, edit func(*consent.Consent), f url.Values) breach {
	return breach{"access_denied", func(w *world) string {
		x := w.dataConsent(w.a, edit)
		g := w.signIn(w.open(w.a, w.pushed(w.a, dataScope(x))), user)
		if g.status == http.StatusOK {
			f.Set("action", "approve")
			if !f.Has("account") {
				f.Set("account", user+"-1")
			}
			g = w.submit(g, f)
		}
		return answered(w, g)
	}}
}

func bare(w *world) url.Values {
	f := url.Values{}
	for k, v := range w.objectClaims(w.a, dataScope(w.dataConsent(w.a))) {
		if s, ok := v.(string); ok {
			f.Set(k, s)
		}
	}
	return f
}

func page(g got) string {
	if g.status == http.StatusOK && strings.Contains(string(g.body), `id="login"`) {
		return ""
	}
	if g.status == http.StatusSeeOther {
		return "redirect"
	}
	return "page"
}

func userinfo(w *world, token string, cert *x509.Certificate) string {
	return result(w.do(w.server.MTLS(), http.MethodGet, mtls+"/userinfo", http.Header{"Authorization": {"Bearer " + token}}, nil, cert))
}

func introspected(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, as.ErrUnbound):
		return "unbound"
	case errors.Is(err, as.ErrRevoked):
		return "revoked"
	case errors.Is(err, as.ErrExpired):
		return "expired"
	}
	return "malformed"
}

func sigKey(w *world) jose.Key { return w.a.sig }

var breaches = map[string]breach{
	"AS-REQ-19/no-duplicates": {"invalid_request", func(w *world) string {
		return result(w.form("/token", w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}, "scope": {"consents", "payments"}}), w.a.cert))
	}},
	"AS-TOK-01/has-certificate": {"invalid_client", func(w *world) string {
		return result(w.form("/token", w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}, "scope": {"consents"}}), nil))
	}},
	"AS-TOK-01/own-certificate": {"invalid_client", func(w *world) string {
		return result(w.form("/token", w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}, "scope": {"consents"}}), w.b.cert))
	}},

	// Client assertions.
	"AS-CA-05/has-assertion": {"invalid_client", func(w *world) string {
		return result(w.form("/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"consents"}, "client_id": {w.a.id}}, w.a.cert))
	}},
	"AS-CA-05/assertion-type": {"invalid_client", func(w *world) string {
		f := w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}, "scope": {"consents"}})
		f.Set("client_assertion_type", "other")
		return result(w.form("/token", f, w.a.cert))
	}},
	"AS-CA-05/client-id-matches": {"invalid_client", func(w *world) string {
		return result(w.form("/token", w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}, "scope": {"consents"}, "client_id": {w.b.id}}), w.a.cert))
	}},
	"AS-CA-03/audience":     proving("invalid_client", with("aud", "https://elsewhere.test")),
	"AS-CA-01/not-unsigned": asserting("invalid_client", func(w *world) string { return as256(w, "none", w.assertionClaims(w.a), w.a.sig, w.a.sig.ID) }),
	"AS-CA-01/ps256":        asserting("invalid_client", func(w *world) string { return as256(w, "RS256", w.assertionClaims(w.a), w.a.sig, w.a.sig.ID) }),
	"AS-CA-06/active-key":   asserting("invalid_client", func(w *world) string { return w.sign(w.assertionClaims(w.a), w.stranger) }),
	"AS-CA-01/signature":    asserting("invalid_client", func(w *world) string { return as256(w, "PS256", w.assertionClaims(w.a), w.b.sig, w.a.sig.ID) }),
	"AS-CA-02/has-sub":      proving("invalid_client", without("sub")),
	"AS-CA-02/sub":          proving("invalid_client", func(w *world, c map[string]any) { c["sub"] = w.b.id }),
	"AS-CA-02/iss":          proving("invalid_client", func(w *world, c map[string]any) { c["iss"] = w.b.id }),
	"AS-CA-04/has-exp":      proving("invalid_client", without("exp")),
	"AS-CA-04/not-expired":  proving("invalid_client", func(w *world, c map[string]any) { c["exp"] = w.clock.Now().Add(-5 * time.Minute).Unix() }),
	"AS-CA-04/exp-near":     proving("invalid_client", func(w *world, c map[string]any) { c["exp"] = w.clock.Now().Add(24 * time.Hour).Unix() }),
	"AS-CA-04/has-jti":      proving("invalid_client", without("jti")),
	"AS-CA-04/jti-fresh": {"invalid_client", func(w *world) string {
		f := w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}, "scope": {"consents"}})
		if g := w.form("/token", f, w.a.cert); g.status != http.StatusOK {
			w.t.Fatalf("%d %s", g.status, g.body)
		}
		return result(w.form("/token", f, w.a.cert))
	}},
	"AS-PAR-03/has-assertion": {"invalid_client", func(w *world) string {
		claims := w.objectClaims(w.a, dataScope(w.dataConsent(w.a)))
		return result(w.form("/par", url.Values{"request": {w.sign(claims, w.a.sig)}, "client_id": {w.a.id}}, w.a.cert))
	}},
	"AS-PAR-04/audience": {"invalid_client", func(w *world) string {
		claims := w.assertionClaims(w.a)
		claims["aud"] = []string{"https://elsewhere.test"}
		f := w.asserted(w.a, url.Values{"request": {w.sign(w.objectClaims(w.a, dataScope(w.dataConsent(w.a))), w.a.sig)}})
		f.Set("client_assertion", w.sign(claims, w.a.sig))
		return result(w.form("/par", f, w.a.cert))
	}},

	// Pushed requests.
	"AS-PAR-06/post": {"invalid_request", func(w *world) string {
		f := w.asserted(w.a, url.Values{"request": {w.sign(w.objectClaims(w.a, dataScope(w.dataConsent(w.a))), w.a.sig)}})
		return result(w.do(w.server.MTLS(), http.MethodGet, mtls+"/par?"+f.Encode(), nil, nil, w.a.cert))
	}},
	"AS-PAR-05/no-request-uri": {"invalid_request", func(w *world) string {
		f := w.asserted(w.a, url.Values{"request": {w.sign(w.objectClaims(w.a, dataScope(w.dataConsent(w.a))), w.a.sig)}, "request_uri": {"urn:x"}})
		return result(w.form("/par", f, w.a.cert))
	}},
	"AS-REQ-01/has-request": {"invalid_request", func(w *world) string { return result(w.form("/par", w.asserted(w.a, bare(w)), w.a.cert)) }},
	"AS-REQ-17/algorithms": object("invalid_request_object", func(w *world, c map[string]any) string {
		out, err := jose.EncryptAs("RSA1_5", "A128CBC-HS256", []byte(w.sign(c, w.a.sig)), w.bankEnc.Public, w.bankEnc.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	}),
	"AS-REQ-17/known-key": object("invalid_request_object", func(w *world, c map[string]any) string {
		out, err := jose.EncryptAs("RSA-OAEP", "A256GCM", []byte(w.sign(c, w.a.sig)), w.bankEnc.Public, "unknown")
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	}),
	"AS-REQ-01/not-unsigned": object("invalid_request_object", func(w *world, c map[string]any) string { return as256(w, "none", c, w.a.sig, w.a.sig.ID) }),
	"AS-REQ-01/ps256":        object("invalid_request_object", func(w *world, c map[string]any) string { return as256(w, "RS256", c, w.a.sig, w.a.sig.ID) }),
	"AS-REQ-01/client-key":   object("invalid_request_object", func(w *world, c map[string]any) string { return w.sign(c, w.b.sig) }),
	"AS-REQ-01/signature":    object("invalid_request_object", func(w *world, c map[string]any) string { return as256(w, "PS256", c, w.b.sig, w.a.sig.ID) }),
	"AS-REQ-02/audience":     pushing("invalid_request_object", with("aud", mtls+"/par")),
	"AS-REQ-03/has-exp":      pushing("invalid_request_object", without("exp")),
	"AS-REQ-03/not-expired": pushing("invalid_request_object", func(w *world, c map[string]any) {
		c["nbf"], c["exp"] = w.clock.Now().Add(-10*time.Minute).Unix(), w.clock.Now().Add(-time.Minute).Unix()
	}),
	"AS-REQ-04/has-nbf":    pushing("invalid_request_object", without("nbf")),
	"AS-REQ-04/nbf-recent": pushing("invalid_request_object", func(w *world, c map[string]any) { c["nbf"] = w.clock.Now().Add(-70 * time.Minute).Unix() }),
	"AS-REQ-04/nbf-begun":  pushing("invalid_request_object", func(w *world, c map[string]any) { c["nbf"] = w.clock.Now().Add(time.Minute).Unix() }),
	"AS-REQ-03/lifetime":   pushing("invalid_request_object", func(w *world, c map[string]any) { c["exp"] = w.clock.Now().Add(70 * time.Minute).Unix() }),
	"AS-PAR-03/object-client": pushing("invalid_request_object", func(w *world, c map[string]any) {
		c["client_id"] = w.b.id
	}),
	"AS-PAR-05/no-request-uri-inside": pushing("invalid_request_object", with("request_uri", "urn:x")),
	"AS-REQ-19/types":                 pushing("invalid_request_object", with("nonce", 12345)),
	"AS-REQ-08/response-type":         pushing("invalid_request_object", with("response_type", "code")),
	"AS-REQ-09/response-mode":         pushing("invalid_request_object", with("response_mode", "query")),
	"AS-PAR-11/has-redirect-uri":      pushing("invalid_request_object", without("redirect_uri")),
	"AS-REQ-10/redirect-uri":          pushing("invalid_request_object", func(w *world, c map[string]any) { c["redirect_uri"] = w.a.redirect + "/more" }),
	"AS-REQ-06/has-nonce":             pushing("invalid_request_object", without("nonce")),
	"AS-PAR-10/has-challenge": pushing("invalid_request_object", func(_ *world, c map[string]any) {
		delete(c, "code_challenge")
		delete(c, "code_challenge_method")
	}),
	"AS-PAR-10/s256":             pushing("invalid_request_object", with("code_challenge_method", "plain")),
	"AS-REQ-16/no-id-token-hint": pushing("invalid_request_object", with("id_token_hint", "x.y.z")),
	"AS-PAR-11/has-scope":        pushing("invalid_scope", without("scope")),
	"AS-REQ-11/registered-scopes": pushing("invalid_scope", func(_ *world, c map[string]any) {
		c["scope"] = c["scope"].(string) + " invented"
	}),
	"AS-REQ-12/has-dynamic": pushing("invalid_scope", with("scope", "openid accounts")),
	"AS-REQ-12/one-dynamic": pushing("invalid_scope", func(w *world, c map[string]any) {
		c["scope"] = c["scope"].(string) + " consent:" + w.dataConsent(w.a).ID
	}),
	"AS-REQ-13/known-consent": pushing("invalid_scope", with("scope", "openid accounts consent:urn:banco:none")),
	"AS-REQ-13/own-consent":   pushing("invalid_scope", func(w *world, c map[string]any) { c["scope"] = dataScope(w.dataConsent(w.b)) }),
	"AS-REQ-13/awaiting-consent": pushing("invalid_scope", func(w *world, c map[string]any) {
		_, x := w.granted(w.a)
		c["scope"] = dataScope(x)
	}),
	"AS-REQ-14/static-scope": pushing("invalid_scope", func(w *world, c map[string]any) {
		c["scope"] = "openid accounts consent:" + w.paymentConsent(w.a).ID
	}),

	// Authorization endpoint.
	"AS-PAR-01/pushed": {"redirect", func(w *world) string { return page(w.visit(bare(w))) }},
	"AS-PAR-01/not-by-value": {"page", func(w *world) string {
		return page(w.visit(url.Values{"client_id": {w.a.id}, "request": {w.sign(w.objectClaims(w.a, dataScope(w.dataConsent(w.a))), w.a.sig)}}))
	}},
	"AS-PAR-07/own-request": {"page", func(w *world) string {
		return page(w.open(w.b, w.pushed(w.a, dataScope(w.dataConsent(w.a)))))
	}},
	"AS-RESP-02/registered": {"page", func(w *world) string {
		q := url.Values{"client_id": {w.a.id}, "redirect_uri": {"https://evil.test/cb"}, "response_type": {"code id_token"}}
		if p := page(w.visit(q)); p != "redirect" {
			return p
		}
		return "" // the error left for an address nobody registered
	}},
	"AS-AUTHN-02/same-person":  deciding("bia", func(*consent.Consent) {}, url.Values{}),
	"AS-AUTHN-03/no-company":   deciding("bia", func(x *consent.Consent) { x.CPF = "52998224725" }, url.Values{"company": {"11222333000181"}}),
	"AS-AUTHN-04/same-company": deciding("bia", func(x *consent.Consent) { x.CPF, x.CNPJ = "52998224725", "11222333000181" }, url.Values{"company": {"11444777000161"}}),

	// Tokens.
	"AS-RESP-03/client": {"invalid_grant", func(w *world) string {
		v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
		f := w.redeemForm(w.b, v.Get("code"))
		f.Set("redirect_uri", w.a.redirect)
		return result(w.form("/token", f, w.b.cert))
	}},
	"AS-RESP-03/redirect-uri": redeeming("invalid_grant", func(w *world, f url.Values) { f.Set("redirect_uri", w.a.second) }),
	"AS-RESP-03/has-verifier": redeeming("invalid_grant", func(_ *world, f url.Values) { f.Del("code_verifier") }),
	"AS-RESP-03/verifier":     redeeming("invalid_grant", func(_ *world, f url.Values) { f.Set("code_verifier", "wrong") }),
	"AS-CONS-02/at-redemption": {"invalid_grant", func(w *world) string {
		x := w.dataConsent(w.a)
		v := w.authorised(w.a, w.pushed(w.a, dataScope(x)), "ana", "ana-1")
		w.revoke(x)
		return result(w.redeem(w.a, v.Get("code")))
	}},
	"AS-RT-03/client": {"invalid_grant", func(w *world) string {
		g, _ := w.granted(w.a)
		return result(w.refresh(w.b, g.text("refresh_token")))
	}},
	"AS-RT-05/consent-active": {"invalid_grant", func(w *world) string {
		g, x := w.granted(w.a)
		w.revoke(x)
		return result(w.refresh(w.a, g.text("refresh_token")))
	}},
	"AS-RT-04/not-consumed": {"invalid_grant", func(w *world) string {
		x := w.paymentConsent(w.a)
		v := w.authorised(w.a, w.pushed(w.a, paymentScope(x)), "ana", "ana-1")
		g := w.redeem(w.a, v.Get("code"))
		if _, err := w.engine.Consume(w.t.Context(), x.ID); err != nil {
			w.t.Fatal(err)
		}
		return result(w.refresh(w.a, g.text("refresh_token")))
	}},
	"AS-RT-06/scope": {"invalid_scope", func(w *world) string {
		g, _ := w.granted(w.a)
		g = w.refresh(w.a, g.text("refresh_token"), "openid accounts payments")
		if g.status == http.StatusOK && !strings.Contains(g.text("scope"), "payments") {
			return "not widened"
		}
		return result(g)
	}},
	"AS-TOK-06/scope-of-role": {"invalid_scope", func(w *world) string {
		return result(w.own(w.a, "consents recurring-consents"))
	}},
	"AS-TOK-02/bound": {"unbound", func(w *world) string {
		g, _ := w.granted(w.a)
		_, err := w.introspect(g.text("access_token"), w.b.cert)
		return introspected(err)
	}},
	"AS-CONS-04/consent-alive": {"revoked", func(w *world) string {
		g, x := w.granted(w.a)
		w.revoke(x)
		_, err := w.introspect(g.text("access_token"), w.a.cert)
		return introspected(err)
	}},
	"AS-UI-01/openid": {"insufficient_scope", func(w *world) string {
		return userinfo(w, w.own(w.a, "consents").text("access_token"), w.a.cert)
	}},
	"AS-REV-01/own-token": {"survives", func(w *world) string {
		g, _ := w.granted(w.a)
		refresh := g.text("refresh_token")
		if g := w.form("/revocation", w.asserted(w.b, url.Values{"token": {refresh}}), w.b.cert); g.status != http.StatusOK {
			w.t.Fatalf("%d %s", g.status, g.body)
		}
		if w.refresh(w.a, refresh).status == http.StatusOK {
			return "survives"
		}
		return ""
	}},

	// Registration.
	"DCR-01/has-certificate": {"invalid_client", func(w *world) string {
		c := w.fresh()
		return result(w.postJSON(http.MethodPost, "/register", w.metadata(c, w.statement(c)), "", nil))
	}},
	"DCM-03/has-certificate": {"invalid_client", func(w *world) string {
		return result(w.postJSON(http.MethodGet, "/register/"+w.a.id, nil, w.a.token, nil))
	}},
	"DCR-02/has-statement": registering("invalid_software_statement", func(_ *world, _, body map[string]any) { body["software_statement"] = nil }),
	"DCR-02/ps256":         registeringAs("invalid_software_statement", func(w *world) jose.Key { return w.directory }, "RS256", "directory"),
	"DCR-02/directory-key": registeringAs("invalid_software_statement", sigKey, "PS256", ""),
	"DCR-02/signature":     registeringAs("invalid_software_statement", sigKey, "PS256", "directory"),
	"SSA-02/issuer":        registering("invalid_software_statement", func(_ *world, st, _ map[string]any) { st["iss"] = "another environment" }),
	"DCR-03/fresh":         registering("invalid_software_statement", func(w *world, st, _ map[string]any) { st["iat"] = w.clock.Now().Add(-6 * time.Minute).Unix() }),
	"DCR-03/not-future":    registering("invalid_software_statement", func(w *world, st, _ map[string]any) { st["iat"] = w.clock.Now().Add(10 * time.Minute).Unix() }),
	"DCR-11/software":      registering("invalid_software_statement", func(_ *world, st, _ map[string]any) { st["software_id"] = "aaaaaaaa-0000-4000-8000-000000000009" }),
	"DCR-12/organisation":  registering("invalid_software_statement", func(_ *world, st, _ map[string]any) { st["org_id"] = orgB }),
	"DCR-04/no-jwks":       registering("invalid_client_metadata", func(_ *world, _, body map[string]any) { body["jwks"] = map[string]any{"keys": []any{}} }),
	"DCR-05/jwks-uri":      registering("invalid_client_metadata", func(_ *world, _, body map[string]any) { body["jwks_uri"] = "https://evil.test/jwks" }),
	"DCR-14/auth-method":   registering("invalid_client_metadata", func(_ *world, _, body map[string]any) { body["token_endpoint_auth_method"] = "tls_client_auth" }),
	"DCR-20/webhook-uris":  registering("invalid_webhook_uris", func(w *world, _, body map[string]any) { body["webhook_uris"] = []any{w.a.hook, "https://evil.test"} }),
	"DCR-08/scope-of-role": registering("invalid_client_metadata", func(_ *world, st, body map[string]any) {
		st["software_statement_roles"] = []any{role("DADOS")}
		body["scope"] = "openid payments"
	}),
	"DCR-07/has-redirect-uris": registering("invalid_redirect_uri", func(_ *world, _, body map[string]any) { body["redirect_uris"] = nil }),
	"DCR-07/redirect-uris":     registering("invalid_redirect_uri", func(_ *world, _, body map[string]any) { body["redirect_uris"] = []any{"https://evil.test/cb"} }),
	"DCR-10/subject-descriptors": registering("invalid_client_metadata", func(_ *world, _, body map[string]any) {
		body["tls_client_auth_subject_dn"] = "OID.2.5.4.97=OFBBR-x,CN=y"
	}),
	"DCR-13/subject-matches":     registering("invalid_client_metadata", func(_ *world, _, body map[string]any) { body["tls_client_auth_subject_dn"] = "CN=somebody,C=BR" }),
	"SSA-01/organisation-active": registering("unapproved_software_statement", func(_ *world, st, _ map[string]any) { st["org_status"] = "Withdrawn" }),
	"SSA-01/software-active":     registering("unapproved_software_statement", func(_ *world, st, _ map[string]any) { st["software_status"] = "Suspended" }),
	"DCR-08/role-active": registering("unapproved_software_statement", func(_ *world, st, body map[string]any) {
		idle := role("PAGTO")
		idle["status"] = "Inactive"
		st["software_statement_roles"], body["scope"] = []any{role("DADOS"), idle}, "openid payments"
	}),
	"DCR-06/encryption-key": {"invalid_client_metadata", func(w *world) string {
		c := w.fresh()
		w.trust.sets[c.jwks] = jose.Set{Keys: []jose.Key{c.sig}}
		return result(w.register(c, nil))
	}},
	"CERT-03/business-category": registeringWithout("2.5.4.15"),
	"CERT-03/jurisdiction":      registeringWithout("1.3.6.1.4.1.311.60.2.1.3"),
	"CERT-03/serial-number":     registeringWithout("2.5.4.5"),
	"CERT-03/country":           registeringWithout("2.5.4.6"),
	"CERT-03/organisation":      registeringWithout("2.5.4.10"),
	"CERT-03/state":             registeringWithout("2.5.4.8"),
	"CERT-03/locality":          registeringWithout("2.5.4.7"),
	"CERT-03/common-name":       registeringWithout("2.5.4.3"),
	"CERT-04/dns-name":          registeringWithout("san"),
	"DCM-01/registration-token": {"invalid_token", func(w *world) string {
		return result(w.postJSON(http.MethodGet, "/register/"+w.a.id, nil, w.b.token, w.a.cert))
	}},
	"DCR-22/own-certificate": {"invalid_client", func(w *world) string {
		return result(w.postJSON(http.MethodGet, "/register/"+w.a.id, nil, w.a.token, w.b.cert))
	}},
	"DCM-07/client-id": {"invalid_client_metadata", func(w *world) string {
		body := w.metadata(w.a, w.statement(w.a))
		body["client_id"] = w.b.id
		return result(w.postJSON(http.MethodPut, "/register/"+w.a.id, body, w.a.token, w.a.cert))
	}},
}

func (w *world) revoke(x *consent.Consent) {
	w.t.Helper()
	if _, err := w.engine.Reject(w.t.Context(), x.ID, consent.Rejection{By: "USER"}, "client:x", "api"); err != nil {
		w.t.Fatal(err)
	}
}

func TestEveryRuleIsKeptAndItsBreachIsSeenWhenItIsOff(t *testing.T) {
	known := map[string]bool{}
	for _, r := range as.Rules() {
		if known[r.ID] {
			t.Errorf("%s: two rows", r.ID)
		}
		known[r.ID] = true
		if _, ok := breaches[r.ID]; !ok {
			t.Errorf("%s: nobody breaks it: %s", r.ID, r.Title)
		}
	}
	for id, b := range breaches {
		if !known[id] {
			t.Errorf("%s: no such rule", id)
			continue
		}
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			if got := b.try(newWorld(t)); got != b.want {
				t.Errorf("on: got %q, want %q", got, b.want)
			}
			w := newWorld(t)
			w.off(id)
			if got := b.try(w); got != "" {
				t.Errorf("off: the breach is still refused: %q", got)
			}
		})
	}
}
