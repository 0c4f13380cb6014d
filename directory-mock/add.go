package directory

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
)

// The one authority and domain of this directory.
const (
	authorityID   = "687a1c94-b360-4e04-9589-0fa5cb16451b"
	authorityName = "Banco Central"
	authorityCode = "BCB"
	domain        = "Open Banking"
)

const certified = "Certified"

var roleNames = []string{Data, Payment, Account, Credit}

// AddOrganisation enters a participant, Active unless it says otherwise. What it leaves out of its
// registration is filled with synthetic values.
func (d *Directory) AddOrganisation(o Organisation) error {
	if o.OrganisationID == "" || o.OrganisationName == "" || o.RegistrationNumber == "" {
		return errors.New("add organisation: needs OrganisationId, OrganisationName and RegistrationNumber")
	}
	for _, r := range o.Roles {
		if !slices.Contains(roleNames, r) {
			return fmt.Errorf("add organisation %s: role %q: want one of %s", o.OrganisationName, r, strings.Join(roleNames, ", "))
		}
	}
	fill(&o.Status, Active)
	fill(&o.CreatedOn, d.now().Add(-365*24*time.Hour).Format("2006-01-02T15:04:05.000Z"))
	fill(&o.LegalEntityName, o.OrganisationName)
	fill(&o.RegisteredName, o.LegalEntityName)
	fill(&o.CountryOfRegistration, "BR")
	fill(&o.CompanyRegister, "Receita Federal")
	fill(&o.AddressLine1, "Rua Simulada, 100")
	fill(&o.City, "Sao Paulo")
	fill(&o.Postcode, "01000-000")
	fill(&o.Country, "BR")
	n := &organisation{Organisation: o}
	n.domains = []DomainClaim{{
		OrganisationAuthorityDomainClaimID: d.id(o.OrganisationID, "domain"), AuthorisationDomainName: domain,
		AuthorityID: authorityID, AuthorityName: authorityName, RegistrationID: o.RegistrationNumber, Status: Active,
	}}
	for _, r := range o.Roles {
		id := d.id(o.OrganisationID, "role", r)
		n.roles = append(n.roles, &RoleClaim{
			OrganisationAuthorityClaimID: id, OrganisationID: o.OrganisationID, AuthorityID: authorityID,
			AuthorisationDomain: domain, Role: r, Status: Active, UniqueTechnicalIdenifier: []string{},
			RegistrationID: o.RegistrationNumber[:min(8, len(o.RegistrationNumber))] + "-OBB-" + r,
			Authorisations: []Authorisation{},
		})
	}
	if len(n.Contacts) == 0 {
		for _, t := range []string{"Business", "Technical", "Billing", "Incident", "Security"} {
			n.Contacts = append(n.Contacts, Contact{ContactType: t, FirstName: "Pessoa", LastName: "Simulada", Department: t,
				EmailAddress: strings.ToLower(t) + "@example.com", PhoneNumber: "+551140000000"})
		}
	}
	for i := range n.Contacts {
		n.Contacts[i].OrganisationID = o.OrganisationID
		fill(&n.Contacts[i].ContactID, d.id(o.OrganisationID, "contact", fmt.Sprint(i)))
	}
	for _, c := range o.Seals {
		if err := d.hold(&n.keys, c, "brseal", "sig"); err != nil {
			return fmt.Errorf("add organisation %s: %w", o.OrganisationName, err)
		}
	}
	for _, c := range o.Transport {
		if err := d.hold(&n.keys, c, "brcac", "enc"); err != nil {
			return fmt.Errorf("add organisation %s: %w", o.OrganisationName, err)
		}
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	if d.find(o.OrganisationID) != nil {
		return fmt.Errorf("add organisation %s: %s is there already", o.OrganisationName, o.OrganisationID)
	}
	d.organisations = append(d.organisations, n)
	return d.replay("organisations/" + o.OrganisationID + "/")
}

func fill(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// hold enters a certificate among keys. The directory publishes a transport certificate with use enc.
func (d *Directory) hold(keys *[]*held, c *x509.Certificate, kind, use string) error {
	k, err := jose.FromCertificate(nil, use, c)
	if err != nil {
		return err
	}
	*keys = append(*keys, &held{Key: k, kind: kind, status: Active, since: d.now()})
	return nil
}

// AddAuthorisationServer enters a brand of an organisation, with its families of APIs. Families without
// a word on certification count as certified, and the server has a Redirect and a DCR certification
// unless it brings its own.
func (d *Directory) AddAuthorisationServer(s AuthorisationServer) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.find(s.OrganisationID)
	if o == nil {
		return fmt.Errorf("add authorisation server %s: no organisation %q", s.CustomerFriendlyName, s.OrganisationID)
	}
	for _, other := range d.organisations {
		for _, b := range other.servers {
			if b.CustomerFriendlyName == s.CustomerFriendlyName {
				return fmt.Errorf("add authorisation server: brand %q is taken", s.CustomerFriendlyName)
			}
		}
	}
	fill(&s.AuthorisationServerID, d.id(s.OrganisationID, "server", s.CustomerFriendlyName))
	fill(&s.Status, Active)
	fill(&s.CustomerFriendlyDescription, s.CustomerFriendlyName+" (SIMULADOR)")
	fill(&s.CustomerFriendlyLogoURI, s.Issuer+"/logo.svg")
	fill(&s.DeveloperPortalURI, s.Issuer+"/developers")
	fill(&s.TermsOfServiceURI, s.Issuer+"/terms")
	fill(&s.OpenIDDiscoveryDocument, s.Issuer+"/.well-known/openid-configuration")
	fill(&s.PayloadSigningCertLocationURI, d.cfg.Base.Keystore+"/"+s.OrganisationID+"/application.jwks")
	from, until := d.now().AddDate(0, -1, 0).Format("02/01/2006"), d.now().AddDate(0, 11, 0).Format("02/01/2006")
	s.APIResources = slices.Clone(s.APIResources)
	for i := range s.APIResources {
		r := &s.APIResources[i]
		place := []string{s.AuthorisationServerID, r.APIFamilyType, r.APIVersion}
		fill(&r.APIResourceID, d.id(place...))
		if r.CertificationStatus == "" {
			r.CertificationStatus, r.FamilyComplete = certified, true
			fill(&r.APICertificationURI, "https://github.com/OpenBanking-Brasil/conformance/blob/main/submissions/functional/"+r.APIFamilyType+"/"+r.APIVersion+".zip")
			fill(&r.CertificationStartDate, from)
			fill(&r.CertificationExpirationDate, until)
		}
		r.APIDiscoveryEndpoints = slices.Clone(r.APIDiscoveryEndpoints)
		for j := range r.APIDiscoveryEndpoints {
			fill(&r.APIDiscoveryEndpoints[j].APIDiscoveryID, d.id(append(place, r.APIDiscoveryEndpoints[j].APIEndpoint)...))
		}
	}
	if s.AuthorisationServerCertifications == nil {
		for profile, variant := range map[string]string{"Redirect": "FAPI Adv. OP w/ Private Key, PAR", "DCR": "DCR Unsigned payload- JSON"} {
			s.AuthorisationServerCertifications = append(s.AuthorisationServerCertifications, Certification{
				CertificationID: d.id(s.AuthorisationServerID, profile), AuthorisationServerID: s.AuthorisationServerID,
				ProfileType: profile, ProfileVariant: variant, ProfileVersion: 2, Status: certified,
				CertificationURI:       "https://openid.net/wordpress-content/uploads/simulador-" + strings.ToLower(profile) + ".zip",
				CertificationStartDate: from, CertificationExpirationDate: until,
			})
		}
		slices.SortFunc(s.AuthorisationServerCertifications, func(a, b Certification) int { return strings.Compare(b.ProfileType, a.ProfileType) })
	}
	o.servers = append(o.servers, &s)
	return d.replay("servers/" + s.AuthorisationServerID + "/")
}

// AddSoftware enters a software statement of an organisation that is there and has its roles. It returns
// the statement as published.
func (d *Directory) AddSoftware(s Software) (SoftwareStatement, error) {
	fail := func(format string, a ...any) (SoftwareStatement, error) {
		return SoftwareStatement{}, fmt.Errorf("add software %s: "+format, append([]any{s.Name}, a...)...)
	}
	if s.Name == "" || len(s.RedirectURIs) == 0 {
		return fail("needs a name and redirect URIs")
	}
	fill(&s.ID, d.id(s.OrganisationID, "software", s.Name))
	fill(&s.ClientID, s.ID)
	fill(&s.Description, s.Name+" (SIMULADOR)")
	fill(&s.Environment, "Sandbox")
	fill(&s.Mode, "Live")
	fill(&s.Status, Active)
	if s.Version == 0 {
		s.Version = 1
	}
	site := "https://" + hostOf(s.RedirectURIs[0])
	fill(&s.ClientURI, site)
	fill(&s.LogoURI, site+"/logo.svg")
	fill(&s.PolicyURI, site+"/policy")
	fill(&s.TermsOfServiceURI, site+"/terms")
	n := &software{SoftwareStatement: SoftwareStatement{
		SoftwareStatementID: s.ID, OrganisationID: s.OrganisationID, ClientID: s.ClientID, ClientName: s.Name,
		Description: s.Description, Version: s.Version, Environment: s.Environment, Mode: s.Mode, Status: s.Status,
		RedirectURI: s.RedirectURIs, ClientURI: s.ClientURI, LogoURI: s.LogoURI, PolicyURI: s.PolicyURI,
		TermsOfServiceURI: s.TermsOfServiceURI, APIWebhookURI: s.WebhookURIs, OriginURI: s.OriginURIs,
		SoftwareStatementCertifications: []Certification{},
	}}
	for _, c := range s.Transport {
		if err := d.hold(&n.keys, c, "brcac", "enc"); err != nil {
			return fail("%w", err)
		}
	}
	for _, k := range s.Keys {
		n.add(k, d.now())
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.find(s.OrganisationID)
	if o == nil {
		return fail("no organisation %q", s.OrganisationID)
	}
	if d.software[s.ID] != nil {
		return fail("%s is there already", s.ID)
	}
	for _, r := range s.Roles {
		if !slices.ContainsFunc(o.roles, func(c *RoleClaim) bool { return c.Role == r }) {
			return fail("role %q: its organisation does not have it", r)
		}
		n.roles = append(n.roles, &SoftwareRoleClaim{
			SoftwareAuthorityClaimID: d.id(s.ID, "role", r), SoftwareStatementID: s.ID, AuthorisationDomain: domain, Role: r, Status: Active,
		})
	}
	d.software[s.ID] = n
	if err := d.replay("software/" + s.ID + "/"); err != nil {
		return fail("%w", err)
	}
	return n.SoftwareStatement, nil
}

// add enters a key without its private part.
func (s *software) add(k jose.Key, at time.Time) {
	k.Private = nil
	if len(k.Chain) > 1 {
		k.Chain = k.Chain[:1] // only the certificate itself is published
	}
	kind := "sigkey"
	if k.Use == "enc" {
		kind = "enckey"
	}
	s.keys = append(s.keys, &held{Key: k, kind: kind, status: Active, since: at})
}
