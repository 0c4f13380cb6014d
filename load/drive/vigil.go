package drive

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/availability"
)

// vigil looks at the target beside the load: what it publishes of itself, and how much memory it uses.
type vigil struct {
	source *Source
	start  time.Time

	mu     sync.Mutex
	seen   []sight
	memory []reading
}

// sight is what the target published at one moment.
type sight struct {
	at time.Duration
	availability.Probe
}

type reading struct {
	at    time.Duration
	bytes float64
}

// How often the vigil looks. The standard's prober looks every thirty seconds; looking more often shows
// when the publication changed.
const (
	lookEvery   = time.Second
	memoryEvery = 2 * time.Second
)

func newVigil(s *Source, start time.Time) *vigil { return &vigil{source: s, start: start} }

func (v *vigil) run(ctx context.Context) {
	var both sync.WaitGroup
	if v.follows() > 0 {
		both.Go(func() { v.every(ctx, lookEvery, v.look) })
	}
	if v.source.profile.Thresholds.Memory != nil {
		both.Go(func() { v.every(ctx, memoryEvery, v.weigh) })
	}
	both.Wait()
}

func (v *vigil) follows() time.Duration { return time.Duration(v.source.profile.Thresholds.Follows) }

func (v *vigil) every(ctx context.Context, pause time.Duration, look func(context.Context, time.Duration)) {
	for ctx.Err() == nil {
		look(ctx, v.source.clock.Now().Sub(v.start))
		if v.source.clock.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// look reads the published status.
func (v *vigil) look(ctx context.Context, at time.Duration) {
	s := v.source
	o := statusOperation()
	if o == nil || len(s.parties) == 0 {
		return
	}
	c := &call{source: s, op: o, name: o.ID, class: o.Class, want: 200}
	if c.to(s.parties[0].server.ResourceBase, nil) != nil {
		return
	}
	probe := availability.Probe{At: s.clock.Now()}
	bounded, cancel := context.WithTimeout(ctx, availability.ProbeTimeout)
	defer cancel()
	c.with(bounded, nil, "", func(a *answer) {
		if read, err := availability.ProbeOf(probe.At, a.body.Bytes()); err == nil {
			probe = read
		}
	})
	if ctx.Err() != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = append(v.seen, sight{at, probe})
}

func (v *vigil) weigh(ctx context.Context, at time.Duration) {
	bytes, err := v.source.memory(ctx)
	if err != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.memory = append(v.memory, reading{at, bytes})
}

// findings are the verdicts of what was looked at.
func (v *vigil) findings(t *troubles) []record.Verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []record.Verdict
	if f := v.grown(); f != nil {
		out = append(out, *f)
	}
	if v.follows() > 0 && t != nil {
		for _, one := range t.made() {
			out = append(out, v.followed(one)...)
		}
	}
	return out
}

// grown compares the median of the last quarter of the readings with that of the second quarter: the first
// one belongs to caches that fill.
func (v *vigil) grown() *record.Verdict {
	limit := v.source.profile.Thresholds.Memory
	if limit == nil {
		return nil
	}
	f := finding("memory", "growth of the target's memory", "factor", *limit)
	n := len(v.memory)
	if n < 8 {
		f.Outcome, f.Reason = record.Withheld, fmt.Sprintf("the target told its memory %d times, 8 are needed", n)
		return &f
	}
	middle := func(r []reading) float64 {
		var all []float64
		for _, one := range r {
			all = append(all, one.bytes)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	before, after := middle(v.memory[n/4:n/2]), middle(v.memory[n*3/4:])
	f.Value = after / before
	f.Reason = fmt.Sprintf("%.0f MB, then %.0f MB", before/1e6, after/1e6)
	if f.Value > *limit {
		f.Outcome = record.Crossed
	}
	return &f
}

// followed holds the published status against a stop: it appears within the time that is allowed, stays,
// and goes within the same time.
func (v *vigil) followed(one *stop) []record.Verdict {
	name, wants := "status of the failure", []string{availability.Unavailable, availability.PartialFailure}
	if one.scheduled {
		name, wants = "status of the outage", []string{availability.ScheduledOutage}
	}
	limit := v.follows().Seconds()
	began := finding(name, "seconds until the status says it", "s", limit)
	ended := finding(name+", end", "seconds until the status says OK again", "s", limit)
	said, ok := time.Duration(-1), time.Duration(-1)
	for _, x := range v.seen {
		if said < 0 && x.at >= one.from && x.at <= one.to+v.follows() && slices.Contains(wants, x.Code) {
			said = x.at
		}
		if ok < 0 && x.at >= one.to && x.Code == availability.OK {
			ok = x.at
		}
	}
	decide := func(f *record.Verdict, at, since, looked time.Duration, never string) {
		switch {
		case len(v.seen) == 0:
			f.Outcome, f.Reason = record.Withheld, "the target publishes no status"
		case at < 0 && looked < since+v.follows():
			f.Outcome, f.Reason = record.Withheld, fmt.Sprintf("%s, and was looked at for %v only", never, max(looked-since, 0).Round(time.Second))
		case at < 0:
			f.Outcome, f.Reason, f.Value = record.Crossed, never, -1
		default:
			f.Value = max(at-since, 0).Seconds()
			if f.Value > limit {
				f.Outcome = record.Crossed
			}
		}
	}
	looked := time.Duration(0)
	if n := len(v.seen); n > 0 {
		looked = v.seen[n-1].at + 2*lookEvery
	}
	decide(&began, said, one.from, min(looked, one.to), fmt.Sprintf("it never said %v", wants))
	decide(&ended, ok, one.to, looked, "it never said OK again")
	return []record.Verdict{began, ended}
}

// finding is a verdict that a limit is kept, until something else is found.
func finding(name, title, unit string, limit float64) record.Verdict {
	return record.Verdict{Threshold: record.Threshold{Name: name, Metric: "finding", Limit: limit}, Title: title, Unit: unit, Outcome: record.OK}
}
