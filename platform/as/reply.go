package as

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/journal"
)

// place is the name of this server at the seams.
const place = "as"

// handler answers a request or returns the refusal to answer.
type handler func(w http.ResponseWriter, r *http.Request) error

// endpoint makes a handler one for third parties: its calls share the institution's requests per second, and
// its errors are JSON (AS-TOK-09, AS-PAR-12, DCR-19).
func (s *Server) endpoint(operation string, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.cfg.Admit != nil && !s.cfg.Admit(r.Context(), operation) {
			s.refuse(w, r, operation, errFull)
			return
		}
		if err := h(w, r); err != nil {
			s.refuse(w, r, operation, err)
		}
	}
}

// guard bends incoming requests where a defect asks for it, and turns a panic into an answer that tells
// nothing.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				s.log.Error("authorization server panicked", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				s.refuse(w, r, "error", errServer)
			}
		}()
		if s.seams.Bends() {
			s.seams.Request(&fault.Request{Place: place, HTTP: r})
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, "error", errPath) }

// refuse answers an error as JSON.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, operation string, err error) {
	e := refusal(err)
	journal.Note(r.Context(), journal.Fact{Rule: breached(err)})
	if e.Status >= http.StatusInternalServerError && e != errFull {
		s.log.Error("request failed", "operation", operation, "error", err)
	} else {
		s.log.Debug("request refused", "operation", operation, "rule", breached(err), "error", e.Code)
	}
	h := http.Header{}
	if e.Status == http.StatusUnauthorized && (operation == "userinfo" || operation == "register") {
		h.Set("WWW-Authenticate", `Bearer error="`+e.Code+`"`)
	}
	if e == errFull {
		h.Set("Retry-After", "1")
	}
	s.reply(w, r, operation, e.Status, h, e)
}

// reply answers a value as JSON that nobody may keep.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, operation string, status int, h http.Header, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.log.Error("encode answer", "operation", operation, "error", err)
		status, body = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	s.send(w, r, operation, status, h, body)
}

// send writes an answer after every seam has seen it. Unless the header says otherwise nobody may keep it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, operation string, status int, h http.Header, body []byte) {
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Strict-Transport-Security", "max-age=31536000")
	if id := r.Header.Get("X-Fapi-Interaction-Id"); id != "" && uuid.Validate(id) == nil {
		h.Set("X-Fapi-Interaction-Id", id)
	}
	if s.seams.Bends() {
		v := &fault.Reply{Place: place, Operation: operation, Request: r, Status: status, Header: h, Body: body}
		s.seams.Reply(v)
		status, h, body = v.Status, v.Header, v.Body
	}
	out := w.Header()
	for k, v := range h {
		out[k] = v
	}
	if status != http.StatusNoContent {
		out.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead && status != http.StatusNoContent {
		if _, err := w.Write(body); err != nil {
			s.log.Debug("answer not delivered", "operation", operation, "error", err)
		}
	}
}
