package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/trust"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// exchange is one call on its way through the gateway, and then its answer.
type exchange struct {
	call.Call
	gateway *Gateway
	request *http.Request
	started time.Time

	chain  []*x509.Certificate // presented by the client, leaf first
	bearer string
	sent   string // x-fapi-interaction-id as received
	paged  bool   // a further page, with a valid pagination key
	quota  *quota

	status int
	header http.Header
	body   []byte
	cause  error
}

// interaction settles the interaction id: the caller's, or a new one when there is none worth repeating.
func (x *exchange) interaction() {
	x.sent = x.request.Header.Get("x-fapi-interaction-id")
	x.Interaction = x.sent
	if !isUUID(x.sent) {
		x.Interaction = newInteraction()
	}
}

// isUUID says whether s is a UUID of RFC 4122 in its text form.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}

// answer fills status, header and body, whatever happens.
func (x *exchange) answer(ctx context.Context, w http.ResponseWriter) {
	defer func() {
		if p := recover(); p != nil {
			x.gateway.log.ErrorContext(ctx, "call failed", "interaction", x.Interaction, "panic", redact(fmt.Sprint(p)), "stack", redact(string(debug.Stack())))
			x.refuse(ctx, fmt.Errorf("panic: %v", p))
		}
	}()
	a, err := x.pass(ctx, w)
	if err == nil {
		err = x.accept(ctx, a)
	}
	if err != nil {
		x.refuse(ctx, err)
	}
}

// pass leads the call through the rules to its handler.
func (x *exchange) pass(ctx context.Context, w http.ResponseWriter) (*call.Answer, error) {
	g, sw := x.gateway, x.gateway.cfg.Seams
	handle, err := x.route()
	if !x.fits(ctx) {
		x.recognise(ctx)
		return nil, overloaded
	}
	if err != nil {
		return nil, err
	}
	if err := x.guard(ctx); err != nil {
		return nil, err
	}
	if x.public() {
		x.recognise(ctx)
	} else if err := x.prove(ctx); err != nil {
		return nil, err
	}
	if err := headerRules.Check(ctx, sw, x); err != nil {
		return nil, err
	}
	if !x.public() {
		if err := x.identify(ctx); err != nil {
			return nil, err
		}
		if err := grantRules.Check(ctx, sw, x); err != nil {
			return nil, err
		}
	}
	if err := x.read(w); err != nil {
		return nil, err
	}
	if err := x.measure(ctx); err != nil {
		return nil, err
	}
	// A body that is missing where a message is due is the message layer's to refuse.
	if x.Operation.API.Signed && hasBody(x.request) && g.cfg.Messages != nil {
		if x.Body, err = g.cfg.Messages.Open(ctx, x.Body, &x.Call); err != nil {
			return nil, err
		}
	}
	if sw.Bends() {
		if err := x.bendService(ctx); err != nil {
			return nil, err
		}
	}
	return handle(ctx, &x.Call)
}

// route finds the operation, or says 404 or 405.
func (x *exchange) route() (Handler, error) {
	op, params, known := spec.Match(x.request.Method, x.request.URL.Path)
	if op == nil {
		if known && x.gateway.version(x.request.URL.Path) != "" {
			return nil, methodNotAllowed
		}
		return nil, noEndpoint
	}
	handle := x.gateway.handler(op)
	if handle == nil {
		return nil, noEndpoint
	}
	x.Operation, x.Params = op, params
	return handle, nil
}

// prove judges the client's certificate. One in a header is no proof, whoever put it there.
func (x *exchange) prove(ctx context.Context) error {
	g := x.gateway
	if x.request.TLS != nil {
		x.chain = x.request.TLS.PeerCertificates
	}
	if len(x.chain) == 0 && x.headerCertificate() != "" {
		if err := forwardedRules.Check(ctx, g.cfg.Seams, x); err != nil {
			return err
		}
		x.chain = parseHeader(x.headerCertificate())
	}
	return x.judge(ctx)
}

// judge holds what was presented against the authorities.
func (x *exchange) judge(ctx context.Context) error {
	g := x.gateway
	if len(x.chain) > 0 {
		x.Certificate = x.chain[0]
	}
	if err := g.cfg.Trust.Certificate(ctx, x.chain); err != nil {
		if errors.Is(err, trust.ErrUntrusted) {
			x.Certificate = nil // anybody can write any name into one
		}
		if cause := ctx.Err(); cause != nil {
			return cause
		}
		return &rule.Breach{Rule: rule.Of(err), Err: certificateRefused}
	}
	return nil
}

// identify finds out whose call it is.
func (x *exchange) identify(ctx context.Context) error {
	if scheme, rest, ok := strings.Cut(x.request.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		x.bearer = strings.TrimSpace(rest)
	}
	if err := bearerRules.Check(ctx, x.gateway.cfg.Seams, x); err != nil {
		return err
	}
	if x.bearer == "" {
		x.bearer = x.Query("access_token") // only reached without the rule against it
	}
	if x.bearer == "" {
		return unauthorised
	}
	token, client, err := x.gateway.cfg.AS.Introspect(ctx, x.bearer, x.Certificate)
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			return cause
		}
		return &rule.Breach{Rule: rule.Of(err), Err: unauthorised}
	}
	x.Token, x.Client = token, client
	return nil
}

// read takes the body in, bounded.
func (x *exchange) read(w http.ResponseWriter) error {
	switch x.request.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return nil
	}
	if x.request.ContentLength > maxBody {
		return tooLarge
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, x.request.Body, maxBody))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return tooLarge
	case err != nil:
		return incomplete
	}
	x.Body = b
	return nil
}
