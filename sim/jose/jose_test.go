package jose

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestOnlyTheProfileVerifies(t *testing.T) {
	key, err := NewKey("sig")
	if err != nil {
		t.Fatal(err)
	}
	keys := Set{Keys: []Key{key}}
	good, err := Sign(map[string]any{"iss": "a"}, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tok, err := Verify(good, keys); err != nil || tok.String("iss") != "a" {
		t.Fatalf("a PS256 message of a known key must verify: %v", err)
	}
	weak, _ := SignAs("RS256", map[string]any{}, key.Private, map[string]any{"kid": key.ID})
	none, _ := SignAs("none", map[string]any{}, nil, map[string]any{"kid": key.ID})
	noKid, _ := SignAs("PS256", map[string]any{}, key.Private, nil)
	for name, c := range map[string]struct {
		compact string
		want    error
	}{
		"RS256":           {weak, ErrAlgorithm},
		"none":            {none, ErrAlgorithm},
		"no kid":          {noKid, ErrKey},
		"altered payload": {good[:len(good)-400] + strings.ToUpper(good[len(good)-400:len(good)-390]) + good[len(good)-390:], nil},
		"two parts":       {"a.b", ErrMalformed},
	} {
		_, err := Verify(c.compact, keys)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestOnlyTheProfileDecrypts(t *testing.T) {
	key, err := NewKey("enc")
	if err != nil {
		t.Fatal(err)
	}
	good, err := Encrypt([]byte("hello"), key)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := Decrypt(good, key); err != nil || string(out) != "hello" {
		t.Fatalf("got %q, %v", out, err)
	}
	old, err := EncryptAs("RSA1_5", "A256GCM", []byte("hello"), key.Public, key.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decrypt(old, key); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("RSA1_5 must be refused, got %v", err)
	}
	if out, err := DecryptAny(old, key); err != nil || string(out) != "hello" {
		t.Errorf("the judge must read it: %q, %v", out, err)
	}
}

func TestKeySetsSurviveTheWire(t *testing.T) {
	key, err := NewKey("sig")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(Set{Keys: []Key{key}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), `"d"`) {
		t.Fatal("a private part left the key set")
	}
	var back Set
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if k, ok := back.Find(key.ID, "sig"); !ok || k.Public.N.Cmp(key.Public.N) != 0 {
		t.Fatal("the key is lost")
	}
	p, err := key.MarshalPrivate()
	if err != nil {
		t.Fatal(err)
	}
	var whole Key
	if err := json.Unmarshal(p, &whole); err != nil || whole.Private == nil {
		t.Fatalf("private key: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("e30.e30.")
	f.Add("..")
	f.Fuzz(func(_ *testing.T, s string) {
		_, _ = Parse(s)
		_, _ = EncryptionHeader(s)
		_, _ = Verify(s, Set{})
	})
}
