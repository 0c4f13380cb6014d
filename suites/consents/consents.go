// Package consents holds the checks of data consents: how they are made, who may touch them, how they
// are authorised, renewed and ended, and what is told about each step.
//
// It knows the standard (consents API, consent guidance, security profile) and nothing of any
// implementation. Every check makes its own consents with a customer of its own. A refusal is asked only
// beside its sound twin, so that a bank which refuses everything passes nothing.
package consents

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/suites/check"
)

// Checks lists the checks, in the order of a consent's life.
func Checks() []check.Check {
	all := slices.Concat(preflightChecks(), creationChecks(), refusalChecks(), accessChecks(), authorisationChecks(),
		lifeChecks(), extensionChecks(), extensionRefusalChecks(), limitChecks())
	for i := range all {
		c := &all[i]
		c.Area = "consents"
		c.Plan = "consents"
		if strings.HasPrefix(c.ID, "COX-") {
			c.Plan = "consents-extra"
		}
		if len(c.Needs) == 0 {
			c.Needs = []check.Need{check.Clients(1), check.Customer()}
		}
		c.Needs = append(c.Needs, check.API("consents"))
	}
	return all
}

func rules(ids ...string) []string { return ids }

func causes(texts ...string) []string { return texts }

// official names modules of the functional suite, all of one version.
func official(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "consents_api_" + n + "_test-module_v3-3-1"
	}
	return out
}

// What checks need besides one client and a customer.
var (
	twoClients = []check.Need{check.Clients(2), check.Customer()}
	clocked    = []check.Need{check.Clients(1), check.Customer(), check.Clock}
	held       = []check.Need{check.Clients(1), check.Customer(), check.HolderControl}
)
