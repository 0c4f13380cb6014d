package sim_test

import (
	"testing"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
)

// What was read of a month's quota is read, whatever became of the process meanwhile.
func TestAMonthsQuotaOutlivesAKill(t *testing.T) {
	dir, op := t.TempDir(), spec.Find("accounts.list")
	var grant *tpp.Grant
	left := op.Monthly
	for round, calls := range []int{5, left - 5} {
		p := up(t, dir)
		if _, err := post(t.Context(), p.ready.Control+"/bank/limits", `{"month":true}`); err != nil {
			t.Fatal(err)
		}
		c := party(t, p.ready, 0, func(*tpp.Exchange) {})
		bank := bankOf(t.Context(), t, p.ready, c, 0)
		if round == 0 {
			who := ordinary(p.ready)[0]
			k, err := c.CreateConsent(t.Context(), bank, []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, tpp.Person{CPF: who.CPF})
			if err != nil {
				t.Fatal(err)
			}
			if grant, err = c.Authorise(t.Context(), k, robot(t, p.ready, who, c.Config().RedirectURIs)); err != nil {
				t.Fatal(err)
			}
		}
		grant.Server = bank
		read := func() int { return c.API(bank, op).With(grant).Send(t.Context()).Status }
		for i := range calls {
			if got := read(); got != 200 {
				t.Errorf("round %d, call %d: status %d", round, i+1, got)
			}
		}
		if round == 1 {
			if got := read(); got != 423 {
				t.Errorf("beyond a quota of %d, of which %d were read before the kill: status %d", op.Monthly, op.Monthly-calls, got)
			}
		}
		c.Close()
		p.kill()
		for _, line := range complaints(p.said.String()) {
			t.Error(line)
		}
	}
}
