package consents

import (
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func authorisationChecks() []check.Check {
	return []check.Check{
		{
			ID: "COX-002", Name: "consents/refuses-other-person", Rules: rules("AS-AUTHN-02/same-person", "ERR-06"),
			Title:  "Somebody else than the person the consent names cannot authorise it",
			Why:    "Whoever may log in at the bank could give away data under another's consent.",
			Causes: causes("the login is not compared with the consent"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				d.denied(d.arrives(c, b.Robot(b.Person())))
				x := d.reads(c.ID)
				b.Expect(x).To(expect.JSON("data.status", expect.OneOf(awaiting, rejected)))
				d.party.Sharing(d.person, balances)
			},
		},
		{
			ID: "COX-003", Name: "consents/refuses-company-on-personal-consent", Rules: rules("AS-AUTHN-03/no-company", "ERR-06"),
			Title:  "A person's consent cannot be given for a company",
			Needs:  []check.Need{check.Clients(1), check.Trait("company-alone")},
			Why:    "The company's data would be shared under a consent that does not name it.",
			Causes: causes("the choice of a company at the confirmation is not compared with the consent"),
			Body: func(b *check.Bench) {
				d := open(b, "company-alone")
				personal := func() *tpp.Consent {
					return check.Given[*tpp.Consent](b, "a personal consent")(d.party.CreateConsent(b.Context(), d.party.Server, balances, tpp.Person{CPF: d.person.CPF}))
				}
				robot := b.Robot(d.person)
				robot.Company = d.person.CNPJ
				c := personal()
				p := d.party.Push(c)
				b.Expect(p.Send(b.Context()), "pushed request").To(expect.Status(201))
				a, err := p.Visit(b.Context(), robot)
				if err != nil && strings.Contains(err.Error(), "offers no such company") {
					b.Note("the page offers no company for a personal consent")
				} else {
					d.denied(check.Given[*tpp.Answer](b, "a customer who comes back")(a, err))
				}
				b.Expect(d.reads(c.ID)).To(expect.JSON("data.status", expect.OneOf(awaiting, rejected)))
				d.party.Authorised(personal(), d.person)
			},
		},
		{
			ID: "COX-004", Name: "consents/refuses-other-company", Rules: rules("AS-AUTHN-04/same-company", "ERR-06"),
			Title:  "A company's consent cannot be given by somebody who acts for another",
			Needs:  []check.Need{check.Clients(1), check.Trait("company-alone")},
			Why:    "An employee of one company would share the data of another.",
			Causes: causes("the person is compared, the company is not"),
			Body: func(b *check.Bench) {
				d := open(b, "company-alone")
				other := tpp.Person{CPF: d.person.CPF, CNPJ: d.party.Config().CNPJ}
				c := check.Given[*tpp.Consent](b, "a consent of another company")(d.party.CreateConsent(b.Context(), d.party.Server, balances, other))
				d.denied(d.arrives(c, b.Robot(d.person)))
				b.Expect(d.reads(c.ID)).To(expect.JSON("data.status", expect.OneOf(awaiting, rejected)))
				d.party.Sharing(d.person, balances)
			},
		},
		{
			ID: "COX-006", Name: "consents/push-needs-own-consent", Rules: rules("AS-REQ-13/own-consent"), Needs: twoClients,
			Title:  "A client cannot ask authorization for another client's consent",
			Why:    "The customer's yes to one receiver would serve another.",
			Causes: causes("the dynamic scope is looked up without its owner"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				d.refuses(b.Party(1).Push(c), b.Robot(d.person))
				d.stands(c.ID, awaiting)
				d.party.Authorised(c, d.person)
			},
		},
		{
			ID: "COX-007", Name: "consents/authorised-once", Rules: rules("AS-REQ-13/awaiting-consent"),
			Title:  "An authorised consent cannot be authorised again",
			Why:    "A second authorization would replace what the customer chose the first time.",
			Causes: causes("only existence is checked"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(90*day, balances...)
				d.refuses(d.party.Push(g.Consent), b.Robot(d.person))
				d.stands(g.Consent.ID, authorised)
				b.Expect(d.data(g), "data under the first authorization").To(expect.Status(200))
			},
		},
		{
			ID: "COX-008", Name: "consents/one-consent-per-push", Rules: rules("AS-REQ-12/one-dynamic"),
			Title:  "A request for two unrelated consents is refused",
			Why:    "The customer sees one consent and would authorise two.",
			Causes: causes("the first dynamic scope is taken, the rest ignored"),
			Body: func(b *check.Bench) {
				d := open(b)
				one, two := d.consent(90*day, balances...), d.consent(90*day, statement...)
				d.refuses(d.party.Push(one).Set("scope", "openid accounts resources consent:"+one.ID+" consent:"+two.ID), b.Robot(d.person))
				d.stands(one.ID, awaiting)
				d.party.Authorised(two, d.person)
			},
		},
		{
			ID: "COX-009", Name: "consents/push-names-a-consent", Rules: rules("AS-REQ-12/has-dynamic"),
			Title:  "A request for data that names no consent is refused",
			Why:    "Nobody could say what the customer authorises.",
			Causes: causes("the last consent of the client is taken"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				d.refuses(d.party.Push(c).Set("scope", "openid consents accounts resources"), b.Robot(d.person))
				d.stands(c.ID, awaiting)
				d.party.Authorised(c, d.person)
			},
		},
		{
			ID: "COX-010", Name: "consents/survives-failed-login", Rules: rules("AS-AUTHN-06"),
			Title:  "After a wrong password and an abandoned page the same consent can still be authorised",
			Why:    "A typing mistake should not send the customer back to the beginning.",
			Causes: causes("the consent is rejected with the first failure"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				forgetful := b.Robot(d.person)
				forgetful.Password = "not-" + d.person.Password
				p := d.party.Push(c)
				b.Expect(p.Send(b.Context()), "pushed request").To(expect.Status(201))
				_, err := p.Visit(b.Context(), forgetful)
				b.Expect(err, "a login with a wrong password").To(expect.Failure())
				d.stands(c.ID, awaiting)
				again := b.Robot(d.person)
				again.WrongFirst = true
				check.Given[*tpp.Grant](b, "an authorization on the second try")(d.party.Authorise(b.Context(), c, again))
				d.stands(c.ID, authorised)
			},
		},
		{
			ID: "CON-X66", Name: "consents/denial-is-final", Rules: rules("AS-AUTHN-05", "ERR-06"),
			Title:  "A customer who says no comes back with access_denied, and the consent is rejected",
			Why:    "A no that leaves the consent open can be turned into a yes.",
			Causes: causes("the answer comes without telling the consent engine"),
			Body: func(b *check.Bench) {
				d := open(b)
				for what, act := range map[string]func(*psu.Robot){
					"no at the confirmation":  func(r *psu.Robot) { r.Decision = psu.Deny },
					"cancelling at the login": func(r *psu.Robot) { r.CancelAtLogin = true },
				} {
					b.Step("%s", what)
					c, robot := d.consent(90*day, balances...), b.Robot(d.person)
					act(robot)
					d.denied(d.arrives(c, robot))
					d.ended(c.ID, "USER", "CUSTOMER_MANUALLY_REJECTED")
					d.refuses(d.party.Push(c), b.Robot(d.person))
				}
				d.party.Sharing(d.person, balances)
			},
		},
		{
			ID: "COX-005", Name: "consents/times-out-awaiting", Rules: rules("AS-AUTHN-06"), Needs: clocked,
			Title:  "After an hour without authorization a consent is rejected as expired and cannot be authorised",
			Why:    "A forgotten consent must not be usable later.",
			Causes: causes("a nightly job does the expiry", "only the page checks the window"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				b.Advance(61 * time.Minute)
				d.ended(c.ID, "ASPSP", "CONSENT_EXPIRED")
				d.refuses(d.party.Push(c), b.Robot(d.person))
				b.Expect(d.call("consents.delete", c.ID).Send(b.Context()), "revocation of the expired consent").To(expect.OFBError(422, "CONSENTIMENTO_EM_STATUS_REJEITADO"))
			},
		},
		{
			ID: "CON-X67", Name: "consents/waits-sixty-minutes", Rules: rules("AS-AUTHN-06"), Needs: clocked,
			Title:  "For an hour a consent can be authorised",
			Why:    "Customers look for their card or their phone; the standard gives them an hour.",
			Causes: causes("the window of payments is applied to data"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				b.Advance(58 * time.Minute)
				d.stands(c.ID, awaiting)
				d.party.Authorised(c, d.person)
				d.stands(c.ID, authorised)
			},
		},
		{
			ID: "COX-019", Name: "consents/resources-follow-soon", Rules: rules("RS-HDR-02"),
			Title:  "Right after the authorization the resources are there, or announced with 202 and soon there",
			Why:    "The receiver waits with its customer in front of the screen.",
			Causes: causes("the list is prepared by a slow job", "202 goes on for ever"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(90*day, balances...)
				var x *tpp.Exchange
				ready := b.Wait("settle", "the list of resources", func() bool {
					x = d.party.Call("resources.list", g).Send(b.Context())
					b.Expect(x, "resources of a fresh consent").To(expect.All(expect.Status(200, 202), expect.EchoInteractionID()))
					return x.Status == 200
				})
				b.Expect(ready, "list of resources").About(x).To(expect.True("ready in time"))
				b.Expect(x).To(expect.JSON("data[*].resourceId", expect.Something()))
			},
		},
		{
			ID: "CON-X68", Name: "consents/joint-needs-all-approvals", Rules: rules("AS-CONS-02"),
			Title:  "A joint account is shared only once every holder has approved",
			Needs:  []check.Need{check.Clients(1), check.Trait("joint"), check.HolderControl},
			Why:    "One holder alone must not give away what belongs to two.",
			Causes: causes("the consent's status is taken for the resource's"),
			Body: func(b *check.Bench) {
				d := open(b, "joint")
				g := d.sharing(90*day, balances...)
				pending := d.resource(g, "PENDING_AUTHORISATION")
				b.Expect(pending, "account that waits for its other holder").To(expect.Something())
				reads := func() *tpp.Exchange {
					return d.party.Call("accounts.balances", g).Param("accountId", pending).Send(b.Context())
				}
				b.Expect(reads(), "balance before the approval").To(expect.OFBError(403))
				b.Holder().Post(path(g.Consent.ID, "/approve"), map[string]any{}, nil)
				b.Expect(reads(), "balance after the approval").To(expect.Status(200))
				b.Expect(d.resource(g, "PENDING_AUTHORISATION"), "account that still waits").To(expect.Nothing())
			},
		},
	}
}

// resource returns the id of a resource in that state, or "".
func (d *desk) resource(g *tpp.Grant, state string) string {
	x := d.party.Call("resources.list", g).Send(d.Context())
	d.Expect(x, "resources").To(expect.Status(200))
	for _, v := range expect.Values(x, "data[*]") {
		if m, ok := v.(map[string]any); ok && m["status"] == state {
			id, _ := m["resourceId"].(string)
			return id
		}
	}
	return ""
}
