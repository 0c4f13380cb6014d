package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// Limits says which limits are in force. The minute and month numbers are those of the operation's class.
type Limits struct {
	Minute bool `json:"minute"` // calls per minute, origin and endpoint: 429
	Month  bool `json:"month"`  // calls per month, customer, endpoint, resource and origin: 423
	// PerSecond bounds all calls of third parties together, by whichever host: 529; 0 is no bound. With Grows it is only the beginning: what
	// the steps of the regulation demand, as soon as it is due, comes on top.
	PerSecond int  `json:"perSecond"`
	Grows     bool `json:"grows"`
}

// Presets of limits, by name: as strict as the regulation allows, generous, and none.
var Presets = map[string]Limits{
	"regulatory": {Minute: true, Month: true, PerSecond: Floor, Grows: true},
	"generous":   {Minute: true, PerSecond: 10 * Floor},
	"off":        {},
}

var overloaded = &call.Problem{Status: 529, RetryAfter: time.Second, Items: []call.Item{{
	Code: "LIMITE_GLOBAL_EXCEDIDO", Title: "Site sobrecarregado", Detail: "O limite global de requisições por segundo foi atingido",
}}}

var (
	errExempt  = errors.New("not limited")
	errFree    = errors.New("not counted")
	errCharged = errors.New("counted")
)

// The rows below say what limits leave alone: a breach means that the call is exempt.
var demandRules = rule.NewSet("traffic floor exemption",
	rule.Rule[*exchange]{ID: "TRAF-02/renewals-are-left-out", Text: "Calls about the renewal of consents are no part of the requests per second.", Weight: fault.Minor,
		Check: func(_ context.Context, x *exchange) error {
			if x.Operation != nil && x.Operation.Renewal {
				return errExempt
			}
			return nil
		}},
)

// shareRules say who shares the requests per second beside the API host: a breach means that the call counts.
var shareRules = rule.NewSet("traffic floor share",
	rule.Rule[string]{ID: "TRAF-03/security-endpoints-count", Text: "What third parties ask of the authorization server is part of the institution's requests per second.", Weight: fault.Major,
		Check: func(context.Context, string) error { return errCharged },
	},
)

var exemptRules = rule.NewSet("limit exemption",
	rule.Rule[*exchange]{ID: "TRAF-01/exempt-apis", Text: "Consents, resources and services know neither minute limit nor monthly quota.", Weight: fault.Major,
		Check: func(_ context.Context, x *exchange) error {
			if x.Operation.API.Unlimited {
				return errExempt
			}
			return nil
		}},
)

// chargeRules say what a pagination key does not free: a breach means that the call counts.
var chargeRules = rule.NewSet("quota charge",
	rule.Rule[*exchange]{ID: "OPER-03/first-page-counts", Text: "The first page of a query counts against the monthly quota, whatever key it carries.", Weight: fault.Minor,
		Check: func(_ context.Context, x *exchange) error {
			if n, err := strconv.Atoi(x.Query("page")); err != nil || n <= 1 {
				return errCharged
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

// fits counts the call into its second and says whether that has room for it.
func (x *exchange) fits(ctx context.Context) bool {
	g := x.gateway
	if demandRules.Check(ctx, g.cfg.Seams, x) != nil {
		return true
	}
	operation := ""
	if x.Operation != nil {
		operation = x.Operation.ID
	}
	return g.room(operation, x.started)
}

// room counts a call into its second and says whether that has room for it.
func (g *Gateway) room(operation string, at time.Time) bool {
	n, bound := g.limit.second(at), int(g.limit.bound.Load())
	if bound > 0 && g.cfg.Seams.Bends() {
		v := fault.Limit{Of: "second", Operation: operation, At: at, Period: at.Unix(), Bound: bound}
		g.cfg.Seams.Limit(&v)
		bound = v.Bound
	}
	return bound <= 0 || n <= bound
}

// Admit counts a call that a third party makes by another host of the institution into the second that all
// share, and says whether it has room for it; if not, 529 is the answer, in that host's own form.
func (g *Gateway) Admit(ctx context.Context, operation string) bool {
	if shareRules.Check(ctx, g.cfg.Seams, operation) == nil {
		return true
	}
	now := g.cfg.Clock.Now()
	g.limit.aside.beat(now)
	return g.room(operation, now)
}

// measure applies the limits before the call is answered, and readies the pagination key.
func (x *exchange) measure(ctx context.Context) error {
	g, o := x.gateway, x.Operation
	if o.Monthly > 0 && (o.Shape == spec.List || o.Shape == spec.Dated || o.Shape == spec.Recent) {
		x.PageKey, x.paged = g.pager.key(x)
		x.paged = x.paged && chargeRules.Check(ctx, g.cfg.Seams, x) == nil
	}
	limits := g.limit.limits.Load()
	if !limits.Minute && !limits.Month || exemptRules.Check(ctx, g.cfg.Seams, x) != nil {
		return nil
	}
	if limits.Minute {
		if err := x.measureMinute(); err != nil {
			return err
		}
	}
	if limits.Month && x.Client != nil {
		return x.measureMonth()
	}
	return nil
}

func (x *exchange) measureMinute() error {
	g := x.gateway
	k, active := minuteKey{x.address(), x.Operation}, 0
	if x.Client != nil {
		k.origin, active = x.Client.OrganisationID, g.cfg.Active(x.Client.ID)
	}
	promised, minute := x.Operation.Class.PerMinute(active), x.started.Unix()/60
	bound := promised
	if g.cfg.Seams.Bends() {
		v := fault.Limit{Of: "minute", Operation: x.Operation.ID, Origin: k.origin, At: x.started, Period: minute, Bound: bound}
		g.cfg.Seams.Limit(&v)
		k.origin, minute, bound = v.Origin, v.Period, v.Bound
	}
	used := g.limit.minutes.count(minute, k)
	used.promise(promised)
	if used.Add(1) <= int64(bound) {
		return nil
	}
	left := 60 - x.started.Unix()%60
	p := call.Refuse(http.StatusTooManyRequests, "LIMITE_POR_MINUTO_EXCEDIDO", "Muitas requisições", fmt.Sprintf("O limite de %d requisições por minuto foi atingido", bound))
	p.RetryAfter = time.Duration(left) * time.Second
	p.Header = http.Header{"X-Rate-Limit": {strconv.Itoa(bound)}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Time": {strconv.FormatInt(left, 10)}}
	return p
}

func (x *exchange) measureMonth() error {
	g := x.gateway
	q := &quota{quotaKey: quotaKey{origin: x.Client.OrganisationID, customer: x.Token.Customer, op: x.Operation}, month: monthOf(x.started)}
	for _, name := range slices.Sorted(maps.Keys(x.Params)) { // one object has one key, however the map is walked
		q.resource += x.Params[name] + "/"
	}
	bound := monthly(x.Operation)
	if g.cfg.Seams.Bends() {
		v := fault.Limit{Of: "month", Operation: x.Operation.ID, Origin: q.origin, Customer: q.customer, Resource: q.resource, At: x.started, Period: q.month, Bound: bound}
		g.cfg.Seams.Limit(&v)
		q.origin, q.customer, q.resource, q.month, bound = v.Origin, v.Customer, v.Resource, v.Period, v.Bound
	}
	x.quota = q
	if !x.paged && !g.limit.months.charge(q.month, q.quotaKey, bound) {
		return call.Refuse(http.StatusLocked, "LIMITE_OPERACIONAL_EXCEDIDO", "Limite operacional excedido", fmt.Sprintf("O limite de %d chamadas no mês foi atingido", bound))
	}
	q.charged = !x.paged
	return nil
}

// quota is the count that a call belongs to.
type quota struct {
	quotaKey
	month   int64
	charged bool // before the answer
}

// count charges an answered call to its quota, where that has not been done before the answer.
func (x *exchange) count(ctx context.Context) {
	q := x.quota
	if q == nil {
		return
	}
	months := &x.gateway.limit.months
	switch free := successRules.Check(ctx, x.gateway.cfg.Seams, x) != nil; {
	case free && q.charged:
		months.release(q.month, q.quotaKey)
	case !free && !q.charged:
		n := months.count(q.month, q.quotaKey)
		n.Add(1)
		n.kept()
	}
}

// Limits returns the limits in force.
func (g *Gateway) Limits() Limits { return *g.limit.limits.Load() }

// SetLimits puts other limits in force, with what was counted so far.
func (g *Gateway) SetLimits(l Limits) { g.limit.set(l) }

// ResetCounts forgets what was counted, the steps of the traffic floor with it.
func (g *Gateway) ResetCounts() {
	if g.cfg.Counts != nil {
		if err := g.cfg.Counts.Reset(); err != nil {
			g.log.Error("counts of months not removed", "error", err)
		}
	}
	g.limit.reset()
}

// place is where a count of a month is kept. Where there is no place it is memory's alone: that costs a
// customer nothing.
func (g *Gateway) place(month int64, k quotaKey) *memo.Slot {
	s, err := g.cfg.Counts.Slot(month, k.origin, k.op.ID, k.customer+"\x00"+k.resource)
	if err != nil {
		g.log.Error("count of a month not kept", "operation", k.op.ID, "error", err)
	}
	return s
}

// MonthOf numbers the calendar month that a time belongs to, for counts that are kept.
func MonthOf(t time.Time) int64 { return monthOf(t) }

// Calls is how many calls were answered so far.
func (g *Gateway) Calls() int64 { return g.calls.Load() }
