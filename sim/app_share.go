package sim

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/platform/as/screen"
	"github.com/ensaio/ensaio/sim/spec"
)

// brand is an institution as the public knows it, found by its own name or by its participant's.
type brand struct{ ID, Name, Participant string }

// brandsOf lists the brands of the directory that fit a search, each once (DS-03 to DS-05).
func brandsOf(participants []map[string]any, search string) []brand {
	var all []brand
	search = strings.ToLower(strings.TrimSpace(search))
	for _, org := range participants {
		participant, _ := org["OrganisationName"].(string)
		servers, _ := org["AuthorisationServers"].([]any)
		for _, item := range servers {
			as, _ := item.(map[string]any)
			one := brand{Participant: participant}
			one.ID, _ = as["AuthorisationServerId"].(string)
			one.Name, _ = as["CustomerFriendlyName"].(string)
			known := slices.ContainsFunc(all, func(b brand) bool { return b.Name == one.Name })
			if !known && one.ID != "" && strings.Contains(strings.ToLower(one.Name+" "+participant), search) {
				all = append(all, one)
			}
		}
	}
	return all
}

// identity is who says to be in front of the page.
type identity struct{ Name, CPF, CNPJ string }

// person checks the documents of a form, and tells what is wrong with which field.
func (i identity) person() (tpp.Person, map[string]string) {
	wrong := map[string]string{}
	p := tpp.Person{CPF: bare(i.CPF), CNPJ: strings.ToUpper(bare(i.CNPJ))}
	if !people.ValidCPF(p.CPF) {
		wrong["cpf"] = "Este CPF não existe: confira os números."
	}
	if p.CNPJ != "" && !people.ValidCNPJ(p.CNPJ) {
		wrong["cnpj"] = "Este CNPJ não existe: confira os números e letras."
	}
	return p, wrong
}

// bare takes the punctuation out of a document.
func bare(document string) string {
	return strings.NewReplacer(".", "", "-", "", "/", "", " ", "").Replace(document)
}

// dotted writes a document with its punctuation.
func dotted(document string) string {
	if len(document) == 11 {
		return document[:3] + "." + document[3:6] + "." + document[6:9] + "-" + document[9:]
	}
	return screen.Mask(document)
}

// who is the customer of the cast that an address names, or the first.
func (a *app) who(r *http.Request) identity {
	cast := a.eco.ready.Customers
	chosen := cast[0]
	for _, c := range cast {
		if c.Username == r.URL.Query().Get("quem") {
			chosen = c
		}
	}
	return identity{chosen.Name, dotted(chosen.CPF), dotted(chosen.CNPJ)}
}

// offer is a group of data that can be asked for.
type offer struct {
	Key, Label string
	Contents   []string
	Needed     string // why it cannot be left out, or ""
	On         bool
	natural    []string // published permission groups, for a person and for a company
	company    []string
}

type category struct {
	Name, Note string
	Offers     []offer
}

// purpose is why this application wants data, and what makes the balances indispensable.
const purpose = "Mostrar os saldos e os últimos lançamentos das suas contas em um só lugar."

const grows = "Novos contratos entram automaticamente."

// offers are the categories of the standard's data table, in its order and in its words.
var offers = func() []category {
	both := func(names ...string) offer { return offer{natural: names, company: names} }
	all := []category{
		{Name: "Cadastro", Offers: []offer{
			{Key: "cadastro", On: true, natural: []string{"pf-registration"}, company: []string{"pj-registration"}},
			{Key: "complementos", natural: []string{"pf-additional"}, company: []string{"pj-additional"}},
		}},
		{Name: "Conta", Offers: []offer{both("account-balances"), both("account-statement"), both("account-limits")}},
		{Name: "Cartão de crédito", Offers: []offer{both("card-limits"), both("card-transactions"), both("card-bills")}},
		{Name: "Operações de crédito", Note: grows, Offers: []offer{both("credit-operations")}},
		{Name: "Investimentos", Note: grows, Offers: []offer{both("investments")}},
		{Name: "Câmbio", Note: grows, Offers: []offer{both("exchange")}},
	}
	for i := range all {
		for k := range all[i].Offers {
			o := &all[i].Offers[k]
			if o.Key == "" {
				o.Key = o.natural[0]
			}
			for _, g := range screen.Groups(permissionsOf(o.natural)) {
				o.Contents = append(o.Contents, g.Contents...)
				if o.Label == "" {
					o.Label = g.Name
				}
			}
			if len(screen.Groups(permissionsOf(o.natural))) > 1 {
				o.Label, o.Contents = "Contratos e operações", nil
				for _, g := range screen.Groups(permissionsOf(o.natural)) {
					o.Contents = append(o.Contents, g.Name)
				}
			}
			o.On = o.On || o.Key == "account-balances" || o.Key == "account-statement"
			if o.Key == "account-balances" {
				o.Needed = "sem os saldos não há o que mostrar"
			}
		}
	}
	return all
}()

func permissionsOf(groups []string) []string {
	var all []string
	for _, g := range spec.Groups() {
		if !slices.Contains(groups, g.Name) {
			continue
		}
		for _, p := range g.Permissions {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// terms are the lengths a person can choose from (DS-10).
var terms = []struct {
	Key, Label   string
	months, days int
}{
	{"12m", "12 meses", 12, 0}, {"6m", "6 meses", 6, 0}, {"3m", "3 meses", 3, 0}, {"7d", "7 dias", 0, 7}, {Key: "sem-fim", Label: "Prazo indeterminado"},
}

type sharing struct {
	identity
	Bank, Term string
	Chosen     map[string]bool
	Wrong      map[string]string
}

func (a *app) shareForm(w http.ResponseWriter, r *http.Request) {
	f := sharing{identity: a.who(r), Term: terms[0].Key, Chosen: map[string]bool{}}
	for _, c := range offers {
		for _, o := range c.Offers {
			f.Chosen[o.Key] = o.On
		}
	}
	a.showShare(w, r, http.StatusOK, f)
}

func (a *app) showShare(w http.ResponseWriter, r *http.Request, status int, f sharing) {
	a.showForm(w, r, status, "share", map[string]any{"Form": f, "Categories": offers, "Terms": terms, "Purpose": purpose}, f.Bank)
}

// share asks for a data consent and sends the customer to the bank.
func (a *app) share(w http.ResponseWriter, r *http.Request) {
	form := r.PostForm
	f := sharing{identity: identity{CPF: form.Get("cpf"), CNPJ: form.Get("cnpj")}, Bank: form.Get("banco"), Term: form.Get("prazo"), Chosen: map[string]bool{}}
	who, wrong := f.person()
	f.Wrong = wrong
	var groups []string
	for _, c := range offers {
		for _, o := range c.Offers {
			f.Chosen[o.Key] = o.Needed != "" || slices.Contains(form["dados"], o.Key)
			switch {
			case !f.Chosen[o.Key]:
			case who.CNPJ != "":
				groups = append(groups, o.company...)
			default:
				groups = append(groups, o.natural...)
			}
		}
	}
	if f.Bank == "" {
		wrong["banco"] = "Escolha de qual instituição trazer os dados."
	}
	until, known := a.until(f.Term)
	if !known {
		wrong["prazo"] = "Escolha um dos prazos."
	}
	if len(wrong) > 0 {
		a.showShare(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	j := a.newJourney()
	j.purpose = purpose
	a.begin(w, r, j, f.Bank, func(ctx context.Context) (*tpp.Consent, error) {
		permissions := append(permissionsOf(groups), spec.ResourcesRead)
		return j.client.CreateConsent(ctx, j.server, permissions, who, func(c *tpp.APICall) {
			c.Data(func(data map[string]any) {
				delete(data, "expirationDateTime")
				if until != nil {
					data["expirationDateTime"] = until.UTC().Format("2006-01-02T15:04:05Z")
				}
			})
		})
	})
}

// until is the end of a term, nil for one without end.
func (a *app) until(key string) (at *time.Time, known bool) {
	for _, t := range terms {
		if t.Key != key {
			continue
		}
		if t.months+t.days == 0 {
			return nil, true
		}
		// A minute less: the longest term is counted from when the bank receives the request.
		end := a.eco.clock.Now().AddDate(0, t.months, t.days).Add(-time.Minute)
		return &end, true
	}
	return nil, false
}

func (a *app) newJourney() *journey {
	return &journey{id: rand.Text()[:12], bank: a.eco.cast.bank.name, party: a.software.name, began: a.eco.clock.Now()}
}
