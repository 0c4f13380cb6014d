package drive

import (
	"context"
	"fmt"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// cent is what is paid: the least, since a run pays it often.
const cent = "0.01"

// order is a payment of a customer to the target file's first payee.
func (s *Source) order(who *target.Person) tpp.Order {
	o := tpp.Order{Payer: s.person(who), Amount: cent, Instrument: "MANU"}
	if payee, ok := s.target.PayeeWith(""); ok {
		o.Creditor = tpp.Creditor{Name: payee.Name, Document: payee.Document,
			Account: tpp.Account{ISPB: payee.Account.ISPB, Issuer: payee.Account.Issuer, Number: payee.Account.Number, Type: payee.Account.Type}}
	}
	return o
}

func (s *Source) payments(ctx context.Context, p *party, weights map[string]float64) error {
	asked := false
	for _, o := range spec.Operations() {
		asked = asked || (o.API.Signed && o.API.Role == "PAGTO" && o.API.Name == "payments" && weights[o.ID] > 0)
	}
	people := s.people(false)
	if !asked {
		return nil
	}
	if _, ok := s.target.PayeeWith(""); !ok || len(people) == 0 {
		s.note("payments are not played: the target file declares no payee, or no customer who can log in by a robot")
		return nil
	}
	who := people[len(people)-1]
	if err := s.paid(ctx, p, who, weights); err != nil {
		return err
	}
	if o := spec.Find("payments.consent-create"); weights[o.ID] > 0 {
		c, err := s.own(ctx, p, o, 201, "", nil)
		if err != nil {
			return err
		}
		order := s.order(who)
		ready := s.stock("signed payment consent", s.size(weights[o.ID], weights, 8), 1, signedLife, func(context.Context) (any, error) {
			return s.sign(p, o, order.ConsentBody(s.clock.Now()), nil)
		})
		s.add(o.ID, o.Class, func(ctx context.Context, _ uint64) load.Outcome {
			body, ok := ready.take()
			if !ok {
				return load.Outcome{Err: load.ErrShort}
			}
			return c.with(ctx, body.([]byte), "application/jwt", nil)
		})
	}
	if o := spec.Find("payments.create"); weights[o.ID] > 0 {
		s.initiating(p, o, people, weights)
	}
	for _, id := range []string{"payments.cancel", "payments.consent-cancel"} {
		if o := spec.Find(id); o != nil && weights[id] > 0 {
			if _, err := s.bearer(ctx, p, o.Scope); err != nil { // before anybody asks for it at once
				return err
			}
		}
	}
	s.cancelling(p, people, weights)
	return nil
}

// paid makes one real payment, whose parts are then read.
func (s *Source) paid(ctx context.Context, p *party, who *target.Person, weights map[string]float64) error {
	reads := map[string]string{"payments.read": "paymentId", "payments.consent-read": "consentId", "payments.consent-payments": "consentId"}
	wanted := false
	for id := range reads {
		wanted = wanted || weights[id] > 0
	}
	if !wanted {
		return nil
	}
	robot, err := s.robot(p, who)
	if err != nil {
		return err
	}
	done, err := p.client.Pay(ctx, p.server, s.order(who), robot)
	if err != nil {
		return fmt.Errorf("payment of %s for %s: %w", who.ID, p.entry.Name, err)
	}
	values := map[string]string{"paymentId": done.IDs[0], "consentId": done.Consent.ID}
	for id, param := range reads {
		o := spec.Find(id)
		if o == nil || weights[id] == 0 {
			continue
		}
		c, err := s.own(ctx, p, o, 200, done.Consent.ID, map[string]string{param: values[param]})
		if err != nil {
			return err
		}
		s.add(id, o.Class, c.do)
	}
	return nil
}

// sign makes the message of a body, as it would be sent: it names the address, with its parameters.
func (s *Source) sign(p *party, o *spec.Operation, body map[string]any, params map[string]string) ([]byte, error) {
	var compact string
	var err error
	r := p.client.API(p.server, o).Params(params).Body(body)
	r.Message(func(j *tpp.JWS) { compact, err = j.Sign() })
	return []byte(compact), err
}

// initiating pays: consents are authorised ahead by customers at the bank's pages, and signed just ahead.
func (s *Source) initiating(p *party, o *spec.Operation, people []*target.Person, weights map[string]float64) {
	turn := make(chan int, 1)
	turn <- 0
	size := s.size(weights[o.ID], weights, 6)
	allowed := s.stock("authorised payment consent", size, 2, consentKeeps, func(ctx context.Context) (any, error) {
		i := <-turn
		turn <- i + 1
		who := people[i%len(people)]
		robot, err := s.robot(p, who)
		if err != nil {
			return nil, err
		}
		order := s.order(who)
		k, err := p.client.CreatePaymentConsent(ctx, p.server, order)
		if err != nil {
			return nil, err
		}
		g, err := p.client.Authorise(ctx, k, robot)
		if err != nil {
			return nil, err
		}
		return &authorised{g, order, s.clock.Now().Add(g.ExpiresIn - lead(g.ExpiresIn))}, nil
	})
	ready := s.stock("signed payment", max(size/2, 2), 1, signedLife, func(ctx context.Context) (any, error) {
		for {
			select {
			case one := <-allowed.ready:
				a := one.thing.(*authorised)
				if !a.lives(s.clock.Now().Add(signedLife)) {
					continue // an expired token would be our fault, and be refused as the target's
				}
				body, err := s.sign(p, o, p.client.PaymentBody(a.order), nil)
				return &signedPayment{a, body}, err
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	})
	ready.spoilt = func(v any) { // the consent may still be good
		if a := v.(*signedPayment).authorised; a.lives(s.clock.Now()) {
			allowed.put(a)
		}
	}
	s.add(o.ID, o.Class, func(ctx context.Context, _ uint64) load.Outcome {
		one, ok := ready.take()
		if !ok {
			return load.Outcome{Err: load.ErrShort}
		}
		pay := one.(*signedPayment)
		b := &bearer{}
		b.set(pay.grant.AccessToken())
		c := &call{source: s, party: p, op: o, name: o.ID, class: o.Class, token: b, consent: pay.grant.ConsentID(), want: 201}
		if err := c.to(p.server.ResourceBase, nil); err != nil {
			return load.Outcome{Err: err}
		}
		return c.with(ctx, pay.body, "application/jwt", nil)
	})
}

// authorised is a payment that its customer has agreed to.
type authorised struct {
	grant *tpp.Grant
	order tpp.Order
	until time.Time // its token is not used beyond
}

// lives says whether its token can be used at an instant.
func (a *authorised) lives(at time.Time) bool { return at.Before(a.until) }

// signedPayment is one whose message is signed.
type signedPayment struct {
	*authorised
	body []byte
}
