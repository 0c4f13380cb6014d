package as

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/ensaio/ensaio/platform/as/screen"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/rule"
)

const (
	// sessionLife outlasts every consent's wait, so that who comes too late is told so.
	sessionLife = 24 * time.Hour
	// maxTries is how many logins may fail for one request, however many pages it is opened in.
	maxTries   = 5
	cookieName = "__Host-ensaio"
)

// session is one customer's way through the pages. Its lock is held while a form is worked on.
type session struct {
	mu       sync.Mutex
	id, csrf string
	browser  string // value of the cookie the pages were given with
	request  *request

	// After the login.
	customer *connector.Customer
	identity identity
	company  *connector.Company // acted for, or nil
	choices  choices
	over     bool
}

// person is who signed in, held against whom the consent names.
type person struct {
	consent  *consent.Consent
	customer *connector.Customer
	company  *connector.Company
}

var errDenied = &Error{http.StatusForbidden, "access_denied", "the customer is not the one the consent names"}

var customerRules = rule.NewSet("customer",
	row("AS-AUTHN-02/same-person", fault.Critical, "Who signs in is the person the consent names.", errDenied,
		func(p *person) bool { return p.customer.CPF == p.consent.CPF }),
	row("AS-AUTHN-03/no-company", fault.Critical, "A consent without company is not given for a company.", errDenied,
		func(p *person) bool { return p.consent.CNPJ != "" || p.company == nil }),
	row("AS-AUTHN-04/same-company", fault.Critical, "A consent of a company is given for that company, by somebody who may act for it.", errDenied,
		func(p *person) bool {
			return p.consent.CNPJ == "" || (p.company != nil && p.company.CNPJ == p.consent.CNPJ)
		}),
)

// begin opens a session and shows the login.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, q *request) {
	now := s.clock.Now()
	at := &session{id: secret(), csrf: secret(), browser: secret(), request: q}
	if c, err := r.Cookie(cookieName); err == nil && len(c.Value) == len(at.browser) {
		at.browser = c.Value
	}
	s.sessions.put(at.id, at, now, now.Add(sessionLife))
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: at.browser, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	s.showLogin(w, r, at, http.StatusOK, screen.LoginView{})
}

// interact works on a form of a session.
func (s *Server) interact(w http.ResponseWriter, r *http.Request) {
	at, ok := s.sessions.get(r.PathValue("session"), s.clock.Now())
	if !ok {
		s.page(w, r, http.StatusBadRequest, "expired", "")
		return
	}
	at.mu.Lock()
	defer at.mu.Unlock()
	if c, err := r.Cookie(cookieName); at.over || s.isComplete(at.request) || err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(at.browser)) != 1 {
		s.page(w, r, http.StatusBadRequest, "expired", "")
		return
	}
	if r.Method == http.MethodGet {
		s.resume(w, r, at)
		return
	}
	form, err := readForm(w, r)
	if r.Method != http.MethodPost || err != nil || subtle.ConstantTimeCompare([]byte(form.Get("csrf")), []byte(at.csrf)) != 1 {
		s.page(w, r, http.StatusBadRequest, "invalid-request", "")
		return
	}
	journal.Note(r.Context(), journal.Fact{Client: at.request.client.ID, Consent: at.request.consentID})
	c, known := s.cfg.Consents.Get(at.request.consentID)
	switch {
	case !known || c.Status != consent.Awaiting: // AS-AUTHN-06: too late, or decided elsewhere
		s.end(w, r, at, map[string]any{"error": "access_denied", "error_description": "the consent can no longer be authorised"})
	case at.customer == nil:
		s.login(w, r, at, c, form)
	default:
		s.decide(w, r, at, c, form)
	}
}

// resume shows again where the customer stood.
func (s *Server) resume(w http.ResponseWriter, r *http.Request, at *session) {
	c, known := s.cfg.Consents.Get(at.request.consentID)
	if at.customer == nil || !known {
		s.showLogin(w, r, at, http.StatusOK, screen.LoginView{})
		return
	}
	s.showConsent(w, r, at, c, http.StatusOK)
}

// login works on the login form.
func (s *Server) login(w http.ResponseWriter, r *http.Request, at *session, c *consent.Consent, form url.Values) {
	ctx := r.Context()
	if form.Get("action") == "cancel" {
		s.decline(w, r, at, c, cancelledAtLogin)
		return
	}
	username := form.Get("username")
	customer, err := s.cfg.Source.Authenticate(ctx, username, form.Get("password"))
	switch {
	case errors.Is(err, connector.ErrCredentials):
		if !s.mayTryAgain(at.request) {
			s.end(w, r, at, map[string]any{"error": "access_denied", "error_description": "the customer could not be authenticated"})
			return
		}
		s.showLogin(w, r, at, http.StatusUnauthorized, screen.LoginView{Username: username, Failure: "Usuário ou senha incorretos."})
		return
	case err != nil:
		s.log.Error("authentication failed", "error", err)
		s.showLogin(w, r, at, http.StatusServiceUnavailable, screen.LoginView{Username: username, Failure: "Não foi possível entrar agora. Tente novamente em instantes."})
		return
	}
	at.identity = identity{subject: s.subjectOf(customer.Key), acr: loa2, at: s.clock.Now()}
	if customer.Factors >= 2 {
		at.identity.acr = loa3
	}
	s.authenticated(r, at.request)
	at.company = nil
	for i := range customer.Companies {
		if c.CNPJ != "" && customer.Companies[i].CNPJ == c.CNPJ {
			at.company = &customer.Companies[i]
		}
	}
	if err := customerRules.Check(ctx, s.seams, &person{c, &customer, at.company}); err != nil {
		s.decline(w, r, at, c, otherCustomer)
		return
	}
	at.customer = &customer
	if at.choices, err = s.chooseFrom(ctx, at, c); err != nil {
		s.log.Error("accounts of the customer", "error", err)
		s.decline(w, r, at, c, coreFailed)
		return
	}
	at.csrf = secret()
	step := s.seams.Transition(fault.Transition{Machine: "authorization", ID: c.ID, Event: "sign-in", From: "signing-in", To: "deciding", Allowed: true})
	if step.To == "approved" {
		s.approve(w, r, at, c, at.choices.all())
		return
	}
	s.showConsent(w, r, at, c, http.StatusOK)
}

// mayTryAgain counts a failed login.
func (s *Server) mayTryAgain(q *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	q.tries++
	return q.tries < maxTries
}

// isComplete says whether the customer was sent back from another page of the request (AS-PAR-08).
func (s *Server) isComplete(q *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !q.completed {
		return false
	}
	step := fault.Transition{Machine: "request_uri", ID: hashed(q.uri)[:16], Event: "continue", From: "used", To: "used"}
	return !s.seams.Transition(step).Allowed
}

// end closes the session and sends the customer back.
func (s *Server) end(w http.ResponseWriter, r *http.Request, at *session, answer map[string]any) {
	at.over = true
	s.complete(w, r, at.request, answer)
}
