package filing

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

// interoperability is the weekly funnel of consents: of data sharing from both sides, and of payments from
// the account holder's.
func (b *Book) interoperability(q Question) Filing {
	ways, asks := b.ways(q.Week), b.asks(q.Week)
	sheets := append([]Sheet{b.transmitter(q, ways, asks), b.receiver(q, ways)}, b.holder(q, ways, asks)...)
	return Filing{Name: "interoperabilidade", Title: "Interoperabilidade", Period: q.Week.String(), Sheets: append(sheets, b.refusals(q), b.rejections(q))}
}

// pair is a consumer and a provider.
type pair struct{ client, server string }

func byPair(a, b pair) int {
	return cmp.Or(strings.Compare(a.server, b.server), strings.Compare(a.client, b.client))
}

// transmitter counts, for each receiver, how far the consents for data came. After the first two columns
// only those of own customers count.
func (b *Book) transmitter(q Question, ways map[string]*way, asks map[string]*ask) Sheet {
	s := Sheet{Name: "Transmissora", Columns: []string{"Transmissor", "Receptor", "Geração do consent ID – Não Clientes", "Geração do consent ID – Clientes", "Início da autenticação",
		"Conclusão da autenticação", "Autorização do Cliente", "Authorization code emitido", "Redirect para receptora", "Access token gerado", "Observações",
		"OrganisationId Transmissor", "OrganisationId Receptor", "ParentOrganisationReference Receptor"}}
	stages := []mark{arrived, authenticated, authorised, authorised, returned, tokened}
	counts := map[pair][]int{}
	of := func(p pair) []int {
		if counts[p] == nil {
			counts[p] = make([]int, 2+len(stages))
		}
		return counts[p]
	}
	for _, a := range asks {
		if a.payment || a.server != q.Organisation || a.status != 201 {
			continue
		}
		i := 1
		if a.drop == "NO_CREDENTIAL" {
			i = 0
		}
		of(pair{a.client, a.server})[i]++
	}
	for _, v := range ways {
		if v.payment || v.server != q.Organisation || !v.customer {
			continue
		}
		for i, stage := range stages {
			if v.reached[stage] {
				of(pair{v.client, v.server})[2+i]++
			}
		}
	}
	for _, p := range ordered(counts, byPair) {
		row := []any{b.name(p.server), b.name(p.client)}
		for _, n := range counts[p] {
			row = append(row, n)
		}
		s.Rows = append(s.Rows, append(row, "", p.server, p.client, b.parent(p.client)))
	}
	return s
}

// receiver counts the same from the other side: for each transmitter of the institution's own consents,
// and where it receives from nobody, for each receiver that took part.
func (b *Book) receiver(q Question, ways map[string]*way) Sheet {
	s := Sheet{Name: "Receptora", Columns: []string{"Receptor", "Transmissor", "consent IDs gerados", "redirecionamentos", "authorization codes recebidos", "access tokens recebidos",
		"Observações", "OrganisationId Receptor", "OrganisationId Transmissor"}}
	stages := []mark{created, sentOff, cameBack, tokened}
	counts := map[pair][]int{}
	for _, v := range ways {
		if v.payment {
			continue
		}
		p := pair{v.client, v.server}
		if counts[p] == nil {
			counts[p] = make([]int, len(stages))
		}
		for i, stage := range stages {
			if v.reached[stage] {
				counts[p][i]++
			}
		}
	}
	for _, p := range ordered(counts, byPair) {
		if p.client != q.Organisation && p.server != q.Organisation {
			continue
		}
		row := []any{b.name(p.client), b.name(p.server)}
		for _, n := range counts[p] {
			row = append(row, n)
		}
		s.Rows = append(s.Rows, append(row, "", p.client, p.server))
	}
	return s
}

type product struct {
	client, product, flow string
	automatic             bool
}

func byProduct(a, b product) int {
	return cmp.Or(strings.Compare(a.client, b.client), strings.Compare(a.product, b.product), strings.Compare(a.flow, b.flow))
}

// funnels are the four sheets of the account holder's funnel of payments, and the figures of each in the order in
// which they are counted.
var funnels = []struct {
	sheet   string
	columns []string
}{
	{"Detentora_consentimentos", []string{"quantity_request", "quantity_consent_client", "quantity_consent_non_client"}},
	{"Detentora_autorizacao", []string{"qty_auth_initiated", "qty_auth_codes", "qty_auth_redirects_itp", "qty_access_token"}},
	{"Detentora_cliente", []string{"qty_client_authentication", "qty_client_authorization"}},
	{"Detentora_pagamentos", []string{"quantity_request", "quantity_payment_id", "quantity_completed_payment_id", "quantity_schedule_payment_id"}},
}

// holder is the account holder's funnel of payments, by initiator, product and flow.
func (b *Book) holder(q Question, ways map[string]*way, asks map[string]*ask) []Sheet {
	const figures = 13
	counts := map[product]*[figures]int{}
	of := func(p product) *[figures]int {
		if counts[p] == nil {
			counts[p] = &[figures]int{}
		}
		return counts[p]
	}
	for _, a := range asks {
		if !a.payment || a.server != q.Organisation {
			continue
		}
		n := of(product{a.client, a.product, flowOf(a.flow), a.product == "AUTOMATIC" || a.product == "SWEEPING"})
		n[0]++
		switch {
		case a.status != 201:
		case a.drop == "NO_CREDENTIAL":
			n[2]++
		default:
			n[1]++
		}
	}
	for _, v := range ways {
		if !v.payment || v.server != q.Organisation {
			continue
		}
		n := of(product{v.client, v.product, v.flow, v.automatic})
		for i, stage := range []mark{arrived, authorised, returned, tokened, authenticated, authorised} {
			if v.reached[stage] {
				n[3+i]++
			}
		}
	}
	b.initiations(q, ways, of)
	var sheets []Sheet
	from := 0
	for _, f := range funnels {
		s := Sheet{Name: f.sheet, Columns: slices.Concat([]string{"itp", "org_id", "parent_cnpj", "product", "authorisation_flow", "automatic"}, f.columns)}
		for _, p := range ordered(counts, byProduct) {
			automatic := "N"
			if p.automatic {
				automatic = "S"
			}
			row := []any{b.name(p.client), p.client, b.parent(p.client), p.product, p.flow, automatic}
			for _, n := range counts[p][from : from+len(f.columns)] {
				row = append(row, n)
			}
			s.Rows = append(s.Rows, row)
		}
		sheets, from = append(sheets, s), from+len(f.columns)
	}
	return sheets
}

// initiations counts requests to pay, payments made and what became of them.
func (b *Book) initiations(q Question, ways map[string]*way, of func(product) *[13]int) {
	for i := range b.calls {
		c := &b.calls[i]
		if c.Side != spec.ClientSide || c.Server != q.Organisation || c.Method != "POST" || !strings.HasSuffix(c.Endpoint, "/pix/payments") || !q.Week.has(DayOf(c.At)) {
			continue
		}
		v := ways[c.Info["consentId"]]
		if v == nil {
			continue // its consent is of another week
		}
		n := of(product{v.client, v.product, v.flow, v.automatic})
		n[9]++
		if c.Status == 201 {
			n[10] += max(1, listed(c.Info["paymentList"]))
		}
	}
	done := map[string]bool{}
	for _, st := range b.states {
		v := ways[st.ConsentID]
		once := st.PaymentID + " " + st.Status
		if v == nil || st.Organisation != q.Organisation || done[once] {
			continue
		}
		done[once] = true
		switch n := of(product{v.client, v.product, v.flow, v.automatic}); st.Status {
		case "ACSC":
			n[11]++
		case "SCHD":
			n[12]++
		}
	}
}

func listed(list string) int {
	var items []json.RawMessage
	if json.Unmarshal([]byte(list), &items) != nil {
		return 0
	}
	return len(items)
}

type refusal struct {
	client, api, endpoint, method, prefix, code string
	status                                      int
}

// refusals are the synchronous refusals of payments, as the initiators saw them.
func (b *Book) refusals(q Question) Sheet {
	s := Sheet{Name: "Validacoes_sincronas", Columns: []string{"org_id", "itp_id", "api", "endpoint", "status_code", "method", "endpoint_uri", "error_code", "qty"}}
	counts := map[refusal]int{}
	for i := range b.calls {
		c := &b.calls[i]
		if c.Side != spec.ClientSide || c.Server != q.Organisation || c.Status < 400 || !service(c.Endpoint) || !q.Week.has(DayOf(c.At)) {
			continue
		}
		for _, code := range codes(c.Info["errorCodes"]) {
			counts[refusal{c.Client, groupOf(c.Endpoint), last(c.Endpoint), c.Method, c.Endpoint, code, c.Status}]++
		}
	}
	for _, k := range ordered(counts, func(a, b refusal) int {
		return cmp.Or(strings.Compare(a.client, b.client), strings.Compare(a.prefix, b.prefix), strings.Compare(a.method, b.method), cmp.Compare(a.status, b.status), strings.Compare(a.code, b.code))
	}) {
		s.Rows = append(s.Rows, []any{q.Organisation, k.client, k.api, k.endpoint, k.status, k.method, k.prefix, k.code, counts[k]})
	}
	return s
}

// codes reads errorCodes; a refusal that named none has the empty one.
func codes(list string) []string {
	var all []string
	if json.Unmarshal([]byte(list), &all) != nil || len(all) == 0 {
		return []string{""}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// last is the resource at the end of a template: "payments" of "/pix/payments/{paymentId}".
func last(path string) string {
	parts := strings.Split(path, "/")
	for _, p := range slices.Backward(parts) {
		if p != "" && p[0] != '{' {
			return p
		}
	}
	return path
}

// rejections are payments that were taken and rejected later.
func (b *Book) rejections(q Question) Sheet {
	s := Sheet{Name: "Rejeicoes_assincronas", Columns: []string{"itp", "itp_id", "api", "endpoint", "endpoint_uri", "method", "rejection_reason", "qty"}}
	type key struct{ client, reason string }
	counts, seen := map[key]int{}, map[string]bool{}
	for _, st := range b.states {
		if st.Organisation == q.Organisation && st.Status == "RJCT" && q.Week.has(DayOf(st.At)) && !seen[st.PaymentID] {
			seen[st.PaymentID] = true
			counts[key{st.Client, st.Reason}]++
		}
	}
	read := spec.Find("payments.read")
	for _, k := range ordered(counts, func(a, b key) int {
		return cmp.Or(strings.Compare(a.client, b.client), strings.Compare(a.reason, b.reason))
	}) {
		s.Rows = append(s.Rows, []any{b.name(k.client), k.client, read.API.Name, last(read.Path), read.FullPath(), read.Method, k.reason, counts[k]})
	}
	return s
}
