package payments

import (
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/target"
)

// small is what is paid where the amount does not matter.
const small = "1.00"

// brasilia is the zone of the standard's plain dates.
var brasilia = time.FixedZone("BRT", -3*60*60)

func today(b *check.Bench) string { return b.Now().In(brasilia).Format(time.DateOnly) }

// dayAfter is noon in Brasília, that many days from today.
func dayAfter(b *check.Bench, days int) time.Time {
	y, m, d := b.Now().In(brasilia).Date()
	return time.Date(y, m, d+days, 12, 0, 0, 0, brasilia)
}

func date(t time.Time) string { return t.In(brasilia).Format(time.DateOnly) }

// creditor is a payee as an order names it.
func creditor(p target.Payee) tpp.Creditor {
	return tpp.Creditor{Name: p.Name, Document: p.Document, Account: tpp.Account{ISPB: p.Account.ISPB, Issuer: p.Account.Issuer, Number: p.Account.Number, Type: p.Account.Type}}
}

// pay is the target's first payee with a key of the kind.
func pay(b *check.Bench, kind string) target.Payee {
	p, ok := b.Target().PayeeWith(kind)
	if !ok {
		b.Skip("the target declares no payee with a Pix key of kind %q", kind)
	}
	return p
}

// otherPayee is a payee other than the first.
func otherPayee(b *check.Bench) target.Payee {
	if len(b.Target().Payments.Payees) < 2 {
		b.Skip("the target declares no second payee")
	}
	return b.Target().Payments.Payees[1]
}

// A form makes the order of an instrument for a payer.
type form func(b *check.Bench, j *journey) tpp.Order

// manual pays by account data.
func manual(b *check.Bench, _ *journey) tpp.Order {
	return tpp.Order{Creditor: creditor(pay(b, "")), Amount: small, Instrument: "MANU"}
}

// byKey pays by a Pix key of a kind.
func byKey(kind string) form {
	return func(b *check.Bench, _ *journey) tpp.Order {
		p := pay(b, kind)
		return tpp.Order{Creditor: creditor(p), Amount: small, Instrument: "DICT", Proxy: p.Key(kind)}
	}
}

// initiated pays by a key known to the initiator, with its own identification.
func initiated(b *check.Bench, j *journey) tpp.Order {
	o := byKey(target.Email)(b, j)
	o.Instrument, o.TransactionID = "INIC", "PEDIDO2026000001"
	return o
}

// staticCode is the text of a static code of the order's key.
func staticCode(b *check.Bench, code tpp.BRCode) string {
	code.Name, code.City = "RECEBEDOR SIMULADO", "SAO PAULO"
	text, err := code.Text()
	b.Given("a static code", err)
	return text
}

// byCode pays by a static code of a key, with or without identification and amount in it.
func byCode(instrument, kind, txid string) form {
	return func(b *check.Bench, j *journey) tpp.Order {
		o := byKey(kind)(b, j)
		o.Instrument, o.TransactionID = instrument, txid
		o.QRCode = staticCode(b, tpp.BRCode{Key: o.Proxy, Amount: o.Amount, TransactionID: txid})
		return o
	}
}

// charge is what a payee's institution says of a dynamic code. The judge stands in for that institution.
type charge map[string]any

// newCharge is an active charge of the amount for a key, good for an hour.
func newCharge(b *check.Bench, j *journey, key, amount string) charge {
	return charge{
		"txid": j.party.EndToEndID(b.Now()), "chave": key, "status": "ATIVA", "revisao": 0,
		"calendario": map[string]any{"criacao": b.Now().UTC().Format("2006-01-02T15:04:05Z"), "expiracao": 3600},
		"valor":      map[string]any{"original": amount, "modalidadeAlteracao": 0},
	}
}

// signed is the payload that the initiator hands on.
func (c charge) signed(b *check.Bench, j *journey) string {
	compact, err := jose.Sign(map[string]any(c), j.party.Config().Signing, nil)
	b.Given("a charge", err)
	return compact
}

// dynamicCode is the text of a dynamic code: the address of its charge.
func dynamicCode(b *check.Bench, txid string) string {
	return staticCode(b, tpp.BRCode{URL: "pix.recebedor.example.com/v2/cob/" + txid})
}

// onCharge pays by a dynamic code; edit changes the charge before it is signed.
func onCharge(instrument string, edit func(charge)) form {
	return func(b *check.Bench, j *journey) tpp.Order {
		o := byKey(target.Email)(b, j)
		c := newCharge(b, j, o.Proxy, o.Amount)
		if edit != nil {
			edit(c)
		}
		txid, _ := c["txid"].(string)
		o.Instrument, o.TransactionID = instrument, txid
		o.QRCode, o.PayloadJWS = dynamicCode(b, txid), c.signed(b, j)
		return o
	}
}

// amounted is a form with another amount.
func amounted(f form, amount string) form {
	return func(b *check.Bench, j *journey) tpp.Order {
		o := f(b, j)
		o.Amount = amount
		return o
	}
}

// choosing is a manual payment of the amount that makes the target answer with the outcome.
func choosing(name string) form {
	return func(b *check.Bench, j *journey) tpp.Order {
		o := manual(b, j)
		o.Amount = b.Target().Payments.Amounts[name]
		return o
	}
}

// scheduled is a form on a schedule, which is counted from today.
func scheduled(f form, s func(b *check.Bench) tpp.Schedule) form {
	return func(b *check.Bench, j *journey) tpp.Order {
		o := f(b, j)
		plan := s(b)
		o.Schedule = &plan
		return o
	}
}

// once is a schedule of one day.
func once(days int) func(*check.Bench) tpp.Schedule {
	return func(b *check.Bench) tpp.Schedule { return tpp.Schedule{Single: dayAfter(b, days)} }
}

// daily is a schedule of consecutive days.
func daily(from, quantity int) func(*check.Bench) tpp.Schedule {
	return func(b *check.Bench) tpp.Schedule {
		return tpp.Schedule{Every: "daily", Start: dayAfter(b, from), Quantity: quantity}
	}
}

// onDays is a custom schedule.
func onDays(days ...int) func(*check.Bench) tpp.Schedule {
	return func(b *check.Bench) tpp.Schedule {
		var s tpp.Schedule
		for _, d := range days {
			s.Custom = append(s.Custom, dayAfter(b, d))
		}
		return s
	}
}
