package availability

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// rowsOnScreen and reasonsOnScreen are what a screen holds; files hold all.
const rowsOnScreen, reasonsOnScreen = 12, 8

// Text prints the report as a table that fits a screen, the worst endpoints first; whole prints all of it.
func (r *Report) Text(w io.Writer, whole bool) {
	rows := [][]string{{"endpoint", "worst day", "traffic", "probing", "90 days", "worst p95", "limit", ""}}
	for i, e := range r.Endpoints {
		if i == rowsOnScreen && !whole {
			break
		}
		rows = append(rows, e.cells(r.label(e.Series)))
	}
	columns(w, rows)
	if more := len(r.Endpoints) - rowsOnScreen; more > 0 && !whole {
		_, _ = fmt.Fprintf(w, "  and %d more, none worse\n", more)
	}
	if n := r.Institution; n != nil {
		_, _ = fmt.Fprintf(w, "\n  the institution by probing: worst day %s %s, ninety days %s\n", n.WorstDay, Percent(n.Worst.Float()), longCell(n.LongRun))
	}
	if grades := r.Grades.Text(); grades != "" {
		_, _ = fmt.Fprintf(w, "\n  grades from 0 to 10, of the worst endpoint: %s\n", grades)
	}
	for i, why := range r.Reasons {
		if i == 0 {
			_, _ = fmt.Fprintln(w)
		}
		if i == reasonsOnScreen && !whole {
			_, _ = fmt.Fprintf(w, "  … and %d more\n", len(r.Reasons)-i)
			break
		}
		_, _ = fmt.Fprintf(w, "  ✗ %s\n", why)
	}
	shown := 0
	for _, d := range r.Differences {
		if !d.Disagree {
			continue
		}
		if shown++; shown > 3 && !whole {
			_, _ = fmt.Fprintf(w, "  ≠ and more days on which the two computations disagree\n")
			break
		}
		_, _ = fmt.Fprintf(w, "  ≠ %s %s: %s by probing, %s by traffic: %s\n", d.Day, d.Endpoint, Percent(d.Probing.Float()), Percent(d.Traffic.Float()), d.Why)
	}
	for _, n := range r.Notes {
		_, _ = fmt.Fprintf(w, "  ! %s\n", n)
	}
}

func longCell(l *LongRun) string {
	if l == nil {
		return "–"
	}
	if l.Verdict == Undefined {
		return Percent(l.Mean) + "*"
	}
	return Percent(l.Mean)
}

func (e *Endpoints) cells(label string) []string {
	row := []string{label, "–", "–", "–", "–", "–", "–", e.Verdict.Symbol()}
	day := func(d Day, s Share) {
		if s.Part < s.Whole {
			row[1] = d.String()
		}
	}
	if p := e.Probing; p != nil {
		row[3], row[4] = Percent(p.Worst.Float()), longCell(p.LongRun)
		day(p.WorstDay, p.Worst)
	}
	if t := e.Traffic; t != nil {
		row[2], row[4] = Percent(t.Worst.Float()), longCell(t.LongRun)
		day(t.WorstDay, t.Worst)
	}
	if l := e.Latency; l != nil {
		worst := 0.0
		for _, d := range l.Days {
			worst = max(worst, d.P95Ms)
		}
		row[5], row[6] = fmt.Sprintf("%.0f ms", worst), fmt.Sprintf("%.0f ms", e.BudgetMs)
	}
	return row
}

// Symbol stands beside every colour, so that no meaning hangs on colour alone.
func (v Verdict) Symbol() string {
	switch v {
	case Conforming:
		return "✓"
	case Tolerated:
		return "!"
	case NonConforming:
		return "✗"
	case Undefined:
	}
	return "–"
}

// short leaves out what all endpoints share.
func short(endpoint string) string {
	s := strings.TrimPrefix(endpoint, "/open-banking/")
	if utf8.RuneCountInString(s) > 58 {
		r := []rune(s)
		s = string(r[:20]) + "…" + string(r[len(r)-37:])
	}
	return s
}

// label names an endpoint in a table. Where several institutions are in the record, those with fewer endpoints
// than the main one are told apart by the beginning of their id.
func (r *Report) label(s Series) string {
	name := short(s.Endpoint)
	if s.Server == r.main() || s.Server == "" {
		return name
	}
	return name + " of " + s.Server[:min(8, len(s.Server))] + "…"
}

// main is the institution with most endpoints.
func (r *Report) main() string {
	count, best := map[string]int{}, ""
	for i := range r.Endpoints {
		count[r.Endpoints[i].Server]++
	}
	for server, n := range count {
		if n > count[best] || n == count[best] && server < best {
			best = server
		}
	}
	return best
}

func columns(w io.Writer, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line += " " + cell + pad
			} else {
				line += "  " + pad + cell
			}
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// Period names a stretch of days, or the one day that it is.
func Period(from, to Day) string {
	if from == to {
		return from.String()
	}
	return from.String() + " to " + to.String()
}

// Sentence says the verdict in one line.
func (r *Report) Sentence() string {
	bad := 0
	for _, e := range r.Endpoints {
		if e.Verdict == NonConforming {
			bad++
		}
	}
	what := fmt.Sprintf("%s, %s", Period(r.From, r.To), Count(len(r.Endpoints), "endpoint"))
	if r.Input != nil {
		what += ", " + Count(r.Input.Calls, "call") + ", " + Count(r.Input.Probes, "probe")
	}
	if bad > 0 {
		what = fmt.Sprintf("%d of %s; %s", bad, Count(len(r.Endpoints), "endpoint"), what)
	}
	return what
}

// JSON writes the content of availability.json.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}

// Span writes a length of time as people read it: "1 h 12 min", "2 min 30 s", "45 s", "none".
func Span(seconds int64) string {
	var parts []string
	for _, part := range []struct {
		n    int64
		unit string
	}{{seconds / 3600, "h"}, {seconds / 60 % 60, "min"}, {seconds % 60, "s"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.unit))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, " ")
}

// Count writes a number of things in words that agree with it: "1 day", "2 days".
func Count[N int | int64 | uint64](n N, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
