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
// institution and of the metrics platform, made by switching it off. Where the field has a name for such a defect it goes by that.
func Catalogue() []fault.Defect {
	all := fault.Named()
	names := map[string]fault.Defect{}
	for _, d := range fault.Switched() {
		names[d.Rule] = d
	}
	for _, r := range Rules() {
		d, named := names[r.ID]
		if !named {
			d = fault.Defect{Name: "off:" + r.ID, Kind: fault.Off, Rule: r.ID, Symptom: "not enforced: " + r.Title}
		}
		d.Weight = r.Weight
		all = append(all, d)
	}
	return all
}
