package payments

import (
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// slip is one thing wrong with an initiation, and the codes that fit it.
type slip struct {
	what  string
	edit  func(j *journey, i int, item map[string]any)
	codes []string
}

// refusedInitiations is the body of a check in which every slip, each on a consent of its own, pays
// nothing and uses the consent up, while the sound initiation settles.
func refusedInitiations(f form, slips ...slip) func(*check.Bench) {
	return func(b *check.Bench) {
		j := start(b, f)
		for _, one := range slips {
			k := j.again(f).authorises()
			b.Step("an initiation with %s", one.what)
			k.refuses(items(k.initiating(), func(i int, item map[string]any) { one.edit(k, i, item) }), one.codes...)
			k.is("CONSUMED")
		}
		j.pays().settles()
	}
}

func item(path string, value any) func(*journey, int, map[string]any) {
	return func(_ *journey, _ int, m map[string]any) { put(m, path, value) }
}

func noItem(path string) func(*journey, int, map[string]any) {
	return func(_ *journey, _ int, m map[string]any) { drop(m, path) }
}

func initiationFieldChecks() []check.Check {
	email := needs(payee(target.Email))
	return []check.Check{
		{
			ID: "PAY-006", Name: "payments/requires-end-to-end-id", Official: official("e2eid"), Rules: rules("PAY-INIT-02/required-fields", "PAY-INIT-03/formats", "ERR-13"),
			Title: "A payment without endToEndId, or with one of another form, is refused with its code", Why: "It is the payment's name in the settlement system.",
			Causes: causes("the holder makes one up", "the form is not checked"),
			Body: refusedInitiations(manual,
				slip{"no endToEndId", noItem("endToEndId"), notInformed},
				slip{"an endToEndId one character short", func(_ *journey, _ int, m map[string]any) {
					id, _ := m["endToEndId"].(string)
					m["endToEndId"] = id[:len(id)-1]
				}, malformed},
				slip{"an endToEndId of month 13", func(_ *journey, _ int, m map[string]any) {
					id, _ := m["endToEndId"].(string)
					m["endToEndId"] = id[:13] + "13" + id[15:]
				}, malformed},
			),
		},
		{
			ID: "PAX-X20", Name: "payments/checks-end-to-end-id", Rules: rules("PAY-INIT-19/e2e-now"),
			Title: "The endToEndId of an immediate payment is dated within twelve hours of now", Why: "The settlement system refuses older ones.",
			Causes: causes("only the form is checked", "local time read as UTC"),
			Body: refusedInitiations(manual,
				slip{"an endToEndId of the day before yesterday", func(j *journey, _ int, m map[string]any) {
					m["endToEndId"] = j.party.EndToEndID(j.Now().Add(-48 * time.Hour))
				}, malformed},
				slip{"an endToEndId of tomorrow", func(j *journey, _ int, m map[string]any) {
					m["endToEndId"] = j.party.EndToEndID(j.Now().Add(13 * time.Hour))
				}, malformed},
			),
		},
		{
			ID: "PAX-X21", Name: "payments/end-to-end-id-serves-once", Rules: rules("PAY-INIT-22/e2e-unique"),
			Title: "An endToEndId that a payment already bears is refused", Why: "Two payments of one name cannot be told apart in the settlement system.",
			Causes: causes("uniqueness left to the settlement system"),
			Body: func(b *check.Bench) {
				j := start(b, manual).pays().settles()
				id := expect.Text(j.last, "data.endToEndId")
				k := j.again(manual).authorises()
				k.refuses(items(k.initiating(), func(_ int, m map[string]any) { m["endToEndId"] = id }),
					"PARAMETRO_INVALIDO", "DETALHE_PAGAMENTO_INVALIDO", "PAGAMENTO_RECUSADO_DETENTORA", "PAGAMENTO_RECUSADO_SPI")
			},
		},
		{
			ID: "PAX-X22", Name: "payments/initiation-is-a-list", Rules: rules("PAY-INIT-01/list"),
			Title: "An initiation without payments is refused", Why: "It would use a consent up for nothing.", Causes: causes("an empty list taken for success"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				x := j.initiating().Claims(func(c map[string]any) { c["data"] = []any{} }).Send(b.Context())
				b.Expect(x, "empty list").To(expect.OFBErrorStatus([]int{400, 422}, "PARAMETRO_NAO_INFORMADO", "PARAMETRO_INVALIDO"))
				j.again(manual).pays().settles()
			},
		},
		{
			ID: "PAX-X23", Name: "payments/names-the-initiator", Rules: rules("PAY-INIT-14/initiator"),
			Title: "A payment under the CNPJ of another initiator is refused", Why: "The payer is told who initiated.", Causes: causes("cnpjInitiator stored unread"),
			Body: refusedInitiations(manual, slip{"another initiator's CNPJ", item("cnpjInitiator", "33014556000196"),
				[]string{"DETALHE_PAGAMENTO_INVALIDO", "PAGAMENTO_DIVERGENTE_CONSENTIMENTO", "PARAMETRO_INVALIDO"}}),
		},
		{
			ID: "PAX-X24", Name: "payments/identification-not-by-hand", Rules: rules("PAY-INIT-15/forbidden-txid"), Needs: email,
			Title: "A payment by account or by key alone carries no transaction identification", Why: "The payee would look for a charge that does not exist.",
			Causes: causes("unneeded fields ignored"),
			Body: func(b *check.Bench) {
				refusedInitiations(manual, slip{"MANU with identification", item("transactionIdentification", "PEDIDO123"), badDetail})(b)
				refusedInitiations(byKey(target.Email), slip{"DICT with identification", item("transactionIdentification", "PEDIDO123"), badDetail})(b)
			},
		},
		{
			ID: "PAX-X25", Name: "payments/initiator-identifies", Rules: rules("PAY-INIT-16/required-txid", "PAY-INIT-17/txid-length"), Needs: email,
			Title: "A payment that the initiator identifies carries its identification, of 25 characters at most", Why: "The payee finds the order by it.",
			Causes: causes("identification optional for INIC", "the longer bound of dynamic codes applied"),
			Body: refusedInitiations(initiated,
				slip{"INIC without identification", noItem("transactionIdentification"), []string{"PARAMETRO_NAO_INFORMADO", "DETALHE_PAGAMENTO_INVALIDO"}},
				slip{"INIC with 26 characters", item("transactionIdentification", strings.Repeat("A", 26)), []string{"DETALHE_PAGAMENTO_INVALIDO", "PARAMETRO_INVALIDO"}},
			),
		},
		{
			ID: "PAY-021", Name: "payments/identification-is-the-codes", Official: official("qres-with-transaction-identifier"), Rules: rules("PAY-INIT-18/txid-of-code", "ERR-13"), Needs: email,
			Title: "A payment by a static code without identification carries none, and otherwise the code's", Why: "The payee finds the order by it.",
			Causes: causes("the code is not read when the payment comes"),
			Body: func(b *check.Bench) {
				refusedInitiations(byCode("QRES", target.Email, ""), slip{"an identification that the code lacks", item("transactionIdentification", "PEDIDO123"), badDetail})(b)
				refusedInitiations(byCode("QRES", target.Email, "PEDIDO0002"), slip{"another identification than the code's", item("transactionIdentification", "PEDIDO0003"), badDetail})(b)
			},
		},
	}
}

func divergenceChecks() []check.Check {
	email := needs(payee(target.Email))
	return []check.Check{
		{
			ID: "PAY-010", Name: "payments/amount-matches-consent", Official: official("negative"), Rules: rules("PAY-INIT-07/amount", "PAY-INIT-08/currency", "ERR-13"),
			Title: "A payment of another amount or currency than consented pays nothing; the right one settles", Why: "The customer approved an amount.",
			Causes: causes("the payment's amount is forwarded", "only a higher amount is refused"),
			Body: refusedInitiations(manual,
				slip{"a higher amount", item("payment.amount", "1.01"), divergent},
				slip{"a lower amount", item("payment.amount", "0.99"), divergent},
				slip{"another currency", item("payment.currency", "USD"), []string{"PAGAMENTO_DIVERGENTE_CONSENTIMENTO", "PARAMETRO_INVALIDO"}},
			),
		},
		{
			ID: "PAX-X26", Name: "payments/creditor-matches-consent", Rules: rules("PAY-INIT-09/creditor"),
			Title: "A payment to another account than consented pays nothing", Why: "The customer approved a payee.", Causes: causes("the payment's creditor is forwarded"),
			Body: func(b *check.Bench) {
				refusedInitiations(manual, slip{"another payee's account", func(j *journey, _ int, m map[string]any) {
					m["creditorAccount"] = creditor(otherPayee(j.Bench)).Account
				}, divergent})(b)
			},
		},
		{
			ID: "PAX-X27", Name: "payments/method-matches-consent", Rules: rules("PAY-INIT-10/instrument", "PAY-INIT-11/proxy"), Needs: append(email[:1:1], payee(target.Document)),
			Title: "A payment by another instrument or key than consented pays nothing", Why: "The customer approved a way to pay, with its own protections.",
			Causes: causes("only account and amount compared"),
			Body: func(b *check.Bench) {
				refusedInitiations(byKey(target.Email),
					slip{"another instrument", func(_ *journey, _ int, m map[string]any) {
						m["localInstrument"], m["transactionIdentification"] = "INIC", "PEDIDO123"
					}, divergent},
					slip{"another key of the same payee", func(j *journey, _ int, m map[string]any) {
						p := pay(j.Bench, target.Email)
						m["proxy"] = p.Key(target.Document)
						if m["proxy"] == "" {
							m["proxy"] = p.Document
						}
					}, divergent},
				)(b)
			},
		},
		{
			ID: "PAY-019", Name: "payments/code-matches-consent", Official: official("qres-mismatched-consent-payment"), Rules: rules("PAY-INIT-12/code", "ERR-13"), Needs: email,
			Title: "A payment with another code than consented pays nothing", Why: "The customer approved what they scanned.", Causes: causes("only the key of the code compared"),
			Body: refusedInitiations(byCode("QRES", target.Email, ""), slip{"another code of the same key", func(j *journey, _ int, m map[string]any) {
				m["qrCode"] = staticCode(j.Bench, tpp.BRCode{Key: j.order.Proxy, Amount: j.order.Amount, Info: "outro"})
			}, divergent}),
		},
		{
			ID: "PAX-X28", Name: "payments/consent-matches-token", Rules: rules("PAY-INIT-13/consent-id"),
			Title: "A payment that names another consent than the token's pays nothing", Why: "What is booked under one consent was approved in another.",
			Causes: causes("consentId read only in the flow without redirect"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				other := j.again(manual).authorises().consent.ID
				k := j.again(manual).authorises()
				k.refuses(items(k.initiating(), func(_ int, m map[string]any) { m["consentId"] = other }), "PAGAMENTO_DIVERGENTE_CONSENTIMENTO", "DETALHE_PAGAMENTO_INVALIDO", "PARAMETRO_INVALIDO", "CONSENTIMENTO_INVALIDO")
				own := j.again(manual).authorises()
				own.takes(items(own.initiating(), func(_ int, m map[string]any) { m["consentId"] = own.consent.ID }))
				own.settles()
			},
		},
		{
			ID: "PAY-057", Name: "payments/near-dynamic-is-not-dynamic", Official: official("apdn-mismatched-consent-payment"), Rules: rules("PAY-INIT-10/instrument", "ERR-13"),
			Needs: append(email[:1:1], invented),
			Title: "A consent for a dynamic code read near the terminal is not paid as one scanned", Why: "The limits of the two differ.", Causes: causes("both kept as one instrument"),
			Body: refusedInitiations(onCharge("APDN", nil), slip{"QRDN", item("localInstrument", "QRDN"), divergent}),
		},
		{
			ID: "PAY-062", Name: "payments/near-static-is-not-static", Official: official("apes-mismatched-consent-payment"), Rules: rules("PAY-INIT-10/instrument", "ERR-13"), Needs: email,
			Title: "A consent for a static code read near the terminal is not paid as one scanned", Why: "The limits of the two differ.", Causes: causes("both kept as one instrument"),
			Body: refusedInitiations(byCode("APES", target.Email, ""), slip{"QRES", item("localInstrument", "QRES"), divergent}),
		},
	}
}
