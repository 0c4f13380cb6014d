package pki

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The wrong certificates that [Authority.Hostile] makes, besides "missing-" and an attribute.
const (
	Expired           = "expired"            // its time is over
	NotYetValid       = "not-yet-valid"      // its time has not come, nor will in ten years
	Revoked           = "revoked"            // on the revocation list
	Untrusted         = "untrusted"          // from a CA that has the right name and the wrong key
	SelfSigned        = "self-signed"        // its own issuer
	ServerOnly        = "server-only"        // extended key usage serverAuth, not clientAuth
	SigningOnly       = "signing"            // a BRSEAL where a BRCAC belongs
	NoKeyUsage        = "no-key-usage"       // key usage absent
	IsAuthority       = "authority"          // says that it is a CA
	SmallKey          = "small-key"          // RSA of 1024 bits
	Accented          = "accented"           // accents in O and L
	LeafOnly          = "leaf-only"          // sent without its intermediate
	OtherSoftware     = "other-software"     // UID of a statement that does not exist
	OtherOrganisation = "other-organisation" // organisation of somebody else
)

// attributes names each required part of a BRCAC and where it stands (CERT-03, CERT-04).
var attributes = []required{
	{"business-category", oidBusinessCategory}, {"jurisdiction", oidJurisdiction}, {"serial-number", oidSerialNumber},
	{"country", oidCountry}, {"organisation", oidOrganisation}, {"state", oidState}, {"locality", oidLocality},
	{"organization-identifier", oidOrgIdentifier}, {"uid", oidUID}, {"cn", oidCommonName}, {"san", nil},
}

type required struct {
	name string
	oid  asn1.ObjectIdentifier // nil for the SAN, which is an extension
}

// Kinds lists the wrong certificates, those without one attribute last.
func Kinds() []string {
	all := []string{Expired, NotYetValid, Revoked, Untrusted, SelfSigned, ServerOnly, SigningOnly, NoKeyUsage,
		IsAuthority, SmallKey, Accented, LeafOnly, OtherSoftware, OtherOrganisation}
	for _, a := range attributes {
		all = append(all, "missing-"+a.name)
	}
	return all
}

// Hostile issues the certificate of s with exactly one thing wrong with it, one of [Kinds]; given one of
// [Forms] it issues that legal variant. The certificates of one subject share a key of their own.
func (a *Authority) Hostile(kind string, s Subject) (Identity, error) {
	label := s.label()
	if slices.Contains(Forms(), kind) {
		s.Form = kind
	} else if !slices.Contains(Kinds(), kind) {
		return Identity{}, fmt.Errorf("hostile certificate %q: want one of %s", kind, strings.Join(append(Kinds(), Forms()...), ", "))
	}
	file := "hostile-" + label + "-" + kind
	if kind == SigningOnly {
		return a.seal(s, file, a.shared(label))
	}
	switch kind {
	case OtherSoftware:
		s.SoftwareID = "00000000-0000-4000-8000-000000000000"
	case OtherOrganisation:
		s.OrganisationID = "00000000-0000-4000-8000-000000000001"
	}
	list, err := brcac(s)
	if err != nil {
		return Identity{}, err
	}
	if name, ok := strings.CutPrefix(kind, "missing-"); ok {
		i := slices.IndexFunc(attributes, func(x required) bool { return x.name == name })
		list = slices.DeleteFunc(list, func(x attribute) bool { return x.oid.Equal(attributes[i].oid) })
	}
	if kind == Accented {
		for i := range list {
			if list[i].oid.Equal(oidOrganisation) || list[i].oid.Equal(oidLocality) {
				list[i].value += " São João"
			}
		}
	}
	var foreign *issuer
	if kind == Untrusted {
		if foreign, err = a.foreign(); err != nil {
			return Identity{}, err
		}
	}
	id, err := a.client(s, file, list, func(o *order) {
		o.key = a.shared(label)
		a.bend(o, kind, foreign)
	})
	if err != nil {
		return Identity{}, err
	}
	switch kind {
	case Revoked:
		if err := a.Revoke(id.Certificate); err != nil {
			return Identity{}, err
		}
	case LeafOnly, SelfSigned:
		id.Chain = id.Chain[:1]
	}
	return id, nil
}

// bend makes the one thing wrong that lies outside the subject.
func (a *Authority) bend(o *order, kind string, foreign *issuer) {
	now := a.clk.Now()
	t := o.template
	switch kind {
	case Expired:
		o.odd, t.NotBefore, t.NotAfter = true, now.Add(-leafLife), now.Add(-backdate)
	case NotYetValid:
		begin := now.Add(10 * 365 * 24 * time.Hour)
		o.odd, t.NotBefore, t.NotAfter = true, begin, begin.Add(leafLife)
	case Untrusted:
		o.odd, o.ca = true, foreign
	case SelfSigned:
		o.odd = true
		if key, err := o.key(); err == nil { // the same call in make reports the error
			o.ca = &issuer{Identity: Identity{Certificate: t, Key: key}, list: a.transport.list}
		}
	case ServerOnly:
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case NoKeyUsage:
		t.KeyUsage = 0
	case IsAuthority:
		t.IsCA = true
	case SmallKey:
		o.key = func() (*rsa.PrivateKey, error) { return generate(1024) }
	case "missing-san":
		t.DNSNames = nil
	}
}
