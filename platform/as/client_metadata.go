package as

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// enrolment is a registration or an update on its way through the rules.
type enrolment struct {
	server      *Server
	body        map[string]any
	certificate *x509.Certificate
	compact     string
	token       *jose.Token // of the software statement; nil when none came
	claims      statement
	directory   jose.Set // keys that sign statements
	keys        jose.Set // keys of the software
	known       *registration
	now         time.Time
}

// text returns a member that must be a string; absent is "".
func (e *enrolment) text(name string) (string, bool) {
	v, sent := e.body[name]
	if !sent || v == nil {
		return "", true
	}
	s, ok := v.(string)
	return s, ok
}

// list returns a member that must be a list of strings; absent is nil.
func (e *enrolment) list(name string) ([]string, bool) {
	v, sent := e.body[name]
	if !sent || v == nil {
		return nil, true
	}
	items, ok := v.([]any)
	all := make([]string, 0, len(items))
	for _, i := range items {
		s, isText := i.(string)
		ok = ok && isText
		all = append(all, s)
	}
	return all, ok
}

// speaksForItself says that neither this request nor an earlier one brought a statement, whose key set
// could be judged.
func (e *enrolment) speaksForItself() bool { return e.token == nil && e.known == nil }

func (e *enrolment) scopes() []string {
	s, _ := e.text("scope")
	return strings.Fields(s)
}

var metadataRules = rule.NewSet("client metadata",
	row("DCR-04/no-jwks", fault.Major, "Keys are not registered by value.", invalidMetadata("jwks by value is not accepted"),
		func(e *enrolment) bool { return e.body["jwks"] == nil }),
	row("DCR-05/jwks-uri", fault.Critical, "jwks_uri, when sent, is that of the software statement.", invalidMetadata("jwks_uri is not that of the software statement"),
		func(e *enrolment) bool { uri, _ := e.text("jwks_uri"); return uri == "" || uri == e.claims.JWKSURI }),
	row("DCR-06/encryption-key", fault.Major, "The key set of the software holds an encryption key.", invalidMetadata("the key set holds no encryption key"),
		func(e *enrolment) bool { _, ok := e.keys.ForUse("enc"); return ok || e.speaksForItself() }),
	row("DCR-07/has-redirect-uris", fault.Major, "A registration carries redirect_uris.", invalidRedirect("redirect_uris is required"),
		func(e *enrolment) bool { uris, _ := e.list("redirect_uris"); return len(uris) > 0 }),
	row("DCR-07/redirect-uris", fault.Critical, "redirect_uris are among those of the software statement.", invalidRedirect("a redirect URI is not in the software statement"),
		func(e *enrolment) bool {
			uris, _ := e.list("redirect_uris")
			return within(uris, e.claims.Redirects)
		}),
	row("DCR-14/auth-method", fault.Major, "A client authenticates with private_key_jwt.", invalidMetadata("token_endpoint_auth_method is not private_key_jwt"),
		func(e *enrolment) bool {
			m, _ := e.text("token_endpoint_auth_method")
			return m == "" || m == "private_key_jwt"
		}),
	row("DCR-20/webhook-uris", fault.Critical, "webhook_uris, when sent, are exactly those of the software statement.",
		&Error{http.StatusBadRequest, "invalid_webhook_uris", "webhook_uris are not those of the software statement"},
		func(e *enrolment) bool {
			uris, _ := e.list("webhook_uris")
			return len(uris) == 0 || (within(uris, e.claims.Webhooks) && within(e.claims.Webhooks, uris))
		}),
	row("DCR-08/scope-of-role", fault.Critical, "Every scope asked for belongs to a role of the software statement.", invalidMetadata("a scope is not allowed to the roles of the software"),
		func(e *enrolment) bool { return within(e.scopes(), allowedScopes(e.claims.roles(false))) }),
	row("DCR-08/role-active", fault.Major, "The role a scope belongs to is active.", unapproved("the role of a scope is not active"),
		func(e *enrolment) bool {
			granted, of := allowedScopes(e.claims.roles(true)), allowedScopes(e.claims.roles(false))
			asked := e.scopes()
			if len(asked) == 0 {
				return len(granted) > 0
			}
			return !slices.ContainsFunc(asked, func(s string) bool { return slices.Contains(of, s) && !slices.Contains(granted, s) })
		}),
	rule.Rule[*enrolment]{ID: "DCR-10/subject-descriptors", Weight: fault.Minor, Text: "A subject DN names its attributes by short name or dotted number.",
		Check: func(_ context.Context, e *enrolment) error {
			if dn, _ := e.text("tls_client_auth_subject_dn"); dn != "" {
				if _, err := parseName(dn); err != nil {
					return invalidMetadata("tls_client_auth_subject_dn cannot be read")
				}
			}
			return nil
		}},
	row("DCR-13/subject-matches", fault.Minor, "A subject DN is that of the certificate, whatever the case of its values.", invalidMetadata("tls_client_auth_subject_dn is not that of the certificate"),
		func(e *enrolment) bool {
			dn, _ := e.text("tls_client_auth_subject_dn")
			if dn == "" || e.certificate == nil {
				return true
			}
			name, err := parseName(dn)
			return err != nil || name.matches(e.certificate.RawSubject)
		}),
)

// allowedScopes are the scopes of roles at registration.
func allowedScopes(roles []string) []string { return spec.ScopesOf(roles...) }

// within says whether every item is in the list.
func within(items, list []string) bool {
	return !slices.ContainsFunc(items, func(i string) bool { return !slices.Contains(list, i) })
}

// judge reads certificate, statement and metadata and applies their rules.
func (e *enrolment) judge(ctx context.Context) error {
	if err := profileRules.Check(ctx, e.server.seams, e.certificate); err != nil {
		return err
	}
	for _, name := range []string{"jwks_uri", "scope", "token_endpoint_auth_method", "tls_client_auth_subject_dn", "client_id"} {
		if _, ok := e.text(name); !ok {
			return invalidMetadata(name + " is not a string")
		}
	}
	for _, name := range []string{"redirect_uris", "webhook_uris"} {
		if _, ok := e.list(name); !ok {
			return invalidMetadata(name + " is not a list of strings")
		}
	}
	if e.known != nil && e.body["software_statement"] == nil {
		e.claims = e.known.Statement
	} else if err := e.read(ctx); err != nil {
		return err
	}
	var err error
	if e.keys, err = e.server.cfg.Trust.Keys(ctx, e.claims.JWKSURI); err != nil {
		if !e.speaksForItself() {
			return fmt.Errorf("%w: keys of the software: %w", invalidMetadata("the key set of the software cannot be read"), err)
		}
		e.keys = jose.Set{}
	}
	return metadataRules.Check(ctx, e.server.seams, e)
}

// result is the registration that follows. What the statement says wins over what the request says
// (DCR-09), and what neither says is what the profile mandates (DCR-18). token is the registration access
// token to answer with.
func (e *enrolment) result(id string, issued int64, at, token string) (made *registration, answer map[string]any) {
	c := e.claims
	scopes := e.scopes()
	if len(scopes) == 0 {
		scopes = allowedScopes(c.roles(true))
	}
	scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	redirects, _ := e.list("redirect_uris")
	if len(redirects) == 0 {
		redirects = c.Redirects
	}
	webhooks, _ := e.list("webhook_uris")
	jwks, _ := e.text("jwks_uri")
	if jwks == "" {
		jwks = c.JWKSURI
	}
	method, _ := e.text("token_endpoint_auth_method")
	if method == "" {
		method = "private_key_jwt"
	}
	m := map[string]any{
		"client_id": id, "client_id_issued_at": issued, "client_name": c.ClientName, "software_id": c.SoftwareID,
		"application_type": "web", "subject_type": "public",
		"redirect_uris": redirects, "jwks_uri": jwks, "scope": strings.Join(scopes, " "),
		"grant_types":                                grantTypes,
		"response_types":                             []string{responseType},
		"token_endpoint_auth_method":                 method,
		"token_endpoint_auth_signing_alg":            jose.PS256,
		"id_token_signed_response_alg":               jose.PS256,
		"id_token_encrypted_response_alg":            jose.RSAOAEP,
		"id_token_encrypted_response_enc":            jose.A256GCM,
		"request_object_signing_alg":                 jose.PS256,
		"tls_client_certificate_bound_access_tokens": true,
		"require_pushed_authorization_requests":      true,
		"registration_client_uri":                    e.server.cfg.MTLS + pathRegister + "/" + id,
	}
	for name, v := range map[string]string{"client_uri": c.ClientURI, "logo_uri": c.LogoURI, "policy_uri": c.PolicyURI, "tos_uri": c.TermsURI, "org_id": c.OrgID, "software_statement": e.compact} {
		if v != "" {
			m[name] = v
		}
	}
	if c.Version != nil {
		m["software_version"] = c.Version
	}
	if len(webhooks) > 0 {
		m["webhook_uris"] = webhooks
	}
	if alg, _ := e.body["userinfo_signed_response_alg"].(string); alg == jose.PS256 {
		m["userinfo_signed_response_alg"] = alg
	}
	if alg, _ := e.body["userinfo_encrypted_response_alg"].(string); alg == jose.RSAOAEP {
		m["userinfo_encrypted_response_alg"], m["userinfo_encrypted_response_enc"] = alg, jose.A256GCM
	}
	if dn, _ := e.text("tls_client_auth_subject_dn"); dn != "" && method != "private_key_jwt" {
		m["tls_client_auth_subject_dn"] = dn
	}
	if token != "" {
		m["registration_access_token"] = token
	}
	if e.server.seams.Bends() {
		e.server.seams.Claims(&fault.Claims{Kind: "registration", At: at, Header: e.body, Body: m})
	}
	answer = maps.Clone(m)
	delete(m, "registration_access_token")
	name, _ := m["client_name"].(string)
	made = &registration{
		Client: call.Client{
			ID: id, OrganisationID: c.OrgID, SoftwareID: c.SoftwareID, Name: name, CNPJ: c.OrgNumber, JWKSURI: jwks,
			RedirectURIs: redirects, WebhookURIs: webhooks, Scopes: scopes, Roles: c.roles(true),
		},
		Metadata: m, Statement: c,
	}
	switch said, _ := answer["registration_access_token"].(string); {
	case said != "":
		made.TokenHash = hashed(said)
	case e.known != nil:
		made.TokenHash = e.known.TokenHash
	}
	return made, answer
}

// readJSON reads the body as a JSON object, bounded.
func readJSON(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	body, err := readBody(w, r, maxForm)
	if err != nil {
		return nil, invalidMetadata("the body is too large or cannot be read")
	}
	var m map[string]any
	if json.Unmarshal(body, &m) != nil || m == nil {
		return nil, invalidMetadata("the body is not a JSON object")
	}
	return m, nil
}
