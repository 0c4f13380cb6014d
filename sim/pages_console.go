package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/pcm"
)

// console is the page of the whole ecosystem. It has no powers of its own: whatever is clicked there is a
// call of the control port, which is shown beside it, so that everything clickable is also a verb.
type console struct {
	eco  *Ecosystem
	http *http.Client
}

// newConsole makes the pages at the console's name, and at no other.
func (e *Ecosystem) newConsole() http.Handler {
	c := &console{e, &http.Client{Timeout: startTimeout, Transport: &http.Transport{DisableKeepAlives: true}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.home)
	mux.HandleFunc("GET /defeitos", c.defects)
	mux.HandleFunc("GET /limites", c.limits)
	mux.HandleFunc("GET /disponibilidade", c.availability)
	mux.HandleFunc("GET /consentimento", c.consent)
	mux.HandleFunc("GET /interacao", c.interaction)
	mux.HandleFunc("POST /relogio", c.step)
	mux.HandleFunc("POST /defeitos", c.arm)
	mux.HandleFunc("POST /limites", c.limit)
	mux.HandleFunc("POST /disponibilidade", c.trouble)
	mux.HandleFunc("POST /consentimento", c.decide)
	small := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		mux.ServeHTTP(w, r)
	})
	return onlyAt(nameConsole, http.NewCrossOriginProtection().Handler(small))
}

// ask calls the control port.
func (c *console) ask(ctx context.Context, method, path string, body, into any) error {
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.eco.control+path, &payload)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		var said struct{ Error string }
		_ = json.Unmarshal(b, &said)
		return &refused{answer.StatusCode, said.Error}
	}
	if into == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, into)
}

// refused is an answer of the control port that is no success.
type refused struct {
	status int
	said   string
}

func (r *refused) Error() string {
	if r.said == "" {
		return "status " + strconv.Itoa(r.status)
	}
	return r.said
}

func (c *console) show(w http.ResponseWriter, r *http.Request, status int, name string, view map[string]any) {
	view["Frame"], view["Here"], view["Control"] = c.eco.frame(), r.URL.RequestURI(), c.eco.control
	c.eco.show(w, status, "console-"+name, view)
}

func (c *console) wrong(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadGateway
	if said := (*refused)(nil); errors.As(err, &said) {
		status = said.status
	}
	c.show(w, r, status, "wrong", map[string]any{"Error": err.Error()})
}

// home is the first page: what is running, which day it is there, what is broken on purpose, and what to
// do next.
func (c *console) home(w http.ResponseWriter, r *http.Request) {
	e := c.eco
	if !e.apps.started() {
		http.Error(w, "o ensaio ainda está começando", http.StatusServiceUnavailable)
		return
	}
	var usable []ReadyTPP
	var addresses []string
	for i, t := range e.ready.TPPs {
		if len(t.Clients) > 0 {
			usable = append(usable, t)
			addresses = append(addresses, e.net.url(e.cast.software[i].host))
		}
	}
	c.show(w, r, http.StatusOK, "home", map[string]any{"Ready": e.ready, "Apps": usable, "Addresses": addresses,
		"Steps": steps, "Scenes": scenes(e.ready.Customers), "Known": len(e.board.Catalogue())})
}

// steps are the jumps of the clock that end something (what they end is in the rules of each consent).
var steps = []struct{ By, Label, Ends string }{
	{"6m", "6 minutos", "um pagamento deixa de esperar a confirmação"}, {"61m", "61 minutos", "um consentimento de dados deixa de esperar"},
	{"1d", "1 dia", "o pagamento agendado para amanhã acontece"}, {"90d", "90 dias", ""}, {"366d", "1 ano", "o consentimento de 12 meses termina"},
}

// step moves the clock.
func (c *console) step(w http.ResponseWriter, r *http.Request) {
	var err error
	switch by := r.PostFormValue("avancar"); by {
	case "":
		err = c.ask(r.Context(), http.MethodDelete, "/clock", nil, nil)
	default:
		err = c.ask(r.Context(), http.MethodPost, "/clock", map[string]string{"advance": by}, nil)
	}
	c.back(w, r, "/#relogio", err)
}

func (c *console) back(w http.ResponseWriter, r *http.Request, to string, err error) {
	if err != nil {
		c.wrong(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// maxListed bounds one page of the catalogue; a search finds the rest.
const maxListed = 60

// defects shows the catalogue with its switches.
func (c *console) defects(w http.ResponseWriter, r *http.Request) {
	search := strings.TrimSpace(r.URL.Query().Get("busca"))
	armed := c.eco.board.Seams().Armed()
	var lit, found []fault.Defect
	total := 0
	for _, d := range c.eco.board.Catalogue() {
		if slices.Contains(armed, d.Name) {
			lit = append(lit, d)
			continue
		}
		if !every(strings.Fields(strings.ToLower(search)), strings.ToLower(d.Name+" "+d.Rule+" "+d.Symptom)) {
			continue
		}
		if total++; total <= maxListed {
			found = append(found, d)
		}
	}
	c.show(w, r, http.StatusOK, "defects", map[string]any{"Search": search, "Armed": lit, "Found": found, "Total": total, "Limit": maxListed})
}

func every(words []string, text string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// arm switches defects on and off.
func (c *console) arm(w http.ResponseWriter, r *http.Request) {
	var err error
	switch on, off := r.PostFormValue("ligar"), r.PostFormValue("desligar"); {
	case on != "":
		err = c.ask(r.Context(), http.MethodPost, "/defects", map[string]string{"name": on}, nil)
	case off != "":
		err = c.ask(r.Context(), http.MethodDelete, "/defects/"+escaped(off), nil, nil)
	default:
		err = c.ask(r.Context(), http.MethodDelete, "/defects", nil, nil)
	}
	to := "/defeitos"
	if search := r.PostFormValue("busca"); search != "" {
		to += "?" + url.Values{"busca": {search}}.Encode()
	}
	if r.PostFormValue("de") == "inicio" {
		to = "/"
	}
	c.back(w, r, to, err)
}

// escaped keeps the slashes of a name.
func escaped(name string) string { return (&url.URL{Path: name}).EscapedPath() }

// consent shows one consent as the bank holds it, and what the bank's customer can do with it there.
func (c *console) consent(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimSpace(r.URL.Query().Get("id"))
	var k consent.Consent
	if err := c.ask(r.Context(), http.MethodGet, "/bank/consents/"+url.PathEscape(id), nil, &k); err != nil {
		c.wrong(w, r, err)
		return
	}
	type change struct{ At, From, To, By, Channel string }
	var history []change
	for _, h := range k.History {
		history = append(history, change{moment(h.At), h.From, h.To, h.By, h.Channel})
	}
	expires := ""
	if k.Expires != nil {
		expires = moment(*k.Expires)
	}
	c.show(w, r, http.StatusOK, "consent", map[string]any{"ID": id, "Consent": k, "Expires": expires, "History": history})
}

// decide does what a customer or an approver does at the bank.
func (c *console) decide(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("id")
	path := "/bank/consents/" + url.PathEscape(id)
	var err error
	switch r.PostFormValue("acao") {
	case "aprovar":
		err = c.ask(r.Context(), http.MethodPost, path+"/approve", map[string]string{}, nil)
	case "revogar":
		err = c.ask(r.Context(), http.MethodPost, path+"/revoke", map[string]string{"by": "USER"}, nil)
	default:
		err = &refused{http.StatusBadRequest, "acao: want aprovar or revogar"}
	}
	c.back(w, r, "/consentimento?"+url.Values{"id": {id}}.Encode(), err)
}

// interaction shows what each side told the metrics platform of one call.
func (c *console) interaction(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimSpace(r.URL.Query().Get("id"))
	query := url.Values{"interaction": {id}}.Encode()
	if id == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	_ = c.ask(r.Context(), http.MethodPost, "/reporter/flush", nil, nil) // the bank's report may still wait
	var found []pcm.Report
	if err := c.ask(r.Context(), http.MethodGet, "/pcm/reports?"+query, nil, &found); err != nil {
		c.wrong(w, r, err)
		return
	}
	type told struct {
		Role, Method, Endpoint, At, State, Class string
		StatusCode                               int
		Differs                                  []string
	}
	var all []told
	for _, one := range found {
		state := pairs[one.Status]
		all = append(all, told{one.Role, one.Method, one.Endpoint, moment(one.Timestamp), state.words, state.class, one.StatusCode, one.Differs})
	}
	c.show(w, r, http.StatusOK, "interaction", map[string]any{"ID": id, "Query": query, "Reports": all})
}

// pairs says what became of a report, and how good that is.
var pairs = map[pcm.State]struct{ words, class string }{
	pcm.Accepted: {"espera o par", "wait"}, pcm.Paired: {"os dois lados concordam", "good"}, pcm.Single: {"não precisa de par", "good"},
	pcm.PairedInconsistent: {"os dois lados discordam", "bad"}, pcm.Unpaired: {"o outro lado não contou", "bad"}, pcm.Discarded: {"descartado", "bad"},
}
