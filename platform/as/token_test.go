package as_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/jose"
)

func TestACodeIsUsedOnceAndItsReuseEndsWhatItGave(t *testing.T) {
	w := newWorld(t)
	v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
	first := w.redeem(w.a, v.Get("code"))
	if second := w.redeem(w.a, v.Get("code")); second.status != http.StatusBadRequest || second.code() != "invalid_grant" {
		t.Errorf("%d %s", second.status, second.body)
	}
	if _, err := w.introspect(first.text("access_token"), w.a.cert); introspected(err) != "revoked" {
		t.Errorf("the access token of the first use lives: %v", err)
	}
	if g := w.refresh(w.a, first.text("refresh_token")); g.code() != "invalid_grant" {
		t.Errorf("the refresh token of the first use lives: %d", g.status)
	}
}

func TestAnAssertionIsUsedOnceOverARestart(t *testing.T) {
	w, dir := newWorld(t), t.TempDir()
	again := func() {
		t.Helper()
		var err error
		if w.seen, err = memo.OpenSeen(dir, w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		w.restart()
	}
	again()
	f := w.asserted(w.a, url.Values{"grant_type": {"client_credentials"}, "scope": {"consents"}})
	if g := w.form("/token", f, w.a.cert); g.status != http.StatusOK {
		t.Fatalf("%d %s", g.status, g.body)
	}
	again() // as after a kill
	if g := w.form("/token", f, w.a.cert); g.code() != "invalid_client" {
		t.Errorf("%d %s", g.status, g.body)
	}
	if g := w.own(w.a, "consents"); g.status != http.StatusOK {
		t.Errorf("another assertion: %d %s", g.status, g.body)
	}
	if err := w.seen.Close(); err != nil {
		t.Fatal(err)
	}
	if g := w.own(w.a, "consents"); g.status != http.StatusServiceUnavailable || g.code() != "temporarily_unavailable" {
		t.Errorf("an assertion that cannot be remembered: %d %s", g.status, g.body)
	}
}

func TestAnotherClientsAttemptDoesNotSpendACode(t *testing.T) {
	w := newWorld(t)
	v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
	if g := w.redeem(w.b, v.Get("code")); g.code() != "invalid_grant" {
		t.Fatalf("%d %s", g.status, g.body)
	}
	if g := w.redeem(w.a, v.Get("code")); g.status != http.StatusOK {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestACodeDies(t *testing.T) {
	w := newWorld(t)
	v := w.authorised(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))), "ana", "ana-1")
	w.clock.Advance(61 * time.Second)
	if g := w.redeem(w.a, v.Get("code")); g.code() != "invalid_grant" {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestARefreshTokenStaysAndLivesLong(t *testing.T) {
	w := newWorld(t)
	g, _ := w.granted(w.a)
	refresh, full := g.text("refresh_token"), g.text("scope")
	for range 3 {
		w.clock.Advance(100 * 24 * time.Hour)
		g := w.refresh(w.a, refresh)
		if n, _ := g.json["expires_in"].(float64); g.status != http.StatusOK || g.text("refresh_token") != refresh || n < 300 || n > 900 || g.text("scope") != full {
			t.Fatalf("%d %s", g.status, g.body)
		}
	}
	less := w.refresh(w.a, refresh, "openid accounts")
	live, err := w.introspect(less.text("access_token"), w.a.cert)
	if err != nil || live.Has("resources") || !live.Has("accounts") || strings.Contains(less.text("scope"), "resources") {
		t.Errorf("%s: %+v %v", less.body, live, err)
	}
	if g := w.refresh(w.a, refresh); g.text("scope") != full {
		t.Errorf("the grant was narrowed: %s", g.body)
	}
}

func TestAnAccessTokenExpires(t *testing.T) {
	w := newWorld(t)
	access := w.own(w.a, "consents").text("access_token")
	w.clock.Advance(900*time.Second - time.Millisecond)
	if _, err := w.introspect(access, w.a.cert); err != nil {
		t.Error(err)
	}
	w.clock.Advance(time.Millisecond)
	if _, err := w.introspect(access, w.a.cert); introspected(err) != "expired" {
		t.Error(err)
	}
	if got := userinfo(w, access, w.a.cert); got != "invalid_token" {
		t.Error(got)
	}
}

func TestNoTokenLooksLikeAnother(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	var last string
	for range 50 {
		token := w.own(w.a, "consents").text("access_token")
		if len(token) < 43 || seen[token[:16]] {
			t.Fatalf("guessable: %s", token)
		}
		seen[token[:16]], last = true, token
	}
	for _, token := range []string{"", "x", last[:len(last)-2], last + "A", last[:20] + "AAAA" + last[24:], strings.Repeat("A", 10_000)} {
		if _, err := w.introspect(token, w.a.cert); introspected(err) != "malformed" {
			t.Errorf("%.20s…: %v", token, err)
		}
	}
}

func TestTheEndOfAConsentEndsItsTokens(t *testing.T) {
	w := newWorld(t)
	g, x := w.granted(w.a)
	w.revoke(x)
	if _, err := w.introspect(g.text("access_token"), w.a.cert); introspected(err) != "revoked" {
		t.Error(err)
	}
	w.restart()
	if _, err := w.introspect(g.text("access_token"), w.a.cert); introspected(err) != "revoked" {
		t.Error(err)
	}
	if g := w.refresh(w.a, g.text("refresh_token")); g.code() != "invalid_grant" {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestRevocationSaysNothingOfUnknownTokens(t *testing.T) {
	w := newWorld(t)
	g, _ := w.granted(w.a)
	for _, token := range []string{"unknown", g.text("refresh_token")} {
		if g := w.form("/revocation", w.asserted(w.a, url.Values{"token": {token}}), w.a.cert); g.status != http.StatusOK {
			t.Errorf("%d %s", g.status, g.body)
		}
	}
	if g := w.refresh(w.a, g.text("refresh_token")); g.code() != "invalid_grant" {
		t.Errorf("%d %s", g.status, g.body)
	}
	if _, err := w.introspect(g.text("access_token"), w.a.cert); introspected(err) != "revoked" {
		t.Error(err)
	}
}

// A consent whose tokens were given back lives on, and is still one that gave tokens: the consent stock counts
// it, until it ends.
func TestAConsentGaveTokensThoughTheyWereRevoked(t *testing.T) {
	w := newWorld(t)
	g, x := w.granted(w.a)
	before, _ := w.server.Granted(x.ID)
	if g := w.form("/revocation", w.asserted(w.a, url.Values{"token": {g.text("refresh_token")}}), w.a.cert); g.status != http.StatusOK {
		t.Fatalf("%d %s", g.status, g.body)
	}
	for range 2 {
		if at, known := w.server.Granted(x.ID); !known || !at.Equal(before) {
			t.Errorf("granted at %v, %v; it was %v", at, known, before)
		}
		if g := w.refresh(w.a, g.text("refresh_token")); g.code() != "invalid_grant" {
			t.Errorf("%d %s", g.status, g.body)
		}
		if _, err := w.introspect(g.text("access_token"), w.a.cert); introspected(err) != "revoked" {
			t.Error(err)
		}
		w.restart()
	}
	w.revoke(x)
	w.clock.Advance(2 * time.Hour)
	_, other := w.granted(w.a)
	w.revoke(other) // the next end of a consent takes those along whose while is over
	if _, known := w.server.Granted(x.ID); known || w.kept("grant") != 1 {
		t.Errorf("%d grants are kept long after the end of all but one of their consents", w.kept("grant"))
	}
}

func TestAssertionAudiences(t *testing.T) {
	w := newWorld(t)
	for _, aud := range []any{issuer, mtls + "/token", mtls + "/par", []any{issuer, "https://other.test"}, []any{mtls + "/token"}} {
		claims := w.assertionClaims(w.a)
		claims["aud"] = aud
		f := w.asserted(w.a, url.Values{"request": {w.sign(w.objectClaims(w.a, dataScope(w.dataConsent(w.a))), w.a.sig)}})
		f.Set("client_assertion", w.sign(claims, w.a.sig))
		if g := w.form("/par", f, w.a.cert); g.status != http.StatusCreated {
			t.Errorf("%v: %d %s", aud, g.status, g.body)
		}
	}
}

func TestAnEncryptedRequestObjectIsRead(t *testing.T) {
	w := newWorld(t)
	inner := w.sign(w.objectClaims(w.a, dataScope(w.dataConsent(w.a))), w.a.sig)
	out, err := jose.Encrypt([]byte(inner), w.bankEnc)
	if err != nil {
		t.Fatal(err)
	}
	if g := w.form("/par", w.asserted(w.a, url.Values{"request": {out}}), w.a.cert); g.status != http.StatusCreated {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestVariationsThatAreLawful(t *testing.T) {
	for name, edit := range map[string]func(*world, map[string]any){
		"audience list": func(_ *world, c map[string]any) { c["aud"] = []any{issuer, "https://other.test"} },
		"long nonce":    func(_ *world, c map[string]any) { c["nonce"] = strings.Repeat("n", 384) },
		"long state":    func(_ *world, c map[string]any) { c["state"] = strings.Repeat("s é&=#", 200) },
		"fragment mode": func(_ *world, c map[string]any) { c["response_mode"] = "fragment" },
		"nbf ahead":     func(w *world, c map[string]any) { c["nbf"] = w.clock.Now().Add(8 * time.Second).Unix() },
		"claims with cpf": func(_ *world, c map[string]any) {
			c["claims"] = map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true}, "cpf": map[string]any{"essential": true}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			claims := w.objectClaims(w.a, dataScope(w.dataConsent(w.a)))
			edit(w, claims)
			g := w.push(w.a, claims)
			if g.status != http.StatusCreated {
				t.Fatalf("%d %s", g.status, g.body)
			}
			v := w.authorised(w.a, g.text("request_uri"), "ana", "ana-1")
			id := w.idToken(w.a, v.Get("id_token"))
			if v.Get("state") != claims["state"] || id.String("nonce") != claims["nonce"] || id.String("acr") == "" {
				t.Errorf("%v %v", v, id.Claims)
			}
		})
	}
}

func TestErrorsTellNothing(t *testing.T) {
	w := newWorld(t)
	for name, g := range map[string]got{
		"no form":          w.do(w.server.MTLS(), http.MethodPost, mtls+"/token", http.Header{"Content-Type": {"application/json"}}, []byte("{}"), w.a.cert),
		"wrong method":     w.do(w.server.MTLS(), http.MethodGet, mtls+"/token", nil, nil, w.a.cert),
		"unknown path":     w.do(w.server.MTLS(), http.MethodGet, mtls+"/nothing", nil, nil, w.a.cert),
		"no grant type":    w.form("/token", w.asserted(w.a, url.Values{}), w.a.cert),
		"other grant type": w.form("/token", w.asserted(w.a, url.Values{"grant_type": {"password"}}), w.a.cert),
		"huge":             w.form("/par", w.asserted(w.a, url.Values{"request": {strings.Repeat("x", 1<<20)}}), w.a.cert),
		"garbage":          w.form("/par", url.Values{"client_assertion": {"a.b.c"}}, w.a.cert),
		"no json":          w.do(w.server.MTLS(), http.MethodPost, mtls+"/register", nil, []byte("["), w.a.cert),
		"keys not to be had": func() got {
			delete(w.trust.sets, w.b.jwks)
			return w.own(w.b, "consents")
		}(),
	} {
		if g.status < 400 || g.code() == "" || !strings.HasPrefix(g.header.Get("Content-Type"), "application/json") || g.header.Get("Cache-Control") != "no-store" ||
			strings.Contains(string(g.body), "goroutine") || strings.Contains(string(g.body), "key set") {
			t.Errorf("%s: %d %s %v", name, g.status, g.body, g.header)
		}
	}
	if g := w.form("/token", w.asserted(w.a, url.Values{"grant_type": {"password"}}), w.a.cert); g.code() != "unsupported_grant_type" {
		t.Errorf("%d %s", g.status, g.body)
	}
}
