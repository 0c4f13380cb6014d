package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// Limits says which limits are in force. The minute and month numbers are those of the operation's class.
type Limits struct {
	Minute bool `json:"minute"` // calls per minute, origin and endpoint: 429
	Month  bool `json:"month"`  // calls per month, customer, endpoint, resource and origin: 423
	// PerSecond bounds all calls together: 529; 0 is no bound.
	PerSecond int `json:"perSecond"`
}

// brasilia is the zone of calendar months.
var brasilia = time.FixedZone("BRT", -3*60*60)

type minuteKey struct {
	origin string // organisation
	op     *spec.Operation
}

type quotaKey struct {
	origin, customer, resource string
	op                         *spec.Operation
}

// limiter counts in memory. A count belongs to its clock minute or calendar month and is forgotten with it.
type limiter struct {
	limits atomic.Pointer[Limits]

	mu      sync.Mutex
	sec     int64
	seconds int
	minute  int64
	minutes map[minuteKey]int
	month   int
	months  map[quotaKey]int
}

func newLimiter(l Limits) *limiter {
	m := &limiter{minutes: map[minuteKey]int{}, months: map[quotaKey]int{}}
	m.limits.Store(&l)
	return m
}

// second counts a call against the bound of all calls.
func (l *limiter) second(now time.Time) bool {
	bound := l.limits.Load().PerSecond
	if bound <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.sec {
		l.sec, l.seconds = s, 0
	}
	l.seconds++
	return l.seconds <= bound
}

// current is how many calls were counted in that second.
func (l *limiter) current(now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Unix() != l.sec {
		return 0
	}
	return l.seconds
}

// perMinute counts a call against the bound of its minute.
func (l *limiter) perMinute(now time.Time, k minuteKey, bound int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := now.Unix() / 60; m != l.minute {
		l.minute = m
		clear(l.minutes)
	}
	l.minutes[k]++
	return l.minutes[k] <= bound
}

func monthOf(t time.Time) int {
	y, m, _ := t.In(brasilia).Date()
	return y*12 + int(m)
}

func (l *limiter) turn(now time.Time) {
	if month := monthOf(now); month != l.month {
		l.month = month
		clear(l.months)
	}
}

// reserve counts a call that is about to be answered, if the bound of its month leaves room: of many at
// the same time no more are answered than the bound allows.
func (l *limiter) reserve(now time.Time, k quotaKey, bound int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	if l.months[k] >= bound {
		return false
	}
	l.months[k]++
	return true
}

// release takes back what was reserved at that time.
func (l *limiter) release(at time.Time, k quotaKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.month == monthOf(at) && l.months[k] > 0 {
		l.months[k]--
	}
}

func (l *limiter) use(now time.Time, k quotaKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	l.months[k]++
}

func (l *limiter) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sec, l.seconds, l.minute, l.month = 0, 0, 0, 0
	clear(l.minutes)
	clear(l.months)
}

var overloaded = &call.Problem{Status: 529, RetryAfter: time.Second, Items: []call.Item{{
	Code: "LIMITE_GLOBAL_EXCEDIDO", Title: "Site sobrecarregado", Detail: "O limite global de requisições por segundo foi atingido",
}}}

var (
	errExempt = errors.New("not limited")
	errFree   = errors.New("not counted")
)

// The rows below say what limits leave alone: a breach means that the call is exempt.
var exemptRules = rule.NewSet("limit exemption",
	rule.Rule[*exchange]{ID: "TRAF-01/exempt-apis", Text: "Consents, resources and services know neither minute limit nor monthly quota.", Weight: fault.Major,
		Check: func(_ context.Context, x *exchange) error {
			if x.Operation.API.Unlimited {
				return errExempt
			}
			return nil
		}},
)

var successRules = rule.NewSet("quota exemption",
	rule.Rule[*exchange]{ID: "OPER-01/paging-is-free", Text: "A further page, fetched with a valid pagination key, does not count against the monthly quota.", Weight: fault.Major,
		Check: func(_ context.Context, x *exchange) error {
			if x.paged {
				return errFree
			}
			return nil
		}},
	rule.Rule[*exchange]{ID: "OPER-02/failures-are-free", Text: "A call that did not succeed does not count against the monthly quota.", Weight: fault.Minor,
		Check: func(_ context.Context, x *exchange) error {
			if x.status >= 300 {
				return errFree
			}
			return nil
		}},
)

// monthly is the quota of an operation; one without a number of its own has its class's.
func monthly(o *spec.Operation) int {
	switch {
	case o.Monthly > 0:
		return o.Monthly
	case o.Class == spec.High:
		return 240
	case o.Class == spec.MediumHigh:
		return 120
	case o.Class == spec.Medium:
		return 30
	}
	return 8
}

// measure applies the limits before the call is answered, and readies the pagination key.
func (x *exchange) measure(ctx context.Context) error {
	g, o := x.gateway, x.Operation
	if o.Monthly > 0 && (o.Shape == spec.List || o.Shape == spec.Dated || o.Shape == spec.Recent) {
		x.PageKey, x.paged = g.pager.key(x)
	}
	limits := g.limit.limits.Load()
	if !limits.Minute && !limits.Month || exemptRules.Check(ctx, g.cfg.Seams, x) != nil {
		return nil
	}
	if limits.Minute {
		k, active := minuteKey{x.address(), o}, 0
		if x.Client != nil {
			k.origin, active = x.Client.OrganisationID, g.cfg.Active(x.Client.ID)
		}
		bound := o.Class.PerMinute(active)
		if !g.limit.perMinute(x.started, k, bound) {
			p := call.Refuse(http.StatusTooManyRequests, "LIMITE_POR_MINUTO_EXCEDIDO", "Muitas requisições", fmt.Sprintf("O limite de %d requisições por minuto foi atingido", bound))
			p.RetryAfter = time.Duration(60-x.started.Unix()%60) * time.Second
			return p
		}
	}
	if limits.Month && x.Client != nil {
		k := quotaKey{origin: x.Client.OrganisationID, customer: x.Token.Customer, op: o}
		for _, v := range x.Params {
			k.resource += v + "/"
		}
		x.quota = &k
		if bound := monthly(o); !x.paged && !g.limit.reserve(x.started, k, bound) {
			return call.Refuse(http.StatusLocked, "LIMITE_OPERACIONAL_EXCEDIDO", "Limite operacional excedido", fmt.Sprintf("O limite de %d chamadas no mês foi atingido", bound))
		}
		x.reserved = !x.paged
	}
	return nil
}

// count charges an answered call to its quota, where that has not been done before the answer.
func (x *exchange) count(ctx context.Context) {
	if x.quota == nil {
		return
	}
	switch free := successRules.Check(ctx, x.gateway.cfg.Seams, x) != nil; {
	case free && x.reserved:
		x.gateway.limit.release(x.started, *x.quota)
	case !free && !x.reserved:
		x.gateway.limit.use(x.started, *x.quota)
	}
}

// Limits returns the limits in force.
func (g *Gateway) Limits() Limits { return *g.limit.limits.Load() }

// SetLimits puts other limits in force, with what was counted so far.
func (g *Gateway) SetLimits(l Limits) { g.limit.limits.Store(&l) }

// ResetCounts forgets what was counted.
func (g *Gateway) ResetCounts() { g.limit.reset() }

// Calls is how many calls were answered so far.
func (g *Gateway) Calls() int64 { return g.calls.Load() }
