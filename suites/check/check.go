// Package check is what a conformance check is made of: a value that can be listed, selected and skipped
// without running, and the bench on which its body works.
//
// It promises that a check starts with its own customer and its own record of exchanges, that a failed
// expectation says what was expected and what was received, and that a check which expected nothing
// never passes. It judges nothing of the standard itself: that is what the bodies are for.
package check

import (
	"fmt"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

// Severity says what a failed check means.
type Severity string

// The severities: a failed must is non-conformance, a failed should a claim that does not hold.
const (
	Must   Severity = report.Must
	Should Severity = report.Should
)

// Contract says what a deviation of an answer from its published contract means for a check.
type Contract string

// The ways to treat it. The zero value fails the check.
const (
	ContractFails Contract = ""
	ContractWarns Contract = "warn"
	ContractOff   Contract = "off"
)

// Check is one verification, independent of any implementation.
type Check struct {
	ID       string   // "SOP-015": stable for ever
	Name     string   // "par/rejects-missing-exp": group/expectation
	Title    string   // one sentence of what is verified
	Plan     string   // "security-op"
	Area     string   // "security"; filled by the collector when empty
	Severity Severity // zero means Must
	Rules    []string // requirement ids it cites, with or without slug: "AS-REQ-03", "AS-REQ-03/has-exp"
	Official []string // official modules with the same purpose
	Needs    []Need
	// Alone checks share the target with no other check: they step the clock or change what others see.
	// A check that needs the clock is alone without saying so.
	Alone    bool
	Contract Contract
	Timeout  time.Duration // zero means the target's
	// Why and Causes are for explain: what could go wrong for whom, and the usual causes of a failure.
	Why    string
	Causes []string
	Body   func(*Bench)
}

// Group is the first segment of the name.
func (c Check) Group() string {
	group, _, _ := strings.Cut(c.Name, "/")
	return group
}

// Weight is the severity, Must by default.
func (c Check) Weight() Severity {
	if c.Severity == "" {
		return Must
	}
	return c.Severity
}

// Exclusive says whether nothing else may run beside the check.
func (c Check) Exclusive() bool {
	if c.Alone {
		return true
	}
	for _, n := range c.Needs {
		if n.Alone {
			return true
		}
	}
	return false
}

// Cites says whether the check verifies the rule: by its full id, or by the requirement before the slash.
func (c Check) Cites(rule string) bool {
	requirement, _, _ := strings.Cut(rule, "/")
	for _, r := range c.Rules {
		if r == rule || r == requirement {
			return true
		}
	}
	return false
}

// Validate says what is wrong with a check as a value, or nil.
func (c Check) Validate() error {
	switch {
	case c.ID == "" || c.Name == "" || c.Title == "" || c.Plan == "" || c.Area == "":
		return fmt.Errorf("check %q %q lacks id, name, title, plan or area", c.ID, c.Name)
	case c.Group() == c.Name || strings.ContainsAny(c.Name, " *!,"):
		return fmt.Errorf("check %s: name %q is not group/expectation", c.ID, c.Name)
	case c.Weight() != Must && c.Weight() != Should:
		return fmt.Errorf("check %s: severity %q", c.ID, c.Severity)
	case c.Body == nil:
		return fmt.Errorf("check %s has no body", c.ID)
	}
	return nil
}

// Need is a precondition of a check: something the target must have or be able to do.
type Need struct {
	Name string // "a stepped clock"
	// Power marks what lies outside the protocol or is optional to offer: without it a check is skipped
	// and nothing is missing. Every other unmet need leaves the run incomplete.
	Power bool
	// Alone marks a need that makes the check run by itself.
	Alone bool
	// Unmet says why the target cannot serve, or "".
	Unmet func(*target.Target) string
}

// Unmet returns the first need that the target does not meet, with the reason, or nil.
func (c Check) Unmet(t *target.Target) (*Need, string) {
	for i := range c.Needs {
		if reason := c.Needs[i].Unmet(t); reason != "" {
			return &c.Needs[i], reason
		}
	}
	return nil, ""
}

func (c Check) needNames() []string {
	names := make([]string, 0, len(c.Needs))
	for _, n := range c.Needs {
		names = append(names, n.Name)
	}
	return names
}

// Result starts the report's entry of the check.
func (c Check) Result() report.Check {
	return report.Check{
		ID: c.ID, Name: c.Name, Title: c.Title, Area: c.Area, Plan: c.Plan, Severity: string(c.Weight()),
		Rules: orEmpty(c.Rules), Official: orEmpty(c.Official), Needs: c.needNames(), Evidence: []report.Exchange{},
	}
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
