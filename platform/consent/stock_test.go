package consent_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
)

// What was live at a moment is counted as it was then, whatever became of it since; a customer counts once.
func TestTheStockIsCountedAsItWas(t *testing.T) {
	w := open(t)
	ctx := context.Background()
	tokens := map[string]time.Time{}
	live := func(client, cpf, cnpj string, days int) *consent.Consent {
		ends := w.clock.Now().AddDate(0, 0, days)
		c := w.make(t, consent.Data, func(c *consent.Consent) { c.ClientID, c.CPF, c.CNPJ, c.Expires = client, cpf, cnpj, &ends })
		if _, err := w.Authorise(ctx, c.ID, consent.Decision{By: "customer", Channel: "authorization"}); err != nil {
			t.Fatal(err)
		}
		tokens[c.ID] = w.clock.Now()
		return c
	}
	live("aurora", "1", "", 365)
	live("aurora", "1", "", 365)
	live("aurora", "1", "9", 365)
	live("boreal", "2", "", 2) // over before the third moment
	revoked := live("boreal", "3", "", 365)
	delete(tokens, live("aurora", "4", "", 365).ID) // its token is never fetched
	live("nobody", "5", "", 365)                    // its client is not known any more
	w.make(t, consent.Data, nil)                    // never authorised
	w.make(t, consent.Payment, nil)
	at := []time.Time{w.clock.Now().Add(-time.Hour), w.clock.Now().Add(24 * time.Hour), w.clock.Now().Add(72 * time.Hour)}
	w.clock.Advance(48 * time.Hour)
	if _, err := w.Reject(ctx, revoked.ID, consent.Rejection{By: "USER", Code: "CUSTOMER_MANUALLY_REVOKED"}, "customer", "core"); err != nil {
		t.Fatal(err)
	}
	delete(tokens, revoked.ID) // the authorization server has forgotten them
	w.clock.Advance(48 * time.Hour)
	got := w.Stocks(at, func(id string) (time.Time, bool) { at, ok := tokens[id]; return at, ok }, func(client string) string {
		return map[string]string{"aurora": "A", "boreal": "B"}[client]
	})
	for i, want := range []consent.Stock{
		{Active: map[string]int{}},
		{Active: map[string]int{"A": 3, "B": 2}, People: 3, Companies: 1},
		{Active: map[string]int{"A": 3}, People: 1, Companies: 1},
	} {
		if !got[i].At.Equal(at[i]) || !maps.Equal(got[i].Active, want.Active) || got[i].People != want.People || got[i].Companies != want.Companies {
			t.Errorf("moment %d: %+v, want %+v", i, got[i], want)
		}
	}
}

// A day's count walks a large stock once and wakes nothing.
func BenchmarkStock(b *testing.B) {
	w := open(b)
	for i := range 20_000 {
		w.make(b, consent.Data, func(c *consent.Consent) { c.CPF = fmt.Sprint(i) })
	}
	at := []time.Time{w.clock.Now()}
	for b.Loop() {
		w.Stocks(at, func(string) (time.Time, bool) { return start, true }, func(string) string { return "A" })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/consent")
}
