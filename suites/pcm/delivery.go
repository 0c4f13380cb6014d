package pcm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// brasilia is the zone of the platform's days.
var brasilia = time.FixedZone("BRT", -3*60*60)

// raw is a JSON object as it was sent.
type raw json.RawMessage

// UnmarshalJSON keeps the text.
func (r *raw) UnmarshalJSON(b []byte) error { *r = append((*r)[:0], b...); return nil }

func (r raw) text(name string) string {
	var m map[string]any
	_ = json.Unmarshal(r, &m) // an object, or nothing is found in it
	s, _ := m[name].(string)
	return s
}

// stats are the reporter's counters.
type stats struct {
	Failures, Discarded int
	Problem             string
}

func (w *watch) stats() (s stats) {
	w.Reporter().Get("/stats", &s)
	return s
}

// troubles switches a failure of the platform on until heals, or the end of the check.
func (w *watch) troubles(kind string, status int) (heals func()) {
	w.Step("the metrics platform has trouble: %s", kind)
	w.PCM().Post("/fail", map[string]any{"kind": kind, "status": status, "on": "report"}, nil)
	healed := false
	heals = func() {
		if !healed {
			healed = true
			w.PCM().Delete("/fail")
		}
	}
	w.Cleanup(func() {
		if !healed {
			_ = w.PCM().Try("DELETE", "/fail", nil, nil)
		}
	})
	return heals
}

// read makes one call of the institution.
func (w *watch) read(token *tpp.Grant) *tpp.Exchange {
	x := w.party.Call("consents.read", token).Param("consentId", "urn:ensaio:nobody").Send(w.Context())
	w.Expect(x.Err, "error of the exchange").About(x).To(expect.Success())
	return x
}

func deliveryChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C11", Name: "pcm/redelivers", Rules: rules("PCM-DELIVERY"), Needs: troubling, Alone: true, Timeout: 2 * time.Minute,
			Title: "Reports survive a platform that is away, refuses, answers nonsense or loses its answer, and arrive once when it is well again", Why: "An outage of the platform excuses the delay, not the loss.",
			Causes: causes("a batch is dropped after the first error", "an unclear answer is taken for success", "a retry is taken for a new report"),
			Body: func(b *check.Bench) {
				w := begin(b)
				token := w.party.Credentials("consents")
				w.hurries()
				for _, f := range []struct {
					kind   string
					status int
				}{{"status", 500}, {"status", 429}, {"status", 503}, {"down", 0}, {"garbage", 0}, {"lost", 0}} {
					before := w.stats().Failures
					heals := w.troubles(f.kind, f.status)
					x := w.read(token)
					b.Expect(b.Wait("report", "an attempt that fails", func() bool { return w.stats().Failures > before }), "attempts").To(expect.True("an attempt was made and failed"))
					heals()
					w.hurries()
					b.Wait("report", "the report after the trouble", func() bool { return w.reported(x) == 1 })
					b.Expect(w.reported(x), "reports of the institution after trouble %s %d", f.kind, f.status).About(x).To(expect.Equal(1))
				}
			},
		},
		{
			ID: "PCM-C12", Name: "pcm/handles-partial-answer", Rules: rules("PCM-DELIVERY"), Needs: troubling, Alone: true,
			Title: "A report that the platform discards is kept with the reason, and the next ones are delivered", Why: "What was refused must be repaired, by somebody who knows why.", Causes: causes("only the status of the answer is read", "the whole batch is repeated for ever"),
			Body: func(b *check.Bench) {
				w := begin(b)
				token := w.party.Credentials("consents")
				w.hurries()
				heals := w.troubles("discard", 0)
				x := w.read(token)
				kept := ""
				b.Wait("report", "the discarded report among those kept", func() bool {
					var dead []struct {
						Reason string
						Report json.RawMessage
					}
					b.Reporter().Get("/dead", &dead)
					for _, d := range dead {
						if strings.Contains(string(d.Report), interaction(x)) {
							kept = d.Reason
						}
					}
					return kept != ""
				})
				heals()
				b.Expect(kept, "reason kept with the discarded report").About(x).To(expect.Something())
				next := w.read(token)
				w.hurries()
				w.served(next)
				b.Expect(w.reported(x), "reports accepted of the discarded call").About(x).To(expect.Equal(0))
			},
		},
		{
			ID: "PCM-C16", Name: "pcm/resends-discarded", Rules: rules("PCM-DELIVERY"), Needs: troubling, Alone: true,
			Title: "A report that was discarded is sent anew once its reason is gone, as a new report and not as a correction of the old one", Why: "A discarded report cannot be corrected: it was never taken in.",
			Causes: causes("the old report is amended by PUT", "discarded reports are never looked at again"),
			Body: func(b *check.Bench) {
				w := begin(b)
				token := w.party.Credentials("consents")
				w.hurries()
				heals := w.troubles("discard", 0)
				x := w.read(token)
				w.hurries()
				heals()
				b.Expect(w.reported(x), "reports accepted while all were discarded").About(x).To(expect.Equal(0))
				err := b.Reporter().Try("POST", "/resend", nil, nil)
				b.Expect(err, "sending discarded reports anew").To(expect.Success())
				w.hurries()
				b.Expect(w.reported(x), "reports accepted after sending anew").About(x).To(expect.Equal(1))
			},
		},
		{
			ID: "PCM-C13", Name: "pcm/respects-batch-size", Rules: rules("PCM-DELIVERY", "PCM-REQUEST/batch-limit"), Needs: troubling, Alone: true, Timeout: time.Minute,
			Title: "No request of the institution brings more than 5000 reports, or 1000 events, and one that is refused for its size is split", Why: "A larger one is refused as a whole, again and again.",
			Causes: causes("everything that waits is sent at once", "413 is taken for a passing trouble"),
			Body: func(b *check.Bench) {
				w := begin(b)
				token := w.party.Credentials("consents")
				w.hurries()
				known := len(w.requests())
				w.Step("the metrics platform refuses one request for its size")
				w.PCM().Post("/fail", map[string]any{"kind": "status", "status": 413, "on": "report", "times": 1}, nil)
				w.Cleanup(func() { _ = w.PCM().Try("DELETE", "/fail", nil, nil) })
				const calls = 8
				var last *tpp.Exchange
				for range calls {
					last = w.read(token)
				}
				if err := b.Reporter().Try("POST", "/flush", nil, nil); err != nil {
					b.Note("the institution's reports: %v", err)
				}
				w.served(last)
				for _, q := range w.requests()[known:] {
					if q.Operation == "private" && q.Status == 200 {
						b.Expect(q.Items, "items of a request after one with %d reports was refused for its size", calls).To(expect.InRange(1, calls-1))
					}
				}
				n := 0
				for _, q := range w.requests() {
					n++
					limit := 5000
					if strings.HasPrefix(q.Operation, "hybrid-flow") {
						limit = 1000
					}
					b.Expect(q.Items, "items of a request of kind %s", q.Operation).To(expect.InRange(0, float64(limit)))
				}
				b.Expect(n, "requests of the institution").To(expect.InRange(1, 1e9))
			},
		},
	}
}

// intake is one request of the institution to the platform.
type intake struct {
	Organisation  string `json:"organisationId"`
	Operation     string
	Items, Status int
}

// requests lists the institution's requests, oldest first.
func (w *watch) requests() []intake {
	var all []intake
	w.PCM().Get("/requests", &all)
	return slices.DeleteFunc(all, func(q intake) bool { return !strings.EqualFold(q.Organisation, w.Target().Bank.OrganisationID) })
}

// reported counts the institution's reports of a call.
func (w *watch) reported(x *tpp.Exchange) int {
	all := w.about(interaction(x))
	return len(slices.DeleteFunc(all, func(r report) bool { return r.Role != "SERVER" }))
}

// said is a JSON text of any value.
func said(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
