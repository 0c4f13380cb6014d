package tpp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Authed is what can be bent of a request by which a client authenticates itself at the authorization
// server: the form and the client assertion.
type Authed[B any] struct {
	Bend[B]
	server    *Server
	form      url.Values
	forms     []func(url.Values)
	assertion *JWS
}

func authed[B any](self B, c *Client, s *Server, name, address string) Authed[B] {
	a := Authed[B]{Bend: bend(self, c, name, "POST", address), server: s, form: url.Values{}}
	a.assertion, a.party = c.Assertion(s), s.OrganisationID
	return a
}

// Assertion builds the client assertion of private_key_jwt: iss and sub the client, aud the token
// endpoint, five minutes of life (AS-CA-02..04).
func (c *Client) Assertion(s *Server) *JWS {
	now := c.cfg.Clock.Now()
	j := newJWS(c.cfg.Signing, map[string]any{
		"iss": s.ClientID, "sub": s.ClientID, "aud": s.Token, "jti": c.jti(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
	return j
}

// jti is new each time, unless this client repeats itself.
func (c *Client) jti() string {
	if c.ignores("TPP-02/fresh-jti") {
		return "5f0c7f0a-6f0e-4c2e-9a5e-0d1d3d1c7a11"
	}
	return messageID()
}

// Form edits the outer form just before it is encoded: add, duplicate, drop, replace.
func (a *Authed[B]) Form(f func(url.Values)) B { a.forms = append(a.forms, f); return a.self }

// Assertion edits the client assertion: claims, algorithm, key, header, brokenness.
func (a *Authed[B]) Assertion(f func(*JWS)) B {
	if a.assertion != nil {
		f(a.assertion)
	}
	return a.self
}

// AssertionClaims edits the claims of the client assertion.
func (a *Authed[B]) AssertionClaims(f func(map[string]any)) B {
	return a.Assertion(func(j *JWS) { f(j.Claims) })
}

// WithoutAssertion leaves the client assertion out.
func (a *Authed[B]) WithoutAssertion() B { a.assertion = nil; return a.self }

// As authenticates with the identity and key of another client, over the certificate already chosen.
func (a *Authed[B]) As(other *Client, clientID string) B {
	s := *a.server
	s.ClientID = clientID
	a.server, a.assertion = &s, other.Assertion(&s)
	return a.self
}

// encode makes the body: own parameters, client authentication, then what the forms edit.
func (a *Authed[B]) encode() error {
	if a.raw {
		return nil
	}
	if a.assertion != nil {
		compact, err := a.assertion.Sign()
		if err != nil {
			return fmt.Errorf("client assertion: %w", err)
		}
		a.form.Set("client_assertion_type", assertionType)
		a.form.Set("client_assertion", compact)
	}
	for _, f := range a.forms {
		f(a.form)
	}
	if a.body == nil {
		a.body = []byte(a.form.Encode())
		if a.header.Get("Content-Type") == "" {
			a.header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	return nil
}

// Push is a pushed authorization request. Once sent it remembers what the rest of the journey needs:
// state, nonce, verifier and redirect URI as they really left.
type Push struct {
	Authed[*Push]
	Consent *Consent

	State, Nonce, Verifier, RedirectURI string
	RequestURI                          string // of the answer
	ExpiresIn                           time.Duration

	object   *JWS
	envelope *Envelope
	unsigned bool
}

// PushedRequest builds the pushed request for a consent as a sound client sends it (TPP-02, TPP-03): all
// parameters in a signed request object, PKCE S256, nonce, state, essential acr. consent may be nil for
// a request without a dynamic scope.
func (c *Client) PushedRequest(s *Server, consent *Consent) *Push {
	p := &Push{Consent: consent, State: secret(24), Nonce: secret(24), Verifier: secret(48)}
	p.Authed = authed(p, c, s, "par", s.PAR)
	if len(c.cfg.RedirectURIs) > 0 {
		p.RedirectURI = c.cfg.RedirectURIs[0]
	}
	now := c.cfg.Clock.Now()
	scope := "openid"
	if consent != nil {
		p.consent = consent.ID
		scope = strings.Join(append([]string{"openid", "consent:" + consent.ID}, consent.Scopes...), " ")
	}
	claims := map[string]any{
		"iss": s.ClientID, "aud": s.Issuer, "client_id": s.ClientID, "jti": messageID(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"response_type": "code id_token", "response_mode": "fragment", "redirect_uri": p.RedirectURI, "scope": scope,
		"state": p.State, "nonce": p.Nonce,
	}
	if !c.ignores("TPP-02/pkce") {
		claims["code_challenge"], claims["code_challenge_method"] = Challenge(p.Verifier), "S256"
	}
	if !c.ignores("TPP-03/essential-acr") {
		claims["claims"] = map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true}}}
	}
	p.object = newJWS(c.cfg.Signing, claims)
	p.object.Header["typ"] = "oauth-authz-req+jwt"
	return p
}

// Challenge is the S256 code challenge of a verifier.
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Object edits the request object: algorithm, key, header, claims, brokenness, or the finished text.
func (p *Push) Object(f func(*JWS)) *Push { f(p.object); return p }

// Claims edits the claims of the request object.
func (p *Push) Claims(f func(map[string]any)) *Push { f(p.object.Claims); return p }

// Set puts one claim into the request object; nil takes it out.
func (p *Push) Set(claim string, value any) *Push {
	if value == nil {
		delete(p.object.Claims, claim)
	} else {
		p.object.Claims[claim] = value
	}
	return p
}

// JOSEHeader edits the header of the request object.
func (p *Push) JOSEHeader(f func(map[string]any)) *Push { f(p.object.Header); return p }

// Alg signs the request object with another algorithm, or "none".
func (p *Push) Alg(alg string) *Push { p.object.Alg = alg; return p }

// SignedBy signs the request object with another key, named in its header.
func (p *Push) SignedBy(key jose.Key) *Push { p.object.SignedBy(key); return p }

// BreakSignature spoils the signature of the request object.
func (p *Push) BreakSignature() *Push { p.object.Broken = true; return p }

// Encrypted wraps the request object for a key, by default with the algorithms of the profile.
func (p *Push) Encrypted(to jose.Key) *Push { return p.EncryptedAs(jose.RSAOAEP, jose.A256GCM, to) }

// EncryptedAs wraps the request object with any algorithms.
func (p *Push) EncryptedAs(alg, enc string, to jose.Key) *Push {
	p.envelope = &Envelope{alg, enc, to}
	return p
}

// Unsigned sends the parameters as form fields, without a request object.
func (p *Push) Unsigned() *Push { p.unsigned = true; return p }

// Send pushes the request.
func (p *Push) Send(ctx context.Context) *Exchange {
	err := p.build()
	e := p.send(ctx, p.object.Claims, err)
	p.RequestURI = e.Text("request_uri")
	if n, ok := e.Field("expires_in").(float64); ok {
		p.ExpiresIn = time.Duration(n * float64(time.Second))
	}
	return e
}

func (p *Push) build() error {
	text := func(claim string) string { s, _ := p.object.Claims[claim].(string); return s }
	p.State, p.Nonce, p.RedirectURI = text("state"), text("nonce"), text("redirect_uri")
	if p.assertion != nil || p.unsigned {
		p.form.Set("client_id", p.server.ClientID)
	}
	if p.unsigned {
		for claim := range p.object.Claims {
			if s := text(claim); s != "" {
				p.form.Set(claim, s)
			}
		}
		return p.encode()
	}
	compact, err := p.object.Sign()
	if err == nil {
		compact, err = p.envelope.seal(compact)
	}
	if err != nil {
		return fmt.Errorf("request object: %w", err)
	}
	p.form.Set("request", compact)
	return p.encode()
}
