package gateway

import (
	"slices"
	"sync"
	"time"
)

// The traffic floor and its steps (traffic limits page): an institution serves at least so many requests
// in a second; where the busy seconds, those above nine tenths of that, are more than a tenth of a
// fortnight, three fortnights running, it has two months to serve a step more.
const (
	Floor = 300
	Step  = 150

	running  = 3
	adapting = 2  // months
	evidence = 24 // fortnights that are kept: twelve months
)

// Fortnight is half a calendar month of Brasília, as it was observed.
type Fortnight struct {
	Start   string `json:"start"`   // its first day
	Seconds int    `json:"seconds"` // it has
	Busy    int    `json:"busy"`    // seconds above nine tenths of the floor
	Peak    int    `json:"peak"`    // most calls in one second
	Over    bool   `json:"over"`    // busy in more than a tenth of it
}

// Steps tells how far the observed traffic is from demanding more.
type Steps struct {
	Limit     int       `json:"limit"`     // what the regulation demands now, requests per second
	Seconds90 int       `json:"seconds90"` // of this fortnight at over 90 % of it
	Allowed   int       `json:"allowed"`   // such seconds before the fortnight counts
	Fortnight Fortnight `json:"fortnight"`
	InARow    int       `json:"inARow"` // closed fortnights that count, of the three
	// Demanded, when above Limit, is what it will be from Due on.
	Demanded int         `json:"demanded"`
	Due      *time.Time  `json:"due,omitempty"`
	Closed   []Fortnight `json:"closed"` // the last twelve months, oldest first
}

// steps watches the seconds. While a step is being adapted to, no further one is demanded. A clock that is
// set back opens the fortnight it lands in anew.
type steps struct {
	mu     sync.Mutex
	limit  int
	due    time.Time // of the next step, zero when none is demanded
	row    int
	open   period
	now    Fortnight
	closed []Fortnight
}

// period numbers fortnights: two a month.
type period int

func periodOf(t time.Time) period {
	y, m, d := t.In(brasilia).Date()
	p := period(y*24 + (int(m)-1)*2)
	if d > 15 {
		p++
	}
	return p
}

func (p period) start() time.Time {
	return time.Date(int(p)/24, time.Month(int(p)%24/2+1), 1+15*(int(p)%2), 0, 0, 0, 0, brasilia)
}

func (p period) fresh() Fortnight {
	return Fortnight{Start: p.start().Format(time.DateOnly), Seconds: int((p + 1).start().Sub(p.start()) / time.Second)}
}

// note takes a finished second in, at a later time.
func (s *steps) note(second, now time.Time, calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(second)
	if s.busy(calls) {
		s.now.Busy++
	}
	s.now.Peak = max(s.now.Peak, calls)
	s.turn(now)
}

func (s *steps) busy(calls int) bool { return calls*10 > s.floor()*9 }

func (s *steps) floor() int { return max(s.limit, Floor) }

// turn closes the fortnights before that of now, and lets a step take effect when it is due.
func (s *steps) turn(now time.Time) {
	at := periodOf(now)
	if s.open == 0 || at < s.open {
		s.open, s.now = at, at.fresh()
	}
	for ; s.open < at; s.open++ {
		s.close()
		s.now = (s.open + 1).fresh()
		if at-s.open > evidence+running { // nothing was seen in all that time
			s.row, s.closed = 0, nil
			s.open = at - evidence - 1
			s.now = (s.open + 1).fresh()
		}
	}
	if !s.due.IsZero() && !now.Before(s.due) {
		s.limit, s.due, s.row = s.floor()+Step, time.Time{}, 0
	}
}

func (s *steps) close() {
	s.now.Over = s.now.Busy*10 > s.now.Seconds
	s.closed = append(s.closed, s.now)
	s.closed = slices.Delete(s.closed, 0, max(0, len(s.closed)-evidence))
	switch {
	case !s.now.Over:
		s.row = 0
	case s.due.IsZero():
		if s.row++; s.row == running {
			s.due = (s.open + 1).start().AddDate(0, adapting, 0)
		}
	}
}

// grown is how much more than at first is demanded now.
func (s *steps) grown() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor() - Floor
}

// look tells how things stand.
func (s *steps) look(now time.Time) Steps {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	out := Steps{Limit: s.floor(), Seconds90: s.now.Busy, Allowed: s.now.Seconds / 10, Fortnight: s.now, InARow: s.row, Demanded: s.floor(),
		Closed: append([]Fortnight{}, s.closed...)}
	if !s.due.IsZero() {
		due := s.due
		out.Due, out.Demanded = &due, s.floor()+Step
	}
	return out
}

func (s *steps) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.due, s.row, s.open, s.now, s.closed = 0, time.Time{}, 0, 0, Fortnight{}, nil
}
