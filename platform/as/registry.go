package as

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/store"
)

// The store's kinds of registrations, and of the ids of those that were deleted.
const (
	kindClient = "client"
	kindFormer = "former-client"
)

// registration is one registered client. Immutable once published.
type registration struct {
	call.Client
	// TokenHash is the SHA-256 of the registration access token, which itself is not kept.
	TokenHash string `json:"registration_access_token_hash"`
	// Metadata is what registration answered, without the token.
	Metadata map[string]any `json:"metadata"`
	// Statement is what the directory last said of the software.
	Statement statement `json:"statement"`
}

// text returns a metadata value that is a string.
func (r *registration) text(name string) string { s, _ := r.Metadata[name].(string); return s }

// owns says whether the token is the registration's.
func (r *registration) owns(token string) bool {
	return token != "" && subtle.ConstantTimeCompare([]byte(hashed(token)), []byte(r.TokenHash)) == 1
}

// hashed is how a token is kept.
func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// registry holds the clients in memory, in front of the store.
type registry struct {
	writing sync.Mutex // one registration changes at a time

	mu       sync.RWMutex
	byID     map[string]*registration
	software map[string]*registration
	former   map[string]bool // ids that were given once
}

// fresh says whether an id was never given.
func (g *registry) fresh(id string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.byID[id] == nil && !g.former[id]
}

// bury notes an id that was given once.
func (g *registry) bury(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.former == nil {
		g.former = map[string]bool{}
	}
	g.former[id] = true
}

// get returns the client of that id, or nil.
func (g *registry) get(id string) *registration {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.byID[id]
}

// bySoftware returns the client of that software statement, or nil.
func (g *registry) bySoftware(id string) *registration {
	if id == "" {
		return nil
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.software[id]
}

func (g *registry) put(r *registration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byID == nil {
		g.byID, g.software = map[string]*registration{}, map[string]*registration{}
	}
	g.byID[r.ID], g.software[r.SoftwareID] = r, r
}

func (g *registry) remove(r *registration) {
	g.bury(r.ID)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.byID, r.ID)
	if g.software[r.SoftwareID] == r {
		delete(g.software, r.SoftwareID)
	}
}

func (s *Server) loadClients(ctx context.Context) error {
	err := s.cfg.Store.Each(ctx, kindClient, func(rec store.Record) error {
		var r registration
		if err := json.Unmarshal(rec.Body, &r); err != nil {
			return fmt.Errorf("client %s: %w", rec.ID, err)
		}
		s.clients.put(&r)
		return nil
	})
	if err == nil {
		err = s.cfg.Store.Each(ctx, kindFormer, func(rec store.Record) error { s.clients.bury(rec.ID); return nil })
	}
	if err != nil {
		return fmt.Errorf("load clients: %w", err)
	}
	return nil
}
