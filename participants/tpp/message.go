package tpp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"strings"

	"github.com/ensaio/ensaio/sim/jose"
)

// JWS is a signed message before it is signed: everything about it may be wrong on purpose.
type JWS struct {
	Alg    string // "PS256"; any other, or "none"
	Key    jose.Key
	Header map[string]any // kid and typ are already there
	Claims map[string]any
	// Broken spoils the signature after signing.
	Broken bool
	// Compact, when set, is sent as it is.
	Compact string
}

func newJWS(key jose.Key, claims map[string]any) *JWS {
	return &JWS{Alg: jose.PS256, Key: key, Header: map[string]any{"typ": "JWT", "kid": key.ID}, Claims: claims}
}

// SignedBy replaces the key and names it in the header.
func (j *JWS) SignedBy(key jose.Key) { j.Key = key; j.Header["kid"] = key.ID }

// Sign makes the compact form. ES256 is signed with a new curve key, HS256 with the public key as
// secret, as attackers do; both under the kid that stands in the header.
func (j *JWS) Sign() (string, error) {
	if j.Compact != "" {
		return j.Compact, nil
	}
	var key any = j.Key.Private
	switch {
	case strings.HasPrefix(j.Alg, "ES"):
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", fmt.Errorf("curve key: %w", err)
		}
		key = private
	case strings.HasPrefix(j.Alg, "HS"):
		der, err := x509.MarshalPKIXPublicKey(j.Key.Public)
		if err != nil {
			return "", fmt.Errorf("public key as secret: %w", err)
		}
		key = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	compact, err := jose.SignAs(j.Alg, j.Claims, key, maps.Clone(j.Header))
	if err != nil || !j.Broken {
		return compact, err
	}
	return spoil(compact)
}

// spoil turns one bit in the middle of a signature.
func spoil(compact string) (string, error) {
	at := strings.LastIndexByte(compact, '.')
	signature, err := base64.RawURLEncoding.DecodeString(compact[at+1:])
	if err != nil || len(signature) == 0 {
		return compact[:at+1] + "AAAA", nil //nolint:nilerr // an unsigned message is spoilt by a signature
	}
	signature[len(signature)/2] ^= 1
	return compact[:at+1] + base64.RawURLEncoding.EncodeToString(signature), nil
}

// Envelope is the encryption of a message.
type Envelope struct {
	Alg, Enc string
	To       jose.Key
}

func (v *Envelope) seal(compact string) (string, error) {
	if v == nil {
		return compact, nil
	}
	if v.To.Public == nil {
		return "", fmt.Errorf("encrypt: no encryption key")
	}
	return jose.EncryptAs(v.Alg, v.Enc, []byte(compact), v.To.Public, v.To.ID)
}

// secret draws n random bytes in base64url: state, nonce, verifier.
func secret(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}
