package data

import (
	"slices"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func resourceModule(names ...string) []string { return module("resources", "v3-1", names...) }

func resourceChecks() []check.Check {
	return []check.Check{
		preflight("DRES", module("consents", "v3", "preflight")),
		{
			ID: "DRES-002", Name: "resources/core-payload", Rules: rules("RS-HDR-04"), Official: resourceModule("core"),
			Title:  "The list of resources of a consent for everything fits its contract and names no resource twice",
			Why:    "Every receiver reads it first.",
			Causes: causes("a type of another version"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				list := v.resources()
				b.Expect(list, "resources").To(expect.Something())
				b.Expect(column(list, "resourceId"), "ids").To(distinct())
				b.Verify(v.reads("resources.list")).To(expect.All(v.version("resources.list"), expect.MediaType("application/json"), expect.EchoInteractionID()))
			},
		},
		{
			ID: "DRES-003", Name: "resources/empty-for-registration", Rules: rules("RS-TOK-02", "RS-EMPTY"), Official: resourceModule("200-customer-data"),
			Title:  "A consent for registration data alone has an empty list of resources",
			Why:    "Registration is no resource; nothing to list is no error.",
			Causes: causes("an empty list is answered 404"),
			Body: func(b *check.Bench) {
				v := personFace.open(b)
				b.Expect(v.resources(), "resources").To(expect.Nothing())
				x := v.reads("resources.list")
				b.Expect(x).To(expect.JSONCount("data", 0))
				b.Expect(x).To(expect.JSON("meta.totalRecords", 0))
			},
		},
		{
			ID: "DRES-004", Name: "resources/needs-interaction-id", Rules: rules("RS-HDR-01"), Official: resourceModule("x-fapi"),
			Title:  "The list of resources needs a sound interaction id",
			Why:    "A call without id cannot be followed on both sides.",
			Causes: causes("the gateway invents a missing id and goes on"),
			Body:   func(b *check.Bench) { resourceFace.open(b).interactions() },
		},
		{
			ID: "DRES-005", Name: "resources/status-is-truthful", Rules: rules("RES-STATUS", "RS-DATA-02/available", "ERR-11"), Official: resourceModule("unavailable"),
			Needs: []check.Need{check.Clients(1), check.Trait("unavailable-account")},
			Title: "Blocked and closed accounts are shown as such, are absent from the product's list, and refused with their state",
			Why:   "The receiver tells the customer why the account is missing.", Causes: causes("the list of resources is a copy of the product's"),
			Body: func(b *check.Bench) {
				v := face{[]string{"unavailable-account"}, balances, nil}.open(b)
				by := v.states()
				b.Expect(column(v.accounts(), "accountId"), "accounts listed").To(like(by["AVAILABLE"], false))
				for _, state := range []string{"TEMPORARILY_UNAVAILABLE", "UNAVAILABLE"} {
					b.Expect(by[state], "resources that are %s", state).To(expect.Something())
					for _, id := range by[state] {
						for _, op := range []string{"accounts.identification", "accounts.balances"} {
							b.Verify(v.bare(op).Param("accountId", id).Send(b.Context()), "%s while %s", op, state).To(refusedAs(state))
						}
					}
				}
				v.reads("accounts.balances")
			},
		},
		{
			ID: "DRES-006", Name: "resources/reads-are-unlimited", Rules: rules("RS-HDR-07", "TRAF-01/exempt-apis"), Official: resourceModule("operational-limits"),
			Title:  "The resources of three consents can be read as often as the receiver likes",
			Why:    "Receivers poll the list; the standard limits it nowhere.",
			Causes: causes("a global limiter in front of all APIs"),
			Body: func(b *check.Bench) {
				for range 3 {
					resourceFace.open(b).often("resources.list", 150)
				}
			},
		},
		{
			ID: "DRES-X50", Name: "resources/ids-match-products", Rules: rules("RES-ID"),
			Title:  "A resource has the id by which the product's API knows it",
			Why:    "The id in the list is what the receiver puts into its next call.",
			Causes: causes("ids are made for each list"),
			Body: func(b *check.Bench) {
				v := resourceFace.open(b)
				by := v.states()
				b.Expect(by["AVAILABLE"], "available accounts").To(expect.Something())
				b.Expect(column(v.accounts(), "accountId"), "ids of the accounts").To(like(by["AVAILABLE"], false))
				for _, id := range by["AVAILABLE"] {
					b.Verify(v.bare("accounts.balances").Param("accountId", id).Send(b.Context()), "balance by the resource's id").To(expect.Status(200))
				}
			},
		},
		{
			ID: "DRES-X51", Name: "resources/types-match-products", Rules: rules("RES-TYPE"),
			Title:  "A resource's type is that of the product behind its id",
			Why:    "The type decides which API the receiver calls.",
			Causes: causes("the type is derived from the permission"),
			Body: func(b *check.Bench) {
				v := resourceFace.open(b)
				types := map[any]any{}
				for _, r := range v.resources() {
					types[r["resourceId"]] = r["type"]
				}
				accounts := v.accounts()
				b.Expect(accounts, "accounts").To(expect.Something())
				for _, a := range accounts {
					b.Expect(types[a["accountId"]], "type of a listed account").To(expect.Equal("ACCOUNT"))
				}
			},
		},
		{
			ID: "DRES-X52", Name: "resources/is-paged", Rules: rules("RS-PAGE", "RS-LINKS"), Needs: cored,
			Title:  "The list of resources tells its totals and keeps its order",
			Why:    "Receivers compare the list of today with that of yesterday.",
			Causes: causes("rows come in the order of the database"),
			Body: func(b *check.Bench) {
				v := resourceFace.open(b)
				var first *tpp.Exchange
				for range 3 {
					x := v.reads("resources.list")
					b.Expect(x).To(expect.JSON("meta.totalRecords", len(objects(x))))
					if first != nil {
						b.Expect(column(objects(x), "resourceId"), "ids").About(first, x).To(like(column(objects(first), "resourceId"), true))
					}
					first = x
				}
				var held []struct{ ID string }
				b.Core().Get("/accounts?customer="+v.person.ID, &held)
				for _, h := range held {
					b.Verify(slices.Contains(column(objects(first), "resourceId"), h.ID), "an account at the core").To(expect.True("among the resources"))
				}
			},
		},
	}
}
