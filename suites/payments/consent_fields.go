package payments

import (
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

func consentFieldChecks() []check.Check {
	bothKeys := byCode("QRES", target.Email, "")
	return []check.Check{
		{
			ID: "PAY-032", Name: "payments/rejects-malformed-consent", Official: official("consents_negative"),
			Rules:  rules("PAY-CONS-01/required-fields", "PAY-CONS-02/formats", "PAY-CONS-03/currency-brl", "PAY-CONS-05/creditor-document", "PAY-CONS-09/date-is-today", "ERR-13"),
			Title:  "A request for a consent with a bad type, person, currency or date, or without a required field, is refused with its code",
			Why:    "The customer approves what the consent says; what it says must be sound before they see it.",
			Causes: causes("the schema is checked loosely", "a request library fills in defaults"),
			Body: refusedConsents(manual,
				bend{"payment type", nil, with("payment.type", "BOLETO"), malformed},
				bend{"natural person under a CNPJ", nil, func(b *check.Bench, data map[string]any) {
					put(data, "creditor.personType", "PESSOA_NATURAL")
					put(data, "creditor.cpfCnpj", b.PartyWith("PAGTO").Config().CNPJ)
				}, malformed},
				bend{"currency", nil, with("payment.currency", "XXX"), malformed},
				bend{"date of another day", nil, func(b *check.Bench, data map[string]any) { put(data, "payment.date", date(dayAfter(b, -1))) }, badDate},
				bend{"no creditor's name", nil, without("creditor.name"), notInformed},
				bend{"schedule without additional information", scheduled(manual, once(5)), without("payment.schedule.additionalInformation"), notInformed},
				bend{"no logged user", nil, without("loggedUser"), notInformed},
			),
		},
		{
			ID: "PAY-003", Name: "payments/rejects-unknown-account-type", Rules: rules("PAY-CONS-02/formats", "ERR-13"), Official: official("account-type"),
			Title:  "A debtor's account of a type outside the list is refused; a payment that names the redirect flow settles",
			Why:    "Salary accounts do not pay through an initiator.",
			Causes: causes("accountType taken as free text"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				x := j.asking().Data(func(data map[string]any) {
					put(data, "debtorAccount", tpp.Account{ISPB: "99999004", Issuer: "0001", Number: "12345678", Type: "SLRY"})
				}).Send(b.Context())
				b.Expect(x, "debtor's account of type SLRY").To(expect.OFBError(422, "PARAMETRO_INVALIDO"))
				j.authorises()
				j.takes(items(j.initiating(), func(_ int, item map[string]any) { item["authorisationFlow"] = "HYBRID_FLOW" }))
				j.settles()
			},
		},
		{
			ID: "PAX-023", Name: "payments/rejects-malformed-amount", Rules: rules("PAY-CONS-02/formats", "PAY-CONS-04/amount-positive", "ERR-07"),
			Title:  "An amount is digits, a point and two decimals, and more than zero",
			Why:    "A misread separator multiplies the amount by a hundred.",
			Causes: causes("amounts parsed as numbers", "zero not refused"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				j.accepts(j.asking(), "sound amount")
				for _, amount := range []string{"1.5", "1,50", "-1.00", "1", "12345678901234567.00", "1.005", " 1.00", "0.00"} {
					x := j.asking().Data(func(data map[string]any) { put(data, "payment.amount", amount) }).Send(b.Context())
					b.Verify(x, "amount %q", amount).To(expect.OFBErrorStatus([]int{400, 422}, "PARAMETRO_INVALIDO", "VALOR_INVALIDO"))
				}
			},
		},
		{
			ID: "PAX-024", Name: "payments/rejects-foreign-currency", Rules: rules("PAY-CONS-03/currency-brl", "ERR-13"),
			Title: "A consent in dollars is refused", Why: "Pix moves reais.", Causes: causes("any ISO code accepted"),
			Body: refusedConsents(manual, bend{"dollars", nil, with("payment.currency", "USD"), malformed}),
		},
		{
			ID: "PAX-X01", Name: "payments/rejects-account-without-branch", Rules: rules("PAY-CONS-06/issuer"),
			Title: "A current account without its branch is refused, be it the creditor's or the debtor's",
			Why:   "Without the branch the account is not identified.", Causes: causes("issuer optional for every type"),
			Body: refusedConsents(manual,
				bend{"creditor's account", nil, func(_ *check.Bench, data map[string]any) {
					put(data, "payment.details.creditorAccount.accountType", "CACC")
					drop(data, "payment.details.creditorAccount.issuer")
				}, notInformed},
				bend{"debtor's account", nil, with("debtorAccount", map[string]any{"ispb": "99999004", "number": "12345678", "accountType": "SVGS"}), notInformed},
			),
		},
		{
			ID: "PAY-027", Name: "payments/rejects-code-with-key", Rules: rules("PAY-CONS-18/forbidden-code", "ERR-13"), Official: official("dict"),
			Needs: needs(payee(target.Email)),
			Title: "A payment by key carries no code", Why: "Two descriptions of a payee may disagree.", Causes: causes("qrCode ignored for DICT"),
			Body: refusedConsents(byKey(target.Email), bend{"DICT with a code", nil, func(b *check.Bench, data map[string]any) {
				put(data, "payment.details.qrCode", staticCode(b, tpp.BRCode{Key: pay(b, target.Email).Key(target.Email)}))
			}, badDetail}),
		},
		{
			ID: "PAY-028", Name: "payments/rejects-code-or-key-with-account", Official: official("manu-fail"),
			Rules: rules("PAY-CONS-17/forbidden-proxy", "PAY-CONS-18/forbidden-code", "ERR-13"),
			Title: "A payment by account data carries neither code nor key", Why: "Two descriptions of a payee may disagree.", Causes: causes("unneeded fields ignored"),
			Body: refusedConsents(manual,
				bend{"MANU with a code", nil, func(b *check.Bench, data map[string]any) {
					put(data, "payment.details.qrCode", staticCode(b, tpp.BRCode{Key: "recebedor@example.com"}))
				}, badDetail},
				bend{"MANU with a key", nil, with("payment.details.proxy", "recebedor@example.com"), badDetail},
			),
		},
		{
			ID: "PAX-X02", Name: "payments/requires-key", Rules: rules("PAY-CONS-19/required-proxy"), Needs: needs(payee(target.Email)),
			Title: "A payment by key, or by a static code, names the key", Why: "There is nobody to pay.", Causes: causes("proxy optional"),
			Body: refusedConsents(byKey(target.Email),
				bend{"DICT without key", nil, without("payment.details.proxy"), notInformed},
				bend{"INIC without key", initiated, without("payment.details.proxy"), notInformed},
				bend{"QRES without key", bothKeys, without("payment.details.proxy"), notInformed},
			),
		},
		{
			ID: "PAY-029", Name: "payments/requires-static-code", Rules: rules("PAY-CONS-20/required-code", "ERR-13"), Official: official("qres-code-enforcement"),
			Needs: needs(payee(target.Email)),
			Title: "A payment by static code carries the code", Why: "The amount and payee cannot be compared with a code that is not there.", Causes: causes("qrCode optional"),
			Body: refusedConsents(bothKeys, bend{"QRES without code", nil, without("payment.details.qrCode"), notInformed}),
		},
		{
			ID: "PAY-063", Name: "payments/requires-fields-of-near-static-code", Official: official("apes-code-unhappy-path-required"),
			Rules: rules("PAY-CONS-19/required-proxy", "PAY-CONS-20/required-code", "PAY-INIT-18/txid-of-code", "ERR-13"), Needs: needs(payee(target.Email)),
			Title: "A payment by a static code read near the terminal needs key and code, and the code's identification",
			Why:   "What was read must be what is paid.", Causes: causes("APES treated as DICT"),
			Body: func(b *check.Bench) {
				refusedConsents(byCode("APES", target.Email, ""),
					bend{"APES without key", nil, without("payment.details.proxy"), badDetail},
					bend{"APES without code", nil, without("payment.details.qrCode"), badDetail})(b)
				j := start(b, byCode("APES", target.Email, "")).authorises()
				j.refuses(items(j.initiating(), func(_ int, item map[string]any) { item["transactionIdentification"] = "OUTRO123" }), badDetail...)
			},
		},
		{
			ID: "PAY-058", Name: "payments/requires-fields-of-near-dynamic-code", Official: official("apdn-unhappy-path"),
			Rules: rules("PAY-CONS-19/required-proxy", "PAY-CONS-20/required-code", "PAY-INIT-17/txid-length", "ERR-13"), Needs: needs(payee(target.Email), invented),
			Title: "A payment by a dynamic code read near the terminal needs key and code, and an identification of 26 to 35 characters",
			Why:   "What was read must be what is paid.", Causes: causes("APDN treated as DICT"),
			Body: func(b *check.Bench) {
				refusedConsents(onCharge("APDN", nil),
					bend{"APDN without key", nil, without("payment.details.proxy"), badDetail},
					bend{"APDN without code", nil, without("payment.details.qrCode"), badDetail})(b)
				j := start(b, onCharge("APDN", nil)).authorises()
				j.refuses(items(j.initiating(), func(_ int, item map[string]any) { item["transactionIdentification"] = "CURTA123" }), badDetail...)
			},
		},
		{
			ID: "PAY-066", Name: "payments/requires-fields-of-dynamic-code", Official: official("qrdn-code-enforcement"),
			Rules: rules("PAY-CONS-20/required-code", "PAY-CONS-22/town-of-due-charge", "ERR-13"), Needs: needs(payee(target.Email), invented),
			Title: "A payment by dynamic code carries the code, and the payer's town where the charge has a due date",
			Why:   "Interest and fines of a charge with a due date depend on local holidays.", Causes: causes("ibgeTownCode never required"),
			Body: refusedConsents(onCharge("QRDN", nil),
				bend{"QRDN without code", nil, without("payment.details.qrCode"), notInformed},
				bend{"due date without town", func(b *check.Bench, j *journey) tpp.Order {
					return onCharge("QRDN", func(c charge) {
						c["calendario"] = map[string]any{"criacao": b.Now().UTC().Format("2006-01-02T15:04:05Z"), "dataDeVencimento": date(dayAfter(b, 10)), "validadeAposVencimento": 5}
					})(b, j)
				}, nil, notInformed},
			),
		},
		{
			ID: "PAX-X03", Name: "payments/requires-payload-of-dynamic-code", Rules: rules("PAY-CONS-21/required-payload"), Needs: needs(payee(target.Email), invented),
			Title: "A payment by dynamic code carries the charge as its payee's institution signed it",
			Why:   "Without it the holder would have to fetch an address that a stranger chose.", Causes: causes("payloadJWS optional for every instrument"),
			Body: refusedConsents(onCharge("QRDN", nil), bend{"QRDN without payload", nil, without("payment.details.payloadJWS"), notInformed}),
		},
	}
}
