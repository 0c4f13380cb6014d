package availability

// LongDays is the length of the long run.
const LongDays = 90

// The limits of availability: of a day, and of the mean of ninety (availability page).
const (
	DayTarget  = 0.95
	LongTarget = 0.995
)

// Category is an institution's category at Pix, which sets the monthly mean that services owe.
type Category string

// least is what a category owes, in thousandths.
var least = map[Category]int64{"A": 995, "B": 990, "C": 985, "D": 950}

// Known says whether there is such a category: A, B, C or D.
func (c Category) Known() bool { return least[c] > 0 }

// Target is the monthly mean that the category owes.
func (c Category) Target() float64 { return float64(least[c]) / 1000 }

// Daily is a day's availability by either computation.
type Daily struct {
	Day          Day
	Availability Share
}

// Extent is the days of which a record tells, both included. A day in it without a figure had no traffic; one
// outside of it was not seen.
type Extent struct{ From, To Day }

// unseen counts the days of d's month outside the period, which must share a day with it.
func (p Extent) unseen(d Day) int {
	start := d.monthStart()
	return max(0, int(p.From-start)) + max(0, int(start.nextMonth()-1-p.To))
}

// periodOf spans the days of all series of one server.
func periodOf[V any](all map[Series]map[Day]V, server string) Extent {
	p, some := Extent{}, false
	for s, days := range all {
		if s.Server != server {
			continue
		}
		for d := range days {
			if !some {
				p, some = Extent{d, d}, true
			}
			p.From, p.To = min(p.From, d), max(p.To, d)
		}
	}
	return p
}

// LongRun is the mean of the last ninety days, as it stood at the end of one.
type LongRun struct {
	Day  Day     `json:"date"`
	Days int     `json:"days"` // with a figure, at most ninety
	Mean float64 `json:"mean"`
	// Verdict holds the exact mean against 99.5 %. It is undefined until the record reaches ninety days back,
	// unless the days to come could not mend it any more.
	Verdict Verdict `json:"verdict"`
}

// Rolling gives the long run at the end of every day that has a figure. Days must be in order and of the
// period; days without a figure are no part of the mean.
func Rolling(days []Daily, of Extent) []LongRun {
	var out []LongRun
	first := 0
	for i, d := range days {
		for days[first].Day <= d.Day-LongDays {
			first++
		}
		if d.Availability.Defined() {
			m := meanOf(days[first : i+1])
			unseen := max(0, int(of.From+LongDays-1-d.Day))
			out = append(out, LongRun{d.Day, len(m.shares), m.float(), m.judge(995, 1000, unseen)})
		}
	}
	return out
}

func meanOf(days []Daily) *mean {
	m := &mean{shares: make([]Share, 0, len(days))}
	for _, d := range days {
		m.add(d.Availability)
	}
	return m
}

// Month is an endpoint's month by either computation.
type Month struct {
	Month string  `json:"month"` // YYYY-MM
	Days  int     `json:"days"`  // with a figure
	Below int     `json:"daysBelow"`
	Mean  float64 `json:"mean"`
	// Long is the long run at the end of the month's last day, and LongBelow the days on which it did not
	// conform.
	Long      float64 `json:"longRun"`
	LongBelow int     `json:"longRunBelow"`
	Verdict   Verdict `json:"verdict"`
}

// Months judges the months of a data endpoint: every day at 95 % or more, and at the end of every day a long
// run at 99.5 % or more.
func Months(days []Daily, of Extent) []Month {
	long := map[Day]LongRun{}
	for _, l := range Rolling(days, of) {
		long[l.Day] = l
	}
	var out []Month
	for group := range months(days) {
		m := Month{Month: group[0].Day.Month(), Mean: meanOf(group).float(), Verdict: Undefined}
		for _, d := range group {
			if !d.Availability.Defined() {
				continue
			}
			m.Days++
			if !d.Availability.AtLeast(95, 100) {
				m.Below++
			}
			m.Long = long[d.Day].Mean
			if long[d.Day].Verdict == NonConforming {
				m.LongBelow++
			}
		}
		if m.Days > 0 {
			m.Verdict = verdict(m.Below == 0 && m.LongBelow == 0)
		}
		out = append(out, m)
	}
	return out
}

// ServiceMonths judges the months of a service: its monthly mean against what the category owes. A month that
// the record does not hold whole is undefined, unless its other days could not mend it any more. Days must be
// in order.
func ServiceMonths(days []Daily, of Extent, c Category) []Month {
	var out []Month
	for group := range months(days) {
		mean := meanOf(group)
		m := Month{Month: group[0].Day.Month(), Days: len(mean.shares), Mean: mean.float(), Verdict: Undefined}
		for _, d := range group {
			if d.Availability.Defined() && !d.Availability.AtLeast(least[c], 1000) {
				m.Below++
			}
		}
		if m.Days > 0 {
			m.Verdict = mean.judge(least[c], 1000, of.unseen(group[0].Day))
		}
		out = append(out, m)
	}
	return out
}

// months cuts days that are in order into their months.
func months(days []Daily) func(yield func([]Daily) bool) {
	return func(yield func([]Daily) bool) {
		for len(days) > 0 {
			n, month := 0, days[0].Day.Month()
			for n < len(days) && days[n].Day.Month() == month {
				n++
			}
			if !yield(days[:n]) {
				return
			}
			days = days[n:]
		}
	}
}
