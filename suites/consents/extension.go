package consents

import (
	"slices"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func extensionChecks() []check.Check {
	return []check.Check{
		{
			ID: "CON-012", Name: "consents/extension-changes-only-expiry", Rules: rules("CONS-EXT", "RS-HDR-04"), Official: official("extension-core"),
			Title:  "A renewal moves the expiry and nothing else; the refresh token lives on",
			Why:    "The customer agreed to more time, not to more data.",
			Causes: causes("the renewal creates a new consent", "permissions are taken from the request"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				before := d.stands(g.Consent.ID, authorised)
				old, until := expect.Text(before, "data.expirationDateTime"), in(b.Now(), 200*day)
				x := d.extends(g, until)
				b.Expect(x).To(expect.JSON("data.expirationDateTime", stamp(*until)))
				b.Expect(texts(x, "data.permissions"), "permissions in the answer").About(before, x).To(within(texts(before, "data.permissions")))
				after := d.stands(g.Consent.ID, authorised)
				b.Expect(after).To(expect.JSON("data.expirationDateTime", stamp(*until)))
				b.Expect(texts(after, "data.permissions"), "permissions").About(before, after).To(expect.Equal(texts(before, "data.permissions")))
				b.Expect(expect.Text(after, "data.creationDateTime")).About(before, after).To(expect.Equal(expect.Text(before, "data.creationDateTime")))
				list := d.renewals(g)
				b.Expect(list).To(expect.JSONCount("data", 1))
				b.Expect(list).To(expect.JSON("data[0].expirationDateTime", stamp(*until)))
				b.Expect(list).To(expect.JSON("data[0].previousExpirationDateTime", old))
				b.Expect(list).To(expect.JSON("data[0].loggedUser.document.identification", d.person.CPF))
				b.Expect(x).To(expect.Header("x-v", expect.Matching(`\d+\.\d+\.\d+`)))
				b.Given("a refreshed token", d.party.Refresh(b.Context(), g))
				b.Expect(d.data(g), "data after the renewal").To(expect.Status(200))
			},
		},
		{
			ID: "CON-013", Name: "consents/lists-extensions", Rules: rules("CONS-EXT"), Official: official("multiples-extensions"),
			Title:  "Every renewal is listed, the newest first, each with the expiry before it",
			Why:    "The list is the customer's record of what they agreed to.",
			Causes: causes("only the last renewal is kept", "rows come in the order of the table"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(30*day, balances...)
				want := []any{expect.Text(g.Consent.Exchange, "data.expirationDateTime")}
				for _, lasts := range []time.Duration{60 * day, 90 * day, 120 * day} {
					until := in(b.Now(), lasts)
					d.extends(g, until)
					want = append(want, stamp(*until))
				}
				slices.Reverse(want)
				x := d.renewals(g)
				b.Expect(expect.Values(x, "data[*].expirationDateTime"), "expiries, newest first").About(x).To(expect.Equal(want[:3]))
				b.Expect(expect.Values(x, "data[*].previousExpirationDateTime"), "expiries before them").About(x).To(expect.Equal(want[1:]))
				b.Expect(x).To(expect.JSON("meta.totalRecords", 3))
				b.Expect(x).To(expect.JSON("meta.totalPages", 1))
			},
		},
		{
			ID: "CON-014", Name: "consents/extension-must-be-later", Rules: rules("CONS-EXT-05/later", "ERR-13"), Official: official("negative-extensions"),
			Title:  "A renewal to the same or an earlier date is refused, and the list stays newest first",
			Why:    "A renewal must not shorten what the customer gave.",
			Causes: causes("only the past is refused"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				current := g.Consent.Expires
				earlier := current.Add(-30 * day)
				bad := expect.OFBError(422, "DATA_EXPIRACAO_INVALIDA")
				b.Expect(d.extending(g, current).Send(b.Context()), "the same date").To(bad)
				b.Expect(d.extending(g, &earlier).Send(b.Context()), "an earlier date").To(bad)
				d.extends(g, in(b.Now(), 90*day))
				d.extends(g, in(b.Now(), 120*day))
				x := d.renewals(g)
				times := expect.Values(x, "data[*].requestDateTime")
				b.Expect(len(times), "renewals").About(x).To(expect.Equal(2))
				first, _ := times[0].(string)
				second, _ := times[1].(string)
				b.Expect(first >= second, "times of the renewals").About(x).To(expect.True("newest first"))
			},
		},
		{
			ID: "CON-X72", Name: "consents/extension-may-drop-the-end", Rules: rules("CONS-EXT"),
			Title:  "A renewal without date makes the consent endless",
			Why:    "Customers may agree to share until they revoke.",
			Causes: causes("an absent date is read as unchanged"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(60*day, balances...)
				b.Expect(d.extends(g, nil)).To(expect.JSONAbsent("data.expirationDateTime"))
				b.Expect(d.stands(g.Consent.ID, authorised)).To(expect.JSONAbsent("data.expirationDateTime"))
				list := d.renewals(g)
				b.Expect(list).To(expect.JSONAbsent("data[0].expirationDateTime"))
				b.Expect(list).To(expect.JSON("data[0].previousExpirationDateTime", stamp(*g.Consent.Expires)))
				b.Expect(d.data(g), "data").To(expect.Status(200))
			},
		},
		{
			ID: "CON-X73", Name: "consents/endless-is-not-shortened", Rules: rules("CONS-EXT-07/endless-stays"), Severity: check.Should,
			Title:  "A consent without end does not get an end by a renewal",
			Why:    "A renewal is no way to shorten a consent; the customer can revoke.",
			Causes: causes("an absent expiry compares as the earliest date"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(0, balances...)
				b.Expect(d.extending(g, in(b.Now(), 90*day)).Send(b.Context()), "a date for an endless consent").To(expect.OFBError(422, "DATA_EXPIRACAO_INVALIDA"))
				b.Expect(d.stands(g.Consent.ID, authorised)).To(expect.JSONAbsent("data.expirationDateTime"))
			},
		},
		{
			ID: "CON-X74", Name: "consents/renewed-consent-outlives-its-first-date", Rules: rules("CONS-EXT", "AS-CONS-02"), Needs: clocked,
			Title:  "A renewed consent shares data beyond its first expiry, and ends at the new one",
			Why:    "A renewal that is only listed helps nobody.",
			Causes: causes("the job of the first expiry still runs"),
			Body: func(b *check.Bench) {
				d := open(b)
				g := d.sharing(2*time.Minute, balances...)
				d.extends(g, in(b.Now(), 4*time.Minute))
				b.Advance(3 * time.Minute)
				b.Expect(d.data(g), "data beyond the first date").To(expect.Status(200))
				b.Advance(2 * time.Minute)
				d.silenced(g)
				d.ended(g.Consent.ID, "ASPSP", "CONSENT_MAX_DATE_REACHED")
			},
		},
	}
}

// renewals lists the renewals of a grant's consent.
func (d *desk) renewals(g *tpp.Grant) *tpp.Exchange {
	x := d.call("consents.extensions", g.Consent.ID).Send(d.Context())
	d.Expect(x, "list of renewals").To(expect.Status(200))
	return x
}
