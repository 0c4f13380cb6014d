// Package payments holds the checks of the Pix payment API: consents to pay, the customer's
// authorisation, initiations by every instrument, what becomes of a payment, schedules, cancellations,
// and the signed messages that carry all of it.
//
// A refusal is a sound request with exactly one thing bent, and its sound twin passes in the same check,
// so that an institution which refuses everything fails too. Where the standard leaves the moment open,
// a business refusal may come at once, as 422, or later, as a rejected payment; both use the consent up.
// Payees, and amounts that choose an outcome, are the target's: nothing is known of it beyond its file.
package payments

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/target"
)

// Checks lists the checks, in the order of a payment's way.
func Checks() []check.Check {
	all := slices.Concat(
		groundChecks(), consentFieldChecks(), consentDateChecks(), consentAccessChecks(), authorisationChecks(), codeChecks(),
		instrumentChecks(), initiationFieldChecks(), divergenceChecks(), outcomeChecks(), consumptionChecks(), approverChecks(),
		scheduleChecks(), scheduleRefusalChecks(), executionChecks(), cancellationChecks(), withdrawalChecks(),
		idempotencyChecks(), accessChecks(), timeChecks(), signatureChecks(), claimChecks(), answerChecks(),
	)
	for i := range all {
		c := &all[i]
		c.Area, c.Plan = "payments", "payments"
		if strings.HasPrefix(c.ID, "PAX-") {
			c.Plan = "payments-extra"
		}
		c.Needs = append([]check.Need{check.API("payments"), check.ClientRole("PAGTO"), check.Customer(), payee("")}, c.Needs...)
	}
	return all
}

// payee needs somebody who can be paid, with a Pix key of the kind; "" is any payee.
func payee(kind string) check.Need {
	name := "a payee"
	if kind != "" {
		name += " with a Pix key of kind " + kind
	}
	return check.Need{Name: name, Unmet: func(t *target.Target) string {
		if _, ok := t.PayeeWith(kind); !ok {
			return "the target declares no " + strings.TrimPrefix(name, "a ") + " in payments.payees"
		}
		return ""
	}}
}

// outcome needs an amount with which the target lets that outcome be chosen.
func outcome(names ...string) check.Need {
	return check.Need{Name: "an amount that is " + target.Outcomes[names[0]], Power: true, Unmet: func(t *target.Target) string {
		for _, n := range names {
			if t.Payments.Amounts[n] == "" {
				return "the target declares no amount " + n + " in payments.amounts"
			}
		}
		return ""
	}}
}

// invented needs that the charge behind a dynamic code may be made up.
var invented = check.Need{Name: "dynamic codes of invented charges", Power: true, Unmet: func(t *target.Target) string {
	if !t.Payments.InventedCharges {
		return "the target does not declare payments.inventedCharges"
	}
	return ""
}}

var (
	twoClients = check.Clients(2)
	approvers  = check.Trait("company-several")
)

func needs(all ...check.Need) []check.Need { return all }

func rules(ids ...string) []string { return ids }

func causes(texts ...string) []string { return texts }

// official names modules of the functional suite, version 5.
func official(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "payments_api_" + n + "_test-module_v5"
	}
	return out
}
