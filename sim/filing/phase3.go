package filing

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

// threshold is what the monitoring of phase 3 counts answers against.
const threshold = 1500 // milliseconds

// phase3 is the weekly monitoring of payments: answers within 1.5 s, availability, customers, operations
// and how payments ended.
func (b *Book) phase3(q Question) Filing {
	return Filing{Name: "monitoramento-fase-3", Title: "Monitoramento da fase 3", Period: q.Week.String(),
		Sheets: []Sheet{b.response(q), b.uptime(q), b.customers(q), b.operations(q), b.outcomes(q), b.reasons(q)}}
}

func service(path string) bool {
	g := groupOf(path)
	return g == "payments" || g == "automatic-payments"
}

func (b *Book) response(q Question) Sheet {
	s := Sheet{Name: "Tempo_de_resposta", Columns: []string{"organizacao", "data_metrica", "periodo", "metodo_http", "endpoint", "n ≤ 1500 ms", "n > 1500 ms"}}
	all := b.served(q.Organisation, q.Week.has)
	for _, k := range ordered(all, byEndpointDay) {
		if !service(k.path) {
			continue
		}
		within := 0
		for _, d := range all[k].took {
			if d.Milliseconds() <= threshold && milliseconds(d) <= threshold {
				within++
			}
		}
		s.Rows = append(s.Rows, []any{b.name(q.Organisation), iso(k.day), k.day.Weekday(), k.method, k.path, within, len(all[k].took) - within})
	}
	return s
}

// uptime has a row for the last ninety days and one for each day of the week. A day of which nothing is known
// was up as far as is known.
func (b *Book) uptime(q Question) Sheet {
	s := Sheet{Name: "Disponibilidade", Columns: []string{"http_method", "endpoint", "metric_date", "period", "availability_percentage"}}
	for _, e := range b.offered(q) {
		if !service(e.path) && e.path != "/token" {
			continue
		}
		down := 0
		for d := q.last() - 89; d <= q.last(); d++ {
			down += b.downOf(endpointDay{e, d}).Down
		}
		s.Rows = append(s.Rows, []any{e.method, e.path, iso(q.last()), "last three months", percent(down, 90)})
		for d := q.Week.From; d <= q.last(); d++ {
			s.Rows = append(s.Rows, []any{e.method, e.path, iso(d), d.Weekday(), percent(b.downOf(endpointDay{e, d}).Down, 1)})
		}
	}
	return s
}

// customers counts people and companies with a payment consent of the week, each once.
func (b *Book) customers(q Question) Sheet {
	people, companies := map[string]bool{}, map[string]bool{}
	for _, c := range b.agreements {
		if c.Kind == "consent" || !q.Week.has(DayOf(c.Created)) {
			continue
		}
		if c.CNPJ != "" {
			companies[c.CNPJ] = true
		} else if c.CPF != "" {
			people[c.CPF] = true
		}
	}
	return Sheet{Name: "Clientes", Columns: []string{"qty_distinct_cpf", "qty_distinct_cnpj"}, Rows: [][]any{{len(people), len(companies)}}}
}

// operations sums what was settled in the week. All payments of this standard are Pix.
func (b *Book) operations(q Question) Sheet {
	s := Sheet{Name: "Operacoes", Columns: []string{"type", "amount", "qty_payments"}}
	var sum int64
	n := 0
	for _, p := range b.payments {
		if p.Status == "ACSC" && q.Week.has(DayOf(p.Updated)) {
			amount, _ := p.centavos()
			sum += amount
			n++
		}
	}
	s.Rows = append(s.Rows, []any{"PIX", reais(sum), n})
	return s
}

type ending struct {
	day                               Day
	event, product, flow, nfc, reason string
}

func byEnding(a, b ending) int {
	return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.event, b.event), strings.Compare(a.product, b.product), strings.Compare(a.flow, b.flow), strings.Compare(a.nfc, b.nfc), strings.Compare(a.reason, b.reason))
}

// endings counts how payments ended in the week, by the states that the institution reported, with the
// amounts of its books.
func (b *Book) endings(q Question, reasons bool) map[ending]*[2]int64 {
	amounts := map[string]int64{}
	for _, p := range b.payments {
		amounts[p.ID], _ = p.centavos()
	}
	flows, contactless := map[string]string{}, map[string]bool{}
	for i := range b.calls {
		c := &b.calls[i]
		if id := c.Info["consentId"]; c.Side == spec.ClientSide && id != "" {
			if f := c.Info["authorisationFlow"]; f != "" {
				flows[id] = f
			}
			contactless[id] = contactless[id] || c.Info["nfcPayment"] == "TRUE"
		}
	}
	all, seen := map[ending]*[2]int64{}, map[string]bool{}
	for _, s := range b.states {
		once := s.PaymentID + " " + s.Status
		if s.Organisation != q.Organisation || !q.Week.has(DayOf(s.At)) || s.Status == "SCHD" || seen[once] {
			continue
		}
		seen[once] = true
		k := ending{day: DayOf(s.At), event: s.Status, product: s.Type, flow: flowOf(flows[s.ConsentID]), nfc: strings.ToUpper(strconv.FormatBool(contactless[s.ConsentID]))}
		if reasons {
			if s.Reason == "" {
				continue
			}
			k.event, k.reason = "", s.Reason
		}
		if all[k] == nil {
			all[k] = &[2]int64{}
		}
		all[k][0]++
		all[k][1] += amounts[s.PaymentID]
	}
	return all
}

func (b *Book) outcomes(q Question) Sheet {
	s := Sheet{Name: "Liquidacao", Columns: []string{"org_id", "date", "event", "product", "authorizationFlow", "nfcPix", "qty", "value"}}
	all := b.endings(q, false)
	for _, k := range ordered(all, byEnding) {
		s.Rows = append(s.Rows, []any{q.Organisation, iso(k.day), k.event, k.product, k.flow, k.nfc, int(all[k][0]), reais(all[k][1])})
	}
	return s
}

func (b *Book) reasons(q Question) Sheet {
	s := Sheet{Name: "Motivos", Columns: []string{"org_id", "date", "product", "authorizationFlow", "nfcPix", "reason", "qty", "value"}}
	all := b.endings(q, true)
	for _, k := range ordered(all, byEnding) {
		s.Rows = append(s.Rows, []any{q.Organisation, iso(k.day), k.product, k.flow, k.nfc, k.reason, int(all[k][0]), reais(all[k][1])})
	}
	return s
}
