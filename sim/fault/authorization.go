package fault

import "time"

// The area of pushed requests and the authorization endpoint (AS-PAR-, AS-AUTHN-, AS-RESP-).
var authorization = []Defect{
	{Name: "par/reusable-request-uri", Kind: State, Rule: "AS-PAR-08", Weight: Major,
		Symptom: "a request_uri is usable again after a completed authorization", CaughtBy: []string{"par/request-uri-is-single-use"},
		OnTransition: step("request_uri", "*", allow(""))},
	{Name: "par/short-lived-request-uri", Kind: Time, Rule: "AS-PAR-02", Weight: Major,
		Symptom: "a request_uri is advertised for less than sixty seconds", CaughtBy: []string{"par/request-uri-lives-long-enough"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * time.Second }, "request_uri.advertised")},
	{Name: "par/immortal-request-uri", Kind: Time, Rule: "AS-PAR-08", Weight: Major,
		Symptom: "a request_uri is accepted long after its expiry", CaughtBy: []string{"par/rejects-expired-request-uri"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * 24 * time.Hour }, "request_uri")},
	{Name: "authorize/drops-state", Kind: Mutate, Rule: "AS-REQ-07", Weight: Critical, Client: true,
		Symptom: "state is missing in the response", CaughtBy: []string{"authorize/returns-state"},
		OnClaims: claims(drop("state"), "authorization")},
	{Name: "authorize/alters-state", Kind: Mutate, Rule: "AS-REQ-07", Weight: Critical, Client: true,
		Symptom: "state comes back altered", CaughtBy: []string{"authorize/returns-state"},
		OnClaims: claims(func(c *Claims) {
			if s, ok := c.Body["state"].(string); ok && len(s) > 1 {
				c.Body["state"] = s[:len(s)-1]
			}
		}, "authorization")},
	{Name: "authorize/code-in-query", Kind: Mutate, Rule: "AS-RESP-01", Weight: Critical, Client: true,
		Symptom: "the response is delivered in the query instead of the fragment", CaughtBy: []string{"authorize/answers-in-fragment"},
		OnClaims: claims(func(c *Claims) { c.Header["response_mode"] = "query" }, "authorization")},
	{Name: "authorize/late-login", Kind: Time, Rule: "AS-AUTHN-06", Weight: Critical,
		Symptom: "a consent is authorised after its window has closed", CaughtBy: []string{"authorize/refuses-late-login"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * 24 * time.Hour }, "consent.awaiting", "payment-consent.awaiting", "request_uri")},
	{Name: "authorize/cancel-approves", Kind: State, Rule: "AS-AUTHN-05", Weight: Critical,
		Symptom: "the customer declines and the consent ends authorised", CaughtBy: []string{"authorize/denial-rejects-consent"},
		OnTransition: step("consent", "reject", allow("AUTHORISED"))},
}
