package tpp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Institution is how an institution is found: what the directory tells of it.
type Institution struct {
	OrganisationID string
	Discovery      string // address of the discovery document
	ResourceBase   string // base of its APIs, before /open-banking
}

// Server is an institution as this client sees it: its metadata, and the client's registration there.
// It is plain data: copy it and change the copy to bend what is derived from it.
type Server struct {
	Institution
	Metadata
	Document map[string]any // the discovery document as served

	ClientID          string
	RegistrationToken string
	RegistrationURI   string
}

// Metadata is the part of the discovery document that a client uses. Endpoints are already the mTLS
// aliases where those are announced (AS-DISC-18).
type Metadata struct {
	Issuer        string
	Authorization string
	Token         string
	PAR           string
	Registration  string
	UserInfo      string
	Revocation    string
	JWKS          string
}

// Discover fetches and validates the discovery document of an institution (TPP-01). With clientID the
// server is ready for use; without, it is ready for [Client.Register].
func (c *Client) Discover(ctx context.Context, at Institution, clientID string) (*Server, error) {
	e := c.Request("discovery", "GET", at.Discovery).WithoutCertificate().Send(ctx)
	if err := e.want(200); err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(e.Body, &doc); err != nil || doc == nil {
		return nil, &Refusal{"TPP-01/issuer-matches", "discovery", "the document is not a JSON object"}
	}
	s := &Server{Institution: at, Metadata: metadata(doc), Document: doc, ClientID: clientID}
	l := &ledger{client: c, subject: "discovery"}
	prefix, found := strings.CutSuffix(at.Discovery, "/.well-known/openid-configuration")
	l.demand("TPP-01/issuer-matches", found && s.Issuer != "" && strings.TrimSuffix(s.Issuer, "/") == strings.TrimSuffix(prefix, "/"), "issuer %q at %s", s.Issuer, at.Discovery)
	for _, x := range []struct{ name, at string }{{"authorization_endpoint", s.Authorization}, {"token_endpoint", s.Token}, {"pushed_authorization_request_endpoint", s.PAR}, {"jwks_uri", s.JWKS}} {
		u, err := url.Parse(x.at)
		l.demand("TPP-01/endpoints-present", err == nil && u.Scheme == "https" && u.Host != "", "%s is %q", x.name, x.at)
	}
	l.demand("TPP-01/par-announced", doc["require_pushed_authorization_requests"] == true, "require_pushed_authorization_requests is %v", doc["require_pushed_authorization_requests"])
	l.demand("TPP-01/private-key-jwt", slices.Contains(texts(doc["token_endpoint_auth_methods_supported"]), "private_key_jwt"), "methods are %v", doc["token_endpoint_auth_methods_supported"])
	if l.err != nil {
		return nil, l.err
	}
	return s, nil
}

func metadata(doc map[string]any) Metadata {
	aliases, _ := doc["mtls_endpoint_aliases"].(map[string]any)
	plain := func(name string) string { s, _ := doc[name].(string); return s }
	matls := func(name string) string {
		if s, _ := aliases[name].(string); s != "" {
			return s
		}
		return plain(name)
	}
	return Metadata{
		Issuer: plain("issuer"), Authorization: plain("authorization_endpoint"), JWKS: plain("jwks_uri"),
		Token: matls("token_endpoint"), PAR: matls("pushed_authorization_request_endpoint"), Registration: matls("registration_endpoint"),
		UserInfo: matls("userinfo_endpoint"), Revocation: matls("revocation_endpoint"),
	}
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Participants reads the directory's open list.
func (c *Client) Participants(ctx context.Context) ([]map[string]any, error) {
	e := c.Request("participants", "GET", c.cfg.Directory.Participants).WithoutCertificate().Send(ctx)
	if err := e.want(200); err != nil {
		return nil, err
	}
	var list []map[string]any
	if err := json.Unmarshal(e.Body, &list); err != nil {
		return nil, fmt.Errorf("participants: %w", err)
	}
	return list, nil
}

// FindInstitution looks an authorization server up in the directory's list, by its id.
func (c *Client) FindInstitution(ctx context.Context, authorisationServerID string) (Institution, error) {
	list, err := c.Participants(ctx)
	if err != nil {
		return Institution{}, err
	}
	for _, org := range list {
		servers, _ := org["AuthorisationServers"].([]any)
		for _, item := range servers {
			as, _ := item.(map[string]any)
			if as["AuthorisationServerId"] != authorisationServerID {
				continue
			}
			id, _ := org["OrganisationId"].(string)
			discovery, _ := as["OpenIDDiscoveryDocument"].(string)
			return Institution{OrganisationID: id, Discovery: discovery, ResourceBase: resourceBase(as)}, nil
		}
	}
	return Institution{}, fmt.Errorf("directory lists no authorization server %s", authorisationServerID)
}

func resourceBase(as map[string]any) string {
	resources, _ := as["ApiResources"].([]any)
	for i := range resources {
		endpoint, _ := dig(resources, fmt.Sprintf("%d.ApiDiscoveryEndpoints.0.ApiEndpoint", i)).(string)
		if base, _, ok := strings.Cut(endpoint, "/open-banking/"); ok {
			return base
		}
	}
	return ""
}
