package pcm

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// exported is a report of the institution as the platform holds it.
type exported[T any] struct {
	spec.Exported
	sent T
}

// exports lists the institution's reports of a kind, as far as they hold the text.
func exports[T any](w *watch, kind, holding string) (all []exported[T]) {
	var lines []byte
	w.PCM().Get("/export?kind="+kind, &lines)
	for line := range bytes.Lines(lines) {
		if holding != "" && !bytes.Contains(line, []byte(holding)) {
			continue
		}
		var e exported[T]
		w.Given("a line of the export", json.Unmarshal(line, &e.Exported))
		if e.Reporter == w.Target().Bank.OrganisationID && json.Unmarshal(e.Report, &e.sent) == nil {
			all = append(all, e)
		}
	}
	return all
}

// anExport waits until the institution's reports of a kind satisfy, where they cannot be hurried.
func anExport[T any](w *watch, kind, holding string, done func([]exported[T]) bool) []exported[T] {
	w.hurries()
	all := exports[T](w, kind, holding)
	if w.Target().Capabilities.Reporter == "" && !done(all) {
		w.Wait("report", "reports of kind "+kind, func() bool { all = exports[T](w, kind, holding); return done(all) })
	}
	return all
}

// payment is one that a check made.
type payment struct {
	id, kind string
	consent  *tpp.Consent
	began    time.Time
}

// pays takes an order to its payment.
func (w *watch) pays(order tpp.Order) payment {
	order.Payer = w.who.Document()
	p := payment{kind: "IMMEDIATE", began: w.Now()}
	if order.Schedule != nil {
		p.kind = "SCHEDULED"
	}
	p.consent = check.Given[*tpp.Consent](w.Bench, "a payment consent")(w.party.CreatePaymentConsent(w.Context(), w.party.Server, order))
	grant := check.Given[*tpp.Grant](w.Bench, "an authorised payment consent")(w.party.Authorise(w.Context(), p.consent, w.Robot(w.who)))
	x := w.party.Call("payments.create", grant).Body(w.party.PaymentBody(order)).Send(w.Context())
	w.Expect(x, "initiation").To(expect.Status(201))
	p.id = expect.Text(x, "data[0].paymentId")
	return p
}

// comesToState waits until the payment has one of the states, which it returns.
func (w *watch) comesToState(p payment, states ...string) string {
	status := ""
	w.Wait("settle", "the payment to be one of "+said(states), func() bool {
		x, err := w.party.ReadPayment(w.Context(), p.consent, p.id)
		w.Given("a payment to be read", err)
		status = expect.Text(x, "data.status")
		return slices.Contains(states, status)
	})
	return status
}

// told expects the states that the institution reported of a payment, in their order, each once.
func (w *watch) told(p payment, states ...string) []exported[spec.PaymentState] {
	all := anExport(w, spec.KindPayments, p.id, func(all []exported[spec.PaymentState]) bool { return len(all) >= len(states) })
	var got []string
	for _, s := range all {
		got = append(got, s.sent.PaymentStatus)
	}
	w.Expect(got, "states reported of a payment that came to "+said(states)).To(expect.Equal(states))
	for _, s := range all {
		w.Verify(s.sent.PaymentType, "paymentType").To(expect.Equal(p.kind))
		w.Verify(s.sent.ConsentID, "consentId").To(expect.Equal(p.consent.ID))
		w.Verify(s.sent.ClientOrgID, "clientOrgId").To(expect.Equal(w.party.Config().OrganisationID))
		at, err := time.Parse(time.RFC3339, s.sent.EventDateTime)
		w.Given("an eventDateTime", err)
		w.Verify(!at.Before(p.began.Truncate(time.Second)) && !at.After(w.Now()), "eventDateTime %s", s.sent.EventDateTime).To(expect.True("it lies between the initiation and now"))
	}
	return all
}

func toldStateChecks() []check.Check {
	paying := with(observed, check.API("payments"), check.ClientRole("PAGTO"), check.Need{Name: "a payee", Unmet: func(t *target.Target) string {
		if _, ok := t.PayeeWith(target.Email); !ok {
			return "the target declares no payee with an e-mail key in payments.payees"
		}
		return ""
	}})
	return []check.Check{
		{
			ID: "PCM-C70", Name: "pcm/payment-states-are-told", Rules: rules("PCM-STATES"), Needs: paying, Timeout: time.Minute,
			Title: "The institution reports each payment that is scheduled, settled, rejected or cancelled, once, with its type and the reason", Why: "The initiator's word on what became of payments is held against it.",
			Causes: causes("only settlements are reported", "the reason is kept internally", "schedules are taken for immediate payments"),
			Body: func(b *check.Bench) {
				w := begin(b)
				w.party = b.PartyWith("PAGTO")
				to, _ := b.Target().PayeeWith(target.Email)
				order := tpp.Order{Amount: "1.00", Instrument: "MANU", Creditor: tpp.Creditor{Name: to.Name, Document: to.Document,
					Account: tpp.Account{ISPB: to.Account.ISPB, Issuer: to.Account.Issuer, Number: to.Account.Number, Type: to.Account.Type}}}

				later := order
				y, m, d := b.Now().In(brasilia).Date()
				later.Schedule = &tpp.Schedule{Single: time.Date(y, m, d+5, 12, 0, 0, 0, brasilia)}
				scheduled := w.pays(later)
				settled := w.pays(order)
				unknown := order
				unknown.Instrument, unknown.Proxy = "DICT", "ninguem.registrou@chave.example.com"
				refused := w.pays(unknown)

				w.comesToState(scheduled, "SCHD")
				x := w.party.Call("payments.cancel", w.party.Credentials("payments")).Param("paymentId", scheduled.id).About(scheduled.consent.ID).Body(tpp.CancelBody(w.who.CPF)).Send(b.Context())
				b.Expect(x, "cancellation").To(expect.Status(200))
				b.Expect(w.comesToState(settled, tpp.Final...), "final state").To(expect.Equal("ACSC"))
				b.Expect(w.comesToState(refused, tpp.Final...), "final state").To(expect.Equal("RJCT"))

				states := w.told(scheduled, "SCHD", "CANC")
				b.Verify(states[1].sent.StatusReasonCode, "reason of the cancellation").To(expect.Equal("CANCELADO_AGENDAMENTO"))
				w.told(settled, "ACSC")
				states = w.told(refused, "RJCT")
				y2, err := w.party.ReadPayment(b.Context(), refused.consent, refused.id)
				b.Given("the rejected payment", err)
				b.Verify(states[0].sent.StatusReasonCode, "reason of the rejection").About(y2).To(expect.Equal(expect.Text(y2, "data.rejectionReason.code")))
			},
		},
	}
}
