package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Change is one check whose outcome differs between two reports.
type Change struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Before Status `json:"before"` // "" when the check was not there
	After  Status `json:"after"`
	Detail string `json:"detail"`
}

// Difference is what a second report adds to a first.
type Difference struct {
	Regression bool     `json:"regression"`
	Failing    []Change `json:"newlyFailing"`
	Passing    []Change `json:"newlyPassing"`
	Skipped    []Change `json:"newlySkipped"`
	Slower     []Change `json:"newlySlow"`
	Added      []Change `json:"added"`
	Removed    []Change `json:"removed"`
}

// Diff compares two reports. B is a regression when a check that was good in A is not in B, or is gone.
func Diff(a, b *Report) Difference {
	var d Difference
	before := map[string]Check{}
	for _, c := range a.Checks {
		before[c.ID+c.Name] = c
	}
	for _, c := range b.Checks {
		old, known := before[c.ID+c.Name]
		delete(before, c.ID+c.Name)
		ch := Change{ID: c.ID, Name: c.Name, Before: old.Status, After: c.Status, Detail: c.Headline()}
		switch {
		case !known:
			d.Added = append(d.Added, ch)
			d.Regression = d.Regression || bad(c.Status)
		case bad(c.Status) && !bad(old.Status):
			d.Failing = append(d.Failing, ch)
			d.Regression = true
		case !bad(c.Status) && c.Status != Skip && bad(old.Status):
			d.Passing = append(d.Passing, ch)
		case c.Status == Skip && old.Status != Skip:
			d.Skipped = append(d.Skipped, ch)
			d.Regression = d.Regression || !bad(old.Status)
		case c.DurationMs > 1000 && c.DurationMs > 2*old.DurationMs && old.DurationMs > 0:
			ch.Detail = fmt.Sprintf("%d ms, was %d ms", c.DurationMs, old.DurationMs)
			d.Slower = append(d.Slower, ch)
		}
	}
	for _, c := range before {
		d.Removed = append(d.Removed, Change{ID: c.ID, Name: c.Name, Before: c.Status})
		d.Regression = d.Regression || !bad(c.Status) && c.Status != Skip
	}
	slices.SortFunc(d.Removed, func(x, y Change) int { return strings.Compare(x.ID, y.ID) })
	return d
}

func bad(s Status) bool {
	return s == Fail || s == Fixed || s == Error || s == Unavailable || s == Review
}

// Print writes the difference for people. The first line says whether B is a regression.
func (d Difference) Print(w io.Writer) error {
	var b strings.Builder
	if d.Regression {
		b.WriteString("REGRESSION\n")
	} else {
		b.WriteString("no regression\n")
	}
	for _, part := range []struct {
		name string
		list []Change
	}{{"newly failing", d.Failing}, {"newly passing", d.Passing}, {"newly skipped", d.Skipped}, {"newly slow", d.Slower}, {"added", d.Added}, {"removed", d.Removed}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s (%d)\n", part.name, len(part.list))
		for _, c := range part.list {
			fmt.Fprintf(&b, "  %-10s %s  %s → %s", c.ID, c.Name, or(string(c.Before), "none"), or(string(c.After), "none"))
			if c.Detail != "" {
				fmt.Fprintf(&b, "  %s", c.Detail)
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
