package corebank

import (
	"fmt"
	"testing"
)

// However many accounts are read, the transactions of a bounded number are held.
func TestTransactionsOfManyAccountsAreNotAllHeld(t *testing.T) {
	b := &Bank{}
	accounts := make([]*account, 200)
	for i := range accounts {
		accounts[i] = &account{id: fmt.Sprint(i)}
		b.built.enter(accounts[i])
		accounts[i].history.Store(&history{})
	}
	held := 0
	for _, a := range accounts {
		if a.history.Load() != nil {
			held++
		}
	}
	if held != len(b.built.of) || accounts[0].history.Load() != nil || accounts[199].history.Load() == nil {
		t.Errorf("%d of %d held", held, len(accounts))
	}
}
