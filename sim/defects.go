package sim

import (
	"github.com/ensaio/ensaio/platform"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/pcm"
	"github.com/ensaio/ensaio/sim/rule"
)

// Rules lists every sentence that somebody in the ecosystem enforces.
func Rules() []rule.Info { return append(platform.Rules(), pcm.Rules()...) }

// Catalogue lists every defect that can be armed: the named ones, and one for each rule of the
// institution, made by switching it off. A rule that a row of the catalogue names goes by that name.
func Catalogue() []fault.Defect {
	all := fault.Named()
	known := map[string]bool{}
	for _, d := range all {
		if d.Kind == fault.Off {
			known[d.Rule] = true
		}
	}
	for _, r := range platform.Rules() {
		if !known[r.ID] {
			known[r.ID] = true
			all = append(all, fault.Defect{Name: "off:" + r.ID, Kind: fault.Off, Rule: r.ID, Weight: r.Weight, Symptom: "not enforced: " + r.Title})
		}
	}
	return all
}
