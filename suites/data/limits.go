package data

import (
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// limitChecks look at the traffic and monthly limits. Those of the second half switch the limits of the
// bank on, where its control surface can.
func limitChecks() []check.Check {
	all := []check.Check{
		{
			ID: "DACC-011", Name: "limits/allows-monthly-minimum", Rules: rules("RS-HDR-07"), Official: accountModule("operational-limits"),
			Title:  "No read of accounts is blocked below its monthly minimum, further pages aside",
			Why:    "The numbers are the least that a receiver may count on.",
			Causes: causes("a limit per client instead of per account and customer", "further pages are counted"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				for _, op := range []string{"accounts.list", "accounts.identification"} {
					v.often(op, 8)
				}
				for range 8 {
					_, pages := v.walk(v.call("accounts.transactions").Query("page-size", "25"))
					b.Expect(len(pages), "pages of a month").To(expect.InRange(1, 1000))
				}
				b.Together(func() { v.often("accounts.balances", 420) },
					func() { v.often("accounts.transactions-current", 240); v.often("accounts.overdraft-limits", 60) })
			},
		},
		{
			ID: "DACC-X89", Name: "limits/monthly-block-is-423", Rules: rules("RS-HDR-07", "OPER"),
			Title:  "Beyond the monthly quota a read is answered 423, for that account and call alone",
			Why:    "On 423 a receiver waits for the next month; on 429 for the next minute.",
			Causes: causes("one status for all limits", "the quota is counted per client"),
			Body: func(b *check.Bench) {
				limited(b, map[string]any{"month": true})
				v := accountFace.open(b)
				ids := column(v.accounts(), "accountId") // counts for the list alone
				v.account = ids[0]
				v.often("accounts.identification", 8)
				b.Expect(v.call("accounts.identification").Send(b.Context()), "the ninth call of a quota of eight").To(expect.Any(expect.Status(200), expect.OFBError(423)))
				b.Expect(v.bare("accounts.identification").Param("accountId", ids[1]).Send(b.Context()), "another account").To(expect.Status(200))
				b.Expect(v.call("accounts.balances").Send(b.Context()), "another call").To(expect.Status(200))
			},
		},
		{
			ID: "DACC-X90", Name: "limits/paging-is-free", Rules: rules("OPER-01/paging-is-free"),
			Title:  "Further pages of a query do not count against the monthly quota",
			Why:    "A long statement would use up the month in one evening.",
			Causes: causes("the pagination key is not looked at"),
			Body: func(b *check.Bench) {
				limited(b, map[string]any{"month": true})
				v := accountFace.open(b)
				month := func() *tpp.APICall {
					return v.bare("accounts.transactions").Query("fromBookingDate", v.date(-89)).Query("toBookingDate", v.date(0)).Query("page-size", "25")
				}
				_, pages := v.walk(month())
				b.Expect(len(pages), "pages of three months").To(expect.InRange(9, 1000))
				for i := range 7 {
					b.Expect(month().Send(b.Context()), "query %d after one of %d pages", i+2, len(pages)).To(expect.Status(200))
				}
			},
		},
		{
			ID: "DACC-X91", Name: "limits/failures-are-free", Rules: rules("OPER-02/failures-are-free"),
			Title:  "Calls that fail do not count against the monthly quota",
			Why:    "A receiver's mistake, or the bank's, must not cost the customer the month.",
			Causes: causes("calls are counted when they arrive"),
			Body: func(b *check.Bench) {
				limited(b, map[string]any{"month": true})
				v := accountFace.open(b)
				for range 12 {
					b.Expect(v.call("accounts.transactions").Query("page", "9999").Send(b.Context()), "a failing call").To(expect.Status(422))
				}
				v.often("accounts.transactions", 8)
			},
		},
		{
			ID: "DACC-X92", Name: "limits/exempt-apis-are-exempt", Rules: rules("TRAF-01/exempt-apis"),
			Title:  "Consents and resources know no limit, even where limits are in force",
			Why:    "Receivers follow consents and resources all day.",
			Causes: causes("limits by class without looking at the API"),
			Body: func(b *check.Bench) {
				limited(b, map[string]any{"month": true, "minute": true})
				v := accountFace.open(b)
				about := func(op string) *tpp.Exchange {
					return v.party.Call(op, v.party.Credentials("consents")).Param("consentId", v.grant.Consent.ID).Send(b.Context())
				}
				for i := range 20 {
					b.Expect(about("consents.extensions"), "call %d", i+1).To(expect.Status(200))
				}
				half := func() {
					for i := range 125 {
						b.Expect(about("consents.read"), "call %d", i+1).To(expect.Status(200))
						b.Expect(v.call("resources.list").Send(b.Context()), "call %d", i+1).To(expect.Status(200))
					}
				}
				b.Together(half, half)
			},
		},
		{
			ID: "DACC-X93", Name: "limits/origins-are-separate", Rules: rules("RS-HDR-07"),
			Title:  "What one receiver has used up, another still has",
			Why:    "One receiver must not be able to lock another out.",
			Causes: causes("the quota is counted per customer alone"),
			Body: func(b *check.Bench) {
				limited(b, map[string]any{"month": true})
				v := accountFace.open(b)
				other := accountFace.of(b, b.Party(1), v.person)
				other.account = v.anAccount()
				v.often("accounts.identification", 8)
				other.often("accounts.identification", 8)
			},
		},
		{
			ID: "DACC-X100", Name: "limits/customers-are-separate", Rules: rules("RS-HDR-07", "OPER"),
			Title:  "What was read of one customer leaves another's month whole",
			Why:    "A receiver with a million customers would use up everybody's month with the first eight.",
			Causes: causes("the quota is counted per receiver and call"),
			Body: func(b *check.Bench) {
				limited(b, map[string]any{"month": true})
				v := accountFace.open(b)
				other := accountFace.of(b, v.party, b.Person(accountFace.traits...))
				v.often("accounts.list", 8)
				other.often("accounts.list", 8)
			},
		},
	}
	for i := range all {
		if i > 0 {
			all[i].Alone = true
			all[i].Needs = held
			switch all[i].ID {
			case "DACC-X93":
				all[i].Needs = append([]check.Need{check.Clients(2)}, held...)
			case "DACC-X100":
				all[i].Needs = append([]check.Need{check.Customers(2)}, held...)
			}
		}
	}
	return append(append(append(all, minuteChecks()...), trafficChecks()...), securityTraffic())
}

// minuteChecks exceed the limit of a minute, one check for each plan.
func minuteChecks() []check.Check {
	many := func(prefix string, f face, op string) check.Check {
		p := planOf[prefix]
		return check.Check{
			ID: prefix + "-X15", Name: p.group + "/tell-when-to-return", Rules: rules("RS-HDR-07", "ERR-14"), Alone: true,
			Needs:  []check.Need{check.Clients(1), check.Customer(), check.HolderControl, check.Clock},
			Title:  "Reads of " + p.group + " pass up to the limit of a minute; beyond it they are answered 429 with Retry-After",
			Why:    "A receiver that is told when to return does; one that is not keeps knocking.",
			Causes: causes("429 from a layer in front, without the header", "a limit below the standard's"),
			Body: func(b *check.Bench) {
				limited(b, map[string]any{"minute": true})
				v := f.open(b)
				bound := spec.Find(op).Class.PerMinute(0)
				b.SetClock(b.Now().Truncate(time.Minute).Add(time.Minute))
				quarter := func() { v.often(op, bound/4) }
				b.Together(quarter, quarter, quarter, quarter)
				x := v.call(op).Send(b.Context())
				if x.Status != 429 {
					b.Expect(x, "a call beyond the limit").To(expect.Status(200, 429)) // a provider may allow more
					b.Note("the limit of a minute did not show after %d calls", bound+1)
					return
				}
				b.Expect(x, "a call beyond the limit").To(expect.OFBError(429))
				b.Expect(x).To(expect.Header("Retry-After", expect.InRange(1, 60)))
				b.Advance(time.Minute)
				v.reads(op)
			},
		}
	}
	unlimited := check.Check{
		ID: "DRES-X15", Name: "resources/know-no-limit", Rules: rules("RS-HDR-07", "TRAF-01/exempt-apis"), Needs: held, Alone: true,
		Title:  "Resources are never answered 429 or 423, even where limits are in force",
		Why:    "Receivers poll the list; the standard limits it nowhere.",
		Causes: causes("limits by class without looking at the API"),
		Body: func(b *check.Bench) {
			limited(b, map[string]any{"month": true, "minute": true})
			v := resourceFace.open(b)
			half := func() { v.often("resources.list", 130) }
			b.Together(half, half)
		},
	}
	return []check.Check{many("DACC", accountFace, "accounts.list"), many("DCUST", personFace, "customers.personal-identifications"), unlimited}
}

// often expects that a call is answered n times in a row.
func (v *view) often(op string, n int) {
	for i := range n {
		v.Expect(v.call(op).Send(v.Context()), "%s, call %d of %d", op, i+1, n).To(expect.Status(200))
	}
}

// limited puts limits of the bank in force, with nothing counted yet, until the check ends.
func limited(b *check.Bench, limits map[string]any) {
	var before map[string]any
	b.Holder().Get("/limits", &before)
	b.Cleanup(func() {
		b.Holder().Post("/limits", before, nil)
		b.Holder().Post("/reset", nil, nil)
	})
	b.Holder().Post("/limits", limits, nil)
	b.Holder().Post("/reset", nil, nil)
}
