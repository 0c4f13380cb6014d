package corebank

import (
	"maps"
	"time"
)

// The book accounts that belong to nobody's customer.
const (
	world   = "world"   // where opening balances and adjustments come from
	transit = "transit" // money set aside for orders under way
	spi     = "spi"     // what left through the instant payment system
)

// move books cents from one account to another. The caller holds b.mu.
func (b *Bank) move(from, to string, cents int64) {
	b.books[from] -= cents
	b.books[to] += cents
}

// Books returns the balance of every book account in centavos. They sum to zero.
func (b *Bank) Books() map[string]int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return maps.Clone(b.books)
}

// reserve sets an order's money aside.
func (b *Bank) reserve(o *order) {
	b.move(o.debtor.book(), transit, o.cents)
	o.debtor.pending += o.cents
	b.spent[o.day] += o.cents
}

// release gives it back.
func (b *Bank) release(o *order) {
	b.move(transit, o.debtor.book(), o.cents)
	o.debtor.pending -= o.cents
	b.spent[o.day] -= o.cents
}

// deliver hands it to the payee: an account of ours, or the rest of the country.
func (b *Bank) deliver(o *order, at time.Time) {
	o.debtor.pending -= o.cents
	payee := b.payee(o)
	if payee == nil {
		b.move(transit, spi, o.cents)
	} else {
		b.move(transit, payee.book(), o.cents)
		payer := o.debtor.holders[0]
		doc := payer.CPF
		if payer.company != nil {
			doc = payer.company.CNPJ
		}
		payee.posted = append(payee.posted, posting{id: o.ID + "-c", at: at, cents: o.cents, name: payer.Name, doc: doc, other: o.Debtor})
	}
	o.debtor.posted = append(o.debtor.posted, posting{id: o.ID + "-d", at: at, cents: -o.cents, name: o.CreditorName, doc: o.CreditorDoc, other: o.Creditor})
}

// payee is the creditor's account when it is one of ours.
func (b *Bank) payee(o *order) *account {
	if o.Creditor.ISPB != b.cfg.ISPB {
		return nil
	}
	return b.numbers[o.Creditor.Number]
}
