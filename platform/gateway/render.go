package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

const jsonType = "application/json; charset=utf-8"

var (
	internal    = call.Refuse(http.StatusInternalServerError, "ERRO_INTERNO", "Erro interno", "Ocorreu um erro inesperado")
	unavailable = call.Refuse(http.StatusServiceUnavailable, "INDISPONIVEL", "Serviço indisponível", "O serviço está temporariamente indisponível")
	timedOut    = call.Refuse(http.StatusGatewayTimeout, "TEMPO_ESGOTADO", "Tempo esgotado", "A requisição não foi atendida no tempo limite")
	unknown     = call.Refuse(http.StatusNotFound, "NAO_ENCONTRADO", "Recurso não encontrado", "O recurso solicitado não existe")
)

// problem is what the caller learns of an error: its own form, or a status that tells nothing.
func problem(ctx context.Context, err error) *call.Problem {
	var p *call.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, connector.ErrUnknown):
		return unknown
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return timedOut
	case errors.Is(err, connector.ErrUnavailable), errors.Is(err, context.Canceled):
		return unavailable
	}
	return internal
}

// accept takes a handler's answer over; messages of signed APIs are sealed.
func (x *exchange) accept(ctx context.Context, a *call.Answer) error {
	x.status, x.body = a.Status, a.Body
	x.header = make(http.Header, 10)
	for name, values := range a.Header {
		x.header[name] = values
	}
	if a.Body == nil {
		return nil
	}
	media := a.ContentType
	if media == "" {
		media = jsonType
		if x.Operation.API.Signed && x.gateway.cfg.Messages != nil {
			sealed, err := x.gateway.cfg.Messages.Seal(ctx, &x.Call, a.Body)
			if err != nil {
				return err
			}
			media, x.body = "application/jwt", []byte(sealed)
		}
	}
	x.header["Content-Type"] = []string{media}
	return nil
}

// refuse renders the one error body. Of signed APIs only 422 is signed.
func (x *exchange) refuse(ctx context.Context, err error) {
	p := problem(ctx, err)
	x.cause, x.status, x.header = err, p.Status, make(http.Header, 10)
	told := errorBody{Errors: p.Items}
	if !x.public() { // of the public definitions half have no room for a request time, and others want totals beside it
		told.Meta = &metaBody{call.Time(x.gateway.cfg.Clock.Now())}
	}
	body, encodeErr := json.Marshal(told)
	if encodeErr != nil {
		body = []byte(`{"errors":[]}`) // strings always encode
	}
	for name, values := range p.Header {
		x.header[name] = values
	}
	x.header["Content-Type"] = []string{jsonType}
	if p.Status == http.StatusUnprocessableEntity && x.Operation != nil && x.Operation.API.Signed && x.Client != nil && x.gateway.cfg.Messages != nil {
		if sealed, sealErr := x.gateway.cfg.Messages.Seal(ctx, &x.Call, body); sealErr == nil {
			body = []byte(sealed)
			x.header["Content-Type"] = []string{"application/jwt"}
		}
	}
	if p.RetryAfter > 0 {
		x.header["Retry-After"] = []string{strconv.Itoa(int((p.RetryAfter + time.Second - 1) / time.Second))}
	}
	x.body = body
}

type errorBody struct {
	Errors []call.Item `json:"errors"`
	Meta   *metaBody   `json:"meta,omitempty"`
}

type metaBody struct {
	RequestDateTime string `json:"requestDateTime"`
}

// send completes the header and writes the answer.
func (x *exchange) send(w http.ResponseWriter) {
	h := x.header
	h["X-Fapi-Interaction-Id"] = []string{x.Interaction}
	if x.Operation != nil {
		h["X-V"] = []string{x.Operation.API.Version}
	} else if v := x.gateway.version(x.request.URL.Path); v != "" {
		h["X-V"] = []string{v}
	}
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	h["Strict-Transport-Security"] = strict
	h["Date"] = []string{x.gateway.cfg.Clock.Now().Format(http.TimeFormat)}
	if x.status == http.StatusMethodNotAllowed {
		h["Allow"] = []string{x.methods()}
	}
	if x.gateway.cfg.Seams.Bends() {
		x.bend()
		h = x.header
	}
	out := w.Header()
	for name, values := range h {
		out[name] = values
	}
	if x.status != http.StatusNoContent && x.status != http.StatusNotModified {
		out["Content-Length"] = []string{strconv.Itoa(len(x.body))}
	}
	w.WriteHeader(x.status)
	if len(x.body) > 0 && x.request.Method != http.MethodHead {
		_, _ = w.Write(x.body) // a caller that left hears nothing
	}
}

var (
	noStore = []string{"no-store"}
	noSniff = []string{"nosniff"}
	strict  = []string{"max-age=31536000"}
)

// bend lets the answer pass the gateway-out seam.
func (x *exchange) bend() {
	v := &fault.Reply{Place: "api", Request: x.request, Status: x.status, Header: x.header, Body: x.body}
	if x.Operation != nil {
		v.Operation = x.Operation.ID
	}
	x.gateway.cfg.Seams.Reply(v)
	x.status, x.header, x.body = v.Status, v.Header, v.Body
}

// report hands the server's side of the call to the metrics platform's outbox. Who has no organisation
// cannot be reported, open data aside: the platform refuses such reports.
func (x *exchange) report() {
	g := x.gateway
	g.calls.Add(1)
	if g.cfg.Outbox == nil || x.Operation == nil {
		return
	}
	kind, b := "private", make([]byte, 0, 512)
	if x.Operation.API.OpenData {
		kind, b = "opendata", x.reported(append(b, '{'))
		b = append(append(append(b, `,"additionalInfo":{"clientIp":"`...), x.address()...), `"}`...)
	} else {
		org := x.organisation()
		if org == "" {
			return
		}
		b = append(append(append(b, `{"fapiInteractionId":"`...), x.Interaction...), `",`...)
		b = append(append(x.reported(b), `,"clientOrgId":"`...), org...)
		b = append(append(append(b, `","serverOrgId":"`...), g.cfg.Organisation...), `","role":"SERVER"`...)
		if reason := x.Report["dropReason"]; reason != "" { // the one member that the server's side owes
			b = append(append(append(b, `,"additionalInfo":{"dropReason":"`...), reason...), `"}`...)
		}
	}
	if err := g.cfg.Outbox.Append(kind, append(b, '}')); err != nil {
		g.log.Error("report lost", "interaction", x.Interaction, "error", redact(err.Error()))
	}
}

// reported appends the members that reports of either kind have.
func (x *exchange) reported(b []byte) []byte {
	took := max(x.gateway.cfg.Clock.Now().Sub(x.started), time.Microsecond)
	b = append(append(append(b, `"endpoint":"`...), x.Operation.FullPath()...), `","statusCode":`...)
	b = append(strconv.AppendInt(b, int64(x.status), 10), `,"httpMethod":"`...)
	b = append(append(b, x.request.Method...), `","timestamp":"`...)
	b = append(x.started.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z"), `","processTimespan":`...)
	return strconv.AppendFloat(b, float64(took.Microseconds())/1000, 'f', 3, 64)
}

// plain says whether a text is not empty and can stand in JSON as it is: ids of the directory can.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// tell logs and shows the call once it is answered.
func (x *exchange) tell(ctx context.Context) {
	g := x.gateway
	took := g.cfg.Clock.Now().Sub(x.started)
	e := Entry{At: x.started, Interaction: x.Interaction, Method: x.request.Method, Status: x.status, Rule: rule.Of(x.cause), Took: took,
		Organisation: x.organisation(), IP: x.address()}
	if x.Operation != nil {
		e.Operation, e.Endpoint = x.Operation.ID, x.Operation.FullPath()
	}
	if x.Client != nil {
		e.Client = x.Client.ID
	}
	if x.Token != nil {
		e.Consent = x.Token.ConsentID
	}
	if e.Consent == "" {
		e.Consent = x.Params["consentId"]
	}
	if g.cfg.Observe != nil {
		g.cfg.Observe(ctx, e)
	}
	level := slog.LevelInfo
	switch {
	case x.status == overloaded.Status: // hundreds a second, and no failure of ours
		level = slog.LevelWarn
	case x.status >= 500:
		level = slog.LevelError
	}
	if !g.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("interaction", e.Interaction), slog.String("operation", e.Operation), slog.String("method", e.Method),
		slog.String("endpoint", e.Endpoint), slog.Int("status", e.Status), slog.Duration("took", took), slog.String("client", e.Client),
	}
	if e.Rule != "" {
		attrs = append(attrs, slog.String("rule", e.Rule))
	}
	if x.cause != nil && x.status >= 500 {
		attrs = append(attrs, slog.String("error", redact(x.cause.Error())))
	}
	g.log.LogAttrs(ctx, level, "call", attrs...)
}

var (
	documents = regexp.MustCompile(`\b(?:\d{11}|[0-9A-Z]{12}\d{2})\b`)
	bearers   = regexp.MustCompile(`(?i)bearer\s+\S+`)
)

// redact takes documents and tokens out of a text about to be logged.
func redact(s string) string {
	return bearers.ReplaceAllString(documents.ReplaceAllString(s, "***"), "Bearer ***")
}
