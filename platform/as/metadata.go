package as

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/spec"
)

// document is a public JSON document, encoded once.
type document struct {
	kind string
	body map[string]any
	text []byte
}

// The authentication classes of the profile (AS-DISC-13).
const (
	loa2 = "urn:brasil:openbanking:loa2"
	loa3 = "urn:brasil:openbanking:loa3"
)

// describe makes the metadata and key documents (AS-DISC-01 to AS-DISC-20).
func (s *Server) describe() error {
	keys, err := plain(jose.Set{Keys: []jose.Key{s.cfg.Signing, s.cfg.Encryption}})
	if err != nil {
		return err
	}
	if err := s.keys.make("jwks", keys); err != nil {
		return err
	}
	var roles []string
	for _, r := range spec.Roles() {
		roles = append(roles, r.Name)
	}
	mtls, ps256 := s.cfg.MTLS, []string{jose.PS256}
	return s.metadata.make("discovery", map[string]any{
		"issuer":                                s.cfg.Issuer,
		"authorization_endpoint":                s.cfg.Issuer + pathAuthorize,
		"jwks_uri":                              s.cfg.Issuer + pathKeys,
		"token_endpoint":                        mtls + pathToken,
		"pushed_authorization_request_endpoint": mtls + pathPush,
		"registration_endpoint":                 mtls + pathRegister,
		"userinfo_endpoint":                     mtls + pathUserInfo,
		"revocation_endpoint":                   mtls + pathRevocation,
		"mtls_endpoint_aliases": map[string]any{
			"token_endpoint":                        mtls + pathToken,
			"pushed_authorization_request_endpoint": mtls + pathPush,
			"registration_endpoint":                 mtls + pathRegister,
			"userinfo_endpoint":                     mtls + pathUserInfo,
			"revocation_endpoint":                   mtls + pathRevocation,
		},
		"token_endpoint_auth_methods_supported":                 []string{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported":      ps256,
		"revocation_endpoint_auth_methods_supported":            []string{"private_key_jwt"},
		"revocation_endpoint_auth_signing_alg_values_supported": ps256,
		"require_pushed_authorization_requests":                 true,
		"request_parameter_supported":                           false,
		"request_uri_parameter_supported":                       false,
		"response_types_supported":                              []string{responseType},
		"response_modes_supported":                              []string{"fragment"},
		"grant_types_supported":                                 grantTypes,
		"subject_types_supported":                               []string{"public"},
		"code_challenge_methods_supported":                      []string{"S256"},
		"tls_client_certificate_bound_access_tokens":            true,
		"id_token_signing_alg_values_supported":                 ps256,
		"id_token_encryption_alg_values_supported":              []string{jose.RSAOAEP},
		"id_token_encryption_enc_values_supported":              []string{jose.A256GCM},
		"request_object_signing_alg_values_supported":           ps256,
		"request_object_encryption_alg_values_supported":        []string{jose.RSAOAEP},
		"request_object_encryption_enc_values_supported":        []string{jose.A256GCM},
		"userinfo_signing_alg_values_supported":                 ps256,
		"userinfo_encryption_alg_values_supported":              []string{jose.RSAOAEP},
		"userinfo_encryption_enc_values_supported":              []string{jose.A256GCM},
		"acr_values_supported":                                  []string{loa2, loa3},
		"claims_parameter_supported":                            true,
		"claims_supported":                                      []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr"},
		"scopes_supported":                                      allowedScopes(roles),
		"ui_locales_supported":                                  []string{"pt-BR"},
	})
}

func (d *document) make(kind string, body map[string]any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	d.kind, d.body, d.text = kind, body, text
	return nil
}

// plain turns a value into the maps and lists of its JSON.
func plain(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("decode document: %w", err)
	}
	return m, nil
}

// published serves a document. While nothing is armed its bytes are those made at the start.
func (s *Server) published(operation string, d *document) http.Handler {
	return s.endpoint(operation, func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return errMethod
		}
		text := d.text
		if s.seams.Bends() {
			body, err := plain(d.body)
			if err != nil {
				return err
			}
			s.seams.Claims(&fault.Claims{Kind: d.kind, At: d.kind, Header: map[string]any{}, Body: body})
			if text, err = json.Marshal(body); err != nil {
				return fmt.Errorf("encode %s: %w", d.kind, err)
			}
		}
		h := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"public, max-age=60"}}
		if operation == "jwks" {
			h.Set("Content-Type", "application/jwk-set+json")
		}
		s.send(w, r, operation, http.StatusOK, h, text)
		return nil
	})
}
