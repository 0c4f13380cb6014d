// Package event keeps what must be told to others until it was told.
//
// [Outbox] is a queue on disk between the request path, which may not wait, and a sender, which may be
// late, down or killed. It promises: what Append acknowledged survives a killed process at once and a
// power cut after at most 100 ms; Next hands entries out in order, again and again until they are
// acknowledged; a torn tail is dropped when the outbox is opened, never delivered. It refuses to block or
// to grow without bound: an Append beyond the limit fails with [ErrFull] and is counted, and the caller
// decides, since a served call must not fail because nobody listens. The invariant: an entry is on disk
// from the return of Append to the Ack of its number, and a number is never given twice.
//
// The log is our own. github.com/tidwall/wal, the best kept of its kind, has no checksum over an entry, so
// that a torn or zero-filled tail can pass for one, and drops its front by rewriting a segment; here the
// front is dropped by deleting whole files, and the acknowledged number is a file of its own.
package event

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// The errors of an outbox.
var (
	ErrFull   = errors.New("outbox is full")
	ErrClosed = errors.New("outbox is closed")
	ErrEntry  = errors.New("not an entry the outbox can keep")
)

// The limits of one entry and of one answer of Next.
const (
	maxKind  = 255
	maxBody  = 8 << 20
	maxBatch = 16 << 20
)

// Entry is one message waiting to be told.
type Entry struct {
	Seq  uint64
	Kind string // what it is and where it goes: "private", "hybrid-flow/server/authenticated"
	Body []byte
}

// shelf is where entries stand. Appends come one at a time, and so do takes and drops; an append may run
// beside a take or a drop.
type shelf interface {
	append(seq uint64, kind string, body []byte) error
	// take returns the first entries that were not dropped.
	take(max int) ([]Entry, error)
	// drop forgets everything up to a number and says how many entries and bytes went.
	drop(upTo uint64) (entries int, bytes int64, err error)
	close() error
}

// Outbox is a bounded queue with at-least-once delivery. Append may be called by many at once; Next and
// Ack belong to one sender.
type Outbox struct {
	shelf shelf
	limit int64

	writing sync.Mutex
	next    uint64
	closed  bool

	turn  chan struct{} // held by the one reader
	bell  chan struct{} // rung by Append
	ended chan struct{}

	last    atomic.Uint64 // number of the newest entry
	entries atomic.Int64
	bytes   atomic.Int64
	refused atomic.Int64
	torn    int64
}

// Option changes how an outbox is kept.
type Option func(*settings)

type settings struct {
	limit, segment int64
}

// Limit bounds the bytes that may wait. The default is 4 GiB on disk and 64 MiB in memory.
func Limit(bytes int64) Option { return func(s *settings) { s.limit = bytes } }

// Segment sets how large a file grows before the next one begins. The default is 8 MiB.
func Segment(bytes int64) Option { return func(s *settings) { s.segment = bytes } }

// OpenOutbox opens or creates the outbox in dir, or one in memory when dir is empty. One process may hold
// a directory at a time.
func OpenOutbox(dir string, options ...Option) (*Outbox, error) {
	set := settings{segment: 8 << 20}
	for _, o := range options {
		o(&set)
	}
	o := &Outbox{turn: make(chan struct{}, 1), bell: make(chan struct{}, 1), ended: make(chan struct{}), next: 1}
	if dir == "" {
		if set.limit == 0 {
			set.limit = 64 << 20
		}
		o.shelf, o.limit = &memory{}, set.limit
		return o, nil
	}
	if set.limit == 0 {
		set.limit = 4 << 30
	}
	d, err := openDisk(dir, set.segment)
	if err != nil {
		return nil, fmt.Errorf("open outbox %s: %w", dir, err)
	}
	o.shelf, o.limit = d, set.limit
	o.next, o.torn = d.lastSeq+1, d.torn
	o.last.Store(d.lastSeq)
	o.entries.Store(int64(d.waiting))
	o.bytes.Store(d.waitingBytes)
	return o, nil
}

// Append puts a message last. After it returns nil the message survives a killed process. It costs one
// write(2) and never waits for the sender or for the disk.
func (o *Outbox) Append(kind string, body []byte) error {
	if kind == "" || len(kind) > maxKind || len(body) > maxBody {
		return fmt.Errorf("append %.40q of %d bytes: %w", kind, len(body), ErrEntry)
	}
	o.writing.Lock()
	defer o.writing.Unlock()
	if o.closed {
		return ErrClosed
	}
	size := frameSize(kind, body)
	if o.bytes.Load()+size > o.limit {
		o.refused.Add(1)
		return ErrFull
	}
	if err := o.shelf.append(o.next, kind, body); err != nil {
		o.refused.Add(1)
		return fmt.Errorf("append to outbox: %w", err)
	}
	o.entries.Add(1)
	o.bytes.Add(size)
	o.last.Store(o.next)
	o.next++
	select {
	case o.bell <- struct{}{}:
	default:
	}
	return nil
}

// Next waits for entries and returns at most max of those not acknowledged, oldest first. Without an Ack
// it returns the same ones again.
func (o *Outbox) Next(ctx context.Context, max int) ([]Entry, error) {
	if err := o.hold(ctx); err != nil {
		return nil, err
	}
	defer o.release()
	for {
		if o.entries.Load() > 0 {
			list, err := o.shelf.take(max)
			if err != nil {
				return nil, fmt.Errorf("read outbox: %w", err)
			}
			if len(list) > 0 {
				return list, nil
			}
		}
		select {
		case <-o.bell:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-o.ended:
			return nil, ErrClosed
		}
	}
}

// Ack forgets every entry up to and including a number, durably. Numbers beyond the last entry are
// refused; those acknowledged before are no error.
func (o *Outbox) Ack(upTo uint64) error {
	if err := o.hold(context.Background()); err != nil {
		return err
	}
	defer o.release()
	if upTo > o.last.Load() {
		return fmt.Errorf("acknowledge %d: the last entry is %d: %w", upTo, o.last.Load(), ErrEntry)
	}
	entries, bytes, err := o.shelf.drop(upTo)
	o.entries.Add(-int64(entries))
	o.bytes.Add(-bytes)
	if err != nil {
		return fmt.Errorf("acknowledge %d: %w", upTo, err)
	}
	return nil
}

func (o *Outbox) hold(ctx context.Context) error {
	select {
	case <-o.ended:
		return ErrClosed
	default:
	}
	select {
	case o.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-o.ended:
		return ErrClosed
	}
}

func (o *Outbox) release() { <-o.turn }

// Len is how many entries wait.
func (o *Outbox) Len() int { return int(o.entries.Load()) }

// Last is the number of the newest entry ever appended, for callers that wait until it was told.
func (o *Outbox) Last() uint64 { return o.last.Load() }

// Stats tells how the outbox fares.
type Stats struct {
	Entries, Bytes int64 // waiting
	Refused        int64 // not accepted since it was opened: no room or no disk
	TornBytes      int64 // dropped from damaged tails when it was opened
	SyncFailures   int64 // times the disk refused to confirm
}

// Stats returns the counters.
func (o *Outbox) Stats() Stats {
	s := Stats{Entries: o.entries.Load(), Bytes: o.bytes.Load(), Refused: o.refused.Load(), TornBytes: o.torn}
	if d, ok := o.shelf.(*disk); ok {
		s.SyncFailures = d.syncFailures.Load()
	}
	return s
}

// Close makes everything durable and ends. Waiting calls return [ErrClosed].
func (o *Outbox) Close() error {
	o.writing.Lock()
	if o.closed {
		o.writing.Unlock()
		return nil
	}
	o.closed = true
	o.writing.Unlock()
	close(o.ended)
	o.turn <- struct{}{} // let a running Next or Ack end
	defer o.release()
	if err := o.shelf.close(); err != nil {
		return fmt.Errorf("close outbox: %w", err)
	}
	return nil
}
