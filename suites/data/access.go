package data

import (
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// accessChecks ask who may read what, across all plans at once.
func accessChecks() []check.Check {
	return []check.Check{
		{
			ID: "DACC-X50", Name: "data/requires-customer-grant", Rules: rules("RS-TOK-03/authorization-code"),
			Title:  "Calls on behalf of a customer need a token that the customer gave",
			Why:    "A client's own token stands for no customer at all.",
			Causes: causes("only the scope is checked"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				own := v.party.Credentials("consents")
				refused := expect.OFBErrorStatus([]int{401, 403})
				v.each(every, func(op string) {
					b.Verify(v.call(op).Token(own.AccessToken()).Send(b.Context()), op).To(refused)
				})
				renew := v.party.Call("consents.extend", own).Param("consentId", v.grant.Consent.ID).
					Body(map[string]any{"data": map[string]any{"loggedUser": map[string]any{"document": map[string]any{"identification": v.person.CPF, "rel": "CPF"}}}})
				b.Verify(renew.Send(b.Context()), "consents.extend").To(refused)
				v.reads("accounts.list")
			},
		},
		{
			ID: "DACC-X51", Name: "data/rejects-missing-scope", Rules: rules("RS-TOK-02/scope", "ERR-11"),
			Title:  "A token without an API's scope does not open it, whatever the consent permits",
			Why:    "The client asked for less, and the customer's page showed less.",
			Causes: causes("permissions replace scopes"),
			Body: func(b *check.Bench) {
				p, who := b.Party(0), b.Person()
				grant := func(api string) *view {
					consent := p.Consent(who, wholeFace.permissions)
					g := p.Authorised(consent, who, func(push *tpp.Push) { push.Set("scope", "openid consent:"+consent.ID+" "+api) })
					return &view{Bench: b, face: wholeFace, party: p, person: who, grant: g}
				}
				account := wholeFace.of(b, p, who).anAccount()
				for _, api := range []string{"accounts", "customers", "resources"} {
					v := grant(api)
					v.account = account
					v.each(every, func(op string) {
						want := notAllowed
						if strings.HasPrefix(op, api+".") {
							want = expect.Status(200)
						}
						b.Verify(v.call(op).Send(b.Context()), "%s with scope %s", op, api).To(want)
					})
				}
			},
		},
		{
			ID: "DACC-X52", Name: "data/refuses-invalid-token", Rules: rules("AS-CONS-03", "ERR-10"),
			Title:  "An unknown, altered, empty or absent token is answered 401",
			Why:    "A token is a key; nearly the right key must not open.",
			Causes: causes("a parse error falls through", "trailing characters are ignored"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				good := v.grant.AccessToken()
				v.each(every, func(op string) {
					for what, bad := range map[string]string{"unknown": "b7e2d2a0-unknown", "altered": altered(good), "shortened": good[:len(good)-4], "lengthened": good + "AAAA"} {
						b.Verify(v.call(op).Token(bad).Send(b.Context()), "%s with a token %s", op, what).To(noToken)
					}
					b.Verify(v.call(op).WithoutHeader("Authorization").Send(b.Context()), "%s without token", op).To(noToken)
					b.Verify(v.call(op).Scheme("Basic", good).Send(b.Context()), "%s with another scheme", op).To(noToken)
				})
				b.Verify(v.call("accounts.list").Scheme("bearer", good).Send(b.Context()), "scheme in small letters").To(expect.Status(200))
			},
		},
		{
			ID: "DACC-X53", Name: "data/refuses-token-outside-header", Rules: rules("RS-TOK-01/only-in-header"),
			Title:  "An access token in the address is refused, alone or beside the header",
			Why:    "Addresses are written into logs.",
			Causes: causes("a framework reads tokens from anywhere"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					x := v.call(op).WithoutHeader("Authorization").Query("access_token", v.grant.AccessToken()).Send(b.Context())
					b.Verify(x, "%s with the token in the address", op).To(expect.OFBErrorStatus([]int{400, 401}))
				})
				v.reads("accounts.list")
			},
		},
		{
			ID: "DACC-X54", Name: "data/refuses-unconsented-resource", Rules: rules("AS-CONS-02", "RS-DATA-01/consented"),
			Title:  "An account that the customer kept back is refused by every read",
			Why:    "The customer chose; the address must not be able to choose again.",
			Causes: causes("only the owner of the account is compared"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				mine := v.accounts()
				b.Expect(len(mine), "accounts of the customer").To(expect.InRange(2, 1000))
				kept := v.choose(mine[0])
				for _, hidden := range column(mine, "accountId")[1:] {
					kept.each(named, func(op string) {
						b.Verify(kept.call(op).Param("accountId", hidden).Send(b.Context()), "%s of an account kept back", op).To(notFound)
					})
				}
				kept.each(every, func(op string) { kept.reads(op) })
			},
		},
		{
			ID: "DACC-X55", Name: "data/respects-resource-status", Rules: rules("RS-DATA-02/available", "RES-STATUS"), Needs: cored,
			Title:  "An account that is blocked while it is shared stops at once, and comes back when it is free again",
			Why:    "A block is often there to protect the customer.",
			Causes: causes("the state is read when the consent is given"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				id := v.anAccount()
				set := func(status string) {
					b.Core().Post("/accounts/"+id+"/status", map[string]any{"status": status}, nil)
				}
				b.Cleanup(func() { set("AVAILABLE") })
				for _, state := range []string{"TEMPORARILY_UNAVAILABLE", "UNAVAILABLE"} {
					set(state)
					v.each(named, func(op string) {
						b.Verify(v.call(op).Send(b.Context()), "%s while %s", op, state).To(refusedAs(state))
					})
					b.Expect(column(v.accounts(), "accountId"), "accounts listed while %s", state).NotTo(expect.Containing(id))
					b.Expect(v.states()[state], "resources that are %s", state).To(expect.Containing(id))
				}
				set("AVAILABLE")
				v.each(every, func(op string) { v.reads(op) })
			},
		},
		{
			ID: "DACC-X56", Name: "data/unknown-id-is-4xx", Rules: rules("ERR-12"),
			Title:  "An id that nobody has is answered as unknown",
			Why:    "A receiver must tell a closed account from a broken bank.",
			Causes: causes("a missing row is an unhandled error"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				v.each(named, func(op string) {
					for _, id := range []string{"7b5d4f9e-1111-4222-8333-444455556666", "x", strings.Repeat("a", 90)} {
						b.Verify(v.call(op).Param("accountId", id).Send(b.Context()), "%s of %.8s", op, id).To(expect.OFBErrorStatus([]int{400, 403, 404, 422}))
					}
					v.reads(op)
				})
			},
		},
		{
			ID: "DACC-X57", Name: "data/401-and-403-are-distinct", Rules: rules("AS-CONS-03", "RS-TOK-02", "ERR-10", "ERR-11"),
			Title:  "Trouble with the token is 401, trouble with scope or permission is 403, never the other way",
			Why:    "On 401 a receiver refreshes its token; on 403 it asks its customer.",
			Causes: causes("one error for everything in front of the API"),
			Body: func(b *check.Bench) {
				v := face{nil, statement, nil}.open(b)
				for _, op := range []string{"accounts.balances", "accounts.overdraft-limits"} {
					b.Verify(v.call(op).Token("no-such-token").Send(b.Context()), "%s with an unknown token", op).To(noToken)
					b.Verify(v.call(op).Send(b.Context()), "%s without its permission", op).To(notAllowed)
				}
				b.Verify(v.party.Call("customers.personal-identifications", v.grant).Send(b.Context()), "an API without its scope").To(notAllowed)
				_, err := v.party.DeleteConsent(b.Context(), v.grant.Consent)
				b.Given("a revoked consent", err)
				b.Verify(v.call("accounts.balances").Send(b.Context()), "a dead token without permission").To(noToken)
			},
		},
	}
}

// altered is a token with one character in its middle changed.
func altered(token string) string {
	i := len(token) / 2
	other := byte('A')
	if token[i] == other {
		other = 'B'
	}
	return token[:i] + string(other) + token[i+1:]
}

// refusedAs expects a refusal that names the resource's state.
func refusedAs(state string) expect.Matcher {
	return expect.All(notAllowed, expect.Answer("an error that names "+state, func(x *tpp.Exchange) (string, bool) {
		return strings.Join(x.Codes(), " "), strings.Contains(strings.ToUpper(string(x.Body)), state)
	}))
}
