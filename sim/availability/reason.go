package availability

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// reason is a breach in a sentence; badness from 0 to 1 sorts it.
type reason struct {
	badness float64
	text    string
}

// shortfall is what one outage breaks: a day, or with day 0 the long run, by one computation.
type shortfall struct {
	day Day
	by  string
}

type shortest struct {
	series    Series
	share     float64
	detail    string
	endpoints int
}

// low notes an endpoint below what a day or the long run owes; one sentence tells of all of them, with the
// detail of the worst.
func (j *judging) low(d Day, by string, s Series, share float64, detail string) {
	if j.short == nil {
		j.short = map[shortfall]*shortest{}
	}
	at := j.short[shortfall{d, by}]
	if at == nil {
		at = &shortest{s, share, detail, 0}
		j.short[shortfall{d, by}] = at
	}
	at.endpoints++
	if share < at.share {
		at.series, at.share, at.detail = s, share, detail
	}
}

func (j *judging) lows() {
	keys := slices.SortedFunc(maps.Keys(j.short), func(a, b shortfall) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.by, b.by))
	})
	for _, k := range keys {
		at := j.short[k]
		where := j.label(at.series)
		if at.endpoints > 1 {
			where += fmt.Sprintf(" and %d more", at.endpoints-1)
		}
		if k.day == 0 {
			j.fails(1-at.share, "the mean of ninety days to %s: %s by %s at %s, and the long run owes 99.5 %%: %s", j.report.To, Percent(at.share), k.by, where, at.detail)
		} else {
			j.fails(1-at.share, "%s: %s available by %s at %s, and a day owes 95 %%: %s", k.day, Percent(at.share), k.by, where, at.detail)
		}
	}
}

// fails notes a breach.
func (j *judging) fails(badness float64, format string, args ...any) {
	j.reasons = append(j.reasons, reason{badness, fmt.Sprintf(format, args...)})
}

// lost tells which minutes a day lost, and how many it may lose.
func (d TrafficDay) lost() string {
	if len(d.down) == 0 {
		return "no minute was lost"
	}
	when := "at " + clockTime(d.down[0])
	if last := d.down[len(d.down)-1]; last != d.down[0] {
		when = "from " + clockTime(d.down[0]) + " to " + clockTime(last)
	}
	return fmt.Sprintf("%d of %d minutes with calls were lost, %s, and %d may be", len(d.down), d.Minutes, when, d.Minutes/20)
}

// lost tells how long the endpoint was down, and how long it may be.
func (d ProbedDay) lost() string {
	return Span(d.Down) + " down, and 1 h 12 min may be"
}

// costliest names the days that took most from a mean, three at most.
func costliest(days []Daily) string {
	worst := slices.DeleteFunc(slices.Clone(days), func(d Daily) bool {
		return !d.Availability.Defined() || d.Availability.Part == d.Availability.Whole
	})
	slices.SortStableFunc(worst, func(a, b Daily) int { return cmp.Compare(a.Availability.Float(), b.Availability.Float()) })
	var names []string
	for _, d := range worst[:min(3, len(worst))] {
		names = append(names, fmt.Sprintf("%s (%s)", d.Day, Percent(d.Availability.Float())))
	}
	return "the costliest days are " + strings.Join(names, ", ")
}

// shortest names the endpoint of a month of which most reports are missing.
func (j *judging) shortest(tickets []FilingDay, month string) string {
	missing := map[[2]string]int64{}
	for _, t := range tickets {
		if t.Day.Month() == month {
			missing[[2]string{t.Method, t.Endpoint}] += max(t.Missing8, t.Missing7)
		}
	}
	if len(missing) == 0 {
		return "no endpoint is short of reports"
	}
	worst := slices.MaxFunc(slices.SortedFunc(maps.Keys(missing), func(a, b [2]string) int { return strings.Compare(b[1]+b[0], a[1]+a[0]) }),
		func(a, b [2]string) int { return cmp.Compare(missing[a], missing[b]) })
	return fmt.Sprintf("most are missing of %s %s, %d", worst[0], worst[1], missing[worst])
}

// daily is how many probes a day has.
const daily = 86400 / 30

// notes say what limits the figures.
func (j *judging) notes() {
	r := j.report
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if days := int(r.To-r.From) + 1; days < LongDays && len(r.Endpoints)+len(j.book.Probing.days) > 0 {
		note("%s of the ninety of the long run: its mean is shown, and not judged", Count(days, "day"))
	}
	if j.book.Traffic.Left["provider's account beside the consumer's"] > 0 && len(j.book.Traffic.series) == 0 {
		note("every call is the provider's account of a paired one: the monitoring counts the consumer's, which is not here; leave the state out to judge a log of your own")
	}
	j.gaps(note)
	in := r.Input
	if in == nil {
		return
	}
	if slowest := j.slowest(); in.unitless && slowest > 0 && slowest < 5 {
		note("the worst p95 of all is %.3f ms, read from a column without a unit: if it holds seconds, name it duration_s", slowest)
	}
	if in.Foreign > 0 {
		note("%s of no endpoint of the standard left out", Count(in.Foreign, "call"))
	}
	if in.Outside > 0 {
		note("%s outside the period left out", Count(in.Outside, "record"))
	}
	if in.Bad > 0 {
		note("%s could not be read: %s", Count(in.Bad, "record"), strings.Join(in.First, "; "))
	}
}

// gaps tells of days whose probes are not one every thirty seconds: nobody knows what was up between them,
// or they stand for more time than has passed. The first and the last day are cut by nature.
func (j *judging) gaps(note func(string, ...any)) {
	sparse, dense, vague, worst := int64(0), int64(0), int64(0), Day(0)
	for d, on := range j.book.Probing.days {
		vague += on.vague
		switch {
		case on.probes > daily:
			dense++
		case on.probes < daily && d > j.report.From && d < j.report.To:
			if least := j.book.Probing.days[worst]; sparse == 0 || on.probes < least.probes || on.probes == least.probes && d < worst {
				worst = d
			}
			sparse++
		}
	}
	if sparse > 0 {
		note("%s fewer than %d probes, %s only %d: what nobody asked counts as up", has(sparse), daily, worst, j.book.Probing.days[worst].probes)
	}
	if vague > 0 && len(j.book.Probing.endpoints) > 0 {
		note("%s of PARTIAL_FAILURE without an endpoint: only the institution as a whole is down in them", Count(vague, "probe"))
	}
	if dense > 0 {
		note("%s more than %d probes: each stands for thirty seconds, so that downtime is counted too high", has(dense), daily)
	}
}

func has(days int64) string {
	if days == 1 {
		return "1 day has"
	}
	return Count(days, "day") + " have"
}

// slowest is the worst p95 of all, in milliseconds.
func (j *judging) slowest() (worst float64) {
	for _, e := range j.report.Endpoints {
		if e.Latency == nil {
			continue
		}
		for _, d := range e.Latency.Days {
			worst = max(worst, d.P95Ms)
		}
	}
	return worst
}
