package security

import (
	"net/http"
	"net/url"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// refusedClient is the body of a check whose push is sound but for how the client authenticates.
func refusedClient(with func(*check.Bench, *check.Party, *tpp.Push), codes ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		j := begin(b, b.Party(0))
		p := j.request()
		with(b, j.party, p)
		b.Expect(p.Send(b.Context()), "push with bent authentication").To(expect.OAuthErrorStatus([]int{400, 401, 403}, append(codes, "invalid_client", "invalid_request")...))
		j.soundTwin()
	}
}

// acceptedClient is the body of a check whose assertion is odd and legal.
func acceptedClient(edit func(*check.Party, map[string]any)) func(*check.Bench) {
	return func(b *check.Bench) {
		j := begin(b, b.Party(0))
		j.pushes(j.request().AssertionClaims(func(c map[string]any) { edit(j.party, c) }))
	}
}

func pushedChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-052", Name: "par/accepts-push-address-as-audience", Title: "A client assertion for the push endpoint is accepted there",
			Rules: rules("AS-PAR-04/audience"), Official: official("par-test-pushed-authorization-url-as-audience-for-client-JWT-assertion"),
			Why: "RFC 9126 names three audiences; clients use each.", Causes: causes("only the token endpoint accepted"),
			Body: acceptedClient(func(p *check.Party, c map[string]any) { c["aud"] = p.Server.PAR }),
		},
		{
			ID: "SOP-053", Name: "par/accepts-token-address-as-audience", Title: "A client assertion for the token endpoint is accepted at the push endpoint",
			Rules: rules("AS-PAR-04/audience"), Official: official("par-token-endpoint-url-as-audience-for-client-JWT-assertion"),
			Why: "RFC 9126 names three audiences; clients use each.", Causes: causes("only the endpoint called accepted"),
			Body: acceptedClient(func(p *check.Party, c map[string]any) { c["aud"] = p.Server.Token }),
		},
		{
			ID: "SOP-055", Name: "par/rejects-assertion-audience", Title: "A push with a client assertion for another server is refused",
			Rules: rules("AS-PAR-04/audience"), Official: official("par-ensure-client-assertion-with-wrong-aud-fails"),
			Why: "An assertion made for one server must not open another.", Causes: causes("aud not checked at this endpoint"),
			Body: refusedClient(func(_ *check.Bench, _ *check.Party, p *tpp.Push) {
				p.AssertionClaims(func(c map[string]any) { c["aud"] = foreignAudience + "/token" })
			}),
		},
		{
			ID: "SOP-056", Name: "par/rejects-assertion-issuer", Title: "A push with a client assertion issued by another is refused",
			Rules: rules("AS-PAR-03", "AS-CA-02/iss"), Official: official("par-ensure-client-assertion-with-wrong-iss-fails"),
			Why: "iss and sub are both the client.", Causes: causes("only sub compared"),
			Body: refusedClient(func(_ *check.Bench, p *check.Party, q *tpp.Push) {
				q.AssertionClaims(func(c map[string]any) { c["iss"] = p.Server.ClientID + "-other" })
			}),
		},
		{
			ID: "SOP-057", Name: "par/rejects-assertion-subject", Title: "A push with a client assertion about another is refused",
			Rules: rules("AS-PAR-03", "AS-CA-02/sub"), Official: official("par-ensure-client-assertion-with-wrong-sub-fails"),
			Why: "iss and sub are both the client.", Causes: causes("only iss compared"),
			Body: refusedClient(func(_ *check.Bench, p *check.Party, q *tpp.Push) {
				q.AssertionClaims(func(c map[string]any) { c["sub"] = p.Server.ClientID + "-other" })
			}),
		},
		{
			ID: "SOX-X66", Name: "par/authenticates-client", Title: "A push without client assertion is refused",
			Rules: rules("AS-PAR-03/has-assertion"),
			Why:   "Anybody could fill the bank with requests in a client's name.", Causes: causes("the client certificate taken for authentication"),
			Body: refusedClient(func(_ *check.Bench, p *check.Party, q *tpp.Push) {
				q.WithoutAssertion().Form(func(f url.Values) { f.Set("client_id", p.Server.ClientID) })
			}),
		},
		{
			ID: "SOX-015", Name: "par/requires-client-certificate", Title: "A push over a connection without client certificate is refused",
			Rules: rules("AS-TOK-01/has-certificate"),
			Why:   "The certificate ties the client's network to its name.", Causes: causes("the push endpoint served on the public host too"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				b.Expect(j.request().WithoutCertificate().Send(b.Context()), "push without certificate").To(expect.RefusedConnection(400, 401, 403))
				j.soundTwin()
			},
		},
		{
			ID: "SOP-059", Name: "par/rejects-request-uri-parameter", Title: "A push that carries request_uri is refused",
			Rules: rules("AS-PAR-05/no-request-uri"), Official: official("par-authorization-request-containing-request_uri-form-param"),
			Why: "A pushed request must not point to yet another.", Causes: causes("unknown parameters ignored"),
			Body: refusedAtPush(func(_ *journey, p *tpp.Push) {
				p.Form(func(f url.Values) {
					f.Set("request_uri", "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c")
				})
			}),
		},
		{
			ID: "SOP-060", Name: "par/accepts-only-post", Title: "A push with another method than POST is refused",
			Rules: rules("AS-PAR-06/post"), Official: official("par-attempt-invalid-http-method"),
			Why: "Parameters of a GET end in logs.", Causes: causes("a router that maps every method"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				for _, method := range []string{http.MethodPut, http.MethodGet} {
					b.Expect(j.request().Method(method).Send(b.Context()), "push with %s", method).To(expect.Refused())
				}
				j.soundTwin()
			},
		},
		{
			ID: "SOP-066", Name: "par/rejects-unregistered-redirect", Title: "A push with a redirect_uri that the client never registered is refused",
			Rules: rules("AS-REQ-10/redirect-uri", "AS-PAR-11"), Official: official("par-attempt-invalid-redirect_uri"),
			Why: "The code would be delivered to whoever owns that address.", Causes: causes("redirect_uri compared by prefix", "compared when the customer arrives only"),
			Body: refusedAtPush(set("redirect_uri", "https://app.outro-terceiro.example/cb"), "invalid_redirect_uri"),
		},
		{
			ID: "SOX-014", Name: "par/request-uri-lives-long-enough", Title: "A request_uri is given sixty seconds or more",
			Rules: rules("AS-PAR-02"),
			Why:   "A customer with a slow phone must still arrive in time.", Causes: causes("the example value of another profile"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				x := j.request().Send(b.Context())
				b.Expect(x).To(expect.Status(201))
				_, isNumber := expect.Value(x, "expires_in").(float64)
				b.Expect(isNumber, "expires_in as a number").About(x).To(expect.Equal(true))
				b.Expect(x).To(expect.JSON("expires_in", expect.InRange(60, 86400)))
			},
		},
		{
			ID: "SOP-051", Name: "par/rejects-expired-request-uri", Title: "A request_uri works until it expires, and not after", Needs: clocked,
			Rules: rules("AS-PAR-08", "ERR-03"), Official: official("par-attempt-to-use-expired-request_uri"),
			Why: "What lies around unused must die.", Causes: causes("expires_in told but not kept"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.pushes(j.request())
				b.Expect(p.ExpiresIn > 15*time.Second, "a request_uri that lives").To(expect.Equal(true))
				b.Advance(p.ExpiresIn - 10*time.Second)
				b.Expect(j.opens(p.Authorize().URL()), "request_uri opens ten seconds before its end").To(expect.Equal(true))
				b.Advance(20 * time.Second)
				b.Expect(j.opens(p.Authorize().URL()), "request_uri opens ten seconds after its end").To(expect.Equal(false))
			},
		},
		{
			ID: "SOX-035", Name: "par/rejects-duplicate-parameters", Title: "A form that carries a parameter twice is refused",
			Rules: rules("AS-REQ-19/no-duplicates"),
			Why:   "Two programs may read two different values of it.", Causes: causes("the first or the last value taken silently"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.refusesPush(j.request().Form(func(f url.Values) { f.Add("client_id", f.Get("client_id")) }))
				j.soundTwin()
				x := j.party.CredentialsRequest(j.party.Server, "consents").Form(func(f url.Values) { f.Add("scope", "consents") }).Send(b.Context())
				b.Expect(x, "token request with two scopes").To(expect.OAuthError("invalid_request"))
			},
		},
	}
}
