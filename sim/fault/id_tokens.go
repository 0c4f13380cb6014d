package fault

import "time"

func header(name string, value any) func(*Claims) {
	return func(c *Claims) { c.Header[name] = value }
}

// The area of ID tokens and userinfo (AS-IDT-, AS-UI-).
var idTokens = []Defect{
	{Name: "idtoken/wrong-audience", Kind: Mutate, Rule: "AS-IDT-06", Weight: Critical, Client: true,
		Symptom: "aud is another client", CaughtBy: []string{"idtoken/audience"},
		OnClaims: claims(set("aud", "another-client"), "id_token")},
	{Name: "idtoken/wrong-issuer", Kind: Mutate, Rule: "AS-IDT-06", Weight: Critical, Client: true,
		Symptom: "iss is another server", CaughtBy: []string{"idtoken/issuer"},
		OnClaims: claims(set("iss", "https://auth.outro-banco.localhost"), "id_token")},
	{Name: "idtoken/wrong-nonce", Kind: Mutate, Rule: "AS-IDT-05", Weight: Critical, Client: true,
		Symptom: "nonce is altered", CaughtBy: []string{"idtoken/nonce"},
		OnClaims: claims(set("nonce", "not-the-nonce-that-was-sent"), "id_token")},
	{Name: "idtoken/missing-s-hash", Kind: Mutate, Rule: "AS-IDT-05", Weight: Critical, Client: true,
		Symptom: "no state hash in the front channel", CaughtBy: []string{"idtoken/state-hash"},
		OnClaims: claims(drop("s_hash"), "id_token", "authorize")},
	{Name: "idtoken/wrong-c-hash", Kind: Mutate, Rule: "AS-IDT-05", Weight: Critical, Client: true,
		Symptom: "the code hash does not match", CaughtBy: []string{"idtoken/code-hash"},
		OnClaims: claims(set("c_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "id_token", "authorize")},
	{Name: "idtoken/expired", Kind: Mutate, Rule: "AS-IDT-06", Weight: Critical, Client: true,
		Symptom: "exp lies in the past", CaughtBy: []string{"idtoken/expiry"},
		OnClaims: claims(func(c *Claims) {
			if iat, ok := c.Body["iat"].(int64); ok {
				c.Body["exp"] = iat - int64(time.Hour/time.Second)
			} else {
				c.Body["exp"] = int64(1)
			}
		}, "id_token")},
	{Name: "idtoken/unsigned", Kind: Mutate, Rule: "AS-IDT-01", Weight: Critical, Client: true,
		Symptom: "alg is none", CaughtBy: []string{"idtoken/signature"},
		OnClaims: claims(func(c *Claims) { c.Alg = "none" }, "id_token")},
	{Name: "idtoken/weak-alg", Kind: Mutate, Rule: "AS-IDT-01", Weight: Major, Client: true,
		Symptom: "alg is RS256", CaughtBy: []string{"idtoken/algorithm"},
		OnClaims: claims(func(c *Claims) { c.Alg = "RS256" }, "id_token")},
	{Name: "idtoken/carries-key", Kind: Mutate, Rule: "AS-IDT-04", Weight: Critical, Client: true,
		Symptom: "a key is named in the header", CaughtBy: []string{"idtoken/no-key-by-header"},
		OnClaims: claims(header("jku", "https://auth.outro-banco.localhost/jwks"), "id_token")},
	{Name: "idtoken/omits-acr", Kind: Mutate, Rule: "AS-IDT-07", Weight: Major,
		Symptom: "no acr", CaughtBy: []string{"idtoken/acr-present"},
		OnClaims: claims(drop("acr"), "id_token")},
	{Name: "idtoken/overstates-acr", Kind: Mutate, Rule: "AS-AUTHN-01", Weight: Critical,
		Symptom: "loa3 is claimed after a single factor", CaughtBy: []string{"idtoken/acr-is-truthful"},
		OnClaims: claims(set("acr", "urn:brasil:openbanking:loa3"), "id_token")},
	{Name: "idtoken/unstable-subject", Kind: Mutate, Rule: "AS-IDT-08", Weight: Major,
		Symptom: "sub differs across consents of one customer", CaughtBy: []string{"idtoken/subject-is-stable"},
		OnClaims: func(c *Claims) {
			if c.Kind != "id_token" && c.Kind != "userinfo" {
				return
			}
			if nonce, ok := c.Body["nonce"].(string); ok {
				c.Body["sub"] = "sub-of-" + nonce
			}
		}},
	{Name: "idtoken/plain", Kind: Mutate, Rule: "AS-IDT-02", Weight: Critical, Client: true,
		Symptom: "signed but not encrypted", CaughtBy: []string{"idtoken/is-encrypted"},
		OnClaims: claims(func(c *Claims) { c.Enc = "none" }, "id_token")},
	{Name: "idtoken/plain-at-token-endpoint", Kind: Mutate, Rule: "AS-IDT-02", Weight: Critical, Client: true,
		Symptom: "encrypted in the front channel only", CaughtBy: []string{"idtoken/is-encrypted"},
		OnClaims: claims(func(c *Claims) { c.Enc = "none" }, "id_token", "token")},
	{Name: "idtoken/wrong-encryption", Kind: Mutate, Rule: "AS-IDT-02", Weight: Major, Client: true,
		Symptom: "content encryption is A128GCM", CaughtBy: []string{"idtoken/encryption-algorithm-and-key"},
		OnClaims: claims(func(c *Claims) { c.Enc = "A128GCM" }, "id_token")},
	{Name: "idtoken/leaks-personal-data", Kind: Mutate, Rule: "AS-IDT-09", Weight: Critical,
		Symptom: "a CPF stands inside the token", CaughtBy: []string{"idtoken/no-personal-data"},
		OnClaims: claims(set("cpf", "12345678909"), "id_token")},
	{Name: "userinfo/other-subject", Kind: Mutate, Rule: "AS-UI-01", Weight: Critical, Client: true,
		Symptom: "userinfo speaks of another subject than the ID token", CaughtBy: []string{"userinfo/same-subject"},
		OnClaims: claims(set("sub", "somebody-else"), "userinfo")},
	{Name: "userinfo/leaks-claims", Kind: Mutate, Rule: "AS-UI-02", Weight: Critical,
		Symptom: "userinfo tells a CPF nobody asked for", CaughtBy: []string{"userinfo/no-personal-data"},
		OnClaims: claims(set("cpf", "12345678909"), "userinfo")},
}
