package availability

import (
	"maps"
	"slices"
)

// Overload computes the share of answers 529, by institution (monitoring page on the volume of 529). The
// zero value is empty and ready.
type Overload struct{ days map[string]map[Day]Share }

// Add takes a call; the whole is all valid calls.
func (o *Overload) Add(c Call) {
	if !Valid(c.Status) || c.Counts() != "" {
		return
	}
	n := Share{Whole: 1}
	if c.Status == 529 {
		n.Part = 1
	}
	o.add(c.Server, DayOf(c.At), n)
}

func (o *Overload) add(server string, d Day, n Share) {
	if o.days == nil {
		o.days = map[string]map[Day]Share{}
	}
	if o.days[server] == nil {
		o.days[server] = map[Day]Share{}
	}
	have := o.days[server][d]
	o.days[server][d] = Share{have.Part + n.Part, have.Whole + n.Whole}
}

// Merge takes everything that another computation holds.
func (o *Overload) Merge(other *Overload) {
	for server, days := range other.days {
		for d, n := range days {
			o.add(server, d, n)
		}
	}
}

// Servers lists the institutions, in order.
func (o *Overload) Servers() []string { return slices.Sorted(maps.Keys(o.days)) }

// OverloadDay is one institution's day.
type OverloadDay struct {
	Day     Day     `json:"date"`
	Refused int64   `json:"refused"` // answered 529
	Valid   int64   `json:"valid"`
	Share   Share   `json:"share"`
	Verdict Verdict `json:"verdict"` // conforming under 0.5 %
}

// Days lists an institution's days, in order.
func (o *Overload) Days(server string) []OverloadDay {
	var list []OverloadDay
	for d, n := range o.days[server] {
		list = append(list, OverloadDay{d, n.Part, n.Whole, n, verdict(!n.AtLeast(5, 1000))})
	}
	slices.SortFunc(list, func(a, b OverloadDay) int { return int(a.Day - b.Day) })
	return list
}

// OverloadMonth is one institution's month.
type OverloadMonth struct {
	Month   string  `json:"month"`
	Days    int     `json:"days"`
	Good    int     `json:"daysConforming"`
	Beyond  int     `json:"daysBeyond"` // above 5 %: one is enough to fail
	Share   Share   `json:"share"`
	Verdict Verdict `json:"verdict"`
}

// OverloadMonths judges months: at least 90 % of the days under 0.5 %, and none above 5 %. Days must be in
// order and of the period; what it does not hold may mend a month, as in [LatencyMonths].
func OverloadMonths(days []OverloadDay, of Extent) []OverloadMonth {
	var out []OverloadMonth
	for _, d := range days {
		if n := len(out); n == 0 || out[n-1].Month != d.Day.Month() {
			out = append(out, OverloadMonth{Month: d.Day.Month()})
		}
		m := &out[len(out)-1]
		m.Days++
		m.Share.Part, m.Share.Whole = m.Share.Part+d.Refused, m.Share.Whole+d.Valid
		if d.Verdict == Conforming {
			m.Good++
		}
		if d.Share.Above(5, 100) {
			m.Beyond++
		}
		m.Verdict = mostly(m.Good, m.Days, m.Beyond, of.unseen(d.Day))
	}
	return out
}
