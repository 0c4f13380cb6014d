package sim

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/participants/psu"
)

func TestAmountsAreReadAsTyped(t *testing.T) {
	for typed, want := range map[string]string{
		"25,90": "25.90", "R$ 25,90": "25.90", "1.234,5": "1234.50", "12.34": "12.34", "7": "7.00", "0,01": "0.01", "000,10": "0.10", " 10 ": "10.00",
		"": "", "0": "", "0,00": "", "-1": "", "1,234": "", "1,2,3": "", "abc": "", "1e3": "", "12345678901": "", ",": "", ".": "",
	} {
		got, ok := amountOf(typed)
		if got != want || ok != (want != "") {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
}

func TestInstitutionsAreFoundByBrandAndByParticipantAndShownOnce(t *testing.T) {
	server := func(id, brand string) any {
		return map[string]any{"AuthorisationServerId": id, "CustomerFriendlyName": brand}
	}
	list := []map[string]any{
		{"OrganisationName": "Banco Um S.A.", "AuthorisationServers": []any{server("1", "Amarelo"), server("2", "Amarelo"), server("3", "Azul")}},
		{"OrganisationName": "Receptora"},
	}
	for search, want := range map[string]string{"": "1 3", "azul": "3", "BANCO um": "1 3", "verde": ""} {
		var ids []string
		for _, b := range brandsOf(list, search) {
			ids = append(ids, b.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q finds %q, want %q", search, got, want)
		}
	}
}

func TestVisitsAndTheirJourneysAreBounded(t *testing.T) {
	s := newVisits()
	first := httptest.NewRecorder()
	at := httptest.NewRequest(http.MethodGet, "https://app.test:8443/pagar", nil)
	v := s.begin(first, at)
	at.AddCookie(first.Result().Cookies()[0])
	if s.begin(httptest.NewRecorder(), at) != v {
		t.Error("a visit is not found again")
	}
	for range 2 * maxVisits {
		s.begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://app.test:8443/", nil))
	}
	if len(s.known) != maxVisits || len(s.order) != maxVisits {
		t.Errorf("%d visits are kept, %d in order", len(s.known), len(s.order))
	}
	if s.of(at) != nil {
		t.Error("the visit seen longest ago is still there")
	}
	for range 2 * maxJourneys {
		v.add(&journey{})
	}
	if n := len(v.all()); n != maxJourneys {
		t.Errorf("%d journeys are kept", n)
	}
	s.close()
	if len(s.known) != 0 {
		t.Error("a closed application has visits")
	}
}

// walker goes through the pages as a browser without scripts, with the robot in the customer's place at
// the bank.
type walker struct {
	t    *testing.T
	eco  *Ecosystem
	http *http.Client
	page *html.Node
	at   *url.URL
}

func walk(t *testing.T, e *Ecosystem) *walker {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := e.net.client(e.secrets.authority.Roots())
	c.Jar = jar
	t.Cleanup(c.CloseIdleConnections)
	return &walker{t: t, eco: e, http: c}
}

func (w *walker) took(res *http.Response, err error) int {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if w.page, err = html.Parse(res.Body); err != nil {
		w.t.Fatal(err)
	}
	w.at = res.Request.URL
	return res.StatusCode
}

func (w *walker) get(address string) int {
	w.t.Helper()
	return w.took(w.http.Get(address))
}

// post sends the form of a page that goes to a path, with some fields filled in differently.
func (w *walker) post(action string, fields url.Values) int {
	w.t.Helper()
	form := url.Values{}
	for n := range w.page.Descendants() {
		if n.Data == "input" && (attr(n, "type") != "radio" && attr(n, "type") != "checkbox" || has(n, "checked") && !has(n, "disabled")) && attr(n, "name") != "" {
			form.Add(attr(n, "name"), attr(n, "value"))
		}
		if n.Data == "option" && has(n, "selected") && attr(n.Parent, "name") != "" {
			form.Set(attr(n.Parent, "name"), attr(n, "value"))
		}
	}
	for k, v := range fields {
		form[k] = v
	}
	return w.took(w.http.PostForm(w.at.Scheme+"://"+w.at.Host+action, form))
}

// decide follows the way to the bank as a customer, and comes back with the answer.
func (w *walker) decide(who ReadyCustomer, decide ...func(*psu.Robot)) {
	w.t.Helper()
	robot := &psu.Robot{Network: psu.Network{CA: w.eco.secrets.authority.Roots(), Hosts: w.eco.net.hosts(), Clock: w.eco.clock},
		Username: who.Username, Password: who.Password, Back: []string{w.at.Scheme + "://" + w.at.Host + "/cb"}}
	for _, d := range decide {
		d(robot)
	}
	back, err := robot.Visit(w.t.Context(), attr(w.find("go-on"), "href"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.get(w.at.Scheme + "://" + w.at.Host + "/cb")
	if got := w.post("/cb", url.Values{"endereco": {back.String()}}); got != http.StatusOK {
		w.t.Fatalf("coming back is answered %d", got)
	}
}

func (w *walker) find(name string) *html.Node {
	for n := range w.page.Descendants() {
		if attr(n, "data-ofb") == name {
			return n
		}
	}
	return nil
}

func (w *walker) wants(names ...string) {
	w.t.Helper()
	for _, name := range names {
		if w.find(name) == nil {
			w.t.Fatalf("%s shows no %s: %s", w.at.Path, name, w.says("what"))
		}
	}
}

func (w *walker) says(name string) string {
	at := w.find(name)
	if at == nil {
		return ""
	}
	var b strings.Builder
	for n := range at.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

func attr(n *html.Node, name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func TestThePagesOfTheThirdParties(t *testing.T) {
	e, err := Start(t.Context(), Options{Seed: 22})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() }) // after those who look at it have left
	aurora, unregistered := e.net.url(e.cast.software[0].host), e.net.url(e.cast.software[2].host)

	t.Run("a form from elsewhere does nothing", func(t *testing.T) {
		w := walk(t, e)
		w.get(aurora + "/pagar")
		for name, edit := range map[string]func(*http.Request){
			"another site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"another origin":  func(r *http.Request) { r.Header.Set("Origin", "https://attacker.example.com") },
			"without a token": func(*http.Request) {},
		} {
			r, _ := http.NewRequest(http.MethodPost, aurora+"/pagar", strings.NewReader("valor=1"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			edit(r)
			if got := w.took(w.http.Do(r)); got != http.StatusForbidden {
				t.Errorf("%s is answered %d", name, got)
			}
		}
		r, _ := http.NewRequest(http.MethodPost, e.console+"/relogio", strings.NewReader("avancar=1d"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", aurora)
		if got := w.took(w.http.Do(r)); got != http.StatusForbidden || e.clock.Offset() != 0 {
			t.Errorf("the console took a form of another page: %d", got)
		}
	})

	t.Run("pages allow nothing but themselves", func(t *testing.T) {
		for _, address := range []string{aurora + "/", aurora + "/compartilhar", aurora + "/cb", e.console + "/", e.console + "/defeitos"} {
			res, err := walk(t, e).http.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			policy := res.Header.Get("Content-Security-Policy")
			if res.StatusCode != http.StatusOK || !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d, policy %q", address, res.StatusCode, policy)
			}
		}
	})

	t.Run("an address of nobody", func(t *testing.T) {
		w := walk(t, e)
		w.get(aurora + "/pagar")
		w.get(aurora + "/cb")
		if got := w.post("/cb", url.Values{"endereco": {aurora + "/cb#code=x&state=y"}}); got != http.StatusBadRequest {
			t.Errorf("an answer to nothing is answered %d", got)
		}
		w.wants("unknown-answer")
		if got := w.get(aurora + "/jornada/AAAA"); got != http.StatusNotFound {
			t.Errorf("a journey of nobody is answered %d", got)
		}
		if got := w.get(unregistered + "/pagar"); got != http.StatusNotFound {
			t.Errorf("an unregistered application pays: %d", got)
		}
	})

	t.Run("several approvers", func(t *testing.T) {
		w, who := walk(t, e), e.customer(t, people.CompanySeveral, 0)
		w.get(aurora + "/pagar?quem=" + who.Username)
		w.post("/pagar", nil)
		w.decide(who)
		w.wants("pending")
		w.get(attrOf(w.find("story"), w.at))
		id := w.says("consent-id")
		w.get(e.console + "/consentimento?id=" + url.QueryEscape(id))
		w.wants("approvals")
		w.post("/consentimento", url.Values{"acao": {"aprovar"}})
		if got := w.says("status"); got != "AUTHORISED" {
			t.Errorf("after the approval the consent is %s", got)
		}
		w.get(aurora + "/")
		w.get(attrOf(first(w.find("management"), "a"), w.at))
		w.wants("payment-status")
	})

	t.Run("changing one's mind about a payment", func(t *testing.T) {
		w, who := walk(t, e), e.customer(t, people.Ordinary, 0)
		w.get(aurora + "/pagar?quem=" + who.Username)
		w.post("/pagar", nil)
		w.decide(who, func(r *psu.Robot) { r.Decision = psu.Deny })
		w.wants("cancelled")
	})

	t.Run("entering as somebody else", func(t *testing.T) {
		w, who, other := walk(t, e), e.customer(t, people.Ordinary, 1), e.customer(t, people.Ordinary, 2)
		for action, code := range map[string]string{"/compartilhar": "INTERNAL_SECURITY_REASON", "/pagar": "AUTENTICACAO_DIVERGENTE"} {
			w.get(aurora + action + "?quem=" + who.Username)
			w.post(action, nil)
			w.decide(other)
			w.wants("owner-mismatch")
			if got := w.says("code"); got != code {
				t.Errorf("%s: the code shown is %q", action, got)
			}
		}
	})

	t.Run("why a payment is not made", func(t *testing.T) {
		w, who := walk(t, e), e.customer(t, people.Poor, 0)
		w.get(aurora + "/pagar?quem=" + who.Username)
		w.post("/pagar", nil)
		w.decide(who)
		w.wants("balance")
		if got := w.says("code"); got != "SALDO_INSUFICIENTE" {
			t.Errorf("the code shown is %q", got)
		}
	})

	t.Run("an answer that lies is not believed", func(t *testing.T) {
		w, who := walk(t, e), e.customer(t, people.Ordinary, 3)
		if err := e.board.Arm("idtoken/expired"); err != nil {
			t.Fatal(err)
		}
		defer e.board.Disarm()
		w.get(aurora + "/compartilhar?quem=" + who.Username)
		w.post("/compartilhar", nil)
		w.decide(who)
		w.wants("refusal", "defects")
	})

	t.Run("what each side told the metrics platform", func(t *testing.T) {
		w, who := walk(t, e), e.customer(t, people.Ordinary, 4)
		w.get(aurora + "/compartilhar?quem=" + who.Username)
		w.post("/compartilhar", nil)
		w.get(strings.TrimSuffix(w.at.String(), "/ida") + "/historia")
		id := w.says("interaction")
		w.get(e.console + "/interacao?id=" + id)
		w.wants("reports")
	})

	t.Run("who has used how much of the limits", func(t *testing.T) {
		w, who := walk(t, e), e.customer(t, people.Ordinary, 6)
		w.get(e.console + "/limites")
		w.wants("second", "floor")
		w.post("/limites", url.Values{"limites": {"regulatory"}})
		w.get(aurora + "/compartilhar?quem=" + who.Username)
		w.post("/compartilhar", nil)
		w.decide(who)
		w.get(e.console + "/limites")
		w.wants("minutes", "months")
		w.post("/limites", url.Values{"limites": {"generous"}})
		if got := w.post("/limites", url.Values{"limites": {"strict"}}); got != http.StatusBadRequest {
			t.Errorf("a preset that nobody knows: status %d", got)
		}
	})

	t.Run("what the bank says of its availability, and what is planned", func(t *testing.T) {
		w := walk(t, e)
		w.get(e.console + "/disponibilidade")
		w.wants("condition", "uptime")
		w.post("/disponibilidade", url.Values{"acao": {"anunciar"}, "em": {"60"}, "duracao": {"PT30M"}, "operacoes": {"accounts.*, token"}, "motivo": {"Troca"}})
		w.post("/disponibilidade", url.Values{"acao": {"falhar"}, "operacoes": {"accounts.balances"}})
		w.get(e.console + "/disponibilidade")
		w.wants("outages", "failures")
		for acao, path := range map[string]string{"retirar": "/bank/outages", "consertar": "/bank/failures"} {
			var found []struct{ ID string }
			if err := (&console{e, http.DefaultClient}).ask(t.Context(), "GET", path, nil, &found); err != nil || len(found) != 1 {
				t.Fatalf("%s: %v %v", path, found, err)
			}
			w.post("/disponibilidade", url.Values{"acao": {acao}, "id": {found[0].ID}})
		}
		for _, wrong := range []url.Values{{}, {"acao": {"anunciar"}, "em": {"ontem"}}, {"acao": {"anunciar"}, "em": {"1"}, "duracao": {"2h"}}, {"acao": {"falhar"}, "operacoes": {"nada"}}} {
			if got := w.post("/disponibilidade", wrong); got != http.StatusBadRequest {
				t.Errorf("%v: status %d", wrong, got)
			}
		}
	})

	// Last, since the clock never goes back here.
	t.Run("a sharing ends with its term", func(t *testing.T) {
		w, who := walk(t, e), e.customer(t, people.Ordinary, 5)
		w.get(aurora + "/compartilhar?quem=" + who.Username)
		w.post("/compartilhar", url.Values{"prazo": {"7d"}})
		w.decide(who)
		w.wants("result", "balance")
		if got := w.says("term"); got != "7 dias" {
			t.Errorf("agreed for %q", got)
		}
		journey := w.at.Path
		w.get(e.console)
		w.post("/relogio", url.Values{"avancar": {"8d"}})
		w.get(aurora + journey)
		w.post(journey+"/atualizar", nil)
		w.wants("expired")
		if got := w.says("code"); got != "CONSENT_MAX_DATE_REACHED" {
			t.Errorf("the code shown is %q", got)
		}
	})
}

func attrOf(n *html.Node, at *url.URL) string {
	to, err := at.Parse(attr(n, "href"))
	if err != nil {
		return ""
	}
	return to.String()
}

func first(n *html.Node, tag string) *html.Node {
	for d := range n.Descendants() {
		if d.Data == tag {
			return d
		}
	}
	return nil
}
