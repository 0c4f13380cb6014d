// Package dcr holds the checks of dynamic registration and its management, of the certificates with
// which that happens, and of the directory that vouches for both.
//
// It promises that a refusal is a sound registration minus exactly one thing, and that the sound one is
// accepted in the same check, so that a server which refuses everything fails too. Every check registers
// software of its own and leaves the bank without it. Where the standard leaves a choice, between two
// error codes or between refusing and granting less, both are right.
package dcr

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/suites/check"
)

// Checks lists the checks, in the order of reading: the directory, certificates, registration, management.
func Checks() []check.Check {
	all := slices.Concat(directoryChecks(), certificateChecks(), registrationChecks(), statementChecks(), subjectChecks(), managementChecks())
	for i := range all {
		c := &all[i]
		prefix, _, _ := strings.Cut(c.ID, "-")
		c.Plan = map[string]string{"DIR": "directory", "CRT": "certificates", "DCR": "dcr", "DCX": "dcr-extra"}[prefix]
		if r, ok := reasons[c.ID]; ok {
			c.Why, c.Causes = r.why, r.causes
		}
		if c.Needs == nil {
			c.Needs = []check.Need{check.Clients(1), check.Statement()}
		}
	}
	return all
}

// rules reads requirement ids written one after the other.
func rules(ids string) []string { return strings.Fields(ids) }

// security names modules of the security suite for OpenID providers.
func security(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "fapi1-advanced-final-" + n
	}
	return out
}

// functional names modules of the functional suite.
func functional(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "dcr_api_" + n
	}
	return out
}

// newcomer is what a check with software of those roles needs, with whatever else.
func newcomer(roles []string, more ...check.Need) []check.Need {
	return append([]check.Need{check.Clients(1), check.Statement(roles...)}, more...)
}

// The roles of software statements that the checks ask for.
var (
	both     = []string{"DADOS", "PAGTO"}
	data     = []string{"DADOS"}
	payment  = []string{"PAGTO"}
	accounts = []string{"CONTA"}
)

// forging needs the directory's control for assertions with other claims. It changes nothing that others
// see, so that the check need not be alone.
func forging() check.Need {
	n := check.DirectoryControl
	n.Alone = false
	return n
}
