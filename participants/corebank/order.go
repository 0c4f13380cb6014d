package corebank

import (
	"context"
	"fmt"
	"time"
)

// order is an order and where it stands.
type order struct {
	Order
	cents   int64
	debtor  *account
	day     string // customer and Brasília date of submission, for the day limit
	state   string
	reason  string
	detail  string
	holding bool // goes to Held instead of Accepted, once
}

func (o *order) receipt() Receipt { return Receipt{State: o.state, Reason: o.reason, Detail: o.detail} }

// resumes says whether a held order goes on by itself.
func (o *order) resumes() bool { return o.cents == hold*100+2 || o.cents == hold*100+3 }

func final(state string) bool { return state == Settled || state == Rejected || state == Cancelled }

// Foresee says whether an order could be paid now, without moving anything.
func (b *Bank) Foresee(_ context.Context, o Order) (Verdict, error) {
	if b.away.Load() {
		return Verdict{}, ErrUnavailable
	}
	cents, err := Cents(o.Amount)
	if err != nil {
		return Verdict{}, fmt.Errorf("foresee: %w", err)
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if cents/100 == outage {
		return Verdict{}, ErrUnavailable
	}
	if reason := reserved(cents, refuseForeseen); reason != "" {
		return Verdict{Reason: reason}, nil
	}
	reason, _ := b.objection(o, cents)
	return Verdict{Allowed: reason == "", Reason: reason}, nil
}

// objection is what the payer's side has against an order, the weightiest first. The caller holds b.mu.
func (b *Bank) objection(o Order, cents int64) (reason, detail string) {
	who, a := b.people[o.Customer], b.numbers[o.Debtor.Number]
	switch {
	case who == nil || a == nil || who.holds(a.id) == nil || o.Debtor.ISPB != b.cfg.ISPB:
		return "CONTA_NAO_PERMITE_PAGAMENTO", "A conta de débito não pertence ao pagador."
	case a.status != Available:
		return "CONTA_NAO_PERMITE_PAGAMENTO", "A conta de débito está bloqueada ou encerrada."
	case o.Debtor.ISPB == o.Creditor.ISPB && o.Debtor.Number == o.Creditor.Number:
		return "CONTAS_ORIGEM_DESTINO_IGUAIS", "As contas de origem e destino são a mesma."
	case cents == 0:
		return "VALOR_INVALIDO", "O valor é zero."
	case cents > b.limits.Order, (o.Purpose == "WITHDRAW" || o.Purpose == "CHANGE") && cents > b.limits.Withdraw:
		return "VALOR_ACIMA_LIMITE", "O valor ultrapassa o limite por transação do cliente."
	case !o.Scheduled && b.spent[dayOf(o.Customer, b.cfg.Clock.Now())]+cents > b.limits.Day:
		return "VALOR_ACIMA_LIMITE", "O valor ultrapassa o limite diário do cliente."
	case !o.Scheduled && b.books[a.book()] < cents:
		return "SALDO_INSUFICIENTE", "A conta de débito não tem saldo suficiente."
	default:
		return "", ""
	}
}

func dayOf(customer string, at time.Time) string { return fmt.Sprintf("%s/%d", customer, today(at)) }

// Submit takes an order and sets its money aside, or refuses it at once. The same order again gets the
// receipt of the first; another order under the same id gets [ErrConflict].
func (b *Bank) Submit(_ context.Context, o Order) (Receipt, error) {
	if b.away.Load() {
		return Receipt{}, ErrUnavailable
	}
	cents, err := Cents(o.Amount)
	if err != nil {
		return Receipt{}, fmt.Errorf("submit order %s: %w", o.ID, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if have := b.orders[o.ID]; have != nil {
		if have.Order != o {
			return Receipt{}, fmt.Errorf("submit order %s: %w", o.ID, ErrConflict)
		}
		return have.receipt(), nil
	}
	if b.ctx.Err() != nil || cents/100 == outage {
		return Receipt{}, ErrUnavailable
	}
	e := event{Kind: "order", At: b.cfg.Clock.Now(), Order: &o, State: Pending}
	e.Reason, e.Detail = b.objection(o, cents)
	if reason := reserved(cents, refuseSubmitted); reason != "" && e.Reason == "" {
		e.Reason, e.Detail = reason, "Recusado pelo valor reservado à simulação."
	}
	if e.Reason != "" {
		e.State = Rejected
	} else if a := b.numbers[o.Debtor.Number]; a.holdNext > 0 || holds(cents) {
		e.Hold = true
	}
	if err := b.commit(e); err != nil {
		return Receipt{}, fmt.Errorf("submit order %s: %w", o.ID, err)
	}
	if e.State == Pending {
		b.settle(o.ID)
	}
	return b.orders[o.ID].receipt(), nil
}

// Cancel takes a held order back and returns where it stands; an order not held stays as it is.
func (b *Bank) Cancel(_ context.Context, id string) (Receipt, error) {
	return b.decide(id, Cancelled, "", "")
}

// Release ends the analysis of a held order: on to settlement, or rejected with a reason.
func (b *Bank) Release(id, reason string) (Receipt, error) {
	if reason != "" {
		return b.decide(id, Rejected, reason, "Recusado na análise da instituição.")
	}
	return b.decide(id, Accepted, "", "")
}

func (b *Bank) decide(id, state, reason, detail string) (Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orders[id]
	if o == nil {
		return Receipt{}, ErrUnknown
	}
	if b.ctx.Err() != nil {
		return Receipt{}, ErrUnavailable
	}
	if o.state != Held {
		return o.receipt(), nil
	}
	if err := b.commit(event{Kind: "state", ID: id, State: state, Reason: reason, Detail: detail, At: b.cfg.Clock.Now()}); err != nil {
		return Receipt{}, fmt.Errorf("order %s: %w", id, err)
	}
	if state == Accepted {
		b.settle(id)
	}
	return o.receipt(), nil
}

// settle walks an order to its end in the background, a step at a time.
func (b *Bank) settle(id string) {
	b.work.Go(func() {
		for b.cfg.Clock.Sleep(b.ctx, b.cfg.Step) == nil {
			if b.advance(id) {
				return
			}
		}
	})
}

// advance takes one step and says whether the walk is over.
func (b *Bank) advance(id string) (over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orders[id]
	e := event{Kind: "state", ID: id, At: b.cfg.Clock.Now()}
	switch o.state {
	case Pending:
		e.Reason, e.Detail = b.mismatch(o)
		switch {
		case e.Reason != "":
			e.State = Rejected
		case o.holding:
			e.State = Held
		default:
			e.State = Accepted
		}
	case Held:
		e.State = Accepted
		if o.cents == hold*100+3 {
			e.State, e.Reason, e.Detail = Rejected, "NAO_INFORMADO", "Recusado na análise da instituição."
		}
	case Accepted:
		e.State = Sent
	case Sent:
		e.State = Settled
		if e.Reason = reserved(o.cents, refuseLater); e.Reason != "" {
			e.State, e.Detail = Rejected, "Recusado pelo valor reservado à simulação."
		} else if e.Reason, e.Detail = b.mismatch(o); e.Reason != "" {
			e.State = Rejected
		}
	default:
		return true
	}
	if b.commit(e) != nil {
		return false // the next step tries again
	}
	if o.state == Held {
		return !o.resumes()
	}
	return final(o.state)
}
