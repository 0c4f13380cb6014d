package event

import (
	"bytes"
	"sync"
)

// memory is the shelf without a place.
type memory struct {
	mu   sync.Mutex
	list []Entry
}

func (m *memory) append(seq uint64, kind string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, Entry{Seq: seq, Kind: kind, Body: bytes.Clone(body)})
	return nil
}

func (m *memory) take(max int) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(max, len(m.list))
	return append([]Entry(nil), m.list[:n]...), nil
}

func (m *memory) drop(upTo uint64) (int, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, size := 0, int64(0)
	for n < len(m.list) && m.list[n].Seq <= upTo {
		size += frameSize(m.list[n].Kind, m.list[n].Body)
		m.list[n] = Entry{}
		n++
	}
	if m.list = m.list[n:]; len(m.list) == 0 {
		m.list = nil
	}
	return n, size, nil
}

func (m *memory) close() error { return nil }
