package availability

import (
	"slices"
	"time"
)

// excluded statuses are answers to too much traffic, which no latency rule counts.
func excluded(status int) bool { return status == 423 || status == 429 || status == 529 }

// Index is the place of the 95th percentile among n sorted values, from 1: 0.95 × n rounded to the
// nearest whole number, at least 1 (monitoring page on response time).
func Index(n int64) int64 { return max(1, (95*n+50)/100) }

// spread keeps durations exactly, as distinct values with their counts: a log of whole milliseconds needs
// no more room after a million calls than after a thousand.
type spread struct {
	values []uint32 // microseconds, sorted, distinct
	counts []uint32
	fresh  []uint32 // not sorted in yet
}

const batch = 2048

func (s *spread) add(took time.Duration) {
	us := min((took + time.Microsecond - 1).Microseconds(), 1<<32-1) // up: a hair above a limit is above it
	s.fresh = append(s.fresh, uint32(us))
	if len(s.fresh) >= max(batch, len(s.values)/4) {
		s.settle()
	}
}

// settle sorts what is fresh into the values.
func (s *spread) settle() {
	if len(s.fresh) == 0 {
		return
	}
	slices.Sort(s.fresh)
	ones := make([]uint32, 0, len(s.fresh))
	distinct := s.fresh[:0]
	for _, v := range s.fresh {
		if n := len(distinct); n > 0 && distinct[n-1] == v {
			ones[n-1]++
			continue
		}
		distinct, ones = append(distinct, v), append(ones, 1)
	}
	s.merge(distinct, ones)
	s.fresh = s.fresh[:0]
}

func (s *spread) merge(values, counts []uint32) {
	v, c := make([]uint32, 0, len(s.values)+len(values)), make([]uint32, 0, len(s.values)+len(values))
	i, j := 0, 0
	for i < len(s.values) || j < len(values) {
		switch {
		case j == len(values) || i < len(s.values) && s.values[i] < values[j]:
			v, c = append(v, s.values[i]), append(c, s.counts[i])
			i++
		case i == len(s.values) || values[j] < s.values[i]:
			v, c = append(v, values[j]), append(c, counts[j])
			j++
		default:
			v, c = append(v, values[j]), append(c, s.counts[i]+counts[j])
			i, j = i+1, j+1
		}
	}
	s.values, s.counts = v, c
}

func (s *spread) len() (n int64) {
	for _, c := range s.counts {
		n += int64(c)
	}
	return n + int64(len(s.fresh))
}

// at is the kth smallest value, from 1.
func (s *spread) at(k int64) time.Duration {
	s.settle()
	for i, c := range s.counts {
		if k -= int64(c); k <= 0 {
			return time.Duration(s.values[i]) * time.Microsecond
		}
	}
	return 0
}

// Latency computes response times by day (monitoring page on response time). The zero value is empty and
// ready.
type Latency struct{ series map[Series]map[Day]*spread }

// Add takes a call. Those of webhooks, those refused for too much traffic, and those without a time are
// left out.
func (l *Latency) Add(c Call) {
	s := Series{c.Server, c.Endpoint}
	if c.Took <= 0 || excluded(c.Status) || s.Webhook() || c.Counts() != "" {
		return
	}
	l.day(s, DayOf(c.At)).add(c.Took)
}

func (l *Latency) day(s Series, d Day) *spread {
	if l.series == nil {
		l.series = map[Series]map[Day]*spread{}
	}
	if l.series[s] == nil {
		l.series[s] = map[Day]*spread{}
	}
	if l.series[s][d] == nil {
		l.series[s][d] = &spread{}
	}
	return l.series[s][d]
}

// Merge takes everything that another computation holds.
func (l *Latency) Merge(o *Latency) {
	for s, days := range o.series {
		for d, theirs := range days {
			theirs.settle()
			ours := l.day(s, d)
			ours.settle()
			ours.merge(theirs.values, theirs.counts)
		}
	}
}

// Series lists what has response times, in order.
func (l *Latency) Series() []Series { return ordered(l.series) }

// LatencyDay is one endpoint's day of response times.
type LatencyDay struct {
	Day     Day           `json:"date"`
	Count   int64         `json:"count"`
	P50     time.Duration `json:"-"`
	P95     time.Duration `json:"-"`
	Verdict Verdict       `json:"verdict"`
	P50Ms   float64       `json:"p50Ms"`
	P95Ms   float64       `json:"p95Ms"`
}

// Days judges the days of a series against its budget, in order: up to it conforming, up to a fifth
// beyond it tolerated.
func (l *Latency) Days(s Series) []LatencyDay {
	_, budget := s.Budget()
	var list []LatencyDay
	for d, sp := range l.series[s] {
		n := sp.len()
		day := LatencyDay{Day: d, Count: n, P50: sp.at(max(1, (n+1)/2)), P95: sp.at(Index(n))}
		day.Verdict = within(day.P95, budget)
		day.P50Ms, day.P95Ms = milliseconds(day.P50), milliseconds(day.P95)
		list = append(list, day)
	}
	slices.SortFunc(list, func(a, b LatencyDay) int { return int(a.Day - b.Day) })
	return list
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func within(p95, budget time.Duration) Verdict {
	switch {
	case p95 <= budget:
		return Conforming
	case 10*p95 <= 12*budget:
		return Tolerated
	}
	return NonConforming
}

// LatencyMonth is one endpoint's month of response times.
type LatencyMonth struct {
	Month     string  `json:"month"`
	Days      int     `json:"days"` // with traffic
	Good      int     `json:"daysConforming"`
	Tolerated int     `json:"daysTolerated"`
	Beyond    int     `json:"daysBeyond"` // by more than a fifth: one is enough to fail
	WorstMs   float64 `json:"worstMs"`
	Grade     float64 `json:"grade"`
	Verdict   Verdict `json:"verdict"`
}

// Needed is how many of a month's days must conform: 90 %, rounded to the nearest whole number.
func Needed(days int) int { return (9*days + 5) / 10 }

// LatencyMonths judges months: at least 90 % of the days with traffic conform, and none is beyond the
// tolerance. Days must be in order and of the period. A month too few of whose days conform is tolerated as
// long as the days that the record does not hold could mend it.
func LatencyMonths(days []LatencyDay, of Extent) []LatencyMonth {
	var out []LatencyMonth
	for _, d := range days {
		if n := len(out); n == 0 || out[n-1].Month != d.Day.Month() {
			out = append(out, LatencyMonth{Month: d.Day.Month()})
		}
		m := &out[len(out)-1]
		m.Days++
		m.WorstMs = max(m.WorstMs, d.P95Ms)
		switch d.Verdict {
		case Conforming:
			m.Good++
		case Tolerated:
			m.Tolerated++
		default:
			m.Beyond++
		}
		m.Verdict = mostly(m.Good, m.Days, m.Beyond, of.unseen(d.Day))
	}
	return out
}

// mostly judges a month by its days: 90 % of them good and none beyond. Days that nobody has seen may all
// turn out good.
func mostly(good, days, beyond, unseen int) Verdict {
	switch {
	case beyond > 0 || good+unseen < Needed(days+unseen):
		return NonConforming
	case good < Needed(days):
		return Tolerated
	}
	return Conforming
}
