package security

import (
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// bend makes one thing of a sound request wrong.
type bend func(j *journey, p *tpp.Push)

// refused is the body of a check whose request is sound but for one bend: refused with it, accepted
// without.
func refused(with bend, codes ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		j := begin(b, b.Party(0))
		p := j.request()
		with(j, p)
		j.refuses(p, codes...)
		j.soundTwin()
	}
}

// refusedAtPush is refused for faults that a server sees at once.
func refusedAtPush(with bend, codes ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		j := begin(b, b.Party(0))
		p := j.request()
		with(j, p)
		j.refusesPush(p, codes...)
		j.soundTwin()
	}
}

// soundTwin expects that the request without the fault is accepted.
func (j *journey) soundTwin() {
	j.Step("the same request without the fault")
	j.pushes(j.request())
}

// accepted is the body of a check whose request is odd and legal: it ends with a code.
func accepted(with bend) func(*check.Bench) {
	return func(b *check.Bench) {
		j := begin(b, b.Party(0))
		j.code(func(p *tpp.Push) { with(j, p) })
		b.Expect(j.answer.Code, "authorization code").To(expect.Something())
	}
}

// set replaces a claim of the request object; nil takes it out.
func set(claim string, value any) bend {
	return func(_ *journey, p *tpp.Push) { p.Set(claim, value) }
}

// outside moves a claim from the object to the form around it.
func outside(claim string) bend {
	return func(_ *journey, p *tpp.Push) {
		var value string
		p.Claims(func(c map[string]any) { value, _ = c[claim].(string) })
		p.Set(claim, nil).Form(func(f url.Values) { f.Set(claim, value) })
	}
}

// lives gives the object another nbf and exp, as distances from now.
func lives(nbf, exp time.Duration) bend {
	return func(j *journey, p *tpp.Push) {
		p.Set("nbf", j.Now().Add(nbf).Unix()).Set("exp", j.Now().Add(exp).Unix())
	}
}

func alg(name string) bend { return func(_ *journey, p *tpp.Push) { p.Alg(name) } }

// signatureErrors are the codes besides those of the object where its signature is at fault.
var signatureErrors = []string{"invalid_client", "unauthorized_client"}

const foreignAudience = "https://auth.outro-banco.example"

func requestObjectChecks() []check.Check {
	return append(claimChecks(), signatureChecks()...)
}

// claimChecks are about what the request object says.
func claimChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-004", Name: "par/accepts-audience-array", Title: "A request object for the issuer and another audience is accepted",
			Rules: rules("AS-REQ-02/audience"), Official: official("ensure-request-object-with-multiple-aud-succeeds"),
			Why: "aud may be a list; the issuer in it is enough.", Causes: causes("aud compared as one text"),
			Body: accepted(func(j *journey, p *tpp.Push) { p.Set("aud", []string{j.party.Server.Issuer, foreignAudience}) }),
		},
		{
			ID: "SOP-007", Name: "par/accepts-any-scope-order", Title: "The words of scope may come in any order",
			Rules: rules("AS-REQ-11"), Official: official("ensure-other-scope-order-succeeds"),
			Why: "scope is a set.", Causes: causes("scope compared as one text"),
			Body: accepted(func(_ *journey, p *tpp.Push) {
				p.Claims(func(c map[string]any) {
					words := strings.Fields(c["scope"].(string))
					for i, k := 0, len(words)-1; i < k; i, k = i+1, k-1 {
						words[i], words[k] = words[k], words[i]
					}
					c["scope"] = strings.Join(words, " ")
				})
			}),
		},
		{
			ID: "SOP-015", Name: "par/rejects-missing-exp", Title: "A request object without exp is refused",
			Rules: rules("AS-REQ-03/has-exp"), Official: official("ensure-request-object-without-exp-fails"),
			Why: "Without an end a stolen request object works for ever.", Causes: causes("exp treated as optional, as plain JWT does"),
			Body: refused(set("exp", nil)),
		},
		{
			ID: "SOP-016", Name: "par/rejects-missing-nbf", Title: "A request object without nbf is refused",
			Rules: rules("AS-REQ-04/has-nbf"), Official: official("ensure-request-object-without-nbf-fails"),
			Why: "Without a beginning its age cannot be bounded.", Causes: causes("nbf treated as optional"),
			Body: refused(set("nbf", nil)),
		},
		{
			ID: "SOP-017", Name: "par/requires-scope-inside", Title: "A request whose scope stands outside the signed object is refused when pushed",
			Rules: rules("AS-REQ-05", "AS-PAR-11/has-scope"), Official: official("ensure-request-object-without-scope-fails"),
			Why: "What is not signed could have been put there by anybody.", Causes: causes("form parameters merged with the object"),
			Body: refusedAtPush(outside("scope"), "invalid_scope"),
		},
		{
			ID: "SOP-019", Name: "par/requires-nonce", Title: "A request whose nonce stands outside the signed object is refused",
			Rules: rules("AS-REQ-06/has-nonce"), Official: official("ensure-request-object-without-nonce-fails"),
			Why: "The nonce ties the ID token to this request.", Causes: causes("form parameters merged with the object", "nonce treated as optional"),
			Body: refused(outside("nonce")),
		},
		{
			ID: "SOP-020", Name: "par/requires-redirect-inside", Title: "A request whose redirect_uri stands outside the signed object is refused",
			Rules: rules("AS-PAR-11/has-redirect-uri", "AS-REQ-05"), Official: official("ensure-request-object-without-redirect-uri-fails"),
			Why: "Unsigned, the address of the answer could be anybody's.", Causes: causes("form parameters merged with the object"),
			Body: refused(outside("redirect_uri")),
		},
		{
			ID: "SOP-030", Name: "par/requires-redirect-uri", Title: "A request without redirect_uri is refused, or answered at the only registered one",
			Rules: rules("AS-PAR-11"), Official: official("ensure-redirect-uri-in-authorization-request"),
			Why: "A guess of where to answer must never be wrong.", Causes: causes("the first of several registered addresses taken"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.request().Set("redirect_uri", nil)
				x := p.Send(b.Context())
				registered := j.party.Config().RedirectURIs
				if x.Status != 201 || len(registered) != 1 {
					b.Expect(x, "request without redirect_uri").To(expect.OAuthError(objectErrors...))
					return
				}
				a := j.arrives(p.Authorize().URL())
				if a.redirect != nil {
					back := *a.redirect
					back.Fragment, back.RawFragment = "", ""
					b.Expect(back.String(), "address of the answer").To(expect.Equal(registered[0]))
					return
				}
				b.Expect(a, "request without redirect_uri").About(x).To(refusedOnArrival())
			},
		},
		{
			ID: "SOP-021", Name: "par/rejects-expired-request-object", Title: "An expired request object is refused",
			Rules: rules("AS-REQ-03/not-expired"), Official: official("ensure-expired-request-object-fails"),
			Why: "An old request must not be played again.", Causes: causes("exp not checked", "a generous tolerance for clocks"),
			Body: refused(lives(-10*time.Minute, -5*time.Minute)),
		},
		{
			ID: "SOP-022", Name: "par/rejects-wrong-audience", Title: "A request object for another server is refused",
			Rules: rules("AS-REQ-02/audience"), Official: official("ensure-request-object-with-bad-aud-fails"),
			Why: "A request signed for one bank must not work at another.", Causes: causes("aud not checked"),
			Body: refused(set("aud", foreignAudience)),
		},
		{
			ID: "SOP-065", Name: "par/rejects-push-address-as-audience", Title: "A request object for the push endpoint instead of the issuer is refused",
			Rules: rules("AS-REQ-02/audience"), Official: official("par-pushed-authorization-url-as-audience-in-request-object"),
			Why: "The audience of a request object is the issuer; the push endpoint is an audience of assertions only.", Causes: causes("one list of audiences for assertions and request objects"),
			Body: refused(func(j *journey, p *tpp.Push) { p.Set("aud", j.party.Server.PAR) }),
		},
		{
			ID: "SOP-023", Name: "par/rejects-long-lifetime", Title: "A request object that lives longer than sixty minutes is refused",
			Rules: rules("AS-REQ-03/lifetime"), Official: official("ensure-request-object-with-exp-over-60-fails"),
			Why: "The longer it lives, the longer it can be stolen.", Causes: causes("only exp compared with now"),
			Body: refused(lives(0, 70*time.Minute)),
		},
		{
			ID: "SOP-024", Name: "par/rejects-old-nbf", Title: "A request object whose nbf is seventy minutes old is refused",
			Rules: rules("AS-REQ-04/nbf-recent"), Official: official("ensure-request-object-with-nbf-over-60-fails"),
			Why: "nbf bounds the age of a request.", Causes: causes("nbf only compared with the future"),
			Body: refused(lives(-70*time.Minute, 5*time.Minute)),
		},
		{
			ID: "SOX-X57", Name: "par/rejects-future-nbf", Title: "A request object that is not valid yet is refused",
			Rules: rules("AS-REQ-04/nbf-begun"),
			Why:   "A request for later can be kept until nobody watches.", Causes: causes("nbf not compared with the future"),
			Body: refused(lives(20*time.Minute, 25*time.Minute)),
		},
		{
			ID: "SOX-039", Name: "par/tolerates-clock-skew", Title: "A request object from a clock eight seconds ahead is accepted",
			Rules: rules("AS-REQ-04"),
			Why:   "Clocks differ by seconds between honest machines.", Causes: causes("no tolerance at all for nbf and iat"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.request()
				lives(8*time.Second, 5*time.Minute)(j, p)
				j.pushes(p.Set("iat", b.Now().Add(8*time.Second).Unix()))
			},
		},
		{
			ID: "SOP-031", Name: "authorize/rejects-other-response-types", Title: "A response type other than code id_token is refused",
			Rules: rules("AS-REQ-08/response-type"), Official: official("ensure-response-type-code-fails"),
			Why: "Without the ID token beside it a code can be swapped on its way.", Causes: causes("response types of a product default"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				for _, kind := range []any{"code", "id_token", "code token", nil} {
					b.Step("response_type %v", kind)
					j.refuses(j.request().Set("response_type", kind), "unsupported_response_type", "unauthorized_client")
				}
				j.soundTwin()
			},
		},
		{
			ID: "SOP-009", Name: "authorize/never-answers-in-query", Title: "response_mode query is refused, or has no effect",
			Rules: rules("AS-REQ-09/response-mode"), Official: official("ensure-response-mode-query"),
			Why: "A query is kept in logs and sent on to other sites; a fragment is not.", Causes: causes("response modes of a product default"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.request().Set("response_mode", "query")
				x := p.Send(b.Context())
				if x.Status == 201 {
					a := j.arrives(p.Authorize().URL())
					inQuery := a.redirect != nil && (a.redirect.Query().Has("code") || a.redirect.Query().Has("id_token"))
					b.Expect(inQuery, "code or ID token in the query").About(x).To(expect.Equal(false))
					return
				}
				b.Expect(x, "request for response_mode query").To(expect.OAuthError(append(objectErrors, "unsupported_response_mode")...))
				j.soundTwin()
			},
		},
		{
			ID: "SOX-018", Name: "authorize/rejects-other-response-modes", Title: "The response modes form_post and jwt are refused",
			Rules: rules("AS-REQ-09/response-mode"),
			Why:   "Only the fragment is certified.", Causes: causes("response modes of a product default"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				for _, mode := range []string{"form_post", "jwt"} {
					b.Step("response_mode %s", mode)
					j.refuses(j.request().Set("response_mode", mode), "unsupported_response_mode")
				}
				j.soundTwin()
			},
		},
		{
			ID: "SOP-061", Name: "par/requires-pkce", Title: "A request without code challenge is refused",
			Rules: rules("AS-PAR-10/has-challenge"), Official: official("par-ensure-pkce-required"),
			Why: "Without it a stolen code can be redeemed.", Causes: causes("PKCE only demanded of public clients"),
			Body: refused(func(_ *journey, p *tpp.Push) { p.Set("code_challenge", nil).Set("code_challenge_method", nil) }),
		},
		{
			ID: "SOP-064", Name: "par/rejects-plain-pkce", Title: "The code challenge method plain is refused",
			Rules: rules("AS-PAR-10/s256"), Official: official("par-plain-pkce-rejected"),
			Why: "A plain challenge shows the verifier to whoever sees the request.", Causes: causes("code_challenge_methods of a product default"),
			Body: refused(func(_ *journey, p *tpp.Push) {
				p.Set("code_challenge", p.Verifier).Set("code_challenge_method", "plain")
			}),
		},
		{
			ID: "SOX-019", Name: "par/refuses-id-token-hint", Title: "A request with id_token_hint is refused",
			Rules: rules("AS-REQ-16/no-id-token-hint"),
			Why:   "A hint would tell the customer's identity on the way.", Causes: causes("hints of plain OpenID Connect accepted"),
			Body: refused(func(j *journey, p *tpp.Push) {
				hint, err := jose.Sign(map[string]any{"iss": j.party.Server.Issuer, "sub": "somebody", "aud": j.party.Server.ClientID}, j.party.Config().Signing, nil)
				j.Given("a hint", err)
				p.Set("id_token_hint", hint)
			}),
		},
		{
			ID: "SOP-067", Name: "par/rejects-request-uri-inside", Title: "A request object that names a request_uri is refused",
			Rules: rules("AS-PAR-05/no-request-uri-inside"), Official: official("par-authorization-request-containing-request_uri"),
			Why: "A request that points to another request can be swapped after it was judged.", Causes: causes("unknown members ignored"),
			Body: refused(set("request_uri", "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c")),
		},
		{
			ID: "SOX-X58", Name: "par/rejects-wrong-types", Title: "A parameter of the wrong type is refused",
			Rules: rules("AS-REQ-19/types"),
			Why:   "A value read in two ways by two programs is a hole between them.", Causes: causes("values turned into text silently"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				for claim, value := range map[string]any{"nonce": 12345, "state": []string{"a", "b"}, "exp": "tomorrow"} {
					b.Step("%s of another type", claim)
					j.refuses(j.request().Set(claim, value))
				}
				j.soundTwin()
			},
		},
		{
			ID: "SOX-X59", Name: "par/rejects-foreign-client-id", Title: "A request object that names another client is refused", Needs: twoClients,
			Rules: rules("AS-PAR-03/object-client"),
			Why:   "The client that authenticates and the client that asks must be one.", Causes: causes("client_id taken from the object without comparing"),
			Body: refused(func(j *journey, p *tpp.Push) { p.Set("client_id", j.Party(1).Server.ClientID) }, signatureErrors...),
		},
		{
			ID: "SOX-036", Name: "par/rejects-oversized-object", Title: "A request object of a megabyte is refused cleanly",
			Rules: rules("AS-REQ-19"),
			Why:   "What is read without bound fills the memory of the server.", Causes: causes("no limit of the body in front of the endpoint"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				b.Expect(j.request().Set("padding", strings.Repeat("x", 1<<20)).Send(b.Context()), "oversized request").To(expect.Refused())
				j.soundTwin()
			},
		},
	}
}
