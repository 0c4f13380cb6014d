package corebank

import (
	"encoding/json"
	"errors"
	"net/http"
)

// most bounds a question's body: nothing legal comes near it.
const most = 1 << 20

// Handler serves the port over HTTP: one POST for each question, JSON both ways, and GET /watch for the
// changes, one JSON object a line. ErrUnknown is 404, ErrCredentials 401, ErrConflict 409,
// ErrUnavailable 503. Whoever serves it decides who may call.
func (b *Bank) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /authenticate", answer(func(r *http.Request, q struct{ Username, Password string }) (Customer, error) {
		return b.Authenticate(r.Context(), q.Username, q.Password)
	}))
	mux.HandleFunc("POST /find", answer(func(r *http.Request, q struct{ CPF string }) (Customer, error) { return b.Find(r.Context(), q.CPF) }))
	mux.HandleFunc("POST /list", answer(func(r *http.Request, q Query) (Page, error) { return b.List(r.Context(), q) }))
	mux.HandleFunc("POST /get", answer(func(r *http.Request, k Key) (Record, error) { return b.Get(r.Context(), k) }))
	mux.HandleFunc("POST /resolve", answer(func(r *http.Request, q struct{ Key string }) (PixKey, error) { return b.Resolve(r.Context(), q.Key) }))
	mux.HandleFunc("POST /foresee", answer(func(r *http.Request, o Order) (Verdict, error) { return b.Foresee(r.Context(), o) }))
	mux.HandleFunc("POST /submit", answer(func(r *http.Request, o Order) (Receipt, error) { return b.Submit(r.Context(), o) }))
	mux.HandleFunc("POST /cancel", answer(func(r *http.Request, q struct{ ID string }) (Receipt, error) { return b.Cancel(r.Context(), q.ID) }))
	mux.HandleFunc("GET /watch", b.stream)
	return mux
}

func answer[Q, A any](ask func(*http.Request, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(&q); err != nil {
			http.Error(w, "body: want one JSON object", http.StatusBadRequest)
			return
		}
		a, err := ask(r, q)
		reply(w, a, err)
	}
}

// reply writes an answer or an error. Nothing of an unexpected error's text leaves.
func reply(w http.ResponseWriter, v any, err error) {
	switch {
	case err == nil:
		body, err := json.Marshal(v)
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(body) // the caller is gone when this fails
	case errors.Is(err, ErrUnknown):
		http.Error(w, ErrUnknown.Error(), http.StatusNotFound)
	case errors.Is(err, ErrCredentials):
		http.Error(w, ErrCredentials.Error(), http.StatusUnauthorized)
	case errors.Is(err, ErrConflict):
		http.Error(w, ErrConflict.Error(), http.StatusConflict)
	case errors.Is(err, ErrUnavailable):
		http.Error(w, ErrUnavailable.Error(), http.StatusServiceUnavailable)
	case errors.Is(err, errInput):
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	default:
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}

func (b *Bank) stream(w http.ResponseWriter, r *http.Request) {
	changes, err := b.Watch(r.Context())
	if err != nil {
		reply(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	flush := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	for err = flush.Flush(); err == nil; err = flush.Flush() {
		c, ok := <-changes
		if !ok || enc.Encode(c) != nil {
			return
		}
	}
}
