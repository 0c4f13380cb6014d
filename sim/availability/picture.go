package availability

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
)

//go:embed page.gohtml
var page string

var pageTemplate = template.Must(template.New("availability").Funcs(template.FuncMap{
	"percent": func(s Share) string {
		if !s.Defined() {
			return "–"
		}
		return Percent(s.Float())
	},
	"percentf": Percent,
	"long":     longCell,
	"short":    short,
	"symbol":   Verdict.Symbol,
}).Parse(page))

// View is what a page shows: a report, with the head of whoever made it.
type View struct {
	*Report
	Title, Lead string
	Facts       [][2]string // shown above the calendar
}

// Calendars draw the two computations and the response times, days × endpoints.
func (v View) Calendars() []Calendar {
	return slices.DeleteFunc([]Calendar{v.byTraffic(), v.byProbing(), v.byLatency()}, func(c Calendar) bool { return len(c.Rows) == 0 })
}

// HTML writes the report as one page that needs nothing else.
func (r *Report) HTML(w io.Writer) error {
	title := "Availability"
	if r.Name != "" {
		title += " of " + r.Name
	}
	return View{Report: r, Title: title, Lead: r.Sentence()}.HTML(w)
}

// HTML writes the page.
func (v View) HTML(w io.Writer) error {
	if err := pageTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("draw the page: %w", err)
	}
	return nil
}

// Calendar is a picture of days × endpoints.
type Calendar struct {
	Title  string
	Key    []keyed // what the colours mean
	Days   int
	Months []mark // above their first day
	Rows   []calendarRow
}

type keyed struct{ Class, Text, Means string }

// keyOfShares and keyOfTimes name the days of availability and of response time.
var (
	keyOfShares = []keyed{{"full", "", "all day"}, {"good", "·", "99.5 % or more"}, {"low", "·", "95 % or more"}, {"bad", "✗", "below 95 %"}, {"plan", "○", "scheduled, counted apart"},
		{"none", "", "no figure"}, {"", "", "at the right the mean of ninety days; * is of fewer, and not judged"}}
	keyOfTimes = []keyed{{"full", "", "p95 within the limit of the class"}, {"low", "!", "up to 1.2 times the limit"}, {"bad", "✗", "more"}, {"none", "", "no figure"}, {"", "", "at the right the worst p95"}}
)

type mark struct {
	X    int
	Text string
}

type calendarRow struct {
	Y     int
	Label string
	Full  string
	Cells []cell
	Mean  string
}

// cell is one day; days without a fault and without traffic are drawn as one run of days.
type cell struct {
	X, Width int
	Class    string // full, good, low, bad, plan, none
	Text     string
	Tip      string
}

// The measures of a calendar, in pixels.
const (
	cellWidth = 13
	rowHeight = 17
	labels    = 430
)

// Width is that of the picture.
func (c Calendar) Width() int { return labels + c.Days*cellWidth + 90 }

// Height is that of the picture.
func (c Calendar) Height() int { return 34 + len(c.Rows)*rowHeight }

// Edge is where the days end.
func (c Calendar) Edge() int { return labels + c.Days*cellWidth + 8 }

func (v View) calendar(title string, key []keyed) Calendar {
	c := Calendar{Title: title, Key: key, Days: int(v.To-v.From) + 1}
	const wide = 5 // days that a month's name takes
	for d := v.From; d <= v.To; d++ {
		if first := d.monthStart(); d == first || d == v.From && first.nextMonth()-d >= wide {
			c.Months = append(c.Months, mark{labels + int(d-v.From)*cellWidth, d.Month()})
		}
	}
	return c
}

// painted is a day as a calendar needs it.
type painted struct {
	day              Day
	class, text, tip string
}

// ofShare paints a day of availability; planned says that something was stopped on purpose, and counted apart.
func ofShare(d Day, s Share, v Verdict, planned bool, tip string) painted {
	switch {
	case !s.Defined():
		return painted{d, "none", "", "no figure"}
	case v == NonConforming:
		return painted{d, "bad", "✗", tip}
	case s.Part < s.Whole && s.AtLeast(995, 1000):
		return painted{d, "good", "·", tip}
	case s.Part < s.Whole:
		return painted{d, "low", "·", tip}
	case planned:
		return painted{d, "plan", "○", tip}
	}
	return painted{d, "full", "", "available all day"}
}

func (c *Calendar) row(from Day, label, full, mean string, days []painted) {
	r := calendarRow{Y: 28 + len(c.Rows)*rowHeight, Label: label, Full: full, Mean: mean}
	at := map[Day]painted{}
	for _, d := range days {
		at[d.day] = d
	}
	for i := range c.Days {
		p, known := at[from+Day(i)]
		if !known {
			p = painted{class: "none", tip: "no figure"}
		}
		if n := len(r.Cells); n > 0 && p.text == "" && r.Cells[n-1].Class == p.class {
			r.Cells[n-1].Width += cellWidth
			continue
		}
		r.Cells = append(r.Cells, cell{X: labels + i*cellWidth, Width: cellWidth, Class: p.class, Text: p.text, Tip: p.tip})
	}
	c.Rows = append(c.Rows, r)
}

func (v View) byTraffic() Calendar {
	c := v.calendar("By traffic: minutes with calls that were available", keyOfShares)
	for _, e := range v.Endpoints {
		if e.Traffic == nil {
			continue
		}
		var days []painted
		for _, d := range e.Traffic.Days {
			days = append(days, ofShare(d.Day, d.Availability, d.Verdict, false,
				fmt.Sprintf("%s: %s by traffic, %d of %d minutes; %d calls failed of %d", d.Day, Percent(d.Availability.Float()), d.Up, d.Minutes, d.Failure, d.Success+d.Failure)))
		}
		c.row(v.From, v.label(e.Series), e.Endpoint+" "+e.Server, longCell(e.Traffic.LongRun), days)
	}
	return c
}

func (v View) byProbing() Calendar {
	c := v.calendar("By probing: what the institution says of itself every thirty seconds", keyOfShares)
	add := func(label, full string, p *ByProbing) {
		var days []painted
		for _, d := range p.Days {
			tip := fmt.Sprintf("%s: %s by probing, %s down", d.Day, Percent(d.Availability.Float()), Span(d.Down))
			if d.Scheduled > 0 {
				tip += ", " + Span(d.Scheduled) + " scheduled apart"
			}
			days = append(days, ofShare(d.Day, d.Availability, d.Verdict, d.Scheduled > 0, tip))
		}
		c.row(v.From, label, full, longCell(p.LongRun), days)
	}
	if v.Institution != nil {
		add("the institution", "any endpoint down", v.Institution)
	}
	for _, e := range v.Endpoints {
		if e.Probing != nil {
			add(v.label(e.Series), e.Endpoint, e.Probing)
		}
	}
	return c
}

func (v View) byLatency() Calendar {
	c := v.calendar("By response time: the 95th percentile of a day", keyOfTimes)
	for _, e := range v.Endpoints {
		if e.Latency == nil {
			continue
		}
		var days []painted
		worst := 0.0
		for _, d := range e.Latency.Days {
			worst = max(worst, d.P95Ms)
			p := painted{d.Day, "full", "", "within the limit"}
			tip := fmt.Sprintf("%s: p95 %.0f ms of %s, limit %.0f ms", d.Day, d.P95Ms, Count(d.Count, "call"), e.BudgetMs)
			switch d.Verdict {
			case Tolerated:
				p = painted{d.Day, "low", "!", tip}
			case NonConforming:
				p = painted{d.Day, "bad", "✗", tip}
			case Conforming, Undefined:
			}
			days = append(days, p)
		}
		c.row(v.From, v.label(e.Series), e.Endpoint+" "+e.Server, fmt.Sprintf("%.0f ms", worst), days)
	}
	return c
}
