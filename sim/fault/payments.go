package fault

import "time"

// The area of payments (JWS-, Payments API).
var payments = []Defect{
	{Name: "payments/answers-unsigned", Kind: Mutate, Rule: "JWS-01", Weight: Critical, Client: true,
		Symptom: "answers are not signed", CaughtBy: []string{"payments/signs-responses"},
		OnClaims: claims(func(c *Claims) { c.Alg = "none" }, "payment")},
	{Name: "payments/answers-with-weak-alg", Kind: Mutate, Rule: "CRYPT-01", Weight: Critical, Client: true,
		Symptom: "answers are signed with RS256", CaughtBy: []string{"payments/signs-responses"},
		OnClaims: claims(func(c *Claims) { c.Alg = "RS256" }, "payment")},
	{Name: "payments/answers-with-unknown-key", Kind: Mutate, Rule: "JWS-09", Weight: Critical, Client: true,
		Symptom: "answers name a key the directory does not hold", CaughtBy: []string{"payments/signs-with-directory-key"},
		OnClaims: claims(header("kid", "a-key-nobody-published"), "payment")},
	{Name: "payments/answers-other-audience", Kind: Mutate, Rule: "JWS-03", Weight: Critical, Client: true,
		Symptom: "aud of answers is another organisation", CaughtBy: []string{"payments/response-audience"},
		OnClaims: claims(set("aud", "00000000-0000-4000-8000-000000000000"), "payment")},
	{Name: "payments/answers-other-issuer", Kind: Mutate, Rule: "JWS-04", Weight: Critical, Client: true,
		Symptom: "iss of answers is another organisation", CaughtBy: []string{"payments/response-issuer"},
		OnClaims: claims(set("iss", "00000000-0000-4000-8000-000000000000"), "payment")},
	{Name: "payments/repeats-response-jti", Kind: Mutate, Rule: "JWS-05", Weight: Minor, Client: true,
		Symptom: "two answers carry the same jti", CaughtBy: []string{"payments/response-jti-unique"},
		OnClaims: claims(set("jti", "0f8fad5b-d9cb-469f-a165-70867728950e"), "payment")},
	{Name: "payments/answers-stale-iat", Kind: Mutate, Rule: "JWS-06", Weight: Major, Client: true,
		Symptom: "iat of answers lies an hour back", CaughtBy: []string{"payments/response-iat"},
		OnClaims: claims(func(c *Claims) {
			if iat, ok := c.Body["iat"].(int64); ok {
				c.Body["iat"] = iat - 3600
			}
		}, "payment")},
	{Name: "payments/pays-consumed", Kind: State, Rule: "PAY-CONSENT", Weight: Critical,
		Symptom: "a second payment on a consumed consent is accepted", CaughtBy: []string{"payments/consent-is-consumed-once"},
		OnTransition: step("payment-consent", "consume", stay)},
	{Name: "payments/consent-outlives", Kind: Time, Rule: "AS-AUTHN-06", Weight: Major,
		Symptom: "a consent still awaits after five minutes", CaughtBy: []string{"payments/consent-times-out"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * 24 * time.Hour }, "payment-consent.awaiting")},
	{Name: "payments/authorised-consent-outlives", Kind: Time, Rule: "PAY-CONSENT", Weight: Major,
		Symptom: "an authorised consent is usable after sixty minutes", CaughtBy: []string{"payments/authorised-consent-times-out"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * 24 * time.Hour }, "payment-consent.authorised")},
	{Name: "payments/illegal-transition", Kind: State, Rule: "PAY-STATE", Weight: Critical,
		Symptom: "a settled payment goes back to received", CaughtBy: []string{"payments/status-follows-machine"},
		OnTransition: func(t *Transition) {
			if t.Machine == "payment" && t.To == "ACSC" {
				t.Allowed, t.To = true, "CANC"
			}
		}},
	{Name: "payments/stuck", Kind: State, Rule: "PAY-STATE", Weight: Major,
		Symptom: "a payment never leaves an intermediate status", CaughtBy: []string{"payments/reaches-final-status"},
		OnTransition: func(t *Transition) {
			if t.Machine == "payment" && t.Event != "create" {
				t.To = t.From
			}
		}},
	{Name: "payments/rejects-without-reason", Kind: Mutate, Rule: "PAY-REASON", Weight: Major,
		Symptom: "a rejected payment has no reason", CaughtBy: []string{"payments/explains-rejection"},
		OnClaims: claims(func(c *Claims) {
			items(c.Body, func(d map[string]any) { delete(d, "rejectionReason") })
		}, "payment")},
	{Name: "payments/wrong-error-code", Kind: Mutate, Rule: "PAY-CODES", Weight: Major,
		Symptom: "a 422 carries an undocumented code", CaughtBy: []string{"payments/error-codes-are-documented"},
		OnClaims: claims(func(c *Claims) {
			errs, _ := c.Body["errors"].([]any)
			for _, e := range errs {
				if item, ok := e.(map[string]any); ok {
					item["code"] = "ALGO_ERRADO"
				}
			}
		}, "payment")},
	{Name: "payments/cancels-settled", Kind: State, Rule: "PAY-CANCEL", Weight: Critical,
		Symptom: "the cancellation of a settled payment succeeds", CaughtBy: []string{"payments/cancels-only-cancellable"},
		OnTransition: step("payment", "cancel", allow("CANC"))},
	{Name: "payments/pays-twice-on-retry", Kind: State, Rule: "RS-HDR-08", Weight: Critical,
		Symptom: "the same idempotency key makes a second payment", CaughtBy: []string{"payments/retry-is-idempotent"},
		OnTransition: func(t *Transition) {
			if t.Machine == "payment" && t.Event == "retry" {
				t.Allowed = false
			}
		}},
	{Name: "payments/books-without-status", Kind: State, Rule: "PAY-STATE", Weight: Critical,
		Symptom: "the money moved and the payment says rejected", CaughtBy: []string{"payments/settlement-matches-books"},
		OnTransition: func(t *Transition) {
			if t.Machine == "payment" && t.To == "ACSC" {
				t.Allowed, t.To = true, "RJCT"
			}
		}},
	{Name: "payments/reveals-customer-at-consent", Kind: Mutate, Rule: "PAY-PRIVACY", Weight: Critical,
		Symptom: "the creation of a consent tells the payer's balance", CaughtBy: []string{"payments/consent-reveals-nothing"},
		OnClaims: claims(func(c *Claims) {
			items(c.Body, func(d map[string]any) { d["availableAmount"] = map[string]any{"amount": "1234.56", "currency": "BRL"} })
		}, "payment", "payments.consent-create")},
}
