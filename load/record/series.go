package record

import (
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
)

// exactValues is how many latencies of an operation are kept one by one; a longer series is judged from its
// histogram, whose values differ from the exact ones by less than one in a thousand, upwards.
const exactValues = 1 << 18

// Series is what was measured of one operation or class. The histograms hold the answers whose latency
// counts: not 423, 429 and 529, and of the unanswered only timeouts.
type Series struct {
	Class     spec.Class
	Count     uint64
	Good      uint64
	Codes     map[int]uint64
	Failures  map[string]uint64
	Details   map[string]uint64 // words for the first few kinds of wrong answers
	Corrected *Hist             // due → done
	Service   *Hist             // sent → done
	// Exact holds corrected microseconds while there are no more than Keep.
	Exact []uint32
	Keep  int
	// Minutes counts by minute of the world's clock, for availability: only operations have them.
	Minutes map[int64]*Minute
}

// Minute counts the valid requests of one clock minute as the availability page does.
type Minute struct{ Success, Failure uint32 }

func newSeries(class spec.Class, keep int) *Series {
	return &Series{Class: class, Keep: keep, Codes: map[int]uint64{}, Failures: map[string]uint64{}, Details: map[string]uint64{},
		Corrected: newHist(), Service: newHist(), Minutes: map[int64]*Minute{}}
}

const fewDetails = 16

func (s *Series) add(m Sample) {
	s.Count++
	if m.good() {
		s.Good++
	}
	if m.Status != 0 {
		s.Codes[m.Status]++
	}
	if m.Failure != "" {
		s.Failures[m.Failure]++
		if m.Detail != "" {
			s.Details[m.Detail]++
			s.fewer()
		}
	}
	if m.timed() {
		s.Corrected.record(m.Done - m.Due)
		s.Service.record(m.Done - m.Sent)
		if s.Keep > 0 && s.exact() {
			s.Exact = append(s.Exact, uint32(min(micros(m.Done-m.Due), 1<<32-1)))
		}
		s.drop()
	}
}

// fewer keeps the alphabetically first details, whatever order they came in, so that merging stays
// associative in which ones are kept.
func (s *Series) fewer() {
	for len(s.Details) > fewDetails {
		delete(s.Details, slices.Max(keysOf(s.Details)))
	}
}

// exact tells whether the values are still kept one by one.
func (s *Series) exact() bool { return s.Keep > 0 && s.Corrected.Count() <= uint64(s.Keep) }

func (s *Series) drop() {
	if !s.exact() {
		s.Exact = nil
	}
}

// minute counts a request for availability: 2xx and 422 succeed; 5xx, 408 and no answer at all fail; the
// rest is not valid traffic (availability page).
func (s *Series) minute(at time.Time, m Sample) {
	success := availability.Success(m.Status)
	failure := availability.Failure(m.Status) || m.Status == 0
	if !success && !failure {
		return
	}
	key := at.Unix() / 60
	if s.Minutes[key] == nil {
		s.Minutes[key] = &Minute{}
	}
	if success {
		s.Minutes[key].Success++
	} else {
		s.Minutes[key].Failure++
	}
}

func (s *Series) merge(o *Series) {
	s.Count += o.Count
	s.Good += o.Good
	addAll(s.Codes, o.Codes)
	addAll(s.Failures, o.Failures)
	addAll(s.Details, o.Details)
	s.fewer()
	s.Corrected.merge(o.Corrected)
	s.Service.merge(o.Service)
	if s.exact() {
		s.Exact = append(s.Exact, o.Exact...)
	}
	s.drop()
	for k, m := range o.Minutes {
		if s.Minutes[k] == nil {
			s.Minutes[k] = &Minute{}
		}
		s.Minutes[k].Success += m.Success
		s.Minutes[k].Failure += m.Failure
	}
}

// percentile is the corrected latency at the regulator's index, exact where the values were kept.
func (s *Series) percentile(p int) time.Duration {
	return percentileOf(p, s)
}

// percentileOf judges several series as one: exactly when all of them kept their values.
func percentileOf(p int, all ...*Series) time.Duration {
	var values []uint32
	whole := newHist()
	exact := true
	for _, s := range all {
		exact = exact && s.exact()
		if exact {
			values = append(values, s.Exact...)
		}
		whole.merge(s.Corrected)
	}
	if !exact || len(values) == 0 {
		return whole.Percentile(p)
	}
	slices.Sort(values)
	return time.Duration(values[rank(p, uint64(len(values)))-1]) * time.Microsecond
}
