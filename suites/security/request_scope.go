package security

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// scopeErrors fit a fault of the scope.
var scopeErrors = []string{"invalid_scope", "unauthorized_client"}

// registered is software with exactly the given roles, registered for the time of the check.
func registered(b *check.Bench, roles ...string) *check.Party {
	p := b.Newcomer(roles...)
	_, err := p.Register(b.Context(), p.Server)
	b.Given("the registration of new software", err)
	return p
}

// unknownConsent is an id that looks like one and is nobody's.
func unknownConsent(j *journey) string {
	head, _, _ := strings.Cut(strings.TrimPrefix(j.consent.ID, "urn:"), ":")
	return "urn:" + head + ":00000000-0000-4000-8000-000000000000"
}

func requestScopeChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-045", Name: "authorize/binds-consent-to-client", Title: "A client cannot have the consent of another client authorised", Needs: twoClients,
			Rules: rules("AS-REQ-13/own-consent"), Official: official("ensure-server-handles-non-matching-intent-id"),
			Why: "The customer would give to one what another asked for.", Causes: causes("the consent is looked up without its owner"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				other := b.Party(1)
				j.refuses(other.Push(j.consent), scopeErrors...)
				j.soundTwin()
			},
		},
		{
			ID: "SOX-X60", Name: "par/requires-dynamic-scope", Title: "A request that names no consent is refused when pushed",
			Rules: rules("AS-REQ-12/has-dynamic"),
			Why:   "Without a consent nobody knows what the customer would be asked.", Causes: causes("static scopes alone accepted, as plain OAuth does"),
			Body: refusedAtPush(func(_ *journey, p *tpp.Push) { scope("openid", "accounts", "resources")(p) }, scopeErrors...),
		},
		{
			ID: "SOX-X61", Name: "par/checks-dynamic-scope", Title: "A request for two unrelated consents, for another client's, an unknown or a decided one leads to no code", Needs: twoClients,
			Rules: rules("AS-REQ-12/one-dynamic", "AS-REQ-13"),
			Why:   "Of two consents the customer would see one and give both.", Causes: causes("only the first word with the prefix is read", "the state of the consent is not looked at"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				second := j.party.Consent(j.person, permissions)
				words := []string{"openid", "accounts", "resources"}
				ask := func(more ...string) *tpp.Push {
					p := j.request()
					scope(append(slices.Clone(words), more...)...)(p)
					return p
				}
				b.Step("two consents")
				j.refuses(ask("consent:"+j.consent.ID, "consent:"+second.ID), scopeErrors...)
				b.Step("the consent of another client")
				j.refuses(ask("consent:"+b.Party(1).Consent(j.person, permissions).ID), scopeErrors...)
				b.Step("an unknown consent")
				j.refuses(ask("consent:"+unknownConsent(j)), scopeErrors...)
				b.Step("a consent that was authorised already")
				j.tokens()
				j.refuses(ask("consent:"+j.consent.ID), scopeErrors...)
				j.pushes(ask("consent:" + second.ID))
			},
		},
		{
			ID: "SOX-X62", Name: "par/refuses-unknown-consent-at-once", Title: "A request for a consent that does not exist is refused when pushed", Severity: check.Should,
			Rules: rules("AS-REQ-13/known-consent"),
			Why:   "The customer should not be sent to a bank that can only say no.", Causes: causes("the consent is looked up when the customer arrives"),
			Body: refusedAtPush(func(j *journey, p *tpp.Push) { scope("openid", "accounts", "consent:"+unknownConsent(j))(p) }, scopeErrors...),
		},
		{
			ID: "SOX-X63", Name: "par/refuses-decided-consent-at-once", Title: "A request for a consent that was rejected is refused when pushed", Severity: check.Should,
			Rules: rules("AS-REQ-13/awaiting-consent"),
			Why:   "The customer should not be sent to a bank that can only say no.", Causes: causes("the state of the consent is looked at when the customer arrives"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.soundTwin()
				_, err := j.party.DeleteConsent(b.Context(), j.consent)
				b.Given("the consent deleted", err)
				j.refusesPush(j.request(), scopeErrors...)
			},
		},
		{
			ID: "SOX-X64", Name: "par/rejects-mismatched-scope", Title: "A data consent asked for with the scope of payments alone is refused", Needs: []check.Need{check.ClientRole("PAGTO"), check.Customer()},
			Rules: rules("AS-REQ-14/static-scope"),
			Why:   "The kind of token and the kind of consent must be one.", Causes: causes("static and dynamic scopes judged apart"),
			Body: func(b *check.Bench) {
				j := begin(b, b.PartyWith("PAGTO"))
				p := j.request()
				scope("openid", "payments", "consent:"+j.consent.ID)(p)
				j.refuses(p, scopeErrors...)
				j.soundTwin()
			},
		},
		{
			ID: "SOX-X65", Name: "par/limits-scope-to-registration", Title: "A client asks in vain for a scope that its role does not have", Needs: []check.Need{check.Statement("DADOS"), check.Customer()},
			Rules: rules("AS-REQ-11/registered-scopes", "ERR-05"),
			Why:   "A receiver of data must not grow into an initiator of payments.", Causes: causes("scopes compared with what the server knows, not with the registration"),
			Body: func(b *check.Bench) {
				j := begin(b, registered(b, "DADOS"))
				p := j.request()
				scope("openid", "accounts", "resources", "payments", "consent:"+j.consent.ID)(p)
				j.refusesPush(p, scopeErrors...)
				j.soundTwin()
			},
		},
		{
			ID: "SOX-038", Name: "authorize/tolerates-broader-scope", Title: "A request for more scopes than the consent needs succeeds",
			Rules: rules("AS-REQ-18", "AS-TOK-07"),
			Why:   "Clients ask the same scopes for every consent; the server reduces, it does not refuse.", Causes: causes("scopes compared with the permissions and refused"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				x := j.tokens(func(p *tpp.Push) {
					scope("openid", "consent:"+j.consent.ID, "accounts", "resources", "credit-cards-accounts", "loans")(p)
				})
				if granted := text(x, "scope"); granted != "" {
					b.Expect(strings.Fields(granted), "scopes granted").About(x).To(expect.Containing("accounts"))
				}
				b.Expect(j.reads(text(x, "access_token")).Send(b.Context())).To(expect.Status(200))
			},
		},
	}
}
