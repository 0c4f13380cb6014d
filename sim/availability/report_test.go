package availability

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

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
	late := Filing{At: at, Method: "GET", Endpoint: "/token", Client: "tpp", Server: "bank", ClientAt: at, ServerAt: at.Add(24 * time.Hour)} // after 08:00, within the week
	b.Timeliness.Add(late)
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
	if want := []string{"bank /open-banking/accounts/v2/accounts", "bank /open-banking/resources/v3/resources", "bank /token"}; !slices.Equal(named, want) {
		t.Errorf("%q, not %q", named, want)
	}
	if len(r.Reasons) != 1 || !strings.HasSuffix(r.Reasons[0], "98.50 % were in and told the same; most are missing of GET /open-banking/accounts/v2/accounts, 11") {
		t.Errorf("%q", r.Reasons)
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
