package suites

import (
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// ground lists what must hold before anything else is worth asking.
func ground() []check.Check {
	return []check.Check{
		{
			ID: "GND-001", Name: "ground/discovery-answers", Plan: "ground", Rules: []string{"AS-DISC-01"},
			Title:  "The authorization server publishes its metadata under its issuer",
			Needs:  []check.Need{check.Clients(1)},
			Why:    "Every journey starts from this document; a client that cannot read it, or reads it under another issuer, must stop.",
			Causes: []string{"the address in the target file is not the directory's", "the issuer member differs by a trailing slash or host"},
			Body: func(b *check.Bench) {
				p := b.Client(0)
				x := p.Request("discovery", "GET", b.Target().Bank.Discovery).WithoutCertificate().Send(b.Context())
				b.Expect(x).To(expect.Status(200))
				b.Expect(x).To(expect.MediaType("application/json"))
				b.Expect(expect.Text(x, "issuer")+"/.well-known/openid-configuration", "address of the metadata").About(x).To(expect.Equal(b.Target().Bank.Discovery))
			},
		},
		{
			ID: "GND-002", Name: "ground/keys-are-published", Plan: "ground", Rules: []string{"AS-DISC-02"},
			Title:  "The key set named in the metadata answers and holds a PS256 signing key",
			Needs:  []check.Need{check.Clients(1)},
			Why:    "Without the key no id_token can be verified.",
			Causes: []string{"jwks_uri points inside the institution", "keys lack use or kid"},
			Body: func(b *check.Bench) {
				p := b.Party(0)
				x := p.Request("jwks", "GET", p.Server.JWKS).WithoutCertificate().Send(b.Context())
				b.Expect(x).To(expect.Status(200))
				b.Expect(expect.Values(x, "keys[*].use"), "uses of the published keys").About(x).To(expect.Containing("sig"))
				b.Expect(x).To(expect.JSONAbsent("keys[*].d"))
			},
		},
		{
			ID: "GND-003", Name: "ground/registered-client-gets-token", Plan: "ground", Rules: []string{"AS-TOK-01"},
			Title:  "A registered client obtains a token with its own credentials",
			Needs:  []check.Need{check.Clients(1)},
			Why:    "Consents are created with this token.",
			Causes: []string{"client not registered or registered with other keys", "client certificate not trusted"},
			Body: func(b *check.Bench) {
				p := b.Party(0)
				x := p.CredentialsRequest(p.Server, "consents").Send(b.Context())
				b.Expect(x).To(expect.Status(200))
				b.Expect(x).To(expect.JSON("access_token", expect.Something()))
				b.Expect(x).To(expect.JSON("token_type", expect.OneOf("Bearer", "bearer")))
			},
		},
	}
}
