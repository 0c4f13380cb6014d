package tpp

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ensaio/ensaio/sim/jose"
)

const hidden = "[redacted]"

// Parameters and members whose value is a secret.
var secrets = map[string]bool{
	"access_token": true, "refresh_token": true, "id_token": true, "code": true, "code_verifier": true, "client_assertion": true,
	"request": true, "request_uri": true, "registration_access_token": true, "software_statement": true, "token": true,
	"password": true, "client_secret": true, "id_token_hint": true, "state": true, "nonce": true, "jti": true, "csrf": true, "username": true,
}

// runs are runs of digits: of the length of a CPF or CNPJ they are taken for one, whatever stands beside
// them. punctuated are the written forms, and the alphanumeric CNPJ.
var (
	runs       = regexp.MustCompile(`\d{11,}`)
	punctuated = regexp.MustCompile(`\d{3}\.\d{3}\.\d{3}-\d{2}|[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-\d{2}|\b[0-9A-Z]{12}\d{2}\b`)
)

// Redacted is a copy of the exchange for reports: tokens, assertions, codes, keys, passwords and the
// digits of documents are gone, the shape of everything stays.
func (e *Exchange) Redacted() *Exchange {
	r := *e
	r.URL = redactURL(e.URL)
	r.RequestHeader, r.Header = redactHeader(e.RequestHeader), redactHeader(e.Header)
	r.RequestBody, r.Body = redactBody(e.RequestBody), redactBody(e.Body)
	r.RequestClaims, _ = redactValue("", e.RequestClaims).(map[string]any)
	r.Claims, _ = redactValue("", e.Claims).(map[string]any)
	r.TLS, r.token = nil, ""
	return &r
}

func redactHeader(h http.Header) http.Header {
	if h == nil {
		return nil
	}
	h = maps.Clone(h)
	for name, values := range h {
		values = slices.Clone(values)
		for i, v := range values {
			switch strings.ToLower(name) {
			case "authorization":
				scheme, _, _ := strings.Cut(v, " ")
				values[i] = scheme + " " + hidden
			case "cookie", "set-cookie":
				values[i] = hidden
			case "location":
				values[i] = redactURL(v)
			default:
				values[i] = redactText(v)
			}
		}
		h[name] = values
	}
	return h
}

func redactBody(body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "ey") {
		if t, err := jose.Parse(text); err == nil && t.Claims != nil {
			return encoded(map[string]any{"header": redactValue("", t.Header), "claims": redactValue("", t.Claims), "signature": hidden})
		}
		return []byte(hidden)
	}
	var v any
	if json.Unmarshal(body, &v) == nil {
		return encoded(redactValue("", v))
	}
	if form, err := url.ParseQuery(text); err == nil && strings.Contains(text, "=") && !strings.ContainsAny(text, " <\n") {
		return []byte(redactQuery(form).Encode())
	}
	return []byte(redactText(text))
}

func encoded(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte(hidden)
	}
	return b
}

func redactQuery(form url.Values) url.Values {
	out := url.Values{}
	for name, values := range form {
		for _, v := range values {
			if secrets[name] {
				v = hidden
			}
			out.Add(redactText(name), redactText(v))
		}
	}
	return out
}

func redactURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return hidden
	}
	if u.RawQuery != "" {
		u.RawQuery = redactQuery(u.Query()).Encode()
	}
	if fragment, err := url.ParseQuery(u.EscapedFragment()); err == nil && u.Fragment != "" {
		u.Fragment, u.RawFragment = "", ""
		return redactText(u.String()) + "#" + redactQuery(fragment).Encode()
	}
	u.User = nil
	return redactText(u.String())
}

func redactValue(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[redactText(k)] = redactValue(k, item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = redactValue(name, item)
		}
		return out
	case string:
		if secrets[name] && v != "" {
			return hidden
		}
		return redactText(v)
	case float64:
		if text := strconv.FormatFloat(v, 'f', -1, 64); redactText(text) != text {
			return hidden
		}
	}
	return v
}

func redactText(s string) string {
	if strings.HasPrefix(s, "eyJ") && strings.Count(s, ".") >= 2 {
		return hidden
	}
	s = runs.ReplaceAllStringFunc(s, func(run string) string {
		if len(run) == 11 || len(run) == 14 {
			return hidden
		}
		return run
	})
	return punctuated.ReplaceAllString(s, hidden)
}

func parseUnverified(compact string) (jose.Token, error) {
	return jose.Parse(strings.TrimSpace(compact))
}
