package drive

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
)

// ledger keeps every call of a run in which the bank is stopped: availability is computed from it, and each
// answer is held against what was stopped when.
type ledger struct {
	start time.Time

	mu    sync.Mutex
	book  availability.Book
	calls []entry
	names []string
	index map[string]uint16
}

// entry is one call, small because there are many.
type entry struct {
	op     uint16
	status int16
	at     time.Duration // when it began
	took   time.Duration
}

func newLedger(start time.Time) *ledger { return &ledger{start: start, index: map[string]uint16{}} }

// note takes a call; a nil ledger takes none. Status 0 is no answer: a failure that the monitoring never
// hears of.
func (l *ledger) note(c *call, at time.Time, took time.Duration, status int) {
	if l == nil || c.op == nil {
		return
	}
	one := availability.Call{At: at, Took: took, Method: c.method, Endpoint: c.endpoint, Status: status, Server: c.source.parties[0].server.OrganisationID}
	if c.party != nil {
		one.Client = c.party.client.Config().OrganisationID
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if status != 0 {
		l.book.Call(one)
	}
	i, known := l.index[c.name]
	if !known {
		i = uint16(len(l.names))
		l.names, l.index[c.name] = append(l.names, c.name), i
	}
	l.calls = append(l.calls, entry{i, int16(status), at.Sub(l.start), took})
}

// edge is how far around the beginning and the end of a stop either answer is right: the call was under way.
const edge = time.Second

// stopped holds every answer against the stops: refused where and while something was stopped, and nowhere
// else.
func (l *ledger) stopped(stops []*stop) []record.Verdict {
	if l == nil || len(stops) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	outside := finding("up when nothing is stopped", "server errors outside of every stop", "count", 0)
	inside := finding("down when stopped", "calls answered although they were stopped", "count", 0)
	refused, spared := 0, map[string]int{}
	for _, c := range l.calls {
		name := l.names[c.op]
		if o := spec.Find(name); o == nil || o.API.Name == "common" || o.API.Name == "admin" {
			continue // whoever is down still says so
		}
		during, around := false, false
		for _, s := range stops {
			if !s.hits(name) {
				continue
			}
			during = during || (s.refuses() && c.at > s.from+edge && c.at+c.took < s.to-edge)
			around = around || (c.at+c.took > s.from-edge && c.at < s.to+edge)
		}
		failed := c.status == 0 || availability.Failure(int(c.status))
		switch {
		case failed && !around:
			outside.Value++
			spared[name]++
		case !failed && during:
			inside.Value++
			spared[name]++
		case failed:
			refused++
		}
	}
	for _, f := range []*record.Verdict{&outside, &inside} {
		if f.Value > 0 {
			f.Outcome, f.Reason = record.Crossed, worst(spared)
		}
	}
	if refused == 0 && slices.ContainsFunc(stops, (*stop).refuses) {
		inside.Outcome, inside.Reason = record.Crossed, "no call at all was refused while the bank was stopped"
	}
	return []record.Verdict{outside, inside}
}

func worst(counts map[string]int) string {
	best := ""
	for name, n := range counts {
		if best == "" || n > counts[best] || (n == counts[best] && name < best) {
			best = name
		}
	}
	return fmt.Sprintf("most of them %s", best)
}

// available computes the run's availability both ways and tells where they differ.
func (l *ledger) available(seen []sight, server string) (*record.Availability, []string) {
	if l == nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var next time.Duration
	for _, s := range seen {
		// The standard's prober asks every thirty seconds, and each probe stands for as long.
		if s.at >= next {
			l.book.Probe(s.Probe)
			next += availability.ProbeEvery
		}
	}
	var notes []string
	lowest, least := availability.Series{}, 2.0
	for _, s := range l.book.Traffic.Series() {
		for _, d := range l.book.Traffic.Days(s) {
			if d.Availability.Defined() && d.Availability.Float() < least {
				lowest, least = s, d.Availability.Float()
			}
		}
	}
	if least <= 1 {
		notes = append(notes, fmt.Sprintf("By traffic, of the minutes that had any: the worst endpoint is %s with %s available.", lowest.Endpoint, availability.Percent(least)))
	}
	probes := l.book.Probing.Probes()
	if probes == 0 {
		return nil, notes
	}
	out := &record.Availability{DayTarget: 0.95, QuarterTarget: 0.995, Probes: int(probes), Source: "probes", Day: 1, Quarter: 1}
	for _, d := range l.book.Probing.Days("") {
		out.PlannedSeconds += int(d.Scheduled)
		out.UnplannedSeconds += int(d.Down)
		out.Day = min(out.Day, d.Availability.Float())
	}
	out.Quarter = out.Day
	notes = append(notes, fmt.Sprintf("By probing, of the whole day: %d probes, %d s unplanned and %d s scheduled unavailability, %s available.",
		probes, out.UnplannedSeconds, out.PlannedSeconds, availability.Percent(out.Day)))
	why := map[string]int{}
	for _, d := range availability.Reconcile(&l.book.Probing, &l.book.Traffic, server) {
		why[d.Why]++
	}
	for _, text := range keys(why) {
		notes = append(notes, fmt.Sprintf("Between the two, %s: %s.", differ(why[text]), text))
	}
	return out, notes
}

func differ(endpoints int) string {
	if endpoints == 1 {
		return "1 endpoint differs"
	}
	return fmt.Sprintf("%d endpoints differ", endpoints)
}

func keys(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
