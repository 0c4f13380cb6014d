package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed report.gohtml
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"lower":   strings.ToLower,
	"upper":   func(v any) string { return strings.ToUpper(fmt.Sprint(v)) },
	"join":    strings.Join,
	"human":   func(ms int64) string { return Human(time.Duration(ms) * time.Millisecond) },
	"time":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") },
	"symbol":  Status.Symbol,
	"percent": func(n, of int) string { return fmt.Sprintf("%.3f%%", 100*float64(n)/float64(max(of, 1))) },
	"claims":  func(m json.RawMessage) string { return string(m) },
	"words": func(c Check) string {
		return strings.ToLower(strings.Join([]string{c.ID, c.Name, c.Title, c.Plan, c.Area, strings.Join(c.Rules, " "), c.Expected, c.Received, c.Reason}, " "))
	},
	"isopen": func(s Status) bool { return s == Fail || s == Error || s == Fixed },
}).Parse(page))

// Symbol stands beside every colour, so that no meaning hangs on colour alone.
func (s Status) Symbol() string {
	switch s {
	case Pass:
		return "✓"
	case Fail:
		return "✗"
	case Warn:
		return "!"
	case Skip:
		return "–"
	case Review:
		return "?"
	case KnownFail:
		return "≈"
	case Fixed:
		return "↑"
	case Error:
		return "⚠"
	case Unavailable:
		return "∅"
	}
	return "·"
}

type htmlView struct {
	*Report
	AreaList    []Area
	TroubleList []Check
	StatusList  []Status
	Plans       []string
	Verdicts    map[Verdict]string
}

// HTML writes the whole report as one file that needs nothing else: no server, no network, no script for
// reading.
func (r *Report) HTML(w io.Writer) error {
	v := htmlView{Report: r, AreaList: r.Areas(), TroubleList: r.Troubles()}
	for _, s := range Statuses() {
		if r.Summary.Of(s) > 0 {
			v.StatusList = append(v.StatusList, s)
		}
	}
	seen := map[string]bool{}
	for _, c := range r.Checks {
		if !seen[c.Plan] {
			seen[c.Plan] = true
			v.Plans = append(v.Plans, c.Plan)
		}
	}
	v.Verdicts = map[Verdict]string{
		VerdictPass:       "Everything that was tried held.",
		VerdictFail:       "The target deviates from the standard.",
		VerdictIncomplete: "Not everything that must be tried was tried.",
		VerdictNone:       "No verdict: the target did not answer or the harness failed.",
	}
	if err := pageTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	return nil
}
