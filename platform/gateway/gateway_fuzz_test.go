package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/platform/gateway"
)

// Whatever path, query, headers and body a call has, it is answered in the one form of the standard, and
// nothing of the call can reach into another member of the answer or break a link.
func FuzzCall(f *testing.F) {
	f.Add("GET", accounts, "page=1&page-size=25", "Accept", "*/*", "")
	f.Add("GET", accounts+"/a1/balances", "page=\x00&page=%zz", "x-fapi-interaction-id", "\"},{", "")
	f.Add("GET", past, `fromBookingDate=2026-01-01&toBookingDate=2026-03-02&pagination-key=%22%2C%22`, "Accept", "application/json;q=0.0001", "")
	f.Add("GET", current, "fromBookingDate=99999-99-99&creditDebitIndicator=%3Cx%3E", "Authorization", "Bearer  ", "")
	f.Add("GET", list, `a"b=c"d&page=9223372036854775808`, "x-forwarded-client-cert", "-----BEGIN", "")
	f.Add("POST", "/open-banking/consents/v3/consents", "", "Content-Type", "application/json; charset=utf-7", `{"data":{"permissions":["ACCOUNTS_READ"]}}`)
	f.Add("DELETE", "/open-banking/consents/v3/consents/urn:x:\u2028", "", "X-Idempotency-Key", strings.Repeat("k", 41), "")
	w := open(f, func(c *gateway.Config) { c.Limits = gateway.Limits{} })
	f.Fuzz(func(t *testing.T, method, path, query, header, value, body string) {
		at := &url.URL{Path: path, RawQuery: query}
		if _, err := url.ParseRequestURI(at.RequestURI()); err != nil || strings.ContainsAny(query, " \r\n\t#") {
			t.Skip("net/http lets no such address through")
		}
		for _, c := range query {
			if c < ' ' || c == 0x7f {
				t.Skip("net/http lets no such address through")
			}
		}
		token := "good"
		if strings.Contains(path, "consents") {
			token = "client"
		}
		r := w.prepare(request{path: "/", token: token, body: body})
		r.Method, r.URL = method, at
		r.Header[http.CanonicalHeaderKey(header)] = []string{value}
		out := httptest.NewRecorder()
		w.ServeHTTP(out, r)
		answer := out.Result()
		if answer.StatusCode >= 500 {
			t.Fatalf("%s %q ? %q, %q: %q is answered %d %s", method, path, query, header, value, answer.StatusCode, out.Body)
		}
		if out.Body.Len() == 0 {
			return
		}
		var a answered
		if err := json.Unmarshal(out.Body.Bytes(), &a); err != nil {
			t.Fatalf("%d %s: %v", answer.StatusCode, out.Body, err)
		}
		if answer.StatusCode >= 400 && (len(a.Errors) == 0 || a.Meta["requestDateTime"] == nil) {
			t.Fatalf("%d %s is no error of the standard", answer.StatusCode, out.Body)
		}
		for name, link := range a.Links {
			u, err := url.Parse(link)
			if err != nil || !strings.HasPrefix(link, base+"/") || strings.ContainsAny(link, " <>\"\\^`{|}") {
				t.Fatalf("link %s %q: %v", name, link, err)
			}
			_ = u
		}
		if id := answer.Header.Get("x-fapi-interaction-id"); len(id) != 36 {
			t.Fatalf("interaction id %q", id)
		}
	})
}
