// Package connector is the port between the platform and an institution's core system.
//
// The platform does consent, signature, permission, limits, paging and schema; a connector only
// translates. Every question names its customer, so that a source cannot answer for somebody else by
// accident. The port speaks the newest shape of each API; older shapes are projections of the platform.
package connector

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// The ways in which a source can refuse. Anything else is an outage and becomes 503 or 504.
var (
	ErrUnknown     = errors.New("no such record for this customer")
	ErrCredentials = errors.New("wrong username or password")
	ErrUnavailable = errors.New("core system not available")
	// ErrConflict refuses a second, different order under an id already used.
	ErrConflict = errors.New("another order has this id")
)

// Customer is a natural person, or a person acting for a company, as the core knows them.
type Customer struct {
	Key       string    `json:"key,omitempty"` // the core's stable key; never leaves the platform
	Name      string    `json:"name,omitempty"`
	CPF       string    `json:"cpf,omitempty"`
	Companies []Company `json:"companies,omitempty"` // companies the person may act for
	// Factors is how many kinds of authentication factor this login proved: 1 is loa2, 2 or more loa3.
	Factors int `json:"factors"`
}

// Company is a legal person a customer may act for.
type Company struct {
	Key  string `json:"key,omitempty"`
	Name string `json:"name,omitempty"`
	CNPJ string `json:"cnpj,omitempty"`
	// Alone says that the person may sign alone; otherwise several approvers are needed.
	Alone bool `json:"alone"`
}

// Query asks for a page of records of one kind of one customer. Beside the registry's sources there are two
// of the platform's own: payment-accounts, whose bodies are [Account] as JSON, and approvers, the other
// people who must approve for an account (the parent) or for a company (no parent), whose ids are
// customer keys. Dates are civil dates of Brasília.
type Query struct {
	Source   string            `json:"source,omitempty"`   // registry source: "accounts", "transactions", "personal-identifications", "resources", …
	Customer string            `json:"customer,omitempty"` // key of the person or company whose data it is
	Parent   string            `json:"parent,omitempty"`   // resource id the records belong to, when nested
	From     time.Time         `json:"from,omitzero"`      // booking dates, inclusive; zero means open
	To       time.Time         `json:"to,omitzero"`        // booking dates, inclusive; zero means open
	Filters  map[string]string `json:"filters,omitempty"`  // other query parameters of the operation, verbatim (accountType, creditDebitIndicator, …)
	Only     []string          `json:"only"`               // resource ids to keep; nil means all
	Offset   int               `json:"offset,omitempty"`
	Limit    int               `json:"limit,omitempty"`
}

// Page is a page of records and how many there are in all.
type Page struct {
	Records []Record `json:"records"`
	Total   int      `json:"total"`
}

// Record is one datum in the newest shape of its API.
type Record struct {
	ID     string          `json:"id,omitempty"`
	Type   string          `json:"type,omitempty"`   // resources' type: "ACCOUNT", …; "" for what is not a resource
	Status string          `json:"status,omitempty"` // resources' status: "AVAILABLE", …
	Body   json.RawMessage `json:"body,omitempty"`
}

// Key names one record of one customer.
type Key struct {
	Source   string `json:"source,omitempty"`
	Customer string `json:"customer,omitempty"`
	ID       string `json:"id,omitempty"`
}

// Order asks the core to move money. It is idempotent by ID.
type Order struct {
	ID           string  `json:"id,omitempty"`
	Customer     string  `json:"customer,omitempty"`
	Debtor       Account `json:"debtor"`
	Creditor     Account `json:"creditor"`
	CreditorDoc  string  `json:"creditorDocument,omitempty"` // CPF or CNPJ
	CreditorName string  `json:"creditorName,omitempty"`
	Amount       string  `json:"amount,omitempty"` // decimal text, "1234.56"
	Proxy        string  `json:"proxy,omitempty"`
	EndToEndID   string  `json:"endToEndId,omitempty"`
	Instrument   string  `json:"instrument,omitempty"` // MANU, DICT, INIC, QRES, QRDN, …
	Remittance   string  `json:"remittance,omitempty"`
	Purpose      string  `json:"purpose,omitempty"`   // WITHDRAW and CHANGE have their own limits
	Scheduled    bool    `json:"scheduled,omitempty"` // foreseen for a later day: balance and day limit are left for then
}

// Account is a Brazilian payment account.
type Account struct {
	ISPB   string `json:"ispb"`
	Issuer string `json:"issuer,omitempty"`
	Number string `json:"number"`
	Type   string `json:"accountType"`
}

// Receipt tells what became of an order. What happens to an order not yet final is told later by Watch.
type Receipt struct {
	State  string `json:"state"`            // one of the states below
	Reason string `json:"reason,omitempty"` // rejectionReason code of the payments API, when rejected
	Detail string `json:"detail,omitempty"`
}

// The states of an order. Settled, rejected and cancelled are final; a rejected receipt of Submit means
// that nothing was created.
const (
	Pending   = "pending"   // received, checks open
	Held      = "held"      // kept back for analysis
	Accepted  = "accepted"  // every check passed
	Sent      = "sent"      // handed to the settlement system
	Settled   = "settled"   // the money moved
	Rejected  = "rejected"  // the money stays
	Cancelled = "cancelled" // taken back while it was held
)

// Verdict is what the core says of a payment before the customer authorises it.
type Verdict struct {
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"` // rejectionReason code of the payment consent, when not allowed
}

// Change is something that happened in the core by itself.
type Change struct {
	Order   string  `json:"order,omitempty"` // id of an order, or ""
	Receipt Receipt `json:"receipt"`
}

// PixKey is what the DICT knows of a key.
type PixKey struct {
	Key      string  `json:"key,omitempty"`
	Owner    string  `json:"owner,omitempty"`    // name
	Document string  `json:"document,omitempty"` // CPF or CNPJ
	Account  Account `json:"account"`
}

// Source is the core system. Implementations honour the context's deadline and keep amounts exact.
type Source interface {
	// Authenticate proves a person by username and password, or refuses with ErrCredentials.
	Authenticate(ctx context.Context, username, password string) (Customer, error)
	// Find returns the customer of a CPF, or ErrUnknown.
	Find(ctx context.Context, cpf string) (Customer, error)
	// List returns a page of records in a stable order.
	List(ctx context.Context, q Query) (Page, error)
	// Get returns one record, or ErrUnknown when the customer has none of that id.
	Get(ctx context.Context, k Key) (Record, error)
	// Resolve looks a Pix key up, or refuses with ErrUnknown.
	Resolve(ctx context.Context, key string) (PixKey, error)
	// Foresee says whether an order could be paid now, without moving anything.
	Foresee(ctx context.Context, o Order) (Verdict, error)
	// Submit executes an order once.
	Submit(ctx context.Context, o Order) (Receipt, error)
	// Watch delivers what changes later, until ctx ends.
	Watch(ctx context.Context) (<-chan Change, error)
}

// Canceller is a source that can take a held order back. Every source of payments is one.
type Canceller interface {
	// Cancel returns where the order stands: cancelled, or as it was when it is not held.
	Cancel(ctx context.Context, order string) (Receipt, error)
}
