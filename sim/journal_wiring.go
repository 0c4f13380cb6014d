package sim

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/sim/journal"
)

// The roles whose exchanges are observed.
const (
	roleAPI       = "bank-api"
	roleAS        = "bank-as"
	roleDirectory = "directory"
	rolePCM       = "pcm"
)

// observer hears of every exchange that a role served, and hands it to the journal, the figures and the
// log. It sees facts and templates, never a body.
type observer struct {
	world   *Ecosystem
	journal *journal.Journal // nil when it is off
	figures *figures
}

// newObserver opens the journal and lets it hear every verdict of the bank.
func newObserver(e *Ecosystem) *observer {
	o := &observer{world: e, figures: newFigures(e)}
	if e.options.Journal < 0 {
		return o
	}
	sentences := map[string]string{}
	for _, r := range Rules() {
		sentences[r.ID] = r.Title
	}
	o.journal = journal.New(journal.Config{Bytes: e.options.Journal, Clock: e.clock, Sentences: sentences})
	e.board.Seams().Trace(o.journal.Verdict)
	return o
}

// called hears from the gateway what a call was about.
func (o *observer) called(ctx context.Context, e gateway.Entry) {
	journal.Note(ctx, journal.Fact{Interaction: e.Interaction, Operation: e.Operation, Endpoint: e.Endpoint, Client: e.Client,
		Consent: e.Consent, Rule: e.Rule, Status: e.Status})
}

// of observes a role. The API's own observer tells more than the wire does, so its answers pass untouched.
func (o *observer) of(role string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now() // of the machine: what an exchange took is not to be stretched by a step of the clock
		e := journal.Entry{At: o.world.clock.Now(), Role: role, Method: r.Method}
		ctx, x := journal.Begin(r.Context(), o.journal)
		r = r.WithContext(ctx)
		said := &hearing{ResponseWriter: w}
		defer func() {
			e.Duration, e.Status, e.Interaction = time.Since(started), said.status, interactionOf(said.Header(), r.Header)
			if role != roleAPI {
				e.Operation, e.Endpoint = endpoint(r.Pattern)
			}
			o.ended(ctx, x.End(e))
		}()
		if role == roleAPI {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(said, r)
	})
}

func (o *observer) ended(ctx context.Context, e journal.Entry) {
	o.figures.exchange(e)
	if log := o.world.log; e.Role != roleAPI && log.Enabled(ctx, slog.LevelInfo) { // the gateway writes its own line
		attrs := []slog.Attr{slog.String("role", e.Role), slog.String("interaction", e.Interaction), slog.String("method", e.Method),
			slog.String("endpoint", e.Endpoint), slog.Int("status", e.Status), slog.Duration("took", e.Duration), slog.String("client", e.Client)}
		if e.Rule != "" {
			attrs = append(attrs, slog.String("rule", e.Rule))
		}
		log.LogAttrs(ctx, slog.LevelInfo, "exchange", attrs...)
	}
}

// interactionOf is the id that both sides know of: the answer's, else the request's; an exchange that had
// none gets one of its own.
func interactionOf(answer, request http.Header) string {
	for _, h := range []http.Header{answer, request} {
		if id := h.Get("X-Fapi-Interaction-Id"); len(id) == 36 && uuid.Validate(id) == nil {
			return id
		}
	}
	return uuid.NewString()
}

// endpoint reads a route's pattern: its name, and its path with template parameters. The address as called
// is nobody's business.
func endpoint(pattern string) (name, path string) {
	if i := strings.IndexByte(pattern, '/'); i >= 0 {
		path = strings.TrimSuffix(pattern[i:], "{$}")
	}
	if path == "/.well-known/openid-configuration" {
		return "discovery", path
	}
	name, _, _ = strings.Cut(strings.Trim(path, "/"), "/{")
	return name, path
}

// hearing is a ResponseWriter that remembers the status.
type hearing struct {
	http.ResponseWriter
	status int
}

func (h *hearing) WriteHeader(status int) {
	if h.status == 0 || h.status < http.StatusOK {
		h.status = status
	}
	h.ResponseWriter.WriteHeader(status)
}

func (h *hearing) Write(b []byte) (int, error) {
	if h.status == 0 {
		h.status = http.StatusOK
	}
	return h.ResponseWriter.Write(b)
}

// Unwrap lets a [http.ResponseController] through.
func (h *hearing) Unwrap() http.ResponseWriter { return h.ResponseWriter }
