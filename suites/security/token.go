package security

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// lifetime expects that expires_in is a number between 300 and 900.
func lifetime() expect.Matcher {
	return expect.JSON("expires_in", expect.That("a number between 300 and 900", func(actual any) (string, bool) {
		n, ok := actual.(float64)
		return fmt.Sprintf("%v (%T)", actual, actual), ok && n >= 300 && n <= 900
	}))
}

// entropy estimates how many bits of a set of tokens cannot be foreseen, place by place.
func entropy(tokens []string) float64 {
	shortest := math.MaxInt
	for _, t := range tokens {
		shortest = min(shortest, len(t))
	}
	var bits float64
	for i := range shortest {
		seen := map[byte]int{}
		for _, t := range tokens {
			seen[t[i]]++
		}
		for _, n := range seen {
			share := float64(n) / float64(len(tokens))
			bits -= share * math.Log2(share)
		}
	}
	return bits
}

// internals are words that only the inside of a program uses.
var internals = []string{"goroutine ", "panic:", ".go:", "exception", "traceback", "stack trace", "stacktrace", " at java.", "sqlstate", "pgx", "sqlite"}

// nonsense are bodies that no client sends.
func nonsense(p *check.Party) map[string]*tpp.TokenRequest {
	sound := func() *tpp.TokenRequest { return p.CredentialsRequest(p.Server, "consents") }
	return map[string]*tpp.TokenRequest{
		"JSON instead of a form":  sound().Raw([]byte(`{"grant_type":"client_credentials"}`), "application/json"),
		"nothing":                 sound().Raw(nil, "application/x-www-form-urlencoded"),
		"bad escapes":             sound().Raw([]byte("grant_type=%zz&scope=%"), "application/x-www-form-urlencoded"),
		"bytes":                   sound().Raw([]byte{0, 255, 254, 1}, "application/octet-stream"),
		"a zero byte in scope":    sound().Param("scope", "consents\x00openid"),
		"assertion of noise":      sound().Assertion(func(a *tpp.JWS) { a.Compact = "a.b.c" }),
		"assertion of five parts": sound().Assertion(func(a *tpp.JWS) { a.Compact = "ey.ey.ey.ey.ey" }),
		"assertion of an array":   sound().Assertion(func(a *tpp.JWS) { a.Compact = "eyJhbGciOiJQUzI1NiJ9.W10.AAAA" }),
		"sub of another type":     sound().AssertionClaims(func(c map[string]any) { c["sub"] = map[string]any{"a": 1} }),
		"exp beyond all time":     sound().AssertionClaims(func(c map[string]any) { c["exp"] = 1e300 }),
		"unknown grant type":      sound().Param("grant_type", "urn:example:nothing"),
		"no grant type":           sound().Param("grant_type", ""),
	}
}

// oauthForm expects an error of the authorization server as RFC 6749 5.2 writes it.
func oauthForm() expect.Matcher {
	return expect.All(expect.OAuthErrorStatus([]int{400, 401, 403, 405, 413, 415}), expect.MediaType("application/json"), expect.NotStored())
}

func tokenChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOX-020", Name: "token/lifetime-in-range", Title: "Access tokens of every grant live between 300 and 900 seconds, told as a number",
			Rules: rules("AS-TOK-03"),
			Why:   "Shorter, clients ask without end; longer, a stolen token lasts.", Causes: causes("the default of a product", "one setting for each grant"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				x := j.tokens()
				b.Verify(x, "authorization_code").To(lifetime())
				b.Verify(j.party.RefreshRequest(j.party.Server, text(x, "refresh_token")).Send(b.Context()), "refresh_token").To(lifetime())
				b.Verify(j.party.CredentialsRequest(j.party.Server, "consents").Send(b.Context()), "client_credentials").To(lifetime())
			},
		},
		{
			ID: "SOX-X85", Name: "token/expired-is-refused", Title: "An access token works until its time is over, and not after", Needs: clocked,
			Rules: rules("AS-TOK-03", "AS-CONS-03", "ERR-10"),
			Why:   "A lifetime that is only told protects nobody.", Causes: causes("expiry left to a cache", "a generous tolerance for clocks"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				x := j.tokens()
				token := text(x, "access_token")
				b.Expect(j.reads(token).Send(b.Context()), "token at once").To(expect.Status(200))
				b.Advance(seconds(x, "expires_in", 90))
				b.Expect(j.reads(token).Send(b.Context()), "token a minute and a half after its end").To(expect.Status(401))
			},
		},
		{
			ID: "SOX-X86", Name: "token/forbids-caching", Title: "Token answers must not be kept by any cache", Needs: oneClient,
			Rules: rules("AS-TOK-09"),
			Why:   "A token in a cache is a token for whoever comes next.", Causes: causes("Cache-Control set by the web server in front"),
			Body: func(b *check.Bench) {
				p := b.Party(0)
				x := p.CredentialsRequest(p.Server, "consents").Send(b.Context())
				b.Expect(x).To(expect.Status(200))
				b.Expect(x).To(expect.NotStored())
			},
		},
		{
			ID: "SOX-042", Name: "token/is-unguessable", Title: "Access tokens differ in at least 128 bits that cannot be foreseen", Needs: oneClient,
			Rules: rules("AS-TOK-05"),
			Why:   "Whoever can guess a token needs none.", Causes: causes("short tokens for legacy systems", "tokens made from counters or clocks"),
			Body: func(b *check.Bench) {
				const n = 200
				p := b.Party(0)
				var mu sync.Mutex
				var tokens []string
				collect := func() {
					for range n / 4 {
						x := p.CredentialsRequest(p.Server, "consents").Send(b.Context())
						b.Expect(x).To(expect.JSON("access_token", expect.Something()))
						mu.Lock()
						tokens = append(tokens, text(x, "access_token"))
						mu.Unlock()
					}
				}
				b.Together(collect, collect, collect, collect)
				slices.Sort(tokens)
				b.Expect(len(slices.Compact(slices.Clone(tokens))), "different tokens of %d", n).To(expect.Equal(n))
				b.Expect(math.Round(entropy(tokens)), "bits that vary from token to token").To(expect.InRange(128, math.MaxFloat64))
			},
		},
		{
			ID: "SOP-008", Name: "token/scheme-in-any-case", Title: "The word Bearer is understood in any case",
			Rules: rules("AS-TOK-04"), Official: official("access-token-type-header-case-sensitivity"),
			Why: "Schemes of HTTP have no case.", Causes: causes("the header compared as text"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := text(j.tokens(), "access_token")
				for _, scheme := range []string{"bearer", "BEARER", "bEaReR"} {
					b.Expect(j.reads(token).Scheme(scheme, token).Send(b.Context()), "scheme %s", scheme).To(expect.Status(200))
				}
			},
		},
		{
			ID: "SOX-037", Name: "token/not-in-address", Title: "An access token in the address is refused",
			Rules: rules("RS-TOK-01/only-in-header"),
			Why:   "Addresses are kept in logs.", Causes: causes("the query parameter of RFC 6750 left switched on"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := text(j.tokens(), "access_token")
				b.Expect(j.reads(token).WithoutHeader("Authorization").Query("access_token", token).Send(b.Context()), "token in the address alone").To(expect.Refused())
				b.Expect(j.reads(token).Query("access_token", token).Send(b.Context()), "token in the address too").To(expect.Refused())
				b.Expect(j.reads(token).Send(b.Context()), "token in the header").To(expect.Status(200))
			},
		},
		{
			ID: "SOX-X87", Name: "token/bound-to-certificate", Title: "An access token works with no other client's certificate", Needs: twoClients,
			Rules: rules("AS-TOK-02/bound", "RS-MTLS-02", "ERR-10"),
			Why:   "A stolen token is worth nothing to the thief.", Causes: causes("cnf not compared at the gateway", "the certificate of a proxy compared"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := text(j.tokens(), "access_token")
				b.Expect(j.reads(token).WithCertificate(b.Party(1).Config().Transport).Send(b.Context()), "another client's certificate").To(expect.Status(401))
				b.Expect(j.reads(token).Send(b.Context()), "its own certificate").To(expect.Status(200))
			},
		},
		{
			ID: "SOX-X88", Name: "token/dies-with-consent", Title: "An access token ends at once when its consent is revoked",
			Rules: rules("AS-CONS-04/consent-alive", "AS-CONS-02", "AS-CONS-03", "AS-RT-05"),
			Why:   "The customer said stop.", Causes: causes("tokens checked without their consent", "a cache of introspection"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := text(j.tokens(), "access_token")
				b.Expect(j.reads(token).Send(b.Context()), "before").To(expect.Status(200))
				_, err := j.party.DeleteConsent(b.Context(), j.consent)
				b.Given("the consent revoked", err)
				b.Expect(j.reads(token).Send(b.Context()), "after").To(expect.Status(401))
			},
		},
		{
			ID: "SOX-040", Name: "token/errors-reveal-nothing", Title: "Answers to nonsense are plain errors that tell nothing of the program behind",
			Rules: rules("AS-TOK-09", "AS-PAR-12"),
			Why:   "A stack trace is a map for whoever wants to break in.", Causes: causes("the error page of a framework", "database errors passed on"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				for name, r := range nonsense(j.party) {
					x := r.Send(b.Context())
					b.Verify(x, name).To(expect.OAuthError())
					b.Verify(x, name).To(expect.BodyWithout(internals...))
				}
				for name, compact := range map[string]string{"noise": "a.b.c", "five parts": "ey.ey.ey.ey.ey", "an array": "eyJhbGciOiJQUzI1NiJ9.W10.AAAA"} {
					x := j.request().Object(func(o *tpp.JWS) { o.Compact = compact }).Send(b.Context())
					b.Verify(x, "request object of %s", name).To(expect.OAuthError())
					b.Verify(x, "request object of %s", name).To(expect.BodyWithout(internals...))
				}
			},
		},
		{
			ID: "SOX-041", Name: "token/errors-have-form", Title: "Every error has its status, its code and the form of its standard",
			Rules: rules("ERR-01", "ERR-02", "ERR-03", "ERR-04", "ERR-05", "ERR-10", "AS-TOK-09", "AS-PAR-12"),
			Why:   "Clients decide by these codes whether to ask the customer again.", Causes: causes("the error page of a framework", "one code for everything"),
			Body: errorTable,
		},
	}
}

// errorTable provokes the rows of the table of errors.
func errorTable(b *check.Bench) {
	j := begin(b, b.Party(0))
	p := j.party
	credentials := func() *tpp.TokenRequest { return p.CredentialsRequest(p.Server, "consents") }
	for _, row := range []struct {
		name string
		x    *tpp.Exchange
		want expect.Matcher
	}{
		{"ERR-01 at the token endpoint", credentials().Assertion(func(a *tpp.JWS) { a.Broken = true }).Send(b.Context()), clientRefusal()},
		{"ERR-01 at the push endpoint", j.request().Assertion(func(a *tpp.JWS) { a.Broken = true }).Send(b.Context()), clientRefusal()},
		{"ERR-02", j.request().Set("exp", 1).Send(b.Context()), expect.OAuthErrorStatus([]int{400}, objectErrors...)},
		{"ERR-04", p.TokenRequest(p.Server, "authorization_code", map[string]string{"code": long(43), "redirect_uri": p.Config().RedirectURIs[0], "code_verifier": long(64)}).Send(b.Context()),
			expect.OAuthErrorStatus([]int{400}, "invalid_grant")},
		{"ERR-04 for a refresh token", p.RefreshRequest(p.Server, long(43)).Send(b.Context()), expect.OAuthErrorStatus([]int{400}, "invalid_grant")},
		{"ERR-05", p.CredentialsRequest(p.Server, "no-such-scope").Send(b.Context()), expect.OAuthErrorStatus([]int{400}, "invalid_scope")},
		{"a form without grant type", credentials().Form(func(f url.Values) { f.Del("grant_type") }).Send(b.Context()), expect.OAuthErrorStatus([]int{400}, "invalid_request", "unsupported_grant_type")},
		{"another grant type", p.TokenRequest(p.Server, "password", nil).Send(b.Context()), expect.OAuthErrorStatus([]int{400}, "unsupported_grant_type", "unauthorized_client")},
	} {
		b.Verify(row.x, row.name).To(row.want)
		b.Verify(row.x, row.name).To(oauthForm())
	}
	unknown := p.AuthorizeWith(p.Server, url.Values{"client_id": {p.Server.ClientID}, "request_uri": {"urn:ietf:params:oauth:request_uri:" + long(43)}})
	b.Verify(j.arrives(unknown.URL()), "ERR-03").To(refusedOnArrival())
	noToken := p.Call("accounts.list", nil).Send(b.Context())
	b.Verify(noToken, "ERR-10 without token").To(expect.Status(http.StatusUnauthorized))
	b.Verify(j.reads(long(160)).Send(b.Context()), "ERR-10 with an unknown token").To(expect.Status(http.StatusUnauthorized))
}
