package data

import (
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// transactionChecks look at the movements of an account.
func transactionChecks() []check.Check {
	return []check.Check{
		{
			ID: "DACC-X79", Name: "data/newest-first", Rules: rules("RS-PAGE"),
			Title:  "Transactions start with the newest, across pages",
			Why:    "Whoever reads the first page wants the latest.",
			Causes: causes("the order of the table", "pages are sorted one by one"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				month, pages := v.walk(v.call("accounts.transactions").Query("page-size", "25"))
				b.Expect(column(month, "transactionDateTime"), "times of a month").About(pages...).To(descending())
				week, pages := v.walk(v.bare("accounts.transactions-current").Query("fromBookingDate", v.date(-6)).Query("toBookingDate", v.date(0)))
				b.Expect(column(week, "transactionDateTime"), "times of the week").About(pages...).To(descending())
			},
		},
		{
			ID: "DACC-X80", Name: "data/ids-are-stable", Rules: rules("RS-IDS"),
			Title:  "A transaction keeps its id, from call to call and in both lists",
			Why:    "Receivers recognise by it what they already know; else the customer sees a payment twice.",
			Causes: causes("ids are made while reading", "each list makes its own"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				ask := func(op string) []string {
					list, pages := v.walk(v.bare(op).Query("fromBookingDate", v.date(-5)).Query("toBookingDate", v.date(-1)).Query("page-size", "1000"))
					b.Expect(list, "transactions of five days in %s", op).About(pages...).To(expect.Something())
					return column(list, "transactionId")
				}
				first := ask("accounts.transactions")
				b.Expect(first, "ids").To(distinct())
				b.Expect(ask("accounts.transactions"), "ids on the second call").To(like(first, true))
				b.Expect(ask("accounts.transactions-current"), "ids in the current list").To(like(first, true))
			},
		},
		{
			ID: "DACC-X81", Name: "data/dates-come-together", Rules: rules("DATE-02/both", "ERR-13"),
			Title:  "Booking dates are given both or not at all",
			Why:    "A guess at the missing date answers another question than was asked.",
			Causes: causes("the missing date becomes today"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				v.each(dated, func(op string) {
					b.Verify(v.bare(op).Query("fromBookingDate", v.date(-2)).Send(b.Context()), "%s with the first date alone", op).To(unusable)
					b.Verify(v.bare(op).Query("toBookingDate", v.date(0)).Send(b.Context()), "%s with the last date alone", op).To(unusable)
					b.Verify(v.bare(op).Send(b.Context()), "%s without dates", op).To(expect.Status(200))
				})
			},
		},
		{
			ID: "DACC-X82", Name: "data/without-dates-is-today", Rules: rules("RS-DATES"),
			Title:  "Transactions without dates are those of today in Brasília",
			Why:    "The default must be the same at every bank.",
			Causes: causes("the default is everything", "today is that of Greenwich"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				v.each(dated, func(op string) {
					list, pages := v.walk(v.bare(op))
					b.Verify(booked(list), "dates of %s", op).About(pages...).To(between(v.date(0), v.date(0)))
				})
			},
		},
		{
			ID: "DACC-X83", Name: "data/filters-by-direction", Rules: rules("RS-FILTER"),
			Title:  "Credits and debits can be asked apart, and together they are all",
			Why:    "A filter that leaks shows expenses as income.",
			Causes: causes("the filter is ignored", "amounts are compared with zero"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				ask := func(side string) []map[string]any {
					c := v.bare("accounts.transactions").Query("fromBookingDate", v.date(-40)).Query("toBookingDate", v.date(-1)).Query("page-size", "1000")
					if side != "" {
						c.Query("creditDebitIndicator", side)
					}
					list, _ := v.walk(c)
					return list
				}
				all := column(ask(""), "transactionId")
				var both []string
				for _, side := range []string{"CREDITO", "DEBITO"} {
					list := ask(side)
					b.Expect(list, "transactions of kind %s", side).To(expect.Something())
					for _, kind := range column(list, "creditDebitType") {
						b.Expect(kind, "kind of a transaction asked as %s", side).To(expect.Equal(side))
					}
					both = append(both, column(list, "transactionId")...)
				}
				b.Expect(both, "ids of both kinds").To(like(all, false))
			},
		},
		{
			ID: "DACC-X84", Name: "data/rejects-unknown-filter-value", Rules: rules("FILTER-01/known-value", "ERR-13"),
			Title:  "A filter with a value that the standard does not have is refused",
			Why:    "Ignored, it answers with everything; taken literally, with nothing.",
			Causes: causes("unknown values are dropped"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				for op, q := range map[string][2]string{
					"accounts.list": {"accountType", "CONTA_SECRETA"}, "accounts.transactions": {"creditDebitIndicator", "OUTRO"},
					"accounts.transactions-current": {"creditDebitIndicator", "OUTRO"},
				} {
					b.Verify(v.call(op).Query(q[0], q[1]).Send(b.Context()), "%s with %s=%s", op, q[0], q[1]).To(unusable)
				}
				b.Verify(v.call("accounts.list").Query("accountType", "CONTA_POUPANCA").Send(b.Context()), "savings accounts").To(expect.Status(200))
			},
		},
		{
			ID: "DACC-X85", Name: "data/filters-by-account-type", Rules: rules("RS-FILTER"),
			Title:  "Accounts can be asked by type, and the types together are all",
			Why:    "A receiver that wants savings must not get others.",
			Causes: causes("the filter is ignored"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				var all []string
				for _, kind := range []string{"CONTA_DEPOSITO_A_VISTA", "CONTA_POUPANCA", "CONTA_PAGAMENTO_PRE_PAGA"} {
					x := v.call("accounts.list").Query("accountType", kind).Send(b.Context())
					b.Expect(x, kind).To(expect.Status(200))
					for _, got := range column(objects(x), "type") {
						b.Expect(got, "type of an account asked as %s", kind).About(x).To(expect.Equal(kind))
					}
					all = append(all, column(objects(x), "accountId")...)
				}
				b.Expect(all, "ids of all types").To(like(column(v.accounts(), "accountId"), false))
			},
		},
		{
			ID: "DACC-X86", Name: "data/history-is-a-year", Rules: rules("RS-DATES"),
			Title:  "Transactions of twelve months are there, with movements at both ends",
			Why:    "The standard promises a year of history.",
			Causes: causes("older movements are in an archive"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				list, pages := v.walk(v.year().Query("page-size", "1000"))
				dates := booked(list)
				b.Expect(dates, "dates of a year").About(pages...).To(between(v.date(-364), v.date(0)))
				b.Expect(dates, "dates of a year").About(pages...).To(expect.Something())
				b.Expect(dates[len(dates)-1] <= v.date(-340), "the oldest of them").About(pages...).To(expect.True("of the first month of the year"))
			},
		},
	}
}
