package consents

import (
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func extensionRefusalChecks() []check.Check {
	notHere := expect.OFBErrorStatus([]int{401, 403})
	return []check.Check{
		{
			ID: "CON-006", Name: "consents/extends-active-only", Rules: rules("AS-CONS-02"), Official: official("extension-invalid-status-rejected"),
			Title:  "A rejected consent cannot be renewed",
			Why:    "What the customer ended must stay ended.",
			Causes: causes("the renewal sets a date whatever the status"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				d.extends(g, in(b.Now(), 90*day))
				d.deletes(g.Consent.ID)
				x := d.extending(g, in(b.Now(), 120*day)).Send(b.Context())
				b.Expect(x, "renewal of a rejected consent").To(expect.Any(notHere, expect.OFBError(422, "ESTADO_CONSENTIMENTO_INVALIDO")))
				d.stands(g.Consent.ID, rejected)
			},
		},
		{
			ID: "CON-007", Name: "consents/extension-by-same-user", Rules: rules("CONS-EXT-02/same-person", "CONS-EXT-03/same-company", "AS-AUTHN-02"), Official: official("invalid-logged-user-extension"),
			Title:  "Another person, or a company, cannot renew a person's consent",
			Why:    "Only who gave the consent may lengthen it.",
			Causes: causes("the token alone decides"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				other := b.Person()
				until := in(b.Now(), 90*day)
				as := func(bend func(map[string]any)) *tpp.Exchange {
					return d.extending(g, until).Data(bend).Send(b.Context())
				}
				b.Verify(as(with("loggedUser", document(other.CPF, "CPF"))), "another person").To(notHere)
				b.Verify(as(with("businessEntity", document(d.party.Config().CNPJ, "CNPJ"))), "a company").To(notHere)
				b.Expect(d.stands(g.Consent.ID, authorised)).To(expect.JSON("data.expirationDateTime", stamp(*g.Consent.Expires)))
				d.extends(g, until)
			},
		},
		{
			ID: "CON-X75", Name: "consents/extension-for-same-company", Rules: rules("CONS-EXT-03/same-company"),
			Title:  "A company's consent is renewed for that company alone",
			Needs:  []check.Need{check.Clients(1), check.Trait("company-alone")},
			Why:    "A renewal that loses the company turns it into somebody else's consent.",
			Causes: causes("businessEntity is ignored in renewals"),
			Body: func(b *check.Bench) {
				d := open(b, "company-alone")
				g := d.sharing(60*day, balances...)
				until := in(b.Now(), 90*day)
				b.Verify(d.extending(g, until).Data(without("businessEntity")).Send(b.Context()), "no company").To(notHere)
				b.Verify(d.extending(g, until).Data(with("businessEntity", document(d.party.Config().CNPJ, "CNPJ"))).Send(b.Context()), "another company").To(notHere)
				d.extends(g, until)
			},
		},
		{
			ID: "CON-008", Name: "consents/extension-needs-authorisation", Rules: rules("AS-CONS-02", "CONS-EXT-01/own-consent"), Official: official("extension-invalid-status"),
			Title:  "A consent that still waits cannot be renewed",
			Why:    "Nothing was given yet that could be lengthened.",
			Causes: causes("the token of another consent is accepted"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				waiting := d.consent(60*day, balances...)
				x := d.extending(g, in(b.Now(), 90*day)).Param("consentId", waiting.ID).Send(b.Context())
				b.Expect(x, "renewal while it waits").To(notHere)
				d.stands(waiting.ID, awaiting)
			},
		},
		{
			ID: "CON-X76", Name: "consents/extension-needs-own-token", Rules: rules("CONS-EXT-01/own-consent"),
			Title:  "The token of one consent renews no other, even of the same customer",
			Why:    "A token speaks for one consent.",
			Causes: causes("the person is compared, the consent is not"),
			Body: func(b *check.Bench) {
				d := open(b)
				one, two := d.sharing(60*day, balances...), d.sharing(60*day, statement...)
				until := in(b.Now(), 90*day)
				b.Expect(d.extending(one, until).Param("consentId", two.Consent.ID).Send(b.Context()), "renewal with another consent's token").To(notHere)
				b.Expect(d.stands(two.Consent.ID, authorised)).To(expect.JSON("data.expirationDateTime", stamp(*two.Consent.Expires)))
				d.extends(two, until)
			},
		},
		{
			ID: "CON-009", Name: "consents/extension-needs-single-approver", Rules: rules("CONS-EXT-04/single-approver", "ERR-13"), Official: official("multiple-consents-extension-cond"),
			Title:  "A consent that needed several approvers is not renewed without them",
			Needs:  []check.Need{check.Clients(1), check.Trait("company-several")},
			Why:    "The simplified renewal has one signature only.",
			Causes: causes("approvers are known to the first journey only"),
			Body: func(b *check.Bench) {
				d := open(b, "company-several")
				g := d.sharing(60*day, balances...)
				b.Expect(d.extending(g, in(b.Now(), 90*day)).Send(b.Context()), "renewal").To(expect.OFBError(422, "DEPENDE_MULTIPLA_ALCADA"))
				b.Expect(d.reads(g.Consent.ID)).To(expect.JSON("data.expirationDateTime", stamp(*g.Consent.Expires)))
			},
		},
		{
			ID: "CON-010", Name: "consents/extension-needs-customer-grant", Official: official("extension-security"),
			Rules:  rules("RS-HDR-03/customer-ip", "RS-HDR-03/user-agent", "RS-TOK-03/authorization-code"),
			Title:  "A renewal needs the customer's token, address and program",
			Why:    "These are the traces that the customer was there.",
			Causes: causes("headers are optional everywhere", "only the consent's id is looked at"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				until := in(b.Now(), 90*day)
				b.Verify(d.extending(g, until).WithoutHeader("x-fapi-customer-ip-address").Send(b.Context()), "without the customer's address").To(expect.OFBError(400))
				b.Verify(d.extending(g, until).WithoutHeader("x-customer-user-agent").Send(b.Context()), "without the customer's program").To(expect.OFBError(400))
				own := d.party.Credentials("consents")
				b.Verify(d.extending(g, until).Token(own.AccessToken()).Send(b.Context()), "with a client-credentials token").To(notHere)
				b.Expect(d.stands(g.Consent.ID, authorised)).To(expect.JSON("data.expirationDateTime", stamp(*g.Consent.Expires)))
				d.extends(g, until)
			},
		},
		{
			ID: "CON-011", Name: "consents/extension-rejects-past", Rules: rules("CONS-EXT-05/later", "ERR-13"), Official: official("extension-past-expiration"),
			Title:  "A renewal to a date in the past is refused",
			Why:    "It would end the consent by the back door.",
			Causes: causes("local time compared with UTC"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				b.Expect(d.extending(g, in(b.Now(), -day)).Send(b.Context()), "yesterday").To(expect.OFBError(422, "DATA_EXPIRACAO_INVALIDA"))
				d.stands(g.Consent.ID, authorised)
				d.extends(g, in(b.Now(), 90*day))
			},
		},
		{
			ID: "CON-X77", Name: "consents/extension-within-a-year", Rules: rules("CONS-EXT-06/within-a-year"), Severity: check.Should,
			Title:  "A dated renewal reaches at most a year ahead",
			Why:    "The ceiling of a new consent holds for its renewals too.",
			Causes: causes("the year is counted from the old expiry"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				b.Expect(d.extending(g, in(b.Now(), 400*day)).Send(b.Context()), "more than a year ahead").To(expect.OFBError(422, "DATA_EXPIRACAO_INVALIDA"))
				d.extends(g, in(b.Now(), 360*day))
			},
		},
	}
}
