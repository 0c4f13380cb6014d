package payment

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
)

// How long to wait before asking the core again, and for how long an outright refusal to serve is taken
// for a passing one.
const (
	patience  = 30 * time.Second
	askAgain  = 500 * time.Millisecond
	lanes     = 32 // payments whose changes are written side by side
	laneQueue = 256
)

// follow applies what the core tells, in order for each payment. A watch that ends is begun again.
func (s *Service) follow(changes <-chan connector.Change) {
	seed := maphash.MakeSeed()
	var lane [lanes]chan connector.Change
	var workers sync.WaitGroup
	for i := range lane {
		lane[i] = make(chan connector.Change, laneQueue)
		workers.Go(func() {
			for c := range lane[i] {
				if e, ok := s.payments.find(c.Order); ok {
					s.settle(e, c.Receipt)
				}
			}
		})
	}
	for s.ctx.Err() == nil {
		for c := range changes {
			lane[maphash.String(seed, c.Order)%lanes] <- c
		}
		if s.cfg.Clock.Sleep(s.ctx, askAgain) != nil {
			break
		}
		again, err := s.cfg.Core.Watch(s.ctx)
		if err != nil {
			s.cfg.Log.WarnContext(s.ctx, "the core cannot be watched", "error", err)
			continue
		}
		changes = again
		s.resume() // what happened in between was not heard
	}
	for i := range lane {
		close(lane[i])
	}
	workers.Wait()
}

// settle applies a receipt until the store has it.
func (s *Service) settle(e entry, r connector.Receipt) {
	for {
		err := s.apply(s.ctx, e, r)
		if err == nil || errors.Is(err, errIllegal) || s.ctx.Err() != nil {
			return
		}
		s.cfg.Log.ErrorContext(s.ctx, "payment not updated", "payment_id", e.now().ID, "error", err)
		if s.cfg.Clock.Sleep(s.ctx, askAgain) != nil {
			return
		}
	}
}

// apply walks a payment to where the core's receipt says it is, one legal step at a time.
func (s *Service) apply(ctx context.Context, e entry, r connector.Receipt) error {
	defer e.lock()()
	for range len(machine) {
		p := e.now()
		event, to := next(p.Status, r.State)
		if event == "" {
			return nil
		}
		err := s.move(ctx, e, event, to, func(n *Payment) {
			switch to {
			case rejected:
				n.Rejection = &Reason{Code: r.Reason, Detail: detailOf(r)}
			case cancelled:
				n.Cancellation = &Cancellation{Reason: cancelReason(p.Status), From: "DETENTORA", At: n.Updated, CPF: s.payer(p)}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// next is the step that brings a payment nearer to what the core says, or "".
func next(status, state string) (event, to string) {
	open := status == received || status == held || status == scheduled
	switch {
	case final(status):
	case state == connector.Rejected:
		return "reject", rejected
	case state == connector.Cancelled && status == held:
		return "cancel", cancelled
	case (state == connector.Held || state == connector.Cancelled) && (status == received || status == scheduled):
		return "hold", held
	case (state == connector.Accepted || state == connector.Sent || state == connector.Settled) && open:
		return "accept", accepted
	case (state == connector.Sent || state == connector.Settled) && status == accepted:
		return "send", sent
	case state == connector.Settled && status == sent:
		return "settle", settled
	}
	return "", ""
}

// payer is the CPF of who gave the consent.
func (s *Service) payer(p *Payment) string {
	if c, ok := s.cfg.Consents.Get(p.ConsentID); ok {
		return c.CPF
	}
	return ""
}

// resume goes on with every payment that is not final, and sees that what paid is used up.
func (s *Service) resume() {
	for e, p := range s.payments.all {
		if c, ok := s.cfg.Consents.Get(p.ConsentID); ok && c.Status == consent.Authorised {
			if err := s.consume(s.ctx, c.ID); err != nil {
				s.cfg.Log.ErrorContext(s.ctx, "consent not consumed", "consent_id", c.ID, "error", err)
			}
		}
		switch {
		case final(p.Status):
		case p.Status == scheduled:
			s.due.add(settles(p.Date), e.key)
		case p.Status == received && p.Date != "":
			s.work.Go(func() { s.enrol([]entry{e}) })
		default:
			s.work.Go(func() { s.pursue(e, false) })
		}
	}
}

// pursue sends a payment's order until the core acknowledges it. When it is sure that no attempt was ever
// taken, because the core always said that it does not serve, the payment is rejected after a while.
func (s *Service) pursue(e entry, sure bool) {
	since := s.cfg.Clock.Now()
	for s.ctx.Err() == nil {
		if final(e.now().Status) {
			return
		}
		r, err := s.cfg.Core.Submit(s.ctx, e.now().Order)
		if err == nil {
			s.settle(e, r)
			return
		}
		sure = sure && errors.Is(err, connector.ErrUnavailable)
		if sure && s.cfg.Clock.Now().Sub(since) > patience {
			s.settle(e, connector.Receipt{State: connector.Rejected, Reason: "FALHA_INFRAESTRUTURA_DETENTORA", Detail: "O sistema da detentora não está disponível."})
			return
		}
		if s.cfg.Clock.Sleep(s.ctx, askAgain) != nil {
			return
		}
	}
}
