package status_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ensaio/ensaio/platform/status"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

func TestTroubleShowsAndGoesWithinOneProbe(t *testing.T) {
	w := begin(t, noon)
	w.is("OK")
	id := w.fail(status.Failure{Operations: []string{"accounts.balances"}, Status: 503})
	w.is("OK") // the last probe was before
	w.clock.Advance(status.Period)
	w.is("PARTIAL_FAILURE")
	w.fail(status.Failure{Operations: []string{"customers.*"}, Delay: "1s"})
	w.clock.Advance(status.Period)
	w.is("UNAVAILABLE")
	if e := w.status()[0]; e.DetectionTime != "2026-03-02T15:00:30Z" || e.UpdateTime != "2026-03-02T15:01:00Z" || e.ExpectedResolutionTime != "2026-03-02T16:00:30Z" || len(e.UnavailableEndpoints) != 7 {
		t.Errorf("explained as %+v", e)
	}
	if err := w.Mend(t.Context(), id); err != nil {
		t.Error(err)
	}
	if err := w.Mend(t.Context(), id); err == nil {
		t.Error("mended twice")
	}
	if err := w.Mend(t.Context(), ""); err != nil {
		t.Error(err)
	}
	w.clock.Advance(status.Period)
	w.is("OK")
	w.down("accounts.balances", 60, 60, 0)
	w.down("accounts.list", 0, 60, 0)
}

func TestWhatNoProbeWouldSeeIsNoDowntime(t *testing.T) {
	w := begin(t, noon)
	for _, f := range []status.Failure{{Status: 404}, {Status: 429}, {Status: 529}, {Delay: "999ms"}} {
		w.fail(f)
	}
	w.clock.Advance(time.Hour)
	w.is("OK")
	w.down("accounts.list", 0, 0, 0)
}

func TestTheStateOfTheInstitutionIsToldThroughEveryOutage(t *testing.T) {
	w := begin(t, noon)
	w.announce(noon.Add(time.Minute), "PT1H")
	w.fail(status.Failure{Operations: []string{"*"}, Status: 500})
	w.clock.Advance(2 * time.Minute)
	for _, id := range []string{"common.status", "common.outages", "admin.metrics"} {
		if p, _ := w.Guard(spec.Find(id), w.clock.Now()); p != nil {
			t.Errorf("%s is refused: %v", id, p)
		}
	}
	if p, _ := w.Guard(spec.Find("accounts.list"), w.clock.Now()); p == nil || p.Status != 503 {
		t.Errorf("accounts in a total outage: %v", p)
	}
	w.is("SCHEDULED_OUTAGE") // trouble under a total outage is not diagnosed
	w.fail(status.Failure{Operations: []string{"common.status"}, Status: 500})
	if p, _ := w.Guard(spec.Find("common.status"), w.clock.Now()); p == nil || p.Status != 500 {
		t.Errorf("a failure that names the status does not reach it: %v", p)
	}
}

func TestASilentCoreTakesDownWhatNeedsIt(t *testing.T) {
	w := begin(t, noon)
	w.away.Store(true)
	w.clock.Advance(status.Period)
	w.is("UNAVAILABLE")
	w.away.Store(false)
	w.clock.Advance(status.Period)
	w.is("OK")
	w.down("accounts.list", 30, 30, 0)
	w.down("consents.read", 0, 30, 0)
}

func TestFailingCallsAreTroubleForOneProbe(t *testing.T) {
	w := begin(t, noon.Add(time.Second))
	w.calls("accounts.list", 95, 200)
	w.calls("accounts.list", 5, 500) // five of a hundred are still up
	w.calls("accounts.balances", 90, 200)
	w.calls("accounts.balances", 100, 404)
	w.calls("accounts.balances", 6, 504)
	w.clock.Advance(status.Period)
	w.is("PARTIAL_FAILURE")
	if down := w.status()[0].UnavailableEndpoints; len(down) != 1 || down[0] != "https://api.bank.test"+spec.Find("accounts.balances").FullPath() {
		t.Errorf("down: %v", down)
	}
	w.clock.Advance(status.Period)
	w.is("OK")
	w.calls("accounts.list", 1, 500)
	w.clock.Advance(90 * 24 * time.Hour) // the first probe after it was trouble, the millions after were not
	w.is("OK")
	if f := w.metrics("accounts.list", "ALL"); f.Availability.Downtime.PartialDowntime != 0 {
		t.Errorf("trouble of long ago counts today: %+v", f.Availability)
	}
}

func TestAStoreThatCannotBeWrittenTakesDownWhatWrites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bank.db")
	records, err := store.Open(t.Context(), "sqlite:"+file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close() })
	w := beginWith(t, clock.Fixed(noon), records)
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	rename := func(from, to string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
			t.Fatal(err)
		}
	}
	rename("records", "lost")
	if _, err := w.Announce(t.Context(), status.Outage{Start: noon.Add(time.Hour), Duration: "PT1H"}); err == nil || len(w.Outages()) != 0 {
		t.Errorf("an outage that cannot be kept is announced: %v", err)
	}
	for range 2 {
		w.clock.Advance(status.Period)
		w.is("UNAVAILABLE")
	}
	rename("lost", "records")
	w.clock.Advance(status.Period)
	w.is("OK")
	w.down("consents.create", 60, 60, 0)
	w.down("accounts.list", 0, 60, 0)
}

func TestScheduledWorkIsApartAtNightAlone(t *testing.T) {
	w := begin(t, noon)
	night := time.Date(2026, 3, 3, 5, 0, 0, 0, time.UTC) // 02:00 in Brasília
	w.announce(night, "PT20M", "accounts.*")
	w.announce(night.Add(4*time.Hour+50*time.Minute), "PT30M", "accounts.*") // 06:50 to 07:20
	w.announce(night.Add(-65*time.Minute), "PT10M", "accounts.*")            // 00:55 to 01:05
	w.clock.Set(night)
	w.is("SCHEDULED_OUTAGE")
	w.clock.Set(night.Add(10 * time.Minute))
	w.fail(status.Failure{Operations: []string{"customers.*"}, Status: 500})
	w.clock.Advance(5 * time.Minute) // trouble beside it is downtime, and then the whole is
	w.is("UNAVAILABLE", "SCHEDULED_OUTAGE")
	_ = w.Mend(t.Context(), "")
	w.clock.Set(noon.Add(24 * time.Hour))
	w.is("OK")
	w.down("accounts.list", 300+1200, 300+300+1200, 300+1200-300+600)
	w.down("customers.personal-identifications", 300, 300+300+1200, 300+1200-300+600)
	if f := w.metrics("accounts.list", "ALL"); f.Availability.Uptime.UptimeRate != fmt.Sprintf("%.6f", 1-1500.0/(2*86400)) {
		t.Errorf("uptime of two days: %+v", f.Availability)
	}
}

func TestALongStepIsCaughtUpInOnePing(t *testing.T) {
	w := begin(t, noon)
	w.fail(status.Failure{Operations: []string{"accounts.list"}, Status: 503})
	w.announce(noon.Add(89*24*time.Hour), "PT24H", "accounts.*")
	before := w.pings.Load()
	w.clock.Advance(90 * 24 * time.Hour)
	f := w.metrics("accounts.list", "ALL")
	if got := w.pings.Load() - before; got > 2 { // ours, and one of the goroutine's own
		t.Errorf("the core was asked %d times", got)
	}
	// Fifteen hours of today and seven days before, without the day of scheduled work: that was from noon to noon,
	// of which 18 hours were by day.
	if want := int64(7*86400 + 12*3600 + 30 - 6*3600); f.Availability.Downtime.PartialDowntime != want {
		t.Errorf("down for %d s, want %d", f.Availability.Downtime.PartialDowntime, want)
	}
	w.is("PARTIAL_FAILURE")
}

// TestAStatusDoesNotWaitForACoreThatHangs asks while the core neither answers nor heeds that it was given up.
func TestAStatusDoesNotWaitForACoreThatHangs(t *testing.T) {
	w := begin(t, noon)
	w.is("OK")
	late := make(chan error)
	w.hangs.Store(&late)
	w.clock.Advance(status.Period)
	w.is("OK") // the last diagnosis
	w.is("OK")
	w.announce(w.clock.Now().Add(24*time.Hour), "PT1H") // nor does whoever changes the plan
	asked := w.pings.Load()
	w.clock.Advance(status.Period)
	w.is("OK")
	if got := w.pings.Load(); got != asked {
		t.Errorf("a core that hangs was asked %d times more", got-asked)
	}
	w.hangs.Store(nil)
	late <- errors.New("nothing in all that time")
	for w.status()[0].Code == "OK" { // what was found corrects the probe
		runtime.Gosched()
	}
	w.is("UNAVAILABLE")
	w.clock.Advance(status.Period)
	w.is("OK")
	w.down("accounts.list", 30, 30, 0)
}

func TestAClockSetBackForgetsTheFuture(t *testing.T) {
	w := begin(t, noon)
	w.calls("accounts.list", 3, 200)
	w.clock.Advance(24 * time.Hour)
	w.fail(status.Failure{Operations: []string{"accounts.list"}, Status: 503})
	w.calls("accounts.list", 5, 503)
	w.clock.Advance(time.Hour)
	w.down("accounts.list", 3600, 3600, 0)
	_ = w.Mend(t.Context(), "")
	w.clock.Advance(-25 * time.Hour)
	w.is("OK")
	w.down("accounts.list", 0, 0, 0)
	if f := w.metrics("accounts.list", "CURRENT"); f.Invocations.CurrentDay != 3 {
		t.Errorf("today's calls: %+v", f.Invocations)
	}
	w.clock.Advance(24 * time.Hour)
	if f := w.metrics("accounts.list", "ALL"); f.Invocations.CurrentDay != 0 || fmt.Sprint(f.Invocations.PreviousDays) != "[3]" || f.Availability.Downtime.PartialDowntime != 0 {
		t.Errorf("the day that was forgotten: %+v", f)
	}
}

// A clock may be put forward and back before anybody looks; calls of that moment are forgotten all the same.
func TestCallsOfAMomentThatIsTakenBackAreForgotten(t *testing.T) {
	w := begin(t, noon)
	for range 200 {
		w.clock.Advance(24 * time.Hour)
		w.calls("accounts.list", 1, 200)
		w.clock.Advance(-24 * time.Hour)
		w.is("OK")
		w.clock.Advance(24 * time.Hour)
		if f := w.metrics("accounts.list", "CURRENT"); f.Invocations.CurrentDay != 0 {
			t.Fatalf("calls of a day that nobody has seen: %+v", f.Invocations)
		}
		w.clock.Advance(-24 * time.Hour)
		w.is("OK")
	}
}

func TestDaysShiftAtMidnightInBrasilia(t *testing.T) {
	w := begin(t, time.Date(2026, 3, 3, 2, 59, 0, 0, time.UTC)) // 23:59
	for n := range 10 {
		w.calls("accounts.list", n+1, 200)
		if f := w.metrics("accounts.list", "ALL"); f.Invocations.CurrentDay != int64(n+1) || len(f.Invocations.PreviousDays) != min(n, 7) || n > 0 && f.Invocations.PreviousDays[0] != int64(n) {
			t.Errorf("day %d: %+v", n+1, f.Invocations)
		}
		w.clock.Advance(map[bool]time.Duration{true: 2 * time.Minute, false: 24 * time.Hour}[n == 0])
	}
}

func TestTrafficIsCounted(t *testing.T) {
	w := begin(t, time.Date(2026, 3, 2, 3, 0, 10, 0, time.UTC)) // ten seconds after midnight
	w.calls("accounts.list", 35, 200)
	for code, n := range map[int]int{400: 1, 422: 2, 423: 3, 429: 4, 500: 5, 503: 6, 504: 7, 529: 8} {
		w.calls("accounts.list", n, code)
	}
	f := w.metrics("accounts.list", "CURRENT")
	if f.Invocations.CurrentDay != 71 || f.Errors.CurrentDay != 18 || f.Rejections.CurrentDay != 15 || f.AverageResponse.CurrentDay != 20 || f.AverageTps.CurrentDay != 7 || f.PeakTps.CurrentDay != 71 {
		t.Errorf("counted %+v", f)
	}
	w.clock.Advance(time.Second)
	w.calls("accounts.list", 7, 200)
	if f := w.metrics("accounts.list", "CURRENT"); f.PeakTps.CurrentDay != 71 || f.Invocations.CurrentDay != 78 {
		t.Errorf("after another second %+v", f)
	}
}

func TestWhatWasAnnouncedSurvivesAKilledProcess(t *testing.T) {
	records, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "bank.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close() })
	w := beginWith(t, clock.Fixed(noon), records)
	kept := w.announce(noon.Add(2*time.Hour), "PT30M", "accounts.*")
	moved := w.announce(noon.Add(4*time.Hour), "PT30M")
	gone := w.announce(noon.Add(6*time.Hour), "PT30M")
	if _, err := w.Announce(t.Context(), status.Outage{ID: moved, Start: noon.Add(5 * time.Hour), Duration: "PT1H"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Withdraw(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	w.restart(true)
	all := w.Outages()
	if len(all) != 2 || all[0].ID != kept || all[1].ID != moved || all[1].Duration != "PT1H" {
		t.Fatalf("after the restart: %+v", all)
	}
	w.clock.Advance(2*time.Hour + status.Period)
	w.is("SCHEDULED_OUTAGE")
}

func TestDaysSurviveARestart(t *testing.T) {
	w := begin(t, noon)
	w.calls("accounts.list", 3, 200)
	w.fail(status.Failure{Operations: []string{"accounts.list"}, Status: 503})
	w.clock.Advance(time.Hour)
	w.down("accounts.list", 3600, 3600, 0)
	_ = w.Mend(t.Context(), "")
	w.restart(false)
	w.down("accounts.list", 3600, 3600, 0)
	w.clock.Advance(24 * time.Hour)
	w.calls("accounts.list", 2, 500)
	w.metrics("accounts.list", "ALL")
	w.restart(false)
	w.clock.Advance(24 * time.Hour)
	f := w.metrics("accounts.list", "ALL")
	if fmt.Sprint(f.Invocations.PreviousDays) != "[2 3]" || fmt.Sprint(f.Errors.PreviousDays) != "[2 0]" || f.Availability.Downtime.PartialDowntime < 3600 {
		t.Errorf("after two restarts: %+v", f)
	}
}

func TestDraftsAreRefused(t *testing.T) {
	w := begin(t, noon)
	for name, o := range map[string]status.Outage{
		"past":          {Start: noon.Add(-time.Minute), Duration: "PT1H"},
		"no length":     {Start: noon.Add(time.Minute), Duration: "PT0S"},
		"too long":      {Start: noon.Add(time.Minute), Duration: "P32D"},
		"no duration":   {Start: noon.Add(time.Minute)},
		"no start":      {Duration: "PT1H"},
		"nothing known": {Start: noon.Add(time.Minute), Duration: "PT1H", Operations: []string{"acounts.*"}},
		"nobody's":      {ID: "x", Start: noon.Add(time.Minute), Duration: "PT1H"},
	} {
		if _, err := w.Announce(t.Context(), o); err == nil {
			t.Errorf("%s: announced", name)
		}
	}
	for name, f := range map[string]status.Failure{
		"nothing": {}, "success": {Status: 200}, "no duration": {Delay: "3"}, "backwards": {Delay: "-3s"}, "unknown": {Status: 503, Operations: []string{"x"}},
	} {
		if _, err := w.Fail(t.Context(), f); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	if err := w.Withdraw(t.Context(), "x"); err == nil {
		t.Error("withdrew what nobody announced")
	}
}

func TestAnOutageUnderWayStopsNoMoreAndOneThatIsOverStaysOver(t *testing.T) {
	w := begin(t, noon)
	made, err := w.Announce(t.Context(), status.Outage{Start: noon.Add(time.Minute), Duration: "PT1H", Operations: []string{"accounts.*"}})
	if err != nil {
		t.Fatal(err)
	}
	change := func(duration string, operations ...string) error {
		_, err := w.Announce(t.Context(), status.Outage{ID: made.ID, Start: made.Start, Duration: duration, Operations: operations})
		return err
	}
	if err := change("PT1H", "accounts.*", "token"); err != nil {
		t.Errorf("before it begins: %v", err)
	}
	w.clock.Advance(30 * time.Minute)
	for name, c := range map[string]struct {
		err error
		ok  bool
	}{"prolonged": {change("PT2H", "accounts.*", "token"), true}, "of less": {change("PT2H", "accounts.list"), true}, "of what it no longer stops": {change("PT2H", "accounts.*"), false}, "of everything": {change("PT2H"), false}} {
		if (c.err == nil) != c.ok {
			t.Errorf("under way, %s: %v", name, c.err)
		}
	}
	w.clock.Advance(3 * time.Hour)
	if err := change("PT12H", "accounts.list"); err == nil {
		t.Error("prolonged after its end")
	}
}

func TestASlowAnswerEndsWithTheBudget(t *testing.T) {
	w := begin(t, noon)
	w.fail(status.Failure{Operations: []string{"accounts.*"}, Delay: "20s"})
	w.fail(status.Failure{Operations: []string{"accounts.list"}, Status: 500})
	p, wait := w.Guard(spec.Find("accounts.list"), noon)
	if p == nil || p.Status != 504 || wait >= 15*time.Second {
		t.Errorf("%v after %v", p, wait)
	}
	if p, wait := w.Guard(spec.Find("customers.personal-identifications"), noon); p != nil || wait != 0 {
		t.Errorf("its neighbour: %v after %v", p, wait)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT2H30M": 150 * time.Minute, "P1D": 24 * time.Hour, "P1DT1S": 24*time.Hour + time.Second, "P2W": 14 * 24 * time.Hour, "PT0S": 0} {
		if got, err := status.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s is %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1DT", "2h", "P1Y", "P1M", "PT1.5H", "PT-1H", "pt1h", "PT1H ", "PT1M1H"} {
		if got, err := status.ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// TestEveryProbeIsCountedOnce steps the clock in any way, with trouble and outages that come and go, and
// holds downtime against a count of probes made by hand.
func TestEveryProbeIsCountedOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		records, err := store.Open(t.Context(), "")
		if err != nil {
			r.Fatal(err)
		}
		defer func() { _ = records.Close() }()
		w := beginWith(t, clock.Fixed(noon.Add(-12*time.Hour)), records) // midnight in Brasília
		defer func() { _ = w.Close(); w.Service = nil }()
		begun := rapid.IntRange(0, 2000).Draw(r, "outage begins, in steps of ten seconds")
		lasts := rapid.IntRange(1, 2000).Draw(r, "outage lasts, in steps of ten seconds")
		start := w.clock.Now().Add(time.Duration(begun) * 10 * time.Second)
		end := start.Add(time.Duration(lasts) * 10 * time.Second)
		w.announce(start, fmt.Sprintf("PT%dS", lasts*10), "customers.*")
		failing := false
		var down, planned, apart int64
		last := w.clock.Now()
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			w.clock.Advance(time.Duration(rapid.IntRange(0, 600).Draw(r, "step, in tens of seconds")) * 10 * time.Second)
			now := w.clock.Now()
			if now.Sub(noon.Add(-12*time.Hour)) >= 24*time.Hour {
				break
			}
			for at := last.Truncate(status.Period).Add(status.Period); !at.After(now); at = at.Add(status.Period) {
				inside := !at.Before(start) && at.Before(end)
				hour := at.Add(-3 * time.Hour).Hour()
				night := hour >= 1 && hour < 7
				switch {
				case failing:
					down += 30
				case inside && night:
					apart += 30
				case inside:
					down += 30
				}
				if inside && !night {
					planned += 30
				}
			}
			last = now
			if rapid.Bool().Draw(r, "ask") {
				w.status()
			}
			if rapid.Bool().Draw(r, "change") {
				if failing = !failing; failing {
					w.fail(status.Failure{Operations: []string{"accounts.list"}, Status: 503})
				} else if err := w.Mend(t.Context(), ""); err != nil {
					r.Fatal(err)
				}
			}
		}
		got := w.metrics("customers.personal-identifications", "CURRENT").Availability.Downtime
		if got.PartialDowntime != planned || got.GeneralDowntime != down || got.ScheduledOutage != apart {
			r.Fatalf("counted %+v; want %d, %d general, %d apart", got, planned, down, apart)
		}
	})
}

func TestIncompleteConfigurationsAreRefused(t *testing.T) {
	if _, err := status.Open(t.Context(), status.Config{}); err == nil {
		t.Error("opened without anything")
	}
}
