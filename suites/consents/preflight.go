package consents

import (
	"crypto/x509"

	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func preflightChecks() []check.Check {
	return []check.Check{{
		ID: "CON-001", Name: "consents/preflight", Rules: rules("DIR-02"), Official: official("preflight"),
		Title:  "Client certificate, directory access, software statement and discovery are usable",
		Needs:  []check.Need{check.Clients(1)},
		Why:    "A failure here explains most failures below it.",
		Causes: causes("an expired client certificate", "the statement was deactivated in the directory", "the bank's entry in the directory is out of date"),
		Body: func(b *check.Bench) {
			p := b.Party(0)
			leaf := check.Given[*x509.Certificate](b, "a readable client certificate")(x509.ParseCertificate(p.Config().Transport.Certificate[0]))
			b.Expect(leaf.NotAfter.After(b.Now()) && leaf.NotBefore.Before(b.Now()), "client certificate").To(expect.True("in date"))
			statement := check.Given[string](b, "a software statement from the directory")(p.SSA(b.Context()))
			b.Expect(statement, "software statement").To(expect.Matching(`[\w-]+\.[\w-]+\.[\w-]+`))
			b.Expect(p.Server.Document["scopes_supported"], "scopes of the bank").To(expect.Containing("consents"))
			b.Expect(p.Credentials("consents").AccessToken(), "token for consents").To(expect.Something())
		},
	}}
}
