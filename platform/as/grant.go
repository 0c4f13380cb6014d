package as

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/shelf"
	"github.com/ensaio/ensaio/platform/store"
)

const kindGrant = "grant"

// grant is what a customer's approval gave to a client: the refresh token and every access token made
// from it. It lives no longer than its consent. Immutable once published.
type grant struct {
	id        grantID
	ClientID  string   `json:"client_id"`
	ConsentID string   `json:"consent_id"`
	Subject   string   `json:"sub"`
	Customer  string   `json:"customer"` // core key of the person or company whose data or money it is
	Static    []string `json:"scopes"`
	Dynamic   string   `json:"dynamic_scope"`
	// RefreshHash is the SHA-256 of the refresh token, which itself is not kept; "" when none was given.
	RefreshHash string `json:"refresh_hash,omitempty"`
	// RefreshUntil ends the refresh token by itself; zero means with the consent only (AS-RT-01).
	RefreshUntil time.Time `json:"refresh_until,omitzero"`
	Issued       time.Time `json:"issued"`
	// Dead says that its tokens were revoked while the consent lives on: nothing comes of it any more, but it
	// is known that there were tokens.
	Dead bool `json:"dead,omitempty"`

	mask   uint64
	scopes []string // all, the dynamic one last
}

func (g *grant) ready(id grantID) *grant {
	g.id, g.mask = id, scopeMask(g.Static)
	g.scopes = scopesOf(g.mask)
	if g.Dynamic != "" {
		g.scopes = append(g.scopes, g.Dynamic)
	}
	return g
}

func (g *grant) name() string { return hex.EncodeToString(g.id[:]) }

// holds says whether the scope is in the grant.
func (g *grant) holds(scope string) bool {
	bit, known := scopeBit(scope)
	return (known && g.mask&bit != 0) || (scope == g.Dynamic && scope != "")
}

// remains is how long a grant whose consent ended is kept, so that its tokens are refused for what they
// are, and so that a payment can be asked for again with the token that made it: who lost the answer, to
// a restart of ours for one, repeats the idempotency key, and the consent is consumed by then.
const remains = time.Hour

// grants holds the live grants in memory, in front of the store: at rest, but for those in use.
type grants struct {
	shelf *shelf.Shelf[grant]

	mu        sync.RWMutex
	byRefresh map[shelf.Key]grantID
	byConsent shelf.Index
	byClient  shelf.Index
	ended     []endedGrant // in order of their end
}

type endedGrant struct {
	id    grantID
	until time.Time
}

func newGrants() *grants {
	return &grants{
		shelf: shelf.New(func(k shelf.Key, body []byte) (*grant, error) {
			g := new(grant)
			err := json.Unmarshal(body, g)
			return g.ready(grantID(k)), err
		}),
		byRefresh: map[shelf.Key]grantID{},
	}
}

func (g *grants) get(id grantID) *grant {
	if one := g.shelf.Get(shelf.Key(id)); one != nil && !one.Dead {
		return one
	}
	return nil
}

func (g *grants) ofRefresh(token string) *grant {
	if token == "" {
		return nil
	}
	hash := hashed(token)
	g.mu.RLock()
	id, known := g.byRefresh[shelf.KeyOf(hash)]
	g.mu.RUnlock()
	if !known {
		return nil
	}
	if one := g.get(id); one != nil && one.RefreshHash == hash {
		return one
	}
	return nil
}

// put makes a grant, whose JSON is body, what is seen under its id.
func (g *grants) put(one *grant, body []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if old := g.shelf.Look(shelf.Key(one.id)); old != nil {
		g.forget(old)
	}
	g.shelf.Put(shelf.Key(one.id), one, body)
	if one.RefreshHash != "" {
		g.byRefresh[shelf.KeyOf(one.RefreshHash)] = one.id
	}
	if one.ConsentID != "" {
		g.byConsent.Add(shelf.KeyOf(one.ConsentID), shelf.Key(one.id))
	}
	g.byClient.Add(shelf.KeyOf(one.ClientID), shelf.Key(one.id))
}

// forget removes a grant; the caller holds the lock.
func (g *grants) forget(one *grant) {
	g.shelf.Drop(shelf.Key(one.id))
	if hash := shelf.KeyOf(one.RefreshHash); g.byRefresh[hash] == one.id {
		delete(g.byRefresh, hash)
	}
	g.byConsent.Remove(shelf.KeyOf(one.ConsentID), shelf.Key(one.id))
	g.byClient.Remove(shelf.KeyOf(one.ClientID), shelf.Key(one.id))
}

func (g *grants) remove(one *grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(one)
}

// end marks the grants of a consent as over: they leave a while later. It forgets, and returns, those
// that leave now.
func (g *grants) end(consentID string, now time.Time) (left []*grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.ended) > 0 && !now.Before(g.ended[0].until) {
		one := g.shelf.Look(shelf.Key(g.ended[0].id))
		g.ended = g.ended[1:]
		if one != nil {
			g.forget(one)
			left = append(left, one)
		}
	}
	for _, k := range g.byConsent.Of(shelf.KeyOf(consentID)) {
		g.ended = append(g.ended, endedGrant{grantID(k), now.Add(remains)})
	}
	return left
}

// over marks a grant whose consent ended before this process began. They are marked in any order, and
// [grants.sorted] follows.
func (g *grants) over(id grantID, at time.Time) {
	g.ended = append(g.ended, endedGrant{id, at.Add(remains)})
}

func (g *grants) sorted() {
	slices.SortFunc(g.ended, func(a, b endedGrant) int { return a.until.Compare(b.until) })
}

// of returns the grants of a client.
func (g *grants) of(clientID string) []*grant { return g.listed(&g.byClient, clientID) }

// under returns the grants of a consent.
func (g *grants) under(consentID string) []*grant { return g.listed(&g.byConsent, consentID) }

func (g *grants) listed(in *shelf.Index, id string) (all []*grant) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, k := range in.Of(shelf.KeyOf(id)) {
		if one := g.shelf.Look(k); one != nil {
			all = append(all, one)
		}
	}
	return all
}

func (s *Server) loadGrants(ctx context.Context) error {
	var orphans []store.Op // of a client whose end was cut short
	err := s.cfg.Store.Each(ctx, kindGrant, func(r store.Record) error {
		var g grant
		raw, err := hex.DecodeString(r.ID)
		if err != nil || len(raw) != len(grantID{}) || json.Unmarshal(r.Body, &g) != nil {
			return fmt.Errorf("grant %s: damaged", r.ID)
		}
		if s.clients.get(g.ClientID) == nil {
			orphans = append(orphans, store.Delete(kindGrant, r.ID))
			return nil
		}
		s.grants.put(g.ready(grantID(raw)), r.Body)
		if at, over := ended(s.cfg.Consents.Get(g.ConsentID)); over {
			s.grants.over(g.id, at)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load grants: %w", err)
	}
	s.erase(ctx, orphans)
	s.grants.sorted()
	return nil
}

// ended says when a consent came to where nothing more can come of it.
func ended(c *consent.Consent, known bool) (time.Time, bool) {
	if !known || c.Status != consent.Rejected && c.Status != consent.Consumed {
		return time.Time{}, false
	}
	return c.Updated, true
}

// keepGrant makes a grant durable, then live.
func (s *Server) keepGrant(ctx context.Context, g *grant) error {
	kept := store.Put(kindGrant, g.name(), g)
	if err := s.cfg.Store.Commit(audit(ctx), kept); err != nil {
		return fmt.Errorf("keep grant: %w", err)
	}
	s.grants.put(g, kept.Put.Body)
	return nil
}

func newGrantID() (id grantID) {
	_, _ = rand.Read(id[:]) // never fails: the runtime stops the program first
	return id
}

// dropGrants ends every grant of a client at once. What the store cannot forget now is without effect all the
// same: its client is gone.
func (s *Server) dropGrants(ctx context.Context, clientID string) {
	var ops []store.Op
	for _, g := range s.grants.of(clientID) {
		s.grants.remove(g)
		ops = append(ops, store.Delete(kindGrant, g.name()))
	}
	s.erase(ctx, ops)
}

// dropGrant ends a grant, durably before it says so: a token that was told to be dead stays dead over a
// restart. Where its tokens were seen, that the consent gave some is remembered as long as the consent lives.
func (s *Server) dropGrant(ctx context.Context, g *grant, seen bool) error {
	end := store.Delete(kindGrant, g.name())
	dead := *g
	if seen {
		dead.Dead, dead.RefreshHash = true, ""
		end = store.Put(kindGrant, g.name(), &dead)
	}
	s.grants.remove(g)
	if err := s.cfg.Store.Commit(ctx, end); err != nil {
		s.grants.put(g, store.Put(kindGrant, g.name(), g).Put.Body)
		return fmt.Errorf("end grant: %w", err)
	}
	if seen {
		s.grants.put(&dead, end.Put.Body)
	}
	return nil
}

func (s *Server) erase(ctx context.Context, ops []store.Op) {
	if err := s.cfg.Store.Commit(ctx, ops...); err != nil {
		s.log.Error("grants not erased", "count", len(ops), "error", err)
	}
}

// consentChanged lets the grants of a consent that can never be used again go, and erases those whose
// while is over. That they are refused does not depend on it: every use asks the consent (AS-CONS-04,
// AS-RT-05).
func (s *Server) consentChanged(c *consent.Consent) {
	if _, over := ended(c, true); !over {
		return
	}
	var ops []store.Op
	for _, g := range s.grants.end(c.ID, s.clock.Now()) {
		ops = append(ops, store.Delete(kindGrant, g.name()))
	}
	if len(ops) > 0 {
		s.erase(context.Background(), ops)
	}
}

// Granted says when a consent gave its first token, as far as that is still known: an hour after the end
// of the consent it is not.
func (s *Server) Granted(consentID string) (time.Time, bool) {
	var first time.Time
	for _, g := range s.grants.under(consentID) {
		if first.IsZero() || g.Issued.Before(first) {
			first = g.Issued
		}
	}
	return first, !first.IsZero()
}
