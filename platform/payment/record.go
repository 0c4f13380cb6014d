package payment

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/platform/connector"
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

// entry is the place of one payment: readers load now, writers hold the lock from reading to publishing.
type entry struct {
	sync.Mutex
	now atomic.Pointer[Payment]
	// ordered says that the core is being asked to pay what was scheduled: from then on only the core can
	// say that it is not paid. It is guarded by the lock.
	ordered bool
}

// ledger holds every payment in memory, in front of the store.
type ledger struct {
	mu        sync.RWMutex
	byID      map[string]*entry
	byConsent map[string][]*entry
	endToEnd  map[string]bool
	charges   map[string]*entry // dynamic charges, by their last payment
	// claims are the endToEndIds and charges of initiations that are being judged: of two at the same time
	// the first has them.
	claims map[claim]*initiation
}

// claim is an endToEndId or a charge; the other is "".
type claim struct{ endToEnd, charge string }

func newLedger() *ledger {
	return &ledger{byID: map[string]*entry{}, byConsent: map[string][]*entry{}, endToEnd: map[string]bool{}, charges: map[string]*entry{}, claims: map[claim]*initiation{}}
}

func (l *ledger) load(r store.Record) error {
	var p Payment
	if err := json.Unmarshal(r.Body, &p); err != nil {
		return fmt.Errorf("payment %s: %w", r.ID, err)
	}
	l.add(&p)
	return nil
}

func (l *ledger) add(p *Payment) *entry {
	e := &entry{}
	e.now.Store(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byID[p.ID] = e
	l.byConsent[p.ConsentID] = append(l.byConsent[p.ConsentID], e)
	l.endToEnd[p.Order.EndToEndID] = true
	if p.Charge != "" {
		l.charges[p.Charge] = e
	}
	return e
}

// remove takes back a payment that the core refused at once.
func (l *ledger) remove(p *Payment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byID[p.ID]
	delete(l.byID, p.ID)
	delete(l.endToEnd, p.Order.EndToEndID)
	l.byConsent[p.ConsentID] = slices.DeleteFunc(l.byConsent[p.ConsentID], func(x *entry) bool { return x == e })
	if l.charges[p.Charge] == e {
		delete(l.charges, p.Charge)
	}
}

func (l *ledger) find(id string) *entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.byID[id]
}

// of returns the payments of a consent, in the order of their creation.
func (l *ledger) of(consentID string) []*entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.byConsent[consentID])
}

func (l *ledger) all() []*entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]*entry, 0, len(l.byID))
	for _, e := range l.byID {
		out = append(out, e)
	}
	return out
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
	return l.endToEnd[id] || l.claimed(claim{endToEnd: id}, in)
}

// paid says whether a dynamic charge has a payment that stands or may yet; in, which may be nil, is the
// initiation that asks.
func (l *ledger) paid(charge string, in *initiation) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.claimed(claim{charge: charge}, in) {
		return true
	}
	e := l.charges[charge]
	if e == nil {
		return false
	}
	status := e.now.Load().Status
	return status != rejected && status != cancelled
}

func newID() string { return uuid.NewString() }

// second is how the standard counts time.
func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
