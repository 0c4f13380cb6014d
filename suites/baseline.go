package suites

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/check"
)

// Entry accepts a known failure for a while. It must fail: when it passes, or when its date is over, the
// gate turns red, so that the list cannot rot.
type Entry struct {
	Pattern string `yaml:"pattern"`
	Status  string `yaml:"status"`
	Reason  string `yaml:"reason"`
	Ticket  string `yaml:"ticket"`
	Owner   string `yaml:"owner"`
	Expires string `yaml:"expires"`
}

// Baseline is the list of known failures of one target.
type Baseline []Entry

// LoadBaseline reads and checks a baseline file. Nothing is accepted without all six members, nor a
// pattern that would cover everything.
func LoadBaseline(path string) (Baseline, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	var list Baseline
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&list); err != nil {
		return nil, fmt.Errorf("baseline %s: %w", path, err)
	}
	for i, e := range list {
		if err := e.validate(); err != nil {
			return nil, fmt.Errorf("baseline %s: entry %d: %w", path, i+1, err)
		}
	}
	return list, nil
}

func (e Entry) validate() error {
	for name, value := range map[string]string{"pattern": e.Pattern, "status": e.Status, "reason": e.Reason,
		"ticket": e.Ticket, "owner": e.Owner, "expires": e.Expires} {
		if strings.TrimSpace(value) == "" {
			return fmt.Errorf("%s is missing; an entry has pattern, status, reason, ticket, owner and expires", name)
		}
	}
	if e.Status != string(report.Fail) {
		return fmt.Errorf("status is %q; only fail can be accepted", e.Status)
	}
	if first, _, _ := strings.Cut(e.Pattern, "/"); strings.ContainsAny(first, "*,!") {
		return fmt.Errorf("pattern %q is too wide: its first segment must be a word", e.Pattern)
	}
	if _, err := time.Parse(time.DateOnly, e.Expires); err != nil {
		return fmt.Errorf("expires is %q; want a date such as 2027-03-01", e.Expires)
	}
	return nil
}

// apply turns outcomes into known failures and reports what stands against the gate.
func (l Baseline) apply(checks []check.Check, outcomes []report.Check, now time.Time) (problems []string) {
	for _, e := range l {
		until, _ := time.Parse(time.DateOnly, e.Expires)
		expired := now.After(until.Add(24 * time.Hour))
		matched := false
		for i, c := range checks {
			if !Matches(e.Pattern, c) {
				continue
			}
			matched = true
			o := &outcomes[i]
			switch {
			case expired:
				continue
			case o.Status == report.Fail:
				o.Status = report.KnownFail
			case o.Status == report.Pass:
				o.Status = report.Fixed
				o.Reason = "the baseline expects a failure, and the check passed: drop the entry"
			default:
				continue
			}
			o.Baseline = &report.Acceptance{Pattern: e.Pattern, Reason: e.Reason, Ticket: e.Ticket, Owner: e.Owner, Expires: e.Expires}
		}
		if expired && matched {
			problems = append(problems, fmt.Sprintf("baseline entry %s (%s, %s) expired on %s", e.Pattern, e.Ticket, e.Owner, e.Expires))
		}
	}
	return problems
}
