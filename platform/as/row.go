package as

import (
	"context"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// row is a rule whose breach always has the same answer.
func row[T any](id string, weight fault.Weight, text string, answer *Error, kept func(T) bool) rule.Rule[T] {
	return rule.Rule[T]{ID: id, Weight: weight, Text: text, Check: func(_ context.Context, subject T) error {
		if kept(subject) {
			return nil
		}
		return answer
	}}
}
