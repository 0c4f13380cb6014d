package drive

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/spec"
)

// heard is one answer of a volley.
type heard struct {
	at     time.Time
	status int
	retry  string // Retry-After
	err    error
}

// ask is a call of a volley.
type ask = *call

// volley sends calls at a rate and returns what each was answered, in the order in which they were due.
func (c *crossing) volley(ctx context.Context, asks []ask, rate float64) ([]heard, error) {
	out := make([]heard, len(asks))
	pacer, err := pace.Constant(rate, time.Duration(float64(len(asks))/rate*float64(time.Second)))
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	source := shots(func(n uint64) load.Shot {
		one := *asks[min(n, uint64(len(asks)-1))]
		return load.Shot{Operation: one.name, Class: one.class, Do: func(ctx context.Context) load.Outcome {
			h := heard{at: c.clock.Now()}
			one.hear = func(status int, header http.Header) { h.status, h.retry = status, header.Get("Retry-After") }
			o := one.do(ctx, n)
			h.err = o.Err
			mu.Lock()
			out[n] = h
			mu.Unlock()
			sample := record.Sample{Operation: one.name, Class: one.class, Due: h.at.Sub(c.start), Sent: h.at.Sub(c.start), Done: c.clock.Now().Sub(c.start), Status: o.Status}
			if o.Err != nil {
				sample.Failure = load.Kind(o.Err)
			}
			c.rec.Add(sample)
			return o
		}}
	})
	_, err = load.Run(ctx, load.Plan{Name: c.profile.Name, Pacer: pacer, Source: source, InFlight: c.inFlight(), Clock: c.clock, Observe: c.session.Observe, Grace: patience})
	return out, err
}

type shots func(n uint64) load.Shot

func (f shots) Shot(n uint64) load.Shot { return f(n) }

// count counts answers by status; 0 is none.
func count(all []heard) map[int]int {
	m := map[int]int{}
	for _, h := range all {
		m[h.status]++
	}
	return m
}

// pick returns a prepared call of an operation for the nth client, or nil.
func (c *crossing) pick(ctx context.Context, id string, client, resource int) (*call, error) {
	return c.pickOf(ctx, id, client, resource, nil)
}

// pickOf is pick for another customer than the one whom a call of the same client is for.
func (c *crossing) pickOf(ctx context.Context, id string, client, resource int, not *call) (*call, error) {
	o := spec.Find(id)
	if o == nil || !c.offered(id) || client >= len(c.parties) {
		return nil, nil
	}
	p := c.parties[client]
	for _, g := range p.grants {
		if not != nil && c.sameCustomer(p, g, not) {
			continue
		}
		if o.Grant == spec.ClientCredentials {
			return c.own(ctx, p, o, 200, g.consent.ID, map[string]string{"consentId": g.consent.ID})
		}
		if !g.opens(o) {
			continue
		}
		params, err := c.params(ctx, g, o)
		if err != nil {
			return nil, err
		}
		if resource >= len(params) {
			continue
		}
		one := &call{source: c.Source, party: p, op: o, name: o.ID, class: o.Class, token: g.token, consent: g.consent.ID, want: 200}
		return one, one.to(p.server.ResourceBase, params[resource])
	}
	return nil, nil
}

// sameCustomer says whether a grant is of the customer whose grant a call uses.
func (c *crossing) sameCustomer(p *party, g *grant, one *call) bool {
	at := slices.IndexFunc(p.grants, func(o *grant) bool { return o.consent.ID == one.consent })
	return at >= 0 && p.grants[at].person == g.person
}

func times(one ask, n int) []ask {
	out := make([]ask, n)
	for i := range out {
		out[i] = one
	}
	return out
}
