// Package journal is the append-only record of every exchange that the ecosystem served, and of every
// sentence of the standard that was judged on the way.
//
// It promises that what an exchange was about can be found again while it is kept, by interaction id,
// consent, client, rule or time; that it stays within its bounds, the oldest going first; and that no
// credential and no document of a person ever enters ([Redact]). It holds no bodies and no addresses as
// they were called, and decides nothing: it is evidence for readers, never for a judge. A nil *Journal is
// one that is switched off: everything may be asked of it, and costs nothing.
package journal

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

// The bounds of a journal whose configuration names none.
const (
	DefaultBytes   = 32 << 20
	DefaultEntries = 1 << 17
)

// Config bounds a journal.
type Config struct {
	// Bytes and Entries bound what is kept; 0 is the default.
	Bytes, Entries int
	Clock          *clock.Clock
	// Sentences gives a rule's text by its id, for the readers of a trace.
	Sentences map[string]string
}

// Entry is one exchange, or what was judged outside of any.
type Entry struct {
	Seq         uint64        `json:"seq"`
	At          time.Time     `json:"at"`
	Role        string        `json:"role"` // "bank-api", "bank-as", "directory", "pcm"; "bank" outside of any exchange
	Interaction string        `json:"interaction,omitempty"`
	Operation   string        `json:"operation,omitempty"` // registry id, or the endpoint's name
	Method      string        `json:"method,omitempty"`
	Endpoint    string        `json:"endpoint,omitempty"` // template, never the address as called
	Status      int           `json:"status,omitempty"`
	Duration    time.Duration `json:"durationNs,omitempty"`
	Client      string        `json:"client,omitempty"`
	Consent     string        `json:"consent,omitempty"`
	Rule        string        `json:"rule,omitempty"` // the broken one that decided the answer
	Verdicts    []Verdict     `json:"verdicts,omitempty"`
}

// Verdict is one sentence judged.
type Verdict struct {
	Set  string `json:"set"`
	Rule string `json:"rule"`
	Kept bool   `json:"kept"`
	// Text is the sentence where it was kept, and what was wrong where it was not.
	Text string `json:"text,omitempty"`
}

// Journal is the record. It is safe for concurrent use.
type Journal struct {
	segment, most, share int // bytes of a segment; entries in all and in one
	bytes                int
	clock                *clock.Clock
	sentences            map[string]string
	names                symbols

	mu       sync.Mutex
	segments []*segment
	held     int // entries kept
	room     int // bytes of all segments
	next     uint64
	waiting  bool
	changed  chan struct{}
	ended    bool
}

// segment is a run of encoded entries. What was written to it never changes.
type segment struct {
	first uint64 // number of its first entry
	buf   []byte
	ends  []uint32
}

// New makes an empty journal.
func New(cfg Config) *Journal {
	if cfg.Bytes <= 0 {
		cfg.Bytes = DefaultBytes
	}
	if cfg.Entries <= 0 {
		cfg.Entries = DefaultEntries
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.New()
	}
	return &Journal{
		bytes: cfg.Bytes, most: cfg.Entries, segment: min(256<<10, max(cfg.Bytes/8, 1)), share: max(cfg.Entries/8, 1),
		clock: cfg.Clock, sentences: cfg.Sentences, next: 1, changed: make(chan struct{}),
	}
}

// Append records an entry and returns its number, 0 when the journal is off. Fields pass the door.
func (j *Journal) Append(e Entry) uint64 {
	if j == nil {
		return 0
	}
	marks := make([]uint16, 0, len(e.Verdicts))
	var texts []string
	for _, v := range e.Verdicts {
		mark := j.names.of(v.Set, v.Rule) << 1
		if !v.Kept {
			mark |= 1
			texts = append(texts, clean(v.Text))
		}
		marks = append(marks, mark)
	}
	e.atTheDoor()
	return j.append(&e, marks, texts)
}

func (j *Journal) append(e *Entry, marks []uint16, texts []string) uint64 {
	need := e.bound(marks, texts)
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.last(need)
	s.buf = e.encode(s.buf, marks, texts)
	s.ends = append(s.ends, uint32(len(s.buf))) //nolint:gosec // a segment is far smaller than 4 GiB
	n := j.next
	j.next++
	j.held++
	for j.held > j.most || j.room > j.bytes && len(j.segments) > 1 {
		old := j.segments[0]
		j.segments = j.segments[1:]
		j.held -= len(old.ends)
		j.room -= cap(old.buf)
	}
	if j.waiting {
		j.waiting = false
		close(j.changed)
		j.changed = make(chan struct{})
	}
	return n
}

// last is the segment with room for need more bytes.
func (j *Journal) last(need int) *segment {
	if n := len(j.segments); n > 0 {
		if s := j.segments[n-1]; len(s.buf)+need <= cap(s.buf) && len(s.ends) < j.share {
			return s
		}
	}
	s := &segment{first: j.next, buf: make([]byte, 0, max(j.segment, need))}
	j.room += cap(s.buf)
	j.segments = append(j.segments, s)
	return s
}

// Stats says how much a journal holds.
type Stats struct {
	Entries int    `json:"entries"` // kept
	Bytes   int    `json:"bytes"`   // taken by them
	Total   uint64 `json:"total"`   // ever recorded
}

// Stats returns the present figures.
func (j *Journal) Stats() Stats {
	if j == nil {
		return Stats{}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return Stats{Entries: j.held, Bytes: j.room, Total: j.next - 1}
}

// symbols numbers the pairs of set and rule, which are few and for ever.
type symbols struct {
	mu    sync.Mutex
	known atomic.Pointer[table]
}

type pair struct{ set, rule string }

type table struct {
	number map[pair]uint16
	pairs  []pair
}

// most pairs that a mark has room for; the house has some hundreds.
const mostPairs = 1<<15 - 1

func (s *symbols) of(set, rule string) uint16 {
	p := pair{set, rule}
	if t := s.known.Load(); t != nil {
		if n, ok := t.number[p]; ok {
			return n
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &table{number: map[pair]uint16{}}
	if t := s.known.Load(); t != nil {
		if n, ok := t.number[p]; ok {
			return n
		}
		next.pairs = append(next.pairs, t.pairs...)
		for k, v := range t.number {
			next.number[k] = v
		}
	}
	if len(next.pairs) == mostPairs {
		return mostPairs
	}
	n := uint16(len(next.pairs)) //nolint:gosec // bounded above
	next.pairs = append(next.pairs, p)
	next.number[p] = n
	s.known.Store(next)
	return n
}

func (s *symbols) pairs() []pair {
	if t := s.known.Load(); t != nil {
		return t.pairs
	}
	return nil
}
