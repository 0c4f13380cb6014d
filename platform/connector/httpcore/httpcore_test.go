package httpcore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/connector/conformance"
	"github.com/ensaio/ensaio/platform/connector/httpcore"
)

// village is the smallest core that keeps the protocol: two people, one of them with two accounts.
type village struct {
	mu      sync.Mutex
	cents   int
	orders  map[string]connector.Order
	changes chan connector.Change
}

var today = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)

func (v *village) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var q struct {
		Username, Password, CPF, Key, Source, Customer, Parent, ID, Amount string
		From, To                                                           time.Time
		Only                                                               []string
		Offset, Limit                                                      int
	}
	body := json.NewDecoder(r.Body)
	if r.URL.Path == "/submit" {
		v.submit(w, body)
		return
	}
	if r.URL.Path == "/watch" {
		v.mu.Unlock()
		v.watch(w, r)
		v.mu.Lock()
		return
	}
	if body.Decode(&q) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch r.URL.Path {
	case "/authenticate":
		answerIf(w, q.Username == "ana" && q.Password == "senha", http.StatusUnauthorized, connector.Customer{Key: "a", CPF: "1", Factors: 1})
	case "/find":
		answerIf(w, q.CPF == "1", http.StatusNotFound, connector.Customer{Key: "a", CPF: "1"})
	case "/get":
		answerIf(w, q.Customer == "a" && (q.ID == "a1" || q.ID == "a2"), http.StatusNotFound, connector.Record{ID: q.ID, Body: v.balance()})
	case "/list":
		page := v.list(q.Customer, q.Source, q.Only)
		if q.Source == "transactions" {
			if q.Customer != "a" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			page = transactions(q.From, q.To)
		}
		page.Total = len(page.Records)
		page.Records = page.Records[min(q.Offset, len(page.Records)):]
		if q.Limit > 0 {
			page.Records = page.Records[:min(q.Limit, len(page.Records))]
		}
		reply(w, page)
	case "/foresee":
		reply(w, connector.Verdict{Allowed: len(q.Amount) < 8, Reason: "VALOR_ACIMA_LIMITE"})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (v *village) balance() json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"availableAmount":{"amount":"%d.%02d"}}`, v.cents/100, v.cents%100))
}

func (v *village) list(customer, source string, only []string) connector.Page {
	page := connector.Page{Records: []connector.Record{}}
	for _, id := range []string{"a1", "a2", "b1"} {
		if id[:1] != customer || only != nil && !slices.Contains(only, id) {
			continue
		}
		body := `{}`
		if source == "payment-accounts" {
			body = `{"ispb":"99999004","number":"` + id + `","accountType":"CACC"}`
		}
		page.Records = append(page.Records, connector.Record{ID: id, Body: json.RawMessage(body)})
	}
	page.Total = len(page.Records)
	return page
}

func transactions(from, to time.Time) connector.Page {
	page := connector.Page{Records: []connector.Record{}}
	for n := range 30 {
		at := today.AddDate(0, 0, -n/3)
		day := at.Format(time.DateOnly)
		if !from.IsZero() && day < from.Format(time.DateOnly) || !to.IsZero() && day > to.Format(time.DateOnly) {
			continue
		}
		page.Records = append(page.Records, connector.Record{ID: fmt.Sprint("t", n), Body: json.RawMessage(fmt.Sprintf(`{"transactionDateTime":%q,"transactionAmount":{"amount":"1.00"}}`, at.Format(time.RFC3339)))})
	}
	return page
}

func (v *village) submit(w http.ResponseWriter, body *json.Decoder) {
	var o connector.Order
	if body.Decode(&o) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if have, ok := v.orders[o.ID]; ok && have != o {
		w.WriteHeader(http.StatusConflict)
		return
	} else if !ok {
		v.orders[o.ID] = o
		v.cents--
		select {
		case v.changes <- connector.Change{Order: o.ID, Receipt: connector.Receipt{State: connector.Settled}}:
		default:
		}
	}
	reply(w, connector.Receipt{State: connector.Settled})
}

func (v *village) watch(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	for flush.Flush() == nil {
		select {
		case c := <-v.changes:
			_ = json.NewEncoder(w).Encode(c)
		case <-r.Context().Done():
			return
		}
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func answerIf(w http.ResponseWriter, ok bool, refusal int, v any) {
	if !ok {
		w.WriteHeader(refusal)
		return
	}
	reply(w, v)
}

func TestAVillageCorePassesTheConformanceSuite(t *testing.T) {
	server := httptest.NewServer(&village{cents: 100_00, orders: map[string]connector.Order{}, changes: make(chan connector.Change, 64)})
	t.Cleanup(server.Close)
	source := httpcore.New(server.URL, server.Client())
	conformance.Run(t, func(*testing.T) conformance.Fixture {
		return conformance.Fixture{
			Source: source, Username: "ana", Password: "senha", CPF: "1", Customer: "a", Other: "b", Today: today,
			Order: connector.Order{ID: "o", Customer: "a", Debtor: connector.Account{ISPB: "99999004", Number: "a1", Type: "CACC"}, Amount: "0.01"},
		}
	})
}

// A broken answer is an error, never an empty one, and says nothing of what the core wrote.
func TestABrokenAnswerIsAnError(t *testing.T) {
	const secret = "pq: relation does not exist"
	answers := map[string]http.HandlerFunc{
		"torn": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"records":[`)
		},
		"torn but closed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"records":[{"id":"1"`)
		},
		"empty object": func(w http.ResponseWriter, _ *http.Request) { reply(w, struct{}{}) },
		"page of HTML": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>`+secret) },
		"error of its own": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, secret, http.StatusInternalServerError)
		},
	}
	for name, h := range answers {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(h)
			defer server.Close()
			source := httpcore.New(server.URL, server.Client())
			_, err := source.List(context.Background(), connector.Query{Source: "accounts"})
			if err == nil || errors.Is(err, connector.ErrUnknown) || strings.Contains(err.Error(), secret) {
				t.Errorf("list: %v", err)
			}
			if _, err := source.Submit(context.Background(), connector.Order{}); err == nil || errors.Is(err, connector.ErrUnavailable) {
				t.Errorf("submit: %v", err)
			}
		})
	}
}

func TestACoreNeverReachedIsUnavailable(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	if _, err := httpcore.New(server.URL, http.DefaultClient).Submit(context.Background(), connector.Order{}); !errors.Is(err, connector.ErrUnavailable) {
		t.Error(err)
	}
}

func TestASlowCoreEndsWithTheCaller(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is the caller's leaving noticed
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := httpcore.New(server.URL, server.Client()).Find(ctx, "1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
