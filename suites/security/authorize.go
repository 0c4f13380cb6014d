package security

import (
	"net/url"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// long makes a text of n letters.
func long(n int) string { return strings.Repeat("abcdefgh", n/8+1)[:n] }

// keepsNonce expects that a nonce of n letters comes back whole, or is refused cleanly.
func keepsNonce(n int) func(*check.Bench) {
	return func(b *check.Bench) {
		j := begin(b, b.Party(0))
		p := j.request().Set("nonce", long(n))
		if x := p.Send(b.Context()); x.Status != 201 {
			b.Expect(x, "nonce of %d characters", n).To(expect.OAuthError(objectErrors...))
			return
		}
		j.push = p
		j.comes()
		front := j.open(j.answer.IDToken)
		b.Expect(front.Claims["nonce"], "nonce of the ID token").To(expect.Equal(long(n)))
	}
}

// bare is the sound request as parameters of an address, with what is added.
func bare(j *journey, more url.Values) *tpp.Authorize {
	v := url.Values{}
	j.request().Claims(func(c map[string]any) {
		for name, value := range c {
			if s, ok := value.(string); ok && name != "aud" && name != "iss" && name != "jti" {
				v.Set(name, s)
			}
		}
	})
	for name, values := range more {
		v[name] = values
	}
	return j.party.AuthorizeWith(j.party.Server, v)
}

// object signs the sound request object for use by value.
func object(j *journey) string {
	var signed string
	j.request().Object(func(o *tpp.JWS) {
		compact, err := o.Sign()
		j.Given("a signed request object", err)
		signed = compact
	})
	return signed
}

func authorizeChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-005", Name: "authorize/accepts-missing-state", Title: "A request without state is answered without state and without its hash",
			Rules: rules("AS-REQ-07", "AS-IDT-05"), Official: official("ensure-authorization-request-without-state-success"),
			Why: "state is the client's choice.", Causes: causes("an empty state in the answer", "the hash of an empty text"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				a := j.code(func(p *tpp.Push) { p.Set("state", nil) })
				b.Expect(a.Params.Has("state"), "state in the answer").To(expect.Equal(false))
				b.Expect(j.open(a.IDToken).Claims["s_hash"], "s_hash").To(expect.Nothing())
			},
		},
		{
			ID: "SOX-X67", Name: "authorize/returns-state", Title: "state comes back as it was sent",
			Rules: rules("AS-REQ-07"),
			Why:   "The client tells its own journeys apart, and forged ones from them, by its state.", Causes: causes("state cut or encoded twice"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				sent := "a+b/c=d&é %20"
				a := j.code(func(p *tpp.Push) { p.Set("state", sent) })
				b.Expect(a.State, "state").To(expect.Equal(sent))
			},
		},
		{
			ID: "SOP-014", Name: "authorize/keeps-long-state", Title: "A very long state comes back whole, or is refused cleanly",
			Rules: rules("AS-REQ-07"), Official: official("ensure-request-object-with-long-state"),
			Why: "A state cut short locks the customer out of the client.", Causes: causes("a column of 255 characters"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.request().Set("state", long(1024))
				if x := p.Send(b.Context()); x.Status != 201 {
					b.Expect(x, "long state").To(expect.OAuthError(objectErrors...))
					return
				}
				j.push = p
				b.Expect(j.comes().State, "state").To(expect.Equal(long(1024)))
			},
		},
		{
			ID: "SOP-013", Name: "par/keeps-long-nonce", Title: "A nonce of 64 characters comes back whole, or is refused cleanly",
			Rules: rules("AS-REQ-06"), Official: official("ensure-request-object-with-64-char-nonce-success"),
			Why: "A nonce cut short fails every client that compares it.", Causes: causes("a column of 32 characters"),
			Body: keepsNonce(64),
		},
		{
			ID: "SOP-012", Name: "par/keeps-very-long-nonce", Title: "A nonce of 384 characters comes back whole, or is refused cleanly",
			Rules: rules("AS-REQ-06"), Official: official("ensure-request-object-with-long-nonce"),
			Why: "A nonce cut short fails every client that compares it.", Causes: causes("a column of 255 characters"),
			Body: keepsNonce(384),
		},
		{
			ID: "SOP-010", Name: "par/uses-only-signed-parameters", Title: "A second nonce outside the signed object is refused or ignored",
			Rules: rules("AS-REQ-05"), Official: official("ensure-different-nonce-inside-and-outside-request-object"),
			Why: "Whoever can add a parameter on the way must not change the request.", Causes: causes("form parameters merged over the object"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.request().Form(func(f url.Values) {
					f.Set("nonce", "outside-nonce")
					f.Set("state", "outside-state")
				})
				if x := p.Send(b.Context()); x.Status != 201 {
					b.Expect(x, "second nonce outside").To(expect.OAuthError(objectErrors...))
					return
				}
				j.push = p
				a := j.comes()
				b.Expect(j.open(a.IDToken).Claims["nonce"], "nonce of the ID token").To(expect.Equal(p.Nonce))
				b.Expect(a.State, "state").To(expect.Equal(p.State))
			},
		},
		{
			ID: "SOP-018", Name: "par/ignores-outer-state", Title: "A state outside the signed object is refused or ignored",
			Rules: rules("AS-REQ-05", "AS-REQ-07"), Official: official("state-only-outside-request-object-not-used"),
			Why: "Whoever can add a parameter on the way must not change the request.", Causes: causes("form parameters merged with the object"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.request()
				outside("state")(j, p)
				if x := p.Send(b.Context()); x.Status != 201 {
					b.Expect(x, "state outside").To(expect.OAuthError(objectErrors...))
					return
				}
				j.push = p
				a := j.comes()
				b.Expect(a.Params.Has("state"), "state in the answer").To(expect.Equal(false))
				b.Expect(j.open(a.IDToken).Claims["s_hash"], "s_hash").To(expect.Nothing())
			},
		},
		{
			ID: "SOX-X68", Name: "authorize/answers-in-fragment", Title: "Code, ID token and state come in the fragment of the registered address, and no access token",
			Rules: rules("AS-RESP-01"),
			Why:   "A query is kept in logs and sent on to other sites.", Causes: causes("the response mode of plain OAuth"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.pushes(j.request())
				got := j.arrives(p.Authorize().URL())
				b.Expect(got.redirect).To(expect.Redirect(map[string]any{"code": expect.Something(), "id_token": expect.Something(), "access_token": expect.Nothing(), "error": expect.Nothing()}))
				b.Expect(got.redirect.RawQuery, "query of the redirect").To(expect.Nothing())
				back := *got.redirect
				back.Fragment, back.RawFragment = "", ""
				b.Expect(back.String(), "address of the redirect").To(expect.Equal(p.RedirectURI))
			},
		},
		{
			ID: "SOP-029", Name: "authorize/requires-pushed-request", Title: "A request that was not pushed leads to no code",
			Rules: rules("AS-PAR-01/pushed"), Official: official("ensure-authorization-request-without-request-object-fails"),
			Why: "What passes through the browser can be read and changed there.", Causes: causes("plain OAuth left switched on"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				b.Expect(j.arrives(bare(j, nil).URL()), "request in the address").To(refusedOnArrival())
				j.soundTwin()
			},
		},
		{
			ID: "SOX-012", Name: "authorize/refuses-object-by-value", Title: "A request object by value leads to no code",
			Rules: rules("AS-PAR-01/not-by-value"),
			Why:   "Only pushed requests are certified.", Causes: causes("request accepted beside request_uri, as in the retired profile"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				at := j.party.AuthorizeWith(j.party.Server, url.Values{"client_id": {j.party.Server.ClientID}, "request": {object(j)}})
				b.Expect(j.arrives(at.URL()), "object by value").To(refusedOnArrival())
				at = bare(j, url.Values{"request": {object(j)}})
				b.Expect(j.arrives(at.URL()), "object by value beside parameters").To(refusedOnArrival())
				j.soundTwin()
			},
		},
		{
			ID: "SOX-013", Name: "authorize/rejects-hosted-request", Title: "A request_uri at the client's own address leads to no code",
			Rules: rules("AS-PAR-01"),
			Why:   "A server that fetches addresses it is given can be sent anywhere inside the bank.", Causes: causes("request_uri of plain OpenID Connect left switched on"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				hosted := strings.TrimSuffix(j.party.Config().RedirectURIs[0], "/cb") + "/request.jwt"
				at := bare(j, url.Values{"request_uri": {hosted}})
				b.Expect(j.arrives(at.URL()), "hosted request").To(refusedOnArrival())
				j.soundTwin()
			},
		},
		{
			ID: "SOP-068", Name: "authorize/needs-only-request-uri", Title: "client_id and request_uri are all that the address needs",
			Rules: rules("AS-PAR-09"), Official: official("par-without-duplicate-parameters"),
			Why: "Everything else stands in the pushed request.", Causes: causes("response_type or scope demanded in the address, as plain OAuth does"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.pushes(j.request())
				b.Expect(j.comes().Code, "code").To(expect.Something())
			},
		},
		{
			ID: "SOX-X69", Name: "authorize/ignores-outer-values", Title: "Values added to the address have no effect",
			Rules: rules("AS-PAR-09", "AS-REQ-05"),
			Why:   "The address passes through the browser, where anybody may add to it.", Causes: causes("parameters of the address merged over the pushed ones"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.pushes(j.request())
				j.robot.Back = append(j.robot.Back, strayRedirect)
				got := j.arrives(p.Authorize().Set("state", "outside").Set("redirect_uri", strayRedirect).Set("scope", "openid").Set("response_mode", "query").URL())
				if got.err != nil || got.answer.Code == "" {
					b.Expect(got, "address with added values").To(refusedOnArrival())
					return
				}
				b.Expect(got.redirect.Host, "host of the redirect").To(expect.Equal(address(p.RedirectURI).Host))
				b.Expect(got.answer.State, "state").To(expect.Equal(p.State))
				b.Expect(got.answer.InQuery, "answer in the query").To(expect.Equal(false))
			},
		},
		{
			ID: "SOP-049", Name: "authorize/tolerates-reopened-page", Title: "A request_uri whose page was opened before still works for the login",
			Rules: rules("AS-PAR-08"), Official: official("par-ensure-reused-request-uri-prior-to-auth-completion-succeeds"),
			Why: "Browsers load pages ahead and again; the customer must not pay for that.", Causes: causes("request_uri used up when the page is shown"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.pushes(j.request())
				b.Expect(j.opens(p.Authorize().URL()), "the page opens").To(expect.Equal(true))
				b.Expect(j.comes().Code, "code after a second visit").To(expect.Something())
			},
		},
		{
			ID: "SOP-050", Name: "par/request-uri-is-single-use", Title: "A request_uri does not open again after the authorization is complete", Severity: check.Should,
			Rules: rules("AS-PAR-08"), Official: official("par-attempt-reuse-request_uri"),
			Why: "It stands in the history of the browser.", Causes: causes("request_uri deleted by time only"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.code()
				got := j.arrives(j.push.Authorize().URL())
				b.Expect(got, "request_uri after success").To(expect.Any(stoppedOnPage(), refusedOnArrival("invalid_request_uri", "invalid_request", "invalid_request_object")))
			},
		},
		{
			ID: "SOP-058", Name: "par/binds-request-uri-to-client", Title: "A request_uri does not work for another client", Needs: twoClients,
			Rules: rules("AS-PAR-07/own-request"), Official: official("par-attempt-to-use-request_uri-for-different-client"),
			Why: "One client could send the customer into another's journey.", Causes: causes("client_id of the address not compared"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.pushes(j.request())
				b.Expect(j.arrives(p.Authorize().Set("client_id", b.Party(1).Server.ClientID).URL()), "request_uri of another client").To(refusedOnArrival())
				j.soundTwin()
			},
		},
		{
			ID: "SOP-046", Name: "authorize/handles-essential-acr", Title: "acr asked as essential is satisfied, and with values satisfied or refused",
			Rules: rules("AS-REQ-15"), Official: official("test-essential-acr-sca-claim"),
			Why: "A client that needs a strong login must get it or be told.", Causes: causes("the claims parameter ignored"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				const wanted = "urn:brasil:openbanking:loa2"
				ask := map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true, "values": []string{wanted, "urn:brasil:openbanking:loa3"}}}}
				p := j.request().Set("claims", ask)
				if x := p.Send(b.Context()); x.Status != 201 {
					b.Expect(x, "essential acr with values").To(expect.OAuthError(objectErrors...))
					j.soundTwin()
					return
				}
				j.push = p
				b.Expect(j.open(j.comes().IDToken).Claims["acr"], "acr").To(loa())
			},
		},
	}
}

// strayRedirect is an address that no client registered.
const strayRedirect = "https://app.outro-terceiro.example/cb"

func address(raw string) *url.URL {
	u, err := url.Parse(raw)
	if err != nil {
		return &url.URL{}
	}
	return u
}
