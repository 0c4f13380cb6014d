// Package rule makes a normative sentence a row: it can be listed, traced and switched off.
//
// From one [Set] follow the validation, the trace a person can read, the documentation, and one
// generated defect per row with which the suites prove that they would have noticed. A rule holds no
// state and decides nothing but whether its sentence is kept.
package rule

import (
	"context"
	"errors"
	"fmt"

	"github.com/ensaio/ensaio/sim/fault"
)

// Rule is one sentence of the standard about a subject of type T.
type Rule[T any] struct {
	// ID is the requirement's id in the checklists, with a slug when one requirement holds several
	// sentences: "AS-REQ-03/has-exp". Stable for ever.
	ID string
	// Text is the sentence, in our words.
	Text string
	// Weight is what breaking it would cost.
	Weight fault.Weight
	// Check returns nil when the sentence is kept, else the error to answer on the wire.
	Check func(ctx context.Context, subject T) error
}

// Switch tells which rules are off and hears every verdict. [*fault.Seams] is one.
type Switch interface {
	Off(id string) bool
	Verdict(ctx context.Context, set, id string, breach error)
}

// Info is a rule without its code, for lists and for generated defects.
type Info struct {
	ID     string       `json:"id"`
	Title  string       `json:"title"`
	Set    string       `json:"set"`
	Weight fault.Weight `json:"weight"`
}

// Set is an ordered list of rules about one subject.
type Set[T any] struct {
	name string
	rows []Rule[T]
}

// NewSet names a list of rules. It panics on an unnamed or repeated row: a mistake of the programmer.
func NewSet[T any](name string, rows ...Rule[T]) Set[T] {
	seen := map[string]bool{}
	for _, r := range rows {
		if r.ID == "" || r.Text == "" || r.Weight == "" || r.Check == nil || seen[r.ID] {
			panic(fmt.Sprintf("rule set %s: row %q is incomplete or repeated", name, r.ID))
		}
		seen[r.ID] = true
	}
	return Set[T]{name: name, rows: rows}
}

// Check applies the rules in order and returns the first breach as a [*Breach], or nil.
func (s Set[T]) Check(ctx context.Context, sw Switch, subject T) error {
	for i := range s.rows {
		if b := s.apply(ctx, sw, &s.rows[i], subject); b != nil {
			return b
		}
	}
	return nil
}

// CheckAll applies every rule and returns all breaches in order, for surfaces that report several.
func (s Set[T]) CheckAll(ctx context.Context, sw Switch, subject T) []error {
	var all []error
	for i := range s.rows {
		if b := s.apply(ctx, sw, &s.rows[i], subject); b != nil {
			all = append(all, b)
		}
	}
	return all
}

func (s Set[T]) apply(ctx context.Context, sw Switch, r *Rule[T], subject T) error {
	if sw.Off(r.ID) {
		return nil
	}
	err := r.Check(ctx, subject)
	sw.Verdict(ctx, s.name, r.ID, err)
	if err == nil {
		return nil
	}
	return &Breach{Rule: r.ID, Err: err}
}

// Rules lists the set.
func (s Set[T]) Rules() []Info {
	out := make([]Info, len(s.rows))
	for i, r := range s.rows {
		out[i] = Info{ID: r.ID, Title: r.Text, Set: s.name, Weight: r.Weight}
	}
	return out
}

// Breach says which rule was broken; it unwraps to the error to answer.
type Breach struct {
	Rule string
	Err  error
}

func (b *Breach) Error() string { return b.Rule + ": " + b.Err.Error() }

// Unwrap returns the error to answer on the wire.
func (b *Breach) Unwrap() error { return b.Err }

// Of returns the id of the rule behind err, or "".
func Of(err error) string {
	var b *Breach
	if errors.As(err, &b) {
		return b.Rule
	}
	return ""
}
