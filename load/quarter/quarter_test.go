package quarter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/clock"
)

var realClock = clock.New()

func plan(t *testing.T, days int, outages ...string) *Plan {
	t.Helper()
	text := fmt.Sprintf("apiVersion: ensaio/v1\nkind: Quarter\nname: test\ndays: %d\ntraffic: {every: 72m}\noutages:\n", days)
	for _, o := range outages {
		text += "  - {" + o + "}\n"
	}
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func verdict(t *testing.T, b *bank, p *Plan) *Report {
	t.Helper()
	r, err := played(t.Context(), b, p, "")
	if err != nil {
		t.Fatal(err)
	}
	if b.backward || len(b.failures) > 0 {
		t.Fatalf("the clock ran backward: %v; failures left: %v", b.backward, b.failures)
	}
	return r
}

func TestAPlanExactlyOn95PercentOfADayPassesAndOneProbeMoreFails(t *testing.T) {
	for _, c := range []struct{ duration, verdict string }{{"72m", "pass"}, {"72m30s", "fail"}, {"71m30s", "pass"}} {
		r := verdict(t, newBank(), plan(t, 2, `day: 2, at: "10:00", duration: `+c.duration+`, kind: unscheduled, operations: ["accounts.*"]`))
		e := r.Seen.Endpoints[0]
		if r.Verdict != c.verdict {
			t.Errorf("%s: %s %q", c.duration, r.Verdict, r.Findings)
		}
		if c.verdict == "fail" && (len(r.Findings) != 1 || !strings.Contains(r.Findings[0], "2027-01-16: 94.97 % available by probing at /open-banking/accounts/v2/accounts")) {
			t.Errorf("%s: the day is not named: %q", c.duration, r.Findings)
		}
		if e.Traffic.Days[1].Up != 19 || e.Traffic.Days[1].Minutes != 20 || r.Load.Availability.Probes != 2*2880 {
			t.Errorf("%s: %+v, %d probes", c.duration, e.Traffic.Days[1], r.Load.Availability.Probes)
		}
	}
}

func TestADayBelow95PercentOfItsMinutesFailsByTraffic(t *testing.T) {
	// From 10:48 to 12:00 lies one minute with traffic, at 12:00:00 another.
	for duration, want := range map[string]string{"72m": "pass", "72m30s": "fail"} {
		r := verdict(t, newBank(), plan(t, 1, `day: 1, at: "10:48", duration: `+duration+`, kind: scheduled, operations: ["accounts.*"]`))
		traffic := false
		for _, f := range r.Findings {
			traffic = traffic || strings.Contains(f, "2027-01-15: 90.00 % available by traffic")
		}
		if r.Verdict != want || traffic != (want == "fail") {
			t.Errorf("%s: %s %q", duration, r.Verdict, r.Findings)
		}
	}
}

func TestAQuarterExactlyOn995PassesAndOneProbeMoreFails(t *testing.T) {
	var edge []string
	for _, day := range []int{5, 14, 23, 33, 42, 51, 60, 71, 80} {
		edge = append(edge, fmt.Sprintf(`day: %d, at: "10:00", duration: 72m, kind: unscheduled, operations: ["accounts.*"]`, day))
	}
	for _, c := range []struct {
		more    []string
		verdict string
	}{{nil, "pass"}, {[]string{`day: 89, at: "12:30", duration: 30s, kind: unscheduled`}, "fail"}} {
		r := verdict(t, newBank(), plan(t, 90, append(edge[:9:9], c.more...)...))
		e := r.Seen.Endpoints[0]
		if r.Verdict != c.verdict || e.Probing.LongRun.Days != 90 || e.Traffic.LongRun.Verdict != availability.Conforming {
			t.Errorf("%v: %s %q %+v", c.more, r.Verdict, r.Findings, e.Probing.LongRun)
		}
		if c.verdict == "fail" && (len(r.Findings) != 1 || !strings.Contains(r.Findings[0], "the long run owes 99.5 %")) {
			t.Errorf("%q", r.Findings)
		}
	}
}

func TestAScheduledOutageAtNightIsApartByProbingAndCountedByTraffic(t *testing.T) {
	r := verdict(t, newBank(), plan(t, 1, `day: 1, at: "01:00", duration: 1h, kind: scheduled, operations: ["accounts.*"]`))
	e := r.Seen.Endpoints[0]
	if r.Verdict != "pass" || e.Probing.Days[0].Scheduled != 3600 || e.Probing.Days[0].Down != 0 || e.Traffic.Days[0].Up != 19 {
		t.Errorf("%s %q %+v %+v", r.Verdict, r.Findings, e.Probing.Days, e.Traffic.Days)
	}
	if len(r.Seen.Differences) != 1 || !strings.Contains(r.Seen.Differences[0].Why, "traffic gives no exemption") {
		t.Errorf("%+v", r.Seen.Differences)
	}
	if a := r.Load.Availability; a.PlannedSeconds != 3600 || a.UnplannedSeconds != 0 || a.Day != 0.95 {
		t.Errorf("%+v", a)
	}
}

func TestAStatusThatLiesFailsEvenAGoodQuarter(t *testing.T) {
	b := newBank()
	b.lies = true
	r := verdict(t, b, plan(t, 2, `day: 2, at: "10:00", duration: 72m, kind: unscheduled`))
	if r.Verdict != "fail" || !strings.Contains(strings.Join(r.Findings, "\n"), "2027-01-16: the status never said that /open-banking/accounts/v2/accounts was down") {
		t.Errorf("%s %q", r.Verdict, r.Findings)
	}
}

func TestMetricsThatAreNotThoseOfTheStatusFail(t *testing.T) {
	b := newBank()
	b.wrong = 30
	r := verdict(t, b, plan(t, 1))
	if r.Verdict != "fail" || len(r.Findings) != 1 || !strings.Contains(r.Findings[0], "2027-01-15: the published metrics say 30 s down and 0 s scheduled, the probes 0 s") {
		t.Errorf("%s %q", r.Verdict, r.Findings)
	}
}

func TestTroubleThatNobodyPlannedIsNamedByItsDay(t *testing.T) {
	b := newBank()
	b.broken = func(now time.Time) int {
		if h := now.In(availability.Brasilia).Hour(); now.In(availability.Brasilia).Day() == 16 && h >= 12 && h < 14 {
			return 500
		}
		return 0
	}
	r := verdict(t, b, plan(t, 3))
	if r.Verdict != "fail" || !strings.Contains(r.Findings[0], "2027-01-16: 90.00 % available by traffic at /open-banking/accounts/v2/accounts") {
		t.Errorf("%s %q", r.Verdict, r.Findings)
	}
}

func TestAStatusWithoutAnAnswerCountsAsDown(t *testing.T) {
	b := newBank()
	b.mute = func(now time.Time) bool { return now.In(availability.Brasilia).Hour() == 3 && now.Day() == 15 }
	r := verdict(t, b, plan(t, 1))
	if d := r.Seen.Endpoints[0].Probing.Days[0]; d.Down != 3600 {
		t.Errorf("%+v", d)
	}
}

func TestWhatWasStoppedRunsAgainAfterAnInterruption(t *testing.T) {
	b := newBank()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.mute = func(now time.Time) bool {
		if now.In(availability.Brasilia).Hour() == 10 {
			cancel()
		}
		return false
	}
	_, err := played(ctx, b, plan(t, 1, `day: 1, at: "09:00", duration: 5h, kind: unscheduled`, `day: 1, at: "20:00", duration: 1h, kind: scheduled`), "")
	if !errors.Is(err, context.Canceled) || len(b.failures)+len(b.outages) != 0 || b.made != 2 {
		t.Errorf("%v; left: %v %v of %d", err, b.failures, b.outages, b.made)
	}
}

// The clock of an interrupted quarter stays where it is: nobody else's question steps it any further.
func TestTheClockStepsForNobodyElseAfterAnInterruption(t *testing.T) {
	b := newBank()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	b.mute = func(time.Time) bool {
		if asked++; asked == 25 {
			cancel()
		}
		return false
	}
	_, err := played(ctx, b, plan(t, 1), "")
	if !errors.Is(err, context.Canceled) || b.row != nil || b.backward {
		t.Errorf("%v; left: %+v, backward %v", err, b.row, b.backward)
	}
}

// What was played is not lost: a quarter that ends early is judged by its whole days, says that it is a part, and
// passes nothing.
func TestAQuarterThatEndsEarlyLeavesItsWholeDays(t *testing.T) {
	for _, c := range []struct {
		name, stop, verdict string
	}{
		{"nothing wrong", `day: 1, at: "10:00", duration: 30m, kind: unscheduled, operations: ["accounts.*"]`, "none"},
		{"a day that fails", `day: 1, at: "10:00", duration: 5h, kind: unscheduled, operations: ["accounts.*"]`, "fail"},
	} {
		b := newBank()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b.mute = func(now time.Time) bool {
			at := now.In(availability.Brasilia)
			if at.Day() == 17 && at.Hour() == 9 { // an hour into an outage of the third day
				cancel()
			}
			return false
		}
		dir := t.TempDir()
		r, err := played(ctx, b, plan(t, 90, c.stop, `day: 3, at: "08:00", duration: 9h, kind: unscheduled, operations: ["accounts.*"]`), dir)
		if !errors.Is(err, context.Canceled) || r == nil || len(b.failures) != 0 {
			t.Fatalf("%s: %v, report %v, left %v", c.name, err, r != nil, b.failures)
		}
		if r.Verdict != c.verdict || !r.Partial || r.Played != 2 || r.Seen.To.String() != "2027-01-16" || r.Load.Verdict != c.verdict || !r.Load.Partial {
			t.Errorf("%s: %s, partial %v, %d days to %s: %q", c.name, r.Verdict, r.Partial, r.Played, r.Seen.To, r.Findings)
		}
		page, err := os.ReadFile(filepath.Join(dir, "quarter.html"))
		if err != nil || !strings.Contains(string(page), "partial, 2 of 90 days") || strings.Contains(string(page), `class="seal conforming"`) {
			t.Errorf("%s: the page does not say that it is a part: %v", c.name, err)
		}
	}
}

// A target that dies on the way takes the rest of the quarter with it, not what was seen before.
func TestATargetThatDiesLeavesWhatWasSeen(t *testing.T) {
	b := newBank()
	b.dead = func(now time.Time) bool { return now.In(availability.Brasilia).Day() == 17 }
	r, err := played(t.Context(), b, plan(t, 5), "")
	if err == nil || r == nil || !r.Partial || r.Played != 2 || r.Verdict != "none" || !strings.Contains(r.Stopped, "clock") {
		t.Fatalf("%v %+v", err, r)
	}
}

func TestAReportThatCannotBeWrittenIsStillGiven(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := played(t.Context(), newBank(), plan(t, 1), dir)
	if !errors.Is(err, ErrUnwritten) || r == nil || r.Verdict != "pass" {
		t.Errorf("%v %+v", err, r)
	}
}

func TestTheReportIsWrittenWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := played(t.Context(), newBank(), plan(t, 1, `day: 1, at: "10:00", duration: 30m, kind: unscheduled`), dir); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Kind, Verdict string
		Availability  struct {
			Day, DayTarget, Quarter, QuarterTarget float64
			Probes, PlannedSeconds                 int
			UnplannedSeconds                       int
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "load.json"))
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	if a := doc.Availability; err != nil || doc.Kind != "Load" || doc.Verdict != "pass" || a.DayTarget != 0.95 || a.QuarterTarget != 0.995 || a.Probes != 2880 || a.UnplannedSeconds != 1800 {
		t.Errorf("%v %+v", err, doc)
	}
	page, err := os.ReadFile(filepath.Join(dir, "quarter.html"))
	if err != nil || !strings.Contains(string(page), "<svg") || strings.Contains(string(page), "http://") {
		t.Errorf("the page is not one of its own: %v", err)
	}
}

func TestTheDefaultPlanIsOnTheEdge(t *testing.T) {
	p := Default()
	lost := map[int]time.Duration{}
	for _, o := range p.Outages {
		if wants(o.Operations, "accounts.list") {
			lost[o.Day] += time.Duration(o.Duration)
		}
	}
	total := time.Duration(0)
	for day, d := range lost {
		total += d
		if 20*d > 24*time.Hour {
			t.Errorf("day %d loses %s", day, d)
		}
	}
	if p.Days != 90 || 200*total != 90*24*time.Hour {
		t.Errorf("%d days lose %s: not 0.5 %%", p.Days, total)
	}
}

func TestAPlanWithAMistakeSaysWhatToWrite(t *testing.T) {
	head := "apiVersion: ensaio/v1\nkind: Quarter\ndays: 2\ntraffic: {every: 72m}\n"
	for text, want := range map[string]string{
		"":                                      "the file is empty",
		head + "dayz: 3\n":                      `line 5: unknown key "dayz"; did you mean "days"?`,
		head + "probeEvery: 10s\n":              "probes of 30s alone",
		head + "category: E\n":                  `"E" is not A, B, C or D`,
		head + "start: tomorrow\n":              "no day such as",
		head + "---\nmore: 1\n":                 "more than one document",
		"apiVersion: v1\nkind: Quarter":         "apiVersion ensaio/v1 and kind Quarter are wanted",
		strings.Replace(head, "72m", "100s", 1): "no multiple of 30s",
		strings.Replace(head, "days: 2", "days: 900", 1):                                                                      "900 is not from 1 to 366",
		head + "outages: [{day: 3, at: \"10:00\", duration: 1h, kind: scheduled}]\n":                                          "outages[0]: day: 3 is not from 1 to 2",
		head + "outages: [{day: 1, at: \"25:00\", duration: 1h, kind: scheduled}]\n":                                          "no time such as",
		head + "outages: [{day: 1, at: \"10:00\", duration: 45s, kind: scheduled}]\n":                                         "no probe sees",
		head + "outages: [{day: 1, at: \"10:00\", kind: scheduled}]\n":                                                        "how long it lasts",
		head + "outages: [{day: 1, at: \"10:00\", duration: 1h, kind: maybe}]\n":                                              "neither unscheduled nor scheduled",
		head + "outages: [{day: 2, at: \"23:00\", duration: 2h, kind: scheduled}]\n":                                          "beyond the last day",
		head + "outages: [{day: 1, at: \"10:00\", duration: 1h, kind: unscheduled, operations: [\"acounts.*\"]}]\n":           "did you mean",
		head + "outages: [{day: 1, at: \"10:00\", duration: -1h, kind: unscheduled}]\n":                                       "not a positive duration",
		head + "outages: [{day: 1, at: \"10:00\", duration: 1h, kind: unscheduled, status: 200}]\n":                           "200 is no failure",
		head + "outages: [{day: 1, at: \"10:00\", duration: 1h, kind: scheduled, operations: [\"accounts.*\"], status: 500}]": "answers as the institution does",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n%v\nnot %q", text, err, want)
		}
	}
}

func TestATargetWithoutPowersIsRefused(t *testing.T) {
	b := newBank()
	o := Options{Plan: plan(t, 1), Clock: realClock, Target: targetWith("", "http://bank.test/bank")}
	_, err := Run(t.Context(), o)
	var powerless *Powerless
	if !errors.As(err, &powerless) || powerless.Lacks != "clock" || powerless.Hint() == "" {
		t.Errorf("%v", err)
	}
	late := plan(t, 1)
	late.Start = "2027-01-14"
	if _, err := played(t.Context(), b, late, ""); err == nil || !strings.Contains(err.Error(), "leave start out") {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("apiVersion: ensaio/v1\nkind: Quarter\ndays: 2\ntraffic: {every: 72m}\noutages: [{day: 1, at: \"10:00\", duration: 1h, kind: unscheduled}]\n")
	f.Add("days: [")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse([]byte(text))
		if err != nil {
			return
		}
		short := p.First(1)
		if p.Days < 1 || p.Days > maxDays || short.Days != 1 || len(short.Outages) > len(p.Outages) {
			t.Fatalf("an impossible plan is taken: %+v", p)
		}
		for _, o := range p.Outages {
			if o.from < 0 || o.from >= 24*time.Hour || o.Duration <= 0 {
				t.Fatalf("an impossible outage is taken: %+v", o)
			}
		}
	})
}

func TestASlowTargetDoesNotStretchAMinuteToAnHour(t *testing.T) {
	b := newBank()
	o := Options{Plan: plan(t, 30), Clock: clock.New(), Patience: time.Nanosecond, Target: targetWith("http://bank.test/clock", "http://bank.test/bank")}
	l, err := newLine("http://bank.test", nil, nil, o.Clock)
	if err != nil {
		t.Fatal(err)
	}
	l.dial = b.dial
	slow := &reader{line: l, bk: b, took: 5 * time.Second}
	r, err := (&play{dial: b.dial, caller: slow}).run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != "fail" || len(r.Published) != 1 || !strings.Contains(strings.Join(r.Findings, "\n"), "2027-01-15 /open-banking/accounts/v2/accounts: p95 5000 ms, more than a fifth beyond the 4000 ms of class low") ||
		!strings.Contains(strings.Join(r.Notes, "\n"), "stopped after day 1 of 30") {
		t.Errorf("%s %d days %q %q", r.Verdict, len(r.Published), r.Findings, r.Notes)
	}
}

// However the clock is moved, the same instants are probed: by steps that answers set off, by a request for
// each, and by both where probes go unanswered on the way.
func TestTheQuarterIsTheSameHoweverTheClockIsMoved(t *testing.T) {
	days := func() *Plan {
		return plan(t, 3, `day: 2, at: "10:00:30", duration: 30s, kind: unscheduled, operations: ["accounts.*"]`,
			`day: 3, at: "02:00", duration: 61m, kind: scheduled, notice: 17h59m, operations: ["accounts.*"]`)
	}
	silent := func(at time.Time) bool { return at.Unix()/30%97 == 5 }
	for name, mute := range map[string]func(time.Time) bool{"answered": nil, "now and then not": silent} {
		quick, plain := newBank(), newBank()
		plain.plain = true
		quick.mute, plain.mute = mute, mute
		a, b := verdict(t, quick, days()), verdict(t, plain, days())
		one, other := a.Seen.Endpoints[0], b.Seen.Endpoints[0]
		x, _ := json.Marshal([]any{one.Probing, one.Traffic, a.Findings})
		y, _ := json.Marshal([]any{other.Probing, other.Traffic, b.Findings})
		if string(x) != string(y) || a.Load.Availability.Probes != 3*2880 {
			t.Errorf("%s:\n%s\n%s", name, x, y)
		}
		if mute == nil && (quick.sets > 3*2880/20 || plain.sets < 3*2880) {
			t.Errorf("the clock was asked %d times in place of %d", quick.sets, plain.sets)
		}
	}
	stuck := newBank()
	stuck.idle = true
	if _, err := played(t.Context(), stuck, days(), ""); err == nil || !strings.Contains(err.Error(), "was to step to") {
		t.Errorf("a clock that does not step as it was told: %v", err)
	}
}
