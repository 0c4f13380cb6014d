package status

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// durationForm is a duration of ISO 8601: at least one part, and the parts in order.
const (
	dateForm     = `(\d+Y(\d+M)?(\d+D)?|\d+M(\d+D)?|\d+D)`
	timeForm     = `T(\d+H(\d+M)?(\d+S)?|\d+M(\d+S)?|\d+S)`
	durationForm = `P(\d+W|` + dateForm + `(` + timeForm + `)?|` + timeForm + `)`
)

// formChecks look at what is said, and how fast.
func formChecks() []check.Check {
	return []check.Check{
		{
			ID: "STM-001", Name: "status/has-its-form", Rules: rules("RS-HDR-04"), Official: []string{"Common status api test (2022 line)"},
			Title:  "The status has its published form, and was looked at within the last probes",
			Why:    "The governance structure probes it every thirty seconds.",
			Causes: causes("a page of another team's", "a status that is written by hand"),
			Body: func(b *check.Bench) {
				h := open(b)
				x := h.status()
				b.Expect(x).To(expect.MediaType("application/json"))
				list := expect.Values(x, "data.status[*]")
				b.Expect(len(list), "entries of the status").To(expect.InRange(1, 1000))
				for i := range list {
					at := fmt.Sprintf("data.status[%d].", i)
					b.Verify(x).To(expect.JSON(at+"code", expect.OneOf("OK", "UNAVAILABLE", "PARTIAL_FAILURE", "SCHEDULED_OUTAGE")))
					b.Verify(x).To(expect.JSON(at+"explanation", expect.Something()))
					if expect.Text(x, at+"updateTime") != "" {
						b.Verify(x).To(expect.JSON(at+"updateTime", expect.Near(b.Now(), 3*period)))
					}
				}
			},
		},
		{
			ID: "STM-002", Name: "outages/have-their-form", Rules: rules("RS-HDR-04"), Official: []string{"Common Outages api test (2022 line)"},
			Title:  "What is announced has instants in UTC and durations of ISO 8601",
			Why:    "Receivers plan their own night around it.",
			Causes: causes("local times", "durations as text for people"),
			Body: func(b *check.Bench) {
				h := open(b)
				if b.Target().Capabilities.Bank != "" { // so that there is something to look at
					h.announce(b.Now().AddDate(0, 0, 30), "P1DT2H30M", "accounts.*")
				}
				x := h.outages()
				b.Expect(x).To(expect.MediaType("application/json"))
				for i := range expect.Values(x, "data[*]") {
					at := fmt.Sprintf("data[%d].", i)
					b.Verify(x).To(expect.JSON(at+"outageTime", expect.UTC()))
					b.Verify(x).To(expect.JSON(at+"duration", expect.Matching(durationForm)))
				}
			},
		},
		{
			ID: "STM-004", Name: "metrics/have-their-form", Rules: rules("RS-HDR-04"), Official: []string{"admin-api-test (2022 line)"},
			Title:  "Metrics of today have no days before; those of all days have up to seven, in every series alike",
			Why:    "The directory reads them without asking back.",
			Causes: causes("period is ignored", "series of different length"),
			Body: func(b *check.Bench) {
				h := open(b)
				for _, period := range []string{"", "CURRENT", "ALL"} {
					var query []string
					if period != "" {
						query = []string{"period", period}
					}
					all := h.metrics(query...)
					b.Expect(len(all), "endpoints in the metrics").To(expect.InRange(1, 1e6))
					days := -1
					for path, f := range all {
						sound(b, path, f)
						n := len(f.before("invocations"))
						for _, name := range series {
							b.Verify(len(f.before(name)), "days before in %s of %s", name, path).About(f.about).To(expect.Equal(n))
						}
						b.Verify(days < 0 || n == days, "days before of %s", path).About(f.about).To(expect.True("they are as many as of the others"))
						days = n
					}
					if period == "CURRENT" {
						b.Verify(days, "days before in the metrics of today").To(expect.Equal(0))
					}
					b.Verify(days, "days before today").To(expect.InRange(0, 7))
				}
			},
		},
		{
			ID: "STM-006", Name: "status/answers-in-time", Rules: rules("RS-HDR-07"),
			Title: "Of a hundred questions for the status ninety-five are answered within a second",
			Why:   "Later is as good as down: a probe waits one second.", Causes: causes("the probe runs inside the question"),
			Body: func(b *check.Bench) { inTime(b, "common.status", time.Second) },
		},
		{
			ID: "STM-008", Name: "metrics/answer-in-time", Rules: rules("RS-HDR-07"),
			Title: "Of a hundred questions for metrics ninety-five are answered within four seconds",
			Why:   "Class low.", Causes: causes("sums over a log at every question"),
			Body: func(b *check.Bench) { inTime(b, "admin.metrics", 4*time.Second) },
		},
		{
			ID: "STM-017", Name: "status/names-its-version", Rules: rules("AS-DISC-20", "RS-HDR-04"),
			Title: "Every API answers in the version under which the directory lists it",
			Why:   "A receiver chooses its reader by the directory's version.", Causes: causes("the directory was not changed with the release"),
			Body: namesVersion,
		},
		{
			ID: "STM-X01", Name: "status/is-public", Rules: rules("RS-HDR-04"),
			Title: "Status, outages and metrics are answered without certificate, token or interaction id",
			Why:   "Who cannot get in must still learn why.", Causes: causes("the gateway's rule for protected APIs is the default"),
			Body: func(b *check.Bench) {
				h := open(b)
				for _, op := range []string{"common.status", "common.outages", "admin.metrics"} {
					b.Verify(h.asking(op).Interaction("").Send(b.Context()), op).To(expect.All(expect.Status(200), expect.OwnInteractionID()))
					b.Verify(h.ask(op), op).To(expect.All(expect.Status(200), expect.EchoInteractionID()))
				}
			},
		},
		{
			ID: "STM-X02", Name: "metrics/reject-bad-questions", Rules: rules("ADM-01/period-is-known", "PAGE-01/page-is-positive", "PAGE-02/size-is-positive", "PAGE-03/size-has-a-maximum", "PAGE-04/page-exists"),
			Title: "An unknown period and impossible pages are refused; possible ones hold every endpoint once",
			Why:   "A wrong page read as the first doubles the figures.", Causes: causes("bad parameters fall back to defaults"),
			Body: badQuestions,
		},
	}
}

// series are the figures told day by day.
var series = []string{"invocations", "averageResponse", "averageTps", "peakTps", "errors", "rejections"}

// sound judges what must be true of an endpoint's figures whatever happened.
func sound(b *check.Bench, path string, f figures) {
	for _, name := range []string{"generalUptimeRate", "uptimeRate"} {
		b.Verify(f.rate(name), "%s of %s", name, path).About(f.about).To(expect.Matching(`[01]\.\d{6}`))
	}
	b.Verify(f.general() >= f.down(), "downtime of %s", path).About(f.about).To(expect.True("it is part of the downtime of any"))
	for _, day := range days(f) {
		b.Verify(day["errors"]+day["rejections"] <= day["invocations"], "errors and rejections of %s", path).About(f.about).To(expect.True("they are calls"))
		b.Verify(day["peakTps"] <= day["invocations"] && (day["invocations"] == 0) == (day["peakTps"] == 0), "peak of %s", path).About(f.about).To(expect.True("it is at most all calls"))
		b.Verify(day["averageTps"] <= day["peakTps"], "average calls a second of %s", path).About(f.about).To(expect.True("they are at most the peak"))
	}
}

// days turns the series of an endpoint into days.
func days(f figures) []map[string]int64 {
	all := []map[string]int64{{}}
	for _, name := range series {
		all[0][name] = f.today(name)
		for i, n := range f.before(name) {
			if len(all) <= i+1 {
				all = append(all, map[string]int64{})
			}
			all[i+1][name] = n
		}
	}
	return all
}

// inTime asks a hundred times, ten at once, and takes the 95th of the sorted answers, as the monitoring does.
// Once too many were late it asks no more.
func inTime(b *check.Bench, op string, budget time.Duration) {
	h := open(b)
	const n, most = 100, 5
	var mu sync.Mutex
	var took []time.Duration
	late := 0
	worker := func() {
		for range n / 10 {
			x := h.ask(op)
			b.Expect(x, "a question").To(expect.Status(200))
			mu.Lock()
			took = append(took, x.Duration)
			if x.Duration > budget {
				late++
			}
			enough := late > most
			mu.Unlock()
			if enough {
				return
			}
		}
	}
	b.Together(slices.Repeat([]func(){worker}, 10)...)
	slices.Sort(took)
	p95 := took[int(math.Round(0.95*float64(len(took))))-1]
	b.Expect(float64(p95.Microseconds())/1000, "95th percentile of %d answers, in ms", len(took)).To(expect.InRange(0, float64(budget.Milliseconds())))
}

func namesVersion(b *check.Bench) {
	h, listed := open(b), addresses(b)
	seen := map[string]bool{}
	for _, a := range listed {
		op, _, _ := spec.Match("GET", pathOf(a.url))
		if op == nil || seen[a.family+a.version] || strings.Contains(op.Path, "{") {
			continue
		}
		seen[a.family+a.version] = true
		b.Verify(h.party.Call(op.ID, nil).To(a.url).Send(b.Context()), "%s of %s %s", op.ID, a.family, a.version).To(expect.Header("x-v", a.version))
	}
	b.Expect(len(seen), "families whose version was compared").To(expect.InRange(1, 1000))
}

type address struct{ family, version, url string }

// addresses is what the directory lists for the bank.
func addresses(b *check.Bench) []address {
	t := b.Target()
	x := b.Client(0).Request("participants", "GET", t.Directory.Participants).WithoutCertificate().Send(b.Context())
	b.Expect(x, "participants").To(expect.Status(200))
	var all []address
	for _, v := range expect.Values(x, "[*].AuthorisationServers[*]") {
		as, _ := v.(map[string]any)
		if as["AuthorisationServerId"] != t.Bank.AuthorisationServerID {
			continue
		}
		resources, _ := as["ApiResources"].([]any)
		for _, r := range resources {
			api, _ := r.(map[string]any)
			family, _ := api["ApiFamilyType"].(string)
			version, _ := api["ApiVersion"].(string)
			points, _ := api["ApiDiscoveryEndpoints"].([]any)
			for _, p := range points {
				point, _ := p.(map[string]any)
				at, _ := point["ApiEndpoint"].(string)
				all = append(all, address{family, version, at})
			}
		}
	}
	b.Expect(len(all), "addresses in the directory").To(expect.InRange(1, 1e6))
	return all
}

func badQuestions(b *check.Bench) {
	h := open(b)
	refused := func(status int, op string, query ...string) {
		b.Verify(h.ask(op, query...), "%s with %s", op, strings.Join(query, "=")).To(expect.OFBErrorStatus([]int{400, status}))
	}
	refused(400, "admin.metrics", "period", "YESTERDAY")
	for _, op := range []string{"common.status", "common.outages", "admin.metrics"} {
		refused(422, op, "page", "0")
		refused(422, op, "page-size", "0")
		refused(422, op, "page-size", "1001")
		refused(422, op, "page", "9999")
	}
	seen, total := map[string]int{}, 0
	for page := 1; page <= 1000; page++ {
		x := h.ask("admin.metrics", "page", fmt.Sprint(page), "page-size", "7")
		b.Expect(x, "page %d of the metrics", page).To(expect.Status(200))
		list := expect.Values(x, "data[*].endpoint")
		b.Expect(len(list), "endpoints on page %d", page).To(expect.InRange(1, 7))
		for _, e := range list {
			seen[fmt.Sprint(e)]++
			total++
		}
		if expect.Text(x, "links.next") == "" {
			b.Expect(x).To(expect.JSON("meta.totalRecords", total))
			break
		}
	}
	for e, n := range seen {
		b.Verify(n, "entries for %s", e).To(expect.Equal(1))
	}
	b.Expect(len(seen), "endpoints on all pages").To(expect.Equal(total))
}

// lately is an instant of the answer near now.
func lately(b *check.Bench, x *tpp.Exchange, path string, slack time.Duration) {
	b.Verify(x).To(expect.JSON(path, expect.Near(b.Now(), slack)))
}
