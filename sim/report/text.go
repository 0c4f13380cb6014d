package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Area is the share of one area in a run.
type Area struct {
	Name    string
	Summary Summary
	Checks  []Check
}

// Good counts what stands in no one's way: passes, warnings and known failures.
func (a Area) Good() int { return a.Summary.Pass + a.Summary.Warn + a.Summary.KnownFail }

// Tried counts the checks that were not skipped.
func (a Area) Tried() int { return a.Summary.Total() - a.Summary.Skip }

// Areas groups the checks in the order of their first appearance, by id within.
func (r *Report) Areas() []Area {
	var out []Area
	index := map[string]int{}
	for _, c := range r.Checks {
		i, ok := index[c.Area]
		if !ok {
			i = len(out)
			index[c.Area] = i
			out = append(out, Area{Name: c.Area})
		}
		out[i].Checks = append(out[i].Checks, c)
	}
	for i := range out {
		out[i].Summary = Count(out[i].Checks)
	}
	return out
}

// Troubles lists the checks that need a reader, worst first.
func (r *Report) Troubles() []Check {
	var out []Check
	for _, c := range r.Checks {
		if c.Status != Pass && c.Status != Skip && c.Status != KnownFail {
			out = append(out, c)
		}
	}
	order := Statuses()
	slices.SortStableFunc(out, func(a, b Check) int {
		return cmp.Or(slices.Index(order, a.Status)-slices.Index(order, b.Status), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Headline is the check's outcome in one line.
func (c Check) Headline() string {
	switch {
	case c.Expected != "" && (c.Status == Fail || c.Status == Warn || c.Status == KnownFail):
		return "expected " + c.Expected + "; received " + c.Received
	case c.Reason != "":
		return c.Reason
	case c.Status == Fixed:
		return "the baseline expects a failure, and the check passed"
	}
	return c.Title
}

// Text is the failure in full: what the terminal shows and JUnit carries.
func (c Check) Text() string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if strings.TrimSpace(text) != "" {
			fmt.Fprintf(&b, "  %-9s %s\n", label, text)
		}
	}
	fmt.Fprintf(&b, "%s  %s  %s\n", c.Name, strings.ToUpper(c.Severity), c.Plan)
	line("check", "%s · %s", c.ID, c.Title)
	for _, f := range c.Findings {
		line("expected", "%s", f.Expected)
		line("received", "%s", f.Received)
	}
	if c.Reason != "" {
		line("reason", "%s", c.Reason)
	}
	if len(c.Rules) > 0 {
		line("rule", "%s", strings.Join(c.Rules, ", "))
	}
	for _, e := range c.Marked() {
		line("exchange", "%s", e.Line())
		if e.InteractionID != "" {
			line("", "x-fapi-interaction-id %s  (search this in your logs)", e.InteractionID)
		}
	}
	if len(c.ProvenBy) > 0 {
		line("proven by", "%s", strings.Join(c.ProvenBy, ", "))
	}
	line("more", "ensaio explain %s", c.Name)
	return b.String()
}

// Trace is what the platform judged in the exchanges that the findings point at, a line a sentence; ""
// where the target did not tell.
func (c Check) Trace() string {
	var b strings.Builder
	for _, e := range c.Marked() {
		if len(e.RuleTrace) == 0 {
			continue
		}
		fmt.Fprintf(&b, "  rule trace of %s %s (%d judged, %d broken; it decided nothing here)\n", e.Ref, e.Operation, len(e.RuleTrace), e.Broken())
		for _, j := range e.RuleTrace {
			symbol := Pass.Symbol()
			if j.Verdict == Broken {
				symbol = Fail.Symbol()
			}
			fmt.Fprintf(&b, "    %s %s %s  %s\n", symbol, j.Rule, j.Verdict, j.Text)
		}
	}
	return b.String()
}

// Marked lists the exchanges that the findings point at.
func (c Check) Marked() []Exchange {
	var refs []string
	for _, f := range c.Findings {
		refs = append(refs, f.Evidence...)
	}
	var out []Exchange
	for _, e := range c.Evidence {
		if slices.Contains(refs, e.Ref) {
			out = append(out, e)
		}
	}
	return out
}

// Line is the exchange in one line.
func (e Exchange) Line() string {
	answer := fmt.Sprint(e.Status)
	if e.Error != "" {
		answer = "no answer: " + e.Error
	}
	return fmt.Sprintf("%s %s  %s  %d ms", e.Method, e.URL, answer, e.DurationMs)
}

// Sentence says in a line what the run came to.
func (r *Report) Sentence() string {
	s := r.Summary
	parts := []string{fmt.Sprintf("%d passed", s.Pass)}
	for _, p := range []struct {
		n           int
		one, plural string
	}{{s.Fail, "failed", "failed"}, {s.Fixed, "fixed (drop from baseline)", "fixed (drop from baseline)"}, {s.Error, "harness error", "harness errors"},
		{s.Unavailable, "unavailable", "unavailable"}, {s.Review, "to review", "to review"}, {s.Warn, "warning", "warnings"}, {s.KnownFail, "known failure", "known failures"}} {
		if p.n == 1 {
			parts = append(parts, "1 "+p.one)
		} else if p.n > 1 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.plural))
		}
	}
	if s.Skip > 0 {
		undeclared := 0
		for _, c := range r.Checks {
			if c.Status == Skip && c.Undeclared {
				undeclared++
			}
		}
		why := ""
		if undeclared == s.Skip {
			why = " (not declared)"
		}
		parts = append(parts, fmt.Sprintf("%d skipped%s", s.Skip, why))
	}
	return strings.Join(append(parts, Human(time.Duration(r.DurationMs)*time.Millisecond)), " · ")
}

// Human writes a duration for people.
func Human(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d m %02d s", int(d.Minutes()), int(d.Seconds())%60)
}

// Markdown writes a summary for a job page or a ticket.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s: %s\n\n%s\n\n", strings.ToUpper(string(r.Verdict)), r.Target.Name, r.Sentence())
	fmt.Fprintf(&b, "profile %s · seed %d · suite %s · %s\n\n", or(r.Selection.Profile, "all"), r.Seed, r.Tool.Suite, r.Started.UTC().Format(time.RFC3339))
	if len(r.Defects) > 0 {
		fmt.Fprintf(&b, "**Armed defects: %s.** This target is broken on purpose.\n\n", strings.Join(r.Defects, ", "))
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "- %s\n", p)
	}
	b.WriteString("| Area | Passed | Failed | Warnings | Skipped | Other |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, a := range r.Areas() {
		s := a.Summary
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", a.Name, s.Pass, s.Fail, s.Warn, s.Skip, s.Total()-s.Pass-s.Fail-s.Warn-s.Skip)
	}
	if troubles := r.Troubles(); len(troubles) > 0 {
		b.WriteString("\n| Status | Check | Expected | Received |\n| --- | --- | --- | --- |\n")
		for _, c := range troubles {
			fmt.Fprintf(&b, "| %s | `%s` %s (%s) | %s | %s |\n", c.Status, c.ID, cell(c.Name), c.Severity, cell(or(c.Expected, c.Reason)), cell(c.Received))
		}
	}
	fmt.Fprintf(&b, "\n_%s_\n", Notice)
	_, err := io.WriteString(w, b.String())
	return err
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}
