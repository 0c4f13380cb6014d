package check

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/expect"
)

const traced = "d78fc4e5-37ca-4da3-adf2-9b082bf92280"

// recorder is a target's journal.
func recorder(t *testing.T, entries func(asked int64) []journal.Entry) (address string, asked *atomic.Int64) {
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if r.URL.Query().Get("interaction") != traced {
			t.Errorf("asked for %s", r.URL)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"entries": entries(n)})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/journal", asked
}

func TestADeviationShowsWhatThePlatformJudged(t *testing.T) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	verdicts := []journal.Verdict{{Set: "request object", Rule: "AS-REQ-03/has-exp", Kept: true, Text: "exp is present."},
		{Set: "request object", Rule: "AS-REQ-03/not-expired", Text: "expired for 76109277673"}}
	address, asked := recorder(t, func(n int64) []journal.Entry {
		if n == 1 {
			return nil // not written yet
		}
		return []journal.Entry{{Method: "GET", Status: 200, At: at}, {Method: "POST", Status: 201, At: at.Add(time.Second), Verdicts: verdicts},
			{Method: "POST", Status: 400, At: at}, {Method: "POST", Status: 201, At: at.Add(time.Minute)}}
	})
	tg := subject()
	tg.Capabilities.Journal = address
	x := &tpp.Exchange{Name: "par", Method: "POST", URL: "https://bank.test/par", Status: 201, Started: at,
		RequestHeader: http.Header{"X-Fapi-Interaction-Id": {traced}}, Header: http.Header{}}
	s := session(t, tg, Options{})
	result := s.Run(t.Context(), body(func(b *Bench) {
		b.record(x)
		b.Expect(x).To(expect.Status(400))
	}))
	want := []report.Judged{{Rule: "AS-REQ-03/has-exp", Verdict: "kept", Text: "exp is present.", Set: "request object"},
		{Rule: "AS-REQ-03/not-expired", Verdict: "broken", Text: "expired for •••73", Set: "request object"}}
	if result.Status != report.Fail || asked.Load() != 2 || len(result.Evidence[0].RuleTrace) != 2 || result.Evidence[0].RuleTrace[0] != want[0] || result.Evidence[0].RuleTrace[1] != want[1] {
		t.Fatalf("asked %d times: %+v", asked.Load(), result)
	}
	if text := result.Trace(); !strings.Contains(text, "✓ AS-REQ-03/has-exp kept  exp is present.") || !strings.Contains(text, "2 judged, 1 broken") {
		t.Error(text)
	}
	if strings.Contains(result.Text(), "rule trace") {
		t.Error("the trace is in the short text")
	}
	var page bytes.Buffer
	if err := (&report.Report{Checks: []report.Check{result}, Summary: report.Count([]report.Check{result})}).HTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), `<details class="trace"><summary>rule trace`) || !strings.Contains(page.String(), "AS-REQ-03/not-expired") {
		t.Error("the page shows no trace")
	}
}

func TestAJournalDecidesNothing(t *testing.T) {
	address, asked := recorder(t, func(int64) []journal.Entry { return nil })
	x := exchange(200, "{}")
	x.RequestHeader.Set("X-Fapi-Interaction-Id", traced)
	for name, c := range map[string]struct {
		journal string
		check   Check
		status  report.Status
		asked   int64
	}{
		"a pass asks nobody":           {address, body(func(b *Bench) { b.record(x); b.Expect(x).To(expect.Status(200)) }), report.Pass, 0},
		"an empty record":              {address, body(func(b *Bench) { b.record(x); b.Expect(x).To(expect.Status(201)) }), report.Fail, tracePatience},
		"a journal that does not work": {"http://127.0.0.1:1/journal", body(func(b *Bench) { b.record(x); b.Expect(x).To(expect.Status(201)) }), report.Fail, 0},
		"no journal":                   {"", body(func(b *Bench) { b.record(x); b.Expect(x).To(expect.Status(201)) }), report.Fail, 0},
	} {
		asked.Store(0)
		tg := subject()
		tg.Capabilities.Journal = c.journal
		result := session(t, tg, Options{}).Run(t.Context(), c.check)
		if result.Status != c.status || asked.Load() != c.asked || len(result.Evidence[0].RuleTrace) != 0 {
			t.Errorf("%s: %s, asked %d times", name, result.Status, asked.Load())
		}
	}
}
