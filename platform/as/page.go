package as

import (
	"bytes"
	"net/http"
	"net/url"
	"time"

	"github.com/ensaio/ensaio/platform/as/screen"
	"github.com/ensaio/ensaio/platform/consent"
)

// approverWait is how long the other approvers of a data consent have (MA-03).
const approverWait = 15 * 24 * time.Hour

func (s *Server) frame() screen.Page {
	return screen.Page{Brand: s.cfg.Org.Brand, Logo: s.cfg.Org.Logo, Defects: s.seams.Armed()}
}

func (s *Server) formOf(at *session) screen.Form {
	return screen.Form{Action: pathAuthorize + "/" + at.id, CSRF: at.csrf}
}

// html writes a page whole or not at all.
func (s *Server) html(w http.ResponseWriter, r *http.Request, status int, returnTo string, draw func(*bytes.Buffer) error) {
	var b bytes.Buffer
	if err := draw(&b); err != nil {
		s.log.Error("page not drawn", "error", err)
		http.Error(w, "erro interno", http.StatusInternalServerError)
		return
	}
	var origins []string
	if u, err := url.Parse(returnTo); err == nil && u.Host != "" {
		origins = append(origins, u.Scheme+"://"+u.Host)
	}
	s.send(w, r, "authorize", status, http.Header{
		"Content-Type":            {"text/html; charset=utf-8"},
		"Content-Security-Policy": {s.cfg.Screens.Policy(origins...)},
		"X-Frame-Options":         {"DENY"},
		"Referrer-Policy":         {"no-referrer"},
	}, b.Bytes())
}

func (s *Server) showLogin(w http.ResponseWriter, r *http.Request, at *session, status int, v screen.LoginView) {
	v.Page, v.Form, v.Requester = s.frame(), s.formOf(at), at.request.client.Name
	s.html(w, r, status, at.request.redirect, func(b *bytes.Buffer) error { return s.cfg.Screens.Login(b, v) })
}

// showConsent shows what is to be confirmed, to nobody but the customer whom the consent names (AU-04).
func (s *Server) showConsent(w http.ResponseWriter, r *http.Request, at *session, c *consent.Consent, status int) {
	now := s.clock.Now()
	var accounts []screen.Account
	for _, one := range at.choices {
		accounts = append(accounts, one.view)
	}
	var approval *screen.Approval
	if names := at.choices.approvers(); len(names) > 0 {
		approval = &screen.Approval{Approvers: names, Deadline: now.Add(approverWait)}
	}
	draw := func(b *bytes.Buffer) error {
		return s.cfg.Screens.Consent(b, screen.DataView{
			Page: s.frame(), Form: s.formOf(at), Customer: at.customer.Name, Receiver: at.request.client.Name, Institution: at.request.client.institution(),
			ConsentID: c.ID, Groups: screen.Groups(c.Permissions), Accounts: accounts, Companies: at.companies(c), Starts: now, Expires: c.Expires, Approval: approval,
		})
	}
	if c.Kind == consent.Payment {
		o, err := readOrder(c)
		if err != nil {
			s.log.Error("payment of the consent", "error", err)
			s.page(w, r, http.StatusInternalServerError, "error", "")
			return
		}
		when := o.schedule(now)
		if approval != nil {
			approval.Deadline = endOfDay(now)
			if when.words != "" {
				approval.Deadline = endOfDay(when.first.AddDate(0, 0, -1))
			}
		}
		payer := c.CPF
		if c.CNPJ != "" {
			payer = c.CNPJ
		}
		v := screen.PaymentView{
			Page: s.frame(), Form: s.formOf(at), Customer: at.customer.Name, Payer: payer, Initiator: at.request.client.Name, ConsentID: c.ID,
			Amount: o.Payment.Amount, Creditor: screen.Creditor{Name: o.Creditor.Name, Document: o.Creditor.Document, Key: o.Payment.Details.Proxy},
			Instrument: o.Payment.Details.Instrument, Date: when.first, Schedule: when.words, Until: when.last,
			Accounts: accounts, Companies: at.companies(c), Approval: approval,
		}
		draw = func(b *bytes.Buffer) error { return s.cfg.Screens.Payment(b, v) }
	}
	s.html(w, r, status, at.request.redirect, draw)
}

// institution is the legal name of the client's organisation.
func (r *registration) institution() string { return r.Statement.OrgName }

// companies lists for whom the customer may act, when there is a choice: the consent names a company, or
// the person has one.
func (at *session) companies(c *consent.Consent) []screen.Company {
	var all []screen.Company
	if c.CNPJ == "" && len(at.customer.Companies) > 0 {
		all = append(all, screen.Company{Name: "Em meu próprio nome", Selected: at.company == nil})
	}
	for i, one := range at.customer.Companies {
		all = append(all, screen.Company{ID: one.CNPJ, Name: one.Name, CNPJ: one.CNPJ, Selected: at.company == &at.customer.Companies[i]})
	}
	return all
}

func endOfDay(t time.Time) time.Time {
	d := t.In(brasilia)
	return time.Date(d.Year(), d.Month(), d.Day(), 23, 59, 0, 0, brasilia)
}

// page answers with an error page, never with a redirect (AS-RESP-02).
func (s *Server) page(w http.ResponseWriter, r *http.Request, status int, kind, code string) {
	v := screen.ErrorView{
		Page: s.frame(), Kind: kind, What: "Não foi possível continuar",
		Why: "O pedido que chegou a esta página não pode ser atendido.", Do: "Volte à instituição de onde você veio e faça um novo pedido.", Code: code,
	}
	if kind == "expired" {
		v.What, v.Why = "O tempo deste pedido acabou", "O pedido venceu ou já foi concluído."
	}
	s.html(w, r, status, "", func(b *bytes.Buffer) error { return s.cfg.Screens.Error(b, v) })
}
