package status

import (
	"context"
	"fmt"
	"time"

	"github.com/ensaio/ensaio/platform/store"
)

// The kinds of records.
const (
	outageKind = "availability.outage"
	dayKind    = "availability.day"
	probeKind  = "availability.probe"
)

const (
	// saveEvery is how many probes lie between two saves: ten minutes. Under a clock that is stepped it is
	// an hour, since a replayed quarter would otherwise write all the time.
	saveEvery        = 20
	saveEveryStepped = 120
)

// record is one day as it is kept: by address, so that it outlives a change of the registry.
type record struct {
	Traffic map[string]day `json:"traffic,omitempty"`
	Runs    []keptRun      `json:"runs"`
}

type keptRun struct {
	From    int64    `json:"from"`
	To      int64    `json:"to"`
	Trouble []string `json:"trouble,omitempty"`
	Planned []string `json:"planned,omitempty"`
}

func name(day int64) string { return time.Unix(day*86400, 0).UTC().Format(time.DateOnly) }

// keep saves now and then, and at every turn of the day.
func (s *Service) keep(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	slot, saved, before := s.history.last, s.saved, s.offset
	s.mu.Unlock()
	every, offset := int64(saveEvery), s.cfg.Clock.Offset()
	if offset != before {
		every = saveEveryStepped
	}
	if slot >= saved && slot < saved+every && s.dayOf(slot*seconds) == s.dayOf(saved*seconds) {
		return nil
	}
	return s.save(ctx, now)
}

// save writes the days since the last save, and drops the one that nobody asks for any more. Only the
// goroutine that looks saves, and Close after it.
func (s *Service) save(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	today := s.dayOf(now.Unix())
	first := max(today-remembered+1, min(today, s.dayOf(s.saved*seconds)))
	ops := []store.Op{store.Delete(dayKind, name(today-remembered))}
	for d := first; d <= today; d++ {
		ops = append(ops, store.Put(dayKind, name(d), s.recordOf(d)))
	}
	slot := s.history.last
	s.mu.Unlock()
	if err := s.cfg.Store.Commit(ctx, ops...); err != nil {
		return fmt.Errorf("keep the figures of %s: %w", name(today), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved, s.offset = slot, s.cfg.Clock.Offset()
	return nil
}

func (s *Service) recordOf(d int64) record {
	r := record{Traffic: map[string]day{}, Runs: []keptRun{}}
	for _, p := range s.endpoints {
		if counted := p.on(d); counted.Calls > 0 {
			r.Traffic[p.path] = counted
		}
	}
	from, to := s.slotsOf(d)
	for _, x := range s.history.runs {
		if a, b := max(x.from, from), min(x.to, to); a < b {
			r.Runs = append(r.Runs, keptRun{From: a, To: b, Trouble: s.paths(x.trouble), Planned: s.paths(x.planned)})
		}
	}
	return r
}

func (s *Service) paths(of set) []string {
	var all []string
	of.each(func(i int) { all = append(all, s.endpoints[i].path) })
	return all
}

func (s *Service) numbers(paths []string) set {
	var all set
	for _, path := range paths {
		for _, p := range s.endpoints {
			if p.path == path {
				all.add(p.number)
			}
		}
	}
	return all
}

// slotsOf is the slots of a day, the second exclusive.
func (s *Service) slotsOf(day int64) (from, to int64) {
	start := day*86400 + int64(s.midnight()/time.Second)
	return floor(start+seconds-1, seconds), floor(start+86400+seconds-1, seconds)
}

// load reads what was announced and counted before.
func (s *Service) load(ctx context.Context) error {
	now := s.cfg.Clock.Now()
	outages, err := store.Load[*Outage](ctx, s.cfg.Store, outageKind)
	if err != nil {
		return err
	}
	var all []*Outage
	for id, o := range outages {
		if o.length, err = ParseDuration(o.Duration); err != nil {
			return fmt.Errorf("outage %s: %w", id, err)
		}
		o.scope, _ = s.reach(o.Operations) // an operation that is gone is stopped for good
		all = append(all, o)
	}
	s.plan.Store(s.planOf(nil, all))
	s.exam.failed = s.cfg.Store.Stats().Failed
	s.since = slotOf(now)
	s.saved = s.since
	days, err := store.Load[record](ctx, s.cfg.Store, dayKind)
	if err != nil {
		return err
	}
	today := s.dayOf(now.Unix())
	for d := today - remembered + 1; d <= today; d++ {
		r, known := days[name(d)]
		if !known {
			continue
		}
		delete(days, name(d))
		for _, p := range s.endpoints {
			if counted, ok := r.Traffic[p.path]; ok && d > today-kept {
				counted.Number = d
				p.days[index(d)] = counted
			}
		}
		for _, x := range r.Runs {
			if x.To = min(x.To, slotOf(now)+1); x.From < x.To {
				s.since = min(s.since, x.From)
				s.history.add(x.From, x.To, &state{trouble: s.numbers(x.Trouble), planned: s.numbers(x.Planned)})
			}
		}
	}
	if s.history.last > 0 { // nobody looked while the process did not run
		s.history.last = max(s.history.last, slotOf(now)-1)
	}
	return s.drop(ctx, days)
}

// drop removes days that nobody asks for any more, or that a clock since set back had reached.
func (s *Service) drop(ctx context.Context, days map[string]record) error {
	var ops []store.Op
	for id := range days {
		ops = append(ops, store.Delete(dayKind, id))
	}
	if len(ops) == 0 {
		return nil
	}
	return s.cfg.Store.Commit(ctx, ops...)
}
