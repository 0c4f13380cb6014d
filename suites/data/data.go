// Package data holds the checks of shared data: accounts, customers, the list of resources, and what is
// the same for every read of the registry.
//
// Whatever holds for all plans is one row of a table and becomes a check in each plan where it makes sense
// (DACC-X01, DCUST-X01, DRES-X01); what differs is written out. Every check makes its own consent with a
// customer of its own, and asks the sound call beside the bent one.
package data

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/suites/check"
)

// Checks lists the checks.
func Checks() []check.Check {
	all := slices.Concat(accountChecks(), reservedChecks(), customerChecks(), resourceChecks(), genericChecks(),
		accessChecks(), headerChecks(), errorChecks(), bodyChecks(), pageChecks(), transactionChecks(), amountChecks(), limitChecks(), floorChecks())
	for i := range all {
		c := &all[i]
		c.Area = "data"
		if len(c.Needs) == 0 {
			c.Needs = basic
		}
		prefix, _, _ := strings.Cut(c.ID, "-")
		p, ok := planOf[prefix]
		if !ok {
			p = plan{name: "status-metrics", api: "common"}
		}
		c.Plan = p.name
		c.Needs = append(slices.Clone(c.Needs), check.API(p.api))
	}
	return all
}

func rules(ids ...string) []string { return ids }

func causes(texts ...string) []string { return texts }

// What checks need besides one client and a customer.
var (
	basic      = []check.Need{check.Clients(1), check.Customer()}
	twoClients = []check.Need{check.Clients(2), check.Customer()}
	clocked    = []check.Need{check.Clients(1), check.Customer(), check.Clock}
	held       = []check.Need{check.Clients(1), check.Customer(), check.HolderControl}
	cored      = []check.Need{check.Clients(1), check.Customer(), check.CoreControl}
	company    = []check.Need{check.Clients(1), check.Trait("company-alone")}
)
