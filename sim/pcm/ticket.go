package pcm

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// The kinds of tickets.
const (
	TicketEight     = "sla-95"
	TicketWeek      = "sla-99"
	TicketQuality   = "quality"
	TicketDiscarded = "discarded"
	TicketUnpaired  = "unpaired"
	TicketBehaviour = "payment-states"
)

// Ticket is what an organisation is told to look after, with evidence in the published columns; those of
// quality and payment-states are not published.
type Ticket struct {
	Kind string           `json:"kind"`
	Org  string           `json:"orgId"`
	Date string           `json:"date"` // of the calls
	Rows []map[string]any `json:"rows"`
}

// The thresholds, in percent. Until the end of June 2025 they were lower.
type threshold struct{ eight, week float64 }

func thresholds(date string) threshold {
	if date < "2025-07-01" {
		return threshold{70, 75}
	}
	return threshold{95, 99}
}

// below says whether a figure misses a threshold; what sits exactly on it does not, whatever the last bit
// of the division says.
func below(figure, least float64) bool { return figure < least-1e-9 }

func lower(s string) string { return strings.ToLower(s) }

// stockless are the domains whose calls say nothing about shared data.
var stockless = []string{"payments/", "automatic-payments/", "enrollments/", "credit-portability/", "admin/", "discovery/", "channels/", "opendata-", "products-services/"}

func sharesData(number uint16) bool {
	rest, ours := strings.CutPrefix(endpoints.name(number), "/open-banking/")
	return ours && !slices.ContainsFunc(stockless, func(s string) bool { return strings.HasPrefix(rest, s) })
}

// Namer may be implemented by [Participants] to put names into tickets.
type Namer interface {
	// OrganisationName is the name of an organisation, or "".
	OrganisationName(id string) string
}

func (p *PCM) nameOf(org string) string {
	if n, ok := p.cfg.Known.(Namer); ok {
		return n.OrganisationName(org)
	}
	return ""
}

// ticketsOf opens the tickets of a day as far as their moments have passed.
func (p *PCM) ticketsOf(d *Dialect, t *tally, c *Closing) []Ticket {
	type id struct{ kind, org string }
	open := map[id]*Ticket{}
	row := func(kind, org string, columns map[string]any) {
		if open[id{kind, org}] == nil {
			open[id{kind, org}] = &Ticket{Kind: kind, Org: org, Date: c.Date}
		}
		open[id{kind, org}].Rows = append(open[id{kind, org}].Rows, columns)
	}
	least := thresholds(c.Date)
	for _, k := range t.sorted() {
		org := t.orgs[k.org]
		if eight := &t.cells[k][atEight]; c.Eight.Closed && !c.Waived && below(eight.sla(), least.eight) {
			for _, s := range eight.missed[:eight.missedUsed] {
				row(TicketEight, org, t.missedRow(k, s))
			}
			row(TicketUnpaired, org, p.unpairedRow(t, k, eight, c.Date))
		}
		if week := &t.cells[k][atWeek]; c.Week.Closed && below(week.sla(), least.week) {
			row(TicketWeek, org, p.weekRow(t, k, week, c.Date))
		}
	}
	for _, m := range c.Missing {
		if m.Kind == spec.KindStock && !c.Waived {
			row(TicketEight, m.Org, map[string]any{"timestamp_gmt_date": m.Date, "organisationid": m.Org, "role": m.Role, "endpoint": "consents/stock"})
		}
	}
	if c.Eight.Closed {
		for _, g := range c.Discarded {
			row(TicketDiscarded, g.Org, p.discardedRow(g))
		}
		p.quality(d, c.Date, row)
		for _, f := range p.PaymentFindings() {
			if f.Day == c.Date {
				row(TicketBehaviour, f.Server, map[string]any{"paymentId": f.Payment, "clientOrgId": f.Client, "serverOrgId": f.Server, "kind": f.Kind, "finding": f.Finding})
			}
		}
	}
	all := []Ticket{}
	for _, one := range open {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b Ticket) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Org, b.Org)) })
	return all
}

func (t *tally) missedRow(k cell, s seen) map[string]any {
	at := time.UnixMilli(s.at).UTC()
	return map[string]any{
		"timestamp_gmt_date": at.Format(time.DateOnly), "fapiinteractionid": s.id(k.endpoint), "organisationid": t.orgs[k.org],
		"clientorgid": t.orgs[s.client], "serverorgid": t.orgs[s.server], "role": sideOf(k.server), "status": Unpaired,
		"httpmethod": methods[k.method], "endpoint": endpoints.name(k.endpoint), "timestamp": at.Format(instant),
	}
}

func (t *tally) ids(k cell, list []seen) []string {
	var ids []string
	for _, s := range list {
		ids = append(ids, s.id(k.endpoint))
	}
	return ids
}

func percent(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return math.Round(1e4*float64(n)/float64(of)) / 100
}

func (p *PCM) weekRow(t *tally, k cell, c *count, date string) map[string]any {
	first := c.missed[0]
	return map[string]any{
		"org_faltante": t.orgs[k.org], "nome_faltante": p.nameOf(t.orgs[k.org]), "data_referencia": date, "endpoint": endpoints.name(k.endpoint), "httpmethod": methods[k.method],
		"clientorgid": t.orgs[first.client], "serverorgid": t.orgs[first.server], "perc_sla_metodo_endpoint": math.Round(c.sla()*100) / 100,
		"perc_unpaired": percent(c.missing, c.missing+c.judged()), "perc_paired_inconistent": percent(c.inconsistent, c.missing+c.judged()),
		"evidencias_de_xfapi": t.ids(k, c.missed[:c.missedUsed]),
	}
}

func (p *PCM) unpairedRow(t *tally, k cell, c *count, date string) map[string]any {
	first := c.missed[0]
	return map[string]any{
		"org_faltante": t.orgs[k.org], "nome_faltante": p.nameOf(t.orgs[k.org]), "role_faltante": sideOf(k.server), "data_referencia": date,
		"endpoint": endpoints.name(k.endpoint), "httpmethod": methods[k.method], "clientorgid": t.orgs[first.client], "serverorgid": t.orgs[first.server],
		"contagem_unpaired_referencia": c.missing, "contagem_chamadas_referencia": c.missing + c.judged(), "perc_unpaired_referencia": percent(c.missing, c.missing+c.judged()),
		"evidencias_de_xfapi": t.ids(k, c.missed[:c.missedUsed]),
	}
}

// discardedRow tells a discard with up to four messages and the fields they are about.
func (p *PCM) discardedRow(g DiscardCount) map[string]any {
	family, version := "", ""
	if parts := strings.Split(g.Endpoint, "/"); len(parts) > 3 && parts[1] == "open-banking" {
		family, version = parts[2], parts[3]
	}
	row := map[string]any{
		"role": g.Role, "orgid": g.Org, "nome": p.nameOf(g.Org), "data_referencia": g.Date, "data_deescartado": g.Discarded, "serverorgid": g.Server, "clientorgid": g.Client,
		"api_family": family, "api_version": version, "endpoint": g.Endpoint, "httpmethod": g.Method, "statuscode": g.Status, "evidencias_de_xfapi": g.Evidence,
	}
	messages := strings.Split(g.Message, ";")
	for i := range 4 {
		text, about := "", ""
		if i < len(messages) {
			text = messages[i]
			about = fieldIn(text)
		}
		row[fmt.Sprintf("mensagem_erro_%d", i+1)], row[fmt.Sprintf("campo_error_%d", i+1)] = text, about
	}
	return row
}

// fieldIn finds the field that a message of a discard is about, or "".
func fieldIn(message string) string {
	for _, word := range strings.FieldsFunc(message, func(r rune) bool { return strings.ContainsRune(" :,;'\"", r) }) {
		if slices.Contains(fieldNames[:], word) || slices.Contains(portabilityFields, word) || slices.Contains(payStateFields[:], word) {
			return word
		}
	}
	return ""
}

// quality adds the criticism of section 12.2, by endpoint, member and verdict.
func (p *PCM) quality(d *Dialect, date string, row func(kind, org string, columns map[string]any)) {
	type fault struct{ org, endpoint, method, field, verdict string }
	type group struct {
		n   int
		ids []string
	}
	groups := map[fault]*group{}
	for _, h := range p.findAll(func(rec *record) bool { return rec.findings > 0 && dayName(dayOf(rec.at, d.zone())) == date }) {
		r, err := p.describe(h)
		if err != nil {
			continue // forgotten in between
		}
		for _, f := range r.Findings {
			k := fault{r.Reporter, r.Endpoint, r.Method, f.Field, f.Verdict}
			if groups[k] == nil {
				groups[k] = &group{}
			}
			if groups[k].n++; len(groups[k].ids) < evidence {
				groups[k].ids = append(groups[k].ids, r.Interaction)
			}
		}
	}
	keys := []fault{}
	for k := range groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b fault) int {
		return strings.Compare(a.org+a.endpoint+a.method+a.field+a.verdict, b.org+b.endpoint+b.method+b.field+b.verdict)
	})
	for _, k := range keys {
		row(TicketQuality, k.org, map[string]any{"orgid": k.org, "data_referencia": date, "endpoint": k.endpoint, "httpmethod": k.method,
			"campo": k.field, "veredito": k.verdict, "contagem": groups[k].n, "evidencias_de_xfapi": groups[k].ids})
	}
}
