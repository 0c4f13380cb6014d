package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/as/screen"
)

// brasilia is the zone of every date a customer reads.
var brasilia = time.FixedZone("BRT", -3*60*60)

// show draws a page of the application.
func (a *app) show(w http.ResponseWriter, r *http.Request, name string, view map[string]any) {
	a.draw(w, r, http.StatusOK, name, view)
}

func (a *app) draw(w http.ResponseWriter, r *http.Request, status int, name string, view map[string]any) {
	v := map[string]any{"App": a.software.name, "Theme": a.software.of.id == a.eco.cast.parties[0].id, "Registered": a.software.registered,
		"Console": a.eco.console, "Here": r.URL.Path, "CSRF": "", "Frame": a.eco.frame()}
	if visit := a.visits.of(r); visit != nil {
		v["CSRF"] = visit.csrf
	}
	maps.Copy(v, view)
	a.eco.show(w, status, "app-"+name, v)
}

// showForm draws a form with the institutions to choose from.
func (a *app) showForm(w http.ResponseWriter, r *http.Request, status int, name string, view map[string]any, chosen string) {
	ctx, cancel := context.WithTimeout(r.Context(), stepTimeout)
	defer cancel()
	search := r.URL.Query().Get("busca")
	found, err := a.institutions(ctx, search)
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, trouble{What: "A lista de instituições não veio", Why: "O diretório de participantes não respondeu.",
			Do: "Tente de novo em alguns minutos.", Party: "Diretório", Hook: "directory"})
		return
	}
	if chosen == "" && len(found) == 1 {
		chosen = found[0].ID
	}
	view["Banks"], view["Bank"], view["Search"] = found, chosen, search
	view["Who"], view["Cast"] = r.URL.Query().Get("quem"), scenes(a.eco.ready.Customers)
	view["CSRF"] = a.visits.begin(w, r).csrf
	a.draw(w, r, status, name, view)
}

func (a *app) fail(w http.ResponseWriter, r *http.Request, status int, t trouble) {
	a.draw(w, r, status, "trouble", map[string]any{"Trouble": t})
}

func (a *app) start(w http.ResponseWriter, r *http.Request) {
	var made []map[string]any
	for _, j := range a.visits.of(r).all() {
		j.mu.Lock()
		made = append(made, map[string]any{"Path": j.path(), "Title": j.Title(), "State": j.State(), "When": screen.Moment(j.began)})
		j.mu.Unlock()
	}
	a.show(w, r, "start", map[string]any{"Made": made, "Bank": a.eco.cast.bank.name})
}

func (a *app) terms(w http.ResponseWriter, r *http.Request) { a.show(w, r, "terms", nil) }

// showJourney shows where a journey stands; a payment under way is looked after first.
func (a *app) showJourney(w http.ResponseWriter, r *http.Request, _ *visit, j *journey) {
	view := map[string]any{"Journey": j, "Bank": j.bank}
	if j.order != nil && j.grant != nil && j.trouble == nil && !j.ended() {
		if err := j.follow(r.Context()); err != nil {
			j.fails(err)
		}
	}
	switch {
	case j.trouble != nil:
		view["Trouble"] = *j.trouble
		a.draw(w, r, http.StatusOK, "trouble", view)
	case !j.returned:
		a.show(w, r, "waiting", view)
	case j.order != nil:
		if !j.ended() {
			view["Refresh"] = map[bool]int{true: 1, false: 4}[j.payment != nil && !j.resting()]
		}
		a.show(w, r, "payment", view)
	default:
		a.show(w, r, "data", view)
	}
}

// refresh reads the shared data again.
func (a *app) refresh(w http.ResponseWriter, r *http.Request, _ *visit, j *journey) {
	if j.grant != nil && j.order == nil {
		j.trouble = nil
		j.reread(r.Context())
		if err := j.readData(r.Context()); err != nil {
			j.reread(r.Context())
			j.fails(err)
		}
	}
	http.Redirect(w, r, j.path(), http.StatusSeeOther)
}

// end ends a sharing, or cancels a payment that still can be.
func (a *app) end(w http.ResponseWriter, r *http.Request, _ *visit, j *journey) {
	var err error
	switch {
	case j.payment != nil && !j.ended():
		_, err = j.client.CancelPayment(r.Context(), j.consent, j.payment.IDs[0])
	case j.order == nil && j.grant != nil:
		if _, err = j.client.DeleteConsent(r.Context(), j.consent); err == nil {
			j.reread(r.Context())
			j.accounts, j.trouble = nil, nil
			t := wording(j.rejection())
			j.trouble = &t
		}
	}
	if err != nil {
		j.fails(err)
	}
	http.Redirect(w, r, j.path(), http.StatusSeeOther)
}

// chapter is one exchange of a journey's story.
type chapter struct {
	At, Title, Method, Address, Took string
	Status                           int
	Good                             bool
	Interaction, Seen                string
	Asked, Answered                  string
}

var titles = map[string]string{
	"participants": "procura a instituição na lista do diretório", "discovery": "lê como o banco se apresenta", "jwks": "busca as chaves do banco",
	"token": "pede uma permissão de acesso", "par": "entrega o pedido de autorização", "keystore": "busca as chaves da organização no diretório",
	"consents.create": "cria o consentimento", "consents.read": "lê o consentimento", "consents.delete": "encerra o consentimento",
	"payments.consent-create": "cria o consentimento do pagamento", "payments.consent-read": "lê o consentimento do pagamento",
	"payments.create": "inicia o pagamento", "payments.read": "pergunta pelo pagamento", "payments.cancel": "cancela o pagamento",
	"resources.list": "lista o que foi compartilhado", "accounts.list": "lista as contas", "accounts.balances": "lê os saldos",
	"accounts.transactions-current": "lê os lançamentos", "customers.personal-identifications": "lê o cadastro", "customers.business-identifications": "lê o cadastro da empresa",
}

// tell shows everything this side said and heard on the wire, without secrets.
func (a *app) tell(w http.ResponseWriter, r *http.Request, _ *visit, j *journey) {
	var all []chapter
	for _, e := range j.told() {
		at, _ := url.Parse(e.URL)
		if at == nil {
			at = &url.URL{}
		}
		c := chapter{At: e.Started.In(brasilia).Format("15:04:05.000"), Title: titles[e.Name], Method: e.Method, Address: at.Host + at.Path,
			Took: millis(e.Duration), Status: e.Status, Good: e.OK(), Interaction: e.Interaction()}
		if c.Title == "" {
			c.Title = e.Name
		}
		if c.Interaction != "" && e.Operation != nil {
			c.Seen = a.eco.console + "/interacao?" + url.Values{"id": {c.Interaction}}.Encode()
		}
		c.Asked, c.Answered = legible(e.RequestClaims, e.RequestBody), legible(e.Claims, e.Body)
		all = append(all, c)
	}
	view := map[string]any{"Journey": j, "Story": all}
	if j.consent != nil {
		view["Consent"] = j.consent.ID
		view["Link"] = a.eco.console + "/consentimento?" + url.Values{"id": {j.consent.ID}}.Encode()
	}
	a.show(w, r, "story", view)
}

// millis writes how long an exchange took, as a Brazilian reads it.
func millis(d time.Duration) string {
	return strings.Replace(strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64), ".", ",", 1) + " ms"
}

// maxLegible bounds what is shown of one message.
const maxLegible = 16 << 10

// legible writes a message as a person reads it: the claims of a signed one, indented JSON, form fields
// one a line.
func legible(claims map[string]any, body []byte) string {
	text := string(body)
	var pretty bytes.Buffer
	switch {
	case claims != nil:
		b, err := json.MarshalIndent(claims, "", "  ")
		if err == nil {
			text = string(b)
		}
	case json.Indent(&pretty, body, "", "  ") == nil:
		text = pretty.String()
	case strings.Contains(text, "&"):
		text = strings.ReplaceAll(text, "&", "\n")
	}
	if len(text) > maxLegible {
		text = strings.ToValidUTF8(text[:maxLegible], "") + "\n…"
	}
	return text
}

// scene is a kind of customer, with what rehearsing as one of them shows.
type scene struct {
	Title  string
	People []ReadyCustomer
}

var sceneTitles = []struct{ trait, title string }{
	{"ordinary", "Pessoa com duas contas"}, {"joint", "Conta conjunta: o outro titular também aprova"}, {"company-alone", "Empresa: assina só"},
	{"company-several", "Empresa: mais de um aprovador"}, {"poor", "Saldo de R$ 1,00"}, {"reserved-balance", "Saldo reservado"},
	{"unavailable-account", "Uma conta bloqueada"}, {"no-accounts", "Cliente sem contas"},
}

// scenes sorts the customers by what they are good for.
func scenes(customers []ReadyCustomer) []scene {
	var all []scene
	for _, t := range sceneTitles {
		s := scene{Title: t.title}
		for _, c := range customers {
			if slices.Contains(c.Traits, t.trait) && len(s.People) < 6 {
				s.People = append(s.People, c)
			}
		}
		all = append(all, s)
	}
	return all
}

// Title names the journey in a list.
func (j *journey) Title() string {
	if j.order == nil {
		return "Dados do " + j.bank
	}
	return "Pix de " + screen.Money(j.order.Amount) + " para " + j.order.Creditor.Name
}

// words are the states of a payment as a customer reads them (experience guide, status words).
var words = map[string]string{
	"RCVD": "Solicitado", "PDNG": "Em análise", "SCHD": "Agendado", "ACCP": "Processando", "ACPD": "Processando", "ACSC": "Feito", "RJCT": "Não feito", "CANC": "Cancelado",
}

// State is where the journey stands, in a few words.
func (j *journey) State() string {
	switch {
	case j.trouble != nil:
		return j.trouble.What
	case !j.returned:
		return "Esperando a sua confirmação no banco"
	case j.payment != nil:
		return words[j.payment.Statuses[0]]
	case j.order != nil || j.status() == "PARTIALLY_ACCEPTED":
		return "Esperando outros aprovadores"
	}
	return "Ativo"
}

// resting says whether a payment waits for somebody or for its day.
func (j *journey) resting() bool {
	return j.payment != nil && slices.Contains([]string{"SCHD", "PDNG"}, j.payment.Statuses[0])
}
