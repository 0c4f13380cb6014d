package record

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
)

var noon = time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)

func fresh() *Recording { return New(noon, time.Minute, 1000) }

func samples() *rapid.Generator[[]Sample] {
	classes := []spec.Class{spec.High, spec.Low, Security}
	one := rapid.Custom(func(t *rapid.T) Sample {
		due := time.Duration(rapid.Int64Range(0, 60e9).Draw(t, "due"))
		sent := due + time.Duration(rapid.Int64Range(0, 2e9).Draw(t, "lag"))
		s := Sample{
			Operation: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "operation"),
			Due:       due, Sent: sent, Waited: rapid.SampledFrom([]time.Duration{0, sent - due}).Draw(t, "waited"),
			Done: sent + time.Duration(rapid.Int64Range(0, 70e9).Draw(t, "took")),
		}
		s.Class = classes[s.Operation[0]-'a']
		s.Failure = rapid.SampledFrom([]string{"", "", "", Timeout, Refused, Wrong}).Draw(t, "failure")
		if s.Failure == "" || s.Failure == Wrong {
			s.Status = rapid.SampledFrom([]int{200, 201, 404, 422, 423, 429, 500, 503, 529}).Draw(t, "status")
			s.Detail = rapid.StringMatching(`[a-z]{1,2}`).Draw(t, "detail")
		}
		return s
	})
	return rapid.SliceOfN(one, 0, 60)
}

func recorded(all []Sample) *Recording {
	r := fresh()
	for _, s := range all {
		r.Add(s)
		if s.Status == 404 {
			r.Miss(s.Due)
			r.Abandon(s.Due)
		}
		if s.Status == 201 {
			r.Inside(s)
		}
	}
	r.Unsend(time.Second, 1)
	r.Unsend(2*time.Second, 1)
	r.End(0, "")
	return r
}

// same compares everything; the order in which exact values were kept is no part of a recording.
func same(a, b *Recording) bool {
	for _, r := range []*Recording{a, b} {
		for _, s := range r.Operations {
			slices.Sort(s.Exact)
			if len(s.Exact) == 0 {
				s.Exact = nil
			}
		}
	}
	return reflect.DeepEqual(&a.data, &b.data)
}

func TestMergingEqualsRecordingEverythingInOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := samples().Draw(t, "a"), samples().Draw(t, "b"), samples().Draw(t, "c")
		whole := recorded(slices.Concat(a, b, c))
		whole.Due = 3000
		for range 2 { // of each of the other two
			whole.Unsend(time.Second, 1)
			whole.Unsend(2*time.Second, 1)
		}
		whole.End(0, "")
		left, right := recorded(a), recorded(b)
		merge(t, left, recorded(b), recorded(c)) // (a+b)+c
		merge(t, right, recorded(c))
		other := recorded(a)
		merge(t, other, right) // a+(b+c)
		if !same(left, whole) || !same(other, whole) {
			t.Fatal("three recordings merged differ from one")
		}
	})
}

func merge(t interface{ Fatal(...any) }, into *Recording, from ...*Recording) {
	for _, r := range from {
		if err := into.Merge(r); err != nil {
			t.Fatal(err)
		}
	}
}

// Exact values are kept up to the same total, however they came together.
func TestExactValuesAreDroppedByTotalCount(t *testing.T) {
	series := func(n int) *Series {
		s := newSeries(spec.High, 100)
		for i := range n {
			s.add(Sample{Status: 200, Done: time.Duration(i) * time.Millisecond})
		}
		return s
	}
	for _, tc := range []struct {
		parts []int
		exact bool
	}{{[]int{60, 40}, true}, {[]int{60, 41}, false}, {[]int{101, 0}, false}, {[]int{0, 101}, false}, {[]int{40, 60}, true}} {
		whole := newSeries(spec.High, 100)
		for _, n := range tc.parts {
			whole.merge(series(n))
		}
		if whole.exact() != tc.exact || tc.exact != (len(whole.Exact) == 100) {
			t.Errorf("%v: exact %v with %d values", tc.parts, whole.exact(), len(whole.Exact))
		}
	}
}

func TestRecordingsOfDifferentRunsDoNotMerge(t *testing.T) {
	if err := fresh().Merge(New(noon, 2*time.Minute, 1)); err == nil {
		t.Error("a recording of another length was merged")
	}
	r := fresh()
	if err := r.Merge(r); err == nil {
		t.Error("a recording was merged with itself")
	}
}

func TestARecordingSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := recorded(samples().Draw(t, "samples"))
		r.End(time.Minute, "interrupted")
		r.Observe(Generator{Workers: 1, InFlightLimit: 7})
		b, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if !same(r, back) {
			t.Fatal("what was read differs from what was written")
		}
	})
}

func FuzzDecode(f *testing.F) {
	r := recorded([]Sample{{Operation: "a", Class: spec.High, Status: 200, Done: time.Second}, {Operation: "b", Failure: Timeout, Done: time.Minute}})
	b, err := r.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := Decode(b); err == nil {
			r.Report(Identity{Thresholds: Budgets()}) // whatever was accepted can be judged
		}
	})
}

// The index is 0.95 × n rounded to the nearest integer, and at least 1.
func TestPercentilesFollowThePublishedIndex(t *testing.T) {
	for n, index := range map[uint64]uint64{1: 1, 2: 2, 9: 9, 10: 10, 50: 48, 90: 86, 11: 10, 20: 19, 29: 28, 30: 29, 100: 95, 1000: 950} {
		if got := rank(95, n); got != index {
			t.Errorf("index of %d values: %d, want %d", n, got, index)
		}
		s, h, k := newSeries(spec.High, exactValues), newHist(), Sketch{}
		for i := range n {
			took := time.Duration(i+1) * time.Millisecond
			s.add(Sample{Status: 200, Done: took})
			h.record(took)
			k.record(took)
		}
		want := time.Duration(index) * time.Millisecond
		if got := s.percentile(95); got != want {
			t.Errorf("exact p95 of %d values: %v, want %v", n, got, want)
		}
		if got := h.Percentile(95); got < want || float64(got) > 1.001*float64(want) {
			t.Errorf("histogram's p95 of %d values: %v, want %v", n, got, want)
		}
		if got := k.percentile(95, sortedKeys(k)); got < want || float64(got) > 1.01*float64(want) {
			t.Errorf("sketch's p95 of %d values: %v, want %v", n, got, want)
		}
	}
}

// The package that judges records of traffic has the same index.
func TestTheIndexIsThatOfTheMonitoring(t *testing.T) {
	for n := range uint64(100_000) {
		if got, want := rank(95, n+1), uint64(availability.Index(int64(n+1))); got != want {
			t.Fatalf("index of %d values: %d, want %d", n+1, got, want)
		}
	}
}

func TestBucketsAreOrderedAndFine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Uint64Range(0, highest).Draw(t, "v")
		if bucket(v) > bucket(v+1) {
			t.Fatalf("bucket of %d above that of %d", v, v+1)
		}
		top := ceiling(bucket(v))
		if top < v || float64(top-v) > float64(v)/128 {
			t.Fatalf("%d is given as %d", v, top)
		}
		if bucket(top) != bucket(v) || bucket(top+1) == bucket(v) {
			t.Fatalf("%d is not the last of its bucket", top)
		}
	})
}

// verdict records n samples of each given form and judges one threshold.
func verdict(t *testing.T, threshold Threshold, facts Facts, groups ...any) Verdict {
	t.Helper()
	r := fresh()
	for i := 0; i < len(groups); i += 2 {
		for range groups[i].(int) {
			r.Add(groups[i+1].(Sample))
		}
	}
	r.End(time.Minute, "")
	if err := threshold.Check(); err != nil {
		t.Fatal(err)
	}
	return r.Judge([]Threshold{threshold}, facts)[0]
}

func TestThresholds(t *testing.T) {
	took := func(status int, d time.Duration) Sample {
		return Sample{Operation: "accounts.balances", Class: spec.High, Status: status, Done: d}
	}
	p95 := Threshold{Metric: "p95", Of: "high", Limit: 1500}
	none := Threshold{Metric: "5xx"}
	for name, tc := range map[string]struct {
		threshold Threshold
		facts     Facts
		groups    []any
		outcome   string
		value     float64
	}{
		"p95 exactly at the budget":      {p95, nil, []any{95, took(200, 1500*time.Millisecond), 5, took(200, 9*time.Second)}, OK, 1500},
		"p95 a millisecond above":        {p95, nil, []any{94, took(200, time.Millisecond), 6, took(200, 1501*time.Millisecond)}, Crossed, 1501},
		"429 does not count":             {p95, nil, []any{10, took(200, time.Millisecond), 90, took(429, 9*time.Second)}, OK, 1},
		"423 and 529 neither":            {p95, nil, []any{10, took(200, time.Millisecond), 90, took(423, 9*time.Second), 90, took(529, 9*time.Second)}, OK, 1},
		"a server error's latency does":  {p95, nil, []any{10, took(200, time.Millisecond), 90, took(500, 9*time.Second)}, Crossed, 9000},
		"a timeout's wait counts":        {p95, nil, []any{10, took(200, time.Millisecond), 90, Sample{Operation: "x", Class: spec.High, Failure: Timeout, Done: 9 * time.Second}}, Crossed, 9000},
		"a refused connection's not":     {p95, nil, []any{10, took(200, time.Millisecond), 90, Sample{Operation: "x", Class: spec.High, Failure: Refused, Done: 9 * time.Second}}, OK, 1},
		"by operation":                   {Threshold{Metric: "p99", Of: "accounts.balances", Limit: 5}, nil, []any{10, took(200, 6*time.Millisecond)}, Crossed, 6},
		"nothing of a class":             {Threshold{Metric: "p95", Of: "low", Limit: 5}, nil, []any{10, took(200, time.Second)}, Idle, 0},
		"no 5xx":                         {none, nil, []any{10, took(200, 0), 3, took(529, 0), 4, took(404, 0)}, OK, 0},
		"one 5xx":                        {none, nil, []any{10, took(200, 0), 1, took(503, 0)}, Crossed, 1},
		"share of 529 at its limit":      {Threshold{Metric: "529", Limit: 0.005}, nil, []any{199, took(200, 0), 1, took(529, 0), 50, took(404, 0)}, OK, 0.005},
		"share of 529 above":             {Threshold{Metric: "529", Limit: 0.005}, nil, []any{198, took(200, 0), 1, took(529, 0)}, Crossed, 0.005025},
		"errors":                         {Threshold{Metric: "errors", Limit: 0.1}, nil, []any{8, took(200, 0), 1, took(500, 0), 1, Sample{Operation: "x", Failure: Wrong, Status: 200}}, Crossed, 0.2},
		"a provoked 429 is no error":     {Threshold{Metric: "errors", Limit: 0}, nil, []any{8, took(200, 0), 8, took(429, 0)}, OK, 0},
		"minute exactly 95 %":            {Threshold{Metric: "availability", Limit: 1}, nil, []any{19, took(200, 0), 1, took(500, 0)}, OK, 1},
		"minute below 95 %":              {Threshold{Metric: "availability", Limit: 0.95}, nil, []any{18, took(200, 0), 1, took(500, 0)}, Crossed, 0},
		"memory within":                  {Threshold{Metric: "memory", Limit: 1e6}, Facts{"memory": 5e5}, []any{1, took(200, 0)}, OK, 5e5},
		"memory beyond":                  {Threshold{Metric: "memory", Limit: 1e6}, Facts{"memory": 5e6}, []any{1, took(200, 0)}, Crossed, 5e6},
		"memory that nobody measured":    {Threshold{Metric: "memory", Limit: 1e6}, nil, []any{1, took(200, 0)}, Withheld, 0},
		"everything offered is answered": {Threshold{Metric: "achieved", Limit: 1}, nil, []any{100, took(200, time.Second)}, OK, 1},
		"answers after the end":          {Threshold{Metric: "achieved", Limit: 0.99}, nil, []any{90, took(200, time.Second), 10, took(200, 2*time.Minute)}, Crossed, 0.9},
	} {
		t.Run(name, func(t *testing.T) {
			v := verdict(t, tc.threshold, tc.facts, tc.groups...)
			if v.Outcome != tc.outcome || math.Abs(v.Value-tc.value) > 1e-6 {
				t.Errorf("%s with %v (%s), want %s with %v", v.Outcome, v.Value, v.Reason, tc.outcome, tc.value)
			}
		})
	}
}

// A request that left late was answered late, whatever the target did; the service time stands beside it.
func TestLatencyCountsFromTheInstantDue(t *testing.T) {
	r := fresh()
	for range 10 {
		r.Add(Sample{Operation: "a", Class: spec.High, Status: 200, Sent: 80 * time.Millisecond, Waited: 80 * time.Millisecond, Done: 90 * time.Millisecond})
	}
	r.End(time.Minute, "")
	e := r.Report(Identity{}).Endpoints[0]
	if e.P95Ms != 90 || e.P50Ms != 90 || e.MaxMs != 90 || math.Abs(e.ServiceP95Ms-10) > 0.01 {
		t.Errorf("%+v", e)
	}
}

func TestGrowingLatencyHasASlope(t *testing.T) {
	grow := func(perMinute float64) float64 {
		r := fresh()
		for i := range 6000 {
			due := time.Duration(i) * 10 * time.Millisecond
			took := 50 + perMinute*due.Minutes()
			r.Add(Sample{Operation: "a", Class: spec.High, Status: 200, Due: due, Sent: due, Done: due + time.Duration(took*1e6)})
		}
		r.End(time.Minute, "")
		return r.Judge([]Threshold{{Metric: "slope", Of: "high", Limit: 10}}, nil)[0].Value
	}
	if flat := grow(0); math.Abs(flat) > 0.5 {
		t.Errorf("flat latency has a slope of %v", flat)
	}
	if steep := grow(100); steep < 95 || steep > 105 {
		t.Errorf("100 ms a minute has a slope of %v", steep)
	}
}

func TestALimitIsLostOnlyWhenNothingCanSaveIt(t *testing.T) {
	late := Sample{Operation: "a", Class: spec.High, Status: 200, Done: 2 * time.Second}
	fine := Sample{Operation: "a", Class: spec.High, Status: 200, Done: time.Millisecond}
	rows := []Threshold{{Name: "budget", Metric: "p95", Of: "high", Limit: 1500}}
	r := fresh() // 1000 arrivals are due: 50 may be late
	for range 50 {
		r.Add(late)
	}
	if name := r.Lost(rows, 1000); name != "" {
		t.Errorf("%s given up with 50 of 1000 late", name)
	}
	r.Add(fine)
	r.Add(late)
	if r.Lost(rows, 1000) != "budget" {
		t.Error("not given up with 51 of 1000 late")
	}
	errors := []Threshold{{Name: "errors", Metric: "errors", Limit: 0.01}}
	r = fresh()
	for range 10 {
		r.Add(Sample{Operation: "a", Failure: Refused})
	}
	if r.Lost(errors, 1000) != "" {
		t.Error("given up with exactly the share of errors that is allowed")
	}
	r.Add(Sample{Operation: "a", Failure: Refused})
	if r.Lost(errors, 1000) != "errors" {
		t.Error("not given up with too many errors")
	}
}

// One of four workers may have all that is late: what the others measured can still save the run.
func TestAShareDoesNotGiveUpForTheWhole(t *testing.T) {
	rows := []Threshold{{Name: "budget", Metric: "p95", Of: "high", Limit: 1500}, {Name: "errors", Metric: "errors", Limit: 0.01}}
	r := New(time.Time{}, time.Minute, 250)
	for range 50 {
		r.Add(Sample{Operation: "a", Class: spec.High, Status: 200, Done: 2 * time.Second})
	}
	for range 10 {
		r.Add(Sample{Operation: "a", Class: spec.High, Failure: Refused})
	}
	if name := r.Lost(rows, 1000); name != "" {
		t.Errorf("%s is given up with as many as 1000 arrivals may have", name)
	}
	if r.Lost(rows, 250) == "" {
		t.Error("not given up where there are no others")
	}
}

func TestAGeneratorThatIsLateGivesNoLatency(t *testing.T) {
	r := fresh()
	for range 100 {
		r.Add(Sample{Operation: "a", Class: spec.High, Status: 200, Sent: time.Second, Done: time.Second + time.Millisecond})
	}
	r.End(time.Minute, "")
	rep := r.Report(Identity{Thresholds: append(Budgets(), Threshold{Name: "none", Metric: "5xx"})})
	if rep.Verdict != VerdictNone || !rep.Generator.Bottleneck || rep.Thresholds[0].Outcome != Withheld || rep.Classes[0].OK {
		t.Errorf("verdict %s, bottleneck %v, budget %s, class ok %v", rep.Verdict, rep.Generator.Bottleneck, rep.Thresholds[0].Outcome, rep.Classes[0].OK)
	}
	if got := rep.Thresholds[len(rep.Thresholds)-1].Outcome; got != OK {
		t.Errorf("server errors: %s; a slow generator does not hide them", got)
	}
	r.Add(Sample{Operation: "a", Class: spec.High, Status: 503})
	if rep = r.Report(Identity{Thresholds: []Threshold{{Metric: "5xx"}}}); rep.Verdict != VerdictFail {
		t.Errorf("verdict %s after a 503, want fail", rep.Verdict)
	}
}

// A time-out is told by the generator's clock; an answer of the target is not.
func TestAGeneratorThatIsLateGivesNoTimeouts(t *testing.T) {
	none := []Threshold{{Name: "errors", Metric: "errors"}}
	for _, c := range []struct {
		late   time.Duration
		others string
		want   string
	}{{time.Second, "", Withheld}, {0, "", Crossed}, {time.Second, Reset, Crossed}} {
		r := fresh()
		r.Due = 101
		for range 99 {
			r.Add(Sample{Operation: "a", Class: spec.High, Status: 200, Sent: c.late, Done: c.late + time.Millisecond})
		}
		r.Add(Sample{Operation: "a", Class: spec.High, Failure: Timeout, Sent: c.late, Done: c.late + time.Minute})
		r.Add(Sample{Operation: "a", Class: spec.High, Failure: c.others, Status: 200, Sent: c.late, Done: c.late + time.Millisecond})
		lost := r.Lost(none, 101) != ""
		r.End(time.Minute, "")
		rep := r.Report(Identity{Thresholds: none})
		if got := rep.Thresholds[0].Outcome; got != c.want || lost != (c.want == Crossed) {
			t.Errorf("a time-out and %q, sent %v late: %s, given up %v; want %s", c.others, c.late, got, lost, c.want)
		}
	}
}

// What is under way when the schedule ends is the target's throughput too, unless it has fallen behind.
func TestASlowTargetAchievesWhatItIsAskedAndALateOneDoesNot(t *testing.T) {
	rows := []Threshold{{Name: "achieved", Metric: "achieved", Limit: 0.99}}
	for _, c := range []struct {
		name     string
		done     func(due time.Duration) time.Duration
		achieved float64
		outcome  string
	}{
		{"always 1.4 s", func(due time.Duration) time.Duration { return due + 1400*time.Millisecond }, 300, OK},
		{"always beyond its budget", func(due time.Duration) time.Duration { return due + 2*time.Second }, 240, Crossed},
		{"two of three a second", func(due time.Duration) time.Duration { return due * 3 / 2 }, 200, Crossed},
	} {
		r := New(time.Time{}, 10*time.Second, 3000)
		for n := range 3000 {
			due := time.Duration(n) * 10 * time.Second / 3000
			r.Add(Sample{Operation: "a", Class: spec.High, Status: 200, Due: due, Sent: due, Done: c.done(due)})
		}
		r.End(10*time.Second, "")
		rep := r.Report(Identity{Thresholds: rows})
		if math.Abs(rep.Achieved-c.achieved) > 1 || rep.Thresholds[0].Outcome != c.outcome {
			t.Errorf("%s: %v a second, %s", c.name, rep.Achieved, rep.Thresholds[0].Outcome)
		}
	}
}

func TestNothingSentIsNoPass(t *testing.T) {
	r := fresh()
	r.End(time.Minute, "")
	if rep := r.Report(Identity{Thresholds: Budgets()}); rep.Verdict != VerdictNone {
		t.Errorf("verdict %s", rep.Verdict)
	}
}

func TestWhatWasGivenUpIsNotedOnce(t *testing.T) {
	r := New(time.Time{}, time.Second, 3)
	r.Abandon(0)
	if notes := r.Report(Identity{}).Notes; len(notes) != 1 {
		t.Errorf("%q", notes)
	}
}

// A target that refuses everything by its limits has shown nothing.
func TestARunInWhichNothingWasServedDoesNotPass(t *testing.T) {
	for _, c := range []struct {
		statuses []int
		want     string
	}{{[]int{429, 423, 529}, VerdictNone}, {[]int{429, 200}, VerdictPass}} {
		r := New(time.Time{}, time.Second, 3)
		for _, status := range c.statuses {
			r.Add(Sample{Operation: "accounts.list", Class: spec.High, Status: status})
		}
		r.End(time.Second, "")
		if got := r.Report(Identity{}).Verdict; got != c.want {
			t.Errorf("%v: %s, want %s", c.statuses, got, c.want)
		}
	}
}
