package availability

import (
	"cmp"
	"fmt"
	"slices"
)

// Difference is one endpoint's day on which the two computations do not say the same, and why.
type Difference struct {
	Day      Day    `json:"date"`
	Server   string `json:"server,omitempty"`
	Endpoint string `json:"endpoint"`
	Probing  Share  `json:"probing"`
	Traffic  Share  `json:"traffic"`
	// Disagree says that the verdicts differ, not only the figures.
	Disagree bool   `json:"disagree"`
	Why      string `json:"why"`
}

// Reconcile lays the two computations side by side for every endpoint and day that either knows, and
// explains each difference. The probes are those of one institution; server names it in the traffic, and
// "" takes every series.
func Reconcile(p *Probing, t *Traffic, server string) []Difference {
	series := map[Series]bool{}
	for _, s := range t.Series() {
		if server == "" || s.Server == server {
			series[s] = true
		}
	}
	for _, e := range p.Endpoints() {
		known := false
		for s := range series {
			known = known || s.Endpoint == e
		}
		if !known {
			series[Series{server, e}] = true
		}
	}
	var out []Difference
	for s := range series {
		days := map[Day]bool{}
		for d := range p.days {
			days[d] = true
		}
		for d := range t.series[s] {
			days[d] = true
		}
		for d := range days {
			if diff, differs := reconcile(s, p.Day(s.Endpoint, d), t.Day(s, d)); differs {
				out = append(out, diff)
			}
		}
	}
	slices.SortFunc(out, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	return out
}

func reconcile(s Series, p ProbedDay, t TrafficDay) (Difference, bool) {
	d := Difference{Day: t.Day, Server: s.Server, Endpoint: s.Endpoint, Probing: p.Availability, Traffic: t.Availability}
	lost := t.Minutes - t.Up
	switch {
	case p.Probes == 0 && t.Minutes == 0:
		return d, false
	case p.Probes == 0:
		d.Why = "no probes that day"
	case t.Minutes == 0 && p.Down == 0 && p.Scheduled == 0:
		return d, false // nothing was asked and nothing was down
	case t.Minutes == 0:
		d.Why = fmt.Sprintf("%s by probing, but no valid call came that day: traffic has no figure", stopped(p))
	case p.Scheduled > 0 && lost > 0 && p.Down == 0:
		d.Why = fmt.Sprintf("%s scheduled: probing counts it apart, traffic gives no exemption", Span(p.Scheduled))
	case p.Down > 0 && lost == 0:
		d.Why = fmt.Sprintf("%s by probing, but every minute with calls was available: none came while it was down, or they were answered", stopped(p))
	case p.Scheduled > 0 && lost == 0:
		d.Why = fmt.Sprintf("%s scheduled, but every minute with calls was available", Span(p.Scheduled))
	case p.Down == 0 && lost > 0:
		d.Why = fmt.Sprintf("%d of %d minutes with calls were below 95 %%, from %s, but the status never said so: it did not notice, or the calls failed for another reason",
			lost, t.Minutes, clockTime(t.down[0]))
	case p.Availability.Part*t.Availability.Whole == t.Availability.Part*p.Availability.Whole:
		return d, false
	case p.Scheduled > 0:
		d.Why = fmt.Sprintf("%s and %s scheduled by probing, which counts the second apart; %d of %d minutes with calls by traffic, which does not", stopped(p), Span(p.Scheduled), lost, t.Minutes)
	default:
		d.Why = fmt.Sprintf("%s of 24 h by probing, %d of %d minutes with calls by traffic: only minutes with calls count there, each whole", stopped(p), lost, t.Minutes)
	}
	d.Disagree = p.Verdict != t.Verdict && p.Verdict != Undefined && t.Verdict != Undefined
	return d, true
}

func stopped(p ProbedDay) string {
	if p.Down == 0 {
		return Span(p.Scheduled) + " scheduled"
	}
	return Span(p.Down) + " down"
}

func clockTime(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
