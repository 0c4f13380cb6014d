package data

import (
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// bodyChecks look at what is the same in every body.
func bodyChecks() []check.Check {
	return []check.Check{
		{
			ID: "DACC-X70", Name: "data/matches-schema", Rules: rules("RS-SCHEMA", "RS-HDR-05"),
			Title:  "Every read of a person, of accounts, registration and resources, fits the published contract",
			Why:    "Receivers parse what the contract promises: members, types, patterns, lists of values.",
			Causes: causes("a member of another version", "amounts as numbers", "a value outside the list"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				for _, id := range column(v.accounts(), "accountId") {
					v.account = id
					v.each(named, func(op string) { v.reads(op) })
				}
				// Each answer is held against its contract when the check ends.
				v.each(every, func(op string) { b.Verify(v.reads(op), op).To(expect.JSON("meta.requestDateTime", expect.UTC())) })
				v.walk(v.year().Query("page-size", "1000"))
			},
		},
		{
			ID: "DACC-X71", Name: "data/meta-time", Rules: rules("RS-META"),
			Title:  "requestDateTime is the time of this request in UTC",
			Why:    "It tells a copy from an answer.",
			Causes: causes("local time", "an answer from a cache"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					b.Verify(v.reads(op), op).To(expect.JSON("meta.requestDateTime", expect.All(expect.UTC(), expect.Near(b.Now(), recent))))
				})
			},
		},
		{
			ID: "DACC-X72", Name: "data/empty-list-is-200", Rules: rules("RS-EMPTY"),
			Title:  "Where there is nothing to list the answer is an empty list",
			Why:    "No movement is an answer; 404 would mean no account.",
			Causes: causes("an empty result is taken for an unknown resource"),
			Body: func(b *check.Bench) {
				empty := expect.All(expect.Status(200), expect.JSONCount("data", 0))
				v := accountFace.open(b)
				for _, id := range column(v.accounts(), "accountId") {
					v.account = id
					if flag := v.reads("accounts.balances"); expect.Value(flag, "data.hasReservedBalance") == false {
						b.Verify(v.call("accounts.reserved-balances").Send(b.Context()), "reserves of an account without").To(empty)
					}
				}
				b.Verify(personFace.of(b, v.party, v.person).call("resources.list").Send(b.Context()), "resources of a consent for registration").To(empty)
			},
		},
		{
			ID: "DACC-X73", Name: "data/survives-unknown-parameters", Rules: rules("ERR-07"),
			Title:  "Parameters that an operation does not have are ignored or refused, and never break it",
			Why:    "Receivers of a newer version send newer parameters.",
			Causes: causes("strict parsing that panics"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					b.Verify(v.call(op).Query("unknown", "1").Query("x", "á%&=").Send(b.Context()), op).To(expect.Status(200, 400, 422))
				})
			},
		},
	}
}
