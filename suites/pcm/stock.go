package pcm

import (
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// eight is eight o'clock in Brasília of a day that many days from today.
func (w *watch) eight(days int) time.Time {
	y, m, d := w.Now().In(brasilia).Date()
	return time.Date(y, m, d+days, 8, 0, 0, 0, brasilia)
}

// stock is the institution's newest report of a day, which must be there.
func (w *watch) stock(day string) exported[spec.StockReport] {
	all := anExport(w, spec.KindStock, `"`+day+`"`, func(all []exported[spec.StockReport]) bool { return len(all) > 0 })
	all = slices.DeleteFunc(all, func(e exported[spec.StockReport]) bool { return e.sent.Date != day || e.sent.Role != spec.ServerSide })
	if len(all) == 0 {
		w.Fail("a report of the institution about the consent stock of "+day, "none")
	}
	return all[len(all)-1]
}

// with is the number of live consents that the institution tells for a client.
func (s exported[T]) with(r spec.StockReport, client string) (n, lines int) {
	for _, l := range r.Stock {
		if l.ClientOrgID == client {
			n, lines = n+l.Total, lines+1
		}
	}
	return n, lines
}

func toldStockChecks() []check.Check {
	stepped := with(observed, check.Clock)
	return []check.Check{
		{
			ID: "PCM-C71", Name: "pcm/stock-is-daily", Rules: rules("PCM-STOCK", "PCM-TIME"), Needs: stepped,
			Title: "Each day's consent stock is reported by eight o'clock of the next day, in Brasília, one report a day, in the institution's own name", Why: "A day that is missing counts as not told.",
			Causes: causes("the job runs in UTC", "days on which nobody looked are left out"),
			Body: func(b *check.Bench) {
				w := begin(b)
				today := b.Now().In(brasilia)
				b.SetClock(w.eight(3))
				for i := range 3 {
					day := today.AddDate(0, 0, i).Format(time.DateOnly)
					r := w.stock(day)
					b.Verify(r.sent.OrgID, "orgId of %s", day).To(expect.Equal(b.Target().Bank.OrganisationID))
					b.Verify(r.sent.Scope, "scope of %s", day).To(expect.Equal(spec.StockScope))
					received, err := time.Parse(time.RFC3339, r.Received)
					b.Given("when the report was taken in", err)
					b.Verify(!received.Before(w.eight(i-3).Add(16*time.Hour)), "%s was taken in at %s", day, r.Received).To(expect.True("it was told after the day was over"))
				}
			},
		},
		{
			ID: "PCM-C72", Name: "pcm/stock-counts-live-consents", Rules: rules("PCM-STOCK"), Needs: with(stepped, check.Clients(2)), Timeout: time.Minute,
			Title: "The consent stock counts the consents that are authorised and in use at the end of the day: neither those waiting nor those revoked", Why: "It is held against the count of each client.",
			Causes: causes("rows are counted, not consents", "ended consents stay in the count", "consents count before the client has a token"),
			Body: func(b *check.Bench) {
				w := begin(b)
				w.party = b.Party(1) // of the first one's consents, other checks may have left some in the days to come
				client := w.party.Config().OrganisationID
				day := func(days int) string { return b.Now().In(brasilia).AddDate(0, 0, days).Format(time.DateOnly) }
				b.SetClock(w.eight(1))
				before := w.stock(day(-1))
				was, _ := before.with(before.sent, client)
				for range 2 {
					w.party.Sharing(w.who, permissions)
				}
				over := w.party.Sharing(w.who, permissions)
				x := w.party.Call("consents.delete", w.party.Credentials("consents")).Param("consentId", over.Consent.ID).Send(b.Context())
				b.Expect(x, "revocation").To(expect.Succeeds())
				w.party.Consent(w.who, permissions) // waits
				b.SetClock(w.eight(1))
				after := w.stock(day(-1))
				is, lines := after.with(after.sent, client)
				b.Expect(is-was, "consents more at the end of a day on which two came to stay, one was revoked and one was left waiting").To(expect.Equal(2))
				b.Expect(lines, "lines of one client").To(expect.Equal(1))
				total := 0
				for _, l := range after.sent.Stock {
					b.Verify(l.ServerOrgID, "serverOrgId").To(expect.Equal(b.Target().Bank.OrganisationID))
					total += l.Total
				}
				b.Verify(after.sent.TotalCustomerPF+after.sent.TotalCustomerPJ, "customers of %d consents", total).To(expect.InRange(1, float64(total)))
			},
		},
	}
}
