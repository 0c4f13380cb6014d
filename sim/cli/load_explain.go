package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/load/profile"
)

// explainLoad tells a load profile in full.
func explainLoad(p *profile.Profile) explanation {
	var thresholds, steps, mix []string
	for _, t := range p.Rows() {
		text := fmt.Sprintf("%s: %s at most %g", t.Name, t.Metric, t.Limit)
		if t.Metric == "achieved" || t.Metric == "availability" {
			text = fmt.Sprintf("%s: at least %g", t.Name, t.Limit)
		}
		thresholds = append(thresholds, text)
	}
	if m := p.Thresholds.Memory; m != nil {
		thresholds = append(thresholds, fmt.Sprintf("memory: grows at most %g times after the warm-up", *m))
	}
	if d := p.Thresholds.Follows; d > 0 {
		thresholds = append(thresholds, fmt.Sprintf("the published status follows within %v", time.Duration(d)))
	}
	for _, s := range p.Schedule {
		steps = append(steps, s.String())
	}
	for _, key := range slices.Sorted(maps.Keys(p.Mix)) {
		mix = append(mix, fmt.Sprintf("%s %g", key, p.Mix[key]))
	}
	limits := ""
	if l := p.Switches; l != nil {
		limits = l.String()
	}
	return explanation{Kind: "load profile", ID: p.Name, Title: p.Title, Facts: []fact{
		{"procedure", string(p.Procedure)}, {"sends", sends(p)}, {"mix", strings.Join(mix, ", ")}, {"thresholds", strings.Join(thresholds, "\n")},
		{"schedule", strings.Join(steps, "\n")}, {"limits", limits}, {"run it", "ensaio load " + p.Name}, {"format", "docs/load.md"}}}
}
