package as

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

const kindRevoked = "revoked-token"

// recall is a token about to be revoked.
type recall struct {
	client *registration
	owner  string // client the token belongs to
}

var revocationRules = rule.NewSet("revocation",
	row("AS-REV-01/own-token", fault.Critical, "A client revokes its own tokens only.", invalidGrant("the token belongs to another client"),
		func(r *recall) bool { return r.owner == r.client.ID }),
)

// revoke ends a token (RFC 7009). Of a token that is nobody's, or another's, it says nothing: 200.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	form, err := s.form(w, r)
	if err != nil {
		return err
	}
	who, err := s.authenticate(r, pathRevocation, form)
	if err != nil {
		return err
	}
	token := form.Get("token")
	if token == "" {
		return invalidRequest("token is missing")
	}
	var t sealed
	if g := s.grants.ofRefresh(token); g != nil {
		if revocationRules.Check(ctx, s.seams, &recall{who.client, g.ClientID}) == nil {
			step := s.seams.Transition(fault.Transition{Machine: "refresh", ID: g.name(), Event: "revoke", From: "active", To: "revoked", Allowed: true})
			if step.Allowed && step.To == "revoked" {
				if err := s.dropGrant(audit(ctx), g, true); err != nil {
					return err
				}
			}
		}
	} else if s.sealer.open(token, &t) == nil {
		if revocationRules.Check(ctx, s.seams, &recall{who.client, t.client}) == nil {
			if err := s.revokeAccess(r, &t, who.now); err != nil {
				return err
			}
		}
	}
	s.send(w, r, "revocation", http.StatusOK, http.Header{}, nil)
	return nil
}

type revokedToken struct {
	Until time.Time `json:"until"`
}

// revokeAccess remembers one access token as dead until it would have expired, over a restart too.
func (s *Server) revokeAccess(r *http.Request, t *sealed, now time.Time) error {
	until := time.UnixMilli(t.expires).Add(time.Minute)
	if !now.Before(until) {
		return nil
	}
	err := s.cfg.Store.Commit(audit(r.Context()), store.Put(kindRevoked, base64.RawURLEncoding.EncodeToString(t.nonce[:]), revokedToken{until}))
	if err != nil {
		return fmt.Errorf("keep revocation: %w", err)
	}
	s.revoked.put(string(t.nonce[:]), struct{}{}, now, until)
	return nil
}

// loadRevoked remembers what was revoked before a restart and has not expired since.
func (s *Server) loadRevoked(ctx context.Context) error {
	now := s.clock.Now()
	var old []store.Op
	err := s.cfg.Store.Each(ctx, kindRevoked, func(rec store.Record) error {
		var t revokedToken
		id, err := base64.RawURLEncoding.DecodeString(rec.ID)
		if err != nil || json.Unmarshal(rec.Body, &t) != nil {
			return fmt.Errorf("revoked token %s: damaged", rec.ID)
		}
		if now.Before(t.Until) {
			s.revoked.put(string(id), struct{}{}, now, t.Until)
		} else {
			old = append(old, store.Delete(kindRevoked, rec.ID))
		}
		return nil
	})
	if err == nil {
		err = s.cfg.Store.Commit(ctx, old...)
	}
	if err != nil {
		return fmt.Errorf("load revoked tokens: %w", err)
	}
	return nil
}
