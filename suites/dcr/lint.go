package dcr

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The lint functions below say what is wrong with a certificate, one sentence a flaw; none is right.

// keyFlaws judges key and signature (CERT-01).
func keyFlaws(c *x509.Certificate) (flaws []string) {
	if key, ok := c.PublicKey.(*rsa.PublicKey); !ok {
		flaws = append(flaws, fmt.Sprintf("the key is %v, not RSA", c.PublicKeyAlgorithm))
	} else if n := key.N.BitLen(); n < 2048 {
		flaws = append(flaws, fmt.Sprintf("the key has %d bits", n))
	}
	if c.SignatureAlgorithm != x509.SHA256WithRSA && c.SignatureAlgorithm != x509.SHA256WithRSAPSS {
		flaws = append(flaws, fmt.Sprintf("it is signed with %v", c.SignatureAlgorithm))
	}
	return flaws
}

var oidKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 15}

// usageFlaws judges key usage, which must be critical and hold the wanted bits.
func usageFlaws(c *x509.Certificate, want x509.KeyUsage, words string) (flaws []string) {
	critical := false
	for _, e := range c.Extensions {
		critical = critical || (e.Id.Equal(oidKeyUsage) && e.Critical)
	}
	if !critical {
		flaws = append(flaws, "key usage is absent or not critical")
	}
	if c.KeyUsage&want != want {
		flaws = append(flaws, "key usage lacks "+words)
	}
	if c.IsCA {
		flaws = append(flaws, "it is an authority's")
	}
	return flaws
}

// transportFlaws judges the profile of a BRCAC (CERT-02).
func transportFlaws(c *x509.Certificate) []string {
	flaws := usageFlaws(c, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment, "digitalSignature and keyEncipherment")
	if !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		flaws = append(flaws, "extended key usage lacks clientAuth")
	}
	return flaws
}

// attribute is what a subject must hold.
type attribute struct {
	oid, name string
	form      *regexp.Regexp
}

const identifier = `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`

// transportSubject lists the attributes of a BRCAC (CERT-03).
var transportSubject = []attribute{
	{"2.5.4.15", "businessCategory", regexp.MustCompile(`^(Private Organization|Government Entity|Business Entity|Non-Commercial Entity)$`)},
	{"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionCountryName", regexp.MustCompile(`^BR$`)},
	{"2.5.4.5", "serialNumber", regexp.MustCompile(`^[0-9A-Z]{12}[0-9]{2}$`)},
	{"2.5.4.6", "C", regexp.MustCompile(`^BR$`)},
	{"2.5.4.10", "O", regexp.MustCompile(`.`)},
	{"2.5.4.8", "ST", regexp.MustCompile(`^[A-Za-z ]{2,}$`)},
	{"2.5.4.7", "L", regexp.MustCompile(`.`)},
	{"2.5.4.97", "organizationIdentifier", regexp.MustCompile(`^OFBBR-` + identifier + `$`)},
	{"0.9.2342.19200300.100.1.1", "UID", regexp.MustCompile(`^` + identifier + `$`)},
	{"2.5.4.3", "CN", regexp.MustCompile(`^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)},
}

// legacyUnit is where certificates before 31 August 2022 name the organisation.
var legacyUnit = attribute{"2.5.4.11", "OU", regexp.MustCompile(`^` + identifier + `$`)}

func values(c *x509.Certificate, oid string) (all []string) {
	for _, n := range c.Subject.Names {
		if n.Type.String() == oid {
			all = append(all, fmt.Sprint(n.Value))
		}
	}
	return all
}

// subjectFlaws judges the subject of a BRCAC: every attribute once, in its form, in permitted characters
// (CERT-03, CERT-08).
func subjectFlaws(c *x509.Certificate) (flaws []string) {
	for _, a := range transportSubject {
		have := values(c, a.oid)
		if a.name == "organizationIdentifier" && len(have) == 0 {
			a = legacyUnit
			have = values(c, a.oid)
		}
		switch {
		case len(have) != 1:
			flaws = append(flaws, fmt.Sprintf("%s stands in it %d times", a.name, len(have)))
		case !a.form.MatchString(have[0]):
			flaws = append(flaws, fmt.Sprintf("%s is %q", a.name, have[0]))
		}
	}
	for _, n := range c.Subject.Names {
		if text := fmt.Sprint(n.Value); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			flaws = append(flaws, fmt.Sprintf("attribute %s has characters that are not permitted", n.Type))
		}
	}
	return flaws
}

// nameFlaws judges the subject alternative name of a BRCAC (CERT-04).
func nameFlaws(c *x509.Certificate) []string {
	if !slices.Contains(c.DNSNames, c.Subject.CommonName) {
		return []string{fmt.Sprintf("the names %s lack the common name %s", strings.Join(c.DNSNames, ", "), c.Subject.CommonName)}
	}
	return nil
}

// sealFlaws judges the profile of an organisation's signing certificate (CERT-06).
func sealFlaws(c *x509.Certificate, organisation string) []string {
	flaws := usageFlaws(c, x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment, "digitalSignature and nonRepudiation")
	for oid, want := range map[string]string{"0.9.2342.19200300.100.1.1": organisation, "2.5.4.6": "BR", "2.5.4.10": "ICP-Brasil"} {
		if have := values(c, oid); len(have) != 1 || !strings.EqualFold(have[0], want) {
			flaws = append(flaws, fmt.Sprintf("attribute %s is %v, not %s", oid, have, want))
		}
	}
	if n := len(values(c, "2.5.4.11")); n < 3 {
		flaws = append(flaws, fmt.Sprintf("there are %d OUs, not three", n))
	}
	if c.Subject.CommonName == "" {
		flaws = append(flaws, "CN is missing")
	}
	return flaws
}

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// otherNameFlaws judges the other names of a signing certificate: responsible person, CNPJ, data of the
// responsible person, INSS register (CERT-07).
func otherNameFlaws(c *x509.Certificate) (flaws []string) {
	have := map[string]bool{}
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSubjectAltName) {
			continue
		}
		var general []asn1.RawValue
		if _, err := asn1.Unmarshal(e.Value, &general); err != nil {
			return []string{"its alternative names cannot be read"}
		}
		for _, g := range general {
			var id asn1.ObjectIdentifier
			if g.Class == asn1.ClassContextSpecific && g.Tag == 0 {
				if _, err := asn1.Unmarshal(g.Bytes, &id); err == nil {
					have[id.String()] = true
				}
			}
		}
	}
	for _, last := range []string{"2", "3", "4", "7"} {
		if oid := "2.16.76.1.3." + last; !have[oid] {
			flaws = append(flaws, "other name "+oid+" is missing")
		}
	}
	return flaws
}
