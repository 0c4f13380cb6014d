package directory

import (
	"crypto/x509"

	"github.com/ensaio/ensaio/sim/jose"
)

// The states of things in the directory, as published.
const (
	Active    = "Active"
	Inactive  = "Inactive"
	Suspended = "Suspended" // of a software statement
	Pending   = "Pending"   // of an organisation
	Withdrawn = "Withdrawn" // of an organisation
)

// The roles of Open Finance Brasil.
const (
	Data    = "DADOS" // transmitter or receiver of data
	Payment = "PAGTO" // payment initiator
	Account = "CONTA" // account holder
	Credit  = "CCORR" // credit correspondent
)

// Organisation is a participant. The members with published names go out as they are; those without
// one are what the directory holds about it.
type Organisation struct {
	OrganisationID                               string   `json:"OrganisationId"`
	Status                                       string   `json:"Status"`
	OrganisationName                             string   `json:"OrganisationName"`
	CreatedOn                                    string   `json:"CreatedOn"`
	LegalEntityName                              string   `json:"LegalEntityName"`
	CountryOfRegistration                        string   `json:"CountryOfRegistration"`
	CompanyRegister                              string   `json:"CompanyRegister"`
	Size                                         string   `json:"Size,omitempty"`
	RegistrationNumber                           string   `json:"RegistrationNumber"` // CNPJ
	RegistrationID                               string   `json:"RegistrationId,omitempty"`
	RegisteredName                               string   `json:"RegisteredName"`
	AddressLine1                                 string   `json:"AddressLine1"`
	AddressLine2                                 string   `json:"AddressLine2,omitempty"`
	City                                         string   `json:"City"`
	Postcode                                     string   `json:"Postcode"`
	Country                                      string   `json:"Country"`
	ParentOrganisationReference                  string   `json:"ParentOrganisationReference"` // CNPJ of the parent
	RequiresParticipantTermsAndConditionsSigning bool     `json:"RequiresParticipantTermsAndConditionsSigning"`
	Tags                                         []string `json:"Tags,omitempty"`

	// Roles are those of the organisation; a statement's role needs the organisation's (DCR-21).
	Roles []string `json:"-"`
	// Seals are its signing certificates (BRSEAL), Transport its client certificates outside of any
	// software statement.
	Seals     []*x509.Certificate `json:"-"`
	Transport []*x509.Certificate `json:"-"`
	// Contacts default to one synthetic contact of each of the five types.
	Contacts []Contact `json:"-"`
}

// Contact is a person or desk of an organisation.
type Contact struct {
	ContactID      string `json:"ContactId"`
	OrganisationID string `json:"OrganisationId"`
	ContactType    string `json:"ContactType"` // Business, Technical, Billing, Incident, Security
	FirstName      string `json:"FirstName"`
	LastName       string `json:"LastName"`
	Department     string `json:"Department"`
	EmailAddress   string `json:"EmailAddress"`
	PhoneNumber    string `json:"PhoneNumber"`
}

// AuthorisationServer is a brand that holds accounts or data.
type AuthorisationServer struct {
	AuthorisationServerID             string          `json:"AuthorisationServerId"`
	OrganisationID                    string          `json:"OrganisationId"`
	Status                            string          `json:"Status"`
	CustomerFriendlyName              string          `json:"CustomerFriendlyName"`
	CustomerFriendlyDescription       string          `json:"CustomerFriendlyDescription"`
	CustomerFriendlyLogoURI           string          `json:"CustomerFriendlyLogoUri,omitempty"`
	OpenIDDiscoveryDocument           string          `json:"OpenIDDiscoveryDocument"`
	Issuer                            string          `json:"Issuer"`
	PayloadSigningCertLocationURI     string          `json:"PayloadSigningCertLocationUri,omitempty"`
	DeveloperPortalURI                string          `json:"DeveloperPortalUri,omitempty"`
	TermsOfServiceURI                 string          `json:"TermsOfServiceUri,omitempty"`
	AutoRegistrationSupported         bool            `json:"AutoRegistrationSupported"`
	SupportsDCR                       bool            `json:"SupportsDCR"`
	SupportsCiba                      bool            `json:"SupportsCiba"`
	ParentAuthorisationServerID       string          `json:"ParentAuthorisationServerId,omitempty"`
	DeprecatedDate                    string          `json:"DeprecatedDate,omitempty"` // 2006-01-02
	RetirementDate                    string          `json:"RetirementDate,omitempty"` // 2006-01-02; from the day after, it is inactive
	SupersededByAuthorisationServerID string          `json:"SupersededByAuthorisationServerId,omitempty"`
	APIResources                      []APIResource   `json:"ApiResources"`
	AuthorisationServerCertifications []Certification `json:"AuthorisationServerCertifications"`
}

// APIResource is one family of APIs of an authorisation server, in one version.
type APIResource struct {
	APIResourceID               string        `json:"ApiResourceId"`
	APIFamilyType               string        `json:"ApiFamilyType"`
	APIVersion                  string        `json:"ApiVersion"`
	FamilyComplete              bool          `json:"FamilyComplete"`
	APICertificationURI         string        `json:"ApiCertificationUri,omitempty"`
	CertificationStatus         string        `json:"CertificationStatus"`
	CertificationStartDate      string        `json:"CertificationStartDate,omitempty"`      // 02/01/2006
	CertificationExpirationDate string        `json:"CertificationExpirationDate,omitempty"` // 02/01/2006
	APIDiscoveryEndpoints       []APIEndpoint `json:"ApiDiscoveryEndpoints"`
}

// APIEndpoint is one address of a family.
type APIEndpoint struct {
	APIDiscoveryID string `json:"ApiDiscoveryId"`
	APIEndpoint    string `json:"ApiEndpoint"`
}

// Certification is a security certification of a server or a statement.
type Certification struct {
	CertificationID             string  `json:"CertificationId"`
	AuthorisationServerID       string  `json:"AuthorisationServerId,omitempty"`
	SoftwareStatementID         string  `json:"SoftwareStatementId,omitempty"`
	ProfileType                 string  `json:"ProfileType"`    // Redirect, DCR, CIBA
	ProfileVariant              string  `json:"ProfileVariant"` // "FAPI Adv. OP w/ Private Key, PAR", …
	ProfileVersion              float64 `json:"ProfileVersion"`
	CertificationURI            string  `json:"CertificationURI"`
	Status                      string  `json:"Status"`
	CertificationStartDate      string  `json:"CertificationStartDate"`      // 02/01/2006
	CertificationExpirationDate string  `json:"CertificationExpirationDate"` // 02/01/2006
}

// Software is a software statement to be entered with [Directory.AddSoftware].
type Software struct {
	ID             string // drawn from the seed when empty
	OrganisationID string
	ClientID       string // defaults to ID, as in the sandbox
	Name           string // the brand that customers see
	Description    string
	Version        float64 // defaults to 1
	Environment    string  // defaults to "Sandbox"
	Mode           string  // Live (default) or Test
	Status         string  // Active (default), Suspended or Inactive

	RedirectURIs []string
	WebhookURIs  []string // where holders send notifications
	OriginURIs   []string // FIDO origins

	ClientURI, LogoURI, PolicyURI, TermsOfServiceURI string // default to pages beside the first redirect URI

	Roles []string
	// Transport are its client certificates (BRCAC), Keys its signing and encryption keys; private
	// parts are dropped. A seal of the organisation may stand among the keys.
	Transport []*x509.Certificate
	Keys      []jose.Key
}

// SoftwareStatement is a software statement as published.
type SoftwareStatement struct {
	SoftwareStatementID             string          `json:"SoftwareStatementId"`
	OrganisationID                  string          `json:"OrganisationId"`
	ClientID                        string          `json:"ClientId"`
	ClientName                      string          `json:"ClientName"`
	Description                     string          `json:"Description"`
	Version                         float64         `json:"Version"`
	Environment                     string          `json:"Environment"`
	Mode                            string          `json:"Mode"`
	Status                          string          `json:"Status"`
	Locked                          bool            `json:"Locked"`
	RtsClientCreated                bool            `json:"RtsClientCreated"`
	RedirectURI                     []string        `json:"RedirectUri"`
	ClientURI                       string          `json:"ClientUri"`
	LogoURI                         string          `json:"LogoUri"`
	PolicyURI                       string          `json:"PolicyUri"`
	TermsOfServiceURI               string          `json:"TermsOfServiceUri"`
	OnBehalfOf                      string          `json:"OnBehalfOf,omitempty"`
	AdditionalSoftwareMetadata      string          `json:"AdditionalSoftwareMetadata,omitempty"`
	APIWebhookURI                   []string        `json:"ApiWebhookUri,omitempty"`
	OriginURI                       []string        `json:"OriginUri,omitempty"`
	SoftwareStatementCertifications []Certification `json:"SoftwareStatementCertifications"`
}

// DomainClaim says that an organisation belongs to an authorisation domain.
type DomainClaim struct {
	OrganisationAuthorityDomainClaimID string `json:"OrganisationAuthorityDomainClaimId"`
	AuthorisationDomainName            string `json:"AuthorisationDomainName"`
	AuthorityID                        string `json:"AuthorityId"`
	AuthorityName                      string `json:"AuthorityName"`
	RegistrationID                     string `json:"RegistrationId"`
	Status                             string `json:"Status"`
}

// RoleClaim is a role of an organisation.
type RoleClaim struct {
	OrganisationAuthorityClaimID string          `json:"OrganisationAuthorityClaimId"`
	OrganisationID               string          `json:"OrganisationId"`
	AuthorityID                  string          `json:"AuthorityId"`
	AuthorisationDomain          string          `json:"AuthorisationDomain"`
	Role                         string          `json:"Role"`
	RegistrationID               string          `json:"RegistrationId"` // 12345678-OBB-DADOS
	Status                       string          `json:"Status"`
	Authorisations               []Authorisation `json:"Authorisations"`
	UniqueTechnicalIdenifier     []string        `json:"UniqueTechnicalIdenifier"` // spelt so
}

// Authorisation is a country in which a role holds.
type Authorisation struct {
	OrganisationAuthorisationID  string `json:"OrganisationAuthorisationId,omitempty"`
	OrganisationAuthorityClaimID string `json:"OrganisationAuthorityClaimId,omitempty"`
	MemberState                  string `json:"MemberState"`
	Status                       string `json:"Status"`
}

// SoftwareRoleClaim is a role of a software statement.
type SoftwareRoleClaim struct {
	SoftwareAuthorityClaimID string `json:"SoftwareAuthorityClaimId"`
	SoftwareStatementID      string `json:"SoftwareStatementId"`
	AuthorisationDomain      string `json:"AuthorisationDomain"`
	Role                     string `json:"Role"`
	Status                   string `json:"Status"`
}
