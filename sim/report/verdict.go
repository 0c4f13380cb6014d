package report

import (
	"fmt"
	"slices"
)

// Count derives the summary of checks.
func Count(checks []Check) Summary {
	var s Summary
	for _, c := range checks {
		if p := s.slot(c.Status); p != nil {
			*p++
		}
	}
	return s
}

// Judge derives the verdict from checks. A failed check is a fail, and so is an entry of the baseline
// that no longer fails. Without a breach, trouble of the harness or of the target leaves no verdict; a
// must that was neither tried nor excused, or a run cut short, leaves it incomplete. A failed should is a
// warning: failOn "should" makes it a fail, "warn" makes every warning one.
func Judge(checks []Check, partial bool, failOn string) Verdict {
	var fail, none, incomplete, passed bool
	for _, c := range checks {
		switch c.Status {
		case Fail:
			fail = true
		case Warn:
			fail = fail || failOn == "warn" || (failOn == "should" && slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Status == Fail }))
			passed = true
		case Fixed:
			fail = true
		case Error, Unavailable:
			none = true
		case Review:
			incomplete = true
		case Skip:
			incomplete = incomplete || (c.Severity == Must && !c.Undeclared)
		case Pass, KnownFail:
			passed = true
		default:
			none = true
		}
	}
	switch {
	case fail:
		return VerdictFail
	case none:
		return VerdictNone
	case incomplete || partial || !passed:
		return VerdictIncomplete
	}
	return VerdictPass
}

// Verify recomputes what the report claims from its checks and lists every disagreement. An empty list
// means that totals and verdict follow from the checks. A verdict may be worse than the checks alone
// when the report states problems, never better.
func Verify(r *Report) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if got := Count(r.Checks); got != r.Summary {
		say("summary says %+v, the checks give %+v", r.Summary, got)
	}
	if n := len(r.Checks); n != r.Selection.Selected {
		say("%d checks were selected, the report holds %d", r.Selection.Selected, n)
	}
	seen := map[string]bool{}
	for _, c := range r.Checks {
		key := c.ID + " " + c.Name
		if seen[key] {
			say("check %s appears twice", c.ID)
		}
		seen[key] = true
		if !slices.Contains(Statuses(), c.Status) {
			say("check %s has the unknown status %q", c.ID, c.Status)
		}
		if c.Status == Pass && c.Asserted == 0 {
			say("check %s passed without an expectation", c.ID)
		}
		if c.Status == Pass && slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Status == Fail }) {
			say("check %s passed with a failed finding", c.ID)
		}
		if c.Status == Fail && len(c.Findings) == 0 && c.Reason == "" {
			say("check %s failed without saying why", c.ID)
		}
		if c.Status == Skip && c.Reason == "" {
			say("check %s was skipped without a reason", c.ID)
		}
	}
	derived := Judge(r.Checks, r.Partial, "")
	if r.Verdict == VerdictPass && derived != VerdictPass {
		say("verdict says pass, the checks give %s", derived)
	}
	if r.Verdict != derived && rank(r.Verdict) < rank(derived) {
		say("verdict %s is better than what the checks give: %s", r.Verdict, derived)
	}
	if derived == VerdictPass && r.Verdict != VerdictPass && len(r.Problems) == 0 {
		say("verdict says %s, the checks give pass and no problem is stated", r.Verdict)
	}
	return wrong
}

func rank(v Verdict) int {
	return slices.Index([]Verdict{VerdictPass, VerdictIncomplete, VerdictNone, VerdictFail}, v)
}
