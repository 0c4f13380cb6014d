// Package pace says when each request of a load run is due, as pure functions of its number.
//
// It promises closed forms: the nth arrival is computed, never accumulated, so that any number of workers
// who each take every kth arrival keep exactly the schedule of one. It refuses rates that no schedule
// can have, and it reads no clock.
package pace

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// Pacer is one schedule of arrivals. At never decreases in n, and At(n) < Duration() exactly for n < Count().
type Pacer interface {
	At(n uint64) time.Duration    // when the nth arrival is due, counted from 0
	Rate(t time.Duration) float64 // arrivals a second that the schedule asks for at t; 0 outside it
	Duration() time.Duration
	Count() uint64 // how many arrivals the whole schedule has
}

// Curve is a Pacer whose rate is a chain of straight lines: every schedule of this package is one.
type Curve struct {
	segments []segment
	duration time.Duration
	count    uint64
}

// segment is one straight line: rates in arrivals a second, times in seconds.
type segment struct {
	start, length float64
	from, to      float64
	before        float64 // arrivals due before the segment
}

// Leg is a stretch of a schedule: the rate goes in a straight line from From to To within For.
type Leg struct {
	From, To float64
	For      time.Duration
}

// Legs returns the schedule that runs one leg after the other. It refuses rates that are negative, infinite or
// not numbers, legs that last no time, and a schedule without a single arrival.
func Legs(legs ...Leg) (*Curve, error) {
	c := &Curve{}
	at, before := 0.0, 0.0
	for _, l := range legs {
		for _, rate := range []float64{l.From, l.To} {
			if math.IsNaN(rate) || math.IsInf(rate, 0) || rate < 0 {
				return nil, fmt.Errorf("pace: a rate of %v a second is impossible; want 0 or more", rate)
			}
		}
		if l.For <= 0 {
			return nil, fmt.Errorf("pace: a stretch of %v is impossible; want more than 0", l.For)
		}
		s := segment{start: at, length: l.For.Seconds(), from: l.From, to: l.To, before: before}
		c.segments = append(c.segments, s)
		c.duration += l.For
		at = c.duration.Seconds()
		before = s.before + s.area(s.length)
	}
	// An arrival due within a millionth of the end is due after it: rates like 0.1 have no exact binary form.
	c.count = uint64(math.Ceil(before - 1e-6))
	if c.count == 0 {
		return nil, fmt.Errorf("pace: nothing is due in %v; raise the rate or the duration", c.duration)
	}
	return c, nil
}

// At is the instant the nth arrival is due; past the last arrival it is the schedule's end.
func (c *Curve) At(n uint64) time.Duration {
	if n >= c.count {
		return c.duration
	}
	i := sort.Search(len(c.segments), func(i int) bool { return c.segments[i].before > float64(n) }) - 1
	s := c.segments[i]
	at := time.Duration(math.Round((s.start + s.when(float64(n)-s.before)) * 1e9))
	return min(at, c.duration-1)
}

// Rate is the rate asked for at t.
func (c *Curve) Rate(t time.Duration) float64 {
	if t < 0 || t >= c.duration {
		return 0
	}
	at := t.Seconds()
	i := sort.Search(len(c.segments), func(i int) bool { return c.segments[i].start > at }) - 1
	s := c.segments[i]
	return s.from + (s.to-s.from)*(at-s.start)/s.length
}

// Duration is the length of the schedule.
func (c *Curve) Duration() time.Duration { return c.duration }

// Count is the number of arrivals.
func (c *Curve) Count() uint64 { return c.count }

// Peak is the highest rate asked for.
func (c *Curve) Peak() float64 {
	highest := 0.0
	for _, s := range c.segments {
		highest = max(highest, s.from, s.to)
	}
	return highest
}

// area is the number of arrivals in the first t seconds of the segment.
func (s segment) area(t float64) float64 {
	return s.from*t + (s.to-s.from)*t*t/(2*s.length)
}

// when solves area(t) = arrivals. This form of the quadratic loses no digits when the slope vanishes, and
// serves a rate that starts at zero.
func (s segment) when(arrivals float64) float64 {
	if arrivals <= 0 {
		return 0
	}
	slope := (s.to - s.from) / s.length
	root := math.Sqrt(max(s.from*s.from+2*slope*arrivals, 0))
	return min(2*arrivals/(s.from+root), s.length)
}
