package fault

import (
	"strings"
	"time"
)

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
	{Name: "authorize/approves-silently", Kind: State, Rule: "AS-AUTHN-05", Weight: Critical,
		Symptom: "a code is issued without the customer's confirmation", CaughtBy: []string{"authorize/needs-customer-approval"},
		OnTransition: step("authorization", "sign-in", allow("approved"))},
	{Name: "authorize/cancel-approves", Kind: State, Rule: "AS-AUTHN-05", Weight: Critical,
		Symptom: "the customer declines and the consent ends authorised", CaughtBy: []string{"authorize/denial-rejects-consent"},
		OnTransition: step("authorization", "deny", allow("approved"))},
	{Name: "authorize/burns-request-uri-on-view", Kind: State, Rule: "AS-PAR-08", Weight: Major,
		Symptom: "opening the page once uses up the request_uri", CaughtBy: []string{"authorize/tolerates-reopened-page"},
		OnTransition: step("request_uri", "open", func(t *Transition) { t.To = "used" })},
	{Name: "authorize/rejects-broader-scope", Kind: Mutate, Rule: "AS-REQ-18", Weight: Minor,
		Symptom: "a request for more scope than the consent needs is refused", CaughtBy: []string{"authorize/tolerates-broader-scope"},
		OnClaims: claims(func(c *Claims) {
			if scope, _ := c.Body["scope"].(string); strings.Contains(scope, "credit-cards-accounts") || strings.Contains(scope, "customers") && strings.Contains(scope, "accounts") {
				delete(c.Body, "scope")
			}
		}, "request_object")},
	{Name: "par/reads-outside-parameters", Kind: Mutate, Rule: "AS-REQ-05", Weight: Critical,
		Symptom: "a parameter outside the signed object overrides the one inside", CaughtBy: []string{"par/uses-only-signed-parameters"},
		OnClaims: claims(func(c *Claims) {
			for _, name := range []string{"state", "nonce", "scope", "redirect_uri"} {
				if outside, _ := c.Header[name].(string); outside != "" {
					c.Body[name] = outside
				}
			}
		}, "request_object")},
	{Name: "par/truncates-nonce", Kind: Mutate, Rule: "AS-REQ-06", Weight: Major,
		Symptom: "a nonce of 64 characters comes back cut", CaughtBy: []string{"par/keeps-long-nonce"},
		OnClaims: claims(func(c *Claims) {
			if n, _ := c.Body["nonce"].(string); len(n) > 48 {
				c.Body["nonce"] = n[:48]
			}
		}, "request_object")},
	{Name: "authorize/invents-state", Kind: Mutate, Rule: "AS-REQ-07", Weight: Major,
		Symptom: "a request without state is answered with an empty one", CaughtBy: []string{"SOP-005"},
		OnClaims: claims(func(c *Claims) {
			if _, sent := c.Body["state"]; !sent {
				c.Body["state"] = ""
			}
		}, "authorization")},
	{Name: "par/refuses-audience-list", Kind: Mutate, Rule: "AS-REQ-02", Weight: Major,
		Symptom: "aud as a list that holds the issuer is refused", CaughtBy: []string{"SOP-004"},
		OnClaims: claims(func(c *Claims) {
			if _, several := c.Body["aud"].([]any); several {
				delete(c.Body, "aud")
			}
		}, "request_object")},
	{Name: "par/demands-scope-order", Kind: Mutate, Rule: "AS-REQ-11", Weight: Minor,
		Symptom: "a scope that does not begin with openid is refused", CaughtBy: []string{"SOP-007"},
		OnClaims: claims(func(c *Claims) {
			if scope, _ := c.Body["scope"].(string); !strings.HasPrefix(scope, "openid") {
				delete(c.Body, "scope")
			}
		}, "request_object")},
	{Name: "par/knows-no-skew", Kind: Mutate, Rule: "AS-REQ-04", Weight: Minor,
		Symptom: "a clock a few seconds ahead is refused", CaughtBy: []string{"SOX-039"},
		OnClaims: claims(func(c *Claims) {
			if nbf, ok := c.Body["nbf"].(float64); ok {
				c.Body["nbf"] = nbf + 5
			}
		}, "request_object")},
}
