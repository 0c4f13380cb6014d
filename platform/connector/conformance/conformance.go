// Package conformance proves that a source keeps the promises of the connector port. Whoever writes a
// source runs it in a test of their own, with a core that a test may change.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
)

// Fixture is a source with what the checks must know of its core.
type Fixture struct {
	Source connector.Source
	// Username and Password are of Customer, who has CPF, at least two accounts, and transactions on
	// several days of the last week.
	Username, Password, CPF, Customer string
	// Other is another customer with an account.
	Other string
	// Order can be paid: small, under an id never used, from an account of Customer. The checks change
	// its id.
	Order connector.Order
	// Today is the core's date in Brasília.
	Today time.Time
}

// wait bounds how long a core may take over an order.
const wait = 20 * time.Second

// Run runs every check as a sub-test. open makes a fixture, or returns the same each time.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Fixture)
	}{
		{"a person is proved by the right password alone", authenticates},
		{"a person is found by CPF or unknown", finds},
		{"a list is stable and its pages add up", pages},
		{"only the chosen records are listed", chooses},
		{"nobody gets what is somebody else's", separates},
		{"dates are inclusive days of Brasilia", dated},
		{"records are whole objects with exact amounts", exact},
		{"an unknown key is unknown", resolves},
		{"foreseeing moves nothing", foresees},
		{"an order executes once", once},
		{"another order under the same id is refused", conflicts},
		{"what happens to an order is told", watches},
		{"the caller's deadline ends the call", honours},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func background(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	t.Cleanup(cancel)
	return ctx
}

func list(t *testing.T, f Fixture, q connector.Query) connector.Page {
	t.Helper()
	q.Customer = f.Customer
	p, err := f.Source.List(background(t), q)
	if err != nil {
		t.Fatalf("list %s: %v", q.Source, err)
	}
	if q.Limit == 0 && q.Offset == 0 && p.Total != len(p.Records) {
		t.Fatalf("list %s: %d records of %d", q.Source, len(p.Records), p.Total)
	}
	return p
}

func ids(all []connector.Record) []string {
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.ID
	}
	return out
}

func account(t *testing.T, f Fixture) string {
	t.Helper()
	all := list(t, f, connector.Query{Source: "accounts"}).Records
	if len(all) < 2 {
		t.Fatalf("the customer has %d accounts, want two", len(all))
	}
	return all[0].ID
}

func authenticates(t *testing.T, f Fixture) {
	who, err := f.Source.Authenticate(background(t), f.Username, f.Password)
	if err != nil || who.Key != f.Customer || who.CPF != f.CPF || who.Factors < 1 {
		t.Errorf("%+v, %v", who, err)
	}
	for _, pair := range [][2]string{{f.Username, f.Password + "x"}, {f.Username, ""}, {"nobody", f.Password}} {
		if _, err := f.Source.Authenticate(background(t), pair[0], pair[1]); !errors.Is(err, connector.ErrCredentials) {
			t.Errorf("%v: %v", pair, err)
		}
	}
}

func finds(t *testing.T, f Fixture) {
	if who, err := f.Source.Find(background(t), f.CPF); err != nil || who.Key != f.Customer {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := f.Source.Find(background(t), "00000000000"); !errors.Is(err, connector.ErrUnknown) {
		t.Errorf("nobody: %v", err)
	}
}

func pages(t *testing.T, f Fixture) {
	q := connector.Query{Source: "transactions", Parent: account(t, f), To: f.Today}
	whole := ids(list(t, f, q).Records)
	var parts []string
	for q.Limit = 7; len(parts) < min(len(whole), 40); q.Offset += q.Limit {
		p := list(t, f, q)
		if p.Total != len(whole) || len(p.Records) > q.Limit || len(p.Records) == 0 {
			t.Fatalf("page at %d: %d records, total %d of %d", q.Offset, len(p.Records), p.Total, len(whole))
		}
		parts = append(parts, ids(p.Records)...)
	}
	if !slices.Equal(parts, whole[:len(parts)]) {
		t.Error("the pages are not the list")
	}
	q.Offset = len(whole) + 1
	if p := list(t, f, q); len(p.Records) != 0 || p.Total != len(whole) {
		t.Errorf("beyond the end: %d records, total %d", len(p.Records), p.Total)
	}
}

func chooses(t *testing.T, f Fixture) {
	id := account(t, f)
	if got := ids(list(t, f, connector.Query{Source: "accounts", Only: []string{id}}).Records); !slices.Equal(got, []string{id}) {
		t.Errorf("one chosen, got %v", got)
	}
	if got := list(t, f, connector.Query{Source: "accounts", Only: []string{}}).Records; len(got) != 0 {
		t.Errorf("none chosen, got %d", len(got))
	}
}

func separates(t *testing.T, f Fixture) {
	id := account(t, f)
	for _, source := range []string{"account", "balances"} {
		if _, err := f.Source.Get(background(t), connector.Key{Source: source, Customer: f.Customer, ID: id}); err != nil {
			t.Errorf("own %s: %v", source, err)
		}
		if _, err := f.Source.Get(background(t), connector.Key{Source: source, Customer: f.Other, ID: id}); !errors.Is(err, connector.ErrUnknown) {
			t.Errorf("%s of somebody else: %v", source, err)
		}
	}
	if p, err := f.Source.List(background(t), connector.Query{Source: "transactions", Customer: f.Other, Parent: id}); err == nil && p.Total > 0 || err != nil && !errors.Is(err, connector.ErrUnknown) {
		t.Errorf("transactions of somebody else: %d, %v", p.Total, err)
	}
	own := ids(list(t, f, connector.Query{Source: "accounts"}).Records)
	p, err := f.Source.List(background(t), connector.Query{Source: "accounts", Customer: f.Other})
	if err != nil || slices.ContainsFunc(ids(p.Records), func(id string) bool { return slices.Contains(own, id) }) {
		t.Errorf("accounts of the other: %v, %v", ids(p.Records), err)
	}
}

var brasilia = time.FixedZone("-03", -3*60*60)

func dated(t *testing.T, f Fixture) {
	id := account(t, f)
	found := 0
	for back := range 8 {
		day := f.Today.AddDate(0, 0, -back)
		for _, r := range list(t, f, connector.Query{Source: "transactions", Parent: id, From: day, To: day}).Records {
			var tx struct {
				At time.Time `json:"transactionDateTime"`
			}
			if err := json.Unmarshal(r.Body, &tx); err != nil || tx.At.In(brasilia).Format(time.DateOnly) != day.Format(time.DateOnly) {
				t.Errorf("%s lists %v (%v)", day.Format(time.DateOnly), tx.At, err)
			}
			found++
		}
	}
	if found == 0 {
		t.Error("no transactions in the last week")
	}
}

var amount = regexp.MustCompile(`"amount":"-?\d{1,15}\.\d{2,4}"`)

func exact(t *testing.T, f Fixture) {
	id := account(t, f)
	bodies := []json.RawMessage{}
	for _, r := range list(t, f, connector.Query{Source: "transactions", Parent: id, To: f.Today, Limit: 20}).Records {
		bodies = append(bodies, r.Body)
	}
	balance, err := f.Source.Get(background(t), connector.Key{Source: "balances", Customer: f.Customer, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range append(bodies, balance.Body) {
		var object map[string]json.RawMessage
		if json.Unmarshal(b, &object) != nil || !amount.Match(b) {
			t.Errorf("not an object with exact amounts: %s", b)
		}
	}
}

func resolves(t *testing.T, f Fixture) {
	if _, err := f.Source.Resolve(background(t), "ninguem@nenhures.example.com"); !errors.Is(err, connector.ErrUnknown) {
		t.Error(err)
	}
}

func balanceOf(t *testing.T, f Fixture) string {
	t.Helper()
	for _, acc := range list(t, f, connector.Query{Source: "payment-accounts"}).Records {
		var a connector.Account
		if json.Unmarshal(acc.Body, &a) == nil && a.Number == f.Order.Debtor.Number {
			r, err := f.Source.Get(background(t), connector.Key{Source: "balances", Customer: f.Customer, ID: acc.ID})
			if err != nil {
				t.Fatal(err)
			}
			var b struct {
				AvailableAmount struct{ Amount string }
			}
			if err := json.Unmarshal(r.Body, &b); err != nil {
				t.Fatal(err)
			}
			return b.AvailableAmount.Amount
		}
	}
	t.Fatal("the order's account is none of the customer's")
	return ""
}

func foresees(t *testing.T, f Fixture) {
	before := balanceOf(t, f)
	if v, err := f.Source.Foresee(background(t), f.Order); err != nil || !v.Allowed {
		t.Errorf("%+v, %v", v, err)
	}
	much := f.Order
	much.Amount = "9999999999999.99"
	if v, err := f.Source.Foresee(background(t), much); err != nil || v.Allowed || v.Reason == "" {
		t.Errorf("beyond all means: %+v, %v", v, err)
	}
	if after := balanceOf(t, f); after != before {
		t.Errorf("the balance went from %s to %s", before, after)
	}
}

// settled submits the order again until it is final: that is how a caller learns who has missed a change.
func settled(t *testing.T, f Fixture, o connector.Order) connector.Receipt {
	t.Helper()
	ctx := background(t)
	for {
		r, err := f.Source.Submit(ctx, o)
		if err != nil {
			t.Fatalf("submit again: %v", err)
		}
		if r.State == connector.Settled || r.State == connector.Rejected || r.State == connector.Cancelled {
			return r
		}
		pause := time.NewTimer(5 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			t.Fatal("the order never ends")
		}
	}
}

func once(t *testing.T, f Fixture) {
	o := f.Order
	o.ID += "-once"
	first := settled(t, f, o)
	if first.State != connector.Settled {
		t.Fatalf("%+v", first)
	}
	after := balanceOf(t, f)
	if again := settled(t, f, o); again.State != connector.Settled || balanceOf(t, f) != after {
		t.Errorf("the same order again: %+v, balance from %s to %s", again, after, balanceOf(t, f))
	}
}

func conflicts(t *testing.T, f Fixture) {
	o := f.Order
	o.ID += "-conflict"
	settled(t, f, o)
	o.Remittance += " (outro)"
	if _, err := f.Source.Submit(background(t), o); !errors.Is(err, connector.ErrConflict) {
		t.Error(err)
	}
}

func watches(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(background(t))
	defer cancel()
	changes, err := f.Source.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	o := f.Order
	o.ID += "-watch"
	if _, err := f.Source.Submit(ctx, o); err != nil {
		t.Fatal(err)
	}
	for c := range changes {
		if c.Order == o.ID && c.Receipt.State == connector.Settled {
			cancel()
			for range changes { // it closes when the watch is over
			}
			return
		}
		if c.Order == o.ID && c.Receipt.State == connector.Rejected {
			t.Fatalf("%+v", c.Receipt)
		}
	}
	t.Fatal("the end of the order was not told")
}

func honours(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ch, err := f.Source.Watch(ctx); err == nil {
		for range ch { // a watch under a dead context ends at once
		}
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = f.Source.List(ctx, connector.Query{Source: "accounts", Customer: f.Customer})
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
		t.Error("a call outlives its context")
	}
}
