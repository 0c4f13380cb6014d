package pcm

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
)

// tokenLife is the life of an access token (section 2).
const tokenLife = 6 * time.Hour

// session is what a token stands for.
type session struct {
	token        string
	organisation string
	client       string
	expires      time.Time
}

// tokens remembers what was minted: by token for the API, by client for the cache.
type tokens struct {
	mu       sync.Mutex
	key      [32]byte
	live     map[string]session
	byClient map[string]session
}

func (t *tokens) prepare() error {
	t.live, t.byClient = map[string]session{}, map[string]session{}
	_, err := rand.Read(t.key[:])
	return err
}

// tokenRequest is a request for a token on its way through the rules.
type tokenRequest struct {
	chain     []*x509.Certificate
	org       string
	software  string
	wanted    string // client_id that belongs to the certificate
	grantType string
	clientID  string
	platform  *PCM
	now       time.Time
}

// problem is a whole-request failure with its body.
type problem struct {
	status int
	body   string
}

func (e *problem) Error() string { return e.body }

var tokenRules = rule.NewSet("pcm.token",
	rule.Rule[*tokenRequest]{ID: "PCM-TOKEN/certificate-trusted", Weight: fault.Critical,
		Text: "the client certificate chains to the ecosystem's authority, is in force, is for clients and is not revoked",
		Check: func(_ context.Context, t *tokenRequest) error {
			if err := t.trusted(); err != nil {
				return &problem{http.StatusUnauthorized, `{"statusCode":401,"message":"Unauthorized"}`}
			}
			return nil
		}},
	rule.Rule[*tokenRequest]{ID: "PCM-TOKEN/grant-type", Weight: fault.Minor,
		Text: "grant_type is client_credentials", Check: func(_ context.Context, t *tokenRequest) error {
			if t.grantType != "client_credentials" {
				return &problem{http.StatusBadRequest, `{"error":"unsupported_grant_type","error_description":"Unsupported grant_type"}`}
			}
			return nil
		}},
	rule.Rule[*tokenRequest]{ID: "PCM-TOKEN/has-client-id", Weight: fault.Minor,
		Text: "client_id is there", Check: func(_ context.Context, t *tokenRequest) error {
			if t.clientID == "" {
				return &problem{http.StatusBadRequest, `{"error":"invalid_client","error_description":"Invalid client credentials"}`}
			}
			return nil
		}},
	rule.Rule[*tokenRequest]{ID: "PCM-TOKEN/client-bound", Weight: fault.Critical,
		Text: "client_id belongs to the software statement of the certificate", Check: func(_ context.Context, t *tokenRequest) error {
			if t.clientID != "" && t.clientID != t.wanted && t.clientID != t.software {
				return &problem{http.StatusUnauthorized, `{"statusCode":401,"message":"ClientId is not valid to the orgId"}`}
			}
			return nil
		}},
)

func (t *tokenRequest) trusted() error {
	if len(t.chain) == 0 || t.org == "" {
		return errors.New("no certificate of a participant")
	}
	between := x509.NewCertPool()
	for _, c := range t.chain[1:] {
		between.AddCert(c)
	}
	_, err := t.chain[0].Verify(x509.VerifyOptions{
		Roots: t.platform.cfg.Roots, Intermediates: between, CurrentTime: t.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err == nil && t.platform.cfg.Revoked != nil && t.platform.cfg.Revoked(t.chain[0]) {
		err = errors.New("certificate is revoked")
	}
	return err
}

// identities reads the organisation and the software statement a transport certificate speaks of: today
// in organizationIdentifier, before August 2022 in OU.
func identities(c *x509.Certificate) (org, software string) {
	for _, n := range c.Subject.Names {
		v, _ := n.Value.(string)
		switch n.Type.String() {
		case "2.5.4.97":
			org = strings.TrimPrefix(v, "OFBBR-")
		case "2.5.4.11":
			if org == "" {
				org = v
			}
		case "0.9.2342.19200300.100.1.1":
			software = v
		}
	}
	return strings.ToLower(org), software
}

// token answers POST /token/ and /token-fresh/; the latter never answers from the cache.
func (p *PCM) token(fresh bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if fresh && !p.Dialect().on[swFreshToken] {
			p.refuse(w, r, "token", http.StatusNotFound, "Not Found")
			return
		}
		if p.faults.strike(w, r, p, "token") {
			return
		}
		t, err := p.readToken(w, r)
		if err != nil {
			p.answer(w, r, "token", http.StatusBadRequest, []byte(`{"error":"invalid_client","error_description":"Invalid client credentials"}`))
			return
		}
		if err := tokenRules.Check(r.Context(), p.cfg.Seams, t); err != nil {
			var b *problem
			if errors.As(err, &b) {
				p.answer(w, r, "token", b.status, []byte(b.body))
			}
			return
		}
		s, err := p.mint(t, fresh)
		if err != nil {
			p.refuse(w, r, "token", http.StatusInternalServerError, "Internal server error")
			return
		}
		body, _ := json.Marshal(map[string]any{
			"statusCode": http.StatusOK, "access_token": s.token, "expires_in": int(s.expires.Sub(t.now) / time.Second),
			"refresh_expires_in": 0, "token_type": "Bearer", "not-before-policy": 0, "scope": "profile email",
		})
		p.answer(w, r, "token", http.StatusOK, body)
	}
}

// readToken accepts both published forms of the body: form fields, and the JSON of the older manual.
func (p *PCM) readToken(w http.ResponseWriter, r *http.Request) (*tokenRequest, error) {
	t := &tokenRequest{platform: p, now: p.cfg.Clock.Now()}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	inJSON, d := media == "application/json", p.Dialect()
	if inJSON && !d.on[swTokenJSON] || !inJSON && !d.on[swTokenForm] {
		return nil, errors.New("the dialect has no body of type " + media)
	}
	if inJSON {
		var in struct {
			ClientID  string `json:"client_id"`
			GrantType string `json:"grant_type"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return nil, err
		}
		t.clientID, t.grantType = in.ClientID, in.GrantType
	} else {
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		t.clientID, t.grantType = r.PostForm.Get("client_id"), r.PostForm.Get("grant_type")
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		t.chain = r.TLS.PeerCertificates
		t.org, t.software = identities(t.chain[0])
	}
	if t.wanted = t.software; p.cfg.ClientID != nil {
		t.wanted = p.cfg.ClientID(t.software)
	}
	return t, nil
}

// expire ends every token minted so far.
func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.live)
	clear(t.byClient)
}

func (p *PCM) mint(t *tokenRequest, fresh bool) (session, error) {
	p.tokens.mu.Lock()
	defer p.tokens.mu.Unlock()
	s, ok := p.tokens.byClient[t.clientID]
	if _, live := p.tokens.live[s.token]; ok && live && !fresh && // a clock set back would bring a forgotten one to life again
		p.Dialect().on[swCachedToken] && s.expires.After(t.now) && s.organisation == t.org {
		return s, nil
	}
	for token, s := range p.tokens.live {
		if !s.expires.After(t.now) {
			delete(p.tokens.live, token)
		}
	}
	s = session{organisation: t.org, client: t.clientID, expires: t.now.Add(p.cfg.Seams.Lifetime("pcm.access_token", tokenLife))}
	var jti [16]byte
	if _, err := rand.Read(jti[:]); err != nil {
		return s, err
	}
	var err error
	s.token, err = jose.SignAs("HS256", map[string]any{
		"org_id": s.organisation, "client_id": s.client, "software_id": t.software, "iat": t.now.Unix(), "exp": s.expires.Unix(),
		"jti": base64.RawURLEncoding.EncodeToString(jti[:]),
	}, p.tokens.key[:], map[string]any{"typ": "JWT"})
	if err != nil {
		return s, err
	}
	p.tokens.live[s.token], p.tokens.byClient[t.clientID] = s, s
	return s, nil
}

// session returns what a request's bearer token stands for.
func (p *PCM) session(r *http.Request, now time.Time) (session, bool) {
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return session{}, false
	}
	p.tokens.mu.Lock()
	defer p.tokens.mu.Unlock()
	s, ok := p.tokens.live[bearer]
	if _, refused := p.faults.take(now, "report", "refuse"); refused {
		ok = false
	}
	return s, ok && s.expires.After(now)
}
