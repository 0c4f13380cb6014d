package availability

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Options say how a book is judged.
type Options struct {
	Name     string   // of the institution, for the head of the page
	Category Category // at Pix; "" judges services as category A
	// Server is the organisation that the probes are of, and whose reporting is judged; "" is the only one with
	// traffic, and everybody's reporting.
	Server string
	Input  *Input // what was read, if anything was
}

// Report is everything that the rules say of a book: the content of availability.json.
type Report struct {
	APIVersion string   `json:"apiVersion"` // ensaio/v1
	Kind       string   `json:"kind"`       // Availability
	Verdict    Verdict  `json:"verdict"`
	Name       string   `json:"name,omitempty"`
	From       Day      `json:"from"`
	To         Day      `json:"to"`
	Category   Category `json:"category"`
	Input      *Input   `json:"input,omitempty"`
	Grades     Grades   `json:"grades"`
	// Reasons say in a sentence each why the verdict is not conforming, the worst first.
	Reasons     []string           `json:"reasons"`
	Notes       []string           `json:"notes,omitempty"`
	Institution *ByProbing         `json:"institution,omitempty"` // down while any endpoint is
	Endpoints   []Endpoints        `json:"endpoints"`             // the worst first
	Overload    []ServerOverload   `json:"overload,omitempty"`
	Reporting   []ServerFilings    `json:"reporting,omitempty"`
	Conversion  []ServerConversion `json:"conversion,omitempty"`
	Differences []Difference       `json:"differences"`
}

// Endpoints is what is said of one endpoint.
type Endpoints struct {
	Series
	Major    string     `json:"major,omitempty"`
	Class    spec.Class `json:"class"`
	Service  bool       `json:"service,omitempty"`
	Verdict  Verdict    `json:"verdict"`
	BudgetMs float64    `json:"budgetMs"`
	Traffic  *ByTraffic `json:"traffic,omitempty"`
	Probing  *ByProbing `json:"probing,omitempty"`
	Latency  *ByLatency `json:"latency,omitempty"`
	badness  float64
}

// ByTraffic is one endpoint's availability by traffic.
type ByTraffic struct {
	Days      []TrafficDay `json:"days"`
	LongRun   *LongRun     `json:"longRun,omitempty"` // at the end
	LongGrade float64      `json:"longRunGrade"`
	WorstDay  Day          `json:"worstDay"`
	Worst     Share        `json:"worst"`
	DayGrade  float64      `json:"worstDayGrade"`
	Months    []Month      `json:"months"`
}

// ByProbing is availability by probing.
type ByProbing struct {
	Days      []ProbedDay `json:"days"`
	LongRun   *LongRun    `json:"longRun,omitempty"`
	LongGrade float64     `json:"longRunGrade"`
	WorstDay  Day         `json:"worstDay"`
	Worst     Share       `json:"worst"`
	Months    []Month     `json:"months"`
}

// ByLatency is one endpoint's response times.
type ByLatency struct {
	Days   []LatencyDay   `json:"days"`
	Months []LatencyMonth `json:"months"`
}

// ServerOverload is one institution's share of answers 529.
type ServerOverload struct {
	Server string          `json:"server,omitempty"`
	Days   []OverloadDay   `json:"days"`
	Months []OverloadMonth `json:"months"`
	Grade  float64         `json:"grade"` // of the last month
}

// ServerFilings is one organisation's reporting.
type ServerFilings struct {
	Organisation string        `json:"organisation"`
	Days         []FilingDay   `json:"days"`
	Months       []FilingMonth `json:"months"`
	// Tickets are the days, endpoints and methods of which too much is missing.
	Tickets []FilingDay `json:"tickets,omitempty"`
	Grade   float64     `json:"grade"` // of the last month
}

// Judge applies every rule.
func (b *Book) Judge(o Options) *Report {
	b.join.end(b)
	if !o.Category.Known() {
		o.Category = "A"
	}
	r := &Report{APIVersion: "ensaio/v1", Kind: "Availability", Name: o.Name, Category: o.Category, Input: o.Input, Verdict: Undefined, Reasons: []string{}}
	j := judging{book: b, report: r, options: o}
	j.period()
	j.endpoints()
	j.institution()
	j.overload()
	j.reporting()
	j.conversion()
	if len(b.Probing.days) > 0 && len(b.Traffic.series) > 0 {
		r.Differences = Reconcile(&b.Probing, &b.Traffic, j.probed())
	}
	if r.Differences == nil {
		r.Differences = []Difference{}
	}
	r.Grades = r.grades(o.Server)
	j.lows()
	slices.SortStableFunc(j.reasons, func(a, b reason) int { return cmp.Compare(b.badness, a.badness) })
	for _, why := range j.reasons {
		r.Reasons = append(r.Reasons, why.text)
	}
	j.notes()
	return r
}

type judging struct {
	book    *Book
	report  *Report
	options Options
	reasons []reason
	short   map[shortfall]*shortest
}

func (j *judging) count(v Verdict) { j.report.Verdict = worse(j.report.Verdict, v) }

func (j *judging) period() {
	first := true
	see := func(d Day) {
		if first || d < j.report.From {
			j.report.From = d
		}
		if first || d > j.report.To {
			j.report.To = d
		}
		first = false
	}
	for _, days := range j.book.Traffic.series {
		for d := range days {
			see(d)
		}
	}
	for d := range j.book.Probing.days {
		see(d)
	}
	for _, days := range j.book.Latency.series {
		for d := range days {
			see(d)
		}
	}
}

// probed is the organisation that the probes are of: the given one, or the only one with traffic.
func (j *judging) probed() string {
	if j.options.Server != "" {
		return j.options.Server
	}
	servers := map[string]bool{}
	for s := range j.book.Traffic.series {
		servers[s.Server] = true
	}
	if len(servers) == 1 {
		for s := range servers {
			return s
		}
	}
	return ""
}

func (j *judging) endpoints() {
	all := map[Series]bool{}
	for s := range j.book.Traffic.series {
		all[s] = true
	}
	for s := range j.book.Latency.series {
		all[s] = true
	}
	if len(j.book.Probing.days) > 0 {
		for _, e := range j.book.Probing.Endpoints() {
			all[Series{j.probed(), e}] = true
		}
	}
	for _, s := range ordered(all) {
		class, budget := s.Budget()
		e := Endpoints{Series: s, Major: s.Major(), Class: class, Service: s.Service(), BudgetMs: milliseconds(budget), Verdict: Undefined}
		e.Traffic = j.traffic(&e)
		if s.Server == j.probed() {
			e.Probing = j.probing(&e, s.Endpoint)
		}
		e.Latency = j.latency(&e, budget)
		j.count(e.Verdict)
		j.report.Endpoints = append(j.report.Endpoints, e)
	}
	slices.SortStableFunc(j.report.Endpoints, func(a, b Endpoints) int { return cmp.Compare(b.badness, a.badness) })
}

// label names an endpoint in a sentence; the organisation only where there are several.
func (j *judging) label(s Series) string {
	if s.Server == j.probed() || s.Server == "" {
		return s.Endpoint
	}
	return s.Endpoint + " of " + s.Server
}

func (e *Endpoints) sees(v Verdict, badness float64) {
	e.Verdict = worse(e.Verdict, v)
	if v == NonConforming {
		badness++
	}
	e.badness = max(e.badness, badness)
}

// run is what both computations say of a list of days.
type run struct {
	months []Month
	long   *LongRun
	worst  Daily
}

// days judges one endpoint's days by one computation, and says what fails; lost details a day.
func (j *judging) days(e *Endpoints, by string, days []Daily, of Extent, lost func(i int) string) (out run) {
	if e.Service {
		out.months = ServiceMonths(days, of, j.options.Category)
	} else {
		out.months = Months(days, of)
	}
	if long := Rolling(days, of); len(long) > 0 {
		out.long = &long[len(long)-1]
	}
	for i, d := range days {
		if i == 0 || !out.worst.Availability.Defined() || d.Availability.Defined() && d.Availability.Float() < out.worst.Availability.Float() {
			out.worst = d
		}
		if d.Availability.Defined() && !e.Service && !d.Availability.AtLeast(95, 100) {
			j.low(d.Day, by, e.Series, d.Availability.Float(), lost(i))
		}
	}
	for _, m := range out.months {
		e.sees(m.Verdict, 1-out.worst.Availability.Float())
		if e.Service && m.Verdict == NonConforming {
			j.fails(1-m.Mean, "%s %s: a mean of %s by %s, and category %s owes %s a month", m.Month, j.label(e.Series), Percent(m.Mean), by, j.options.Category, Percent(j.options.Category.Target()))
		}
	}
	if out.long != nil && !e.Service {
		e.sees(out.long.Verdict, 1-out.long.Mean)
		if out.long.Verdict == NonConforming {
			last := slices.IndexFunc(days, func(d Daily) bool { return d.Day > out.long.Day-LongDays })
			j.low(0, by, e.Series, out.long.Mean, costliest(days[last:]))
		}
	}
	return out
}

func (j *judging) traffic(e *Endpoints) *ByTraffic {
	t := &ByTraffic{Days: j.book.Traffic.Days(e.Series)}
	if len(t.Days) == 0 {
		return nil
	}
	daily := make([]Daily, len(t.Days))
	for i, d := range t.Days {
		daily[i] = Daily{d.Day, d.Availability}
	}
	out := j.days(e, "traffic", daily, periodOf(j.book.Traffic.series, e.Server), func(i int) string { return t.Days[i].lost() })
	t.Months, t.LongRun, t.WorstDay, t.Worst = out.months, out.long, out.worst.Day, out.worst.Availability
	t.DayGrade = GradeDay(t.Worst)
	if t.LongRun != nil {
		t.LongGrade = GradeLong(t.LongRun.Mean)
	}
	return t
}

func (j *judging) probing(e *Endpoints, endpoint string) *ByProbing {
	p := &ByProbing{Days: j.book.Probing.Days(endpoint)}
	if len(p.Days) == 0 {
		return nil
	}
	daily := make([]Daily, len(p.Days))
	for i, d := range p.Days {
		daily[i] = Daily{d.Day, d.Availability}
	}
	out := j.days(e, "probing", daily, Extent{p.Days[0].Day, p.Days[len(p.Days)-1].Day}, func(i int) string { return p.Days[i].lost() })
	p.Months, p.LongRun, p.WorstDay, p.Worst = out.months, out.long, out.worst.Day, out.worst.Availability
	if p.LongRun != nil {
		p.LongGrade = GradeLong(p.LongRun.Mean)
	}
	return p
}

func (j *judging) latency(e *Endpoints, budget time.Duration) *ByLatency {
	l := &ByLatency{Days: j.book.Latency.Days(e.Series)}
	if len(l.Days) == 0 {
		return nil
	}
	l.Months = LatencyMonths(l.Days, periodOf(j.book.Latency.series, e.Server))
	for _, d := range l.Days {
		if d.Verdict == NonConforming {
			over := float64(d.P95)/float64(budget) - 1
			j.fails(min(over, 1), "%s %s: p95 %.0f ms, more than a fifth beyond the %.0f ms of class %s", d.Day, j.label(e.Series), d.P95Ms, e.BudgetMs, e.Class)
		}
	}
	for i := range l.Months {
		m := &l.Months[i]
		m.Grade = GradeLatency(slices.DeleteFunc(slices.Clone(l.Days), func(d LatencyDay) bool { return d.Day.Month() != m.Month }), budget, m.Verdict)
		e.sees(m.Verdict, min(m.WorstMs/e.BudgetMs-1, 1))
		if m.Verdict == NonConforming && m.Beyond == 0 {
			j.fails(0.2, "%s %s: %d of %s within the %.0f ms of class %s, and a month owes %d", m.Month, j.label(e.Series), m.Good, Count(m.Days, "day"), e.BudgetMs, e.Class, Needed(m.Days))
		}
	}
	return l
}

// institution shows the whole by probing: down while any endpoint is. The rules are those of endpoints, so
// that it adds no verdict of its own where they are known.
func (j *judging) institution() {
	if len(j.book.Probing.days) == 0 {
		return
	}
	e := Endpoints{Series: Series{j.probed(), "the institution"}}
	if len(j.book.Probing.Endpoints()) > 0 {
		aside := judging{book: j.book, report: j.report, options: j.options}
		j.report.Institution = aside.probing(&e, "")
		return
	}
	j.report.Institution = j.probing(&e, "")
	j.count(e.Verdict)
}

func (j *judging) overload() {
	for _, server := range j.book.Overload.Servers() {
		s := ServerOverload{Server: server, Days: j.book.Overload.Days(server)}
		s.Months = OverloadMonths(s.Days, Extent{s.Days[0].Day, s.Days[len(s.Days)-1].Day})
		for _, m := range s.Months {
			s.Grade = GradeOverload(m.Share)
			j.count(m.Verdict)
			if m.Verdict == NonConforming {
				j.fails(m.Share.Float(), "%s: 529 on %s of valid calls; %d of %s under 0.5 %%, %d above 5 %%", m.Month, Percent(m.Share.Float()), m.Good, Count(m.Days, "day"), m.Beyond)
			}
		}
		j.report.Overload = append(j.report.Overload, s)
	}
}

func (j *judging) reporting() {
	done := ""
	for _, row := range j.book.Timeliness.Rows() {
		if row.Organisation == done {
			continue
		}
		done = row.Organisation
		s := ServerFilings{Organisation: done, Days: j.book.Timeliness.Days(done), Tickets: j.book.Timeliness.Tickets(done)}
		s.Months = FilingMonths(s.Days)
		for _, m := range s.Months {
			s.Grade = GradeReporting(m.Seven)
			if j.options.Server != "" && done != j.options.Server {
				continue // shown, and the other's to answer for
			}
			j.count(m.Verdict)
			if m.Verdict == NonConforming {
				j.fails(1-m.Seven.Float(), "%s: organisation %s was late with reports at 08:00 on %s, and after seven days %s were in and told the same; %s", m.Month, done, Count(m.Late, "day"), Percent(m.Seven.Float()), j.shortest(s.Tickets, m.Month))
			}
		}
		j.report.Reporting = append(j.report.Reporting, s)
	}
}

// Percent writes a share as people read it, never rounded up to a limit it does not reach.
func Percent(share float64) string {
	text := fmt.Sprintf("%.2f %%", share*100)
	for _, limit := range []float64{0.95, 0.985, 0.99, 0.995, 1} {
		if share < limit && text == fmt.Sprintf("%.2f %%", limit*100) {
			return fmt.Sprintf("%.5f %%", share*100)
		}
	}
	return text
}
