package consent

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/platform/shelf"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
)

// The ways in which the engine refuses.
var (
	ErrUnknown = errors.New("no such consent")
	ErrState   = errors.New("the consent's state does not allow it")
)

// Store is where consents survive.
type Store interface {
	Commit(ctx context.Context, ops ...store.Op) error
	Each(ctx context.Context, kind string, fn func(store.Record) error) error
}

// Config is what an engine is made of.
type Config struct {
	Clock *clock.Clock
	// Seed makes identifiers repeatable; nil draws them from the operating system.
	Seed  *clock.Stream
	Seams *fault.Seams
	// Store may be nil: then consents live in memory alone.
	Store     Store
	Namespace string // of consent ids: "bancoensaio"
}

// Decision is the customer's approval at the holder.
type Decision struct {
	By, Channel string          // "customer", "authorization"
	Owner       string          // core key of the person or company
	Resources   []string        // what was selected, by resource id
	Debtor      json.RawMessage // the account to debit, of a payment consent
	Approvals   []string        // further approvers still needed
}

const stripes = 4096

// Engine keeps every consent in memory, in front of the store. Cost per call does not depend on how many
// there are.
type Engine struct {
	clock     *clock.Clock
	seams     *fault.Seams
	store     Store
	namespace string
	random    io.Reader

	shelf   *shelf.Shelf[Consent]
	writing [stripes]sync.Mutex // held, by key, from reading a consent to publishing its successor
	due     schedule
	active  population

	mu        sync.Mutex
	listeners atomic.Pointer[[]func(*Consent)]
}

// Open loads the consents of the store.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	e := &Engine{
		clock: cfg.Clock, seams: cfg.Seams, store: cfg.Store, namespace: cmp.Or(cfg.Namespace, "bancoensaio"),
		random: rand.Reader, shelf: shelf.New(read),
	}
	if cfg.Seed != nil {
		e.random = cfg.Seed
	}
	if e.store == nil {
		return e, nil
	}
	for _, kind := range []Kind{Data, Payment} {
		err := e.store.Each(ctx, string(kind), func(r store.Record) error {
			var c Consent
			if err := json.Unmarshal(r.Body, &c); err != nil {
				return fmt.Errorf("consent %s: %w", r.ID, err)
			}
			k := shelf.KeyOf(c.ID)
			e.shelf.Rest(k, r.Body)
			e.count(k, nil, &c)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("load %ss: %w", kind, err)
		}
	}
	return e, nil
}

func read(_ shelf.Key, body []byte) (*Consent, error) {
	c := new(Consent)
	return c, json.Unmarshal(body, c)
}

// find returns the consent as it is, time not applied, or nil.
func (e *Engine) find(id string) *Consent {
	k := shelf.KeyOf(id)
	if c := e.shelf.Get(k); c != nil && c.ID == id {
		return c
	}
	return nil
}

// lock keeps other writers of the consent out.
func (e *Engine) lock(id string) (unlock func()) {
	k := shelf.KeyOf(id)
	mu := &e.writing[(int(k[1])<<8|int(k[2]))%stripes]
	mu.Lock()
	return mu.Unlock
}

// publish makes next what readers see. The caller holds its lock.
func (e *Engine) publish(last, next *Consent) error {
	body, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("consent %s: %w", next.ID, err)
	}
	k := shelf.KeyOf(next.ID)
	e.shelf.Put(k, next, body)
	e.count(k, last, next)
	return nil
}

// count notes what follows from a change.
func (e *Engine) count(k shelf.Key, last, next *Consent) {
	e.active.moved(last, next)
	if t, _, ok := e.deadline(next); ok {
		e.due.add(t, k)
	}
}

// OnChange adds a listener that hears every change once it is durable and visible. Listeners run on the
// goroutine that made the change and may call the engine.
func (e *Engine) OnChange(fn func(*Consent)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []func(*Consent)
	if old := e.listeners.Load(); old != nil {
		all = slices.Clone(*old)
	}
	all = append(all, fn)
	e.listeners.Store(&all)
}

func (e *Engine) tell(c *Consent) {
	if all := e.listeners.Load(); all != nil {
		for _, fn := range *all {
			fn(c)
		}
	}
}

// Active counts the authorised consents, lapsed ones left out.
func (e *Engine) Active() int {
	e.lapse()
	return e.active.total()
}

// ActiveOf counts the authorised consents of one client.
func (e *Engine) ActiveOf(clientID string) int { return e.active.of(clientID) }

// Each shows every consent, in no order, until fn says false. It is for tools and tests: it walks all.
func (e *Engine) Each(fn func(*Consent) bool) {
	for _, found := range e.shelf.All() {
		if c, ok := e.Get(found.ID); ok && !fn(c) {
			return
		}
	}
}

// lapse ends what time has ended.
func (e *Engine) lapse() {
	now := e.clock.Now()
	for {
		k, ok := e.due.next(now)
		if !ok {
			return
		}
		if c := e.shelf.Get(k); c != nil {
			e.Get(c.ID)
		}
	}
}

// newID makes urn:<namespace>:<128 random bits> (AS-CONS-01), never one that is taken.
func (e *Engine) newID() (string, error) {
	var b [16]byte
	for {
		if _, err := io.ReadFull(e.random, b[:]); err != nil {
			return "", fmt.Errorf("consent id: %w", err)
		}
		id := "urn:" + e.namespace + ":" + hex.EncodeToString(b[:])
		if e.find(id) == nil {
			return id, nil
		}
	}
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
