package target

import (
	"maps"
	"slices"
	"strings"
)

// Payments is what a rehearsal of payments needs to know of the environment.
type Payments struct {
	// Payees may be paid at any time; nobody but the rehearsal relies on their accounts.
	Payees []Payee `yaml:"payees,omitempty"`
	// Amounts are those with which the environment lets an outcome be chosen, by [Outcomes].
	Amounts map[string]string `yaml:"amounts,omitempty"`
	// InventedCharges says that the charge behind a dynamic code may be one that no institution issued.
	InventedCharges bool `yaml:"inventedCharges,omitempty"`
}

// Payee is somebody with an account and Pix keys.
type Payee struct {
	Name     string   `yaml:"name"`
	Document string   `yaml:"document"` // CPF or CNPJ
	Account  Account  `yaml:"account"`
	Keys     []string `yaml:"keys,omitempty"`
}

// Account is a payment account.
type Account struct {
	ISPB   string `yaml:"ispb"`
	Issuer string `yaml:"issuer,omitempty"`
	Number string `yaml:"number"`
	Type   string `yaml:"type"`
}

// The outcomes that an amount may choose.
const (
	// RefusedAtOnce is refused when the payment is initiated, with PAGAMENTO_RECUSADO_DETENTORA.
	RefusedAtOnce = "refusedAtOnce"
	// RefusedLater is taken and then rejected with PAGAMENTO_RECUSADO_SPI.
	RefusedLater = "refusedLater"
	// Held waits for analysis until somebody decides or cancels.
	Held = "held"
	// HeldThenSettled and HeldThenRejected wait for analysis a while.
	HeldThenSettled  = "heldThenSettled"
	HeldThenRejected = "heldThenRejected"
	// Undisclosed is refused at the authorisation, for a reason that is not told.
	Undisclosed = "undisclosed"
	// Outage finds the core of the institution unavailable.
	Outage = "outage"
	// BeyondWithdrawal is more than one withdrawal may be, and less than one payment may be.
	BeyondWithdrawal = "beyondWithdrawal"
)

// Outcomes lists the outcomes that an amount may choose, each with what it means.
var Outcomes = map[string]string{
	RefusedAtOnce:    "refused when the payment is initiated, with PAGAMENTO_RECUSADO_DETENTORA",
	RefusedLater:     "taken, then rejected with PAGAMENTO_RECUSADO_SPI",
	Held:             "held for analysis until somebody decides or cancels",
	HeldThenSettled:  "held for a while, then settled",
	HeldThenRejected: "held for a while, then rejected",
	Undisclosed:      "refused at the authorisation for a reason that is not told",
	Outage:           "the core of the institution is not available",
	BeyondWithdrawal: "more than one withdrawal may be, less than one payment may be",
}

// The kinds of a Pix key.
const (
	Email    = "email"
	Phone    = "phone"
	Document = "document"
	Random   = "random"
)

// Key returns the payee's key of a kind, or "".
func (p Payee) Key(kind string) string {
	i := slices.IndexFunc(p.Keys, func(k string) bool { return KindOfKey(k) == kind })
	if i < 0 {
		return ""
	}
	return p.Keys[i]
}

// KindOfKey reads the kind of a Pix key off its form.
func KindOfKey(key string) string {
	switch {
	case strings.Contains(key, "@"):
		return Email
	case strings.HasPrefix(key, "+"):
		return Phone
	case len(key) == 36:
		return Random
	}
	return Document
}

// PayeeWith returns the first payee with a key of the kind; "" is any payee.
func (t *Target) PayeeWith(kind string) (Payee, bool) {
	for _, p := range t.Payments.Payees {
		if kind == "" || p.Key(kind) != "" {
			return p, true
		}
	}
	return Payee{}, false
}

func (p Payments) problems(say func(string, ...any)) {
	for _, name := range slices.Sorted(maps.Keys(p.Amounts)) {
		if _, ok := Outcomes[name]; !ok {
			say("unknown key %q in payments.amounts; did you mean %q?", name, Nearest(name, sortedKeys(Outcomes)))
		}
	}
	for i, one := range p.Payees {
		if one.Name == "" || one.Document == "" || one.Account.ISPB == "" || one.Account.Number == "" || one.Account.Type == "" {
			say("payments.payees[%d] lacks name, document, or ispb, number or type of its account", i)
		}
	}
}
