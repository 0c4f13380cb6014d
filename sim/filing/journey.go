package filing

import (
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

// stepOf finds the step that a path of the metrics platform stands for, with or without what comes before
// "client/" or "server/".
func stepOf(path string) (spec.HybridEvent, bool) {
	for _, e := range spec.HybridEvents() {
		if e.Kind == path || strings.HasSuffix(path, strings.TrimPrefix(e.Kind, "hybrid-flow/")) {
			return e, true
		}
	}
	return spec.HybridEvent{}, false
}

// way is what is known of one consent: who asked whom, and how far it came.
type way struct {
	client, server string
	day            Day // of its creation
	payment        bool
	automatic      bool
	product, flow  string
	person         string
	customer       bool // the holder knows the customer
	reached        map[mark]bool
}

// mark is a stage of a consent's way, told by one side.
type mark int

const (
	created mark = iota
	sentOff
	arrived
	authenticated
	authorised
	returned
	cameBack
	refused
	tokened
)

// marks maps reported steps to stages.
var marks = map[string]mark{
	spec.RedirectToServer: sentOff, spec.RedirectTarget: arrived, spec.Authenticated: authenticated, spec.RedirectToClient: returned,
	spec.RedirectTargetWithoutErrors: cameBack, spec.RedirectTargetWithErrors: refused,
}

// ask is one request to create a consent, joined from both sides by its interaction id.
type ask struct {
	client, server string
	day            Day
	payment        bool
	status         int
	drop           string
	consent        string
	product, flow  string
	person         string
	told           map[spec.Side]bool
}

// creation says whether a call asks for a consent, and whether for a payment.
func creation(c *Call) (asks, payment bool) {
	if c.Method != "POST" {
		return false, false
	}
	switch groupOf(c.Endpoint) {
	case "consents":
		return strings.HasSuffix(c.Endpoint, "/consents"), false
	case "payments":
		return strings.HasSuffix(c.Endpoint, "/consents"), true
	case "automatic-payments":
		return strings.HasSuffix(c.Endpoint, "/recurring-consents"), true
	}
	return false, false
}

// asks joins the requests for consents of a week.
func (b *Book) asks(w Week) map[string]*ask {
	all := map[string]*ask{}
	for i := range b.calls {
		c := &b.calls[i]
		is, payment := creation(c)
		if !is || c.Interaction == "" || !w.has(DayOf(c.At)) {
			continue
		}
		a := all[c.Interaction]
		if a == nil {
			a = &ask{client: c.Client, server: c.Server, day: DayOf(c.At), payment: payment, status: c.Status, told: map[spec.Side]bool{}}
			all[c.Interaction] = a
		}
		a.told[c.Side] = true
		if c.Side == spec.ServerSide {
			a.drop, a.status = c.Info["dropReason"], c.Status
			continue
		}
		a.consent = c.Info["consentId"]
		if a.consent == "" {
			a.consent = c.Info["recurringConsentId"]
		}
		a.product, a.flow, a.person = c.Info["paymentType"], c.Info["authorisationFlowIntent"], c.Info["personType"]
	}
	return all
}

// ways follows every consent that was created in a week.
func (b *Book) ways(w Week) map[string]*way {
	all := map[string]*way{}
	for _, a := range b.asks(w) {
		if a.consent == "" || a.status != 201 {
			continue
		}
		all[a.consent] = &way{client: a.client, server: a.server, day: a.day, payment: a.payment, product: a.product, flow: flowOf(a.flow), person: a.person,
			automatic: a.product == "AUTOMATIC" || a.product == "SWEEPING", customer: a.drop != "NO_CREDENTIAL", reached: map[mark]bool{created: true}}
	}
	for _, s := range b.steps {
		v := all[s.ConsentID]
		if v == nil {
			continue
		}
		v.reached[marks[s.Kind]] = true
		if s.Kind == spec.RedirectToClient && s.Type == "AUTHORISED" {
			v.reached[authorised] = true
		}
	}
	for i := range b.calls {
		c := &b.calls[i]
		if c.Endpoint == "/token" && c.Status == 200 && c.Info["grantType"] == "AUTHORIZATION_CODE" {
			if v := all[c.Info["consentId"]]; v != nil {
				v.reached[tokened] = true
			}
		}
	}
	return all
}

// flowOf is the authorisation flow of a consent; one that names none is redirected.
func flowOf(s string) string {
	if s == "" {
		return "HYBRID_FLOW"
	}
	return s
}
