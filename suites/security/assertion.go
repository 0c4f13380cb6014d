package security

import (
	"encoding/base64"
	"net/url"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// clientRefusal is what a failed authentication is answered (ERR-01).
func clientRefusal(codes ...string) expect.Matcher {
	return expect.OAuthErrorStatus([]int{400, 401}, append(codes, "invalid_client")...)
}

// unauthenticated is the body of a check whose token request is sound but for how the client
// authenticates: refused with the bend, answered without.
func unauthenticated(with func(*check.Bench, *tpp.TokenRequest), codes ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		p := b.Party(0)
		r := p.CredentialsRequest(p.Server, "consents")
		with(b, r)
		b.Expect(r.Send(b.Context()), "token request with bent authentication").To(clientRefusal(codes...))
		b.Step("the same request without the fault")
		b.Expect(p.CredentialsRequest(p.Server, "consents").Send(b.Context())).To(expect.Status(200))
	}
}

// claim replaces a claim of the client assertion; nil takes it out.
func claim(name string, value any) func(*check.Bench, *tpp.TokenRequest) {
	return func(_ *check.Bench, r *tpp.TokenRequest) {
		r.AssertionClaims(func(c map[string]any) {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
		})
	}
}

// expires gives the assertion another end, as a distance from now.
func expires(in time.Duration) func(*check.Bench, *tpp.TokenRequest) {
	return func(b *check.Bench, r *tpp.TokenRequest) { claim("exp", b.Now().Add(in).Unix())(b, r) }
}

func signedAs(alg string) func(*check.Bench, *tpp.TokenRequest) {
	return func(_ *check.Bench, r *tpp.TokenRequest) { r.Assertion(func(a *tpp.JWS) { a.Alg = alg }) }
}

// authenticates is the body of a check whose assertion is odd and legal.
func authenticates(edit func(*check.Party, map[string]any)) func(*check.Bench) {
	return func(b *check.Bench) {
		p := b.Party(0)
		x := p.CredentialsRequest(p.Server, "consents").AssertionClaims(func(c map[string]any) { edit(p, c) }).Send(b.Context())
		b.Expect(x, "token request").To(expect.Status(200))
	}
}

// basic is a client and a secret as HTTP carries them.
func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+secret))
}

func assertionChecks() []check.Check {
	all := []check.Check{
		{
			ID: "SOP-036", Name: "token/rejects-weak-assertion", Title: "A client assertion signed RS256 is refused",
			Rules: rules("AS-CA-01/ps256"), Official: official("ensure-signed-client-assertion-with-RS256-fails"),
			Why: "The profile allows PS256 alone.", Causes: causes("every algorithm of the library accepted"),
			Body: unauthenticated(signedAs("RS256")),
		},
		{
			ID: "SOP-037", Name: "token/requires-assertion", Title: "A token request without client assertion is refused",
			Rules: rules("AS-CA-05/has-assertion"), Official: official("ensure-client-assertion-in-token-endpoint"),
			Why: "A client id is no secret.", Causes: causes("the client certificate taken for authentication"),
			Body: unauthenticated(func(_ *check.Bench, r *tpp.TokenRequest) { r.WithoutAssertion() }, "invalid_request"),
		},
		{
			ID: "SOP-038", Name: "token/rejects-expired-assertion", Title: "A client assertion that ended five minutes ago is refused",
			Rules: rules("AS-CA-04/not-expired"), Official: official("ensure-client-assertion-with-exp-is-5-minutes-in-past-fails"),
			Why: "An old assertion must not be played again.", Causes: causes("exp not checked", "a generous tolerance for clocks"),
			Body: unauthenticated(expires(-5 * time.Minute)),
		},
		{
			ID: "SOP-039", Name: "token/rejects-assertion-audience", Title: "A client assertion for another server is refused",
			Rules: rules("AS-CA-03/audience"), Official: official("ensure-client-assertion-with-wrong-aud-fails"),
			Why: "One bank could speak to another in the client's name.", Causes: causes("aud not checked"),
			Body: unauthenticated(claim("aud", foreignAudience+"/token")),
		},
		{
			ID: "SOP-040", Name: "token/rejects-assertion-without-sub", Title: "A client assertion without sub is refused",
			Rules: rules("AS-CA-02/has-sub"), Official: official("ensure-client-assertion-with-no-sub-fails"),
			Why: "A request object, which has no sub, must not serve as an assertion.", Causes: causes("only iss compared"),
			Body: unauthenticated(claim("sub", nil)),
		},
		{
			ID: "SOP-041", Name: "token/rejects-assertion-issuer", Title: "A client assertion issued by another is refused",
			Rules: rules("AS-CA-02/iss"), Official: official("ensure-client-assertion-with-wrong-iss-fails"),
			Why: "iss and sub are both the client.", Causes: causes("only sub compared"),
			Body: unauthenticated(claim("iss", "another-client")),
		},
		{
			ID: "SOP-042", Name: "token/rejects-assertion-subject", Title: "A client assertion about another is refused",
			Rules: rules("AS-CA-02/sub"), Official: official("ensure-client-assertion-with-wrong-sub-fails"),
			Why: "iss and sub are both the client.", Causes: causes("only iss compared"),
			Body: unauthenticated(claim("sub", "another-client")),
		},
		{
			ID: "SOP-043", Name: "token/accepts-issuer-as-audience", Title: "A client assertion for the issuer is accepted", Severity: check.Should,
			Rules: rules("AS-CA-03/audience"), Official: official("ensure-client-assertion-with-iss-aud-succeeds"),
			Why: "Clients address the issuer or the token endpoint; both are usual.", Causes: causes("only the token endpoint accepted"),
			Body: authenticates(func(p *check.Party, c map[string]any) { c["aud"] = p.Server.Issuer }),
		},
		{
			ID: "SOP-054", Name: "token/accepts-audience-array", Title: "A client assertion for a list of audiences is accepted at both endpoints", Needs: []check.Need{check.Clients(1), check.Customer()},
			Rules: rules("AS-PAR-04/audience", "AS-CA-03/audience"), Official: official("test-array-as-audience-for-client-JWT-assertion"),
			Why: "aud may be a list.", Causes: causes("aud compared as one text"),
			Body: func(b *check.Bench) {
				several := func(p *check.Party, c map[string]any) { c["aud"] = []string{p.Server.Issuer, foreignAudience} }
				authenticates(several)(b)
				acceptedClient(several)(b)
			},
		},
		{
			ID: "SOX-007", Name: "token/refuses-inactive-key", Title: "A client assertion signed with a key that the directory has put aside is refused", Needs: []check.Need{check.Statement("DADOS", "PAGTO"), check.DirectoryControl, check.Clock},
			Rules: rules("AS-CA-06/active-key", "JWS-12"),
			Why:   "A key is put aside when it may have been stolen.", Causes: causes("keys copied at registration", "a cache of hours"),
			Body: func(b *check.Bench) {
				p := registered(b, "DADOS", "PAGTO")
				key := "/software/" + p.Config().SoftwareID + "/keys/" + p.Config().Signing.ID
				b.Expect(p.CredentialsRequest(p.Server, "consents").Send(b.Context()), "token while the key is active").To(expect.Status(200))
				b.Cleanup(func() { b.Directory().Post(key, map[string]string{"status": "Active"}, nil) })
				b.Directory().Post(key, map[string]string{"status": "Inactive"}, nil)
				b.Advance(time.Hour)
				b.Expect(p.CredentialsRequest(p.Server, "consents").Send(b.Context()), "token an hour after the key was put aside").To(clientRefusal())
			},
		},
		{
			ID: "SOX-X78", Name: "token/rejects-foreign-assertion-key", Title: "A client assertion signed with another client's key is refused", Needs: twoClients[:1],
			Rules: rules("AS-CA-06/active-key"),
			Why:   "Another participant of the directory is still somebody else.", Causes: causes("keys looked up in the whole directory instead of the client's set"),
			Body: unauthenticated(func(b *check.Bench, r *tpp.TokenRequest) {
				r.Assertion(func(a *tpp.JWS) { a.SignedBy(b.Party(1).Config().Signing) })
			}),
		},
		{
			ID: "SOX-008", Name: "token/rejects-replayed-assertion", Title: "A client assertion is accepted once",
			Rules: rules("AS-CA-04/jti-fresh"),
			Why:   "Whoever saw one could use it again.", Causes: causes("jti not remembered", "two servers without a common memory"),
			Body: func(b *check.Bench) {
				p := b.Party(0)
				var id any
				first := p.CredentialsRequest(p.Server, "consents").AssertionClaims(func(c map[string]any) { id = c["jti"] })
				b.Expect(first.Send(b.Context()), "first use").To(expect.Status(200))
				again := p.CredentialsRequest(p.Server, "consents").AssertionClaims(func(c map[string]any) { c["jti"] = id })
				b.Expect(again.Send(b.Context()), "second use of the same jti").To(clientRefusal("invalid_grant", "invalid_request"))
			},
		},
		{
			ID: "SOX-009", Name: "token/rejects-far-assertion", Title: "A client assertion that ends in a day is refused",
			Rules: rules("AS-CA-04/exp-near"),
			Why:   "The longer it lives, the longer its jti must be remembered.", Causes: causes("no bound on exp"),
			Body: unauthenticated(expires(24 * time.Hour)),
		},
		{
			ID: "SOX-010", Name: "token/rejects-other-assertion-algorithms", Title: "A client assertion signed ES256, HS256 or PS512 is refused",
			Rules: rules("AS-CA-01/ps256"),
			Why:   "HS256 with the public key as secret is an old trick, and the profile allows PS256 alone.", Causes: causes("alg taken from the header"),
			Body: func(b *check.Bench) {
				for _, name := range []string{"ES256", "HS256", "PS512"} {
					b.Step("alg %s", name)
					unauthenticated(signedAs(name))(b)
				}
			},
		},
		{
			ID: "SOX-011", Name: "token/allows-only-private-key-jwt", Title: "A certificate or a secret alone does not authenticate a client",
			Rules: rules("AS-CA-01", "AS-CA-05/has-assertion"),
			Why:   "A secret travels; a certificate may be shared between programs.", Causes: causes("authentication methods of a product default", "left over from the retired profile"),
			Body: func(b *check.Bench) {
				p := b.Party(0)
				for name, edit := range map[string]func(*tpp.TokenRequest){
					"certificate alone":  func(*tpp.TokenRequest) {},
					"secret in the form": func(r *tpp.TokenRequest) { r.Param("client_secret", "secret") },
					"secret in a header": func(r *tpp.TokenRequest) { r.Header("Authorization", basic(p.Server.ClientID, "secret")) },
				} {
					r := p.CredentialsRequest(p.Server, "consents").WithoutAssertion()
					edit(r)
					b.Expect(r.Send(b.Context()), "token request with %s", name).To(clientRefusal("invalid_request", "unauthorized_client"))
				}
				b.Expect(p.CredentialsRequest(p.Server, "consents").Send(b.Context()), "with client assertion").To(expect.Status(200))
			},
		},
		{
			ID: "SOX-X79", Name: "token/rejects-unsigned-assertion", Title: "An unsigned client assertion is refused",
			Rules: rules("AS-CA-01/not-unsigned"),
			Why:   "Anybody can write one.", Causes: causes("alg taken from the header"),
			Body: unauthenticated(signedAs("none")),
		},
		{
			ID: "SOX-X80", Name: "token/rejects-broken-assertion", Title: "A client assertion whose signature does not verify is refused",
			Rules: rules("AS-CA-01/signature"),
			Why:   "It was changed after it was signed.", Causes: causes("claims read before the signature is checked, and used"),
			Body: unauthenticated(func(_ *check.Bench, r *tpp.TokenRequest) { r.Assertion(func(a *tpp.JWS) { a.Broken = true }) }),
		},
		{
			ID: "SOX-X81", Name: "token/requires-assertion-exp", Title: "A client assertion without exp, or with one that is no date, is refused",
			Rules: rules("AS-CA-04/has-exp"),
			Why:   "Without an end a stolen assertion works for ever.", Causes: causes("exp treated as optional, as plain JWT does"),
			Body: func(b *check.Bench) {
				for _, none := range []any{nil, "tomorrow", 1e300} {
					b.Step("exp %v", none)
					unauthenticated(claim("exp", none))(b)
				}
			},
		},
		{
			ID: "SOX-X82", Name: "token/requires-assertion-jti", Title: "A client assertion without jti is refused",
			Rules: rules("AS-CA-04/has-jti"),
			Why:   "Without a name it cannot be told from its copy.", Causes: causes("jti treated as optional"),
			Body: unauthenticated(claim("jti", nil)),
		},
		{
			ID: "SOX-X83", Name: "token/requires-assertion-type", Title: "A client assertion of another type is refused",
			Rules: rules("AS-CA-05/assertion-type"),
			Why:   "The type says how the assertion is to be read.", Causes: causes("client_assertion_type ignored"),
			Body: unauthenticated(func(_ *check.Bench, r *tpp.TokenRequest) {
				r.Form(func(f url.Values) {
					f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
				})
			}, "invalid_request"),
		},
		{
			ID: "SOX-X84", Name: "token/limits-client-scope-to-role", Title: "A client obtains in its own name no scope that its role does not have", Needs: []check.Need{check.Statement("DADOS")},
			Rules: rules("AS-TOK-06/scope-of-role", "ERR-05"),
			Why:   "A receiver of data must not grow into an initiator of payments.", Causes: causes("scopes compared with what the server knows, not with the registration"),
			Body: func(b *check.Bench) {
				p := registered(b, "DADOS")
				b.Expect(p.CredentialsRequest(p.Server, "payments").Send(b.Context()), "scope of another role").To(expect.OAuthErrorStatus([]int{400}, "invalid_scope", "unauthorized_client"))
				b.Expect(p.CredentialsRequest(p.Server, "consents").Send(b.Context()), "scope of its role").To(expect.Status(200))
			},
		},
	}
	for i := range all {
		if len(all[i].Needs) == 0 {
			all[i].Needs = oneClient
		}
	}
	return all
}
