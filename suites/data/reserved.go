package data

import (
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func reservedChecks() []check.Check {
	saver := []check.Need{check.Clients(1), check.Trait("reserved-balance")}
	return []check.Check{
		{
			ID: "DACC-012", Name: "accounts/shows-reserved-balances", Rules: rules("ERR-13"), Needs: saver, Official: accountModule("reserved_balances"),
			Title:  "An account that says it has reserves lists them; one that says it has none lists none",
			Why:    "Money set aside is the customer's too.",
			Causes: causes("the flag and the list come from different systems"),
			Body: func(b *check.Bench) {
				v := face{[]string{"reserved-balance"}, balances, nil}.open(b)
				with := 0
				for _, id := range column(v.accounts(), "accountId") {
					v.account = id
					flag := v.reads("accounts.balances")
					list := v.reads("accounts.reserved-balances")
					if expect.Value(flag, "data.hasReservedBalance") == true {
						with++
						b.Verify(list, "reserves of an account with reserves").About(flag, list).To(expect.JSON("data[*].availableAmount[*].amount", expect.Matching(`\d{1,15}\.\d{2,4}`)))
					} else {
						b.Verify(list, "reserves of an account without").About(flag, list).To(expect.JSONCount("data", 0))
					}
				}
				b.Expect(with, "accounts with reserves").To(expect.InRange(1, 1000))
			},
		},
		{
			ID: "DACC-013", Name: "accounts/lists-no-reserves", Rules: rules("ERR-13", "RS-EMPTY"), Official: accountModule("reserved_balances_false"),
			Title:  "An account without reserves answers an empty list",
			Why:    "Nothing reserved is an answer, not an error.",
			Causes: causes("an empty result is taken for an unknown account"),
			Body: func(b *check.Bench) {
				v := face{nil, balances, nil}.open(b)
				b.Expect(v.reads("accounts.balances")).To(expect.JSON("data.hasReservedBalance", false))
				x := v.reads("accounts.reserved-balances")
				b.Expect(x).To(expect.JSONCount("data", 0))
				b.Expect(x).To(expect.JSON("meta.totalRecords", 0))
			},
		},
		{
			ID: "DACC-014", Name: "accounts/reserves-need-balances-permission", Rules: rules("RS-TOK-02/permission", "ERR-11"), Official: []string{"accounts_api_reserved_balances_permissions_v2-5-1"},
			Title:  "Without the permission for balances neither balances nor reserves are read",
			Why:    "Reserves are balances under another name.",
			Causes: causes("the new call was added without its permission"),
			Body: func(b *check.Bench) {
				v := face{nil, statement, nil}.open(b)
				for _, op := range []string{"accounts.balances", "accounts.reserved-balances"} {
					b.Verify(v.call(op).Send(b.Context()), op).To(notAllowed)
				}
				v.reads("accounts.identification")
			},
		},
		{
			ID: "DACC-015", Name: "accounts/reserves-keep-their-quota", Rules: rules("RS-HDR-07"), Official: []string{"accounts_api_reserved_balances_operations_limits_v2-5-1"},
			Title:  "Reserved balances can be read 420 times a month",
			Why:    "The number is the least that a receiver may count on.",
			Causes: causes("the new call got the quota of another class"),
			Body: func(b *check.Bench) {
				v := face{nil, balances, nil}.open(b)
				v.often("accounts.reserved-balances", 420)
			},
		},
		{
			ID: "DACC-016", Name: "accounts/reserves-as-listed", Rules: rules("ERR-12", "AS-DISC-20"), Official: []string{"accounts_api_reserved_balances_not_found_v2-5-1"},
			Title:  "Reserved balances are served where the directory lists them, and answered 404 where it does not",
			Why:    "Receivers believe the directory.",
			Causes: causes("a new call went live before its listing, or after"),
			Body: func(b *check.Bench) {
				v := face{nil, balances, nil}.open(b)
				address := endpoints(b, v.party)["/open-banking/accounts/v2/accounts/{accountId}/reserved-balances"]
				x := v.call("accounts.reserved-balances").Send(b.Context())
				if address == "" {
					b.Expect(x, "reserved balances, not listed").To(expect.OFBError(404))
				} else {
					b.Expect(x, "reserved balances, listed").To(expect.Status(200))
				}
			},
		},
	}
}
