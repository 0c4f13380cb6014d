package tpp

import (
	"context"
	"errors"
	"sync"
)

// Kept is a report that waits to be told.
type Kept struct {
	Seq  uint64 // its number, never given twice
	Kind string // "private", "stock", "hybrid-flow/client/…"
	Body []byte // JSON
}

// Outbox keeps the reports of a client until the metrics platform has answered for them. The default
// keeps them in memory, for the life of the client; one on a disk, given as [Config.Outbox], lets them
// outlive the process. Append may be called by many at once; Next and Ack belong to the client.
type Outbox interface {
	// Append puts a report last, and never waits. An error means that the report is lost.
	Append(kind string, body []byte) error
	// Next waits for reports and returns at most max of those not acknowledged, oldest first: the same
	// ones again until they are.
	Next(ctx context.Context, max int) ([]Kept, error)
	// Ack forgets every report up to and including a number.
	Ack(upTo uint64) error
	// Len is how many wait; Last the number of the newest ever appended.
	Len() int
	Last() uint64
}

// backlog is how many bytes of reports memory keeps while the platform is away: some four hundred
// thousand reports. Beyond it the newest are lost, and counted.
const backlog = 256 << 20

var errFull = errors.New("too many reports wait")

// memory is the outbox of a process.
type memory struct {
	limit int
	bell  chan struct{}

	mu   sync.Mutex
	list []Kept
	size int
	last uint64
}

func newMemory(limit int) *memory { return &memory{limit: limit, bell: make(chan struct{}, 1)} }

// Append keeps the body itself: nobody may change it afterwards.
func (m *memory) Append(kind string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size+len(body) > m.limit {
		return errFull
	}
	m.last++
	m.size += len(body)
	m.list = append(m.list, Kept{m.last, kind, body})
	select {
	case m.bell <- struct{}{}:
	default:
	}
	return nil
}

// Next returns what waits, or waits itself.
func (m *memory) Next(ctx context.Context, max int) ([]Kept, error) {
	for {
		m.mu.Lock()
		list := append([]Kept(nil), m.list[:min(max, len(m.list))]...)
		m.mu.Unlock()
		if len(list) > 0 {
			return list, nil
		}
		select {
		case <-m.bell:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Ack forgets.
func (m *memory) Ack(upTo uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for n < len(m.list) && m.list[n].Seq <= upTo {
		m.size -= len(m.list[n].Body)
		m.list[n] = Kept{} // the body can go before the list is moved
		n++
	}
	if m.list = m.list[n:]; len(m.list) == 0 {
		m.list = nil
	}
	return nil
}

// Len is how many wait.
func (m *memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.list)
}

// Last is the newest number.
func (m *memory) Last() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}
