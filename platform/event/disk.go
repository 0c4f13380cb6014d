package event

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// syncDelay is how long an appended entry may wait for its fsync. With the fsync itself it stays below
// the 100 ms that are promised on a working disk.
const syncDelay = 50 * time.Millisecond

// cursor is a place between two frames.
type cursor struct {
	seg *segment
	off int64
}

// lent is an entry that take handed out, and the place behind it.
type lent struct {
	seq  uint64
	size int64
	end  cursor
}

// disk is the shelf in a directory.
type disk struct {
	dir         string
	segmentSize int64
	lock        *os.File

	mu       sync.Mutex
	segments []*segment // oldest first; the last one may be active
	active   *segment   // nil until the first append
	spare    *segment   // a file full of zeros, made ahead; nil while there is none
	failed   error      // why no file could be made; nil once one could
	fresh    func(path string, mode int) (*segment, error)
	dirty    []*segment // written to since their last fsync
	syncing  []*segment // being made durable right now
	buf      []byte
	wake     chan struct{}
	stop     chan struct{}
	stopped  chan struct{}

	// What follows belongs to the one reader.
	at     cursor // behind the last dropped entry
	lent   []lent
	reader *os.File
	chunk  []byte

	lastSeq      uint64
	acked        uint64
	waiting      int
	waitingBytes int64
	torn         int64
	syncFailures atomic.Int64
}

func (d *disk) append(seq uint64, kind string, body []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.active == nil || d.active.size >= d.segmentSize {
		if err := d.begin(seq); err != nil {
			return err
		}
	}
	s := d.active
	d.buf = appendFrame(d.buf[:0], seq, kind, body)
	if err := s.put(d.buf); err != nil {
		// A part may have been written: cut it off, or leave this file and begin another.
		if cut := s.file.Truncate(s.size); cut != nil {
			d.active = nil
			err = errors.Join(err, cut)
		}
		return err
	}
	s.size += int64(len(d.buf))
	if cap(d.buf) > 1<<16 {
		d.buf = nil
	}
	if len(d.dirty) == 0 || d.dirty[len(d.dirty)-1] != s {
		d.dirty = append(d.dirty, s)
		d.ring()
	}
	return nil
}

// ring wakes the background.
func (d *disk) ring() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// begin starts a new active file. The old one stays open until the syncer has made it durable.
func (d *disk) begin(seq uint64) error {
	path := filepath.Join(d.dir, fmt.Sprintf("%020d%s", seq, suffix))
	s := d.spare
	d.spare = nil
	if s != nil && os.Rename(s.path, path) != nil {
		_ = s.finish()
		s = nil
	}
	if s == nil && d.failed == nil {
		s, d.failed = d.fresh(path, os.O_EXCL)
	}
	if s == nil {
		// No append pays again for a disk that is full: the background tries, as long as any comes.
		d.active = nil
		d.ring()
		return d.failed
	}
	s.path, s.first = path, seq
	d.active = s
	d.segments = append(d.segments, s)
	return nil
}

// keep is the background that makes appended entries durable.
func (d *disk) keep() {
	defer close(d.stopped)
	timer := time.NewTimer(syncDelay)
	defer timer.Stop()
	for {
		select {
		case <-d.wake:
		case <-d.stop:
			d.sync()
			return
		}
		timer.Reset(syncDelay)
		select {
		case <-timer.C:
		case <-d.stop:
		}
		d.sync()
		d.prepare()
	}
}

func (d *disk) sync() {
	d.mu.Lock()
	list := d.dirty
	d.dirty, d.syncing = nil, list
	d.mu.Unlock()
	if len(list) == 0 {
		return
	}
	named := true
	for _, s := range list {
		named = named && s.named
		if err := syncData(s.file); err != nil {
			d.syncFailures.Add(1)
			continue
		}
		s.named = true
	}
	if !named {
		if err := syncDir(d.dir); err != nil {
			d.syncFailures.Add(1)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncing = nil
	for _, s := range list {
		if s != d.active {
			d.shut(s)
		}
	}
}

// shut closes a file that will not be written to any more, unless it still waits for its fsync.
func (d *disk) shut(s *segment) {
	if slices.Contains(d.dirty, s) || slices.Contains(d.syncing, s) {
		return
	}
	if s.file != nil {
		_ = s.finish() // synced; nothing to lose, and zeros that stay are overlooked
	}
}

func (d *disk) take(max int) ([]Entry, error) {
	d.lent = d.lent[:0]
	var out []Entry
	at, total := d.at, int64(0)
	for len(out) < max && total < maxBatch {
		d.mu.Lock()
		at = d.forward(at)
		size := int64(0)
		if at.seg != nil {
			size = at.seg.size
		}
		d.mu.Unlock()
		if at.seg == nil || at.off >= size {
			break
		}
		chunk, err := d.read(at, size)
		if err != nil {
			return nil, err
		}
		for before := at.off; len(out) < max && total < maxBatch; {
			e, n := parseFrame(chunk)
			if n == 0 && at.off == before {
				return nil, fmt.Errorf("%s is damaged at byte %d", at.seg.path, at.off)
			}
			if n == 0 {
				break
			}
			chunk = chunk[n:]
			at.off += int64(n)
			total += int64(n)
			e.Body = append([]byte(nil), e.Body...)
			out = append(out, e)
			d.lent = append(d.lent, lent{e.Seq, int64(n), at})
		}
	}
	return out, nil
}

// forward steps over the end of files that are complete.
func (d *disk) forward(at cursor) cursor {
	if at.seg == nil {
		if len(d.segments) == 0 {
			return at
		}
		at = cursor{seg: d.segments[0]}
	}
	for at.off >= at.seg.size {
		i := slices.Index(d.segments, at.seg)
		if i < 0 || i+1 >= len(d.segments) {
			return at
		}
		at = cursor{seg: d.segments[i+1]}
	}
	return at
}

// read returns the bytes from at to at most maxRead further, never past size. One whole frame always fits.
func (d *disk) read(at cursor, size int64) ([]byte, error) {
	const maxRead = 1 << 20
	if d.reader == nil || d.reader.Name() != at.seg.path {
		if d.reader != nil {
			_ = d.reader.Close()
		}
		f, err := os.Open(at.seg.path)
		if err != nil {
			d.reader = nil
			return nil, err
		}
		d.reader = f
	}
	n := min(size-at.off, maxRead)
	for {
		if int64(cap(d.chunk)) < n {
			d.chunk = make([]byte, n)
		}
		chunk := d.chunk[:n]
		if _, err := d.reader.ReadAt(chunk, at.off); err != nil && err != io.EOF {
			return nil, err
		}
		if _, whole := parseFrame(chunk); whole > 0 || n == size-at.off {
			return chunk, nil
		}
		n = min(size-at.off, n*4)
	}
}

func (d *disk) drop(upTo uint64) (entries int, bytes int64, err error) {
	if upTo <= d.acked {
		return 0, 0, nil
	}
	for len(d.lent) == 0 || d.lent[len(d.lent)-1].seq < upTo {
		// Acknowledged without having been taken: walk there.
		list, err := d.take(1024)
		if err != nil {
			return entries, bytes, err
		}
		if len(list) == 0 {
			break
		}
		if last := d.lent[len(d.lent)-1]; last.seq < upTo {
			for _, l := range d.lent {
				entries, bytes = entries+1, bytes+l.size
			}
			d.at = last.end
		}
	}
	i := 0
	for ; i < len(d.lent) && d.lent[i].seq <= upTo; i++ {
		entries, bytes = entries+1, bytes+d.lent[i].size
		d.at = d.lent[i].end
	}
	d.lent = append(d.lent[:0], d.lent[i:]...)
	d.acked = upTo
	return entries, bytes, errors.Join(d.checkpoint(), d.sweep())
}

// sweep deletes the files before the cursor.
func (d *disk) sweep() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.at.seg; s != nil && s == d.active && d.at.off >= s.size && s.size >= d.segmentSize/8 {
		d.active = nil // all told: the next entry begins a new file and this one can go
	}
	for len(d.segments) > 0 {
		s := d.segments[0]
		if s == d.active || (s == d.at.seg && d.at.off < s.size) || (s != d.at.seg && !slices.Contains(d.segments, d.at.seg)) {
			return nil
		}
		if err := os.Remove(s.path); err != nil {
			return err
		}
		d.shut(s)
		d.segments = d.segments[1:]
		if s == d.at.seg {
			d.at = cursor{}
			return nil
		}
	}
	return nil
}

func (d *disk) close() error {
	close(d.stop)
	<-d.stopped
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	for _, s := range d.segments {
		if s.file != nil {
			err = errors.Join(err, s.finish())
		}
	}
	if d.spare != nil {
		err = errors.Join(err, d.spare.finish(), os.Remove(d.spare.path))
		d.spare = nil
	}
	if d.reader != nil {
		err = errors.Join(err, d.reader.Close())
	}
	return errors.Join(err, d.lock.Close())
}
