package corebank

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var errInput = errors.New("not possible")

// Control serves what a rehearsal may do to the bank. It is for the control port only: it proves nobody.
//
//	GET    /accounts?customer=…     accounts with number, state and balance
//	POST   /accounts/{id}/status    {"status":"AVAILABLE"}
//	POST   /accounts/{id}/balance   {"amount":"12.34"}
//	POST   /accounts/{id}/hold      {"next":1}: the next orders from it are held
//	GET    /keys, POST /keys, DELETE /keys/{key}
//	GET    /limits, POST /limits    centavos
//	GET    /orders/{id}, POST /orders/{id}/release {"reason":""}
//	POST   /outage                  {"on":true}: nobody is answered until it is off
//	GET    /books
func (b *Bank) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /accounts", func(w http.ResponseWriter, r *http.Request) { reply(w, b.sheet(r.URL.Query().Get("customer")), nil) })
	mux.HandleFunc("POST /accounts/{id}/status", answer(func(r *http.Request, q struct{ Status string }) (any, error) {
		if !slices.Contains([]string{Available, Temporarily, Unavailable, "PENDING_AUTHORISATION"}, q.Status) {
			return nil, fmt.Errorf("status %q: %w", q.Status, errInput)
		}
		return done, b.change(r.PathValue("id"), event{Kind: "account", State: q.Status})
	}))
	mux.HandleFunc("POST /accounts/{id}/balance", answer(func(r *http.Request, q struct{ Amount string }) (any, error) {
		cents, err := Cents(strings.TrimPrefix(q.Amount, "-"))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, errInput)
		}
		if strings.HasPrefix(q.Amount, "-") {
			cents = -cents
		}
		return done, b.change(r.PathValue("id"), event{Kind: "adjust", Cents: cents})
	}))
	mux.HandleFunc("POST /accounts/{id}/hold", answer(func(r *http.Request, q struct{ Next int }) (any, error) {
		return done, b.change(r.PathValue("id"), event{Kind: "hold", Cents: int64(max(q.Next, 0))})
	}))
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { reply(w, b.directory(), nil) })
	mux.HandleFunc("POST /keys", answer(func(_ *http.Request, k PixKey) (any, error) {
		if k.Key == "" || k.Account.Number == "" {
			return nil, fmt.Errorf("key without name or account: %w", errInput)
		}
		return done, b.change("", event{Kind: "key", Key: &k})
	}))
	mux.HandleFunc("DELETE /keys/{key}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, done, b.change("", event{Kind: "unkey", ID: r.PathValue("key")}))
	})
	mux.HandleFunc("GET /limits", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.RLock()
		defer b.mu.RUnlock()
		reply(w, b.limits, nil)
	})
	mux.HandleFunc("POST /limits", answer(func(_ *http.Request, l Limits) (any, error) {
		return done, b.change("", event{Kind: "limits", Limits: &l})
	}))
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		b.mu.RLock()
		defer b.mu.RUnlock()
		if o := b.orders[r.PathValue("id")]; o != nil {
			reply(w, o.receipt(), nil)
			return
		}
		reply(w, nil, ErrUnknown)
	})
	mux.HandleFunc("POST /orders/{id}/release", answer(func(r *http.Request, q struct{ Reason string }) (Receipt, error) {
		return b.Release(r.PathValue("id"), q.Reason)
	}))
	mux.HandleFunc("POST /outage", answer(func(_ *http.Request, q struct{ On bool }) (any, error) {
		b.away.Store(q.On)
		return done, nil
	}))
	mux.HandleFunc("GET /books", func(w http.ResponseWriter, _ *http.Request) { reply(w, b.Books(), nil) })
	return mux
}

var done = json.RawMessage(`{}`)

// change commits an event about an account, or about the bank when id is empty.
func (b *Bank) change(id string, e event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id != "" && b.accounts[id] == nil {
		return ErrUnknown
	}
	if b.ctx.Err() != nil {
		return ErrUnavailable
	}
	if id != "" {
		e.ID = id
	}
	e.At = b.cfg.Clock.Now()
	return b.commit(e)
}

type holding struct {
	ID       string   `json:"id"`
	Holders  []string `json:"holders"`
	Kind     string   `json:"type"`
	Account  Account  `json:"account"`
	Status   string   `json:"status"`
	Balance  string   `json:"balance"`
	Reserved bool     `json:"hasReservedBalance"`
}

func (b *Bank) sheet(customer string) []holding {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := []holding{}
	for _, a := range b.order {
		l := holding{ID: a.id, Kind: a.kind, Account: a.pix(b.cfg.ISPB), Status: a.status, Balance: string(money(nil, b.books[a.book()])), Reserved: len(a.reserves) > 0}
		for _, h := range a.holders {
			l.Holders = append(l.Holders, h.Key)
		}
		if customer == "" || slices.Contains(l.Holders, customer) {
			out = append(out, l)
		}
	}
	return out
}

func (b *Bank) directory() []PixKey {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]PixKey, 0, len(b.keys))
	for _, k := range b.keys {
		out = append(out, k)
	}
	slices.SortFunc(out, func(x, y PixKey) int { return strings.Compare(x.Key, y.Key) })
	return out
}
