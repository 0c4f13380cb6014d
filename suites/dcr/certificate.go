package dcr

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func certificateChecks() []check.Check {
	known := []check.Need{check.Clients(1)}
	all := []check.Check{
		{ID: "CRT-001", Name: "certificates/have-strong-keys", Rules: rules("CERT-01 CRYPT-03"), Needs: known,
			Title: "Every certificate met, of clients, of servers and in the key store, has an RSA key of 2048 bits and a SHA-256 signature", Body: strongKeys},
		{ID: "CRT-002", Name: "certificates/transport-profile", Rules: rules("CERT-02"), Needs: known,
			Title: "The clients' transport certificates are for client authentication, with a critical key usage, and no authority's",
			Body:  lintsTransport(transportFlaws)},
		{ID: "CRT-003", Name: "certificates/transport-subject", Rules: rules("CERT-03 CERT-08"), Needs: known,
			Title: "The subject of the clients' transport certificates has every attribute once, in its form and in permitted characters",
			Body:  lintsTransport(subjectFlaws)},
		{ID: "CRT-004", Name: "certificates/transport-names", Rules: rules("CERT-04"), Needs: known,
			Title: "The clients' transport certificates repeat their common name among the DNS names", Body: lintsTransport(nameFlaws)},
		{ID: "CRT-005", Name: "certificates/requires-each-attribute", Rules: rules("CERT-03 CERT-04 DCR-10"), Needs: hostiles(missing...),
			Title: "A transport certificate without one of the required attributes registers nothing, whichever it is", Body: rejectsCertificates(missing...)},
		{ID: "CRT-006", Name: "certificates/accepts-legal-subjects", Rules: rules("CERT-05"), Needs: hostiles("printable", "legacy-order", "reordered", "reversed", "legacy-ou"),
			Title: "The standard subject and every lawful older order and encoding are accepted at the bank's endpoints", Body: acceptsLegalSubjects},
		{ID: "CRT-007", Name: "certificates/signing-profile", Rules: rules("CERT-06"), Needs: known,
			Title: "The organisations' signing certificates have the key usage and the subject of their profile", Body: lintsSeals(sealFlaws)},
		{ID: "CRT-008", Name: "certificates/signing-other-names", Rules: rules("CERT-07"), Needs: known,
			Title: "The organisations' signing certificates carry the four other names",
			Body:  lintsSeals(func(c *x509.Certificate, _ string) []string { return otherNameFlaws(c) })},
		{ID: "CRT-009", Name: "certificates/key-store-is-consistent", Rules: rules("DIR-01"), Needs: known,
			Title: "In the key store every key's id, thumbprint, certificate and address agree, and no key is both active and inactive", Body: consistentKeyStore},
		{ID: "CRT-010", Name: "certificates/endpoint-matrix", Rules: rules("CERT-12"), Needs: []check.Need{check.Clients(1), check.Customer()},
			Title: "Metadata, keys and authorization answer without client certificate, every other endpoint with one only", Body: endpointMatrix},
		{ID: "DCR-T-029", Name: "certificates/servers-are-standard", Rules: rules("RS-MTLS-03 CERT-09 CERT-11"), Needs: known,
			Official: []string{"fvp-payments-consents-server-certificate-v2"},
			Title:    "The bank's servers show certificates for their names, valid, for servers, with a complete chain", Body: standardServers},
	}
	for i, c := range []struct{ kind, rule, title string }{
		{"expired", "RS-MTLS-01/in-date", "An expired transport certificate registers nothing"},
		{"not-yet-valid", "RS-MTLS-01/in-date", "A transport certificate whose time has not come registers nothing"},
		{"server-only", "CERT-02/client-authentication", "A certificate that is for servers only registers nothing"},
		{"no-key-usage", "CERT-02/not-signing", "A certificate without the key usage of a transport certificate registers nothing"},
		{"signing", "CERT-02/not-signing", "A signing certificate registers nothing"},
		{"authority", "CERT-02/not-authority", "The certificate of an authority registers nothing"},
		{"small-key", "CERT-01/key-size", "A transport certificate with a key of 1024 bits registers nothing"},
	} {
		all = append(all, check.Check{ID: "CRT-X5" + string(rune('0'+i)), Name: "certificates/rejects-" + c.kind, Rules: []string{c.rule, "DCR-01"},
			Title: c.title, Needs: hostiles(c.kind), Body: rejectsCertificates(c.kind)})
	}
	return all
}

// missing are the certificates that lack one attribute each (CERT-03, CERT-04).
var missing = []string{"missing-business-category", "missing-jurisdiction", "missing-serial-number", "missing-country", "missing-organisation", "missing-state",
	"missing-locality", "missing-organization-identifier", "missing-uid", "missing-cn", "missing-san"}

func leaf(b *check.Bench, c tls.Certificate) *x509.Certificate {
	cert, err := x509.ParseCertificate(c.Certificate[0])
	b.Given("a certificate that can be read", err)
	return cert
}

// transports are the transport certificates of the target's clients, by the client's name.
func transports(b *check.Bench) map[string]tls.Certificate {
	all := map[string]tls.Certificate{}
	for _, c := range b.Target().Clients {
		pair, err := b.Target().Pair(c.Transport)
		b.Given("the transport certificate of "+c.Name, err)
		all[c.Name] = pair
	}
	return all
}

func lintsTransport(flaws func(*x509.Certificate) []string) func(*check.Bench) {
	return func(b *check.Bench) {
		for name, pair := range transports(b) {
			b.Verify(flaws(leaf(b, pair)), "flaws of the transport certificate of %s", name).To(expect.Nothing())
		}
	}
}

// seals are the signing certificates of an organisation in the key store.
func seals(b *check.Bench, organisation string) []*x509.Certificate {
	set, err := b.Client(0).OrganisationKeys(b.Context(), organisation)
	b.Given("the organisation's keys", err)
	var all []*x509.Certificate
	for _, k := range set.Keys {
		if len(k.Chain) > 0 {
			all = append(all, k.Chain[0])
		}
	}
	return all
}

// organisations are those of the bank and of its clients, each once.
func organisations(b *check.Bench) []string {
	all := []string{b.Target().Bank.OrganisationID}
	for _, c := range b.Target().Clients {
		if !slices.Contains(all, c.OrganisationID) {
			all = append(all, c.OrganisationID)
		}
	}
	return all
}

func lintsSeals(flaws func(*x509.Certificate, string) []string) func(*check.Bench) {
	return func(b *check.Bench) {
		for _, org := range organisations(b) {
			found := seals(b, org)
			b.Verify(len(found) > 0, "organisation %s", org).To(expect.True("it has a signing certificate in the key store"))
			for _, c := range found {
				b.Verify(flaws(c, org), "flaws of the signing certificate of %s", org).To(expect.Nothing())
			}
		}
	}
}

// servers are the addresses of the bank, one for each host.
func servers(b *check.Bench, p *check.Party) []string {
	s := p.Server
	var all []string
	hosts := map[string]bool{}
	for _, address := range []string{s.Issuer, s.Authorization, s.JWKS, s.Token, s.PAR, s.Registration, s.UserInfo, s.Revocation, s.ResourceBase} {
		if u, err := url.Parse(address); err == nil && u.Host != "" && !hosts[u.Host] {
			hosts[u.Host] = true
			all = append(all, address)
		}
	}
	return all
}

func strongKeys(b *check.Bench) {
	p := b.Party(0)
	judge := func(c *x509.Certificate, what string) {
		b.Verify(keyFlaws(c), "flaws of %s", what).To(expect.Nothing())
	}
	for name, pair := range transports(b) {
		judge(leaf(b, pair), "the transport certificate of "+name)
	}
	for _, address := range servers(b, p) {
		h := p.Probe(address).Handshake(b.Context(), nil)
		b.Given("a handshake with "+address, h.Err)
		for _, c := range h.Chain {
			judge(c, "the certificate "+c.Subject.CommonName+" of "+address)
		}
	}
	for _, org := range organisations(b) {
		for _, c := range seals(b, org) {
			judge(c, "the signing certificate of "+org)
		}
	}
}

func acceptsLegalSubjects(b *check.Bench) {
	a := applyAsFirst(b)
	a.registers()
	for _, form := range []string{"", "printable", "legacy-order", "reordered", "reversed", "legacy-ou"} {
		cert := a.form(form)
		x := a.CredentialsRequest(a.Server, a.ownScope()).WithCertificate(cert).Send(b.Context())
		b.Verify(x, "token over the certificate "+form).To(expect.Status(200))
		b.Verify(a.ReadRegistrationRequest(a.Server).WithCertificate(cert).Send(b.Context()), "registration read over the certificate "+form).To(expect.Status(200))
	}
}

// keySet fetches a set of the key store.
func keySet(b *check.Bench, path string) (*tpp.Exchange, jose.Set) {
	c := b.Client(0)
	x := c.Request("keys", "GET", strings.TrimSuffix(c.Config().Directory.Keystore, "/")+path).WithoutCertificate().Send(b.Context())
	b.Expect(x, path).To(expect.All(expect.Status(200), expect.JSON("keys", expect.That("a list", func(v any) (string, bool) {
		_, ok := v.([]any)
		return "something else", ok
	}))))
	var set jose.Set
	b.Given("a key set at "+path, set.UnmarshalJSON(x.Body))
	return x, set
}

func consistentKeyStore(b *check.Bench) {
	var places []string
	for _, org := range organisations(b) {
		places = append(places, "/"+org)
	}
	for _, c := range b.Target().Clients {
		places = append(places, "/"+c.OrganisationID+"/"+c.SoftwareStatementID)
	}
	for _, place := range places {
		for _, name := range []string{"application", "transport"} {
			x, active := keySet(b, place+"/"+name+".jwks")
			_, aside := keySet(b, place+"/inactive/"+name+".jwks")
			for _, k := range active.Keys {
				_, both := aside.Find(k.ID, "")
				b.Verify(!both, "key %s", k.ID).About(x).To(expect.True("it is not among the inactive keys too"))
				b.Verify(k.ID != "" && k.Use != "", "key %s of %s", k.ID, place).About(x).To(expect.True("it has an id and a use"))
				if len(k.Chain) > 0 {
					consistentKey(b, x, k)
				}
			}
		}
	}
	for _, c := range b.Target().Clients {
		_, active := keySet(b, "/"+c.OrganisationID+"/"+c.SoftwareStatementID+"/application.jwks")
		signing, err := b.Target().Private(c.Signing)
		b.Given("the signing key of "+c.Name, err)
		_, found := active.Find(signing.ID, "sig")
		b.Verify(found, "the signing key of %s", c.Name).To(expect.True("it is published"))
		_, found = active.ForUse("enc")
		b.Verify(found, "an encryption key of %s", c.Name).To(expect.True("it is published"))
	}
}

// consistentKey holds a key of a set against its certificate, and that against its address.
func consistentKey(b *check.Bench, x *tpp.Exchange, k jose.Key) {
	c := k.Chain[0]
	b.Verify(k.ID, "kid").About(x).To(expect.Equal(jose.Thumbprint(c)))
	b.Verify(k.Public.Equal(c.PublicKey), "key %s", k.ID).About(x).To(expect.True("it is the key of its certificate"))
	b.Verify(b.Now().Before(c.NotAfter), "the certificate of key %s", k.ID).About(x).To(expect.True("its time is not over"))
	if k.URL == "" {
		return
	}
	pem := b.Client(0).Request("certificate", "GET", k.URL).WithoutCertificate().Send(b.Context())
	b.Verify(pem, "the certificate at its address").To(expect.Answer("the certificate of key "+k.ID, func(x *tpp.Exchange) (string, bool) {
		der := certificateOf(x.Body)
		if der == nil {
			return "no certificate", false
		}
		return jose.Thumbprint(der), jose.Thumbprint(der) == k.ID
	}))
}

func standardServers(b *check.Bench) {
	p := b.Party(0)
	for _, address := range servers(b, p) {
		h := p.Probe(address).Handshake(b.Context(), nil)
		b.Given("a handshake with "+address, h.Err)
		b.Verify(h.ChainErr, "the chain of %s as served", address).To(expect.Success())
		if len(h.Chain) == 0 {
			continue
		}
		c := h.Chain[0]
		b.Verify(keyFlaws(c), "flaws of the certificate of %s", address).To(expect.Nothing())
		b.Verify(slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth), "the certificate of %s", address).To(expect.True("it is for servers"))
		b.Verify(len(h.Chain) > 1, "the chain of %s", address).To(expect.True("it comes with its intermediate"))
		b.Prefer(h.Expires(b.Now()).Hours() > 7*24, "the certificate of %s", address).To(expect.True("it lasts another week"))
	}
}

func endpointMatrix(b *check.Bench) {
	p := b.Party(0)
	s, ctx := p.Server, b.Context()
	for what, address := range map[string]string{"metadata": b.Target().Bank.Discovery, "keys": s.JWKS} {
		b.Verify(p.Request(what, "GET", address).WithoutCertificate().Send(ctx), what+" without certificate").To(expect.Status(200))
	}
	grant := p.Sharing(b.Person(), permissions)
	credentials := p.CredentialsRequest(s, "consents").Send(ctx)
	b.Expect(credentials, "token request with certificate").To(expect.Status(200))
	refused := expect.RefusedConnection(400, 401, 403)
	b.Verify(p.CredentialsRequest(s, "consents").WithoutCertificate().Send(ctx), "token request without certificate").To(refused)
	b.Verify(p.PushedRequest(s, grant.Consent).WithoutCertificate().Send(ctx), "pushed request without certificate").To(refused)
	b.Verify(p.RevokeRequest(s, credentials.Text("access_token")).WithoutCertificate().Send(ctx), "revocation without certificate").To(refused)
	b.Verify(p.UserInfoRequest(s, grant.AccessToken()).WithoutCertificate().Send(ctx), "userinfo without certificate").To(refused)
	b.Verify(p.UserInfoRequest(s, grant.AccessToken()).Send(ctx), "userinfo with certificate").To(expect.Status(200))
	for _, operation := range []string{"accounts.list", "resources.list"} {
		x := p.Call(operation, grant).WithoutCertificate().Send(ctx)
		b.Unjudged(x)
		b.Verify(x, operation+" without certificate").To(refused)
		b.Verify(p.Call(operation, grant).Send(ctx), operation+" with certificate").To(expect.Status(200, 202))
	}
	x := p.Call("consents.read", nil).Token(credentials.Text("access_token")).Param("consentId", grant.ConsentID()).WithoutCertificate().Send(ctx)
	b.Unjudged(x)
	b.Verify(x, "consents.read without certificate").To(refused)
	_, err := p.DeleteConsent(ctx, grant.Consent)
	b.Given("the end of the consent", err)
}
