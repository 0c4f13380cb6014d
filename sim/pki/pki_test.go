package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var aurora = Subject{
	Name: "aurora", OrganisationID: "b961c4eb-509d-4edf-afeb-35642b38185d", SoftwareID: "25556d5a-b9dd-4e27-aa1a-cce732fe74de",
	CNPJ: "12.345.678/0001-95", LegalName: "Receptora Aurora Crédito S/A", City: "São Paulo", State: "SP", CommonName: "app.receptora-aurora.localhost",
}

// shared is one authority for all tests that only read.
var shared = sync.OnceValues(func() (*Authority, error) {
	return Open("", clock.Fixed(start), CRL("http://crl.pki.test:1080"), OCSP("http://ocsp.pki.test:1080/ocsp"), Stock(12))
})

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func must(t *testing.T) func(Identity, error) Identity {
	return func(id Identity, err error) Identity {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
}

// part is one attribute of a subject as it stands in the certificate.
type part struct {
	oid, value string
	tag        int
}

func parts(t *testing.T, raw []byte) []part {
	t.Helper()
	var rdns []asn1.RawValue
	if _, err := asn1.Unmarshal(raw, &rdns); err != nil {
		t.Fatal(err)
	}
	var out []part
	for _, set := range rdns {
		var one struct {
			OID   asn1.ObjectIdentifier
			Value asn1.RawValue
		}
		if _, err := asn1.Unmarshal(set.Bytes, &one); err != nil {
			t.Fatal(err)
		}
		out = append(out, part{one.OID.String(), string(one.Value.Bytes), one.Value.Tag})
	}
	return out
}

func TestTransportCertificateKeepsTheProfile(t *testing.T) {
	a := authority(t)
	c := must(t)(a.Transport(aurora)).Certificate
	const utf8, printable = asn1.TagUTF8String, asn1.TagPrintableString
	want := []part{
		{"2.5.4.15", "Private Organization", utf8},
		{"1.3.6.1.4.1.311.60.2.1.3", "BR", printable},
		{"2.5.4.5", "12345678000195", printable},
		{"2.5.4.6", "BR", printable},
		{"2.5.4.10", "Receptora Aurora Credito S/A SIMULADOR", utf8},
		{"2.5.4.8", "SP", utf8},
		{"2.5.4.7", "Sao Paulo", utf8},
		{"2.5.4.97", "OFBBR-" + aurora.OrganisationID, utf8},
		{"0.9.2342.19200300.100.1.1", aurora.SoftwareID, utf8},
		{"2.5.4.3", aurora.CommonName, utf8},
	}
	got := parts(t, c.RawSubject)
	if len(got) != len(want) {
		t.Fatalf("CERT-03: subject %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("CERT-05: attribute %d: got %v, want %v", i, got[i], want[i])
		}
	}
	if c.SignatureAlgorithm != x509.SHA256WithRSA || c.PublicKeyAlgorithm != x509.RSA {
		t.Errorf("CERT-01: %v, %v", c.SignatureAlgorithm, c.PublicKeyAlgorithm)
	}
	if c.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment || !critical(c, "2.5.29.15") {
		t.Errorf("CERT-02: key usage %b", c.KeyUsage)
	}
	if len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || c.IsCA {
		t.Errorf("CERT-02: extended key usage %v, CA %v", c.ExtKeyUsage, c.IsCA)
	}
	if len(c.DNSNames) != 1 || c.DNSNames[0] != aurora.CommonName {
		t.Errorf("CERT-04: names %v", c.DNSNames)
	}
	if c.CRLDistributionPoints[0] != "http://crl.pki.test:1080/issuer.crl" || c.OCSPServer[0] != "http://ocsp.pki.test:1080/ocsp" {
		t.Errorf("revocation is not announced: %v, %v", c.CRLDistributionPoints, c.OCSPServer)
	}
	if !strings.Contains(c.Issuer.CommonName, "V10") {
		t.Errorf("issuer %s", c.Issuer)
	}
}

func critical(c *x509.Certificate, oid string) bool {
	for _, e := range c.Extensions {
		if e.Id.String() == oid {
			return e.Critical
		}
	}
	return false
}

func TestSigningCertificateKeepsTheProfile(t *testing.T) {
	a := authority(t)
	c := must(t)(a.Signing(aurora)).Certificate
	got := parts(t, c.RawSubject)
	var oids []string
	for _, p := range got {
		oids = append(oids, p.oid)
	}
	if strings.Join(oids, " ") != "0.9.2342.19200300.100.1.1 2.5.4.6 2.5.4.10 2.5.4.11 2.5.4.11 2.5.4.11 2.5.4.3" {
		t.Fatalf("CERT-06: subject %v", got)
	}
	if got[0].value != aurora.OrganisationID || got[2].value != "ICP-Brasil" || !strings.Contains(got[6].value, "SIMULADOR") {
		t.Errorf("CERT-06: subject %v", got)
	}
	if c.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment || !critical(c, "2.5.29.15") || len(c.ExtKeyUsage) != 0 {
		t.Errorf("CERT-06: usage %b %v", c.KeyUsage, c.ExtKeyUsage)
	}
	names := map[string]string{}
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSubjectAltName) {
			continue
		}
		var all []asn1.RawValue
		if _, err := asn1.Unmarshal(e.Value, &all); err != nil {
			t.Fatal(err)
		}
		for _, n := range all {
			var oid asn1.ObjectIdentifier
			rest, err := asn1.Unmarshal(n.Bytes, &oid)
			if err != nil {
				t.Fatal(err)
			}
			var value string
			if _, err := asn1.UnmarshalWithParams(rest, &value, "explicit,tag:0"); err != nil {
				t.Fatal(err)
			}
			names[oid.String()] = value
		}
	}
	if len(names) != 4 || names["2.16.76.1.3.3"] != "12345678000195" || len(names["2.16.76.1.3.4"]) != 8+11+11+15+6 ||
		names["2.16.76.1.3.2"] == "" || names["2.16.76.1.3.7"] == "" {
		t.Errorf("CERT-07: other names %v", names)
	}
	if !strings.Contains(c.Issuer.CommonName, "V5") {
		t.Errorf("issuer %s", c.Issuer)
	}
}

// verify judges an identity as a server does that sees its chain in a handshake.
func verify(a *Authority, id Identity, usage x509.ExtKeyUsage) error {
	between := x509.NewCertPool()
	for _, c := range id.Chain[1:] {
		between.AddCert(c)
	}
	_, err := id.Certificate.Verify(x509.VerifyOptions{
		Roots: a.Roots(), Intermediates: between, CurrentTime: start, KeyUsages: []x509.ExtKeyUsage{usage},
	})
	return err
}

func TestChainsEndAtTheRoot(t *testing.T) {
	a := authority(t)
	server := must(t)(a.Server("banco", "auth.banco.localhost", "api.banco.test", "127.0.0.1"))
	for name, c := range map[string]struct {
		id    Identity
		usage x509.ExtKeyUsage
	}{
		"transport": {must(t)(a.Transport(aurora)), x509.ExtKeyUsageClientAuth},
		"signing":   {must(t)(a.Signing(aurora)), x509.ExtKeyUsageAny},
		"server":    {server, x509.ExtKeyUsageServerAuth},
	} {
		if err := verify(a, c.id, c.usage); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(c.id.Chain) != 2 {
			t.Errorf("CERT-09: %s sends %d certificates", name, len(c.id.Chain))
		}
	}
	for _, name := range []string{"api.banco.test", "127.0.0.1"} {
		if err := server.Certificate.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
}

func TestLegalVariantsVerify(t *testing.T) {
	a := authority(t)
	seen := map[string]bool{}
	for _, form := range Forms() {
		id := must(t)(a.Hostile(form, aurora))
		if err := verify(a, id, x509.ExtKeyUsageClientAuth); err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if seen[string(id.Certificate.RawSubject)] {
			t.Errorf("%s: same subject as another form", form)
		}
		seen[string(id.Certificate.RawSubject)] = true
		for _, p := range parts(t, id.Certificate.RawSubject) {
			switch {
			case form == LegacyUnit && p.oid == "2.5.4.97", form != LegacyUnit && p.oid == "2.5.4.11":
				t.Errorf("%s: %v", form, p)
			case form == LegacyUnit && p.oid == "2.5.4.11" && p.value != aurora.OrganisationID:
				t.Errorf("%s: OU %q", form, p.value)
			case form == Printable && p.tag != asn1.TagPrintableString:
				t.Errorf("%s: %v is not printable", form, p)
			}
		}
	}
}

func TestEveryWrongCertificateIsWrongInOneWay(t *testing.T) {
	a := authority(t)
	good := parts(t, must(t)(a.Transport(aurora)).Certificate.RawSubject)
	var reason = map[string]func(error) bool{
		Expired:     invalid(x509.Expired),
		NotYetValid: invalid(x509.Expired),
		ServerOnly:  invalid(x509.IncompatibleUsage),
		Untrusted:   func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) },
		SelfSigned:  func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) },
		LeafOnly:    func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) },
	}
	for _, kind := range Kinds() {
		id := must(t)(a.Hostile(kind, aurora))
		err := verify(a, id, x509.ExtKeyUsageClientAuth)
		if expected, ok := reason[kind]; ok {
			if err == nil || !expected(err) {
				t.Errorf("%s: refused because %v", kind, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: wrong in a second way: %v", kind, err)
		}
		got := parts(t, id.Certificate.RawSubject)
		switch {
		case kind == "missing-san":
			if len(id.Certificate.DNSNames) != 0 || len(got) != len(good) {
				t.Errorf("%s: %v", kind, id.Certificate.DNSNames)
			}
		case strings.HasPrefix(kind, "missing-"):
			if len(got) != len(good)-1 {
				t.Errorf("%s: %v", kind, got)
			}
		case kind == SmallKey && id.Key.N.BitLen() != 1024,
			kind == IsAuthority && !id.Certificate.IsCA,
			kind == NoKeyUsage && id.Certificate.KeyUsage != 0,
			kind == Revoked && !a.IsRevoked(id.Certificate),
			kind == SigningOnly && id.Certificate.KeyUsage&x509.KeyUsageContentCommitment == 0,
			kind == Accented && !strings.Contains(id.Certificate.Subject.Organization[0], "ã"):
			t.Errorf("%s: nothing wrong with it", kind)
		}
	}
	if _, err := a.Hostile("missing-moustache", aurora); err == nil || !strings.Contains(err.Error(), "missing-uid") {
		t.Errorf("an unknown kind must be refused with the list of kinds, got %v", err)
	}
}

func invalid(reason x509.InvalidReason) func(error) bool {
	return func(err error) bool {
		var e x509.CertificateInvalidError
		return errors.As(err, &e) && e.Reason == reason
	}
}

func TestADirectoryKeepsTheAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	open := func(options ...Option) *Authority {
		t.Helper()
		a, err := Open(dir, clock.Fixed(start), append(options, Stock(8))...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open()
	before := must(t)(a.Transport(aurora))
	gone := must(t)(a.Hostile(Revoked, aurora))
	untrusted := must(t)(a.Hostile(Untrusted, aurora))
	odd := map[string]Identity{}
	for _, kind := range append(Kinds(), Forms()...) {
		odd[kind] = must(t)(a.Hostile(kind, aurora))
	}

	b := open()
	for kind, had := range odd {
		if again := must(t)(b.Hostile(kind, aurora)); !bytes.Equal(again.Certificate.Raw, had.Certificate.Raw) {
			t.Errorf("%s was issued again", kind)
		}
	}
	if !bytes.Equal(a.CAPEM(), b.CAPEM()) {
		t.Error("the root changed")
	}
	if !bytes.Equal(must(t)(b.Transport(aurora)).Certificate.Raw, before.Certificate.Raw) ||
		!bytes.Equal(must(t)(b.Hostile(Untrusted, aurora)).Certificate.Raw, untrusted.Certificate.Raw) {
		t.Error("the same subject must have the same identity")
	}
	if !b.IsRevoked(gone.Certificate) {
		t.Error("a revocation was forgotten")
	}
	moved := aurora
	moved.CommonName = "other.localhost"
	if renewed := must(t)(b.Transport(moved)); renewed.Certificate.Subject.CommonName != moved.CommonName || !renewed.Key.Equal(before.Key) {
		t.Error("a changed subject must be issued again, for the same key")
	}
	if n := must(t)(open(CRL("http://elsewhere.test")).Transport(moved)).Certificate.CRLDistributionPoints; len(n) != 1 {
		t.Errorf("a new address of the list is not written: %v", n)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
		}
	}

	path := filepath.Join(dir, "transport-aurora.pem")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{0, 100, len(text) / 2, bytes.LastIndex(text, []byte("-----BEGIN")), len(text) - 1000, len(text) - 10} {
		if err := os.WriteFile(path, text[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open().Transport(moved); err == nil || !strings.Contains(err.Error(), "transport-aurora.pem is damaged") {
			t.Errorf("file of %d bytes: %v", length, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "ca-root.pem"), []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, clock.Fixed(start)); err == nil || !strings.Contains(err.Error(), "ca-root.pem is damaged") {
		t.Errorf("a torn root: %v", err)
	}
}

func TestConcurrentCallersGetOneIdentity(t *testing.T) {
	a := authority(t)
	var wg sync.WaitGroup
	found := make([]Identity, 8)
	for i := range found {
		wg.Go(func() { found[i], _ = a.Transport(Subject{Name: "many", SoftwareID: "s", CommonName: "many.test"}) })
	}
	wg.Wait()
	for _, id := range found {
		if id.Certificate == nil || !bytes.Equal(id.Certificate.Raw, found[0].Certificate.Raw) {
			t.Fatal("callers got different certificates")
		}
	}
}
