package pcm

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// told reports one call of a day from both sides; a zero time leaves that side out. The platform's clock
// is stepped to the receptions, which must come in order.
func told(t *testing.T, p *PCM, clk *clock.Clock, n int, at time.Time, client, server time.Time, edit ...func(object)) {
	t.Helper()
	send := func(when time.Time, org string, o object) {
		if when.IsZero() {
			return
		}
		if when.After(clk.Now()) {
			clk.Set(when)
		}
		o["timestamp"] = at.UTC().Format(instant)
		for _, e := range edit {
			e(o)
		}
		if status, got := post(t, p, org, privatePath, o); status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	send(client, orgA, clientReport(n))
	send(server, orgB, serverReport(n))
}

func closing(t *testing.T, p *PCM, date string) (c Closing) {
	t.Helper()
	if status := control(t, p, "GET", "/closing?date="+date, "", &c); status != 200 {
		t.Fatalf("%d", status)
	}
	return c
}

// TestDayIsClosedAtEightAndAtSevenDays plays twenty calls of a day: the server misses one at 08:00, which
// is exactly 95 %, then two; one it still brings within the seven days.
func TestDayIsClosedAtEightAndAtSevenDays(t *testing.T) {
	midnight := time.Date(2026, 9, 15, 3, 0, 0, 0, time.UTC) // the 15th begins in Brasília
	clk := clock.Fixed(midnight)
	p := start(t, Config{Clock: clk, Dir: t.TempDir()})
	soon := midnight.Add(time.Hour)
	for n := range 19 {
		told(t, p, clk, n, midnight, soon, soon)
	}
	told(t, p, clk, 19, midnight, soon, time.Time{})
	if c := closing(t, p, "2026-09-15"); c.Eight.Closed || len(c.Tickets) != 0 || len(c.Missing) != 0 || c.Zone != "BRT" {
		t.Errorf("before its end: %+v", c)
	}
	clk.Set(time.Date(2026, 9, 16, 10, 59, 59, 0, time.UTC))
	if closing(t, p, "2026-09-15").Eight.Closed {
		t.Error("closed a second early")
	}
	clk.Set(time.Date(2026, 9, 16, 11, 0, 0, 0, time.UTC))
	c := closing(t, p, "2026-09-15")
	want := ClosingLine{Org: orgB, Role: "SERVER", Endpoint: reads, Method: "GET", Received: 19, Missing: 1, Paired: 19, SLA: 95}
	if len(c.Eight.Lines) != 2 || c.Eight.Lines[1] != want || !c.Eight.Closed || c.Week.Closed {
		t.Fatalf("at 08:00: %+v", c.Eight)
	}
	if n := kindsOf(c.Tickets); strings.Contains(n, TicketUnpaired) || strings.Count(n, TicketEight) != 2 { // of stock alone
		t.Errorf("exactly 95 %% opened %s", n)
	}
	if got := c.Eight.Percent; got[Paired] != 95 && got[Unpaired] == 0 {
		t.Errorf("got %v", got)
	}
	// A second call of the day that the server brings three days late.
	clk.Advance(time.Second)
	told(t, p, clk, 20, midnight, soon, time.Time{}) // the client's report is late, too: nobody was owed it by 08:00
	told(t, p, clk, 20, midnight, time.Time{}, clk.Now().AddDate(0, 0, 3))
	clk.Set(time.Date(2026, 9, 23, 3, 0, 0, 0, time.UTC))
	c = closing(t, p, "2026-09-15")
	if got := c.Eight.Lines[1]; got != want {
		t.Errorf("what came later changed 08:00: %+v", got)
	}
	week := c.Week.Lines[1]
	if !c.Week.Closed || week.Received != 20 || week.Missing != 1 || week.Paired != 20 || fmt.Sprintf("%.2f", week.SLA) != "95.24" {
		t.Errorf("at seven days: %+v", week)
	}
	var late []string
	for _, b := range c.Week.Lateness {
		if b.Org == orgB {
			late = append(late, fmt.Sprint(b.UpTo, b.Reports))
		}
	}
	if strings.Join(late, " ") != "1h19 7d1" {
		t.Errorf("lateness %v", late)
	}
	var row map[string]any
	for _, tk := range c.Tickets {
		if tk.Kind == TicketWeek && tk.Org == orgB {
			row = tk.Rows[0]
		}
	}
	for column, want := range map[string]any{"org_faltante": orgB, "data_referencia": "2026-09-15", "endpoint": reads, "httpmethod": "GET", "clientorgid": orgA, "serverorgid": orgB,
		"perc_sla_metodo_endpoint": 95.24, "perc_unpaired": 4.76, "perc_paired_inconistent": 0.0, "evidencias_de_xfapi": []any{interactionID(19)}} {
		if !reflect.DeepEqual(row[column], want) {
			t.Errorf("%s is %v, want %v", column, row[column], want)
		}
	}
}

func kindsOf(tickets []Ticket) string {
	var kinds []string
	for _, tk := range tickets {
		kinds = append(kinds, tk.Kind)
	}
	return strings.Join(kinds, " ")
}

// TestStepsOfTheClockDoNotMatter closes the same day after one big step, and after a restart: what is
// computed when asked cannot be missed.
func TestStepsOfTheClockDoNotMatter(t *testing.T) {
	midnight := time.Date(2026, 9, 15, 3, 0, 0, 0, time.UTC)
	play := func(dir string, steps bool) (Closing, []Verdict) {
		clk := clock.Fixed(midnight)
		p := start(t, Config{Clock: clk, Dir: dir})
		for n := range 30 {
			server := midnight.Add(time.Hour)
			if n%3 == 0 {
				server = time.Time{}
			}
			told(t, p, clk, n, midnight, midnight.Add(time.Hour), server)
		}
		post(t, p, orgA, privatePath, with(with(clientReport(99), "role", nil), "timestamp", midnight.Format(instant)))
		for steps && clk.Now().Before(midnight.AddDate(0, 0, 40)) {
			clk.Advance(7 * time.Hour)
			closing(t, p, "2026-09-15")
		}
		clk.Set(midnight.AddDate(0, 0, 41))
		if dir != "" {
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			p = start(t, Config{Clock: clk, Dir: dir})
		}
		v, err := p.Verdicts("2026-09")
		if err != nil {
			t.Fatal(err)
		}
		return closing(t, p, "2026-09-15"), v
	}
	once, verdicts := play("", false)
	for _, other := range []struct {
		dir   string
		steps bool
	}{{"", true}, {t.TempDir(), false}, {t.TempDir(), true}} {
		c, v := play(other.dir, other.steps)
		if !reflect.DeepEqual(once, c) || !reflect.DeepEqual(verdicts, v) {
			t.Errorf("%+v:\n%+v\n%+v\n%+v\n%+v", other, once, c, verdicts, v)
		}
	}
	if kinds := kindsOf(once.Tickets); kinds != "discarded sla-95 sla-95 sla-99 unpaired" {
		t.Errorf("tickets %s", kinds)
	}
	for _, tk := range once.Tickets {
		if tk.Kind == TicketEight && tk.Org == orgB {
			if len(tk.Rows) != evidence+1 || tk.Rows[0]["fapiinteractionid"] != interactionID(0) || tk.Rows[0]["role"] != "SERVER" || tk.Rows[0]["timestamp_gmt_date"] != "2026-09-15" {
				t.Errorf("rows %v", tk.Rows)
			}
		}
		if tk.Kind == TicketDiscarded && (tk.Rows[0]["mensagem_erro_1"] != "Invalid type: role: Required" || tk.Rows[0]["campo_error_1"] != "role" || tk.Rows[0]["mensagem_erro_2"] != "") {
			t.Errorf("row %v", tk.Rows[0])
		}
	}
	if len(verdicts) != 2 || !verdicts[0].Conforming || verdicts[0].Grade != 10 || verdicts[1].Conforming || verdicts[1].Grade != 0 || fmt.Sprintf("%.1f", verdicts[1].AtWeek) != "66.7" {
		t.Errorf("got %+v", verdicts)
	}
}

// TestVerdictOfTheMonth counts days: three bad ones are tolerated, the fourth is not.
func TestVerdictOfTheMonth(t *testing.T) {
	for _, row := range []struct {
		bad        int
		late       bool // the missing reports come after 08:00
		conforming bool
		tolerated  bool
	}{{0, true, true, true}, {3, true, true, true}, {4, true, false, true}, {5, true, false, false}, {1, false, false, true}} {
		clk := clock.Fixed(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC))
		p := start(t, Config{Clock: clk})
		for day := range 10 {
			at := time.Date(2026, 9, 1+day, 12, 0, 0, 0, time.UTC)
			for call := range 4 {
				n := day*10 + call
				switch bad := day < row.bad && call == 0; {
				case !bad:
					told(t, p, clk, n, at, at.Add(time.Minute), at.Add(time.Minute))
				case row.late:
					told(t, p, clk, n, at, at.Add(time.Minute), time.Time{})
				default:
					told(t, p, clk, n, at, at.Add(time.Minute), time.Time{})
				}
			}
			if clk.Set(time.Date(2026, 9, 2+day, 11, 59, 0, 0, time.UTC)); day < row.bad && row.late {
				told(t, p, clk, day*10, at, time.Time{}, clk.Now())
			}
		}
		v, err := p.Verdicts("2026-09")
		if err != nil {
			t.Fatal(err)
		}
		if got := v[1]; got.Org != orgB || got.Conforming != row.conforming || got.Tolerated != row.tolerated || len(got.Bad) != row.bad || got.Breaches30 != row.bad || !got.Provisional {
			t.Errorf("%d bad days: %+v", row.bad, got)
		}
	}
}

func TestGrades(t *testing.T) {
	for week, want := range map[float64]float64{100: 10, 99: 7, 99.5: 8.5, 92: 3.5, 85: 0, 40: 0} {
		v := Verdict{AtWeek: week}
		if v.judge(99); v.Grade != want || v.Conforming != (week >= 99) {
			t.Errorf("%g: %+v", week, v)
		}
	}
	if v := (&Verdict{AtWeek: 80}); true {
		if v.judge(thresholds("2025-06-30").week); !v.Conforming {
			t.Errorf("before July 2025: %+v", v)
		}
	}
}

// TestMissingDaysAreFound leaves out reports, stock and states of a day.
func TestMissingDaysAreFound(t *testing.T) {
	clk := clock.Fixed(noon)
	p := start(t, Config{Clock: clk})
	told(t, p, clk, 1, noon, noon, time.Time{})
	claim := with(with(with(clientReport(2), "endpoint", "/open-banking/payments/v5/pix/payments"), "httpMethod", "POST"), "statusCode", 201)
	claim["additionalInfo"] = object{"consentId": urnOne, "paymentType": "IMMEDIATE", "paymentList": `[{"paymentId":"payment-1","consentId":"urn:x:y","statusUpdateDateTime":"x","status":"ACSC"}]`}
	post(t, p, orgA, privatePath, with(claim, "timestamp", noon.Format(instant)))
	stocked(t, p, orgA, stockReport("2026-09-15", orgA, "CLIENT"))
	clk.Set(time.Date(2026, 9, 16, 11, 0, 0, 0, time.UTC))
	var got []string
	for _, m := range closing(t, p, "2026-09-15").Missing {
		got = append(got, m.Org[:1]+" "+m.Kind+" "+m.Role)
	}
	if text := strings.Join(got, ", "); text != "b payments SERVER, b private SERVER, b stock SERVER" {
		t.Errorf("got %s", text)
	}
	clk.Advance(time.Second)
	post(t, p, orgB, spec.PaymentStatesPath, with(stateReport(1), "eventDateTime", noon.Format(instant)))
	if got := closing(t, p, "2026-09-15").Missing; len(got) != 3 {
		t.Errorf("late states count as told in time: %v", got)
	}
}

// TestMaintenanceWaivesTheMorning keeps the platform away while reports are due.
func TestMaintenanceWaivesTheMorning(t *testing.T) {
	clk := clock.Fixed(noon)
	p := start(t, Config{Clock: clk})
	told(t, p, clk, 1, noon, noon, time.Time{})
	body := fmt.Sprintf(`{"kind":"maintenance","from":%q,"until":%q}`, noon.Add(time.Hour).Format(time.RFC3339), noon.Add(2*time.Hour).Format(time.RFC3339))
	if status := control(t, p, "POST", "/fail", body, nil); status != 200 {
		t.Fatal(status)
	}
	code := func() int {
		return send(t, p, "POST", privatePath, bearer(t, p, orgA), encode(t, []object{with(clientReport(9), "timestamp", noon.Format(instant))})).Code
	}
	for _, step := range []struct {
		at   time.Duration
		want int
	}{{30 * time.Minute, 200}, {time.Hour, 503}, {119 * time.Minute, 503}, {2 * time.Hour, 207}} { // the last is a repetition
		clk.Set(noon.Add(step.at))
		if got := code(); got != step.want {
			t.Errorf("after %s: %d", step.at, got)
		}
	}
	clk.Set(noon.AddDate(0, 0, 9))
	c := closing(t, p, "2026-09-15")
	if kinds := kindsOf(c.Tickets); !c.Waived || strings.Contains(kinds, TicketEight) || !strings.Contains(kinds, TicketWeek) {
		t.Errorf("waived %t: %s", c.Waived, kinds)
	}
	if v, err := p.Verdicts("2026-09"); err != nil || v[1].Breaches90 != 0 || v[1].Conforming {
		t.Errorf("%v %v", v, err)
	}
}
