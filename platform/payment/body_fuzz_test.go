package payment

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/spec"
)

// Whatever body asks for a consent to pay, a payment or a cancellation: it is refused with a status of
// the standard, or answered with JSON. A sound signature says nothing of what was signed.
func FuzzBody(f *testing.F) {
	w := open(f)
	paid := w.paid(w.authorised(nil))
	granted := w.authorised(nil)
	ops := []struct{ op, id, token string }{
		{"payments.consent-create", "", ""},
		{"payments.create", "", granted.ID},
		{"payments.cancel", paid.ID, ""},
		{"payments.consent-cancel", paid.ConsentID, ""},
	}
	for _, seed := range []any{w.request(nil), doc{}, nil, []any{}, "x", w.items(granted, nil),
		doc{"status": "CANC", "cancellation": doc{"cancelledBy": doc{"document": doc{"identification": "11144477735", "rel": "CPF"}}}},
		w.request(func(d doc) {
			dig(d, "payment")["schedule"] = doc{"monthly": doc{"startDate": "9999-12-31", "quantity": 1e9, "dayOfMonth": 31}}
		}),
		w.request(func(d doc) { dig(d, "payment")["schedule"] = doc{"custom": doc{"dates": []any{"2026-02-30", nil, 1}}} }),
		w.request(func(d doc) { dig(d, "payment")["amount"] = "99999999999999999999.99" }),
	} {
		b, err := json.Marshal(doc{"data": seed})
		if err != nil {
			f.Fatal(err)
		}
		for n := range ops {
			f.Add(uint8(n), string(b))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		x := ops[int(which)%len(ops)]
		op := spec.Find(x.op)
		r := httptest.NewRequest(op.Method, "/", nil)
		r.Header.Set("x-idempotency-key", uuid.NewString())
		c := &call.Call{Operation: op, Request: r, Client: client, Params: map[string]string{op.Param(): x.id}, Base: "https://matls-api.bank.test",
			Now: w.clk.Now(), Token: &call.Token{ConsentID: x.token}, Body: []byte(body)}
		a, err := w.service.Handle(context.Background(), c)
		var p *call.Problem
		switch {
		case errors.As(err, &p):
			if p.Status < 400 || p.Status > 499 || len(p.Items) == 0 {
				t.Fatalf("%s %q: %v", x.op, body, err)
			}
		case err != nil:
			t.Fatalf("%s %q: %v", x.op, body, err)
		case !json.Valid(a.Body):
			t.Fatalf("%s %q: %d %s", x.op, body, a.Status, a.Body)
		}
	})
}
