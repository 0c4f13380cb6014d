package corebank

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"sort"
	"strconv"
	"time"
)

// past is how many days of history an account shows; the APIs offer twelve months.
const past = 400

// posting is one movement an order made on an account.
type posting struct {
	id    string
	at    time.Time
	cents int64 // negative is a debit
	name  string
	doc   string
	other Account
}

// history is an account's list of transactions in one hour, newest first. Immutable. It holds what orders and
// filters them; their text is written when a page of them is asked for, so that a year of an account weighs
// 20 KB and not half a megabyte.
type history struct {
	day    int // Brasília date and hour
	posted int // how many postings it contains
	root   uint64
	items  []item
}

// item is one transaction of a history.
type item struct {
	at     int64 // milliseconds of Unix time
	date   int32 // Brasília date
	n      int32 // which line of that date, or which posting
	source source
	credit bool
}

// source is where a transaction comes from.
type source uint8

const (
	invented source = iota // a line of its date
	ahead                  // an instalment that will fall due
	moved                  // a posting
)

// statement returns the account's transactions, built once an hour and after every movement. The caller holds
// b.mu for reading.
func (b *Bank) statement(a *account) *history {
	now := b.cfg.Clock.Now()
	day := today(now)*100 + now.In(Brasilia).Hour()
	if h := a.history.Load(); h != nil && h.day == day && h.posted == len(a.posted) {
		return h
	}
	h := &history{day: day, posted: len(a.posted), root: b.root(a)}
	h.items = merge(invent(a, h.root, now), a.posted)
	a.history.Store(h)
	return h
}

// merge puts the postings, oldest first, among the items, newest first.
func merge(items []item, posted []posting) []item {
	if len(posted) == 0 {
		return items
	}
	all := make([]item, 0, len(items)+len(posted))
	next := len(posted) - 1
	until := func(at int64) {
		for ; next >= 0 && posted[next].at.UnixMilli() > at; next-- {
			p := &posted[next]
			all = append(all, item{at: p.at.UnixMilli(), date: int32(today(p.at)), n: int32(next), source: moved, credit: p.cents > 0})
		}
	}
	for _, it := range items {
		until(it.at)
		all = append(all, it)
	}
	until(math.MinInt64)
	return all
}

// root is what an account's invented transactions are drawn from.
func (b *Bank) root(a *account) uint64 {
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%d/%s", b.cfg.Seed, a.id)
	return sum.Sum64()
}

// invent lists the transactions of every day around now. They are a function of the account and the date
// alone.
func invent(a *account, root uint64, now time.Time) []item {
	y, m, d := now.In(Brasilia).Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, Brasilia)
	all := make([]item, 0, 3*past+8)
	for ahead := 90; ahead > 0; ahead-- {
		if day := midnight.AddDate(0, 0, ahead); day.Day() == 15 && a.kind == current {
			all = append(all, instalment(day))
		}
	}
	until := now.UnixMilli()
	for back := range past {
		day := midnight.AddDate(0, 0, -back)
		date := today(day)
		start := len(all)
		drawn, n := lines(a, day, mix(root, uint64(date)))
		for i := range n {
			l := &drawn[i]
			if at := day.UnixMilli() + l.after.Milliseconds(); at <= until {
				all = append(all, item{at: at, date: int32(date), n: int32(i), credit: l.cents >= 0})
			}
		}
		slices.SortStableFunc(all[start:], func(x, y item) int { return cmp.Compare(y.at, x.at) })
	}
	return all
}

// local is the midnight at which a date begins.
func local(date int32) time.Time {
	return time.Date(int(date/10000), time.Month(date/100%100), int(date%100), 0, 0, 0, 0, Brasilia)
}

// write encodes items as records, whose texts share one buffer.
func (h *history) write(a *account, items []item) []Record {
	out := make([]Record, len(items))
	text, ids := make([]byte, 0, 448*len(items)), make([]byte, 0, 32)
	var date int32 // whose lines were drawn last
	var drawn [3]line
	for i, it := range items {
		from := len(text)
		if it.source == moved {
			text = a.posted[it.n].encode(text)
			out[i].ID = a.posted[it.n].id
		} else {
			l := due
			if it.source == invented {
				if it.date != date {
					date = it.date
					drawn, _ = lines(a, local(date), mix(h.root, uint64(date)))
				}
				l = drawn[it.n]
			}
			id := append(append(ids, a.id[:13]...), '-')
			id = append(strconv.AppendInt(id, int64(it.date), 10), '-')
			id = strconv.AppendInt(id, int64(it.n), 10)
			out[i].ID = string(id)
			text = l.encode(text, out[i].ID, time.UnixMilli(it.at))
		}
		out[i].Body = text[from:len(text):len(text)]
	}
	return out
}

// line is an invented transaction.
type line struct {
	kind, title, state string        // the title is JSON text
	after              time.Duration // since local midnight
	cents              int64         // negative is a debit
	party              bool
	seed               uint64
}

// due is the instalment of a loan, on the fifteenth of every month to come.
var due = line{kind: "OPERACAO_CREDITO", title: `"Parcela de empréstimo"`, cents: -31_250, state: "LANCAMENTO_FUTURO"}

func instalment(day time.Time) item {
	return item{at: day.UnixMilli(), date: int32(today(day)), n: 9, source: ahead}
}

// lines are the movements of one day, which net to zero: on a current account two debits and a credit,
// on another one of each. Some stand within a minute of local midnight, where dates go wrong.
func lines(a *account, day time.Time, seed uint64) (drawn [3]line, n int) {
	if a.opening < 100_00 && a.kind == savings {
		return drawn, 0
	}
	first, second := 500+int64(seed%34_000), 100+int64(mix(seed, 2)%8_000)
	clockAt := func(n uint64) time.Duration {
		return time.Duration(6*3600+mix(seed, n)%(16*3600)) * time.Second
	}
	debit := [...][2]string{{"PIX", `"Pix enviado"`}, {"CARTAO", `"Compra no débito"`}, {"BOLETO", `"Pagamento de boleto"`}, {"CONVENIO_ARRECADACAO", `"Conta de energia"`}, {"TED", `"TED enviada"`}}[seed%5]
	credit := [...][2]string{{"PIX", `"Pix recebido"`}, {"DEPOSITO", `"Depósito em dinheiro"`}, {"TED", `"TED recebida"`}, {"TRANSFERENCIA_MESMA_INSTITUICAO", `"Transferência recebida"`}}[mix(seed, 3)%4]
	if day.Day() == 5 && a.kind == current {
		credit = [2]string{"FOLHA_PAGAMENTO", `"Salário"`}
	}
	const settled = "TRANSACAO_EFETIVADA"
	drawn[0] = line{kind: credit[0], title: credit[1], state: settled, cents: first, after: clockAt(5), party: bearsParty(credit[0]), seed: mix(seed, 6)}
	drawn[1] = line{kind: debit[0], title: debit[1], state: settled, cents: -first, after: 10 * time.Second, party: bearsParty(debit[0]), seed: mix(seed, 8)}
	n = 2
	if a.kind == current {
		drawn[0].cents += second
		drawn[2] = line{kind: "CARTAO", title: `"Padaria Fictícia"`, state: settled, cents: -second, after: clockAt(9)}
		n = 3
	}
	if day.YearDay()%2 == 0 {
		drawn[0].after = 24*time.Hour - 30*time.Second
	}
	return drawn, n
}

func bearsParty(kind string) bool {
	return kind == "PIX" || kind == "TED" || kind == "TRANSFERENCIA_MESMA_INSTITUICAO"
}

// encode appends the transaction as the accounts API writes it.
func (l *line) encode(text []byte, id string, at time.Time) []byte {
	text = head(text, id, l.state, l.kind, l.title, l.cents, at)
	if l.party {
		text = append(text, `,"partieCnpjCpf":"`...)
		text = digits(text, l.seed, 11)
		text = append(text, `","partiePersonType":"PESSOA_NATURAL","partieCompeCode":"998","partieBranchCode":"0001","partieNumber":"`...)
		text = digits(text, l.seed, 8)
		text = append(text, `","partieCheckDigit":"`...)
		text = digits(text, l.seed, 1)
		text = append(text, `","codeISPB":"99999012"`...)
	}
	return append(text, '}')
}

// digits appends the last count decimal digits of n.
func digits(text []byte, n uint64, count int) []byte {
	for i := range count {
		text = append(text, '0'+byte(n/tens[count-1-i]%10))
	}
	return text
}

var tens = [...]uint64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10}

// encode appends the movement as the accounts API writes it.
func (p *posting) encode(text []byte) []byte {
	title := "Pix enviado: "
	if p.cents > 0 {
		title = "Pix recebido: "
	}
	text = head(text, p.id, "TRANSACAO_EFETIVADA", "PIX", string(encode(title+p.name)), p.cents, p.at)
	if p.doc != "" {
		text = append(text, `,"partieCnpjCpf":"`...)
		text = append(text, p.doc...)
		person := "PESSOA_NATURAL"
		if len(p.doc) == 14 {
			person = "PESSOA_JURIDICA"
		}
		text = append(append(text, `","partiePersonType":"`...), person...)
		text = append(text, '"')
	}
	if p.other.ISPB != "" {
		text = append(text, `,"codeISPB":"`...)
		text = append(append(text, p.other.ISPB...), '"')
	}
	return append(text, '}')
}

// head appends the members every transaction has, without the closing brace. The title is JSON text.
func head(text []byte, id, state, kind, title string, cents int64, at time.Time) []byte {
	side := "CREDITO"
	if cents < 0 {
		side = "DEBITO"
	}
	text = append(text, `{"transactionId":"`...)
	text = append(text, id...)
	text = append(text, `","completedAuthorisedPaymentType":"`...)
	text = append(text, state...)
	text = append(text, `","creditDebitType":"`...)
	text = append(text, side...)
	text = append(text, `","transactionName":`...)
	text = append(text, title...)
	text = append(text, `,"type":"`...)
	text = append(text, kind...)
	text = append(text, `","transactionAmount":{"amount":"`...)
	text = money(text, max(cents, -cents))
	text = append(text, `","currency":"BRL"},"transactionDateTime":"`...)
	text = at.UTC().AppendFormat(text, "2006-01-02T15:04:05.000Z")
	return append(text, '"')
}

// between returns the part of a newest-first list with dates in [from, to]; zero is open.
func between(items []item, from, to int) []item {
	lo, hi := 0, len(items)
	if to != 0 {
		lo = sort.Search(len(items), func(i int) bool { return int(items[i].date) <= to })
	}
	if from != 0 {
		hi = sort.Search(len(items), func(i int) bool { return int(items[i].date) < from })
	}
	return items[min(lo, hi):hi]
}

// mix is the splitmix64 step: well spread, cheap, and the same for ever.
func mix(a, b uint64) uint64 {
	x := a + b*0x9e3779b97f4a7c15 + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
