package availability

import (
	"math"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

func TestTheIndexOfThePercentileIsThePublishedOne(t *testing.T) {
	for n, want := range map[int64]int64{1: 1, 2: 2, 9: 9, 10: 10, 11: 10, 20: 19, 30: 29, 100: 95, 1000: 950} {
		if got := Index(n); got != want {
			t.Errorf("of %d: %d, not %d", n, got, want)
		}
	}
}

func TestADayOfLatencyConformsUpToItsLimit(t *testing.T) {
	for took, want := range map[time.Duration]Verdict{
		1500 * time.Millisecond: Conforming, 1500*time.Millisecond + time.Microsecond: Tolerated,
		1800 * time.Millisecond: Tolerated, 1800*time.Millisecond + time.Microsecond: NonConforming,
		1500*time.Millisecond + 1: Tolerated, 1800*time.Millisecond + 1: NonConforming,
	} {
		var l Latency
		for i := range 100 {
			c := call(day0, i, 200)
			if i >= 94 { // the 95th is the first slow one
				c.Took = took
			}
			l.Add(c)
		}
		for _, status := range []int{423, 429, 529} {
			slow := call(day0, 1, status)
			slow.Took = time.Minute
			l.Add(slow)
		}
		if d := l.Days(series)[0]; d.Verdict != want || d.Count != 100 || d.P95-took >= time.Microsecond || d.P95 < took {
			t.Errorf("%v: %+v", took, d)
		}
	}
	var l Latency
	hook := call(day0, 1, 202)
	hook.Endpoint = "/open-banking/webhook/v1/payments/v4/pix/payments/{paymentId}"
	l.Add(hook)
	if len(l.Series()) != 0 {
		t.Error("a webhook is timed")
	}
}

func TestAMonthOfLatencyForgivesATenthOfItsDaysButNotOneBeyond(t *testing.T) {
	month := func(good, tolerated, beyond int) Verdict {
		var days []LatencyDay
		for i := range good + tolerated + beyond {
			v := Conforming
			if i >= good {
				v = Tolerated
			}
			if i >= good+tolerated {
				v = NonConforming
			}
			days = append(days, LatencyDay{Day: day0 + Day(i), Verdict: v})
		}
		return LatencyMonths(days, march)[0].Verdict
	}
	for _, c := range []struct {
		good, tolerated, beyond int
		want                    Verdict
	}{{27, 3, 0, Conforming}, {26, 4, 0, NonConforming}, {29, 0, 1, NonConforming}, {28, 3, 0, Conforming}, {27, 4, 0, NonConforming},
		{5, 0, 0, Conforming}, {4, 1, 0, NonConforming}, {3, 1, 0, NonConforming}} {
		if got := month(c.good, c.tolerated, c.beyond); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestAMonthThatTheDaysToComeCanMendIsTolerated(t *testing.T) {
	// Of 31 days 28 must conform.
	for _, c := range []struct {
		tolerated, beyond int
		want              Verdict
	}{{0, 0, Conforming}, {1, 0, Conforming}, {2, 0, Tolerated}, {3, 0, Tolerated}, {4, 0, NonConforming}, {0, 1, NonConforming}} {
		var latency []LatencyDay
		var o Overload
		for i := range 8 {
			l, share := LatencyDay{Day: day0 + Day(i), Verdict: Conforming}, Share{0, 1000}
			switch {
			case i < c.tolerated:
				l.Verdict, share = Tolerated, Share{5, 1000}
			case i < c.tolerated+c.beyond:
				l.Verdict, share = NonConforming, Share{51, 1000}
			}
			latency = append(latency, l)
			o.add("bank", l.Day, share)
		}
		seen := Extent{day0, day0 + 7}
		if got := LatencyMonths(latency, seen)[0].Verdict; got != c.want {
			t.Errorf("latency %+v: %s", c, got)
		}
		if got := OverloadMonths(o.Days("bank"), seen)[0].Verdict; got != c.want {
			t.Errorf("529 %+v: %s", c, got)
		}
	}
}

// TestADayWithoutTrafficIsSeen has one endpoint that is called every day, and others that are called now and
// then: the record is as long for these.
func TestOverloadIsJudgedByDayAndMonth(t *testing.T) {
	month := func(shares ...Share) OverloadMonth {
		var o Overload
		for i, s := range shares {
			o.add("bank", day0+Day(i), s)
		}
		return OverloadMonths(o.Days("bank"), march)[0]
	}
	good, over := Share{4, 1000}, Share{5, 1000}
	if m := month(good, good, good, good, good, good, good, good, good, over); m.Verdict != Conforming || m.Good != 9 {
		t.Errorf("nine of ten days: %+v", m)
	}
	if m := month(good, over); m.Verdict != NonConforming {
		t.Errorf("one of two: %+v", m)
	}
	nine := []Share{good, good, good, good, good, good, good, good, good}
	if m := month(append(nine, Share{50, 1000})...); m.Verdict != Conforming {
		t.Errorf("exactly 5 %%: %+v", m)
	}
	if m := month(append(nine, Share{51, 1000})...); m.Verdict != NonConforming {
		t.Errorf("above 5 %%: %+v", m)
	}
	var o Overload
	for _, status := range []int{529, 200, 422, 500, 408, 404, 429} {
		o.Add(call(day0, 1, status))
	}
	if d := o.Days("bank")[0]; d.Refused != 1 || d.Valid != 5 {
		t.Errorf("%+v", d)
	}
}

func TestReportsAreCountedAtEightAndAfterSevenDays(t *testing.T) {
	at := day0.Start().Add(15 * time.Hour)
	eight := (day0 + 1).Start().Add(8 * time.Hour)
	for name, c := range map[string]struct {
		filing Filing
		want   FilingDay // of the server
	}{
		"both at once":    {Filing{ClientAt: at, ServerAt: at}, FilingDay{Owed8: 1, Owed7: 1}},
		"at eight":        {Filing{ClientAt: at, ServerAt: eight}, FilingDay{Owed8: 1, Owed7: 1}},
		"after eight":     {Filing{ClientAt: at, ServerAt: eight.Add(time.Millisecond)}, FilingDay{Owed8: 1, Missing8: 1, Owed7: 1}},
		"after a week":    {Filing{ClientAt: at, ServerAt: at.Add(week + 1)}, FilingDay{Owed8: 1, Missing8: 1, Owed7: 1, Missing7: 1}},
		"never":           {Filing{ClientAt: at}, FilingDay{Owed8: 1, Missing8: 1, Owed7: 1, Missing7: 1}},
		"the other never": {Filing{ServerAt: at}, FilingDay{Owed8: 1, Owed7: 1}},
		"inconsistent":    {Filing{ClientAt: at, ServerAt: at, Inconsistent: true}, FilingDay{Owed8: 1, Owed7: 1, Inconsistent: 1}},
	} {
		f := c.filing
		f.At, f.Client, f.Server, f.Method, f.Endpoint = at, "tpp", "bank", "GET", balances
		var ti Timeliness
		ti.Add(f)
		got := ti.Days("bank")[0]
		got.Day, got.Organisation = 0, ""
		if got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}

func TestAMonthOfReportingForgivesThreeLateDaysAndOnePercent(t *testing.T) {
	month := func(late int, missing int64) Verdict {
		var days []FilingDay
		for i := range 10 {
			d := FilingDay{Day: day0 + Day(i), Owed8: 100, Missing8: 5, Owed7: 100}
			if i < late {
				d.Missing8 = 6
			}
			days = append(days, d)
		}
		days[0].Missing7 = missing
		return FilingMonths(days)[0].Verdict
	}
	if month(3, 10) != Conforming || month(4, 10) != NonConforming || month(3, 11) != NonConforming {
		t.Errorf("%s %s %s", month(3, 10), month(4, 10), month(3, 11))
	}
}

func TestConversionTakesWholeWeeksAndTheThreeBest(t *testing.T) {
	for at, month := range map[string]string{
		"2027-02-26": "2027-02", // a Friday ends its week
		"2027-02-27": "2027-03", // the Saturday after begins one that ends in March
		"2027-03-01": "2027-03",
	} {
		d, err := ParseDay(at)
		if err != nil {
			t.Fatal(err)
		}
		if got := ConversionMonth(d.Start()); got != month {
			t.Errorf("%s belongs to %s, not %s", at, got, month)
		}
	}
	var c Conversion
	add := func(server string, at time.Time, tokened, all int) {
		for i := range all {
			c.Add(ConsentRequest{At: at, Server: server, Tokened: i < tokened})
		}
		c.Add(ConsentRequest{At: at, Server: server, Refused: true})
	}
	march := day0.Start()
	add("a", march, 90, 100)
	add("b", march, 80, 100)
	add("c", march, 70, 100)
	add("d", march, 10, 100)
	least := c.Least("2027-04")
	if !least.AtLeast(61, 100) || least.Above(61, 100) {
		t.Errorf("least is %v, not 0.8 × 0.8 - 0.03", least.Float())
	}
	if c.Least("2027-03").Defined() {
		t.Error("there is a least without months before")
	}
	for rate, want := range map[int64]Standing{61: Fine, 60: Below, 49: Below, 48: Notice, 37: Notice, 36: Diagnosis} {
		if got := Stand(Share{rate, 100}, least); got != want {
			t.Errorf("%d %%: %s, not %s", rate, got, want)
		}
	}
}

func TestAConversionBelowTheExpectedFailsTheReport(t *testing.T) {
	for tokens, want := range map[int]Verdict{61: Conforming, 60: NonConforming} {
		b := &Book{}
		add := func(server string, at time.Time, tokens int) {
			for i := range 100 {
				b.Conversion.Add(ConsentRequest{At: at, Server: server, Tokened: i < tokens})
			}
		}
		for server, n := range map[string]int{"a": 90, "b": 80, "c": 70} {
			add(server, day0.Start(), n)
		}
		add("a", (day0 + 31).Start(), tokens)
		r := b.Judge(Options{})
		if got := r.Conversion[0]; r.Verdict != want || (got.Standings["2027-04"] == Fine) != (want == Conforming) || !got.Least["2027-04"].Defined() || len(got.Standings) != 1 {
			t.Errorf("%d tokens: %s, %+v, %v", tokens, r.Verdict, got, r.Reasons)
		}
		if len(r.Reasons) != map[Verdict]int{Conforming: 0, NonConforming: 1}[want] {
			t.Errorf("%d tokens: %v", tokens, r.Reasons)
		}
	}
}

func TestGradesLieBetweenTheirPoints(t *testing.T) {
	for name, c := range map[string][2]float64{
		"day 100": {GradeDay(Share{1, 1}), 10}, "day 95": {GradeDay(Share{95, 100}), 7}, "day 97.5": {GradeDay(Share{975, 1000}), 8.5}, "day 94.9": {GradeDay(Share{949, 1000}), 0},
		"long 100": {GradeLong(1), 10}, "long 99.5": {GradeLong(0.995), 7}, "long 95": {GradeLong(0.95), 0}, "long 90": {GradeLong(0.9), 0}, "long 99.75": {GradeLong(0.9975), 8.5},
		"529 none": {GradeOverload(Share{0, 1}), 10}, "529 half": {GradeOverload(Share{5, 1000}), 7}, "529 tenth": {GradeOverload(Share{1, 10}), 0},
		"reports 99": {GradeReporting(Share{99, 100}), 7}, "reports 100": {GradeReporting(Share{1, 1}), 10}, "reports 85": {GradeReporting(Share{85, 100}), 0},
	} {
		if math.Abs(c[0]-c[1]) > 0.005 {
			t.Errorf("%s: %v, not %v", name, c[0], c[1])
		}
	}
	budget := time.Second
	days := []LatencyDay{{P95: time.Second}, {P95: 1100 * time.Millisecond}, {P95: 1500 * time.Millisecond}, {P95: time.Second}}
	if got := GradeLatency(days, budget, Conforming); got != 8 {
		t.Errorf("two days over: %v", got)
	}
	if got := GradeLatency(days, budget, NonConforming); math.Abs(got-4.9) > 0.005 { // 0.6 s of 4 s
		t.Errorf("an area of 15 %%: %v", got)
	}
}

func TestNoTemplateHasTwoClasses(t *testing.T) {
	classes := map[string]spec.Class{}
	for _, op := range spec.Operations() {
		if have, ok := classes[op.FullPath()]; ok && have != op.Class {
			t.Errorf("%s is of class %s and %s: a series has one", op.FullPath(), have, op.Class)
		}
		classes[op.FullPath()] = op.Class
	}
}
