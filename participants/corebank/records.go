package corebank

import (
	"context"
	"slices"
	"strings"
	"time"
)

// snapshot is an encoded balance and what it was encoded from.
type snapshot struct {
	minute         int64
	cents, pending int64
	record         Record
}

// List returns a page of records. The sources are accounts, resources, payment-accounts (the account as
// the payment APIs write it), transactions and reserved-balances (both with a parent), approvers (the
// other people who must approve for an account, or for the company when there is no parent),
// personal-… and business-….
func (b *Bank) List(_ context.Context, q Query) (Page, error) {
	if b.away.Load() {
		return Page{}, ErrUnavailable
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	who := b.people[q.Customer]
	if who == nil {
		return Page{}, ErrUnknown
	}
	switch q.Source {
	case "accounts", "resources", "payment-accounts":
		return page(b.holdings(who, q), q), nil
	case "transactions":
		a := who.holds(q.Parent)
		if a == nil {
			return Page{}, ErrUnknown
		}
		return b.transactions(a, q), nil
	case "reserved-balances":
		a := who.holds(q.Parent)
		if a == nil {
			return Page{}, ErrUnknown
		}
		return page(reserves(a), q), nil
	case "approvers":
		return page(b.approvers(who, q.Parent), q), nil
	}
	rec, ok := b.about(who)[q.Source]
	if !ok {
		return Page{}, ErrUnknown
	}
	return page([]Record{rec}, q), nil
}

// Get returns one record: of an account by its id, or about the customer, whose id may be left empty.
func (b *Bank) Get(_ context.Context, k Key) (Record, error) {
	if b.away.Load() {
		return Record{}, ErrUnavailable
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	who := b.people[k.Customer]
	if who == nil {
		return Record{}, ErrUnknown
	}
	if rec, ok := b.about(who)[k.Source]; ok {
		if k.ID != "" && k.ID != rec.ID && k.ID != who.Key {
			return Record{}, ErrUnknown
		}
		return rec, nil
	}
	a := who.holds(k.ID)
	if a == nil {
		return Record{}, ErrUnknown
	}
	rec, ok := b.record(a, k.Source)
	if !ok {
		return Record{}, ErrUnknown
	}
	return rec, nil
}

// record is one record of an account, with the account's state.
func (b *Bank) record(a *account, source string) (Record, bool) {
	var rec Record
	switch source {
	case "account":
		rec = a.ident
	case "accounts", "resources":
		rec = a.list
	case "payment-accounts":
		rec = a.debtor
	case "balances":
		rec = b.balanceOf(a)
	case "overdraft-limits":
		rec = b.overdraft(a)
	default:
		return Record{}, false
	}
	rec.Status = a.status
	return rec, true
}

func (p *person) holds(id string) *account {
	for _, a := range p.accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}

func (b *Bank) holdings(who *person, q Query) []Record {
	kind, status := q.Filters["accountType"], q.Filters["status"]
	out := make([]Record, 0, len(who.accounts))
	for _, a := range who.accounts {
		if (q.Only == nil || slices.Contains(q.Only, a.id)) && (kind == "" || kind == a.kind) && (status == "" || status == a.status) {
			rec, _ := b.record(a, q.Source)
			out = append(out, rec)
		}
	}
	return out
}

func (b *Bank) transactions(a *account, q Query) Page {
	h := b.statement(a)
	items := between(h.items, civil(q.From), civil(q.To))
	if side := q.Filters["creditDebitIndicator"]; side != "" {
		kept := make([]item, 0, len(items)/2)
		for _, it := range items {
			if it.credit == (side == "CREDITO") {
				kept = append(kept, it)
			}
		}
		items = kept
	}
	return Page{Records: h.write(a, cut(items, q.Offset, q.Limit)), Total: len(items)}
}

func civil(t time.Time) int {
	if t.IsZero() {
		return 0
	}
	y, m, d := t.Date()
	return y*10000 + int(m)*100 + d
}

func page(all []Record, q Query) Page {
	return Page{Records: cut(all, q.Offset, q.Limit), Total: len(all)}
}

func cut[T any](all []T, offset, limit int) []T {
	from := min(max(offset, 0), len(all))
	to := len(all)
	if limit > 0 {
		to = min(from+limit, len(all))
	}
	return all[from:to]
}

// balanceOf encodes the balance at most once a minute and after every movement.
func (b *Bank) balanceOf(a *account) Record {
	now := b.cfg.Clock.Now()
	cents, minute := b.books[a.book()], now.Unix()/60
	if s := a.balance.Load(); s != nil && s.minute == minute && s.cents == cents && s.pending == a.pending {
		return s.record
	}
	body := append(money([]byte(`{"availableAmount":{"amount":"`), cents), `","currency":"BRL"},"blockedAmount":{"amount":"`...)
	body = append(money(body, a.pending), `","currency":"BRL"},"automaticallyInvestedAmount":{"amount":"0.00","currency":"BRL"},"updateDateTime":"`...)
	body = append(now.AppendFormat(body, "2006-01-02T15:04:05Z"), `","hasReservedBalance":`...)
	if len(a.reserves) > 0 {
		body = append(body, "true}"...)
	} else {
		body = append(body, "false}"...)
	}
	s := &snapshot{minute: minute, cents: cents, pending: a.pending, record: Record{ID: a.id, Type: "ACCOUNT", Body: body}}
	a.balance.Store(s)
	return s.record
}

func (b *Bank) overdraft(a *account) Record {
	used := max(-b.books[a.book()], 0)
	over := max(used-a.overdraw, 0)
	body := []byte("{")
	for i, f := range []struct {
		name  string
		cents int64
	}{{"overdraftContractedLimit", a.overdraw}, {"overdraftUsedLimit", min(used, a.overdraw)}, {"unarrangedOverdraftAmount", over}} {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, '"')
		body = append(append(body, f.name...), `":{"amount":"`...)
		body = append(money(body, f.cents), `","currency":"BRL"}`...)
	}
	return Record{ID: a.id, Type: "ACCOUNT", Body: append(body, '}')}
}

func reserves(a *account) []Record {
	out := make([]Record, 0, len(a.reserves))
	for _, r := range a.reserves {
		out = append(out, Record{ID: r.id, Body: encode(map[string]any{
			"reservedIdentification": r.id, "reservedName": r.name,
			"availableAmount": []any{map[string]any{"amount": string(money(nil, r.cents)), "currency": "BRL", "remuneration": map[string]any{
				"rateType": "EXPONENCIAL", "ratePeriodicity": "ANUAL", "calculation": "DIAS_UTEIS", "indexer": "CDI", "postFixedIndexerPercentage": "1.000000",
			}}},
		})})
	}
	return out
}

// approvers lists who else must approve: the other holder of a joint account, or the other people of a
// company where nobody signs alone. The record's id is the person's key, its body holds key, name and cpf.
func (b *Bank) approvers(who *person, accountID string) []Record {
	var others []*person
	if a := who.holds(accountID); a != nil && len(a.holders) > 1 {
		others = a.holders
	} else if who.company != nil && !who.company.Alone {
		for i := range b.cfg.People {
			p := &b.cfg.People[i]
			if slices.ContainsFunc(p.Companies, func(c Company) bool { return c.Key == who.Key }) {
				others = append(others, b.people[p.Key])
			}
		}
	}
	out := []Record{}
	for _, p := range others {
		if p != who {
			out = append(out, Record{ID: p.Key, Body: encode(map[string]string{"key": p.Key, "name": p.Name, "cpf": p.CPF})})
		}
	}
	slices.SortFunc(out, func(x, y Record) int { return strings.Compare(x.ID, y.ID) })
	return out
}
