// Package control is the holder's side of the institution: what its staff and its customers do in the
// bank's own channels, and what an operator may look at or switch.
//
// It is a capability for rehearsals, served on the control port alone: it asks for no credentials and must
// never be reachable through a protocol listener. It changes consents only through the engine, so that
// time, history and events follow as for anybody else.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/payment"
)

// Consents is what the holder does with consents.
type Consents interface {
	Get(id string) (*consent.Consent, bool)
	Reject(ctx context.Context, id string, r consent.Rejection, by, channel string) (*consent.Consent, error)
	Approve(ctx context.Context, id, approver string) (*consent.Consent, error)
	Active() int
	Each(fn func(*consent.Consent) bool)
}

// Gateway is what an operator may switch and read.
type Gateway interface {
	Limits() gateway.Limits
	SetLimits(gateway.Limits)
	ResetCounts()
	Usage() gateway.Usage
	Calls() int64
}

// Config is what the surface reaches.
type Config struct {
	Consents Consents
	Gateway  Gateway
	// Payment shows a payment by id.
	Payment func(id string) (any, bool)
	// Payments shows every payment until yield says false.
	Payments func(yield func(*payment.Payment) bool)
	// Cancel takes a payment back at its payer's wish.
	Cancel func(ctx context.Context, id string) error
	// Availability serves /availability, /failures and /outages; nil where nobody watches over it.
	Availability http.Handler
}

type surface struct{ Config }

// channel names this way in a consent's history.
const channel = "core"

// New makes the surface:
//
//	GET  /consents/{id}           the consent as the engine holds it
//	GET  /consents/{id}/history   its changes: when, from, to, by, channel
//	POST /consents/{id}/revoke    {"by":"USER","reason":"…","detail":"…"}; before authorisation a refusal
//	POST /consents/{id}/approve   {"approver":"…"}; empty is the next open approval
//	GET  /payments/{id}
//	POST /payments/{id}/cancel    the payer takes it back here
//	GET  /books/payments          every payment as JSON lines, payers as words that only compare
//	GET  /books/consents          every consent, likewise
//	GET  /limits, POST /limits    {"preset":"regulatory","minute":true,"month":true,"perSecond":300,"grows":true};
//	                              what is not named stays, after a preset what that says
//	GET  /limits/usage            how much of them is used, and what the regulation's steps demand
//	GET  /counters                calls answered, active consents
//	POST /reset                   forget what the limits counted
//	/availability, /failures, /outages   see platform/status
func New(cfg Config) http.Handler {
	s := &surface{cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /consents/{id}", s.consent)
	mux.HandleFunc("GET /consents/{id}/history", s.history)
	mux.HandleFunc("POST /consents/{id}/revoke", s.revoke)
	mux.HandleFunc("POST /consents/{id}/approve", s.approve)
	mux.HandleFunc("GET /payments/{id}", s.payment)
	mux.HandleFunc("POST /payments/{id}/cancel", s.cancel)
	mux.HandleFunc("GET /books/payments", s.paid)
	mux.HandleFunc("GET /books/consents", s.agreed)
	mux.HandleFunc("GET /limits", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, s.Gateway.Limits()) })
	mux.HandleFunc("POST /limits", s.limits)
	mux.HandleFunc("GET /limits/usage", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, s.Gateway.Usage()) })
	mux.HandleFunc("GET /counters", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, map[string]any{"calls": s.Gateway.Calls(), "activeConsents": s.Consents.Active()})
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Gateway.ResetCounts()
		w.WriteHeader(http.StatusNoContent)
	})
	if cfg.Availability != nil {
		for _, at := range []string{"/availability", "/failures", "/failures/{id}", "/outages", "/outages/{id}", "/books/downtime", "/books/probes"} {
			mux.Handle(at, cfg.Availability)
		}
	}
	return mux
}

func (s *surface) find(w http.ResponseWriter, r *http.Request) *consent.Consent {
	c, ok := s.Consents.Get(r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusNotFound, "no such consent")
		return nil
	}
	return c
}

func (s *surface) consent(w http.ResponseWriter, r *http.Request) {
	if c := s.find(w, r); c != nil {
		say(w, http.StatusOK, c)
	}
}

func (s *surface) history(w http.ResponseWriter, r *http.Request) {
	if c := s.find(w, r); c != nil {
		say(w, http.StatusOK, map[string]any{"id": c.ID, "status": c.Status, "history": c.History})
	}
}

func (s *surface) revoke(w http.ResponseWriter, r *http.Request) {
	ask := struct{ By, Reason, Detail string }{By: "USER"}
	if !read(w, r, &ask) {
		return
	}
	if ask.By != "USER" && ask.By != "ASPSP" {
		refuse(w, http.StatusBadRequest, "by: want USER or ASPSP")
		return
	}
	c := s.find(w, r)
	if c == nil {
		return
	}
	if ask.Reason == "" && c.Kind == consent.Payment {
		ask.Reason = "REJEITADO_USUARIO"
	}
	if ask.Reason == "" && ask.By == "ASPSP" {
		ask.Reason = "INTERNAL_SECURITY_REASON"
	}
	by := "customer"
	if ask.By == "ASPSP" {
		by = "holder"
	}
	// Without a reason a data consent gets the customer's own: manually rejected, or revoked.
	s.changed(w)(s.Consents.Reject(r.Context(), c.ID, consent.Rejection{By: ask.By, Code: ask.Reason, Detail: ask.Detail}, by, channel))
}

func (s *surface) approve(w http.ResponseWriter, r *http.Request) {
	var ask struct{ Approver string }
	if !read(w, r, &ask) {
		return
	}
	s.changed(w)(s.Consents.Approve(r.Context(), r.PathValue("id"), ask.Approver))
}

// changed answers a change of a consent.
func (s *surface) changed(w http.ResponseWriter) func(*consent.Consent, error) {
	return func(c *consent.Consent, err error) {
		switch {
		case err == nil:
			say(w, http.StatusOK, c)
		case errors.Is(err, consent.ErrUnknown):
			refuse(w, http.StatusNotFound, "no such consent")
		case errors.Is(err, consent.ErrState):
			refuse(w, http.StatusConflict, err.Error())
		default:
			refuse(w, http.StatusInternalServerError, "the consent could not be changed")
		}
	}
}

func (s *surface) payment(w http.ResponseWriter, r *http.Request) {
	if found, ok := s.Payment(r.PathValue("id")); ok {
		say(w, http.StatusOK, found)
		return
	}
	refuse(w, http.StatusNotFound, "no such payment")
}

func (s *surface) cancel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if _, ok := s.Payment(id); !ok {
		refuse(w, http.StatusNotFound, "no such payment")
		return
	}
	if err := s.Cancel(r.Context(), id); err != nil {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	s.payment(w, r)
}

// read takes a small JSON body; an absent one leaves v as it is.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, "body: "+err.Error())
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, status int, why string) {
	say(w, status, map[string]string{"error": why})
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that left hears nothing
}
