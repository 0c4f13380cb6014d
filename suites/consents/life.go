package consents

import (
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func lifeChecks() []check.Check {
	return []check.Check{
		{
			ID: "CON-004", Name: "consents/revocation-stops-data", Rules: rules("AS-CONS-04", "AS-RT-05"), Official: official("delete"),
			Title:  "With its revocation a consent's tokens die at once",
			Why:    "A customer who revokes expects that no further data leaves.",
			Causes: causes("tokens are validated without looking at the consent", "a cache of sessions"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(90*day, balances...)
				b.Expect(d.data(g), "data before").To(expect.Status(200))
				b.Given("a refreshed token", d.party.Refresh(b.Context(), g))
				d.deletes(g.Consent.ID)
				d.silenced(g)
				d.ended(g.Consent.ID, "USER", "CUSTOMER_MANUALLY_REVOKED")
			},
		},
		{
			ID: "CON-005", Name: "consents/holder-revocation-is-told", Rules: rules("AS-CONS-03", "AS-CONS-04"), Official: official("revoked-aspsp"), Needs: held,
			Title:  "What the customer revokes in the bank's own channel is rejected by the user and shares nothing more",
			Why:    "The customer may revoke on either side; the receiver must learn it.",
			Causes: causes("the bank's channel changes another table", "the reason is not kept"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(90*day, balances...)
				b.Expect(d.data(g), "data before").To(expect.Status(200))
				b.Holder().Post(path(g.Consent.ID, "/revoke"), map[string]any{"by": "USER"}, nil)
				d.ended(g.Consent.ID, "USER", "CUSTOMER_MANUALLY_REVOKED")
				d.silenced(g)
			},
		},
		{
			ID: "CON-018", Name: "consents/expiry-stops-data", Rules: rules("AS-CONS-02", "AS-RT-05"), Official: official("expired-consent"), Needs: clocked,
			Title:  "At its expiry a consent is rejected, shares nothing more, and cannot be revoked again",
			Why:    "The customer agreed to a date.",
			Causes: causes("a nightly job does the expiry", "the token's life is not bounded by the consent's"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(2*time.Minute, balances...)
				b.Expect(d.data(g), "data before the expiry").To(expect.Status(200))
				b.Advance(2*time.Minute + 2*time.Second)
				d.silenced(g)
				d.ended(g.Consent.ID, "ASPSP", "CONSENT_MAX_DATE_REACHED")
				b.Expect(d.call("consents.delete", g.Consent.ID).Send(b.Context()), "revocation").To(expect.OFBError(422, "CONSENTIMENTO_EM_STATUS_REJEITADO"))
			},
		},
		{
			ID: "CON-X69", Name: "consents/explains-rejection", Rules: rules("CONS-REJ"),
			Title:  "A rejected consent says who ended it and why",
			Why:    "The receiver shows the reason to the customer and decides whether to ask again.",
			Causes: causes("one reason for all", "the reason is kept in the log only"),
			Body: func(b *check.Bench) {
				d := open(b)
				waiting := d.consent(90*day, balances...)
				b.Expect(d.reads(waiting.ID)).To(expect.JSONAbsent("data.rejection"))
				d.deletes(waiting.ID)
				d.ended(waiting.ID, "USER", "CUSTOMER_MANUALLY_REJECTED")

				refused, robot := d.consent(90*day, balances...), b.Robot(d.person)
				robot.Decision = psu.Deny
				d.denied(d.arrives(refused, robot))
				d.ended(refused.ID, "USER", "CUSTOMER_MANUALLY_REJECTED")

				g := d.sharing(90*day, balances...)
				d.deletes(g.Consent.ID)
				d.ended(g.Consent.ID, "USER", "CUSTOMER_MANUALLY_REVOKED")
			},
		},
		{
			ID: "CON-X70", Name: "consents/second-revocation-is-422", Rules: rules("ERR-13"),
			Title:  "A rejected consent cannot be revoked once more, and keeps its reason",
			Why:    "A repeated call must not rewrite history.",
			Causes: causes("deletion is treated as idempotent"),
			Body: func(b *check.Bench) {
				d := open(b)
				id := d.made(d.body(balances...))
				d.deletes(id)
				before := d.reads(id)
				b.Expect(d.call("consents.delete", id).Send(b.Context()), "second revocation").To(expect.OFBError(422, "CONSENTIMENTO_EM_STATUS_REJEITADO"))
				after := d.reads(id)
				b.Expect(expect.Value(after, "data.rejection"), "reason").About(before, after).To(expect.Equal(expect.Value(before, "data.rejection")))
				b.Expect(expect.Text(after, "data.statusUpdateDateTime"), "time of the rejection").About(before, after).To(expect.Equal(expect.Text(before, "data.statusUpdateDateTime")))
			},
		},
		{
			ID: "CON-X71", Name: "consents/revoked-cannot-be-authorised", Rules: rules("AS-REQ-13/awaiting-consent"),
			Title:  "A consent that was revoked while it waited cannot be authorised any more",
			Why:    "The customer thought better of it.",
			Causes: causes("the page keeps the consent it was opened with"),
			Body: func(b *check.Bench) {
				d := open(b)
				c := d.consent(90*day, balances...)
				p := d.party.Push(c)
				b.Expect(p.Send(b.Context()), "pushed request").To(expect.Status(201))
				d.deletes(c.ID)
				a, err := p.Visit(b.Context(), b.Robot(d.person))
				b.Expect(ending(a, err), "end of a journey begun before the revocation").To(unauthorised())
				d.refuses(d.party.Push(c), b.Robot(d.person))
				d.stands(c.ID, rejected)
			},
		},
		{
			ID: "COX-018", Name: "consents/keeps-history", Rules: rules("AS-CONS-05"), Needs: held,
			Title:  "The bank keeps who changed a consent, when, from what to what, and where",
			Why:    "Disputes are settled with this list, for years.",
			Causes: causes("only the last status is kept"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(90*day, balances...)
				d.extends(g, in(b.Now(), 120*day))
				d.deletes(g.Consent.ID)
				var told struct {
					History []struct {
						At                    time.Time
						From, To, By, Channel string
					}
				}
				b.Holder().Get(path(g.Consent.ID, "/history"), &told)
				var steps [][2]string
				for _, h := range told.History {
					b.Expect(h.By != "" && h.Channel != "", "a line of the history").To(expect.True("names who and where"))
					b.Expect(h.At).To(expect.Near(b.Now(), time.Minute))
					if h.From != h.To {
						steps = append(steps, [2]string{h.From, h.To})
					}
				}
				b.Expect(steps, "changes of status").To(expect.Equal([][2]string{{"", awaiting}, {awaiting, authorised}, {authorised, rejected}}))
			},
		},
	}
}
