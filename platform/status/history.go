package status

import (
	"slices"
	"time"
)

// seconds is a probe's period.
const seconds = int64(Period / time.Second)

// slotOf is the number of the probe at or before t.
func slotOf(t time.Time) int64 { return floor(t.Unix(), seconds) }

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// state is what one probe found: endpoints in trouble, and endpoints stopped on purpose. No endpoint is
// in both. Immutable.
type state struct{ trouble, planned set }

func (s *state) equal(o *state) bool {
	return s == o || s.trouble.equal(o.trouble) && s.planned.equal(o.planned)
}

// run is a state that held from one slot up to, not including, another.
type run struct {
	from, to int64
	*state
}

// history is what the probes found, as runs: a quarter of good days is one entry.
type history struct {
	runs []run
	last int64 // the last slot looked at
}

var allWell = &state{}

// add appends slots of one state.
func (h *history) add(from, to int64, s *state) {
	if from >= to {
		return
	}
	if n := len(h.runs); n > 0 && h.runs[n-1].to == from && h.runs[n-1].equal(s) {
		h.runs[n-1].to = to
	} else {
		h.runs = append(h.runs, run{from, to, s})
	}
	h.last = to - 1
}

// rewind forgets what comes after the slot.
func (h *history) rewind(slot int64) {
	for n := len(h.runs); n > 0 && h.runs[n-1].to > slot+1; n = len(h.runs) {
		if h.runs[n-1].from <= slot {
			h.runs[n-1].to = slot + 1
			break
		}
		h.runs = h.runs[:n-1]
	}
	h.last = slot
}

// prune forgets what ended before the slot.
func (h *history) prune(slot int64) {
	n := 0
	for n < len(h.runs) && h.runs[n].to <= slot {
		n++
	}
	if n > 64 {
		h.runs = slices.Delete(h.runs, 0, n)
	}
}

// now is the state that the last probe found.
func (h *history) now() *state {
	if n := len(h.runs); n > 0 && h.runs[n-1].to > h.last {
		return h.runs[n-1].state
	}
	return allWell
}

// began is the slot from which there has been trouble without a break.
func (h *history) began() int64 {
	first := h.last
	for _, r := range slices.Backward(h.runs) {
		if r.to < first || r.trouble.empty() {
			break
		}
		first = r.from
	}
	return first
}

// downtime is what the runs say of some time, in probes.
type downtime struct {
	general, apart int64
	each           []int64 // by endpoint
	planned        []int64 // by endpoint, counted apart; nil when nobody asks
}

// tally adds the slots from one up to another. night says how many of some slots lie in the hours in
// which scheduled work is counted apart.
func (h *history) tally(d *downtime, from, to int64, night func(from, to int64) int64) {
	at, _ := slices.BinarySearchFunc(h.runs, from, func(r run, slot int64) int {
		if r.to <= slot {
			return -1
		}
		return 1
	})
	for _, r := range h.runs[at:] {
		a, b := max(r.from, from), min(r.to, to)
		if a >= b {
			break
		}
		n := b - a
		troubled := !r.trouble.empty()
		if troubled {
			d.general += n
			r.trouble.each(func(i int) { d.each[i] += n })
		}
		if r.planned.empty() {
			continue
		}
		apart := night(a, b)
		r.planned.each(func(i int) {
			d.each[i] += n - apart
			if d.planned != nil {
				d.planned[i] += apart
			}
		})
		if !troubled {
			d.general += n - apart
			d.apart += apart
		}
	}
}

// nightly is how many slots lie between 01:00 and 07:00 in Brasília. Both edges are slots.
func nightly(from, to int64) int64 {
	const whole, one, seven = 86400 / 30, 3600 / 30, 7 * 3600 / 30
	shift := int64(zone / Period)
	var n int64
	for day := floor(from-shift, whole); day*whole+shift < to; day++ {
		start := day*whole + shift
		n += max(0, min(to, start+seven)-max(from, start+one))
	}
	return n
}

// zone is how far Brasília lies behind UTC.
const zone = 3 * time.Hour
