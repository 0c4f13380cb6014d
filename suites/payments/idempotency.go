package payments

import (
	"strings"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func idempotencyChecks() []check.Check {
	return []check.Check{
		{
			ID: "PAX-011", Name: "payments/retry-is-idempotent", Rules: rules("RS-HDR-08", "PAY-IDEM-01/same-data"),
			Title: "The same request under the same idempotency key, signed anew, creates nothing more and is answered with the same resource", Why: "A retry after a lost answer must not pay twice.",
			Causes: causes("the signed text is compared instead of the data", "the key is remembered after the answer"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				key, body := uuid.NewString(), j.order.ConsentBody(b.Now())
				first := j.accepts(j.asking().Body(body).Idempotency(key), "consent")
				again := j.accepts(j.asking().Body(body).Idempotency(key), "the same consent again")
				b.Expect(expect.Text(again, "data.consentId"), "consent of the second answer").About(first, again).To(expect.Equal(expect.Text(first, "data.consentId")))

				j.authorises()
				payments := j.party.PaymentBody(j.order)
				one := j.takes(j.initiating().Body(payments).Idempotency(key))
				two := j.takes(j.initiating().Body(payments).Idempotency(key))
				b.Expect(expect.Text(two, "data[0].paymentId"), "payment of the second answer").About(one, two).To(expect.Equal(expect.Text(one, "data[0].paymentId")))
				j.settles()
				b.Expect(j.list()).To(expect.JSONCount("data", 1))
			},
		},
		{
			ID: "PAY-037", Name: "payments/changed-retry-is-refused", Official: official("idempotency"), Rules: rules("PAY-IDEM-01/same-data", "RS-HDR-08", "JWS-04/iss"),
			Title: "The same idempotency key with other data is refused, on creation, payment and cancellation; a wrong issuer is refused before",
			Why:   "The first outcome would be taken for that of another order.", Causes: causes("the key alone is compared"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				key := uuid.NewString()
				x := j.asking().Idempotency(key).Claims(func(c map[string]any) { c["iss"] = strangerOrg }).Send(b.Context())
				b.Expect(x, "consent of another issuer").To(expect.OFBError(403))
				j.accepts(j.asking().Idempotency(key), "consent")
				x = j.asking().Idempotency(key).Data(func(data map[string]any) { put(data, "payment.amount", "2.00") }).Send(b.Context())
				b.Expect(x, "another consent under the same key").To(expect.OFBError(422, idempotency...))

				j.authorises()
				body := j.party.PaymentBody(j.order)
				j.takes(j.initiating().Body(body).Idempotency(key))
				x = items(j.initiating().Body(body).Idempotency(key), item2("remittanceInformation", "outra")).Send(b.Context())
				b.Expect(x, "another payment under the same key").To(expect.OFBError(422, idempotency...))

				k := j.again(scheduled(manual, daily(5, 2))).schedules()
				b.Expect(k.cancelling(0).Idempotency(key).Send(b.Context()), "cancellation").To(expect.Status(200))
				x = k.cancelling(0).Idempotency(key).Data(func(data map[string]any) {
					put(data, "cancellation.cancelledBy.document.identification", strangerCPF)
				}).Send(b.Context())
				b.Expect(x, "another cancellation under the same key").To(expect.OFBError(422, idempotency...))
			},
		},
		{
			ID: "PAX-012", Name: "payments/requires-idempotency-key", Rules: rules("RS-HDR-08/has-idempotency-key"),
			Title: "A call that creates, pays or cancels without idempotency key is refused", Why: "Without it a retry pays twice.", Causes: causes("the key is optional"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				b.Verify(j.asking().Idempotency("").Send(b.Context()), "consent").To(expect.OFBError(400))
				b.Verify(j.initiating().Idempotency("").Send(b.Context()), "payment").To(expect.OFBError(400))
				j.pays()
				b.Verify(j.cancelling(0).Idempotency("").Send(b.Context()), "cancellation").To(expect.OFBError(400))
				b.Verify(j.cancellingAll().Idempotency("").Send(b.Context()), "cancellation of all").To(expect.OFBError(400))
			},
		},
		{
			ID: "PAX-X45", Name: "payments/bounds-idempotency-key", Rules: rules("RS-HDR-08/idempotency-key-length"),
			Title: "An idempotency key of forty characters is taken, one of forty-one refused", Why: "Keys are kept for a day.", Causes: causes("no bound"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				unique := strings.ReplaceAll(uuid.NewString(), "-", "")
				j.accepts(j.asking().Idempotency(unique+"12345678"), "forty characters")
				b.Expect(j.asking().Idempotency(unique+"123456789").Send(b.Context()), "forty-one characters").To(expect.OFBErrorStatus([]int{400, 422}))
			},
		},
		{
			ID: "PAX-013", Name: "payments/idempotency-per-client", Rules: rules("RS-HDR-08"), Needs: needs(twoClients),
			Title: "Two clients that use the same idempotency key do not meet", Why: "One would be answered with what belongs to the other.", Causes: causes("keys kept without their client"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				key, body := uuid.NewString(), j.order.ConsentBody(b.Now())
				mine := j.accepts(j.asking().Body(body).Idempotency(key), "first client")
				other := b.Party(1)
				x := other.Call("payments.consent-create", other.Credentials("payments")).Body(body).Idempotency(key).Send(b.Context())
				b.Expect(x, "second client, same key and data").To(expect.Status(201))
				b.Expect(expect.Text(x, "data.consentId"), "consent of the second client").About(mine, x).NotTo(expect.Equal(expect.Text(mine, "data.consentId")))
				x = other.Call("payments.consent-create", other.Credentials("payments")).Body(j.again(amounted(manual, "3.00")).order.ConsentBody(b.Now())).Idempotency(key + "-2").Send(b.Context())
				b.Expect(x, "second client, another key").To(expect.Status(201))
			},
		},
		{
			ID: "PAX-019", Name: "payments/pays-once-in-parallel", Rules: rules("AS-RT-04", "PAY-CONSENT"),
			Title: "Of two payments on one consent at the same time exactly one is taken", Why: "The race is the attack.", Causes: causes("the consent is read before the lock"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				var one, two *tpp.Exchange
				first, second := j.initiating(), j.initiating()
				b.Together(func() { one = first.Send(b.Context()) }, func() { two = second.Send(b.Context()) })
				if one.Status != 201 {
					one, two = two, one
				}
				b.Expect(one, "the payment that won").To(expect.Status(201))
				b.Expect(two, "the payment that lost").To(expect.OFBErrorStatus([]int{401, 422}))
				j.created(one)
				j.settles()
				b.Expect(j.list()).To(expect.JSONCount("data", 1))
			},
		},
	}
}
