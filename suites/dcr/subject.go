package dcr

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// subjectChecks are about whom a certificate names, and in which form it does.
func subjectChecks() []check.Check {
	return []check.Check{
		{ID: "DCR-T-009", Name: "dcr/rejects-untrusted-certificate", Rules: rules("DCR-01 CERT-10/trusted-chain"), Official: security("brazil-dcr-bad-mtls"),
			Title: "A certificate of an unknown authority, or of its own, registers nothing", Needs: hostiles("untrusted", "self-signed"),
			Body: rejectsCertificates("untrusted", "self-signed")},
		{ID: "DCR-T-034", Name: "dcr/rejects-revoked-certificate", Rules: rules("CERT-13/not-revoked DCR-01"), Official: functional("fvp-revoked-certificate_test-module"),
			Title: "A revoked certificate registers nothing", Needs: hostiles("revoked"), Body: rejectsCertificates("revoked")},
		{ID: "DCX-006", Name: "dcr/matches-certificate-to-statement", Rules: rules("DCR-11/software"),
			Title: "A certificate of another software of the same organisation registers nothing", Needs: newcomer(nil, check.Hostile("other-software")), Body: matchesSoftware},
		{ID: "DCX-007", Name: "dcr/matches-organisation-to-statement", Rules: rules("DCR-12/organisation"),
			Title: "A certificate that names another organisation than the statement registers nothing", Needs: hostiles("other-organisation"),
			Body: rejectsCertificates("other-organisation")},
		{ID: "DCR-T-019", Name: "dcr/accepts-2022-certificate", Rules: rules("DCR-10 DCR-12 CERT-05"), Official: functional("brcac2022-support_test-module"),
			Title: "Certificates of the subject format of 2022 and of the one before both register and get tokens", Needs: hostiles("legacy-ou"), Body: acceptsForms("", "legacy-ou")},
		{ID: "DCX-008", Name: "dcr/tolerates-string-types", Rules: rules("DCR-10 DCR-12"),
			Title: "Subject attributes register whether written as UTF8String or as PrintableString", Needs: hostiles("printable"), Body: acceptsForms("", "printable")},
		{ID: "DCX-009", Name: "dcr/tolerates-organisation-in-unit", Rules: rules("DCR-12"),
			Title: "A certificate with the organisation in OU, as before August 2022, registers and manages its registration", Needs: hostiles("legacy-ou"), Body: managesWithForm("legacy-ou")},
		{ID: "DCX-010", Name: "dcr/tolerates-subject-forms", Rules: rules("CERT-05 DCR-13"),
			Title: "The order of the subject's attributes makes no difference to registration", Needs: hostiles("legacy-order", "reordered", "reversed"),
			Body: acceptsForms("legacy-order", "reordered", "reversed")},
		{ID: "DCX-X55", Name: "dcr/reads-subject-names", Rules: rules("DCR-10/subject-descriptors"), Severity: check.Should,
			Title: "A subject DN sent as metadata is read in short names, dotted numbers and encoded values, and refused in words nobody knows", Body: readsSubjectNames},
		{ID: "DCX-X56", Name: "dcr/compares-subject-names", Rules: rules("DCR-13/subject-matches"), Severity: check.Should,
			Title: "A subject DN sent as metadata is that of the certificate, whatever the case of its values", Body: comparesSubjectNames},
	}
}

// certificateRefused is how a server may decline a certificate: in the handshake, or with an answer.
var certificateRefused = expect.RefusedConnection(400, 401, 403)

// hostiles needs the named certificates of the first unregistered software.
func hostiles(kinds ...string) []check.Need {
	needs := newcomer(nil)
	for _, kind := range kinds {
		needs = append(needs, check.Hostile(kind))
	}
	return needs
}

// shows bends a registration to come over another certificate of the target's collection.
func shows(kind string) bend {
	return bend{"over the certificate " + kind, func(a *applicant, r *tpp.Registration) { r.WithCertificate(a.b.HostileCertificate(kind)) }}
}

// rejectsCertificates is the body of a check in which sound registrations come over certificates that
// must be refused, one after the other, and at last over the right one.
func rejectsCertificates(kinds ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		a := applyAsFirst(b)
		for _, kind := range kinds {
			a.turnedAway(shows(kind), certificateRefused)
		}
		a.registers()
	}
}

func matchesSoftware(b *check.Bench) {
	a := applyAsFirst(b)
	a.turnedAway(shows("other-software"), certificateRefused)
	for i, c := range b.Target().Registered() {
		if c.OrganisationID == a.Config().OrganisationID {
			sibling := b.Client(i).Config().Transport
			a.turnedAway(bend{"over the certificate of " + c.Name, func(_ *applicant, r *tpp.Registration) { r.WithCertificate(sibling) }}, certificateRefused)
			break
		}
	}
	a.registers()
}

// acceptsForms is the body of a check in which certificates of unusual and lawful subjects register and
// get a token; "" is the usual one.
func acceptsForms(forms ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		a := applyAsFirst(b)
		for _, form := range forms {
			cert := a.form(form)
			x := a.sends(a.request().WithCertificate(cert))
			b.Expect(x, "registration over the certificate "+form).To(expect.Status(201))
			token := a.CredentialsRequest(a.Server, a.ownScope()).WithCertificate(cert).Send(b.Context())
			b.Expect(token, "token over the certificate "+form).To(expect.Status(200))
			a.leaves()
		}
	}
}

// form is the certificate of that form; "" is the usual one.
func (a *applicant) form(kind string) tls.Certificate {
	if kind == "" {
		return a.Config().Transport
	}
	return a.b.HostileCertificate(kind)
}

// ownScope is a scope of client credentials that the software's roles allow.
func (a *applicant) ownScope() string {
	if slices.Contains(texts(a.claims()["software_roles"]), "DADOS") {
		return "consents"
	}
	return "payments"
}

func managesWithForm(form string) func(*check.Bench) {
	return func(b *check.Bench) {
		a := applyAsFirst(b)
		a.registers()
		cert := a.form(form)
		b.Expect(a.ReadRegistrationRequest(a.Server).WithCertificate(cert).Send(b.Context()), "reading").To(expect.Status(200))
		b.Expect(a.update().WithCertificate(cert).Send(b.Context()), "updating").To(expect.Status(200))
		x := a.DeleteRegistrationRequest(a.Server).WithCertificate(cert).Send(b.Context())
		b.Expect(x, "deleting").To(expect.Status(204))
		b.Expect(a.sends(a.request().WithCertificate(cert)), "registering").To(expect.Status(201))
	}
}

func named(what string, name func(a *applicant) string) bend {
	return bend{what, func(a *applicant, r *tpp.Registration) { r.Set("tls_client_auth_subject_dn", name(a)) }}
}

func readsSubjectNames(b *check.Bench) {
	a := apply(b)
	own := func(write notation) func(*applicant) string {
		return func(a *applicant) string { return subjectText(b, a.Config().Transport, write) }
	}
	for _, with := range []bend{named("with the subject in short names", own(shortNames)), named("with the subject in dotted numbers", own(dottedNumbers))} {
		x := a.sends(a.request(with))
		b.Verify(x, "registration "+with.what).To(expect.Status(201))
		if x.OK() {
			a.departs()
		}
	}
	for _, with := range []bend{
		named("with OID before the numbers", func(a *applicant) string {
			return "OID." + strings.ReplaceAll(own(dottedNumbers)(a), ",", ",OID.")
		}),
		named("with a descriptor nobody knows", func(a *applicant) string { return "APELIDO=aurora," + own(shortNames)(a) }),
	} {
		a.turnedAway(with, badMetadata)
	}
}

func comparesSubjectNames(b *check.Bench) {
	a := apply(b)
	own := subjectText(b, a.Config().Transport, shortNames)
	upper := named("with the subject in other case", func(*applicant) string {
		return strings.ReplaceAll(own, "CN="+commonName(a.Config().Transport), "CN="+strings.ToUpper(commonName(a.Config().Transport)))
	})
	x := a.sends(a.request(upper))
	b.Verify(x, "registration "+upper.what).To(expect.Status(201))
	if x.OK() {
		a.departs()
	}
	a.turnedAway(named("with the subject of somebody else", func(*applicant) string {
		return strings.ReplaceAll(own, commonName(a.Config().Transport), "outra-instituicao.example")
	}), badMetadata)
}

// notation writes one attribute of a subject.
type notation func(oid, value string) string

var shortest = map[string]string{"2.5.4.3": "CN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "0.9.2342.19200300.100.1.1": "UID"}

var escaped = strings.NewReplacer(`\`, `\\`, ",", `\,`, "+", `\+`, `"`, `\"`, "<", `\<`, ">", `\>`, ";", `\;`)

// shortNames writes what RFC 4514 has names for as text, and the rest as numbers and encoded values.
func shortNames(oid, value string) string {
	if name, ok := shortest[oid]; ok {
		return name + "=" + escaped.Replace(value)
	}
	return dottedNumbers(oid, value)
}

// dottedNumbers writes number and encoded value.
func dottedNumbers(oid, value string) string {
	der, err := asn1.MarshalWithParams(value, "utf8")
	if err != nil {
		return oid + "="
	}
	return oid + "=#" + hex.EncodeToString(der)
}

// subjectText writes a certificate's subject, most significant attribute last (RFC 4514).
func subjectText(b *check.Bench, cert tls.Certificate, write notation) string {
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	b.Given("a certificate that can be read", err)
	var name pkix.RDNSequence
	_, err = asn1.Unmarshal(leaf.RawSubject, &name)
	b.Given("a subject that can be read", err)
	var parts []string
	for _, set := range slices.Backward(name) {
		for _, a := range set {
			parts = append(parts, write(a.Type.String(), fmt.Sprint(a.Value)))
		}
	}
	return strings.Join(parts, ",")
}

func commonName(cert tls.Certificate) string {
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return ""
	}
	return leaf.Subject.CommonName
}
