// Package resource serves every data read of the registry from one place.
//
// An operation is a row: which permission opens it, which source answers it, which shape the answer has.
// The server promises that a read tells nothing but records of the consent's customer, of resources the
// customer chose and that are available, in the shape of the API's version, paged as the standard pages.
// It knows no product: what differs between products is data. Sentences without a number in the security
// checklists are numbered here: RS-DATA for what a consent opens, DATE for booking dates, FILTER for the
// other parameters of the definitions.
package resource

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// Source is where records come from; a [connector.Source] is one.
type Source interface {
	List(ctx context.Context, q connector.Query) (connector.Page, error)
	Get(ctx context.Context, k connector.Key) (connector.Record, error)
}

// Consents finds the consent behind a token.
type Consents interface {
	Get(id string) (*consent.Consent, bool)
	Each(fn func(*consent.Consent) bool)
}

// Config is what a server needs.
type Config struct {
	Source   Source
	Consents Consents
	Seams    *fault.Seams
	// Preparing, when set, may say that the list of resources of a fresh consent is not ready: the call
	// is then answered 202 without body, as the standard allows for five minutes.
	Preparing func(*consent.Consent) bool
}

// Server answers data reads. It is safe for concurrent use and keeps nothing between calls.
type Server struct {
	cfg   Config
	plans map[*spec.Operation]*plan
}

// New prepares the plan of every data read of the registry.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, plans: map[*spec.Operation]*plan{}}
	for _, o := range spec.Operations() {
		if o.Source != "" {
			s.plans[o] = prepare(o)
		}
	}
	return s
}

// Serves says whether the operation is a data read.
func (s *Server) Serves(o *spec.Operation) bool { return s.plans[o] != nil }

// read is one call on its way.
type read struct {
	*call.Call
	server  *Server
	plan    *plan
	consent *consent.Consent
	owner   string
	top     string // the resource called, "" for lists of resources
	lookup  fault.Lookup
	dates   dates
	page    call.Page
	foreign error // what is known of a resource outside the consent
	status  string
}

// Handle answers one data read.
func (s *Server) Handle(ctx context.Context, c *call.Call) (*call.Answer, error) {
	p := s.plans[c.Operation]
	if p == nil {
		return nil, errors.New("resource: " + c.Operation.ID + " is not a data read")
	}
	r := &read{Call: c, server: s, plan: p}
	if found, ok := s.cfg.Consents.Get(c.Token.ConsentID); ok && found.Kind == consent.Data {
		r.consent, r.owner = found, found.Owner
	}
	if p.top != "" {
		r.top = c.Params[p.top]
	}
	r.ask()
	if err := accessRules.Check(ctx, s.cfg.Seams, r); err != nil {
		return nil, err
	}
	if r.consent == nil {
		return nil, noPermission // only reached without the rule that says so
	}
	if err := r.belongs(ctx); err != nil {
		return nil, err
	}
	if err := queryRules.Check(ctx, s.cfg.Seams, r); err != nil {
		return nil, err
	}
	if p.op.Shape != spec.One {
		var err error
		if r.page, err = c.Paging(ctx, s.cfg.Seams); err != nil {
			return nil, err
		}
	}
	return p.answer(ctx, r)
}

// ask forms the question for the core and lets it pass the seam.
func (r *read) ask() {
	r.dates = r.plan.dates(r.Call)
	r.lookup = fault.Lookup{Source: r.plan.op.Source, From: r.dates.from, To: r.dates.to}
	if r.plan.nested {
		r.lookup.Parent = r.Params[r.plan.op.Param()]
	} else if r.top != "" {
		r.lookup.ID = r.Params[r.plan.op.Param()]
	}
	if r.consent == nil {
		return
	}
	r.lookup.Customer = r.owner
	if r.plan.chosen {
		if r.lookup.Consented = r.consent.Resources; r.lookup.Consented == nil {
			r.lookup.Consented = []string{}
		}
	}
	if !r.server.cfg.Seams.Bends() {
		return
	}
	r.server.cfg.Seams.Lookup(&r.lookup)
	if r.lookup.AnyCustomer {
		r.server.cfg.Consents.Each(func(c *consent.Consent) bool {
			if slices.Contains(c.Resources, r.top) && c.Owner != "" {
				r.lookup.Customer = c.Owner
				return false
			}
			return true
		})
	}
}

// belongs applies the rule that a resource lies in the consent. Only when it does not is the core asked
// whether the customer has it at all: what the customer has is forbidden, what nobody has is unknown.
func (r *read) belongs(ctx context.Context) error {
	if r.top == "" || r.lookup.Consented == nil || slices.Contains(r.lookup.Consented, r.top) {
		return nil
	}
	r.foreign = call.Refuse(http.StatusForbidden, "RECURSO_NAO_CONSENTIDO", "Recurso não consentido", "O recurso não faz parte do consentimento")
	_, err := r.server.cfg.Source.Get(ctx, connector.Key{Source: "resources", Customer: r.lookup.Customer, ID: r.top})
	if errors.Is(err, connector.ErrUnknown) {
		r.foreign = notFound
	} else if err != nil {
		return err
	}
	return resourceRules.Check(ctx, r.server.cfg.Seams, r)
}

var (
	notFound     = call.Refuse(http.StatusNotFound, "NAO_ENCONTRADO", "Recurso não encontrado", "O recurso solicitado não existe")
	noPermission = call.Refuse(http.StatusForbidden, "PERMISSAO_INSUFICIENTE", "Permissão insuficiente", "O consentimento não contém a permissão necessária")
)

var accessRules = rule.NewSet("data access",
	rule.Rule[*read]{ID: "RS-TOK-02/permission", Text: "A data read needs a permission of the consent that opens it.", Weight: fault.Critical,
		Check: func(_ context.Context, r *read) error {
			if r.consent == nil || !slices.ContainsFunc(r.plan.op.Permissions, func(p string) bool { return slices.Contains(r.consent.Permissions, p) }) {
				return noPermission
			}
			return nil
		}},
)

var resourceRules = rule.NewSet("data resource",
	rule.Rule[*read]{ID: "RS-DATA-01/consented", Text: "A resource is read only when the customer chose it for the consent.", Weight: fault.Critical,
		Check: func(_ context.Context, r *read) error { return r.foreign }},
)

var statusRules = rule.NewSet("data resource status",
	rule.Rule[*read]{ID: "RS-DATA-02/available", Text: "A resource is read only while it is available; the refusal names its state.", Weight: fault.Critical,
		Check: func(_ context.Context, r *read) error {
			if r.status == "" || r.status == available {
				return nil
			}
			return call.Refuse(http.StatusForbidden, "STATUS_RESOURCE_"+r.status, "Recurso indisponível",
				"O estado do recurso não permite a consulta: "+strings.ToLower(r.status))
		}},
)

// Rules lists the sentences this package keeps.
func Rules() []rule.Info {
	return slices.Concat(accessRules.Rules(), resourceRules.Rules(), statusRules.Rules(), queryRules.Rules())
}

// brasilia is the zone of plain dates; Brazil has kept UTC-3 without summer time since 2019.
var brasilia = time.FixedZone("BRT", -3*60*60)
