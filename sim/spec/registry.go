// Package spec holds the facts of the standard, and nothing else: the registry of API operations, our
// contract documents, permission groups, codes, limits and the wire types of the metrics platform.
//
// It imports nothing of ours and decides nothing. Everything that differs between two operations or two
// versions is a row here; everything that is the same is code elsewhere.
package spec

import (
	"slices"
	"strings"
)

// Grant says which OAuth 2.0 grant a call's access token must come from (RS-TOK-03).
type Grant string

// The grants of the standard. Public calls take no token at all.
const (
	Public            Grant = "public"
	ClientCredentials Grant = "client_credentials"
	AuthorizationCode Grant = "authorization_code"
)

// Class is the frequency class of an operation; it fixes latency, traffic and monthly limits
// (performance, traffic and operational limits pages).
type Class string

// The four classes.
const (
	High       Class = "high"
	MediumHigh Class = "medium-high"
	Medium     Class = "medium"
	Low        Class = "low"
)

// Budget is the p95 latency of a day, in milliseconds.
func (c Class) Budget() int {
	switch c {
	case Low:
		return 4000
	case Medium:
		return 2000
	default:
		return 1500
	}
}

// PerMinute is the calls per minute that one origin must be allowed on one endpoint. For class high it
// grows with the number of active consents held.
func (c Class) PerMinute(activeConsents int) int {
	switch c {
	case Low:
		return 1000
	case Medium:
		return 1500
	case MediumHigh:
		return 2000
	case High:
	}
	const million = 1_000_000
	for _, step := range []struct{ upTo, calls int }{{million, 2500}, {2 * million, 5000}, {3 * million, 8000}, {6 * million, 10000}} {
		if activeConsents <= step.upTo {
			return step.calls
		}
	}
	return 12000 + (activeConsents-6*million-1)/(2*million)*2000
}

// Shape says how an answer is built, and with it which generic checks apply.
type Shape string

// The shapes of answers.
const (
	One    Shape = "one"    // data is an object
	List   Shape = "list"   // data is a paged array
	Dated  Shape = "dated"  // a list filtered by booking dates
	Recent Shape = "recent" // a dated list of the last seven days
	Action Shape = "action" // creates, changes or deletes; not a data read
)

// API is one family and version of the standard.
type API struct {
	Name    string // the folder name of the published definition: "accounts"
	Family  string // the directory's ApiFamilyType of the API's paths, unless an operation says otherwise
	Version string // full semantic version, sent as x-v
	Base    string // "/open-banking/accounts/v2"
	Role    string // the directory role its clients need: "DADOS", "PAGTO"
	Signed  bool   // messages travel as JWS (application/jwt)
	// Unlimited APIs have neither per-minute limit nor monthly quota.
	Unlimited bool
	// OpenData APIs are reported to the metrics platform as open data, without naming the caller.
	OpenData   bool
	Operations []*Operation
}

// Major is the version's first number, as in "/v2".
func (a *API) Major() string { return "v" + strings.SplitN(a.Version, ".", 2)[0] }

// Operation is one API call with all the facts about it.
type Operation struct {
	API    *API
	ID     string // unique and readable: "accounts.balances"; with two majors of an API live, "accounts@v2.balances" also finds it
	Method string
	Path   string // below Base: "/accounts/{accountId}/balances"
	Title  string
	Family string // ApiFamilyType when it differs from the API's
	Grant  Grant
	Scope  string // static scope the token must hold
	// Permissions of the consent, any one of which opens the operation; empty for non-data calls.
	Permissions []string
	Class       Class
	Monthly     int // calls per month, customer and resource; 0 means no quota
	Source      string
	Shape       Shape
	// MinPageSize is the smallest legal page-size (the definitions differ); the largest is 1000, the default 25.
	MinPageSize int
	// Idempotent calls require x-idempotency-key.
	Idempotent bool
	// CustomerHeaders calls require x-fapi-customer-ip-address and x-customer-user-agent.
	CustomerHeaders bool
	// Renewal calls are left out where requests per second are counted (traffic limits page).
	Renewal bool
	// PCM lists the additionalInfo members that the caller's reports of this operation owe whatever the
	// case; Owes tells all, with codes and conditions.
	PCM []string
}

// FullPath is the path under the API host, with template parameters: also the endpoint of metrics reports.
func (o *Operation) FullPath() string { return o.API.Base + o.Path }

// Param is the name of the path's last parameter, or "".
func (o *Operation) Param() string {
	i, j := strings.LastIndexByte(o.Path, '{'), strings.LastIndexByte(o.Path, '}')
	if i < 0 || j < i {
		return ""
	}
	return o.Path[i+1 : j]
}

// FamilyType is the directory's ApiFamilyType for this operation.
func (o *Operation) FamilyType() string {
	if o.Family != "" {
		return o.Family
	}
	return o.API.Family
}

// APIs lists every API of the registry, in the order of the run plan.
func APIs() []*API { return apis }

// Operations lists every operation of the registry.
func Operations() []*Operation {
	var all []*Operation
	for _, a := range apis {
		all = append(all, a.Operations...)
	}
	return all
}

// Find returns the operation of that id, or nil.
func Find(id string) *Operation { return byID[id] }

// Match returns the operation behind a method and a concrete or template path, and the values of its
// path parameters. When only the path is known it returns nil and true.
func Match(method, path string) (op *Operation, params map[string]string, pathKnown bool) {
	return root.match(method, path)
}

var (
	apis = link(slices.Concat([]*API{consents, resources, customers, accounts, payments, common, admin}, opendata)...)
	byID = index(apis)
	root = tree(apis)
)

func link(list ...*API) []*API {
	for _, a := range list {
		for _, o := range a.Operations {
			o.API = a
			if o.MinPageSize == 0 {
				o.MinPageSize = 1
			}
			o.PCM = owed(o)
		}
	}
	return list
}

func index(list []*API) map[string]*Operation {
	m := map[string]*Operation{}
	for _, a := range list {
		for _, o := range a.Operations {
			m[strings.Replace(o.ID, a.Name, a.Name+"@"+a.Major(), 1)] = o
			if _, taken := m[o.ID]; !taken {
				m[o.ID] = o
			}
		}
	}
	return m
}
