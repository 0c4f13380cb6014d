package tpp

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// CreatePaymentConsent creates a payment consent; edits bend the call before it leaves.
func (c *Client) CreatePaymentConsent(ctx context.Context, s *Server, o Order, edits ...func(*APICall)) (*Consent, error) {
	e, err := c.act(ctx, s, spec.Find("payments.consent-create"), func(r *APICall) {
		r.Body(o.ConsentBody(c.cfg.Clock.Now()))
		for _, edit := range edits {
			edit(r)
		}
	})
	if err != nil {
		return nil, err
	}
	return c.consent(s, e, o.Payer)
}

// Payment is a payment, or the payments of a schedule, as the client follows them.
type Payment struct {
	Consent  *Consent
	Grant    *Grant
	IDs      []string
	Statuses []string // last seen, in the order of IDs
	Seen     []string // what the first of them went through
	Exchange *Exchange
}

// Final are the states that no payment leaves.
var Final = []string{"ACSC", "RJCT", "CANC"}

// CreatePayment initiates the payments of an authorised consent; edits bend the call.
func (c *Client) CreatePayment(ctx context.Context, g *Grant, o Order, edits ...func(*APICall)) (*Payment, error) {
	r := c.API(g.Server, spec.Find("payments.create")).With(g).Body(c.PaymentBody(o))
	for _, edit := range edits {
		edit(r)
	}
	e := r.Send(ctx)
	if err := c.CheckAnswer(ctx, g.Server, e); err != nil {
		return nil, err
	}
	if err := e.want(http.StatusCreated); err != nil {
		return nil, err
	}
	p := &Payment{Consent: g.Consent, Grant: g, Exchange: e}
	items, _ := e.Field("data").([]any)
	for _, item := range items {
		id, _ := dig(item, "paymentId").(string)
		status, _ := dig(item, "status").(string)
		p.IDs, p.Statuses = append(p.IDs, id), append(p.Statuses, status)
	}
	if len(p.IDs) == 0 || slices.Contains(p.IDs, "") {
		return nil, &Failure{e}
	}
	p.Seen = []string{p.Statuses[0]}
	return p, nil
}

// ReadPayment reads one payment with a client-credentials token.
func (c *Client) ReadPayment(ctx context.Context, k *Consent, paymentID string) (*Exchange, error) {
	e, err := c.act(ctx, k.Server, spec.Find("payments.read"), func(r *APICall) { r.Param("paymentId", paymentID).About(k.ID) })
	if err != nil {
		return e, err
	}
	return e, e.want(http.StatusOK)
}

// Await polls the payments, ever more slowly, until each is final, or is in one of the other states
// given. It returns when ctx ends, with its error.
func (c *Client) Await(ctx context.Context, p *Payment, or ...string) error {
	pause := 20 * time.Millisecond
	for i, id := range p.IDs {
		for {
			e, err := c.ReadPayment(ctx, p.Consent, id)
			if err != nil {
				return err
			}
			p.Exchange, p.Statuses[i] = e, e.Text("data.status")
			if i == 0 && p.Seen[len(p.Seen)-1] != p.Statuses[0] {
				p.Seen = append(p.Seen, p.Statuses[0])
			}
			if slices.Contains(Final, p.Statuses[i]) || slices.Contains(or, p.Statuses[i]) {
				break
			}
			if err := c.cfg.Clock.Sleep(ctx, pause); err != nil {
				return fmt.Errorf("payment still %s: %w", p.Statuses[i], err)
			}
			pause = min(pause*3/2, time.Second)
		}
	}
	return nil
}

// Pay takes an order through the whole journey: consent, customer, payment, and its end. Scheduled
// payments end, for this call, as SCHD; held ones as PDNG.
func (c *Client) Pay(ctx context.Context, s *Server, o Order, who Customer) (*Payment, error) {
	k, err := c.CreatePaymentConsent(ctx, s, o)
	if err != nil {
		return nil, err
	}
	g, err := c.Authorise(ctx, k, who)
	if err != nil {
		return nil, err
	}
	p, err := c.CreatePayment(ctx, g, o)
	if err != nil {
		return nil, err
	}
	return p, c.Await(ctx, p, "SCHD", "PDNG")
}

// CancelBody is the body of a cancellation asked by a person.
func CancelBody(cpf string) map[string]any {
	return map[string]any{"data": map[string]any{"status": "CANC", "cancellation": map[string]any{"cancelledBy": document(cpf, "CPF")}}}
}

// CancelPayment cancels one payment; edits bend the call.
func (c *Client) CancelPayment(ctx context.Context, k *Consent, paymentID string, edits ...func(*APICall)) (*Exchange, error) {
	e, err := c.act(ctx, k.Server, spec.Find("payments.cancel"), func(r *APICall) {
		r.Param("paymentId", paymentID).About(k.ID).Body(CancelBody(k.Person.CPF))
		for _, edit := range edits {
			edit(r)
		}
	})
	if err != nil {
		return e, err
	}
	return e, e.want(http.StatusOK)
}

// CancelPayments cancels every payment of a consent that still can be.
func (c *Client) CancelPayments(ctx context.Context, k *Consent, edits ...func(*APICall)) (*Exchange, error) {
	e, err := c.act(ctx, k.Server, spec.Find("payments.consent-cancel"), func(r *APICall) {
		r.Param("consentId", k.ID).Body(CancelBody(k.Person.CPF))
		for _, edit := range edits {
			edit(r)
		}
	})
	if err != nil {
		return e, err
	}
	return e, e.want(http.StatusAccepted)
}
