package tpp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/spec"
)

// APICall is a call of one operation of the standard.
type APICall struct {
	Bend[*APICall]
	server  *Server
	params  map[string]string
	message *JWS // Claims hold the body, signed or not
	hasBody bool
	plain   bool
	audOf   bool // aud follows the address
}

// API builds a call of an operation at an institution as a sound client sends it: interaction id, date,
// Accept, and where the operation wants them idempotency key, customer's address and user agent, and a
// signed body. It carries no token until given one.
func (c *Client) API(s *Server, op *spec.Operation) *APICall {
	r := &APICall{server: s, params: map[string]string{}, audOf: true}
	r.Bend = bend(r, c, op.ID, op.Method, "")
	r.op, r.party = op, s.OrganisationID
	r.message = newJWS(c.cfg.Signing, map[string]any{})
	if op.API.Signed {
		r.header.Set("Accept", "application/jwt")
	}
	r.header.Set("X-Fapi-Auth-Date", c.cfg.Clock.Now().Format(http.TimeFormat))
	if op.Idempotent {
		r.header.Set("X-Idempotency-Key", c.identifier())
	}
	if op.CustomerHeaders {
		r.header.Set("X-Fapi-Customer-Ip-Address", "203.0.113.7")
		r.header.Set("X-Customer-User-Agent", "Mozilla/5.0 (simulado)")
	}
	return r
}

// Token sets the access token.
func (r *APICall) Token(accessToken string) *APICall {
	return r.Header("Authorization", "Bearer "+accessToken)
}

// Scheme sets the access token under another spelling of the scheme.
func (r *APICall) Scheme(scheme, accessToken string) *APICall {
	return r.Header("Authorization", scheme+" "+accessToken)
}

// With uses the token of a grant and names its consent in the report.
func (r *APICall) With(g *Grant) *APICall {
	if id := g.ConsentID(); id != "" {
		r.consent = id
	}
	return r.Token(g.AccessToken())
}

// Param sets a parameter of the path.
func (r *APICall) Param(name, value string) *APICall {
	r.params[name] = value
	if name == "consentId" {
		r.consent = value
	}
	return r
}

// Params sets parameters of the path in pairs of name and value.
func (r *APICall) Params(pairs map[string]string) *APICall {
	for name, value := range pairs {
		r.Param(name, value)
	}
	return r
}

// Idempotency sets the idempotency key; "" takes it out.
func (r *APICall) Idempotency(key string) *APICall {
	if key == "" {
		return r.WithoutHeader("X-Idempotency-Key")
	}
	return r.Header("X-Idempotency-Key", key)
}

// Interaction sets the interaction id; "" takes it out.
func (r *APICall) Interaction(id string) *APICall {
	if id == "" {
		return r.WithoutHeader("X-Fapi-Interaction-Id")
	}
	return r.Header("X-Fapi-Interaction-Id", id)
}

// Body gives the body as an object, {"data": …}. Bodies of signed APIs become messages: iss, aud, jti
// and iat are added and the whole is signed (JWS-01..06). The object is copied.
func (r *APICall) Body(v any) *APICall {
	r.hasBody = true
	claims := map[string]any{}
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil {
		return r.Raw([]byte(fmt.Sprint(v)), "application/json")
	}
	if r.op.API.Signed {
		claims["iss"], claims["jti"], claims["iat"] = r.client.cfg.OrganisationID, r.client.jti(), r.client.cfg.Clock.Now().Unix()
		claims["aud"] = r.target()
	}
	r.message.Claims = claims
	return r
}

// Claims edits the body, in a signed message with its iss, aud, jti and iat. An aud set here stands.
func (r *APICall) Claims(f func(map[string]any)) *APICall {
	if r.hasBody && r.op.API.Signed && r.audOf {
		r.message.Claims["aud"] = r.target()
	}
	r.audOf = false
	f(r.message.Claims)
	return r
}

// Data edits the data member of the body, when it is an object.
func (r *APICall) Data(f func(map[string]any)) *APICall {
	if data, ok := r.message.Claims["data"].(map[string]any); ok {
		f(data)
	}
	return r
}

// Message edits the signed message: algorithm, key, header, brokenness, or the finished text.
func (r *APICall) Message(f func(*JWS)) *APICall { f(r.message); return r }

// Alg signs the body with another algorithm, or "none".
func (r *APICall) Alg(alg string) *APICall { r.message.Alg = alg; return r }

// SignedBy signs the body with another key, named in its header.
func (r *APICall) SignedBy(key jose.Key) *APICall { r.message.SignedBy(key); return r }

// BreakSignature spoils the signature of the body.
func (r *APICall) BreakSignature() *APICall { r.message.Broken = true; return r }

// JOSEHeader edits the header of the signed body.
func (r *APICall) JOSEHeader(f func(map[string]any)) *APICall { f(r.message.Header); return r }

// Unsigned sends the body of a signed API as plain JSON.
func (r *APICall) Unsigned() *APICall { r.plain = true; return r }

// target is the address called, with the path's parameters filled in.
func (r *APICall) target() string {
	if r.address != "" {
		return r.address
	}
	path := r.op.FullPath()
	for name, value := range r.params {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	return strings.TrimSuffix(r.server.ResourceBase, "/") + path
}

// Send makes the call.
func (r *APICall) Send(ctx context.Context) *Exchange {
	if r.hasBody && r.op.API.Signed && r.audOf {
		r.message.Claims["aud"] = r.target()
	}
	r.address = r.target()
	var claims map[string]any
	var err error
	if r.hasBody && !r.raw {
		media := "application/json"
		if r.op.API.Signed && !r.plain {
			var compact string
			compact, err = r.message.Sign()
			r.body, claims, media = []byte(compact), r.message.Claims, "application/jwt"
		} else {
			r.body, err = json.Marshal(r.message.Claims)
		}
		if r.header.Get("Content-Type") == "" {
			r.header.Set("Content-Type", media)
		}
	}
	return r.send(ctx, claims, err)
}

// CheckAnswer judges the answer of an API call as a sound client must: the interaction id is echoed, and
// a signed API's answer is signed by the institution for this client (TPP-10).
func (c *Client) CheckAnswer(ctx context.Context, s *Server, e *Exchange) error {
	if e.Err != nil {
		return &Failure{e}
	}
	l := &ledger{client: c, subject: e.Name + " answer"}
	sent := e.Interaction()
	l.demand("TPP-04/echo-matches", sent == "" || strings.EqualFold(e.Header.Get("X-Fapi-Interaction-Id"), sent), "x-fapi-interaction-id is %q", e.Header.Get("X-Fapi-Interaction-Id"))
	signed := e.Operation != nil && e.Operation.API.Signed && len(e.Body) > 0 && (e.Status/100 == 2 || e.Status == http.StatusUnprocessableEntity)
	if !signed {
		return l.err
	}
	compact := strings.TrimSpace(string(e.Body))
	t, err := jose.Parse(compact)
	if !c.ignores("TPP-10/signed") {
		if err == nil {
			err = c.verify(ctx, compact, c.keystore(s.OrganisationID), t.KeyID())
		}
		l.demand("TPP-10/signed", err == nil, "%v", err)
	}
	if t.Claims == nil {
		return l.err
	}
	l.demand("TPP-10/issuer", t.Claims["iss"] == s.OrganisationID, "iss is %v", t.Claims["iss"])
	l.demand("TPP-10/audience", onlyAudience(t.Claims["aud"], c.cfg.OrganisationID), "aud is %v", t.Claims["aud"])
	iat, dated := numeric(t.Claims["iat"])
	off := c.cfg.Clock.Now().Sub(iat)
	l.demand("TPP-10/fresh", dated && off < skew+15*time.Second && off > -skew, "iat is %v", t.Claims["iat"])
	jti := t.String("jti")
	l.demand("TPP-10/jti", jti != "" && c.keys.first(jti), "jti %q is absent or was seen before", jti)
	return l.err
}

// Read makes a data call with a grant, refreshes once when the token is refused (TPP-09), and judges the
// answer. Any status but 200 is a [Failure], whose exchange is returned beside it.
func (c *Client) Read(ctx context.Context, g *Grant, op *spec.Operation, params map[string]string, query url.Values) (*Exchange, error) {
	call := func() *Exchange {
		r := c.API(g.Server, op).With(g).Params(params)
		for name, values := range query {
			for _, v := range values {
				r.Query(name, v)
			}
		}
		return r.Send(ctx)
	}
	e := call()
	if e.Err == nil && e.Status == http.StatusUnauthorized && g.RefreshToken != "" {
		if err := c.Refresh(ctx, g); err != nil {
			return e, err
		}
		e = call()
	}
	if err := c.CheckAnswer(ctx, g.Server, e); err != nil {
		return e, err
	}
	return e, e.want(http.StatusOK)
}

// ReadAll follows links.next from the first page to the last and returns the records of all.
func (c *Client) ReadAll(ctx context.Context, g *Grant, op *spec.Operation, params map[string]string, query url.Values) ([]map[string]any, []*Exchange, error) {
	var records []map[string]any
	var pages []*Exchange
	e, err := c.Read(ctx, g, op, params, query)
	for {
		pages = append(pages, e)
		if err != nil {
			return records, pages, err
		}
		list, _ := e.Field("data").([]any)
		for _, item := range list {
			if m, ok := item.(map[string]any); ok {
				records = append(records, m)
			}
		}
		next := e.Text("links.next")
		if next == "" || len(list) == 0 || len(pages) >= 1000 {
			return records, pages, nil
		}
		if from, to := origin(e.URL), origin(next); from != to {
			return records, pages, fmt.Errorf("%s: links.next leads away to %s", op.ID, to)
		}
		e = c.API(g.Server, op).With(g).To(next).Send(ctx)
		if err = c.CheckAnswer(ctx, g.Server, e); err == nil {
			err = e.want(http.StatusOK)
		}
	}
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
