package pcm

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

type exchange = tpp.Exchange

// stock is a sound stock report of this side as receiver of data.
func (s *side) stock(date string, server *side, consents int) fields {
	own := s.party.Config().OrganisationID
	return fields{"date": date, "orgId": own, "role": "CLIENT", "scope": "DADOS", "totalCustomerPF": 1, "totalCustomerPJ": 0,
		"consentsStockList": []fields{{"clientOrgId": own, "serverOrgId": server.party.Config().OrganisationID, "totalActiveConsents": consents}}}
}

// stocks posts one stock report and returns the answer, which is one object.
func (s *side) stocks(f fields) (spec.StockTaken, *exchange) {
	x := s.posting(spec.StockPath, f).Send(s.Context())
	s.Expect(x, "consent stock").To(expect.Status(200))
	var answer spec.StockTaken
	s.Given("one answer", json.Unmarshal(x.Body, &answer))
	return answer, x
}

func stockChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C82", Name: "pcm/takes-consent-stock", Rules: rules("PCM-STOCK"), Needs: twoSides,
			Title: "The stock of consents is taken as one object, an empty list too, and again with other numbers; a list of reports is refused", Why: "Every day owes one, also a day without consents.", Causes: causes("an array as everywhere else"),
			Body: func(b *check.Bench) {
				s, other := sideOf(b, 0), sideOf(b, 1)
				date := b.Now().In(brasilia).AddDate(0, 0, -400).Format(time.DateOnly)
				for _, f := range []fields{s.stock(date, other, 3), s.stock(date, other, 3), s.stock(date, other, 4), s.stock(date, other, 0).but("consentsStockList", []fields{}).but("totalCustomerPF", 0)} {
					answer, x := s.stocks(f)
					b.Expect(answer.Status, "answer about the stock (%s)", answer.Message).About(x).To(expect.Equal("ACCEPTED"))
					b.Expect(answer.ReportID, "reportId").About(x).To(expect.UUID())
				}
				b.Expect(s.posting(spec.StockPath, []fields{s.stock(date, other, 3)}).Send(b.Context()), "a list of stocks").To(refused(400, "Report Invalid"))
			},
		},
		{
			ID: "PCM-C83", Name: "pcm/discards-flawed-stock", Needs: twoSides,
			Rules: rules("PCM-STOCK/has-required-fields", "PCM-STOCK/fields-typed", "PCM-STOCK/ids-are-uuids", "PCM-STOCK/values-listed", "PCM-STOCK/date-form", "PCM-STOCK/not-ahead",
				"PCM-STOCK/reports-itself", "PCM-STOCK/organisation-known", "PCM-STOCK/lines-are-its-own"),
			Title: "Stock that lacks a field, counts what cannot be, tells of a day to come or of another organisation is discarded", Why: "The market is counted from it.", Causes: causes("the list is not looked into"),
			Body: func(b *check.Bench) {
				s, other := sideOf(b, 0), sideOf(b, 1)
				now := b.Now().In(brasilia)
				base := s.stock(now.AddDate(0, 0, -401).Format(time.DateOnly), other, 3)
				line := base["consentsStockList"].([]fields)[0]
				listed := func(name string, value any) fields {
					return base.but("consentsStockList", []fields{line.but(name, value)})
				}
				flaws := []flaw{
					{"a line without count", listed("totalActiveConsents", nil), []string{"totalActiveConsents", "required"}},
					{"a negative count", listed("totalActiveConsents", -1), []string{"totalActiveConsents"}},
					{"a count as text", base.but("totalCustomerPF", "1"), []string{"totalCustomerPF", "number"}},
					{"an organisation of another form", listed("serverOrgId", "abc"), []string{"serverOrgId", "uuid"}},
					{"a role of another kind", base.but("role", "CALLER"), []string{"role", "enum"}},
					{"a scope of another kind", base.but("scope", "PAGAMENTOS"), []string{"scope", "enum"}},
					{"a day in another form", base.but("date", now.Format("02/01/2006")), []string{"date"}},
					{"the day after tomorrow", base.but("date", now.AddDate(0, 0, 2).Format(time.DateOnly)), []string{"date", "future"}},
					{"another organisation's stock", other.stock(base["date"].(string), s, 3), []string{"requester id mismatch", "orgId"}},
					{"an unknown organisation's stock", base.but("orgId", nobody).but("consentsStockList", []fields{line.but("clientOrgId", nobody)}), []string{"directory"}},
					{"a line of another organisation", listed("clientOrgId", b.Target().Bank.OrganisationID), []string{"requester id mismatch", "clientOrgId"}},
				}
				for _, name := range []string{"date", "orgId", "role", "scope", "consentsStockList"} {
					flaws = append(flaws, flaw{"no " + name, base.but(name, nil), []string{name, "required"}})
				}
				for _, f := range flaws {
					answer, x := s.stocks(f.report)
					b.Verify(answer.Status, "%s", f.what).About(x).To(expect.Equal("DISCARDED"))
					for _, part := range f.message {
						b.Verify(strings.ToLower(answer.Message), "message about %s", f.what).About(x).To(expect.Containing(strings.ToLower(part)))
					}
				}
			},
		},
		{
			ID: "PCM-C84", Name: "pcm/compares-consent-stock", Rules: rules("PCM-STOCK"), Needs: with(twoSides, check.PCMControl), Alone: true,
			Title: "Stock told by the two sides of a sharing is set side by side, and what differs is found", Why: "One of the two counts wrongly.", Causes: causes("each report is stored alone"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				date := b.Now().In(brasilia).AddDate(0, 0, -402).Format(time.DateOnly)
				ask := func() (pairs []struct {
					ClientOrgID, ServerOrgID string
					Client, Server           *int
					Agree                    bool
				}, findings int) {
					var answer struct {
						Pairs []struct {
							ClientOrgID, ServerOrgID string
							Client, Server           *int
							Agree                    bool
						}
						Findings []any
					}
					b.PCM().Get("/stock?date="+date, &answer)
					return answer.Pairs, len(answer.Findings)
				}
				client.stocks(client.stock(date, server, 7))
				mirror := client.stock(date, server, 8).but("role", "SERVER").but("orgId", server.party.Config().OrganisationID)
				server.stocks(mirror)
				pairs, findings := ask()
				b.Expect(len(pairs), "pairs of organisations of that day").To(expect.Equal(1))
				b.Expect(pairs[0].Agree, "7 and 8 consents agree").To(expect.Equal(false))
				b.Expect(findings, "findings about them").To(expect.Equal(2))
				client.stocks(client.stock(date, server, 8))
				pairs, findings = ask()
				b.Expect(pairs[0].Agree, "8 and 8 consents agree").To(expect.Equal(true))
				b.Expect(findings, "findings about them").To(expect.Equal(0))
			},
		},
	}
}
