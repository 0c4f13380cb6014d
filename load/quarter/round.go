package quarter

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
)

// record is told of every exchange of the client.
func (c *caller) record(e *tpp.Exchange) {
	c.mu.Lock()
	c.seen = append(c.seen, e)
	c.mu.Unlock()
}

// taken hands over what was seen since the last time.
func (c *caller) taken() []*tpp.Exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

// round asks everything once and tells what was met.
func (c *caller) round(ctx context.Context) []met {
	c.renew(ctx)
	work := make(chan *ask)
	var all sync.WaitGroup
	for range c.atOnce {
		all.Go(func() {
			for a := range work {
				c.one(ctx, a)
			}
		})
	}
	for i := range c.asks {
		work <- &c.asks[i]
	}
	close(work)
	all.Wait()
	var out []met
	for _, e := range c.taken() {
		if m, ok := c.met(e); ok {
			out = append(out, m)
		}
	}
	return out
}

// renew gets new tokens where the old ones end. A renewal that fails is part of what is measured; the old
// token is then used on, as a client does that has no other.
func (c *caller) renew(ctx context.Context) {
	var all sync.WaitGroup
	now := c.stage.clock.Now()
	for _, g := range c.grants {
		if now.Before(g.Obtained.Add(g.ExpiresIn - time.Minute)) {
			continue
		}
		all.Go(func() { _ = c.client.Refresh(ctx, g) })
	}
	if scopes := c.scopes(); len(scopes) > 0 {
		all.Go(func() { _, _ = c.client.ClientCredentials(ctx, c.server, scopes...) })
	}
	all.Wait()
}

// scopes are those of the client's own token: one for all of them, since each costs a signature.
func (c *caller) scopes() (out []string) {
	for _, a := range c.asks {
		if a.op.Grant == spec.ClientCredentials && !slices.Contains(out, a.op.Scope) {
			out = append(out, a.op.Scope)
		}
	}
	return out
}

func (c *caller) one(ctx context.Context, a *ask) {
	r := c.client.API(c.server, a.op).Params(a.path)
	switch {
	case a.grant != nil:
		r.With(a.grant)
	case a.op.Grant == spec.ClientCredentials:
		token := "expired"
		if g, err := c.client.ClientCredentials(ctx, c.server, c.scopes()...); err == nil {
			token = g.AccessToken()
		}
		r.Token(token)
	}
	if a.body != nil {
		r.Body(a.body())
	}
	r.Send(ctx)
}

// met is an exchange as the monitoring sees it; false for what is no call of the standard.
func (c *caller) met(e *tpp.Exchange) (met, bool) {
	m := met{name: e.Name, class: record.Security, Call: availability.Call{At: e.Started, Took: e.Duration, Server: c.server.OrganisationID,
		Client: c.entry.OrganisationID, Method: e.Method, Status: e.Status, Side: spec.ClientSide}}
	switch {
	case e.Operation != nil:
		m.Endpoint, m.name, m.class = e.Operation.FullPath(), e.Operation.ID, e.Operation.Class
	case e.Name == "token" && strings.HasPrefix(e.URL, c.server.Token):
		m.Endpoint = "/token"
	default:
		return m, false
	}
	if m.Status == 0 && timedOut(e.Err) {
		m.Status = http.StatusRequestTimeout
	}
	return m, true
}
