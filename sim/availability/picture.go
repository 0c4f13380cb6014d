package availability

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
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

// Calendars draw the two computations, days × endpoints.
func (v View) Calendars() []Calendar {
	var out []Calendar
	if traffic := v.byTraffic(); len(traffic.Rows) > 0 {
		out = append(out, traffic)
	}
	if probing := v.byProbing(); len(probing.Rows) > 0 {
		out = append(out, probing)
	}
	return out
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
	Days   int
	Months []mark // above their first day
	Rows   []calendarRow
}

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

func (v View) calendar(title string) Calendar {
	c := Calendar{Title: title, Days: int(v.To-v.From) + 1}
	for d := v.From; d <= v.To; d++ {
		if d == v.From || strings.HasSuffix(d.String(), "-01") {
			c.Months = append(c.Months, mark{labels + int(d-v.From)*cellWidth, d.Month()})
		}
	}
	return c
}

// painted is a day as a calendar needs it.
type painted struct {
	day     Day
	share   Share
	verdict Verdict
	tip     string
	planned bool // stopped on purpose, and counted apart
}

func (c *Calendar) row(from Day, label, full string, long *LongRun, days []painted) {
	r := calendarRow{Y: 28 + len(c.Rows)*rowHeight, Label: label, Full: full, Mean: longCell(long)}
	at := map[Day]painted{}
	for _, d := range days {
		at[d.day] = d
	}
	for i := range c.Days {
		d := from + Day(i)
		p := at[d]
		next := cell{X: labels + i*cellWidth, Width: cellWidth, Class: "none", Tip: "no figure"}
		switch {
		case !p.share.Defined():
		case p.verdict == NonConforming:
			next.Class, next.Text, next.Tip = "bad", "✗", p.tip
		case p.share.Part < p.share.Whole:
			next.Class, next.Text, next.Tip = "low", "·", p.tip
			if p.share.AtLeast(995, 1000) {
				next.Class = "good"
			}
		case p.planned:
			next.Class, next.Text, next.Tip = "plan", "○", p.tip
		default:
			next.Class, next.Tip = "full", "available all day"
		}
		if n := len(r.Cells); n > 0 && next.Text == "" && r.Cells[n-1].Class == next.Class {
			r.Cells[n-1].Width += cellWidth
			continue
		}
		r.Cells = append(r.Cells, next)
	}
	c.Rows = append(c.Rows, r)
}

func (v View) byTraffic() Calendar {
	c := v.calendar("By traffic: minutes with calls that were available")
	for _, e := range v.Endpoints {
		if e.Traffic == nil {
			continue
		}
		var days []painted
		for _, d := range e.Traffic.Days {
			days = append(days, painted{d.Day, d.Availability, d.Verdict,
				fmt.Sprintf("%s: %s by traffic, %d of %d minutes; %d calls failed of %d", d.Day, Percent(d.Availability.Float()), d.Up, d.Minutes, d.Failure, d.Success+d.Failure), false})
		}
		c.row(v.From, short(e.Endpoint), e.Endpoint+" "+e.Server, e.Traffic.LongRun, days)
	}
	return c
}

func (v View) byProbing() Calendar {
	c := v.calendar("By probing: what the institution says of itself every thirty seconds")
	add := func(label, full string, p *ByProbing) {
		var days []painted
		for _, d := range p.Days {
			tip := fmt.Sprintf("%s: %s by probing, %s down", d.Day, Percent(d.Availability.Float()), Span(d.Down))
			if d.Scheduled > 0 {
				tip += ", " + Span(d.Scheduled) + " scheduled apart"
			}
			days = append(days, painted{d.Day, d.Availability, d.Verdict, tip, d.Scheduled > 0})
		}
		c.row(v.From, label, full, p.LongRun, days)
	}
	if v.Institution != nil {
		add("the institution", "any endpoint down", v.Institution)
	}
	for _, e := range v.Endpoints {
		if e.Probing != nil {
			add(short(e.Endpoint), e.Endpoint, e.Probing)
		}
	}
	return c
}
