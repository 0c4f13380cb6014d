package consents

import (
	"bytes"
	"encoding/json"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func accessChecks() []check.Check {
	return []check.Check{
		{
			ID: "CON-003", Name: "consents/revocable-by-owner-only", Rules: rules("AS-CONS-07/delete", "AS-CONS-07/read"), Official: official("client-limits"),
			Title:  "Another client may neither read nor revoke a consent; its owner may",
			Needs:  twoClients,
			Why:    "A competitor could end a customer's consents, or learn of them.",
			Causes: causes("the consent is found by id alone"),
			Body: func(b *check.Bench) {
				d := open(b)
				id := d.made(d.body(balances...))
				other := b.Party(1)
				b.Expect(foreign(other, "consents.read", id).Send(b.Context()), "another client reads").To(expect.OFBError(403))
				b.Expect(foreign(other, "consents.delete", id).Send(b.Context()), "another client revokes").To(expect.OFBError(403))
				d.stands(id, awaiting)
				d.deletes(id)
				d.ended(id, "USER", "CUSTOMER_MANUALLY_REJECTED")
			},
		},
		{
			ID: "CON-X61", Name: "consents/visible-to-owner-only", Rules: rules("AS-CONS-07/read"),
			Title:  "Another client does not learn of a consent, authorised or not",
			Needs:  twoClients,
			Why:    "A consent names a customer and what they share with whom.",
			Causes: causes("the consent is found by id alone"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				other := b.Party(1)
				refused := expect.All(expect.OFBError(403), expect.BodyWithout(d.person.CPF, "ACCOUNTS_BALANCES_READ"))
				b.Expect(foreign(other, "consents.read", c.ID).Send(b.Context()), "while it waits").To(refused)
				d.party.Authorised(c, d.person)
				b.Expect(foreign(other, "consents.read", c.ID).Send(b.Context()), "once authorised").To(refused)
				d.stands(c.ID, authorised)
			},
		},
		{
			ID: "CON-X62", Name: "consents/extensions-visible-to-owner-only", Rules: rules("AS-CONS-07/extensions"),
			Title:  "Another client does not see the renewals of a consent",
			Needs:  twoClients,
			Why:    "Renewals tell when and from where a customer acted.",
			Causes: causes("the owner is checked for the consent but not for its parts"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				b.Expect(foreign(b.Party(1), "consents.extensions", c.ID).Send(b.Context()), "another client").To(expect.OFBError(403))
				b.Expect(d.call("consents.extensions", c.ID).Send(b.Context()), "the owner").To(expect.Status(200))
			},
		},
		{
			ID: "CON-019", Name: "consents/rejects-mixed-persons", Rules: rules("CONS-PERM-01/not-both-persons", "RS-HDR-01"), Official: official("bad-consents"),
			Title:  "Personal and company registration do not come together, and every call carries a sound interaction id",
			Why:    "Nobody could say whose registration is shared; and a call without id cannot be followed.",
			Causes: causes("each permission is checked by itself", "the gateway invents a missing id and goes on"),
			Body: func(b *check.Bench) {
				d := open(b)
				mixed := d.body("CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ", "CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ", spec.ResourcesRead)
				b.Verify(d.posts(mixed), "without company").To(expect.OFBError(422, "PERMISSAO_PF_PJ_EM_CONJUNTO"))
				data(mixed)["businessEntity"] = document(d.party.Config().CNPJ, "CNPJ")
				b.Verify(d.posts(mixed), "with company").To(expect.OFBError(422, "PERMISSAO_PF_PJ_EM_CONJUNTO"))
				sound := d.body(balances...)
				for _, id := range []string{"", "123", "not-a-uuid-at-all"} {
					x := d.posting(sound).Interaction(id).Send(b.Context())
					b.Verify(x, "interaction id %q", id).To(expect.OFBError(400))
					b.Verify(x).To(expect.OwnInteractionID())
				}
				d.made(sound)
			},
		},
		{
			ID: "COX-011", Name: "consents/api-needs-client-credentials", Rules: rules("RS-TOK-03/client-credentials"),
			Title:  "A customer's token opens no call of the client itself",
			Why:    "A token with a customer's rights must not manage consents.",
			Causes: causes("only the scope is checked"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(90*day, balances...)
				wrong := expect.OFBErrorStatus([]int{401, 403})
				for _, op := range []string{"consents.read", "consents.extensions", "consents.delete"} {
					b.Verify(d.call(op, g.Consent.ID).With(g).Send(b.Context()), op).To(wrong)
				}
				b.Verify(d.posting(d.body(balances...)).With(g).Send(b.Context()), "consents.create").To(wrong)
				d.stands(g.Consent.ID, authorised)
			},
		},
		{
			ID: "COX-012", Name: "consents/binds-token-to-certificate", Rules: rules("RS-MTLS-02", "AS-TOK-02/bound"),
			Title:  "A token shown with another client's certificate opens nothing",
			Needs:  twoClients,
			Why:    "A stolen token is worth nothing without the key of its certificate.",
			Causes: causes("the thumbprint is not compared"),
			Body: func(b *check.Bench) {
				d := open(b)
				id := d.made(d.body(balances...))
				other := b.Client(1).Config().Transport
				b.Expect(d.call("consents.read", id).WithCertificate(other).Send(b.Context()), "read").To(expect.OFBError(401))
				b.Expect(d.call("consents.delete", id).WithCertificate(other).Send(b.Context()), "revocation").To(expect.OFBError(401))
				d.stands(id, awaiting)
			},
		},
		{
			ID: "COX-013", Name: "consents/unknown-id-is-4xx", Rules: rules("ERR-12"),
			Title:  "A consent that does not exist is answered as such",
			Why:    "A receiver must tell a lost consent from a broken bank.",
			Causes: causes("a missing row is an unhandled error"),
			Body: func(b *check.Bench) {
				d := open(b)
				id := d.made(d.body(balances...))
				last := byte('0')
				if id[len(id)-1] == last {
					last = '1'
				}
				for _, unknown := range []string{id[:len(id)-1] + string(last), "urn:nobody:5c1f9d7e-0000-4000-8000-000000000000"} {
					for _, op := range []string{"consents.read", "consents.delete", "consents.extensions"} {
						b.Verify(d.call(op, unknown).Send(b.Context()), "%s of an unknown id", op).To(expect.OFBErrorStatus([]int{404, 403, 400}))
					}
				}
				d.stands(id, awaiting)
			},
		},
		{
			ID: "COX-014", Name: "consents/refuses-unacceptable", Rules: rules("RS-HDR-05/accept", "ERR-15"),
			Title:  "A client that takes nothing but XML is told so",
			Why:    "An answer in another format than asked is not understood.",
			Causes: causes("Accept is not looked at"),
			Body: func(b *check.Bench) {
				d := open(b)
				body := d.body(balances...)
				b.Expect(d.posting(body).Accept("text/xml").Send(b.Context()), "creation").To(expect.OFBError(406))
				id := d.made(body)
				b.Expect(d.call("consents.read", id).Accept("text/xml").Send(b.Context()), "read").To(expect.OFBError(406))
				b.Expect(d.call("consents.read", id).Accept("application/json, text/plain;q=0.5").Send(b.Context()), "read with a choice").To(expect.Status(200))
			},
		},
		{
			ID: "CON-X63", Name: "consents/refuses-other-media", Rules: rules("RS-HDR-05/content-type", "ERR-15"),
			Title:  "A body of another media type is refused",
			Why:    "What is guessed to be JSON today may be read as something else tomorrow.",
			Causes: causes("Content-Type is not looked at"),
			Body: func(b *check.Bench) {
				d := open(b)
				body := d.body(balances...)
				b.Expect(d.posting(body).ContentType("text/plain").Send(b.Context()), "JSON called text").To(expect.OFBError(415))
				b.Expect(d.posting(body).ContentType("application/json; charset=utf-8").Send(b.Context()), "JSON with its charset").To(expect.Status(201))
			},
		},
		{
			ID: "CON-X64", Name: "consents/rejects-unreadable-body", Rules: rules("ERR-07"),
			Title:  "A body that is no JSON is refused and breaks nothing",
			Why:    "A broken client must not look like a broken bank.",
			Causes: causes("parse errors fall through to 500"),
			Body: func(b *check.Bench) {
				d := open(b)
				whole := check.Given[[]byte](b, "a request")(json.Marshal(d.body(balances...)))
				for what, raw := range map[string][]byte{"half a body": whole[:len(whole)/2], "an empty body": nil, "a list": []byte(`[1,2]`),
					"a deep nest": bytes.Repeat([]byte("["), 20_000)} {
					b.Verify(d.posting(nil).Raw(raw, "application/json").Send(b.Context()), what).To(expect.OFBErrorStatus([]int{400, 422}))
				}
				b.Verify(d.posting(nil).Raw(whole, "application/json").Send(b.Context()), "the whole body").To(expect.Status(201))
			},
		},
		{
			ID: "CON-X65", Name: "consents/needs-its-scope", Rules: rules("RS-TOK-02/scope", "ERR-11"),
			Title:  "A token of another scope opens no consent",
			Needs:  []check.Need{check.ClientRole("PAGTO"), check.Customer()},
			Why:    "Scopes keep a client's functions apart; a leaked payment token must not reach consents.",
			Causes: causes("only the grant type is checked"),
			Body: func(b *check.Bench) {
				p := b.PartyWith("PAGTO")
				d := &desk{b, p, b.Person()}
				narrow := p.Credentials("payments")
				b.Expect(d.posting(d.body(balances...)).With(narrow).Send(b.Context()), "creation with scope payments").To(expect.OFBErrorStatus([]int{401, 403}))
				id := d.made(d.body(balances...))
				b.Expect(d.call("consents.read", id).With(narrow).Send(b.Context()), "read with scope payments").To(expect.OFBErrorStatus([]int{401, 403}))
				d.stands(id, awaiting)
			},
		},
	}
}

// foreign is a call about a consent by a client that did not make it.
func foreign(p *check.Party, operation, id string) *tpp.APICall {
	return p.Call(operation, p.Credentials("consents")).Param("consentId", id)
}
