package availability

import (
	"bytes"
	"math"
	"slices"
	"strings"
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
		if d := l.Days(series)[0]; d.Verdict != want || d.Count != 100 || d.P95 != took {
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
func TestADayWithoutTrafficIsSeen(t *testing.T) {
	const rare, service = "/open-banking/accounts/v2/accounts", "/open-banking/payments/v4/pix/payments"
	var b Book
	for i := range Day(92) { // March to May
		b.Call(call(day0+i, 0, 200))
	}
	ask := func(endpoint string, d Day, status, times int) {
		c := call(d, 1, status)
		for range times {
			c.Endpoint, c.At = endpoint, c.At.Add(time.Minute)
			b.Call(c)
		}
	}
	ask(rare, day0+60, 200, 100)
	ask(rare, day0+91, 200, 98)
	ask(rare, day0+91, 503, 2) // the mean of two days is 99 %
	ask(service, day0+45, 200, 99)
	ask(service, day0+45, 503, 1) // the only day of April
	for _, e := range b.Judge(Options{}).Endpoints {
		switch e.Endpoint {
		case rare:
			if l := e.Traffic.LongRun; l.Days != 2 || l.Verdict != NonConforming {
				t.Errorf("the long run of two days in ninety: %+v", l)
			}
		case service:
			if m := e.Traffic.Months[0]; m.Month != "2027-04" || m.Verdict != NonConforming {
				t.Errorf("one day of a whole month at 99 %%: %+v", m)
			}
		}
	}
}

func TestProbesThatAreMissingOrTooManyAreTold(t *testing.T) {
	for want, probes := range map[string][]int{
		"": {100, 2880, 2880, 7}, "1 day has fewer than 2880 probes, 2027-03-02 only 2000: what nobody asked counts as up": {100, 2000, 2880, 7},
		"2 days have fewer than 2880 probes, 2027-03-03 only 1999: what nobody asked counts as up":              {100, 2000, 1999, 7},
		"1 day has more than 2880 probes: each stands for thirty seconds, so that downtime is counted too high": {2881, 2880, 2880, 7},
	} {
		var b Book
		for i, n := range probes {
			for range n {
				b.Probe(Probe{At: (day0 + Day(i)).Start(), Code: OK})
			}
		}
		got := ""
		for _, n := range b.Judge(Options{}).Notes {
			if strings.Contains(n, "probes") {
				got += n
			}
		}
		if got != want {
			t.Errorf("%v: %q", probes, got)
		}
	}
}

func TestAPartialFailureOfNothingIsTold(t *testing.T) {
	var b Book
	b.Probe(Probe{At: day0.Start(), Code: PartialFailure})
	b.Probe(Probe{At: day0.Start().Add(ProbeEvery), Code: PartialFailure, Endpoints: []string{"/token"}})
	if r := b.Judge(Options{}); !slices.Contains(r.Notes, "1 probe of PARTIAL_FAILURE without an endpoint: only the institution as a whole is down in them") || r.Institution.Days[0].Down != 60 {
		t.Errorf("%q %+v", r.Notes, r.Institution)
	}
}

func TestABreachSaysWhenAndHowMuchIsLeft(t *testing.T) {
	var b Book
	for m := range 100 {
		status := 200
		if m >= 10 && m < 16 {
			status = 503
		}
		b.Call(call(day0, m, status))
	}
	for i := range 145 {
		b.Probe(Probe{At: day0.Start().Add(time.Duration(i) * ProbeEvery), Code: Unavailable, Endpoints: []string{"/token"}})
	}
	r := b.Judge(Options{})
	for _, want := range []string{
		"2027-03-01: 94.00 % available by traffic at " + balances + ", and a day owes 95 %: 6 of 100 minutes with calls were lost, from 00:10 to 00:15, and 5 may be",
		"2027-03-01: 94.97 % available by probing at /token, and a day owes 95 %: 1 h 12 min 30 s down, and 1 h 12 min may be",
	} {
		if !slices.Contains(r.Reasons, want) {
			t.Errorf("no %q in %q", want, r.Reasons)
		}
	}
}

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

func TestATicketNamesTheEndpointThatIsShort(t *testing.T) {
	at := day0.Start().Add(15 * time.Hour)
	var b Book
	file := func(endpoint string, calls, missing int) {
		for i := range calls {
			f := Filing{At: at, Method: "GET", Endpoint: endpoint, Client: "tpp", Server: "bank", ClientAt: at, ServerAt: at}
			if i < missing {
				f.ServerAt = time.Time{}
			}
			b.Timeliness.Add(f)
		}
	}
	file(balances, 100, 1)                               // 99 % after seven days
	file("/open-banking/accounts/v2/accounts", 1000, 11) // and less
	file("/open-banking/resources/v3/resources", 100, 6)
	r := b.Judge(Options{Server: "bank"})
	var named []string
	for _, s := range r.Reporting {
		for _, ticket := range s.Tickets {
			named = append(named, s.Organisation+" "+ticket.Endpoint)
		}
	}
	if want := []string{"bank /open-banking/accounts/v2/accounts", "bank /open-banking/resources/v3/resources"}; !slices.Equal(named, want) {
		t.Errorf("%q, not %q", named, want)
	}
	if len(r.Reasons) != 1 || !strings.HasSuffix(r.Reasons[0], "98.50 % were in and told the same; most are missing of GET /open-banking/accounts/v2/accounts, 11") {
		t.Errorf("%q", r.Reasons)
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

func TestTheReportHasTheGradesOfItsWorstEndpoint(t *testing.T) {
	var b Book
	for m := range 1000 {
		c := call(day0, m, 200)
		b.Call(c)
		if c.Endpoint = "/token"; m < 20 { // 98 %: 7 + 3 × 3/5
			c.Status = 503
		}
		b.Call(c)
		c.Endpoint, c.Status = "/open-banking/payments/v4/pix/payments", 503 // a service has no grade of a day
		b.Call(c)
	}
	if got := b.Judge(Options{}).Grades.Text(); got != "day 8.8, ninety days 4.67, response time 10, 529 10" {
		t.Error(got)
	}
	if got := new(Book).Judge(Options{}).Grades.Text(); got != "" {
		t.Errorf("of nothing: %s", got)
	}
}

func TestInstitutionsAreToldApart(t *testing.T) {
	var b Book
	for _, c := range []struct{ server, endpoint string }{{"aaaaaaaa-1111", balances}, {"aaaaaaaa-1111", "/token"}, {"bbbbbbbb-2222", balances}} {
		one := call(day0, 0, 200)
		one.Server, one.Endpoint = c.server, c.endpoint
		b.Call(one)
	}
	var text bytes.Buffer
	b.Judge(Options{}).Text(&text, true)
	if got := strings.Count(text.String(), "/balances of bbbbbbbb… "); got != 1 || strings.Contains(text.String(), "of aaaaaaaa") {
		t.Error(text.String())
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
