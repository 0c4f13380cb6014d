package directory

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever is asked of any host of the directory, in whatever words, is answered, and never with a fault
// of its own.
func FuzzAnyAddress(f *testing.F) {
	hosts := At(1).Hosts()
	for i, s := range []string{"/participants", "/roles", "/organisations", "/organisations/" + auroraID + "/softwarestatements", "/token",
		"/.well-known/openid-configuration", "/jwks", "/organisations/" + auroraID + "/softwarestatements/x/assertion", "//..//", "/organisations/%00"} {
		f.Add(uint8(i), "GET", s, "page=-1&size=1e9", "Bearer x", "")
		f.Add(uint8(i), "POST", s, "", "basic", "grant_type=client_credentials&client_id=%zz&scope=directory%3Asoftware")
	}
	ca, err := authority1()
	if err != nil {
		f.Fatal(err)
	}
	d, err := New(Config{Authority: ca, Clock: ca1Clock, Base: At(1)})
	if err != nil {
		f.Fatal(err)
	}
	public, control := d.Handler(), d.Control()
	f.Fuzz(func(t *testing.T, host uint8, method, path, query, authorization, body string) {
		if !strings.HasPrefix(path, "/") || method == "" {
			t.Skip("net/http lets no such request through")
		}
		for _, h := range []struct {
			name  string
			serve func(*httptest.ResponseRecorder)
		}{
			{"directory", func(out *httptest.ResponseRecorder) {
				r := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(body))
				r.Method, r.Host, r.URL = method, hosts[int(host)%len(hosts)], &url.URL{Path: path, RawQuery: query}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header["Authorization"] = []string{authorization}
				public.ServeHTTP(out, r)
			}},
			{"control", func(out *httptest.ResponseRecorder) {
				r := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(body))
				r.Method, r.URL = method, &url.URL{Path: path, RawQuery: query}
				control.ServeHTTP(out, r)
			}},
		} {
			out := httptest.NewRecorder()
			h.serve(out)
			if out.Code >= 500 {
				t.Fatalf("%s %s %q ? %q: %d %s", h.name, method, path, query, out.Code, out.Body)
			}
		}
	})
}
