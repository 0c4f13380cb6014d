package as

import (
	"crypto/x509"
	"errors"
	"net/http"
	"slices"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

var userInfoRules = rule.NewSet("userinfo",
	row("AS-UI-01/openid", fault.Major, "Userinfo is given for a token that holds openid.",
		&Error{http.StatusForbidden, "insufficient_scope", "the token does not hold openid"},
		func(t *call.Token) bool { return slices.Contains(t.Scopes, "openid") }),
)

// userInfo tells the subject of a token, and no more (AS-UI-01, AS-UI-02).
func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return errMethod
	}
	var certificate *x509.Certificate
	certificate, err := s.transport(ctx, r, certificateRules)
	if err != nil {
		return err
	}
	t, who, err := s.Introspect(ctx, bearer(r), certificate)
	if err != nil {
		return errors.Join(invalidToken("the access token is missing, expired, revoked or not yours"), err)
	}
	if err := userInfoRules.Check(ctx, s.seams, t); err != nil {
		return err
	}
	client := s.clients.get(who.ID)
	if client == nil {
		return invalidToken("the access token is missing, expired, revoked or not yours")
	}
	body := map[string]any{"sub": t.Subject}
	if t.Subject == "" {
		body["sub"] = client.ID
	}
	claims := &fault.Claims{Kind: "userinfo", At: "userinfo", Header: map[string]any{}, Body: body}
	if client.text("userinfo_signed_response_alg") == "" && client.text("userinfo_encrypted_response_alg") == "" {
		s.seams.Claims(claims)
		s.reply(w, r, "userinfo", http.StatusOK, nil, claims.Body)
		return nil
	}
	body["iss"], body["aud"] = s.cfg.Issuer, client.ID
	out, err := s.protect(ctx, client, claims, client.text("userinfo_encrypted_response_alg") != "")
	if err != nil {
		return err
	}
	s.send(w, r, "userinfo", http.StatusOK, http.Header{"Content-Type": {"application/jwt"}}, []byte(out))
	return nil
}
