package payment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// wish is a cancellation being asked for.
type wish struct {
	tree
	payment *Payment // nil while only the form is judged
	now     time.Time
	bulk    bool
}

const notCancellable = "PAGAMENTO_NAO_PERMITE_CANCELAMENTO"

// cancels makes a rule about a cancellation.
func cancels(id, text string, weight fault.Weight, broken func(w wish) string) rule.Rule[wish] {
	return rule.Rule[wish]{ID: id, Text: text, Weight: weight, Check: func(_ context.Context, w wish) error {
		if detail := broken(w); detail != "" {
			return unprocessable(notCancellable, detail)
		}
		return nil
	}}
}

var cancelFields = append(documentFields("cancellation.cancelledBy", true, `^\d{11}$`, "CPF"),
	field{"status", true, oneOf("CANC")}, field{"cancellation", true, object})

var cancelRules = rule.NewSet("payment cancellation",
	cancels("PAY-CANC-01/form", "A cancellation asks for CANC and names who cancels by CPF.", fault.Major, func(w wish) string {
		return when(w.payment == nil && (len(missing(w.tree, cancelFields)) > 0 || len(malformed(w.tree, cancelFields)) > 0), "O pedido de cancelamento está incompleto ou malformado.")
	}),
	cancels("PAY-CANC-02/before-the-day", "A scheduled payment is cancelled until the end of the day before, in Brasília.", fault.Major, func(w wish) string {
		return when(w.payment != nil && !w.bulk && w.payment.Status == scheduled && today(w.now) >= w.payment.Date, "O prazo para cancelar este agendamento terminou.")
	}),
	cancels("PAY-CANC-03/bulk-cut-off", "A bulk cancellation leaves payments due tomorrow alone from 22:00 on, in Brasília.", fault.Minor, func(w wish) string {
		return when(w.payment != nil && w.bulk && w.payment.Status == scheduled && !w.now.Before(settles(w.payment.Date).Add(-2*time.Hour)), "O prazo para cancelar este agendamento terminou.")
	}),
)

// cancel takes one payment back.
func (s *Service) cancel(ctx context.Context, c *call.Call) (*call.Answer, error) {
	e, err := s.paymentOf(ctx, c)
	if err != nil {
		return nil, err
	}
	w, a, err := s.wished(ctx, c)
	if err != nil {
		return nil, err
	}
	defer a.unlock()
	if a.first == nil {
		if err := s.revoke(ctx, e, w, "INICIADORA", w.text("cancellation.cancelledBy.document.identification")); err != nil {
			return nil, err
		}
		if err := s.keep(ctx, a, []string{e.now().ID}, nil); err != nil {
			return nil, err
		}
	}
	report(c, e.now())
	return answer(c, http.StatusOK, show(e.now(), false), c.Self()), nil
}

// cancelAll takes back every payment of a consent that still can be; when none can, it is refused.
func (s *Service) cancelAll(ctx context.Context, c *call.Call) (*call.Answer, error) {
	found, err := s.consentOf(ctx, c)
	if err != nil {
		return nil, err
	}
	w, a, err := s.wished(ctx, c)
	if err != nil {
		return nil, err
	}
	defer a.unlock()
	if a.first != nil {
		return &call.Answer{Status: http.StatusAccepted}, nil
	}
	w.bulk = true
	var ids []string
	for _, e := range s.payments.of(found.ID) {
		var p *call.Problem
		switch err := s.revoke(ctx, e, w, "INICIADORA", w.text("cancellation.cancelledBy.document.identification")); {
		case err == nil:
			ids = append(ids, e.now().ID)
		case !errors.As(err, &p):
			return nil, err
		}
	}
	if len(ids) == 0 {
		return nil, unprocessable(notCancellable, "Nenhum pagamento do consentimento pode ser cancelado.")
	}
	if err := s.keep(ctx, a, ids, nil); err != nil {
		return nil, err
	}
	return &call.Answer{Status: http.StatusAccepted}, nil
}

// wished reads a cancellation and opens its idempotency key.
func (s *Service) wished(ctx context.Context, c *call.Call) (wish, *attempt, error) {
	data, _ := parse(c.Body).(map[string]any)
	w := wish{tree: data, now: s.cfg.Clock.Now()}
	a, err := s.attempt(ctx, c, data)
	if err != nil {
		return wish{}, nil, err
	}
	if err := cancelRules.Check(ctx, s.cfg.Seams, w); err != nil {
		a.unlock()
		return wish{}, nil, err
	}
	return w, a, nil
}

// CancelAtHolder takes a payment back at the customer's wish in the holder's own channel.
func (s *Service) CancelAtHolder(ctx context.Context, id string) error {
	e, ok := s.payments.find(id)
	if !ok {
		return unknown("O pagamento informado não existe")
	}
	return s.revoke(ctx, e, wish{now: s.cfg.Clock.Now()}, "DETENTORA", s.payer(e.now()))
}

// revoke takes a payment back where its state and the clock allow it, the core first.
func (s *Service) revoke(ctx context.Context, e entry, w wish, from, cpf string) error {
	defer e.lock()()
	p := e.now()
	w.payment = p
	if err := cancelRules.Check(ctx, s.cfg.Seams, w); err != nil {
		return err
	}
	refusal := unprocessable(notCancellable, "O pagamento não está em um estado que permita cancelamento.")
	if p.Status == scheduled && e.ordered() || !s.step(p.ID, "cancel", p.Status, cancelled).Allowed {
		return refusal
	}
	if p.Status == held {
		r, err := s.cfg.Core.Cancel(ctx, p.ID)
		if err != nil && !errors.Is(err, connector.ErrUnknown) {
			return outage(fmt.Errorf("cancel payment %s: %w", p.ID, err))
		}
		if err == nil && r.State != connector.Cancelled {
			return refusal // it left the analysis just now
		}
	}
	return s.move(ctx, e, "cancel", cancelled, func(n *Payment) {
		n.Cancellation = &Cancellation{Reason: cancelReason(p.Status), From: from, At: n.Updated, CPF: cpf}
	})
}

func cancelReason(status string) string {
	if status == held {
		return "CANCELADO_PENDENCIA"
	}
	return "CANCELADO_AGENDAMENTO"
}
