package jose

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// Key is an RSA key with its place in a key set. Private is nil for a key of somebody else.
type Key struct {
	ID      string // kid; for a certificate the base64url SHA-256 of its DER
	Use     string // "sig" or "enc"
	Public  *rsa.PublicKey
	Private *rsa.PrivateKey
	// Chain, when known, is published as x5c, x5t#S256 and, with URL, x5u.
	Chain []*x509.Certificate
	URL   string
}

// FromPrivate names a key after its public part.
func FromPrivate(private *rsa.PrivateKey, use string) Key {
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&private.PublicKey))
	return Key{ID: base64.RawURLEncoding.EncodeToString(sum[:]), Use: use, Public: &private.PublicKey, Private: private}
}

// FromCertificate names a key after its certificate, as the directory does. private may be nil.
func FromCertificate(private *rsa.PrivateKey, use string, chain ...*x509.Certificate) (Key, error) {
	if len(chain) == 0 {
		return Key{}, errors.New("key from certificate: no certificate")
	}
	public, ok := chain[0].PublicKey.(*rsa.PublicKey)
	if !ok {
		return Key{}, errors.New("key from certificate: not RSA")
	}
	return Key{ID: Thumbprint(chain[0]), Use: use, Public: public, Private: private, Chain: chain}, nil
}

// Thumbprint is the base64url SHA-256 of a certificate's DER: x5t#S256 (RFC 8705 3.1).
func Thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Set is a JSON Web Key set of RSA keys. Keys of other kinds are dropped on reading.
type Set struct {
	Keys []Key
}

// Find returns the key of that id and use. A key without use serves both.
func (s Set) Find(kid, use string) (Key, bool) {
	for _, k := range s.Keys {
		if k.ID == kid && (k.Use == use || k.Use == "" || use == "") {
			return k, true
		}
	}
	return Key{}, false
}

// ForUse returns the first key of that use.
func (s Set) ForUse(use string) (Key, bool) {
	for _, k := range s.Keys {
		if k.Use == use {
			return k, true
		}
	}
	return Key{}, false
}

type wireKey struct {
	Kty string   `json:"kty"`
	Kid string   `json:"kid,omitempty"`
	Use string   `json:"use,omitempty"`
	Alg string   `json:"alg,omitempty"`
	N   string   `json:"n"`
	E   string   `json:"e"`
	D   string   `json:"d,omitempty"`
	P   string   `json:"p,omitempty"`
	Q   string   `json:"q,omitempty"`
	Dp  string   `json:"dp,omitempty"`
	Dq  string   `json:"dq,omitempty"`
	Qi  string   `json:"qi,omitempty"`
	X5c []string `json:"x5c,omitempty"`
	X5t string   `json:"x5t#S256,omitempty"`
	X5u string   `json:"x5u,omitempty"`
}

func number(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func integer(s string) *big.Int {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return new(big.Int)
	}
	return new(big.Int).SetBytes(b)
}

func (k Key) wire() wireKey {
	w := wireKey{Kty: "RSA", Kid: k.ID, Use: k.Use, N: number(k.Public.N), E: number(big.NewInt(int64(k.Public.E))), X5u: k.URL}
	switch k.Use {
	case "sig":
		w.Alg = PS256
	case "enc":
		w.Alg = RSAOAEP
	}
	for _, c := range k.Chain {
		w.X5c = append(w.X5c, base64.StdEncoding.EncodeToString(c.Raw))
	}
	if len(k.Chain) > 0 {
		w.X5t = Thumbprint(k.Chain[0])
	}
	return w
}

// MarshalJSON writes the public part only.
func (k Key) MarshalJSON() ([]byte, error) { return json.Marshal(k.wire()) }

// MarshalPrivate writes the whole key, for a file of its owner.
func (k Key) MarshalPrivate() ([]byte, error) {
	if k.Private == nil || len(k.Private.Primes) != 2 {
		return nil, errors.New("marshal private key: none present")
	}
	w := k.wire()
	w.D, w.P, w.Q = number(k.Private.D), number(k.Private.Primes[0]), number(k.Private.Primes[1])
	k.Private.Precompute()
	w.Dp, w.Dq, w.Qi = number(k.Private.Precomputed.Dp), number(k.Private.Precomputed.Dq), number(k.Private.Precomputed.Qinv)
	return json.MarshalIndent(w, "", "  ")
}

// UnmarshalJSON reads a public or private RSA key of 2048 bits or more (CRYPT-03).
func (k *Key) UnmarshalJSON(b []byte) error {
	var w wireKey
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	n, e := integer(w.N), integer(w.E)
	if w.Kty != "RSA" || n.BitLen() < 2048 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
		return fmt.Errorf("key %q: want RSA of 2048 bits or more", w.Kid)
	}
	*k = Key{ID: w.Kid, Use: w.Use, Public: &rsa.PublicKey{N: n, E: int(e.Int64())}, URL: w.X5u}
	for _, c := range w.X5c {
		der, err := base64.StdEncoding.DecodeString(c)
		if err != nil {
			return fmt.Errorf("key %q: x5c: %w", w.Kid, err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("key %q: x5c: %w", w.Kid, err)
		}
		k.Chain = append(k.Chain, cert)
	}
	if w.D == "" {
		return nil
	}
	k.Private = &rsa.PrivateKey{PublicKey: *k.Public, D: integer(w.D), Primes: []*big.Int{integer(w.P), integer(w.Q)}}
	if err := k.Private.Validate(); err != nil {
		return fmt.Errorf("key %q: %w", w.Kid, err)
	}
	k.Private.Precompute()
	return nil
}

// MarshalJSON writes {"keys": […]}, public parts only.
func (s Set) MarshalJSON() ([]byte, error) {
	keys := s.Keys
	if keys == nil {
		keys = []Key{}
	}
	return json.Marshal(map[string]any{"keys": keys})
}

// UnmarshalJSON reads {"keys": […]}, dropping keys that are not usable RSA.
func (s *Set) UnmarshalJSON(b []byte) error {
	var w struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &w); err != nil || w.Keys == nil {
		return errors.New("not a JSON Web Key set")
	}
	s.Keys = nil
	for _, raw := range w.Keys {
		var k Key
		if k.UnmarshalJSON(raw) == nil {
			s.Keys = append(s.Keys, k)
		}
	}
	return nil
}
