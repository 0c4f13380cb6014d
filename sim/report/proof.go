package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// The outcomes of one defect.
const (
	Killed    = "killed"    // a check failed with the message of a verdict
	Lived     = "lived"     // nothing failed: the suite is blind here
	Stillborn = "stillborn" // the ecosystem did not start, or nothing worked any more
)

// Weights of defects, heaviest first.
var Weights = []string{"critical", "major", "minor"}

// Floors is the share of defects of each weight that must be killed.
var Floors = map[string]float64{"critical": 1, "major": 0.95, "minor": 0.90}

// Proof is what showed that the checks can fail.
type Proof struct {
	APIVersion  string        `json:"apiVersion"`
	Kind        string        `json:"kind"`
	Notice      string        `json:"notice"`
	Tool        Tool          `json:"tool"`
	Seeds       []int64       `json:"seeds"`
	DurationMs  int64         `json:"durationMs"`
	Partial     bool          `json:"partial"`
	Summary     ProofSummary  `json:"summary"`
	Defects     []DefectProof `json:"defects"`
	FalseAlarms []FalseAlarm  `json:"falseAlarms"`
	Unproven    []string      `json:"unproven"` // checks never seen to fail, by id
}

// ProofSummary counts.
type ProofSummary struct {
	Defects      int              `json:"defects"`
	Killed       int              `json:"killed"`
	Lived        int              `json:"lived"`
	Stillborn    int              `json:"stillborn"`
	FalseAlarms  int              `json:"falseAlarms"`
	ByWeight     map[string]Share `json:"byWeight"`
	Checks       int              `json:"checks"`
	ProvenChecks int              `json:"provenChecks"`
	Aimed        int              `json:"aimed"` // killed by the check that was meant for it
}

// Share is a part of a whole.
type Share struct {
	Killed int `json:"killed"`
	Total  int `json:"total"`
}

// DefectProof is what became of one defect.
type DefectProof struct {
	Name          string   `json:"name"`
	Weight        string   `json:"weight"`
	Outcome       string   `json:"outcome"`
	ExpectedCheck string   `json:"expectedCheck"`
	CaughtBy      []string `json:"caughtBy"`
	Elsewhere     bool     `json:"elsewhere,omitempty"` // not by the check that was meant for it
	Ran           int      `json:"ran"`                 // checks tried
	Symptom       string   `json:"symptom,omitempty"`
	Reason        string   `json:"reason,omitempty"`
	Received      string   `json:"received,omitempty"` // what gave it away
	DurationMs    int64    `json:"durationMs"`
}

// FalseAlarm is a check that failed where nothing was wrong.
type FalseAlarm struct {
	Run    string `json:"run"` // "seed 2", or the variant of the control group
	Check  string `json:"check"`
	Detail string `json:"detail"`
}

// Summarise derives the counts. Stillborn defects are not counted in the shares: they must be repaired.
func (p *Proof) Summarise(checks []string) {
	s := ProofSummary{Defects: len(p.Defects), FalseAlarms: len(p.FalseAlarms), ByWeight: map[string]Share{}, Checks: len(checks)}
	for _, w := range Weights {
		s.ByWeight[w] = Share{}
	}
	proven := map[string]bool{}
	for _, d := range p.Defects {
		share := s.ByWeight[d.Weight]
		switch d.Outcome {
		case Killed:
			s.Killed++
			share.Killed++
			share.Total++
			if !d.Elsewhere {
				s.Aimed++
			}
			for _, c := range d.CaughtBy {
				proven[c] = true
			}
		case Lived:
			s.Lived++
			share.Total++
		case Stillborn:
			s.Stillborn++
		}
		s.ByWeight[d.Weight] = share
	}
	p.Unproven = []string{}
	for _, c := range checks {
		if proven[c] {
			s.ProvenChecks++
		} else {
			p.Unproven = append(p.Unproven, c)
		}
	}
	p.Summary = s
}

// Missed lists the floors that were not reached, and everything else that must not be.
func (p *Proof) Missed() []string {
	var out []string
	for _, w := range Weights {
		s := p.Summary.ByWeight[w]
		if s.Total > 0 && float64(s.Killed) < Floors[w]*float64(s.Total) {
			out = append(out, fmt.Sprintf("%s: %d of %d killed, the floor is %.0f %%", w, s.Killed, s.Total, 100*Floors[w]))
		}
	}
	if n := p.Summary.FalseAlarms; n > 0 {
		out = append(out, fmt.Sprintf("%d false alarms, none is allowed", n))
	}
	if n := p.Summary.Stillborn; n > 0 {
		out = append(out, fmt.Sprintf("%d stillborn defects must be repaired", n))
	}
	return out
}

// ByCheck lists, for every check id, the defects it was seen to fail on.
func (p *Proof) ByCheck() map[string][]string {
	out := map[string][]string{}
	for _, d := range p.Defects {
		for _, c := range d.CaughtBy {
			out[c] = append(out[c], d.Name)
		}
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}

// Write stores the proof as proof.json under dir and returns its path.
func (p *Proof) Write(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("write proof: %w", err)
	}
	path := filepath.Join(dir, "proof.json")
	if err := writeFile(path, p.JSON); err != nil {
		return "", fmt.Errorf("write proof: %w", err)
	}
	return path, nil
}

// JSON writes the machine contract.
func (p *Proof) JSON(w io.Writer) error { return writeJSON(w, p) }

// OpenProof reads a proof from a file, or from proof.json in a folder.
func OpenProof(path string) (*Proof, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, "proof.json")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open proof: %w", err)
	}
	var p Proof
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("open proof %s: %w", path, err)
	}
	if p.Kind != KindProof || p.APIVersion != APIVersion {
		return nil, fmt.Errorf("open proof %s: kind %q version %q, want %s %s", path, p.Kind, p.APIVersion, KindProof, APIVersion)
	}
	return &p, nil
}
