package security

import (
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// pix is an ordinary payment of one real.
func pix(who *check.Person) tpp.Order {
	return tpp.Order{Payer: who.Document(), Amount: "1.00", Creditor: tpp.Creditor{
		Name: "Recebedora Sintética", Document: "52998224725",
		Account: tpp.Account{ISPB: "12345678", Issuer: "0001", Number: "1234567890", Type: "CACC"},
	}}
}

// paymentConsent is the call that creates a payment consent, ready to be bent.
func paymentConsent(b *check.Bench, p *check.Party, who *check.Person) *tpp.APICall {
	return p.Call("payments.consent-create", p.Credentials("payments")).Body(pix(who).ConsentBody(b.Now()))
}

func messageChecks() []check.Check {
	needs := []check.Need{check.ClientRole("PAGTO"), check.Customer(), check.API("payments")}
	return []check.Check{
		{
			ID: "SOP-048", Name: "message/rejects-broken-consent", Title: "A payment consent whose signature does not verify is refused with BAD_SIGNATURE", Needs: needs,
			Rules: rules("JWS-08", "ERR-08"), Official: official("brazil-ensure-bad-payment-signature-fails"),
			Why: "It was changed after it was signed.", Causes: causes("the body read before the signature is checked, and used"),
			Body: func(b *check.Bench) {
				p := b.PartyWith("PAGTO")
				who := b.Person()
				x := paymentConsent(b, p, who).BreakSignature().Send(b.Context())
				b.Expect(x, "broken signature").To(expect.OFBError(400, "BAD_SIGNATURE"))
				b.Expect(x).To(expect.JSONAbsent("data.consentId"))
				b.Expect(paymentConsent(b, p, who).Send(b.Context()), "sound signature").To(expect.Status(201))
			},
		},
		{
			ID: "SOX-044", Name: "message/handles-cty", Title: "A signed message with cty is handled as one without", Needs: needs,
			Rules: rules("JWS-07"),
			Why:   "Some libraries write the header, some do not.", Causes: causes("unknown headers refused with a server error"),
			Body: func(b *check.Bench) {
				p := b.PartyWith("PAGTO")
				who := b.Person()
				b.Expect(paymentConsent(b, p, who).Send(b.Context()), "without cty").To(expect.Status(201))
				x := paymentConsent(b, p, who).JOSEHeader(func(h map[string]any) { h["cty"] = "JWT" }).Send(b.Context())
				b.Expect(x, "with cty JWT").To(expect.Any(expect.Status(201), expect.OFBError(400)))
			},
		},
		{
			ID: "SOX-X117", Name: "message/refuses-replayed-or-misaddressed", Title: "A signed message that was used before, or is of or for somebody else, is refused with 403", Needs: needs,
			Rules: rules("ERR-09", "JWS-03", "JWS-04", "JWS-05"),
			Why:   "A message taken from one journey must not work in another.", Causes: causes("only the signature looked at", "jti not remembered"),
			Body: func(b *check.Bench) {
				p := b.PartyWith("PAGTO")
				who := b.Person()
				var used any
				first := paymentConsent(b, p, who).Claims(func(c map[string]any) { used = c["jti"] })
				b.Expect(first.Send(b.Context()), "first use").To(expect.Status(201))
				for name, claim := range map[string][2]any{
					"the same jti": {"jti", used}, "another audience": {"aud", foreignAudience}, "another issuer": {"iss", b.Target().Bank.OrganisationID},
				} {
					x := paymentConsent(b, p, who).Claims(func(c map[string]any) { c[claim[0].(string)] = claim[1] }).Send(b.Context())
					b.Expect(x, "message with %s", name).To(expect.OFBError(403))
				}
			},
		},
	}
}
