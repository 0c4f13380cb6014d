package security

import (
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// misredeemed is the body of a check that redeems a code in a wrong way, and then in the right one.
func misredeemed(with func(*journey, *tpp.TokenRequest), codes ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		p := b.Party(0)
		j := begin(b, p)
		j.code()
		r := j.redemption()
		with(j, r)
		b.Expect(r.Send(b.Context()), "bent redemption").To(expect.OAuthErrorStatus([]int{400, 401, 403}, append(codes, "invalid_grant")...))
		b.Step("another code, redeemed as it should be")
		again := beginFor(b, p, j.person)
		b.Expect(again.tokens()).To(expect.JSON("token_type", expect.Matching("(?i)bearer")))
	}
}

func codeChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-001", Name: "journey/two-clients-succeed", Title: "Two clients complete the whole journey, each token works with its own certificate and with no other", Needs: twoClients,
			Rules:    rules("AS-PAR-02", "AS-REQ-01", "AS-RESP-01", "AS-IDT-01", "AS-IDT-02", "AS-IDT-05", "AS-IDT-06", "AS-TOK-02", "AS-TOK-03"),
			Official: []string{"fapi1-advanced-final"},
			Why:      "This is what everything else is for.", Causes: causes("see the first check that fails beside it"),
			Body: func(b *check.Bench) {
				who := b.Person()
				for i := range 2 {
					p := b.Party(i)
					uris := p.Config().RedirectURIs
					k := p.Consent(who, permissions)
					g := p.Authorised(k, who, func(q *tpp.Push) { q.Set("redirect_uri", uris[len(uris)-1]) })
					b.Expect(p.Call("accounts.list", g).Send(b.Context()), "accounts for client %d", i+1).To(expect.Status(200))
					stranger := b.Party(1 - i).Config().Transport
					b.Expect(p.Call("accounts.list", g).WithCertificate(stranger).Send(b.Context()), "accounts with the other client's certificate").To(expect.Status(401))
				}
			},
		},
		{
			ID: "SOP-032", Name: "token/requires-own-client-id", Title: "A code redeemed under another client's id is refused", Needs: twoClients,
			Rules: rules("AS-CA-05/client-id-matches"), Official: official("ensure-client-id-in-token-endpoint"),
			Why: "Whoever authenticates must be whoever asks.", Causes: causes("client_id of the form believed or ignored"),
			Body: misredeemed(func(j *journey, r *tpp.TokenRequest) { r.Param("client_id", j.Party(1).Server.ClientID) }, "invalid_client", "invalid_request", "unauthorized_client"),
		},
		{
			ID: "SOP-034", Name: "token/binds-code-to-client", Title: "A code of one client cannot be redeemed by another", Needs: twoClients,
			Rules: rules("AS-RESP-03/client", "ERR-04"), Official: official("ensure-authorization-code-is-bound-to-client"),
			Why: "A stolen code is worth nothing to the thief.", Causes: causes("the code looked up without its client"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.code()
				other := b.Party(1)
				x := other.RedeemRequest(other.Server, j.push, j.answer.Code).Send(b.Context())
				b.Expect(x, "code of another client").To(expect.OAuthErrorStatus([]int{400, 401}, "invalid_grant"))
				b.Expect(beginFor(b, other, j.person).tokens()).To(expect.Status(200))
			},
		},
		{
			ID: "SOP-035", Name: "token/code-is-single-use", Title: "A code is redeemed once; used again it is refused, and what it gave should end",
			Rules: rules("AS-RESP-03", "ERR-04"), Official: official("attempt-reuse-authorisation-code-after-one-second"),
			Why: "A second use means that somebody else has the code.", Causes: causes("the code deleted after an answer was sent, not before", "two servers without a common memory"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				first := j.tokens()
				b.Expect(j.redemption().Send(b.Context()), "second redemption").To(expect.OAuthErrorStatus([]int{400}, "invalid_grant"))
				b.Prefer(j.reads(text(first, "access_token")).Send(b.Context()), "token of the first redemption").To(expect.Status(401))
			},
		},
		{
			ID: "SOX-X75", Name: "token/code-expires", Title: "A code that is eleven minutes old is refused", Needs: clocked,
			Rules: rules("AS-RESP-03", "ERR-04"),
			Why:   "A code lies in the history of the browser.", Causes: causes("codes kept until used"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.code()
				b.Advance(11 * time.Minute)
				b.Expect(j.redemption().Send(b.Context()), "old code").To(expect.OAuthErrorStatus([]int{400}, "invalid_grant"))
			},
		},
		{
			ID: "SOP-062", Name: "token/requires-verifier", Title: "A code redeemed without verifier is refused",
			Rules: rules("AS-RESP-03/has-verifier", "ERR-04"), Official: official("ensure-pkce-code-verifier-required"),
			Why: "The challenge is worth nothing when nobody asks for the verifier.", Causes: causes("verifier compared only when present"),
			Body: misredeemed(func(_ *journey, r *tpp.TokenRequest) { r.Param("code_verifier", "") }, "invalid_request"),
		},
		{
			ID: "SOP-063", Name: "token/verifies-pkce", Title: "A code redeemed with another verifier is refused",
			Rules: rules("AS-RESP-03/verifier", "ERR-04"), Official: official("incorrect-pkce-code-verifier-rejected"),
			Why: "Only the client that began the journey knows the verifier.", Causes: causes("verifier stored, not compared"),
			Body: misredeemed(func(_ *journey, r *tpp.TokenRequest) { r.Param("code_verifier", long(64)) }),
		},
		{
			ID: "SOX-X76", Name: "token/verifies-redirect", Title: "A code redeemed with another redirect_uri is refused",
			Rules: rules("AS-RESP-03/redirect-uri", "ERR-04"),
			Why:   "It proves that the code came back where it was sent.", Causes: causes("redirect_uri compared only when present"),
			Body: misredeemed(func(_ *journey, r *tpp.TokenRequest) { r.Param("redirect_uri", strayRedirect) }, "invalid_request"),
		},
		{
			ID: "SOX-033", Name: "token/rejects-foreign-code", Title: "A code that another server issued is refused",
			Rules: rules("AS-RESP-03", "ERR-04"),
			Why:   "A client that was led to the wrong server must notice.", Causes: causes("codes that any server of a group can open"),
			Body: misredeemed(func(_ *journey, r *tpp.TokenRequest) { r.Param("code", long(43)) }),
		},
		{
			ID: "SOX-X77", Name: "token/code-dies-with-consent", Title: "A code is worth nothing once its consent was revoked",
			Rules: rules("AS-CONS-02/at-redemption"),
			Why:   "The customer changed their mind before the client came.", Causes: causes("the consent looked at before the code is issued, not after"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.code()
				_, err := j.party.DeleteConsent(b.Context(), j.consent)
				b.Given("the consent revoked", err)
				b.Expect(j.redemption().Send(b.Context()), "code of a revoked consent").To(expect.OAuthErrorStatus([]int{400}, "invalid_grant"))
			},
		},
	}
}
