package payments

import (
	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// enormous is more than anybody holds or may pay.
const enormous = "9999999999.99"

// debtor learns the account from which the customer pays when nothing is said, from a consent of its own.
func (j *journey) debtor() tpp.Account {
	k := j.again(manual).authorises()
	k.is("AUTHORISED")
	x := k.last
	j.Expect(x).To(expect.JSON("data.debtorAccount.number", expect.Something()))
	return tpp.Account{ISPB: expect.Text(x, "data.debtorAccount.ispb"), Issuer: expect.Text(x, "data.debtorAccount.issuer"),
		Number: expect.Text(x, "data.debtorAccount.number"), Type: expect.Text(x, "data.debtorAccount.accountType")}
}

// toSelf pays from the customer's account into itself.
func toSelf(account tpp.Account, who *check.Person) form {
	return func(b *check.Bench, j *journey) tpp.Order {
		o := manual(b, j)
		o.Creditor = tpp.Creditor{Name: "O PROPRIO PAGADOR", Document: who.CPF, Account: account}
		return o
	}
}

func authorisationChecks() []check.Check {
	return []check.Check{
		{
			ID: "PAY-004", Name: "payments/rejects-with-matching-reason", Official: official("consents_rejection-reason"),
			Rules:  rules("PAY-AUTH-02/two-accounts", "AS-AUTHN-05", "AS-AUTHN-06"),
			Title:  "A consent that the customer refuses, or that would pay into the paying account, is rejected for that reason",
			Why:    "The initiator tells the customer what went wrong from this reason.",
			Causes: causes("one reason for everything", "accounts compared with their branch when only one names it"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				self := j.again(toSelf(j.debtor(), j.who))
				self.ends("CONTAS_ORIGEM_DESTINO_IGUAIS")
				denied := j.again(manual)
				denied.robot.Decision = psu.Deny
				denied.ends("REJEITADO_USUARIO")
				cancelled := j.again(manual)
				cancelled.robot.CancelAtLogin = true
				cancelled.ends("REJEITADO_USUARIO")
				j.again(manual).authorises()
			},
		},
		{
			ID: "PAX-025", Name: "payments/rejects-payment-to-itself", Rules: rules("PAY-AUTH-02/two-accounts", "ERR-13"),
			Title: "A consent whose debtor's account is the creditor's leads to no payment", Why: "Such a payment moves nothing and counts as fraud.",
			Causes: causes("compared only when the customer chooses the account"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				account := j.debtor()
				self := j.again(toSelf(account, j.who))
				self.order.Debtor = &account
				x := self.asking().Send(b.Context())
				if x.Err == nil && x.Status == 201 {
					self.ends("CONTAS_ORIGEM_DESTINO_IGUAIS")
					return
				}
				b.Expect(x, "consent").To(expect.OFBError(422))
			},
		},
		{
			ID: "PAY-038", Name: "payments/respects-balance-and-limits", Official: official("nofunds"),
			Rules: rules("PAY-AUTH-08/within-limit", "PAY-AUTH-09/has-balance", "ERR-13"), Needs: needs(check.Customer("poor")),
			Title: "A payment beyond the customer's limits or balance is not authorised, and the consent says why",
			Why:   "Money that is not there must not be promised.", Causes: causes("checked only at settlement", "limits of another channel applied"),
			Body: func(b *check.Bench) {
				j := start(b, amounted(manual, enormous))
				j.ends("VALOR_ACIMA_LIMITE", "SALDO_INSUFICIENTE")
				poor := startFor(b, amounted(manual, "5.00"), b.Person("poor"))
				poor.ends("SALDO_INSUFICIENTE", "VALOR_ACIMA_LIMITE")
				j.again(manual).pays().settles()
			},
		},
		{
			ID: "PAY-055", Name: "payments/same-person-authorises", Official: official("unmatching-loggedUser"), Rules: rules("AS-AUTHN-02/same-person"),
			Title: "A payment consent that another person signs in to authorise is rejected", Why: "Somebody would pay for what another ordered.",
			Causes: causes("the consent's CPF is only shown"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				j.robot = b.Robot(b.Person())
				j.ends("AUTENTICACAO_DIVERGENTE")
				j.again(manual).authorises()
			},
		},
		{
			ID: "PAX-X08", Name: "payments/account-must-be-fit-to-pay", Rules: rules("PAY-AUTH-01/account-may-pay"), Needs: needs(check.CoreControl),
			Title: "A consent is rejected when the chosen account was blocked while the customer looked at the page",
			Why:   "What the page offered may be gone when the customer confirms.", Causes: causes("fitness checked only when the page is made"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				var held []struct{ ID, Status string }
				b.Core().Get("/accounts?customer="+j.who.ID, &held)
				j.robot.Decide = func(*psu.Form) psu.Decision {
					for _, a := range held {
						j.block(a.ID, a.Status)
					}
					return psu.Approve
				}
				j.ends("CONTA_NAO_PERMITE_PAGAMENTO")
			},
		},
		{
			ID: "PAX-X09", Name: "payments/keeps-undisclosed-reason", Rules: rules("PAY-CONSENT"), Needs: needs(outcome(target.Undisclosed)),
			Title: "A consent refused for a reason that may not be told is rejected with NAO_INFORMADO", Why: "A suspicion of fraud must not be told to the suspect.",
			Causes: causes("the core's own word passed on"),
			Body:   func(b *check.Bench) { start(b, choosing(target.Undisclosed)).ends("NAO_INFORMADO") },
		},
		{
			ID: "PAX-X10", Name: "payments/outage-rejects-consent", Rules: rules("PAY-CONSENT"), Needs: needs(outcome(target.Outage)),
			Title: "When the core is not available at the authorisation, the consent is rejected with FALHA_INFRAESTRUTURA", Why: "The customer must learn that trying again may help.",
			Causes: causes("an internal error page ends the journey", "the consent is left waiting"),
			Body:   func(b *check.Bench) { start(b, choosing(target.Outage)).ends("FALHA_INFRAESTRUTURA") },
		},
	}
}

// block makes an account unfit to pay until the check ends.
func (j *journey) block(account, was string) {
	if j.Core().Try("POST", "/accounts/"+account+"/status", map[string]string{"status": "TEMPORARILY_UNAVAILABLE"}, nil) != nil {
		return
	}
	j.Cleanup(func() {
		_ = j.Core().Try("POST", "/accounts/"+account+"/status", map[string]string{"status": was}, nil)
	})
}

// codeChecks are about what a code says against what the consent says.
func codeChecks() []check.Check {
	email := needs(payee(target.Email))
	dynamic := needs(payee(target.Email), invented)
	other := func(o tpp.Order, code tpp.BRCode, b *check.Bench) tpp.Order {
		o.QRCode = staticCode(b, code)
		return o
	}
	return []check.Check{
		{
			ID: "PAY-020", Name: "payments/code-names-the-key", Official: official("qres-mismatched-proxy"), Rules: rules("PAY-AUTH-06/code-key", "ERR-13"), Needs: email,
			Title: "A consent whose static code holds another key than its proxy is rejected", Why: "The customer is shown one payee and the code pays another.",
			Causes: causes("the code is passed through unread"),
			Body: func(b *check.Bench) {
				start(b, func(b *check.Bench, j *journey) tpp.Order {
					o := byCode("QRES", target.Email, "")(b, j)
					return other(o, tpp.BRCode{Key: "outro@recebedor.example.com", Amount: o.Amount}, b)
				}).ends("QRCODE_INVALIDO")
			},
		},
		{
			ID: "PAY-022", Name: "payments/code-fixes-the-amount", Official: official("qres-wrong-amount-proxy"), Rules: rules("PAY-AUTH-03/amount-of-code", "ERR-13"), Needs: email,
			Title: "A consent of another amount than its static code fixes is rejected; a code without amount lets the payer choose",
			Why:   "The payee asked for an amount.", Causes: causes("the amount of the code is not read"),
			Body: func(b *check.Bench) {
				j := start(b, func(b *check.Bench, j *journey) tpp.Order {
					o := byCode("QRES", target.Email, "")(b, j)
					o.Amount = "1.50"
					return o
				})
				j.ends("VALOR_INVALIDO")
				j.again(func(b *check.Bench, j *journey) tpp.Order {
					o := byCode("QRES", target.Email, "")(b, j)
					return other(o, tpp.BRCode{Key: o.Proxy}, b)
				}).authorises()
			},
		},
		{
			ID: "PAX-X11", Name: "payments/code-has-checksum", Rules: rules("PAY-AUTH-04/code-sound"), Needs: email,
			Title: "A consent with a code whose checksum is wrong is rejected", Why: "A code that was misread names somebody else.", Causes: causes("the checksum is not computed"),
			Body: func(b *check.Bench) {
				start(b, func(b *check.Bench, j *journey) tpp.Order {
					o := byCode("QRES", target.Email, "")(b, j)
					flipped := byte('0')
					if o.QRCode[len(o.QRCode)-1] == '0' {
						flipped = '1'
					}
					o.QRCode = o.QRCode[:len(o.QRCode)-1] + string(flipped)
					return o
				}).ends("QRCODE_INVALIDO")
			},
		},
		{
			ID: "PAY-067", Name: "payments/static-code-is-not-dynamic", Official: official("qrdn-with-qres-code"), Rules: rules("PAY-AUTH-05/code-kind", "ERR-13"), Needs: dynamic,
			Title: "A consent that calls a static code dynamic is rejected", Why: "The charge paid would not be the code's.", Causes: causes("the kind of code is taken from the request"),
			Body: func(b *check.Bench) {
				start(b, func(b *check.Bench, j *journey) tpp.Order {
					o := onCharge("QRDN", nil)(b, j)
					return other(o, tpp.BRCode{Key: o.Proxy, Amount: o.Amount}, b)
				}).ends("QRCODE_INVALIDO")
			},
		},
		{
			ID: "PAX-X12", Name: "payments/charge-must-be-readable", Rules: rules("PAY-AUTH-07/charge-stands"), Needs: dynamic,
			Title: "A dynamic code whose charge cannot be read leads to no payment", Why: "Nobody knows what is owed.", Causes: causes("an unreadable payload is skipped"),
			Body: func(b *check.Bench) {
				j := start(b, func(b *check.Bench, j *journey) tpp.Order {
					o := onCharge("QRDN", nil)(b, j)
					o.PayloadJWS = "eyJhbGciOiJQUzI1NiJ9.bm90IGEgY2hhcmdl.AAAA"
					return o
				})
				j.paysNothing("QRCODE_INVALIDO", "COBRANCA_INVALIDA", "NAO_INFORMADO")
			},
		},
		{
			ID: "PAX-X13", Name: "payments/charge-must-be-active", Rules: rules("PAY-AUTH-07/charge-stands", "PAY-INIT-24/charge-payable"), Needs: dynamic,
			Title: "A charge that was concluded, or has expired, leads to no payment", Why: "It was paid, or is owed no more.", Causes: causes("only the amount of the charge is read"),
			Body: func(b *check.Bench) {
				concluded := onCharge("QRDN", func(c charge) { c["status"] = "CONCLUIDA" })
				start(b, concluded).paysNothing("QRCODE_INVALIDO", "COBRANCA_INVALIDA")
				expired := onCharge("QRDN", func(c charge) {
					c["calendario"] = map[string]any{"criacao": "2020-01-01T00:00:00Z", "expiracao": 3600}
				})
				start(b, expired).paysNothing("QRCODE_INVALIDO", "COBRANCA_INVALIDA")
			},
		},
		{
			ID: "PAX-X14", Name: "payments/charge-names-the-key", Rules: rules("PAY-AUTH-06/code-key"), Needs: dynamic,
			Title: "A dynamic code whose charge is for another key leads to no payment", Why: "The customer is shown one payee and the charge pays another.",
			Causes: causes("the charge's key is not compared"),
			Body: func(b *check.Bench) {
				start(b, onCharge("QRDN", func(c charge) { c["chave"] = "outro@recebedor.example.com" })).paysNothing("QRCODE_INVALIDO", "COBRANCA_INVALIDA", "DETALHE_PAGAMENTO_INVALIDO")
			},
		},
		{
			ID: "PAX-X15", Name: "payments/charge-fixes-the-amount", Rules: rules("PAY-AUTH-03/amount-of-code"), Needs: dynamic,
			Title: "A charge that fixes its amount is not paid with another; one that leaves it open is", Why: "The payee asked for an amount.",
			Causes: causes("the amount of the charge is not read", "modalidadeAlteracao ignored"),
			Body: func(b *check.Bench) {
				dearer := func(c charge) { c["valor"] = map[string]any{"original": "7.00", "modalidadeAlteracao": 0} }
				start(b, onCharge("QRDN", dearer)).paysNothing("VALOR_INVALIDO")
				open := func(c charge) { c["valor"] = map[string]any{"original": "7.00", "modalidadeAlteracao": 1} }
				start(b, onCharge("QRDN", open)).pays().settles()
			},
		},
	}
}

// paysNothing expects that no money moves: the consent is rejected for one of the reasons, or else its
// payment is refused for one of them.
func (j *journey) paysNothing(codes ...string) {
	if a := j.visits(); a.Code == "" {
		j.endedFor(codes...)
		return
	}
	j.Step("the consent was authorised; the payment decides")
	j.consent = nil
	j.authorises()
	j.refuses(j.initiating(), codes...)
}
