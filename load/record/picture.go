package record

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
)

//go:embed load.gohtml
var page string

var pageTemplate = template.Must(template.New("load").Funcs(template.FuncMap{
	"join":    strings.Join,
	"ms":      milliseconds,
	"clock":   func(seconds float64) string { return clockface(time.Duration(seconds * float64(time.Second))) },
	"percent": percent,
	"time":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") },
	"value":   func(v Verdict) string { return amount(v.Value, v.Unit) },
	"limit": func(v Verdict) string {
		if v.Least {
			return "≥ " + amount(v.Limit, v.Unit)
		}
		return "≤ " + amount(v.Limit, v.Unit)
	},
	"symbol": func(outcome string) string {
		return map[string]string{OK: "✓", Crossed: "✗", Withheld: "∅", Idle: "–"}[outcome]
	},
	"late":  func(p95 float64, budgetMs int64) bool { return budgetMs > 0 && p95 > float64(budgetMs) },
	"codes": func(codes map[string]uint64) string { return tally(codes) },
}).Parse(page))

type view struct {
	*Report
	Sentence   string
	Latency    []chart
	Throughput chart
	Codes      *chart
	Width      float64
	Height     float64
}

// HTML writes the picture as one file that needs nothing else: no server, no network, no script.
func (r *Report) HTML(w io.Writer) error {
	v := view{Report: r, Sentence: r.Sentence(), Latency: r.latencies(), Throughput: r.throughput(), Codes: r.codes(), Width: width, Height: height}
	if err := pageTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("load report: html: %w", err)
	}
	return nil
}

// Sentence says the verdict in words.
func (r *Report) Sentence() string {
	var crossed, withheld []string
	for _, t := range r.Thresholds {
		switch t.Outcome {
		case Crossed:
			crossed = append(crossed, t.Name)
		case Withheld:
			withheld = append(withheld, t.Name)
		}
	}
	switch {
	case len(crossed) > 0:
		return fmt.Sprintf("%d of %s crossed: %s.", len(crossed), availability.Count(len(r.Thresholds), "threshold"), strings.Join(crossed, ", "))
	case r.Requests == 0:
		return "Nothing was sent."
	case r.Generator.Bottleneck:
		return "The generator was the bottleneck: what it measured is not the target's."
	case r.Partial:
		return "The run was cut short: " + r.Stopped + "."
	case len(withheld) > 0:
		return "Withheld: " + strings.Join(withheld, ", ") + "."
	}
	return fmt.Sprintf("Every threshold kept at %g requests a second for %s.", r.Offered, clockface(time.Duration(r.Duration*float64(time.Second))))
}

// amount is a figure in its unit.
func amount(v float64, unit string) string {
	switch unit {
	case "ms":
		return milliseconds(v)
	case "share":
		return percent(v)
	case "bytes":
		return fmt.Sprintf("%.1f MB", v/1e6)
	case "count":
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g %s", v, unit)
}

func percent(share float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", 100*share), "0"), ".") + " %"
}

// tally is "200 ×4711, 503 ×2", in the order of the codes, each kept on one line.
func tally(codes map[string]uint64) string {
	keys := keysOf(codes)
	slices.Sort(keys)
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = fmt.Sprintf("%s\u00a0×%d", k, codes[k])
	}
	return strings.Join(parts, ", ")
}
