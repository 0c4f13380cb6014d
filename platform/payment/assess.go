package payment

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// assessment is a consent at the moment its customer authorises it: debtor and owner are known.
type assessment struct {
	terms     tree
	order     connector.Order
	approvals int
	objection string // the core's
	code      Code
	codeErr   error
	charge    *charge
	chargeErr error
	now       time.Time
	ledger    *ledger
}

// reason is a rejection reason on its way out of a rule.
type reason string

func (r reason) Error() string { return string(r) }

// judges makes a rule about an assessment; a breach rejects the consent with that reason.
func judges(id, text string, weight fault.Weight, code reason, broken func(a *assessment) bool) rule.Rule[*assessment] {
	return rule.Rule[*assessment]{ID: id, Text: text, Weight: weight, Check: func(_ context.Context, a *assessment) error {
		if broken(a) {
			return code
		}
		return nil
	}}
}

// objected makes a rule about one objection of the core.
func objected(id, text string, code reason) rule.Rule[*assessment] {
	return judges(id, text, fault.Critical, code, func(a *assessment) bool { return a.objection == string(code) })
}

func (a *assessment) instrument() string { return a.terms.text("payment.details.localInstrument") }
func (a *assessment) byCode() bool       { return static(a.instrument()) || dynamic(a.instrument()) }

// assessRules stand in the order of priority of the rejection reasons (payments 5.3).
var assessRules = rule.NewSet("payment authorisation",
	objected("PAY-AUTH-01/account-may-pay", "The chosen account is the customer's and may pay.", "CONTA_NAO_PERMITE_PAGAMENTO"),
	judges("PAY-AUTH-02/two-accounts", "Nobody pays from an account to itself.", fault.Major, "CONTAS_ORIGEM_DESTINO_IGUAIS", func(a *assessment) bool {
		return a.objection == "CONTAS_ORIGEM_DESTINO_IGUAIS" || same(a.order.Debtor, a.order.Creditor)
	}),
	judges("PAY-AUTH-03/amount-of-code", "The amount is one the code allows.", fault.Critical, "VALOR_INVALIDO", func(a *assessment) bool {
		fixed := a.codeErr == nil && a.code.Static && a.code.Amount != "" && centavos(a.code.Amount) != centavos(a.order.Amount)
		return a.objection == "VALOR_INVALIDO" || static(a.instrument()) && fixed || dynamic(a.instrument()) && a.chargeErr == nil && !a.charge.accepts(a.order.Amount)
	}),
	judges("PAY-AUTH-04/code-sound", "A code is a Pix code with a right checksum.", fault.Critical, "QRCODE_INVALIDO", func(a *assessment) bool {
		return a.objection == "QRCODE_INVALIDO" || a.byCode() && a.codeErr != nil
	}),
	judges("PAY-AUTH-05/code-kind", "A static code is not paid as a dynamic one, nor the reverse.", fault.Major, "QRCODE_INVALIDO", func(a *assessment) bool {
		return a.byCode() && a.codeErr == nil && a.code.Static != static(a.instrument())
	}),
	judges("PAY-AUTH-06/code-key", "The key of the code is the consent's.", fault.Critical, "QRCODE_INVALIDO", func(a *assessment) bool {
		proxy := a.terms.text("payment.details.proxy")
		return static(a.instrument()) && a.codeErr == nil && a.code.Static && a.code.Key != proxy ||
			dynamic(a.instrument()) && a.chargeErr == nil && a.charge.Key != "" && a.charge.Key != proxy
	}),
	judges("PAY-AUTH-07/charge-stands", "A dynamic code's charge can be read, is active, and was not paid.", fault.Major, "QRCODE_INVALIDO", func(a *assessment) bool {
		return dynamic(a.instrument()) && (a.chargeErr != nil || !a.charge.payable(a.now) || a.ledger.paid(chargeOf(a.terms), nil))
	}),
	objected("PAY-AUTH-08/within-limit", "The amount is within the customer's limits.", "VALOR_ACIMA_LIMITE"),
	objected("PAY-AUTH-09/has-balance", "The account holds the amount of an immediate payment.", "SALDO_INSUFICIENTE"),
	judges("PAY-AUTH-10/full-powers", "Withdrawal and change need nobody else's approval.", fault.Major, "PERMISSAO_INSUFICIENTE", func(a *assessment) bool {
		return a.approvals > 0 && (a.order.Purpose == "WITHDRAW" || a.order.Purpose == "CHANGE")
	}),
)

// ruled are the objections that have a rule; any other rejects by itself.
var ruled = []string{"", "CONTA_NAO_PERMITE_PAGAMENTO", "CONTAS_ORIGEM_DESTINO_IGUAIS", "VALOR_INVALIDO", "QRCODE_INVALIDO", "VALOR_ACIMA_LIMITE", "SALDO_INSUFICIENTE"}

// consentReasons are the further objections a consent's rejection may name.
var consentReasons = []string{"NAO_INFORMADO", "FALHA_INFRAESTRUTURA"}

// Assess judges a payment consent that its customer is about to authorise, with Owner, Debtor and
// Approvals as they would be. It returns the rejectionReason code of the weightiest objection, or "".
func (s *Service) Assess(ctx context.Context, c *consent.Consent) string {
	t := terms(c.Payment)
	item := tree{"payment": t["payment"]}
	if details, ok := t.at("payment.details"); ok {
		if m, ok := details.(map[string]any); ok {
			for _, name := range []string{"localInstrument", "proxy", "qrCode", "creditorAccount"} {
				if v, ok := m[name]; ok {
					item[name] = v
				}
			}
		}
	}
	a := &assessment{terms: t, order: orderOf(c, t, item), approvals: len(c.Approvals), now: s.cfg.Clock.Now(), ledger: s.payments}
	a.code, a.codeErr = ReadCode(t.text("payment.details.qrCode"))
	a.charge, a.chargeErr = readCharge(t.text("payment.details.payloadJWS"))
	v, err := s.cfg.Core.Foresee(ctx, a.order)
	if err == nil && !v.Allowed {
		a.objection = v.Reason
	}
	var why reason
	if errors.As(assessRules.Check(ctx, s.cfg.Seams, a), &why) {
		return string(why)
	}
	switch {
	case err != nil:
		s.cfg.Log.WarnContext(ctx, "payment consent not assessed", "consent_id", c.ID, "error", err)
		return "FALHA_INFRAESTRUTURA"
	case slices.Contains(ruled, a.objection):
		return ""
	case slices.Contains(consentReasons, a.objection):
		return a.objection
	default:
		return "NAO_INFORMADO"
	}
}
