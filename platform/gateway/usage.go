package gateway

import (
	"cmp"
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Usage is how much of the limits is used at one moment, the most used first. Minutes and months are
// counted only while their limits are in force. Customers and resources are never told.
type Usage struct {
	At     time.Time `json:"at"`
	Limits Limits    `json:"limits"`
	Second Share     `json:"second"`
	// Security is how many calls of this second, of those that Second counts, asked the authorization server.
	Security int     `json:"security"`
	Steps    Steps   `json:"steps"`
	Minutes  []Share `json:"minutes"`
	Months   []Share `json:"months"`
}

// Share is what one origin used of one limit.
type Share struct {
	Origin    string `json:"origin,omitempty"`    // organisation, or the address of a caller of public operations
	Operation string `json:"operation,omitempty"` // registry id
	// Count is that of the object used most, where a limit is by object; refused calls of a minute count.
	Count int `json:"count"`
	Limit int `json:"limit"` // 0 is none
	// Objects and Exhausted say how many objects of customers were read, and of how many the quota is used up.
	Objects   int `json:"objects,omitempty"`
	Exhausted int `json:"exhausted,omitempty"`
}

// Usage tells how much of the limits is used now.
func (g *Gateway) Usage() Usage {
	now, l := g.cfg.Clock.Now(), g.limit
	u := Usage{At: now, Limits: *l.limits.Load(), Minutes: []Share{}, Months: []Share{}}
	u.Steps = l.steps.look(now)
	u.Second, u.Security = Share{Count: l.pulse.in(now), Limit: int(l.bound.Load())}, l.aside.in(now)
	l.minutes.each(now.Unix()/60, func(k minuteKey, t *tally) {
		u.Minutes = append(u.Minutes, Share{Origin: k.origin, Operation: k.op.ID, Count: int(t.Load()), Limit: int(t.bound.Load())})
	})
	type line struct {
		origin string
		op     *spec.Operation
	}
	months := map[line]*Share{}
	read := func(origin string, op *spec.Operation, n int) {
		s := months[line{origin, op}]
		if s == nil {
			s = &Share{Origin: origin, Operation: op.ID, Limit: monthly(op)}
			months[line{origin, op}] = s
		}
		s.Count = max(s.Count, n)
		s.Objects++
		if n >= s.Limit {
			s.Exhausted++
		}
	}
	l.months.each(monthOf(now), func(k quotaKey, t *tally) { read(k.origin, k.op, int(t.Load())) })
	if u.Limits.Month && g.cfg.Counts != nil {
		g.cfg.Counts.Each(monthOf(now), func(origin, operation string, n int64) {
			if op := spec.Find(operation); op != nil {
				read(origin, op, int(n))
			}
		})
	}
	for _, s := range months {
		u.Months = append(u.Months, *s)
	}
	most := func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Count*a.Limit, a.Count*b.Limit), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Operation, b.Operation))
	}
	slices.SortFunc(u.Minutes, most)
	slices.SortFunc(u.Months, most)
	return u
}
