package as

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// token serves the token endpoint (RFC 6749 3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	form, err := s.form(w, r)
	if err != nil {
		return err
	}
	who, err := s.authenticate(r, pathToken, form)
	if err != nil {
		return err
	}
	t := &ticket{client: who.client, certificate: who.certificate, form: form, now: who.now}
	var answer map[string]any
	grantType := form.Get("grant_type")
	switch grantType {
	case "authorization_code":
		answer, err = s.redeem(ctx, t)
	case "refresh_token":
		answer, err = s.refresh(ctx, t)
	case "client_credentials":
		answer, err = s.credentials(ctx, t)
	case "":
		err = invalidRequest("grant_type is missing")
	default:
		err = &Error{http.StatusBadRequest, "unsupported_grant_type", "this grant type is not supported"}
	}
	if err != nil {
		return err
	}
	if s.seams.Bends() {
		s.seams.Claims(&fault.Claims{Kind: "token", At: grantType, Header: map[string]any{}, Body: answer})
		if err := s.rotateRefresh(ctx, form.Get("refresh_token"), answer); err != nil {
			return err
		}
	}
	s.reply(w, r, "token", http.StatusOK, nil, answer)
	return nil
}

// ticket is an authenticated request for a token.
type ticket struct {
	client      *registration
	certificate *x509.Certificate
	form        url.Values
	now         time.Time
}

// scopes are those asked for.
func (t *ticket) scopes() []string { return strings.Fields(t.form.Get("scope")) }

// issue makes the common part of a token answer.
func (s *Server) issue(t *ticket, g *grant, mask uint64) map[string]any {
	token, seconds := s.access(t.client.ID, g, mask, t.certificate, t.now)
	scopes := scopesOf(mask)
	if g != nil && g.Dynamic != "" {
		scopes = append(scopes, g.Dynamic)
	}
	return map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": strings.Join(scopes, " ")}
}

var clientCredentialsRules = rule.NewSet("client credentials",
	row("AS-TOK-06/scope-of-role", fault.Critical, "Client credentials yield only scopes that the client's roles allow.", invalidScope("a scope is not allowed to the client"),
		func(t *ticket) bool { return within(t.scopes(), t.client.Scopes) }),
)

// credentials serves a client in its own name (RFC 6749 4.4).
func (s *Server) credentials(ctx context.Context, t *ticket) (map[string]any, error) {
	if err := clientCredentialsRules.Check(ctx, s.seams, t); err != nil {
		return nil, err
	}
	asked := t.scopes()
	if len(asked) == 0 {
		asked = t.client.Scopes
	}
	openid, _ := scopeBit("openid") // there is no customer to identify
	mask := scopeMask(asked) &^ openid
	if mask == 0 {
		return nil, invalidScope("no scope can be granted to a client in its own name")
	}
	return s.issue(t, nil, mask), nil
}
