package security

import (
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// userInfo asks for the claims of an access token.
func (j *journey) userInfo(accessToken string) *tpp.Call {
	return j.party.UserInfoRequest(j.party.Server, accessToken)
}

// told reads the claims of an answer of userinfo: JSON, signed, or encrypted and signed.
func (j *journey) told(x *tpp.Exchange) map[string]any {
	body := strings.TrimSpace(string(x.Body))
	if strings.Count(body, ".") == 4 {
		plain, err := jose.DecryptAny(body, j.party.Config().Encryption)
		j.Given("userinfo that opens", err)
		body = string(plain)
	}
	if t, err := jose.Parse(strings.TrimSpace(body)); err == nil && t.Claims != nil {
		return t.Claims
	}
	return x.JSON()
}

func userInfoChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOX-X104", Name: "userinfo/same-subject", Title: "userinfo speaks of the subject of the ID token", Rules: rules("AS-UI-01"),
			Why: "A client that mixed them up would mix up people.", Causes: causes("two identifiers for one customer"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				x := j.tokens()
				info := j.userInfo(text(x, "access_token")).Send(b.Context())
				b.Expect(info).To(expect.Status(200))
				b.Expect(j.told(info)["sub"], "sub of userinfo").About(info).To(expect.Equal(j.open(j.answer.IDToken).Claims["sub"]))
			},
		},
		{
			ID: "SOX-X105", Name: "userinfo/no-personal-data", Title: "userinfo tells nothing of who the customer is", Rules: rules("AS-UI-02", "AS-IDT-09"),
			Why: "Data are shared by the data APIs, under the consent's permissions.", Causes: causes("standard claims of OpenID Connect"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				info := j.userInfo(text(j.tokens(), "access_token")).Send(b.Context())
				b.Expect(info).To(expect.Status(200))
				b.Expect(j.told(info), "claims of userinfo").About(info).To(anonymous(j.person))
			},
		},
		{
			ID: "SOX-026", Name: "userinfo/refuses-unfit-tokens", Title: "userinfo is refused with another certificate, without certificate, and for a token without openid", Needs: twoClients,
			Rules: rules("AS-UI-01/openid", "AS-TOK-02/bound", "AS-TOK-01/has-certificate"),
			Why:   "It identifies a person.", Causes: causes("only the signature of the token looked at"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := text(j.tokens(), "access_token")
				b.Expect(j.userInfo(token).WithCertificate(b.Party(1).Config().Transport).Send(b.Context()), "another client's certificate").To(expect.Status(401, 403))
				b.Expect(j.userInfo(token).WithoutCertificate().Send(b.Context()), "no certificate").To(expect.RefusedConnection(400, 401, 403))
				own := j.party.CredentialsRequest(j.party.Server, "consents").Send(b.Context())
				b.Expect(j.userInfo(text(own, "access_token")).Send(b.Context()), "token without openid").To(expect.Status(401, 403))
				b.Expect(j.userInfo(long(43)).Send(b.Context()), "unknown token").To(expect.Status(401))
				b.Expect(j.userInfo(token).Send(b.Context()), "a fit token").To(expect.Status(200))
			},
		},
		{
			ID: "SOX-X106", Name: "userinfo/rejects-expired-token", Title: "userinfo is refused for an expired token", Needs: clocked, Rules: rules("AS-UI-01"),
			Why: "It identifies a person.", Causes: causes("expiry checked by the APIs only"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				x := j.tokens()
				token := text(x, "access_token")
				b.Expect(j.userInfo(token).Send(b.Context()), "in time").To(expect.Status(200))
				b.Advance(seconds(x, "expires_in", int((2 * time.Minute).Seconds())))
				b.Expect(j.userInfo(token).Send(b.Context()), "too late").To(expect.Status(401))
			},
		},
		{
			ID: "SOX-043", Name: "userinfo/signed-as-registered", Title: "A client that registers for signed and encrypted userinfo gets it so", Needs: []check.Need{check.Statement("DADOS", "PAGTO"), check.Customer()},
			Rules: rules("AS-UI-02"), Severity: check.Should,
			Why: "What is offered must be kept.", Causes: causes("the member of the registration stored and ignored"),
			Body: func(b *check.Bench) {
				p := b.Newcomer("DADOS", "PAGTO")
				if _, offered := p.Server.Document["userinfo_signing_alg_values_supported"]; !offered {
					b.Skip("the server does not offer signed userinfo")
				}
				_, err := p.Register(b.Context(), p.Server, func(r *tpp.Registration) {
					r.Set("userinfo_signed_response_alg", jose.PS256)
				})
				b.Given("a registration for signed userinfo", err)
				j := begin(b, p)
				info := j.userInfo(text(j.tokens(), "access_token")).Send(b.Context())
				b.Expect(info).To(expect.Status(200))
				b.Expect(info).To(expect.MediaType("application/jwt"))
				body := strings.TrimSpace(string(info.Body))
				if strings.Count(body, ".") == 4 {
					plain, err := jose.DecryptAny(body, p.Config().Encryption)
					b.Given("userinfo that opens", err)
					body = strings.TrimSpace(string(plain))
				}
				t, err := jose.Verify(body, j.keys())
				b.Expect(err, "signature of userinfo").About(info).To(expect.Success())
				b.Expect(t.Claims["aud"], "aud of userinfo").About(info).To(audience(p.Server.ClientID))
			},
		},
	}
}
