package sim

import (
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
)

const (
	// stepTimeout bounds what a third party does on the wire for one click.
	stepTimeout = 20 * time.Second
	// maxForm bounds what a browser may send: an address that came back carries an id_token.
	maxForm = 64 << 10
)

// apps are the applications of every third party, each at its own address: what a person uses in a
// browser. Until the ecosystem is ready they answer that it is not.
type apps struct {
	eco *Ecosystem

	mu     sync.Mutex
	ready  bool
	byHost map[string]*app
}

// app is the application of one third party. It promises to do on the wire only what its client does, to
// keep every secret on this side of the browser, and to tell in plain words what happened and what to do.
type app struct {
	eco      *Ecosystem
	software *software
	place    int    // in the cast
	clientID string // "" while the bank does not know it
	visits   *visits
	mux      *http.ServeMux
}

func (e *Ecosystem) newApps() *apps {
	a := &apps{eco: e, byHost: map[string]*app{}}
	for i, sw := range e.cast.software {
		one := &app{eco: e, software: sw, place: i, visits: newVisits()}
		one.mux = one.routes()
		a.byHost[sw.host] = one
	}
	e.after(a.close)
	return a
}

// open lets the applications begin, with what the bank knows them by.
func (a *apps) open(registered []registration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.byHost {
		one.clientID = registered[one.place].ClientID
	}
	a.ready = true
}

// started says whether the applications have begun.
func (a *apps) started() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ready
}

func (a *apps) close() {
	for _, one := range a.byHost {
		one.visits.close()
	}
}

func (a *apps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	one := a.byHost[host]
	if err != nil || one == nil {
		http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		return
	}
	if !a.started() {
		http.Error(w, "o ensaio ainda está começando", http.StatusServiceUnavailable)
		return
	}
	one.mux.ServeHTTP(w, r)
}

func (a *app) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.start)
	mux.HandleFunc("GET /termos", a.terms)
	mux.HandleFunc("GET /cb", a.landing)
	mux.HandleFunc("GET /cb2", a.landing)
	mux.HandleFunc("POST /webhook/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	if !a.software.registered {
		return mux
	}
	mux.HandleFunc("GET /compartilhar", a.shareForm)
	mux.HandleFunc("GET /pagar", a.payForm)
	mux.HandleFunc("GET /jornada/{id}", a.withJourney(a.showJourney))
	mux.HandleFunc("GET /jornada/{id}/ida", a.withJourney(a.leave))
	mux.HandleFunc("GET /jornada/{id}/historia", a.withJourney(a.tell))
	// A browser says where a form came from; the token says that it was one of ours.
	posts := http.NewServeMux()
	posts.HandleFunc("POST /compartilhar", a.share)
	posts.HandleFunc("POST /pagar", a.pay)
	posts.HandleFunc("POST /cb", a.comeBack)
	posts.HandleFunc("POST /jornada/{id}/atualizar", a.withJourney(a.refresh))
	posts.HandleFunc("POST /jornada/{id}/encerrar", a.withJourney(a.end))
	mux.Handle("POST /", http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		v := a.visits.of(r)
		if err := r.ParseForm(); err != nil || v == nil || subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(v.csrf)) != 1 {
			a.fail(w, r, http.StatusForbidden, trouble{What: "Esta página ficou velha", Why: "A sua visita terminou, ou a página foi aberta em outra janela.",
				Do: "Volte ao início e comece de novo. Nada foi feito com este clique.", Hook: "stale"})
			return
		}
		posts.ServeHTTP(w, r)
	})))
	return mux
}

// withJourney finds the journey an address names, among those of the visit.
func (a *app) withJourney(do func(http.ResponseWriter, *http.Request, *visit, *journey)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := a.visits.of(r)
		j := v.journey(r.PathValue("id"))
		if j == nil {
			a.fail(w, r, http.StatusNotFound, trouble{What: "Não encontramos esta jornada", Why: "Ela é de outra visita, ou já faz muito tempo.",
				Do: "Volte ao início e comece de novo.", Hook: "unknown-journey"})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), stepTimeout)
		defer cancel()
		j.mu.Lock()
		defer j.mu.Unlock()
		do(w, r.WithContext(ctx), v, j)
	}
}

// institutions lists the brands of the directory that fit a search, over the wire.
func (a *app) institutions(ctx context.Context, search string) ([]brand, error) {
	c, err := a.eco.party(a.place)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	list, err := c.Participants(ctx)
	if err != nil {
		return nil, err
	}
	return brandsOf(list, search), nil
}

// prepare makes a client of the journey's own, so that everything it says and hears belongs to this
// journey's story, and finds the bank.
func (a *app) prepare(ctx context.Context, j *journey, bank string) error {
	c, err := a.eco.party(a.place, j.record)
	if err != nil {
		return err
	}
	j.client = c
	at, err := c.FindInstitution(ctx, bank)
	if err != nil {
		return err
	}
	j.server, err = c.Discover(ctx, at, a.clientID)
	return err
}

// push sends the request of a consent and remembers the way to the bank.
func (a *app) push(ctx context.Context, j *journey) error {
	j.push = j.client.PushedRequest(j.server, j.consent)
	e := j.push.Send(ctx)
	if e.Err != nil || e.Status != http.StatusCreated {
		return &tpp.Failure{Exchange: e}
	}
	return nil
}

// begin takes a journey from the form to the moment the customer leaves for the bank.
func (a *app) begin(w http.ResponseWriter, r *http.Request, j *journey, bank string, consent func(context.Context) (*tpp.Consent, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), stepTimeout)
	defer cancel()
	v := a.visits.of(r)
	j.mu.Lock()
	defer j.mu.Unlock()
	v.add(j)
	err := a.prepare(ctx, j, bank)
	if err == nil {
		j.consent, err = consent(ctx)
	}
	if err == nil {
		err = a.push(ctx, j)
	}
	if err != nil {
		j.fails(err)
		http.Redirect(w, r, j.path(), http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, j.path()+"/ida", http.StatusSeeOther)
}

// leave shows that the customer is on the way to the bank, and sends them there by itself (TR-01, PM-09).
func (a *app) leave(w http.ResponseWriter, r *http.Request, _ *visit, j *journey) {
	if j.push == nil || j.returned || j.trouble != nil {
		http.Redirect(w, r, j.path(), http.StatusSeeOther)
		return
	}
	if j.leaving == "" { // shown again, it is the same departure
		j.leaving = j.push.Depart(j.push.Authorize())
	}
	a.show(w, r, "leave", map[string]any{"Journey": j, "Bank": j.bank, "Address": j.leaving})
}

// landing is where the bank sends the customer back. The answer is behind the #, which only the browser
// sees: a script of two lines posts it to us; where scripts do not run, a form asks for the address.
func (a *app) landing(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, "landing", map[string]any{"Bank": a.eco.cast.bank.name})
}

// comeBack takes the answer, and everything that follows from it.
func (a *app) comeBack(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), stepTimeout)
	defer cancel()
	came, err := url.Parse(r.PostForm.Get("endereco"))
	if err != nil {
		came = &url.URL{}
	}
	answer := tpp.ReadAnswer(came)
	j := a.visits.of(r).returning(answer.State)
	if j == nil {
		a.fail(w, r, http.StatusBadRequest, trouble{What: "Não reconhecemos esta volta", Hook: "unknown-answer",
			Why: "O endereço não traz a resposta de nenhum pedido desta visita.", Do: "Se você copiou o endereço, copie-o inteiro. Senão, comece de novo: nada foi compartilhado nem pago aqui."})
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.returned {
		j.returned = true
		if err := a.settle(ctx, j, came); err != nil {
			j.fails(err)
		}
	}
	http.Redirect(w, r, j.path(), http.StatusSeeOther)
}

// settle judges the answer, redeems the code and does what the customer came for.
func (a *app) settle(ctx context.Context, j *journey, came *url.URL) error {
	answer := j.push.Return(came)
	front, err := j.push.Check(ctx, answer)
	if denied := (*tpp.Denied)(nil); errors.As(err, &denied) {
		j.reread(ctx) // the consent says why, more exactly than the redirect
		return err
	}
	if err != nil {
		return err
	}
	if j.grant, err = j.client.Redeem(ctx, j.push, answer.Code, front); err != nil {
		return err
	}
	j.reread(ctx)
	if j.order != nil {
		return j.initiate(ctx)
	}
	return j.readData(ctx)
}
