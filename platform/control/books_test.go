package control_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/control"
	"github.com/ensaio/ensaio/platform/payment"
	"github.com/ensaio/ensaio/sim/clock"
)

// The books tell amounts and outcomes, and of people only whether two are the same.
func TestTheBooksNameNobody(t *testing.T) {
	const ana, rui = "99900000353", "99900000434"
	e, err := consent.Open(context.Background(), consent.Config{Clock: clock.Fixed(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, cpf := range []string{ana, ana, rui} {
		c, err := e.Create(t.Context(), consent.Consent{Kind: consent.Payment, ClientID: "aurora", CPF: cpf})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
	h := control.New(control.Config{Consents: e, Gateway: &desk{}, Payments: func(yield func(*payment.Payment) bool) {
		for i, id := range ids {
			p := &payment.Payment{ID: "p", ConsentID: id, Status: "RJCT", Order: connector.Order{Amount: "1.50", CreditorDoc: rui}}
			if i > 0 {
				p.Rejection = &payment.Reason{Code: "VALOR_INVALIDO"}
			}
			if !yield(p) {
				return
			}
		}
	}})
	read := func(path string) (list []map[string]string) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if text := w.Body.String(); strings.Contains(text, ana) || strings.Contains(text, rui) {
			t.Errorf("%s names people: %s", path, text)
		}
		for dec := json.NewDecoder(w.Body); dec.More(); {
			var m map[string]string
			if err := dec.Decode(&m); err != nil {
				t.Fatal(err)
			}
			list = append(list, m)
		}
		return list
	}
	for _, path := range []string{"/books/payments", "/books/consents"} {
		one, other := read(path), read(path)
		alike := map[string]int{}
		for _, m := range one {
			alike[m["cpf"]]++
		}
		if len(one) != 3 || len(alike) != 2 || alike[""] > 0 {
			t.Errorf("%s: %v", path, one)
		}
		for _, m := range other {
			if alike[m["cpf"]] > 0 {
				t.Errorf("%s: a word is the same in another answer", path)
			}
		}
	}
	if p := read("/books/payments")[1]; p["amount"] != "1.50" || p["status"] != "RJCT" || p["reason"] != "VALOR_INVALIDO" {
		t.Errorf("%v", p)
	}
}
