package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
)

// The states of a payment (payments 6.2).
const (
	received  = "RCVD"
	held      = "PDNG"
	scheduled = "SCHD"
	accepted  = "ACCP"
	sent      = "ACPD"
	settled   = "ACSC"
	rejected  = "RJCT"
	cancelled = "CANC"
)

// machine is the state table: what may happen in a state, and where it leads.
var machine = []struct{ event, from, to string }{
	{"create", "", received},
	{"hold", received, held}, {"schedule", received, scheduled}, {"accept", received, accepted}, {"reject", received, rejected},
	{"accept", held, accepted}, {"reject", held, rejected}, {"cancel", held, cancelled},
	{"accept", scheduled, accepted}, {"hold", scheduled, held}, {"reject", scheduled, rejected}, {"cancel", scheduled, cancelled},
	{"send", accepted, sent}, {"reject", accepted, rejected},
	{"settle", sent, settled}, {"reject", sent, rejected},
}

var errIllegal = errors.New("the payment's state does not allow it")

func final(status string) bool { return status == settled || status == rejected || status == cancelled }

// told is what an event is called outside: "payment.settled".
var told = map[string]string{
	received: "received", held: "held", scheduled: "scheduled", accepted: "accepted", sent: "sent", settled: "settled", rejected: "rejected", cancelled: "cancelled",
}

// step is the transition an event means for a payment, after the seam.
func (s *Service) step(id, event, from, to string) fault.Transition {
	legal := slices.ContainsFunc(machine, func(m struct{ event, from, to string }) bool {
		return m.event == event && m.from == from && m.to == to
	})
	return s.cfg.Seams.Transition(fault.Transition{Machine: "payment", ID: id, Event: event, From: from, To: to, Allowed: legal})
}

// move takes one step of a payment: durable first, then visible, and told in the same commit. The caller
// holds the entry's lock.
func (s *Service) move(ctx context.Context, e entry, event, to string, edit func(next *Payment)) error {
	p := e.now()
	t := s.step(p.ID, event, p.Status, to)
	if !t.Allowed || !e.stands() {
		return fmt.Errorf("%s payment %s in %s: %w", event, p.ID, p.Status, errIllegal)
	}
	next := *p
	next.Status, next.Updated = t.To, second(s.cfg.Clock.Now())
	next.History = append(slices.Clip(p.History), Change{At: next.Updated, Event: event, From: p.Status, To: t.To})
	if edit != nil {
		edit(&next)
	}
	kept := store.Put(recordKind, p.ID, &next)
	if err := s.cfg.Store.Commit(ctx, kept, s.tell(&next)); err != nil {
		return fmt.Errorf("%s payment %s: %w", event, p.ID, err)
	}
	e.publish(&next, kept.Put.Body)
	return nil
}

// Event is what is told of a payment's new state, in the same commit as the state itself.
type Event struct {
	Status       string    `json:"status"`
	ConsentID    string    `json:"consentId"`
	ClientID     string    `json:"clientId"`
	Organisation string    `json:"organisation,omitempty"` // the client's
	Type         string    `json:"paymentType,omitempty"`  // in the metrics platform's words
	Reason       string    `json:"reason,omitempty"`       // why it was rejected or taken back
	At           time.Time `json:"at"`                     // when the payment came to the state
}

// tell is the event of a payment's new state.
func (s *Service) tell(p *Payment) store.Op {
	e := Event{Status: p.Status, ConsentID: p.ConsentID, ClientID: p.ClientID, Organisation: p.Organisation, At: p.Updated}
	switch {
	case p.Rejection != nil:
		e.Reason = p.Rejection.Code
	case p.Cancellation != nil:
		e.Reason = p.Cancellation.Reason
	}
	if p.Status == scheduled || final(p.Status) {
		if of, ok := s.cfg.Consents.Get(p.ConsentID); ok {
			e.Type = kind(terms(of.Payment))
		}
	}
	return store.Emit("payment."+told[p.Status], p.ID, s.cfg.Clock.Now().UnixMilli(), e)
}
