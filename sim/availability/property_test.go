package availability

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ensaio/ensaio/sim/spec"
)

var someCalls = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Call {
	return Call{
		At:       day0.Start().Add(time.Duration(rapid.IntRange(0, 3*86400-1).Draw(t, "second")) * time.Second),
		Took:     time.Duration(rapid.IntRange(0, 3_000_000).Draw(t, "us")) * time.Microsecond,
		Server:   rapid.SampledFrom([]string{"bank", "other"}).Draw(t, "server"),
		Endpoint: rapid.SampledFrom([]string{balances, "/token"}).Draw(t, "endpoint"),
		Method:   "GET",
		Status:   rapid.SampledFrom([]int{200, 200, 200, 422, 500, 503, 529, 408, 404, 429}).Draw(t, "status"),
		Side:     rapid.SampledFrom([]spec.Side{"", spec.ClientSide, spec.ServerSide}).Draw(t, "side"),
		State:    rapid.SampledFrom([]string{"", spec.ReportPaired, spec.ReportUnpaired, spec.ReportPairedInconsistent}).Draw(t, "state"),
	}
}), 0, 300)

var someProbes = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Probe {
	return Probe{
		At:        day0.Start().Add(time.Duration(rapid.IntRange(0, 2*2880-1).Draw(t, "probe")) * ProbeEvery),
		Code:      rapid.SampledFrom([]string{OK, PartialFailure, Unavailable, ScheduledOutage, ""}).Draw(t, "code"),
		Endpoints: rapid.SliceOfN(rapid.SampledFrom([]string{"/a", "/b", "/c"}), 0, 3).Draw(t, "endpoints"),
		Scheduled: rapid.SliceOfN(rapid.SampledFrom([]string{"/a", "/b", "/c"}), 0, 2).Draw(t, "scheduled"),
	}
}), 0, 200)

func booked(calls []Call, probes []Probe) *Book {
	b := &Book{}
	for _, c := range calls {
		b.Call(c)
	}
	for _, p := range probes {
		b.Probe(p)
	}
	return b
}

func TestTheOrderOfRecordsNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls, probes := someCalls.Draw(t, "calls"), someProbes.Draw(t, "probes")
		want := booked(calls, probes).Judge(Options{})
		got := booked(rapid.Permutation(calls).Draw(t, "calls again"), rapid.Permutation(probes).Draw(t, "probes again")).Judge(Options{})
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("another order gives\n%+v\nnot\n%+v", got, want)
		}
	})
}

func TestSplittingAndMergingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls, probes := someCalls.Draw(t, "calls"), someProbes.Draw(t, "probes")
		i, j := rapid.IntRange(0, len(calls)).Draw(t, "cut"), rapid.IntRange(0, len(probes)).Draw(t, "cut of probes")
		want, a, b := booked(calls, probes), booked(calls[:i], probes[:j]), booked(calls[i:], probes[j:])
		a.Merge(b)
		if w, g := want.Judge(Options{}), a.Judge(Options{}); !reflect.DeepEqual(g, w) {
			t.Fatalf("merged\n%+v\nwhole\n%+v", g, w)
		}
	})
}

func TestASuccessNeverLowersAvailability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls := someCalls.Draw(t, "calls")
		var tr Traffic
		for _, c := range calls {
			tr.Add(c)
		}
		more := call(day0, rapid.IntRange(0, 1439).Draw(t, "minute"), 200)
		before := tr.Day(series, day0)
		tr.Add(more)
		after := tr.Day(series, day0)
		if before.Availability.Defined() && after.Availability.Part*before.Availability.Whole < before.Availability.Part*after.Availability.Whole {
			t.Fatalf("from %+v to %+v", before, after)
		}
	})
}

// naive judges a day of probes by counting in the simplest way there is.
func naive(probes []Probe, endpoint string, d Day) (down, scheduled int64) {
	for _, p := range probes {
		if DayOf(p.At) != d {
			continue
		}
		hour := p.At.In(Brasilia).Hour()
		window := hour >= 1 && hour < 7
		all := p.Code != OK && p.Code != PartialFailure && len(p.Endpoints) == 0
		byCode := p.Code != OK && (endpoint == "" || all || slices.Contains(p.Endpoints, endpoint))
		beside := !all && len(p.Scheduled) > 0 && (endpoint == "" || slices.Contains(p.Scheduled, endpoint))
		switch {
		case byCode && p.Code == ScheduledOutage && window, !byCode && beside && window:
			scheduled += 30
		case byCode, beside:
			down += 30
		}
	}
	return min(down, 86400), min(scheduled, 86400)
}

func TestProbingIsWhatCountingGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := someProbes.Draw(t, "probes")
		p := booked(nil, list).Probing
		p.Know("/a", "/b", "/c")
		for _, endpoint := range []string{"", "/a", "/b", "/c"} {
			for _, d := range p.Days(endpoint) {
				down, scheduled := naive(list, endpoint, d.Day)
				if d.Down != down || d.Scheduled != scheduled {
					t.Fatalf("%q on %s: %d down and %d scheduled, not %d and %d", endpoint, d.Day, d.Down, d.Scheduled, down, scheduled)
				}
				if endpoint != "" && (d.Down+d.Scheduled > p.Day("", d.Day).Down+p.Day("", d.Day).Scheduled) {
					t.Fatalf("%q is longer down than the institution", endpoint)
				}
				if d.Down+d.Scheduled > d.Probes*30 {
					t.Fatalf("%q: %d probes count %d s twice", endpoint, d.Probes, d.Down+d.Scheduled)
				}
			}
		}
	})
}

func TestThePercentileIsThatOfTheSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.IntRange(1, 20000), 1, 9000).Draw(t, "microseconds")
		var l Latency
		for _, us := range list {
			c := call(day0, 1, 200)
			c.Took = time.Duration(us) * time.Microsecond
			l.Add(c)
		}
		slices.Sort(list)
		d := l.Days(series)[0]
		if want := time.Duration(list[Index(int64(len(list)))-1]) * time.Microsecond; d.P95 != want || d.Count != int64(len(list)) {
			t.Fatalf("p95 of %d is %v, not %v", d.Count, d.P95, want)
		}
	})
}

func TestALongRunIsTheMeanOfItsDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(90, 130).Draw(t, "days")
		var days []Daily
		for i := range n {
			whole := rapid.Int64Range(1, 1440).Draw(t, "minutes")
			days = append(days, Daily{day0 + Day(i), Share{rapid.Int64Range(whole*98/100, whole).Draw(t, "up"), whole}})
		}
		for i, l := range Rolling(days, all(days)) {
			m := meanOf(days[max(0, i-89) : i+1])
			if l.Days != len(m.shares) || l.Days > 90 || l.Mean != m.float() {
				t.Fatalf("%d: %+v, not %v of %d", i, l, m.float(), len(m.shares))
			}
			exact := m.atLeast(995, 1000)
			if i >= 89 && (l.Verdict == Conforming) != exact {
				t.Fatalf("%d: %+v", i, l)
			}
		}
	})
}

func TestDaysAreThoseOfBrasilia(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "unix"), 0)
		local := at.In(Brasilia)
		d := DayOf(at)
		if d.String() != local.Format(time.DateOnly) || second(at) != local.Hour()*3600+local.Minute()*60+local.Second() || DayOf(d.Start()) != d || DayOf(d.Start().Add(-1)) != d-1 {
			t.Fatalf("%v is %s", local, d)
		}
	})
}
