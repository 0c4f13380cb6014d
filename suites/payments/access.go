package payments

import (
	"fmt"
	"regexp"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// An organisation and a person that nobody knows.
const (
	strangerOrg = "00000000-0000-4000-8000-000000000000"
	strangerCPF = "52998224725"
)

func consentAccessChecks() []check.Check {
	return []check.Check{
		{
			ID: "PAX-X46", Name: "payments/consent-reveals-nothing", Rules: rules("PAY-CONSENT"),
			Title: "A consent is created alike for a customer, for somebody unknown, for an account that is not theirs and for any amount", Why: "An initiator could ask for anybody's balance.",
			Causes: causes("the core is asked at creation", "the account is looked up to fill in its type"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				sound := j.accepts(j.asking(), "a customer")
				data, _ := expect.Value(sound, "data").(map[string]any)
				b.Expect(telling(data), "members of the answer that tell of the customer's money").About(sound).To(expect.Nothing())
				b.Expect(sound).To(expect.JSONAbsent("data.debtorAccount"))
				for what, edit := range map[string]func(map[string]any){
					"a person whom the holder does not know": func(data map[string]any) { put(data, "loggedUser.document.identification", strangerCPF) },
					"an enormous amount":                     func(data map[string]any) { put(data, "payment.amount", enormous) },
					"an account that does not exist": func(data map[string]any) {
						put(data, "debtorAccount", tpp.Account{ISPB: "99999004", Issuer: "0001", Number: "99999999999", Type: "CACC"})
					},
				} {
					x := j.accepts(j.asking().Data(edit), what)
					b.Expect(x).To(expect.JSON("data.status", "AWAITING_AUTHORISATION"))
					b.Expect(x).To(expect.JSONAbsent("data.rejectionReason"))
					b.Expect(x.Status, "status for %s", what).About(sound, x).To(expect.Equal(sound.Status))
				}
			},
		},
		{
			ID: "PAY-025", Name: "payments/requires-interaction-id", Official: official("x-fapi"), Rules: rules("RS-HDR-01/has-interaction-id", "RS-HDR-01/interaction-id-is-uuid", "RS-HDR-02"),
			Title: "Consents, payments and cancellations without a sound interaction id are refused, and the id is repeated in every answer", Why: "Both sides of a call find one another by it.",
			Causes: causes("an id is made up and the call served"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, once(5))).schedules()
				k := j.again(manual).authorises()
				for what, call := range map[string]func() *tpp.APICall{
					"consent": j.asking, "payment": k.initiating, "cancellation": func() *tpp.APICall { return j.cancelling(0) },
				} {
					x := call().Interaction("").Send(b.Context())
					b.Verify(x, "%s without id", what).To(expect.OFBError(400))
					b.Verify(x, "%s without id", what).To(expect.OwnInteractionID())
					b.Verify(call().Interaction("123").Send(b.Context()), "%s with id 123", what).To(expect.OFBError(400))
					x = call().Send(b.Context())
					b.Verify(x, "sound %s", what).To(expect.Succeeds())
					b.Verify(x, "sound %s", what).To(expect.EchoInteractionID())
				}
			},
		},
		{
			ID: "PAY-005", Name: "payments/answers-jwt-and-keeps-refresh-token", Official: official("contenttype-jwt-refreshtoken"), Rules: rules("AS-RT-02", "RS-HDR-05"),
			Title: "Answers are signed for a caller that accepts anything, and a refresh keeps the refresh token", Why: "Strict clients refuse a rotated token.", Causes: causes("the signature depends on Accept", "the server rotates"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				x := j.party.RefreshRequest(j.party.Server, j.grant.RefreshToken).About(j.consent.ID).Send(b.Context())
				b.Expect(x, "refresh").To(expect.Status(200))
				if again := expect.Text(x, "refresh_token"); again != "" {
					b.Expect(again == j.grant.RefreshToken, "refresh token of the answer").About(x).To(expect.True("it is the one in use"))
				}
				x = j.party.Call("payments.consent-read", j.party.Credentials("payments")).Param("consentId", j.consent.ID).Accept("*/*").Send(b.Context())
				b.Expect(x, "read with Accept */*").To(expect.Status(200))
				b.Expect(x).To(expect.MediaType("application/jwt"))
			},
		},
		{
			ID: "PAY-034", Name: "payments/json-accept", Official: official("json-accept-header-jwt-returned"), Rules: rules("RS-HDR-05/accept"),
			Title: "A caller that accepts JSON only is refused, or answered signed nevertheless", Why: "An unsigned answer is no answer.", Causes: causes("content negotiation drops the signature"),
			Body: func(b *check.Bench) {
				j := start(b, manual).consents()
				x := j.party.Call("payments.consent-read", j.party.Credentials("payments")).Param("consentId", j.consent.ID).Accept("application/json").Send(b.Context())
				b.Expect(x, "read with Accept application/json").To(expect.Any(expect.Status(406), expect.All(expect.Status(200), expect.MediaType("application/jwt"))))
				j.is("AWAITING_AUTHORISATION")
			},
		},
	}
}

// money are words of members that tell what somebody holds or may spend.
var money = regexp.MustCompile(`(?i)balance|saldo|available|limit|blocked|overdraft`)

// telling lists the members of an answer, the order itself left out, that tell of the customer's money.
func telling(data map[string]any) []string {
	var found []string
	for name, v := range data {
		if money.MatchString(name) {
			found = append(found, name)
		}
		if inner, ok := v.(map[string]any); ok && name != "payment" {
			found = append(found, telling(inner)...)
		}
	}
	return found
}

func accessChecks() []check.Check {
	refused := expect.OFBErrorStatus([]int{401, 403})
	foreign := expect.OFBErrorStatus([]int{400, 403, 404})
	return []check.Check{
		{
			ID: "PAY-009", Name: "payments/needs-customer-grant", Official: official("invalid-token"), Rules: rules("RS-TOK-03/authorization-code", "RS-TOK-03/client-credentials"),
			Title: "A payment is not initiated with the client's own token, which reads it", Why: "The customer's yes is in the token.", Causes: causes("only the scope is compared"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				own := j.party.Credentials("payments")
				x := j.initiating().Token(own.AccessToken()).Send(b.Context())
				b.Expect(x, "initiation with the client's token").To(refused)
				j.is("AUTHORISED")
				j.pays().settles()
			},
		},
		{
			ID: "PAX-X47", Name: "payments/needs-client-grant", Rules: rules("RS-TOK-03/client-credentials"),
			Title: "Consents and payments are not read or created with the customer's token", Why: "It outlives neither the consent nor the payment.", Causes: causes("only the scope is compared"),
			Body: func(b *check.Bench) {
				j := start(b, manual).pays()
				token := j.grant.AccessToken()
				b.Verify(j.asking().Token(token).Send(b.Context()), "consent created").To(refused)
				b.Verify(j.party.Call("payments.consent-read", j.grant).Param("consentId", j.consent.ID).Send(b.Context()), "consent read").To(refused)
				b.Verify(j.party.Call("payments.read", j.grant).Param("paymentId", j.payments[0]).Send(b.Context()), "payment read").To(refused)
				b.Verify(j.cancelling(0).Token(token).Send(b.Context()), "payment cancelled").To(refused)
				j.settles()
			},
		},
		{
			ID: "PAX-X48", Name: "payments/needs-scope", Rules: rules("RS-TOK-02/scope"),
			Title: "A token of another scope reads no payment consent", Why: "A receiver of data initiates no payments.", Causes: causes("any client-credentials token will do"),
			Body: func(b *check.Bench) {
				j := start(b, manual).consents()
				x := j.party.Call("payments.consent-read", j.party.Credentials("consents")).Param("consentId", j.consent.ID).Send(b.Context())
				b.Expect(x, "read with scope consents").To(refused)
				j.is("AWAITING_AUTHORISATION")
			},
		},
		{
			ID: "PAX-015", Name: "payments/visible-to-owner-only", Rules: rules("AS-CONS-07", "PAY-OWN-01/own-only"), Needs: needs(twoClients),
			Title: "Another initiator reads neither a consent nor its payments", Why: "Whom a customer pays is nobody else's business.", Causes: causes("found by id alone"),
			Body: func(b *check.Bench) {
				j := start(b, manual).pays()
				other := b.Party(1)
				token := other.Credentials("payments")
				hidden := expect.All(foreign, expect.BodyWithout(j.who.CPF, j.order.Creditor.Account.Number))
				b.Verify(other.Call("payments.consent-read", token).Param("consentId", j.consent.ID).Send(b.Context()), "consent").To(hidden)
				b.Verify(other.Call("payments.consent-payments", token).Param("consentId", j.consent.ID).Send(b.Context()), "payments of the consent").To(hidden)
				b.Verify(other.Call("payments.read", token).Param("paymentId", j.payments[0]).Send(b.Context()), "payment").To(hidden)
				j.settles()
			},
		},
		{
			ID: "PAX-016", Name: "payments/cancelled-by-owner-only", Rules: rules("RS-TOK-02", "PAY-OWN-01/own-only"), Needs: needs(twoClients),
			Title: "Another initiator cancels neither a payment nor all of a consent", Why: "It could stop a competitor's payments.", Causes: causes("found by id alone"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, once(5))).schedules()
				other := b.Party(1)
				token, body := other.Credentials("payments"), tpp.CancelBody(j.who.CPF)
				b.Verify(other.Call("payments.read", token).Param("paymentId", j.payments[0]).Send(b.Context()), "payment read").To(foreign)
				b.Verify(other.Call("payments.cancel", token).Param("paymentId", j.payments[0]).Body(body).Send(b.Context()), "payment cancelled").To(foreign)
				b.Verify(other.Call("payments.consent-cancel", token).Param("consentId", j.consent.ID).Body(body).Send(b.Context()), "payments of the consent cancelled").To(foreign)
				b.Expect(j.reads(0)).To(expect.JSON("data.status", "SCHD"))
				j.cancels(0, "CANCELADO_AGENDAMENTO")
			},
		},
		{
			ID: "PAX-X49", Name: "payments/unknown-is-not-found", Rules: rules("ERR-13"),
			Title: "A consent or payment that does not exist is answered with a client error of the standard's form", Why: "An initiator must tell a wrong id from an outage.", Causes: causes("an empty success", "an internal error"),
			Body: func(b *check.Bench) {
				p := b.PartyWith("PAGTO")
				token := p.Credentials("payments")
				for op, param := range map[string][2]string{
					"payments.consent-read":     {"consentId", "urn:ensaio:nobody"},
					"payments.consent-payments": {"consentId", "urn:ensaio:nobody"},
					"payments.read":             {"paymentId", "nobody"},
				} {
					b.Verify(p.Call(op, token).Param(param[0], param[1]).Send(b.Context()), "%s", spec.Find(op).Title).To(foreign)
				}
			},
		},
	}
}

// timeChecks need a clock that can be stepped.
func timeChecks() []check.Check {
	clocked := needs(check.Clock)
	return []check.Check{
		{
			ID: "PAX-017", Name: "payments/consent-times-out", Rules: rules("AS-AUTHN-06", "PAY-CONSENT"), Needs: clocked,
			Title: "A consent that was not authorised within five minutes is rejected with TEMPO_EXPIRADO_AUTORIZACAO, and is not authorised after", Why: "An order nobody remembers must not be approved.",
			Causes: causes("the consent lapses only when a job runs", "the sixty minutes of data consents applied"),
			Body: func(b *check.Bench) {
				j := start(b, manual).consents()
				b.Advance(4*time.Minute + 30*time.Second)
				j.is("AWAITING_AUTHORISATION")
				b.Advance(90 * time.Second)
				j.endedFor("TEMPO_EXPIRADO_AUTORIZACAO")
				p := j.party.Push(j.consent)
				if x := p.Send(b.Context()); x.Err == nil && x.Status == 201 {
					a, err := p.Visit(b.Context(), j.robot)
					if err == nil {
						b.Expect(a.Code, "authorization code").To(expect.Nothing())
					}
				}
				j.endedFor("TEMPO_EXPIRADO_AUTORIZACAO")
			},
		},
		{
			ID: "PAX-018", Name: "payments/authorised-consent-times-out", Rules: rules("AS-AUTHN-06", "PAY-CONSENT"), Needs: clocked,
			Title: "An authorised consent that was not used within sixty minutes is rejected with TEMPO_EXPIRADO_CONSUMO, and pays no more", Why: "A yes of an hour ago is no yes.",
			Causes: causes("only the access token's life ends it"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				b.Advance(59 * time.Minute)
				j.is("AUTHORISED")
				b.Advance(2 * time.Minute)
				j.endedFor("TEMPO_EXPIRADO_CONSUMO")
				b.Expect(j.initiating().Send(b.Context()), "late payment").To(expect.Any(expect.OFBError(422, invalid...), expect.OFBErrorStatus([]int{401, 403})))
			},
		},
		{
			ID: "PAX-X51", Name: "payments/idempotency-lasts-a-day", Rules: rules("RS-HDR-08"), Needs: clocked,
			Title: "An idempotency key is remembered for 24 hours and free after", Why: "A retry may come late; keys run out otherwise.", Causes: causes("kept for the life of a process"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, once(100)))
				key := "ensaio-" + fmt.Sprint(b.Now().UnixNano())
				body := j.order.ConsentBody(b.Now())
				first := expect.Text(j.accepts(j.asking().Body(body).Idempotency(key), "consent"), "data.consentId")
				b.Advance(23 * time.Hour)
				again := j.accepts(j.asking().Body(body).Idempotency(key), "the same after 23 hours")
				b.Expect(expect.Text(again, "data.consentId"), "consent").About(again).To(expect.Equal(first))
				b.Advance(2 * time.Hour)
				anew := j.accepts(j.asking().Body(body).Idempotency(key), "the same after 25 hours")
				b.Expect(expect.Text(anew, "data.consentId"), "consent").About(anew).NotTo(expect.Equal(first))
			},
		},
		{
			ID: "PAY-068", Name: "payments/evening-counts-locally", Official: official("timezone"), Rules: rules("PAY-CONS-09/date-is-today", "ERR-13"), Needs: clocked,
			Title: "Late in the evening an immediate payment is dated by Brasília's calendar and settles", Why: "In UTC it is tomorrow already.", Causes: causes("dates compared in UTC"),
			Body: func(b *check.Bench) {
				b.SetClock(at(dayAfter(b, 1), 21, 30))
				j := start(b, manual)
				x := j.asking().Data(func(data map[string]any) { put(data, "payment.date", b.Now().UTC().Format(time.DateOnly)) }).Send(b.Context())
				b.Expect(x, "the date of UTC").To(expect.OFBError(422, badDate...))
				j.pays().settles()
			},
		},
		{
			ID: "PAY-069", Name: "payments/approval-ends-with-the-day", Official: official("multiple-consents-timezone-conditional"), Rules: rules("AS-AUTHN-06", "PAY-CONSENT"), Needs: needs(check.Clock, approvers),
			Title: "An immediate payment whose approvers did not all answer by the end of the day is rejected with TEMPO_EXPIRADO_AUTORIZACAO", Why: "It was for that day.", Causes: causes("the day ends in UTC", "the five minutes of the first approval applied"),
			Body: func(b *check.Bench) {
				b.SetClock(at(dayAfter(b, 1), 20, 0))
				j := startFor(b, manual, b.Person("company-several")).authorises()
				j.is("PARTIALLY_ACCEPTED")
				b.SetClock(at(dayAfter(b, 0), 23, 30))
				j.is("PARTIALLY_ACCEPTED")
				b.Advance(time.Hour)
				j.endedFor("TEMPO_EXPIRADO_AUTORIZACAO")
			},
		},
		{
			ID: "PAX-014", Name: "payments/jti-is-free-after-a-day", Rules: rules("JWS-05/jti-unique"), Needs: clocked,
			Title: "A jti may be used again after 24 hours", Why: "Nobody keeps them for ever.", Causes: causes("kept without end"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				id := "6b1f1a52-6c0f-4d3a-9d55-" + fmt.Sprintf("%012x", b.Now().UnixNano()&0xffffffffffff)
				named := func(c map[string]any) { c["jti"] = id }
				j.accepts(j.asking().Claims(named), "first use")
				b.Advance(day + time.Minute)
				j.accepts(j.asking().Claims(named), "use a day later")
			},
		},
	}
}
