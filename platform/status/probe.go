package status

import (
	"context"
	"time"
)

// look takes every probe that is due. The first of several sees how the calls went since the last one, the
// last asks the core; those between were seen by nobody and follow from what lasts. Without trouble it
// costs a few additions and one sign of life.
func (s *Service) look(ctx context.Context, now time.Time) {
	h, slot := &s.history, slotOf(now)
	defer s.looked.Store(slot)
	if slot < h.last || slot+1 < s.counted.Load() { // the clock was set back, and the future with it; a call may be a slot ahead of us
		s.counted.Store(slot)
		today := s.dayOf(now.Unix())
		for _, p := range s.endpoints {
			p.forget(today)
		}
	}
	switch {
	case slot < h.last:
		h.rewind(slot)
		s.since = min(s.since, slot)
		return
	case slot == h.last:
		return
	}
	p, first := s.plan.Load(), h.last+1
	if h.last == 0 { // the first probe of all
		first = slot
	}
	failing := s.failing(first)
	if first < slot {
		h.add(first, first+1, s.found(p, first, failing))
		for from := first + 1; from < slot; {
			to := min(slot, p.next(from))
			h.add(from, to, s.found(p, from, nil))
			from = to
		}
		failing = s.failing(slot)
	}
	s.examine(ctx)
	h.add(slot, slot+1, s.found(p, slot, failing))
	h.prune(slot - (remembered+1)*24*int64(time.Hour/Period))
}

// failing is the endpoints whose calls failed in the window before the slot.
func (s *Service) failing(slot int64) set {
	if s.troubled.Load() < slot-1 {
		return nil
	}
	var all set
	for _, p := range s.endpoints {
		if p.failing(slot - 1) {
			all.add(p.number)
		}
	}
	return all
}

// found is the state of a slot: what the calendar stops, and what else is in trouble.
func (s *Service) found(p *plan, slot int64, failing set) *state {
	if len(p.failures) == 0 && len(p.outages) == 0 && failing == nil && !s.exam.core && !s.exam.disk {
		return allWell
	}
	st := &state{}
	at := time.Unix(slot*seconds, 0)
	for _, o := range p.outages {
		if o.in(at) {
			st.planned.join(o.scope)
		}
	}
	for _, f := range p.failures {
		if f.down(s) {
			st.trouble.join(f.scope)
		}
	}
	st.trouble.join(failing)
	if s.exam.core {
		st.trouble.join(s.needCore)
	}
	if s.exam.disk {
		st.trouble.join(s.writing)
	}
	st.trouble.without(st.planned) // what is stopped on purpose is not diagnosed
	return st
}

// dayOf is the number of the day in Brasília.
func (s *Service) dayOf(unix int64) int64 {
	return floor(unix-int64(s.midnight()/time.Second), 86400)
}

// midnight is how long after UTC's the day begins.
func (s *Service) midnight() time.Duration { return s.cfg.Seams.Lifetime("metrics.midnight", zone) }
