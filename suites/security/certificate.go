package security

import (
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// hostile is the body of a check that uses registered software first with its own certificate and then
// with wrong ones of the same name.
func hostile(kinds ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		p := registered(b, "DADOS", "PAGTO")
		b.Expect(p.CredentialsRequest(p.Server, "consents").Send(b.Context()), "its own certificate").To(expect.Status(200))
		for _, kind := range kinds {
			x := p.CredentialsRequest(p.Server, "consents").WithCertificate(b.HostileCertificate(kind)).Send(b.Context())
			b.Expect(x, "certificate: %s", kind).To(noCertificate())
		}
	}
}

// hostiles needs the software and its wrong certificates.
func hostiles(kinds ...string) []check.Need {
	needs := []check.Need{check.Statement("DADOS", "PAGTO")}
	for _, kind := range kinds {
		needs = append(needs, check.Hostile(kind))
	}
	return needs
}

func certificateChecks() []check.Check {
	all := []check.Check{
		{
			ID: "SOX-032", Name: "tls/rejects-expired-certificate", Title: "A client certificate outside its validity is refused",
			Rules: rules("RS-MTLS-01/in-date", "CERT-13"), Needs: hostiles("expired", "not-yet-valid"), Body: hostile("expired", "not-yet-valid"),
			Why: "Expired keys are no longer guarded.", Causes: causes("a proxy that asks for any certificate"),
		},
		{
			ID: "SOX-X109", Name: "tls/rejects-revoked-certificate", Title: "A revoked client certificate is refused",
			Rules: rules("CERT-13/not-revoked", "TLS-03"), Needs: hostiles("revoked"), Body: hostile("revoked"),
			Why: "It was revoked because somebody may have stolen it.", Causes: causes("revocation lists never fetched", "a list of last month"),
		},
		{
			ID: "SOX-X110", Name: "tls/rejects-untrusted-issuer", Title: "A client certificate of an unknown authority is refused",
			Rules: rules("CERT-10/trusted-chain", "RS-MTLS-01"), Needs: hostiles("untrusted", "self-signed"), Body: hostile("untrusted", "self-signed"),
			Why: "Anybody can found an authority.", Causes: causes("authorities compared by name", "every certificate accepted and its subject believed"),
		},
		{
			ID: "SOX-X111", Name: "tls/rejects-signing-certificate", Title: "A certificate that is not for transport is refused as client certificate",
			Rules: rules("CERT-02/not-signing"), Needs: hostiles("signing", "no-key-usage"), Body: hostile("signing", "no-key-usage"),
			Why: "Keys that sign and keys that connect are guarded differently.", Causes: causes("key usage not looked at"),
		},
		{
			ID: "SOX-X112", Name: "tls/rejects-server-certificate", Title: "A certificate for servers is refused as client certificate",
			Rules: rules("CERT-02/client-authentication"), Needs: hostiles("server-only"), Body: hostile("server-only"),
			Why: "A web server's key is no proof of a participant.", Causes: causes("extended key usage not looked at"),
		},
		{
			ID: "SOX-X113", Name: "tls/rejects-authority-certificate", Title: "A certificate of an authority is refused as client certificate",
			Rules: rules("CERT-02/not-authority"), Needs: hostiles("authority"), Body: hostile("authority"),
			Why: "Whoever holds it could make others.", Causes: causes("basic constraints not looked at"),
		},
		{
			ID: "SOX-X114", Name: "tls/rejects-small-key", Title: "A client certificate with an RSA key of 1024 bits is refused",
			Rules: rules("CERT-01/key-size", "CRYPT-03"), Needs: hostiles("small-key"), Body: hostile("small-key"),
			Why: "Such keys can be broken.", Causes: causes("key size not looked at"),
		},
		{
			ID: "SOX-X115", Name: "tls/binds-client-to-certificate", Title: "A client is refused when it comes with another participant's certificate", Needs: twoClients[:1],
			Rules: rules("AS-TOK-01/own-certificate"),
			Why:   "A stolen signing key must not be enough.", Causes: causes("any certificate of the directory accepted"),
			Body: func(b *check.Bench) {
				p := b.Party(0)
				x := p.CredentialsRequest(p.Server, "consents").WithCertificate(b.Party(1).Config().Transport).Send(b.Context())
				b.Expect(x, "another participant's certificate").To(clientRefusal("invalid_request", "unauthorized_client", "access_denied"))
				b.Expect(p.CredentialsRequest(p.Server, "consents").Send(b.Context()), "its own certificate").To(expect.Status(200))
			},
		},
		{
			ID: "SOX-X116", Name: "tls/accepts-legal-forms", Title: "Client certificates of every legal form of subject are accepted",
			Rules: rules("CERT-05", "DCR-12"), Needs: hostiles("legacy-ou", "printable", "reordered", "legacy-order"),
			Why: "Certificates issued before a change of the standard stay valid.", Causes: causes("subjects compared as text"),
			Body: func(b *check.Bench) {
				p := registered(b, "DADOS", "PAGTO")
				for _, form := range []string{"legacy-ou", "printable", "reordered", "legacy-order"} {
					x := p.CredentialsRequest(p.Server, "consents").WithCertificate(b.HostileCertificate(form)).Send(b.Context())
					b.Expect(x, "certificate: %s", form).To(expect.Status(200))
				}
			},
		},
	}
	return all
}
