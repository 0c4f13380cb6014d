package as

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/rule"
)

// asking is an arrival at the authorization endpoint.
type asking struct {
	client *registration // of client_id, or nil
	query  url.Values
	pushed *request // of request_uri, or nil
}

func (a *asking) has(name string) bool { return a.query.Get(name) != "" }

var authorizeRules = rule.NewSet("authorization request",
	row("AS-PAR-01/pushed", fault.Critical, "An authorization request was pushed before.", invalidRequest("the request was not pushed"),
		func(a *asking) bool { return a.has("request_uri") || a.has("request") }),
	row("AS-PAR-01/not-by-value", fault.Major, "A request object is not accepted by value.", invalidRequest("a request object by value is not accepted"),
		func(a *asking) bool { return a.has("request_uri") || !a.has("request") }),
	row("AS-PAR-07/own-request", fault.Critical, "A request_uri is used by the client that pushed it.", invalidRequest("request_uri belongs to another client"),
		func(a *asking) bool { return a.pushed == nil || (a.client != nil && a.client.ID == a.pushed.client.ID) }),
)

// redirectRules decide whether an error may leave for an address.
var redirectRules = rule.NewSet("redirect of an error",
	row("AS-RESP-02/registered", fault.Critical, "An error is sent only to a redirect URI that the client registered.", invalidRequest("redirect_uri is not registered"),
		func(a *asking) bool {
			return a.client != nil && slices.Contains(a.client.RedirectURIs, a.query.Get("redirect_uri"))
		}),
)

// authorize begins the customer's part (AS-PAR-07 to AS-PAR-09, AS-AUTHN). Opening the page uses
// nothing up: a browser that loads it twice loses nothing.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		s.page(w, r, http.StatusMethodNotAllowed, "invalid-request", "")
		return
	}
	query := r.URL.Query()
	if r.Method == http.MethodPost {
		form, err := readForm(w, r)
		if err != nil {
			s.page(w, r, http.StatusBadRequest, "invalid-request", "")
			return
		}
		query = form
	}
	a := &asking{query: query, client: s.clients.get(query.Get("client_id"))}
	now := s.clock.Now()
	a.pushed, _ = s.pushed.get(query.Get("request_uri"), now)
	journal.Note(r.Context(), a.fact())
	if err := authorizeRules.Check(r.Context(), s.seams, a); err != nil {
		journal.Note(r.Context(), journal.Fact{Rule: breached(err)})
		s.turnAway(w, r, a, refusal(err))
		return
	}
	q := a.pushed
	if !a.has("request_uri") {
		var err error
		if q, err = s.unpushed(r, a); err != nil {
			journal.Note(r.Context(), journal.Fact{Rule: breached(err)})
			s.turnAway(w, r, a, refusal(err))
			return
		}
	}
	if q == nil || !s.opens(q) {
		s.page(w, r, http.StatusBadRequest, "expired", "invalid_request_uri")
		return
	}
	c, known := s.cfg.Consents.Get(q.consentID)
	if !known {
		s.page(w, r, http.StatusBadRequest, "invalid-request", "")
		return
	}
	s.arrived(r, q)
	if c.Status == consent.Rejected { // too late: there is nothing to sign in for
		s.complete(w, r, q, map[string]any{"error": "access_denied", "error_description": "the consent can no longer be authorised"})
		return
	}
	s.begin(w, r, q)
}

// fact is what is known of an arrival before it is judged.
func (a *asking) fact() (f journal.Fact) {
	if a.client != nil {
		f.Client = a.client.ID
	}
	if a.pushed != nil {
		f.Consent = a.pushed.consentID
	}
	return f
}

// unpushed makes a request of what the browser brought, where that is let pass.
func (s *Server) unpushed(r *http.Request, a *asking) (*request, error) {
	if a.client == nil {
		return nil, invalidRequest("no such client")
	}
	p := &pushing{server: s, client: a.client, form: a.query, compact: a.query.Get("request"), now: s.clock.Now()}
	return p.judge(r.Context())
}

// opens says whether a pushed request may still be opened: its one completion has not come (AS-PAR-08).
func (s *Server) opens(q *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	step := fault.Transition{Machine: "request_uri", ID: hashed(q.uri)[:16], Event: "open", From: "pushed", To: "pushed", Allowed: !q.used}
	if q.used {
		step.From = "used"
	}
	step = s.seams.Transition(step)
	q.used = q.used || (step.Allowed && step.To == "used")
	q.completed = q.completed && !step.Allowed // a request that is let begin anew is let end anew
	q.opened++
	return step.Allowed && q.opened <= maxOpened
}

// turnAway answers an arrival that cannot go on: on a page of ours, unless the client registered where to
// send it (AS-RESP-02).
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, a *asking, e *Error) {
	if a.has("request_uri") || !a.has("redirect_uri") || redirectRules.Check(r.Context(), s.seams, a) != nil {
		s.page(w, r, http.StatusBadRequest, "invalid-request", e.Code)
		return
	}
	s.depart(w, r, &request{redirect: a.query.Get("redirect_uri"), state: a.query.Get("state")}, map[string]any{"error": e.Code, "error_description": e.Detail})
}

// complete ends a request: its request_uri is used up, and the customer goes back with the answer.
func (s *Server) complete(w http.ResponseWriter, r *http.Request, q *request, answer map[string]any) {
	s.mu.Lock()
	step := s.seams.Transition(fault.Transition{Machine: "request_uri", ID: hashed(q.uri)[:16], Event: "complete", From: "pushed", To: "used", Allowed: true})
	if step.Allowed && step.To == "used" {
		q.used, q.completed = true, true
	}
	s.mu.Unlock()
	s.departed(r, q, answer["error"] == nil)
	s.depart(w, r, q, answer)
}

// depart sends the customer back with an answer in the fragment (AS-RESP-01).
func (s *Server) depart(w http.ResponseWriter, r *http.Request, q *request, answer map[string]any) {
	if q.state != "" {
		answer["state"] = q.state
	}
	mark := "#"
	if q.mode == "query" {
		mark = "?"
	}
	if s.seams.Bends() {
		c := &fault.Claims{Kind: "authorization", At: "authorize", Header: map[string]any{"response_mode": "fragment"}, Body: answer}
		s.seams.Claims(c)
		if c.Header["response_mode"] == "query" {
			mark = "?"
		}
	}
	values := url.Values{}
	for k, v := range answer {
		if text, ok := v.(string); ok {
			values.Set(k, text)
		}
	}
	s.send(w, r, "authorize", http.StatusSeeOther, http.Header{"Location": {q.redirect + mark + values.Encode()}, "Referrer-Policy": {"no-referrer"}}, nil)
}
