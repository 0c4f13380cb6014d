package as

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
)

// channel names this server in a consent's history.
const channel = "authorization"

// outcome is why a consent is not given, in the words of each kind (payments-consents 5.3; consents 2.1).
type outcome struct {
	by, rejectedBy string
	data, payment  string
}

var (
	cancelledAtLogin = outcome{"customer", "USER", "CUSTOMER_MANUALLY_REJECTED", "REJEITADO_USUARIO"}
	deniedByCustomer = outcome{"customer", "USER", "CUSTOMER_MANUALLY_REJECTED", "REJEITADO_USUARIO"}
	otherCustomer    = outcome{"holder", "ASPSP", "INTERNAL_SECURITY_REASON", "AUTENTICACAO_DIVERGENTE"}
	coreFailed       = outcome{"holder", "ASPSP", "CONSENT_TECHNICAL_ISSUE", "FALHA_INFRAESTRUTURA"}
)

func refusedFor(reason string) outcome { return outcome{"holder", "ASPSP", "", reason} }

// decline rejects the consent and sends the customer back with access_denied (AS-AUTHN-02 to -05).
func (s *Server) decline(w http.ResponseWriter, r *http.Request, at *session, c *consent.Consent, o outcome) {
	why := consent.Rejection{By: o.rejectedBy, Code: o.data}
	if c.Kind == consent.Payment {
		why.Code = o.payment
	}
	if _, err := s.cfg.Consents.Reject(audit(r.Context()), c.ID, why, o.by, channel); err != nil && !errors.Is(err, consent.ErrState) {
		s.log.Error("consent not rejected", "error", err)
	}
	s.end(w, r, at, map[string]any{"error": "access_denied", "error_description": "the customer did not authorise the consent"})
}

// decide works on the consent form.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, at *session, c *consent.Consent, form url.Values) {
	ctx := r.Context()
	switch form.Get("action") {
	case "deny":
		step := s.seams.Transition(fault.Transition{Machine: "authorization", ID: c.ID, Event: "deny", From: "deciding", To: "denied", Allowed: true})
		if step.To != "approved" {
			s.decline(w, r, at, c, deniedByCustomer)
			return
		}
		s.approve(w, r, at, c, at.choices.all())
		return
	case "approve":
	default:
		s.page(w, r, http.StatusBadRequest, "invalid-request", "")
		return
	}
	if form.Has("company") {
		company, known := companyOf(at.customer, form.Get("company"))
		if !known {
			s.decline(w, r, at, c, otherCustomer)
			return
		}
		if company != at.company {
			at.company = company
			if err := customerRules.Check(ctx, s.seams, &person{c, at.customer, at.company}); err != nil {
				s.decline(w, r, at, c, otherCustomer)
				return
			}
			var err error
			if at.choices, err = s.chooseFrom(ctx, at, c); err != nil {
				s.log.Error("accounts of the company", "error", err)
				s.decline(w, r, at, c, coreFailed)
				return
			}
			s.approve(w, r, at, c, at.choices.all())
			return
		}
	}
	chosen := at.choices.named(form["account"])
	if len(chosen) == 0 && at.choices.fit() { // CF-05: at least one is kept
		s.showConsent(w, r, at, c, http.StatusBadRequest)
		return
	}
	s.approve(w, r, at, c, chosen)
}

// companyOf finds the company a form names; "" is the person.
func companyOf(c *connector.Customer, id string) (*connector.Company, bool) {
	if id == "" {
		return nil, true
	}
	for i := range c.Companies {
		if c.Companies[i].CNPJ == id || c.Companies[i].Key == id {
			return &c.Companies[i], true
		}
	}
	return nil, false
}

// approve authorises the consent with what was chosen, and sends the customer back with a code.
func (s *Server) approve(w http.ResponseWriter, r *http.Request, at *session, c *consent.Consent, chosen []choice) {
	ctx := r.Context()
	d := consent.Decision{By: "customer", Channel: channel, Owner: at.owner(), Resources: []string{}}
	for _, one := range chosen {
		d.Resources = append(d.Resources, one.id)
		for _, who := range one.approvers {
			if !slices.Contains(d.Approvals, who.id) {
				d.Approvals = append(d.Approvals, who.id)
			}
		}
	}
	if c.Kind == consent.Payment {
		d.Resources = nil
		var reason string
		if d.Debtor, reason = s.assess(ctx, c, d, chosen); reason != "" {
			s.decline(w, r, at, c, refusedFor(reason))
			return
		}
	}
	answer, keep, err := s.success(ctx, at)
	if err != nil {
		s.log.Error("answer not made", "error", err)
		s.end(w, r, at, map[string]any{"error": "server_error"})
		return
	}
	if _, err := s.cfg.Consents.Authorise(audit(ctx), c.ID, d); err != nil {
		if errors.Is(err, consent.ErrState) {
			s.end(w, r, at, map[string]any{"error": "access_denied", "error_description": "the consent can no longer be authorised"})
			return
		}
		s.log.Error("consent not authorised", "error", err)
		s.end(w, r, at, map[string]any{"error": "server_error"})
		return
	}
	keep()
	s.end(w, r, at, answer)
}

// success makes the answer of an approval; keep makes its code redeemable.
func (s *Server) success(ctx context.Context, at *session) (answer map[string]any, keep func(), err error) {
	value, q := secret(), at.request
	token, err := s.idToken(ctx, tokenFor{at: "authorize", client: q.client, request: q, identity: at.identity, code: value})
	if err != nil {
		return nil, nil, err
	}
	owner, who := at.owner(), at.identity
	return map[string]any{"code": value, "id_token": token}, func() { s.keepCode(value, q, owner, who) }, nil
}

// owner is whose data or money it is.
func (at *session) owner() string {
	if at.company != nil {
		return at.company.Key
	}
	return at.customer.Key
}

// assess asks whether the payment could be made from the chosen account. It returns the account to debit,
// or the reason of the rejection (payments 5.3). The rules of the payments API, where they are at hand,
// have the only word; else the core has.
func (s *Server) assess(ctx context.Context, c *consent.Consent, d consent.Decision, chosen []choice) (debtor json.RawMessage, reason string) {
	if len(chosen) != 1 {
		return nil, "CONTA_NAO_PERMITE_PAGAMENTO"
	}
	debtor, err := json.Marshal(chosen[0].account)
	if err != nil {
		return nil, "NAO_INFORMADO"
	}
	if s.cfg.Assess == nil {
		return debtor, s.foresee(ctx, c, d.Owner, chosen[0])
	}
	wish := *c
	wish.Owner, wish.Debtor, wish.Approvals = d.Owner, debtor, d.Approvals
	return debtor, s.cfg.Assess(ctx, &wish)
}

// foresee asks the core alone.
func (s *Server) foresee(ctx context.Context, c *consent.Consent, owner string, from choice) (reason string) {
	o, err := paymentOrder(c)
	if err != nil {
		s.log.Error("payment of the consent", "error", err)
		return "NAO_INFORMADO"
	}
	o.Customer, o.Debtor = owner, from.account
	if from.unfit != "" {
		return "CONTA_NAO_PERMITE_PAGAMENTO"
	}
	if sameAccount(o.Debtor, o.Creditor) {
		return "CONTAS_ORIGEM_DESTINO_IGUAIS"
	}
	verdict, err := s.cfg.Source.Foresee(ctx, o)
	switch {
	case err != nil:
		s.log.Error("payment not foreseen", "error", err)
		return "FALHA_INFRAESTRUTURA"
	case verdict.Allowed, verdict.Reason == "SALDO_INSUFICIENTE" && o.Scheduled:
		return ""
	case verdict.Reason == "":
		return "NAO_INFORMADO"
	}
	return verdict.Reason
}

func sameAccount(a, b connector.Account) bool {
	return a.ISPB == b.ISPB && a.Number == b.Number && a.Issuer == b.Issuer && a.Type == b.Type
}
