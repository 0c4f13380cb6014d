package quarter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// met is one call of the traffic as the caller met it. Status 0 found nobody.
type met struct {
	availability.Call
	name  string // registry id, or "token"
	class spec.Class
}

// traffic is who asks every operation some times a day.
type traffic interface {
	round(ctx context.Context) []met
	flush(ctx context.Context) error // lets the caller's reports leave
	endpoints() map[string]bool      // what is asked, and whether the caller reports it
	bank() string                    // organisation
	base() string                    // address of the bank's APIs
	remarks() []string
	close()
}

// caller is the third party whose calls are the traffic. Each round it asks every operation once, with tokens
// renewed over the wire as they end on the stepped clock, and reports each call as any client does.
type caller struct {
	stage   *stage
	client  *tpp.Client
	courier *tpp.Courier // to the third party's office; nil where it is elsewhere
	server  *tpp.Server
	entry   *target.Client
	grants  []*tpp.Grant
	asks    []ask
	atOnce  int
	idle    []string // operations that are not asked, with the reason

	mu   sync.Mutex
	seen []*tpp.Exchange
}

// ask is one call that every round makes.
type ask struct {
	op    *spec.Operation
	grant *tpp.Grant        // nil: the client's own token, or none
	path  map[string]string // parameters
	body  func() map[string]any
}

// skipped operations change what the others read, or cannot be asked again and again.
var skipped = map[string]string{
	"consents.delete":         "ends what is read",
	"consents.extend":         "lengthens what is read",
	"payments.create":         "needs a customer at the bank's pages",
	"payments.consent-create": "is a signed order",
	"payments.cancel":         "needs a scheduled payment",
	"payments.consent-cancel": "needs a schedule",
	"common.status":           "it is what the probes ask",
}

func newCaller(ctx context.Context, s *stage, p *Plan) (*caller, error) {
	c := &caller{stage: s, atOnce: p.Traffic.AtOnce}
	for _, entry := range s.target.Registered() {
		if entry.Has("DADOS") && (c.entry == nil || entry.Has("PAGTO") && !c.entry.Has("PAGTO")) {
			c.entry = entry
		}
	}
	if c.entry == nil {
		return nil, errors.New("the target file declares no registered client with the role DADOS")
	}
	cfg, err := s.target.Configure(c.entry, s.clock)
	if err != nil {
		return nil, err
	}
	cfg.Record = c.record
	if c.courier = s.target.Courier(); c.courier != nil {
		cfg.Consents = c.courier
	}
	if c.client, err = tpp.New(cfg); err != nil {
		return nil, fmt.Errorf("client %s: %w", c.entry.Name, err)
	}
	if err := c.prepare(ctx, p); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *caller) close() {
	c.client.Close()
	if c.courier != nil {
		c.courier.Close()
	}
}

func (c *caller) prepare(ctx context.Context, p *Plan) error {
	bank := c.stage.target.Bank
	at := tpp.Institution{OrganisationID: bank.OrganisationID, Discovery: bank.Discovery, ResourceBase: bank.ResourceBase}
	var err error
	if at.ResourceBase == "" || at.OrganisationID == "" {
		if at, err = c.client.FindInstitution(ctx, bank.AuthorisationServerID); err != nil {
			return err
		}
	}
	if c.server, err = c.client.Discover(ctx, at, c.entry.ClientID); err != nil {
		return err
	}
	for _, op := range spec.Operations() {
		if !wants(p.Traffic.Operations, op.ID) || !c.offered(op) {
			continue
		}
		if why := skipped[op.ID]; why != "" {
			if op.ID != "common.status" {
				c.idle = append(c.idle, op.ID+" "+why)
			}
			continue
		}
		if err := c.arrange(ctx, op); err != nil {
			return fmt.Errorf("prepare %s: %w", op.ID, err)
		}
	}
	if len(c.asks) == 0 {
		return errors.New("nothing that the plan's traffic names can be asked of the target")
	}
	return nil
}

func (c *caller) offered(op *spec.Operation) bool {
	_, declared := c.stage.target.APIs[op.API.Name]
	return declared || len(c.stage.target.APIs) == 0
}

// arrange finds out how an operation can be asked.
func (c *caller) arrange(ctx context.Context, op *spec.Operation) error {
	switch {
	case op.Grant == spec.Public && op.Param() == "":
		c.asks = append(c.asks, ask{op: op})
	case op.Grant == spec.AuthorizationCode && op.Method == http.MethodGet:
		return c.read(ctx, op)
	case op.ID == "consents.create":
		g, err := c.sharing(ctx, false)
		if err != nil {
			return err
		}
		c.asks = append(c.asks, ask{op: op, body: func() map[string]any {
			until := c.stage.clock.Now().AddDate(0, 6, 0)
			return tpp.ConsentBody(g.Consent.Permissions, g.Consent.Person, &until)
		}})
	case op.API.Name == "consents" && op.Method == http.MethodGet && op.Param() == "consentId":
		g, err := c.sharing(ctx, false)
		if err != nil {
			return err
		}
		c.asks = append(c.asks, ask{op: op, path: map[string]string{"consentId": g.Consent.ID}})
	case op.API.Name == "payments" && op.Method == http.MethodGet:
		return c.paid(ctx, op)
	default:
		c.idle = append(c.idle, op.ID+" cannot be asked again and again")
	}
	return nil
}

// read arranges a data read with the grant of a person, or of a company where only that opens it.
func (c *caller) read(ctx context.Context, op *spec.Operation) error {
	for _, company := range []bool{false, true} {
		if !opens(permissions(company, c.offers), op) {
			continue
		}
		g, err := c.sharing(ctx, company)
		if err != nil {
			return err
		}
		if !opens(g.Consent.Permissions, op) {
			continue
		}
		path, err := c.params(ctx, g, op)
		if err != nil {
			return err
		}
		if path != nil {
			c.asks = append(c.asks, ask{op: op, grant: g, path: path})
			return nil
		}
	}
	c.idle = append(c.idle, op.ID+" has no customer with one")
	return nil
}

func opens(permissions []string, op *spec.Operation) bool {
	return slices.ContainsFunc(op.Permissions, func(p string) bool { return slices.Contains(permissions, p) })
}

func (c *caller) offers(api string) bool {
	return slices.ContainsFunc(spec.APIs(), func(a *spec.API) bool { return a.Name == api && c.offered(a.Operations[0]) })
}

// permissions are all that a customer of the kind can give, whole groups only.
func permissions(company bool, offers func(string) bool) []string {
	var out []string
	for _, g := range spec.Groups() {
		if g.Person == spec.Company && !company || g.Person == spec.Natural && company || !slices.ContainsFunc(g.APIs, offers) {
			continue
		}
		for _, p := range g.Permissions {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return append(out, spec.ResourcesRead)
}

// sharing is the grant of a person, or of a company, made when it is first wanted.
func (c *caller) sharing(ctx context.Context, company bool) (*tpp.Grant, error) {
	for _, g := range c.grants {
		if (g.Consent.Person.CNPJ != "") == company {
			return g, nil
		}
	}
	t := c.stage.target
	var last error
	for i := range t.People {
		who := &t.People[i]
		if who.Login == "human" || (t.Text(who.CNPJ) != "") != company || !company && !who.Is("ordinary") || who.Is("company-several") {
			continue
		}
		g, err := c.client.Share(ctx, c.server, permissions(company, c.offers), tpp.Person{CPF: t.Text(who.CPF), CNPJ: t.Text(who.CNPJ)}, c.robot(who))
		if err == nil {
			c.grants = append(c.grants, g)
			return g, nil
		}
		last = err
	}
	if last == nil {
		last = errors.New("the target file declares no such customer who can log in by a robot")
	}
	return nil, fmt.Errorf("consent of a %s: %w", map[bool]string{false: "person", true: "company"}[company], last)
}

func (c *caller) robot(who *target.Person) *psu.Robot {
	cfg, t := c.client.Config(), c.stage.target
	return &psu.Robot{Network: psu.Network{CA: cfg.CA, Hosts: t.Hosts, Clock: c.stage.clock},
		Username: t.Text(who.Username), Password: t.Text(who.Password), Back: c.entry.RedirectURIs}
}

// params finds values for the path by reading the list it hangs on; nil when there is none.
func (c *caller) params(ctx context.Context, g *tpp.Grant, op *spec.Operation) (map[string]string, error) {
	name := op.Param()
	if name == "" {
		return map[string]string{}, nil
	}
	above, _, _ := strings.Cut(op.Path, "/{"+name+"}")
	for _, list := range op.API.Operations {
		if list.Method != http.MethodGet || list.Path != above || !opens(g.Consent.Permissions, list) {
			continue
		}
		outer, err := c.params(ctx, g, list)
		if err != nil || outer == nil {
			return nil, err
		}
		e, err := c.client.Read(ctx, g, list, outer, nil)
		if err != nil {
			return nil, err
		}
		items, _ := e.Field("data").([]any)
		for _, item := range items {
			record, _ := item.(map[string]any)
			if id, _ := record[name].(string); id != "" {
				outer[name] = id
				return outer, nil
			}
		}
	}
	return nil, nil
}

// paid arranges the reads of one payment, made now.
func (c *caller) paid(ctx context.Context, op *spec.Operation) error {
	for _, a := range c.asks {
		if a.op.API.Name == "payments" {
			c.asks = append(c.asks, ask{op: op, path: a.path})
			return nil
		}
	}
	t := c.stage.target
	payee, ok := t.PayeeWith("")
	if !c.entry.Has("PAGTO") || !ok {
		c.idle = append(c.idle, op.ID+" needs a payee in the target file, and a client that may pay")
		return nil
	}
	var last error
	for i := range t.People {
		who := &t.People[i]
		if who.Login == "human" || !who.Is("ordinary") || t.Text(who.CNPJ) != "" {
			continue
		}
		done, err := c.client.Pay(ctx, c.server, tpp.Order{Payer: tpp.Person{CPF: t.Text(who.CPF)}, Amount: "0.01", Instrument: "MANU",
			Creditor: tpp.Creditor{Name: payee.Name, Document: payee.Document,
				Account: tpp.Account{ISPB: payee.Account.ISPB, Issuer: payee.Account.Issuer, Number: payee.Account.Number, Type: payee.Account.Type}}}, c.robot(who))
		if err == nil {
			c.asks = append(c.asks, ask{op: op, path: map[string]string{"paymentId": done.IDs[0], "consentId": done.Consent.ID}})
			return nil
		}
		last = err
	}
	return last
}

func (c *caller) bank() string { return c.server.OrganisationID }

func (c *caller) base() string { return c.server.ResourceBase }

func (c *caller) flush(ctx context.Context) error { return c.client.FlushReports(ctx) }

func (c *caller) remarks() []string {
	if len(c.idle) == 0 {
		return nil
	}
	return []string{"not part of the traffic: " + strings.Join(c.idle, "; ")}
}

func (c *caller) endpoints() map[string]bool {
	out := map[string]bool{}
	for _, a := range c.asks {
		out[a.op.FullPath()] = a.op.Grant != spec.Public // what is open to all is the institution's alone to report
	}
	return out
}
