package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
)

// move is a wish to take one step.
type move struct {
	event, to   string
	by, channel string
	at          time.Time
	edit        func(next *Consent)
}

// Create publishes a new consent in AWAITING_AUTHORISATION. It gives id, dates and status; of the
// argument it takes the rest. A payment consent expires five minutes from now; a data consent when asked.
func (e *Engine) Create(ctx context.Context, c Consent) (*Consent, error) {
	e.lapse()
	id, err := e.newID()
	if err != nil {
		return nil, err
	}
	now := second(e.clock.Now())
	c.ID, c.Status, c.Created, c.Updated, c.History = id, "", now, now, nil
	if c.Kind == Payment {
		c.Expires = later(now, paymentWait)
	}
	unlock := e.lock(id)
	next, err := e.take(ctx, &c, nil, move{event: eventCreate, to: Awaiting, by: "client:" + c.ClientID, channel: "api", at: now})
	if err == nil {
		err = e.publish(nil, next)
	}
	unlock()
	if err != nil {
		return nil, err
	}
	e.tell(next)
	return next, nil
}

// Get returns the consent as it is now: one whose time is over lapses first, with its reason. It does
// not allocate when nothing lapses and the consent was in use a while ago.
func (e *Engine) Get(id string) (*Consent, bool) {
	c := e.find(id)
	if c == nil {
		return nil, false
	}
	when, _, ok := e.deadline(c)
	if !ok || e.clock.Now().Before(when) {
		return c, true
	}
	unlock := e.lock(id)
	last := e.find(id)
	next := e.timed(context.Background(), last)
	unlock()
	if next != last {
		e.tell(next)
	}
	return next, true
}

// timed applies the clock to a locked consent. What lapses is visible even if it cannot be written down
// now: time alone says so again after a restart.
func (e *Engine) timed(ctx context.Context, c *Consent) *Consent {
	when, code, ok := e.deadline(c)
	if !ok || e.clock.Now().Before(when) {
		return c
	}
	next, _ := e.take(ctx, c, c, move{event: eventExpire, to: Rejected, by: "time", channel: "clock", at: second(when), edit: func(n *Consent) {
		n.Rejection = &Rejection{By: "ASPSP", Code: code}
	}})
	if next == nil || next.Status == c.Status || e.publish(c, next) != nil {
		return c
	}
	return next
}

// take makes and stores the successor of c; from is c, or nil at creation. When only the storing fails,
// the successor comes with the error.
func (e *Engine) take(ctx context.Context, c, from *Consent, m move) (*Consent, error) {
	was := ""
	if from != nil {
		was = from.Status
	}
	t := e.seams.Transition(fault.Transition{
		Machine: string(c.Kind), ID: c.ID, Event: m.event, From: was, To: m.to, Allowed: legal(c.Kind, m.event, was, m.to),
	})
	if !t.Allowed {
		return nil, fmt.Errorf("%s %s in %s: %w", m.event, c.Kind, c.Status, ErrState)
	}
	if t.To == was && m.to != was {
		return c, nil // turned into standing still by a defect: nothing else happens either
	}
	next := *c
	next.Status = t.To
	if m.edit != nil {
		m.edit(&next)
	}
	if next.Status != was {
		next.Updated = m.at
	}
	next.History = append(slices.Clip(c.History), Change{At: m.at, From: was, To: next.Status, By: m.by, Channel: m.channel})
	return &next, e.keep(ctx, &next, m.event)
}

func (e *Engine) keep(ctx context.Context, c *Consent, event string) error {
	if e.store == nil {
		return nil
	}
	told := struct {
		Kind     Kind   `json:"kind"`
		Status   string `json:"status"`
		ClientID string `json:"clientId"`
	}{c.Kind, c.Status, c.ClientID}
	// A caller that leaves must not leave the store ahead of the memory.
	err := e.store.Commit(context.WithoutCancel(ctx), store.Put(string(c.Kind), c.ID, c),
		store.Emit(tells(c.Kind, event, c.Status), c.ID, e.clock.Now().UnixMilli(), told))
	if err != nil {
		return fmt.Errorf("keep %s %s: %w", c.Kind, c.ID, err)
	}
	return nil
}

// change takes one step of an existing consent. wish sees the consent, time applied, under its lock.
func (e *Engine) change(ctx context.Context, id string, wish func(c *Consent) (move, error)) (*Consent, error) {
	unlock := e.lock(id)
	found := e.find(id)
	if found == nil {
		unlock()
		return nil, fmt.Errorf("consent %q: %w", id, ErrUnknown)
	}
	c := e.timed(ctx, found)
	next, err := c, error(nil)
	m, err := wish(c)
	if err == nil {
		m.at = second(e.clock.Now())
		if next, err = e.take(ctx, c, c, m); err == nil {
			err = e.publish(c, next)
		}
	}
	unlock()
	if c != found {
		e.tell(c)
	}
	if err != nil {
		return nil, err
	}
	e.tell(next)
	return next, nil
}

// May says whether the event, leading to that state, is open to the consent now.
func (e *Engine) May(c *Consent, event, to string) bool {
	return e.seams.Transition(fault.Transition{
		Machine: string(c.Kind), ID: c.ID, Event: event, From: c.Status, To: to, Allowed: legal(c.Kind, event, c.Status, to),
	}).Allowed
}

// Authorise records the customer's approval. A payment consent that needs more approvers becomes
// PARTIALLY_ACCEPTED; a data consent is AUTHORISED with its resources still pending.
func (e *Engine) Authorise(ctx context.Context, id string, d Decision) (*Consent, error) {
	return e.change(ctx, id, func(c *Consent) (move, error) {
		to := Authorised
		if c.Kind == Payment && len(d.Approvals) > 0 {
			to = Partially
		}
		return move{event: eventAuthorise, to: to, by: d.By, channel: d.Channel, edit: func(n *Consent) {
			n.Owner, n.Resources, n.Approvals = d.Owner, d.Resources, d.Approvals
			if d.Debtor != nil {
				n.Debtor = d.Debtor
			}
			e.renew(n)
		}}, nil
	})
}

// renew sets the dates that follow from a payment consent's new state.
func (e *Engine) renew(n *Consent) {
	if n.Kind != Payment {
		return
	}
	now := second(e.clock.Now())
	switch n.Status {
	case Partially:
		until := approversUntil(n.Payment, n.Created)
		n.Until, n.Expires = &until, &until
	case Authorised:
		n.Until, n.Expires = nil, later(now, paymentConsume)
	}
}

func later(t time.Time, d time.Duration) *time.Time {
	t = t.Add(d)
	return &t
}

// Approve records one further approver: the named one, or the next when the name is empty.
func (e *Engine) Approve(ctx context.Context, id, approver string) (*Consent, error) {
	return e.change(ctx, id, func(c *Consent) (move, error) {
		who := approver
		if who == "" && len(c.Approvals) > 0 {
			who = c.Approvals[0]
		}
		i := slices.Index(c.Approvals, who)
		if i < 0 {
			return move{}, fmt.Errorf("no open approval of %q: %w", approver, ErrState)
		}
		to := c.Status
		if c.Kind == Payment && len(c.Approvals) == 1 {
			to = Authorised
		}
		return move{event: eventApprove, to: to, by: "approver", channel: "core", edit: func(n *Consent) {
			n.Approvals = slices.Delete(slices.Clone(c.Approvals), i, i+1)
			n.Approved = append(slices.Clip(c.Approved), who)
			if n.Status != c.Status {
				e.renew(n)
			}
		}}, nil
	})
}

// Reject ends a consent: before the authorisation a refusal, after it a revocation. A data consent's
// empty code becomes the customer's own reason for that moment.
func (e *Engine) Reject(ctx context.Context, id string, r Rejection, by, channel string) (*Consent, error) {
	return e.change(ctx, id, func(c *Consent) (move, error) {
		event := eventReject
		if c.Kind == Data && c.Status == Authorised {
			event = eventRevoke
		}
		return move{event: event, to: Rejected, by: by, channel: channel, edit: func(n *Consent) {
			why := r
			if why.Code == "" && c.Kind == Data {
				why.Code = ManuallyRejected
				if event == eventRevoke {
					why.Code = ManuallyRevoked
				}
			}
			n.Rejection = &why
		}}, nil
	})
}

// Consume marks a payment consent as used.
func (e *Engine) Consume(ctx context.Context, id string) (*Consent, error) {
	return e.change(ctx, id, func(c *Consent) (move, error) {
		return move{event: eventConsume, to: Consumed, by: "client:" + c.ClientID, channel: "api"}, nil
	})
}

// Extend renews a data consent: nothing but its expiry changes, and the renewal is kept.
func (e *Engine) Extend(ctx context.Context, id string, x Extension) (*Consent, error) {
	return e.change(ctx, id, func(c *Consent) (move, error) {
		return move{event: eventExtend, to: c.Status, by: "client:" + c.ClientID, channel: "api", edit: func(n *Consent) {
			x.Previous, x.Requested = c.Expires, second(e.clock.Now())
			n.Expires = x.Expires
			n.Extensions = append(slices.Clip(c.Extensions), x)
		}}, nil
	})
}

// SetDebtor records the account to debit before the authorisation; it is not a change of state.
func (e *Engine) SetDebtor(ctx context.Context, id string, debtor json.RawMessage) (*Consent, error) {
	defer e.lock(id)()
	c := e.find(id)
	if c == nil {
		return nil, fmt.Errorf("consent %q: %w", id, ErrUnknown)
	}
	next := *c
	next.Debtor = debtor
	if err := e.keep(ctx, &next, "debtor"); err != nil {
		return nil, err
	}
	if err := e.publish(c, &next); err != nil {
		return nil, err
	}
	return &next, nil
}
