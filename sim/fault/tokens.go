package fault

import "time"

// The area of the token endpoint (AS-TOK-, AS-RT-).
var tokens = []Defect{
	{Name: "token/reusable-code", Kind: State, Rule: "AS-RESP-03", Weight: Critical,
		Symptom: "the same code is redeemed twice", CaughtBy: []string{"token/code-is-single-use"},
		OnTransition: step("code", "*", allow(""))},
	{Name: "token/stale-code", Kind: Time, Rule: "AS-RESP-03", Weight: Major,
		Symptom: "a code is accepted long after its issue", CaughtBy: []string{"token/code-expires"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * 24 * time.Hour }, "code")},
	{Name: "token/lives-too-long", Kind: Time, Rule: "AS-TOK-03", Weight: Major,
		Symptom: "access tokens live longer than 900 s", CaughtBy: []string{"token/lifetime-in-range"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 901 * time.Second }, "access_token")},
	{Name: "token/lives-too-short", Kind: Time, Rule: "AS-TOK-03", Weight: Major,
		Symptom: "access tokens live less than 300 s", CaughtBy: []string{"token/lifetime-in-range"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 299 * time.Second }, "access_token")},
	{Name: "token/lifetime-as-text", Kind: Mutate, Rule: "AS-TOK-03", Weight: Minor,
		Symptom: "expires_in is a text instead of a number", CaughtBy: []string{"token/lifetime-in-range"},
		OnClaims: claims(set("expires_in", "900"), "token")},
	{Name: "token/omits-refresh-token", Kind: Mutate, Rule: "AS-RT-01", Weight: Major,
		Symptom: "no refresh token for an authorised data consent", CaughtBy: []string{"token/issues-refresh-token"},
		OnClaims: claims(drop("refresh_token"), "token", "authorization_code")},
	{Name: "token/refresh-dies-early", Kind: Time, Rule: "AS-RT-01", Weight: Major,
		Symptom: "the refresh token ends before the consent does", CaughtBy: []string{"token/refresh-lives-with-consent"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 20 * time.Minute }, "refresh_token")},
	{Name: "token/rotates-refresh-token", Kind: Mutate, Rule: "AS-RT-02", Weight: Major, Client: true,
		Symptom: "a refresh answers with a different refresh token", CaughtBy: []string{"token/refresh-token-is-stable"},
		OnClaims: claims(set("refresh_token", "a-freshly-rotated-refresh-token-of-somebody"), "token", "refresh_token")},
	{Name: "token/cacheable", Kind: Mutate, Rule: "AS-TOK-09", Weight: Minor,
		Symptom: "token responses may be cached", CaughtBy: []string{"token/forbids-caching"},
		OnReply: reply(func(r *Reply) { r.Header.Del("Cache-Control"); r.Header.Del("Pragma") }, "token")},
	{Name: "token/guessable", Kind: Mutate, Rule: "AS-TOK-05", Weight: Critical,
		Symptom: "access tokens are short", CaughtBy: []string{"token/is-unguessable"},
		OnClaims: claims(func(c *Claims) {
			if s, ok := c.Body["access_token"].(string); ok && len(s) > 12 {
				c.Body["access_token"] = s[:12]
			}
		}, "token", "client_credentials")},
	{Name: "token/errors-as-html", Kind: Mutate, Rule: "AS-TOK-09", Weight: Major,
		Symptom: "token errors are pages, not JSON", CaughtBy: []string{"token/errors-have-form"},
		OnReply: refusal(func(r *Reply) {
			r.Header.Set("Content-Type", "text/html; charset=utf-8")
			r.Body = []byte("<!doctype html><title>Erro</title><p>Pedido recusado.")
		}, "token", "par")},
	{Name: "token/expired-still-works", Kind: Time, Rule: "AS-CONS-03", Weight: Critical,
		Symptom: "an access token is accepted after its expiry", CaughtBy: []string{"token/expired-is-refused"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * 24 * time.Hour }, "access_token.grace")},
	{Name: "token/revocation-without-effect", Kind: State, Rule: "AS-REV-01", Weight: Critical,
		Symptom: "a revoked refresh token works on", CaughtBy: []string{"token/revoked-is-refused"},
		OnTransition: step("refresh", "revoke", stay)},
}
