// Package fault is the catalogue of deliberate defects and the switchboard that arms them.
//
// Product code knows no defect by name: it passes values through [Seams], which is the identity while
// nothing is armed. One defect breaks one sentence, is deterministic, and is described by what one sees
// from outside. Only the composition root builds a [Board].
package fault

import "strings"

// Weight says what a broken sentence would cost.
type Weight string

// The three weights.
const (
	Critical Weight = "critical" // money, privacy, authentication
	Major    Weight = "major"    // a certification test or the regulation would reject it
	Minor    Weight = "minor"    // quality, interoperability
)

// Kind says how a defect is made.
type Kind string

// The kinds of defect.
const (
	Off     Kind = "off"     // one rule is not enforced
	Mutate  Kind = "mutate"  // an outgoing message is altered
	State   Kind = "state"   // a transition is added, missing or wrong
	Query   Kind = "query"   // a filter is dropped or widened
	Time    Kind = "time"    // too early, too late, never
	Network Kind = "network" // connection trouble
	Actor   Kind = "actor"   // directory, core, PCM or client misbehaves
	Harness Kind = "harness" // the suite itself is sabotaged
)

// Defect is a named way to break one sentence. Exactly one of the function fields, or Rule with kind
// Off, does the breaking.
type Defect struct {
	// Name is area/symptom, stable for ever: "par/accepts-missing-exp".
	Name string
	Kind Kind
	// Rule is the id of the broken rule. With kind Off it is also the switch.
	Rule   string
	Weight Weight
	// Symptom is what one observes from outside.
	Symptom string
	// CaughtBy names the check (by its name, area/expectation, or its id) meant to notice.
	CaughtBy []string
	// Client marks a lie on the wire that also tests a client.
	Client bool
	// Profile names the load profile whose thresholds notice the defect; "" is for those that a check
	// notices.
	Profile string

	OnRequest    func(*Request)
	OnReply      func(*Reply)
	OnClaims     func(*Claims)
	OnTransition func(*Transition)
	OnQuery      func(*Lookup)
	OnReport     func(*Report)
	OnDelivery   func(*Delivery)
	OnLifetime   func(*Lifetime)
	OnServe      func(*Serve)
	OnLimit      func(*Limit)
}

// Area is the part of the name before the first slash.
func (d Defect) Area() string {
	area, _, _ := strings.Cut(d.Name, "/")
	return area
}
