package message

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/jose"
)

// incoming is a request being judged.
type incoming struct {
	messages *Messages
	call     *call.Call
	compact  string

	token jose.Token
	plain bool // not a JWS at all
	// known says that the directory publishes the kid for this client; proved, that its key made the
	// signature; embedded, that a key inside the header made it instead.
	known, proved, embedded bool
	forgotten               error // why its jti could not be remembered
}

// remembered is how long a jti serves no second time.
const remembered = 24 * time.Hour

// fresh notes the jti and says whether it is new, to the second. One that cannot be noted passes here, and is
// refused for that afterwards.
func (in *incoming) fresh(jti string) bool {
	now := in.call.Now
	first, err := in.messages.cfg.Seen.First(in.call.Client.ID, jti, now, now.Truncate(time.Second).Add(remembered))
	in.forgotten = err
	return first || err != nil
}

// read takes the message apart and tries the keys. Only trouble of ours is an error.
func (in *incoming) read(ctx context.Context) error {
	token, err := jose.Parse(in.compact)
	if err != nil {
		in.plain, in.token = true, jose.Token{Payload: []byte(in.compact)}
		return nil
	}
	in.token = token
	keys, err := in.published(ctx)
	if err != nil {
		return err
	}
	if token.KeyID() == "" {
		for _, k := range keys.Keys {
			in.proved = in.proved || signedBy(in.compact, k)
		}
		return nil
	}
	key, ok := keys.Find(token.KeyID(), "sig")
	in.known = ok
	in.proved = ok && signedBy(in.compact, key)
	if raw, ok := token.Header["jwk"].(map[string]any); ok && !in.proved {
		var k jose.Key
		if b, err := json.Marshal(raw); err == nil && k.UnmarshalJSON(b) == nil {
			k.Use = "sig"
			in.embedded = signedBy(in.compact, k)
		}
	}
	return nil
}

// published are the client's keys in the directory: of its software statement, or of its organisation.
func (in *incoming) published(ctx context.Context) (jose.Set, error) {
	kid := in.token.KeyID()
	set, first := in.messages.cfg.Keys.KeysFor(ctx, in.call.Client.JWKSURI, kid)
	if _, ok := set.Find(kid, "sig"); ok && first == nil {
		return set, nil
	}
	org, second := in.messages.cfg.Keys.OrganisationFor(ctx, in.call.Client.OrganisationID, kid)
	if first != nil && second != nil {
		return jose.Set{}, fmt.Errorf("keys of %s: %w", in.call.Client.OrganisationID, errors.Join(first, second))
	}
	return jose.Set{Keys: append(set.Keys, org.Keys...)}, nil
}

// signedBy tries one key, with whatever RSA algorithm the header names: the algorithm has a rule of its own.
func signedBy(compact string, k jose.Key) bool {
	t, err := jose.Parse(compact)
	if err != nil {
		return false
	}
	k.ID = t.KeyID()
	if k.ID == "" {
		return signedWithoutName(compact, k)
	}
	return t.VerifiedBy(compact, jose.Set{Keys: []jose.Key{k}}) == nil
}

// signedWithoutName proves PS256 where no kid says whose key it is, for the day that rule is off.
func signedWithoutName(compact string, k jose.Key) bool {
	cut := strings.LastIndexByte(compact, '.')
	signature, err := base64.RawURLEncoding.DecodeString(compact[cut+1:])
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(compact[:cut]))
	return rsa.VerifyPSS(k.Public, crypto.SHA256, sum[:], signature, nil) == nil
}

func (in *incoming) audience() string {
	switch aud := in.token.Claims["aud"].(type) {
	case string:
		return aud
	case []any:
		if len(aud) == 1 {
			one, _ := aud[0].(string)
			return one
		}
	}
	return ""
}

// issued is iat, when it is a number.
func (in *incoming) issued() (time.Time, bool) {
	n, ok := in.token.Claims["iat"].(float64)
	if !ok || math.IsNaN(n) || math.Abs(n) > 1e15 {
		return time.Time{}, ok
	}
	return time.Unix(int64(n), 0), true
}
