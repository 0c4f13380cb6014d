package corebank

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/ensaio/ensaio/sim/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)

func cast() []Person {
	person := func(n int, trait string) Person {
		return Person{
			Key: fmt.Sprintf("person-%d", n), Name: fmt.Sprintf("Pessoa Sintética %d", n), CPF: fmt.Sprintf("%011d", 10_000_000_000+n), Birth: "1980-02-03",
			Email: fmt.Sprintf("p%d@example.com", n), Phone: fmt.Sprintf("+551190000%04d", n), Username: fmt.Sprintf("p%d", n), Password: "segredo+123456", Traits: []string{trait},
		}
	}
	all := []Person{
		person(0, "ordinary"), person(1, "poor"), person(2, "joint"), person(3, "joint"), person(4, "company-several"), person(5, "company-several"),
		person(6, "reserved-balance"), person(7, "unavailable-account"), person(8, "no-accounts"),
	}
	all[2].Partner, all[3].Partner = all[3].Key, all[2].Key
	firm := Company{Key: "company-4", Name: "Comércio Sintético Ltda", CNPJ: "12ABC34501DE35"}
	all[4].Companies, all[5].Companies = []Company{firm}, []Company{firm}
	return all
}

func open(t testing.TB, clk *clock.Clock, dir string) *Bank {
	t.Helper()
	b, err := New(Config{Clock: clk, Seed: 1, People: cast(), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return b
}

func (b *Bank) first(customer string) *account { return b.people[customer].accounts[0] }

func pay(b *Bank, id, from, amount string, to Account) Order {
	return Order{ID: id, Customer: from, Debtor: b.first(from).pix(b.cfg.ISPB), Creditor: to, Amount: amount, EndToEndID: "E" + id, Instrument: "MANU", CreditorName: "Loja", CreditorDoc: otherCNPJ}
}

// run steps the clock until the order is final.
func run(t testing.TB, b *Bank, id string) Receipt {
	t.Helper()
	for range 1000 {
		b.mu.RLock()
		r := b.orders[id].receipt()
		b.mu.RUnlock()
		if final(r.State) || r.State == Held {
			return r
		}
		b.advance(id)
	}
	t.Fatalf("order %s never ends", id)
	return Receipt{}
}

func balanced(t testing.TB, b *Bank) {
	t.Helper()
	var sum int64
	for _, cents := range b.Books() {
		sum += cents
	}
	if sum != 0 {
		t.Fatalf("the books sum to %d centavos", sum)
	}
}

var elsewhere = outside[0].Account

func TestAnOrderMovesMoneyOnceHoweverOftenItIsSent(t *testing.T) {
	b := open(t, clock.Fixed(start), "")
	before := b.Books()[b.first("person-0").book()]
	o := pay(b, "o1", "person-0", "100.10", elsewhere)
	for range 3 {
		if r, err := b.Submit(context.Background(), o); err != nil || r.State == Rejected {
			t.Fatal(r, err)
		}
	}
	if r := run(t, b, "o1"); r.State != Settled {
		t.Fatal(r)
	}
	if r, err := b.Submit(context.Background(), o); err != nil || r.State != Settled {
		t.Fatal(r, err)
	}
	o.Amount = "100.11"
	if _, err := b.Submit(context.Background(), o); !errors.Is(err, ErrConflict) {
		t.Fatalf("another order under the same id: %v", err)
	}
	if got := before - b.Books()[b.first("person-0").book()]; got != 100_10 {
		t.Fatalf("%d centavos left the account", got)
	}
	balanced(t, b)
	p, err := b.List(context.Background(), Query{Source: "transactions", Customer: "person-0", Parent: b.first("person-0").id, To: start, Limit: 1})
	if err != nil || !strings.Contains(string(p.Records[0].Body), `"amount":"100.10"`) {
		t.Fatalf("the movement is not the newest transaction: %s %v", p.Records[0].Body, err)
	}
}

// ordinary says whether an amount chooses no outcome of its own.
func ordinary(cents int64) bool {
	whole := cents / 100
	return whole < refuseForeseen || whole > hold && whole != outage
}

func TestAnAmountBesideTheHeldOnesIsPaid(t *testing.T) {
	for cents, held := range map[int64]bool{hold * 100: false, hold*100 + 1: true, hold*100 + 3: true, hold*100 + 4: false} {
		if holds(cents) != held {
			t.Errorf("%d centavos: held %v, want %v", cents, !held, held)
		}
	}
}

func TestParallelOrdersNeverOverdrawAndTheBooksBalance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := open(t, clock.Fixed(start), "")
		amounts := rapid.SliceOfN(rapid.Int64Range(1, 19_000_00).Filter(ordinary), 1, 40).Draw(rt, "amounts")
		var wg sync.WaitGroup
		for i, cents := range amounts {
			wg.Go(func() {
				to := elsewhere
				if i%2 == 0 {
					to = b.first("person-1").pix(b.cfg.ISPB)
				}
				if _, err := b.Submit(context.Background(), pay(b, fmt.Sprint(i), "person-0", string(money(nil, cents)), to)); err != nil {
					rt.Error(err)
				}
			})
		}
		wg.Wait()
		balanced(t, b)
		for i := range amounts {
			run(t, b, fmt.Sprint(i))
		}
		balanced(t, b)
		books := b.Books()
		if books[transit] != 0 || books[b.first("person-0").book()] < 0 {
			rt.Fatalf("transit %d, payer %d", books[transit], books[b.first("person-0").book()])
		}
		if err := b.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestRefusalsAndHoldsAreTold(t *testing.T) {
	b := open(t, clock.Fixed(start), "")
	inside := b.first("person-1").pix(b.cfg.ISPB)
	for _, c := range []struct {
		name, customer, amount string
		edit                   func(*Order)
		at                     string // "foresee", "submit", "later" or ""
		reason                 string
	}{
		{name: "poor", customer: "person-1", amount: "1.01", at: "foresee", reason: "SALDO_INSUFICIENTE"},
		{name: "beyond the limit", customer: "person-0", amount: "20000.01", at: "foresee", reason: "VALOR_ACIMA_LIMITE"},
		{name: "withdrawal beyond its limit", customer: "person-0", amount: "3000.01", edit: func(o *Order) { o.Purpose = "WITHDRAW" }, at: "foresee", reason: "VALOR_ACIMA_LIMITE"},
		{name: "same account", customer: "person-0", amount: "1.00", edit: func(o *Order) { o.Creditor = o.Debtor }, at: "foresee", reason: "CONTAS_ORIGEM_DESTINO_IGUAIS"},
		{name: "account of somebody else", customer: "person-0", amount: "1.00", edit: func(o *Order) { o.Debtor = inside }, at: "foresee", reason: "CONTA_NAO_PERMITE_PAGAMENTO"},
		{name: "reserved when foreseen", customer: "person-0", amount: "10421.08", at: "foresee", reason: "NAO_INFORMADO"},
		{name: "reserved when submitted", customer: "person-0", amount: "10422.05", at: "submit", reason: "PAGAMENTO_RECUSADO_DETENTORA"},
		{name: "reserved later", customer: "person-0", amount: "10423.13", at: "later", reason: "FALHA_INFRAESTRUTURA_DICT"},
		{name: "unknown key", customer: "person-0", amount: "1.00", edit: func(o *Order) { o.Proxy = "nada@example.com" }, at: "later", reason: "PAGAMENTO_RECUSADO_DETENTORA"},
		{name: "key of another", customer: "person-0", amount: "1.00", edit: func(o *Order) { o.Proxy = "p1@example.com" }, at: "later", reason: "DETALHE_PAGAMENTO_INVALIDO"},
		{name: "no such payee", customer: "person-0", amount: "1.00", edit: func(o *Order) { o.Creditor = Account{ISPB: "99999004", Number: "1"} }, at: "later", reason: "PAGAMENTO_RECUSADO_SPI"},
		{name: "good key", customer: "person-0", amount: "1.00", edit: func(o *Order) { o.Proxy, o.Creditor, o.CreditorDoc = "p1@example.com", inside, "10000000001" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := pay(b, c.name, c.customer, c.amount, elsewhere)
			if c.edit != nil {
				c.edit(&o)
			}
			v, err := b.Foresee(context.Background(), o)
			if err != nil || v.Allowed != (c.at != "foresee") || (!v.Allowed && v.Reason != c.reason) {
				t.Fatalf("foresee: %+v %v", v, err)
			}
			r, err := b.Submit(context.Background(), o)
			if err != nil || (r.State == Rejected) != (c.at == "foresee" && !strings.HasPrefix(c.amount, "10421") || c.at == "submit") {
				t.Fatalf("submit: %+v %v", r, err)
			}
			if c.at == "later" {
				if r = run(t, b, c.name); r.State != Rejected || r.Reason != c.reason || r.Detail == "" {
					t.Fatalf("later: %+v", r)
				}
			}
			if c.at == "" {
				if r = run(t, b, c.name); r.State != Settled {
					t.Fatalf("later: %+v", r)
				}
			}
			balanced(t, b)
		})
	}
	if _, err := b.Submit(context.Background(), pay(b, "out", "person-0", "10503.00", elsewhere)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("outage: %v", err)
	}
	if _, err := b.Submit(context.Background(), pay(b, "held", "person-0", "10424.01", elsewhere)); err != nil || run(t, b, "held").State != Held {
		t.Fatal("not held", err)
	}
	if r, err := b.Cancel(context.Background(), "held"); err != nil || r.State != Cancelled {
		t.Fatal(r, err)
	}
	balanced(t, b)
}

func TestTheBooksSurviveAKill(t *testing.T) {
	dir, clk := t.TempDir(), clock.Fixed(start)
	b := open(t, clk, dir)
	for i, amount := range []string{"10.00", "20.00", "10424.01", "10423.06"} {
		if _, err := b.Submit(context.Background(), pay(b, fmt.Sprint(i), "person-0", amount, elsewhere)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, b, "0")
	run(t, b, "2")
	b.advance("1")
	books, one := b.Books(), b.orders["1"].receipt()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "books.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, `{"kind":"state","id":"1","sta`)
	f.Close()
	clk.Advance(48 * time.Hour)
	c := open(t, clk, dir)
	if fmt.Sprint(c.Books()) != fmt.Sprint(books) || c.orders["1"].receipt() != one || c.orders["2"].state != Held {
		t.Fatalf("books or orders changed: %v, %v", c.Books(), c.orders["1"].receipt())
	}
	if r := run(t, c, "1"); r.State != Settled {
		t.Fatal(r)
	}
	if r := run(t, c, "3"); r.State != Rejected || r.Reason != "PAGAMENTO_RECUSADO_SPI" {
		t.Fatal(r)
	}
	balanced(t, c)
}

func TestWatchTellsEveryStepInOrder(t *testing.T) {
	b, err := New(Config{Clock: clock.New(), Seed: 1, People: cast(), Step: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	changes, err := b.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Submit(ctx, pay(b, "w", "person-0", "5.00", elsewhere)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{Accepted, Sent, Settled} {
		if c := <-changes; c.Order != "w" || c.Receipt.State != want {
			t.Fatalf("%+v, want %s", c, want)
		}
	}
}

func TestHistoryIsStableOrderedAndNetsToZero(t *testing.T) {
	clk := clock.Fixed(start)
	b := open(t, clk, "")
	all := func(q Query) []Record {
		q.Source, q.Customer, q.Parent = "transactions", "person-0", b.first("person-0").id
		p, err := b.List(context.Background(), q)
		if err != nil || len(p.Records) != p.Total && q.Limit == 0 {
			t.Fatal(p.Total, err)
		}
		return p.Records
	}
	first := all(Query{})
	if len(first) < 1000 {
		t.Errorf("%d transactions", len(first))
	}
	byID, last := map[string]string{}, "9999"
	for _, r := range first {
		var tx struct {
			TransactionDateTime            string
			CompletedAuthorisedPaymentType string
		}
		if err := json.Unmarshal(r.Body, &tx); err != nil || tx.TransactionDateTime > last {
			t.Fatalf("%s after %s: %v", tx.TransactionDateTime, last, err)
		}
		last = tx.TransactionDateTime
		if _, twice := byID[r.ID]; twice {
			t.Fatalf("%s twice", r.ID)
		}
		byID[r.ID] = string(r.Body)
	}
	for _, back := range []int{0, 6, 7, 365, 370} {
		day := start.AddDate(0, 0, -back)
		got := all(Query{From: day, To: day})
		if len(got) == 0 {
			t.Errorf("nothing on D-%d", back)
		}
		for _, r := range got {
			at, err := time.Parse("2006-01-02T15:04:05.000Z", string(r.Body[strings.Index(string(r.Body), `DateTime":"`)+11:][:24]))
			if err != nil || today(at) != civil(day) {
				t.Errorf("D-%d holds %v", back, at)
			}
		}
	}
	if debits := all(Query{Filters: map[string]string{"creditDebitIndicator": "DEBITO"}, Limit: 5}); len(debits) != 5 || !strings.Contains(string(debits[4].Body), "DEBITO") {
		t.Error("filter by side")
	}
	clk.Advance(10 * 24 * time.Hour)
	same := 0
	for _, r := range all(Query{}) {
		if body, ok := byID[r.ID]; ok && (body == string(r.Body) || strings.Contains(body, "LANCAMENTO_FUTURO")) {
			same++
		} else if ok {
			t.Fatalf("%s changed", r.ID)
		}
	}
	if same < 900 {
		t.Errorf("only %d transactions kept their ids after ten days", same)
	}
	a := b.first("person-0")
	for back := range 20 {
		var net int64
		day := time.Date(2026, 3, 1, 0, 0, 0, 0, Brasilia).AddDate(0, 0, -back)
		drawn, n := lines(a, day, uint64(back)*77)
		for _, l := range drawn[:n] {
			net += l.cents
		}
		if net != 0 {
			t.Errorf("a day nets to %d", net)
		}
	}
}

func TestNobodySeesWhatIsSomebodyElses(t *testing.T) {
	b := open(t, clock.Fixed(start), "")
	mine := b.first("person-0").id
	for _, source := range []string{"account", "balances", "overdraft-limits", "payment-accounts"} {
		if _, err := b.Get(context.Background(), Key{Source: source, Customer: "person-1", ID: mine}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", source, err)
		}
	}
	for _, source := range []string{"transactions", "reserved-balances"} {
		if _, err := b.List(context.Background(), Query{Source: source, Customer: "person-1", Parent: mine}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", source, err)
		}
	}
	if p, err := b.List(context.Background(), Query{Source: "accounts", Customer: "person-0", Only: []string{}}); err != nil || p.Total != 0 {
		t.Errorf("nothing selected lists %d: %v", p.Total, err)
	}
	if p, err := b.List(context.Background(), Query{Source: "resources", Customer: "person-8"}); err != nil || p.Total != 0 {
		t.Errorf("a customer without accounts lists %d: %v", p.Total, err)
	}
}

func TestLoginCountsFactors(t *testing.T) {
	b := open(t, clock.Fixed(start), "")
	for password, want := range map[string]int{"segredo+123456": 2, "segredo": 1} {
		if c, err := b.Authenticate(context.Background(), "p0", password); err != nil || c.Factors != want || c.CPF == "" {
			t.Errorf("%s: %+v %v", password, c, err)
		}
	}
	for _, password := range []string{"", "segredo+1", "outra"} {
		if _, err := b.Authenticate(context.Background(), "p0", password); !errors.Is(err, ErrCredentials) {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestApproversAreTheOthers(t *testing.T) {
	b := open(t, clock.Fixed(start), "")
	joint := b.people["person-3"].accounts
	p, err := b.List(context.Background(), Query{Source: "approvers", Customer: "person-3", Parent: joint[len(joint)-1].id})
	if err != nil || p.Total != 1 || p.Records[0].ID != "person-2" {
		t.Errorf("joint: %+v %v", p, err)
	}
	if p, err = b.List(context.Background(), Query{Source: "approvers", Customer: "company-4"}); err != nil || p.Total != 2 {
		t.Errorf("company: %+v %v", p, err)
	}
}

func TestControlChangesWhatTheBankSays(t *testing.T) {
	b := open(t, clock.Fixed(start), "")
	h, id := b.Control(), b.first("person-0").id
	post := func(path, body string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
		return w.Code
	}
	if code := post("/accounts/"+id+"/status", `{"status":"UNAVAILABLE"}`); code != 200 || b.first("person-0").status != Unavailable {
		t.Error(code)
	}
	if code := post("/accounts/"+id+"/status", `{"status":"GONE"}`); code != 422 {
		t.Error(code)
	}
	if code := post("/accounts/nobody/status", `{"status":"AVAILABLE"}`); code != 404 {
		t.Error(code)
	}
	if code := post("/accounts/"+id+"/balance", `{"amount":"-3.50"}`); code != 200 || b.Books()["account:"+id] != -3_50 {
		t.Error(code)
	}
	if code := post("/keys", `{"key":"nova@example.com","account":{"ispb":"99999012","number":"1","accountType":"CACC"}}`); code != 200 {
		t.Error(code)
	}
	if k, err := b.Resolve(context.Background(), "nova@example.com"); err != nil || k.Account.Number != "1" {
		t.Error(k, err)
	}
	balanced(t, b)
}

func BenchmarkTransactionsPage(b *testing.B) {
	bank := open(b, clock.New(), "")
	q := Query{Source: "transactions", Customer: "person-0", Parent: bank.first("person-0").id, Limit: 25}
	for b.Loop() {
		if _, err := bank.List(context.Background(), q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSubmit(b *testing.B) {
	bank := open(b, clock.Fixed(start), b.TempDir())
	bank.limits = Limits{Order: 1 << 50, Day: 1 << 50, Withdraw: 1 << 50}
	for i := 0; b.Loop(); i++ {
		if _, err := bank.Submit(context.Background(), pay(bank, fmt.Sprint(i), "person-0", "0.01", elsewhere)); err != nil {
			b.Fatal(err)
		}
	}
}
