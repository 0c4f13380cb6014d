package directory

import (
	"context"
	"net/http"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
)

// claims is what the directory says about a statement now (SSA-01); the caller holds the lock.
func (d *Directory) claims(o *organisation, s *software) map[string]any {
	own, org := d.place(o.OrganisationID, s.SoftwareStatementID), d.place(o.OrganisationID, "")
	roles, states, competent := []string{}, []any{}, []any{}
	organisationRole := map[string]string{}
	for _, r := range o.roles {
		organisationRole[r.Role] = r.Status
		competent = append(competent, map[string]any{
			"authorisation_domain": r.AuthorisationDomain, "authorisation_role": r.Role, "registration_id": r.RegistrationID,
			"authority_id": r.AuthorityID, "authority_name": authorityName, "authority_code": authorityCode,
			"status": r.Status, "authorisations": r.Authorisations,
		})
	}
	for _, r := range s.roles {
		status := r.Status
		if organisationRole[r.Role] != Active {
			status = Inactive
		}
		roles = append(roles, r.Role)
		states = append(states, map[string]any{"role": r.Role, "authorisation_domain": r.AuthorisationDomain, "status": status})
	}
	list := func(l []string) []string { return append([]string{}, l...) }
	return map[string]any{
		"iss": d.SSAIssuer(), "iat": d.now().Unix(),
		"software_id": s.SoftwareStatementID, "software_client_id": s.ClientID,
		"software_client_name": s.ClientName, "software_client_description": s.Description,
		"software_version": s.Version, "software_mode": s.Mode, "software_environment": s.Environment, "software_status": s.Status,
		"software_client_uri": s.ClientURI, "software_logo_uri": s.LogoURI,
		"software_policy_uri": s.PolicyURI, "software_tos_uri": s.TermsOfServiceURI,
		"software_redirect_uris": list(s.RedirectURI), "software_api_webhook_uris": list(s.APIWebhookURI),
		"origin": list(s.OriginURI), "software_origin_uris": list(s.OriginURI),
		"software_roles": roles, "software_statement_roles": states,
		"software_jwks_uri": own + "/application.jwks", "software_jwks_inactive_uri": own + "/inactive/application.jwks",
		"software_jwks_transport_uri": own + "/transport.jwks", "software_jwks_transport_inactive_uri": own + "/inactive/transport.jwks",
		"org_jwks_uri": org + "/application.jwks", "org_jwks_inactive_uri": org + "/inactive/application.jwks",
		"org_jwks_transport_uri": org + "/transport.jwks", "org_jwks_transport_inactive_uri": org + "/inactive/transport.jwks",
		"org_id": o.OrganisationID, "org_name": o.OrganisationName, "org_number": o.RegistrationNumber, "org_status": o.Status,
		"organisation_competent_authority_claims": competent,
	}
}

// sign makes an assertion of the claims.
func (d *Directory) sign(ctx context.Context, body map[string]any) (string, error) {
	c := &fault.Claims{Kind: "ssa", At: "assertion", Header: map[string]any{}, Body: body}
	d.bend(ctx, c)
	if c.Alg == "" {
		return jose.Sign(c.Body, d.signer, c.Header)
	}
	header := map[string]any{"typ": "JWT", "kid": d.signer.ID}
	for k, v := range c.Header {
		header[k] = v
	}
	return jose.SignAs(c.Alg, c.Body, d.signer.Private, header)
}

// Assertion returns a statement's assertion of this moment. It is refused for a statement or an
// organisation that is not Active. Once asked for, the statement is locked against edits by its owner.
func (d *Directory) Assertion(ctx context.Context, softwareID string) (string, error) {
	d.mu.RLock()
	s := d.software[softwareID]
	if s == nil {
		d.mu.RUnlock()
		return "", missing("software statement")
	}
	o := d.find(s.OrganisationID)
	status, locked := s.Status, s.Locked
	if status == Active {
		status = o.Status
	}
	claims := d.claims(o, s)
	d.mu.RUnlock()
	if status != Active {
		return "", &problem{status: http.StatusForbidden, text: "no assertion: " + status}
	}
	if !locked {
		if err := d.change("software/"+softwareID+"/locked", true); err != nil {
			return "", err
		}
	}
	return d.sign(ctx, claims)
}
