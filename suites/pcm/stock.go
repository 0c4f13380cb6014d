package pcm

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
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
		{
			ID: "PCM-C73", Name: "pcm/stock-agrees-with-clients", Rules: rules("PCM-STOCK"), Timeout: time.Minute,
			Needs: with(stepped, check.Clients(2), check.ReporterControl, check.PartiesControl, check.HolderControl),
			Title: "The institution and the third party tell the same stock of each other, after consents came, were refused, revoked by either side and ran out", Why: "The platform sets the two counts side by side, and one of them is wrong.",
			Causes: causes("a consent stays in the count after its end", "what the customer revokes on the institution's pages is forgotten", "days end at another hour"),
			Body: func(b *check.Bench) {
				w := begin(b)
				w.party = b.Party(1)
				b.SetClock(w.eight(10)) // days that no other check counts in
				before := w.aligned()
				w.lives()
				b.Expect(w.aligned()-before, "consents more at the end of a day on which two of six came to stay").To(expect.Equal(2))
				for range 2 { // on the second one the other consent has run out
					w.aligned()
				}
			},
		},
	}
}

// lives lets consents come and go in every way.
func (w *watch) lives() {
	w.party.Sharing(w.who, permissions)
	soon := w.Now().AddDate(0, 0, 2)
	w.party.Authorised(w.party.Consent(w.who, permissions, func(r *tpp.APICall) {
		r.Body(tpp.ConsentBody(permissions, w.who.Document(), &soon))
	}), w.who)
	w.party.Consent(w.who, permissions) // waits
	read := func(id string) {
		x := w.party.Call("consents.read", w.party.Credentials("consents")).Param("consentId", id).Send(w.Context())
		w.Expect(x, "consent").To(expect.Succeeds())
	}
	refused, robot := w.party.Consent(w.who, permissions), w.Robot(w.who)
	robot.Decision = psu.Deny
	if _, err := w.party.Authorise(w.Context(), refused, robot); err == nil {
		w.Fail("no token where the customer refuses", "one")
	}
	read(refused.ID)
	over := w.party.Sharing(w.who, permissions).Consent.ID
	x := w.party.Call("consents.delete", w.party.Credentials("consents")).Param("consentId", over).Send(w.Context())
	w.Expect(x, "revocation").To(expect.Succeeds())
	there := w.party.Sharing(w.who, permissions).Consent.ID
	w.Holder().Post("/consents/"+url.PathEscape(there)+"/revoke", map[string]any{"by": "USER"}, nil)
	read(there) // the third party knows no other way to learn it
}

// aligned ends a day and expects that both sides tell the same number of live consents of it, which it returns.
func (w *watch) aligned() int {
	date := w.Now().In(brasilia).Format(time.DateOnly)
	w.SetClock(w.eight(1))
	w.Parties().Post("/flush", nil, nil)
	w.Reporter().Post("/flush", nil, nil)
	var told struct {
		Reports []struct{ Report spec.StockReport }
		Pairs   []struct {
			ClientOrgID, ServerOrgID string
			Client, Server           *int
		}
	}
	w.PCM().Get("/stock?date="+date, &told)
	client, bank := w.party.Config().OrganisationID, w.Target().Bank.OrganisationID
	sides := map[string]bool{}
	for _, r := range told.Reports {
		sides[string(r.Report.Role)+" "+r.Report.OrgID] = true
	}
	w.Expect(sides["CLIENT "+client], "the third party told its stock of %s", date).To(expect.Equal(true))
	w.Expect(sides["SERVER "+bank], "the institution told its stock of %s", date).To(expect.Equal(true))
	for _, p := range told.Pairs {
		if strings.EqualFold(p.ClientOrgID, client) && strings.EqualFold(p.ServerOrgID, bank) {
			w.Expect(*p.Server, "live consents of the third party at the end of %s, as the institution tells", date).To(expect.Equal(*p.Client))
			return *p.Client
		}
	}
	return 0
}
