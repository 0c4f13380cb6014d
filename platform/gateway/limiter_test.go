package gateway

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/spec"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, brasilia) }

// busy lets seconds from a time on see so many calls each.
func busy(l *limiter, from time.Time, seconds, calls int) {
	for i := range seconds {
		l.steps.note(from.Add(time.Duration(i)*time.Second), from.Add(time.Duration(i+1)*time.Second), calls)
	}
	l.settle()
}

func TestThreeBusyFortnightsDemandAStep(t *testing.T) {
	// March 2026: fortnights of 15 and 16 days; a tenth of the first is 129,600 seconds.
	for name, c := range map[string]struct {
		first, calls int // seconds of the first fortnight that saw so many calls
		demanded     int
	}{
		"a tenth is not more than a tenth": {129_600, 271, 300},
		"more than a tenth":                {129_601, 271, 450},
		"nine tenths are not more":         {129_601, 270, 300},
		"how much more plays no part":      {129_601, 5000, 450},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLimiter(Presets["regulatory"], nil)
			busy(l, day(2026, 3, 1), c.first, c.calls)
			busy(l, day(2026, 3, 16), 138_241, 300)
			busy(l, day(2026, 4, 1), 129_601, 300)
			if s := l.steps.look(day(2026, 4, 15)); s.Demanded != 300 || s.InARow == 3 {
				t.Fatalf("before the third is over: %+v", s)
			}
			s := l.steps.look(day(2026, 4, 16))
			if s.Demanded != c.demanded || s.Limit != 300 || len(s.Closed) != 3 {
				t.Fatalf("%+v", s)
			}
			if c.demanded == 300 {
				return
			}
			if !s.Due.Equal(day(2026, 6, 16)) {
				t.Errorf("due %v", s.Due)
			}
			bound := func(at time.Time) int64 { busy(l, at, 1, 1); return l.bound.Load() }
			if before, after := bound(s.Due.Add(-2*time.Second)), bound(*s.Due); before != 300 || after != 450 {
				t.Errorf("bound %d, then %d", before, after)
			}
			if s := l.steps.look(day(2026, 6, 17)); s.Limit != 450 || s.Demanded != 450 || s.Due != nil || s.InARow != 0 {
				t.Errorf("afterwards: %+v", s)
			}
		})
	}
}

func TestAQuietFortnightBreaksTheRow(t *testing.T) {
	l := newLimiter(Presets["regulatory"], nil)
	busy(l, day(2026, 3, 1), 140_000, 300)
	busy(l, day(2026, 3, 16), 140_000, 300)
	busy(l, day(2026, 4, 16), 140_000, 300) // none was seen from the first to the fifteenth
	if s := l.steps.look(day(2026, 5, 1)); s.InARow != 1 || s.Demanded != 300 || len(s.Closed) != 4 {
		t.Errorf("%+v", s)
	}
	if s := l.steps.look(day(2036, 5, 1)); s.InARow != 0 || len(s.Closed) > evidence {
		t.Errorf("after ten years: %+v", s)
	}
}

func TestFortnightsAreHalvesOfMonths(t *testing.T) {
	for at, want := range map[time.Time]Fortnight{
		day(2028, 2, 15):                            {Start: "2028-02-01", Seconds: 15 * 86400},
		day(2028, 2, 16):                            {Start: "2028-02-16", Seconds: 14 * 86400},
		day(2026, 12, 31).Add(23 * time.Hour):       {Start: "2026-12-16", Seconds: 16 * 86400},
		time.Date(2027, 1, 1, 2, 0, 0, 0, time.UTC): {Start: "2026-12-16", Seconds: 16 * 86400},
	} {
		if got := periodOf(at).fresh(); got != want {
			t.Errorf("%v: %+v", at, got)
		}
	}
}

func TestASecondIsCountedOnceByAll(t *testing.T) {
	l, start := newLimiter(Limits{}, nil), day(2026, 3, 2)
	for second := range 5 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for i := range 1000 {
					l.second(start.Add(time.Duration(second)*time.Second - time.Duration(i%2)*time.Nanosecond)) // half of them are late
				}
			})
		}
		all.Wait()
	}
	l.second(start.Add(10 * time.Second))
	// Only the first ones of all may have found no second to be late in.
	if s := l.steps.look(start.Add(11 * time.Second)); s.Fortnight.Peak > 8000 || s.Fortnight.Peak < 7999 || s.Seconds90 != 5 {
		t.Errorf("%+v", s)
	}
}

// TestALateCallForgetsNothing counts a call that read the clock before the minute turned.
func TestALateCallForgetsNothing(t *testing.T) {
	var c counts[string]
	c.init(nil)
	for range 5 {
		c.count(11, "a").Add(1)
	}
	if n := c.count(10, "a"); n.Load() != 0 || n.Add(1) != 1 {
		t.Errorf("the late call is number %d of its minute", n.Load())
	}
	if n := c.count(11, "a").Load(); n != 5 {
		t.Errorf("%d calls of 5 are left", n)
	}
	if n := c.count(12, "a").Load() + c.count(13, "a").Load(); n != 0 {
		t.Errorf("later minutes began with %d", n)
	}
	if n := c.count(11, "a").Load(); n != 0 {
		t.Errorf("a minute long over still counts %d", n)
	}
}

// BenchmarkLimiter weighs the counters alone: the second that all calls share, the minute of sixteen
// origins, the month of a thousand customers, and the
// same where it is kept in a file.
func BenchmarkLimiter(b *testing.B) {
	start := time.Date(2026, 3, 2, 12, 0, 30, 0, time.UTC)
	op := spec.Find("accounts.balances")
	var minutes []minuteKey
	for i := range 16 {
		minutes = append(minutes, minuteKey{fmt.Sprintf("11111111-1111-4111-8111-1111111111%02d", i), op})
	}
	var months []quotaKey
	for i := range 1000 {
		months = append(months, quotaKey{origin: minutes[i%16].origin, customer: fmt.Sprintf("person-%06d", i), resource: fmt.Sprintf("291e5a29-49ed-401f-a583-%012d/", i), op: op})
	}
	l := newLimiter(Limits{Minute: true, Month: true, PerSecond: 1 << 30}, nil)
	book, err := memo.OpenCounts(b.TempDir(), monthOf(start))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = book.Close() }()
	kept := newLimiter(Limits{Month: true}, func(month int64, k quotaKey) *memo.Slot {
		s, err := book.Slot(month, k.origin, k.op.ID, k.customer+k.resource)
		if err != nil {
			b.Fatal(err)
		}
		return s
	})
	for name, count := range map[string]func(i int){
		"second": func(int) { l.second(start) },
		"minute": func(i int) { l.minutes.count(start.Unix()/60, minutes[i%16]).Add(1) },
		"month":  func(i int) { l.months.charge(monthOf(start), months[i%1000], 1<<30) },
		"kept":   func(i int) { kept.months.charge(monthOf(start), months[i%1000], 1<<30) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				count(i)
			}
		})
		b.Run(name+"/together", func(b *testing.B) {
			b.RunParallel(func(p *testing.PB) {
				for i := 0; p.Next(); i++ {
					count(i)
				}
			})
		})
	}
}
