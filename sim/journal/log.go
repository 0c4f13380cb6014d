package journal

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// secret are the names of attributes whose value is never written, whatever it looks like.
var secret = map[string]bool{
	"authorization": true, "password": true, "token": true, "access_token": true, "refresh_token": true, "id_token": true,
	"code": true, "code_verifier": true, "client_assertion": true, "assertion": true, "request": true, "registration_access_token": true,
	"software_statement": true, "client_secret": true, "cookie": true, "set-cookie": true, "csrf": true, "username": true,
	"cpf": true, "cnpj": true, "key": true,
}

// Log makes the handler of a log in JSON lines, in which no credential and no document of a person is ever
// written: the same door as the journal's.
func Log(w io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: Guard})
}

// Guard removes secrets from an attribute. It is a ReplaceAttr of [slog.HandlerOptions].
func Guard(_ []string, a slog.Attr) slog.Attr {
	if secret[strings.ToLower(a.Key)] {
		return slog.String(a.Key, Redacted)
	}
	switch v := a.Value; v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, line(v.String()))
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		if s := v.String(); !plain(s) {
			return slog.String(a.Key, line(s))
		}
	case slog.KindAny:
		if _, level := v.Any().(slog.Level); level {
			return a
		}
		return slog.String(a.Key, line(written(v.Any())))
	case slog.KindBool, slog.KindDuration, slog.KindTime, slog.KindGroup, slog.KindLogValuer:
	}
	return a
}

// written is a value in words.
func written(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case []byte:
		return string(v)
	}
	if b, err := json.Marshal(v); err == nil {
		return string(b)
	}
	return fmt.Sprint(v)
}

// line is a text of a log: longer than one of the record may be, as stacks are.
func line(s string) string {
	if plain(s) {
		return s
	}
	const longestLine = 16 << 10
	if len(s) > longestLine {
		s = strings.ToValidUTF8(s[:longestLine], "") + "…"
	}
	return opaque.ReplaceAllString(Redact(s), Redacted)
}
