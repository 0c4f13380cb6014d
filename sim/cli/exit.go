package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites"
)

// The exit codes: a contract with scripts, additions only.
const (
	CodePass        = 0
	CodeFail        = 1   // verdict reached: fail
	CodeUsage       = 2   // usage or configuration
	CodeNotReady    = 3   // target not ready, no verdict
	CodeHarness     = 4   // the harness itself failed
	CodeFloor       = 5   // floor missed or threshold crossed
	CodeIncomplete  = 6   // empty selection, human steps open, interrupted before the end
	CodeInterrupted = 130 // interrupted by the user
)

// Exit is an error with the code it ends the process with, and what to try next.
type Exit struct {
	Code int
	Err  error
	Hint string
	// Silent marks an outcome that was already told.
	Silent bool
}

func (e *Exit) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Exit) Unwrap() error { return e.Err }

// Hinted is an error of another package that knows what to try next.
type Hinted interface{ Hint() string }

func usage(err error, hint string, args ...any) error {
	return &Exit{Code: CodeUsage, Err: err, Hint: fmt.Sprintf(hint, args...)}
}

// exit prints an error, once, and gives the code.
func (a *app) exit(ctx context.Context, err error) int {
	interrupted := ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled)
	if err == nil {
		return CodePass
	}
	var code int
	hint, silent := "", false
	var exit *Exit
	if errors.As(err, &exit) {
		code, hint, silent = exit.Code, exit.Hint, exit.Silent
	} else {
		code, hint = classify(err)
	}
	if interrupted && code != CodeFail {
		code = CodeInterrupted
	}
	var hinted Hinted
	if hint == "" && errors.As(err, &hinted) {
		hint = hinted.Hint()
	}
	if silent {
		return code
	}
	if a.asJSON && !a.printed {
		_ = json.NewEncoder(a.out).Encode(map[string]any{"error": report.RedactText(err.Error()), "hint": hint, "exitCode": code})
		return code
	}
	_, _ = fmt.Fprintf(a.err, "ensaio: %s\n", strings.TrimSpace(report.RedactText(err.Error())))
	if hint != "" {
		_, _ = fmt.Fprintf(a.err, "  hint: %s\n", hint)
	}
	return code
}

// document prints the one JSON document of an invocation.
func (a *app) document(write func(io.Writer) error) error {
	a.printed = true
	if err := write(a.out); err != nil {
		return &Exit{Code: CodeHarness, Err: fmt.Errorf("print the report: %w", err)}
	}
	return nil
}

func classify(err error) (code int, hint string) {
	switch {
	case errors.Is(err, suites.ErrEmpty):
		return CodeIncomplete, "see what there is with 'ensaio list checks'"
	case errors.Is(err, suites.ErrNotReady):
		return CodeNotReady, "find out why with 'ensaio doctor'"
	case errors.Is(err, suites.ErrUsage):
		return CodeUsage, "see 'ensaio run --help', or 'ensaio doctor' for what is wrong with the target"
	case strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "unknown flag"):
		return CodeUsage, "see 'ensaio --help'"
	}
	return CodeUsage, ""
}

// outcome is the exit of a run with a report.
func outcome(r *report.Report, interrupted bool) error {
	done := func(code int) error {
		return &Exit{Code: code, Err: fmt.Errorf("verdict: %s", r.Verdict), Silent: true}
	}
	if interrupted {
		return done(CodeInterrupted)
	}
	switch r.Verdict {
	case report.VerdictPass:
		return nil
	case report.VerdictFail:
		return done(CodeFail)
	case report.VerdictIncomplete:
		return done(CodeIncomplete)
	case report.VerdictNone:
		if r.Summary.Error > 0 {
			return done(CodeHarness)
		}
		return done(CodeNotReady)
	}
	return done(CodeHarness)
}
