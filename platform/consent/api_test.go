package consent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

const resources = "RESOURCES_READ"

type desk struct {
	*world
	api *consent.API
}

func desks(t testing.TB, offered func(string) bool) *desk {
	t.Helper()
	var rows []fault.Defect
	for _, r := range consent.Rules() {
		rows = append(rows, fault.Defect{Name: "consents/" + r.ID, Kind: fault.Off, Rule: r.ID})
	}
	w := open(t, rows...)
	return &desk{w, consent.NewAPI(w.Engine, offered, nil)}
}

type ask struct {
	client string
	token  string // consent id of the token
	query  string
}

func (d *desk) do(op, id, body string, asks ...ask) (*call.Answer, error) {
	a := ask{client: "aurora", token: id}
	if len(asks) > 0 {
		a = asks[0]
	}
	o := spec.Find(op)
	r := httptest.NewRequest(o.Method, strings.ReplaceAll(o.FullPath(), "{consentId}", id)+a.query, nil)
	r.Header.Set("x-fapi-customer-ip-address", "10.0.0.1")
	r.Header.Set("x-customer-user-agent", "teste")
	return d.api.Handle(context.Background(), &call.Call{
		Operation: o, Params: map[string]string{"consentId": id}, Request: r, Body: []byte(body),
		Client: &call.Client{ID: a.client}, Token: &call.Token{ClientID: a.client, ConsentID: a.token},
		Base: "https://matls-api.banco-ensaio.test", Now: d.clock.Now(),
	})
}

// body makes a request of a natural person, or of a company when cnpj is given.
func body(permissions []string, cnpj, expires string) string {
	data := map[string]any{"loggedUser": map[string]any{"document": map[string]any{"identification": "12345678909", "rel": "CPF"}}}
	if permissions != nil {
		data["permissions"] = permissions
	}
	if cnpj != "" {
		data["businessEntity"] = map[string]any{"document": map[string]any{"identification": cnpj, "rel": "CNPJ"}}
	}
	if expires != "" {
		data["expirationDateTime"] = expires
	}
	b, _ := json.Marshal(map[string]any{"data": data})
	return string(b)
}

func verdict(t testing.TB, a *call.Answer, err error) string {
	t.Helper()
	var p *call.Problem
	switch {
	case err == nil:
		return fmt.Sprint(a.Status)
	case errors.As(err, &p):
		return fmt.Sprintf("%d %s", p.Status, p.Items[0].Code)
	}
	t.Fatalf("unexpected %v", err)
	return ""
}

const company = "12ABC34501DE35"

func TestCreationKeepsEverySentence(t *testing.T) {
	balances := []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", resources}
	pf, pj := "CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ", "CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ"
	for name, row := range map[string]struct {
		body, want, rule string // rule: with it off the request goes through
	}{
		"person":              {body(balances, "", ""), "201", ""},
		"company":             {body([]string{pj, resources}, company, ""), "201", ""},
		"company with plain":  {body(balances, company, ""), "201", ""},
		"a year":              {body(balances, "", "2027-03-02T12:00:00Z"), "201", ""},
		"no user":             {`{"data":{"permissions":["ACCOUNTS_READ","ACCOUNTS_BALANCES_READ","RESOURCES_READ"]}}`, "400 PARAMETRO_INVALIDO", "CONS-REQ-01/has-logged-user"},
		"bad cpf":             {strings.Replace(body(balances, "", ""), "12345678909", "123", 1), "400 PARAMETRO_INVALIDO", "CONS-REQ-02/cpf-form"},
		"bad cnpj":            {body(balances, "12", ""), "400 PARAMETRO_INVALIDO", "CONS-REQ-03/cnpj-form"},
		"bad expiry":          {body(balances, "", "2026-13-40"), "400 PARAMETRO_INVALIDO", "CONS-REQ-04/expiry-form"},
		"both persons":        {body([]string{pf, pj, resources}, "", ""), "422 PERMISSAO_PF_PJ_EM_CONJUNTO", "CONS-PERM-01/not-both-persons"},
		"both and company":    {body([]string{pf, pj, resources}, company, ""), "422 PERMISSAO_PF_PJ_EM_CONJUNTO", "CONS-PERM-01/not-both-persons"},
		"company not named":   {body([]string{pj, resources}, "", ""), "422 INFORMACOES_PJ_NAO_INFORMADAS", "CONS-PERM-02/company-informed"},
		"personal for firm":   {body([]string{pf, resources}, company, ""), "422 PERMISSOES_PJ_INCORRETAS", "CONS-PERM-03/no-personal-for-company"},
		"stray":               {body(append([]string{"CARS_READ"}, balances...), "", ""), "422 COMBINACAO_PERMISSOES_INCORRETA", "CONS-PERM-04/known"},
		"half a group":        {body([]string{"ACCOUNTS_READ", resources}, "", ""), "422 COMBINACAO_PERMISSOES_INCORRETA", "CONS-PERM-05/whole-groups"},
		"one beside a group":  {body(append([]string{"LOANS_READ"}, balances...), "", ""), "422 COMBINACAO_PERMISSOES_INCORRETA", "CONS-PERM-05/whole-groups"},
		"without resources":   {body(balances[:2], "", ""), "422 COMBINACAO_PERMISSOES_INCORRETA", "CONS-PERM-06/resources-read"},
		"resources alone":     {body([]string{resources}, "", ""), "422 SEM_PERMISSOES_FUNCIONAIS_RESTANTES", "CONS-PERM-07/functional-left"},
		"past":                {body(balances, "", "2026-03-02T12:00:00Z"), "422 DATA_EXPIRACAO_INVALIDA", "CONS-EXP-01/not-past"},
		"beyond a year":       {body(balances, "", "2027-03-02T12:00:01Z"), "422 DATA_EXPIRACAO_INVALIDA", "CONS-EXP-02/within-a-year"},
		"not json":            {`{"data":`, "400 PARAMETRO_INVALIDO", ""},
		"no data":             {`{}`, "400 PARAMETRO_INVALIDO", ""},
		"empty permissions":   {body([]string{}, "", ""), "400 PARAMETRO_INVALIDO", ""},
		"permissions no list": {`{"data":{"permissions":"ACCOUNTS_READ"}}`, "400 PARAMETRO_INVALIDO", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := desks(t, nil)
			a, err := d.do("consents.create", "", row.body)
			if got := verdict(t, a, err); got != row.want {
				t.Fatalf("%s, want %s", got, row.want)
			}
			if row.rule == "" {
				return
			}
			if err := d.board.Arm("off:" + row.rule); err != nil {
				t.Fatal(err)
			}
			a, err = d.do("consents.create", "", row.body)
			if got := verdict(t, a, err); got != "201" {
				t.Errorf("with %s off: %s", row.rule, got)
			}
		})
	}
}

func TestAnyUnionOfGroupsIsGrantedAndNothingLess(t *testing.T) {
	d := desks(t, func(string) bool { return true })
	rapid.Check(t, func(rt *rapid.T) {
		person := rapid.SampledFrom([]spec.Person{spec.Natural, spec.Company}).Draw(rt, "person")
		var wanted []string
		for _, g := range spec.Groups() {
			if (g.Person == spec.AnyPerson || g.Person == person) && rapid.Bool().Draw(rt, g.Name) {
				for _, p := range g.Permissions {
					if !slices.Contains(wanted, p) {
						wanted = append(wanted, p)
					}
				}
			}
		}
		if len(wanted) == 0 {
			return
		}
		cnpj := ""
		if person == spec.Company {
			cnpj = company
		}
		wanted = rapid.Permutation(append(wanted, resources)).Draw(rt, "order")
		a, err := d.do("consents.create", "", body(wanted, cnpj, ""))
		if got := verdict(t, a, err); got != "201" {
			rt.Fatalf("%v: %s", wanted, got)
		}
		var made struct {
			Data struct{ Permissions []string }
		}
		if err := json.Unmarshal(a.Body, &made); err != nil || !slices.Equal(made.Data.Permissions, wanted) {
			rt.Fatalf("granted %v of %v", made.Data.Permissions, wanted)
		}
		// Taking one permission away is legal exactly when the rest is again a union of groups.
		i := rapid.IntRange(0, len(wanted)-1).Draw(rt, "without")
		rest := slices.Delete(slices.Clone(wanted), i, i+1)
		if len(rest) < 2 {
			return
		}
		a, err = d.do("consents.create", "", body(rest, cnpj, ""))
		want := "422 COMBINACAO_PERMISSOES_INCORRETA"
		if union(rest) {
			want = "201"
		}
		if got := verdict(t, a, err); got != want {
			rt.Fatalf("%v: %s, want %s", rest, got, want)
		}
	})
}

// union says, by trying all subsets' simplest form, whether the list is made of whole groups.
func union(list []string) bool {
	left := map[string]bool{}
	for _, p := range list {
		left[p] = true
	}
	if !left[resources] {
		return false
	}
	delete(left, resources)
	for _, g := range spec.Groups() {
		has := 0
		for _, p := range g.Permissions {
			if slices.Contains(list, p) {
				has++
			}
		}
		if has == len(g.Permissions) {
			for _, p := range g.Permissions {
				delete(left, p)
			}
		}
	}
	return len(left) == 0
}

func TestWhatIsNotOfferedLeavesOrStays(t *testing.T) {
	d := desks(t, func(api string) bool { return api == "accounts" })
	cards := []string{"CREDIT_CARDS_ACCOUNTS_READ", "CREDIT_CARDS_ACCOUNTS_LIMITS_READ"}
	account := []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ"}
	a, err := d.do("consents.create", "", body(slices.Concat(cards, account, []string{"EXCHANGES_READ", resources}), "", ""))
	var made struct {
		Data struct{ Permissions []string }
	}
	if verdict(t, a, err) != "201" || json.Unmarshal(a.Body, &made) != nil ||
		!slices.Equal(made.Data.Permissions, slices.Concat(account, []string{"EXCHANGES_READ", resources})) {
		t.Errorf("granted %v", made.Data.Permissions)
	}
	a, err = d.do("consents.create", "", body(append(cards, resources), "", ""))
	if got := verdict(t, a, err); got != "422 SEM_PERMISSOES_FUNCIONAIS_RESTANTES" {
		t.Error(got)
	}
}

func TestCreationTellsWhetherThePersonCanLogIn(t *testing.T) {
	for want, known := range map[string]error{"NONE": nil, "NO_CREDENTIAL": connector.ErrUnknown, "CREDENTIAL_UNAVAILABLE": connector.ErrUnavailable} {
		d := desks(t, nil)
		d.api = consent.NewAPI(d.Engine, nil, func(context.Context, string) error { return known })
		report := map[string]string{}
		a, err := d.api.Handle(t.Context(), &call.Call{
			Operation: spec.Find("consents.create"), Request: httptest.NewRequest("POST", "/", nil), Report: report, Now: d.clock.Now(),
			Client: &call.Client{ID: "aurora"}, Body: []byte(body([]string{"EXCHANGES_READ", resources}, "", "")),
		})
		if verdict(t, a, err) != "201" || report["dropReason"] != want {
			t.Errorf("%v, want %s", report, want)
		}
	}
}

func (d *desk) consent(t testing.TB, expires, cnpj string, authorised bool, approvals ...string) string {
	t.Helper()
	p := []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", resources}
	a, err := d.do("consents.create", "", body(p, cnpj, expires))
	if got := verdict(t, a, err); got != "201" {
		t.Fatal(got)
	}
	var made struct {
		Data struct {
			ID     string `json:"consentId"`
			Status string
		}
		Links struct{ Self string }
	}
	if err := json.Unmarshal(a.Body, &made); err != nil || made.Data.Status != consent.Awaiting {
		t.Fatalf("%s", a.Body)
	}
	if want := "https://matls-api.banco-ensaio.test/open-banking/consents/v3/consents/" + made.Data.ID; made.Links.Self != want {
		t.Errorf("self %s, want %s", made.Links.Self, want)
	}
	if authorised {
		d.authorise(t, made.Data.ID, approvals...)
	}
	return made.Data.ID
}

func TestOnlyTheOwnerSeesOrEndsAConsent(t *testing.T) {
	for op, good := range map[string]string{"consents.read": "200", "consents.delete": "204", "consents.extensions": "200"} {
		d := desks(t, nil)
		id := d.consent(t, "", "", true)
		a, err := d.do(op, id, "", ask{client: "boreal"})
		if got := verdict(t, a, err); got != "403 NAO_AUTORIZADO" {
			t.Errorf("%s: %s", op, got)
		}
		if err := d.board.Arm("off:AS-CONS-07/" + strings.TrimPrefix(op, "consents.")); err != nil {
			t.Fatal(err)
		}
		a, err = d.do(op, id, "", ask{client: "boreal"})
		if got := verdict(t, a, err); got != good {
			t.Errorf("%s with the rule off: %s", op, got)
		}
		a, err = d.do(op, "urn:bancoensaio:x", "")
		if got := verdict(t, a, err); got != "404 NAO_ENCONTRADO" {
			t.Errorf("%s of nothing: %s", op, got)
		}
	}
}

func TestDeletionOnce(t *testing.T) {
	d := desks(t, nil)
	id := d.consent(t, "", "", true)
	for _, want := range []string{"204", "422 CONSENTIMENTO_EM_STATUS_REJEITADO"} {
		a, err := d.do("consents.delete", id, "")
		if got := verdict(t, a, err); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	a, err := d.do("consents.read", id, "")
	if verdict(t, a, err) != "200" || !strings.Contains(string(a.Body), `"rejection":{"rejectedBy":"USER","reason":{"code":"CUSTOMER_MANUALLY_REVOKED"}}`) {
		t.Errorf("%s", a.Body)
	}
}

func TestExtensionKeepsEverySentence(t *testing.T) {
	for name, row := range map[string]struct {
		expires, cnpj string // of the consent
		approvals     []string
		body          string
		token         string // another consent's, when not ""
		want, rule    string
	}{
		"later":            {"2026-06-01T00:00:00Z", "", nil, body(nil, "", "2026-09-01T00:00:00Z"), "", "201", ""},
		"without end":      {"2026-06-01T00:00:00Z", "", nil, body(nil, "", ""), "", "201", ""},
		"endless again":    {"", "", nil, body(nil, "", ""), "", "201", ""},
		"company":          {"2026-06-01T00:00:00Z", company, nil, body(nil, company, "2026-09-01T00:00:00Z"), "", "201", ""},
		"company, another": {"2026-06-01T00:00:00Z", company, nil, strings.Replace(body(nil, company, ""), "12345678909", "98765432100", 1), "", "201", ""},
		"other token":      {"2026-06-01T00:00:00Z", "", nil, body(nil, "", ""), "urn:bancoensaio:x", "403 NAO_AUTORIZADO", "CONS-EXT-01/own-consent"},
		"other person":     {"2026-06-01T00:00:00Z", "", nil, strings.Replace(body(nil, "", ""), "12345678909", "98765432100", 1), "", "403 NAO_AUTORIZADO", "CONS-EXT-02/same-person"},
		"other company":    {"2026-06-01T00:00:00Z", company, nil, body(nil, "99ABC34501DE35", ""), "", "403 NAO_AUTORIZADO", "CONS-EXT-03/same-company"},
		"company unnamed":  {"2026-06-01T00:00:00Z", company, nil, body(nil, "", ""), "", "403 NAO_AUTORIZADO", "CONS-EXT-03/same-company"},
		"approvers":        {"2026-06-01T00:00:00Z", company, []string{"second"}, body(nil, company, ""), "", "422 DEPENDE_MULTIPLA_ALCADA", "CONS-EXT-04/single-approver"},
		"not later":        {"2026-06-01T00:00:00Z", "", nil, body(nil, "", "2026-06-01T00:00:00Z"), "", "422 DATA_EXPIRACAO_INVALIDA", "CONS-EXT-05/later"},
		"past":             {"2026-06-01T00:00:00Z", "", nil, body(nil, "", "2026-01-01T00:00:00Z"), "", "422 DATA_EXPIRACAO_INVALIDA", "CONS-EXT-05/later"},
		"past of endless":  {"", "", nil, body(nil, "", "2026-01-01T00:00:00Z"), "", "422 DATA_EXPIRACAO_INVALIDA", "CONS-EXT-05/later"},
		"beyond a year":    {"2026-06-01T00:00:00Z", "", nil, body(nil, "", "2028-06-01T00:00:00Z"), "", "422 DATA_EXPIRACAO_INVALIDA", "CONS-EXT-06/within-a-year"},
		"an end":           {"", "", nil, body(nil, "", "2026-06-01T00:00:00Z"), "", "422 DATA_EXPIRACAO_INVALIDA", "CONS-EXT-07/endless-stays"},
		"no user":          {"", "", nil, `{"data":{}}`, "", "400 PARAMETRO_INVALIDO", "CONS-REQ-01/has-logged-user"},
	} {
		t.Run(name, func(t *testing.T) {
			d := desks(t, nil)
			id := d.consent(t, row.expires, row.cnpj, true, row.approvals...)
			token := row.token
			if token == "" {
				token = id
			}
			extend := func() string {
				a, err := d.do("consents.extend", id, row.body, ask{client: "aurora", token: token})
				return verdict(t, a, err)
			}
			if got := extend(); got != row.want {
				t.Fatalf("%s, want %s", got, row.want)
			}
			if row.rule == "" {
				return
			}
			if err := d.board.Arm("off:" + row.rule); err != nil {
				t.Fatal(err)
			}
			if got := extend(); got != "201" {
				t.Errorf("with %s off: %s", row.rule, got)
			}
		})
	}
}

func TestOnlyAnAuthorisedConsentIsExtended(t *testing.T) {
	d := desks(t, nil)
	id := d.consent(t, "", "", false)
	a, err := d.do("consents.extend", id, body(nil, "", ""))
	if got := verdict(t, a, err); got != "422 ESTADO_CONSENTIMENTO_INVALIDO" {
		t.Error(got)
	}
}

func TestExtensionsAreListedNewestFirst(t *testing.T) {
	d := desks(t, nil)
	id := d.consent(t, "2026-04-01T00:00:00Z", "", true)
	for i := range 30 {
		d.clock.Advance(time.Second)
		a, err := d.do("consents.extend", id, body(nil, "", fmt.Sprintf("2026-05-%02dT00:00:00Z", i+1)))
		if got := verdict(t, a, err); got != "201" {
			t.Fatal(got)
		}
	}
	var page struct {
		Data []struct {
			Expires  string `json:"expirationDateTime"`
			Previous string `json:"previousExpirationDateTime"`
			IP       string `json:"xFapiCustomerIpAddress"`
		}
		Links map[string]string
		Meta  struct{ TotalRecords, TotalPages int }
	}
	a, err := d.do("consents.extensions", id, "", ask{client: "aurora", query: "?page-size=5"})
	if verdict(t, a, err) != "200" || json.Unmarshal(a.Body, &page) != nil {
		t.Fatalf("%s", a.Body)
	}
	if len(page.Data) != 25 || page.Data[0].Expires != "2026-05-30T00:00:00Z" || page.Data[0].Previous != "2026-05-29T00:00:00Z" ||
		page.Data[0].IP != "10.0.0.1" || page.Meta.TotalRecords != 30 || page.Meta.TotalPages != 2 {
		t.Errorf("%s", a.Body)
	}
	if page.Links["prev"] != "" || page.Links["first"] != "" || !strings.HasSuffix(page.Links["next"], "?page=2&page-size=25") {
		t.Errorf("%v", page.Links)
	}
	a, err = d.do("consents.extensions", id, "", ask{client: "aurora", query: "?page=3"})
	if got := verdict(t, a, err); got != "422 PAGE_NOT_FOUND" {
		t.Error(got)
	}
	a, _ = d.do("consents.read", id, "")
	if a.Status != http.StatusOK || !strings.Contains(string(a.Body), "2026-05-30T00:00:00Z") {
		t.Errorf("%s", a.Body)
	}
}
