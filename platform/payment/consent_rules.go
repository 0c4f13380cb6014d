package payment

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// request is a payment consent being asked for.
type request struct {
	tree
	now time.Time
}

func (r request) instrument() string { return r.text("payment.details.localInstrument") }
func (r request) purpose() string    { return r.text("payment.purpose") }

// asks makes a rule about a request; broken says what to tell, or "".
func asks(id, text string, weight fault.Weight, code string, broken func(r request) string) rule.Rule[request] {
	return rule.Rule[request]{ID: id, Text: text, Weight: weight, Check: func(_ context.Context, r request) error {
		if detail := broken(r); detail != "" {
			return unprocessable(code, detail)
		}
		return nil
	}}
}

// when is the detail when the condition holds.
func when(condition bool, detail string) string {
	if condition {
		return detail
	}
	return ""
}

// mostConsentErrors is how many entries the 422 of a consent may have.
const mostConsentErrors = 3

var consentRules = rule.NewSet("payment consent",
	rule.Rule[request]{ID: "PAY-CONS-01/required-fields", Text: "Every required field of a payment consent is present.", Weight: fault.Major,
		Check: func(_ context.Context, r request) error {
			if names := missing(r.tree, consentFields); len(names) > 0 {
				return several("PARAMETRO_NAO_INFORMADO", "Campo obrigatório não informado: ", names, mostConsentErrors)
			}
			return nil
		}},
	rule.Rule[request]{ID: "PAY-CONS-02/formats", Text: "Every field of a payment consent has its published form.", Weight: fault.Major,
		Check: func(_ context.Context, r request) error {
			if names := malformed(r.tree, consentFields); len(names) > 0 {
				return several("PARAMETRO_INVALIDO", "Campo em formato inválido: ", names, mostConsentErrors)
			}
			return nil
		}},
	asks("PAY-CONS-03/currency-brl", "The currency is the real.", fault.Major, "PARAMETRO_INVALIDO", func(r request) string {
		c := r.text("payment.currency")
		return when(c != "BRL" && c != "" && len(c) == 3, "A moeda deve ser BRL.")
	}),
	asks("PAY-CONS-04/amount-positive", "The amount is not zero.", fault.Major, "PARAMETRO_INVALIDO", func(r request) string {
		return when(amount(r.text("payment.amount")) && strings.Trim(r.text("payment.amount"), "0.") == "", "O valor deve ser maior que zero.")
	}),
	asks("PAY-CONS-05/creditor-document", "A natural person is paid under a CPF, a company under a CNPJ.", fault.Major, "PARAMETRO_INVALIDO", func(r request) string {
		n, kind := len(r.text("creditor.cpfCnpj")), r.text("creditor.personType")
		return when(kind == "PESSOA_NATURAL" && n == 14 || kind == "PESSOA_JURIDICA" && n == 11, "creditor.cpfCnpj não corresponde a creditor.personType.")
	}),
	asks("PAY-CONS-06/issuer", "Current and savings accounts name their branch.", fault.Major, "PARAMETRO_NAO_INFORMADO", func(r request) string {
		for _, path := range []string{"payment.details.creditorAccount", "debtorAccount"} {
			if a := r.account(path); (a.Type == "CACC" || a.Type == "SVGS") && a.Issuer == "" {
				return "Campo obrigatório não informado: " + path + ".issuer"
			}
		}
		return ""
	}),
	asks("PAY-CONS-07/date-or-schedule", "A date or a schedule is given.", fault.Major, "PARAMETRO_NAO_INFORMADO", func(r request) string {
		return when(!r.has("payment.date") && !r.has("payment.schedule"), "Informe payment.date ou payment.schedule.")
	}),
	asks("PAY-CONS-08/not-date-and-schedule", "Date and schedule exclude one another.", fault.Major, "DATA_PAGAMENTO_INVALIDA", func(r request) string {
		return when(r.has("payment.date") && r.has("payment.schedule"), "payment.date e payment.schedule são excludentes.")
	}),
	asks("PAY-CONS-09/date-is-today", "An immediate payment is dated today, in Brasília.", fault.Major, "DATA_PAGAMENTO_INVALIDA", func(r request) string {
		d := r.text("payment.date")
		return when(d != "" && !r.has("payment.schedule") && d != today(r.now), "payment.date deve ser a data de hoje em Brasília.")
	}),
	asks("PAY-CONS-10/one-branch", "A schedule has exactly one branch.", fault.Major, "PARAMETRO_INVALIDO", func(r request) string {
		n := 0
		for _, b := range branches {
			if r.has("payment.schedule." + b) {
				n++
			}
		}
		return when(r.has("payment.schedule") && n != 1, "payment.schedule deve ter exatamente uma forma de agendamento.")
	}),
	asks("PAY-CONS-11/distinct-dates", "The dates of a custom schedule are distinct.", fault.Major, "PARAMETRO_INVALIDO", func(r request) string {
		all := occurrences(r.tree)
		return when(r.schedule() == "custom" && len(slices.Compact(slices.Clone(all))) != len(all), "As datas de payment.schedule.custom.dates se repetem.")
	}),
	asks("PAY-CONS-12/not-withdrawal-later", "Withdrawal and change are immediate.", fault.Major, "DATA_PAGAMENTO_INVALIDA", func(r request) string {
		return when((r.purpose() == "WITHDRAW" || r.purpose() == "CHANGE") && r.has("payment.schedule"), "Saque e troco não podem ser agendados.")
	}),
	asks("PAY-CONS-13/purpose", "The purpose agrees with the date or schedule.", fault.Major, "PROPOSITO_INVALIDO", func(r request) string {
		branch := r.schedule()
		bad := false
		switch r.purpose() {
		case "IMMEDIATE":
			bad = r.has("payment.schedule")
		case "SINGLE_SCHEDULED":
			bad = branch != "single"
		case "RECURRENT_SCHEDULED":
			bad = branch == "" || branch == "single"
		}
		return when(bad, "payment.purpose não corresponde à data ou ao agendamento.")
	}),
	asks("PAY-CONS-14/after-today", "The first payment of a schedule is later than today.", fault.Major, "DATA_PAGAMENTO_INVALIDA", func(r request) string {
		all := occurrences(r.tree)
		return when(len(all) > 0 && all[0] <= today(r.now), "O primeiro pagamento agendado deve ser posterior a hoje.")
	}),
	asks("PAY-CONS-15/two-years", "No payment is scheduled beyond the same day two years on.", fault.Major, "DATA_PAGAMENTO_INVALIDA", func(r request) string {
		all := occurrences(r.tree)
		return when(len(all) > 0 && all[len(all)-1] > r.now.In(brasilia).AddDate(2, 0, 0).Format(time.DateOnly), "O agendamento ultrapassa dois anos.")
	}),
	asks("PAY-CONS-16/recurrent-form", "Only MANU, DICT and QRES recur.", fault.Major, "FORMA_PAGAMENTO_INVALIDA", func(r request) string {
		b, i := r.schedule(), r.instrument()
		return when(b != "" && b != "single" && i != "MANU" && i != "DICT" && i != "QRES", "A modalidade "+i+" não pode ser agendada de forma recorrente.")
	}),
	asks("PAY-CONS-17/forbidden-proxy", "A manual payment has no Pix key.", fault.Major, "DETALHE_PAGAMENTO_INVALIDO", func(r request) string {
		return when(r.instrument() == "MANU" && r.has("payment.details.proxy"), "proxy não deve ser informado para MANU.")
	}),
	asks("PAY-CONS-18/forbidden-code", "A payment by hand or key has no code.", fault.Major, "DETALHE_PAGAMENTO_INVALIDO", func(r request) string {
		i := r.instrument()
		return when((i == "MANU" || i == "DICT" || i == "INIC") && r.has("payment.details.qrCode"), "qrCode não deve ser informado para "+i+".")
	}),
	rule.Rule[request]{ID: "PAY-CONS-19/required-proxy", Text: "A payment other than manual has a Pix key.", Weight: fault.Major,
		Check: func(_ context.Context, r request) error {
			if i := r.instrument(); instruments(i) && i != "MANU" && r.text("payment.details.proxy") == "" {
				return unprocessable(lacking(i), "Campo obrigatório não informado: payment.details.proxy")
			}
			return nil
		}},
	rule.Rule[request]{ID: "PAY-CONS-20/required-code", Text: "A payment by code carries the code.", Weight: fault.Major,
		Check: func(_ context.Context, r request) error {
			if i := r.instrument(); (static(i) || dynamic(i)) && r.text("payment.details.qrCode") == "" {
				return unprocessable(lacking(i), "Campo obrigatório não informado: payment.details.qrCode")
			}
			return nil
		}},
	asks("PAY-CONS-21/required-payload", "A payment by dynamic code carries the code's signed payload.", fault.Major, "PARAMETRO_NAO_INFORMADO", func(r request) string {
		return when(dynamic(r.instrument()) && r.text("payment.details.payloadJWS") == "", "Campo obrigatório não informado: payment.details.payloadJWS")
	}),
	asks("PAY-CONS-22/town-of-due-charge", "A charge with a due date names the payer's town.", fault.Major, "PARAMETRO_NAO_INFORMADO", func(r request) string {
		charge, err := readCharge(r.text("payment.details.payloadJWS"))
		return when(err == nil && charge.due() && !r.has("payment.ibgeTownCode"), "Campo obrigatório não informado: payment.ibgeTownCode")
	}),
)

// lacking is the code for an absent proxy or code: the NFC instruments have their own (test plan of
// version 5).
func lacking(instrument string) string {
	if instrument == "APDN" || instrument == "APES" {
		return "DETALHE_PAGAMENTO_INVALIDO"
	}
	return "PARAMETRO_NAO_INFORMADO"
}
