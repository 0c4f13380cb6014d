// Package status holds the checks of what an institution says of its own availability: status, scheduled
// outages and daily metrics.
//
// What is only looked at works anywhere. Whether it is true can be tried where the bank's control surface
// makes trouble and announces outages, and where its clock can be stepped: such checks start on a day of
// their own, after today, that nobody else has counted anything on.
package status

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// Checks lists the checks.
func Checks() []check.Check {
	var all []check.Check
	for _, part := range [][]check.Check{formChecks(), truthChecks(), outageChecks(), metricChecks(), dayChecks()} {
		all = append(all, part...)
	}
	for i := range all {
		c := &all[i]
		c.Area, c.Plan = "status", "status-metrics"
		c.Needs = append([]check.Need{check.Clients(1), check.API("common"), check.API("admin")}, c.Needs...)
	}
	return all
}

// steered is a check with the bank's trouble and clock in its hands. It begins tomorrow at that time of day in
// Brasília, where nothing has happened yet.
func steered(c check.Check, at string, body func(h *house, at time.Time)) check.Check {
	c.Needs = append(c.Needs, check.HolderControl, check.Clock)
	c.Body = func(b *check.Bench) {
		h := open(b)
		body(h, h.dawn(at))
	}
	return c
}

func rules(ids ...string) []string { return ids }

func causes(texts ...string) []string { return texts }

// The period of a probe, and the zone of a day.
const period = 30 * time.Second

var brasilia = time.FixedZone("BRT", -3*60*60)

// house is the bank as anybody sees it: without certificate and token.
type house struct {
	*check.Bench
	party *check.Party
}

func open(b *check.Bench) *house { return &house{b, b.Party(0)} }

func (h *house) ask(op string, query ...string) *tpp.Exchange {
	return h.asking(op, query...).Send(h.Context())
}

func (h *house) asking(op string, query ...string) *tpp.APICall {
	c := h.party.Call(op, nil).WithoutCertificate()
	for i := 0; i+1 < len(query); i += 2 {
		c = c.Query(query[i], query[i+1])
	}
	return c
}

// status asks how the bank is.
func (h *house) status() *tpp.Exchange {
	x := h.ask("common.status")
	h.Expect(x, "status").To(expect.Status(200))
	return x
}

// code is the first, and thereby the gravest, code of a status.
func code(x *tpp.Exchange) string { return expect.Text(x, "data.status[0].code") }

// downNow is the endpoints that a status calls unavailable, by path.
func downNow(x *tpp.Exchange) []any {
	var all []any
	for _, v := range expect.Values(x, "data.status[*].unavailableEndpoints[*]") {
		all = append(all, pathOf(v))
	}
	return all
}

// pathOf is the path of an address, its parameters still in braces.
func pathOf(address any) string {
	s, _ := address.(string)
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	return u.Path
}

// dawn steps the clock to a time of day of tomorrow in Brasília. That the future was forgotten is made sure
// of before.
func (h *house) dawn(clock string) time.Time {
	h.status()
	t, err := time.Parse(time.TimeOnly, clock)
	h.Given("a time of day", err)
	y, m, d := h.Now().In(brasilia).Date()
	at := time.Date(y, m, d+1, t.Hour(), t.Minute(), t.Second(), 0, brasilia)
	h.SetClock(at)
	return at
}

// made is the answer of the control surface to something made.
type made struct {
	ID string `json:"id"`
}

// fail makes trouble until the check ends or it is mended.
func (h *house) fail(status int, operations ...string) string {
	return h.trouble(map[string]any{"operations": operations, "status": status})
}

func (h *house) trouble(body map[string]any) string {
	var m made
	h.Step("trouble is made: %v", body)
	h.Cleanup(func() { _ = h.Holder().Try("DELETE", "/failures", nil, nil) })
	h.Holder().Post("/failures", body, &m)
	return m.ID
}

func (h *house) mend(id string) {
	h.Step("the trouble is over")
	h.Holder().Delete("/failures/" + id)
}

// announce registers an outage until the check ends.
func (h *house) announce(start time.Time, duration string, operations ...string) string {
	var m made
	h.Step("an outage is announced for %s, of %s, of %v", start.UTC().Format(time.RFC3339), duration, operations)
	h.Holder().Post("/outages", outage(start, duration, operations...), &m)
	h.Cleanup(func() { _ = h.Holder().Try("DELETE", "/outages/"+m.ID, nil, nil) })
	return m.ID
}

func outage(start time.Time, duration string, operations ...string) map[string]any {
	o := map[string]any{"start": start.UTC().Format(time.RFC3339), "duration": duration, "explanation": "Atualização de sistemas"}
	if len(operations) > 0 {
		o["operations"] = operations
	}
	return o
}

// outages asks what is announced.
func (h *house) outages() *tpp.Exchange {
	x := h.ask("common.outages", "page-size", "1000")
	h.Expect(x, "outages").To(expect.Status(200))
	return x
}

// published says whether an outage of that time and length is announced.
func published(start time.Time, duration string, partial bool) expect.Matcher {
	at := start.UTC().Format("2006-01-02T15:04:05Z")
	return expect.Answer(fmt.Sprintf("an outage at %s of %s, partial: %t", at, duration, partial), func(x *tpp.Exchange) (string, bool) {
		var seen []string
		for _, v := range expect.Values(x, "data[*]") {
			o, _ := v.(map[string]any)
			if o["outageTime"] == at && o["duration"] == duration && o["isPartial"] == partial && o["explanation"] != "" {
				return "it", true
			}
			seen = append(seen, fmt.Sprintf("%v of %v, partial: %v", o["outageTime"], o["duration"], o["isPartial"]))
		}
		return fmt.Sprintf("%d outages: %s", len(seen), strings.Join(seen, "; ")), false
	})
}

// figures is one endpoint of the metrics.
type figures struct {
	about *tpp.Exchange
	row   map[string]any
}

// metrics reads every page of the metrics, by path.
func (h *house) metrics(query ...string) map[string]figures {
	all := map[string]figures{}
	for page := 1; ; page++ {
		x := h.ask("admin.metrics", append([]string{"page", fmt.Sprint(page), "page-size", "1000"}, query...)...)
		h.Expect(x, "metrics").To(expect.Status(200))
		for _, v := range expect.Values(x, "data[*]") {
			row, _ := v.(map[string]any)
			all[pathOf(row["endpoint"])] = figures{x, row}
		}
		if expect.Text(x, "links.next") == "" {
			return all
		}
	}
}

// of is the figures of an operation's endpoint; the check ends where there are none.
func (h *house) of(all map[string]figures, path string) figures {
	f, ok := all[path]
	if !ok {
		h.Fail("metrics of "+path, fmt.Sprintf("metrics of %d other endpoints", len(all)))
	}
	return f
}

func (f figures) number(path ...string) int64 {
	var v any = f.row
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	n, ok := v.(float64)
	if !ok {
		return -1
	}
	return int64(n)
}

func (f figures) today(name string) int64 { return f.number(name, "currentDay") }

// before is a figure of the days before today, yesterday first.
func (f figures) before(name string) []int64 {
	series, _ := f.row[name].(map[string]any)
	list, _ := series["previousDays"].([]any)
	all := []int64{}
	for _, v := range list {
		n, _ := v.(float64)
		all = append(all, int64(n))
	}
	return all
}

func (f figures) down() int64      { return f.number("availability", "downtime", "partialDowntime") }
func (f figures) general() int64   { return f.number("availability", "downtime", "generalDowntime") }
func (f figures) scheduled() int64 { return f.number("availability", "downtime", "scheduledOutage") }

func (f figures) rate(name string) string {
	a, _ := f.row["availability"].(map[string]any)
	u, _ := a["uptime"].(map[string]any)
	s, _ := u[name].(string)
	return s
}
