// Package record keeps what a load run measured, judges it against thresholds and draws it.
//
// It promises that recordings of several workers merge into exactly what one recorder would have held, in
// any order; that a figure which the generator itself has spoilt is withheld and never given as the
// target's; and that nothing which was due disappears: every arrival is answered, failed or counted as not
// sent. It refuses to merge recordings of different slots, and it sends nothing.
package record

import (
	"fmt"
	"maps"
	"math"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// The classes of what has no frequency class: tokens, pushed requests, registration; and whole journeys,
// which have no budget because each of their steps has its own.
const (
	Security spec.Class = "security"
	Journey  spec.Class = "journey"
)

// The kinds of failed requests, beside status codes.
const (
	Timeout = "timeout" // no answer in time
	Refused = "refused" // no connection
	Reset   = "reset"   // the connection broke
	TLS     = "tls"     // the handshake or a certificate failed
	Other   = "other"   // any other transport error
	Wrong   = "wrong"   // an answer, but not what was asked for
)

// Sample is one request that ended. Due, Sent and Done count from the start of the run.
type Sample struct {
	Operation string
	Class     spec.Class
	Due       time.Duration // when the schedule wanted it sent
	Sent      time.Duration // when it was sent
	Done      time.Duration
	Waited    time.Duration // of Sent-Due, what the bound of requests in flight explains
	Status    int           // 0: no answer came
	Failure   string        // a kind of failure; "" means none
	Detail    string        // what was wrong, in words; kept for the first few
}

// good tells whether the request was served as asked. 529 has its own measure and is no error by itself.
func (s Sample) good() bool { return s.Failure == "" && (s.Status < 500 || s.Status == 529) }

// timed tells whether the answer's latency counts: statuses 423, 429 and 529 do not (response time page),
// nor what had no answer at all. A timeout does: its caller waited.
func (s Sample) timed() bool {
	switch {
	case s.Status == 423 || s.Status == 429 || s.Status == 529:
		return false
	case s.Status == 0:
		return s.Failure == Timeout
	}
	return true
}

// Recording is everything measured, safe for concurrent use. Make one with [New].
type Recording struct {
	mu sync.Mutex
	data
}

// data is what travels between workers.
type data struct {
	Started    time.Time
	Planned    time.Duration // length of the schedule
	Elapsed    time.Duration // how much of it was played
	Slot       time.Duration // resolution of the timeline
	Unsent     uint64        // arrivals that were due and could not be sent before the run was given up
	Abandoned  uint64        // requests that were given up when the run was interrupted
	Short      uint64        // arrivals for which the generator had nothing ready to send
	Due        uint64        // arrivals of the whole schedule, of these shares
	Answered   uint64        // ended, with an answer or without
	Heard      uint64        // of them and of those beside, with an answer
	Beside     uint64        // places of the schedule that went to requests beside the arrivals
	Steps      uint64        // exchanges inside journeys, which are no arrivals
	Failed     uint64        // not good: failures and server errors
	Operations map[string]*Series
	Classes    map[spec.Class]*Series
	Timeline   []*Slice
	Lag        *Hist // due → sent, without the wait for a free place in flight
	Wait       *Hist // the wait for a free place in flight
	Generator  Generator
	Stopped    string // why the run ended early; "" means it did not
}

// slots is the most slices of a timeline: a second each for an hour, longer ones for longer runs.
const slots = 3600

// New returns an empty recording of a run that starts at started and plans due arrivals within planned.
func New(started time.Time, planned time.Duration, due uint64) *Recording {
	slot := max(time.Second, (planned/slots + time.Second - 1).Truncate(time.Second))
	return &Recording{data: data{
		Started: started, Planned: planned, Due: due, Slot: slot,
		Operations: map[string]*Series{}, Classes: map[spec.Class]*Series{},
		Lag: newHist(), Wait: newHist(),
	}}
}

// Add counts one request that ended.
func (r *Recording) Add(s Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.series(s)
	r.Answered++
	if !s.good() {
		r.Failed++
	}
	r.Lag.record(s.Sent - s.Due - s.Waited)
	r.Wait.record(s.Waited)
	r.slice(s.Due).arrive(s)
	if s.Status != 0 {
		r.Heard++
		in := r.slice(s.Done)
		in.Achieved++
		if s.Done-s.Due <= promptness(s.Class) {
			in.Prompt++
		}
	}
}

// Lend counts a place of the schedule that went to a request beside the arrivals, answered or not.
func (r *Recording) Lend(due time.Duration, answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Beside++
	s := r.slice(due)
	s.Offered++
	if answered {
		r.Heard++
		s.Achieved++
		s.Prompt++
	}
}

// Inside counts an exchange that was a step of a journey. It is no arrival: it belongs to its operation and
// its class. Its place in the schedule is lent, see [Recording.Lend].
func (r *Recording) Inside(s Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Steps++
	r.series(s)
}

// series counts a request under its operation and its class.
func (r *Recording) series(s Sample) {
	op := r.Operations[s.Operation]
	if op == nil {
		op = newSeries(s.Class, exactValues)
		r.Operations[s.Operation] = op
	}
	class := r.Classes[s.Class]
	if class == nil {
		class = newSeries(s.Class, 0)
		r.Classes[s.Class] = class
	}
	op.add(s)
	class.add(s)
	op.minute(r.Started.Add(s.Due), s)
}

// Miss counts an arrival for which the generator had nothing ready to send: it says nothing of the target.
func (r *Recording) Miss(due time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Short++
	r.slice(due).Offered++
}

// Abandon counts a request that was given up because the run was interrupted: the target might have answered.
func (r *Recording) Abandon(due time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Abandoned++
	r.slice(due).Offered++
}

// Unsend counts arrivals of one slot that were due and could not be sent before the run was given up.
func (r *Recording) Unsend(due time.Duration, n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Unsent += n
	r.slice(due).Offered += n
}

// slice is the timeline's part at t, grown as needed.
func (r *Recording) slice(t time.Duration) *Slice {
	i := int(max(t, 0) / r.Slot)
	for len(r.Timeline) <= i {
		r.Timeline = append(r.Timeline, newSlice())
	}
	return r.Timeline[i]
}

// End keeps how far the schedule was played, and why it ended early ("" if it did not).
func (r *Recording) End(elapsed time.Duration, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Elapsed, r.Stopped = elapsed, why
}

// Stop says why the run is not whole, whatever was said before.
func (r *Recording) Stop(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Stopped = why
}

// Observe keeps what the generator found out about itself.
func (r *Recording) Observe(g Generator) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Generator = g
}

// Merge adds another worker's recording of the same run. It is associative and commutative, and the
// result equals one recording of all the samples.
func (r *Recording) Merge(other *Recording) error {
	if r == other {
		return fmt.Errorf("merge recordings: a recording cannot be added to itself")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	other.mu.Lock()
	defer other.mu.Unlock()
	o := &other.data
	if r.Slot != o.Slot || r.Planned != o.Planned {
		return fmt.Errorf("merge recordings: slots of %v over %v and of %v over %v do not fit", r.Slot, r.Planned, o.Slot, o.Planned)
	}
	if o.Started.Before(r.Started) {
		r.Started = o.Started
	}
	r.Elapsed = max(r.Elapsed, o.Elapsed)
	r.Unsent += o.Unsent
	r.Short += o.Short
	r.Abandoned += o.Abandoned
	r.Beside += o.Beside
	r.Steps += o.Steps
	r.Due += o.Due
	r.Answered += o.Answered
	r.Heard += o.Heard
	r.Failed += o.Failed
	// The alphabetically first reason: any order of merging keeps the same one.
	if r.Stopped == "" || (o.Stopped != "" && o.Stopped < r.Stopped) {
		r.Stopped = o.Stopped
	}
	r.Generator.merge(o.Generator)
	r.Lag.merge(o.Lag)
	r.Wait.merge(o.Wait)
	mergeSeries(r.Operations, o.Operations)
	mergeSeries(r.Classes, o.Classes)
	for i, s := range o.Timeline {
		r.slice(time.Duration(i) * r.Slot).merge(s)
	}
	return nil
}

func mergeSeries[K comparable](into, from map[K]*Series) {
	for k, s := range from {
		if into[k] == nil {
			into[k] = newSeries(s.Class, s.Keep)
		}
		into[k].merge(s)
	}
}

// Clone is an independent copy.
func (r *Recording) Clone() *Recording {
	r.mu.Lock()
	c := New(r.Started, r.Planned, 0)
	c.Slot = r.Slot
	r.mu.Unlock()
	if err := c.Merge(r); err != nil {
		panic(err) // the same slots by construction
	}
	return c
}

// Counts is the number of ended requests of each operation.
func (r *Recording) Counts() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[string]uint64, len(r.Operations))
	for id, s := range r.Operations {
		counts[id] = s.Count
	}
	return counts
}

// Codes is the number of answers of each status, and Failures that of each kind of failure.
func (r *Recording) Codes() map[int]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.codes()
}

func (r *Recording) codes() map[int]uint64 {
	codes := map[int]uint64{}
	for _, s := range r.Classes {
		addAll(codes, s.Codes)
	}
	return codes
}

// Failures is the number of failed requests of each kind.
func (r *Recording) Failures() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures()
}

func (r *Recording) failures() map[string]uint64 {
	failures := map[string]uint64{}
	for _, s := range r.Classes {
		addAll(failures, s.Failures)
	}
	return failures
}

// promptness is how long an answer may take that comes after the schedule's end, and still belongs to its rate: the
// class's budget, or the longest of them.
func promptness(class spec.Class) time.Duration {
	if b := budget(class); b > 0 {
		return b
	}
	return budget(spec.Low)
}

// Rates are the requests offered and the requests answered a second, over the time played. Of the answers that came
// after the schedule's end only those count that kept their class's budget: a target that always takes a second
// answers as many as it is asked, one that falls behind does not.
func (r *Recording) Rates() (offered, achieved float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rates()
}

func (r *Recording) rates() (offered, achieved float64) {
	played := r.Elapsed.Seconds()
	if played <= 0 {
		return 0, 0
	}
	within := uint64(0)
	for i, s := range r.Timeline {
		if time.Duration(i)*r.Slot < r.Elapsed {
			within += s.Achieved
		} else {
			within += s.Prompt
		}
	}
	return float64(r.Answered+r.Beside+r.Unsent+r.Abandoned+r.Short) / played, float64(within) / played
}

func addAll[K comparable](into, from map[K]uint64) {
	for k, n := range from {
		into[k] += n
	}
}

func micros(d time.Duration) int64 { return max(d.Microseconds(), 0) }

func millis(us int64) float64 { return math.Round(float64(us)) / 1000 }

func keysOf[K comparable, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range maps.Keys(m) {
		keys = append(keys, k)
	}
	return keys
}
