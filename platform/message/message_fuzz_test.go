package message

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/ensaio/ensaio/sim/jose"
)

// Whatever arrives as a message is refused with a status of the standard, or is JSON with data.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{"", ".", "a.b.c", "{}", string(write(nil)), string(write(func(l *letter) { l.alg = "none" })),
		string(write(func(l *letter) { l.claims["data"] = nil })), string(write(func(l *letter) { l.header["crit"] = []string{"exp"} }))} {
		f.Add([]byte(seed))
	}
	m := desk(nil)
	f.Fuzz(func(t *testing.T, body []byte) { judged(t, m, body) })
}

// A sound signature over any claims whatever proves nothing else.
func FuzzSignedClaims(f *testing.F) {
	for _, seed := range []string{`{}`, `[]`, `1`, `null`, `{"aud":[],"iss":1,"jti":{},"iat":1e400}`, `{"iat":-1,"jti":"","data":[]}`, `{"data":{"data":{}}}`} {
		f.Add([]byte(seed))
	}
	m := desk(nil)
	f.Fuzz(func(t *testing.T, claims []byte) {
		compact, err := jose.SignAs(jose.PS256, claims, theirs().Private, map[string]any{"typ": "JWT", "kid": theirs().ID})
		if err != nil {
			t.Skip("not signed")
		}
		judged(t, m, []byte(compact))
	})
}

func judged(t *testing.T, m *Messages, body []byte) {
	t.Helper()
	data, _, err := m.Open(context.Background(), body, theCall())
	if err == nil {
		if !json.Valid(data) {
			t.Fatalf("%q is opened as %q", body, data)
		}
		return
	}
	if code, _ := status(err); code < 400 || code > 499 {
		t.Fatalf("%q: %v", body, err)
	}
}
