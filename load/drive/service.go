package drive

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
)

const (
	// signedLife is how long a signed message keeps: the standard lets its iat be a minute old.
	signedLife = 40 * time.Second
	// consentKeeps is how long a consent waits to be used: an hour is what the standard gives the customer.
	consentKeeps = 40 * time.Minute
	assertions   = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// serve adds what is asked with a client's own token, and of the authorization server.
func (s *Source) serve(ctx context.Context, weights map[string]float64) error {
	for _, p := range s.parties {
		if p.entry.Has("DADOS") {
			if err := s.consents(ctx, p, weights); err != nil {
				return err
			}
		}
		if p.entry.Has("PAGTO") {
			if err := s.payments(ctx, p, weights); err != nil {
				return err
			}
		}
		if weights[profile.Token] > 0 {
			s.tokens(p, weights)
		}
		if weights[profile.PAR] > 0 {
			if err := s.pushed(ctx, p, weights); err != nil {
				return err
			}
		}
	}
	return nil
}

// own makes a call with the client's own token of the operation's scope.
func (s *Source) own(ctx context.Context, p *party, o *spec.Operation, want int, consent string, params map[string]string) (*call, error) {
	b, err := s.bearer(ctx, p, o.Scope)
	if err != nil {
		return nil, err
	}
	c := &call{source: s, party: p, op: o, name: o.ID, class: o.Class, token: b, consent: consent, want: want}
	return c, c.to(p.server.ResourceBase, params)
}

func (s *Source) consents(ctx context.Context, p *party, weights map[string]float64) error {
	for _, id := range []string{"consents.read", "consents.extensions"} {
		o := spec.Find(id)
		if o == nil || weights[id] == 0 {
			continue
		}
		for _, g := range p.grants {
			c, err := s.own(ctx, p, o, 200, g.consent.ID, map[string]string{"consentId": g.consent.ID})
			if err != nil {
				return err
			}
			s.add(id, o.Class, c.do)
		}
	}
	if weights["consents.create"] == 0 && weights["consents.delete"] == 0 {
		return nil
	}
	people := s.people(false)
	if len(people) == 0 {
		return nil
	}
	who := s.person(people[0])
	until := s.clock.Now().Add(consentLife)
	permissions := s.permissions(false)
	var ended *stock
	if o := spec.Find("consents.delete"); weights[o.ID] > 0 {
		ended = s.stock("consent to be ended", s.size(weights[o.ID], weights, 16), 1, consentKeeps, func(ctx context.Context) (any, error) {
			k, err := p.client.CreateConsent(ctx, p.server, permissions, who)
			if err != nil {
				return nil, err
			}
			return k.ID, nil
		})
		b, err := s.bearer(ctx, p, o.Scope)
		if err != nil {
			return err
		}
		s.add(o.ID, o.Class, func(ctx context.Context, _ uint64) load.Outcome {
			one, ok := ended.take()
			if !ok {
				return load.Outcome{Err: load.ErrShort}
			}
			id := one.(string)
			c := &call{source: s, party: p, op: o, name: o.ID, class: o.Class, token: b, consent: id, want: 204}
			if err := c.to(p.server.ResourceBase, map[string]string{"consentId": id}); err != nil {
				return load.Outcome{Err: err}
			}
			outcome := c.do(ctx, 0)
			if outcome.Status == c.want {
				p.client.Note(tpp.Sighting{Event: tpp.Ended, Server: p.server.OrganisationID, Consent: id, At: s.clock.Now()})
			}
			return outcome
		})
	}
	if o := spec.Find("consents.create"); weights[o.ID] > 0 {
		c, err := s.own(ctx, p, o, 201, "", nil)
		if err != nil {
			return err
		}
		body := marshal(tpp.ConsentBody(permissions, who, &until))
		s.add(o.ID, o.Class, func(ctx context.Context, _ uint64) load.Outcome {
			return c.with(ctx, body, "application/json", func(a *answer) {
				if id := text(a.body.Bytes(), "consentId"); id != "" && ended != nil {
					ended.put(id)
				}
			})
		})
	}
	return nil
}

// tokens asks client-credentials tokens with assertions signed ahead.
func (s *Source) tokens(p *party, weights map[string]float64) {
	scope := "consents"
	if !p.entry.Has("DADOS") {
		scope = "payments"
	}
	forms := s.stock("client assertion", s.size(weights[profile.Token], weights, 16), 1, signedLife, func(context.Context) (any, error) {
		assertion, err := p.client.Assertion(p.server).Sign()
		if err != nil {
			return nil, err
		}
		return []byte(url.Values{"grant_type": {"client_credentials"}, "client_id": {p.server.ClientID}, "scope": {scope},
			"client_assertion_type": {assertions}, "client_assertion": {assertion}}.Encode()), nil
	})
	c := &call{source: s, party: p, name: profile.Token, class: profile.Security, want: 200, method: "POST", accept: "application/json", endpoint: "/token"}
	if err := c.at(p.server.Token); err != nil {
		s.note("token is not played: %v", err)
		return
	}
	s.add(c.name, c.class, c.form(forms))
}

// form sends what a stock of forms has ready.
func (c *call) form(forms *stock) func(context.Context, uint64) load.Outcome {
	return func(ctx context.Context, _ uint64) load.Outcome {
		body, ok := forms.take()
		if !ok {
			return load.Outcome{Err: load.ErrShort}
		}
		return c.with(ctx, body.([]byte), "application/x-www-form-urlencoded", nil)
	}
}

// pushed asks pushed authorization requests about a consent that waits, signed ahead.
func (s *Source) pushed(ctx context.Context, p *party, weights map[string]float64) error {
	people := s.people(false)
	if len(people) == 0 {
		return nil
	}
	var consent *tpp.Consent
	var err error
	if p.entry.Has("DADOS") {
		consent, err = p.client.CreateConsent(ctx, p.server, s.permissions(false), s.person(people[0]))
	} else {
		consent, err = p.client.CreatePaymentConsent(ctx, p.server, s.order(people[0]))
	}
	if err != nil {
		return err
	}
	forms := s.stock("pushed request", s.size(weights[profile.PAR], weights, 16), 1, signedLife, func(context.Context) (any, error) {
		form := url.Values{"client_id": {p.server.ClientID}, "client_assertion_type": {assertions}}
		var object string
		var err error
		push := p.client.PushedRequest(p.server, consent)
		push.Object(func(j *tpp.JWS) { object, err = j.Sign() })
		if err != nil {
			return nil, err
		}
		assertion, err := p.client.Assertion(p.server).Sign()
		if err != nil {
			return nil, err
		}
		form.Set("request", object)
		form.Set("client_assertion", assertion)
		return []byte(form.Encode()), nil
	})
	c := &call{source: s, party: p, name: profile.PAR, class: profile.Security, want: 201, method: "POST", accept: "application/json", consent: consent.ID}
	if err := c.at(p.server.PAR); err != nil {
		return fmt.Errorf("par: %w", err)
	}
	s.add(c.name, c.class, c.form(forms))
	return nil
}

// publicly adds what anybody may ask: open data, status and outages.
func (s *Source) publicly(weights map[string]float64) error {
	base := s.target.Bank.ResourceBase
	if base == "" && len(s.parties) > 0 {
		base = s.parties[0].server.ResourceBase
	}
	for _, o := range spec.Operations() {
		if o.Grant != spec.Public || weights[o.ID] == 0 {
			continue
		}
		if o.Param() != "" || o.Method != "GET" {
			s.note("%s is not played: it needs a parameter", o.ID)
			continue
		}
		c := &call{source: s, op: o, name: o.ID, class: o.Class, want: 200}
		if err := c.to(base, nil); err != nil {
			return err
		}
		s.add(o.ID, o.Class, c.do)
	}
	return nil
}

// supplied is the rate for which supplies are made where the rate is what is looked for.
const supplied = 4000

// size is how many pieces a stock holds: what four seconds of the mix use, and at least so many.
func (s *Source) size(weight float64, weights map[string]float64, least int) int {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	rate := s.options.Rate
	if rate == 0 {
		rate = s.profile.Pacer.Highest()
	}
	if s.profile.Procedure == profile.Capacity {
		rate = max(rate, supplied)
	}
	return min(max(least, int(4*rate*weight/total)), 512)
}
