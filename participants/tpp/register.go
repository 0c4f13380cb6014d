package tpp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// DirectoryTokenRequest asks the directory for a token (mTLS and client_id; no assertion).
func (c *Client) DirectoryTokenRequest() *TokenRequest {
	r := &TokenRequest{}
	r.Authed = authed(r, c, &Server{Metadata: Metadata{Token: c.cfg.Directory.Token}, ClientID: c.cfg.SoftwareID}, "directory-token", c.cfg.Directory.Token)
	r.assertion = nil
	r.form = url.Values{"grant_type": {"client_credentials"}, "client_id": {c.cfg.SoftwareID}, "scope": {"directory:software"}}
	return r
}

// DirectoryToken gets a token of the directory.
func (c *Client) DirectoryToken(ctx context.Context) (string, error) {
	e := c.DirectoryTokenRequest().Send(ctx)
	if e.Err != nil || e.Status/100 != 2 || e.Text("access_token") == "" {
		return "", &Failure{e}
	}
	return e.Text("access_token"), nil
}

// SSA gets a fresh software statement assertion.
func (c *Client) SSA(ctx context.Context) (string, error) {
	token, err := c.DirectoryToken(ctx)
	if err != nil {
		return "", err
	}
	e := c.Request("ssa", "GET", c.cfg.SSA).Accept("application/jwt, application/json").Bearer(token).Send(ctx)
	if err := e.want(http.StatusOK); err != nil {
		return "", err
	}
	return strings.Trim(strings.TrimSpace(string(e.Body)), `"`), nil
}

// Registration is a request of dynamic registration or its management.
type Registration struct {
	Bend[*Registration]
	metadata map[string]any // nil: no body
}

// RegisterRequest builds a registration with all that the profile fixes, for the whole of the statement.
func (c *Client) RegisterRequest(s *Server, ssa string) *Registration {
	r := &Registration{metadata: c.metadata(ssa)}
	r.Bend = bend(r, c, "register", "POST", s.Registration)
	r.party = s.OrganisationID
	return r
}

// metadata is what this client registers.
func (c *Client) metadata(ssa string) map[string]any {
	m := map[string]any{
		"software_statement":                         ssa,
		"redirect_uris":                              c.cfg.RedirectURIs,
		"token_endpoint_auth_method":                 "private_key_jwt",
		"token_endpoint_auth_signing_alg":            "PS256",
		"grant_types":                                []string{"authorization_code", "implicit", "refresh_token", "client_credentials"},
		"response_types":                             []string{"code id_token"},
		"id_token_signed_response_alg":               "PS256",
		"id_token_encrypted_response_alg":            "RSA-OAEP",
		"id_token_encrypted_response_enc":            "A256GCM",
		"request_object_signing_alg":                 "PS256",
		"require_pushed_authorization_requests":      true,
		"tls_client_certificate_bound_access_tokens": true,
		"subject_type":                               "public",
	}
	if t, err := parseUnverified(ssa); err == nil {
		if uri := t.String("software_jwks_uri"); uri != "" {
			m["jwks_uri"] = uri
		}
	}
	if len(c.cfg.WebhookURIs) > 0 {
		m["webhook_uris"] = c.cfg.WebhookURIs
	}
	return m
}

// ReadRegistrationRequest builds GET of the registration.
func (c *Client) ReadRegistrationRequest(s *Server) *Registration {
	return c.manage(s, "GET", nil)
}

// UpdateRegistrationRequest builds PUT of the registration with the same metadata, to be edited.
func (c *Client) UpdateRegistrationRequest(s *Server, ssa string) *Registration {
	m := c.metadata(ssa)
	m["client_id"] = s.ClientID
	return c.manage(s, "PUT", m)
}

// DeleteRegistrationRequest builds DELETE of the registration.
func (c *Client) DeleteRegistrationRequest(s *Server) *Registration {
	return c.manage(s, "DELETE", nil)
}

func (c *Client) manage(s *Server, method string, body map[string]any) *Registration {
	address := s.RegistrationURI
	if address == "" {
		address = strings.TrimSuffix(s.Registration, "/") + "/" + url.PathEscape(s.ClientID)
	}
	r := &Registration{metadata: body}
	r.Bend = bend(r, c, "registration", method, address)
	r.party = s.OrganisationID
	return r.Token(s.RegistrationToken)
}

// Metadata edits what is registered.
func (r *Registration) Metadata(f func(map[string]any)) *Registration {
	if r.metadata != nil {
		f(r.metadata)
	}
	return r
}

// Set puts one member into the metadata; nil takes it out.
func (r *Registration) Set(member string, value any) *Registration {
	return r.Metadata(func(m map[string]any) {
		if value == nil {
			delete(m, member)
		} else {
			m[member] = value
		}
	})
}

// SSA replaces the software statement assertion; "" takes it out.
func (r *Registration) SSA(assertion string) *Registration {
	if assertion == "" {
		return r.Set("software_statement", nil)
	}
	return r.Set("software_statement", assertion)
}

// Token sets the registration access token; "" takes it out.
func (r *Registration) Token(token string) *Registration {
	if token == "" {
		return r.WithoutHeader("Authorization")
	}
	return r.Header("Authorization", "Bearer "+token)
}

// Send sends the request.
func (r *Registration) Send(ctx context.Context) *Exchange {
	var err error
	if r.metadata != nil && !r.raw {
		r.body, err = json.Marshal(r.metadata)
		if r.header.Get("Content-Type") == "" {
			r.header.Set("Content-Type", "application/json")
		}
	}
	return r.send(ctx, r.metadata, err)
}

// Register registers this client with a fresh statement and puts what came of it into the server.
func (c *Client) Register(ctx context.Context, s *Server, edits ...func(*Registration)) (*Exchange, error) {
	ssa, err := c.SSA(ctx)
	if err != nil {
		return nil, err
	}
	r := c.RegisterRequest(s, ssa)
	for _, edit := range edits {
		edit(r)
	}
	e := r.Send(ctx)
	if err := e.want(http.StatusCreated); err != nil {
		return e, err
	}
	if e.Text("client_id") == "" || e.Text("registration_access_token") == "" || !strings.HasPrefix(e.Text("registration_client_uri"), "https://") {
		return e, fmt.Errorf("register: client_id, registration_access_token or registration_client_uri is missing")
	}
	s.ClientID, s.RegistrationToken, s.RegistrationURI = e.Text("client_id"), e.Text("registration_access_token"), e.Text("registration_client_uri")
	return e, nil
}

// ReadRegistration reads the registration.
func (c *Client) ReadRegistration(ctx context.Context, s *Server) (*Exchange, error) {
	e := c.ReadRegistrationRequest(s).Send(ctx)
	return e, e.want(http.StatusOK)
}

// UpdateRegistration writes the registration again with a fresh statement and edits.
func (c *Client) UpdateRegistration(ctx context.Context, s *Server, edits ...func(*Registration)) (*Exchange, error) {
	ssa, err := c.SSA(ctx)
	if err != nil {
		return nil, err
	}
	r := c.UpdateRegistrationRequest(s, ssa)
	for _, edit := range edits {
		edit(r)
	}
	e := r.Send(ctx)
	return e, e.want(http.StatusOK)
}

// DeleteRegistration ends the registration.
func (c *Client) DeleteRegistration(ctx context.Context, s *Server) (*Exchange, error) {
	e := c.DeleteRegistrationRequest(s).Send(ctx)
	return e, e.want(http.StatusNoContent)
}
