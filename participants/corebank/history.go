package corebank

import (
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"strconv"
	"sync"
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

// history is an account's list of transactions in one hour, newest first. Immutable.
type history struct {
	day    int // Brasília date and hour
	posted int // how many postings it contains
	items  []item
}

type item struct {
	at     time.Time
	date   int // Brasília date
	credit bool
	record Record
}

// built is whose transactions are held, oldest first. A year of them weighs some 200 KB, and a bank that is
// read for long would hold everybody's.
type built struct {
	mu   sync.Mutex
	of   [64]*account
	next int
}

// enter notes an account whose transactions were made, and lets go of those made longest ago.
func (b *built) enter(a *account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.of[b.next]; old != nil {
		old.history.Store(nil)
	}
	b.of[b.next] = a
	b.next = (b.next + 1) % len(b.of)
}

// statement returns the account's transactions, built once an hour and after every movement, as long as they
// are held. The caller holds b.mu for reading.
func (b *Bank) statement(a *account) *history {
	now := b.cfg.Clock.Now()
	day := today(now)*100 + now.In(Brasilia).Hour()
	h := a.history.Load()
	if h != nil && h.day == day && h.posted == len(a.posted) {
		return h
	}
	var invented []item
	if h != nil && h.day == day {
		invented = h.items[:0:0]
		for _, it := range h.items {
			if it.record.Type == "" {
				invented = append(invented, it)
			}
		}
	} else {
		invented = b.invent(a, now)
	}
	all := make([]item, 0, len(invented)+len(a.posted))
	next := len(a.posted) - 1
	for _, it := range invented {
		for ; next >= 0 && a.posted[next].at.After(it.at); next-- {
			all = append(all, b.posted(&a.posted[next]))
		}
		all = append(all, it)
	}
	for ; next >= 0; next-- {
		all = append(all, b.posted(&a.posted[next]))
	}
	made := &history{day: day, posted: len(a.posted), items: all}
	if h == nil {
		b.built.enter(a)
	}
	a.history.Store(made)
	return made
}

// invent makes the transactions of every day around now. They are a function of the account and the date
// alone.
func (b *Bank) invent(a *account, now time.Time) []item {
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%d/%s", b.cfg.Seed, a.id)
	root := sum.Sum64()
	y, m, d := now.In(Brasilia).Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, Brasilia)
	all := make([]item, 0, 3*past+8)
	for ahead := 90; ahead > 0; ahead-- {
		if day := midnight.AddDate(0, 0, ahead); day.Day() == 15 && a.kind == current {
			all = append(all, row(a, day, 9, line{kind: "OPERACAO_CREDITO", name: "Parcela de empréstimo", cents: 31_250, state: "LANCAMENTO_FUTURO"}))
		}
	}
	for back := range past {
		day := midnight.AddDate(0, 0, -back)
		start := len(all)
		for i, l := range b.lines(a, day, mix(root, uint64(today(day)))) {
			if at := day.Add(l.after); !at.After(now) {
				all = append(all, row(a, day, i, l))
			}
		}
		today := all[start:]
		slices.SortStableFunc(today, func(x, y item) int { return y.at.Compare(x.at) })
	}
	return all
}

type line struct {
	kind, name, state string
	after             time.Duration // since local midnight
	cents             int64         // negative is a debit
	party             bool
	seed              uint64
}

// lines are the movements of one day, which net to zero: on a current account two debits and a credit,
// on another one of each. Some stand within a minute of local midnight, where dates go wrong.
func (b *Bank) lines(a *account, day time.Time, seed uint64) []line {
	if a.opening < 100_00 && a.kind == savings {
		return nil
	}
	first, second := 500+int64(seed%34_000), 100+int64(mix(seed, 2)%8_000)
	clockAt := func(n uint64) time.Duration {
		return time.Duration(6*3600+mix(seed, n)%(16*3600)) * time.Second
	}
	debit := [...][2]string{{"PIX", "Pix enviado"}, {"CARTAO", "Compra no débito"}, {"BOLETO", "Pagamento de boleto"}, {"CONVENIO_ARRECADACAO", "Conta de energia"}, {"TED", "TED enviada"}}[seed%5]
	credit := [...][2]string{{"PIX", "Pix recebido"}, {"DEPOSITO", "Depósito em dinheiro"}, {"TED", "TED recebida"}, {"TRANSFERENCIA_MESMA_INSTITUICAO", "Transferência recebida"}}[mix(seed, 3)%4]
	if day.Day() == 5 && a.kind == current {
		credit = [2]string{"FOLHA_PAGAMENTO", "Salário"}
	}
	lines := []line{
		{kind: credit[0], name: credit[1], cents: first, after: clockAt(5), party: bearsParty(credit[0]), seed: mix(seed, 6)},
		{kind: debit[0], name: debit[1], cents: -first, after: clockAt(7), party: bearsParty(debit[0]), seed: mix(seed, 8)},
	}
	if a.kind == current {
		lines[0].cents += second
		lines = append(lines, line{kind: "CARTAO", name: "Padaria Fictícia", cents: -second, after: clockAt(9)})
	}
	lines[1].after = 10 * time.Second
	if day.YearDay()%2 == 0 {
		lines[0].after = 24*time.Hour - 30*time.Second
	}
	return lines
}

func bearsParty(kind string) bool {
	return kind == "PIX" || kind == "TED" || kind == "TRANSFERENCIA_MESMA_INSTITUICAO"
}

// row encodes one invented movement.
func row(a *account, day time.Time, n int, l line) item {
	at := day.Add(l.after).UTC()
	id := fmt.Sprintf("%s-%d-%d", a.id[:13], today(day), n)
	if l.state == "" {
		l.state = "TRANSACAO_EFETIVADA"
	}
	body := head(id, l.state, l.kind, l.name, l.cents, at)
	if l.party {
		body = append(body, `,"partieCnpjCpf":"`...)
		body = append(body, fmt.Sprintf("%011d", l.seed%100_000_000_000)...)
		body = append(body, `","partiePersonType":"PESSOA_NATURAL","partieCompeCode":"998","partieBranchCode":"0001","partieNumber":"`...)
		body = append(body, fmt.Sprintf("%08d", l.seed%100_000_000)...)
		body = append(body, `","partieCheckDigit":"`...)
		body = strconv.AppendUint(body, l.seed%10, 10)
		body = append(body, `","codeISPB":"99999012"`...)
	}
	return item{at: at, date: today(at), credit: l.cents >= 0 && l.kind != "OPERACAO_CREDITO", record: Record{ID: id, Body: append(body, '}')}}
}

// posted encodes one movement of the books. Its record carries a type, so that it is told from invention.
func (b *Bank) posted(p *posting) item {
	kind, name := "PIX", "Pix enviado: "+p.name
	if p.cents > 0 {
		name = "Pix recebido: " + p.name
	}
	body := head(p.id, "TRANSACAO_EFETIVADA", kind, name, p.cents, p.at)
	if p.doc != "" {
		body = append(body, `,"partieCnpjCpf":"`...)
		body = append(body, p.doc...)
		person := "PESSOA_NATURAL"
		if len(p.doc) == 14 {
			person = "PESSOA_JURIDICA"
		}
		body = append(append(body, `","partiePersonType":"`...), person...)
		body = append(body, '"')
	}
	if p.other.ISPB != "" {
		body = append(body, `,"codeISPB":"`...)
		body = append(append(body, p.other.ISPB...), '"')
	}
	return item{at: p.at, date: today(p.at), credit: p.cents > 0, record: Record{ID: p.id, Type: "posted", Body: append(body, '}')}}
}

// head writes the members every transaction has, without the closing brace.
func head(id, state, kind, name string, cents int64, at time.Time) []byte {
	side := "CREDITO"
	if cents < 0 || state == "LANCAMENTO_FUTURO" {
		side = "DEBITO"
	}
	body := make([]byte, 0, 480)
	body = append(body, `{"transactionId":"`...)
	body = append(body, id...)
	body = append(body, `","completedAuthorisedPaymentType":"`...)
	body = append(body, state...)
	body = append(body, `","creditDebitType":"`...)
	body = append(body, side...)
	body = append(body, `","transactionName":`...)
	body = append(body, encode(name)...)
	body = append(body, `,"type":"`...)
	body = append(body, kind...)
	body = append(body, `","transactionAmount":{"amount":"`...)
	body = money(body, max(cents, -cents))
	body = append(body, `","currency":"BRL"},"transactionDateTime":"`...)
	body = at.UTC().AppendFormat(body, "2006-01-02T15:04:05.000Z")
	return append(body, '"')
}

// between returns the part of a newest-first list with dates in [from, to]; zero is open.
func between(items []item, from, to int) []item {
	lo, hi := 0, len(items)
	if to != 0 {
		lo = sort.Search(len(items), func(i int) bool { return items[i].date <= to })
	}
	if from != 0 {
		hi = sort.Search(len(items), func(i int) bool { return items[i].date < from })
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
