// Package report is the model of what a run found, and its writers: JSON, JUnit, HTML and Markdown.
//
// It promises that every figure is derived from the checks and can be recomputed ([Verify]), that no
// verdict "pass" exists without checks behind it, and that nothing secret or personal passes its door
// ([Redact]). It judges nothing by itself and knows neither target nor platform.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ensaio/ensaio/sim/file"
)

// Version and kinds of the documents of this package: the stable machine contract.
const (
	APIVersion = "ensaio/v1"
	Kind       = "Report"
	KindProof  = "Proof"
)

// Notice stands on every report.
const Notice = "Rehearsal in a simulated or test environment. Not a certification."

// Status is the outcome of one check.
type Status string

// The outcomes. Error means the harness failed, Unavailable that the target did not answer.
const (
	Pass        Status = "pass"
	Fail        Status = "fail"
	Warn        Status = "warn"
	Review      Status = "review"
	Skip        Status = "skip"
	KnownFail   Status = "known-fail"
	Fixed       Status = "fixed"
	Error       Status = "error"
	Unavailable Status = "unavailable"
)

// Statuses lists all outcomes, worst first: the order of reading.
func Statuses() []Status {
	return []Status{Fail, Fixed, Error, Unavailable, Review, Warn, KnownFail, Skip, Pass}
}

// Verdict is what a run concludes.
type Verdict string

// The verdicts. None means that no conclusion could be reached.
const (
	VerdictPass       Verdict = "pass"
	VerdictFail       Verdict = "fail"
	VerdictIncomplete Verdict = "incomplete"
	VerdictNone       Verdict = "none"
)

// The severities of a check.
const (
	Must   = "must"
	Should = "should"
)

// Report is one run.
type Report struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Verdict    Verdict         `json:"verdict"`
	Partial    bool            `json:"partial"`
	Notice     string          `json:"notice"`
	Tool       Tool            `json:"tool"`
	Target     Target          `json:"target"`
	Seed       int64           `json:"seed"`
	Started    time.Time       `json:"started"`
	DurationMs int64           `json:"durationMs"`
	Defects    []string        `json:"defects"`
	Selection  Selection       `json:"selection"`
	Summary    Summary         `json:"summary"`
	Profiles   []ProfileResult `json:"profiles"`
	Problems   []string        `json:"problems,omitempty"` // what stands against the verdict besides checks
	Checks     []Check         `json:"checks"`
}

// Tool says what judged.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Go      string `json:"go"`
	Suite   string `json:"suite"` // digest of all check ids, names and rules
}

// Target says what was judged.
type Target struct {
	Name         string   `json:"name"`
	Role         string   `json:"role"`
	Organisation string   `json:"organisation,omitempty"`
	Server       string   `json:"server,omitempty"`
	Discovery    string   `json:"discovery,omitempty"`
	Capabilities []string `json:"capabilities"`
}

// Selection says what was asked for; Full is true only when every check of the profile was selected.
type Selection struct {
	Patterns []string `json:"patterns"`
	Profile  string   `json:"profile"`
	Selected int      `json:"selected"`
	Of       int      `json:"of"`
	Full     bool     `json:"full"`
	Specs    string   `json:"specs,omitempty"`
	Command  string   `json:"command,omitempty"`
}

// Summary counts checks by status.
type Summary struct {
	Pass        int `json:"pass"`
	Fail        int `json:"fail"`
	Warn        int `json:"warn"`
	Skip        int `json:"skip"`
	Review      int `json:"review"`
	KnownFail   int `json:"knownFail"`
	Fixed       int `json:"fixed"`
	Error       int `json:"error"`
	Unavailable int `json:"unavailable"`
}

// Total is the number of checks counted.
func (s Summary) Total() int {
	return s.Pass + s.Fail + s.Warn + s.Skip + s.Review + s.KnownFail + s.Fixed + s.Error + s.Unavailable
}

// Of returns the count of one status.
func (s Summary) Of(st Status) int {
	if p := s.slot(st); p != nil {
		return *p
	}
	return 0
}

func (s *Summary) slot(st Status) *int {
	switch st {
	case Pass:
		return &s.Pass
	case Fail:
		return &s.Fail
	case Warn:
		return &s.Warn
	case Skip:
		return &s.Skip
	case Review:
		return &s.Review
	case KnownFail:
		return &s.KnownFail
	case Fixed:
		return &s.Fixed
	case Error:
		return &s.Error
	case Unavailable:
		return &s.Unavailable
	}
	return nil
}

// ProfileResult is the verdict over one profile's share of the run.
type ProfileResult struct {
	Name     string  `json:"name"`
	Verdict  Verdict `json:"verdict"`
	Core     Summary `json:"core"`     // severity must
	Extended Summary `json:"extended"` // severity should
}

// Check is the outcome of one check.
type Check struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Area       string      `json:"area"`
	Plan       string      `json:"plan"`
	Status     Status      `json:"status"`
	Severity   string      `json:"severity"`
	Rules      []string    `json:"rules"`
	Official   []string    `json:"official"`
	Needs      []string    `json:"needs"`
	DurationMs int64       `json:"durationMs"`
	Expected   string      `json:"expected"`
	Received   string      `json:"received"`
	Reason     string      `json:"reason"`
	Undeclared bool        `json:"undeclared,omitempty"` // skipped because the target does not declare an optional power
	Findings   []Finding   `json:"findings,omitempty"`   // all deviations, the first of which is expected/received
	Steps      []string    `json:"steps,omitempty"`
	Notes      []string    `json:"notes,omitempty"`
	Asserted   int         `json:"asserted"`           // expectations evaluated
	ProvenBy   []string    `json:"provenBy,omitempty"` // defects this check was seen to fail on
	Baseline   *Acceptance `json:"baseline,omitempty"`
	Evidence   []Exchange  `json:"evidence"`
}

// Finding is one deviation.
type Finding struct {
	Status   Status   `json:"status"` // fail or warn
	Expected string   `json:"expected"`
	Received string   `json:"received"`
	Evidence []string `json:"evidence,omitempty"` // refs of exchanges
}

// Acceptance is the baseline entry that covers a failing check.
type Acceptance struct {
	Pattern string `json:"pattern"`
	Reason  string `json:"reason"`
	Ticket  string `json:"ticket"`
	Owner   string `json:"owner"`
	Expires string `json:"expires"`
}

// Write stores the report under dir as report.json, junit.xml and report.html, and returns the path of
// the last.
func (r *Report) Write(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	html := filepath.Join(dir, "report.html")
	for name, write := range map[string]func(io.Writer) error{
		filepath.Join(dir, "report.json"): r.JSON,
		filepath.Join(dir, "junit.xml"):   r.JUnit,
		html:                              r.HTML,
	} {
		if err := writeFile(name, write); err != nil {
			return "", fmt.Errorf("write report: %w", err)
		}
	}
	return html, nil
}

func writeFile(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	return file.Replace(name, b.Bytes(), 0o644)
}

// JSON writes the machine contract.
func (r *Report) JSON(w io.Writer) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Open reads a report from a file, or from report.json in a folder.
func Open(path string) (*Report, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, "report.json")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("open report %s: %w", path, err)
	}
	if r.Kind != Kind || r.APIVersion != APIVersion {
		return nil, fmt.Errorf("open report %s: kind %q version %q, want %s %s", path, r.Kind, r.APIVersion, Kind, APIVersion)
	}
	return &r, nil
}
