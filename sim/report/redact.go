package report

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/ensaio/ensaio/sim/journal"
)

// Redacted replaces what must not be kept.
const Redacted = journal.Redacted

// secretNames are members, parameters and headers whose value is a credential, in lower case.
var secretNames = map[string]bool{
	"access_token": true, "refresh_token": true, "id_token": true, "code": true, "client_assertion": true,
	"code_verifier": true, "request": true, "registration_access_token": true, "software_statement": true,
	"client_secret": true, "password": true, "authorization": true, "cookie": true, "set-cookie": true,
	"csrf": true, "token": true, "d": true, "p": true, "q": true, "dp": true, "dq": true, "qi": true, "k": true,
	"proxy-authorization": true, "initial_access_token": true, "assertion": true,
}

// personNames are members whose value identifies a person.
var personNames = map[string]bool{
	"cpf": true, "cnpj": true, "cpfnumber": true, "cnpjnumber": true, "cpfcnpj": true, "identification": true,
	"username": true, "email": true, "proxy": true, "civilname": true, "socialname": true, "name": false,
}

// RedactText removes tokens, keys and identity documents from free text.
func RedactText(s string) string { return journal.Redact(s) }

// RedactURL removes credentials from the query and fragment of an address.
func RedactURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return RedactText(s)
	}
	u.User = nil
	u.RawQuery = redactForm(u.RawQuery)
	frag := ""
	if u.Fragment != "" {
		frag = "#" + redactForm(u.EscapedFragment())
		u.Fragment, u.RawFragment = "", ""
	}
	return RedactText(u.String() + frag)
}

func redactForm(form string) string {
	if form == "" {
		return ""
	}
	parts := strings.Split(form, "&")
	for i, p := range parts {
		name, value, has := strings.Cut(p, "=")
		if !has {
			parts[i] = RedactText(p)
			continue
		}
		switch lower := strings.ToLower(name); {
		case secretNames[lower]:
			parts[i] = name + "=" + Redacted
		case personNames[lower]:
			parts[i] = name + "=" + maskAll(value)
		default:
			parts[i] = name + "=" + RedactText(value)
		}
	}
	return strings.Join(parts, "&")
}

func redactHeader(name, value string) string {
	lower := strings.ToLower(name)
	switch {
	case lower == "authorization":
		scheme, _, _ := strings.Cut(value, " ")
		if len(scheme) > 10 {
			scheme = ""
		}
		return strings.TrimSpace(scheme + " " + Redacted)
	case secretNames[lower]:
		return Redacted
	case lower == "location":
		return RedactURL(value)
	}
	return RedactText(value)
}

// RedactBody returns the readable, redacted text of a body: JSON indented, forms split by line, pages
// and signed messages reduced to a word.
func RedactBody(contentType string, body []byte) string {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return ""
	}
	text := ""
	var v any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	switch {
	case dec.Decode(&v) == nil && (body[0] == '{' || body[0] == '['):
		b, err := json.MarshalIndent(redactValue("", v), "", "  ")
		if err != nil {
			return Redacted
		}
		text = string(b)
	case strings.Contains(contentType, "x-www-form-urlencoded"):
		text = strings.ReplaceAll(redactForm(string(body)), "&", "\n")
	default:
		text = RedactText(string(body))
	}
	if len(text) > maxBody {
		text = strings.ToValidUTF8(text[:maxBody], "") + "\n… cut here"
	}
	return text
}

func redactValue(name string, v any) any {
	lower := strings.ToLower(name)
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, inner := range v {
			out[k] = redactValue(k, inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = redactValue(name, inner)
		}
		return out
	case string:
		switch {
		case secretNames[lower] && !looksLikeErrorCode(lower, v):
			return Redacted
		case personNames[lower]:
			return maskAll(v)
		}
		return RedactText(v)
	}
	return v
}

// looksLikeErrorCode tells the code of an error list (upper-case words) from an authorization code.
func looksLikeErrorCode(name, v string) bool {
	if name != "code" {
		return false
	}
	for _, r := range v {
		if (r < 'A' || r > 'Z') && r != '_' && (r < '0' || r > '9') {
			return false
		}
	}
	return len(v) < 64 && strings.ContainsAny(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")
}

func maskAll(s string) string {
	if len(s) <= 2 {
		return Redacted
	}
	return Redacted + s[len(s)-2:]
}
