package payment

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

func TestEveryInitiationRule(t *testing.T) {
	qres := byCode("QRES", staticCode("loja@example.com", "", "PEDIDO1"), "")
	cases := []struct {
		rule, code string
		consent    func(doc)
		item       func(doc)
		prepare    func(w *world, c *consent.Consent, items []any) []any
		keeps      bool // the consent stays authorised
	}{
		{rule: "PAY-INIT-01/list", code: "PARAMETRO_NAO_INFORMADO", prepare: func(*world, *consent.Consent, []any) []any { return []any{} }},
		{rule: "PAY-INIT-02/required-fields", code: "PARAMETRO_NAO_INFORMADO", item: func(d doc) { delete(d, "endToEndId") }},
		{rule: "PAY-INIT-03/formats", code: "PARAMETRO_INVALIDO", item: func(d doc) { d["endToEndId"] = "E123" }},
		{rule: "PAY-INIT-04/consent-approved", code: "CONSENTIMENTO_PENDENTE_AUTORIZACAO", keeps: true},
		{rule: "PAY-INIT-05/consent-live", code: "CONSENTIMENTO_INVALIDO", prepare: func(w *world, c *consent.Consent, items []any) []any {
			if _, err := w.consents.Consume(context.Background(), c.ID); err != nil {
				w.t.Fatal(err)
			}
			return items
		}},
		{rule: "PAY-INIT-06/count", code: divergent, prepare: func(w *world, c *consent.Consent, items []any) []any {
			return append(items, w.items(c, nil)...)
		}},
		{rule: "PAY-INIT-07/amount", code: divergent, item: func(d doc) { dig(d, "payment")["amount"] = "100.11" }},
		{rule: "PAY-INIT-08/currency", code: divergent, item: func(d doc) { dig(d, "payment")["currency"] = "USD" }},
		{rule: "PAY-INIT-09/creditor", code: divergent, item: func(d doc) { dig(d, "creditorAccount")["number"] = "999" }},
		{rule: "PAY-INIT-10/instrument", code: divergent, consent: func(d doc) {
			byCode("APES", staticCode("loja@example.com", "", ""), "")(d)
		}, item: func(d doc) { d["localInstrument"] = "QRES" }},
		{rule: "PAY-INIT-11/proxy", code: divergent, item: func(d doc) { d["proxy"] = "outra@example.com" }},
		{rule: "PAY-INIT-12/code", code: divergent, consent: qres, item: func(d doc) {
			d["qrCode"], d["transactionIdentification"] = staticCode("x", "", ""), "PEDIDO1"
		}},
		{rule: "PAY-INIT-13/consent-id", code: divergent, item: func(d doc) { d["consentId"] = "urn:bancoensaio:other" }},
		{rule: "PAY-INIT-14/initiator", code: "DETALHE_PAGAMENTO_INVALIDO", item: func(d doc) { d["cnpjInitiator"] = "99999012000139" }},
		{rule: "PAY-INIT-15/forbidden-txid", code: "DETALHE_PAGAMENTO_INVALIDO", item: func(d doc) { d["transactionIdentification"] = "A1" }},
		{rule: "PAY-INIT-16/required-txid", code: "PARAMETRO_NAO_INFORMADO", consent: func(d doc) { dig(d, "payment.details")["localInstrument"] = "INIC" }},
		{rule: "PAY-INIT-17/txid-length", code: "DETALHE_PAGAMENTO_INVALIDO", consent: func(d doc) { dig(d, "payment.details")["localInstrument"] = "INIC" },
			item: func(d doc) { d["transactionIdentification"] = strings.Repeat("A", 26) }},
		{rule: "PAY-INIT-18/txid-of-code", code: "DETALHE_PAGAMENTO_INVALIDO", consent: qres, item: func(d doc) { d["transactionIdentification"] = "OUTRO" }},
		{rule: "PAY-INIT-19/e2e-now", code: "PARAMETRO_INVALIDO", item: func(d doc) { d["endToEndId"] = "E99999020202603100259" + "00000000abc" }},
		{rule: "PAY-INIT-20/e2e-hour", code: "PARAMETRO_INVALIDO", consent: scheduled1("single", doc{"date": "2026-03-20"}), item: func(d doc) { d["endToEndId"] = "E99999020202603200100" + "00000000abc" }},
		{rule: "PAY-INIT-21/e2e-dates", code: divergent, consent: scheduled1("single", doc{"date": "2026-03-20"}), item: func(d doc) { d["endToEndId"] = "E99999020202603211500" + "00000000abc" }},
		{rule: "PAY-INIT-22/e2e-unique", code: "PARAMETRO_INVALIDO", prepare: func(w *world, c *consent.Consent, items []any) []any {
			p := w.paid(w.authorised(nil))
			items[0].(doc)["endToEndId"] = p.Order.EndToEndID
			return items
		}},
		{rule: "PAY-INIT-23/charge-once", code: "DETALHE_PAGAMENTO_INVALIDO", consent: byCode("QRDN", dynamicCode("u"), payload(nil)),
			item: func(d doc) { d["transactionIdentification"] = strings.Repeat("T", 30) },
			prepare: func(w *world, c *consent.Consent, items []any) []any {
				first := w.authorised(byCode("QRDN", dynamicCode("u"), payload(nil)))
				if _, err := w.pay(first, first.ID, w.items(first, func(d doc) { d["transactionIdentification"] = strings.Repeat("T", 30) })); err != nil {
					w.t.Fatal(err)
				}
				return items
			}},
		{rule: "PAY-INIT-24/charge-payable", code: "COBRANCA_INVALIDA", consent: byCode("QRDN", dynamicCode("u"), payload(func(d doc) { d["status"] = "REMOVIDA_PELO_PSP" })),
			item: func(d doc) { d["transactionIdentification"] = strings.Repeat("T", 30) }},
	}
	seen := map[string]bool{}
	for _, c := range cases {
		seen[c.rule] = true
		t.Run(c.rule, func(t *testing.T) {
			w := open(t, off(c.rule))
			try := func() (*consent.Consent, error) {
				var approvals []string
				if c.keeps {
					approvals = []string{"person-2"}
				}
				of := w.authorised(c.consent, approvals...)
				items := w.items(of, c.item)
				if c.prepare != nil {
					items = c.prepare(w, of, items)
				}
				quiet := *w
				quiet.t = silent{w.t}
				_, err := quiet.do(ask{op: "payments.create", token: of.ID, key: "k-" + of.ID, data: items})
				return of, err
			}
			of, err := try()
			if code(err) != "422 "+c.code || rule.Of(err) != c.rule {
				t.Fatalf("%s by %s, want %s", code(err), rule.Of(err), c.code)
			}
			want := consent.Consumed
			if c.keeps {
				want = consent.Partially
			}
			if got := status(w, of.ID); got != want {
				t.Errorf("the consent is %s", got)
			}
			w.arm("off/" + c.rule)
			if _, err := try(); err != nil {
				t.Fatalf("switched off: %v", err)
			}
		})
	}
	for _, r := range initiationRules.Rules() {
		if !seen[r.ID] {
			t.Errorf("%s has no case", r.ID)
		}
	}
}

func TestAPaymentGoesToItsEndAndIsTold(t *testing.T) {
	w := open(t)
	c := w.authorised(nil)
	ans, err := w.pay(c, "k", w.items(c, func(d doc) { d["authorisationFlow"] = "HYBRID_FLOW" }))
	if err != nil || ans.Status != 201 || field1(ans, "status") != received || status(w, c.ID) != consent.Consumed {
		t.Fatalf("%v, consent %s", err, status(w, c.ID))
	}
	id := field1(ans, "paymentId")
	w.tell(id, connector.Accepted, accepted)
	w.tell(id, connector.Sent, sent)
	w.tell(id, connector.Settled, settled)
	got, err := w.do(ask{op: "payments.read", id: id})
	if err != nil || field1(got, "status") != settled || field1(got, "endToEndId") != field1(ans, "endToEndId") {
		t.Fatalf("%v %s", err, got.Body)
	}
	events, err := w.store.Events(context.Background(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, e := range events {
		if e.ID == id {
			types = append(types, e.Type)
		}
	}
	if strings.Join(types, " ") != "payment.received payment.accepted payment.sent payment.settled" {
		t.Errorf("told %v", types)
	}
	if _, err := w.do(ask{op: "payments.read", id: id, client: other}); code(err) != "403 ACESSO_NEGADO" {
		t.Error(err)
	}
	if _, err := w.do(ask{op: "payments.read", id: "none"}); code(err) != "404 NAO_ENCONTRADO" {
		t.Error(err)
	}
	if list, err := w.do(ask{op: "payments.consent-payments", id: c.ID, query: "?startDate=2026-03-10&endDate=2026-03-10"}); err != nil || field1(list, "paymentId") != id {
		t.Error(err)
	}
	if list, err := w.do(ask{op: "payments.consent-payments", id: c.ID, query: "?startDate=2026-03-11"}); err != nil || field1(list, "paymentId") != "" {
		t.Error(err)
	}
	if _, err := w.do(ask{op: "payments.consent-payments", id: c.ID, query: "?startDate=11-03-2026"}); code(err) != "400 PARAMETRO_INVALIDO" {
		t.Error(err)
	}
}

func TestTheMachineSkipsForwardAndNeverMovesBack(t *testing.T) {
	states := []string{connector.Pending, connector.Held, connector.Accepted, connector.Sent, connector.Settled, connector.Rejected, connector.Cancelled}
	rapid.Check(t, func(rt *rapid.T) {
		at, seen := received, []string{received}
		for _, state := range rapid.SliceOfN(rapid.SampledFrom(states), 1, 8).Draw(rt, "states") {
			for range 10 {
				event, to := next(at, state)
				if event == "" {
					break
				}
				legal := false
				for _, m := range machine {
					legal = legal || m.event == event && m.from == at && m.to == to
				}
				if !legal || final(at) {
					rt.Fatalf("%s from %s to %s", event, at, to)
				}
				at = to
				for _, s := range seen {
					if s == at {
						rt.Fatalf("back to %s: %v", at, seen)
					}
				}
				seen = append(seen, at)
			}
		}
	})
}

func TestRejectionsSaySo(t *testing.T) {
	w := open(t)
	w.core.verdict = connector.Verdict{Reason: "SALDO_INSUFICIENTE"}
	c := w.authorised(nil)
	if _, err := w.pay(c, "k", w.items(c, nil)); code(err) != "422 SALDO_INSUFICIENTE" || status(w, c.ID) != consent.Consumed {
		t.Fatal(err, status(w, c.ID))
	}
	w.core.verdict = connector.Verdict{Allowed: true}
	w.core.refuse = &connector.Receipt{State: connector.Rejected, Reason: "FALHA_INFRAESTRUTURA_SPI"}
	c = w.authorised(nil)
	items := w.items(c, nil)
	for range 2 { // the outcome is remembered
		if _, err := w.pay(c, "k2", items); code(err) != "422 PAGAMENTO_RECUSADO_DETENTORA" {
			t.Fatal(err)
		}
	}
	if got := w.service.payments.of(c.ID); len(got) != 0 {
		t.Fatalf("%d payments remain of a refused initiation", len(got))
	}
	w.core.refuse = nil
	p := w.paid(w.authorised(nil))
	p = w.tell(p.ID, connector.Rejected, rejected, "PAGAMENTO_RECUSADO_SPI")
	if p.Rejection.Code != "PAGAMENTO_RECUSADO_SPI" || p.Rejection.Detail == "" {
		t.Errorf("%+v", p.Rejection)
	}
	ans, err := w.do(ask{op: "payments.read", id: p.ID})
	if err != nil || !strings.Contains(string(ans.Body), `"rejectionReason"`) {
		t.Error(err)
	}
}

func TestAnOutageLeavesTheConsentAndIsRepeatable(t *testing.T) {
	w := open(t)
	c := w.authorised(nil)
	w.core.down = connector.ErrUnavailable
	items := w.items(c, nil)
	if _, err := w.pay(c, "k", items); code(err) != "503 SERVICO_INDISPONIVEL" || status(w, c.ID) != consent.Authorised {
		t.Fatal(err, status(w, c.ID))
	}
	w.core.down = context.DeadlineExceeded
	if _, err := w.pay(c, "k", items); code(err) != "504 GATEWAY_TIMEOUT" {
		t.Fatal(err)
	}
	w.core.down = nil
	if ans, err := w.pay(c, "k", items); err != nil || field1(ans, "status") != received {
		t.Fatal(err)
	}
}

func TestOneKeyPaysOnceHoweverManyAsk(t *testing.T) {
	w := open(t)
	c := w.authorised(nil)
	items := w.items(c, nil)
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			if ans, err := w.pay(c, "k", items); err == nil {
				ids[i] = field1(ans, "paymentId")
			} else {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("%v", ids)
		}
	}
	if w.core.paid() != 1 {
		t.Fatalf("%d orders", w.core.paid())
	}
	changed := w.items(c, nil)
	if _, err := w.pay(c, "k", changed); code(err) != "422 ERRO_IDEMPOTENCIA" {
		t.Fatal(err)
	}
	w.tell(ids[0], connector.Settled, settled)
	w.reopen()
	if ans, err := w.pay(c, "k", items); err != nil || ans.Status != 201 || field1(ans, "status") != settled {
		t.Fatalf("after a restart: %v", err)
	}
}

func TestOneConsentPaysOnceHoweverManyAsk(t *testing.T) {
	w := open(t)
	c := w.authorised(nil)
	var asks [][]any
	for range 16 {
		asks = append(asks, w.items(c, nil))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for i, items := range asks {
		wg.Go(func() {
			_, err := w.pay(c, fmt.Sprint("k", i), items)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				count["201"]++
			} else {
				count[code(err)]++
			}
		})
	}
	wg.Wait()
	if count["201"] != 1 || count["422 CONSENTIMENTO_INVALIDO"] != 15 || w.core.paid() != 1 {
		t.Fatalf("%v, %d orders", count, w.core.paid())
	}
}

func TestARetryThatIsNotHonouredPaysAgain(t *testing.T) {
	w := open(t, fault.Defect{Name: "twice", Kind: fault.State, OnTransition: func(tr *fault.Transition) {
		if tr.Machine == "payment" && tr.Event == "retry" {
			tr.Allowed = false
		}
	}})
	c := w.authorised(nil)
	items := w.items(c, nil)
	w.arm("twice")
	for range 2 {
		if _, err := w.pay(c, "k", items); err != nil {
			t.Fatal(err)
		}
	}
	if w.core.paid() != 2 {
		t.Fatalf("%d orders", w.core.paid())
	}
}

func TestARestartGoesOn(t *testing.T) {
	w := open(t)
	p := w.paid(w.authorised(nil))
	q := w.paid(w.authorised(nil))
	w.service.Close()
	w.core.mu.Lock()
	w.core.receipts[p.ID] = connector.Receipt{State: connector.Settled}
	w.core.receipts[q.ID] = connector.Receipt{State: connector.Rejected, Reason: "NAO_INFORMADO"}
	w.core.mu.Unlock()
	w.reopen()
	w.until(p.ID, settled)
	w.until(q.ID, rejected)
	if w.core.paid() != 2 {
		t.Fatalf("%d orders", w.core.paid())
	}
}

func TestAKillBetweenPromiseAndOrderIsMended(t *testing.T) {
	w := open(t)
	c := w.authorised(nil)
	in := &initiation{items: itemsOf(parseItems(w.items(c, nil))), consent: c, terms: terms(c.Payment), client: &call.Client{}}
	p, err := w.service.draft(in, in.items[0])
	if err != nil {
		t.Fatal(err)
	}
	p.Status, p.Created = received, start
	if err := w.store.Commit(context.Background(), store.Put(recordKind, p.ID, p)); err != nil {
		t.Fatal(err)
	}
	w.reopen()
	for w.core.paid() == 0 {
		<-time.After(time.Millisecond)
	}
	if status(w, c.ID) != consent.Consumed {
		t.Errorf("the consent is %s", status(w, c.ID))
	}
}

func parseItems(items []any) any {
	out := make([]any, len(items))
	for i, it := range items {
		out[i] = map[string]any(it.(doc))
	}
	return out
}

func TestAnOrderNotAcknowledgedIsAskedForAgain(t *testing.T) {
	w := open(t)
	p := w.paid(w.authorised(nil))
	w.core.mu.Lock()
	delete(w.core.orders, p.ID)
	w.core.down = connector.ErrUnavailable
	before := w.core.submits
	w.core.mu.Unlock()
	e, _ := w.service.payments.find(p.ID)
	w.service.work.Go(func() { w.service.pursue(e, true) })
	for asked := false; !asked; {
		w.core.mu.Lock()
		asked = w.core.submits > before
		w.core.mu.Unlock()
		<-time.After(time.Millisecond)
	}
	w.clk.Advance(patience + time.Second)
	if p := w.until(p.ID, rejected); p.Rejection.Code != "FALHA_INFRAESTRUTURA_DETENTORA" {
		t.Errorf("%+v", p.Rejection)
	}
}
