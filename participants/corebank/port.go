package corebank

import (
	"encoding/json"
	"errors"
	"time"
)

// The ways in which the bank refuses. They answer the errors of the same names of the platform's port.
var (
	ErrUnknown     = errors.New("no such record for this customer")
	ErrCredentials = errors.New("wrong username or password")
	ErrUnavailable = errors.New("core system not available")
	// ErrConflict refuses a second, different order under an id already used.
	ErrConflict = errors.New("another order has this id")
)

// Customer is a natural person, with the companies the person may act for.
type Customer struct {
	Key       string    `json:"key,omitempty"`
	Name      string    `json:"name,omitempty"`
	CPF       string    `json:"cpf,omitempty"`
	Companies []Company `json:"companies,omitempty"`
	Factors   int       `json:"factors"`
}

// Company is a legal person a customer may act for.
type Company struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	CNPJ  string `json:"cnpj"`
	Alone bool   `json:"alone"`
}

// Query asks for a page of records of one kind of one customer. From and To are civil dates of Brasília,
// inclusive, of which only year, month and day count.
type Query struct {
	Source   string            `json:"source,omitempty"`
	Customer string            `json:"customer,omitempty"`
	Parent   string            `json:"parent,omitempty"`
	From     time.Time         `json:"from,omitzero"`
	To       time.Time         `json:"to,omitzero"`
	Filters  map[string]string `json:"filters,omitempty"`
	Only     []string          `json:"only"`
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
	Type   string          `json:"type,omitempty"`
	Status string          `json:"status,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// Key names one record of one customer.
type Key struct {
	Source   string `json:"source,omitempty"`
	Customer string `json:"customer,omitempty"`
	ID       string `json:"id,omitempty"`
}

// Order asks the bank to move money, once per ID.
type Order struct {
	ID           string  `json:"id,omitempty"`
	Customer     string  `json:"customer,omitempty"`
	Debtor       Account `json:"debtor"`
	Creditor     Account `json:"creditor"`
	CreditorDoc  string  `json:"creditorDocument,omitempty"`
	CreditorName string  `json:"creditorName,omitempty"`
	Amount       string  `json:"amount,omitempty"`
	Proxy        string  `json:"proxy,omitempty"`
	EndToEndID   string  `json:"endToEndId,omitempty"`
	Instrument   string  `json:"instrument,omitempty"`
	Remittance   string  `json:"remittance,omitempty"`
	Purpose      string  `json:"purpose,omitempty"`
	Scheduled    bool    `json:"scheduled,omitempty"`
}

// Account is a Brazilian payment account.
type Account struct {
	ISPB   string `json:"ispb"`
	Issuer string `json:"issuer,omitempty"`
	Number string `json:"number"`
	Type   string `json:"accountType"`
}

// Receipt tells what became of an order.
type Receipt struct {
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// The states of an order. Settled, rejected and cancelled are final.
const (
	Pending   = "pending"   // received, money set aside, checks open
	Held      = "held"      // kept back for analysis
	Accepted  = "accepted"  // every check passed
	Sent      = "sent"      // handed to the settlement system
	Settled   = "settled"   // the books moved
	Rejected  = "rejected"  // the money is back
	Cancelled = "cancelled" // taken back while it was held
)

// Verdict is what the bank says of a payment before anything moves.
type Verdict struct {
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"`
}

// Change is something that happened to an order later.
type Change struct {
	Order   string  `json:"order,omitempty"`
	Receipt Receipt `json:"receipt"`
}

// PixKey is what the key directory knows of a key.
type PixKey struct {
	Key      string  `json:"key"`
	Owner    string  `json:"owner"`
	Document string  `json:"document"`
	Account  Account `json:"account"`
}

// Person is a customer as the bank is told of them at the start.
type Person struct {
	Key       string    `json:"key"`
	Name      string    `json:"name"`
	CPF       string    `json:"cpf"`
	Birth     string    `json:"birth"`
	Email     string    `json:"email"`
	Phone     string    `json:"phone"`
	Username  string    `json:"username"`
	Password  string    `json:"password"` // "<secret>+<card code>"
	Traits    []string  `json:"traits"`
	Companies []Company `json:"companies,omitempty"`
	Partner   string    `json:"partner,omitempty"`
}
