package status

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/spec"
)

// Failure is trouble without notice, made on purpose by whoever rehearses. It is not kept.
type Failure struct {
	ID string `json:"id"`
	// Operations are patterns of registry ids ("accounts.*", "token"); none is all.
	Operations []string `json:"operations,omitempty"`
	// Status is answered instead; Delay, in Go's form ("3s"), passes first. Either may be left out.
	Status      int       `json:"status,omitempty"`
	Delay       string    `json:"delay,omitempty"`
	Explanation string    `json:"explanation,omitempty"`
	Since       time.Time `json:"since"`

	delay   time.Duration
	problem *call.Problem
	scope   set
}

// down says whether a probe of one second would find the endpoint down.
func (f *Failure) down(s *Service) bool {
	return f.delay >= Timeout || f.Status >= 400 && observation{status: f.Status}.trouble(s.cfg.Seams)
}

// Outage is a scheduled unavailability: announced before it begins, answered 503 while it lasts.
type Outage struct {
	ID       string    `json:"id"`
	Start    time.Time `json:"start"`
	Duration string    `json:"duration"` // ISO 8601: "PT2H30M"
	// Operations are patterns of registry ids; none makes the outage total.
	Operations  []string `json:"operations,omitempty"`
	Explanation string   `json:"explanation"`

	length time.Duration
	scope  set
}

func (o *Outage) end() time.Time { return o.Start.Add(o.length) }

func (o *Outage) in(t time.Time) bool { return !t.Before(o.Start) && t.Before(o.end()) }

// plan is what is to go wrong, by accident and on purpose. Immutable; replaced whole.
type plan struct {
	failures []*Failure
	outages  []*Outage // by start
	fails    map[string][]*Failure
	stops    map[string][]*Outage
}

func (s *Service) planOf(failures []*Failure, outages []*Outage) *plan {
	slices.SortStableFunc(outages, func(a, b *Outage) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) })
	p := &plan{failures: failures, outages: outages, fails: map[string][]*Failure{}, stops: map[string][]*Outage{}}
	for id := range s.byOp {
		for _, f := range failures {
			if s.covers(f.Operations, id) {
				p.fails[id] = append(p.fails[id], f)
			}
		}
		for _, o := range outages {
			if s.covers(o.Operations, id) {
				p.stops[id] = append(p.stops[id], o)
			}
		}
	}
	return p
}

// planned is the outage that stops an operation at that time.
func (p *plan) planned(operation string, at time.Time) (*Outage, bool) {
	for _, o := range p.stops[operation] {
		if o.in(at) {
			return o, true
		}
	}
	return nil, false
}

// next is the first slot after the given one in which the calendar may say something else.
func (p *plan) next(slot int64) int64 {
	next := int64(math.MaxInt64)
	for _, o := range p.outages {
		for _, t := range []time.Time{o.Start, o.end()} {
			if edge := slotOf(t.Add(Period - 1)); edge > slot {
				next = min(next, edge)
			}
		}
	}
	return next
}

// covers says whether the patterns reach an operation. None reaches all but those that speak of the
// institution's state: those must be named.
func (s *Service) covers(patterns []string, operation string) bool {
	op := spec.Find(operation)
	named := op != nil && speaksOfItself(op.API)
	if len(patterns) == 0 {
		return !named
	}
	for _, p := range patterns {
		if ok, _ := path.Match(p, operation); ok && (!named || len(p) > 0 && p[0] != '*') {
			return true
		}
	}
	return false
}

// reach is the endpoints that the patterns reach, or an error when a pattern reaches none.
func (s *Service) reach(patterns []string) (set, error) {
	var all set
	for id, p := range s.byOp {
		if s.covers(patterns, id) {
			all.add(p.number)
		}
	}
	for _, p := range patterns {
		found := false
		for id := range s.byOp {
			found = found || s.covers([]string{p}, id)
		}
		if !found {
			return nil, fmt.Errorf("operations: %q is no operation of this institution; patterns go over ids such as \"accounts.balances\", \"accounts.*\" or \"token\"", p)
		}
	}
	return all, nil
}

var (
	stopped = call.Refuse(http.StatusServiceUnavailable, "INDISPONIBILIDADE_PROGRAMADA", "Indisponibilidade programada", "O serviço está em manutenção programada, publicada em outages")
	expired = call.Refuse(http.StatusGatewayTimeout, "TEMPO_ESGOTADO", "Tempo esgotado", "A requisição não foi atendida no tempo limite")
)

func failed(status int) *call.Problem {
	switch status {
	case 0:
		return nil
	case http.StatusServiceUnavailable:
		return call.Refuse(status, "INDISPONIVEL", "Serviço indisponível", "O serviço está temporariamente indisponível")
	case http.StatusGatewayTimeout:
		return expired
	case overloaded:
		return call.Refuse(status, "LIMITE_GLOBAL_EXCEDIDO", "Site sobrecarregado", "O limite global de requisições por segundo foi atingido")
	case http.StatusTooManyRequests:
		p := call.Refuse(status, "LIMITE_POR_MINUTO_EXCEDIDO", "Muitas requisições", "O limite de requisições por minuto foi atingido")
		p.RetryAfter = time.Minute
		return p
	}
	if status < http.StatusInternalServerError {
		return call.Refuse(status, "REQUISICAO_RECUSADA", "Requisição recusada", "A requisição foi recusada")
	}
	return call.Refuse(status, "ERRO_INTERNO", "Erro interno", "Ocorreu um erro inesperado")
}

// Guard says whether, and when, a call is answered now; see [gateway.Config]. While nothing is planned it
// costs one atomic load.
func (s *Service) Guard(op *spec.Operation, now time.Time) (*call.Problem, time.Duration) {
	return s.guard(op.ID, now)
}

func (s *Service) guard(operation string, now time.Time) (*call.Problem, time.Duration) {
	p := s.plan.Load()
	if len(p.stops) == 0 && len(p.fails) == 0 {
		return nil, 0
	}
	if _, yes := p.planned(operation, now); yes {
		return stopped, 0
	}
	var problem *call.Problem
	var delay time.Duration
	for _, f := range p.fails[operation] {
		if problem == nil {
			problem = f.problem
		}
		delay = max(delay, f.delay)
	}
	if delay >= gateway.Budget { // the caller is told before it gives up
		return expired, gateway.Budget
	}
	return problem, delay
}

var errUnknown = errors.New("no such entry")

// Fail makes trouble from now on.
func (s *Service) Fail(ctx context.Context, f Failure) (*Failure, error) {
	var err error
	if f.scope, err = s.reach(f.Operations); err != nil {
		return nil, err
	}
	if f.Delay != "" {
		if f.delay, err = time.ParseDuration(f.Delay); err != nil || f.delay < 0 {
			return nil, fmt.Errorf("delay: %q is no duration; write it as \"3s\"", f.Delay)
		}
	}
	switch {
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return nil, fmt.Errorf("status: %d is no refusal; want 400 to 599", f.Status)
	case f.Status == 0 && f.delay == 0:
		return nil, errors.New("status: want a status, a delay, or both")
	}
	f.problem = failed(f.Status)
	return &f, s.change(ctx, func(p *plan) error {
		f.ID, f.Since = s.cfg.NewID(), s.cfg.Clock.Now()
		s.plan.Store(s.planOf(append(slices.Clone(p.failures), &f), slices.Clone(p.outages)))
		return nil
	})
}

// Mend ends the trouble of that id; "" ends all.
func (s *Service) Mend(ctx context.Context, id string) error {
	return s.change(ctx, func(p *plan) error {
		var left []*Failure
		for _, f := range p.failures {
			if id != "" && f.ID != id {
				left = append(left, f)
				continue
			}
			// What it did was made, not found: it is no evidence any more.
			f.scope.each(func(i int) { s.endpoints[i].forgive() })
		}
		if id != "" && len(left) == len(p.failures) {
			return errUnknown
		}
		s.plan.Store(s.planOf(left, slices.Clone(p.outages)))
		return nil
	})
}

// Failures lists the trouble that is made.
func (s *Service) Failures() []*Failure { return s.plan.Load().failures }

// Outages lists what was announced, by start; what is over too.
func (s *Service) Outages() []*Outage { return s.plan.Load().outages }

// change alters the plan after every probe that is due has seen the old one.
func (s *Service) change(ctx context.Context, fn func(p *plan) error) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.Lock()
	s.look(ctx, s.cfg.Clock.Now())
	s.mu.Unlock()
	return fn(s.plan.Load())
}

// Announce registers an outage, or changes the one of that id. It is kept before it is published.
func (s *Service) Announce(ctx context.Context, o Outage) (*Outage, error) {
	var err error
	if o.length, err = ParseDuration(o.Duration); err != nil {
		return nil, err
	}
	if o.scope, err = s.reach(o.Operations); err != nil {
		return nil, err
	}
	if o.Start.IsZero() {
		return nil, errors.New("start: want an instant such as 2026-03-08T04:00:00Z")
	}
	o.Start = o.Start.UTC().Truncate(time.Second)
	if o.Explanation == "" {
		o.Explanation = "Manutenção programada"
	}
	err = s.change(ctx, func(p *plan) error {
		d := draft{next: &o, now: s.cfg.Clock.Now()}
		left := slices.Clone(p.outages)
		if o.ID == "" {
			o.ID = s.cfg.NewID()
		} else {
			at := slices.IndexFunc(left, func(x *Outage) bool { return x.ID == o.ID })
			if at < 0 {
				return errUnknown
			}
			d.was = left[at]
			left = slices.Delete(left, at, at+1)
		}
		if err := draftRules.Check(ctx, s.cfg.Seams, d); err != nil {
			return err
		}
		if err := s.cfg.Store.Commit(ctx, store.Put(outageKind, o.ID, &o)); err != nil {
			return fmt.Errorf("keep the outage: %w", err)
		}
		s.plan.Store(s.planOf(slices.Clone(p.failures), append(left, &o)))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &o, nil
}

// Withdraw takes an outage back; one under way ends now.
func (s *Service) Withdraw(ctx context.Context, id string) error {
	return s.change(ctx, func(p *plan) error {
		at := slices.IndexFunc(p.outages, func(x *Outage) bool { return x.ID == id })
		if at < 0 {
			return errUnknown
		}
		if err := s.cfg.Store.Commit(ctx, store.Delete(outageKind, id)); err != nil {
			return fmt.Errorf("withdraw the outage: %w", err)
		}
		s.plan.Store(s.planOf(slices.Clone(p.failures), slices.Delete(slices.Clone(p.outages), at, at+1)))
		return nil
	})
}
