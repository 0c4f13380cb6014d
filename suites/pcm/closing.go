package pcm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// closed is what the platform's control surface tells of a day.
type closed struct {
	Eight   balance `json:"at0800"`
	Week    balance `json:"at7days"`
	Tickets []struct {
		Kind, OrgID string
		Rows        []map[string]any
	}
}

type balance struct {
	Closed bool
	Lines  []struct {
		OrgID, Endpoint           string
		Received, Missing, Paired int
		SLA                       float64
	}
}

// line is how an organisation stands on an endpoint.
func (c balance) line(org, endpoint string) (received, missing int, sla float64) {
	for _, l := range c.Lines {
		if strings.EqualFold(l.OrgID, org) && l.Endpoint == endpoint {
			received, missing, sla = received+l.Received, missing+l.Missing, l.SLA
		}
	}
	return received, missing, sla
}

func closingChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C89", Name: "pcm/closes-days", Rules: rules("PCM-TIME/late-changes-nothing", "PCM-PAIR"), Needs: with(twoSides, check.PCMControl, check.Clock), Alone: true,
			Title: "A day is judged at 08:00 of the next one, Brasília: what one side told and the other did not lowers the other's figure and opens a ticket; what comes later counts at seven days", Why: "The regulator counts at these two moments.",
			Causes: causes("the deadline follows another zone", "the closing runs on a timer that a step of the clock passes over", "what is late changes a closed figure"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				const endpoint = "/open-banking/exchanges/v1/operations/{operationId}/events" // nobody else calls it
				date := b.Now().Add(-time.Second).In(brasilia).Format(time.DateOnly)
				org := server.party.Config().OrganisationID
				ask := func() (c closed) { b.PCM().Get("/closing?date="+date, &c); return c }
				received, missing, _ := ask().Eight.line(org, endpoint)
				const told, lost = 20, 4
				var kept []call
				for i := range told {
					c := invent(b, client, server)
					client.accepted(c.byClient().but("endpoint", endpoint))
					if i >= lost {
						server.accepted(c.byServer().but("endpoint", endpoint))
					} else {
						kept = append(kept, c)
					}
				}
				y, m, d := b.Now().In(brasilia).Date()
				b.SetClock(time.Date(y, m, d+1, 7, 59, 59, 0, brasilia))
				b.Expect(ask().Eight.Closed, "closed before 08:00").To(expect.Equal(false))
				b.SetClock(time.Date(y, m, d+1, 8, 0, 1, 0, brasilia))
				c := ask()
				at8, missing8, sla := c.Eight.line(org, endpoint)
				b.Expect(c.Eight.Closed, "closed after 08:00").To(expect.Equal(true))
				b.Expect([]int{at8 - received, missing8 - missing}, "received of %d, and missing", told).To(expect.Equal([]int{told - lost, lost}))
				b.Expect(fmt.Sprintf("%.4f", sla), "SLA").To(expect.Equal(fmt.Sprintf("%.4f", 100*(1-float64(missing8)/float64(missing8+at8)))))
				mentioned := 0
				for _, t := range c.Tickets {
					for _, row := range t.Rows {
						if t.Kind == "sla-95" && strings.EqualFold(t.OrgID, org) && row["endpoint"] == endpoint && slices.ContainsFunc(kept, func(c call) bool { return c.id == row["fapiinteractionid"] }) {
							mentioned++
						}
					}
				}
				b.Expect(mentioned, "interactions of ours in the ticket").To(expect.InRange(1, 5))
				server = sideOf(b, 1) // the token is over
				server.accepted(kept[0].byServer().but("endpoint", endpoint))
				again, stillMissing, _ := ask().Eight.line(org, endpoint)
				b.Expect([]int{again, stillMissing}, "08:00 after a late report").To(expect.Equal([]int{at8, missing8}))
				week, missingWeek, _ := ask().Week.line(org, endpoint)
				b.Expect([]int{week - received, missingWeek - missing}, "seven days after a late report").To(expect.Equal([]int{told - lost + 1, lost - 1}))
			},
		},
		{
			ID: "PCM-C90", Name: "pcm/criticises-content-afterwards", Rules: rules("PCM-CONTENT/as-owed"), Needs: []check.Need{check.PCMControl},
			Title: "What a report lacks in additionalInfo is taken in and criticised in the published words, apart from what is discarded", Why: "A ticket is no discard: the report counts.", Causes: causes("content judged at the door"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				for what, row := range map[string]struct {
					info map[string]any
					want string
				}{
					"no token":            {map[string]any{"consentId": "urn:ensaio:x"}, "tokenId Nulo"},
					"an empty token":      {map[string]any{"consentId": "urn:ensaio:x", "tokenId": ""}, "tokenId Vazio"},
					"a consent id of old": {map[string]any{"consentId": "42", "tokenId": "c9ng8aKzxNXm"}, "consentId Invalido"},
					"everything":          {map[string]any{"consentId": "urn:ensaio:x", "tokenId": "c9ng8aKzxNXm"}, ""},
				} {
					c := invent(b, s, s)
					s.accepted(c.byClient().but("additionalInfo", row.info))
					var found []report
					b.PCM().Get("/reports?interaction="+c.id, &found)
					b.Expect(len(found), "reports with %s", what).To(expect.Equal(1))
					got := ""
					for _, f := range found[0].Findings {
						got += f.Field + " " + f.Verdict
					}
					b.Expect(got, "criticism of %s", what).To(expect.Equal(row.want))
				}
			},
		},
	}
}
