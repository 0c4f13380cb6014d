package screen

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var born = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func page(t *testing.T, draw func(*Screens, *bytes.Buffer) error) (string, *html.Node) {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := draw(s, &b); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), doc
}

func attribute(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func find(n *html.Node, match func(*html.Node) bool) []*html.Node {
	var all []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && match(d) {
			all = append(all, d)
		}
	}
	return all
}

func hook(n *html.Node, name string) []*html.Node {
	return find(n, func(e *html.Node) bool { v, ok := attribute(e, "data-ofb"); return ok && v == name })
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

func expect(t *testing.T, doc *html.Node, name, want string) {
	t.Helper()
	found := hook(doc, name)
	if len(found) == 0 {
		t.Errorf("%s is not on the page", name)
		return
	}
	if got := text(found[0]); got != want {
		t.Errorf("%s shows %q, want %q", name, got, want)
	}
}

func absent(t *testing.T, doc *html.Node, names ...string) {
	t.Helper()
	for _, name := range names {
		if len(hook(doc, name)) > 0 {
			t.Errorf("%s must not be on the page", name)
		}
	}
}

func dataView() DataView {
	end := born.AddDate(1, 0, 0)
	return DataView{
		Page: Page{Brand: "Banco Ensaio"}, Form: Form{Action: "/authorize/1/consent", CSRF: "token"}, Customer: "Ana Sintética",
		Receiver: "Receptora Aurora", Institution: "Aurora Pagamentos SIMULADA S.A.", Purpose: "Organizar as finanças",
		Groups: Groups([]string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ", "LOANS_READ"}),
		Accounts: []Account{
			{ID: "a-1", Kind: "Conta corrente", Branch: "0001", Number: "12345-6"},
			{ID: "a-2", Kind: "Conta poupança", Branch: "0001", Number: "99999-1", Institution: "Ensaio Financeira"},
			{ID: "a-3", Kind: "Conta corrente", Number: "5", Unfit: "conta encerrada"},
		},
		Starts: born, Expires: &end,
	}
}

func paymentView() PaymentView {
	return PaymentView{
		Page: Page{Brand: "Banco Ensaio"}, Form: Form{Action: "/pay", CSRF: "token"}, Initiator: "Iniciadora Boreal", Payer: "11144477735",
		Amount: "1234567.89", Details: "Mensalidade", Instrument: "DICT", Date: born,
		Creditor: Creditor{Name: "Marco Sintético", Document: "52998224725", Institution: "Banco Outro", Key: "52998224725"},
		Accounts: []Account{
			{ID: "a-1", Kind: "Conta corrente", Branch: "0001", Number: "1", Balance: "10.00", Unfit: "saldo insuficiente"},
			{ID: "a-2", Kind: "Conta corrente", Branch: "0001", Number: "2", Balance: "2000000.00", Selected: true},
		},
	}
}

func TestSharingShowsEverythingTheGuideDemands(t *testing.T) {
	_, doc := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Consent(b, dataView()) })
	for name, want := range map[string]string{
		"receiver": "Receptora Aurora", "receiver-institution": "Aurora Pagamentos SIMULADA S.A.", "transmitter": "Banco Ensaio",
		"term": "12 meses", "end-date": "22/11/2027", "purpose": "Organizar as finanças", "customer": "Ana Sintética",
		"confirm": "Confirmar", "cancel": "Cancelar", "watermark": "ambiente simulado — ensaio, não é certificação", "unfit": "conta encerrada",
		"origin-institution": "(Ensaio Financeira)",
	} {
		expect(t, doc, name, want)
	}
	if hooks := hook(doc, "group-name"); len(hooks) != 2 || text(hooks[0]) != "Saldos" || text(hooks[1]) != "Contratos de empréstimos" {
		t.Errorf("groups shown are not those of the consent: %d", len(hooks))
	}
	if len(hook(doc, "auto-include-notice")) != 1 || len(hook(doc, "next-steps")) != 1 {
		t.Error("a mandatory notice is missing")
	}
	for _, d := range hook(doc, "group") {
		if _, open := attribute(d, "open"); d.Data != "details" || open {
			t.Error("details must be folded by default")
		}
	}
	boxes := find(doc, func(e *html.Node) bool { v, _ := attribute(e, "name"); return v == "account" })
	if len(boxes) != 3 {
		t.Fatalf("want 3 accounts, got %d", len(boxes))
	}
	for i, box := range boxes {
		_, checked := attribute(box, "checked")
		_, disabled := attribute(box, "disabled")
		if want := i < 2; checked != want || disabled == want {
			t.Errorf("account %d: checked %v, disabled %v", i, checked, disabled)
		}
	}
	absent(t, doc, "defects", "approval", "nothing-found", "companies")
	if raw, _ := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Consent(b, dataView()) }); strings.Contains(strings.ToLower(raw), "termos") {
		t.Error("terms and conditions must not appear, not even as a link (CF-13)")
	}
}

func TestSharingWithoutEndShowsNoDate(t *testing.T) {
	v := dataView()
	v.Expires = nil
	_, doc := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Consent(b, v) })
	expect(t, doc, "term", "prazo indeterminado")
	absent(t, doc, "end-date")
}

func TestTheLastAccountCannotBeTakenOut(t *testing.T) {
	v := dataView()
	v.Accounts = v.Accounts[:1]
	_, doc := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Consent(b, v) })
	boxes := find(doc, func(e *html.Node) bool { n, _ := attribute(e, "name"); return n == "account" })
	if _, required := attribute(boxes[0], "required"); !required {
		t.Error("a single account must stay chosen")
	}
}

func TestPaymentShowsEverythingTheGuideDemands(t *testing.T) {
	_, doc := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Payment(b, paymentView()) })
	for name, want := range map[string]string{
		"amount": "R$ 1.234.567,89", "creditor": "Marco Sintético", "creditor-document": "***.982.247-**", "creditor-key": "***.982.247-**",
		"creditor-institution": "Banco Outro", "means": "Pix por chave", "kind": "imediato", "date": "22/11/2026", "description": "Mensalidade",
		"fee": "não há", "initiator": "Iniciadora Boreal", "payer-document": "***.444.777-**", "unfit": "saldo insuficiente", "balance": "R$ 10,00",
	} {
		expect(t, doc, name, want)
	}
	radios := find(doc, func(e *html.Node) bool { v, _ := attribute(e, "type"); return v == "radio" })
	if _, disabled := attribute(radios[0], "disabled"); !disabled {
		t.Error("an unfit account must be disabled")
	}
	if _, checked := attribute(radios[1], "checked"); !checked {
		t.Error("the account given by the initiator must be selected")
	}
	absent(t, doc, "schedule", "end-date", "code-information")
}

func TestScheduledPaymentByCode(t *testing.T) {
	v := paymentView()
	v.Instrument, v.Schedule, v.Until = "QRES", "todo dia 5, por 3 meses", born.AddDate(0, 3, 0)
	v.Approval = &Approval{Approvers: []string{"Bia"}, Where: "no aplicativo do banco", Deadline: born}
	_, doc := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Payment(b, v) })
	expect(t, doc, "kind", "agendado")
	expect(t, doc, "schedule", "todo dia 5, por 3 meses")
	expect(t, doc, "end-date", "22/02/2027")
	expect(t, doc, "code-information", "Mensalidade")
	expect(t, doc, "approvers", "Bia")
	expect(t, doc, "approval-where", "no aplicativo do banco")
	expect(t, doc, "approval-deadline", "22/11/2026, 09h00")
	absent(t, doc, "description")
}

func TestLoginAsksOnlyForCredentials(t *testing.T) {
	v := LoginView{Page: Page{Brand: "Banco Ensaio", Defects: []string{"off:AS-REQ-03/has-exp"}}, Form: Form{Action: "/authorize/1/login", CSRF: "t"},
		Requester: "Receptora Aurora", Username: "ana", Failure: "Usuário ou senha não conferem.", Recover: "/recuperar"}
	_, doc := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Login(b, v) })
	inputs := find(doc, func(e *html.Node) bool {
		kind, _ := attribute(e, "type")
		return e.Data == "input" && kind != "hidden"
	})
	if len(inputs) != 2 {
		t.Errorf("want username and password only, got %d inputs", len(inputs))
	}
	for _, in := range inputs {
		id, _ := attribute(in, "id")
		if len(find(doc, func(e *html.Node) bool { f, _ := attribute(e, "for"); return e.Data == "label" && f == id })) != 1 {
			t.Errorf("input %s has no label", id)
		}
	}
	if got := hook(doc, "defects"); len(got) != 1 || !strings.Contains(text(got[0]), "off:AS-REQ-03/has-exp") {
		t.Error("armed defects must be shouted")
	}
	expect(t, doc, "login-failure", "Usuário ou senha não conferem.")
	if len(hook(doc, "recover")) != 1 {
		t.Error("no path for a lost password")
	}
}

func TestErrorSaysWhatWhyAndWhatToDo(t *testing.T) {
	v := ErrorView{Page: Page{Brand: "Banco Ensaio"}, Kind: "owner-mismatch", What: "Quem entrou não é quem pediu", Why: "O pedido é de outro CPF.",
		Do: "Volte e peça de novo.", Party: "Banco Ensaio", Return: "https://app.receptora-aurora.localhost/cb#error=access_denied"}
	_, doc := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Error(b, v) })
	expect(t, doc, "what", v.What)
	expect(t, doc, "why", v.Why)
	expect(t, doc, "do", v.Do)
	expect(t, doc, "party", "Banco Ensaio")
	if len(hook(doc, "owner-mismatch")) != 1 {
		t.Error("the kind of error has no hook")
	}
	absent(t, doc, "groups", "confirm", "amount")
}

func TestHostileValuesAreText(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	d := dataView()
	d.Receiver, d.Institution, d.Customer, d.CSRF, d.Action, d.Purpose = evil, evil, evil, evil, "javascript:alert(1)", evil
	d.Defects, d.Missing, d.Accounts[0].ID, d.Accounts[0].Kind = []string{evil}, []string{evil}, evil, evil
	d.Companies = []Company{{ID: evil, Name: evil, CNPJ: evil}}
	p := paymentView()
	p.Creditor, p.Details, p.Initiator, p.Amount = Creditor{evil, evil, evil, evil}, evil, evil, evil
	for name, draw := range map[string]func(*Screens, *bytes.Buffer) error{
		"data":    func(s *Screens, b *bytes.Buffer) error { return s.Consent(b, d) },
		"payment": func(s *Screens, b *bytes.Buffer) error { return s.Payment(b, p) },
		"login": func(s *Screens, b *bytes.Buffer) error {
			return s.Login(b, LoginView{Requester: evil, Username: evil, Failure: evil, Recover: "javascript:1"})
		},
		"error": func(s *Screens, b *bytes.Buffer) error {
			return s.Error(b, ErrorView{What: evil, Kind: evil, Return: "javascript:alert(1)"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			raw, doc := page(t, draw)
			if n := find(doc, func(e *html.Node) bool { return e.Data == "script" || e.Data == "img" }); len(n) > 0 {
				t.Errorf("injected %s", n[0].Data)
			}
			if strings.Contains(raw, `"javascript:`) {
				t.Error("a script address got through")
			}
		})
	}
}

func TestStylePassesItsOwnPolicy(t *testing.T) {
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	_, doc := page(t, func(s *Screens, b *bytes.Buffer) error { return s.Login(b, LoginView{}) })
	style := find(doc, func(e *html.Node) bool { return e.Data == "style" })[0]
	sum := sha256.Sum256([]byte(style.FirstChild.Data))
	if want := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(s.Policy("https://app.receptora.localhost"), want) {
		t.Errorf("policy %q does not allow the style %s", s.Policy(), want)
	}
	root := find(doc, func(e *html.Node) bool { return e.Data == "html" })[0]
	if lang, _ := attribute(root, "lang"); lang != "pt-BR" {
		t.Error("the page's language is not declared")
	}
}

func TestMoneyAndMask(t *testing.T) {
	for in, want := range map[string]string{"0.01": "R$ 0,01", "999.00": "R$ 999,00", "1000.00": "R$ 1.000,00", "-1234.50": "R$ -1.234,50", "12": "12", "a.bc": "a.bc", "1.2345": "R$ 1,23"} {
		if got := Money(in); got != want {
			t.Errorf("Money(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"11144477735": "***.444.777-**", "12ABC34501DE35": "12.ABC.345/01DE-35", "x@y.br": "x@y.br", "": ""} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

var update = flag.Bool("update", false, "write the sample pages anew")

// The sample pages are what the robot customer is tested with: when a page changes, they change with it.
func TestSamplePagesAreCurrent(t *testing.T) {
	several := dataView()
	several.Companies = []Company{{ID: "c-1", Name: "Padaria Sintética LTDA", CNPJ: "12ABC34501DE35"}, {ID: "c-2", Name: "Oficina Sintética LTDA", CNPJ: "11222333000181"}, {Name: "Em meu próprio nome"}}
	for name, draw := range map[string]func(*Screens, *bytes.Buffer) error{
		"login": func(s *Screens, b *bytes.Buffer) error {
			return s.Login(b, LoginView{Page: Page{Brand: "Banco Ensaio"}, Form: Form{Action: "/login", CSRF: "csrf-1"}, Requester: "Receptora Aurora"})
		},
		"data":    func(s *Screens, b *bytes.Buffer) error { return s.Consent(b, several) },
		"payment": func(s *Screens, b *bytes.Buffer) error { return s.Payment(b, paymentView()) },
		"error": func(s *Screens, b *bytes.Buffer) error {
			return s.Error(b, ErrorView{Page: Page{Brand: "Banco Ensaio"}, Kind: "expired", What: "O pedido expirou", Why: "Passou do prazo.", Do: "Peça de novo."})
		},
	} {
		got, _ := page(t, draw)
		file := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from the page drawn; run the test with -update", file)
		}
	}
}
