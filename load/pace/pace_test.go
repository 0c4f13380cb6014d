package pace

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func curves() *rapid.Generator[*Curve] {
	leg := rapid.Custom(func(t *rapid.T) Leg {
		return Leg{
			From: rapid.Float64Range(0, 2000).Draw(t, "from"),
			To:   rapid.Float64Range(0, 2000).Draw(t, "to"),
			For:  time.Duration(rapid.Int64Range(1e6, 20e9).Draw(t, "for")),
		}
	})
	return rapid.Custom(func(t *rapid.T) *Curve {
		legs := rapid.SliceOfN(leg, 1, 8).Draw(t, "legs")
		legs[0].From++ // so that something is due
		legs[0].For += time.Second
		c, err := Legs(legs...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

func TestArrivalsNeverGoBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := curves().Draw(t, "curve")
		n := rapid.Uint64Range(0, c.Count()-1).Draw(t, "n")
		at, next := c.At(n), c.At(n+1)
		if at > next {
			t.Fatalf("arrival %d at %v, %d at %v", n, at, n+1, next)
		}
		if at < 0 || at >= c.Duration() {
			t.Fatalf("arrival %d of %d at %v is outside %v", n, c.Count(), at, c.Duration())
		}
	})
}

// The integral of Rate up to At(n) is n: what the rate promises is what arrives.
func TestTheRateIntegratesToTheArrivals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := curves().Draw(t, "curve")
		n := rapid.Uint64Range(0, c.Count()-1).Draw(t, "n")
		end := c.At(n).Seconds()
		sum := 0.0
		for _, s := range c.segments {
			// Straight lines: the midpoint rule is exact within a segment.
			from, to := s.start, min(s.start+s.length, end)
			if to > from {
				mid := time.Duration((from + to) / 2 * 1e9)
				sum += c.Rate(mid) * (to - from)
			}
		}
		if math.Abs(sum-float64(n)) > 1e-2+1e-6*float64(n) {
			t.Fatalf("%d arrivals by %vs, the rate integrates to %v", n, end, sum)
		}
	})
}

func TestCountIsWhatIsDueBeforeTheEnd(t *testing.T) {
	for rate, want := range map[float64]uint64{300: 18000, 0.1: 6, 1.0 / 3: 20, 7.77: 467} {
		c, err := Constant(rate, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if c.Count() != want {
			t.Errorf("%v a second for a minute: %d arrivals, want %d", rate, c.Count(), want)
		}
		if c.At(want-1) >= time.Minute || c.At(want) != time.Minute {
			t.Errorf("%v a second: last at %v, past the last at %v", rate, c.At(want-1), c.At(want))
		}
	}
}

func TestAConstantRateIsEvenlySpaced(t *testing.T) {
	c, err := Constant(300, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint64{0, 1, 299, 300, 1_079_999} {
		want := time.Duration(math.Round(float64(n) / 300 * 1e9))
		if got := c.At(n); got-want > 1 || want-got > 1 {
			t.Errorf("arrival %d at %v, want %v", n, got, want)
		}
	}
}

func TestShapes(t *testing.T) {
	must := func(c *Curve, err error) *Curve {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	spike := must(Spike(100, 900, 30*time.Second, 10*time.Second))
	if a, b, c := spike.Rate(0), spike.Rate(15*time.Second), spike.Rate(29*time.Second); a != 100 || b != 900 || c != 100 {
		t.Errorf("spike: %v, %v, %v", a, b, c)
	}
	if spike.Count() != 11000 {
		t.Errorf("spike: %d arrivals, want 11000", spike.Count())
	}
	ramp := must(Ramp(0, 600, time.Minute))
	if ramp.Count() != 18000 || ramp.Rate(30*time.Second) != 300 {
		t.Errorf("ramp: %d arrivals, %v in the middle", ramp.Count(), ramp.Rate(30*time.Second))
	}
	steps := must(Steps(Step{100, time.Second}, Step{200, time.Second}))
	if steps.At(100) != time.Second || steps.At(101) != time.Second+5*time.Millisecond {
		t.Errorf("steps: arrivals 100 and 101 at %v and %v", steps.At(100), steps.At(101))
	}
	day := must(Payday(450, time.Minute))
	if day.Peak() != 450 || day.Duration() != time.Minute {
		t.Errorf("payday: peak %v in %v", day.Peak(), day.Duration())
	}
	if morning, night := day.Rate(time.Minute*9/24), day.Rate(time.Minute*3/24); morning < 4*night {
		t.Errorf("payday: %v at nine, %v at three", morning, night)
	}
}

func TestImpossibleSchedulesAreRefused(t *testing.T) {
	for name, build := range map[string]func() (*Curve, error){
		"negative rate": func() (*Curve, error) { return Constant(-1, time.Second) },
		"no number":     func() (*Curve, error) { return Constant(math.NaN(), time.Second) },
		"infinite":      func() (*Curve, error) { return Ramp(0, math.Inf(1), time.Second) },
		"no time":       func() (*Curve, error) { return Constant(1, 0) },
		"no arrival":    func() (*Curve, error) { return Constant(0, time.Hour) },
		"no legs":       func() (*Curve, error) { return Legs() },
		"wide spike":    func() (*Curve, error) { return Spike(1, 2, time.Second, time.Second) },
		"one point":     func() (*Curve, error) { return Points([]float64{1}, 1, time.Second) },
		"flat nothing":  func() (*Curve, error) { return Points([]float64{0, 0}, 1, time.Second) },
	} {
		if _, err := build(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Several workers who take every kth arrival cover the schedule of one, each arrival once and at its time.
func TestSharesMakeTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := curves().Draw(t, "curve")
		shares := rapid.Uint64Range(1, 7).Draw(t, "shares")
		total := uint64(0)
		for share := range shares {
			last := time.Duration(-1)
			for n := share; n < c.Count(); n += shares {
				if at := c.At(n); at < last {
					t.Fatalf("share %d goes back at %d", share, n)
				} else {
					last = at
				}
				total++
			}
		}
		if total != c.Count() {
			t.Fatalf("%d shares hold %d arrivals, the whole %d", shares, total, c.Count())
		}
	})
}
