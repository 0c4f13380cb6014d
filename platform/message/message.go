// Package message opens and seals the signed messages of the payment APIs: compact JWS in both directions
// (S2 6.1).
//
// It promises that nothing is read from a message before its signature was proved with a key of the
// directory, and that no message is believed twice within a day. A broken signature is a 400, a wrong
// claim a 403: the order is that of the payments API. Which jti a client has used is remembered for the day,
// a bounded number a client, and over a restart where there is a place for it; what cannot be remembered is
// not believed. An older message is out of the time window of iat anyway.
package message

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
)

// Keys finds the signing keys of others in the directory.
type Keys interface {
	// KeysFor returns the key set of a software statement, fresh enough to hold the kid if it is published.
	KeysFor(ctx context.Context, jwksURI, kid string) (jose.Set, error)
	// OrganisationFor returns the key set of an organisation, likewise.
	OrganisationFor(ctx context.Context, organisation, kid string) (jose.Set, error)
}

// Config is what a message desk needs.
type Config struct {
	Organisation string   // our organisation id: iss of what we sign
	Key          jose.Key // of our signing certificate
	Keys         Keys
	Seams        *fault.Seams
	// Seen remembers which jti was used; nil is a memory that ends with the process.
	Seen *memo.Seen
}

// Messages opens requests and seals answers. It is safe for concurrent use.
type Messages struct {
	cfg Config
}

// New makes a message desk that has seen nothing.
func New(cfg Config) *Messages {
	if cfg.Seen == nil {
		cfg.Seen = memo.NewSeen()
	}
	return &Messages{cfg: cfg}
}

// Rules lists the sentences about requests.
func Rules() []rule.Info { return append(signatureRules.Rules(), claimRules.Rules()...) }

// Claims are the protocol claims of a message that was believed.
type Claims struct {
	ID       string
	Issuer   string
	Audience string
	Issued   time.Time
}

// Open proves a signed request and returns its content as the other APIs send it, {"data": …}, and its
// claims. Errors unwrap to the [call.Problem] to answer.
func (m *Messages) Open(ctx context.Context, body []byte, c *call.Call) (json.RawMessage, Claims, error) {
	in := &incoming{messages: m, call: c, compact: string(bytes.TrimSpace(body))}
	if err := in.read(ctx); err != nil {
		return nil, Claims{}, err
	}
	if err := signatureRules.Check(ctx, m.cfg.Seams, in); err != nil {
		return nil, Claims{}, err
	}
	if in.plain {
		return in.token.Payload, Claims{}, nil
	}
	if err := claimRules.Check(ctx, m.cfg.Seams, in); err != nil {
		return nil, Claims{}, err
	}
	if in.forgotten != nil {
		return nil, Claims{}, fmt.Errorf("remember a message: %w", in.forgotten)
	}
	claims := Claims{ID: in.token.String("jti"), Issuer: in.token.String("iss"), Audience: in.audience()}
	if at, ok := in.issued(); ok {
		claims.Issued = at
	}
	content := map[string]json.RawMessage{}
	if err := json.Unmarshal(in.token.Payload, &content); err != nil {
		return nil, Claims{}, badSignature("O conteúdo assinado não é um objeto JSON.")
	}
	for _, claim := range []string{"iss", "aud", "jti", "iat", "exp", "nbf", "sub"} {
		delete(content, claim)
	}
	out, err := json.Marshal(content)
	if err != nil {
		return nil, Claims{}, fmt.Errorf("open message: %w", err)
	}
	return out, claims, nil
}

// Seal signs an answer's body, a JSON object, for the client of the call.
func (m *Messages) Seal(_ context.Context, c *call.Call, body []byte) (string, error) {
	jti := uuid.NewString()
	if m.cfg.Seams.Bends() {
		return m.bent(c, body, jti)
	}
	if len(body) < 2 || body[0] != '{' {
		return "", fmt.Errorf("seal answer of %s: not a JSON object", c.Operation.ID)
	}
	out := make([]byte, 0, len(body)+256)
	out = fmt.Appendf(out, `{"iss":%q,"aud":%q,"jti":%q,"iat":%d`, m.cfg.Organisation, c.Client.OrganisationID, jti, c.Now.Unix())
	if body[1] != '}' {
		out = append(out, ',')
	}
	compact, err := jose.Sign(append(out, body[1:]...), m.cfg.Key, nil)
	if err != nil {
		return "", fmt.Errorf("seal answer of %s: %w", c.Operation.ID, err)
	}
	return compact, nil
}

// bent is Seal while something is armed: the claims pass the seam before they are signed.
func (m *Messages) bent(c *call.Call, body []byte, jti string) (string, error) {
	v := fault.Claims{Kind: "payment", At: c.Operation.ID, Alg: jose.PS256, Header: map[string]any{"typ": "JWT", "kid": m.cfg.Key.ID}}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&v.Body); err != nil || v.Body == nil {
		return "", fmt.Errorf("seal answer of %s: not a JSON object", c.Operation.ID)
	}
	v.Body["iss"], v.Body["aud"], v.Body["jti"], v.Body["iat"] = m.cfg.Organisation, c.Client.OrganisationID, jti, c.Now.Unix()
	m.cfg.Seams.Claims(&v)
	compact, err := jose.SignAs(v.Alg, v.Body, m.cfg.Key.Private, v.Header)
	if err != nil {
		return "", fmt.Errorf("seal answer of %s: %w", c.Operation.ID, err)
	}
	return compact, nil
}

func badSignature(detail string) error {
	return call.Refuse(http.StatusBadRequest, "BAD_SIGNATURE", "Assinatura inválida", detail)
}

func invalidClient(detail string) error {
	return call.Refuse(http.StatusForbidden, "INVALID_CLIENT", "Mensagem recusada", detail)
}
