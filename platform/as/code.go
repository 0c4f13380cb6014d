package as

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/rule"
)

const (
	// codeLife is how long an authorization code can be redeemed (AS-RESP-03).
	codeLife = 60 * time.Second
	// codeMemory is how long a spent or expired code is remembered, to notice its reuse.
	codeMemory = 10 * time.Minute
	// refreshLife stands for no end: a refresh token ends with its consent (AS-RT-01).
	refreshLife = 100 * 365 * 24 * time.Hour
)

// code is an authorization code. spent, reused and gave are guarded by the server.
type code struct {
	request  *request
	customer string // owner of what is shared
	identity identity
	expires  time.Time
	spent    bool
	reused   bool // came again after it was spent
	gave     grantID
}

// identity is what the login proved.
type identity struct {
	subject string
	acr     string
	at      time.Time
}

// redemption is a code about to become tokens.
type redemption struct {
	*ticket
	code    *code
	consent *consent.Consent
}

var codeRules = rule.NewSet("authorization code",
	row("AS-RESP-03/client", fault.Critical, "A code is redeemed by the client it was issued to.", invalidGrant("the code cannot be redeemed"),
		func(r *redemption) bool { return r.code.request.client.ID == r.client.ID }),
	row("AS-RESP-03/redirect-uri", fault.Major, "A code is redeemed with the redirect_uri of its request.", invalidGrant("redirect_uri is not that of the request"),
		func(r *redemption) bool { return r.form.Get("redirect_uri") == r.code.request.redirect }),
	row("AS-RESP-03/has-verifier", fault.Critical, "A code is redeemed with a PKCE verifier.", invalidGrant("code_verifier is missing"),
		func(r *redemption) bool { return r.form.Get("code_verifier") != "" || r.code.request.challenge == "" }),
	row("AS-RESP-03/verifier", fault.Critical, "The PKCE verifier is that of the challenge.", invalidGrant("code_verifier is wrong"),
		func(r *redemption) bool {
			verifier, challenge := r.form.Get("code_verifier"), r.code.request.challenge
			return verifier == "" || challenge == "" || verified(verifier, challenge, r.code.request.method)
		}),
	row("AS-CONS-02/at-redemption", fault.Major, "A code is worth nothing once its consent has ended.", invalidGrant("the consent has ended"),
		func(r *redemption) bool { return r.consent == nil || r.consent.Status != consent.Rejected }),
)

func verified(verifier, challenge, method string) bool {
	if method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(verifier), []byte(challenge)) == 1
}

// keepCode makes a code redeemable.
func (s *Server) keepCode(value string, q *request, customer string, who identity) {
	now := s.clock.Now()
	c := &code{request: q, customer: customer, identity: who, expires: now.Add(s.seams.Lifetime("code", codeLife))}
	s.codes.put(value, c, now, c.expires.Add(codeMemory))
}

// redeem turns a code into tokens, once.
func (s *Server) redeem(ctx context.Context, t *ticket) (map[string]any, error) {
	value := t.form.Get("code")
	c, ok := s.codes.get(value, t.now)
	if !ok || value == "" {
		return nil, invalidGrant("the code cannot be redeemed")
	}
	q := c.request
	journal.Note(ctx, journal.Fact{Consent: q.consentID})
	r := &redemption{ticket: t, code: c}
	r.consent, _ = s.cfg.Consents.Get(q.consentID)
	if err := codeRules.Check(ctx, s.seams, r); err != nil {
		return nil, err
	}
	if !t.now.Before(c.expires) {
		if s.isSpent(c) {
			return nil, s.takeBack(ctx, c)
		}
		return nil, invalidGrant("the code has expired")
	}
	if err := s.spend(ctx, c, value); err != nil {
		return nil, err
	}
	g := &grant{
		ClientID: t.client.ID, ConsentID: q.consentID, Subject: c.identity.subject, Customer: c.customer,
		Static: q.static, Dynamic: q.dynamic, Issued: t.now,
	}
	refresh := ""
	if r.consent == nil || r.consent.Status != consent.Consumed { // AS-RT-04
		refresh = secret()
		g.RefreshHash = hashed(refresh)
		if life := s.seams.Lifetime("refresh_token", refreshLife); life != refreshLife {
			g.RefreshUntil = t.now.Add(life)
		}
	}
	g.ready(newGrantID())
	if err := s.keepGrant(ctx, g); err != nil {
		return nil, err
	}
	s.mu.Lock()
	c.gave = g.id
	reused := c.reused
	s.mu.Unlock()
	if reused { // while this first use was under way: nobody has seen a token
		if err := s.dropGrant(audit(ctx), g, false); err != nil {
			return nil, err
		}
		return nil, s.takeBack(ctx, c)
	}
	answer := s.issue(t, g, g.mask)
	if refresh != "" {
		answer["refresh_token"] = refresh
	}
	idToken, err := s.idToken(ctx, tokenFor{at: "token", client: t.client, request: q, identity: c.identity, accessToken: answer["access_token"].(string)})
	if err != nil {
		return nil, fmt.Errorf("id token: %w", err)
	}
	answer["id_token"] = idToken
	return answer, nil
}

// spend takes the code's one step. A second attempt ends what the first one gave (RFC 6749 4.1.2).
func (s *Server) spend(ctx context.Context, c *code, value string) error {
	s.mu.Lock()
	step := fault.Transition{Machine: "code", ID: hashed(value)[:16], Event: "redeem", From: "issued", To: "spent", Allowed: !c.spent}
	if c.spent {
		step.From = "spent"
	}
	step = s.seams.Transition(step)
	if step.Allowed {
		c.spent = step.To == "spent"
	}
	s.mu.Unlock()
	if step.Allowed {
		return nil
	}
	return s.takeBack(ctx, c)
}

func (s *Server) isSpent(c *code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.spent
}

// takeBack ends what a code gave, or is about to give, because it came again.
func (s *Server) takeBack(ctx context.Context, c *code) error {
	s.mu.Lock()
	c.reused = true
	gave := c.gave
	s.mu.Unlock()
	if g := s.grants.get(gave); g != nil {
		if err := s.dropGrant(audit(ctx), g, true); err != nil {
			return err
		}
	}
	return invalidGrant("the code was used before")
}
