// Package suites is the judge: all checks, how they are chosen and run, and what follows from them.
//
// It promises that nothing but a reached verdict counts as one: an empty selection, an unreachable
// target, a crash of a check and an interruption each have their own name. It knows a target only by its
// file, and shares no code with any platform.
package suites

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/consents"
	"github.com/ensaio/ensaio/suites/data"
	"github.com/ensaio/ensaio/suites/dcr"
	"github.com/ensaio/ensaio/suites/opendata"
	"github.com/ensaio/ensaio/suites/payments"
	"github.com/ensaio/ensaio/suites/pcm"
	"github.com/ensaio/ensaio/suites/security"
	"github.com/ensaio/ensaio/suites/status"
)

// area is one package of checks.
type area struct {
	name   string
	checks func() []check.Check
}

// areas lists the packages of checks, in the order of reading: a failure in an earlier one usually
// explains failures in later ones.
var areas = []area{
	{"ground", ground},
	{"dcr", dcr.Checks},
	{"security", security.Checks},
	{"consents", consents.Checks},
	{"data", data.Checks},
	{"payments", payments.Checks},
	{"opendata", opendata.Checks},
	{"status", status.Checks},
	{"pcm", pcm.Checks},
}

// All lists every check, area by area. It panics when two checks share an id or a name, or one is
// incomplete: a mistake of the programmer.
func All() []check.Check { return collect(areas) }

func collect(from []area) []check.Check {
	var all []check.Check
	ids, names := map[string]bool{}, map[string]bool{}
	for _, a := range from {
		for _, c := range a.checks() {
			if c.Area == "" {
				c.Area = a.name
			}
			if err := c.Validate(); err != nil {
				panic(err)
			}
			if ids[c.ID] || names[c.Name] {
				panic(fmt.Sprintf("check %s %s appears twice", c.ID, c.Name))
			}
			ids[c.ID], names[c.Name] = true, true
			all = append(all, c)
		}
	}
	return all
}

// Find returns the check of that id or name.
func Find(checks []check.Check, idOrName string) (check.Check, bool) {
	i := slices.IndexFunc(checks, func(c check.Check) bool {
		return strings.EqualFold(c.ID, idOrName) || strings.EqualFold(c.Name, idOrName)
	})
	if i < 0 {
		return check.Check{}, false
	}
	return checks[i], true
}

// Digest identifies a set of checks: the proof of one suite vouches for reports with the same digest.
func Digest(checks []check.Check) string {
	lines := make([]string, 0, len(checks))
	for _, c := range checks {
		lines = append(lines, strings.Join([]string{c.ID, c.Name, string(c.Weight()), strings.Join(c.Rules, " ")}, "\t"))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}
