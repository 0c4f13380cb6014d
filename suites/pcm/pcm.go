// Package pcm holds the checks of the metrics platform (PCM): whether the institution reports what it
// serves, once, truly and in time, and whether the platform itself takes reports in, refuses and pairs
// them as published.
//
// What the institution sent is read from the platform's control surface; where the reporter can be told
// to send now, no time is lost waiting. The platform's own rules are tried by two third parties over its
// public API, one standing for the caller of a call and the other for the callee, with calls that were
// never made: nothing of the institution is needed for them.
package pcm

import (
	"strings"

	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/target"
)

// Checks lists the checks: the institution's reports first, then the platform.
func Checks() []check.Check {
	var all []check.Check
	for _, part := range [][]check.Check{reportedChecks(), deliveryChecks(), toldStockChecks(), toldStateChecks(), tokenChecks(), intakeChecks(), discardChecks(), journeyChecks(), pairingChecks(), stateChecks(), stockChecks(), portabilityChecks(), dialectChecks(), closingChecks()} {
		all = append(all, part...)
	}
	for i := range all {
		c := &all[i]
		c.Area, c.Plan = "pcm", "pcm"
		if strings.HasPrefix(c.ID, "STM-") {
			c.Plan = "status-metrics"
		}
		c.Needs = append([]check.Need{platform, check.Clients(1)}, c.Needs...)
	}
	return all
}

// platform needs a metrics platform.
var platform = check.Need{Name: "a metrics platform", Power: true, Unmet: func(t *target.Target) string {
	if t.PCM.URL == "" || t.PCM.Token == "" {
		return "the target declares no pcm.url or pcm.token"
	}
	return ""
}}

// The preconditions of the parts.
var (
	observed  = []check.Need{check.PCMControl, check.Customer(), check.ClientRole("DADOS")}
	twoSides  = []check.Need{check.Clients(2)}
	troubling = []check.Need{check.PCMControl, check.ReporterControl, check.Customer(), check.ClientRole("DADOS")}
)

func with(base []check.Need, more ...check.Need) []check.Need {
	return append(base[:len(base):len(base)], more...)
}

func rules(ids ...string) []string { return ids }

func causes(texts ...string) []string { return texts }
