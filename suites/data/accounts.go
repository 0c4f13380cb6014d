package data

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func module(api, version string, names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = api + "_api_" + n + "_test-module_" + version
	}
	return out
}

func accountModule(names ...string) []string { return module("accounts", "v2-5-1", names...) }

func accountChecks() []check.Check {
	return []check.Check{
		preflight("DACC", module("consents", "v2", "preflight")),
		{
			ID: "DACC-002", Name: "accounts/core-payloads", Rules: rules("RS-HDR-04", "RS-TOK-02"), Official: accountModule("core"),
			Title:  "Every read of accounts answers, fits its contract and agrees with the others",
			Why:    "This is what a receiver does on the first day.",
			Causes: causes("list and detail come from different tables"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				for _, a := range v.accounts() {
					v.account, _ = a["accountId"].(string)
					x := v.reads("accounts.identification")
					for _, member := range []string{"type", "compeCode", "branchCode", "number", "checkDigit"} {
						b.Verify(expect.Value(x, "data."+member), "%s in the detail", member).About(x).To(expect.Equal(a[member]))
					}
					v.each(named, func(op string) {
						x := v.reads(op)
						b.Verify(x).To(expect.All(v.version(op), expect.MediaType("application/json"), expect.EchoInteractionID()))
					})
				}
				b.Expect(v.account, "an account").To(expect.Something())
			},
		},
		{
			ID: "DACC-003", Name: "data/recent-window", Rules: rules("DATE-04/recent-window", "ERR-13"), Official: accountModule("current-transactions"),
			Title:  "Current transactions are those of seven days, newest first, and older days are refused",
			Why:    "The frequent call is meant for the newest only; the older ones have their own.",
			Causes: causes("the window is counted in UTC", "one endpoint serves both"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				ask := func(from, to int) *tpp.APICall {
					return v.bare("accounts.transactions-current").Query("fromBookingDate", v.date(from)).Query("toBookingDate", v.date(to)).Query("page-size", "1000")
				}
				today := v.bare("accounts.transactions-current").Send(b.Context())
				b.Expect(today, "without dates").To(expect.Status(200))
				b.Expect(booked(objects(today)), "dates without dates asked").About(today).To(between(v.date(0), v.date(0)))
				week, pages := v.walk(ask(-6, 0))
				b.Expect(booked(week), "dates of the week").About(pages...).To(between(v.date(-6), v.date(0)))
				b.Expect(column(week, "transactionDateTime"), "order of the week").About(pages...).To(descending())
				b.Expect(ask(-7, 0).Send(b.Context()), "a day more").To(expect.OFBError(422))
				b.Expect(ask(-30, -25).Send(b.Context()), "a week of last month").To(expect.OFBError(422))
			},
		},
		{
			ID: "DACC-004", Name: "accounts/refuses-customer-consent", Rules: rules("RS-TOK-02/permission", "ERR-11"), Official: accountModule("wrong-permissions"),
			Title:  "A consent for registration data alone opens no account, whatever the token's scopes",
			Why:    "Scopes are the client's; permissions are the customer's.",
			Causes: causes("only the scope is checked"),
			Body: func(b *check.Bench) {
				v := narrow(b, personal, "accounts")
				mine := accountFace.of(b, v.party, v.person)
				b.Verify(v.party.Call("accounts.list", v.grant).Send(b.Context()), "accounts.list").To(notAllowed)
				mine.each(named, func(op string) {
					b.Verify(mine.call(op).With(v.grant).Send(b.Context()), op).To(notAllowed)
				})
				b.Expect(v.party.Call("customers.personal-identifications", v.grant).Send(b.Context()), "what was consented").To(expect.Status(200))
				mine.reads("accounts.list")
			},
		},
		{
			ID: "DACC-005", Name: "data/rejects-missing-permission", Rules: rules("RS-TOK-02/permission", "ERR-11"), Official: accountModule("permissions-restriction"),
			Title:  "Each read of an account needs its own permission",
			Why:    "Who shows the balance has not shown the movements.",
			Causes: causes("ACCOUNTS_READ opens everything below it"),
			Body: func(b *check.Bench) {
				for _, f := range []face{
					{nil, balances, []string{"accounts.list", "accounts.identification", "accounts.balances", "accounts.reserved-balances"}},
					{nil, statement, []string{"accounts.list", "accounts.identification", "accounts.transactions", "accounts.transactions-current"}},
				} {
					v := f.open(b)
					for _, op := range accountFace.operations {
						if slices.Contains(f.operations, op) {
							v.reads(op)
						} else {
							b.Verify(v.call(op).Send(b.Context()), "%s with %s", op, f.permissions[1]).To(notAllowed)
						}
					}
				}
			},
		},
		{
			ID: "DACC-006", Name: "accounts/screens-show-what-is-due", Rules: rules("AS-AUTHN-01"), Official: accountModule("ux"),
			Title:  "The bank's pages show who receives what, from which accounts, until when, and how to say no",
			Why:    "A yes is worth what the customer could see when giving it.",
			Causes: causes("a redesign dropped an element"),
			Body: func(b *check.Bench) {
				accountFace.open(b)
				pages := b.Pages()
				b.Expect(len(pages), "pages between going and coming back").To(expect.InRange(2, 20))
				login, confirm := psu.Hooks(pages[0].HTML), psu.Hooks(pages[len(pages)-1].HTML)
				if len(confirm) == 0 {
					b.Review("The pages carry no marks that a program could read. Look at the %d pages in the evidence: receiver, its institution, transmitter, "+
						"term and end date, the groups of data, the accounts all chosen, the next step, one confirmation, a way to cancel.", len(pages))
				}
				b.Verify(login, "login page").To(showing("requester", "confirm", "cancel"))
				b.Verify(confirm, "confirmation page").To(showing("receiver", "transmitter", "term", "end-date", "group", "accounts", "next-steps", "confirm", "cancel"))
				b.Verify(len(confirm["group"]), "groups of data shown for a consent of three").To(expect.Equal(3))
				b.Verify(len(confirm["confirm"]), "confirmations").To(expect.Equal(1))
			},
		},
		{
			ID: "DACC-007", Name: "accounts/serves-large-pages", Rules: rules("ERR-13", "RS-PAGE"), Official: accountModule("page-size"),
			Title:  "A page size of a thousand is served, or served smaller and named so",
			Why:    "Large pages save a customer's monthly calls.",
			Causes: causes("the largest size is taken for one too many"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				x := v.call("accounts.transactions").Query("page-size", "1000").Send(b.Context())
				b.Expect(x).To(expect.Status(200))
				size := sizeOf(expect.Text(x, "links.self"))
				b.Expect(size, "page size named by self").About(x).To(expect.InRange(25, 1000))
				b.Expect(len(objects(x)), "records").About(x).To(expect.InRange(26, float64(size)))
				b.Expect(v.call("accounts.list").Query("page-size", "1000").Send(b.Context()), "accounts").To(expect.Status(200))
			},
		},
		{
			ID: "DACC-008", Name: "data/respects-page-size", Rules: rules("PAGE-03/size-has-a-maximum", "ERR-13"), Official: accountModule("big-page-size"),
			Title:  "The page size asked is the one served, and more than a thousand is refused",
			Why:    "A receiver plans its calls by the page size.",
			Causes: causes("sizes are capped silently"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				v.each(listed, func(op string) {
					b.Verify(v.call(op).Query("page-size", "1001").Send(b.Context()), "%s with page-size=1001", op).To(expect.OFBError(422))
				})
				for _, asked := range []string{"25", "40"} {
					x := v.call("accounts.transactions").Query("page-size", asked).Send(b.Context())
					b.Expect(x, "page-size=%s", asked).To(expect.Status(200))
					b.Expect(len(objects(x)), "records with page-size=%s", asked).About(x).To(expect.Equal(sizeOf("?page-size=" + asked)))
				}
				small := v.call("accounts.transactions").Query("page-size", "5").Send(b.Context())
				b.Expect(small, "page-size=5").To(expect.JSONCount("data", 25)) // counts as the least size, 25
			},
		},
		{
			ID: "DACC-009", Name: "accounts/follows-the-largest-page", Rules: rules("ERR-13", "RS-LINKS"), Official: accountModule("max-page-size"),
			Title:  "After the largest page the next link brings what is left",
			Why:    "The last records of a year are lost where the link is wrong.",
			Causes: causes("the next page is computed with the size asked, not the one served"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				first := v.year().Query("page-size", "1000").Send(b.Context())
				b.Expect(first).To(expect.Status(200))
				next := expect.Text(first, "links.next")
				if next == "" {
					b.Skip("no account of this customer has more than a page of movements in a year")
				}
				second := v.bare("accounts.transactions").To(next).Send(b.Context())
				b.Expect(second, "next page").To(expect.Status(200))
				b.Expect(len(objects(second)), "records on the next page").About(second).To(expect.InRange(1, 1000))
				b.Expect(append(column(objects(first), "transactionId"), column(objects(second), "transactionId")...), "ids of both pages").About(first, second).To(distinct())
			},
		},
		{
			ID: "DACC-010", Name: "data/respects-date-range", Rules: rules("RS-DATES", "ERR-13"), Official: accountModule("bookingdate"),
			Title:  "Transactions lie within the dates asked, in Brasília's calendar, and none of them is missing",
			Why:    "A movement at 22:00 belongs to that day, not to the next.",
			Causes: causes("dates are compared in UTC", "the last day is left out"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				ask := func(from, to int) []map[string]any {
					list, pages := v.walk(v.bare("accounts.transactions").Query("fromBookingDate", v.date(from)).Query("toBookingDate", v.date(to)).Query("page-size", "1000"))
					b.Expect(booked(list), "dates of %d to %d days ago", -from, -to).About(pages...).To(between(v.date(from), v.date(to)))
					return list
				}
				half := ask(-180, 0)
				b.Expect(len(half), "transactions of six months").To(expect.InRange(30, 100_000))
				older := ask(-60, -50)
				var inside []string
				for i, date := range booked(half) {
					if date >= v.date(-60) && date <= v.date(-50) {
						inside = append(inside, column(half, "transactionId")[i])
					}
				}
				b.Expect(column(older, "transactionId"), "a window, against the same days of six months").To(like(inside, true))
				b.Expect(len(ask(-55, -55)), "transactions of one day").To(expect.InRange(1, 10_000))
			},
		},
	}
}

// narrow is a view through a consent, whose token was asked for further scopes.
func narrow(b *check.Bench, permissions []string, more ...string) *view {
	p, who := b.Party(0), b.Person()
	consent := p.Consent(who, permissions)
	scope := strings.Join(append(append([]string{"openid", "consent:" + consent.ID}, consent.Scopes...), more...), " ")
	g := p.Authorised(consent, who, func(push *tpp.Push) { push.Set("scope", scope) })
	return &view{Bench: b, face: face{nil, permissions, nil}, party: p, person: who, grant: g}
}

// showing expects that a page marks all of the elements.
func showing(names ...string) expect.Matcher {
	return expect.That("a page that shows "+strings.Join(names, ", "), func(actual any) (string, bool) {
		hooks, _ := actual.(map[string][]string)
		var missing []string
		for _, n := range names {
			if len(hooks[n]) == 0 {
				missing = append(missing, n)
			}
		}
		if len(missing) > 0 {
			return "one without " + strings.Join(missing, ", "), false
		}
		return "such a page", len(names) > 0
	})
}

// year asks for the transactions of the last twelve months.
func (v *view) year() *tpp.APICall {
	return v.bare("accounts.transactions").Query("fromBookingDate", v.date(-364)).Query("toBookingDate", v.date(0))
}
