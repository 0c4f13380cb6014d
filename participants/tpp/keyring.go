package tpp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
)

// keysLive is how long a fetched key set is trusted without asking again.
const keysLive = time.Minute

// keyring remembers the key sets of servers and of the directory.
type keyring struct {
	client *Client
	mu     sync.Mutex
	sets   map[string]keySet
	seen   map[string]bool // jti of signed answers
}

type keySet struct {
	set     jose.Set
	fetched time.Time
}

// get returns the set behind an address, fetched again when it is old or does not hold the kid.
func (k *keyring) get(ctx context.Context, address, kid string) (jose.Set, error) {
	now := k.client.cfg.Clock.Now()
	k.mu.Lock()
	have, ok := k.sets[address]
	k.mu.Unlock()
	age := now.Sub(have.fetched)
	if _, known := have.set.Find(kid, ""); ok && known && age >= 0 && age < keysLive {
		return have.set, nil
	}
	e := k.client.Request("keys", "GET", address).WithoutCertificate().Send(ctx)
	if err := e.want(200); err != nil {
		return jose.Set{}, err
	}
	var set jose.Set
	if err := json.Unmarshal(e.Body, &set); err != nil {
		return jose.Set{}, fmt.Errorf("keys at %s: %w", address, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sets == nil {
		k.sets = map[string]keySet{}
	}
	k.sets[address] = keySet{set, now}
	return set, nil
}

// ServerKeys are the keys of a server's jwks_uri.
func (c *Client) ServerKeys(ctx context.Context, s *Server) (jose.Set, error) {
	return c.keys.get(ctx, s.JWKS, "")
}

// EncryptionKey is the key to which request objects for a server are encrypted (TPP-11).
func (c *Client) EncryptionKey(ctx context.Context, s *Server) (jose.Key, error) {
	set, err := c.ServerKeys(ctx, s)
	if err != nil {
		return jose.Key{}, err
	}
	key, ok := set.ForUse("enc")
	if !ok {
		return jose.Key{}, fmt.Errorf("keys of %s: none for encryption", s.Issuer)
	}
	return key, nil
}

// OrganisationKeys are the active signing keys of an organisation in the directory (JWS-09).
func (c *Client) OrganisationKeys(ctx context.Context, organisation string) (jose.Set, error) {
	return c.keys.get(ctx, c.keystore(organisation), "")
}

func (c *Client) keystore(organisation string) string {
	return strings.TrimSuffix(c.cfg.Directory.Keystore, "/") + "/" + organisation + "/application.jwks"
}

// first says whether a jti is seen for the first time. The memory is bounded: it starts anew when full.
func (k *keyring) first(jti string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.seen) >= 100_000 || k.seen == nil {
		k.seen = map[string]bool{}
	}
	again := k.seen[jti]
	k.seen[jti] = true
	return !again
}
