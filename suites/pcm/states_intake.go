package pcm

import (
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// state is a sound payment state, told by this side as the holder.
func (s *side) state(client *side) fields {
	return fields{"eventDateTime": told(s.Now().Add(-time.Second)), "paymentType": "IMMEDIATE", "clientOrgId": client.party.Config().OrganisationID,
		"consentId": "urn:ensaio:" + uuid.NewString(), "paymentId": uuid.NewString(), "paymentStatus": "ACSC"}
}

func stateChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C80", Name: "pcm/takes-payment-states", Needs: twoSides, Rules: rules("PCM-STATE"),
			Title: "A holder tells the states of a payment; the newest is read back by it, and by nobody else", Why: "The initiator's word is held against them.", Causes: causes("the first state is kept"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				first := server.state(client).but("paymentStatus", "SCHD").but("paymentType", "SCHEDULED").but("eventDateTime", told(b.Now().Add(-time.Hour)))
				last := first.but("paymentStatus", "RJCT").but("statusReasonCode", "SALDO_INSUFICIENTE").but("eventDateTime", told(b.Now().Add(-time.Second)))
				x := server.posting(spec.PaymentStatesPath, []fields{first, last}).Send(b.Context())
				b.Expect(x).To(expect.All(expect.Status(200), expect.JSONCount("", 2)))
				for _, a := range server.taken(x, 2) {
					b.Expect(a.Status, "answer about a state (%s)", a.Message).About(x).To(expect.Equal("ACCEPTED"))
				}
				y := server.reading(spec.PaymentStatesPath + "/" + first["paymentId"].(string))
				b.Expect(y).To(expect.All(expect.Status(200), expect.JSON("paymentId", first["paymentId"]), expect.JSON("paymentStatus", "RJCT"), expect.JSON("statusReasonCode", "SALDO_INSUFICIENTE"),
					expect.JSON("status", "ACCEPTED"), expect.JSON("reportId", expect.UUID())))
				b.Expect(client.reading(spec.PaymentStatesPath+"/"+first["paymentId"].(string)), "another organisation reads").To(refused(404, "Not Found"))
				b.Expect(server.reading(spec.PaymentStatesPath+"/"+uuid.NewString()), "a payment of nobody").To(refused(404, "Not Found"))
			},
		},
		{
			ID: "PCM-C81", Name: "pcm/discards-flawed-payment-states", Needs: twoSides,
			Rules: rules("PCM-STATE/has-required-fields", "PCM-STATE/fields-not-empty", "PCM-STATE/fields-typed", "PCM-STATE/client-is-uuid", "PCM-STATE/client-known", "PCM-STATE/status-listed",
				"PCM-STATE/type-listed", "PCM-STATE/consent-id-is-urn", "PCM-STATE/payment-id-form", "PCM-STATE/time-form", "PCM-STATE/not-too-old", "PCM-STATE/not-later"),
			Title: "A payment state that lacks a field, or has a value or a time outside its domain, is discarded, the message naming it", Why: "It could not be joined.", Causes: causes("one schema for all reports"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				base := server.state(client)
				var flaws []flaw
				for _, name := range []string{"eventDateTime", "paymentType", "clientOrgId", "consentId", "paymentId", "paymentStatus"} {
					flaws = append(flaws, flaw{"no " + name, base.but(name, nil), []string{name, "required"}})
				}
				server.discards(spec.PaymentStatesPath, base, append(flaws,
					flaw{"an empty status", base.but("paymentStatus", ""), []string{"paymentStatus", "empty"}},
					flaw{"a payment id as number", base.but("paymentId", 7), []string{"paymentId", "string"}},
					flaw{"an organisation of another form", base.but("clientOrgId", "abc"), []string{"clientOrgId", "uuid"}},
					flaw{"an unknown organisation", base.but("clientOrgId", nobody), []string{"directory"}},
					flaw{"a state that is neither final nor scheduled", base.but("paymentStatus", "PDNG"), []string{"paymentStatus", "ACSC"}},
					flaw{"a type of another kind", base.but("paymentType", "GIFT"), []string{"paymentType", "IMMEDIATE"}},
					flaw{"a consent id of another form", base.but("consentId", "abc"), []string{"consentId"}},
					flaw{"a payment id of another form", base.but("paymentId", "-x"), []string{"paymentId", "pattern"}},
					flaw{"a malformed time", base.but("eventDateTime", "yesterday"), []string{"eventDateTime", "date"}},
					flaw{"eight days ago", base.but("eventDateTime", told(b.Now().Add(-8*24*time.Hour))), []string{"7 days"}},
					flaw{"a minute ahead", base.but("eventDateTime", told(b.Now().Add(time.Minute))), []string{"later"}},
				))
			},
		},
	}
}

// reading asks for one report.
func (s *side) reading(path string) *exchange {
	return s.party.Request("metrics.read", "GET", s.Target().PCM.URL+path).WithoutCertificate().Bearer(s.token).Send(s.Context())
}
