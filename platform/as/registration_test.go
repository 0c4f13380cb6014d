package as_test

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/platform/store"
)

func TestARegistrationIsAnsweredWithWhatWasStored(t *testing.T) {
	w := newWorld(t)
	c := w.fresh()
	g := w.register(c, func(_, body map[string]any) {
		body["client_name"], body["grant_types"] = "Impostora", []any{"refresh_token", "implicit", "authorization_code"}
	})
	if g.status != http.StatusCreated || !strings.HasPrefix(g.header.Get("Content-Type"), "application/json") || g.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", g.status, g.body)
	}
	for name, want := range map[string]any{
		"client_name": "Receptora aurora", "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256",
		"id_token_signed_response_alg": "PS256", "id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": "A256GCM",
		"request_object_signing_alg": "PS256", "subject_type": "public", "tls_client_certificate_bound_access_tokens": true,
		"require_pushed_authorization_requests": true, "jwks_uri": c.jwks, "software_id": c.software,
		"registration_client_uri": mtls + "/register/" + g.text("client_id"),
	} {
		if g.json[name] != want {
			t.Errorf("%s is %v, want %v", name, g.json[name], want)
		}
	}
	for _, scope := range []string{"openid", "accounts", "payments", "invoice-financings"} {
		if !slices.Contains(strings.Fields(g.text("scope")), scope) {
			t.Errorf("scope %s is not granted: %s", scope, g.text("scope"))
		}
	}
	if err := w.store.Each(t.Context(), "client", func(r store.Record) error {
		if strings.Contains(string(r.Body), g.text("registration_access_token")) {
			t.Error("the registration access token is kept in the clear")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if again := w.register(c, nil); again.status != http.StatusBadRequest || again.code() != "invalid_software_statement" {
		t.Errorf("second registration: %d %s", again.status, again.body)
	}
}

func TestRolesLimitScopes(t *testing.T) {
	for role_, want := range map[string]string{"DADOS": "accounts", "PAGTO": "payments", "CONTA": "openid"} {
		w := newWorld(t)
		c := w.fresh()
		g := w.register(c, func(st, _ map[string]any) { st["software_statement_roles"] = []any{role(role_)} })
		scopes := strings.Fields(g.text("scope"))
		if !slices.Contains(scopes, want) || (role_ != "PAGTO" && slices.Contains(scopes, "payments")) || (role_ == "CONTA" && len(scopes) != 1) {
			t.Errorf("%s: %v", role_, scopes)
		}
		c.id = g.text("client_id")
		if role_ == "PAGTO" && w.own(c, "resources").code() != "invalid_scope" {
			t.Error("a payment initiator reads resources")
		}
	}
}

func TestManagementKeepsTokenAndConsents(t *testing.T) {
	w := newWorld(t)
	tokens, _ := w.granted(w.a)
	read := w.postJSON(http.MethodGet, "/register/"+w.a.id, nil, w.a.token, w.a.cert)
	if read.status != http.StatusOK || read.text("registration_access_token") != w.a.token || read.text("client_id") != w.a.id {
		t.Fatalf("read: %d %s", read.status, read.body)
	}
	body := w.metadata(w.a, w.statement(w.a))
	body["client_id"], body["redirect_uris"], body["webhook_uris"] = w.a.id, []any{w.a.second}, []any{w.a.hook}
	put := w.postJSON(http.MethodPut, "/register/"+w.a.id, body, w.a.token, w.a.cert)
	if put.status != http.StatusOK || put.text("registration_access_token") != w.a.token || put.json["client_id_issued_at"] != read.json["client_id_issued_at"] {
		t.Fatalf("update: %d %s", put.status, put.body)
	}
	if c, _ := w.server.Client(w.a.id); !slices.Equal(c.RedirectURIs, []string{w.a.second}) || !slices.Equal(c.WebhookURIs, []string{w.a.hook}) {
		t.Errorf("%+v", c)
	}
	if g := w.refresh(w.a, tokens.text("refresh_token")); g.status != http.StatusOK {
		t.Errorf("the consent does not outlive the update: %d %s", g.status, g.body)
	}
	w.a.redirect, w.a.second = w.a.second, w.a.redirect
	w.granted(w.a)
	for name, edit := range map[string]func(map[string]any){
		"invalid_client_metadata": func(b map[string]any) { b["jwks_uri"] = "https://evil.test/jwks" },
		"invalid_redirect_uri":    func(b map[string]any) { b["redirect_uris"] = []any{"https://evil.test/cb"} },
		"invalid_software_statement": func(b map[string]any) {
			b["software_statement"] = w.sign(w.statement(w.a), w.a.sig)
		},
	} {
		body := w.metadata(w.a, w.statement(w.a))
		body["client_id"] = w.a.id
		edit(body)
		if g := w.postJSON(http.MethodPut, "/register/"+w.a.id, body, w.a.token, w.a.cert); g.status != http.StatusBadRequest || g.code() != name {
			t.Errorf("%s: %d %s", name, g.status, g.body)
		}
	}
	if c, _ := w.server.Client(w.a.id); !slices.Equal(c.RedirectURIs, []string{w.a.redirect}) || c.JWKSURI != w.a.jwks {
		t.Errorf("a refused update changed %+v", c)
	}
	body = map[string]any{"client_id": w.a.id, "redirect_uris": []any{w.a.redirect}}
	if g := w.postJSON(http.MethodPut, "/register/"+w.a.id, body, w.a.token, w.a.cert); g.status != http.StatusOK || g.text("software_statement") == "" {
		t.Errorf("update of little: %d %s", g.status, g.body)
	}
}

func TestADeletedClientIsNobody(t *testing.T) {
	w := newWorld(t)
	tokens, x := w.granted(w.a)
	if g := w.postJSON(http.MethodDelete, "/register/"+w.a.id, nil, w.a.token, w.a.cert); g.status != http.StatusNoContent || len(g.body) != 0 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if g := w.postJSON(method, "/register/"+w.a.id, nil, w.a.token, w.a.cert); g.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", method, g.status)
		}
	}
	if _, err := w.introspect(tokens.text("access_token"), w.a.cert); introspected(err) != "revoked" {
		t.Error(err)
	}
	if g := w.refresh(w.a, tokens.text("refresh_token")); g.status != http.StatusUnauthorized || g.code() != "invalid_client" {
		t.Errorf("refresh: %d %s", g.status, g.body)
	}
	if g := w.push(w.a, w.objectClaims(w.a, dataScope(x))); g.code() != "invalid_client" {
		t.Errorf("push: %d %s", g.status, g.body)
	}
	if g := w.register(w.a, nil); g.status != http.StatusCreated {
		t.Errorf("register again: %d %s", g.status, g.body)
	}
}

func TestAClientIDIsNeverGivenTwice(t *testing.T) {
	w := newWorld(t)
	given := map[string]bool{w.a.id: true, w.b.id: true}
	for range 3 {
		if g := w.postJSON(http.MethodDelete, "/register/"+w.a.id, nil, w.a.token, w.a.cert); g.status != http.StatusNoContent {
			t.Fatalf("%d %s", g.status, g.body)
		}
		w.restart() // the sequence of ids begins again
		g := w.register(w.a, nil)
		if w.a.id, w.a.token = g.text("client_id"), g.text("registration_access_token"); g.status != http.StatusCreated || given[w.a.id] {
			t.Fatalf("%d %s", g.status, g.body)
		}
		given[w.a.id] = true
	}
}

func TestTheInstitutionForgetsARegistration(t *testing.T) {
	w := newWorld(t)
	tokens, _ := w.granted(w.a)
	software := w.statement(w.a)["software_id"].(string)
	for range 2 { // of one that is gone there is nothing to forget
		if err := w.server.Forget(t.Context(), software); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.introspect(tokens.text("access_token"), w.a.cert); introspected(err) != "revoked" {
		t.Error(err)
	}
	if g := w.register(w.a, nil); g.status != http.StatusCreated {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestARestartKeepsClientsGrantsTokensAndRevocations(t *testing.T) {
	w := newWorld(t)
	tokens, _ := w.granted(w.a)
	access, refresh := tokens.text("access_token"), tokens.text("refresh_token")
	dead := w.refresh(w.a, refresh).text("access_token")
	if g := w.form("/revocation", w.asserted(w.a, url.Values{"token": {dead}}), w.a.cert); g.status != http.StatusOK {
		t.Fatalf("%d %s", g.status, g.body)
	}
	before, err := w.introspect(access, w.a.cert)
	if err != nil {
		t.Fatal(err)
	}
	w.restart()
	after, err := w.introspect(access, w.a.cert)
	if err != nil || after.Subject != before.Subject || after.ConsentID != before.ConsentID || !slices.Equal(after.Scopes, before.Scopes) {
		t.Errorf("%+v %v", after, err)
	}
	if _, err := w.introspect(dead, w.a.cert); introspected(err) != "revoked" {
		t.Errorf("a revoked token lives again: %v", err)
	}
	if g := w.refresh(w.a, refresh); g.status != http.StatusOK {
		t.Errorf("%d %s", g.status, g.body)
	}
	if g := w.postJSON(http.MethodGet, "/register/"+w.a.id, nil, w.a.token, w.a.cert); g.status != http.StatusOK || g.json["client_id_issued_at"] != float64(start.Unix()) {
		t.Errorf("%d %s", g.status, g.body)
	}
	tokens, _ = w.granted(w.a)
	if tokens.status != http.StatusOK {
		t.Error("no journey after a restart")
	}
}

func TestASubjectNameIsReadAsMeant(t *testing.T) {
	w := newWorld(t)
	c := w.fresh()
	org := "OFBBR-" + c.org
	der, err := asn1.MarshalWithParams(org, "utf8")
	if err != nil {
		t.Fatal(err)
	}
	subject := c.cert.Subject
	names := func(orgText string) string {
		return strings.ToUpper("CN="+subject.CommonName) + ",UID=" + c.software + "," + orgText + ",L=" + subject.Locality[0] + ",ST=" + subject.Province[0] +
			",O=" + subject.Organization[0] + ",C=BR,2.5.4.5=" + subject.SerialNumber + ",1.3.6.1.4.1.311.60.2.1.3=BR,2.5.4.15=Private Organization"
	}
	for _, dn := range []string{names("2.5.4.97=" + org), names("organizationIdentifier=" + org), names("2.5.4.97=#" + hex.EncodeToString(der))} {
		g := w.register(c, func(_, body map[string]any) { body["tls_client_auth_subject_dn"] = dn })
		if g.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", dn, g.status, g.body)
		}
		c.id, c.token = g.text("client_id"), g.text("registration_access_token")
		c = w.fresh()
	}
}

func TestACertificateTrustDoesNotAcceptOpensNothing(t *testing.T) {
	w := newWorld(t)
	w.trust.refused = map[*x509.Certificate]bool{w.a.cert: true}
	if g := w.own(w.a, "consents"); g.status != http.StatusUnauthorized || g.code() != "invalid_client" {
		t.Errorf("%d %s", g.status, g.body)
	}
	if g := w.register(w.a, nil); g.status != http.StatusUnauthorized {
		t.Errorf("%d %s", g.status, g.body)
	}
}
