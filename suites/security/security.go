// Package security holds the checks of the authorization server and of the transport: discovery, pushed
// requests, the authorization endpoint, codes, client assertions, tokens, ID tokens and TLS.
//
// Each refusal is a sound request minus exactly one thing, followed or accompanied by the sound request
// itself, so that a server which refuses everything fails too. Where the standard leaves open whether a
// bad request is refused when it is pushed or when the customer arrives, both are right; a code is not.
// Journeys here are taken step by step and demand no more than their own subject needs.
package security

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/suites/check"
)

// Checks lists the checks, in the order of the journey.
func Checks() []check.Check {
	all := slices.Concat(
		discoveryChecks(), requestObjectChecks(), requestScopeChecks(), pushedChecks(), authorizeChecks(), customerChecks(),
		codeChecks(), assertionChecks(), tokenChecks(), refreshChecks(), idTokenChecks(), userInfoChecks(),
		transportChecks(), certificateChecks(), messageChecks(),
	)
	for i := range all {
		c := &all[i]
		c.Area = "security"
		c.Plan = "security-op"
		if strings.HasPrefix(c.ID, "SOX-") {
			c.Plan = "security-op-extra"
		}
		if len(c.Needs) == 0 {
			c.Needs = []check.Need{check.Clients(1), check.Customer()}
		}
	}
	return all
}

// official names modules of the security suite for OpenID providers.
func official(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "fapi1-advanced-final-" + n
	}
	return out
}

func rules(ids ...string) []string { return ids }

func causes(texts ...string) []string { return texts }

// What checks of this area need besides one client.
var (
	twoClients = []check.Need{check.Clients(2), check.Customer()}
	oneClient  = []check.Need{check.Clients(1)}
	clocked    = []check.Need{check.Clients(1), check.Customer(), check.Clock}
)
