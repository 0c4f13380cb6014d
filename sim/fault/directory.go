package fault

import "strings"

// The area of the Central Directory as an actor (DIR-, SSA-).
var directory = []Defect{
	{Name: "directory/lists-wrong-api-address", Kind: Actor, Rule: "DIR-03", Weight: Major,
		Symptom: "the participants document points at another base path", CaughtBy: []string{"directory/addresses-answer"},
		OnClaims: listed(func(entry map[string]any, name string, value any) {
			if s, ok := value.(string); ok && name == "ApiEndpoint" {
				entry[name] = strings.Replace(s, "/open-banking/", "/outro/", 1)
			}
		})},
	{Name: "directory/lists-undeclared-version", Kind: Actor, Rule: "DIR-03", Weight: Major,
		Symptom: "an advertised API version does not answer", CaughtBy: []string{"directory/versions-answer"},
		OnClaims: listed(func(entry map[string]any, name string, _ any) {
			if name == "ApiVersion" {
				entry[name] = "9.0.0"
			}
		})},
	{Name: "directory/serves-removed-participant", Kind: Actor, Rule: "DIR-03", Weight: Critical, Client: true,
		Symptom: "a withdrawn organisation is still listed active", CaughtBy: []string{"directory/refuses-removed-participant"},
		OnTransition: step("organisation", "status", stay)},
	{Name: "directory/keeps-inactive-keys", Kind: Actor, Rule: "DIR-01", Weight: Critical,
		Symptom: "a deactivated key stays in the active key set", CaughtBy: []string{"directory/moves-inactive-keys"},
		OnTransition: step("key", "status", stay)},
	{Name: "directory/keeps-suspended-software", Kind: Actor, Rule: "SSA-01", Weight: Critical,
		Symptom: "suspended software still gets statements", CaughtBy: []string{"directory/withholds-statement-of-inactive"},
		OnTransition: step("software", "status", stay)},
	{Name: "directory/keeps-inactive-roles", Kind: Actor, Rule: "SSA-01", Weight: Critical,
		Symptom: "a role that ended is still stated active", CaughtBy: []string{"directory/role-state-reaches-statement"},
		OnTransition: step("role", "status", stay)},
	{Name: "directory/states-no-roles", Kind: Actor, Rule: "SSA-01", Weight: Critical,
		Symptom: "statements lack software_statement_roles", CaughtBy: []string{"directory/states-software"},
		OnClaims: claims(drop("software_statement_roles"), "ssa")},
	{Name: "directory/empties-key-sets", Kind: Actor, Rule: "DIR-01", Weight: Major,
		Symptom: "the key store serves empty key sets", CaughtBy: []string{"directory/publishes-key-sets"},
		OnClaims: claims(set("keys", []any{}), "keystore")},
	{Name: "directory/renames-keys", Kind: Actor, Rule: "DIR-01", Weight: Major,
		Symptom: "kids differ from the certificates' thumbprints", CaughtBy: []string{"certificates/key-store-is-consistent"},
		OnClaims: claims(func(c *Claims) {
			walk(c.Body["keys"], func(key map[string]any, name string, value any) {
				if kid, ok := value.(string); ok && name == "kid" {
					key[name] = "k" + kid
				}
			})
		}, "keystore")},
}

// listed edits the participants document.
func listed(edit func(entry map[string]any, name string, value any)) func(*Claims) {
	return claims(func(c *Claims) { walk(c.Body["participants"], edit) }, "participants")
}
