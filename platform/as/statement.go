package as

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/trust"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
)

// statementLife is how old a software statement may be (DCR-03).
const statementLife = 5 * time.Minute

// statement is what the directory says of a software, in a signed software statement (directory, SSA).
type statement struct {
	Issuer      string          `json:"iss"`
	SoftwareID  string          `json:"software_id"`
	Status      string          `json:"software_status,omitempty"`
	ClientName  string          `json:"software_client_name"`
	Version     any             `json:"software_version,omitempty"`
	ClientURI   string          `json:"software_client_uri,omitempty"`
	LogoURI     string          `json:"software_logo_uri,omitempty"`
	PolicyURI   string          `json:"software_policy_uri,omitempty"`
	TermsURI    string          `json:"software_tos_uri,omitempty"`
	JWKSURI     string          `json:"software_jwks_uri"`
	Redirects   []string        `json:"software_redirect_uris"`
	Webhooks    []string        `json:"software_api_webhook_uris,omitempty"`
	Roles       []string        `json:"software_roles,omitempty"`
	RoleStatus  []statementRole `json:"software_statement_roles,omitempty"`
	OrgID       string          `json:"org_id"`
	OrgName     string          `json:"org_name,omitempty"`
	OrgNumber   string          `json:"org_number,omitempty"`
	OrgStatus   string          `json:"org_status,omitempty"`
	Environment string          `json:"software_environment,omitempty"`
}

type statementRole struct {
	Role   string `json:"role"`
	Status string `json:"status"`
}

const active = "Active"

// roles lists the statement's roles, all of them or the active ones. A statement without role states
// speaks of active roles only.
func (s statement) roles(activeOnly bool) []string {
	if s.RoleStatus == nil {
		return s.Roles
	}
	var names []string
	for _, r := range s.RoleStatus {
		if (r.Status == active || !activeOnly) && !slices.Contains(names, r.Role) {
			names = append(names, r.Role)
		}
	}
	return names
}

// stated makes a row that has nothing to say when no statement came.
func stated(id string, weight fault.Weight, text string, answer *Error, kept func(*enrolment) bool) rule.Rule[*enrolment] {
	return row(id, weight, text, answer, func(e *enrolment) bool { return e.token == nil || kept(e) })
}

var statementRules = rule.NewSet("software statement",
	row("DCR-02/has-statement", fault.Critical, "A registration carries a software statement.", invalidStatement("software_statement is required"),
		func(e *enrolment) bool { return e.token != nil }),
	stated("DCR-02/ps256", fault.Critical, "A software statement is signed with PS256.", invalidStatement("the software statement is not signed with PS256"),
		func(e *enrolment) bool { return e.token.Algorithm() == jose.PS256 }),
	stated("DCR-02/directory-key", fault.Critical, "A software statement is signed with a key of the directory.", invalidStatement("the software statement is not signed with a key of the directory"),
		func(e *enrolment) bool {
			_, ok := e.directory.Find(e.token.KeyID(), "sig")
			return ok || e.token.Algorithm() == "none"
		}),
	stated("DCR-02/signature", fault.Critical, "The signature of a software statement verifies.", invalidStatement("the signature of the software statement does not verify"),
		func(e *enrolment) bool {
			key, ok := e.directory.Find(e.token.KeyID(), "sig")
			return !ok || verifies(e.compact, e.token, key)
		}),
	stated("SSA-02/issuer", fault.Critical, "A software statement is issued by the directory of this environment.", invalidStatement("the software statement comes from another issuer"),
		func(e *enrolment) bool { return e.claims.Issuer == e.server.cfg.SSAIssuer }),
	stated("DCR-03/fresh", fault.Major, "A software statement is at most five minutes old.", invalidStatement("the software statement is too old"),
		func(e *enrolment) bool {
			iat, ok := moment(e.token.Claims, "iat")
			return ok && !iat.Add(statementLife+skew).Before(e.now)
		}),
	stated("DCR-03/not-future", fault.Minor, "A software statement is not issued in the future.", invalidStatement("the software statement is issued in the future"),
		func(e *enrolment) bool {
			iat, ok := moment(e.token.Claims, "iat")
			return !ok || !iat.After(e.now.Add(time.Minute))
		}),
	stated("SSA-01/organisation-active", fault.Major, "The organisation of a software statement is active.", unapproved("the organisation is not active"),
		func(e *enrolment) bool { return e.claims.OrgStatus == "" || e.claims.OrgStatus == active }),
	stated("SSA-01/software-active", fault.Major, "The software of a software statement is active.", unapproved("the software is not active"),
		func(e *enrolment) bool { return e.claims.Status == "" || e.claims.Status == active }),
	stated("DCR-11/software", fault.Critical, "The UID of the certificate is the software id of the statement.", invalidStatement("the certificate belongs to another software"),
		func(e *enrolment) bool {
			if e.certificate == nil {
				return true
			}
			_, software := trust.CertificateIDs(e.certificate)
			return software == e.claims.SoftwareID
		}),
	stated("DCR-12/organisation", fault.Critical, "The organisation identifier of the certificate is the organisation of the statement.", invalidStatement("the certificate belongs to another organisation"),
		func(e *enrolment) bool {
			if e.certificate == nil {
				return true
			}
			org, _ := trust.CertificateIDs(e.certificate)
			return org == e.claims.OrgID
		}),
)

// read takes the software statement apart and applies its rules. Without one, where that is let pass,
// the request speaks for itself.
func (e *enrolment) read(ctx context.Context) error {
	compact, ok := e.text("software_statement")
	if !ok {
		return invalidStatement("software_statement is not a string")
	}
	if e.compact = compact; compact != "" {
		t, err := jose.Parse(compact)
		if err != nil || t.Claims == nil || t.Into(&e.claims) != nil {
			return invalidStatement("the software statement cannot be read")
		}
		e.token = &t
		if e.directory, err = e.server.cfg.Trust.Statements(ctx); err != nil {
			return fmt.Errorf("%w: keys of the directory: %w", errBusy, err)
		}
	}
	if err := statementRules.Check(ctx, e.server.seams, e); err != nil {
		return err
	}
	if e.token == nil {
		e.claims = e.unstated()
	}
	return nil
}

// unstated is what a request without statement says of itself.
func (e *enrolment) unstated() statement {
	name, _ := e.text("client_name")
	jwks, _ := e.text("jwks_uri")
	redirects, _ := e.list("redirect_uris")
	webhooks, _ := e.list("webhook_uris")
	c := statement{ClientName: name, JWKSURI: jwks, Redirects: redirects, Webhooks: webhooks, Roles: []string{"DADOS", "PAGTO"}}
	if e.certificate != nil {
		c.OrgID, c.SoftwareID = trust.CertificateIDs(e.certificate)
	}
	return c
}
