package data

import (
	"net/url"
	"slices"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// pageChecks look at lists as a whole.
func pageChecks() []check.Check {
	return []check.Check{
		{
			ID: "DACC-X74", Name: "data/totals-agree", Rules: rules("RS-PAGE"),
			Title:  "totalRecords and totalPages are those of the list",
			Why:    "Receivers check with them that nothing was lost.",
			Causes: causes("the total is that of all customers, or of the page"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				for _, op := range []string{"accounts.list", "resources.list"} {
					items, pages := v.walk(v.call(op))
					b.Verify(pages[0], op).To(expect.JSON("meta.totalRecords", len(items)))
					b.Verify(pages[0], op).To(expect.JSON("meta.totalPages", len(pages)))
				}
				for _, id := range column(v.accounts(), "accountId") {
					v.account = id
					items, pages := v.walk(v.call("accounts.transactions"))
					if total := expect.Value(pages[0], "meta.totalRecords"); total != nil { // the contract does not ask for it here
						b.Verify(total, "transactions told").About(pages...).To(expect.Equal(len(items)))
					}
				}
			},
		},
		{
			ID: "DACC-X75", Name: "data/pages-partition-the-list", Rules: rules("RS-PAGE"),
			Title:  "The pages together are the list: nothing twice, nothing lost",
			Why:    "A movement lost between pages is money the receiver does not see.",
			Causes: causes("pages are cut without a stable order", "off by one at the edge of a page"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				span := func(size string) *tpp.APICall {
					return v.bare("accounts.transactions").Query("fromBookingDate", v.date(-59)).Query("toBookingDate", v.date(-1)).Query("page-size", size)
				}
				small, pages := v.walk(span("25"))
				b.Expect(len(pages), "pages").To(expect.InRange(3, 1000))
				for i, x := range pages[:len(pages)-1] {
					b.Verify(len(objects(x)), "records on page %d", i+1).About(x).To(expect.Equal(25))
				}
				b.Expect(column(small, "transactionId"), "ids of all pages").About(pages...).To(distinct())
				large, whole := v.walk(span("1000"))
				b.Expect(column(large, "transactionId"), "ids on large pages, against small ones").About(append(slices.Clone(pages), whole...)...).To(like(column(small, "transactionId"), true))
			},
		},
		{
			ID: "DACC-X76", Name: "data/order-is-stable", Rules: rules("RS-PAGE"),
			Title:  "The same call gives the same order",
			Why:    "Without an order pages cannot be put together.",
			Causes: causes("no order is asked of the database"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				for op, ask := range map[string]func() *tpp.APICall{
					"accounts.list": func() *tpp.APICall { return v.bare("accounts.list") },
					"accounts.transactions": func() *tpp.APICall {
						return v.bare("accounts.transactions").Query("fromBookingDate", v.date(-20)).Query("toBookingDate", v.date(-1)).Query("page-size", "100")
					},
				} {
					first := ask().Send(b.Context())
					b.Expect(first, op).To(expect.Status(200))
					for range 5 {
						again := ask().Send(b.Context())
						b.Expect(column(objects(again), key[op]), "ids of %s again", op).About(first, again).To(like(column(objects(first), key[op]), true))
					}
				}
			},
		},
		{
			ID: "DACC-X77", Name: "data/links-are-right", Rules: rules("RS-LINKS"),
			Title:  "Links lead to the bank's own address, are there where they must be, and work as they are",
			Why:    "Receivers follow them with a customer's token.",
			Causes: causes("the host of an inner server", "next is left out on full pages"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					x := v.reads(op)
					b.Verify(expect.Text(x, "links.self"), "self of %s", op).About(x).To(sameCall(x.URL))
				})
				span := func() *tpp.APICall { return v.call("accounts.transactions").Query("page-size", "25") }
				second := span().Query("page", "2").Send(b.Context())
				b.Expect(second, "page 2").To(expect.Status(200))
				b.Expect(second).To(expect.JSON("links.prev", expect.Something()))
				b.Expect(second).To(expect.JSON("links.first", expect.Something()))
				first := span().Send(b.Context())
				b.Expect(first).To(expect.JSON("links.next", expect.Something()))
				b.Expect(first).To(expect.JSONAbsent("links.prev"))
				next := v.bare("accounts.transactions").To(expect.Text(first, "links.next")).Send(b.Context())
				b.Expect(next, "the next link").To(expect.Status(200))
				b.Expect(column(objects(next), "transactionId"), "ids behind next, against page 2").About(second, next).To(like(column(objects(second), "transactionId"), true))
				back := v.bare("accounts.transactions").To(expect.Text(second, "links.prev")).Send(b.Context())
				b.Expect(column(objects(back), "transactionId"), "ids behind prev, against page 1").About(first, back).To(like(column(objects(first), "transactionId"), true))
			},
		},
		{
			ID: "DACC-X78", Name: "data/paging-keys-travel", Rules: rules("RS-LINKS", "OPER-01"), Severity: check.Should,
			Title:  "Links of lists with a monthly quota carry a pagination key, and a foreign or broken key is not held against the caller",
			Why:    "The key keeps further pages free of charge.",
			Causes: causes("keys are made for each page and forgotten"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				x := v.call("accounts.transactions").Query("page-size", "25").Send(b.Context())
				next, err := url.Parse(expect.Text(x, "links.next"))
				b.Expect(err, "next").About(x).To(expect.Success())
				b.Expect(next.Query().Get("pagination-key"), "pagination-key of next").About(x).To(expect.Something())
				b.Expect(v.call("accounts.transactions").Query("pagination-key", "no-such-key").Send(b.Context()), "a broken key").To(expect.Status(200))
			},
		},
	}
}
