package corebank

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
)

// The account types of the payment APIs and their names in the data APIs.
const (
	current = "CONTA_DEPOSITO_A_VISTA"
	savings = "CONTA_POUPANCA"
	prepaid = "CONTA_PAGAMENTO_PRE_PAGA"
)

var payType = map[string]string{current: "CACC", savings: "SVGS", prepaid: "TRAN"}

// The states of an account, as the resources API names them.
const (
	Available   = "AVAILABLE"
	Temporarily = "TEMPORARILY_UNAVAILABLE"
	Unavailable = "UNAVAILABLE"
)

type account struct {
	id       string
	holders  []*person // more than one for a joint account, where all must approve
	kind     string
	branch   string
	number   string
	digit    string
	status   string
	opening  int64
	overdraw int64 // contracted overdraft limit, centavos
	reserves []reserve
	holdNext int // how many of the next orders are held

	pending int64     // centavos set aside for orders under way
	posted  []posting // what orders moved, oldest first
	history atomic.Pointer[history]
	balance atomic.Pointer[snapshot]
	list    Record // of the accounts source
	ident   Record // of the account source
	debtor  Record // of the payment-accounts source
}

type reserve struct {
	id, name string
	cents    int64
}

// book is the account's name in the books.
func (a *account) book() string { return "account:" + a.id }

func (a *account) pix(ispb string) Account {
	acc := Account{ISPB: ispb, Issuer: a.branch, Number: a.number + a.digit, Type: payType[a.kind]}
	if a.kind == prepaid {
		acc.Issuer = ""
	}
	return acc
}

// admit opens the books: every person of the configuration with the accounts their traits ask for, and
// the keys of the payees of other institutions.
func (b *Bank) admit() {
	for i := range b.cfg.People {
		p := b.cfg.People[i]
		who := &person{Person: p}
		b.people[p.Key], b.login[p.Username], b.byCPF[p.CPF] = who, who, who
	}
	for i := range b.cfg.People {
		who := b.people[b.cfg.People[i].Key]
		b.furnish(who)
		for j := range who.Companies {
			c := who.Companies[j]
			if b.people[c.Key] != nil {
				continue
			}
			firm := &person{Person: Person{Key: c.Key, Name: c.Name}, company: &c, owner: &who.Person}
			b.people[c.Key] = firm
			b.open(current, 250_000_00, 20_000_00, firm)
			b.open(prepaid, 15_000_00, 0, firm)
			b.bind(c.CNPJ, firm.accounts[0], c.Name, c.CNPJ)
		}
	}
	for _, k := range outside {
		b.keys[k.Key] = k
	}
}

func (b *Bank) furnish(who *person) {
	has := func(t string) bool { return slices.Contains(who.Traits, t) }
	switch {
	case has("no-accounts"):
		return
	case has("poor"):
		b.open(current, 1_00, 0, who)
	default:
		a := b.open(current, 150_000_00, 5_000_00, who)
		b.open(savings, 30_000_00, 0, who)
		if len(b.order)%3 == 0 {
			b.open(prepaid, 800_00, 0, who)
		}
		if has("reserved-balance") {
			s := b.cfg.Seed.Stream("reserves/" + who.Key)
			a.reserves = []reserve{{s.UUID(), "Reserva viagem", 1_250_00}, {s.UUID(), "Reserva de emergência", 7_300_50}}
		}
		if has("unavailable-account") {
			b.open(current, 2_000_00, 0, who).status = Temporarily
			b.open(savings, 0, 0, who).status = Unavailable
		}
	}
	if partner := b.people[who.Partner]; partner != nil && len(partner.accounts) > 0 {
		b.open(current, 90_000_00, 2_000_00, partner, who)
	}
	first := who.accounts[0]
	b.bind(who.CPF, first, who.Name, who.CPF)
	b.bind(who.Email, first, who.Name, who.CPF)
	b.bind(who.Phone, first, who.Name, who.CPF)
	b.bind(b.cfg.Seed.Stream("evp/"+who.Key).UUID(), first, who.Name, who.CPF)
}

// open opens an account with money from the outside world.
func (b *Bank) open(kind string, cents, overdraw int64, holders ...*person) *account {
	n := len(b.order) + 1
	number := fmt.Sprintf("%08d", 20_000_000+n*7919)
	sum := 0
	for i := range number {
		sum += int(number[i]-'0') * (9 - i)
	}
	digit := (11 - sum%11) % 11
	a := &account{
		id: b.cfg.Seed.Stream("account/" + strconv.Itoa(n)).UUID(), holders: holders, kind: kind, branch: fmt.Sprintf("%04d", 1+n%40),
		number: number, digit: strconv.Itoa(digit % 10), status: Available, opening: cents, overdraw: overdraw,
	}
	b.order = append(b.order, a)
	b.accounts[a.id], b.numbers[a.number+a.digit] = a, a
	for _, h := range holders {
		h.accounts = append(h.accounts, a)
	}
	b.books[world] -= cents
	b.books[a.book()] += cents
	b.describe(a)
	return a
}

func (b *Bank) bind(key string, a *account, owner, document string) {
	if key != "" {
		b.keys[key] = PixKey{Key: key, Owner: owner, Document: document, Account: a.pix(b.cfg.ISPB)}
	}
}

// describe encodes what never changes of an account.
func (b *Bank) describe(a *account) {
	subtype := "INDIVIDUAL"
	if len(a.holders) > 1 {
		subtype = "CONJUNTA_SIMPLES"
	}
	common := map[string]any{"type": a.kind, "compeCode": b.cfg.Compe, "number": a.number, "checkDigit": a.digit}
	if a.kind != prepaid {
		common["branchCode"] = a.branch
	}
	with := func(more map[string]any) json.RawMessage {
		for k, v := range common {
			more[k] = v
		}
		return encode(more)
	}
	a.list = Record{ID: a.id, Type: "ACCOUNT", Body: with(map[string]any{"accountId": a.id, "brandName": b.cfg.Brand, "companyCnpj": b.cfg.CNPJ})}
	a.ident = Record{ID: a.id, Type: "ACCOUNT", Body: with(map[string]any{"subtype": subtype, "currency": "BRL"})}
	a.debtor = Record{ID: a.id, Type: "ACCOUNT", Body: encode(a.pix(b.cfg.ISPB))}
}

// encode makes JSON of a value of our own; it cannot fail.
func encode(v any) json.RawMessage {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}
