package as

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// The ways in which an access token is worth nothing. All of them are 401 (AS-CONS-03).
var (
	ErrMalformed = errors.New("not an access token of this server")
	ErrExpired   = errors.New("the access token has expired")
	ErrRevoked   = errors.New("the access token has been revoked")
	ErrUnbound   = errors.New("the access token belongs to another certificate")
)

// use is an access token about to be used.
type use struct {
	token       sealed
	certificate *x509.Certificate
	consent     *consent.Consent // nil for client credentials
}

var accessRules = rule.NewSet("access token",
	rule.Rule[*use]{ID: "AS-TOK-02/bound", Weight: fault.Critical, Text: "An access token is used with the certificate it was issued to.",
		Check: func(_ context.Context, u *use) error {
			if u.certificate != nil && u.token.thumb != [sha256.Size]byte{} && u.token.thumb != thumbOf(u.certificate) {
				return ErrUnbound
			}
			return nil
		}},
	rule.Rule[*use]{ID: "AS-CONS-04/consent-alive", Weight: fault.Critical, Text: "An access token for data dies with its consent.",
		Check: func(_ context.Context, u *use) error {
			if u.consent != nil && u.consent.Kind == consent.Data && u.consent.Status != consent.Authorised {
				return ErrRevoked
			}
			return nil
		}},
)

// Introspect says what an access token stands for and whose it is. It reads memory only. Its errors are
// all the caller's 401. That a certificate came at all is for the caller to demand: without one the
// binding cannot be judged and is not.
func (s *Server) Introspect(ctx context.Context, bearer string, cert *x509.Certificate) (*call.Token, *call.Client, error) {
	u := use{certificate: cert}
	if err := s.sealer.open(bearer, &u.token); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	now := s.clock.Now()
	ends := time.UnixMilli(u.token.expires)
	if !now.Before(ends.Add(s.seams.Lifetime("access_token.grace", 0))) {
		return nil, nil, ErrExpired
	}
	client := s.clients.get(u.token.client)
	if client == nil {
		return nil, nil, ErrRevoked
	}
	if _, dead := s.revoked.get(string(u.token.nonce[:]), now); dead {
		return nil, nil, ErrRevoked
	}
	t := &call.Token{ClientID: client.ID, Grant: spec.ClientCredentials, Expires: ends}
	if u.token.grant != (grantID{}) {
		g := s.grants.get(u.token.grant)
		if g == nil {
			return nil, nil, ErrRevoked
		}
		t.Grant, t.ConsentID, t.Subject, t.Customer, t.Scopes = spec.AuthorizationCode, g.ConsentID, g.Subject, g.Customer, g.scopes
		if u.token.scopes != g.mask {
			t.Scopes = scopesOf(u.token.scopes)
			if g.Dynamic != "" {
				t.Scopes = append(t.Scopes, g.Dynamic)
			}
		}
		u.consent, _ = s.cfg.Consents.Get(g.ConsentID)
	} else {
		t.Scopes = scopesOf(u.token.scopes)
	}
	if err := accessRules.Check(ctx, s.seams, &u); err != nil {
		return nil, nil, err
	}
	return t, &client.Client, nil
}
