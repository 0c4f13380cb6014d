// Package call is what travels between the gateway and the APIs behind it: one authenticated call, its
// answer, and the one error type that becomes an Open Finance error body.
package call

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Client is a registered third party, as registration left it. Immutable once published.
type Client struct {
	ID             string   `json:"client_id"`
	OrganisationID string   `json:"org_id"`
	SoftwareID     string   `json:"software_id"`
	Name           string   `json:"client_name"`
	CNPJ           string   `json:"org_number"`
	JWKSURI        string   `json:"jwks_uri"`
	RedirectURIs   []string `json:"redirect_uris"`
	WebhookURIs    []string `json:"webhook_uris,omitempty"`
	Scopes         []string `json:"scopes"`
	Roles          []string `json:"roles"`
}

// Token is a live access token, already checked for time, binding and revocation.
type Token struct {
	ClientID  string
	Grant     spec.Grant
	Scopes    []string
	ConsentID string // of the dynamic scope; "" for client credentials
	Subject   string // sub of the customer; "" for client credentials
	Customer  string // the customer's key at the core; "" for client credentials
	Expires   time.Time
}

// Has says whether the token holds the scope.
func (t *Token) Has(scope string) bool { return slices.Contains(t.Scopes, scope) }

// Call is one call of one operation, after the gateway's rules. Of a public operation Client and Token are
// nil, and Certificate may be.
type Call struct {
	Operation   *spec.Operation
	Params      map[string]string
	Request     *http.Request
	Body        []byte // read whole and bounded by the gateway
	Client      *Client
	Token       *Token
	Certificate *x509.Certificate
	Interaction string // x-fapi-interaction-id
	Base        string // public address of the API host, without trailing slash, for links
	Now         time.Time
	// PageKey is the pagination-key for the links of a list, "" where the API has none.
	PageKey string
	// Report collects additionalInfo for the metrics report of this call.
	Report map[string]string

	values url.Values // the parsed query, once asked for
}

// Self is the public address of the called resource, with its query.
func (c *Call) Self() string {
	u := c.Base + c.Request.URL.Path
	if c.Request.URL.RawQuery != "" {
		u += "?" + c.Request.URL.RawQuery
	}
	return u
}

// Answer is a successful answer. Body is JSON unless ContentType says otherwise; nil means no body.
type Answer struct {
	Status      int
	Header      http.Header
	ContentType string
	Body        []byte
}

// JSON makes an answer of a value. It panics on a value that cannot be encoded: a mistake of the programmer.
func JSON(status int, v any) *Answer {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return &Answer{Status: status, Body: b}
}

// Problem is an error of the Open Finance form: one status, one to thirteen entries.
type Problem struct {
	Status int
	Items  []Item
	// RetryAfter, when positive, is sent as Retry-After (429, 423, 529).
	RetryAfter time.Duration
	// Header holds what else the answer's header says.
	Header http.Header
}

// Item is one entry of the errors list. Title and Detail never carry personal data or internals.
type Item struct {
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error makes a Problem an error.
func (p *Problem) Error() string {
	codes := make([]string, len(p.Items))
	for i, it := range p.Items {
		codes[i] = it.Code
	}
	return http.StatusText(p.Status) + " " + strings.Join(codes, ",")
}

// Refuse makes a Problem of one entry.
func Refuse(status int, code, title, detail string) *Problem {
	return &Problem{Status: status, Items: []Item{{Code: code, Title: title, Detail: detail}}}
}
