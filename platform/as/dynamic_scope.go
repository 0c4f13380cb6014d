package as

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// dynamicPrefixes are the families of dynamic scopes (AS-REQ-12).
var dynamicPrefixes = []string{"consent:", "recurring-consent:", "enrollment:"}

// consentOf reads the id out of a dynamic scope.
func consentOf(word string) (id string, isDynamic bool) {
	for _, prefix := range dynamicPrefixes {
		if id, ok := strings.CutPrefix(word, prefix); ok {
			return id, true
		}
	}
	return "", false
}

// scoped makes a row that has nothing to say when no scope came.
func scoped(id string, weight fault.Weight, text, detail string, kept func(*pushing) bool) rule.Rule[*pushing] {
	return row(id, weight, text, invalidScope(detail), func(p *pushing) bool { return p.text("scope") == "" || kept(p) })
}

// aboutConsent makes a row that has nothing to say when the consent is not known.
func aboutConsent(id string, weight fault.Weight, text, detail string, kept func(*pushing) bool) rule.Rule[*pushing] {
	return scoped(id, weight, text, detail, func(p *pushing) bool { return p.consent == nil || kept(p) })
}

var scopeRules = rule.NewSet("scopes of a request",
	scoped("AS-REQ-11/registered-scopes", fault.Critical, "Every static scope of a request is registered for the client.", "a scope is not allowed to the client",
		func(p *pushing) bool { return within(p.static, p.client.Scopes) }),
	scoped("AS-REQ-12/has-dynamic", fault.Critical, "A request names a consent in a dynamic scope.", "a dynamic scope is missing",
		func(p *pushing) bool { return len(p.dynamic) > 0 }),
	scoped("AS-REQ-12/one-dynamic", fault.Major, "A request names one consent only.", "more than one dynamic scope",
		func(p *pushing) bool { return len(p.dynamic) <= 1 }),
	scoped("AS-REQ-13/known-consent", fault.Major, "The consent of a request exists.", "the consent of the dynamic scope cannot be authorised",
		func(p *pushing) bool { return p.consent != nil || len(p.dynamic) == 0 }),
	aboutConsent("AS-REQ-13/own-consent", fault.Critical, "The consent of a request was made by the client.", "the consent of the dynamic scope cannot be authorised",
		func(p *pushing) bool { return p.consent.ClientID == p.client.ID }),
	aboutConsent("AS-REQ-13/awaiting-consent", fault.Major, "The consent of a request awaits its authorisation.", "the consent of the dynamic scope cannot be authorised",
		func(p *pushing) bool { return p.consent.Status == consent.Awaiting }),
	aboutConsent("AS-REQ-14/static-scope", fault.Major, "The static scopes of a request agree with the kind of its consent.", "the scopes do not fit the consent", agrees),
)

// paymentScopes are those of money; all others but openid are of data.
var paymentScopes = []string{"payments", "recurring-payments", "nrp-consents"}

// agrees says whether the static scopes can serve the consent. More than it needs is not a fault
// (AS-REQ-18).
func agrees(p *pushing) bool {
	if p.consent.Kind == consent.Payment {
		return slices.Contains(p.static, "payments")
	}
	money, data := false, false
	for _, s := range p.static {
		switch {
		case slices.Contains(paymentScopes, s):
			money = true
		case s != "openid":
			data = true
		}
	}
	return data || !money
}

// usable reduces static scopes to those of the kind of the consent, and to those the server knows
// (AS-REQ-11, AS-REQ-18).
func usable(static []string, c *consent.Consent) []string {
	var kept []string
	for _, s := range static {
		isMoney := slices.Contains(paymentScopes, s)
		if s == "openid" || c == nil || isMoney == (c.Kind == consent.Payment) {
			kept = append(kept, s)
		}
	}
	return slices.DeleteFunc(kept, func(s string) bool { _, known := scopeBit(s); return !known })
}

// staticScopes are all static scopes, in the order of their bits in a sealed token.
var staticScopes = func() []string {
	var roles []string
	for _, r := range spec.Roles() {
		roles = append(roles, r.Name)
	}
	all := spec.ScopesOf(roles...)
	for _, s := range append([]string{"credit-portability"}, paymentScopes...) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}()
