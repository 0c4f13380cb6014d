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
		rows = append(rows, e.cells())
	}
	columns(w, rows)
	if more := len(r.Endpoints) - rowsOnScreen; more > 0 && !whole {
		_, _ = fmt.Fprintf(w, "  and %d more, none worse\n", more)
	}
	if n := r.Institution; n != nil {
		_, _ = fmt.Fprintf(w, "\n  the institution by probing: worst day %s %s, ninety days %s\n", n.WorstDay, Percent(n.Worst.Float()), longCell(n.LongRun))
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

func (e *Endpoints) cells() []string {
	row := []string{short(e.Endpoint), "–", "–", "–", "–", "–", "–", e.Verdict.Symbol()}
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

// Sentence says the verdict in one line.
func (r *Report) Sentence() string {
	bad := 0
	for _, e := range r.Endpoints {
		if e.Verdict == NonConforming {
			bad++
		}
	}
	what := fmt.Sprintf("%s to %s, %d endpoints", r.From, r.To, len(r.Endpoints))
	if r.Input != nil {
		what += fmt.Sprintf(", %d calls, %d probes", r.Input.Calls, r.Input.Probes)
	}
	if bad > 0 {
		what = fmt.Sprintf("%d of %d endpoints; %s", bad, len(r.Endpoints), what)
	}
	return what
}

// JSON writes the content of availability.json.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}
