package security

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// denied expects access_denied at the redirect URI with the state, and the consent rejected.
func (j *journey) denied(got arrival, what string) {
	j.Expect(got, what).To(refusedOnArrival("access_denied"))
	if got.redirect != nil {
		j.Expect(got.redirect, what).To(expect.Redirect(map[string]any{"error": "access_denied", "state": j.push.State, "code": expect.Nothing(), "id_token": expect.Nothing()}))
	}
	j.Expect(j.status(), "status of the consent after: %s", what).To(expect.Equal("REJECTED"))
}

// redirectTricks are addresses that resemble a registered one.
func redirectTricks(registered string) map[string]string {
	u := address(registered)
	upper := strings.Replace(registered, u.Path, strings.ToUpper(u.Path), 1)
	return map[string]string{
		"deeper path": registered + "/more", "slash at the end": registered + "/", "path that climbs": registered + "/../other",
		"query": registered + "?next=https://outro-terceiro.example", "fragment": registered + "#x", "other case": upper,
		"without TLS": strings.Replace(registered, "https://", "http://", 1), "user before the host": strings.Replace(registered, "https://", "https://outro-terceiro.example@", 1),
		"registered host as user":  "https://" + u.Host + "@outro-terceiro.example" + u.Path,
		"registered name as label": "https://" + u.Hostname() + ".outro-terceiro.example" + u.Path,
		"encoded slash":            strings.Replace(registered, u.Path, "/%2e%2e"+u.Path, 1),
	}
}

func customerChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-003", Name: "authorize/denial-rejects-consent", Title: "A customer who cancels at the login or declines ends the consent, and the client is told access_denied",
			Rules: rules("AS-AUTHN-05", "ERR-06"), Official: official("user-rejects-authentication"),
			Why: "No is no, and everybody must know it.", Causes: causes("the consent left waiting after a refusal", "state missing in the error"),
			Body: func(b *check.Bench) {
				p := b.Party(0)
				j := begin(b, p)
				j.robot.CancelAtLogin = true
				j.denied(j.arrives(j.pushes(j.request()).Authorize().URL()), "cancelled at the login")
				j = beginFor(b, p, j.person)
				j.robot.Decision = psu.Deny
				j.denied(j.arrives(j.pushes(j.request()).Authorize().URL()), "declined at the confirmation")
			},
		},
		{
			ID: "SOX-X70", Name: "authorize/needs-customer-approval", Title: "No code comes before the customer confirmed on a page, and after a wrong password none at all",
			Rules: rules("AS-AUTHN-05"),
			Why:   "Signing in is not agreeing.", Causes: causes("the confirmation skipped for known clients"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				address := j.pushes(j.request()).Authorize().URL()
				j.robot.Decision = psu.Leave
				got := j.arrives(address)
				b.Expect(errors.Is(got.err, psu.ErrAbandoned), "a confirmation page after the login").To(expect.Equal(true))
				b.Expect(j.status(), "status of the consent before the confirmation").To(expect.Equal("AWAITING_AUTHORISATION"))
				password := j.robot.Password
				j.robot.Decision, j.robot.Password = psu.Approve, "not-"+password
				got = j.arrives(address)
				b.Expect(got.err != nil || got.answer.Code == "", "no code for a wrong password").To(expect.Equal(true))
				j.robot.Password = password
				j.pushes(j.request())
				b.Expect(j.comes().Code, "code after the confirmation").To(expect.Something())
			},
		},
		{
			ID: "SOX-X71", Name: "authorize/denies-other-customer", Title: "A person who is not the one the consent names cannot authorise it",
			Rules: rules("AS-AUTHN-02/same-person", "ERR-06"),
			Why:   "One would give away the data of another, or receive another's through their own client.", Causes: causes("loggedUser compared nowhere"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				other := b.Person()
				j.robot = b.Robot(other)
				j.denied(j.arrives(j.pushes(j.request()).Authorize().URL()), "signed in as another person")
			},
		},
		{
			ID: "SOX-X72", Name: "authorize/denies-other-company", Title: "A consent of a company cannot be authorised by somebody who does not act for it", Needs: []check.Need{check.Clients(1), check.Customer("company-alone"), check.Customer("ordinary")},
			Rules: rules("AS-AUTHN-04/same-company", "ERR-06"),
			Why:   "The data of a company belong to the company.", Causes: causes("businessEntity compared nowhere"),
			Body: func(b *check.Bench) {
				p := b.Party(0)
				owner, stranger := b.Person("company-alone"), b.Person("ordinary")
				k, err := p.CreateConsent(b.Context(), p.Server, permissions, tpp.Person{CPF: stranger.CPF, CNPJ: owner.CNPJ})
				b.Given("a consent of a company", err)
				j := &journey{Bench: b, party: p, person: stranger, consent: k, robot: b.Robot(stranger)}
				j.denied(j.arrives(j.pushes(j.request()).Authorize().URL()), "signed in as somebody who does not act for the company")
			},
		},
		{
			ID: "SOX-X73", Name: "authorize/denies-company-without-consent", Title: "A consent of a person opens no account of a company", Needs: []check.Need{check.Clients(1), check.Customer("company-alone")},
			Rules: rules("AS-AUTHN-03/no-company", "ERR-06"),
			Why:   "The data of a company belong to the company, even where the same person signs for it.", Causes: causes("every account of the login offered", "a company in the form believed"),
			Body: func(b *check.Bench) {
				p := b.Party(0)
				who := b.Person("company-alone")
				k, err := p.CreateConsent(b.Context(), p.Server, permissions, tpp.Person{CPF: who.CPF})
				b.Given("a consent of a person", err)
				j := &journey{Bench: b, party: p, person: who, consent: k, robot: b.Robot(who)}
				var offered []string
				j.robot.Decide = func(page *psu.Form) psu.Decision {
					for _, c := range page.Choices {
						if c.Name == "account" {
							offered = append(offered, c.Value)
						}
					}
					page.Values.Set("company", who.CNPJ)
					return psu.Approve
				}
				got := j.arrives(j.pushes(j.request()).Authorize().URL())
				if got.err != nil || got.answer.Code == "" {
					j.denied(got, "asked for the accounts of the company")
					return
				}
				b.Step("the company in the form was ignored: the accounts must be the person's")
				j.answer = got.answer
				x := j.redemption().Send(b.Context())
				b.Expect(x).To(expect.Status(200))
				list := j.reads(text(x, "access_token")).Send(b.Context())
				b.Expect(list).To(expect.Status(200))
				for _, id := range expect.Values(list, "data[*].accountId") {
					b.Expect(slices.Contains(offered, id.(string)), "an account that the page offered").About(list).To(expect.Equal(true))
				}
			},
		},
		{
			ID: "SOX-X74", Name: "authorize/refuses-late-login", Title: "A consent whose hour is over can no longer be authorised", Needs: clocked,
			Rules: rules("AS-AUTHN-06", "AS-REQ-13"),
			Why:   "What was asked an hour ago may be wanted no more.", Causes: causes("the window kept by a nightly job only", "the state looked at when pushed only"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.pushes(j.request())
				j.robot.Decide = func(*psu.Form) psu.Decision {
					b.Advance(61 * time.Minute)
					return psu.Approve
				}
				b.Expect(j.arrives(j.push.Authorize().URL()), "confirmed after an hour on the page").To(refusedOnArrival())
				j.robot.Decide = nil
				b.Step("pushed after the window")
				j.refuses(j.request(), scopeErrors...)
				b.Expect(j.status(), "status of the consent").To(expect.Equal("REJECTED"))
			},
		},
		{
			ID: "SOP-011", Name: "authorize/never-redirects-to-unregistered", Title: "Nobody is ever sent to an address that the client did not register",
			Rules: rules("AS-REQ-10", "AS-RESP-02/registered", "AS-PAR-11"), Official: official("ensure-registered-redirect-uri"),
			Why: "A bank that redirects anywhere lends its name to every fraud.", Causes: causes("errors sent to the redirect_uri of the request unseen"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.robot.Back = append(j.robot.Back, strayRedirect)
				p := j.request().Set("redirect_uri", strayRedirect)
				if x := p.Send(b.Context()); x.Status == 201 {
					b.Expect(j.arrives(p.Authorize().URL()), "foreign redirect_uri, pushed").About(x).To(stoppedOnPage())
				} else {
					b.Expect(x, "foreign redirect_uri, pushed").To(expect.OAuthError(append(objectErrors, "invalid_redirect_uri")...))
				}
				b.Expect(j.arrives(bare(j, url.Values{"redirect_uri": {strayRedirect}}).URL()), "foreign redirect_uri in the address").To(stoppedOnPage())
				wrong := j.party.AuthorizeWith(j.party.Server, url.Values{"client_id": {j.party.Server.ClientID}, "redirect_uri": {strayRedirect}, "response_type": {"code"}})
				b.Expect(j.arrives(wrong.URL()), "foreign redirect_uri in a wrong request").To(stoppedOnPage())
				j.soundTwin()
			},
		},
		{
			ID: "SOX-034", Name: "authorize/resists-redirect-tricks", Title: "An address that only resembles a registered one is refused",
			Rules: rules("AS-REQ-10/redirect-uri", "AS-RESP-02"),
			Why:   "Each resemblance has been used to steal codes.", Causes: causes("comparison by prefix, by host, without case, or after normalising"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				back := j.robot.Back
				for name, trick := range redirectTricks(j.party.Config().RedirectURIs[0]) {
					b.Step("redirect_uri: %s", name)
					p := j.request().Set("redirect_uri", trick)
					if x := p.Send(b.Context()); x.Status == 201 {
						j.robot.Back = append(slices.Clone(back), trick)
						b.Expect(j.arrives(p.Authorize().URL()), "redirect_uri with %s", name).About(x).To(stoppedOnPage())
					} else {
						b.Expect(x, "redirect_uri with %s", name).To(expect.OAuthErrorStatus([]int{400, 401, 403}, append(objectErrors, "invalid_redirect_uri")...))
					}
				}
				j.robot.Back = back
				j.soundTwin()
			},
		},
	}
}
