package payment

import (
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/rule"
)

// Every sentence about a request is broken once, answered with its own code, and let through when it
// alone is off.
func TestEveryConsentRule(t *testing.T) {
	set := func(path, name string, v any) func(doc) {
		return func(d doc) { dig(d, path)[name] = v }
	}
	unset := func(path, name string) func(doc) {
		return func(d doc) { delete(dig(d, path), name) }
	}
	both := func(all ...func(doc)) func(doc) {
		return func(d doc) {
			for _, f := range all {
				f(d)
			}
		}
	}
	cases := []struct {
		rule, code string
		edit       func(doc)
	}{
		{"PAY-CONS-01/required-fields", "PARAMETRO_NAO_INFORMADO", func(d doc) { delete(d, "loggedUser") }},
		{"PAY-CONS-01/required-fields", "PARAMETRO_NAO_INFORMADO", unset("payment", "purpose")},
		{"PAY-CONS-01/required-fields", "PARAMETRO_NAO_INFORMADO", both(scheduled1("single", doc{"date": "2026-03-20"}), func(d doc) { delete(dig(d, "payment.schedule"), "additionalInformation") })},
		{"PAY-CONS-02/formats", "PARAMETRO_INVALIDO", set("payment", "amount", "1,50")},
		{"PAY-CONS-02/formats", "PARAMETRO_INVALIDO", set("payment", "type", "TED")},
		{"PAY-CONS-02/formats", "PARAMETRO_INVALIDO", func(d doc) {
			d["debtorAccount"] = doc{"ispb": "99999004", "issuer": "1", "number": "1", "accountType": "SLRY"}
		}},
		{"PAY-CONS-02/formats", "PARAMETRO_INVALIDO", scheduled1("daily", doc{"startDate": "2026-03-20", "quantity": 61})},
		{"PAY-CONS-02/formats", "PARAMETRO_INVALIDO", scheduled1("custom", doc{"dates": []any{"2026-03-20"}})},
		{"PAY-CONS-03/currency-brl", "PARAMETRO_INVALIDO", set("payment", "currency", "USD")},
		{"PAY-CONS-04/amount-positive", "PARAMETRO_INVALIDO", set("payment", "amount", "0.00")},
		{"PAY-CONS-05/creditor-document", "PARAMETRO_INVALIDO", set("creditor", "personType", "PESSOA_NATURAL")},
		{"PAY-CONS-06/issuer", "PARAMETRO_NAO_INFORMADO", unset("payment.details.creditorAccount", "issuer")},
		{"PAY-CONS-07/date-or-schedule", "PARAMETRO_NAO_INFORMADO", unset("payment", "date")},
		{"PAY-CONS-08/not-date-and-schedule", "DATA_PAGAMENTO_INVALIDA", both(scheduled1("single", doc{"date": "2026-03-20"}), set("payment", "date", "2026-03-10"))},
		{"PAY-CONS-09/date-is-today", "DATA_PAGAMENTO_INVALIDA", set("payment", "date", "2026-03-11")},
		{"PAY-CONS-10/one-branch", "PARAMETRO_INVALIDO", both(scheduled1("single", doc{"date": "2026-03-20"}), set("payment.schedule", "daily", doc{"startDate": "2026-03-20", "quantity": 2}))},
		{"PAY-CONS-11/distinct-dates", "PARAMETRO_INVALIDO", scheduled1("custom", doc{"dates": []any{"2026-03-20", "2026-03-20"}})},
		{"PAY-CONS-12/not-withdrawal-later", "DATA_PAGAMENTO_INVALIDA", both(scheduled1("single", doc{"date": "2026-03-20"}), set("payment", "purpose", "WITHDRAW"))},
		{"PAY-CONS-13/purpose", "PROPOSITO_INVALIDO", both(scheduled1("single", doc{"date": "2026-03-20"}), set("payment", "purpose", "IMMEDIATE"))},
		{"PAY-CONS-13/purpose", "PROPOSITO_INVALIDO", set("payment", "purpose", "SINGLE_SCHEDULED")},
		{"PAY-CONS-14/after-today", "DATA_PAGAMENTO_INVALIDA", scheduled1("single", doc{"date": "2026-03-10"})},
		{"PAY-CONS-15/two-years", "DATA_PAGAMENTO_INVALIDA", scheduled1("single", doc{"date": "2028-03-11"})},
		{"PAY-CONS-16/recurrent-form", "FORMA_PAGAMENTO_INVALIDA", both(scheduled1("daily", doc{"startDate": "2026-03-20", "quantity": 2}), set("payment.details", "localInstrument", "INIC"))},
		{"PAY-CONS-17/forbidden-proxy", "DETALHE_PAGAMENTO_INVALIDO", set("payment.details", "localInstrument", "MANU")},
		{"PAY-CONS-18/forbidden-code", "DETALHE_PAGAMENTO_INVALIDO", set("payment.details", "qrCode", "000201")},
		{"PAY-CONS-19/required-proxy", "PARAMETRO_NAO_INFORMADO", unset("payment.details", "proxy")},
		{"PAY-CONS-19/required-proxy", "DETALHE_PAGAMENTO_INVALIDO", both(byCode("APES", "000201", ""), unset("payment.details", "proxy"))},
		{"PAY-CONS-20/required-code", "PARAMETRO_NAO_INFORMADO", set("payment.details", "localInstrument", "QRES")},
		{"PAY-CONS-21/required-payload", "PARAMETRO_NAO_INFORMADO", byCode("QRDN", "000201", "")},
		{"PAY-CONS-22/town-of-due-charge", "PARAMETRO_NAO_INFORMADO", byCode("QRDN", "000201", payload(func(d doc) { d["calendario"] = doc{"dataDeVencimento": "2026-03-12"} }))},
	}
	seen := map[string]bool{}
	for _, c := range cases {
		seen[c.rule] = true
		t.Run(c.rule, func(t *testing.T) {
			w := open(t, off(c.rule))
			_, err := w.do(ask{op: "payments.consent-create", key: "k", data: w.request(c.edit)})
			if code(err) != "422 "+c.code || rule.Of(err) != c.rule {
				t.Fatalf("%s by %s, want %s", code(err), rule.Of(err), c.code)
			}
			w.arm("off/" + c.rule)
			op := ask{op: "payments.consent-create", key: "k", data: w.request(c.edit)}
			if _, err := w.raw(op); err != nil {
				t.Fatalf("switched off: %v", err)
			}
		})
	}
	for _, r := range consentRules.Rules() {
		if !seen[r.ID] {
			t.Errorf("%s has no case", r.ID)
		}
	}
}

func TestWhatAConsentMayAskFor(t *testing.T) {
	for name, edit := range map[string]func(doc){
		"key": nil,
		"by hand": func(d doc) {
			delete(dig(d, "payment.details"), "proxy")
			dig(d, "payment.details")["localInstrument"] = "MANU"
		},
		"debtor": func(d doc) { d["debtorAccount"] = asDoc(debtor) },
		"company": func(d doc) {
			d["businessEntity"] = doc{"document": doc{"identification": "12ABC34501DE35", "rel": "CNPJ"}}
		},
		"tomorrow":      scheduled1("single", doc{"date": "2026-03-11"}),
		"two years":     scheduled1("single", doc{"date": "2028-03-10"}),
		"sixty days":    scheduled1("daily", doc{"startDate": "2026-03-11", "quantity": 60}),
		"weekly":        scheduled1("weekly", doc{"startDate": "2026-03-11", "dayOfWeek": "DOMINGO", "quantity": 2}),
		"monthly":       scheduled1("monthly", doc{"startDate": "2026-03-31", "dayOfMonth": 31, "quantity": 23}),
		"custom":        scheduled1("custom", doc{"dates": []any{"2027-01-01", "2026-03-11"}}),
		"static code":   byCode("QRES", staticCode("loja@example.com", "100.10", ""), ""),
		"dynamic code":  byCode("QRDN", dynamicCode("u.example.com/1"), payload(nil)),
		"near, dynamic": byCode("APDN", dynamicCode("u.example.com/1"), payload(nil)),
		"prepaid account": func(d doc) {
			dig(d, "payment.details")["creditorAccount"] = doc{"ispb": "99999012", "number": "1", "accountType": "TRAN"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			ans, err := w.do(ask{op: "payments.consent-create", key: "k", data: w.request(edit)})
			if err != nil || ans.Status != 201 || field1(ans, "status") != consent.Awaiting || field1(ans, "expirationDateTime") != "2026-03-10T15:05:00Z" {
				t.Fatalf("%v %s", err, ans.Body)
			}
		})
	}
}

func TestConsentCreationIsIdempotent(t *testing.T) {
	w := open(t, off("PAY-IDEM-01/same-data"))
	first, err := w.do(ask{op: "payments.consent-create", key: "k", data: w.request(nil)})
	if err != nil {
		t.Fatal(err)
	}
	w.reopen()
	again, err := w.do(ask{op: "payments.consent-create", key: "k", data: w.request(nil)})
	if err != nil || again.Status != 201 || field1(again, "consentId") != field1(first, "consentId") {
		t.Fatalf("%v", err)
	}
	changed := func(d doc) { dig(d, "payment")["amount"] = "1.00" }
	if _, err := w.do(ask{op: "payments.consent-create", key: "k", data: w.request(changed)}); code(err) != "422 ERRO_IDEMPOTENCIA" {
		t.Fatal(err)
	}
	if ans, err := w.do(ask{op: "payments.consent-create", key: "k", client: other, data: w.request(changed)}); err != nil || field1(ans, "consentId") == field1(first, "consentId") {
		t.Fatalf("another client: %v", err)
	}
	w.arm("off/PAY-IDEM-01/same-data")
	if ans, err := w.do(ask{op: "payments.consent-create", key: "k", data: w.request(changed)}); err != nil || field1(ans, "consentId") == field1(first, "consentId") {
		t.Fatalf("switched off: %v", err)
	}
	w.board.Disarm()
	w.clk.Advance(24 * time.Hour)
	if ans, err := w.do(ask{op: "payments.consent-create", key: "k", data: w.request(nil)}); err != nil || field1(ans, "consentId") == field1(first, "consentId") {
		t.Fatalf("a day later: %v", err)
	}
}

func TestAConsentIsReadByItsOwnerWithItsReason(t *testing.T) {
	w := open(t, off("PAY-OWN-01/own-only"))
	c := w.authorised(nil)
	ans, err := w.do(ask{op: "payments.consent-read", id: c.ID})
	if err != nil || field1(ans, "status") != consent.Authorised || !strings.Contains(string(ans.Body), debtor.Number) {
		t.Fatalf("%v", err)
	}
	if _, err := w.do(ask{op: "payments.consent-read", id: c.ID, client: other}); code(err) != "403 ACESSO_NEGADO" {
		t.Fatal(err)
	}
	if _, err := w.do(ask{op: "payments.consent-read", id: "urn:bancoensaio:none"}); code(err) != "404 NAO_ENCONTRADO" {
		t.Fatal(err)
	}
	w.arm("off/PAY-OWN-01/own-only")
	if _, err := w.do(ask{op: "payments.consent-read", id: c.ID, client: other}); err != nil {
		t.Fatal(err)
	}
	w.board.Disarm()
	w.clk.Advance(time.Hour + time.Second)
	ans, err = w.do(ask{op: "payments.consent-read", id: c.ID})
	if err != nil || field1(ans, "status") != consent.Rejected || !strings.Contains(string(ans.Body), "TEMPO_EXPIRADO_CONSUMO") {
		t.Fatalf("%v %s", err, ans.Body)
	}
}

// raw is do without the contract: what a switched-off rule lets through need not look right.
func (w *world) raw(a ask) (any, error) {
	quiet := *w
	quiet.t = silent{w.t}
	return quiet.do(a)
}

type silent struct{ testing.TB }

func (silent) Errorf(string, ...any) {}
