package check

import (
	"fmt"
	"strings"

	"github.com/ensaio/ensaio/suites/target"
)

// The preconditions of the catalogue. P0 to P2 are [Clients], P4 is [Statement], P6 is [Customer].

// Clients needs that many clients registered at the bank.
func Clients(n int) Need {
	name := "a registered client"
	if n > 1 {
		name = fmt.Sprintf("%d registered clients", n)
	}
	return Need{Name: name, Unmet: func(t *target.Target) string {
		if have := len(t.Registered()); have < n {
			return fmt.Sprintf("the target declares %d registered clients, %d are needed", have, n)
		}
		return ""
	}}
}

// ClientRole needs a registered client whose software holds the directory role.
func ClientRole(role string) Need {
	return Need{Name: "a registered client with role " + role, Unmet: func(t *target.Target) string {
		for _, c := range t.Registered() {
			if c.Has(role) {
				return ""
			}
		}
		return "no registered client has the directory role " + role
	}}
}

// Statement needs software that is in the directory and not registered at the bank, with exactly the
// given roles (none given: any).
func Statement(roles ...string) Need {
	name := "unregistered software"
	if len(roles) > 0 {
		name += " with role " + strings.Join(roles, "+")
	}
	return Need{Name: name, Unmet: func(t *target.Target) string {
		if len(t.Statements(roles...)) == 0 {
			return "the target declares no " + name
		}
		return ""
	}}
}

// Customer needs a person with all of the traits; a trait with a leading "!" must be absent.
func Customer(traits ...string) Need {
	name := "a customer"
	if len(traits) > 0 {
		name += " who is " + strings.Join(traits, ", ")
	}
	return Need{Name: name, Unmet: func(t *target.Target) string {
		for _, p := range t.With(traits...) {
			if p.Login != "human" {
				return ""
			}
		}
		return "the target declares no such person with login: robot: " + name
	}}
}

// Customers needs so many ordinary people at once, or of whatever kind there is.
func Customers(n int) Need {
	return Need{Name: fmt.Sprintf("%d customers", n), Unmet: func(t *target.Target) string {
		people := t.With("ordinary")
		if len(people) == 0 {
			people = t.With()
		}
		robots := 0
		for _, p := range people {
			if p.Login != "human" {
				robots++
			}
		}
		if robots < n {
			return fmt.Sprintf("the target declares %d such people with login: robot, %d are needed", robots, n)
		}
		return ""
	}}
}

// Trait is [Customer] for a kind of customer that a bank need not have: without one the check is skipped
// and nothing is missing.
func Trait(traits ...string) Need {
	n := Customer(traits...)
	n.Power = true
	return n
}

// Hostile needs a hostile certificate: "expired", "revoked", "untrusted" and so on.
func Hostile(kind string) Need {
	return Need{Name: "the hostile certificate " + kind, Power: true, Unmet: func(t *target.Target) string {
		if _, ok := t.Hostile[kind]; !ok {
			return "the target declares no hostile certificate " + kind
		}
		return ""
	}}
}

// API needs that the target offers an API of the registry. A target that lists no APIs offers all.
func API(name string) Need {
	return Need{Name: "the API " + name, Power: true, Unmet: func(t *target.Target) string {
		if _, ok := t.APIs[name]; len(t.APIs) > 0 && !ok {
			return "the target does not declare the API " + name
		}
		return ""
	}}
}

// Powers outside the protocol.
var (
	// Clock needs a clock that can be stepped; the check runs by itself.
	Clock = Need{Name: "a stepped clock", Power: true, Alone: true, Unmet: capability("clock")}
	// HolderControl needs the bank's control surface: histories, revocation by the customer, approvals.
	HolderControl = Need{Name: "the bank's control surface", Power: true, Unmet: capability("bank")}
	// CoreControl needs the core's control surface: account status, balances, holds.
	CoreControl = Need{Name: "the core's control surface", Power: true, Unmet: capability("core")}
	// DirectoryControl needs the directory's control surface; the check runs by itself.
	DirectoryControl = Need{Name: "the directory's control surface", Power: true, Alone: true, Unmet: capability("directory")}
	// PCMControl needs the metrics platform's questions.
	PCMControl = Need{Name: "the metrics platform's control surface", Power: true, Unmet: capability("pcm")}
	// ReporterControl needs that reports can be told to leave now.
	ReporterControl = Need{Name: "the reporter's control surface", Power: true, Unmet: capability("reporter")}
	// PartiesControl needs the offices of the third parties, which know what these clients learn about
	// consents.
	PartiesControl = Need{Name: "the third parties' control surface", Power: true, Unmet: capability("parties")}
	// JournalControl needs the record of exchanges.
	JournalControl = Need{Name: "the journal", Power: true, Unmet: capability("journal")}
)

func capability(name string) func(*target.Target) string {
	return func(t *target.Target) string {
		if t.Capabilities.Of(name) == "" {
			return "the target does not declare the capability " + name
		}
		return ""
	}
}
