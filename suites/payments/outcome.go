package payments

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// next are the states that may follow each: steps may be too quick to be seen, so whatever lies further
// on the same way is right too.
var next = map[string][]string{
	"RCVD": {"ACCP", "PDNG", "SCHD", "ACPD", "ACSC", "RJCT", "CANC"},
	"PDNG": {"ACCP", "ACPD", "ACSC", "RJCT", "CANC"},
	"SCHD": {"ACCP", "PDNG", "ACPD", "ACSC", "RJCT", "CANC"},
	"ACCP": {"ACPD", "ACSC", "RJCT"},
	"ACPD": {"ACSC", "RJCT"},
}

// legalWay expects that states follow one another as the state machine allows.
func legalWay() expect.Matcher {
	return expect.That("states in the order of the standard", func(actual any) (string, bool) {
		seen, _ := actual.([]string)
		for i := 1; i < len(seen); i++ {
			if !slices.Contains(next[seen[i-1]], seen[i]) {
				return strings.Join(seen, ", ") + ": no way leads from " + seen[i-1] + " to " + seen[i], false
			}
		}
		return strings.Join(seen, ", "), len(seen) > 0 && seen[0] != ""
	})
}

func outcomeChecks() []check.Check {
	email := needs(payee(target.Email))
	refusedKey := []string{"PAGAMENTO_RECUSADO_DETENTORA", "DETALHE_PAGAMENTO_INVALIDO", "PAGAMENTO_RECUSADO_SPI"}
	unknown := func(key string) form {
		return func(b *check.Bench, j *journey) tpp.Order {
			o := byKey(target.Email)(b, j)
			o.Proxy = key
			return o
		}
	}
	refused := func(f form) func(*check.Bench) {
		return func(b *check.Bench) {
			j := start(b, f).authorises()
			j.refuses(j.initiating(), refusedKey...)
			j.is("CONSUMED")
			j.again(byKey(target.Email)).pays().settles()
		}
	}
	return []check.Check{
		{
			ID: "PAY-007", Name: "payments/rejects-bad-document-key", Official: official("incorrect-cpf-proxy"), Rules: rules("PAY-REASON", "ERR-13"), Needs: email,
			Title: "A payment by a key that is no valid CPF is rejected with reason and detail", Why: "Nobody holds that key.", Causes: causes("the key directory is not asked"),
			Body: refused(unknown("12345678900")),
		},
		{
			ID: "PAY-024", Name: "payments/rejects-unknown-key", Official: official("fake-email-proxy"), Rules: rules("PAY-REASON", "ERR-13"), Needs: email,
			Title: "A payment by a key that nobody registered is rejected", Why: "The money would go to whoever the account data names.", Causes: causes("the key directory is not asked"),
			Body: refused(unknown("ninguem.registrou@chave.example.com")),
		},
		{
			ID: "PAY-023", Name: "payments/rejects-key-of-another", Official: official("real-email-invalid-creditor-proxy"), Rules: rules("PAY-REASON", "ERR-13"), Needs: email,
			Title: "A payment by a real key whose holder is not the creditor is rejected", Why: "The customer is shown one payee and the key names another.",
			Causes: causes("the answer of the key directory is not compared"),
			Body: refused(func(b *check.Bench, j *journey) tpp.Order {
				o := byKey(target.Email)(b, j)
				o.Creditor = creditor(otherPayee(b))
				return o
			}),
		},
		{
			ID: "PAX-026", Name: "payments/status-follows-machine", Rules: rules("PAY-STATE", "ERR-13"),
			Title: "A payment's states follow one another as the standard allows, and a final state stays", Why: "Shops hand goods out on a state.",
			Causes: causes("two workers write one payment", "a reconciliation overwrites final states"),
			Body: func(b *check.Bench) {
				j := start(b, manual).pays()
				j.comesTo(tpp.Final...)
				j.reads(0)
				b.Expect(j.seen, "states seen").To(legalWay())
				b.Expect(j.seen[len(j.seen)-1], "last state").To(expect.Equal("ACSC"))
			},
		},
		{
			ID: "PAX-X30", Name: "payments/reaches-final-status", Rules: rules("PAY-STATE"),
			Title: "A payment reaches a final state within seconds", Why: "Pix settles in ten seconds.", Causes: causes("a message of the settlement system got lost"),
			Body: func(b *check.Bench) {
				j := start(b, manual).pays()
				b.Expect(b.Wait("settle", "a final state", func() bool { return slices.Contains(tpp.Final, expect.Text(j.reads(0), "data.status")) }),
					"payment in a final state").To(expect.True("the payment is final in time"))
			},
		},
		{
			ID: "PAX-X31", Name: "payments/explains-rejection", Rules: rules("PAY-REASON"), Needs: email,
			Title: "A rejected payment says why, with a code of the list and a detail", Why: "The customer must learn what to do.", Causes: causes("the reason is kept internally"),
			Body: func(b *check.Bench) {
				j := start(b, unknown("ninguem.registrou@chave.example.com")).authorises()
				if x := j.refuses(j.initiating()); x.Status != 201 {
					b.Expect(x).To(expect.JSON("errors[0].detail", expect.Something()))
					return
				}
				b.Expect(expect.Text(j.last, "data.rejectionReason.code"), "reason").To(expect.OneOf(anything(spec.Find("payments.read").Values("data", "rejectionReason", "code"))...))
			},
		},
		{
			ID: "PAX-X32", Name: "payments/refused-at-once-uses-consent-up", Rules: rules("PAY-CONSENT"), Needs: needs(outcome(target.RefusedAtOnce)),
			Title: "An initiation that the holder refuses at once answers 422 with its code, uses the consent up and creates nothing", Why: "A consent pays once, whatever came of it.",
			Causes: causes("the consent is used up only by success"),
			Body: func(b *check.Bench) {
				j := start(b, choosing(target.RefusedAtOnce)).authorises()
				x := j.initiating().Send(b.Context())
				b.Expect(x, "initiation").To(expect.OFBError(422, "PAGAMENTO_RECUSADO_DETENTORA"))
				j.is("CONSUMED")
				b.Expect(j.list()).To(expect.JSONCount("data", 0))
			},
		},
		{
			ID: "PAX-X33", Name: "payments/settlement-matches-books", Rules: rules("PAY-STATE"), Needs: needs(outcome(target.RefusedLater), check.CoreControl),
			Title: "A settled payment takes exactly its amount from the account, a rejected one nothing", Why: "A state without its money, or money without its state, is the worst that can happen.",
			Causes: causes("the state is set before the booking", "the reservation of a rejected payment is not undone"),
			Body: func(b *check.Bench) {
				j := start(b, amounted(manual, "12.34"))
				before := j.held()
				j.pays().settles()
				b.Expect(before-j.held(), "centavos that left the customer's accounts").To(expect.Equal(1234))
				k := j.again(choosing(target.RefusedLater)).pays()
				k.rejects("PAGAMENTO_RECUSADO_SPI")
				b.Expect(before-j.held(), "centavos that left after a rejected payment").To(expect.Equal(1234))
			},
		},
		{
			ID: "PAY-041", Name: "payments/held-payment-goes-on", Official: official("temporization-conditional"), Rules: rules("PAY-STATE", "ERR-13"), Needs: needs(outcome(target.HeldThenSettled, target.HeldThenRejected)),
			Title: "A payment held for analysis is settled or rejected in the end", Why: "The customer waits for an answer.", Causes: causes("held payments are forgotten"),
			Body: func(b *check.Bench) {
				j := start(b, choosing(target.HeldThenSettled)).pays().settles()
				b.Expect(j.seen, "states seen").To(legalWay())
				k := j.again(choosing(target.HeldThenRejected)).pays()
				k.rejects()
				b.Expect(k.seen, "states seen").To(legalWay())
			},
		},
		{
			ID: "PAX-X34", Name: "payments/held-payment-is-released", Rules: rules("PAY-STATE"), Needs: needs(outcome(target.Held), check.CoreControl),
			Title: "A held payment stays PDNG until the analysis ends, and then settles", Why: "The initiator shows what it is waiting for.", Causes: causes("PDNG is not shown"),
			Body: func(b *check.Bench) {
				j := start(b, choosing(target.Held)).pays()
				j.comesTo("PDNG")
				b.Core().Post("/orders/"+j.payments[0]+"/release", map[string]string{}, nil)
				j.settles()
			},
		},
		{
			ID: "PAY-042", Name: "payments/held-payment-is-cancelled", Official: official("canc-temporization-conditional"), Rules: rules("PAY-CANCEL", "ERR-13"), Needs: needs(outcome(target.Held)),
			Title: "A held payment is cancelled by the initiator, with CANCELADO_PENDENCIA", Why: "The customer changed their mind in time.", Causes: causes("only schedules can be cancelled"),
			Body: func(b *check.Bench) {
				j := start(b, choosing(target.Held)).pays()
				j.comesTo("PDNG")
				j.cancels(0, "CANCELADO_PENDENCIA")
			},
		},
	}
}

// list reads the payments of the consent.
func (j *journey) list() *tpp.Exchange {
	x := j.party.Call("payments.consent-payments", j.party.Credentials("payments")).Param("consentId", j.consent.ID).Send(j.Context())
	j.Expect(x, "payments of the consent").To(expect.Status(200))
	return x
}

// held is what the customer's accounts hold together, in centavos.
func (j *journey) held() int {
	var accounts []struct{ Balance string }
	j.Core().Get("/accounts?customer="+j.who.ID, &accounts)
	sum := 0
	for _, a := range accounts {
		n, err := strconv.Atoi(strings.Replace(a.Balance, ".", "", 1))
		j.Given(fmt.Sprintf("a balance, not %q", a.Balance), err)
		sum += n
	}
	return sum
}

func consumptionChecks() []check.Check {
	return []check.Check{
		{
			ID: "PAY-036", Name: "payments/consent-is-consumed-once", Official: official("consumed-consent"), Rules: rules("PAY-CONSENT", "PAY-INIT-05/consent-live", "AS-RT-04"),
			Title: "A consent is CONSUMED by its payment, and a second payment on it is refused", Why: "The customer approved one payment.", Causes: causes("consumption is written after the answer"),
			Body: func(b *check.Bench) {
				j := start(b, manual).pays()
				j.is("CONSUMED")
				x := j.initiating().Send(b.Context())
				b.Expect(x, "second payment").To(expect.Any(expect.OFBError(422, invalid...), expect.OFBError(401)))
				j.settles()
				b.Expect(j.list()).To(expect.JSONCount("data", 1))
			},
		},
		{
			ID: "PAX-X35", Name: "payments/needs-authorised-consent", Rules: rules("PAY-INIT-05/consent-live"),
			Title: "A consent that a refused payment used up pays no more", Why: "An initiator must not try amounts until one fits.", Causes: causes("only success uses a consent up"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				j.refuses(items(j.initiating(), item2("payment.amount", "1.01")), divergent...)
				j.is("CONSUMED")
				x := j.initiating().Send(b.Context())
				b.Expect(x, "sound payment on the used consent").To(expect.Any(expect.OFBError(422, invalid...), expect.OFBError(401)))
			},
		},
		{
			ID: "PAX-X36", Name: "payments/broken-call-leaves-consent", Rules: rules("PAY-CONSENT"),
			Title: "A call refused for its signature, claims or headers leaves the consent authorised", Why: "A technical slip must not cost the customer another journey.",
			Causes: causes("every answer but 2xx uses the consent up"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				b.Expect(j.initiating().BreakSignature().Send(b.Context()), "broken signature").To(expect.OFBError(400))
				b.Expect(j.initiating().Claims(func(c map[string]any) { c["iss"] = "00000000-0000-4000-8000-000000000000" }).Send(b.Context()), "other issuer").To(expect.OFBError(403))
				b.Expect(j.initiating().Interaction("").Send(b.Context()), "no interaction id").To(expect.OFBError(400))
				j.is("AUTHORISED")
				j.pays().settles()
			},
		},
		{
			ID: "PAX-020", Name: "payments/refresh-ends-with-consent", Rules: rules("AS-RT-04/not-consumed"),
			Title: "The refresh token of a consent refreshes before the payment and no more after it", Why: "Nothing is left to do in the customer's name.", Causes: causes("tokens know nothing of the consent"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				b.Expect(j.party.RefreshRequest(j.party.Server, j.grant.RefreshToken).About(j.consent.ID).Send(b.Context()), "refresh before the payment").To(expect.Status(200))
				j.pays()
				x := j.party.RefreshRequest(j.party.Server, j.grant.RefreshToken).About(j.consent.ID).Send(b.Context())
				b.Expect(x, "refresh after the payment").To(expect.OAuthError("invalid_grant"))
			},
		},
		{
			ID: "PAX-021", Name: "payments/initiator-follows-payment", Rules: rules("AS-TOK-08"),
			Title: "The initiator reads consent and payment with its own token after the consent is consumed", Why: "The end of a payment comes after its consent.", Causes: causes("reads need the customer's token"),
			Body: func(b *check.Bench) {
				j := start(b, manual).pays().settles()
				j.party.ForgetTokens()
				j.is("CONSUMED")
				b.Expect(j.reads(0)).To(expect.JSON("data.status", "ACSC"))
			},
		},
	}
}

func item2(path string, value any) func(int, map[string]any) {
	return func(_ int, m map[string]any) { put(m, path, value) }
}

func approverChecks() []check.Check {
	several := func(b *check.Bench, f form) *journey { return startFor(b, f, b.Person("company-several")) }
	return []check.Check{
		{
			ID: "PAY-039", Name: "payments/waits-for-approvers", Official: official("multiple-consents-conditional"), Rules: rules("PAY-INIT-04/consent-approved", "ERR-13"), Needs: needs(approvers, check.HolderControl),
			Title: "A consent that waits for approvers pays nothing yet and is not used up; when all approved, it pays", Why: "One of several owners must not spend alone.",
			Causes: causes("PARTIALLY_ACCEPTED treated as authorised", "the early attempt uses the consent up"),
			Body: func(b *check.Bench) {
				j := several(b, manual).authorises()
				j.is("PARTIALLY_ACCEPTED")
				x := j.initiating().Send(b.Context())
				b.Expect(x, "early payment").To(expect.OFBError(422, "CONSENTIMENTO_PENDENTE_AUTORIZACAO"))
				j.is("PARTIALLY_ACCEPTED")
				j.approved()
				j.is("AUTHORISED")
				j.pays().settles()
			},
		},
		{
			ID: "PAY-040", Name: "payments/approvers-do-not-raise-limits", Official: official("multiple-consents-no-funds-conditional"), Rules: rules("PAY-AUTH-08/within-limit", "ERR-13"), Needs: needs(approvers),
			Title: "A consent beyond limit or balance is rejected though others would still have to approve", Why: "Approvers would be asked in vain.", Causes: causes("checked only after the last approval"),
			Body: func(b *check.Bench) {
				several(b, amounted(manual, enormous)).ends("VALOR_ACIMA_LIMITE", "SALDO_INSUFICIENTE")
			},
		},
	}
}

// approved lets every further approver agree.
func (j *journey) approved() {
	for range 10 {
		if j.status() != "PARTIALLY_ACCEPTED" {
			return
		}
		j.Holder().Post("/consents/"+j.consent.ID+"/approve", map[string]string{}, nil)
	}
}
