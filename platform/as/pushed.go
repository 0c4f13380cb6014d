package as

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/rule"
)

const (
	requestPrefix = "urn:ietf:params:oauth:request_uri:"
	// requestLife is how long a pushed request waits for the customer (AS-PAR-02: sixty seconds or more).
	requestLife = 90 * time.Second
	// maxKept bounds a parameter that is kept until the customer returns, in bytes.
	maxKept = 4 << 10
)

// maxOpened is how often the pages of one request can be opened: a browser that loads them again loses
// nothing, and who floods them pushes nobody else's session out.
const maxOpened = 32

// request is an authorization request as it was pushed. used, completed, opened and tries are guarded by
// the server.
type request struct {
	uri       string
	client    *registration
	redirect  string
	state     string
	nonce     string
	mode      string
	challenge string
	method    string
	static    []string // static scopes, reduced to what the consent can use
	dynamic   string   // dynamic scope, verbatim
	consentID string
	used      bool // cannot be opened again
	completed bool // the customer was sent back
	opened    int  // sessions begun
	tries     int  // failed logins, of all its sessions together
}

// pushing is a request on its way through the rules.
type pushing struct {
	server   *Server
	client   *registration
	form     url.Values
	compact  string
	envelope map[string]any // header of an encrypted request object
	token    *jose.Token    // nil for bare parameters, where those are let pass
	keys     jose.Set
	claims   map[string]any
	static   []string
	dynamic  []string
	consent  *consent.Consent
	now      time.Time
}

var methodRules = rule.NewSet("pushed request method",
	row("AS-PAR-06/post", fault.Minor, "A request is pushed with POST.", errMethod,
		func(r *http.Request) bool { return r.Method == http.MethodPost }),
)

var pushRules = rule.NewSet("pushed request",
	row("AS-PAR-05/no-request-uri", fault.Minor, "A pushed form holds no request_uri.", invalidRequest("request_uri cannot be pushed"),
		func(p *pushing) bool { return !p.form.Has("request_uri") }),
	row("AS-REQ-01/has-request", fault.Critical, "Parameters are pushed in a signed request object.", invalidRequest("a request object is required"),
		func(p *pushing) bool { return p.compact != "" }),
)

// push takes an authorization request (RFC 9126).
func (s *Server) push(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	form, err := s.pushedForm(w, r)
	if err != nil {
		return err
	}
	who, err := s.authenticate(r, pathPush, form)
	if err != nil {
		return err
	}
	p := &pushing{server: s, client: who.client, form: form, compact: form.Get("request"), now: who.now}
	if err := pushRules.Check(ctx, s.seams, p); err != nil {
		return err
	}
	made, err := p.judge(ctx)
	if err != nil {
		return err
	}
	journal.Note(ctx, journal.Fact{Consent: made.consentID})
	made.uri = requestPrefix + secret()
	life := s.seams.Lifetime("request_uri", requestLife)
	s.pushed.put(made.uri, made, p.now, p.now.Add(life))
	said := s.seams.Lifetime("request_uri.advertised", requestLife)
	s.reply(w, r, "par", http.StatusCreated, nil, map[string]any{"request_uri": made.uri, "expires_in": int(said / time.Second)})
	return nil
}

func (s *Server) pushedForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := methodRules.Check(r.Context(), s.seams, r); err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost {
		return s.form(w, r)
	}
	if f, err := readForm(w, r); err == nil && len(f) > 0 {
		return f, nil
	}
	return r.URL.Query(), nil
}

// judge opens the request object and applies the rules of its parts.
func (p *pushing) judge(ctx context.Context) (*request, error) {
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} { // what is kept and given back
		if len(p.text(name)) > maxKept {
			return nil, invalidObject("a parameter is too long")
		}
	}
	if p.server.seams.Bends() {
		outside := map[string]any{}
		for name := range p.form {
			outside[name] = p.form.Get(name)
		}
		p.server.seams.Claims(&fault.Claims{Kind: "request_object", At: "par", Header: outside, Body: p.claims})
	}
	if err := objectRules.Check(ctx, p.server.seams, p); err != nil {
		return nil, err
	}
	p.divide()
	if err := scopeRules.Check(ctx, p.server.seams, p); err != nil {
		return nil, err
	}
	return p.result(), nil
}

// open takes the request object out of its envelope and apart. Bare parameters stand for themselves.
func (p *pushing) open(ctx context.Context) error {
	if p.compact == "" {
		p.claims = map[string]any{}
		for name := range p.form {
			p.claims[name] = p.form.Get(name)
		}
		return nil
	}
	signed, err := p.unwrap(ctx)
	if err != nil {
		return err
	}
	t, err := jose.Parse(signed)
	if err != nil || t.Claims == nil {
		return invalidObject("the request object cannot be read")
	}
	p.compact, p.token, p.claims = signed, &t, t.Claims
	if p.keys, err = p.server.cfg.Trust.KeysFor(ctx, p.client.JWKSURI, t.KeyID()); err != nil {
		return fmt.Errorf("%w: keys of client %s: %w", errBusy, p.client.ID, err)
	}
	return nil
}

// unwrap decrypts an encrypted request object (AS-REQ-17); a signed one is returned as it is.
func (p *pushing) unwrap(ctx context.Context) (string, error) {
	if strings.Count(p.compact, ".") != 4 {
		return p.compact, nil
	}
	var err error
	if p.envelope, err = jose.EncryptionHeader(p.compact); err != nil {
		return "", invalidObject("the request object cannot be read")
	}
	if err := envelopeRules.Check(ctx, p.server.seams, p); err != nil {
		return "", err
	}
	key := p.server.cfg.Encryption
	if kid, ok := p.envelope["kid"].(string); ok {
		key.ID = kid // which key is named was judged
	}
	inner, err := jose.DecryptAny(p.compact, key)
	if err != nil {
		return "", errors.Join(invalidObject("the request object cannot be decrypted"), err)
	}
	return string(inner), nil
}

// text returns a parameter as text, absent as "".
func (p *pushing) text(name string) string {
	switch v := p.claims[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// divide tells static from dynamic scopes, and finds the consent that the first dynamic one names.
func (p *pushing) divide() {
	for _, word := range strings.Fields(p.text("scope")) {
		if _, isDynamic := consentOf(word); isDynamic {
			p.dynamic = append(p.dynamic, word)
		} else if !slices.Contains(p.static, word) {
			p.static = append(p.static, word)
		}
	}
	if len(p.dynamic) > 0 {
		id, _ := consentOf(p.dynamic[0])
		p.consent, _ = p.server.cfg.Consents.Get(id)
	}
}

func (p *pushing) result() *request {
	q := &request{
		client: p.client, redirect: p.text("redirect_uri"), state: p.text("state"), nonce: p.text("nonce"),
		mode: p.text("response_mode"), challenge: p.text("code_challenge"), method: p.text("code_challenge_method"),
	}
	if q.redirect == "" && len(p.client.RedirectURIs) > 0 {
		q.redirect = p.client.RedirectURIs[0]
	}
	q.static = usable(p.static, p.consent)
	if len(p.dynamic) > 0 {
		q.dynamic = p.dynamic[0]
		q.consentID, _ = consentOf(q.dynamic)
	}
	return q
}
