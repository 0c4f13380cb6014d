package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// memoryKind is the store's kind of remembered outcomes, and retention how long they count
// (idempotency page).
const (
	memoryKind = "payment-idempotency"
	retention  = 24 * time.Hour
)

// outcome is what a key led to: the ids of what was made, or a refusal.
type outcome struct {
	Scope   string        `json:"scope"` // of the key: client, endpoint and key, hashed
	Data    string        `json:"data"`  // hash of the request's data
	At      time.Time     `json:"at"`
	IDs     []string      `json:"ids,omitempty"`
	Refusal *call.Problem `json:"refusal,omitempty"`
}

// memory holds the outcomes of the last day.
type memory struct {
	locks stripes

	mu    sync.Mutex
	by    map[string]*outcome
	order []*outcome // oldest first
}

func newMemory() *memory { return &memory{by: map[string]*outcome{}} }

func (m *memory) load(r store.Record) error {
	var o outcome
	if err := json.Unmarshal(r.Body, &o); err != nil {
		return fmt.Errorf("idempotency key %s: %w", r.ID, err)
	}
	m.by[o.Scope] = &o
	m.order = append(m.order, &o)
	return nil
}

func (m *memory) sort() {
	slices.SortFunc(m.order, func(a, b *outcome) int { return a.At.Compare(b.At) })
}

// add remembers an outcome after it is durable, and returns how to forget those out of date.
func (m *memory) add(o *outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.by[o.Scope] = o
	m.order = append(m.order, o)
}

// expired forgets what is older than a day and returns the operations that make it durable.
func (m *memory) expired(now time.Time) []store.Op {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ops []store.Op
	for len(m.order) > 0 && len(ops) < 16 && !now.Before(m.order[0].At.Add(retention)) {
		o := m.order[0]
		m.order = m.order[1:]
		if m.by[o.Scope] == o {
			delete(m.by, o.Scope)
			ops = append(ops, store.Delete(memoryKind, o.Scope))
		}
	}
	return ops
}

func (m *memory) find(scope string, now time.Time) *outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.by[scope]
	if o == nil || !now.Before(o.At.Add(retention)) {
		return nil
	}
	return o
}

// attempt is one use of an idempotency key.
type attempt struct {
	scope, data string
	first       *outcome
	unlock      func()
}

type repeated struct{ same bool }

var idempotencyRules = rule.NewSet("payment idempotency",
	rule.Rule[repeated]{ID: "PAY-IDEM-01/same-data", Text: "An idempotency key comes back only with the same data.", Weight: fault.Major,
		Check: func(_ context.Context, r repeated) error {
			if !r.same {
				return unprocessable("ERRO_IDEMPOTENCIA", "O conteúdo difere do associado a esta chave de idempotência.")
			}
			return nil
		}},
)

// attempt opens the use of a call's idempotency key and keeps others with the same key waiting until
// unlock. first is the outcome to repeat, or nil.
func (s *Service) attempt(ctx context.Context, c *call.Call, data any) (*attempt, error) {
	key := c.Request.Header.Get("x-idempotency-key")
	if key == "" {
		return &attempt{unlock: func() {}}, nil
	}
	canonical, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("idempotency key: %w", err)
	}
	a := &attempt{scope: scope(c, key), data: digest(string(canonical))}
	a.unlock = s.memory.locks.lock(a.scope)
	a.first = s.memory.find(a.scope, s.cfg.Clock.Now())
	if a.first == nil {
		return a, nil
	}
	same := a.first.Data == a.data
	if err := idempotencyRules.Check(ctx, s.cfg.Seams, repeated{same}); err != nil {
		a.unlock()
		return nil, err
	}
	if !same {
		a.first = nil
	}
	return a, nil
}

// remember returns the operations that keep an attempt's outcome, and what to do when they are durable.
func (s *Service) remember(a *attempt, ids []string, refusal *call.Problem) ([]store.Op, func()) {
	if a.scope == "" {
		return nil, func() {}
	}
	now := s.cfg.Clock.Now()
	o := &outcome{Scope: a.scope, Data: a.data, At: now, IDs: ids, Refusal: refusal}
	return append(s.memory.expired(now), store.Put(memoryKind, a.scope, o)), func() { s.memory.add(o) }
}

// scope is what a key is unique in: the client and the endpoint.
func scope(c *call.Call, key string) string {
	return digest(c.Client.ID + "\n" + c.Operation.Method + " " + c.Request.URL.Path + "\n" + key)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// stripes are locks by name; two names may share one.
type stripes struct {
	once sync.Once
	seed maphash.Seed
	on   [1024]sync.Mutex
}

func (s *stripes) lock(name string) (unlock func()) {
	mu := s.of(name)
	mu.Lock()
	return mu.Unlock
}

func (s *stripes) of(name string) *sync.Mutex {
	s.once.Do(func() { s.seed = maphash.MakeSeed() })
	return &s.on[maphash.String(s.seed, name)%uint64(len(s.on))]
}
