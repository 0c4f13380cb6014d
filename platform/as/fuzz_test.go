package as_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/ensaio/ensaio/sim/jose"
)

// sound says whether an answer is one the server meant to give.
func sound(t *testing.T, g got) {
	t.Helper()
	if g.status >= 500 || (g.status >= 400 && g.code() == "") {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func FuzzPushedForm(f *testing.F) {
	w := newWorld(f)
	f.Add("client_assertion=a.b.c&request=x")
	f.Add("request=..&request_uri=urn:x&%zz")
	f.Fuzz(func(t *testing.T, body string) {
		w := w.in(t)
		h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		sound(t, w.do(w.server.MTLS(), http.MethodPost, mtls+"/par", h, []byte(body), w.a.cert))
	})
}

func FuzzClientAssertion(f *testing.F) {
	w := newWorld(f)
	f.Add(`{"iss":"x","sub":1,"aud":[1,{}],"exp":1e400}`)
	f.Add(`{"aud":"` + issuer + `","exp":99999999999999999999,"jti":"1"}`)
	f.Fuzz(func(t *testing.T, claims string) {
		w := w.in(t)
		compact, err := jose.SignAs("none", []byte(claims), nil, map[string]any{"kid": w.a.sig.ID})
		if err != nil {
			t.Fatal(err) // an unsigned message is made of anything
		}
		for _, assertion := range []string{claims, compact} {
			sound(t, w.form("/token", url.Values{"client_assertion": {assertion}, "client_id": {w.a.id}, "grant_type": {"client_credentials"}}, w.a.cert))
		}
	})
}

func FuzzRequestObject(f *testing.F) {
	w := newWorld(f)
	for _, rule := range []string{"AS-CA-05/has-assertion", "AS-PAR-03/has-assertion", "AS-REQ-01/not-unsigned"} {
		w.off(rule)
	}
	f.Add(`{"scope":["openid"],"exp":"1","nbf":-1,"redirect_uri":{}}`)
	f.Add(`{"scope":"openid consent:","response_type":"id_token code"}`)
	f.Fuzz(func(t *testing.T, claims string) {
		w := w.in(t)
		compact, err := jose.SignAs("none", []byte(claims), nil, nil)
		if err != nil {
			t.Fatal(err) // an unsigned message is made of anything
		}
		for _, object := range []string{claims, compact} {
			sound(t, w.form("/par", url.Values{"request": {object}, "client_id": {w.a.id}}, w.a.cert))
		}
	})
}

func FuzzRegistration(f *testing.F) {
	w := newWorld(f)
	f.Add(`{"software_statement":"a.b.c"}`, `{"software_redirect_uris":[1]}`)
	f.Add(`{"redirect_uris":"x","jwks":{}}`, `{"software_statement_roles":[{"role":1}]}`)
	f.Fuzz(func(t *testing.T, body, statement string) {
		w := w.in(t)
		sound(t, w.do(w.server.MTLS(), http.MethodPost, mtls+"/register", nil, []byte(body), w.a.cert))
		compact, err := jose.SignAs("none", []byte(statement), nil, nil)
		if err != nil {
			t.Fatal(err) // an unsigned message is made of anything
		}
		sound(t, w.postJSON(http.MethodPost, "/register", map[string]any{"software_statement": compact, "tls_client_auth_subject_dn": body}, "", w.a.cert))
	})
}

func FuzzAccessToken(f *testing.F) {
	w := newWorld(f)
	f.Add("x")
	f.Add(w.own(w.a, "consents").text("access_token")[:100])
	f.Fuzz(func(t *testing.T, token string) {
		w := w.in(t)
		if _, err := w.introspect(token, w.a.cert); err == nil {
			t.Errorf("%q is accepted", token)
		}
	})
}

func BenchmarkIntrospect(b *testing.B) {
	w := newWorld(b)
	g, _ := w.granted(w.a)
	token := g.text("access_token")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.introspect(token, w.a.cert); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClientCredentials(b *testing.B) {
	w := newWorld(b)
	b.Run("sign", func(b *testing.B) { // what the client's side of the loop below costs by itself
		for b.Loop() {
			w.sign(w.assertionClaims(w.a), w.a.sig)
		}
	})
	b.Run("token", func(b *testing.B) {
		for b.Loop() {
			if g := w.own(w.a, "consents"); g.status != http.StatusOK {
				b.Fatalf("%s", g.body)
			}
		}
	})
}
