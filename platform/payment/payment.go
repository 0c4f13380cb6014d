// Package payment serves the Pix payment API (payments 5.0.0): consents to pay, initiations, readings and
// cancellations.
//
// It promises that a payment is durable before anybody is told of it, that a consent pays once, that an
// idempotency key answers the same for a day, and that a payment's status only moves along its machine,
// by what the core says. It refuses whatever differs from what the customer approved. A restart goes on
// with every payment that is not final: orders to the core are idempotent.
//
// Messages arrive opened and leave unsealed: signing is the gateway's.
package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// Consents is what a consent engine does for payments.
type Consents interface {
	Create(ctx context.Context, c consent.Consent) (*consent.Consent, error)
	Get(id string) (*consent.Consent, bool)
	Consume(ctx context.Context, id string) (*consent.Consent, error)
}

// Core is what a core system does for payments. A [connector.Source] that is a [connector.Canceller] is one.
type Core interface {
	Resolve(ctx context.Context, key string) (connector.PixKey, error)
	Foresee(ctx context.Context, o connector.Order) (connector.Verdict, error)
	Submit(ctx context.Context, o connector.Order) (connector.Receipt, error)
	Watch(ctx context.Context) (<-chan connector.Change, error)
	connector.Canceller
}

// Store keeps payments and the memory of idempotency keys.
type Store interface {
	Commit(ctx context.Context, ops ...store.Op) error
	Each(ctx context.Context, kind string, fn func(store.Record) error) error
}

// Config is what a payment service is made of.
type Config struct {
	Clock    *clock.Clock
	Seams    *fault.Seams
	Store    Store
	Consents Consents
	Core     Core
	Log      *slog.Logger // nil is silent
	// Find says whether the institution knows a person by CPF, for the metrics platform alone: the answer to
	// the initiator never depends on it. May be nil.
	Find func(ctx context.Context, cpf string) error
	// NewID draws payment ids; nil draws random UUIDs.
	NewID func() string
}

// Service is a running payment service. It is safe for concurrent use.
type Service struct {
	cfg      Config
	payments *ledger
	memory   *memory
	consents stripes // one initiation at a time for a consent
	due      *agenda

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup
}

// Open loads the payments of the store and goes on with those that are not final.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.NewID == nil {
		cfg.NewID = newID
	}
	s := &Service{cfg: cfg, payments: newLedger(), memory: newMemory(), due: newAgenda()}
	if err := cfg.Store.Each(ctx, recordKind, s.payments.load); err != nil {
		return nil, fmt.Errorf("load payments: %w", err)
	}
	if err := cfg.Store.Each(ctx, memoryKind, s.memory.load); err != nil {
		return nil, fmt.Errorf("load idempotency keys: %w", err)
	}
	s.memory.sort()
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	changes, err := cfg.Core.Watch(s.ctx)
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("watch the core: %w", err)
	}
	s.work.Go(func() { s.follow(changes) })
	s.work.Go(s.keepAgenda)
	s.resume()
	return s, nil
}

// Close ends the background work. What is under way goes on at the next Open.
func (s *Service) Close() {
	s.stop()
	s.work.Wait()
}

// Rules lists the sentences this package keeps.
func Rules() []rule.Info {
	var all []rule.Info
	for _, set := range [][]rule.Info{consentRules.Rules(), idempotencyRules.Rules(), initiationRules.Rules(), ownerRules.Rules(), cancelRules.Rules(), assessRules.Rules()} {
		all = append(all, set...)
	}
	return all
}

// Handle answers one call of the payments API. The body of a call is {"data": …}.
func (s *Service) Handle(ctx context.Context, c *call.Call) (*call.Answer, error) {
	if c.Report == nil {
		c.Report = map[string]string{}
	}
	switch c.Operation.ID {
	case "payments.consent-create":
		return s.createConsent(ctx, c)
	case "payments.consent-read":
		return s.readConsent(ctx, c)
	case "payments.consent-payments":
		return s.listPayments(ctx, c)
	case "payments.consent-cancel":
		return s.cancelAll(ctx, c)
	case "payments.create":
		return s.create(ctx, c)
	case "payments.read":
		return s.read(ctx, c)
	case "payments.cancel":
		return s.cancel(ctx, c)
	}
	return nil, fmt.Errorf("payments: operation %s has no handler", c.Operation.ID)
}

// Find returns a payment as it is now.
func (s *Service) Find(id string) (*Payment, bool) {
	if e, ok := s.payments.find(id); ok {
		return e.now(), true
	}
	return nil, false
}

// Each shows every payment as it is now, in no order, until yield says false.
func (s *Service) Each(yield func(*Payment) bool) {
	for _, p := range s.payments.all {
		if !yield(p) {
			return
		}
	}
}

// outage turns trouble with the core into the answer the standard has for it.
func outage(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return call.Refuse(http.StatusGatewayTimeout, "GATEWAY_TIMEOUT", "Tempo esgotado", "A instituição não respondeu a tempo")
	}
	if errors.Is(err, connector.ErrUnavailable) {
		return call.Refuse(http.StatusServiceUnavailable, "SERVICO_INDISPONIVEL", "Serviço indisponível", "O serviço está temporariamente indisponível")
	}
	return err
}

// brasilia is the zone of plain dates; Brazil has kept UTC-3 without summer time since 2019.
var brasilia = time.FixedZone("BRT", -3*60*60)

// today is the civil date of an instant in Brasília.
func today(t time.Time) string { return t.In(brasilia).Format(time.DateOnly) }
