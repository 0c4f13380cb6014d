package check

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/onsi/gomega/types"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/expect"
)

// Assertion is one value under judgement.
type Assertion struct {
	bench  *Bench
	actual any
	about  string
	weight report.Status
	goOn   bool
	seen   []*tpp.Exchange
}

// Expect judges a value, most often an exchange; the check ends when it does not match. The words, if
// any, say what the value is: b.Expect(n, "records on page %d", page).
func (b *Bench) Expect(actual any, words ...any) *Assertion {
	return b.assertion(actual, report.Fail, false, words)
}

// Verify judges like [Bench.Expect], and the check goes on to report further deviations.
func (b *Bench) Verify(actual any, words ...any) *Assertion {
	return b.assertion(actual, report.Fail, true, words)
}

// Prefer judges what the standard recommends: a deviation is a warning, and the check goes on.
func (b *Bench) Prefer(actual any, words ...any) *Assertion {
	return b.assertion(actual, report.Warn, true, words)
}

func (b *Bench) assertion(actual any, weight report.Status, goOn bool, words []any) *Assertion {
	a := &Assertion{bench: b, actual: actual, weight: weight, goOn: goOn, about: sentence(words)}
	if x, ok := actual.(*tpp.Exchange); ok && x != nil {
		a.seen = []*tpp.Exchange{x}
	}
	return a
}

func sentence(words []any) string {
	if len(words) == 0 {
		return ""
	}
	format, ok := words[0].(string)
	if !ok {
		return fmt.Sprint(words...)
	}
	if len(words) == 1 {
		return format
	}
	return fmt.Sprintf(format, words[1:]...)
}

// About names the exchanges that are the evidence; without it, the judged exchange or the latest.
func (a *Assertion) About(seen ...*tpp.Exchange) *Assertion {
	a.seen = seen
	return a
}

// To expects that the value matches, and says whether it does.
func (a *Assertion) To(m types.GomegaMatcher) bool { return a.judge(m, true) }

// NotTo expects that the value does not match, and says whether that is so. An exchange without an
// answer satisfies neither.
func (a *Assertion) NotTo(m types.GomegaMatcher) bool { return a.judge(m, false) }

func (a *Assertion) judge(m types.GomegaMatcher, want bool) bool {
	b := a.bench
	b.mu.Lock()
	b.asserted++
	b.mu.Unlock()
	matched, err := m.Match(a.actual)
	x, isExchange := a.actual.(*tpp.Exchange)
	lost := isExchange && (x == nil || x.Err != nil)
	if err == nil && matched == want && (want || !lost) {
		return true
	}
	expected, received := texts(m, a.actual, want, err)
	if a.about != "" {
		expected, received = a.about+": "+expected, a.about+": "+received
	}
	if isExchange && x != nil && Unreachable(x.Err) {
		b.end(report.Unavailable, report.RedactText(x.Method+" "+x.URL+": "+x.Err.Error()))
	}
	b.deviation(a.weight, expected, received, a.seen)
	if !a.goOn {
		panic(stop{})
	}
	return false
}

func texts(m types.GomegaMatcher, actual any, want bool, err error) (expected, received string) {
	if described, ok := m.(expect.Matcher); ok {
		expected, received = described.Texts(actual)
		if !want {
			expected = "anything but " + expected
		}
		return expected, received
	}
	switch {
	case err != nil:
		return "a value of the right kind", err.Error()
	case want:
		return oneLine(m.FailureMessage(actual)), "otherwise"
	}
	return oneLine(m.NegatedFailureMessage(actual)), "otherwise"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Given unwraps the result of a preparing step, and ends the check when it failed: as a failure of the
// target to do what it must, or as unavailable when it could not be reached.
//
//	grant := check.Given[*tpp.Grant](b, "an authorised consent")(client.Authorise(ctx, journey))
func Given[T any](b *Bench, what string) func(T, error) T {
	return func(v T, err error) T {
		b.Given(what, err)
		return v
	}
}

// Given ends the check when a preparing step failed. It counts as no expectation.
func (b *Bench) Given(what string, err error) {
	if err == nil {
		return
	}
	if Unreachable(err) {
		b.end(report.Unavailable, what+": "+report.RedactText(err.Error()))
	}
	b.deviation(report.Fail, what, report.RedactText(err.Error()), nil)
	panic(stop{})
}

// Unreachable says whether err means that nobody answered: no connection, a broken one, or no answer in
// time. A refusal by TLS alert or a certificate that does not verify is an answer.
func Unreachable(err error) bool {
	if err == nil || expect.AtHandshake(err) {
		return false
	}
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns), errors.As(err, &op),
		errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNREFUSED):
		return true
	}
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
