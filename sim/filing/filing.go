// Package filing makes the reports that an institution owes to the governance of Open Finance Brasil, out
// of the records of its ecosystem: what both sides of every call told the metrics platform, the steps of
// consent journeys, stocks, payment states, and the institution's own books.
//
// It promises the published columns, no empty numeric cell, and figures that follow from the records and
// from nothing else. Beside each filing stands the oracle ([Book.Disagreements]), which compares what the
// two sides told and lists where they differ. The invariant: a record counts in exactly one day, that of
// Brasília in which its call began, and in each figure once.
//
// Where the published layouts name a figure without saying how it is computed, the choice is named at its
// column.
package filing

import (
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// brasilia is the zone of the regulation's days.
var brasilia = time.FixedZone("BRT", -3*60*60)

// Day is a civil date in Brasília, as days since 1970-01-01.
type Day int

// DayOf returns the day in which an instant lies.
func DayOf(t time.Time) Day {
	return Day((t.Unix() + int64(-3*60*60)) / 86400)
}

func parseDay(s string) (Day, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, brasilia)
	return DayOf(t), err
}

// Start is the first instant of the day.
func (d Day) Start() time.Time { return time.Unix(int64(d)*86400+3*60*60, 0).In(brasilia) }

func (d Day) String() string { return d.Start().Format(time.DateOnly) }

// Weekday is the day's name as the sheets write it.
func (d Day) Weekday() string { return weekdays[d.Start().Weekday()] }

var weekdays = [...]string{"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"}

// Week is seven days from a Saturday to a Friday, the period of the weekly collection.
type Week struct{ From, To Day }

// WeekOf returns the week in which a day lies.
func WeekOf(d Day) Week {
	back := (int(d.Start().Weekday()) + 1) % 7 // Saturday is 0
	return Week{d - Day(back), d - Day(back) + 6}
}

func (w Week) has(d Day) bool { return d >= w.From && d <= w.To }

// Due is when the sheets of the week must have been sent: the Wednesday after its Friday.
func (w Week) Due() time.Time { return (w.To + 5).Start() }

// Organisation is a participant as the directory lists it.
type Organisation struct {
	ID     string `json:"organisationId"`
	Name   string `json:"name"`
	CNPJ   string `json:"cnpj"`
	Parent string `json:"parentOrganisationReference"`
}

// Sheet is one table with the published columns. Cells are texts, numbers, amounts and days.
type Sheet struct {
	Name    string
	Columns []string
	Rows    [][]any
}

// Filing is one document: a workbook, and each of its sheets as a CSV file.
type Filing struct {
	Name   string // of the files, without ending
	Title  string
	Period string
	Sheets []Sheet
}

// Rows is how many rows its sheets have together.
func (f Filing) Rows() int {
	n := 0
	for _, s := range f.Sheets {
		n += len(s.Rows)
	}
	return n
}

// Question is what to file: for whom, and for which time.
type Question struct {
	Organisation string // the institution's organisation id
	Week         Week   // the semester of the yearly figures is the one in which its last day lies
	// Until is the last day that has begun; days of the week after it are not filed. 0 is the week's last.
	Until Day
	// APIs names those that the institution offers; nil is those of which the records tell.
	APIs map[string]bool
}

// last is the last day of the week that is filed.
func (q Question) last() Day {
	if q.Until == 0 {
		return q.Week.To
	}
	return min(q.Week.To, q.Until)
}

// days is how many days of the week are filed.
func (q Question) days() int { return int(q.last()-q.Week.From) + 1 }

// Filings makes every document of the question, in the order of the calendar of duties.
func (b *Book) Filings(q Question) []Filing {
	return []Filing{b.performance(q), b.groups(q), b.volume(q), b.phase3(q), b.interoperability(q), b.inventory(q)}
}

// name is what a sheet writes for an organisation.
func (b *Book) name(id string) string {
	if o, known := b.organisations[id]; known {
		return o.Name
	}
	return id
}

// parent is the CNPJ of an organisation's parent, its own where it has none.
func (b *Book) parent(id string) string {
	o := b.organisations[id]
	if o.Parent != "" {
		return o.Parent
	}
	return o.CNPJ
}

// groupOf names the group of APIs in which an endpoint is filed: its API for those of the standard.
func groupOf(endpoint string) string {
	rest, standard := strings.CutPrefix(endpoint, "/open-banking/")
	if !standard {
		return "security"
	}
	api, _, _ := strings.Cut(rest, "/")
	return api
}

// rejected says whether a status is a refusal by a traffic or operational limit.
func rejected(status int) bool { return status == 423 || status == 429 || status == 529 }

func ordered[K comparable, V any](m map[K]V, less func(a, b K) int) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, less)
	return keys
}

// offered lists the endpoints that the institution files even when nobody called them.
func (b *Book) offered(q Question) []endpoint {
	apis := q.APIs
	if apis == nil {
		apis = b.told(q.Organisation)
	}
	var all []endpoint
	for _, o := range spec.Operations() {
		if apis[o.API.Name] {
			all = append(all, endpoint{o.Method, o.FullPath()})
		}
	}
	return append(all, endpoint{"POST", "/token"})
}

// told is the APIs of which the records say that the institution serves them.
func (b *Book) told(org string) map[string]bool {
	paths := map[string]bool{}
	for i := range b.calls {
		if c := &b.calls[i]; c.Server == org {
			paths[c.Endpoint] = true
		}
	}
	for k := range b.down {
		paths[k.path] = true
	}
	apis := map[string]bool{}
	for _, o := range spec.Operations() {
		if paths[o.FullPath()] {
			apis[o.API.Name] = true
		}
	}
	return apis
}
