package profile

import (
	"math"
	"path"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// Security is the class of what the authorization server answers. It has no frequency class,
// and no budget unless a profile gives it one.
const Security = record.Security

// Classes are the classes that a mix and a budget may name.
var Classes = []spec.Class{spec.High, spec.MediumHigh, spec.Medium, spec.Low, Security}

// Registry is the key of a mix that stands for everything of the registry, each with its own weight.
const Registry = "registry"

// The things beside the registry's operations that a mix may name.
const (
	Token = "token" // a client-credentials token
	PAR   = "par"   // a pushed authorization request
)

// The journeys: each plays its steps one after the other, over the wire and with a customer at the bank's
// pages, and is one arrival.
const (
	JourneyShare    = "journey:share"    // consent, authorise, read everything
	JourneyPay      = "journey:pay"      // payment consent, authorise, pay, read until it ends
	JourneyCancel   = "journey:cancel"   // schedule a payment, authorise, cancel, and it is cancelled
	JourneyRevoke   = "journey:revoke"   // consent, authorise, revoke, and the token is refused
	JourneyRegister = "journey:register" // register, read the registration, unregister
	JourneyWhole    = "journey:whole"    // register, consent, authorise, read everything, pay, revoke, unregister
)

// Journeys lists them.
var Journeys = []string{JourneyShare, JourneyPay, JourneyCancel, JourneyRevoke, JourneyRegister, JourneyWhole}

// Weight is how often the registry's mix asks an operation, relative to the others.
//
// A read weighs what the monthly quota lets one receiver ask of one resource: its own quota, else the
// least of its class. That is how the standard itself weighs how often each is needed. Calls without a
// quota that only look (services, consents, resources) weigh what their class would have. What creates,
// changes or ends something weighs as the lowest quota, since it happens once and is looked at often.
func Weight(o *spec.Operation) float64 {
	if o.Method != "GET" {
		return 8
	}
	if o.Monthly > 0 {
		return float64(o.Monthly)
	}
	switch o.Class {
	case spec.High:
		return 240
	case spec.MediumHigh:
		return 120
	case spec.Medium:
		return 30
	}
	return 8
}

// The registry's mix asks a token for every sixtieth, a pushed request for every hundredth call or so.
const (
	tokenWeight = 48
	parWeight   = 24
)

// Weights gives the weight of each of the names under this profile's mix: ids of the registry, [Token],
// [PAR] and journeys. A key of the mix is an id, a glob of ids, the name of an API or a class; the longest
// key that fits decides, and "registry" stands for the weights of [Weight]. Zero is never asked.
func (p *Profile) Weights(names []string) map[string]float64 {
	mix := p.Mix
	if len(mix) == 0 {
		mix = map[string]float64{Registry: 1}
	}
	out := map[string]float64{}
	for _, name := range names {
		best := ""
		for key := range mix {
			if key != Registry && fits(key, name) && (best == "" || rank(key) > rank(best) || (rank(key) == rank(best) && key < best)) {
				best = key
			}
		}
		switch {
		case best != "":
			out[name] = mix[best]
		default:
			out[name] = mix[Registry] * ordinary(name)
		}
	}
	return out
}

// rank orders keys from the general to the exact.
func rank(key string) int {
	if slices.Contains(words(Classes), key) {
		return 0
	}
	if strings.ContainsAny(key, "*?[") {
		return len(key)
	}
	return 1000 + len(key)
}

func ordinary(name string) float64 {
	switch name {
	case Token:
		return tokenWeight
	case PAR:
		return parWeight
	}
	if o := spec.Find(name); o != nil {
		return Weight(o)
	}
	return 0 // journeys are asked for by name only
}

func fits(key, name string) bool {
	if key == name {
		return true
	}
	if ok, err := path.Match(key, name); err == nil && ok {
		return true
	}
	o := spec.Find(name)
	if o == nil {
		return key == string(Security) && (name == Token || name == PAR)
	}
	return key == string(o.Class) || key == o.API.Name
}

// Known lists what a key of a mix may be, globs aside.
func Known() []string {
	all := append([]string{Registry, Token, PAR}, Journeys...)
	all = append(all, words(Classes)...)
	for _, a := range spec.APIs() {
		all = append(all, a.Name)
		for _, o := range a.Operations {
			all = append(all, o.ID)
		}
	}
	return all
}

func (p *Profile) mixProblems(say func(string, ...any)) {
	known := Known()
	sum := 0.0
	keys := make([]string, 0, len(p.Mix))
	for key := range p.Mix {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		weight := p.Mix[key]
		if !(weight >= 0) || math.IsInf(weight, 1) {
			say("mix.%s is %v: a weight is a number that is not negative", key, weight)
		}
		sum += max(weight, 0)
		if !slices.Contains(known, key) && !slices.ContainsFunc(known, func(k string) bool { return fits(key, k) }) {
			say("unknown key %q in mix; did you mean %q?", key, target.Nearest(key, known))
		}
	}
	if len(p.Mix) > 0 && sum == 0 {
		say("mix asks for nothing: every weight is zero")
	}
}
