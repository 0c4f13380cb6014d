package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// create takes payments under the consent of the token. What is answered with 201 or 422 uses the consent
// up, except while approvers are missing (payments 5.3).
func (s *Service) create(ctx context.Context, c *call.Call) (*call.Answer, error) {
	data := parse(c.Body)
	items := itemsOf(data)
	if len(items) > 0 {
		c.Report["authorisationFlow"] = flow(items[0])
	}
	found, err := s.granted(ctx, c)
	if err != nil {
		return nil, err
	}
	c.Report["paymentType"] = kind(terms(found.Payment))
	a, err := s.attempt(ctx, c, data)
	if err != nil {
		return nil, err
	}
	defer a.unlock()
	if a.first != nil && s.honours(a.first) {
		return s.repeat(c, a.first)
	}
	unlock := s.consents.lock(found.ID)
	defer unlock()
	if found, err = s.granted(ctx, c); err != nil { // as it is now that nobody else uses it
		return nil, err
	}
	in := &initiation{items: items, consent: found, terms: terms(found.Payment), client: c.Client, now: s.cfg.Clock.Now(), ledger: s.payments}
	in.dates = occurrences(in.terms)
	s.payments.claim(in)
	defer s.payments.release(in)
	if a.first == nil { // a repeated initiation was judged when it first came
		err = initiationRules.Check(ctx, s.cfg.Seams, in)
	}
	if err == nil {
		err = s.foreseen(ctx, in)
	}
	if err != nil {
		return nil, s.refuse(ctx, a, found, err)
	}
	return s.accept(ctx, c, a, in)
}

// granted is the consent of the call's token, if it is the caller's.
func (s *Service) granted(ctx context.Context, c *call.Call) (*consent.Consent, error) {
	if c.Token == nil || c.Token.ConsentID == "" {
		return nil, forbidden("O token de acesso não tem consentimento")
	}
	c.Report["consentId"] = c.Token.ConsentID
	found, ok := s.cfg.Consents.Get(c.Token.ConsentID)
	if !ok || found.Kind != consent.Payment {
		return nil, forbidden("O consentimento do token não é de pagamento")
	}
	return found, ownerRules.Check(ctx, s.cfg.Seams, access{found.ClientID, c.Client.ID})
}

// honours says whether a remembered outcome is answered again; it always is, unless the seam says no.
func (s *Service) honours(o *outcome) bool {
	t := fault.Transition{Machine: "payment", Event: "retry", Allowed: true}
	if len(o.IDs) > 0 {
		if e, ok := s.payments.find(o.IDs[0]); ok {
			t.ID, t.From, t.To = o.IDs[0], e.now().Status, e.now().Status
		}
	}
	return s.cfg.Seams.Transition(t).Allowed
}

// repeat answers an earlier outcome again: the same refusal, or the payments in their present state.
func (s *Service) repeat(c *call.Call, o *outcome) (*call.Answer, error) {
	if o.Refusal != nil {
		return nil, o.Refusal
	}
	var all []*Payment
	for _, id := range o.IDs {
		if e, ok := s.payments.find(id); ok {
			all = append(all, e.now())
		}
	}
	return s.created(c, all), nil
}

func (s *Service) created(c *call.Call, all []*Payment) *call.Answer {
	views := make([]view, len(all))
	for i, p := range all {
		views[i] = show(p, true)
	}
	reportList(c, all)
	return answer(c, http.StatusCreated, views, c.Self())
}

// foreseen asks the core before anything is made, so that an outage leaves the consent as it was.
func (s *Service) foreseen(ctx context.Context, in *initiation) error {
	if len(in.items) == 0 {
		return nil
	}
	v, err := s.cfg.Core.Foresee(ctx, orderOf(in.consent, in.terms, in.items[0]))
	switch {
	case err != nil:
		return outage(fmt.Errorf("foresee payment of %s: %w", in.consent.ID, err))
	case !v.Allowed:
		return unprocessable(initiationCode(v.Reason), reasonText(v.Reason))
	default:
		return nil
	}
}

func reasonText(code string) string {
	if text := reasonTexts[code]; text != "" {
		return text
	}
	return titles["PAGAMENTO_RECUSADO_DETENTORA"] + "."
}

// refuse answers an error. A 422 other than for missing approvers uses the consent up and is remembered.
func (s *Service) refuse(ctx context.Context, a *attempt, of *consent.Consent, err error, more ...store.Op) error {
	var p *call.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || rule.Of(err) == "PAY-INIT-04/consent-approved" {
		return err
	}
	if failed := s.keep(ctx, a, nil, p, more...); failed != nil {
		return failed
	}
	if failed := s.consume(ctx, of.ID); failed != nil {
		return failed
	}
	return err
}

// consume uses the consent up. That it cannot be used again is not an error here: who may pay was judged
// before.
func (s *Service) consume(ctx context.Context, id string) error {
	if _, err := s.cfg.Consents.Consume(ctx, id); err != nil && !errors.Is(err, consent.ErrState) {
		return fmt.Errorf("consume consent %s: %w", id, err)
	}
	return nil
}

// accept makes the payments durable, uses the consent up and starts them.
func (s *Service) accept(ctx context.Context, c *call.Call, a *attempt, in *initiation) (*call.Answer, error) {
	now := second(s.cfg.Clock.Now())
	var all []*Payment
	var ids []string
	var ops, undo []store.Op
	for _, item := range in.items {
		p, err := s.draft(in, item)
		if err != nil {
			return nil, err
		}
		t := s.step(p.ID, "create", "", received)
		p.Status, p.Created, p.Updated, p.History = t.To, now, now, []Change{{At: now, Event: "create", To: t.To}}
		all, ids = append(all, p), append(ids, p.ID)
		ops = append(ops, store.Put(recordKind, p.ID, p), s.tell(p))
		undo = append(undo, store.Delete(recordKind, p.ID))
	}
	if err := s.keep(ctx, a, ids, nil, ops...); err != nil {
		return nil, err
	}
	entries := make([]entry, len(all))
	for i, p := range all {
		entries[i] = s.payments.add(p, ops[2*i].Put.Body)
	}
	if err := s.consume(ctx, in.consent.ID); err != nil {
		s.cfg.Log.ErrorContext(ctx, "consent not consumed", "consent_id", in.consent.ID, "error", err)
	}
	if len(all) == 0 {
		return s.created(c, all), nil
	}
	if in.dates != nil {
		s.work.Go(func() { s.enrol(entries) })
		return s.created(c, all), nil
	}
	receipt, err := s.cfg.Core.Submit(ctx, all[0].Order)
	if err != nil {
		// Whether the core took the order is not known: the payment stands and is asked for again.
		s.cfg.Log.WarnContext(ctx, "order not acknowledged", "payment_id", all[0].ID, "error", err)
		s.work.Go(func() { s.pursue(entries[0], errors.Is(err, connector.ErrUnavailable)) })
		return s.created(c, all), nil
	}
	if receipt.State == connector.Rejected {
		s.payments.remove(all[0])
		return nil, s.refuse(ctx, a, in.consent, unprocessable(initiationCode(receipt.Reason), detailOf(receipt)), undo...)
	}
	return s.created(c, all), nil
}

// draft makes a payment of one item.
func (s *Service) draft(in *initiation, item tree) (*Payment, error) {
	raw, err := json.Marshal(item)
	if err != nil {
		return nil, fmt.Errorf("payment: %w", err)
	}
	p := &Payment{ID: s.cfg.NewID(), ConsentID: in.consent.ID, ClientID: in.consent.ClientID, Organisation: in.client.OrganisationID, Item: raw, Order: orderOf(in.consent, in.terms, item), Charge: chargeOf(in.terms)}
	for _, taken := s.payments.find(p.ID); taken; _, taken = s.payments.find(p.ID) {
		p.ID = s.cfg.NewID() // a repeatable sequence begins again with each start
	}
	p.Order.ID, p.Order.Scheduled = p.ID, false
	if at, ok := stamp(item); ok && in.dates != nil {
		p.Date = at.Format("2006-01-02")
	}
	return p, nil
}

// orderOf is what the core is asked for: who pays is the consent's, what is paid is the item's.
func orderOf(of *consent.Consent, t, item tree) connector.Order {
	o := connector.Order{
		Customer: of.Owner, Creditor: item.account("creditorAccount"), CreditorDoc: t.text("creditor.cpfCnpj"), CreditorName: t.text("creditor.name"),
		Amount: item.text("payment.amount"), Proxy: item.text("proxy"), EndToEndID: item.text("endToEndId"), Instrument: item.text("localInstrument"),
		Remittance: item.text("remittanceInformation"), Purpose: t.text("payment.purpose"), Scheduled: t.has("payment.schedule"),
	}
	_ = json.Unmarshal(of.Debtor, &o.Debtor) // without an account the core refuses
	return o
}

func detailOf(r connector.Receipt) string {
	if r.Detail != "" {
		return r.Detail
	}
	return reasonText(r.Reason)
}
