package drive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// traveller plays journeys for one client, over connections of its own, and tells each exchange.
type traveller struct {
	source *Source
	party  *party
	client *tpp.Client
	server *tpp.Server
	turn   atomic.Uint64
}

// journeys adds those that the mix asks for.
func (s *Source) journeys(weights map[string]float64) error {
	wanted := slices.DeleteFunc(slices.Clone(profile.Journeys), func(j string) bool { return weights[j] == 0 })
	if len(wanted) == 0 {
		return nil
	}
	if len(s.people(false)) == 0 {
		s.note("journeys are not played: the target file declares no customer who can log in by a robot")
		return nil
	}
	for _, p := range s.parties {
		cfg := p.client.Config()
		cfg.Record = s.tell
		client, err := tpp.New(cfg)
		if err != nil {
			return fmt.Errorf("client %s: %w", p.entry.Name, err)
		}
		t := &traveller{source: s, party: p, client: client, server: p.server}
		s.travellers = append(s.travellers, t)
		for _, name := range wanted {
			switch {
			case name == profile.JourneyPay && p.entry.Has("PAGTO"):
				s.travel(name, t.pay)
			case name == profile.JourneyCancel && p.entry.Has("PAGTO"):
				s.travel(name, t.cancel)
			case name == profile.JourneyShare && p.entry.Has("DADOS"):
				s.travel(name, t.share)
			case name == profile.JourneyRevoke && p.entry.Has("DADOS"):
				s.travel(name, t.revoke)
			}
		}
	}
	if slices.Contains(wanted, profile.JourneyRegister) || slices.Contains(wanted, profile.JourneyWhole) {
		return s.newcomers(wanted)
	}
	return nil
}

// newcomers play what begins with a registration: each statement that the bank does not know yet is used by
// one journey at a time.
func (s *Source) newcomers(wanted []string) error {
	list := s.target.Statements()
	if len(list) == 0 {
		s.note("registrations are not played: the target file declares no software that the bank does not know")
		return nil
	}
	queue := make(chan *traveller, len(list))
	complete := 0
	for _, entry := range list {
		cfg, err := s.identity(entry)
		if err != nil {
			return err
		}
		cfg.Record = s.tell
		client, err := tpp.New(cfg)
		if err != nil {
			return fmt.Errorf("client %s: %w", entry.Name, err)
		}
		server := *s.parties[0].server
		server.ClientID, server.RegistrationToken, server.RegistrationURI = "", "", ""
		t := &traveller{source: s, party: &party{entry: entry, client: client, server: &server}, client: client, server: &server}
		s.travellers = append(s.travellers, t)
		if entry.Has("DADOS") && entry.Has("PAGTO") {
			complete++
		}
		queue <- t
	}
	for _, name := range []string{profile.JourneyRegister, profile.JourneyWhole} {
		if !slices.Contains(wanted, name) {
			continue
		}
		if name == profile.JourneyWhole && complete == 0 {
			s.note("journey:whole is not played: no unregistered software may both read data and pay")
			continue
		}
		s.add(name, load.Journey, func(ctx context.Context, _ uint64) load.Outcome {
			for range len(list) {
				select {
				case t := <-queue:
					if name == profile.JourneyWhole && !(t.party.entry.Has("DADOS") && t.party.entry.Has("PAGTO")) {
						queue <- t
						continue
					}
					defer func() { queue <- t }()
					if name == profile.JourneyWhole {
						return outcome(t.whole(ctx))
					}
					return outcome(t.register(ctx))
				default:
					return load.Outcome{Err: load.ErrShort}
				}
			}
			return load.Outcome{Err: load.ErrShort}
		})
	}
	return nil
}

func (s *Source) travel(name string, play func(context.Context) error) {
	s.add(name, load.Journey, func(ctx context.Context, _ uint64) load.Outcome { return outcome(play(ctx)) })
}

// outcome turns the end of a journey into that of one arrival.
func outcome(err error) load.Outcome {
	var failed *tpp.Failure
	switch {
	case err == nil:
		return load.Outcome{Status: http.StatusOK}
	case errors.As(err, &failed) && failed.Exchange.Err == nil:
		return load.Outcome{Status: failed.Exchange.Status, Wrong: failed.Error()}
	case errors.As(err, &failed):
		return load.Outcome{Err: failed.Exchange.Err}
	}
	return load.Outcome{Wrong: err.Error()}
}

// tell hands one exchange of a journey to whoever measures.
func (s *Source) tell(e *tpp.Exchange) {
	s.aside(e)
	hear := s.steps.Load()
	if hear == nil {
		return
	}
	one := step{at: e.Started, took: e.Duration, status: e.Status, err: e.Err, class: profile.Security}
	switch {
	case e.Operation != nil:
		one.operation, one.class = e.Operation.ID, e.Operation.Class
	case e.Name == profile.Token || e.Name == profile.PAR || e.Name == "register" || e.Name == "registration":
		one.operation = e.Name
	default:
		return // documents and keys are nobody's operation
	}
	(*hear)(one)
}

// step is one exchange inside a journey.
type step struct {
	operation string
	class     spec.Class
	at        time.Time
	took      time.Duration
	status    int
	err       error
}

// next is whose turn it is: customers take turns.
func (t *traveller) next() *target.Person {
	people := t.source.people(false)
	return people[t.turn.Add(1)%uint64(len(people))]
}

// shared is a consent of the next customer, authorised.
func (t *traveller) shared(ctx context.Context) (*tpp.Grant, error) {
	who := t.next()
	robot, err := t.source.robot(t.party, who)
	if err != nil {
		return nil, err
	}
	return t.client.Share(ctx, t.server, t.source.permissions(false), t.source.person(who), robot)
}

// share reads everything that a new consent opens, and leaves the consent.
func (t *traveller) share(ctx context.Context) error {
	g, err := t.shared(ctx)
	if err != nil {
		return err
	}
	return t.read(ctx, g)
}

// read asks every operation that the consent opens, once for each resource.
func (t *traveller) read(ctx context.Context, got *tpp.Grant) error {
	g := &grant{party: &party{client: t.client, server: t.server}, consent: got.Consent, got: got, params: map[string][]map[string]string{}}
	for _, o := range spec.Operations() {
		if o.Method != "GET" || o.Grant != spec.AuthorizationCode || !g.opens(o) || !t.source.offered(o.ID) {
			continue
		}
		params, err := t.source.params(ctx, g, o)
		if err != nil {
			return err
		}
		for _, values := range params {
			if _, err := t.client.Read(ctx, got, o, values, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// revoke ends a new consent, after which its token opens nothing.
func (t *traveller) revoke(ctx context.Context) error {
	g, err := t.shared(ctx)
	if err != nil {
		return err
	}
	return t.end(ctx, g)
}

func (t *traveller) end(ctx context.Context, g *tpp.Grant) error {
	if _, err := t.client.DeleteConsent(ctx, g.Consent); err != nil {
		return err
	}
	e := t.client.API(t.server, spec.Find("resources.list")).With(g).Send(ctx)
	if e.Err != nil {
		return &tpp.Failure{Exchange: e}
	}
	if e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden {
		return fmt.Errorf("a revoked consent still opens resources: status %d", e.Status)
	}
	return nil
}

// pay takes a payment to its end.
func (t *traveller) pay(ctx context.Context) error {
	who := t.next()
	robot, err := t.source.robot(t.party, who)
	if err != nil {
		return err
	}
	p, err := t.client.Pay(ctx, t.server, t.source.order(who), robot)
	if err != nil {
		return err
	}
	if p.Statuses[0] != "ACSC" {
		return fmt.Errorf("the payment ended as %s", p.Statuses[0])
	}
	return nil
}

// cancel schedules a payment and cancels it, after which it says so.
func (t *traveller) cancel(ctx context.Context) error {
	made, err := t.source.planPayments(ctx, &party{entry: t.party.entry, client: t.client, server: t.server}, t.next(), 1)
	if err != nil {
		return err
	}
	one := made[0]
	if _, err := t.client.CancelPayment(ctx, one.consent, one.payment); err != nil {
		return err
	}
	t.source.schedules.cancelled(one.schedule, 1)
	e, err := t.client.ReadPayment(ctx, one.consent, one.payment)
	if err != nil {
		return err
	}
	if status := e.Text("data.status"); status != "CANC" {
		return fmt.Errorf("a cancelled payment is %s", status)
	}
	return nil
}

// register makes a registration, reads it and ends it.
func (t *traveller) register(ctx context.Context) error {
	return t.registered(ctx, func() error {
		_, err := t.client.ReadRegistration(ctx, t.server)
		return err
	})
}

// whole is everything that a newcomer ever does.
func (t *traveller) whole(ctx context.Context) error {
	return t.registered(ctx, func() error {
		g, err := t.shared(ctx)
		if err == nil {
			err = t.read(ctx, g)
		}
		if err == nil {
			err = t.pay(ctx)
		}
		if err == nil {
			err = t.end(ctx, g)
		}
		return err
	})
}

// registered does something as a registered client and ends the registration, whatever came of it.
func (t *traveller) registered(ctx context.Context, do func() error) error {
	if _, err := t.client.Register(ctx, t.server); err != nil {
		return err
	}
	// The answer names where the registration is managed; the key to it is sent to nobody else.
	if uri := t.server.RegistrationURI; uri != "" {
		if err := t.source.named(uri); err != nil {
			t.server.RegistrationURI = ""
			_, gone := t.client.DeleteRegistration(ctx, t.server)
			return errors.Join(err, gone)
		}
	}
	err := do()
	_, gone := t.client.DeleteRegistration(ctx, t.server)
	t.client.ForgetTokens()
	return errors.Join(err, gone)
}
