package as

import (
	"context"
	"slices"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/rule"
)

// renewal is a refresh token about to be used.
type renewal struct {
	*ticket
	grant   *grant
	consent *consent.Consent
}

var refreshRules = rule.NewSet("refresh token",
	row("AS-RT-03/client", fault.Critical, "A refresh token is used by the client it was issued to.", invalidGrant("the refresh token cannot be used"),
		func(r *renewal) bool { return r.grant.ClientID == r.client.ID }),
	row("AS-RT-05/consent-active", fault.Critical, "A refresh token ends when its consent is rejected, revoked or expired.", invalidGrant("the consent has ended"),
		func(r *renewal) bool { return r.consent == nil || r.consent.Status != consent.Rejected }),
	row("AS-RT-04/not-consumed", fault.Critical, "A refresh token ends when its payment consent is consumed.", invalidGrant("the consent is consumed"),
		func(r *renewal) bool { return r.consent == nil || r.consent.Status != consent.Consumed }),
	row("AS-RT-06/scope", fault.Critical, "A refreshed token holds no scope beyond the grant.", invalidScope("a scope is beyond the grant"),
		func(r *renewal) bool {
			return !slices.ContainsFunc(r.scopes(), func(s string) bool { return !r.grant.holds(s) })
		}),
)

// refresh makes a new access token. The refresh token stays as it is (AS-RT-02), and a subset of the
// scopes narrows this access token only.
func (s *Server) refresh(ctx context.Context, t *ticket) (map[string]any, error) {
	token := t.form.Get("refresh_token")
	g := s.grants.ofRefresh(token)
	if g == nil || (!g.RefreshUntil.IsZero() && !t.now.Before(g.RefreshUntil)) {
		return nil, invalidGrant("the refresh token cannot be used")
	}
	journal.Note(ctx, journal.Fact{Consent: g.ConsentID})
	r := &renewal{ticket: t, grant: g}
	r.consent, _ = s.cfg.Consents.Get(g.ConsentID)
	if err := refreshRules.Check(ctx, s.seams, r); err != nil {
		return nil, err
	}
	step := s.seams.Transition(fault.Transition{Machine: "refresh", ID: g.name(), Event: "use", From: "active", To: "active", Allowed: true})
	if !step.Allowed {
		return nil, invalidGrant("the refresh token cannot be used")
	}
	mask := g.mask
	if asked := t.scopes(); len(asked) > 0 {
		mask = scopeMask(asked)
	}
	answer := s.issue(t, g, mask)
	answer["refresh_token"] = token
	return answer, nil
}

// rotateRefresh keeps faith with an answer that a defect gave another refresh token.
func (s *Server) rotateRefresh(ctx context.Context, old string, answer map[string]any) error {
	token, _ := answer["refresh_token"].(string)
	g := s.grants.ofRefresh(old)
	if g == nil || token == "" || token == old {
		return nil
	}
	next := *g
	next.RefreshHash = hashed(token)
	return s.keepGrant(ctx, &next)
}
