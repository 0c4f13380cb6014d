// Package expect says in the words of the standard what an answer should be.
//
// Every matcher works with gomega and carries two texts: what was expected and what was received, each
// complete without the other. A matcher never matches by default: a missing answer, an unreadable body
// or a value of the wrong type is a mismatch, never a success.
package expect

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/onsi/gomega/types"

	"github.com/ensaio/ensaio/participants/tpp"
)

// Matcher is a gomega matcher that can say what it expected and what it received.
type Matcher interface {
	types.GomegaMatcher
	// Texts returns the two columns of a report.
	Texts(actual any) (expected, received string)
}

// rule is a matcher made of one judging function.
type rule struct {
	expected string
	judge    func(actual any) (received string, ok bool)
}

func (r rule) Match(actual any) (bool, error) { _, ok := r.judge(actual); return ok, nil }

func (r rule) Texts(actual any) (string, string) {
	received, _ := r.judge(actual)
	return r.expected, received
}

func (r rule) FailureMessage(actual any) string {
	expected, received := r.Texts(actual)
	return "expected " + expected + "\nreceived " + received
}

func (r rule) NegatedFailureMessage(actual any) string {
	expected, received := r.Texts(actual)
	return "expected not: " + expected + "\nreceived " + received
}

// That makes a matcher of any value: expected completes the sentence "expected …"; judge returns what
// was received and whether that is right.
func That(expected string, judge func(actual any) (received string, ok bool)) Matcher {
	return rule{expected, judge}
}

// Answer makes a matcher of an exchange that was answered. An exchange without an answer never matches.
func Answer(expected string, judge func(x *tpp.Exchange) (received string, ok bool)) Matcher {
	return rule{expected, func(actual any) (string, bool) {
		x, ok := actual.(*tpp.Exchange)
		switch {
		case !ok || x == nil:
			return fmt.Sprintf("no exchange but %T", actual), false
		case x.Err != nil:
			return "no answer: " + x.Err.Error(), false
		}
		return judge(x)
	}}
}

// All expects every one of the matchers; the texts are those of the first that does not match.
func All(matchers ...Matcher) Matcher {
	var parts []string
	for _, m := range matchers {
		expected, _ := m.Texts(nil)
		parts = append(parts, expected)
	}
	return rule{strings.Join(parts, ", and "), func(actual any) (string, bool) {
		for _, m := range matchers {
			if ok, err := m.Match(actual); !ok || err != nil {
				_, received := m.Texts(actual)
				return received, false
			}
		}
		return "all of it", len(matchers) > 0
	}}
}

// Any expects at least one of the matchers.
func Any(matchers ...Matcher) Matcher {
	var parts []string
	for _, m := range matchers {
		expected, _ := m.Texts(nil)
		parts = append(parts, expected)
	}
	return rule{strings.Join(parts, ", or "), func(actual any) (string, bool) {
		received := "nothing"
		for _, m := range matchers {
			if ok, err := m.Match(actual); ok && err == nil {
				return "one of them", true
			}
			_, received = m.Texts(actual)
		}
		return received, false
	}}
}

// Equal expects exactly this value. Numbers compare by value whatever their Go type.
func Equal(want any) Matcher {
	return rule{show(want), func(actual any) (string, bool) { return show(actual), same(want, actual) }}
}

// OneOf expects one of the values.
func OneOf(want ...any) Matcher {
	var texts []string
	for _, w := range want {
		texts = append(texts, show(w))
	}
	return rule{"one of " + strings.Join(texts, ", "), func(actual any) (string, bool) {
		for _, w := range want {
			if same(w, actual) {
				return show(actual), true
			}
		}
		return show(actual), false
	}}
}

// True expects a condition that the caller has evaluated; sentence says what it states.
func True(sentence string) Matcher {
	return rule{sentence, func(actual any) (string, bool) {
		v, ok := actual.(bool)
		if ok && v {
			return "so it is", true
		}
		return "it is not so", false
	}}
}

// Nothing expects nil, an empty text, list or map, or no error.
func Nothing() Matcher {
	return rule{"nothing", func(actual any) (string, bool) {
		if actual == nil {
			return "nothing", true
		}
		if err, ok := actual.(error); ok {
			return err.Error(), false
		}
		v := reflect.ValueOf(actual)
		switch v.Kind() {
		case reflect.String, reflect.Slice, reflect.Map, reflect.Array:
			return show(actual), v.Len() == 0
		case reflect.Pointer, reflect.Interface, reflect.Func, reflect.Chan:
			return show(actual), v.IsNil()
		default: // a number or a struct is always something
			return show(actual), false
		}
	}}
}

// Something expects a value that [Nothing] would refuse.
func Something() Matcher {
	nothing := Nothing()
	return rule{"a value", func(actual any) (string, bool) {
		empty, _ := nothing.Match(actual)
		if empty {
			return "nothing", false
		}
		return show(actual), true
	}}
}

// Success expects that an operation ended without error.
func Success() Matcher {
	return rule{"success", func(actual any) (string, bool) {
		switch err := actual.(type) {
		case nil:
			return "success", true
		case error:
			return err.Error(), false
		}
		return show(actual), false
	}}
}

// Failure expects that an operation ended with an error.
func Failure() Matcher {
	return rule{"a refusal", func(actual any) (string, bool) {
		if err, ok := actual.(error); ok && err != nil {
			return err.Error(), true
		}
		return "success", false
	}}
}

func same(want, got any) bool {
	if w, ok := number(want); ok {
		g, ok := number(got)
		return ok && w == g
	}
	return reflect.DeepEqual(want, got)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case string, bool, nil:
		return 0, false
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}

// show renders a value for a report, in one bounded line.
func show(v any) string {
	var s string
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		if v == "" {
			return "an empty text"
		}
		s = v
	case error:
		s = v.Error()
	case *tpp.Exchange: // before the Stringer that it is
		return answered(v)
	case fmt.Stringer:
		s = v.String()
	default:
		if b, err := json.Marshal(v); err == nil {
			s = string(b)
		} else {
			s = fmt.Sprint(v)
		}
	}
	return short(s)
}

func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return s
}
