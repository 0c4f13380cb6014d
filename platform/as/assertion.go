package as

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/trust"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/rule"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// skew is what another's clock may be ahead of or behind ours.
	skew = 10 * time.Second
	// assertionLife is how far away the end of an assertion may lie.
	assertionLife = time.Hour
)

// proof is what a client shows to be who it says (RFC 7523, private_key_jwt).
type proof struct {
	server      *Server
	endpoint    string
	form        url.Values
	certificate *x509.Certificate
	compact     string
	token       *jose.Token // nil when no assertion came
	keys        jose.Set
	client      *registration
	now         time.Time
	forgotten   error // why the jti could not be remembered
}

func (p *proof) key() (jose.Key, bool) { return p.keys.Find(p.token.KeyID(), "sig") }

// aims says whether the assertion is meant for this server: its issuer, its token endpoint, the pushed
// request endpoint or the one being called, by itself or in a list (AS-CA-03, AS-PAR-04).
func (p *proof) aims() bool {
	cfg := &p.server.cfg
	return slices.ContainsFunc(audience(p.token.Claims), func(a string) bool {
		switch a {
		case cfg.Issuer, cfg.Issuer + "/", cfg.MTLS + pathToken, cfg.MTLS + pathPush, cfg.MTLS + p.endpoint:
			return true
		}
		return false
	})
}

// shown makes a row that has nothing to say when no assertion came.
func shown(id string, weight fault.Weight, text, detail string, kept func(*proof) bool) rule.Rule[*proof] {
	return row(id, weight, text, invalidClient(detail), func(p *proof) bool { return p.token == nil || kept(p) })
}

func hasAssertion(p *proof) bool { return p.token != nil }

var tokenAuthenticationRules = rule.NewSet("client authentication at the token endpoint",
	row("AS-CA-05/has-assertion", fault.Critical, "A client authenticates with a client assertion and in no other way.",
		invalidClient("a client assertion is required"), hasAssertion),
	shown("AS-CA-03/audience", fault.Critical, "A client assertion is addressed to the issuer or the token endpoint.",
		"the client assertion is addressed to somebody else", (*proof).aims),
)

var pushAuthenticationRules = rule.NewSet("client authentication at the pushed request endpoint",
	row("AS-PAR-03/has-assertion", fault.Critical, "A client that pushes a request authenticates as at the token endpoint.",
		invalidClient("a client assertion is required"), hasAssertion),
	shown("AS-PAR-04/audience", fault.Critical, "A client assertion that comes with a pushed request is addressed to the issuer, the token endpoint or the pushed request endpoint.",
		"the client assertion is addressed to somebody else", (*proof).aims),
)

var assertionRules = rule.NewSet("client assertion",
	shown("AS-CA-05/assertion-type", fault.Minor, "client_assertion_type is that of a JWT.", "client_assertion_type is not that of a JWT",
		func(p *proof) bool { return p.form.Get("client_assertion_type") == assertionType }),
	row("AS-CA-05/client-id-matches", fault.Major, "A client_id in the form is that of the authenticated client.", invalidClient("client_id names another client"),
		func(p *proof) bool { id := p.form.Get("client_id"); return id == "" || id == p.client.ID }),
	shown("AS-CA-01/not-unsigned", fault.Critical, "A client assertion is signed.", "the client assertion is not signed",
		func(p *proof) bool { return p.token.Algorithm() != "none" }),
	shown("AS-CA-01/ps256", fault.Critical, "A client assertion is signed with PS256.", "the client assertion is not signed with PS256",
		func(p *proof) bool { alg := p.token.Algorithm(); return alg == jose.PS256 || alg == "none" }),
	shown("AS-CA-06/active-key", fault.Critical, "The key of a client assertion is an active signing key of the client in the directory.", "the key of the client assertion is not an active key of the client",
		func(p *proof) bool { _, ok := p.key(); return ok || p.token.Algorithm() == "none" }),
	shown("AS-CA-01/signature", fault.Critical, "The signature of a client assertion verifies.", "the signature of the client assertion does not verify",
		func(p *proof) bool { key, ok := p.key(); return !ok || verifies(p.compact, p.token, key) }),
	shown("AS-CA-02/has-sub", fault.Critical, "A client assertion carries sub.", "sub is missing from the client assertion",
		func(p *proof) bool { return p.token.Claims["sub"] != nil }),
	shown("AS-CA-02/sub", fault.Critical, "The sub of a client assertion is the client.", "sub of the client assertion is not the client",
		func(p *proof) bool { return p.token.Claims["sub"] == nil || p.token.String("sub") == p.client.ID }),
	shown("AS-CA-02/iss", fault.Critical, "The iss of a client assertion is the client.", "iss of the client assertion is not the client",
		func(p *proof) bool { return p.token.String("iss") == p.client.ID }),
	shown("AS-CA-04/has-exp", fault.Major, "A client assertion carries exp, a date.", "exp is missing from the client assertion",
		func(p *proof) bool { _, ok := moment(p.token.Claims, "exp"); return ok }),
	shown("AS-CA-04/not-expired", fault.Critical, "A client assertion has not expired.", "the client assertion has expired",
		func(p *proof) bool {
			exp, ok := moment(p.token.Claims, "exp")
			return !ok || p.now.Before(exp.Add(skew))
		}),
	shown("AS-CA-04/exp-near", fault.Minor, "A client assertion expires within the hour.", "exp of the client assertion is too far away",
		func(p *proof) bool {
			exp, ok := moment(p.token.Claims, "exp")
			return !ok || !exp.After(p.now.Add(assertionLife+skew))
		}),
	shown("AS-CA-04/has-jti", fault.Minor, "A client assertion carries jti.", "jti is missing from the client assertion",
		func(p *proof) bool { return p.token.String("jti") != "" }),
	shown("AS-CA-04/jti-fresh", fault.Major, "A client assertion is used once.", "the client assertion was used before",
		func(p *proof) bool { return p.token.String("jti") == "" || p.remember() }),
	row("AS-TOK-01/own-certificate", fault.Critical, "The certificate of the connection is that of the client's software statement and organisation.",
		invalidClient("the certificate is not the client's"), func(p *proof) bool { return fits(p.certificate, p.client) }),
)

// remember notes the jti for as long as the assertion could be used again, and reports whether it is new. One
// that cannot be noted passes here, and is refused for that afterwards.
func (p *proof) remember() bool {
	until := p.now.Add(assertionLife)
	if exp, ok := moment(p.token.Claims, "exp"); ok && exp.After(p.now) && exp.Before(until) {
		until = exp
	}
	first, err := p.server.cfg.Seen.First(p.client.ID, p.token.String("jti"), p.now, until.Add(skew))
	p.forgotten = err
	return first || err != nil
}

// verifies checks an RSA signature. Whether the algorithm is the right one is another row's matter, and
// of one that is no RSA there is nothing to verify.
func verifies(compact string, t *jose.Token, key jose.Key) bool {
	switch t.Algorithm() {
	case jose.PS256, "RS256", "PS384", "PS512", "RS384", "RS512":
		return t.VerifiedBy(compact, jose.Set{Keys: []jose.Key{key}}) == nil
	}
	return true
}

// authenticate proves the client of a form posted to the endpoint (RFC 7523; RFC 8705).
func (s *Server) authenticate(r *http.Request, endpoint string, form url.Values) (*proof, error) {
	ctx := r.Context()
	certificate, err := s.transport(ctx, r, certificateRules)
	if err != nil {
		return nil, err
	}
	p := &proof{server: s, endpoint: endpoint, form: form, certificate: certificate, compact: form.Get("client_assertion"), now: s.clock.Now()}
	if p.compact != "" {
		t, err := jose.Parse(p.compact)
		if err != nil || t.Claims == nil {
			return nil, invalidClient("the client assertion cannot be read")
		}
		p.token = &t
	}
	set := tokenAuthenticationRules
	if endpoint == pathPush {
		set = pushAuthenticationRules
	}
	if err := set.Check(ctx, s.seams, p); err != nil {
		return nil, err
	}
	if p.client = s.meant(p); p.client == nil {
		return nil, invalidClient("no such client")
	}
	journal.Note(ctx, journal.Fact{Client: p.client.ID})
	if p.token != nil {
		if p.keys, err = s.cfg.Trust.KeysFor(ctx, p.client.JWKSURI, p.token.KeyID()); err != nil {
			return nil, fmt.Errorf("%w: keys of client %s: %w", errBusy, p.client.ID, err)
		}
	}
	if err := assertionRules.Check(ctx, s.seams, p); err != nil {
		return p, err
	}
	if p.forgotten != nil {
		return nil, fmt.Errorf("%w: remember an assertion: %w", errBusy, p.forgotten)
	}
	return p, nil
}

// meant finds which client the request is about, so that the rule it breaks can be named: the one most
// of its signs point to. The rules then hold every sign against it.
func (s *Server) meant(p *proof) *registration {
	var signs []*registration
	if p.token != nil {
		signs = append(signs, s.clients.get(p.token.String("sub")), s.clients.get(p.token.String("iss")))
	}
	signs = append(signs, s.clients.get(p.form.Get("client_id")))
	if p.certificate != nil {
		_, software := trust.CertificateIDs(p.certificate)
		signs = append(signs, s.clients.bySoftware(software))
	}
	var best *registration
	votes := 0
	for i, c := range signs {
		n := 0
		for _, other := range signs[i:] {
			if other == c {
				n++
			}
		}
		if c != nil && n > votes {
			best, votes = c, n
		}
	}
	return best
}

// audience reads aud, a string or a list of strings.
func audience(claims map[string]any) []string {
	switch aud := claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var all []string
		for _, a := range aud {
			if s, ok := a.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// moment reads a NumericDate. What is no number, or absurd, is no date.
func moment(claims map[string]any, name string) (time.Time, bool) {
	n, ok := claims[name].(float64)
	if !ok || n < 0 || n > 1<<40 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(n * 1000)), true
}

// audit keeps a background of ctx alive for what must be finished although the caller left.
func audit(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
