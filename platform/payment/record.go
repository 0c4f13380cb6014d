package payment

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/shelf"
	"github.com/ensaio/ensaio/platform/store"
)

// recordKind is the store's kind of payments.
const recordKind = "payment"

// Payment is one payment at one moment. Never change one that came from the service.
type Payment struct {
	ID        string `json:"paymentId"`
	ConsentID string `json:"consentId"`
	ClientID  string `json:"clientId"`
	// Organisation is the client's, as it was then.
	Organisation string    `json:"organisation,omitempty"`
	Status       string    `json:"status"`
	Created      time.Time `json:"created"`
	Updated      time.Time `json:"updated"`
	// Date is the civil date of settlement of a scheduled payment, "" for an immediate one.
	Date string `json:"date,omitempty"`
	// Item is the initiation as received.
	Item json.RawMessage `json:"item"`
	// Order is what the core is asked for; its id is the payment's.
	Order connector.Order `json:"order"`
	// Charge names the dynamic charge paid, "" for none.
	Charge string `json:"charge,omitempty"`

	Rejection    *Reason       `json:"rejection,omitempty"`
	Cancellation *Cancellation `json:"cancellation,omitempty"`
	History      []Change      `json:"history"`
}

// Reason is why a payment was rejected.
type Reason struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Cancellation is who took a payment back, when and from where.
type Cancellation struct {
	Reason string    `json:"reason"`
	From   string    `json:"cancelledFrom"`
	At     time.Time `json:"cancelledAt"`
	CPF    string    `json:"cpf"`
}

// Change is one line of a payment's history.
type Change struct {
	At    time.Time `json:"at"`
	Event string    `json:"event"`
	From  string    `json:"from"`
	To    string    `json:"to"`
}

// ledger holds every payment in memory, in front of the store: at rest, but for those in use.
type ledger struct {
	shelf *shelf.Shelf[Payment]
	turns turns

	mu        sync.RWMutex
	byConsent shelf.Index
	endToEnd  map[shelf.Key]struct{}
	charges   map[shelf.Key]shelf.Key // dynamic charges, by their last payment
	// ordered are the scheduled payments that the core is being asked for: from then on only the core can say
	// that one is not paid.
	ordered map[shelf.Key]struct{}
	// claims are the endToEndIds and charges of initiations that are being judged: of two at the same time
	// the first has them.
	claims map[claim]*initiation
}

// claim is an endToEndId or a charge; the other is "".
type claim struct{ endToEnd, charge string }

func newLedger() *ledger {
	return &ledger{
		shelf:    shelf.New(decode),
		endToEnd: map[shelf.Key]struct{}{}, charges: map[shelf.Key]shelf.Key{}, ordered: map[shelf.Key]struct{}{}, claims: map[claim]*initiation{},
	}
}

func decode(_ shelf.Key, body []byte) (*Payment, error) {
	p := new(Payment)
	return p, json.Unmarshal(body, p)
}

// entry is the place of one payment: readers ask for it as it is now, writers lock it from reading to
// publishing.
type entry struct {
	of    *ledger
	key   shelf.Key
	found *Payment
}

// now is the payment as it is, or as it was found if it was taken back since.
func (e entry) now() *Payment {
	if p := e.of.shelf.Get(e.key); p != nil {
		return p
	}
	return e.found
}

// stands says whether the payment was not taken back.
func (e entry) stands() bool { return e.of.shelf.Get(e.key) != nil }

func (e entry) lock() (unlock func()) { return e.of.turns.take(e.key) }

// order says that the core is about to be asked to pay what was scheduled, unless it was cancelled meanwhile.
func (e entry) order() bool {
	defer e.lock()()
	due := e.now().Status == scheduled
	if due {
		e.of.mu.Lock()
		defer e.of.mu.Unlock()
		e.of.ordered[e.key] = struct{}{}
	}
	return due
}

// ordered says whether the core was asked.
func (e entry) ordered() bool {
	e.of.mu.RLock()
	defer e.of.mu.RUnlock()
	_, is := e.of.ordered[e.key]
	return is
}

// publish makes p what is seen; body is its JSON.
func (e entry) publish(p *Payment, body []byte) {
	e.of.shelf.Put(e.key, p, body)
	if final(p.Status) {
		e.of.mu.Lock()
		defer e.of.mu.Unlock()
		delete(e.of.ordered, e.key)
	}
}

func (l *ledger) load(r store.Record) error {
	p, err := decode(shelf.Key{}, r.Body)
	if err != nil {
		return fmt.Errorf("payment %s: %w", r.ID, err)
	}
	k := shelf.KeyOf(p.ID)
	l.shelf.Rest(k, r.Body)
	l.list(k, p)
	return nil
}

func (l *ledger) add(p *Payment, body []byte) entry {
	k := shelf.KeyOf(p.ID)
	l.shelf.Put(k, p, body)
	l.list(k, p)
	return entry{l, k, p}
}

// list enters a payment under what it is asked for by.
func (l *ledger) list(k shelf.Key, p *Payment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byConsent.Add(shelf.KeyOf(p.ConsentID), k)
	l.endToEnd[shelf.KeyOf(p.Order.EndToEndID)] = struct{}{}
	if p.Charge != "" {
		l.charges[shelf.KeyOf(p.Charge)] = k
	}
}

// remove takes back a payment that the core refused at once.
func (l *ledger) remove(p *Payment) {
	k, charge := shelf.KeyOf(p.ID), shelf.KeyOf(p.Charge)
	defer l.turns.take(k)()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byConsent.Remove(shelf.KeyOf(p.ConsentID), k)
	delete(l.endToEnd, shelf.KeyOf(p.Order.EndToEndID))
	if l.charges[charge] == k {
		delete(l.charges, charge)
	}
	l.shelf.Drop(k)
}

func (l *ledger) find(id string) (entry, bool) {
	e, ok := l.at(shelf.KeyOf(id))
	return e, ok && e.found.ID == id
}

func (l *ledger) at(k shelf.Key) (entry, bool) {
	p := l.shelf.Get(k)
	return entry{l, k, p}, p != nil
}

// of returns the payments of a consent, in the order of their creation.
func (l *ledger) of(consentID string) []entry {
	l.mu.RLock()
	keys := l.byConsent.Of(shelf.KeyOf(consentID))
	l.mu.RUnlock()
	var all []entry
	for _, k := range keys {
		if e, ok := l.at(k); ok {
			all = append(all, e)
		}
	}
	return all
}

// all shows every payment, in no order.
func (l *ledger) all(yield func(entry, *Payment) bool) {
	for k, p := range l.shelf.All() {
		if !yield(entry{l, k, p}, p) {
			return
		}
	}
}

// claim keeps what an initiation names from others until it is released.
func (l *ledger) claim(in *initiation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range in.claims() {
		if l.claims[c] == nil {
			l.claims[c] = in
		}
	}
}

func (l *ledger) release(in *initiation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range in.claims() {
		if l.claims[c] == in {
			delete(l.claims, c)
		}
	}
}

// claimed says whether another initiation has the claim; the caller holds the lock.
func (l *ledger) claimed(c claim, by *initiation) bool {
	other := l.claims[c]
	return other != nil && other != by
}

// usedEndToEnd says whether an endToEndId is another's.
func (l *ledger) usedEndToEnd(id string, in *initiation) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, used := l.endToEnd[shelf.KeyOf(id)]
	return used || l.claimed(claim{endToEnd: id}, in)
}

// paid says whether a dynamic charge has a payment that stands or may yet; in, which may be nil, is the
// initiation that asks.
func (l *ledger) paid(charge string, in *initiation) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.claimed(claim{charge: charge}, in) {
		return true
	}
	last, any := l.charges[shelf.KeyOf(charge)]
	if !any {
		return false
	}
	p := l.shelf.Get(last)
	return p != nil && p.Status != rejected && p.Status != cancelled
}

func newID() string { return uuid.NewString() }

// second is how the standard counts time.
func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
