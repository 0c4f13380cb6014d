package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// The errors that callers may want to tell apart.
var (
	ErrClosed = errors.New("store is closed")
	ErrOp     = errors.New("not a change the store can keep")
)

// engine keeps groups of commits. apply is called by one goroutine at a time; the rest by any.
type engine interface {
	apply(ctx context.Context, g *group) error
	each(ctx context.Context, kind string, fn func(Record) error) error
	events(ctx context.Context, after int64, limit int) ([]Event, error)
	prune(ctx context.Context, upTo int64) error
	close() error
}

// Store keeps records and events. It is safe for concurrent use.
type Store struct {
	engine engine
	queue  chan *pending
	done   chan struct{} // closed when the writer has ended

	mu     sync.RWMutex // held for reading while a commit is being queued
	closed bool

	told  sync.Mutex
	bell  chan struct{} // closed and replaced when events were committed
	stats counters
}

// Open opens the store at url, creates what is missing and brings its schema up to date:
//
//	""                    in memory, gone with the process
//	"sqlite:/dir/file"    an embedded SQLite file, made readable to its owner only
//	"postgres://…"        a PostgreSQL database
func Open(ctx context.Context, url string) (*Store, error) {
	var e engine
	var err error
	scheme, rest, _ := strings.Cut(url, ":")
	switch {
	case url == "":
		e = newMemory()
	case scheme == "sqlite" && rest != "":
		e, err = openSQLite(ctx, strings.TrimPrefix(rest, "//"))
	case scheme == "postgres" || scheme == "postgresql":
		e, err = openPostgres(ctx, url)
	default:
		return nil, fmt.Errorf("open store: unknown kind of address %q; give \"sqlite:<file>\", \"postgres://…\" or nothing for memory", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s store: %w", scheme, err)
	}
	s := &Store{engine: e, queue: make(chan *pending, groupLimit), done: make(chan struct{}), bell: make(chan struct{})}
	go s.write()
	return s, nil
}

// Each calls fn for every record of a kind, in the order of ids, until fn fails; its error is returned.
// fn may commit.
func (s *Store) Each(ctx context.Context, kind string, fn func(Record) error) error {
	if err := s.usable(); err != nil {
		return err
	}
	if err := s.engine.each(ctx, kind, fn); err != nil {
		return fmt.Errorf("read %s records: %w", kind, err)
	}
	return nil
}

// Events returns at most limit events with a number above after, in order.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]Event, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	list, err := s.engine.events(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return list, nil
}

// Told returns a channel that is closed when this process next commits an event. Take it before asking
// [Store.Events], then wait on it: nothing is missed in between.
func (s *Store) Told() <-chan struct{} {
	s.told.Lock()
	defer s.told.Unlock()
	return s.bell
}

// Prune forgets events up to and including a number, once their reader has passed them on. Numbers are
// never given twice.
func (s *Store) Prune(ctx context.Context, upTo int64) error {
	if err := s.usable(); err != nil {
		return err
	}
	if err := s.engine.prune(ctx, upTo); err != nil {
		return fmt.Errorf("prune events up to %d: %w", upTo, err)
	}
	return nil
}

// Close waits for the commits that were accepted, then closes the database. Later calls of anything
// return [ErrClosed].
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.queue)
	<-s.done
	if err := s.engine.close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

func (s *Store) usable() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return nil
}

// Load reads every record of a kind into values of type T, by id.
func Load[T any](ctx context.Context, s *Store, kind string) (map[string]T, error) {
	all := map[string]T{}
	err := s.Each(ctx, kind, func(r Record) error {
		var v T
		if err := json.Unmarshal(r.Body, &v); err != nil {
			return fmt.Errorf("decode %s %s: %w", r.Kind, r.ID, err)
		}
		all[r.ID] = v
		return nil
	})
	return all, err
}
