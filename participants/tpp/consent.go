package tpp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Person is who a consent is about: a CPF, and a CNPJ when they act for a company.
type Person struct{ CPF, CNPJ string }

// Consent is a consent as the client knows it.
type Consent struct {
	ID          string
	Server      *Server
	Person      Person
	Scopes      []string // static scopes that belong to it
	Permissions []string
	Status      string
	Expires     *time.Time
	Body        map[string]any // of the request: {"data": …}
	Exchange    *Exchange      // that created it
}

// ConsentBody builds the body of a data consent. expires nil is without end.
func ConsentBody(permissions []string, who Person, expires *time.Time) map[string]any {
	data := map[string]any{"permissions": permissions}
	who.into(data)
	if expires != nil {
		data["expirationDateTime"] = stamp(*expires)
	}
	return map[string]any{"data": data}
}

func (p Person) into(data map[string]any) {
	data["loggedUser"] = document(p.CPF, "CPF")
	if p.CNPJ != "" {
		data["businessEntity"] = document(p.CNPJ, "CNPJ")
	}
}

func document(id, rel string) map[string]any {
	return map[string]any{"document": map[string]any{"identification": id, "rel": rel}}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// CreateConsent creates a data consent of a year, unless an edit says otherwise.
func (c *Client) CreateConsent(ctx context.Context, s *Server, permissions []string, who Person, edits ...func(*APICall)) (*Consent, error) {
	expires := c.cfg.Clock.Now().AddDate(1, 0, 0).Add(-time.Hour)
	e, err := c.act(ctx, s, spec.Find("consents.create"), func(r *APICall) {
		r.Body(ConsentBody(permissions, who, &expires))
		for _, edit := range edits {
			edit(r)
		}
	})
	if err != nil {
		return nil, err
	}
	return c.consent(s, e, who)
}

// consent reads a consent out of the answer that created it.
func (c *Client) consent(s *Server, e *Exchange, who Person) (*Consent, error) {
	if err := e.want(http.StatusCreated); err != nil {
		return nil, err
	}
	k := &Consent{ID: e.Text("data.consentId"), Server: s, Person: who, Status: e.Text("data.status"), Exchange: e, Body: e.sent()}
	k.Permissions = texts(e.Field("data.permissions"))
	if t, err := time.Parse(time.RFC3339, e.Text("data.expirationDateTime")); err == nil {
		k.Expires = &t
	}
	if k.ID == "" {
		return nil, errors.New(e.Name + ": the answer names no consent")
	}
	k.Scopes = Scopes(k.Permissions)
	if e.Operation.API.Signed {
		k.Scopes = []string{e.Operation.Scope}
	}
	return k, nil
}

// Scopes are the static scopes that open what a list of permissions allows.
func Scopes(permissions []string) []string {
	var scopes []string
	for _, op := range spec.Operations() {
		if op.Grant == spec.AuthorizationCode && op.Scope != "" && op.Scope != "openid" && !slices.Contains(scopes, op.Scope) &&
			slices.ContainsFunc(op.Permissions, func(p string) bool { return slices.Contains(permissions, p) }) {
			scopes = append(scopes, op.Scope)
		}
	}
	return scopes
}

// ReadConsent reads a data or payment consent.
func (c *Client) ReadConsent(ctx context.Context, k *Consent) (*Exchange, error) {
	e, err := c.act(ctx, k.Server, k.operation("consents.read", "payments.consent-read"), func(r *APICall) { r.Param("consentId", k.ID) })
	if err != nil {
		return e, err
	}
	if err := e.want(http.StatusOK); err != nil {
		return e, err
	}
	k.Status = e.Text("data.status")
	return e, nil
}

// DeleteConsent revokes or rejects a data consent, and stops using what came of it (TPP-CONS-01).
func (c *Client) DeleteConsent(ctx context.Context, k *Consent) (*Exchange, error) {
	e, err := c.act(ctx, k.Server, spec.Find("consents.delete"), func(r *APICall) { r.Param("consentId", k.ID) })
	if err != nil {
		return e, err
	}
	return e, e.want(http.StatusNoContent)
}

// ExtendConsent renews a data consent with the grant that came of it. until nil is without end.
func (c *Client) ExtendConsent(ctx context.Context, g *Grant, until *time.Time) (*Exchange, error) {
	data := map[string]any{}
	g.Consent.Person.into(data)
	if until != nil {
		data["expirationDateTime"] = stamp(*until)
	}
	e := c.API(g.Server, spec.Find("consents.extend")).With(g).Param("consentId", g.Consent.ID).Body(map[string]any{"data": data}).Send(ctx)
	if err := c.CheckAnswer(ctx, g.Server, e); err != nil {
		return e, err
	}
	return e, e.want(http.StatusCreated)
}

// Extensions lists the renewals of a data consent.
func (c *Client) Extensions(ctx context.Context, k *Consent) (*Exchange, error) {
	e, err := c.act(ctx, k.Server, spec.Find("consents.extensions"), func(r *APICall) { r.Param("consentId", k.ID) })
	if err != nil {
		return e, err
	}
	return e, e.want(http.StatusOK)
}

func (k *Consent) operation(data, payment string) *spec.Operation {
	if k.Exchange != nil && k.Exchange.Operation != nil && k.Exchange.Operation.API.Signed {
		return spec.Find(payment)
	}
	return spec.Find(data)
}

// act makes a call with a client-credentials token of the operation's scope, once more with a new token
// when the institution refuses it, and judges the answer.
func (c *Client) act(ctx context.Context, s *Server, op *spec.Operation, edit func(*APICall)) (*Exchange, error) {
	for again := true; ; again = false {
		g, err := c.ClientCredentials(ctx, s, op.Scope)
		if err != nil {
			return nil, err
		}
		r := c.API(s, op).Token(g.AccessToken())
		edit(r)
		e := r.Send(ctx)
		if e.Err == nil && e.Status == http.StatusUnauthorized && again {
			c.forget(g)
			continue
		}
		return e, c.CheckAnswer(ctx, s, e)
	}
}

// Act makes a call of a client-credentials operation and judges its answer; any status is an answer.
func (c *Client) Act(ctx context.Context, s *Server, op *spec.Operation, edit func(*APICall)) (*Exchange, error) {
	return c.act(ctx, s, op, edit)
}

// Authorise takes a consent through the whole redirect journey: pushed request, customer, checked
// answer, code. Edits bend the pushed request before it leaves.
func (c *Client) Authorise(ctx context.Context, k *Consent, who Customer, edits ...func(*Push)) (*Grant, error) {
	p := c.PushedRequest(k.Server, k)
	for _, edit := range edits {
		edit(p)
	}
	e := p.Send(ctx)
	if err := e.want(http.StatusCreated); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(p.RequestURI, "urn:") {
		return nil, &Failure{e}
	}
	a, err := p.Visit(ctx, who)
	if err != nil {
		return nil, err
	}
	front, err := p.Check(ctx, a)
	if err != nil {
		return nil, err
	}
	return c.Redeem(ctx, p, a.Code, front)
}

// Share creates a data consent and takes it through the journey.
func (c *Client) Share(ctx context.Context, s *Server, permissions []string, who Person, customer Customer) (*Grant, error) {
	k, err := c.CreateConsent(ctx, s, permissions, who)
	if err != nil {
		return nil, err
	}
	return c.Authorise(ctx, k, customer)
}

// Resources lists the resources of a consent, polling ever more slowly while the institution answers 202
// because it still prepares them (at most the five minutes that the standard allows).
func (c *Client) Resources(ctx context.Context, g *Grant) ([]map[string]any, error) {
	end := c.cfg.Clock.Now().Add(5 * time.Minute)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		records, pages, err := c.ReadAll(ctx, g, spec.Find("resources.list"), nil, nil)
		last := pages[len(pages)-1]
		if err == nil || last == nil || last.Status != http.StatusAccepted || c.cfg.Clock.Now().After(end) {
			return records, err
		}
		if err := c.cfg.Clock.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// Accounts lists the accounts of a consent.
func (c *Client) Accounts(ctx context.Context, g *Grant) ([]map[string]any, error) {
	records, _, err := c.ReadAll(ctx, g, spec.Find("accounts.list"), nil, url.Values{})
	return records, err
}
