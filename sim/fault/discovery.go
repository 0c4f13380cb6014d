package fault

// The area of discovery and key sets (AS-DISC-, DIR-).
var discovery = []Defect{
	{Name: "discovery/issuer-mismatch", Kind: Mutate, Rule: "AS-DISC-02", Weight: Critical, Client: true,
		Symptom: "the metadata names another issuer than the address it came from", CaughtBy: []string{"discovery/issuer-is-consistent"},
		OnClaims: claims(set("issuer", "https://auth.outro-banco.localhost"), "discovery")},
	{Name: "discovery/omits-mtls-aliases", Kind: Mutate, Rule: "AS-DISC-18", Weight: Major,
		Symptom: "no alias for token, registration, userinfo or PAR endpoint", CaughtBy: []string{"discovery/advertises-mtls-aliases"},
		OnClaims: claims(drop("mtls_endpoint_aliases"), "discovery")},
	{Name: "discovery/advertises-uncertified-method", Kind: Mutate, Rule: "AS-DISC-03", Weight: Major,
		Symptom: "a client authentication outside the profile is offered", CaughtBy: []string{"discovery/advertises-only-allowed-methods"},
		OnClaims: claims(set("token_endpoint_auth_methods_supported", []string{"private_key_jwt", "tls_client_auth"}), "discovery")},
	{Name: "discovery/advertises-weak-alg", Kind: Mutate, Rule: "AS-DISC-11", Weight: Major,
		Symptom: "RS256 is offered for request objects", CaughtBy: []string{"discovery/advertises-only-allowed-methods"},
		OnClaims: claims(set("request_object_signing_alg_values_supported", []string{"PS256", "RS256"}), "discovery")},
	{Name: "discovery/offers-plain-pkce", Kind: Mutate, Rule: "AS-DISC-09", Weight: Major,
		Symptom: "the plain code challenge method is offered", CaughtBy: []string{"discovery/advertises-only-allowed-methods"},
		OnClaims: claims(set("code_challenge_methods_supported", []string{"S256", "plain"}), "discovery")},
	{Name: "discovery/offers-other-response-types", Kind: Mutate, Rule: "AS-DISC-06", Weight: Major,
		Symptom: "response type code is offered", CaughtBy: []string{"discovery/advertises-only-allowed-methods"},
		OnClaims: claims(set("response_types_supported", []string{"code id_token", "code"}), "discovery")},
	{Name: "discovery/par-optional", Kind: Mutate, Rule: "AS-DISC-05", Weight: Major,
		Symptom: "pushed authorization requests are said to be optional", CaughtBy: []string{"discovery/advertises-only-allowed-methods"},
		OnClaims: claims(set("require_pushed_authorization_requests", false), "discovery")},
	{Name: "discovery/omits-acr", Kind: Mutate, Rule: "AS-DISC-13", Weight: Minor,
		Symptom: "the acr values of the profile are missing", CaughtBy: []string{"discovery/advertises-acr"},
		OnClaims: claims(drop("acr_values_supported"), "discovery")},
	{Name: "discovery/keys-lack-current", Kind: Mutate, Rule: "AS-IDT-01", Weight: Critical, Client: true,
		Symptom: "the key set does not hold the key now used for signing", CaughtBy: []string{"discovery/publishes-signing-keys"},
		OnReply: reply(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				keys, _ := m["keys"].([]any)
				for _, k := range keys {
					if key, ok := k.(map[string]any); ok && key["use"] == "sig" {
						key["kid"] = "an-older-key"
					}
				}
			})
		}, "jwks")},
	{Name: "discovery/served-as-page", Kind: Mutate, Rule: "AS-DISC-01", Weight: Major,
		Symptom: "the metadata is served as text/html", CaughtBy: []string{"SOX-X50"},
		OnReply: reply(func(r *Reply) { r.Header.Set("Content-Type", "text/html; charset=utf-8") }, "discovery")},
	{Name: "discovery/omits-scopes", Kind: Mutate, Rule: "AS-DISC-15", Weight: Minor,
		Symptom: "the scopes of the standard are not listed", CaughtBy: []string{"SOX-X55"},
		OnClaims: claims(drop("scopes_supported"), "discovery")},
}
