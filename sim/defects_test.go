package sim

import (
	"testing"

	"github.com/ensaio/ensaio/sim/fault"
)

func TestEveryNameOfASwitchedRuleBelongsToARule(t *testing.T) {
	rules := map[string]bool{}
	for _, r := range Rules() {
		if rules[r.ID] {
			t.Errorf("rule %s stands twice", r.ID)
		}
		rules[r.ID] = true
	}
	for _, d := range fault.Switched() {
		if !rules[d.Rule] {
			t.Errorf("%s switches %s, which nobody enforces", d.Name, d.Rule)
		}
	}
}

func TestTheCatalogueIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Catalogue() {
		if seen[d.Name] {
			t.Errorf("%s stands twice", d.Name)
		}
		seen[d.Name] = true
		if d.Weight == "" || d.Symptom == "" {
			t.Errorf("%s is incomplete", d.Name)
		}
	}
	if len(seen) < 240 {
		t.Errorf("only %d defects", len(seen))
	}
}
