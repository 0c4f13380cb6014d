package filing_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/ensaio/ensaio/sim/filing"
	"github.com/ensaio/ensaio/sim/spec"
)

const (
	bank   = "11111111-1111-4111-8111-111111111111"
	aurora = "22222222-2222-4222-8222-222222222222"
	boreal = "33333333-3333-4333-8333-333333333333"

	balances = "/open-banking/accounts/v2/accounts/{accountId}/balances"
	pix      = "/open-banking/payments/v5/pix/payments"
)

// friday is the last day of the week that is filed.
var friday = filing.DayOf(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))

func question() filing.Question {
	return filing.Question{Organisation: bank, Week: filing.WeekOf(friday)}
}

// told writes lines of an export.
type told struct {
	bytes.Buffer
	n int
}

func (t *told) call(side, interaction, client, method, endpoint, at string, status int, ms float64, info string) {
	if info == "" {
		info = "{}"
	}
	fmt.Fprintf(t, `{"number":%d,"kind":"private","state":"PAIRED","reporter":"x","report":{"fapiInteractionId":%q,"endpoint":%q,"statusCode":%d,"httpMethod":%q,"timestamp":%q,"processTimespan":%g,"clientOrgId":%q,"serverOrgId":%q,"role":%q,"additionalInfo":%s}}`+"\n",
		t.n, interaction, endpoint, status, method, at, ms, client, bank, side, info)
	t.n++
}

// both tells a call from both sides.
func (t *told) both(client, method, endpoint, at string, status int, ms float64, info string) string {
	id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", t.n)
	t.call("CLIENT", id, client, method, endpoint, at, status, ms+5, info)
	t.call("SERVER", id, client, method, endpoint, at, status, ms, "")
	return id
}

func (t *told) step(path, consent, reporter, kind string) {
	fmt.Fprintf(t, `{"kind":"hybrid","reporter":%q,"path":%q,"report":{"consentId":%q,"timestamp":"2026-11-17T12:00:01.000Z","type":%q}}`+"\n", reporter, path, consent, kind)
}

// journey tells a whole consent of a client from both sides.
func (t *told) journey(client, consent, endpoint, info, drop string) {
	id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", t.n)
	t.call("CLIENT", id, client, "POST", endpoint, "2026-11-17T12:00:00.000Z", 201, 9, info)
	t.call("SERVER", id, client, "POST", endpoint, "2026-11-17T12:00:00.000Z", 201, 9, `{"dropReason":"`+drop+`"}`)
	t.step("client/redirect-to-server", consent, client, "")
	t.step("server/redirect-target", consent, bank, "AWAITING_USER_AUTH")
	t.step("server/authenticated", consent, bank, "")
	t.step("server/redirect-to-client", consent, bank, "AUTHORISED")
	t.step("client/redirect-target-without-errors", consent, client, "")
	t.call("CLIENT", fmt.Sprintf("%08d-0000-4000-9000-000000000000", t.n), client, "POST", "/token", "2026-11-17T12:00:02.000Z", 200, 9, `{"grantType":"AUTHORIZATION_CODE","consentId":"`+consent+`"}`)
}

func read(t *testing.T, text string) *filing.Book {
	t.Helper()
	b := &filing.Book{}
	b.Known(filing.Organisation{ID: bank, Name: "Banco Ensaio", CNPJ: "99999004000192"}, filing.Organisation{ID: aurora, Name: "Receptora Aurora", CNPJ: "A", Parent: "P"},
		filing.Organisation{ID: boreal, Name: "Iniciadora Boreal", CNPJ: "B"})
	if err := b.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return b
}

func sheet(t *testing.T, b *filing.Book, document, name string) filing.Sheet {
	t.Helper()
	for _, f := range b.Filings(question()) {
		for _, s := range f.Sheets {
			if f.Name == document && s.Name == name {
				return s
			}
		}
	}
	t.Fatalf("no sheet %s of %s", name, document)
	return filing.Sheet{}
}

// row finds the one row that holds all the given cells, as text.
func row(t *testing.T, s filing.Sheet, holds ...string) string {
	t.Helper()
	var found []string
	for _, r := range s.Rows {
		cells := make([]string, len(r))
		for i, v := range r {
			cells[i] = fmt.Sprint(v)
		}
		if !slices.ContainsFunc(holds, func(h string) bool { return !slices.Contains(cells, h) }) {
			found = append(found, strings.Join(cells, ";"))
		}
	}
	if len(found) != 1 {
		t.Fatalf("sheet %s: %d rows with %q: %q", s.Name, len(found), holds, found)
	}
	return found[0]
}

func TestWeeksRunFromSaturdayToFriday(t *testing.T) {
	for _, day := range []string{"2026-11-14", "2026-11-17", "2026-11-20"} {
		at, _ := time.Parse(time.RFC3339, day+"T12:00:00Z")
		if w := filing.WeekOf(filing.DayOf(at)); w.String() != "2026-11-14/2026-11-20" || w.Due().Format(time.DateOnly) != "2026-11-25" {
			t.Errorf("%s is of the week %s, due %s", day, w, w.Due())
		}
	}
	// Midnight is Brasília's.
	if d := filing.DayOf(time.Date(2026, 11, 21, 2, 59, 59, 0, time.UTC)); d != friday {
		t.Errorf("23:59:59 of Friday is filed on %s", d)
	}
	if d := filing.DayOf(time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)); d != friday+1 {
		t.Errorf("midnight is filed on %s", d)
	}
}

func TestTheWeeklyPerformanceOfAnEndpoint(t *testing.T) {
	var x told
	for i := range 20 {
		x.both(aurora, "GET", balances, fmt.Sprintf("2026-11-17T12:00:%02d.000Z", i/2), 200, float64(i+1), "")
	}
	x.both(aurora, "GET", balances, "2026-11-17T12:01:00.000Z", 503, 900, "")
	x.both(aurora, "GET", balances, "2026-11-17T12:01:01.000Z", 429, 1, "")
	x.both(aurora, "GET", balances, "2026-11-21T03:00:00.000Z", 200, 1, "") // the next week's first instant
	b := read(t, x.String())
	if err := b.Down(filing.Downtime{Method: "GET", Endpoint: balances, Date: "2026-11-17", Down: 4320, Planned: 600}); err != nil {
		t.Fatal(err)
	}
	s := sheet(t, b, "metricas-da-dc", "Metricas_DA_DC")
	// 21 answers within the limits: the index is 0.95 × 21 = 19.95, the twentieth.
	want := bank + ";17/11/2026;GET;" + balances + ";0.95;4320;600;22;1;1;20;0.000255;2"
	if got := row(t, s, "17/11/2026", balances); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// A day without calls is filed too, with zeros and no empty cell.
	if got := row(t, s, "18/11/2026", balances); got != bank+";18/11/2026;GET;"+balances+";1;0;0;0;0;0;0;0;0" {
		t.Error(got)
	}
	if got := row(t, sheet(t, b, "disponibilidade-por-grupo", "Disponibilidade"), "accounts"); got != fmt.Sprintf("accounts;22;%v", 1-round6(4320.0/(7*7*86400))) {
		t.Error(got)
	}
	if got := row(t, sheet(t, b, "volume-semestral", "Requisicoes"), balances); got != "2026;"+balances+";GET;0;0;0;0;22;0;22" {
		t.Error(got)
	}
	// November until the 20th: 1 − 4320 / (20 × 86400), cut.
	if got := row(t, sheet(t, b, "volume-semestral", "Disponibilidade"), balances); got != "2026;"+balances+";GET;100;100;100;100;99.75;0;99.96;99.96" {
		t.Error(got)
	}
}

func TestAWeekUnderWayIsFiledUntilToday(t *testing.T) {
	var x told
	x.both(aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 1, "")
	b := read(t, x.String())
	if err := b.Down(filing.Downtime{Method: "GET", Endpoint: balances, Date: "2026-11-17", Down: 86400}); err != nil {
		t.Fatal(err)
	}
	q := question()
	q.Until = friday - 3 // Tuesday the 17th, the fourth day
	days, group := map[string]bool{}, ""
	for _, f := range b.Filings(q) {
		for _, s := range f.Sheets {
			for _, r := range s.Rows {
				switch {
				case f.Name == "metricas-da-dc":
					days[fmt.Sprint(r[1])] = true
				case f.Name == "disponibilidade-por-grupo" && r[0] == "accounts":
					group = fmt.Sprint(r...)
				case f.Name == "monitoramento-fase-3" && s.Name == "Disponibilidade":
					days[fmt.Sprint(r[2])] = true
				}
			}
		}
	}
	if !days["14/11/2026"] || !days["17/11/2026"] || days["18/11/2026"] || days["2026-11-18"] || !days["2026-11-17"] {
		t.Errorf("filed of a week of which four days have begun: %v", days)
	}
	endpoints := 0
	for _, o := range spec.Operations() {
		if o.API.Name == "accounts" {
			endpoints++
		}
	}
	if want := fmt.Sprint("accounts", 1, round6(1-1/float64(4*endpoints))); group != want {
		t.Errorf("got %s, want %s", group, want)
	}
}

func TestOnlyWhatIsOfferedIsFiled(t *testing.T) {
	var x told
	x.both(aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 1, "")
	b := read(t, x.String())
	groups := func(q filing.Question) string {
		var names []string
		for _, f := range b.Filings(q) {
			for _, r := range f.Sheets[0].Rows {
				if f.Name == "disponibilidade-por-grupo" {
					names = append(names, fmt.Sprint(r[0]))
				}
			}
		}
		return strings.Join(names, " ")
	}
	q := question()
	if got := groups(q); got != "accounts security" {
		t.Errorf("of an institution that served accounts alone: %s", got)
	}
	q.APIs = map[string]bool{"customers": true, "accounts": true}
	if got := groups(q); got != "accounts customers security" {
		t.Errorf("of one that declares more: %s", got)
	}
}

// TestWhatWasDiscardedWasToldAgain has one call under two reports, and others without a duration.
func TestWhatWasDiscardedWasToldAgain(t *testing.T) {
	var x told
	x.call("SERVER", "i-1", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 40, "")
	discarded := strings.Replace(x.String(), `"PAIRED"`, `"DISCARDED"`, 1)
	for i := range 30 {
		x.call("SERVER", fmt.Sprint("i-", i+2), aurora, "GET", balances, "2026-11-17T12:00:01.000Z", 200, 0, "")
	}
	s := sheet(t, read(t, discarded+x.String()), "metricas-da-dc", "Metricas_DA_DC")
	if got := row(t, s, "17/11/2026", balances); got != bank+";17/11/2026;GET;"+balances+";1;0;0;31;0;0;40;0.000359;30" {
		t.Error(got)
	}
}

func TestAWorkbookKnowsNumbersDatesAndMoney(t *testing.T) {
	var x told
	x.both(aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 12.5, "")
	b := read(t, x.String())
	at := time.Date(2026, 11, 17, 12, 0, 3, 0, time.UTC)
	if err := b.Paid(filing.Payment{ID: "p1", Created: at, Updated: at, Status: "ACSC", Amount: "1234567.05"}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := b.Write(dir, question(), at); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, sheet, cell, shown, raw string }{
		{"metricas-da-dc", "Metricas_DA_DC", "B5", "17/11/2026", "46343"}, // days since the last of 1899
		{"metricas-da-dc", "Metricas_DA_DC", "E5", "1", "1"},
		{"monitoramento-fase-3", "Operacoes", "B2", "1234567.05", "1234567.05"},
		{"monitoramento-fase-3", "Disponibilidade", "C2", "2026-11-20", "46346"},
	} {
		book, err := excelize.OpenFile(filepath.Join(dir, c.file+".xlsx"))
		if err != nil {
			t.Fatal(err)
		}
		kind, _ := book.GetCellType(c.sheet, c.cell)
		shown, _ := book.GetCellValue(c.sheet, c.cell)
		raw, _ := book.GetCellValue(c.sheet, c.cell, excelize.Options{RawCellValue: true})
		if shown != c.shown || raw != c.raw || kind != excelize.CellTypeNumber && kind != excelize.CellTypeUnset {
			t.Errorf("%s %s: %q, %q within, kind %d", c.sheet, c.cell, shown, raw, kind)
		}
		_ = book.Close()
	}
}

// TestAGroupIsDownNoLongerThanItsEndpoints counts the downtime of endpoints that no filing lists, such as PAR.
func TestAGroupIsDownNoLongerThanItsEndpoints(t *testing.T) {
	var x told
	x.both(aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 1, "")
	b := read(t, x.String())
	for _, path := range []string{"/token", "/par", "/register"} {
		if err := b.Down(filing.Downtime{Method: "POST", Endpoint: path, Date: "2026-11-17", Down: 86400}); err != nil {
			t.Fatal(err)
		}
	}
	if got := row(t, sheet(t, b, "disponibilidade-por-grupo", "Disponibilidade"), "security"); got != fmt.Sprintf("security;0;%v", round6(6.0/7)) {
		t.Error(got)
	}
}

func round6(f float64) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', 6, 64), 64)
	return v
}

func TestTheFunnelsOfBothSides(t *testing.T) {
	var x told
	x.journey(aurora, "urn:x:1", "/open-banking/consents/v3/consents", `{"consentId":"urn:x:1","personType":"PF"}`, "NONE")
	x.journey(aurora, "urn:x:2", "/open-banking/consents/v3/consents", `{"consentId":"urn:x:2","personType":"PF"}`, "NO_CREDENTIAL")
	x.journey(boreal, "urn:x:3", "/open-banking/payments/v5/consents", `{"consentId":"urn:x:3","paymentType":"IMMEDIATE"}`, "NONE")
	x.both(boreal, "POST", pix, "2026-11-17T12:00:03.000Z", 201, 30, `{"consentId":"urn:x:3","authorisationFlow":"HYBRID_FLOW","paymentList":"[{},{}]"}`)
	x.both(boreal, "POST", pix, "2026-11-17T12:00:04.000Z", 422, 2000, `{"consentId":"urn:x:3","errorCodes":"[\"SALDO_INSUFICIENTE\"]"}`)
	for _, s := range []string{`"paymentId":"p1","paymentStatus":"ACSC"`, `"paymentId":"p1","paymentStatus":"ACSC"`, `"paymentId":"p2","paymentStatus":"RJCT","statusReasonCode":"VALOR_INVALIDO"`} {
		fmt.Fprintf(&x, `{"kind":"payments","reporter":%q,"report":{"eventDateTime":"2026-11-17T12:00:05.000Z","paymentType":"IMMEDIATE","clientOrgId":%q,"consentId":"urn:x:3",%s}}`+"\n", bank, boreal, s)
	}
	b := read(t, x.String())
	at := time.Date(2026, 11, 17, 12, 0, 3, 0, time.UTC)
	if err := b.Paid(filing.Payment{ID: "p1", ConsentID: "urn:x:3", Created: at, Updated: at, Status: "ACSC", Amount: "10.05"},
		filing.Payment{ID: "p2", ConsentID: "urn:x:3", Created: at, Updated: at, Status: "RJCT", Amount: "1.00"},
		filing.Payment{ID: "p3", ConsentID: "urn:x:3", Created: at, Updated: at, Status: "ACSC", Amount: "0.10"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Agreed(filing.Agreement{ID: "1", Kind: "payment-consent", Created: at, CPF: "a"}, filing.Agreement{ID: "2", Kind: "payment-consent", Created: at, CPF: "a"},
		filing.Agreement{ID: "3", Kind: "payment-consent", Created: at, CPF: "a", CNPJ: "c"}, filing.Agreement{ID: "4", Kind: "consent", Created: at, CPF: "d"},
		filing.Agreement{ID: "5", Kind: "payment-consent", Created: at.AddDate(0, 0, -7), CPF: "e"}); err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct{ document, sheet, key, want string }{
		{"interoperabilidade", "Transmissora", aurora, "Banco Ensaio;Receptora Aurora;1;1;1;1;1;1;1;1;;" + bank + ";" + aurora + ";P"},
		{"interoperabilidade", "Receptora", aurora, "Receptora Aurora;Banco Ensaio;2;2;2;2;;" + aurora + ";" + bank},
		{"interoperabilidade", "Detentora_consentimentos", boreal, "Iniciadora Boreal;" + boreal + ";B;IMMEDIATE;HYBRID_FLOW;N;1;1;0"},
		{"interoperabilidade", "Detentora_autorizacao", boreal, "Iniciadora Boreal;" + boreal + ";B;IMMEDIATE;HYBRID_FLOW;N;1;1;1;1"},
		{"interoperabilidade", "Detentora_cliente", boreal, "Iniciadora Boreal;" + boreal + ";B;IMMEDIATE;HYBRID_FLOW;N;1;1"},
		{"interoperabilidade", "Detentora_pagamentos", boreal, "Iniciadora Boreal;" + boreal + ";B;IMMEDIATE;HYBRID_FLOW;N;2;2;1;0"},
		{"interoperabilidade", "Validacoes_sincronas", boreal, bank + ";" + boreal + ";payments;payments;422;POST;" + pix + ";SALDO_INSUFICIENTE;1"},
		{"interoperabilidade", "Rejeicoes_assincronas", boreal, "Iniciadora Boreal;" + boreal + ";payments;payments;" + pix + "/{paymentId};GET;VALOR_INVALIDO;1"},
		{"monitoramento-fase-3", "Tempo_de_resposta", pix, "Banco Ensaio;2026-11-17;terça-feira;POST;" + pix + ";1;1"},
		{"monitoramento-fase-3", "Clientes", "1", "1;1"},
		{"monitoramento-fase-3", "Operacoes", "PIX", "PIX;10.15;2"},
		{"monitoramento-fase-3", "Liquidacao", "ACSC", bank + ";2026-11-17;ACSC;IMMEDIATE;HYBRID_FLOW;FALSE;1;10.05"},
		{"monitoramento-fase-3", "Motivos", "VALOR_INVALIDO", bank + ";2026-11-17;IMMEDIATE;HYBRID_FLOW;FALSE;VALOR_INVALIDO;1;1.00"},
	} {
		if got := row(t, sheet(t, b, w.document, w.sheet), w.key); got != w.want {
			t.Errorf("%s %s\ngot  %s\nwant %s", w.document, w.sheet, got, w.want)
		}
	}
	if d := b.Disagreements(question().Week); len(d) != 0 {
		t.Errorf("both sides told the same, yet %+v", d)
	}
	if f := b.Funnel(question().Week); len(f) != 0 {
		t.Error(f)
	}
}

func TestTheOracleListsWhatDisagrees(t *testing.T) {
	stock := func(side, org string, n int) string {
		return fmt.Sprintf(`{"kind":"stock","reporter":%q,"report":{"date":"2026-11-17","orgId":%q,"role":%q,"scope":"DADOS","totalCustomerPF":1,"consentsStockList":[{"clientOrgId":%q,"serverOrgId":%q,"totalActiveConsents":%d}]}}`+"\n",
			org, org, side, aurora, bank, n)
	}
	cases := map[string]struct {
		make func(*told)
		want string
	}{
		"a call that the bank did not report": {func(x *told) {
			x.call("CLIENT", "i-1", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 9, "")
		}, "calls GET " + balances + " 1 0 [i-1 200] owes server: 1 × the server did not report it"},
		"a call that the receiver did not report": {func(x *told) {
			x.call("SERVER", "i-1", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 9, "")
		}, "calls GET " + balances + " 0 1 [i-1 200] owes client: 1 × the client did not report it"},
		"a client that gave up": {func(x *told) {
			x.call("CLIENT", "i-1", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 408, 9, "")
			x.call("SERVER", "i-1", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 9, "")
		}, "calls GET " + balances + " 1 1 [i-1 200 i-1 408] owes server: 1 × the client waited in vain"},
		"another status, and a call that nobody else knows": {func(x *told) {
			x.call("CLIENT", "i-1", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 500, 9, "")
			x.call("SERVER", "i-1", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 9, "")
			x.call("CLIENT", "i-2", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 9, "")
		}, "calls GET " + balances + " 2 1 [i-1 200 i-1 500 i-2 200] owes both: 1 × the server did not report it: the caller's account counts, and the server's is missing; 1 × the statuses differ"},
		"a customer who never arrived": {func(x *told) {
			x.both(aurora, "POST", "/open-banking/consents/v3/consents", "2026-11-17T12:00:00.000Z", 201, 9, `{"consentId":"urn:x:9"}`)
			x.step("client/redirect-to-server", "urn:x:9", aurora, "")
		}, "redirections to the institution consent journey 1 0 [urn:x:9] owes : 1 × the customer may have left"},
		"a customer who logged in without arriving": {func(x *told) {
			x.both(aurora, "POST", "/open-banking/consents/v3/consents", "2026-11-17T12:00:00.000Z", 201, 9, `{"consentId":"urn:x:9"}`)
			x.step("client/redirect-to-server", "urn:x:9", aurora, "")
			x.step("server/authenticated", "urn:x:9", bank, "")
		}, "redirections to the institution consent journey 1 0 [urn:x:9] owes server: 1 × the server did not tell of it, yet"},
		"a customer whom nobody sent": {func(x *told) {
			x.both(aurora, "POST", "/open-banking/consents/v3/consents", "2026-11-17T12:00:00.000Z", 201, 9, `{"consentId":"urn:x:9"}`)
			x.step("server/redirect-target", "urn:x:9", bank, "AWAITING_USER_AUTH")
		}, "redirections to the institution consent journey 0 1 [urn:x:9] owes client: 1 × the client did not tell of it, and"},
		"stocks":                             {func(x *told) { x.WriteString(stock("CLIENT", aurora, 3) + stock("SERVER", bank, 2)) }, "live consents consent stock 3 2 [] owes both: the records cannot tell"},
		"a stock that one side did not tell": {func(x *told) { x.WriteString(stock("CLIENT", aurora, 3)) }, ""},
		"a corrected stock": {func(x *told) {
			x.WriteString(stock("CLIENT", aurora, 3) + stock("SERVER", bank, 2) + stock("SERVER", bank, 3))
		}, ""},
		"a stock corrected to nothing": {func(x *told) {
			none := strings.NewReplacer(`"totalCustomerPF":1`, `"totalCustomerPF":0`)
			empty := func(side, org string) string {
				head, _, _ := strings.Cut(stock(side, org, 0), "[")
				return none.Replace(head) + "[]}}\n"
			}
			x.WriteString(stock("CLIENT", aurora, 3) + empty("CLIENT", aurora) + empty("SERVER", bank))
		}, ""},
		// The caller began before midnight, the bank received after it.
		"a call at midnight": {func(x *told) {
			x.call("CLIENT", "i-1", aurora, "GET", balances, "2026-11-18T02:59:59.999Z", 200, 9, "")
			x.call("SERVER", "i-1", aurora, "GET", balances, "2026-11-18T03:00:00.001Z", 200, 9, "")
		}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var x told
			c.make(&x)
			got := ""
			for _, d := range read(t, x.String()).Disagreements(question().Week) {
				got += fmt.Sprintf("%s %s %d %d %v owes %s: %s", d.What, d.Where, d.ByClient, d.ByServer, d.Evidence, d.Owes, d.Why)
			}
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestTheOrderOfRecordsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var x told
		x.journey(aurora, "urn:x:1", "/open-banking/consents/v3/consents", `{"consentId":"urn:x:1"}`, "NONE")
		for range rapid.IntRange(1, 20).Draw(r, "calls") {
			x.both(aurora, "GET", balances, fmt.Sprintf("2026-11-%02dT12:00:00.000Z", rapid.IntRange(13, 22).Draw(r, "day")),
				rapid.SampledFrom([]int{200, 422, 429, 500}).Draw(r, "status"), rapid.Float64Range(1, 2000).Draw(r, "ms"), "")
		}
		lines := strings.SplitAfter(strings.TrimSuffix(x.String(), "\n"), "\n")
		lines[len(lines)-1] += "\n"
		shuffled := strings.Join(rapid.Permutation(lines).Draw(r, "order"), "")
		a, b := read(t, x.String()), read(t, shuffled)
		if one, other := fmt.Sprint(a.Filings(question())), fmt.Sprint(b.Filings(question())); one != other {
			r.Fatalf("%s\n%s", one, other)
		}
	})
}

func TestWhatIsWrittenCanBeReadBack(t *testing.T) {
	var x told
	x.both(aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 12.5, "")
	x.call("CLIENT", "i-1", aurora, "GET", balances, "2026-11-17T12:00:00.000Z", 200, 9, "")
	x.journey(aurora, "urn:x:1", "/open-banking/consents/v3/consents", `{"consentId":"urn:x:1"}`, "NONE")
	b := read(t, x.String())
	b.Known(filing.Organisation{ID: bank, Name: "=HYPERLINK(1)"})
	dir := t.TempDir()
	m, err := b.Write(dir, question(), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Filings) != 7 || len(m.Disagreements) != 1 {
		t.Errorf("%d filings, %d disagreements", len(m.Filings), len(m.Disagreements))
	}
	for _, f := range m.Filings {
		book, err := excelize.OpenFile(filepath.Join(dir, f.Files[0]))
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, name := range book.GetSheetList() {
			got, err := book.GetRows(name)
			if err != nil {
				t.Fatal(err)
			}
			rows += len(got) - 1
		}
		if rows != f.Rows {
			t.Errorf("%s holds %d rows, the manifest says %d", f.Files[0], rows, f.Rows)
		}
		_ = book.Close()
		for _, name := range f.Files[1:] {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			in := csv.NewReader(bytes.NewReader(text))
			in.Comma = ';'
			all, err := in.ReadAll() // also refuses rows of another length
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, r := range all[1:] {
				for i, c := range r {
					if strings.HasPrefix(c, "=") {
						t.Errorf("%s: a cell would be computed: %s", name, c)
					}
					if c == "" && all[0][i] != "Observações" && !strings.Contains(strings.ToLower(all[0][i]), "parent") {
						t.Errorf("%s: %s is empty", name, all[0][i])
					}
				}
			}
		}
	}
}

func TestRecordsThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"{}\n":                           `line 1: no such kind of record: ""`,
		"\n{\"kind\":\"private\"":        "line 2: unexpected end of JSON input",
		`{"kind":"private","report":{}}`: "line 1: parsing time",
		`{"kind":"stock","report":{}}`:   "line 1: parsing time",
		`{"kind":"hybrid","path":"x/y","report":{"timestamp":"2026-11-17T12:00:01Z"}}`: `line 1: no such step of a journey: "x/y"`,
	} {
		if err := new(filing.Book).Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	b := &filing.Book{}
	if err := b.Down(filing.Downtime{Date: "2026-11-17", Down: 86401}); err == nil {
		t.Error("a day of more than 86400 seconds was taken")
	}
	if err := b.Paid(filing.Payment{Amount: "1.5"}); err == nil {
		t.Error("an amount with one place was taken")
	}
	if _, _, err := b.Span(); !errors.Is(err, filing.ErrEmpty) {
		t.Error(err)
	}
}
