package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
)

// groupLimit bounds how many commits share one transaction, and how many wait for the next.
const groupLimit = 1024

// pending is one commit on its way to the writer.
type pending struct {
	ops    []Op
	answer chan error
}

// group is what one transaction writes: the last word on every record, and all events in order.
type group struct {
	records map[Key]json.RawMessage // nil means deleted
	order   []Key                   // first touched first, for repeatable writes
	events  []Event
}

type counters struct{ commits, groups, failed atomic.Int64 }

// Stats tells how commits shared transactions since Open.
type Stats struct{ Commits, Groups, Failed int64 }

// Stats returns the counters.
func (s *Store) Stats() Stats {
	return Stats{Commits: s.stats.commits.Load(), Groups: s.stats.groups.Load(), Failed: s.stats.failed.Load()}
}

// Commit makes all changes durable together, or none. When it returns nil they survive a killed process
// and a power cut. An error means that nothing was acknowledged: on a full disk or a closed database
// nothing was kept, and after the end of ctx, or a connection lost while committing, the outcome is
// unknown, as with any database; records may be put again without harm.
func (s *Store) Commit(ctx context.Context, ops ...Op) error {
	if len(ops) == 0 {
		return nil
	}
	for i, op := range ops {
		if err := op.valid(); err != nil {
			return fmt.Errorf("commit: change %d: %w", i+1, err)
		}
	}
	p := &pending{ops: ops, answer: make(chan error, 1)}
	if err := s.send(ctx, p); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	select {
	case err := <-p.answer:
		if err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("commit, outcome unknown: %w", ctx.Err())
	}
}

func (s *Store) send(ctx context.Context, p *pending) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	select {
	case s.queue <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the one goroutine that writes. While one transaction waits for the disk the next group
// gathers, so a slow disk costs latency, not throughput.
func (s *Store) write() {
	defer close(s.done)
	for first := range s.queue {
		batch := append(make([]*pending, 0, 16), first)
	gather:
		for len(batch) < groupLimit {
			select {
			case p, ok := <-s.queue:
				if !ok {
					break gather
				}
				batch = append(batch, p)
			default:
				break gather
			}
		}
		s.commit(batch)
	}
}

func (s *Store) commit(batch []*pending) {
	g := join(batch)
	err := s.engine.apply(context.Background(), g)
	if err != nil && len(batch) > 1 && !errors.Is(err, errUnknownOutcome) {
		// One commit that the database refuses must not fail its neighbours.
		for _, p := range batch {
			s.commit([]*pending{p})
		}
		return
	}
	s.stats.groups.Add(1)
	if err != nil {
		s.stats.failed.Add(int64(len(batch)))
	} else {
		s.stats.commits.Add(int64(len(batch)))
		if len(g.events) > 0 {
			s.ring()
		}
	}
	for _, p := range batch {
		p.answer <- err
	}
}

func (s *Store) ring() {
	s.told.Lock()
	defer s.told.Unlock()
	close(s.bell)
	s.bell = make(chan struct{})
}

func join(batch []*pending) *group {
	g := &group{records: make(map[Key]json.RawMessage, len(batch))}
	touch := func(k Key, body json.RawMessage) {
		if _, known := g.records[k]; !known {
			g.order = append(g.order, k)
		}
		g.records[k] = body
	}
	for _, p := range batch {
		for _, op := range p.ops {
			switch {
			case op.Put != nil:
				touch(op.Put.Key, op.Put.Body)
			case op.Delete != nil:
				touch(*op.Delete, nil)
			case op.Emit != nil:
				g.events = append(g.events, *op.Emit)
			}
		}
	}
	return g
}

func (o Op) valid() error {
	set := 0
	if o.Put != nil {
		set++
		if o.Put.Kind == "" || o.Put.ID == "" || !json.Valid(o.Put.Body) {
			return fmt.Errorf("put %s %s: %w", o.Put.Kind, o.Put.ID, ErrOp)
		}
	}
	if o.Delete != nil {
		set++
		if o.Delete.Kind == "" || o.Delete.ID == "" {
			return fmt.Errorf("delete %s %s: %w", o.Delete.Kind, o.Delete.ID, ErrOp)
		}
	}
	if o.Emit != nil {
		set++
		if o.Emit.Type == "" || (len(o.Emit.Data) > 0 && !json.Valid(o.Emit.Data)) {
			return fmt.Errorf("emit %s %s: %w", o.Emit.Type, o.Emit.ID, ErrOp)
		}
	}
	if set != 1 {
		return ErrOp
	}
	return nil
}
