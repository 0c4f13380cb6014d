package suites

import (
	"slices"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/check"
)

// Profile is a named selection with a purpose.
type Profile struct {
	Name     string   `json:"id"`
	Title    string   `json:"title"`
	Patterns []string `json:"patterns"`
	// Without lists patterns of what does not belong.
	Without []string `json:"without,omitempty"`
}

var profiles = []Profile{
	{Name: "all", Title: "Everything that the target can be asked", Patterns: []string{"**"}},
	{Name: "account-holder", Title: "An institution that holds accounts: security, registration, consents, data and payments", Patterns: []string{"**"}},
	{Name: "data-transmitter", Title: "An institution that shares data", Patterns: []string{"**"}, Without: []string{"payments", "payments-extra", "payments/**"}},
	{Name: "fapi-op", Title: "The security profile of the authorization server and dynamic registration", Patterns: []string{"ground", "security", "dcr"}},
	{Name: "connector-gate", Title: "What a connector to the core can break: resources, data, payments, consents", Patterns: []string{"ground", "consents", "data", "payments"}},
	{Name: "demo-smoke", Title: "One look at every area, in seconds", Patterns: []string{"ground"}},
}

// Profiles lists the profiles.
func Profiles() []Profile { return slices.Clone(profiles) }

// ProfileOf returns the profile of that name; "" is "all".
func ProfileOf(name string) (Profile, bool) {
	if name == "" {
		name = "all"
	}
	i := slices.IndexFunc(profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, false
	}
	return profiles[i], true
}

// Holds says whether a check belongs to the profile.
func (p Profile) Holds(c check.Check) bool {
	return matchAny(p.Patterns, c) && !matchAny(p.Without, c)
}

// results judges every profile of which the whole was run.
func results(all []check.Check, outcomes []report.Check, partial bool, failOn string) []report.ProfileResult {
	byID := map[string]report.Check{}
	for _, o := range outcomes {
		byID[o.ID] = o
	}
	var out []report.ProfileResult
	for _, p := range profiles {
		var mine, core, extended []report.Check
		whole := true
		for _, c := range all {
			if !p.Holds(c) {
				continue
			}
			o, ran := byID[c.ID]
			whole = whole && ran
			mine = append(mine, o)
			if c.Weight() == check.Must {
				core = append(core, o)
			} else {
				extended = append(extended, o)
			}
		}
		if whole && len(mine) > 0 {
			out = append(out, report.ProfileResult{Name: p.Name, Verdict: report.Judge(mine, partial, failOn),
				Core: report.Count(core), Extended: report.Count(extended)})
		}
	}
	return out
}
