package data

import (
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// amountChecks hold amounts against what is known of them otherwise.
func amountChecks() []check.Check {
	payer := []check.Need{check.ClientRole("PAGTO"), check.Customer(), check.API("payments")}
	return []check.Check{
		{
			ID: "DACC-X87", Name: "data/amounts-are-exact", Rules: rules("RS-EXACT"), Needs: cored,
			Title:  "A balance is what the core holds, to the cent",
			Why:    "A cent that is lost on the way is lost in every sum.",
			Causes: causes("amounts pass through floating point", "decimals are cut for display"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				before := v.held()
				b.Expect(before, "accounts at the core").To(expect.Something())
				for id, amount := range before {
					v.account = id
					b.Verify(v.reads("accounts.balances")).To(expect.JSON("data.availableAmount.amount", amount))
				}
				id := v.anAccount()
				set := func(amount string) {
					b.Core().Post("/accounts/"+id+"/balance", map[string]any{"amount": amount}, nil)
				}
				b.Cleanup(func() { set(before[id]) })
				for _, amount := range []string{"1234.56", "0.01", "99999999.99", "0.10"} {
					set(amount)
					b.Verify(v.reads("accounts.balances"), "a balance of %s", amount).To(expect.JSON("data.availableAmount.amount", amount))
				}
				whole := 0
				list := objects(v.call("accounts.transactions").Query("page-size", "1000").Send(b.Context()))
				for _, t := range list {
					amount, _ := t["transactionAmount"].(map[string]any)
					if s, _ := amount["amount"].(string); strings.HasSuffix(s, ".00") {
						whole++
					}
				}
				b.Expect(whole < len(list), "amounts of a month's transactions").To(expect.True("not all without cents"))
			},
		},
		{
			ID: "DACC-X88", Name: "data/paid-amount-is-booked", Rules: rules("RS-EXACT"), Needs: payer,
			Title:  "A Pix that the customer made is in the statement with its amount, once, and the balance has moved by it",
			Why:    "The statement is the customer's proof of payment.",
			Causes: causes("the statement is fed by a nightly file", "amounts are rounded on the way"),
			Body: func(b *check.Bench) {
				const amount = "7.93"
				payee, known := b.Target().PayeeWith("")
				if !known {
					b.Skip("the target declares no payee")
				}
				p := b.PartyWith("PAGTO")
				v := accountFace.of(b, p, b.Person())
				booked := func() (n int) {
					for _, id := range column(v.accounts(), "accountId") {
						v.account = id
						for _, t := range objects(v.bare("accounts.transactions-current").Query("page-size", "1000").Send(b.Context())) {
							if m, _ := t["transactionAmount"].(map[string]any); m["amount"] == amount && t["creditDebitType"] == "DEBITO" {
								n++
							}
						}
					}
					return n
				}
				before := booked()
				paid := check.Given[*tpp.Payment](b, "a payment that ends")(p.Pay(b.Context(), p.Server, tpp.Order{Payer: v.person.Document(), Amount: amount,
					Creditor: tpp.Creditor{Name: payee.Name, Document: payee.Document, Account: tpp.Account(payee.Account)}}, b.Robot(v.person)))
				b.Expect(paid.Statuses, "status of the payment").To(expect.Equal([]string{"ACSC"}))
				b.Wait("settle", "the movement in the statement", func() bool { return booked() > before })
				b.Expect(booked(), "debits of %s in today's statements", amount).To(expect.Equal(before + 1))
			},
		},
	}
}

// held are the balances of the customer's available accounts at the core, by id.
func (v *view) held() map[string]string {
	var sheet []struct{ ID, Status, Balance string }
	v.Core().Get("/accounts?customer="+v.person.ID, &sheet)
	out := map[string]string{}
	for _, a := range sheet {
		if a.Status == "AVAILABLE" {
			out[a.ID] = a.Balance
		}
	}
	return out
}
