// Package gateway is the door of the API host: every call passes one pipeline of rules, and every answer
// leaves through one renderer.
//
// The order is fixed: route, certificate, headers, token, grant and scope, body, limits, then the API
// behind; public operations need neither certificate nor token. It promises that no call reaches an API unproved, that every answer carries the interaction id,
// the version and the ban on caching, that every error has the one form of the standard and tells nothing
// of the inside, and that every call is reported to the metrics platform before its last byte leaves. It
// knows no API by name. The requests per second are the institution's: one counter holds what third parties
// ask of this host and, by Admit, of the authorization server; pages that a customer's browser opens and
// what the institution asks of itself are none of them. Rules without a number in the security checklists are numbered here: TRAF and
// OPER for what limits do not count.
package gateway

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

// Budget is how long a call may take before it is answered 504: a little less than the fifteen seconds
// after which the caller gives up (timeouts page).
const Budget = 14500 * time.Millisecond

// maxBody bounds what is read of a request.
const maxBody = 1 << 20

// Certificates judges the chain a client presented, leaf first.
type Certificates interface {
	Certificate(ctx context.Context, chain []*x509.Certificate) error
}

// Tokens knows the access tokens. Any error means the token is not to be used. A nil certificate asks for
// no binding: that one must be presented is the gateway's rule.
type Tokens interface {
	Introspect(ctx context.Context, bearer string, cert *x509.Certificate) (*call.Token, *call.Client, error)
}

// Messages opens and seals the messages of signed APIs.
type Messages interface {
	Open(ctx context.Context, body []byte, c *call.Call) (json.RawMessage, error)
	Seal(ctx context.Context, c *call.Call, body []byte) (string, error)
}

// Outbox keeps reports for the metrics platform; what it took survives.
type Outbox interface {
	Append(kind string, body []byte) error
}

// Handler answers one call that has passed the gateway.
type Handler func(ctx context.Context, c *call.Call) (*call.Answer, error)

// Entry is what an observer learns of a call, refused or not.
type Entry struct {
	At          time.Time
	Interaction string
	Operation   string // registry id, "" when none
	Method      string
	Endpoint    string // path template, or "" when unknown
	Status      int
	Rule        string // the broken rule, "" when none
	Client      string // client id
	Consent     string // of the token, else the one asked about
	// Organisation is the caller's, "" when unknown; IP its address, "" when there is none.
	Organisation string
	IP           string
	Took         time.Duration
}

// Config is what a gateway needs.
type Config struct {
	Trust Certificates
	AS    Tokens
	// Handlers answer the APIs that are not plain data reads, by API name. Resource answers the data
	// reads of Offered APIs.
	Handlers map[string]Handler
	Resource Handler
	// Offered says whether an API is served, by registry name; nil means all.
	Offered  func(api string) bool
	Messages Messages // of signed APIs; may be nil when none is offered
	Seams    *fault.Seams
	Clock    *clock.Clock
	Limits   Limits
	// Counts keeps the counts of months over a restart; nil is memory alone.
	Counts *memo.Counts
	// Guard, when set, is consulted as soon as a call's operation is known: a problem is answered at once,
	// a duration delays the answer on the clock.
	Guard func(op *spec.Operation, now time.Time) (*call.Problem, time.Duration)
	// Active counts a client's active consents: the minute limit of class high grows with it.
	Active       func(clientID string) int
	Outbox       Outbox
	Organisation string // our organisation id, in reports
	Base         string // public address of this host, without trailing slash
	Budget       time.Duration
	// Observe, when set, hears of every call after it was answered.
	Observe func(ctx context.Context, e Entry)
	Log     *slog.Logger
}

// Gateway is the handler of the API host.
type Gateway struct {
	cfg   Config
	log   *slog.Logger
	apis  []*spec.API
	limit *limiter
	pager pager
	calls atomic.Int64
	// bent counts calls that were served while a defect was armed.
	bent atomic.Uint64
}

// New makes a gateway.
func New(cfg Config) (*Gateway, error) {
	if cfg.Budget <= 0 {
		cfg.Budget = Budget
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Offered == nil {
		cfg.Offered = func(string) bool { return true }
	}
	if cfg.Active == nil {
		cfg.Active = func(string) int { return 0 }
	}
	cfg.Base = strings.TrimSuffix(cfg.Base, "/")
	pager, err := newPager()
	if err != nil {
		return nil, err
	}
	g := &Gateway{cfg: cfg, log: cfg.Log, pager: pager}
	var keep func(int64, quotaKey) *memo.Slot
	if cfg.Counts != nil {
		keep = g.place
	}
	g.limit = newLimiter(cfg.Limits, keep)
	for _, a := range spec.APIs() {
		if cfg.Offered(a.Name) {
			g.apis = append(g.apis, a)
		}
	}
	return g, nil
}

// handler finds who answers an operation, or nil when it is not offered.
func (g *Gateway) handler(o *spec.Operation) Handler {
	if !g.cfg.Offered(o.API.Name) {
		return nil
	}
	if h := g.cfg.Handlers[o.API.Name]; h != nil {
		return h
	}
	if o.Source != "" {
		return g.cfg.Resource
	}
	return nil
}

// version is that of the API to which a path belongs, "" for no API of ours.
func (g *Gateway) version(path string) string {
	for _, a := range g.apis {
		if rest, ok := strings.CutPrefix(path, a.Base); ok && (rest == "" || rest[0] == '/') {
			return a.Version
		}
	}
	return ""
}

// ServeHTTP answers one call.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.cfg.Seams.Bends() {
		g.cfg.Seams.Request(&fault.Request{Place: "api", HTTP: r})
	}
	x := &exchange{gateway: g, request: r, started: g.cfg.Clock.Now()}
	x.Call = call.Call{Request: r, Base: g.cfg.Base, Now: x.started}
	x.interaction()
	ctx, cancel := context.WithTimeout(r.Context(), g.cfg.Budget)
	defer cancel()
	x.answer(ctx, w)
	x.count(ctx)
	x.report()
	x.send(w)
	x.tell(ctx)
}

func newInteraction() string { return uuid.NewString() }
