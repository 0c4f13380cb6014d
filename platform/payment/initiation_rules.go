package payment

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// initiation is a list of payments being asked for under a consent.
type initiation struct {
	items   []tree
	consent *consent.Consent
	terms   tree     // of the consent
	dates   []string // of its schedule; nil when immediate
	client  *call.Client
	now     time.Time
	ledger  *ledger
}

// claims are what the initiation names and nobody else may pay with.
func (in *initiation) claims() []claim {
	var all []claim
	for _, item := range in.items {
		if id := item.text("endToEndId"); id != "" {
			all = append(all, claim{endToEnd: id})
		}
	}
	if charge := chargeOf(in.terms); charge != "" {
		all = append(all, claim{charge: charge})
	}
	return all
}

// itemsOf reads the list; what is not a list of objects gives nil.
func itemsOf(data any) []tree {
	list, _ := data.([]any)
	var items []tree
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		items = append(items, m)
	}
	return items
}

const (
	divergent           = "PAGAMENTO_DIVERGENTE_CONSENTIMENTO"
	mostInitiationError = 9
)

// pays makes a rule about an initiation as a whole.
func pays(id, text string, weight fault.Weight, code string, broken func(in *initiation) string) rule.Rule[*initiation] {
	return rule.Rule[*initiation]{ID: id, Text: text, Weight: weight, Check: func(_ context.Context, in *initiation) error {
		if detail := broken(in); detail != "" {
			return unprocessable(code, detail)
		}
		return nil
	}}
}

// each makes a rule about every payment of an initiation.
func each(id, text string, weight fault.Weight, code string, broken func(in *initiation, item tree) string) rule.Rule[*initiation] {
	return pays(id, text, weight, code, func(in *initiation) string {
		for _, item := range in.items {
			if detail := broken(in, item); detail != "" {
				return detail
			}
		}
		return ""
	})
}

// form makes a rule about the fields of every payment.
func form(id, text, code, detail string, names func(tree, []field) []string) rule.Rule[*initiation] {
	return rule.Rule[*initiation]{ID: id, Text: text, Weight: fault.Major, Check: func(_ context.Context, in *initiation) error {
		var all []string
		for i, item := range in.items {
			all = append(all, numbered(i, names(item, itemFields))...)
		}
		if len(all) > 0 {
			return several(code, detail, all, mostInitiationError)
		}
		return nil
	}}
}

// equal makes a rule that a payment repeats what the consent says.
func equal(id, text string, weight fault.Weight, of, agreed string) rule.Rule[*initiation] {
	return each(id, text, weight, divergent, func(in *initiation, item tree) string {
		return when(item.text(of) != in.terms.text(agreed), of+" difere do consentimento.")
	})
}

var initiationRules = rule.NewSet("payment initiation",
	pays("PAY-INIT-01/list", "An initiation is a list of payments.", fault.Major, "PARAMETRO_NAO_INFORMADO", func(in *initiation) string {
		return when(len(in.items) == 0, "Campo obrigatório não informado: data")
	}),
	form("PAY-INIT-02/required-fields", "Every required field of a payment is present.", "PARAMETRO_NAO_INFORMADO", "Campo obrigatório não informado: ", missing),
	form("PAY-INIT-03/formats", "Every field of a payment has its published form.", "PARAMETRO_INVALIDO", "Campo em formato inválido: ", malformed),
	pays("PAY-INIT-04/consent-approved", "A consent that waits for approvers does not pay yet, and stays as it is.", fault.Critical, "CONSENTIMENTO_PENDENTE_AUTORIZACAO", func(in *initiation) string {
		return when(in.consent.Status == consent.Partially, "O consentimento aguarda outras aprovações.")
	}),
	pays("PAY-INIT-05/consent-live", "Only an authorised consent pays, and only once.", fault.Critical, "CONSENTIMENTO_INVALIDO", func(in *initiation) string {
		open := in.consent.Status == consent.Authorised || in.consent.Status == consent.Partially
		return when(!open || len(in.ledger.of(in.consent.ID)) > 0, "O consentimento não está autorizado ou já foi usado.")
	}),
	pays("PAY-INIT-06/count", "An initiation brings as many payments as were consented.", fault.Critical, divergent, func(in *initiation) string {
		return when(len(in.items) > 0 && len(in.items) != max(len(in.dates), 1), "A quantidade de pagamentos difere do consentimento.")
	}),
	equal("PAY-INIT-07/amount", "The amount is the consented one.", fault.Critical, "payment.amount", "payment.amount"),
	equal("PAY-INIT-08/currency", "The currency is the consented one.", fault.Major, "payment.currency", "payment.currency"),
	each("PAY-INIT-09/creditor", "The creditor's account is the consented one.", fault.Critical, divergent, func(in *initiation, item tree) string {
		return when(item.account("creditorAccount") != in.terms.account("payment.details.creditorAccount"), "creditorAccount difere do consentimento.")
	}),
	equal("PAY-INIT-10/instrument", "The local instrument is the consented one.", fault.Critical, "localInstrument", "payment.details.localInstrument"),
	equal("PAY-INIT-11/proxy", "The Pix key is the consented one.", fault.Critical, "proxy", "payment.details.proxy"),
	equal("PAY-INIT-12/code", "The code is the consented one.", fault.Critical, "qrCode", "payment.details.qrCode"),
	each("PAY-INIT-13/consent-id", "A consent named in a payment is the token's.", fault.Major, divergent, func(in *initiation, item tree) string {
		return when(item.has("consentId") && item.text("consentId") != in.consent.ID, "consentId difere do consentimento autorizado.")
	}),
	each("PAY-INIT-14/initiator", "cnpjInitiator is the initiator's own.", fault.Major, "DETALHE_PAGAMENTO_INVALIDO", func(in *initiation, item tree) string {
		return when(in.client.CNPJ != "" && item.text("cnpjInitiator") != in.client.CNPJ, "cnpjInitiator não é o da iniciadora.")
	}),
	each("PAY-INIT-15/forbidden-txid", "A payment by hand or by key alone has no transaction identification.", fault.Major, "DETALHE_PAGAMENTO_INVALIDO", func(_ *initiation, item tree) string {
		i := item.text("localInstrument")
		return when((i == "MANU" || i == "DICT") && item.has("transactionIdentification"), "transactionIdentification não deve ser informado para "+i+".")
	}),
	each("PAY-INIT-16/required-txid", "INIC and dynamic codes need a transaction identification.", fault.Major, "PARAMETRO_NAO_INFORMADO", func(_ *initiation, item tree) string {
		i := item.text("localInstrument")
		return when((i == "INIC" || dynamic(i)) && !item.has("transactionIdentification"), "Campo obrigatório não informado: transactionIdentification")
	}),
	each("PAY-INIT-17/txid-length", "A transaction identification is up to 25 long, or 26 to 35 for a dynamic code.", fault.Major, "DETALHE_PAGAMENTO_INVALIDO", func(_ *initiation, item tree) string {
		n := len(item.text("transactionIdentification"))
		return when(n > 0 && dynamic(item.text("localInstrument")) != (n >= 26), "transactionIdentification tem tamanho inválido para a forma de pagamento.")
	}),
	each("PAY-INIT-18/txid-of-code", "A transaction identification is the code's, and absent where the code has none.", fault.Major, "DETALHE_PAGAMENTO_INVALIDO", func(in *initiation, item tree) string {
		return when(!in.identified(item), "transactionIdentification difere do QR Code.")
	}),
	each("PAY-INIT-19/e2e-now", "The endToEndId of an immediate payment is dated within twelve hours of now.", fault.Major, "PARAMETRO_INVALIDO", func(in *initiation, item tree) string {
		at, ok := stamp(item)
		return when(ok && in.dates == nil && in.now.Sub(at).Abs() > 12*time.Hour, "endToEndId com data ou hora inválida.")
	}),
	each("PAY-INIT-20/e2e-hour", "The endToEndId of a scheduled payment stands at 15:00 UTC.", fault.Major, "PARAMETRO_INVALIDO", func(in *initiation, item tree) string {
		at, ok := stamp(item)
		return when(ok && in.dates != nil && (at.Hour() != 15 || at.Minute() != 0), "endToEndId de agendamento deve ter o horário 15:00 UTC.")
	}),
	pays("PAY-INIT-21/e2e-dates", "The endToEndIds of a schedule bear its dates, each once.", fault.Major, divergent, func(in *initiation) string {
		var got []string
		for _, item := range in.items {
			at, _ := stamp(item)
			got = append(got, at.Format(time.DateOnly))
		}
		slices.Sort(got)
		return when(in.dates != nil && len(got) == len(in.dates) && !slices.Equal(got, in.dates), "As datas dos endToEndId diferem do consentimento.")
	}),
	pays("PAY-INIT-22/e2e-unique", "An endToEndId never comes twice.", fault.Critical, "PARAMETRO_INVALIDO", func(in *initiation) string {
		seen := map[string]bool{}
		for _, item := range in.items {
			id := item.text("endToEndId")
			if id != "" && (seen[id] || in.ledger.usedEndToEnd(id, in)) {
				return "endToEndId já utilizado."
			}
			seen[id] = true
		}
		return ""
	}),
	pays("PAY-INIT-23/charge-once", "A dynamic charge is paid once.", fault.Critical, "DETALHE_PAGAMENTO_INVALIDO", func(in *initiation) string {
		id := chargeOf(in.terms)
		return when(id != "" && in.ledger.paid(id, in), "A cobrança do QR Code já foi paga.")
	}),
	pays("PAY-INIT-24/charge-payable", "A charge is active, and neither expired nor overdue, when it is paid.", fault.Major, "COBRANCA_INVALIDA", func(in *initiation) string {
		c, err := readCharge(in.terms.text("payment.details.payloadJWS"))
		return when(dynamic(in.terms.text("payment.details.localInstrument")) && err == nil && !c.payable(in.now), "A cobrança está vencida, expirada ou inativa.")
	}),
)

// identified says whether a payment's transaction identification is its code's.
func (in *initiation) identified(item tree) bool {
	got := item.text("transactionIdentification")
	switch i := item.text("localInstrument"); {
	case static(i):
		code, err := ReadCode(in.terms.text("payment.details.qrCode"))
		return err != nil || code.TxID == got
	case dynamic(i):
		c, err := readCharge(in.terms.text("payment.details.payloadJWS"))
		return err != nil || got == "" || c.TxID == got
	default:
		return true
	}
}

// stamp is the instant inside an endToEndId.
func stamp(item tree) (time.Time, bool) {
	id := item.text("endToEndId")
	if len(id) != 32 {
		return time.Time{}, false
	}
	at, err := time.Parse("200601021504", id[9:21])
	return at, err == nil
}

// chargeOf names the dynamic charge of a consent, or "".
func chargeOf(t tree) string {
	if !dynamic(t.text("payment.details.localInstrument")) {
		return ""
	}
	c, err := readCharge(t.text("payment.details.payloadJWS"))
	if err != nil {
		return ""
	}
	return strings.Join([]string{c.Key, c.TxID}, "/")
}
