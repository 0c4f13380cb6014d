package filing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// served is what an institution served on one endpoint and day, by its own account.
type served struct {
	calls, errors, rejections int
	took                      []time.Duration // of calls within the limits
	seconds                   map[int64]int
}

type endpointDay struct {
	endpoint
	day Day
}

func byEndpointDay(a, b endpointDay) int {
	return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.method, b.method), cmp.Compare(a.day, b.day))
}

// served counts the calls that an institution answered, by endpoint and day.
func (b *Book) served(org string, in func(Day) bool) map[endpointDay]*served {
	all := map[endpointDay]*served{}
	for i := range b.calls {
		c := &b.calls[i]
		day := DayOf(c.At)
		if c.Side != spec.ServerSide || c.Server != org || !in(day) {
			continue
		}
		k := endpointDay{endpoint{c.Method, c.Endpoint}, day}
		s := all[k]
		if s == nil {
			s = &served{seconds: map[int64]int{}}
			all[k] = s
		}
		s.calls++
		s.seconds[c.At.Unix()]++
		switch {
		case rejected(c.Status):
			s.rejections++
			continue
		case c.Status >= 500:
			s.errors++
		}
		if c.Took > 0 { // open-data reports may leave it out
			s.took = append(s.took, c.Took)
		}
	}
	return all
}

// p95 is the published index rule: of n ascending figures the one at 0.95 × n, rounded, at least the first.
func p95(took []time.Duration) float64 {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	i := max(1, (len(took)*95+50)/100)
	return milliseconds(took[i-1])
}

func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

func (s *served) peak() int {
	most := 0
	for _, n := range s.seconds {
		most = max(most, n)
	}
	return most
}

// downOf is the institution's own downtime of an endpoint and day.
func (b *Book) downOf(k endpointDay) Downtime { return b.down[downKey(k)] }

// rate is the share of a day in which an endpoint was up: planned downtime counts as time up, and has a
// column of its own.
func rate(d Downtime) float64 {
	return math.Round(float64(86400-d.Down)/86400*1e6) / 1e6
}

// performance is the weekly sheet of API consumption ("Metricas_DA_DC"): one row for each endpoint and day
// of the week, also for those that nobody called. Errors are 5xx, rejections 423, 429 and 529; the p95 is
// the institution's own figure, since that is what it files.
func (b *Book) performance(q Question) Filing {
	s := Sheet{Name: "Metricas_DA_DC", Columns: []string{"Organization ID Transmissor", "Data (DD/MM/AAAA)", "Verbo", "URI do endpoint", "Taxa de Disponibilidade (0 a 1)",
		"Tempo de Indisponibilidade (s)", "Tempo de Indisponibilidade Planejada (s)", "Total de Chamadas", "Total de Chamadas com Erros", "Total de Chamadas Rejeitadas",
		"Tempo de resposta (P95) (ms)", "TPS médio", "TPS de pico"}}
	all := b.served(q.Organisation, q.Week.has)
	for _, e := range b.offered(q) {
		for d := q.Week.From; d <= q.last(); d++ {
			if k := (endpointDay{e, d}); all[k] == nil && e.path != "/token" {
				all[k] = &served{}
			}
		}
	}
	for _, k := range ordered(all, byEndpointDay) {
		v, down := all[k], b.downOf(k)
		s.Rows = append(s.Rows, []any{q.Organisation, date{k.day, brazilian}, k.method, k.path, rate(down), down.Down, down.Planned,
			v.calls, v.errors, v.rejections, p95(v.took), math.Round(float64(v.calls)/86400*1e6) / 1e6, v.peak()})
	}
	return Filing{Name: "metricas-da-dc", Title: "Métricas de consumo de APIs", Period: q.Week.String(), Sheets: []Sheet{s}}
}

func (w Week) String() string { return w.From.String() + "/" + w.To.String() }

// groups is the availability by group of APIs over the week: all endpoints of a group together.
func (b *Book) groups(q Question) Filing {
	type group struct{ endpoints, requests, down int }
	all := map[string]*group{}
	of := func(path string) *group {
		name := groupOf(path)
		if all[name] == nil {
			all[name] = &group{}
		}
		return all[name]
	}
	filed := map[endpoint]bool{}
	for _, e := range b.offered(q) {
		of(e.path).endpoints++
		filed[e] = true
	}
	for k, v := range b.served(q.Organisation, q.Week.has) {
		if g := of(k.path); k.path != "/token" {
			g.requests += v.calls
		}
	}
	for i := range b.calls { // the authorization server's endpoints are told by the callers alone
		c := &b.calls[i]
		if groupOf(c.Endpoint) == "security" && c.Side == spec.ClientSide && c.Server == q.Organisation && q.Week.has(DayOf(c.At)) {
			of(c.Endpoint).requests++
		}
	}
	for k, d := range b.down { // of the endpoints that the time is divided by
		if q.Week.has(k.day) && filed[k.endpoint] {
			of(k.path).down += d.Down
		}
	}
	s := Sheet{Name: "Disponibilidade", Columns: []string{"api_group", "qty_requests", "perc_online"}}
	for _, name := range ordered(all, strings.Compare) {
		g := all[name]
		whole := float64(86400 * q.days() * max(1, g.endpoints))
		s.Rows = append(s.Rows, []any{name, g.requests, math.Round((whole-float64(g.down))/whole*1e6) / 1e6})
	}
	return Filing{Name: "disponibilidade-por-grupo", Title: "Disponibilidade por grupo de APIs", Period: q.Week.String(), Sheets: []Sheet{s}}
}

var months = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// volume is the half year's number of requests by endpoint and month, and its twin of availability, cut to
// two decimals. A month without a count of downtime was up all the time as far as is known; days to come
// do not count.
func (b *Book) volume(q Question) Filing {
	last := q.last().Start()
	year, first := last.Year(), 1
	if last.Month() > 6 {
		first = 7
	}
	type figures struct{ calls, down [6]int }
	all := map[endpoint]*figures{}
	of := func(e endpoint) *figures {
		if all[e] == nil {
			all[e] = &figures{}
		}
		return all[e]
	}
	in := func(d Day) (int, bool) {
		t := d.Start()
		m := int(t.Month()) - first
		return m, t.Year() == year && m >= 0 && m < 6 && d <= q.last()
	}
	for _, e := range b.offered(q) {
		of(e)
	}
	for k, v := range b.served(q.Organisation, func(d Day) bool { _, ok := in(d); return ok }) {
		m, _ := in(k.day)
		of(k.endpoint).calls[m] += v.calls
	}
	for k, d := range b.down {
		if m, ok := in(k.day); ok {
			of(k.endpoint).down[m] += d.Down
		}
	}
	var days [6]int
	for d := DayOf(time.Date(year, time.Month(first), 1, 12, 0, 0, 0, brasilia)); d <= q.last(); d++ {
		m, ok := in(d)
		if !ok {
			break
		}
		days[m]++
	}
	names := months[first-1 : first+5]
	requests := Sheet{Name: "Requisicoes", Columns: slices.Concat([]string{"Year", "Url", "Method"}, names, []string{"Total"})}
	up := Sheet{Name: "Disponibilidade", Columns: slices.Concat([]string{"Year", "Url", "Method"}, names, []string{"Total", "Average period"})}
	for _, e := range ordered(all, func(a, b endpoint) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.method, b.method))
	}) {
		f := all[e]
		row, twin := []any{year, e.path, e.method}, []any{year, e.path, e.method}
		total, down, span := 0, 0, 0
		for m := range 6 {
			row = append(row, f.calls[m])
			twin = append(twin, percent(f.down[m], days[m]))
			total, down, span = total+f.calls[m], down+f.down[m], span+days[m]
		}
		requests.Rows = append(requests.Rows, append(row, total))
		up.Rows = append(up.Rows, append(twin, percent(down, span), percent(down, span)))
	}
	return Filing{Name: "volume-semestral", Title: "Volume semestral de requisições", Period: fmt.Sprintf("%d/%s-%s", year, names[0], names[5]), Sheets: []Sheet{requests, up}}
}

// percent is the time up of so many days, in per cent cut to two decimals; of no days it is 0.
func percent(down, days int) float64 {
	if days == 0 {
		return 0
	}
	whole := days * 86400
	return float64((whole-down)*10000/whole) / 100
}
