package availability

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Filing is what became of the two reports that one call owes the metrics platform.
type Filing struct {
	At               time.Time // of the call
	Method, Endpoint string
	Client, Server   string    // organisations
	ClientAt         time.Time // when the client's report was taken in; zero is never
	ServerAt         time.Time
	// Inconsistent says that the two sides tell different things.
	Inconsistent bool
	// Known is up to when it is known what came in; zero is for ever. What is not in by then, and is not
	// late yet, is neither owed nor missing.
	Known time.Time
}

// The two instants at which reports are counted: 08:00 of the next day, and seven days after the call
// (monitoring page on reporting).
const (
	morning = 24*time.Hour + 8*time.Hour
	week    = 7 * 24 * time.Hour
)

// Timeliness computes whether reports came in time, by organisation, endpoint and method. The zero value
// is empty and ready.
type Timeliness struct{ rows map[filingKey]*FilingDay }

type filingKey struct {
	Organisation, Method, Endpoint string
	Day                            Day
}

// FilingDay is one organisation's reporting of one endpoint and method, of the calls of one day. What is
// owed is what either side told of; what is missing, the other side's account alone.
type FilingDay struct {
	Day          Day    `json:"date"`
	Organisation string `json:"organisation"`
	Method       string `json:"method"`
	Endpoint     string `json:"endpoint"`

	Owed8        int64 `json:"owedAt8"`
	Missing8     int64 `json:"missingAt8"`
	Owed7        int64 `json:"owedAt7Days"`
	Missing7     int64 `json:"missingAt7Days"`
	Inconsistent int64 `json:"inconsistentAt7Days"`
}

// At8 is the share that was in by 08:00 of the next day.
func (f FilingDay) At8() Share { return Share{f.Owed8 - f.Missing8, f.Owed8} }

// At7 is the share that was in after seven days.
func (f FilingDay) At7() Share { return Share{f.Owed7 - f.Missing7, f.Owed7} }

// Paired7 is the share that was in and told the same, after seven days.
func (f FilingDay) Paired7() Share { return Share{f.Owed7 - f.Missing7 - f.Inconsistent, f.Owed7} }

func (f *FilingDay) plus(o FilingDay) {
	f.Owed8 += o.Owed8
	f.Missing8 += o.Missing8
	f.Owed7 += o.Owed7
	f.Missing7 += o.Missing7
	f.Inconsistent += o.Inconsistent
}

// Add takes what became of one call.
func (t *Timeliness) Add(f Filing) {
	d := DayOf(f.At)
	eight, seven := d.Start().Add(morning), f.At.Add(week)
	in := func(at, until time.Time) bool { return !at.IsZero() && !at.After(until) }
	open := func(own, until time.Time) bool { return own.IsZero() && !f.Known.IsZero() && f.Known.Before(until) }
	each := func(organisation string, own, other time.Time) {
		if organisation == "" {
			return
		}
		row := t.row(filingKey{organisation, f.Method, f.Endpoint, d})
		if (in(own, eight) || in(other, eight)) && !open(own, eight) {
			row.Owed8++
			if !in(own, eight) {
				row.Missing8++
			}
		}
		if (in(own, seven) || in(other, seven)) && !open(own, seven) {
			row.Owed7++
			switch {
			case !in(own, seven):
				row.Missing7++
			case f.Inconsistent && in(other, seven):
				row.Inconsistent++
			}
		}
	}
	each(f.Client, f.ClientAt, f.ServerAt)
	each(f.Server, f.ServerAt, f.ClientAt)
}

func (t *Timeliness) row(k filingKey) *FilingDay {
	if t.rows == nil {
		t.rows = map[filingKey]*FilingDay{}
	}
	if t.rows[k] == nil {
		t.rows[k] = &FilingDay{Day: k.Day, Organisation: k.Organisation, Method: k.Method, Endpoint: k.Endpoint}
	}
	return t.rows[k]
}

// Merge takes everything that another computation holds.
func (t *Timeliness) Merge(o *Timeliness) {
	for k, row := range o.rows {
		t.row(k).plus(*row)
	}
}

// Rows lists everything, by organisation, day, endpoint and method.
func (t *Timeliness) Rows() []FilingDay {
	list := make([]FilingDay, 0, len(t.rows))
	for _, r := range t.rows {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b FilingDay) int {
		return cmp.Or(strings.Compare(a.Organisation, b.Organisation), cmp.Compare(a.Day, b.Day),
			strings.Compare(a.Endpoint, b.Endpoint), strings.Compare(a.Method, b.Method))
	})
	return list
}

// Days sums an organisation's endpoints by day, in order; the rows come without method and endpoint.
func (t *Timeliness) Days(organisation string) []FilingDay {
	var days []FilingDay
	for _, r := range t.Rows() {
		if r.Organisation != organisation {
			continue
		}
		if n := len(days); n == 0 || days[n-1].Day != r.Day {
			days = append(days, FilingDay{Day: r.Day, Organisation: organisation})
		}
		days[len(days)-1].plus(r)
	}
	return days
}

// Short says whether the platform would write a ticket for the row: below 95 % at 08:00, or below 99 % after
// seven days, of an endpoint and method.
func (f FilingDay) Short() bool {
	return f.Owed8 > 0 && !f.At8().AtLeast(95, 100) || f.Owed7 > 0 && !f.At7().AtLeast(99, 100)
}

// Tickets lists an organisation's rows that are short, by day, endpoint and method.
func (t *Timeliness) Tickets(organisation string) []FilingDay {
	return slices.DeleteFunc(t.Rows(), func(r FilingDay) bool { return r.Organisation != organisation || !r.Short() })
}

// FilingMonth is one organisation's month of reporting.
type FilingMonth struct {
	Month string `json:"month"`
	Days  int    `json:"days"`
	// Late is the days on which more than 5 % were missing at 08:00; Seven the share after seven days that
	// was in and told the same.
	Late    int     `json:"daysLate"`
	Seven   Share   `json:"after7Days"`
	Verdict Verdict `json:"verdict"`
}

// FilingMonths judges months: no more than three days late at 08:00, and no more than 1 % missing or
// inconsistent after seven days. Days must be in order.
func FilingMonths(days []FilingDay) []FilingMonth {
	var out []FilingMonth
	for _, d := range days {
		if n := len(out); n == 0 || out[n-1].Month != d.Day.Month() {
			out = append(out, FilingMonth{Month: d.Day.Month()})
		}
		m := &out[len(out)-1]
		m.Days++
		if d.Owed8 > 0 && !d.At8().AtLeast(95, 100) {
			m.Late++
		}
		seven := d.Paired7()
		m.Seven.Part, m.Seven.Whole = m.Seven.Part+seven.Part, m.Seven.Whole+seven.Whole
		m.Verdict = verdict(m.Late <= 3 && (m.Seven.Whole == 0 || m.Seven.AtLeast(99, 100)))
	}
	return out
}
