package data

import (
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// door is an endpoint of the authorization server that third parties call, and a call of it.
type door struct {
	name string
	ask  func() *tpp.Exchange
}

// doors are those of the metadata. What is asked there bare is refused for that, and is traffic all the same.
func (v *view) doors() []door {
	p, s := v.party, v.party.Server
	all := []door{{"the token endpoint", func() *tpp.Exchange { return p.CredentialsRequest(s, "consents").Send(v.Context()) }}}
	for _, d := range []struct{ name, method, at string }{
		{"the pushed request endpoint", "POST", s.PAR}, {"registration", "POST", s.Registration},
		{"userinfo", "GET", s.UserInfo}, {"revocation", "POST", s.Revocation}, {"the discovery document", "GET", s.Discovery}, {"the keys", "GET", s.JWKS},
	} {
		if d.at != "" {
			all = append(all, door{d.name, func() *tpp.Exchange { return p.Request(d.name, d.method, d.at).Send(v.Context()) }})
		}
	}
	return all
}

// securityTraffic holds the rate of a second against what is asked of the authorization server.
func securityTraffic() check.Check {
	return check.Check{
		ID: "DACC-X99", Name: "limits/security-endpoints-count", Rules: rules("RS-HDR-07", "TRAF", "TRAF-03/security-endpoints-count"), Alone: true,
		Needs:  []check.Need{check.Clients(1), check.Customer(), check.HolderControl, check.Clock},
		Title:  "What third parties ask of the authorization server counts among the requests of a second, and is answered 529 beyond them, as an OAuth error; the customer's browser is let in",
		Why:    "The floor is the whole institution's: one that guards its APIs alone breaks down where tokens are made.",
		Causes: causes("a limit at the API gateway alone", "the authorization server answers 503, or the form of the APIs, when it is full", "the customer is turned away half way"),
		Body: func(b *check.Bench) {
			const op = "accounts.balances"
			v := accountFace.open(b)
			v.anAccount()
			all := v.doors()
			limited(b, map[string]any{"minute": false, "month": false, "perSecond": len(all), "grows": false})
			var asked, refused []*tpp.Exchange
			var api, page *tpp.Exchange
			v.withinASecond(2*len(all)+2, func() {
				asked, refused = nil, nil
				for _, d := range all {
					asked = append(asked, d.ask())
				}
				api = v.call(op).Send(b.Context())
				for _, d := range all {
					refused = append(refused, d.ask())
				}
				page = v.party.Request("authorize", "GET", v.party.Server.Authorization).WithoutCertificate().Send(b.Context())
			})
			for i, d := range all {
				b.Expect(asked[i], "%s, request %d of a second that has room for %d", d.name, i+1, len(all)).To(expect.Any(expect.Succeeds(), expect.OAuthError()))
			}
			b.Expect(api, "a read in a second that the authorization server has filled").To(expect.OFBError(529))
			for i, d := range all {
				b.Expect(refused[i], "%s, beyond what the second has room for", d.name).To(expect.OAuthErrorStatus([]int{529}))
			}
			b.Expect(page.Err, "the page that a customer is sent to").To(expect.Success())
			b.Expect(page.Status, "the page that a customer is sent to").To(expect.InRange(200, 499))
			b.Advance(time.Second)
			b.Expect(all[0].ask(), "%s in the next second", all[0].name).To(expect.Status(200))
			v.reads(op)
		},
	}
}
