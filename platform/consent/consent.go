// Package consent is the consent engine: one state machine a kind, permissions, expiry and history.
//
// A consent is published as an immutable value: readers never wait for a disk nor see half a change. Every
// change is durable before it is visible, and carries who, when, from, to and through which channel
// (AS-CONS-05).
//
// It also answers the consents API. Its sentences without a number in the security checklists are
// numbered here: CONS-REQ for the form of a request, CONS-PERM for permission groups, CONS-EXP for the
// expiry of a new consent, CONS-EXT for extensions. The order of the rows is the precedence of the codes.
package consent

import (
	"encoding/json"
	"time"
)

// Kind separates the state machines.
type Kind string

// The kinds of consent.
const (
	Data    Kind = "consent"
	Payment Kind = "payment-consent"
)

// The states of both machines.
const (
	Awaiting   = "AWAITING_AUTHORISATION"
	Partially  = "PARTIALLY_ACCEPTED"
	Authorised = "AUTHORISED"
	Consumed   = "CONSUMED"
	Rejected   = "REJECTED"
)

// Consent is one consent at one moment. Never change one that came from the engine.
type Consent struct {
	ID       string `json:"id"`
	Kind     Kind   `json:"kind"`
	ClientID string `json:"clientId"`
	Status   string `json:"status"`

	Created time.Time  `json:"created"`
	Updated time.Time  `json:"updated"`           // statusUpdateDateTime
	Expires *time.Time `json:"expires,omitempty"` // expirationDateTime; nil is without end
	CPF     string     `json:"cpf"`               // loggedUser
	CNPJ    string     `json:"cnpj,omitempty"`    // businessEntity

	// Data consents.
	Permissions []string    `json:"permissions,omitempty"`
	Extensions  []Extension `json:"extensions,omitempty"` // oldest first
	// Resources the customer selected, by resource id; whole groups (credit, investments) are not listed.
	Resources []string `json:"resources,omitempty"`
	// Owner is the core key of the person or company whose data is shared or whose money moves, set when authorised.
	Owner string `json:"owner,omitempty"`
	// Approvals still open when several approvers are needed; Approved lists those that came later than
	// the authorisation.
	Approvals []string `json:"approvals,omitempty"`
	Approved  []string `json:"approved,omitempty"`
	// Until bounds the wait of a PARTIALLY_ACCEPTED payment consent for its other approvers.
	Until *time.Time `json:"until,omitempty"`

	// Payment consents: the request's data object as received, and the debtor account.
	Payment json.RawMessage `json:"payment,omitempty"`
	Debtor  json.RawMessage `json:"debtor,omitempty"`

	Rejection *Rejection `json:"rejection,omitempty"`
	History   []Change   `json:"history"`
}

// Rejection says who ended a consent and why.
type Rejection struct {
	By     string `json:"rejectedBy"` // USER, ASPSP, TPP (data)
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
}

// Extension is one renewal of a data consent.
type Extension struct {
	Expires   *time.Time `json:"expires,omitempty"`
	Previous  *time.Time `json:"previous,omitempty"`
	Requested time.Time  `json:"requested"`
	CPF       string     `json:"cpf"`
	IP        string     `json:"ip"`
	UserAgent string     `json:"userAgent"`
}

// Change is one line of a consent's history.
type Change struct {
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	By      string    `json:"by"`      // "client:<id>", "customer", "holder", "time"
	Channel string    `json:"channel"` // "api", "authorization", "core", "clock"
}
