// Package jose is the thin door to the JOSE library: everything that is signed or encrypted in Open
// Finance Brasil passes here.
//
// The strict side ([Verify], [Decrypt], [Sign], [Encrypt]) knows only what FAPI-BR allows: PS256 with a
// kid, RSA-OAEP with A256GCM, RSA keys of 2048 bits or more (CRYPT-01..03). The hostile side
// ([SignAs], [EncryptAs]) makes anything, for those who test others.
package jose

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// MaxCompact bounds what is parsed, in bytes: nothing legal comes near it.
const MaxCompact = 256 << 10

// The algorithms of the profile (S2 6.2, 6.3).
const (
	PS256   = "PS256"
	RSAOAEP = "RSA-OAEP"
	A256GCM = "A256GCM"
)

// The ways in which a message can be refused.
var (
	ErrMalformed = errors.New("not a compact JOSE message")
	ErrAlgorithm = errors.New("algorithm outside the profile")
	ErrKey       = errors.New("no usable key for this kid")
	ErrSignature = errors.New("signature does not verify")
	ErrDecrypt   = errors.New("cannot be decrypted")
)

// Token is a signed message taken apart. Claims is nil when the payload is not a JSON object.
type Token struct {
	Header  map[string]any
	Payload []byte
	Claims  map[string]any
}

// Algorithm returns the alg header.
func (t Token) Algorithm() string { s, _ := t.Header["alg"].(string); return s }

// KeyID returns the kid header.
func (t Token) KeyID() string { s, _ := t.Header["kid"].(string); return s }

// String returns a claim when it is a string, else "".
func (t Token) String(claim string) string { s, _ := t.Claims[claim].(string); return s }

// Into decodes the payload into v.
func (t Token) Into(v any) error { return json.Unmarshal(t.Payload, v) }

// Parse takes a compact JWS apart and verifies nothing.
func Parse(compact string) (Token, error) {
	if len(compact) > MaxCompact || strings.Count(compact, ".") != 2 {
		return Token{}, ErrMalformed
	}
	parts := strings.Split(compact, ".")
	var t Token
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || json.Unmarshal(head, &t.Header) != nil || t.Header == nil {
		return Token{}, ErrMalformed
	}
	if t.Payload, err = base64.RawURLEncoding.DecodeString(parts[1]); err != nil {
		return Token{}, ErrMalformed
	}
	var claims map[string]any
	if json.Unmarshal(t.Payload, &claims) == nil {
		t.Claims = claims
	}
	return t, nil
}

// Verify takes a compact JWS apart after checking that it is PS256, names a signing key of keys by its
// kid, and was signed by it. Keys and addresses inside the header are ignored (JWS-09).
func Verify(compact string, keys Set) (Token, error) {
	t, err := Parse(compact)
	if err != nil {
		return Token{}, err
	}
	if t.Algorithm() != PS256 {
		return Token{}, fmt.Errorf("%w: alg %q", ErrAlgorithm, t.Algorithm())
	}
	return t, verifyAs(compact, jwa.PS256, t.KeyID(), keys)
}

// VerifyAny is Verify for a judge that must go on where an algorithm is wrong: it accepts any RSA
// signature algorithm and leaves the judgement to the caller.
func VerifyAny(compact string, keys Set) (Token, error) {
	t, err := Parse(compact)
	if err != nil {
		return Token{}, err
	}
	return t, t.VerifiedBy(compact, keys)
}

// VerifiedBy is VerifyAny for a token that was parsed from compact already: taking it apart costs more
// than the signature.
func (t Token) VerifiedBy(compact string, keys Set) error {
	switch alg := jwa.SignatureAlgorithm(t.Algorithm()); alg {
	case jwa.PS256, jwa.RS256, jwa.PS384, jwa.PS512, jwa.RS384, jwa.RS512:
		return verifyAs(compact, alg, t.KeyID(), keys)
	default:
		return fmt.Errorf("%w: alg %q", ErrAlgorithm, t.Algorithm())
	}
}

// verifyAs verifies the signature over the first two parts as they stand. The header was read by Parse,
// and what it says of keys is not asked.
func verifyAs(compact string, alg jwa.SignatureAlgorithm, kid string, keys Set) error {
	key, ok := keys.Find(kid, "sig")
	if !ok || kid == "" || key.Public.Size() < 256 {
		return fmt.Errorf("%w: %q", ErrKey, kid)
	}
	end := strings.LastIndexByte(compact, '.')
	signature, err := base64.RawURLEncoding.DecodeString(compact[end+1:])
	if err != nil {
		return ErrSignature
	}
	verifier, err := jws.NewVerifier(alg)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAlgorithm, err)
	}
	if verifier.Verify([]byte(compact[:end]), signature, key.Public) != nil {
		return ErrSignature
	}
	return nil
}

// Sign makes a compact PS256 JWS of the payload (marshalled to JSON unless it is []byte), with typ JWT
// and the key's kid. Extra header members may be given; they never replace alg or kid.
func Sign(payload any, key Key, header map[string]any) (string, error) {
	h := map[string]any{"typ": "JWT"}
	for k, v := range header {
		h[k] = v
	}
	h["kid"] = key.ID
	return SignAs(PS256, payload, key.Private, h)
}

// SignAs makes a compact JWS with any algorithm ("none", "RS256", "HS256", "ES256", …), key and header,
// right or wrong. For "none" the key is ignored.
func SignAs(alg string, payload any, key any, header map[string]any) (string, error) {
	body, ok := payload.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(payload); err != nil {
			return "", fmt.Errorf("sign: %w", err)
		}
	}
	if alg == "none" {
		h := map[string]any{}
		for k, v := range header {
			h[k] = v
		}
		h["alg"] = "none"
		head, err := json.Marshal(h)
		if err != nil {
			return "", fmt.Errorf("sign: %w", err)
		}
		return base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body) + ".", nil
	}
	h := jws.NewHeaders()
	for k, v := range header {
		if err := h.Set(k, v); err != nil {
			return "", fmt.Errorf("sign: header %s: %w", k, err)
		}
	}
	out, err := jws.Sign(body, jws.WithKey(jwa.SignatureAlgorithm(alg), key, jws.WithProtectedHeaders(h)))
	if err != nil {
		return "", fmt.Errorf("sign %s: %w", alg, err)
	}
	return string(out), nil
}

// Encrypt makes a compact JWE of the payload for the given encryption key, RSA-OAEP and A256GCM, with
// cty JWT.
func Encrypt(payload []byte, to Key) (string, error) {
	return EncryptAs(RSAOAEP, A256GCM, payload, to.Public, to.ID)
}

// EncryptAs makes a compact JWE with any algorithms, right or wrong.
func EncryptAs(alg, enc string, payload []byte, to *rsa.PublicKey, kid string) (string, error) {
	h := jwe.NewHeaders()
	_ = h.Set("cty", "JWT")
	if kid != "" {
		_ = h.Set("kid", kid)
	}
	out, err := jwe.Encrypt(payload, jwe.WithKey(jwa.KeyEncryptionAlgorithm(alg), to),
		jwe.WithContentEncryption(jwa.ContentEncryptionAlgorithm(enc)), jwe.WithProtectedHeaders(h))
	if err != nil {
		return "", fmt.Errorf("encrypt %s/%s: %w", alg, enc, err)
	}
	return string(out), nil
}

// EncryptionHeader returns the protected header of a compact JWE without decrypting it.
func EncryptionHeader(compact string) (map[string]any, error) {
	if len(compact) > MaxCompact || strings.Count(compact, ".") != 4 {
		return nil, ErrMalformed
	}
	parts := strings.Split(compact, ".")
	var h map[string]any
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || json.Unmarshal(head, &h) != nil || h == nil {
		return nil, ErrMalformed
	}
	return h, nil
}

// Decrypt opens a compact JWE addressed to one of the private encryption keys, if its algorithms are
// the profile's. A JWE without kid is tried with every key.
func Decrypt(compact string, keys ...Key) ([]byte, error) {
	h, err := EncryptionHeader(compact)
	if err != nil {
		return nil, err
	}
	if h["alg"] != RSAOAEP || h["enc"] != A256GCM {
		return nil, fmt.Errorf("%w: %v/%v", ErrAlgorithm, h["alg"], h["enc"])
	}
	return DecryptAny(compact, keys...)
}

// DecryptAny is Decrypt for a judge: whatever the algorithms.
func DecryptAny(compact string, keys ...Key) ([]byte, error) {
	h, err := EncryptionHeader(compact)
	if err != nil {
		return nil, err
	}
	alg, _ := h["alg"].(string)
	kid, _ := h["kid"].(string)
	for _, k := range keys {
		if k.Private == nil || (kid != "" && kid != k.ID) {
			continue
		}
		if out, err := jwe.Decrypt([]byte(compact), jwe.WithKey(jwa.KeyEncryptionAlgorithm(alg), k.Private)); err == nil {
			return out, nil
		}
	}
	return nil, ErrDecrypt
}

// NewKey makes an RSA-2048 key for "sig" or "enc", its kid derived from its public part.
func NewKey(use string) (Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Key{}, fmt.Errorf("new %s key: %w", use, err)
	}
	return FromPrivate(private, use), nil
}
