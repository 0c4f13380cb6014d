package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
)

// The attributes of the published subjects (CERT-03, CERT-06).
var (
	oidBusinessCategory = asn1.ObjectIdentifier{2, 5, 4, 15}
	oidJurisdiction     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 60, 2, 1, 3}
	oidSerialNumber     = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidCountry          = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidOrganisation     = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidState            = asn1.ObjectIdentifier{2, 5, 4, 8}
	oidLocality         = asn1.ObjectIdentifier{2, 5, 4, 7}
	oidUnit             = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidOrgIdentifier    = asn1.ObjectIdentifier{2, 5, 4, 97}
	oidUID              = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	oidCommonName       = asn1.ObjectIdentifier{2, 5, 4, 3}
)

// Subject is who a certificate speaks of.
type Subject struct {
	// Name is the file of the identity: the same name and subject give the same identity again.
	Name           string
	OrganisationID string
	SoftwareID     string
	CNPJ           string // 14 characters; punctuation is dropped
	LegalName      string
	City, State    string
	CommonName     string // FQDN or wildcard, also the SAN of a BRCAC
	Form           string // "" for the standard form, else one of [Forms]
}

// The legal variants of a BRCAC: older or unusual, and to be accepted (CERT-05, DCR-12).
const (
	// LegacyUnit carries the organisation id in OU, as certificates before 31 August 2022 do.
	LegacyUnit = "legacy-ou"
	// Printable writes every attribute that can be one as a PrintableString.
	Printable = "printable"
	// LegacyOrder writes the sequence in use before 19 January 2023.
	LegacyOrder = "legacy-order"
	// Reordered writes the geographic attributes first and the serial number last.
	Reordered = "reordered"
	// Reversed writes the standard sequence backwards.
	Reversed = "reversed"
)

// Forms lists the legal variants.
func Forms() []string { return []string{LegacyUnit, Printable, LegacyOrder, Reordered, Reversed} }

type attribute struct {
	oid   asn1.ObjectIdentifier
	value string
	tag   int
}

// brcac lists the subject of a transport certificate in the standard order and encoding of s, then in
// the form that s asks for.
func brcac(s Subject) ([]attribute, error) {
	organisation := attribute{oidOrgIdentifier, "OFBBR-" + s.OrganisationID, asn1.TagUTF8String}
	if s.Form == LegacyUnit {
		organisation = attribute{oidUnit, s.OrganisationID, asn1.TagUTF8String}
	}
	standard := []attribute{
		{oidBusinessCategory, "Private Organization", asn1.TagUTF8String},
		{oidJurisdiction, "BR", asn1.TagPrintableString},
		{oidSerialNumber, bare(s.CNPJ), asn1.TagPrintableString},
		{oidCountry, "BR", asn1.TagPrintableString},
		{oidOrganisation, simulated(s.LegalName), asn1.TagUTF8String},
		{oidState, plain(s.State), asn1.TagUTF8String},
		{oidLocality, plain(s.City), asn1.TagUTF8String},
		organisation,
		{oidUID, s.SoftwareID, asn1.TagUTF8String},
		{oidCommonName, s.CommonName, asn1.TagUTF8String},
	}
	switch s.Form {
	case "", LegacyUnit:
	case Printable:
		for i := range standard {
			if printable(standard[i].value) {
				standard[i].tag = asn1.TagPrintableString
			}
		}
	case Reversed:
		slices.Reverse(standard)
	case LegacyOrder:
		standard = permute(standard, 3, 5, 6, 4, 7, 9, 2, 0, 1, 8)
	case Reordered:
		standard = permute(standard, 3, 5, 6, 4, 0, 1, 7, 8, 9, 2)
	default:
		return nil, fmt.Errorf("subject form %q: want one of %s", s.Form, strings.Join(Forms(), ", "))
	}
	return standard, nil
}

// brseal lists the subject of a signing certificate.
func brseal(s Subject) []attribute {
	return []attribute{
		{oidUID, s.OrganisationID, asn1.TagUTF8String},
		{oidCountry, "BR", asn1.TagPrintableString},
		{oidOrganisation, "ICP-Brasil", asn1.TagUTF8String},
		{oidUnit, "AC SIMULADOR Emissora V5", asn1.TagUTF8String},
		{oidUnit, "00000000000191", asn1.TagUTF8String},
		{oidUnit, "Videoconferencia", asn1.TagUTF8String},
		{oidCommonName, simulated(s.LegalName), asn1.TagUTF8String},
	}
}

func permute(list []attribute, order ...int) []attribute {
	out := make([]attribute, 0, len(list))
	for _, i := range order {
		out = append(out, list[i])
	}
	return out
}

// encode writes a distinguished name with the string type that each attribute asks for, which the
// standard library would choose by itself.
func encode(list []attribute) ([]byte, error) {
	var name pkix.RDNSequence
	for _, a := range list {
		name = append(name, pkix.RelativeDistinguishedNameSET{{
			Type:  a.oid,
			Value: asn1.RawValue{Tag: a.tag, Bytes: []byte(a.value)},
		}})
	}
	der, err := asn1.Marshal(name)
	if err != nil {
		return nil, fmt.Errorf("encode subject: %w", err)
	}
	return der, nil
}

// maxName is the upper bound of an organisation name (X.520).
const maxName = 64

// simulated marks a legal name so that nobody takes it for a real one.
func simulated(name string) string {
	const mark = " SIMULADOR"
	name = plain(name)
	if strings.Contains(strings.ToUpper(name), "SIMULADOR") {
		return name[:min(len(name), maxName)]
	}
	return strings.TrimSpace(name[:min(len(name), maxName-len(mark))] + mark)
}

var accents = strings.NewReplacer(
	"á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "é", "e", "ê", "e", "è", "e", "ë", "e",
	"í", "i", "î", "i", "ì", "i", "ï", "i", "ó", "o", "ô", "o", "õ", "o", "ò", "o", "ö", "o",
	"ú", "u", "û", "u", "ù", "u", "ü", "u", "ç", "c", "ñ", "n",
	"Á", "A", "À", "A", "Â", "A", "Ã", "A", "Ä", "A", "É", "E", "Ê", "E", "È", "E", "Ë", "E",
	"Í", "I", "Î", "I", "Ì", "I", "Ï", "I", "Ó", "O", "Ô", "O", "Õ", "O", "Ò", "O", "Ö", "O",
	"Ú", "U", "Û", "U", "Ù", "U", "Ü", "U", "Ç", "C", "Ñ", "N",
)

// plain brings a name to the permitted characters: no accents, printable ASCII only (CERT-08).
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, accents.Replace(s))
}

// bare drops the punctuation of a CNPJ.
func bare(cnpj string) string {
	return strings.NewReplacer(".", "", "/", "", "-", "", " ", "").Replace(cnpj)
}

// printable says whether s can be a PrintableString.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return false
		}
		return !strings.ContainsRune(" '()+,-./:=?", r)
	}) < 0
}
