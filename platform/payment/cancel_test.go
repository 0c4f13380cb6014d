package payment

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/rule"
)

func cancellation() doc {
	return doc{"status": "CANC", "cancellation": doc{"cancelledBy": doc{"document": doc{"identification": "11144477735", "rel": "CPF"}}}}
}

func (w *world) scheduled(branch string, body doc) (*consent.Consent, []string) {
	w.t.Helper()
	c := w.authorised(scheduled1(branch, body))
	if _, err := w.pay(c, "k"+c.ID, w.items(c, nil)); err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, e := range w.service.payments.of(c.ID) {
		ids = append(ids, w.until(e.now().ID, scheduled).ID)
	}
	return c, ids
}

func TestAHeldPaymentIsCancelled(t *testing.T) {
	w := open(t)
	p := w.paid(w.authorised(nil))
	if _, err := w.do(ask{op: "payments.cancel", id: p.ID, key: "a", data: cancellation()}); code(err) != "422 "+notCancellable {
		t.Fatal(err)
	}
	w.tell(p.ID, connector.Held, held)
	for range 2 {
		ans, err := w.do(ask{op: "payments.cancel", id: p.ID, key: "b", data: cancellation()})
		if err != nil || field1(ans, "status") != cancelled {
			t.Fatal(err)
		}
	}
	got, _ := w.service.Find(p.ID)
	if got.Cancellation.Reason != "CANCELADO_PENDENCIA" || got.Cancellation.From != "INICIADORA" || w.core.receipts[p.ID].State != connector.Cancelled {
		t.Errorf("%+v", got.Cancellation)
	}
	changed := cancellation()
	dig(changed, "cancellation.cancelledBy.document")["identification"] = "52998224725"
	if _, err := w.do(ask{op: "payments.cancel", id: p.ID, key: "b", data: changed}); code(err) != "422 ERRO_IDEMPOTENCIA" {
		t.Fatal(err)
	}
}

func TestEveryCancellationRule(t *testing.T) {
	bad := cancellation()
	dig(bad, "cancellation.cancelledBy.document")["rel"] = "XXX"
	for _, c := range []struct {
		rule, op string
		at       time.Time
		data     doc
	}{
		{"PAY-CANC-01/form", "payments.cancel", start, bad},
		{"PAY-CANC-02/before-the-day", "payments.cancel", time.Date(2026, 3, 20, 3, 0, 0, 0, time.UTC), cancellation()},
		{"PAY-CANC-03/bulk-cut-off", "payments.consent-cancel", time.Date(2026, 3, 20, 1, 0, 0, 0, time.UTC), cancellation()},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w := open(t, off(c.rule))
			of, ids := w.scheduled("single", doc{"date": "2026-03-20"})
			e, _ := w.service.payments.find(ids[0])
			w.service.due.take(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) // nobody executes it here
			w.clk.Set(c.at)
			id := ids[0]
			if c.op == "payments.consent-cancel" {
				id = of.ID
			}
			_, err := w.do(ask{op: c.op, id: id, key: "k", data: c.data})
			if code(err) != "422 "+notCancellable {
				t.Fatal(err)
			}
			if c.op == "payments.cancel" && rule.Of(err) != c.rule {
				t.Fatalf("by %s", rule.Of(err))
			}
			w.arm("off/" + c.rule)
			if _, err := w.raw(ask{op: c.op, id: id, key: "k", data: c.data}); err != nil || e.now().Status != cancelled {
				t.Fatalf("switched off: %v %s", err, e.now().Status)
			}
		})
	}
}

func TestBulkCancellationTakesWhatItCan(t *testing.T) {
	w := open(t)
	of, ids := w.scheduled("daily", doc{"startDate": "2026-03-11", "quantity": 5})
	if _, err := w.do(ask{op: "payments.cancel", id: ids[3], key: "one", data: cancellation()}); err != nil {
		t.Fatal(err)
	}
	w.clk.Set(time.Date(2026, 3, 11, 1, 30, 0, 0, time.UTC)) // 22:30 of the day before the first, in Brasília
	for range 2 {
		ans, err := w.do(ask{op: "payments.consent-cancel", id: of.ID, key: "all", data: cancellation()})
		if err != nil || ans.Status != 202 || ans.Body != nil {
			t.Fatal(err)
		}
	}
	for i, id := range ids {
		want := cancelled
		if i == 0 {
			want = scheduled
		}
		if p, _ := w.service.Find(id); p.Status != want {
			t.Errorf("payment %d is %s", i, p.Status)
		}
	}
	if _, err := w.do(ask{op: "payments.consent-cancel", id: of.ID, key: "again", data: cancellation()}); code(err) != "422 "+notCancellable {
		t.Fatal(err)
	}
	if _, err := w.do(ask{op: "payments.consent-cancel", id: of.ID, key: "x", client: other, data: cancellation()}); code(err) != "403 ACESSO_NEGADO" {
		t.Fatal(err)
	}
}

func TestTheHolderCancels(t *testing.T) {
	w := open(t)
	_, ids := w.scheduled("single", doc{"date": "2026-03-20"})
	if err := w.service.CancelAtHolder(context.Background(), ids[0]); err != nil {
		t.Fatal(err)
	}
	p, _ := w.service.Find(ids[0])
	if p.Cancellation.From != "DETENTORA" || p.Cancellation.Reason != "CANCELADO_AGENDAMENTO" || p.Cancellation.CPF != "11144477735" {
		t.Errorf("%+v", p.Cancellation)
	}
}

func TestSchedulesAreExecutedOnTheirDays(t *testing.T) {
	w := open(t)
	_, ids := w.scheduled("custom", doc{"dates": []any{"2026-03-12", "2026-03-20"}})
	w.clk.Set(time.Date(2026, 3, 12, 2, 59, 59, 0, time.UTC))
	if w.core.paid() != 0 {
		t.Fatal("paid before its day")
	}
	w.clk.Advance(time.Second)
	for w.core.paid() != 1 {
		<-time.After(time.Millisecond)
	}
	w.tell(ids[0], connector.Accepted, accepted)
	w.reopen()
	w.clk.Set(time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC))
	for w.core.paid() != 2 {
		<-time.After(time.Millisecond)
	}
	w.tell(ids[1], connector.Settled, settled)
}

func TestAKeyThatChangesRejectsTheWholeSchedule(t *testing.T) {
	w := open(t)
	_, ids := w.scheduled("daily", doc{"startDate": "2026-03-12", "quantity": 3})
	w.core.mu.Lock()
	delete(w.core.keys, "loja@example.com")
	w.core.mu.Unlock()
	w.clk.Set(time.Date(2026, 3, 12, 3, 0, 0, 0, time.UTC))
	for _, id := range ids {
		if p := w.until(id, rejected); p.Rejection.Code != "CHAVE_PIX_DIVERGENTE_AGENDAMENTO_LIQUIDACAO" {
			t.Errorf("%+v", p.Rejection)
		}
	}
	if w.core.paid() != 0 {
		t.Error("paid all the same")
	}
	c := w.authorised(scheduled1("daily", doc{"startDate": "2026-03-20", "quantity": 2}))
	if _, err := w.pay(c, "k", w.items(c, nil)); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.service.payments.of(c.ID) {
		if p := w.until(e.now().ID, rejected); p.Rejection.Code != "FALHA_AGENDAMENTO_PAGAMENTOS" {
			t.Errorf("%+v", p.Rejection)
		}
	}
}

func TestEveryAuthorisationRule(t *testing.T) {
	objection := func(code string) func(w *world) {
		return func(w *world) { w.core.verdict = connector.Verdict{Reason: code} }
	}
	for _, c := range []struct {
		rule, reason string
		consent      func(doc)
		prepare      func(w *world)
		approvals    []string
	}{
		{"PAY-AUTH-01/account-may-pay", "CONTA_NAO_PERMITE_PAGAMENTO", nil, objection("CONTA_NAO_PERMITE_PAGAMENTO"), nil},
		{"PAY-AUTH-02/two-accounts", "CONTAS_ORIGEM_DESTINO_IGUAIS", func(d doc) { dig(d, "payment.details")["creditorAccount"] = asDoc(debtor) }, nil, nil},
		{"PAY-AUTH-03/amount-of-code", "VALOR_INVALIDO", byCode("QRES", staticCode("loja@example.com", "99.00", ""), ""), nil, nil},
		{"PAY-AUTH-03/amount-of-code", "VALOR_INVALIDO", byCode("QRDN", dynamicCode("u"), payload(func(d doc) { d["valor"] = doc{"original": "1.00"} })), nil, nil},
		{"PAY-AUTH-04/code-sound", "QRCODE_INVALIDO", byCode("QRES", "000201", ""), nil, nil},
		{"PAY-AUTH-05/code-kind", "QRCODE_INVALIDO", byCode("QRDN", staticCode("loja@example.com", "", ""), payload(nil)), nil, nil},
		{"PAY-AUTH-06/code-key", "QRCODE_INVALIDO", byCode("QRES", staticCode("outra@example.com", "", ""), ""), nil, nil},
		{"PAY-AUTH-07/charge-stands", "QRCODE_INVALIDO", byCode("QRDN", dynamicCode("u"), payload(func(d doc) { d["status"] = "CONCLUIDA" })), nil, nil},
		{"PAY-AUTH-08/within-limit", "VALOR_ACIMA_LIMITE", nil, objection("VALOR_ACIMA_LIMITE"), nil},
		{"PAY-AUTH-09/has-balance", "SALDO_INSUFICIENTE", nil, objection("SALDO_INSUFICIENTE"), nil},
		{"PAY-AUTH-10/full-powers", "PERMISSAO_INSUFICIENTE", func(d doc) { dig(d, "payment")["purpose"] = "WITHDRAW" }, nil, []string{"person-2"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w := open(t, off(c.rule))
			of := w.authorised(c.consent, c.approvals...)
			if c.prepare != nil {
				c.prepare(w)
			}
			if got := w.service.Assess(context.Background(), of); got != c.reason {
				t.Fatalf("%q", got)
			}
			w.arm("off/" + c.rule)
			if got := w.service.Assess(context.Background(), of); got != "" {
				t.Fatalf("switched off: %q", got)
			}
		})
	}
	w := open(t)
	of := w.authorised(nil)
	if got := w.service.Assess(context.Background(), of); got != "" {
		t.Errorf("a good consent: %q", got)
	}
	w.core.verdict = connector.Verdict{Reason: "COBRANCA_INVALIDA"}
	if got := w.service.Assess(context.Background(), of); got != "NAO_INFORMADO" {
		t.Errorf("%q", got)
	}
	w.core.down = errors.New("broken")
	if got := w.service.Assess(context.Background(), of); got != "FALHA_INFRAESTRUTURA" {
		t.Errorf("%q", got)
	}
}

func TestChargesAllowTheirAmounts(t *testing.T) {
	for _, c := range []struct {
		value      doc
		due        bool
		good, evil string
	}{
		{doc{"original": "10.00"}, false, "10.00", "10.01"},
		{doc{"original": "10.00", "modalidadeAlteracao": 1}, false, "3.00", "0.00"},
		{doc{"original": "10.00", "final": "11.20", "modalidadeAlteracao": 1}, true, "11.20", "10.00"},
		{doc{"retirada": doc{"saque": doc{"valor": "50.00"}}}, false, "50.00", "49.00"},
		{doc{"retirada": doc{"saque": doc{"valor": "50.00", "modalidadeAlteracao": 1}}}, false, "20.00", "0.00"},
		{doc{"original": "10.00", "retirada": doc{"troco": doc{"valor": "5.00"}}}, false, "15.00", "10.00"},
		{doc{"original": "10.00", "retirada": doc{"troco": doc{"valor": "5.00", "modalidadeAlteracao": 1}}}, false, "12.00", "10.00"},
	} {
		ch, err := readCharge(payload(func(d doc) {
			d["valor"] = c.value
			if c.due {
				d["calendario"] = doc{"dataDeVencimento": "2026-03-12"}
			}
		}))
		if err != nil || !ch.accepts(c.good) || ch.accepts(c.evil) || ch.accepts("dez") {
			t.Errorf("%v: %v", c.value, err)
		}
	}
	late, _ := readCharge(payload(func(d doc) { d["calendario"] = doc{"dataDeVencimento": "2026-03-12", "validadeAposVencimento": 2} }))
	if !late.payable(time.Date(2026, 3, 15, 2, 59, 0, 0, time.UTC)) || late.payable(time.Date(2026, 3, 15, 3, 0, 0, 0, time.UTC)) {
		t.Error("a charge is payable until the end of its last day in Brasília")
	}
}
