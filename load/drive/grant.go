package drive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// grant is an authorised data consent with its living token.
type grant struct {
	party   *party
	who     *target.Person
	person  tpp.Person
	consent *tpp.Consent
	token   *bearer
	got     *tpp.Grant
	params  map[string][]map[string]string // by the path up to its last parameter

	renewing sync.Mutex // of the consent: renewals follow one another
	until    time.Time
}

// consentLife is how long the prepared consents live: long enough for any run, short enough that renewing
// them has room before the year is over.
const consentLife = 60 * 24 * time.Hour

// permissions are all that a customer of the kind can give at this target, whole groups only.
func (s *Source) permissions(company bool) []string {
	var out []string
	for _, g := range spec.Groups() {
		if (g.Person == spec.Company && !company) || (g.Person == spec.Natural && company) ||
			!slices.ContainsFunc(g.APIs, s.serves) {
			continue
		}
		for _, p := range g.Permissions {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return append(out, spec.ResourcesRead)
}

// serves says whether an API is in the registry and offered by the target.
func (s *Source) serves(api string) bool {
	for _, a := range spec.APIs() {
		if a.Name == api {
			_, declared := s.target.APIs[api]
			return declared || len(s.target.APIs) == 0
		}
	}
	return false
}

// atOnce is how many customers are at the bank's pages at the same time during the preparation.
const atOnce = 4

// share makes the consents whose data is read, and what can be asked with each.
func (s *Source) share(ctx context.Context, weights map[string]float64) error {
	var reads []*spec.Operation
	for _, o := range spec.Operations() {
		if weights[o.ID] > 0 && o.Grant == spec.AuthorizationCode && o.API.Role == "DADOS" {
			reads = append(reads, o)
		}
	}
	if len(reads) == 0 && weights["consents.read"] == 0 && weights["consents.extensions"] == 0 {
		return nil
	}
	wanted := s.profile.Grants
	if wanted == 0 {
		wanted = profile.DefaultGrants
	}
	type job struct {
		p       *party
		who     *target.Person
		company bool
	}
	var jobs []job
	for at, p := range s.parties {
		if !p.entry.Has("DADOS") {
			continue
		}
		alone, companies := s.people(false), s.people(true)
		for i := range wanted {
			from := alone
			if len(companies) > 0 && (len(alone) == 0 || i%4 == 3) {
				from = companies
			}
			if len(from) == 0 {
				return errors.New("the target file declares no customer who can log in by a robot")
			}
			who := from[(i+at*wanted)%len(from)]
			jobs = append(jobs, job{p, who, s.target.Text(who.CNPJ) != ""})
		}
	}
	if len(jobs) == 0 {
		s.note("no client of the target file has the role DADOS: no data is read")
		return nil
	}
	made := make([]*grant, len(jobs))
	failed := make([]error, len(jobs))
	gate := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, j := range jobs {
		all.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			made[i], failed[i] = s.authorise(ctx, j.p, j.who, s.permissions(j.company))
		})
	}
	all.Wait()
	for i, g := range made {
		if failed[i] != nil {
			return fmt.Errorf("consent of %s for %s: %w", jobs[i].who.ID, jobs[i].p.entry.Name, failed[i])
		}
		g.party.grants = append(g.party.grants, g)
		s.keeper.holds(g.token, g.got.AccessToken(), g.got.ExpiresIn)
		if err := s.reads(ctx, g, reads); err != nil {
			return err
		}
	}
	for _, o := range reads {
		if s.actions[o.ID] == nil {
			s.note("%s is not played: no prepared consent opens it", o.ID)
		}
	}
	return nil
}

// authorise makes one consent and takes it through the bank's pages.
func (s *Source) authorise(ctx context.Context, p *party, who *target.Person, permissions []string) (*grant, error) {
	robot, err := s.robot(p, who)
	if err != nil {
		return nil, err
	}
	g := &grant{party: p, who: who, person: s.person(who), params: map[string][]map[string]string{}, until: s.clock.Now().Add(consentLife)}
	g.consent, err = p.client.CreateConsent(ctx, p.server, permissions, g.person, func(r *tpp.APICall) {
		r.Body(tpp.ConsentBody(permissions, g.person, &g.until))
	})
	if err != nil {
		return nil, err
	}
	if g.got, err = p.client.Authorise(ctx, g.consent, robot); err != nil {
		return nil, err
	}
	g.token = &bearer{renew: func(ctx context.Context) (string, time.Duration, error) {
		if err := p.client.Refresh(ctx, g.got); err != nil {
			return "", 0, err
		}
		return g.got.AccessToken(), g.got.ExpiresIn, nil
	}}
	return g, nil
}

// opens says whether the grant may call an operation.
func (g *grant) opens(o *spec.Operation) bool {
	return slices.ContainsFunc(o.Permissions, func(p string) bool { return slices.Contains(g.consent.Permissions, p) })
}

// mostParams bounds how many resources of a grant are asked for one operation.
const mostParams = 4

// reads adds what can be asked with a grant.
func (s *Source) reads(ctx context.Context, g *grant, reads []*spec.Operation) error {
	for _, o := range reads {
		if o.ID == "consents.extend" {
			s.add(o.ID, o.Class, s.extending(g, o))
			continue
		}
		if o.Method != "GET" || !g.opens(o) {
			continue
		}
		params, err := s.params(ctx, g, o)
		if err != nil {
			return err
		}
		for _, values := range params {
			call := &call{source: s, party: g.party, op: o, name: o.ID, token: g.token, consent: g.consent.ID, want: 200, class: o.Class}
			if err := call.to(g.party.server.ResourceBase, values); err != nil {
				return err
			}
			s.add(o.ID, o.Class, call.do)
		}
	}
	return nil
}

// params finds values for the parameters of an operation's path, by reading the list it hangs on.
func (s *Source) params(ctx context.Context, g *grant, o *spec.Operation) ([]map[string]string, error) {
	name := o.Param()
	if name == "" {
		return []map[string]string{nil}, nil
	}
	above, _, _ := strings.Cut(o.Path, "/{"+name+"}")
	if known, ok := g.params[above]; ok {
		return known, nil
	}
	var list *spec.Operation
	for _, one := range o.API.Operations {
		if one.Method == "GET" && one.Path == above {
			list = one
		}
	}
	if list == nil || !g.opens(list) {
		s.note("%s is not played: nothing lists its %s", o.ID, name)
		return nil, nil
	}
	outer, err := s.params(ctx, g, list)
	if err != nil {
		return nil, err
	}
	var out []map[string]string
	for _, values := range outer {
		e, err := g.party.client.Read(ctx, g.got, list, values, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", list.ID, err)
		}
		items, _ := e.Field("data").([]any)
		for _, item := range items {
			record, _ := item.(map[string]any)
			id, _ := record[name].(string)
			if id == "" || len(out) >= mostParams {
				continue
			}
			with := map[string]string{name: id}
			for k, v := range values {
				with[k] = v
			}
			out = append(out, with)
		}
	}
	g.params[above] = out
	return out, nil
}

// extending renews a consent, each time a minute further than before.
func (s *Source) extending(g *grant, o *spec.Operation) func(context.Context, uint64) load.Outcome {
	base := &call{source: s, party: g.party, op: o, name: o.ID, token: g.token, consent: g.consent.ID, want: 201, class: o.Class, customer: true}
	err := base.to(g.party.server.ResourceBase, map[string]string{"consentId": g.consent.ID})
	return func(ctx context.Context, n uint64) load.Outcome {
		if err != nil {
			return load.Outcome{Err: err}
		}
		// Two renewals under way at once could arrive in the wrong order, which is rightly refused.
		g.renewing.Lock()
		defer g.renewing.Unlock()
		g.until = g.until.Add(time.Minute)
		data := tpp.ConsentBody(nil, g.person, &g.until)
		if inner, ok := data["data"].(map[string]any); ok {
			delete(inner, "permissions")
		}
		return base.with(ctx, marshal(data), "application/json", nil)
	}
}
