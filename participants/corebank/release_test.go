package corebank

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/sim/clock"
)

// The control port ends the analysis of a held order either way, and once.
func TestAHeldOrderIsReleasedOrRejectedOnTheControlPort(t *testing.T) {
	b := open(t, clock.New(), "")
	control := b.Control()
	release := func(id, reason string) Receipt {
		t.Helper()
		w := httptest.NewRecorder()
		control.ServeHTTP(w, httptest.NewRequest("POST", "/orders/"+id+"/release", strings.NewReader(`{"reason":"`+reason+`"}`)))
		var r Receipt
		if w.Code != 200 || json.Unmarshal(w.Body.Bytes(), &r) != nil {
			t.Fatalf("%s: %d %s", id, w.Code, w.Body)
		}
		return r
	}
	for _, id := range []string{"goes", "stays"} {
		if _, err := b.Submit(context.Background(), pay(b, id, "person-0", "10424.01", elsewhere)); err != nil || run(t, b, id).State != Held {
			t.Fatalf("%s is not held: %v", id, err)
		}
	}
	if r := release("stays", "DETALHE_PAGAMENTO_INVALIDO"); r.State != Rejected || r.Reason != "DETALHE_PAGAMENTO_INVALIDO" {
		t.Errorf("%+v", r)
	}
	if r := release("stays", ""); r.State != Rejected {
		t.Errorf("a rejected order is released: %+v", r)
	}
	if r := release("goes", ""); r.State == Held {
		t.Errorf("%+v", r)
	}
	if r := run(t, b, "goes"); r.State != Settled {
		t.Errorf("%+v", r)
	}
}
