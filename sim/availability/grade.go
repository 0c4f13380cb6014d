package availability

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// point is one of the points between which a grade is a straight line.
type point struct{ share, grade float64 }

// The scales of the monitoring's panels (grades from 0 to 10). Below the first point a grade is its
// first, beyond the last its last. For the day of availability the pages give no point under 95 %.
var (
	dayScale       = []point{{0.95, 7}, {1, 10}}
	longScale      = []point{{0.95, 0}, {0.995, 7}, {1, 10}}
	overloadScale  = []point{{0, 10}, {0.005, 7}, {0.10, 0}}
	reportingScale = []point{{0.85, 0}, {0.99, 7}, {1, 10}}
	excessScale    = []point{{0, 7}, {0.5, 0}}
)

func grade(scale []point, share float64) float64 {
	for i, p := range scale {
		if share > p.share {
			continue
		}
		if i == 0 {
			return p.grade
		}
		before := scale[i-1]
		g := before.grade + (p.grade-before.grade)*(share-before.share)/(p.share-before.share)
		return math.Round(g*100) / 100
	}
	return scale[len(scale)-1].grade
}

// GradeDay is the grade of a day's availability; a day that does not conform has 0.
func GradeDay(s Share) float64 {
	if !s.AtLeast(95, 100) {
		return 0
	}
	return grade(dayScale, s.Float())
}

// GradeLong is the grade of the long run.
func GradeLong(mean float64) float64 { return grade(longScale, mean) }

// GradeOverload is the grade of a share of answers 529.
func GradeOverload(s Share) float64 { return grade(overloadScale, s.Float()) }

// GradeReporting is the grade of the share of reports that is in after seven days.
func GradeReporting(s Share) float64 { return grade(reportingScale, s.Float()) }

// GradeLatency is the grade of a month's response times, of the worst endpoint's days: ten less the days
// over the limit, and where the month does not conform, by the area over it (the excess of all days
// as a share of their limits).
func GradeLatency(days []LatencyDay, budget time.Duration, month Verdict) float64 {
	over, excess := 0, time.Duration(0)
	for _, d := range days {
		if d.P95 > budget {
			over++
			excess += d.P95 - budget
		}
	}
	if month != NonConforming || len(days) == 0 {
		return math.Max(0, 10-float64(over))
	}
	return grade(excessScale, float64(excess)/float64(budget*time.Duration(len(days))))
}

// Grades are those of the monitoring's panels, each of the worst endpoint and, where it is of a month, of the
// last one. What the record says nothing of has none.
type Grades struct {
	Day       *float64 `json:"day,omitempty"` // the worst day of availability by traffic, services apart
	LongRun   *float64 `json:"longRun,omitempty"`
	Response  *float64 `json:"responseTime,omitempty"`
	Overload  *float64 `json:"overload,omitempty"`
	Reporting *float64 `json:"reporting,omitempty"`
}

// grades takes the worst of each; server is whose reporting counts, and "" is everybody's.
func (r *Report) grades(server string) (g Grades) {
	worst := func(of **float64, grade float64) {
		if *of == nil || grade < **of {
			*of = &grade
		}
	}
	for _, e := range r.Endpoints {
		if t := e.Traffic; t != nil && !e.Service {
			worst(&g.Day, t.DayGrade)
			if t.LongRun != nil {
				worst(&g.LongRun, t.LongGrade)
			}
		}
		if l := e.Latency; l != nil {
			worst(&g.Response, l.Months[len(l.Months)-1].Grade)
		}
	}
	for _, o := range r.Overload {
		worst(&g.Overload, o.Grade)
	}
	for _, f := range r.Reporting {
		if server == "" || f.Organisation == server {
			worst(&g.Reporting, f.Grade)
		}
	}
	return g
}

// Text is the grades in a line: "day 0, ninety days 8.42, response time 10, 529 10".
func (g Grades) Text() string {
	var parts []string
	for _, one := range []struct {
		what  string
		grade *float64
	}{{"day", g.Day}, {"ninety days", g.LongRun}, {"response time", g.Response}, {"529", g.Overload}, {"reporting", g.Reporting}} {
		if one.grade != nil {
			parts = append(parts, fmt.Sprintf("%s %g", one.what, *one.grade))
		}
	}
	return strings.Join(parts, ", ")
}
