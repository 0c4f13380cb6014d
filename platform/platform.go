// Package platform puts the reference institution together: authorization server, gateway, data and
// payment APIs over one consent engine, one trust and one store.
//
// It decides nothing itself. It promises that what [New] returns is loaded and ready, and that the three
// handlers behave the same behind any listener that asks for client certificates and verifies none.
package platform

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/as"
	"github.com/ensaio/ensaio/platform/as/screen"
	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/control"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/message"
	"github.com/ensaio/ensaio/platform/opendata"
	"github.com/ensaio/ensaio/platform/payment"
	"github.com/ensaio/ensaio/platform/resource"
	"github.com/ensaio/ensaio/platform/status"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/platform/trust"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// Config says who the institution is.
type Config struct {
	// Issuer, MTLS and API are the base addresses of the three hosts, without trailing slash.
	Issuer, MTLS, API string
	// Namespace is the middle of its consent ids: "bancoensaio".
	Namespace    string
	Organisation as.Organisation
	// IDTokens signs ID tokens, Encryption opens encrypted request objects, Messages (of the signing
	// certificate) signs the answers of payment APIs.
	IDTokens, Encryption, Messages jose.Key
	SSAIssuer                      string
	// Keystore is the directory's key store; CRL the revocation lists to consult besides those that
	// certificates name.
	Keystore string
	CRL      []string
	Limits   gateway.Limits
	// Brands are those under which open data are offered, the main one first; without any there are none.
	Brands []opendata.Brand
	// Offered says whether an API is served, by registry name; nil means all.
	Offered func(api string) bool
}

// Core is a core system that can also take held payments back.
type Core interface {
	connector.Source
	connector.Canceller
}

// Outbox keeps reports for the metrics platform.
type Outbox interface {
	Append(kind string, body []byte) error
}

// Ports are what the institution stands on.
type Ports struct {
	Clock *clock.Clock
	Seed  clock.Seed
	Seams *fault.Seams
	// Roots are the authorities of client certificates; HTTP reaches the directory and verifies it.
	Roots *x509.CertPool
	HTTP  *http.Client
	Core  Core
	// Store keeps everything that must survive; nil is memory. Dir is the folder of what must survive and is
	// written by every call: which ids were used, and the counts of months; "" is memory.
	Store  *store.Store
	Dir    string
	Outbox Outbox
	// Observe, when set, hears of every API call after it was answered.
	Observe func(ctx context.Context, e gateway.Entry)
	Log     *slog.Logger
}

// Platform is a running institution.
type Platform struct {
	Trust    *trust.Trust
	Consents *consent.Engine
	AS       *as.Server
	Payments *payment.Service
	Gateway  *gateway.Gateway
	Status   *status.Service
	mtls     http.Handler
	control  http.Handler
	memos    memos
	close    []func() error
}

// New loads and connects the parts. Close ends what runs.
func New(ctx context.Context, cfg Config, ports Ports) (*Platform, error) {
	p := &Platform{}
	if err := p.connect(ctx, cfg, ports); err != nil {
		return nil, errors.Join(fmt.Errorf("platform: %w", err), p.Close())
	}
	return p, nil
}

func (p *Platform) connect(ctx context.Context, cfg Config, ports Ports) (err error) {
	if ports.Store == nil {
		if ports.Store, err = store.Open(ctx, ""); err != nil {
			return err
		}
		p.close = append(p.close, ports.Store.Close)
	}
	if p.memos, err = recall(ports.Dir, ports.Clock.Now()); err != nil {
		return err
	}
	p.close = append(p.close, p.memos.close)
	p.Trust = trust.New(trust.Config{Roots: ports.Roots, HTTP: ports.HTTP, Clock: ports.Clock, Seams: ports.Seams, Keystore: cfg.Keystore, CRL: cfg.CRL})
	p.Consents, err = consent.Open(ctx, consent.Config{
		Clock: ports.Clock, Seed: ports.Seed.Stream("bank/consents"), Seams: ports.Seams, Store: ports.Store, Namespace: cfg.Namespace,
	})
	if err != nil {
		return err
	}
	p.Payments, err = payment.Open(ctx, payment.Config{
		Clock: ports.Clock, Seams: ports.Seams, Store: ports.Store, Consents: p.Consents, Core: ports.Core, Log: ports.Log,
		NewID: ports.Seed.Stream("bank/payments").UUID, Find: known(ports.Core),
	})
	if err != nil {
		return err
	}
	p.close = append(p.close, func() error { p.Payments.Close(); return nil })
	screens, err := screen.New()
	if err != nil {
		return err
	}
	p.AS, err = as.New(as.Config{
		Issuer: cfg.Issuer, MTLS: cfg.MTLS, Clock: ports.Clock, Seed: ports.Seed.Stream("bank/clients"), Seams: ports.Seams, Trust: p.Trust,
		Consents: p.Consents, Source: ports.Core, Store: ports.Store, Outbox: ports.Outbox, Seen: p.memos.assertions, Signing: cfg.IDTokens, Encryption: cfg.Encryption,
		SSAIssuer: cfg.SSAIssuer, Org: cfg.Organisation, Screens: screens, Assess: p.Payments.Assess, Log: ports.Log,
		Admit: func(ctx context.Context, endpoint string) bool { return p.Gateway.Admit(ctx, endpoint) },
	})
	if err != nil {
		return err
	}
	if err := p.survey(ctx, cfg, ports); err != nil {
		return err
	}
	return p.serve(cfg, ports)
}

// survey opens the institution's watch over itself.
func (p *Platform) survey(ctx context.Context, cfg Config, ports Ports) (err error) {
	var apis []*spec.API
	for _, a := range spec.APIs() {
		if cfg.Offered == nil || cfg.Offered(a.Name) {
			apis = append(apis, a)
		}
	}
	p.Status, err = status.Open(ctx, status.Config{
		Clock: ports.Clock, Seams: ports.Seams, Store: ports.Store, APIs: apis, API: strings.TrimSuffix(cfg.API, "/"), MTLS: strings.TrimSuffix(cfg.MTLS, "/"),
		Ping: ping(ports.Core), NewID: ports.Seed.Stream("bank/status").UUID, Log: ports.Log,
		NeedsCore: func(o *spec.Operation) bool { return o.Source != "" || o.API.Signed || o.ID == "consents.create" },
	})
	if err != nil {
		return err
	}
	p.close = append(p.close, p.Status.Close)
	p.mtls = p.Status.Security(p.AS.MTLS())
	return nil
}

// ping asks the core for nobody: to know no such person is a sign of life.
func ping(core connector.Source) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := core.Find(ctx, "00000000000"); err != nil && !errors.Is(err, connector.ErrUnknown) {
			return err
		}
		return nil
	}
}

// observe tells whoever wants to know of a call.
func (p *Platform) observe(ports Ports) func(context.Context, gateway.Entry) {
	return func(ctx context.Context, e gateway.Entry) {
		p.Status.Observe(ctx, e)
		if ports.Observe != nil {
			ports.Observe(ctx, e)
		}
	}
}

// known says whether the core knows a person.
func known(core connector.Source) func(ctx context.Context, cpf string) error {
	return func(ctx context.Context, cpf string) error {
		_, err := core.Find(ctx, cpf)
		return err
	}
}

// serve opens the API host.
func (p *Platform) serve(cfg Config, ports Ports) (err error) {
	handlers := map[string]gateway.Handler{
		"consents": consent.NewAPI(p.Consents, cfg.Offered, known(ports.Core)).Handle,
		"payments": p.Payments.Handle,
		"common":   p.Status.Handle,
		"admin":    p.Status.Handle,
	}
	if err := offer(handlers, cfg, ports); err != nil {
		return err
	}
	reads := resource.New(resource.Config{Source: ports.Core, Consents: p.Consents, Seams: ports.Seams})
	p.Gateway, err = gateway.New(gateway.Config{
		Trust: p.Trust, AS: p.AS,
		Handlers: handlers, Resource: reads.Handle, Offered: cfg.Offered,
		Messages: messages{message.New(message.Config{Organisation: cfg.Organisation.ID, Key: cfg.Messages, Keys: p.Trust, Seams: ports.Seams, Seen: p.memos.messages})},
		Seams:    ports.Seams, Clock: ports.Clock, Limits: cfg.Limits, Counts: p.memos.quotas, Active: p.Consents.ActiveOf, Outbox: ports.Outbox,
		Organisation: cfg.Organisation.ID, Base: cfg.API, Observe: p.observe(ports), Guard: p.Status.Guard, Log: ports.Log,
	})
	if err != nil {
		return err
	}
	p.control = control.New(control.Config{
		Consents: p.Consents, Gateway: p.Gateway,
		Payment: func(id string) (any, bool) {
			found, ok := p.Payments.Find(id)
			return found, ok
		},
		Payments: p.Payments.Each,
		Cancel:   p.Payments.CancelAtHolder, Availability: p.Status.Control(),
	})
	return nil
}

// offer adds the handlers of open data, published from now on.
func offer(handlers map[string]gateway.Handler, cfg Config, ports Ports) error {
	if len(cfg.Brands) == 0 {
		return nil
	}
	public, err := opendata.New(opendata.Config{Brands: cfg.Brands, Since: ports.Clock.Now(), Seams: ports.Seams})
	if err != nil {
		return err
	}
	for _, name := range opendata.APIs() {
		handlers[name] = public.Handle
	}
	return nil
}

// API serves the API host (mTLS).
func (p *Platform) API() http.Handler { return p.Gateway }

// Public serves the issuer's host.
func (p *Platform) Public() http.Handler { return p.AS.Public() }

// Stock counts, for the metrics platform, the data consents that were live at the moments at which days
// ended in Brasília: authorised, not over, and with a token. One report a day, without its date.
func (p *Platform) Stock(organisation string, ends []time.Time) []spec.StockReport {
	var all []spec.StockReport
	for _, s := range p.Consents.Stocks(ends, p.AS.Granted, p.Organisation) {
		r := spec.StockReport{OrgID: organisation, Role: spec.ServerSide, Scope: spec.StockScope,
			TotalCustomerPF: s.People, TotalCustomerPJ: s.Companies, Stock: []spec.StockedPair{}}
		for _, client := range slices.Sorted(maps.Keys(s.Active)) {
			r.Stock = append(r.Stock, spec.StockedPair{ClientOrgID: client, ServerOrgID: organisation, Total: s.Active[client]})
		}
		all = append(all, r)
	}
	return all
}

// Organisation is that of a registered client, "" when there is none.
func (p *Platform) Organisation(clientID string) string {
	if c, ok := p.AS.Client(clientID); ok {
		return c.OrganisationID
	}
	return ""
}

// MTLS serves the authorization server's mTLS host.
func (p *Platform) MTLS() http.Handler { return p.mtls }

// Control serves the holder's side; it belongs on the control port alone.
func (p *Platform) Control() http.Handler { return p.control }

// Close ends the background work, last opened first.
func (p *Platform) Close() error {
	var failed error
	for _, end := range slices.Backward(p.close) {
		failed = errors.Join(failed, end())
	}
	p.close = nil
	return failed
}

// messages lets the gateway open and seal without knowing claims.
type messages struct{ *message.Messages }

func (m messages) Open(ctx context.Context, body []byte, c *call.Call) (json.RawMessage, error) {
	data, _, err := m.Messages.Open(ctx, body, c)
	return data, err
}

// Rules lists every sentence the institution keeps, in the order of a call's way.
func Rules() []rule.Info {
	return slices.Concat(trust.Rules(), as.Rules(), gateway.Rules(), message.Rules(), consent.Rules(), resource.Rules(), call.PageRules(), opendata.Rules(), payment.Rules(), status.Rules())
}
