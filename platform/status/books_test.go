package status_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/status"
)

// A quarter of days is remembered, through restarts: what was down, and apart from it what was planned at
// night.
func TestWhatWasDownIsRememberedForAQuarter(t *testing.T) {
	w := begin(t, noon)
	read := func() map[string]map[string][2]int {
		r := httptest.NewRecorder()
		w.Control().ServeHTTP(r, httptest.NewRequest("GET", "/books/downtime", nil))
		all := map[string]map[string][2]int{}
		for dec := json.NewDecoder(r.Body); dec.More(); {
			var l struct {
				Method, Endpoint, Date      string
				DownSeconds, PlannedSeconds int
			}
			if err := dec.Decode(&l); err != nil {
				t.Fatal(err)
			}
			if all[l.Date] == nil {
				all[l.Date] = map[string][2]int{}
			}
			all[l.Date][l.Method+" "+l.Endpoint] = [2]int{l.DownSeconds, l.PlannedSeconds}
		}
		return all
	}
	const balances = "GET /open-banking/accounts/v2/accounts/{accountId}/balances"
	w.fail(status.Failure{Operations: []string{"accounts.balances"}, Status: 503})
	w.clock.Advance(time.Hour)
	_ = w.Mend(t.Context(), "")
	night := noon.In(time.FixedZone("BRT", -3*60*60))
	night = time.Date(night.Year(), night.Month(), night.Day()+1, 0, 30, 0, 0, night.Location())
	w.announce(night, "PT1H", "accounts.*") // half an hour of it before one o'clock
	today, next := night.AddDate(0, 0, -1).Format(time.DateOnly), night.Format(time.DateOnly)
	for _, days := range []int{2, 20, 60} {
		w.clock.Advance(time.Duration(days) * 24 * time.Hour)
		w.status()
		w.restart(false)
		all := read()
		if len(all) != 2 || len(all[today]) != 1 || all[today][balances] != [2]int{3600, 0} || all[next][balances] != [2]int{1800, 1800} || len(all[next]) < 7 {
			t.Fatalf("%d days later: %v", days, all)
		}
	}
	w.clock.Advance(15 * 24 * time.Hour)
	if all := read(); len(all) != 0 {
		t.Errorf("after a quarter still: %v", all)
	}
}

// Trouble hides no scheduled work: the log of probes tells of both.
func TestTheLogOfProbesTellsOfBoth(t *testing.T) {
	w := begin(t, noon)
	w.announce(noon.Add(time.Minute), "PT1H", "consents.*")
	w.clock.Advance(2 * time.Minute)
	w.fail(status.Failure{Operations: []string{"accounts.balances"}, Status: 503})
	w.clock.Advance(time.Minute)
	r := httptest.NewRecorder()
	w.Control().ServeHTTP(r, httptest.NewRequest("GET", "/books/probes", nil))
	lines := strings.Split(strings.TrimSpace(r.Body.String()), "\n")
	var last struct{ Code, Endpoints, Scheduled string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	if last.Code != "PARTIAL_FAILURE" || !strings.HasSuffix(last.Endpoints, "/balances") || !strings.Contains(last.Scheduled, "/consents/v3/consents") {
		t.Errorf("%+v", last)
	}
}
