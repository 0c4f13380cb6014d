package availability

import (
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

const balances = "/open-banking/accounts/v2/accounts/{accountId}/balances"

var day0 = DayOf(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))

// call is one call at a minute of a day in Brasília.
func call(d Day, minute, status int) Call {
	return Call{At: d.Start().Add(time.Duration(minute) * time.Minute), Took: 100 * time.Millisecond, Server: "bank", Client: "tpp", Method: "GET", Endpoint: balances, Status: status, Side: spec.ClientSide, State: spec.ReportPaired}
}

var series = Series{"bank", balances}

// march is a record of the whole month of day0; all is one that ends with its days.
var march = Extent{day0, day0 + 30}

func all(days []Daily) Extent { return Extent{days[0].Day, days[len(days)-1].Day} }

func TestTheExampleOfTheMonitoringPageComesOut(t *testing.T) {
	var b Book
	for m := range 1360 {
		for i := range 20 {
			status := 200
			if m < 30 && i < 2 { // 18 of 20 are 90 %
				status = 500
			}
			b.Call(call(day0, m, status))
		}
	}
	d := b.Traffic.Day(series, day0)
	if d.Minutes != 1360 || d.Up != 1330 || Percent(d.Availability.Float()) != "97.79 %" || d.Verdict != Conforming {
		t.Errorf("%+v is %s", d, Percent(d.Availability.Float()))
	}
}

func TestAMinuteIsAvailableAtExactly95Percent(t *testing.T) {
	for _, c := range []struct {
		success, failure int
		up               int
	}{{19, 1, 1}, {18, 1, 0}, {190, 10, 1}, {189, 10, 0}, {1, 0, 1}, {0, 1, 0}} {
		var tr Traffic
		for range c.success {
			tr.Add(call(day0, 5, 200))
		}
		for range c.failure {
			tr.Add(call(day0, 5, 503))
		}
		if got := tr.Day(series, day0).Up; got != c.up {
			t.Errorf("%d of %d: %d minutes available, not %d", c.success, c.success+c.failure, got, c.up)
		}
	}
}

func TestStatusesAreKeptAndDroppedAsThePageSays(t *testing.T) {
	for status, want := range map[int][2]int64{200: {1, 0}, 201: {1, 0}, 204: {1, 0}, 422: {1, 0}, 500: {0, 1}, 504: {0, 1}, 529: {0, 1}, 408: {0, 1},
		400: {}, 401: {}, 403: {}, 404: {}, 423: {}, 429: {}, 304: {}} {
		var tr Traffic
		tr.Add(call(day0, 1, status))
		if d := tr.Day(series, day0); [2]int64{d.Success, d.Failure} != want {
			t.Errorf("%d counts as %d successes and %d failures, not %v", status, d.Success, d.Failure, want)
		}
	}
	if d := new(Traffic).Day(series, day0); d.Verdict != Undefined {
		t.Errorf("a day without traffic is %s", d.Verdict)
	}
}

func TestTheConsumersAccountComesFirst(t *testing.T) {
	for _, c := range []struct {
		side  spec.Side
		state string
		want  bool
	}{
		{spec.ClientSide, spec.ReportPaired, true}, {spec.ClientSide, spec.ReportUnpaired, true}, {spec.ServerSide, spec.ReportPaired, false},
		{spec.ServerSide, spec.ReportUnpaired, true}, {spec.ServerSide, spec.ReportAccepted, false}, {spec.ServerSide, spec.ReportSingle, true},
		{spec.ClientSide, spec.ReportPairedInconsistent, false}, {spec.ServerSide, spec.ReportPairedInconsistent, false},
		{spec.ClientSide, spec.ReportDiscarded, false}, {spec.ServerSide, "", true}, {"", "", true},
	} {
		record := call(day0, 1, 200)
		record.Side, record.State = c.side, c.state
		var b Book
		b.Call(record)
		counted := b.Traffic.Day(series, day0).Minutes == 1
		timed := len(b.Latency.Days(series)) == 1
		if counted != c.want || timed != c.want {
			t.Errorf("%s %s: counted %v, timed %v, want %v", c.side, c.state, counted, timed, c.want)
		}
	}
}

// probes gives a day of 2880 probes of which the first down ones find everything down, from noon on.
func probes(p *Probing, d Day, down int, code string) {
	for i := range 2880 {
		probe := Probe{At: d.Start().Add(time.Duration(i) * ProbeEvery), Code: OK}
		if i >= 1440 && i < 1440+down {
			probe.Code = code
		}
		p.Add(probe)
	}
}

func TestADayAtExactly95PercentByProbingConformsAndOneProbeMoreDoesNot(t *testing.T) {
	for down, want := range map[int]Verdict{0: Conforming, 143: Conforming, 144: Conforming, 145: NonConforming} {
		for _, code := range []string{Unavailable, PartialFailure, "", ScheduledOutage} { // noon is outside the window
			var p Probing
			probes(&p, day0, down, code)
			if d := p.Day("", day0); d.Verdict != want || d.Down != int64(down)*30 || d.Scheduled != 0 {
				t.Errorf("%d probes of %q: %+v, want %s", down, code, d, want)
			}
		}
	}
}

func TestAScheduledOutageIsCountedApartFromOneToSeven(t *testing.T) {
	for clockTime, apart := range map[string]bool{"00:59:30": false, "01:00:00": true, "06:59:30": true, "07:00:00": false, "12:00:00": false} {
		at, err := time.ParseInLocation("2006-01-02 15:04:05", day0.String()+" "+clockTime, Brasilia)
		if err != nil {
			t.Fatal(err)
		}
		var p Probing
		p.Know(balances)
		p.Add(Probe{At: at, Code: ScheduledOutage})
		for _, endpoint := range []string{"", balances} {
			d := p.Day(endpoint, day0)
			if (d.Scheduled == 30) != apart || (d.Down == 30) == apart {
				t.Errorf("%s %q: %+v", clockTime, endpoint, d)
			}
		}
	}
}

func TestAPartialFailureIsDownWhereItSays(t *testing.T) {
	var p Probing
	p.Know("/other")
	p.Add(Probe{At: day0.Start(), Code: PartialFailure, Endpoints: []string{balances, balances}, Scheduled: []string{balances}})
	if d := p.Day(balances, day0); d.Down != 30 || d.Scheduled != 0 {
		t.Errorf("the endpoint: %+v", d)
	}
	if d := p.Day("/other", day0); d.Down != 0 {
		t.Errorf("another endpoint: %+v", d)
	}
	if d := p.Day("", day0); d.Down != 30 {
		t.Errorf("the institution: %+v", d)
	}
}

func TestALongRunAtExactly995ConformsAndOneStepLessDoesNot(t *testing.T) {
	days := func(shares ...Share) (list []Daily) {
		for i := range 90 {
			s := Share{1, 1}
			if i < len(shares) {
				s = shares[i]
			}
			list = append(list, Daily{day0 + Day(i), s})
		}
		return list
	}
	last := func(list []Daily) LongRun { long := Rolling(list, all(list)); return long[len(long)-1] }
	// Ninety days of 2880 probes may lose 1296 of them: 144 on each of nine days.
	nine := []Share{}
	for range 9 {
		nine = append(nine, Share{2736, 2880})
	}
	if got := last(days(nine...)); got.Verdict != Conforming || got.Days != 90 {
		t.Errorf("exactly 99.5 %%: %+v", got)
	}
	if got := last(days(append(nine, Share{2879, 2880})...)); got.Verdict != NonConforming {
		t.Errorf("one probe less: %+v", got)
	}
	// A difference that no float of the mean shows.
	for part, want := range map[int64]Verdict{549_999_999: NonConforming, 550_000_000: Conforming, 550_000_001: Conforming} {
		if got := last(days(Share{part, 1_000_000_000})); got.Verdict != want {
			t.Errorf("%d of a milliard: %+v, not %s", part, got, want)
		}
	}
	// Thirds and sevenths have no exact float: three days lose 0.15 each in different fractions.
	odd := days(Share{11, 15} /* loses 4/15 */, Share{49, 60} /* 11/60 */)
	if got := last(odd); got.Verdict != Conforming {
		t.Errorf("4/15 and 11/60 are 0.45 of 90 days: %+v", got)
	}
	if got := Rolling(odd[:89], all(odd[:89])); got[88].Verdict != Undefined {
		t.Errorf("89 days have a verdict: %+v", got[88])
	}
	if got := Rolling([]Daily{{day0, Share{54, 100}}}, Extent{day0, day0})[0]; got.Verdict != NonConforming {
		t.Errorf("what ninety days cannot mend: %+v", got)
	}
	if got := Rolling([]Daily{{day0, Share{55, 100}}}, Extent{day0, day0})[0]; got.Verdict != Undefined {
		t.Errorf("what ninety days just mend: %+v", got)
	}
	if got := last(append(odd[:89:89], Daily{day0 + 89, Share{}})); got.Days != 89 {
		t.Errorf("an undefined day is part of the mean: %+v", got)
	}
	longer := append(odd, Daily{day0 + 90, Share{1, 1}})
	if got := last(longer); got.Days != 90 || got.Mean <= last(odd).Mean {
		t.Errorf("the first day never leaves the run: %+v", got)
	}
}

func TestServicesFollowTheCategoryAtPix(t *testing.T) {
	var days []Daily // March has 31
	for i := range 31 {
		days = append(days, Daily{day0 + Day(i), Share{985, 1000}})
	}
	for category, want := range map[Category]Verdict{"A": NonConforming, "B": NonConforming, "C": Conforming, "D": Conforming} {
		if got := ServiceMonths(days, all(days), category)[0].Verdict; got != want {
			t.Errorf("98.5 %% in category %s: %s", category, got)
		}
	}
	for missing, want := range map[int]Verdict{0: NonConforming, 10: NonConforming, 20: NonConforming, 21: Undefined, 25: Undefined} { // 11 × 1.5 % are more than 15.5 %
		if got := ServiceMonths(days[missing:], all(days[missing:]), "A")[0].Verdict; got != want {
			t.Errorf("without the first %d days: %s, not %s", missing, got, want)
		}
	}
	for path, service := range map[string]bool{"/open-banking/payments/v4/pix/payments": true, "/open-banking/automatic-payments/v2/pix/recurring-payments": true,
		"/open-banking/enrollments/v2/enrollments": true, balances: false, "/token": false} {
		if (Series{Endpoint: path}).Service() != service {
			t.Errorf("%s: service is %v", path, !service)
		}
	}
}
