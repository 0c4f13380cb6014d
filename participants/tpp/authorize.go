package tpp

import (
	"context"
	"net/url"
	"slices"
)

// Authorize is the address a customer is sent to. It needs client_id and request_uri alone (AS-PAR-09).
type Authorize struct {
	endpoint string
	params   url.Values
}

// Authorize builds the address for a pushed request.
func (p *Push) Authorize() *Authorize {
	return &Authorize{p.server.Authorization, url.Values{"client_id": {p.server.ClientID}, "request_uri": {p.RequestURI}}}
}

// AuthorizeWith builds an address of any parameters, for what should be refused.
func (c *Client) AuthorizeWith(s *Server, params url.Values) *Authorize {
	return &Authorize{s.Authorization, params}
}

// Set puts a parameter in place of any it had.
func (a *Authorize) Set(name, value string) *Authorize { a.params.Set(name, value); return a }

// Add adds a further value of a parameter.
func (a *Authorize) Add(name, value string) *Authorize { a.params.Add(name, value); return a }

// Without takes parameters out.
func (a *Authorize) Without(names ...string) *Authorize {
	for _, n := range names {
		a.params.Del(n)
	}
	return a
}

// URL is the address.
func (a *Authorize) URL() string { return a.endpoint + "?" + a.params.Encode() }

// Answer is an authorization response as it came back, before any judgement.
type Answer struct {
	Code, State, IDToken, Issuer string
	Error, Description           string
	InQuery                      bool       // parameters came in the query, where they must never be
	Params                       url.Values // of the fragment, or of the query when there was none
	Redirect                     *url.URL
}

// ReadAnswer takes a redirect apart and judges nothing.
func ReadAnswer(redirect *url.URL) *Answer {
	a := &Answer{Redirect: redirect, Params: url.Values{}}
	if redirect == nil {
		return a
	}
	raw := redirect.EscapedFragment()
	if raw == "" && redirect.RawQuery != "" {
		raw, a.InQuery = redirect.RawQuery, true
	}
	if v, err := url.ParseQuery(raw); err == nil {
		a.Params = v
	}
	a.Code, a.State, a.IDToken = a.Params.Get("code"), a.Params.Get("state"), a.Params.Get("id_token")
	a.Error, a.Description, a.Issuer = a.Params.Get("error"), a.Params.Get("error_description"), a.Params.Get("iss")
	return a
}

// Visit sends the customer off and reads what they bring back.
func (p *Push) Visit(ctx context.Context, who Customer) (*Answer, error) {
	return p.VisitAt(ctx, who, p.Authorize())
}

// VisitAt sends the customer to an address that may differ from the sound one, and reports both ends of
// the redirect to the metrics platform.
func (p *Push) VisitAt(ctx context.Context, who Customer, at *Authorize) (*Answer, error) {
	redirect, err := who.Visit(ctx, p.Depart(at))
	if err != nil {
		return nil, err
	}
	return p.Return(redirect), nil
}

// Depart reports that the customer leaves for the institution, and returns the address they go to. It is
// the first half of VisitAt, for a customer whose browser is their own.
func (p *Push) Depart(at *Authorize) string {
	p.client.out.redirect("client/redirect-to-server", p.consent, map[string]any{"uriAuthorizationEndpoint": p.server.Authorization})
	return at.URL()
}

// Return reads what the customer came back with and reports it: the second half of VisitAt.
func (p *Push) Return(redirect *url.URL) *Answer {
	a := ReadAnswer(redirect)
	switch {
	case a.Error != "":
		p.client.out.redirect("client/redirect-target-with-errors", p.consent, map[string]any{"error": a.Error})
	case a.Code != "":
		p.client.out.redirect("client/redirect-target-without-errors", p.consent, nil)
	}
	return a
}

// Denied is an authorization that ended with an error at the redirect URI.
type Denied struct{ Answer *Answer }

// Error tells the error code and its description.
func (d *Denied) Error() string {
	if d.Answer.Description != "" {
		return "authorization ended with " + d.Answer.Error + ": " + d.Answer.Description
	}
	return "authorization ended with " + d.Answer.Error
}

// Check judges an authorization response as a sound client must (TPP-07) and opens its id_token. An
// answer that carries an error gives [Denied].
func (p *Push) Check(ctx context.Context, a *Answer) (*IDToken, error) {
	l := &ledger{client: p.client, subject: "authorization response"}
	l.demand("TPP-07/fragment", !a.InQuery, "parameters came in the query")
	for _, name := range []string{"code", "id_token", "state", "error"} {
		l.demand("TPP-07/fragment", a.Redirect == nil || !a.Redirect.Query().Has(name), "%s came in the query", name)
	}
	if a.Redirect != nil {
		registered, err := url.Parse(p.RedirectURI)
		l.demand("TPP-07/fragment", err == nil && registered.Host == a.Redirect.Host && registered.Path == a.Redirect.Path, "came back to another address")
	}
	l.demand("TPP-07/fragment", !slices.ContainsFunc([]string{"access_token", "token_type"}, a.Params.Has), "an access token came in the front channel")
	l.demand("TPP-07/state", a.State == p.State && a.Params.Has("state") == (p.State != ""), "state is not the one sent")
	if l.err != nil {
		return nil, l.err
	}
	if a.Error != "" {
		return nil, &Denied{a}
	}
	if a.Code == "" || a.IDToken == "" {
		return nil, &Refusal{"TPP-07/fragment", "authorization response", "code or id_token is missing"}
	}
	return p.client.CheckIDToken(ctx, a.IDToken, Expected{Server: p.server, Nonce: p.Nonce, Code: a.Code, State: p.State, Front: true})
}
