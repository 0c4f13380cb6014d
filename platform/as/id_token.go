package as

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
)

// idTokenLife is how long an ID token can be believed.
const idTokenLife = 10 * time.Minute

// tokenFor says for what an ID token is made. code and state are hashed at the authorization endpoint
// (AS-IDT-05), the access token at the token endpoint.
type tokenFor struct {
	at          string // "authorize" or "token"
	client      *registration
	request     *request
	identity    identity
	code        string
	accessToken string
}

// idToken makes a signed and encrypted ID token (AS-IDT-01 to AS-IDT-09). It names nobody.
func (s *Server) idToken(ctx context.Context, f tokenFor) (string, error) {
	now := s.clock.Now()
	claims := map[string]any{
		"iss": s.cfg.Issuer, "aud": f.client.ID, "sub": f.identity.subject, "acr": f.identity.acr,
		"iat": now.Unix(), "exp": now.Add(s.seams.Lifetime("id_token", idTokenLife)).Unix(), "auth_time": f.identity.at.Unix(),
	}
	for name, v := range map[string]string{"nonce": f.request.nonce, "c_hash": half(f.code), "at_hash": half(f.accessToken)} {
		if v != "" {
			claims[name] = v
		}
	}
	if f.at == "authorize" && f.request.state != "" {
		claims["s_hash"] = half(f.request.state)
	}
	return s.protect(ctx, f.client, &fault.Claims{Kind: "id_token", At: f.at, Header: map[string]any{}, Body: claims}, true)
}

// half is the base64url left half of the SHA-256, as c_hash, s_hash and at_hash are made.
func half(s string) string {
	if s == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}

// protect signs claims and, when wanted, encrypts them to the client.
func (s *Server) protect(ctx context.Context, client *registration, c *fault.Claims, encrypted bool) (string, error) {
	c.Alg, c.Enc = jose.PS256, jose.A256GCM
	s.seams.Claims(c)
	header := map[string]any{"typ": "JWT", "kid": s.cfg.Signing.ID}
	for k, v := range c.Header {
		header[k] = v
	}
	var key any = s.cfg.Signing.Private
	if strings.HasPrefix(c.Alg, "HS") {
		key = []byte(client.ID)
	}
	out, err := jose.SignAs(c.Alg, c.Body, key, header)
	if err != nil || !encrypted || c.Enc == "none" {
		return out, err
	}
	keys, err := s.cfg.Trust.Keys(ctx, client.JWKSURI)
	if err != nil {
		return "", fmt.Errorf("keys of client %s: %w", client.ID, err)
	}
	to, ok := keys.ForUse("enc")
	if !ok {
		return "", errors.New("the client publishes no encryption key")
	}
	alg, enc := jose.RSAOAEP, c.Enc
	if strings.HasPrefix(enc, "RSA") {
		alg, enc = enc, jose.A256GCM
	}
	return jose.EncryptAs(alg, enc, []byte(out), to.Public, to.ID)
}
