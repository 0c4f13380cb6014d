package journal

import (
	"net/http"
	"regexp"
	"strings"
)

// Redacted stands for what must not be kept.
const Redacted = "•••"

var (
	pem        = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)`)
	compactJWx = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}(\.[A-Za-z0-9_-]*){1,4}`)
	bearer     = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}`)
	document   = regexp.MustCompile(`\b(\d{3}\.?\d{3}\.?\d{3}-?\d{2}|[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?\d{2})\b`)
	parameter  = regexp.MustCompile(`(?i)\b(access_token|refresh_token|id_token|code|client_assertion|code_verifier|request|registration_access_token|software_statement|client_secret|password|csrf)=[^&\s"'<>]+`)
	// opaque is what only a secret or a digest looks like: long, and of one piece. A UUID and a consent's
	// id are shorter.
	opaque = regexp.MustCompile(`[A-Za-z0-9_-]{40,}`)
)

// Redact removes tokens, keys and identity documents from free text.
func Redact(s string) string {
	if s == "" {
		return s
	}
	s = pem.ReplaceAllString(s, Redacted)
	s = compactJWx.ReplaceAllString(s, "‹JOSE "+Redacted+"›")
	s = bearer.ReplaceAllString(s, "$1 "+Redacted)
	s = parameter.ReplaceAllString(s, "$1="+Redacted)
	return document.ReplaceAllStringFunc(s, mask)
}

// mask keeps the last two characters of an identity document, and leaves what has no digit enough.
func mask(s string) string {
	digits := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if digits < 8 {
		return s
	}
	return Redacted + s[len(s)-2:]
}

// longest text that is kept of anything.
const longest = 300

// clean is a text for the record: bounded, and without secrets, opaque ones too.
func clean(s string) string {
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "")
	}
	return opaque.ReplaceAllString(Redact(s), Redacted)
}

// atTheDoor lets in only what has the shape of its field, whoever sent it.
func (e *Entry) atTheDoor() {
	if !isUUID(e.Interaction) {
		e.Interaction = ""
	}
	if !isConsent(e.Consent) {
		e.Consent = ""
	}
	switch e.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions, "":
	default:
		e.Method = "OTHER"
	}
	for _, f := range []*string{&e.Role, &e.Operation, &e.Endpoint, &e.Client, &e.Rule} {
		if !plain(*f) {
			*f = clean(*f)
		}
	}
}

// plain says that a text needs no second look: it is short, and no stretch of it is long enough for a
// document or a token.
func plain(s string) bool {
	if isUUID(s) {
		return true
	}
	if len(s) > longest {
		return false
	}
	stretch, digits := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
			stretch++
		case c == '=' || c == ' ' || c >= 0x80:
			return false
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '.', c == '-', c == '_':
			stretch++
		default:
			stretch, digits = 0, 0
		}
		if digits >= 8 && stretch >= 11 || stretch >= 40 && digits > 0 {
			return false
		}
	}
	return !strings.Contains(s, "eyJ")
}

// isUUID says whether s is a UUID in its text form.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// isConsent says whether s is a consent's id (AS-CONS-01) that names nobody: a URN of a namespace whose last
// part is a UUID or a number of up to 128 bits in hexadecimal.
func isConsent(s string) bool {
	rest, ok := strings.CutPrefix(s, "urn:")
	namespace, id, two := strings.Cut(rest, ":")
	if !ok || !two || namespace == "" || len(namespace) > 32 || strings.ContainsAny(namespace, "0123456789") {
		return false
	}
	if isUUID(id) {
		return true
	}
	for i := range len(id) {
		if !isHex(id[i]) {
			return false
		}
	}
	return len(id) == 32
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
