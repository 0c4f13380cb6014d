package as_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
)

func TestOverloadRefusesThirdPartiesAlone(t *testing.T) {
	w := newWorld(t)
	var asked []string
	full := false
	w.admit = func(_ context.Context, endpoint string) bool {
		asked = append(asked, endpoint)
		return !full
	}
	w.restart()
	if g := w.own(w.a, "consents"); g.status != http.StatusOK {
		t.Fatalf("%d %s", g.status, g.body)
	}
	full = true
	for _, c := range []struct {
		host         http.Handler
		method, path string
	}{
		{w.server.MTLS(), "POST", mtls + "/token"}, {w.server.MTLS(), "POST", mtls + "/par"}, {w.server.MTLS(), "POST", mtls + "/revocation"},
		{w.server.MTLS(), "GET", mtls + "/userinfo"}, {w.server.MTLS(), "POST", mtls + "/register"}, {w.server.MTLS(), "GET", mtls + "/register/" + w.a.id},
		{w.server.MTLS(), "GET", mtls + "/elsewhere"}, {w.server.Public(), "GET", issuer + "/.well-known/openid-configuration"}, {w.server.Public(), "GET", issuer + "/jwks"},
	} {
		g := w.do(c.host, c.method, c.path, nil, nil, w.a.cert)
		if g.status != 529 || g.code() != "temporarily_unavailable" || g.header.Get("Retry-After") != "1" || g.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d %s %v", c.method, c.path, g.status, g.body, g.header)
		}
	}
	if want := []string{"token", "token", "par", "revocation", "userinfo", "register", "register", "error", "discovery", "jwks"}; !slices.Equal(asked, want) {
		t.Errorf("asked about %v", asked)
	}
	full = false
	uri := w.pushed(w.a, dataScope(w.dataConsent(w.a)))
	full, asked = true, nil
	if v := w.authorised(w.a, uri, "ana", "ana-1"); v.Get("code") == "" || len(asked) > 0 {
		t.Errorf("the customer's pages: %v, asked about %v", v, asked)
	}
}
