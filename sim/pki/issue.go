package pki

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

var (
	oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	// The other names of a signing certificate: responsible person, CNPJ, data of the responsible
	// person, INSS register (CERT-07).
	oidResponsible     = asn1.ObjectIdentifier{2, 16, 76, 1, 3, 2}
	oidCompany         = asn1.ObjectIdentifier{2, 16, 76, 1, 3, 3}
	oidResponsibleData = asn1.ObjectIdentifier{2, 16, 76, 1, 3, 4}
	oidSocialSecurity  = asn1.ObjectIdentifier{2, 16, 76, 1, 3, 7}
)

// order is a certificate to be had: found again when it exists as ordered, else made.
type order struct {
	file     string
	ca       *issuer
	template *x509.Certificate
	key      func() (*rsa.PrivateKey, error)
	// odd marks certificates whose dates or issuer are wrong on purpose.
	odd bool
}

// Server issues the certificate of a web server for the given names, the first of which is its CN.
// Names that are addresses become IP names.
func (a *Authority) Server(name string, dnsNames ...string) (Identity, error) {
	if name == "" || len(dnsNames) == 0 {
		return Identity{}, errors.New("server certificate: needs a name and DNS names")
	}
	subject, err := encode([]attribute{
		{oidCountry, "BR", asn1.TagPrintableString},
		{oidOrganisation, simulated(name), asn1.TagUTF8String},
		{oidCommonName, dnsNames[0], asn1.TagUTF8String},
	})
	if err != nil {
		return Identity{}, err
	}
	t := a.leaf(subject, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment, x509.ExtKeyUsageServerAuth)
	for _, n := range dnsNames {
		if ip := net.ParseIP(n); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, n)
		}
	}
	return a.fill(order{file: "server-" + name, ca: a.server, template: t})
}

// Transport issues a BRCAC: the client certificate of a software statement (CERT-02 to CERT-05), in
// the form that s asks for.
func (a *Authority) Transport(s Subject) (Identity, error) {
	attributes, err := brcac(s)
	if err != nil {
		return Identity{}, err
	}
	return a.client(s, "transport-"+s.label(), attributes, nil)
}

// Signing issues a BRSEAL: the organisation's certificate for signing messages (CERT-06, CERT-07).
func (a *Authority) Signing(s Subject) (Identity, error) {
	return a.seal(s, "signing-"+s.label(), nil)
}

func (a *Authority) seal(s Subject, file string, key func() (*rsa.PrivateKey, error)) (Identity, error) {
	subject, err := encode(brseal(s))
	if err != nil {
		return Identity{}, err
	}
	names, err := otherNames(s)
	if err != nil {
		return Identity{}, err
	}
	t := a.leaf(subject, x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment)
	t.ExtraExtensions = append(t.ExtraExtensions, extension(oidSubjectAltName, names))
	return a.fill(order{file: file, ca: a.signing, template: t, key: key})
}

// client issues a certificate of the transport chain with the given subject, bent by bend if any.
func (a *Authority) client(s Subject, file string, attributes []attribute, bend func(*order)) (Identity, error) {
	subject, err := encode(attributes)
	if err != nil {
		return Identity{}, err
	}
	t := a.leaf(subject, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment, x509.ExtKeyUsageClientAuth)
	if s.CommonName != "" {
		t.DNSNames = []string{s.CommonName}
	}
	o := order{file: file, ca: a.transport, template: t}
	if bend != nil {
		bend(&o)
	}
	return a.fill(o)
}

func (a *Authority) leaf(subject []byte, usage x509.KeyUsage, extended ...x509.ExtKeyUsage) *x509.Certificate {
	now := a.clk.Now()
	return &x509.Certificate{
		RawSubject: subject, KeyUsage: usage, ExtKeyUsage: extended, BasicConstraintsValid: true,
		NotBefore: now.Add(-backdate), NotAfter: now.Add(leafLife),
	}
}

// label is the name under which a subject's identities are kept.
func (s Subject) label() string {
	name := s.Name
	if name == "" {
		name = s.OrganisationID + "-" + s.SoftwareID
	}
	if s.Form != "" {
		name += "-" + s.Form
	}
	return name
}

// fill returns the identity of the order's file when it is as ordered, else makes it. An identity that
// no longer fits is issued again with the same key.
func (a *Authority) fill(o order) (Identity, error) {
	a.addresses(o.template, o.ca)
	v, _ := a.slots.LoadOrStore(o.file, &slot{})
	s := v.(*slot)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.have == nil {
		kept, err := a.files.read(o.file, 2)
		if err != nil {
			return Identity{}, fmt.Errorf("issue %s: %w", o.file, err)
		}
		s.have = kept
	}
	if s.have != nil && o.fits(*s.have, a.clk.Now()) {
		return *s.have, nil
	}
	id, err := a.make(o, s.have)
	if err != nil {
		return Identity{}, fmt.Errorf("issue %s: %w", o.file, err)
	}
	s.have = &id
	return id, nil
}

func (a *Authority) make(o order, before *Identity) (id Identity, err error) {
	switch {
	case o.key != nil:
		id.Key, err = o.key()
	case before != nil:
		id.Key = before.Key
	default:
		id.Key, err = a.stock.draw()
	}
	if err != nil {
		return Identity{}, err
	}
	if id.Certificate, err = a.sign(o.template, o.ca, id.Key); err != nil {
		return Identity{}, err
	}
	above := o.ca.Certificate
	if above == o.template {
		above = id.Certificate // its own issuer: the template was never encoded and cannot be kept
	}
	id.Chain = []*x509.Certificate{id.Certificate, above}
	return id, a.files.write(o.file, id)
}

// fits says whether a kept identity is what the order asks for.
func (o order) fits(id Identity, now time.Time) bool {
	t, c := o.template, id.Certificate
	if !bytes.Equal(t.RawSubject, c.RawSubject) || t.KeyUsage != c.KeyUsage || t.IsCA != c.IsCA ||
		!slices.Equal(t.ExtKeyUsage, c.ExtKeyUsage) || !slices.Equal(t.DNSNames, c.DNSNames) ||
		!slices.EqualFunc(t.IPAddresses, c.IPAddresses, net.IP.Equal) ||
		!slices.Equal(t.CRLDistributionPoints, c.CRLDistributionPoints) || !slices.Equal(t.OCSPServer, c.OCSPServer) {
		return false
	}
	for _, want := range t.ExtraExtensions {
		if !slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool {
			return e.Id.Equal(want.Id) && bytes.Equal(e.Value, want.Value)
		}) {
			return false
		}
	}
	if o.odd {
		return true
	}
	return c.CheckSignatureFrom(o.ca.Certificate) == nil && now.Before(c.NotAfter.Add(-renewBefore)) && !now.Before(c.NotBefore)
}

// otherNames writes the SAN of a signing certificate: four other names, all of synthetic people.
func otherNames(s Subject) ([]byte, error) {
	var general []asn1.RawValue
	for _, n := range []struct {
		oid   asn1.ObjectIdentifier
		value string
	}{
		{oidResponsible, "PESSOA SIMULADA RESPONSAVEL"},
		{oidCompany, bare(s.CNPJ)},
		// birth date, CPF, PIS, identity card, its issuer: fixed widths, filled with zeros
		{oidResponsibleData, "01011980" + "00000000000" + "00000000000" + "000000000000000" + "SSPSP "},
		{oidSocialSecurity, "000000000000"},
	} {
		value, err := asn1.MarshalWithParams(n.value, "printable,explicit,tag:0")
		if err != nil {
			return nil, fmt.Errorf("encode other name: %w", err)
		}
		id, err := asn1.Marshal(n.oid)
		if err != nil {
			return nil, fmt.Errorf("encode other name: %w", err)
		}
		general = append(general, asn1.RawValue{
			Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: append(id, value...),
		})
	}
	return asn1.Marshal(general)
}

// shared returns a maker that gives every caller of one subject's hostile identities the same key: they
// differ in the certificate, and a key costs a hundred times a signature.
func (a *Authority) shared(label string) func() (*rsa.PrivateKey, error) {
	v, _ := a.slots.LoadOrStore("key "+label, sync.OnceValues(a.stock.draw))
	return v.(func() (*rsa.PrivateKey, error))
}
