package payments

import (
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// cancels cancels one payment and expects it cancelled, by the initiator, for that reason.
func (j *journey) cancels(i int, reason string) {
	x := j.cancelling(i).Send(j.Context())
	j.Expect(x, "cancellation").To(expect.Status(200))
	x = j.reads(i)
	j.Expect(x).To(expect.JSON("data.status", "CANC"))
	j.Expect(x).To(expect.JSON("data.cancellation.reason", reason))
	j.Expect(x).To(expect.JSON("data.cancellation.cancelledFrom", "INICIADORA"))
	j.Expect(x).To(expect.JSON("data.cancellation.cancelledBy.document.identification", j.who.CPF))
}

func cancellationChecks() []check.Check {
	refused := expect.OFBError(422, uncancellable...)
	return []check.Check{
		{
			ID: "PAY-014", Name: "payments/initiator-cancels", Official: official("pixscheduling-patch-iniciadora"), Rules: rules("PAY-CANCEL", "ERR-13"),
			Title: "The initiator cancels a scheduled payment, and the answer says who did and from where", Why: "The customer changed their mind in time.", Causes: causes("cancelledFrom fixed to the holder"),
			Body: func(b *check.Bench) {
				start(b, scheduled(manual, once(5))).schedules().cancels(0, "CANCELADO_AGENDAMENTO")
			},
		},
		{
			ID: "PAY-013", Name: "payments/payer-cancels-at-holder", Official: official("pixscheduling-patch-detentora"), Rules: rules("PAY-CANCEL", "WH-08"), Needs: needs(check.HolderControl),
			Title: "A payment cancelled in the holder's own channel shows as cancelled from there", Why: "The initiator must not ask the customer to pay again.", Causes: causes("the holder's channel writes another record"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, once(5))).schedules()
				b.Holder().Post("/payments/"+j.payments[0]+"/cancel", map[string]string{}, nil)
				x := j.reads(0)
				b.Expect(x).To(expect.JSON("data.status", "CANC"))
				b.Expect(x).To(expect.JSON("data.cancellation.cancelledFrom", "DETENTORA"))
				b.Expect(x).To(expect.JSON("data.cancellation.reason", "CANCELADO_AGENDAMENTO"))
			},
		},
		{
			ID: "PAY-015", Name: "payments/cancels-only-cancellable", Official: official("pixscheduling-patch-unhappy"), Rules: rules("PAY-CANCEL", "PAY-CANC-01/form", "ERR-13"),
			Title: "A cancellation that names nobody by CPF, or of a settled payment, is refused", Why: "What is paid is paid.", Causes: causes("rel not looked at", "the state is not looked at"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, once(5))).schedules()
				x := j.cancelling(0).Data(func(data map[string]any) { put(data, "cancellation.cancelledBy.document.rel", "XXX") }).Send(b.Context())
				b.Expect(x, "cancellation under rel XXX").To(refused)
				x = j.cancelling(0).Data(func(data map[string]any) { put(data, "status", "ACSC") }).Send(b.Context())
				b.Expect(x, "change to another status").To(refused)
				b.Expect(j.reads(0)).To(expect.JSON("data.status", "SCHD"))
				j.cancels(0, "CANCELADO_AGENDAMENTO")
				b.Expect(j.cancelling(0).Send(b.Context()), "cancellation of a cancelled payment").To(refused)

				k := j.again(manual).pays().settles()
				b.Expect(k.cancelling(0).Send(b.Context()), "cancellation of a settled payment").To(refused)
				b.Expect(k.reads(0)).To(expect.JSON("data.status", "ACSC"))
				b.Expect(k.cancellingAll().Send(b.Context()), "cancellation of all payments, none of them open").To(refused)
			},
		},
		{
			ID: "PAY-071", Name: "payments/cancels-one-then-all", Official: official("recurring-payments-patch_timezone"), Rules: rules("PAY-CANCEL", "ERR-13"),
			Title: "One payment of a series is cancelled, then all the others at once", Why: "Subscriptions end.", Causes: causes("the bulk call stops at the first cancelled one"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, daily(3, 6))).schedules()
				j.cancels(2, "CANCELADO_AGENDAMENTO")
				b.Expect(j.states(), "states").To(expect.Equal([]string{"SCHD", "SCHD", "CANC", "SCHD", "SCHD", "SCHD"}))
				b.Expect(j.cancellingAll().Send(b.Context()), "cancellation of all").To(expect.Status(202))
				b.Expect(j.states(), "states").To(expect.Equal([]string{"CANC", "CANC", "CANC", "CANC", "CANC", "CANC"}))
			},
		},
		{
			ID: "PAY-070", Name: "payments/late-bulk-cancel-keeps-tomorrow", Official: official("consent-bulk-cancel_negative_timezone"), Rules: rules("PAY-CANC-03/bulk-cut-off", "ERR-13"), Needs: needs(check.Clock),
			Title: "A bulk cancellation late in the evening leaves the payment of tomorrow and cancels the rest", Why: "Tomorrow's payments are already being prepared.",
			Causes: causes("the cut-off counted in UTC", "the call refused as a whole"),
			Body: func(b *check.Bench) {
				b.SetClock(at(dayAfter(b, 1), 23, 30))
				j := start(b, scheduled(manual, onDays(1, 2, 10))).schedules()
				b.Expect(j.cancellingAll().Send(b.Context()), "cancellation at 23:30").To(expect.Status(202))
				b.Expect(j.states(), "states").To(expect.Equal([]string{"SCHD", "CANC", "CANC"}))
				j.cancels(0, "CANCELADO_AGENDAMENTO")
			},
		},
		{
			ID: "PAX-X44", Name: "payments/not-cancelled-on-its-day", Rules: rules("PAY-CANC-02/before-the-day"), Needs: needs(check.Clock, check.CoreControl, payee(target.Email)),
			Title: "A scheduled payment can be cancelled until the day before ends, and no more when its day begins", Why: "It is on its way then.", Causes: causes("the day begins in UTC"),
			Body: func(b *check.Bench) {
				early := start(b, scheduled(manual, once(2))).schedules()
				b.SetClock(at(dayAfter(b, 1), 23, 58))
				early.cancels(0, "CANCELADO_AGENDAMENTO")
				// The core is away while the day begins. A payment by key waits for the directory's word before it is
				// ordered, so that only the day stands against its cancellation.
				due := early.again(scheduled(byKey(target.Email), once(1))).schedules()
				coreAway(b, true)
				b.SetClock(at(dayAfter(b, 1), 0, 0))
				b.Expect(due.cancelling(0).Send(b.Context()), "cancellation on the day").To(refused)
				coreAway(b, false)
				due.settles()
			},
		},
	}
}

// coreAway switches an outage of the core on or off; it is off again when the check ends.
func coreAway(b *check.Bench, on bool) {
	if on {
		b.Cleanup(func() { _ = b.Core().Try("POST", "/outage", map[string]bool{"on": false}, nil) })
	}
	b.Core().Post("/outage", map[string]bool{"on": on}, nil)
}

// withdrawalChecks are about cash handed out by a shop: by itself, or as change.
func withdrawalChecks() []check.Check {
	email := needs(payee(target.Email))
	withdraw := func(amount, ofCode string) form {
		return func(b *check.Bench, j *journey) tpp.Order {
			o := byKey(target.Email)(b, j)
			o.Instrument, o.Purpose, o.Amount = "QRES", "WITHDRAW", amount
			o.QRCode = staticCode(b, tpp.BRCode{Key: o.Proxy, Amount: ofCode, Withdrawal: o.Creditor.Account.ISPB})
			return o
		}
	}
	return []check.Check{
		{
			ID: "PAY-072", Name: "payments/withdraws", Official: official("pix-withdraw-qres"), Rules: rules("ERR-13"), Needs: email,
			Title: "A withdrawal by static code of the exact amount settles", Why: "Shops hand out cash on it.", Causes: causes("the purpose is not offered"),
			Body: settled(withdraw("20.00", "20.00")),
		},
		{
			ID: "PAY-073", Name: "payments/withdrawal-has-limit", Official: official("pix-withdraw-exceeds-limit"), Rules: rules("PAY-AUTH-08/within-limit", "ERR-13"), Needs: append(email[:1:1], outcome(target.BeyondWithdrawal)),
			Title: "A withdrawal above its own limit is rejected, where a payment of the amount would pass", Why: "Cash is easier to rob.", Causes: causes("the limit of payments applied"),
			Body: func(b *check.Bench) {
				amount := b.Target().Payments.Amounts[target.BeyondWithdrawal]
				j := start(b, withdraw(amount, amount))
				j.ends("VALOR_ACIMA_LIMITE")
				j.again(amounted(manual, amount)).authorises()
			},
		},
		{
			ID: "PAY-074", Name: "payments/withdrawal-is-immediate", Official: official("pix-withdraw-change-invalid-date"), Rules: rules("PAY-CONS-12/not-withdrawal-later", "ERR-13"), Needs: email,
			Title: "A withdrawal or change cannot be scheduled", Why: "The customer stands at the till.", Causes: causes("the purpose is not compared with the schedule"),
			Body: refusedConsents(withdraw("20.00", "20.00"),
				bend{"withdrawal tomorrow", scheduled(withdraw("20.00", "20.00"), once(1)), with("payment.purpose", "WITHDRAW"), badDate},
				bend{"change tomorrow", scheduled(withdraw("20.00", "20.00"), once(1)), with("payment.purpose", "CHANGE"), badDate},
			),
		},
		{
			ID: "PAY-075", Name: "payments/withdrawal-needs-full-powers", Official: official("pix-consents-multi-authorization-permission"), Rules: rules("PAY-AUTH-10/full-powers", "ERR-13"), Needs: append(email[:1:1], approvers),
			Title: "A withdrawal from an account with several approvers is rejected", Why: "The others could not approve in time.", Causes: causes("the consent waits for approvers like any other"),
			Body: func(b *check.Bench) {
				startFor(b, withdraw("20.00", "20.00"), b.Person("company-several")).ends("PERMISSAO_INSUFICIENTE")
			},
		},
		{
			ID: "PAY-076", Name: "payments/withdrawal-is-exact", Official: official("pix-withdraw-invalid-amount"), Rules: rules("PAY-AUTH-03/amount-of-code", "ERR-13"), Needs: email,
			Title: "A withdrawal of another amount than the code's is rejected", Why: "The shop hands out what its code says.", Causes: causes("the code's amount is a proposal"),
			Body: func(b *check.Bench) { start(b, withdraw("25.00", "20.00")).ends("VALOR_INVALIDO") },
		},
		{
			ID: "PAY-064", Name: "payments/change", Official: official("pix-change-qrdn"), Rules: rules("PAY-AUTH-03/amount-of-code", "ERR-13"), Needs: append(email[:1:1], invented),
			Title: "A purchase with change settles for purchase and change together, and for nothing else", Why: "The shop hands out the difference.", Causes: causes("only the purchase is compared"),
			Body: func(b *check.Bench) {
				change := func(amount string) form {
					return func(b *check.Bench, j *journey) tpp.Order {
						o := onCharge("QRDN", func(c charge) {
							c["valor"] = map[string]any{"original": "30.00", "modalidadeAlteracao": 0, "retirada": map[string]any{"troco": map[string]any{"valor": "20.00", "modalidadeAlteracao": 0}}}
						})(b, j)
						o.Purpose, o.Amount = "CHANGE", amount
						return o
					}
				}
				j := start(b, change("50.00"))
				j.pays().settles()
				j.again(change("30.00")).paysNothing("VALOR_INVALIDO")
			},
		},
	}
}

const day = 24 * time.Hour
