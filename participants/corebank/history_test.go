package corebank

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/ensaio/ensaio/sim/clock"
)

// A bank that is read for long holds what orders the transactions of every account, not their texts.
func TestReadingEverybodysTransactionsHoldsLittle(t *testing.T) {
	people := make([]Person, 200)
	for i := range people {
		people[i] = Person{Key: fmt.Sprint("p", i), Username: fmt.Sprint("u", i), CPF: fmt.Sprintf("%011d", i), Name: "Pessoa Fictícia"}
	}
	b, err := New(Config{People: people, Clock: clock.Fixed(start), Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	weigh := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, read := weigh(), 0
	for _, p := range people {
		for _, a := range b.people[p.Key].accounts {
			got, err := b.List(context.Background(), Query{Source: "transactions", Customer: p.Key, Parent: a.id})
			if err != nil || got.Total < 600 || len(got.Records) != got.Total {
				t.Fatalf("%d of %d transactions: %v", len(got.Records), got.Total, err)
			}
			read++
		}
	}
	each := int64(weigh()-before) / int64(read)
	if each > 40_000 {
		t.Errorf("an account that was read holds %d bytes", each)
	}
	runtime.KeepAlive(b)
}
