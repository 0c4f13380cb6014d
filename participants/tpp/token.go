package tpp

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// TokenRequest is a request at the token, revocation or directory token endpoint.
type TokenRequest struct {
	Authed[*TokenRequest]
}

// TokenRequest builds a token request of any grant type with any parameters, authenticated as a sound
// client does.
func (c *Client) TokenRequest(s *Server, grantType string, params map[string]string) *TokenRequest {
	r := &TokenRequest{}
	r.Authed = authed(r, c, s, "token", s.Token)
	r.form.Set("grant_type", grantType)
	r.form.Set("client_id", s.ClientID)
	for name, value := range params {
		r.form.Set(name, value)
	}
	return r
}

// RedeemRequest exchanges a code, with the redirect URI and verifier of its pushed request.
func (c *Client) RedeemRequest(s *Server, p *Push, code string) *TokenRequest {
	return c.TokenRequest(s, "authorization_code", map[string]string{"code": code, "redirect_uri": p.RedirectURI, "code_verifier": p.Verifier}).About(p.consent)
}

// RefreshRequest exchanges a refresh token.
func (c *Client) RefreshRequest(s *Server, refreshToken string) *TokenRequest {
	return c.TokenRequest(s, "refresh_token", map[string]string{"refresh_token": refreshToken})
}

// CredentialsRequest asks a client-credentials token.
func (c *Client) CredentialsRequest(s *Server, scopes ...string) *TokenRequest {
	return c.TokenRequest(s, "client_credentials", map[string]string{"scope": strings.Join(scopes, " ")})
}

// RevokeRequest revokes a token.
func (c *Client) RevokeRequest(s *Server, token string) *TokenRequest {
	r := &TokenRequest{}
	r.Authed = authed(r, c, s, "revocation", s.Revocation)
	r.form.Set("client_id", s.ClientID)
	r.form.Set("token", token)
	return r
}

// Param sets a form parameter; "" takes it out.
func (r *TokenRequest) Param(name, value string) *TokenRequest {
	if value == "" {
		r.form.Del(name)
	} else {
		r.form.Set(name, value)
	}
	return r
}

// Send sends the request.
func (r *TokenRequest) Send(ctx context.Context) *Exchange {
	err := r.encode()
	var claims map[string]any
	if r.assertion != nil {
		claims = r.assertion.Claims
	}
	return r.send(ctx, claims, err)
}

// Grant is what the token endpoint gave. It is safe for concurrent use through its methods.
type Grant struct {
	Server       *Server
	Consent      *Consent // nil for client credentials
	RefreshToken string
	IDToken      *IDToken
	Scope        string
	ExpiresIn    time.Duration
	Obtained     time.Time
	Exchange     *Exchange

	mu     sync.Mutex
	access string
}

// AccessToken is the token in force.
func (g *Grant) AccessToken() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.access
}

// ConsentID is the consent behind the grant, or "".
func (g *Grant) ConsentID() string {
	if g.Consent == nil {
		return ""
	}
	return g.Consent.ID
}

// grant judges a token answer as a sound client must.
func (c *Client) grant(s *Server, e *Exchange, consent *Consent) (*Grant, error) {
	if err := e.want(200); err != nil {
		return nil, err
	}
	l := &ledger{client: c, subject: "token answer"}
	l.demand("TPP-07/token-type", strings.EqualFold(e.Text("token_type"), "Bearer") && e.Text("access_token") != "", "token_type is %q", e.Text("token_type"))
	if l.err != nil {
		return nil, l.err
	}
	g := &Grant{Server: s, Consent: consent, RefreshToken: e.Text("refresh_token"), Scope: e.Text("scope"), Obtained: e.Started, Exchange: e, access: e.Text("access_token")}
	if n, ok := e.Field("expires_in").(float64); ok {
		g.ExpiresIn = time.Duration(n * float64(time.Second))
	}
	c.remember(g)
	return g, nil
}

// Redeem exchanges the code of a checked answer and judges what comes back, its id_token included. front
// is the id_token of the authorization response, whose subject must be the same.
func (c *Client) Redeem(ctx context.Context, p *Push, code string, front *IDToken) (*Grant, error) {
	g, err := c.grant(p.server, c.RedeemRequest(p.server, p, code).Send(ctx), p.Consent)
	if err != nil {
		return nil, err
	}
	x := Expected{Server: p.server, Nonce: p.Nonce, AccessToken: g.access}
	if front != nil {
		x.Subject = front.Subject()
	}
	if g.IDToken, err = c.CheckIDToken(ctx, g.Exchange.Text("id_token"), x); err != nil {
		return nil, err
	}
	return g, nil
}

// Refresh gets a new access token into the grant. It does not rely on a new refresh token, and refuses
// one that rotates (TPP-05).
func (c *Client) Refresh(ctx context.Context, g *Grant) error {
	next, err := c.grant(g.Server, c.RefreshRequest(g.Server, g.RefreshToken).About(g.ConsentID()).Send(ctx), g.Consent)
	if err != nil {
		return err
	}
	l := &ledger{client: c, subject: "refresh answer"}
	l.demand("TPP-05/same-refresh-token", next.RefreshToken == "" || next.RefreshToken == g.RefreshToken, "another refresh token came")
	if l.err != nil {
		return l.err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.access, g.ExpiresIn, g.Obtained, g.Exchange = next.access, next.ExpiresIn, next.Obtained, next.Exchange
	return nil
}

// ClientCredentials returns a client-credentials token of these scopes, a remembered one while it lives.
func (c *Client) ClientCredentials(ctx context.Context, s *Server, scopes ...string) (*Grant, error) {
	sorted := slices.Clone(scopes)
	slices.Sort(sorted)
	name := s.Issuer + " " + s.ClientID + " " + strings.Join(sorted, " ")
	now := c.cfg.Clock.Now()
	c.mu.Lock()
	have := c.tokens[name]
	c.mu.Unlock()
	if have != nil && now.Before(have.Obtained.Add(have.ExpiresIn-time.Minute)) && !now.Before(have.Obtained) {
		return have, nil
	}
	g, err := c.grant(s, c.CredentialsRequest(s, scopes...).Send(ctx), nil)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.tokens[name] = g
	c.mu.Unlock()
	return g, nil
}

// ForgetTokens drops remembered client-credentials tokens.
func (c *Client) ForgetTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
}

// forget drops one remembered token, after the institution refused it.
func (c *Client) forget(g *Grant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.tokens, func(_ string, have *Grant) bool { return have == g })
}

// Revoke revokes a token.
func (c *Client) Revoke(ctx context.Context, s *Server, token string) error {
	return c.RevokeRequest(s, token).Send(ctx).want(200)
}

// UserInfoRequest asks for the customer's claims.
func (c *Client) UserInfoRequest(s *Server, accessToken string) *Call {
	return c.Request("userinfo", "GET", s.UserInfo).Bearer(accessToken)
}

// messageID is a version 4 UUID that never repeats, from run to run neither.
func messageID() string { return uuid.NewString() }
