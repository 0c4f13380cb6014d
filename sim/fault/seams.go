package fault

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Request is an incoming message before any rule sees it (gateway-in).
type Request struct {
	Place string // "as", "api", "directory", "pcm"
	HTTP  *http.Request
}

// Reply is an outgoing message after everything else (gateway-out). Changing Body of a signed answer
// breaks its signature; to lie under a good signature use [Claims].
type Reply struct {
	Place     string // "as", "api", "directory", "pcm"
	Operation string // registry id, or the endpoint's name: "token", "par", "discovery"
	Request   *http.Request
	Status    int
	Header    http.Header
	Body      []byte
}

// JSON lets edit change the body as a JSON object; a body that is not one is left alone.
func (r *Reply) JSON(edit func(map[string]any)) {
	var m map[string]any
	if json.Unmarshal(r.Body, &m) != nil {
		return
	}
	edit(m)
	if b, err := json.Marshal(m); err == nil {
		r.Body = b
	}
}

// Claims is a token, signed body or metadata document before it is signed or sent (claims-out).
type Claims struct {
	Kind   string // "id_token", "userinfo", "payment", "ssa", "discovery", "registration", "token"
	At     string // "authorize" or "token" for an id_token, else the operation
	Header map[string]any
	Body   map[string]any
	// Alg and Enc, when set by a defect, replace the algorithms of the profile; "none" leaves the
	// message unsigned, Enc "none" unencrypted.
	Alg, Enc string
}

// Transition is one step of a state machine about to be taken (state-table).
type Transition struct {
	Machine string // "consent", "payment-consent", "payment", "client", "code", "refresh", "request_uri"
	ID      string
	Event   string // "create", "authorise", "reject", "revoke", "expire", "consume", "redeem", "settle", …
	From    string
	To      string
	// Allowed starts as what the machine says; a defect may turn it.
	Allowed bool
}

// Lookup is a question on its way to the connector (connector-query).
type Lookup struct {
	Source    string // "accounts", "transactions", …
	Customer  string
	Parent    string
	ID        string
	Consented []string // resource ids the consent allows; nil means not filtered
	From, To  time.Time
	Page      int
	PageSize  int
	// AnyCustomer, when set by a defect, drops the customer filter.
	AnyCustomer bool
}

// Report is an event about to leave for the metrics platform (event-out).
type Report struct {
	Kind   string // "private", "hybrid-flow/server/authenticated", …
	Role   string // "CLIENT" or "SERVER"
	Body   map[string]any
	Copies int           // 1; a defect may say 0 or 2
	Delay  time.Duration // 0; how long it is held back
}

// Delivery is what a reporter is about to do with reports (event-out).
type Delivery struct {
	Kind string
	// Stage is "failed" after an attempt that did not succeed, "refused" after a request refused for what it
	// is, its size for one, "discarded" of one report, or "resend" of one that was discarded.
	Stage string
	Items int // of the request
	// Drop, when set by a defect, forgets them; Stubborn sends the same request again; Amend corrects a
	// report where it stands.
	Drop, Stubborn, Amend bool
}

// Lifetime is a duration about to be applied or advertised (clock).
type Lifetime struct {
	Of       string // "access_token", "code", "request_uri", "request_uri.advertised", "refresh_token", "consent.awaiting", …
	Duration time.Duration
}

// Serve is a call that has passed every rule and is about to be answered (service).
type Serve struct {
	Operation string // registry id
	Class     string // its frequency class
	At        time.Time
	Number    uint64 // of the call, counted while anything was armed, from 1
	Second    int    // of the call within its second, from 1
	Consents  int    // active ones of the caller
	// Delay, when set by a defect, holds the answer back; Status, when set, is answered instead.
	Delay  time.Duration
	Status int

	held *held
}

// Hold keeps b reachable until the next defect is armed or disarmed.
func (v *Serve) Hold(b []byte) {
	if v.held == nil {
		return
	}
	v.held.mu.Lock()
	defer v.held.mu.Unlock()
	v.held.all = append(v.held.all, b)
}

// Held is how many pieces are kept so far.
func (v *Serve) Held() int {
	if v.held == nil {
		return 0
	}
	v.held.mu.Lock()
	defer v.held.mu.Unlock()
	return len(v.held.all)
}

type held struct {
	mu  sync.Mutex
	all [][]byte
}

// Limit is a call about to be counted against a limit (limits).
type Limit struct {
	Of        string // "second", "minute" or "month"
	Operation string // registry id, "" when none
	// Whose count it is: the caller, the customer and the resource, as far as the limit tells them apart.
	Origin, Customer, Resource string
	At                         time.Time
	// Period numbers the second, minute or month, and is forgotten with it; calls above Bound are refused.
	Period int64
	Bound  int
}

// Seams is what product code holds. Every method is safe on a nil receiver and is the identity while
// nothing is armed; an unarmed call costs one atomic load.
type Seams struct {
	armed atomic.Pointer[armed]
	trace atomic.Pointer[func(ctx context.Context, set, rule string, breach error)]
}

type armed struct {
	names []string
	off   map[string]bool
	rows  []Defect
	held  held
}

func (s *Seams) active() *armed {
	if s == nil {
		return nil
	}
	return s.armed.Load()
}

// Armed names the armed defects, or nil.
func (s *Seams) Armed() []string {
	if a := s.active(); a != nil {
		return a.names
	}
	return nil
}

// Off says whether the rule is switched off.
func (s *Seams) Off(rule string) bool {
	a := s.active()
	return a != nil && a.off[rule]
}

// Verdict hands a rule's verdict to the tracer, if there is one.
func (s *Seams) Verdict(ctx context.Context, set, rule string, breach error) {
	if s == nil {
		return
	}
	if t := s.trace.Load(); t != nil {
		(*t)(ctx, set, rule, breach)
	}
}

// Trace installs the listener of every rule verdict; nil removes it.
func (s *Seams) Trace(fn func(ctx context.Context, set, rule string, breach error)) {
	if fn == nil {
		s.trace.Store(nil)
		return
	}
	s.trace.Store(&fn)
}

// Bends says whether anything is armed, so that callers may skip building a seam's value.
func (s *Seams) Bends() bool { return s.active() != nil }

func pass[T any](s *Seams, v *T, of func(*Defect) func(*T)) {
	a := s.active()
	if a == nil {
		return
	}
	for i := range a.rows {
		if fn := of(&a.rows[i]); fn != nil {
			fn(v)
		}
	}
}

// Request passes an incoming message.
func (s *Seams) Request(v *Request) {
	pass(s, v, func(d *Defect) func(*Request) { return d.OnRequest })
}

// Reply passes an outgoing message.
func (s *Seams) Reply(v *Reply) { pass(s, v, func(d *Defect) func(*Reply) { return d.OnReply }) }

// Claims passes a message before signing.
func (s *Seams) Claims(v *Claims) { pass(s, v, func(d *Defect) func(*Claims) { return d.OnClaims }) }

// Transition passes a state change and returns it.
func (s *Seams) Transition(v Transition) Transition {
	pass(s, &v, func(d *Defect) func(*Transition) { return d.OnTransition })
	return v
}

// Lookup passes a question for the connector.
func (s *Seams) Lookup(v *Lookup) { pass(s, v, func(d *Defect) func(*Lookup) { return d.OnQuery }) }

// Report passes an event for the metrics platform.
func (s *Seams) Report(v *Report) { pass(s, v, func(d *Defect) func(*Report) { return d.OnReport }) }

// Serve passes a call that is about to be answered.
func (s *Seams) Serve(v *Serve) {
	a := s.active()
	if a == nil {
		return
	}
	v.held = &a.held
	for i := range a.rows {
		if fn := a.rows[i].OnServe; fn != nil {
			fn(v)
		}
	}
}

// Limit passes a call that is about to be counted.
func (s *Seams) Limit(v *Limit) { pass(s, v, func(d *Defect) func(*Limit) { return d.OnLimit }) }

// Delivery passes what a reporter is about to do, and returns it.
func (s *Seams) Delivery(v Delivery) Delivery {
	pass(s, &v, func(d *Defect) func(*Delivery) { return d.OnDelivery })
	return v
}

// Lifetime returns the duration to use for the named thing.
func (s *Seams) Lifetime(of string, d time.Duration) time.Duration {
	if s.active() == nil {
		return d
	}
	v := Lifetime{Of: of, Duration: d}
	pass(s, &v, func(d *Defect) func(*Lifetime) { return d.OnLifetime })
	return v.Duration
}
