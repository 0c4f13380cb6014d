package pcm

import (
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// speaks lets the check change the platform's dialect; what was before is back when it ends.
func speaks(b *check.Bench) func(edit map[string]any) {
	var before map[string]any
	b.PCM().Get("/dialect", &before)
	b.Cleanup(func() { _ = b.PCM().Try("POST", "/dialect", before, nil) }) // the platform may be down
	return func(edit map[string]any) { b.PCM().Post("/dialect", edit, nil) }
}

func dialectChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C91", Name: "pcm/intake-has-a-rate", Rules: rules("PCM-REQUEST/rate"), Needs: with(twoSides, check.Clock), Alone: true,
			Title: "Beyond 300 requests in a second an organisation is told 429, another one is not, and a moment later it is heard again", Why: "Single reports are discouraged: batches are meant.", Causes: causes("the rate is one for everybody"),
			Body: func(b *check.Bench) {
				busy, calm := sideOf(b, 0), sideOf(b, 1)
				const most, hands = 1600, 16
				began := b.Now()
				var mu sync.Mutex
				sent, refusals := 0, 0
				work := func() {
					for {
						mu.Lock()
						done := sent >= most || refusals > 0
						sent++
						mu.Unlock()
						if done {
							return
						}
						if x := busy.posting(privatePath, []fields{}).Send(b.Context()); x.Status == 429 {
							mu.Lock()
							refusals++
							mu.Unlock()
						}
					}
				}
				all := make([]func(), hands)
				for i := range all {
					all[i] = work
				}
				b.Together(all...)
				if took := b.Now().Sub(began); refusals == 0 && float64(sent) < 1.2*(300+300*took.Seconds()) {
					b.Skip("%d requests in %s do not cross the rate", sent, took)
				}
				b.Expect(refusals > 0, "a request is refused within %d", most).To(expect.Equal(true))
				b.Expect(calm.posting(privatePath, []fields{}).Send(b.Context()), "another organisation meanwhile").To(refused(400, "Invalid payload format: MUST be an array"))
				b.Advance(2 * time.Second)
				busy.accepted(invent(b, busy, busy).byClient())
			},
		},
		{
			ID: "PCM-C87", Name: "pcm/speaks-the-current-release", Rules: rules("PCM-REQUEST"),
			Title: "Without being told otherwise the platform keeps the release in force: no PUT, no withdrawn endpoints, fractions of milliseconds, a fresh-token address", Why: "A rehearsal against last year's rules is none.", Causes: causes("an old image is running"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				r := invent(b, s, s).byClient().but("processTimespan", 12.25)
				s.accepted(r)
				put := s.party.Request("metrics.correct", "PUT", b.Target().PCM.URL+privatePath+r.id()).WithoutCertificate().Bearer(s.token).Raw([]byte(`{"statusCode":200}`), "application/json")
				b.Expect(put.Send(b.Context()), "PUT of a report").To(refused(404, "Not Found"))
				next := fresh(r)
				s.discards(privatePath, next(), []flaw{
					{"payments v4", next().but("endpoint", "/open-banking/payments/v4/pix/payments/{paymentId}"), []string{"unlisted"}},
					{"accounts v1", next().but("endpoint", "/open-banking/accounts/v1/accounts"), []string{"unlisted"}},
				})
				s.anew()
			},
		},
		{
			ID: "PCM-C88", Name: "pcm/speaks-older-releases", Rules: rules("PCM-REQUEST", "PCM-STOCK/list-filled"), Needs: with(twoSides, check.PCMControl), Alone: true,
			Title: "Told so, the platform speaks older releases: what they lacked is not there, what they forbade is refused, and an inconsistent report can be corrected where that was so", Why: "Reporters of before are still met.", Causes: causes("one release alone"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				whole := func(f fields) fields { return f.but("processTimespan", 12) }
				speak := speaks(b)
				speak(map[string]any{"release": "2025B"})
				b.Expect(server.posting(spec.PaymentStatesPath, []fields{server.state(client)}).Send(b.Context()), "payment states before they came").To(refused(404, "Not Found"))
				answers, x := client.tells(whole(invent(b, client, server).byClient()).but("timestamp", told(b.Now().Add(10*time.Minute))), invent(b, client, server).byClient())
				b.Expect([]string{answers[0].Status, answers[1].Status}, "ten minutes ahead, and a fraction of a millisecond").About(x).To(expect.Equal([]string{"ACCEPTED", "DISCARDED"}))

				speak(map[string]any{"release": "1.0.2"})
				c := invent(b, client, server)
				answers, _ = client.tells(whole(c.byClient()).but("statusCode", 500))
				server.accepted(whole(c.byServer()))
				address := b.Target().PCM.URL + privatePath + answers[0].ReportID
				b.Wait("report", "the state of a report", func() bool {
					x = client.party.Request("metrics.read", "GET", address).WithoutCertificate().Bearer(client.token).Send(b.Context())
					return expect.Text(x, "status") == "PAIRED_INCONSISTENT"
				})
				put := func(body string) *exchange {
					return client.party.Request("metrics.correct", "PUT", address).WithoutCertificate().Bearer(client.token).Raw([]byte(body), "application/json").Send(b.Context())
				}
				b.Expect(put(`{"role":"SERVER"}`), "another field").To(refused(400, "Invalid field value: role"))
				b.Expect(put(`{"statusCode":200}`), "the status").To(expect.Status(202))
				x = client.party.Request("metrics.read", "GET", address).WithoutCertificate().Bearer(client.token).Send(b.Context())
				b.Expect(x, "the corrected report").To(expect.All(expect.JSON("status", "PAIRED"), expect.JSON("statusCode", 200)))

				speak(map[string]any{"release": "2026C", "emptyStock": false})
				date := b.Now().In(brasilia).AddDate(0, 0, -403).Format(time.DateOnly)
				answer, x := client.stocks(client.stock(date, server, 0).but("consentsStockList", []fields{}).but("totalCustomerPF", 0))
				b.Expect(answer.Status, "an empty stock where it must not be").About(x).To(expect.Equal("DISCARDED"))
				b.Expect(answer.Message, "message about an empty stock").About(x).To(expect.Containing("consentsStockList"))
			},
		},
	}
}
