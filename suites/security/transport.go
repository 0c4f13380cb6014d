package security

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// hosts are the addresses of the bank, by what they are for.
func hosts(p *check.Party) map[string]string {
	return map[string]string{"authorization": p.Server.Authorization, "token": p.Server.Token, "API": p.Server.ResourceBase}
}

// allowedSuites are those of the profile for TLS 1.2, the DHE variants of its base included.
var allowedSuites = []uint16{
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0x009e, 0x009f,
}

// each does something for every host of the bank.
func each(do func(b *check.Bench, p *check.Party, what string, probe *tpp.Probe)) func(*check.Bench) {
	return func(b *check.Bench) {
		p := b.Party(0)
		for what, address := range hosts(p) {
			b.Step("the %s host", what)
			do(b, p, what, p.Probe(address).WithCertificate(p.Config().Transport))
		}
	}
}

// floors judges the protocol versions of a host.
func floors(b *check.Bench, _ *check.Party, what string, probe *tpp.Probe) {
	have := probe.Versions(b.Context())
	for _, old := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		b.Expect(have[old], "%s on the %s host", tls.VersionName(old), what).To(expect.Equal(false))
	}
	b.Expect(have[tls.VersionTLS12] || have[tls.VersionTLS13], "TLS 1.2 or 1.3 on the %s host", what).To(expect.Equal(true))
}

// noCertificate is how a protected endpoint refuses a caller without one.
func noCertificate() expect.Matcher { return expect.RefusedConnection(400, 401, 403) }

// forwarded are headers with which proxies hand a client certificate on, with the form each uses.
func forwarded(chain [][]byte) map[string]string {
	var text strings.Builder
	for _, der := range chain {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	escaped := url.QueryEscape(text.String())
	escaped = strings.ReplaceAll(escaped, "+", "%20")
	headers := map[string]string{"Client-Cert": ":" + base64.StdEncoding.EncodeToString(chain[0]) + ":"}
	for _, name := range []string{"X-Client-Cert", "X-SSL-Client-Cert", "SSL-Client-Cert", "X-Forwarded-Client-Cert", "X-Client-Certificate", "X-Forwarded-Tls-Client-Cert", "X-SSL-Cert", "X-ARR-ClientCert"} {
		headers[name] = escaped
	}
	return headers
}

func transportChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-033", Name: "tls/requires-client-certificate", Title: "Token, revocation and API endpoints refuse a caller without client certificate, and old versions of TLS",
			Rules: rules("AS-TOK-01/has-certificate", "RS-MTLS-01/has-certificate", "TLS-01"), Official: official("ensure-mtls-holder-of-key-required"),
			Why: "The certificate ties the client's network to its name.", Causes: causes("the endpoint served on a public host too", "a proxy that asks and does not insist"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				p := j.party
				x := p.CredentialsRequest(p.Server, "consents").Send(b.Context())
				b.Expect(x, "token with certificate").To(expect.Status(200))
				token := text(x, "access_token")
				read := func() *tpp.APICall { return p.Call("consents.read", nil).Token(token).Param("consentId", j.consent.ID) }
				b.Expect(p.CredentialsRequest(p.Server, "consents").WithoutCertificate().Send(b.Context()), "token without certificate").To(noCertificate())
				if p.Server.Revocation != "" {
					b.Expect(p.RevokeRequest(p.Server, long(43)).WithoutCertificate().Send(b.Context()), "revocation without certificate").To(noCertificate())
				}
				b.Expect(read().WithoutCertificate().Send(b.Context()), "API without certificate").To(noCertificate())
				b.Expect(read().Send(b.Context()), "API with certificate").To(expect.Status(200))
				floors(b, p, "token", p.Probe(p.Server.Token))
			},
		},
		{
			ID: "SOX-X107", Name: "tls/offers-only-allowed-versions", Title: "No host of the bank speaks TLS older than 1.2", Needs: oneClient,
			Rules: rules("TLS-01"),
			Why:   "Older versions can be read by whoever tries.", Causes: causes("the default of a load balancer"),
			Body: each(floors),
		},
		{
			ID: "SOX-030", Name: "tls/offers-only-allowed-ciphers", Title: "Of TLS 1.2 no host of the bank accepts a suite outside the profile", Needs: oneClient,
			Rules: rules("TLS-01"),
			Why:   "Weak suites can be read, or give no secrecy for the past.", Causes: causes("the default of a load balancer"),
			Body: each(func(b *check.Bench, _ *check.Party, what string, probe *tpp.Probe) {
				var wrong []string
				for _, id := range probe.Suites(b.Context()) {
					if !slices.Contains(allowedSuites, id) {
						wrong = append(wrong, tls.CipherSuiteName(id))
					}
				}
				b.Expect(wrong, "suites outside the profile on the %s host", what).To(expect.Nothing())
			}),
		},
		{
			ID: "SOX-028", Name: "tls/disables-resumption", Title: "No host of the bank takes up an earlier session", Needs: oneClient,
			Rules: rules("TLS-02"),
			Why:   "A resumed session skips the client certificate.", Causes: causes("session tickets switched on by default"),
			Body: each(func(b *check.Bench, _ *check.Party, what string, probe *tpp.Probe) {
				have := probe.Versions(b.Context())
				for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
					if !have[v] {
						continue
					}
					resumed, err := probe.Resumes(b.Context(), v)
					b.Given("two connections to the "+what+" host", err)
					b.Expect(resumed, "%s session resumed on the %s host", tls.VersionName(v), what).To(expect.Equal(false))
				}
			}),
		},
		{
			ID: "SOX-029", Name: "tls/refuses-renegotiation", Title: "No host of the bank renegotiates inside a connection", Needs: oneClient,
			Rules: rules("TLS-02"),
			Why:   "Renegotiation has been used to speak before the client in its own connection.", Causes: causes("renegotiation to ask for a certificate late"),
			Body: each(func(b *check.Bench, _ *check.Party, what string, probe *tpp.Probe) {
				again, err := probe.Renegotiates(b.Context())
				if errors.Is(err, tpp.ErrNoTLS12) {
					b.Expect(probe.Versions(b.Context())[tls.VersionTLS12], "TLS 1.2 on the %s host, which alone renegotiates", what).To(expect.Equal(false))
					return
				}
				b.Given("a connection to the "+what+" host", err)
				b.Expect(again, "renegotiation on the %s host", what).To(expect.Equal(false))
			}),
		},
		{
			ID: "SOX-031", Name: "tls/serves-complete-chain", Title: "Every host of the bank sends its whole chain, which verifies without fetching anything", Needs: oneClient,
			Rules: rules("CERT-09", "RS-MTLS-03", "TLS-03"),
			Why:   "Programs do not go and look for the missing part, as browsers do.", Causes: causes("only the leaf installed in the load balancer"),
			Body: each(func(b *check.Bench, _ *check.Party, what string, probe *tpp.Probe) {
				h := probe.Handshake(b.Context(), nil)
				b.Given("a connection to the "+what+" host", h.Err)
				b.Expect(h.ChainErr, "chain of the %s host", what).To(expect.Success())
			}),
		},
		{
			ID: "SOX-X108", Name: "gateway/ignores-caller-supplied-certificate", Title: "A certificate in a header does not stand for that of the connection",
			Rules: rules("RS-MTLS-01/only-the-connection"),
			Why:   "Certificates are public: anybody can write one into a header.", Causes: causes("a header of an inner proxy that is believed from outside"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				token := text(j.tokens(), "access_token")
				for name, value := range forwarded(j.party.Config().Transport.Certificate) {
					x := j.reads(token).WithoutCertificate().Header(name, value).Send(b.Context())
					b.Expect(x, "certificate in %s only", name).To(noCertificate())
				}
				b.Expect(j.reads(token).Send(b.Context()), "certificate of the connection").To(expect.Status(200))
			},
		},
	}
}
