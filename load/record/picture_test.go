package record

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// rehearsed is a minute at 300 a second with an outage in the middle and every kind of trouble.
func rehearsed() *Recording {
	r := New(noon, time.Minute, 18000)
	for i := range 18000 {
		due := time.Duration(i) * time.Minute / 18000
		op := []struct {
			id    string
			class spec.Class
			ms    float64
		}{{"accounts.balances", spec.High, 12}, {"credit-cards-accounts.identification", spec.MediumHigh, 18}, {"loans.contracts", spec.Medium, 30},
			{"accounts.list", spec.Low, 9}, {"token", Security, 4}, {"consents.create", spec.High, 22}}[i%6]
		took := op.ms * (1 + 0.6*math.Sin(float64(i)/700) + float64(i%17)/10)
		if i%211 == 0 {
			took *= 12
		}
		s := Sample{Operation: op.id, Class: op.class, Due: due, Sent: due + 90*time.Microsecond, Status: 200}
		switch {
		case due > 30*time.Second && due < 36*time.Second && i%3 == 0:
			s.Status = 503
		case due > 36*time.Second && due < 37*time.Second && i%4 == 0:
			s.Status, s.Failure, took = 0, Timeout, 5000
		case due > 50*time.Second && i%9 == 0:
			s.Status = 429
		case i == 4001:
			s.Failure, s.Detail = Wrong, "data is an empty list"
		}
		s.Done = s.Sent + time.Duration(took*1e6)
		r.Add(s)
	}
	r.End(time.Minute, "")
	r.Observe(Generator{Workers: 1, InFlightLimit: 512, InFlightPeak: 41, Scheduling: 300 * time.Microsecond, Processor: .4, Collector: .02})
	return r
}

func identity() Identity {
	return Identity{Profile: "regulatory", Title: "Regulatory load <300 a second>", Target: "Banco Ensaio", Seed: 7, Command: "ensaio load regulatory --seed 7",
		Thresholds: append(Budgets(), Threshold{Name: "no server errors", Metric: "5xx"}, Threshold{Name: "share of 529", Metric: "529", Limit: 0.005},
			Threshold{Name: "offered load is answered", Metric: "achieved", Limit: 0.99}, Threshold{Name: "memory", Metric: "memory", Limit: 64e6})}
}

func TestTheMachineContractIsWritten(t *testing.T) {
	dir := t.TempDir()
	id := identity()
	id.Defects = []string{"perf/slow-class"}
	page, err := rehearsed().Report(id).Write(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "new", "load.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		APIVersion, Kind, Verdict, Profile string
		Offered, Achieved                  float64
		Errors                             map[string]int
		Classes                            []struct {
			Class               string
			Count               int
			P50Ms, P95Ms, P99Ms float64
			BudgetMs            int
			OK                  bool
		}
		Availability map[string]any
		Endpoints    []map[string]any
		Thresholds   []struct{ Name, Outcome string }
		Timeline     []map[string]any
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.APIVersion != "ensaio/v1" || doc.Kind != "Load" || doc.Verdict != "fail" || doc.Offered != 300 || doc.Errors["503"] == 0 || doc.Errors["timeout"] == 0 {
		t.Errorf("%+v", doc)
	}
	if len(doc.Classes) != 5 || doc.Classes[0].Class != "high" || doc.Classes[0].BudgetMs != 1500 || !doc.Classes[0].OK || doc.Classes[0].Count != 6000 {
		t.Errorf("classes %+v", doc.Classes)
	}
	for _, member := range []string{"day", "dayTarget", "quarter", "quarterTarget", "probes", "plannedSeconds", "unplannedSeconds"} {
		if _, ok := doc.Availability[member]; !ok {
			t.Errorf("availability lacks %s", member)
		}
	}
	if len(doc.Endpoints) != 6 || len(doc.Timeline) != 61 && len(doc.Timeline) != 60 {
		t.Errorf("%d endpoints, %d slots", len(doc.Endpoints), len(doc.Timeline))
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"✗ FAIL", "perf/slow-class", "budget 1500 ms", "no server errors", "Not a certification", "&lt;300 a second&gt;", "accounts.balances", "503\u00a0×"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "http://", "https://", "ZgotmplZ", "NaN"} {
		if strings.Contains(string(html), never) {
			t.Errorf("the page holds %q", never)
		}
	}
}

// An empty recording, one slot, and a run of days are drawn as well.
func TestEveryLengthIsDrawn(t *testing.T) {
	for name, r := range map[string]*Recording{"nothing": New(noon, time.Minute, 0), "days": New(noon, 48*time.Hour, 10), "moment": New(noon, time.Millisecond, 1)} {
		if name != "nothing" {
			r.Add(Sample{Operation: "a", Class: spec.High, Status: 200, Done: time.Millisecond})
			r.Add(Sample{Operation: "a", Class: spec.High, Status: 503, Due: r.Planned - 1, Sent: r.Planned - 1, Done: r.Planned})
		}
		var b strings.Builder
		if err := r.Report(identity()).HTML(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
			t.Errorf("%s: a figure is no number", name)
		}
		if len(r.Timeline) > slots+1 {
			t.Errorf("%s: %d slots", name, len(r.Timeline))
		}
	}
}

func TestTheLiveLine(t *testing.T) {
	s := rehearsed().Snapshot()
	s.Elapsed, s.Offered, s.Achieved, s.InFlight = 42*time.Second, 300, 299.6, 12
	line := Line(s)
	for _, want := range []string{"0:42/1:00", "300/300 a second", "12 in flight", "/1500", "/4000", "errors"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
	s.Classes[0].P95 = 2 * time.Second
	if line := Line(s); !strings.Contains(line, "2000/1500✗") {
		t.Errorf("%q does not show the crossed budget", line)
	}
}
