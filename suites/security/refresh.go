package security

import (
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// seconds reads a number of seconds from an answer and adds some more.
func seconds(x *tpp.Exchange, member string, more int) time.Duration {
	n, _ := expect.Value(x, member).(float64)
	return time.Duration(n)*time.Second + time.Duration(more)*time.Second
}

// refreshes uses a refresh token.
func (j *journey) refreshes(token string) *tpp.TokenRequest {
	return j.party.RefreshRequest(j.party.Server, token).About(j.consent.ID)
}

// sameToken expects that a refresh works and brings no other refresh token.
func sameToken(token string) expect.Matcher {
	return expect.Answer("a refreshed access token, and no other refresh token", func(x *tpp.Exchange) (string, bool) {
		got := text(x, "refresh_token")
		switch {
		case x.Status != 200:
			return x.String(), false
		case text(x, "access_token") == "":
			return "no access token", false
		case got != "" && got != token:
			return "another refresh token", false
		}
		return "as expected", true
	})
}

// invalidGrant is what a refresh token that cannot be used is answered.
func invalidGrant() expect.Matcher { return expect.OAuthErrorStatus([]int{400, 401}, "invalid_grant") }

func refreshChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-044", Name: "token/refresh-token-is-stable", Title: "A refresh token works again and again, stays the same, and works for no other client", Needs: twoClients,
			Rules: rules("AS-RT-01", "AS-RT-02", "AS-RT-03/client", "AS-TOK-03"), Official: official("refresh-token"),
			Why: "Rotation breaks a sharing of twelve months at the first lost answer.", Causes: causes("rotation as the default of a product"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := j.refreshToken()
				for range 2 {
					x := j.refreshes(token).Send(b.Context())
					b.Expect(x).To(sameToken(token))
					b.Expect(j.reads(text(x, "access_token")).Send(b.Context()), "refreshed token").To(expect.Status(200))
				}
				other := b.Party(1)
				b.Expect(other.RefreshRequest(other.Server, token).Send(b.Context()), "used by another client").To(invalidGrant())
				b.Expect(j.refreshes(token).Send(b.Context())).To(sameToken(token))
			},
		},
		{
			ID: "SOX-021", Name: "token/refresh-never-rotates", Title: "Ten refreshes in a row leave the refresh token as it was",
			Rules: rules("AS-RT-02"),
			Why:   "Some servers rotate at every n-th use.", Causes: causes("rotation by age or count"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := j.refreshToken()
				for i := range 10 {
					b.Expect(j.refreshes(token).Send(b.Context()), "refresh %d", i+1).To(sameToken(token))
				}
			},
		},
		{
			ID: "SOX-X89", Name: "token/issues-refresh-token", Title: "A refresh token comes with the tokens of a data consent",
			Rules: rules("AS-RT-01"),
			Why:   "Without it a sharing of twelve months ends after fifteen minutes.", Causes: causes("refresh tokens tied to the scope offline_access"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				b.Expect(j.tokens()).To(expect.JSON("refresh_token", expect.Something()))
			},
		},
		{
			ID: "SOX-022", Name: "token/refresh-keeps-scope", Title: "A refresh yields no scope beyond the grant, and may yield less",
			Rules: rules("AS-RT-06/scope"),
			Why:   "The customer agreed to what was asked then.", Causes: causes("scope of the request compared with the registration instead of the grant"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := j.refreshToken()
				b.Expect(j.refreshes(token).Param("scope", "openid accounts resources loans").Send(b.Context()), "wider scope").To(expect.OAuthErrorStatus([]int{400}, "invalid_scope"))
				less := j.refreshes(token).Param("scope", "accounts").Send(b.Context())
				b.Expect(less, "narrower scope").To(expect.Status(200))
				b.Expect(j.reads(text(less, "access_token")).Send(b.Context()), "token of the narrower scope").To(expect.Status(200))
				b.Expect(j.refreshes(token).Send(b.Context()), "the whole grant afterwards").To(sameToken(token))
			},
		},
		{
			ID: "SOX-023", Name: "token/binds-refresh-to-client", Title: "A refresh token of one client is refused from another", Needs: twoClients,
			Rules: rules("AS-RT-03/client", "ERR-04"),
			Why:   "A stolen refresh token would be good for twelve months.", Causes: causes("the token looked up without its client"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := j.refreshToken()
				other := b.Party(1)
				b.Expect(other.RefreshRequest(other.Server, token).Send(b.Context()), "used by another client").To(invalidGrant())
				mixed := j.refreshes(token).As(other.Client, other.Server.ClientID).WithCertificate(other.Config().Transport)
				b.Expect(mixed.Send(b.Context()), "used with another client's assertion").To(expect.OAuthErrorStatus([]int{400, 401}, "invalid_grant", "invalid_client"))
				b.Expect(j.refreshes(token).Send(b.Context())).To(sameToken(token))
			},
		},
		{
			ID: "SOX-X90", Name: "token/refresh-needs-active-consent", Title: "A refresh token ends when its consent is revoked",
			Rules: rules("AS-RT-05/consent-active", "AS-CONS-04"),
			Why:   "The customer said stop.", Causes: causes("grants kept apart from consents"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := j.refreshToken()
				b.Expect(j.refreshes(token).Send(b.Context()), "before").To(sameToken(token))
				_, err := j.party.DeleteConsent(b.Context(), j.consent)
				b.Given("the consent revoked", err)
				b.Expect(j.refreshes(token).Send(b.Context()), "after").To(invalidGrant())
			},
		},
		{
			ID: "SOX-X91", Name: "token/refresh-lives-with-consent", Title: "A refresh token works for as long as its consent, and no longer", Needs: clocked,
			Rules: rules("AS-RT-01", "AS-RT-05"),
			Why:   "A sharing of twelve months must not end by itself in a week, nor outlive its term.", Causes: causes("a default lifetime of refresh tokens", "idle time counted"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := j.refreshToken()
				for _, step := range []time.Duration{time.Hour, 90 * 24 * time.Hour, 200 * 24 * time.Hour} {
					b.Advance(step)
					b.Expect(j.refreshes(token).Send(b.Context()), "refresh after a further %v", step).To(sameToken(token))
				}
				b.Advance(80 * 24 * time.Hour)
				b.Expect(j.refreshes(token).Send(b.Context()), "refresh after the consent's term").To(invalidGrant())
			},
		},
		{
			ID: "SOX-X92", Name: "token/no-refresh-after-consumed", Title: "Once a payment consent is consumed its refresh token is worth nothing, while the client's own token still reads the payment",
			Needs: []check.Need{check.ClientRole("PAGTO"), check.Customer(), check.API("payments")},
			Rules: rules("AS-RT-04/not-consumed", "AS-TOK-08"),
			Why:   "A consent for one payment must not live on.", Causes: causes("consumed treated like authorised"),
			Body: func(b *check.Bench) {
				p := b.PartyWith("PAGTO")
				who := b.Person()
				order := pix(who)
				k, err := p.CreatePaymentConsent(b.Context(), p.Server, order)
				b.Given("a payment consent", err)
				g := p.Authorised(k, who)
				_, err = p.CreatePayment(b.Context(), g, order)
				b.Given("a payment", err)
				if g.RefreshToken != "" {
					b.Expect(p.RefreshRequest(p.Server, g.RefreshToken).Send(b.Context()), "refresh token of a consumed consent").To(invalidGrant())
				}
				read, err := p.ReadConsent(b.Context(), k)
				b.Given("the consumed consent to be read", err)
				b.Expect(read).To(expect.JSON("data.status", "CONSUMED"))
			},
		},
		{
			ID: "SOX-027", Name: "token/revoked-is-refused", Title: "A revoked refresh token is dead, and revoking an unknown one succeeds",
			Rules: rules("AS-REV-01"),
			Why:   "A client that no longer needs a token gives it back.", Causes: causes("only access tokens revoked", "404 for unknown tokens"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.mustRevoke()
				token := j.refreshToken()
				b.Expect(j.party.RevokeRequest(j.party.Server, long(43)).Send(b.Context()), "unknown token").To(expect.Status(200))
				b.Expect(j.party.RevokeRequest(j.party.Server, token).Send(b.Context()), "own token").To(expect.Status(200))
				b.Expect(j.refreshes(token).Send(b.Context()), "after revocation").To(invalidGrant())
			},
		},
		{
			ID: "SOX-X93", Name: "revocation/ignores-foreign-tokens", Title: "A client cannot revoke another client's token, and nobody without authentication can", Needs: twoClients,
			Rules: rules("AS-REV-01/own-token", "AS-CA-05/has-assertion"),
			Why:   "One client could end the sharings of another.", Causes: causes("the token looked up without its client"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.mustRevoke()
				token := j.refreshToken()
				other := b.Party(1)
				b.Note("answer to the stranger: %s", other.RevokeRequest(other.Server, token).Send(b.Context()))
				b.Expect(j.party.RevokeRequest(j.party.Server, token).WithoutAssertion().Send(b.Context()), "without assertion").To(expect.OAuthError("invalid_client", "invalid_request"))
				b.Expect(j.refreshes(token).Send(b.Context()), "refresh afterwards").To(sameToken(token))
			},
		},
		{
			ID: "SOX-X94", Name: "revocation/ends-access-token", Title: "A revoked access token is refused at once",
			Rules: rules("AS-REV-01", "AS-CONS-03"),
			Why:   "A client that suspects a leak must be able to stop it.", Causes: causes("self-contained tokens that nobody looks up"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.mustRevoke()
				token := text(j.tokens(), "access_token")
				b.Expect(j.reads(token).Send(b.Context()), "before").To(expect.Status(200))
				b.Expect(j.party.RevokeRequest(j.party.Server, token).Send(b.Context()), "revocation").To(expect.Status(200))
				b.Prefer(j.reads(token).Send(b.Context()), "after").To(expect.Status(401))
			},
		},
	}
}

// mustRevoke ends the check where no revocation endpoint is published: it is optional.
func (j *journey) mustRevoke() {
	if strings.TrimSpace(j.party.Server.Revocation) == "" {
		j.Skip("the server publishes no revocation endpoint")
	}
}
