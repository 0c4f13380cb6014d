package pcm

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The tolerance for days below the 08:00 target, and the bounds of the monthly verdict.
const (
	tolerated30   = 4
	tolerated90   = 10
	toleratedDays = 3
	weekBound     = 1.0 // percent of UNPAIRED and PAIRED_INCONSISTENT at seven days
)

// Verdict is how an organisation stands in a month (item 2.4 of the monitoring).
type Verdict struct {
	Org   string `json:"orgId"`
	Month string `json:"month"`
	// Bad are the days of the month with too much UNPAIRED at 08:00; more than three are one cause.
	Bad []string `json:"daysBelow"`
	// AtWeek is the share of what was neither missing nor inconsistent at seven days, in percent.
	AtWeek float64 `json:"at7days"`
	Grade  float64 `json:"grade"` // 99 % is 7, 100 % is 10, 85 % and less is 0, linear in between
	// Breaches are the days below the 08:00 target on any endpoint in the 30 and 90 days up to the month's
	// last closed day; the tolerance is 4 and 10.
	Breaches30  int    `json:"breachesIn30Days"`
	Breaches90  int    `json:"breachesIn90Days"`
	Tolerated   bool   `json:"withinTolerance"`
	Conforming  bool   `json:"conforming"`
	Provisional bool   `json:"provisional"` // not every day of the month has come to its seven days
	Reason      string `json:"reason,omitempty"`
}

// Verdicts judges a month, "2026-09", for every organisation that took part. An organisation answers for
// what it did not report itself (the counterpart's report is UNPAIRED) and for what both reported
// differently. Take [PCM.Flush] first.
func (p *PCM) Verdicts(month string) ([]Verdict, error) {
	begin, err := time.Parse("2006-01", month)
	if err != nil {
		return nil, fmt.Errorf("month is one such as 2026-09: %w", err)
	}
	d, now := p.Dialect(), p.cfg.Clock.Now()
	first, end := int32(begin.Unix()/86400), int32(begin.AddDate(0, 1, 0).Unix()/86400)-1
	closed := end // the last day whose 08:00 has passed
	for closed >= first && now.Before(d.due(startOf(closed, d.zone()))) {
		closed--
	}
	t := p.tallyOf(d, closed-89, end)
	type daily struct{ missing, all int }
	type sum struct {
		days     map[int32]*daily
		below    map[int32]bool
		bad, all int // at seven days
	}
	sums := map[uint32]*sum{}
	for k, c := range t.cells {
		s := sums[k.org]
		if s == nil {
			s = &sum{days: map[int32]*daily{}, below: map[int32]bool{}}
			sums[k.org] = s
		}
		eight, week := &c[atEight], &c[atWeek]
		if k.day <= closed && !p.waived(d, k.day) {
			if s.days[k.day] == nil {
				s.days[k.day] = &daily{}
			}
			s.days[k.day].missing += eight.missing
			s.days[k.day].all += eight.missing + eight.judged()
			if below(eight.sla(), thresholds(dayName(k.day)).eight) {
				s.below[k.day] = true
			}
		}
		if k.day >= first {
			s.bad += week.missing + week.inconsistent
			s.all += week.missing + week.judged()
		}
	}
	out := []Verdict{}
	for org, s := range sums {
		v := Verdict{Org: t.orgs[org], Month: month, AtWeek: 100, Bad: []string{}, Provisional: now.Before(startOf(end, d.zone()).AddDate(0, 0, 8))}
		if s.all > 0 {
			v.AtWeek = 100 - 100*float64(s.bad)/float64(s.all)
		}
		for day, n := range s.days {
			if day >= first && n.all > 0 && below(100*(1-float64(n.missing)/float64(n.all)), thresholds(dayName(day)).eight) {
				v.Bad = append(v.Bad, dayName(day))
			}
		}
		slices.Sort(v.Bad)
		for day := range s.below {
			v.Breaches90++
			if day > closed-30 {
				v.Breaches30++
			}
		}
		v.judge(thresholds(dayName(first)).week)
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Verdict) int { return cmp.Compare(a.Org, b.Org) })
	return out, nil
}

func startOf(day int32, zone *time.Location) time.Time {
	t := time.Unix(int64(day)*86400, 0).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
}

func (p *PCM) waived(d *Dialect, day int32) bool {
	start := startOf(day, d.zone())
	return p.faults.away(start, d.due(start))
}

func (v *Verdict) judge(week float64) {
	v.Tolerated = v.Breaches30 <= tolerated30 && v.Breaches90 <= tolerated90
	bound := weekBound
	if week < 99 {
		bound = 100 - week
	}
	switch {
	case len(v.Bad) > toleratedDays:
		v.Reason = fmt.Sprintf("more than %d days of the month with too much UNPAIRED at 08:00", toleratedDays)
	case below(v.AtWeek, 100-bound):
		v.Reason = fmt.Sprintf("more than %g %% UNPAIRED or PAIRED_INCONSISTENT at seven days", bound)
	default:
		v.Conforming = true
	}
	switch {
	case v.AtWeek >= 99:
		v.Grade = 7 + 3*(v.AtWeek-99)
	case v.AtWeek > 85:
		v.Grade = 7 * (v.AtWeek - 85) / 14
	}
}
