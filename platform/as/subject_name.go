package as

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// attribute is one attribute of a distinguished name: dotted number and folded value.
type attribute struct{ oid, value string }

// distinguishedName is a subject as metadata writes it (DCR-10): RFC 4514 text, attributes by short name
// or dotted number, values as text or as # and hexadecimal DER.
type distinguishedName []attribute

var errName = errors.New("not a distinguished name")

// descriptors are the short names of RFC 4514 and those the certificate standard adds to them.
var descriptors = map[string]string{
	"CN": "2.5.4.3", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "STREET": "2.5.4.9",
	"O": "2.5.4.10", "OU": "2.5.4.11", "BUSINESSCATEGORY": "2.5.4.15", "ORGANIZATIONIDENTIFIER": "2.5.4.97",
	"JURISDICTIONCOUNTRYNAME": "1.3.6.1.4.1.311.60.2.1.3", "DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
}

const maxName = 4096

func parseName(text string) (distinguishedName, error) {
	if len(text) > maxName {
		return nil, errName
	}
	var name distinguishedName
	for _, part := range split(text) {
		kind, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, errName
		}
		a := attribute{oid: strings.TrimSpace(kind)}
		if short, known := descriptors[strings.ToUpper(a.oid)]; known {
			a.oid = short
		} else if !dotted(a.oid) {
			return nil, errName
		}
		if a.value, ok = readValue(strings.TrimSpace(value)); !ok {
			return nil, errName
		}
		name = append(name, a)
	}
	if len(name) == 0 {
		return nil, errName
	}
	return name, nil
}

// matches says whether the encoded subject holds the same attributes. Case and string type make no
// difference (distinguishedNameMatch), nor does the sequence, of which two are lawful (CERT-05).
func (d distinguishedName) matches(raw []byte) bool {
	var rdn pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &rdn); err != nil || len(rest) > 0 {
		return false
	}
	var theirs []attribute
	for _, set := range rdn {
		for _, a := range set {
			text, _ := a.Value.(string)
			theirs = append(theirs, attribute{a.Type.String(), folded(text)})
		}
	}
	order := func(a, b attribute) int { return strings.Compare(a.oid+"="+a.value, b.oid+"="+b.value) }
	mine := slices.Clone(d)
	slices.SortFunc(mine, order)
	slices.SortFunc(theirs, order)
	return slices.Equal([]attribute(mine), theirs)
}

// split cuts at commas, semicolons and pluses that are not escaped.
func split(text string) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
			b.WriteByte(text[i])
		case c == ',' || c == '+' || c == ';':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(parts, b.String())
}

func readValue(v string) (string, bool) {
	if der, isHex := strings.CutPrefix(v, "#"); isHex {
		b, err := hex.DecodeString(der)
		var text asn1.RawValue
		if err != nil {
			return "", false
		}
		if rest, err := asn1.Unmarshal(b, &text); err != nil || len(rest) > 0 {
			return "", false
		}
		return folded(string(text.Bytes)), true
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' {
			b.WriteByte(v[i])
			continue
		}
		if i+2 < len(v) {
			if n, err := hex.DecodeString(v[i+1 : i+3]); err == nil {
				b.WriteByte(n[0])
				i += 2
				continue
			}
		}
		if i++; i >= len(v) {
			return "", false
		}
		b.WriteByte(v[i])
	}
	return folded(b.String()), true
}

func folded(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

func dotted(s string) bool {
	arcs := strings.Split(s, ".")
	return len(arcs) > 2 && !slices.ContainsFunc(arcs, func(a string) bool { _, err := strconv.ParseUint(a, 10, 64); return err != nil })
}
