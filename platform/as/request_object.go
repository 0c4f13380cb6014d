package as

import (
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
)

// objectLife bounds the life and the age of a request object (AS-REQ-03, AS-REQ-04).
const objectLife = time.Hour

func (p *pushing) key() (jose.Key, bool) { return p.keys.Find(p.token.KeyID(), "sig") }

// old says whether nbf lies too far back; then the length of the life is not what is wrong.
func (p *pushing) old() bool {
	nbf, ok := moment(p.claims, "nbf")
	return ok && p.now.Sub(nbf) > objectLife+skew
}

// signed makes a row that has nothing to say of bare parameters.
func signed(id string, weight fault.Weight, text, detail string, kept func(*pushing) bool) rule.Rule[*pushing] {
	return row(id, weight, text, invalidObject(detail), func(p *pushing) bool { return p.token == nil || kept(p) })
}

// member makes a row about a parameter, wherever it stands.
func member(id string, weight fault.Weight, text, detail string, kept func(*pushing) bool) rule.Rule[*pushing] {
	return row(id, weight, text, invalidObject(detail), kept)
}

var envelopeRules = rule.NewSet("encrypted request object",
	member("AS-REQ-17/algorithms", fault.Major, "A request object is encrypted with RSA-OAEP and A256GCM.", "the request object is encrypted with other algorithms",
		func(p *pushing) bool { return p.envelope["alg"] == jose.RSAOAEP && p.envelope["enc"] == jose.A256GCM }),
	member("AS-REQ-17/known-key", fault.Minor, "A request object is encrypted to a published key.", "the request object is encrypted to another key",
		func(p *pushing) bool {
			return p.envelope["kid"] == nil || p.envelope["kid"] == p.server.cfg.Encryption.ID
		}),
)

var objectRules = rule.NewSet("request object",
	signed("AS-REQ-01/not-unsigned", fault.Critical, "A request object is signed.", "the request object is not signed",
		func(p *pushing) bool { return p.token.Algorithm() != "none" }),
	signed("AS-REQ-01/ps256", fault.Major, "A request object is signed with PS256.", "the request object is not signed with PS256",
		func(p *pushing) bool { alg := p.token.Algorithm(); return alg == jose.PS256 || alg == "none" }),
	signed("AS-REQ-01/client-key", fault.Critical, "A request object is signed with an active key of the client.", "the key of the request object is not an active key of the client",
		func(p *pushing) bool { _, ok := p.key(); return ok || p.token.Algorithm() == "none" }),
	signed("AS-REQ-01/signature", fault.Critical, "The signature of a request object verifies.", "the signature of the request object does not verify",
		func(p *pushing) bool { key, ok := p.key(); return !ok || verifies(p.compact, p.token, key) }),
	signed("AS-REQ-02/audience", fault.Critical, "A request object is addressed to the issuer.", "the request object is addressed to somebody else",
		func(p *pushing) bool {
			all := audience(p.claims)
			return slices.Contains(all, p.server.cfg.Issuer) || slices.Contains(all, p.server.cfg.Issuer+"/")
		}),
	signed("AS-REQ-03/has-exp", fault.Major, "A request object carries exp, a date.", "exp is missing from the request object",
		func(p *pushing) bool { _, ok := moment(p.claims, "exp"); return ok }),
	signed("AS-REQ-03/not-expired", fault.Critical, "A request object has not expired.", "the request object has expired",
		func(p *pushing) bool { exp, ok := moment(p.claims, "exp"); return !ok || p.now.Before(exp.Add(skew)) }),
	signed("AS-REQ-04/has-nbf", fault.Major, "A request object carries nbf, a date.", "nbf is missing from the request object",
		func(p *pushing) bool { _, ok := moment(p.claims, "nbf"); return ok }),
	signed("AS-REQ-04/nbf-recent", fault.Minor, "nbf of a request object is at most sixty minutes ago.", "nbf of the request object is too long ago",
		func(p *pushing) bool { return !p.old() }),
	signed("AS-REQ-04/nbf-begun", fault.Minor, "nbf of a request object has come.", "the request object is not valid yet",
		func(p *pushing) bool { nbf, ok := moment(p.claims, "nbf"); return !ok || !nbf.After(p.now.Add(skew)) }),
	signed("AS-REQ-03/lifetime", fault.Major, "A request object expires at most sixty minutes after nbf.", "the request object lives too long",
		func(p *pushing) bool {
			nbf, began := moment(p.claims, "nbf")
			exp, ends := moment(p.claims, "exp")
			return !began || !ends || p.old() || exp.Sub(nbf) <= objectLife
		}),
	member("AS-PAR-03/object-client", fault.Major, "The client_id of the parameters is the authenticated client.", "client_id of the request object is not the client",
		func(p *pushing) bool { return p.text("client_id") == p.client.ID }),
	member("AS-PAR-05/no-request-uri-inside", fault.Minor, "A request object holds neither request_uri nor request.", "a request object cannot refer to another",
		func(p *pushing) bool {
			return p.token == nil || (p.claims["request_uri"] == nil && p.claims["request"] == nil)
		}),
	member("AS-REQ-19/types", fault.Minor, "Parameters have the type the standard gives them.", "a parameter has the wrong type", typed),
	member("AS-REQ-08/response-type", fault.Critical, "response_type is code id_token.", "response_type is not code id_token",
		func(p *pushing) bool {
			words := strings.Fields(p.text("response_type"))
			slices.Sort(words)
			return slices.Equal(words, []string{"code", "id_token"})
		}),
	member("AS-REQ-09/response-mode", fault.Major, "response_mode is absent or fragment.", "response_mode is not fragment",
		func(p *pushing) bool { m := p.text("response_mode"); return m == "" || m == "fragment" }),
	member("AS-PAR-11/has-redirect-uri", fault.Major, "A request carries redirect_uri.", "redirect_uri is missing",
		func(p *pushing) bool { return p.text("redirect_uri") != "" }),
	member("AS-REQ-10/redirect-uri", fault.Critical, "redirect_uri is exactly one that the client registered.", "redirect_uri is not registered",
		func(p *pushing) bool {
			uri := p.text("redirect_uri")
			return uri == "" || slices.Contains(p.client.RedirectURIs, uri)
		}),
	member("AS-REQ-06/has-nonce", fault.Major, "A request carries nonce.", "nonce is missing",
		func(p *pushing) bool { return p.text("nonce") != "" }),
	member("AS-PAR-10/has-challenge", fault.Critical, "A request carries a PKCE challenge.", "code_challenge is missing",
		func(p *pushing) bool { return p.text("code_challenge") != "" }),
	member("AS-PAR-10/s256", fault.Major, "The PKCE challenge is made with S256.", "code_challenge_method is not S256",
		func(p *pushing) bool {
			return p.text("code_challenge") == "" || p.text("code_challenge_method") == "S256"
		}),
	member("AS-REQ-16/no-id-token-hint", fault.Major, "A request carries no id_token_hint.", "id_token_hint is not accepted",
		func(p *pushing) bool { return p.claims["id_token_hint"] == nil && !p.form.Has("id_token_hint") }),
	row("AS-PAR-11/has-scope", fault.Major, "A request carries scope.", invalidScope("scope is missing"),
		func(p *pushing) bool { return p.text("scope") != "" }),
)

// typed says whether every parameter that is there has its type.
func typed(p *pushing) bool {
	if p.token == nil {
		return true
	}
	for _, name := range []string{
		"scope", "state", "nonce", "redirect_uri", "response_type", "response_mode", "code_challenge", "code_challenge_method", "client_id", "iss",
	} {
		if v := p.claims[name]; v != nil {
			if _, ok := v.(string); !ok {
				return false
			}
		}
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		if v := p.claims[name]; v != nil {
			if _, ok := v.(float64); !ok {
				return false
			}
		}
	}
	return true
}
