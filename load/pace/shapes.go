package pace

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Constant asks for the same rate all along.
func Constant(rate float64, d time.Duration) (*Curve, error) {
	return Legs(Leg{From: rate, To: rate, For: d})
}

// Ramp goes in a straight line from one rate to another.
func Ramp(from, to float64, d time.Duration) (*Curve, error) {
	return Legs(Leg{From: from, To: to, For: d})
}

// Step is one level of a staircase.
type Step struct {
	Rate float64
	For  time.Duration
}

// Steps holds each level for its time.
func Steps(steps ...Step) (*Curve, error) {
	legs := make([]Leg, len(steps))
	for i, s := range steps {
		legs[i] = Leg{From: s.Rate, To: s.Rate, For: s.For}
	}
	return Legs(legs...)
}

// Spike holds base, jumps to peak in the middle for the time width, and falls back to base.
func Spike(base, peak float64, d, width time.Duration) (*Curve, error) {
	if width <= 0 || width >= d {
		return nil, fmt.Errorf("pace: a spike of %v does not fit into %v", width, d)
	}
	side := (d - width) / 2
	return Steps(Step{base, side}, Step{peak, width}, Step{base, d - width - side})
}

// Points draws straight lines through equally spaced points stretched over d, scaled so that the highest
// point becomes peak arrivals a second. Two points or more are needed.
func Points(points []float64, peak float64, d time.Duration) (*Curve, error) {
	if len(points) < 2 {
		return nil, fmt.Errorf("pace: a curve needs two points or more, got %d", len(points))
	}
	highest := 0.0
	for _, p := range points {
		highest = max(highest, p)
	}
	if highest <= 0 {
		return nil, fmt.Errorf("pace: a curve without a point above 0 has no rate")
	}
	legs := make([]Leg, len(points)-1)
	for i := range legs {
		// Ends are multiplied before they are divided, so that the stretches add up to d exactly.
		start, end := d*time.Duration(i)/time.Duration(len(legs)), d*time.Duration(i+1)/time.Duration(len(legs))
		legs[i] = Leg{From: points[i] * peak / highest, To: points[i+1] * peak / highest, For: end - start}
	}
	return Legs(legs...)
}

// payday is a day of 24 hours in half-hour points, from midnight to midnight. The shape is plausible, not
// taken from anybody's traffic: a quiet night, balances looked at when salaries arrive, a lunch hour of
// transfers, an evening of bills.
//
//go:embed payday.csv
var payday string

// Payday plays the daily curve of a pay day, compressed into d, with its highest point at peak.
func Payday(peak float64, d time.Duration) (*Curve, error) {
	points, err := parse(payday)
	if err != nil {
		return nil, err
	}
	return Points(points, peak, d)
}

// parse reads lines of "hh:mm,relative rate" below one header line.
func parse(csv string) ([]float64, error) {
	var points []float64
	for i, line := range strings.Split(strings.TrimSpace(csv), "\n") {
		_, value, ok := strings.Cut(line, ",")
		if i == 0 {
			continue
		}
		p, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("pace: line %d of the curve: %q is not a time and a rate", i+1, line)
		}
		points = append(points, p)
	}
	return points, nil
}
