package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
)

// memoryEvents bounds the events kept without a database: enough for a reader that keeps up, and flat
// under load. The oldest go first.
const memoryEvents = 1 << 16

// memory is the engine without a place.
type memory struct {
	mu      sync.RWMutex
	records map[string]map[string]json.RawMessage
	told    []Event
	seq     int64
}

func newMemory() *memory { return &memory{records: map[string]map[string]json.RawMessage{}} }

func (m *memory) apply(_ context.Context, g *group) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range g.order {
		body := g.records[k]
		if body == nil {
			delete(m.records[k.Kind], k.ID)
			continue
		}
		if m.records[k.Kind] == nil {
			m.records[k.Kind] = map[string]json.RawMessage{}
		}
		m.records[k.Kind][k.ID] = bytes.Clone(body)
	}
	for _, e := range g.events {
		m.seq++
		e.Seq, e.Data = m.seq, bytes.Clone(e.Data)
		m.told = append(m.told, e)
	}
	if len(m.told) > 2*memoryEvents {
		m.told = slices.Clone(m.told[len(m.told)-memoryEvents:])
	}
	return nil
}

func (m *memory) each(ctx context.Context, kind string, fn func(Record) error) error {
	m.mu.RLock()
	list := make([]Record, 0, len(m.records[kind]))
	for id, body := range m.records[kind] {
		list = append(list, Record{Key{kind, id}, body})
	}
	m.mu.RUnlock()
	slices.SortFunc(list, func(a, b Record) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.Body = bytes.Clone(r.Body)
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) events(_ context.Context, after int64, limit int) ([]Event, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	from, _ := slices.BinarySearchFunc(m.told, after+1, func(e Event, seq int64) int { return int(e.Seq - seq) })
	return slices.Clone(m.told[from:min(from+max(limit, 0), len(m.told))]), nil
}

func (m *memory) prune(_ context.Context, upTo int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = slices.DeleteFunc(m.told, func(e Event) bool { return e.Seq <= upTo })
	return nil
}

func (m *memory) close() error { return nil }
