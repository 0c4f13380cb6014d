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
)

// Customer is a natural person, or a person acting for a company, as the core knows them.
type Customer struct {
	Key       string // the core's stable key; never leaves the platform
	Name      string
	CPF       string
	Companies []Company // companies the person may act for
	// Factors is how many kinds of authentication factor this login proved: 1 is loa2, 2 or more loa3.
	Factors int
}

// Company is a legal person a customer may act for.
type Company struct {
	Key  string
	Name string
	CNPJ string
	// Alone says that the person may sign alone; otherwise several approvers are needed.
	Alone bool
}

// Query asks for a page of records of one kind of one customer.
type Query struct {
	Source   string            // registry source: "accounts", "transactions", "personal-identifications", "resources", …
	Customer string            // key of the person or company whose data it is
	Parent   string            // resource id the records belong to, when nested
	From, To time.Time         // booking dates, inclusive; zero means open
	Filters  map[string]string // other query parameters of the operation, verbatim (accountType, creditDebitIndicator, …)
	Only     []string          // resource ids to keep; nil means all
	Offset   int
	Limit    int
}

// Page is a page of records and how many there are in all.
type Page struct {
	Records []Record
	Total   int
}

// Record is one datum in the newest shape of its API.
type Record struct {
	ID     string
	Type   string // resources' type: "ACCOUNT", …; "" for what is not a resource
	Status string // resources' status: "AVAILABLE", …
	Body   json.RawMessage
}

// Key names one record of one customer.
type Key struct {
	Source   string
	Customer string
	ID       string
}

// Order asks the core to move money. It is idempotent by ID.
type Order struct {
	ID           string
	Customer     string
	Debtor       Account
	Creditor     Account
	CreditorDoc  string // CPF or CNPJ
	CreditorName string
	Amount       string // decimal text, "1234.56"
	Proxy        string
	EndToEndID   string
	Instrument   string // MANU, DICT, INIC, QRES, QRDN, …
	Remittance   string
}

// Account is a Brazilian payment account.
type Account struct {
	ISPB   string `json:"ispb"`
	Issuer string `json:"issuer,omitempty"`
	Number string `json:"number"`
	Type   string `json:"accountType"`
}

// Receipt tells what became of an order. A pending order is told later by Watch.
type Receipt struct {
	State  string // "pending", "accepted", "settled", "rejected"
	Reason string // rejectionReason code of the payments API, when rejected
	Detail string
}

// Verdict is what the core says of a payment before the customer authorises it.
type Verdict struct {
	Allowed bool
	Reason  string // rejectionReason code of the payment consent, when not allowed
}

// Change is something that happened in the core by itself.
type Change struct {
	Order   string // id of an order, or ""
	Receipt Receipt
}

// PixKey is what the DICT knows of a key.
type PixKey struct {
	Key      string
	Owner    string // name
	Document string // CPF or CNPJ
	Account  Account
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
