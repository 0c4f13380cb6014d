package fault

import (
	"strconv"
	"sync/atomic"
	"time"
)

// The area of data consents (AS-CONS-, Consents API).
var consents = []Defect{
	{Name: "consents/born-authorised", Kind: State, Rule: "AS-CONS-02", Weight: Critical,
		Symptom: "creation answers with status AUTHORISED", CaughtBy: []string{"consents/starts-awaiting"},
		OnTransition: step("consent", "create", allow("AUTHORISED"))},
	{Name: "consents/grants-unsupported", Kind: Mutate, Rule: "CONS-PERM", Weight: Major,
		Symptom: "a permission nobody asked for is echoed as granted", CaughtBy: []string{"consents/returns-supported-subset"},
		OnReply: reply(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				items(m, func(d map[string]any) {
					if p, ok := d["permissions"].([]any); ok {
						d["permissions"] = append(p, "EXCHANGES_READ")
					}
				})
			})
		}, "consents.create", "consents.read")},
	{Name: "consents/never-times-out", Kind: Time, Rule: "AS-AUTHN-06", Weight: Major,
		Symptom: "a consent is still awaiting after sixty minutes", CaughtBy: []string{"consents/times-out-awaiting"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * 24 * time.Hour }, "consent.awaiting")},
	{Name: "consents/times-out-early", Kind: Time, Rule: "AS-AUTHN-06", Weight: Major,
		Symptom: "a consent is rejected half way through its window", CaughtBy: []string{"consents/waits-sixty-minutes"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 30 * time.Minute }, "consent.awaiting")},
	{Name: "consents/never-expires", Kind: Time, Rule: "AS-CONS-02", Weight: Critical,
		Symptom: "data is served after the consent's expiration", CaughtBy: []string{"consents/expiry-stops-data"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration += 20 * 365 * 24 * time.Hour }, "consent.validity")},
	{Name: "consents/revocation-without-effect", Kind: State, Rule: "AS-CONS-04", Weight: Critical,
		Symptom: "data is still served after deletion", CaughtBy: []string{"consents/revocation-stops-data"},
		OnTransition: step("consent", "revoke", stay)},
	{Name: "consents/double-revocation-ok", Kind: Mutate, Rule: "CONS-REJ", Weight: Minor,
		Symptom: "deleting a rejected consent is answered 204", CaughtBy: []string{"consents/second-revocation-is-422"},
		OnReply: refusal(func(r *Reply) {
			if r.Status == 422 {
				r.Status, r.Body = 204, nil
				r.Header.Del("Content-Type")
			}
		}, "consents.delete")},
	{Name: "consents/wrong-rejection-reason", Kind: Mutate, Rule: "CONS-REJ", Weight: Major,
		Symptom: "the reason of a rejection is false", CaughtBy: []string{"consents/explains-rejection"},
		OnReply: reply(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				items(m, func(d map[string]any) {
					if _, ok := d["rejection"]; ok {
						d["rejection"] = map[string]any{"rejectedBy": "TPP", "reason": map[string]any{"code": "INTERNAL_SECURITY_REASON"}}
					}
				})
			})
		}, "consents.read")},
	{Name: "consents/omits-rejection", Kind: Mutate, Rule: "CONS-REJ", Weight: Major,
		Symptom: "a rejected consent does not say why", CaughtBy: []string{"consents/explains-rejection"},
		OnReply: reply(func(r *Reply) {
			r.JSON(func(m map[string]any) { items(m, func(d map[string]any) { delete(d, "rejection") }) })
		}, "consents.read")},
	{Name: "consents/guessable-id", Kind: Mutate, Rule: "AS-CONS-01", Weight: Major,
		Symptom: "identifiers are a counter", CaughtBy: []string{"consents/id-is-namespaced-and-random"},
		OnReply: counted()},
	{Name: "consents/local-time", Kind: Mutate, Rule: "RS-HDR-06", Weight: Minor,
		Symptom: "timestamps are not in UTC", CaughtBy: []string{"consents/timestamps-are-utc"},
		OnReply: reply(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				items(m, func(d map[string]any) {
					if s, ok := d["creationDateTime"].(string); ok && len(s) == 20 {
						d["creationDateTime"] = s[:19] + "-03:00"
					}
				})
			})
		}, "consents.create", "consents.read")},
	{Name: "consents/loses-history", Kind: Mutate, Rule: "CONS-EXT", Weight: Minor,
		Symptom: "the list of extensions is incomplete", CaughtBy: []string{"consents/lists-extensions"},
		OnReply: reply(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				list(m, func(l []any) []any {
					if len(l) > 1 {
						return l[:len(l)-1]
					}
					return l
				})
			})
		}, "consents.extensions")},
	{Name: "consents/lists-extensions-oldest-first", Kind: Mutate, Rule: "CONS-EXT", Weight: Minor,
		Symptom: "the list of extensions starts with the oldest", CaughtBy: []string{"consents/lists-extensions"},
		OnReply: reply(func(r *Reply) { r.JSON(func(m map[string]any) { list(m, reversed) }) }, "consents.extensions")},
	{Name: "consents/extension-adds-permissions", Kind: Mutate, Rule: "CONS-EXT", Weight: Critical,
		Symptom: "permissions grow by extension", CaughtBy: []string{"consents/extension-changes-only-expiry"},
		OnReply: reply(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				items(m, func(d map[string]any) {
					if p, ok := d["permissions"].([]any); ok {
						d["permissions"] = append(p, "CREDIT_CARDS_ACCOUNTS_READ")
					}
				})
			})
		}, "consents.extend")},
}

func counted() func(*Reply) {
	var n atomic.Int64
	return reply(func(r *Reply) {
		r.JSON(func(m map[string]any) {
			items(m, func(d map[string]any) { d["consentId"] = "urn:bancoensaio:" + strconv.FormatInt(1000+n.Add(1), 10) })
		})
	}, "consents.create")
}

func reversed(l []any) []any {
	for i, j := 0, len(l)-1; i < j; i, j = i+1, j-1 {
		l[i], l[j] = l[j], l[i]
	}
	return l
}
