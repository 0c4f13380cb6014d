package tpp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
)

// skew is how far another party's clock may be off.
const skew = 60 * time.Second

// IDToken is an id_token that was opened.
type IDToken struct {
	jose.Token
	Envelope map[string]any // header of its encryption, nil when it was not encrypted
	Raw      string
}

// Subject is the sub claim.
func (t *IDToken) Subject() string { return t.String("sub") }

// Expected is what an id_token is held against.
type Expected struct {
	Server      *Server
	Nonce       string
	Code, State string
	AccessToken string
	Subject     string // "" when not yet known
	Front       bool   // from the authorization endpoint: c_hash, and with state s_hash, are due
}

// OpenIDToken decrypts an id_token with the client's key and verifies nothing.
func (c *Client) OpenIDToken(raw string) (*IDToken, error) {
	t := &IDToken{Raw: raw}
	if head, err := jose.EncryptionHeader(raw); err == nil {
		t.Envelope = head
		plain, err := jose.DecryptAny(raw, c.cfg.Encryption)
		if err != nil {
			return nil, err
		}
		raw = strings.TrimSpace(string(plain))
	}
	var err error
	t.Token, err = jose.Parse(raw)
	return t, err
}

// CheckIDToken opens an id_token and refuses it unless everything the profile demands of it holds
// (TPP-06, TPP-07). An aud of one member, an absent at_hash and an absent azp are tolerated (TPP-08).
func (c *Client) CheckIDToken(ctx context.Context, raw string, x Expected) (*IDToken, error) {
	l := &ledger{client: c, subject: "id_token"}
	envelope, err := jose.EncryptionHeader(raw)
	l.demand("TPP-06/encrypted", err == nil, "it is not encrypted")
	inner := raw
	if err == nil {
		l.demand("TPP-06/encrypted", envelope["alg"] == jose.RSAOAEP && envelope["enc"] == jose.A256GCM, "encrypted with %v and %v", envelope["alg"], envelope["enc"])
		l.demand("TPP-06/encrypted", envelope["kid"] == c.cfg.Encryption.ID, "encrypted for key %v", envelope["kid"])
		for _, name := range []string{"x5u", "x5c", "jku", "jwk"} {
			l.demand("TPP-06/no-key-headers", envelope[name] == nil, "the encryption header carries %s", name)
		}
		if l.err != nil {
			return nil, l.err
		}
		plain, err := jose.DecryptAny(raw, c.cfg.Encryption)
		if err != nil {
			return nil, &Refusal{"TPP-06/encrypted", "id_token", "it cannot be decrypted"}
		}
		inner = strings.TrimSpace(string(plain))
	}
	t, err := jose.Parse(inner)
	if err != nil || t.Claims == nil {
		return nil, &Refusal{"TPP-07/signature", "id_token", "it is not a signed JSON object"}
	}
	if !c.ignores("TPP-07/signature") {
		if l.err == nil {
			err := c.verify(ctx, inner, x.Server.JWKS, t.KeyID())
			l.demand("TPP-07/signature", err == nil, "%v", err)
		}
	}
	for _, name := range []string{"x5u", "x5c", "jku", "jwk"} {
		l.demand("TPP-06/no-key-headers", t.Header[name] == nil, "the signature header carries %s", name)
	}
	now := c.cfg.Clock.Now()
	l.demand("TPP-07/issuer", t.Claims["iss"] == x.Server.Issuer, "iss is %v", t.Claims["iss"])
	l.demand("TPP-07/audience", onlyAudience(t.Claims["aud"], x.Server.ClientID), "aud is %v", t.Claims["aud"])
	l.demand("TPP-07/authorised-party", t.Claims["azp"] == nil || t.Claims["azp"] == x.Server.ClientID, "azp is %v", t.Claims["azp"])
	exp, dated := numeric(t.Claims["exp"])
	l.demand("TPP-07/not-expired", dated && now.Before(exp.Add(skew)), "exp is %v", t.Claims["exp"])
	iat, dated := numeric(t.Claims["iat"])
	l.demand("TPP-07/fresh", dated && !iat.After(now.Add(skew)) && now.Sub(iat) < 10*time.Minute, "iat is %v", t.Claims["iat"])
	l.demand("TPP-07/subject", t.String("sub") != "" && (x.Subject == "" || t.String("sub") == x.Subject), "sub is absent or another")
	if x.Front || t.Claims["nonce"] != nil {
		l.demand("TPP-07/nonce", t.String("nonce") == x.Nonce, "nonce is not the one sent")
	}
	if x.Front {
		l.demand("TPP-07/c-hash", t.String("c_hash") == Hash(x.Code), "c_hash is %v", t.Claims["c_hash"])
		if x.State != "" {
			l.demand("TPP-07/s-hash", t.String("s_hash") == Hash(x.State), "s_hash is %v", t.Claims["s_hash"])
		} else {
			l.demand("TPP-07/s-hash", t.Claims["s_hash"] == nil, "s_hash without a state")
		}
	}
	if at := t.Claims["at_hash"]; at != nil && x.AccessToken != "" {
		l.demand("TPP-07/at-hash", at == Hash(x.AccessToken), "at_hash is %v", at)
	}
	acr := t.String("acr")
	l.demand("TPP-07/acr", acr == "urn:brasil:openbanking:loa2" || acr == "urn:brasil:openbanking:loa3", "acr is %v", t.Claims["acr"])
	if l.err != nil {
		return nil, l.err
	}
	return &IDToken{Token: t, Envelope: envelope, Raw: raw}, nil
}

// verify checks a signature against the key set at an address.
func (c *Client) verify(ctx context.Context, compact, address, kid string) error {
	keys, err := c.keys.get(ctx, address, kid)
	if err != nil {
		return err
	}
	if _, err = jose.Verify(compact, keys); err != nil {
		return err
	}
	return nil
}

// Hash is the left half of a SHA-256 in base64url: c_hash, s_hash, at_hash of PS256 tokens.
func Hash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func onlyAudience(aud any, client string) bool {
	switch v := aud.(type) {
	case string:
		return v == client
	case []any:
		return len(v) == 1 && v[0] == client
	}
	return false
}

func numeric(v any) (time.Time, bool) {
	f, ok := v.(float64)
	if !ok || f < 0 || f > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0), true
}

// IsRefusal says whether an error is this client's refusal of a message, and of which demand.
func IsRefusal(err error) (demand string, ok bool) {
	var r *Refusal
	if !errors.As(err, &r) {
		return "", false
	}
	return r.Demand, true
}
