package memo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// note is one id that was used, as a file holds it: key (16 bytes), owner (8), and in the last 8 the time
// until which it is held (6) and a check (2), all little-endian. A note that was cut in two by a kill was
// of a call that nobody had an answer of.
type note struct {
	key   key
	owner uint64
	until int64 // Unix milliseconds
}

const (
	noteSize = 32
	suffix   = ".seen"
	// mostSheets bounds a folder: two million ids in 64 MiB. Beyond that the oldest go first.
	mostSheets = 256
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (n note) encode(b *[noteSize]byte) {
	copy(b[:], n.key[:])
	binary.LittleEndian.PutUint64(b[16:], n.owner)
	binary.LittleEndian.PutUint64(b[24:], uint64(n.until)&(1<<48-1))
	binary.LittleEndian.PutUint16(b[30:], uint16(crc32.Checksum(b[:30], castagnoli))|1)
}

// decode reads a note; false where there is none.
func decode(b []byte) (note, bool) {
	if binary.LittleEndian.Uint16(b[30:]) != uint16(crc32.Checksum(b[:30], castagnoli))|1 {
		return note{}, false
	}
	return note{key(b[:16]), binary.LittleEndian.Uint64(b[16:]), int64(binary.LittleEndian.Uint64(b[24:]) & (1<<48 - 1))}, true
}

// log is a folder of sheets of notes.
type log struct {
	dir string

	mu     sync.Mutex
	active *sheet // nil until the first note after a start
	used   int    // bytes of it
	number uint64 // of the last sheet
	ends   map[uint64]int64
	oldest uint64
	closed bool
}

func (l *log) path(number uint64) string {
	return filepath.Join(l.dir, fmt.Sprintf("%020d%s", number, suffix))
}

// openLog hands out what is still held. A sheet of which nothing is held is removed, and of one that
// another process wrote only its notes are left.
func openLog(dir string, now time.Time, each func(note)) (*log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l := &log{dir: dir, ends: map[uint64]int64{}}
	files, err := os.ReadDir(dir) // sorted by name, hence by number
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		name, ours := strings.CutSuffix(f.Name(), suffix)
		number, err := strconv.ParseUint(name, 10, 64)
		if !ours || err != nil {
			continue
		}
		l.number = max(l.number, number)
		if err := l.read(number, now, each); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *log) read(number uint64, now time.Time, each func(note)) error {
	held, err := os.ReadFile(l.path(number))
	if err != nil {
		return err
	}
	end, last := int64(0), 0
	for at := 0; at+noteSize <= len(held); at += noteSize {
		n, ok := decode(held[at:])
		if !ok {
			continue // zeros, or what a failing machine left of a page
		}
		last, end = at+noteSize, max(end, n.until)
		each(n)
	}
	if end <= now.UnixMilli() {
		return os.Remove(l.path(number))
	}
	l.keep(number, end)
	if last < len(held) {
		return os.Truncate(l.path(number), int64(last))
	}
	return nil
}

func (l *log) keep(number uint64, end int64) {
	if len(l.ends) == 0 {
		l.oldest = number
	}
	l.ends[number] = end
}

func (l *log) append(n note, now time.Time) error {
	var b [noteSize]byte
	n.encode(&b)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return os.ErrClosed
	}
	if l.active == nil || l.used == sheetSize {
		if err := l.begin(now); err != nil {
			return err
		}
	}
	if err := l.active.write(b[:], l.used); err != nil {
		return err
	}
	l.used += noteSize
	l.ends[l.number] = max(l.ends[l.number], n.until)
	return nil
}

// begin starts another sheet, and removes those that hold nothing any more.
func (l *log) begin(now time.Time) error {
	s, err := newSheet(l.path(l.number + 1))
	if err != nil {
		return err
	}
	if l.active != nil {
		_ = l.active.close() // it is full, and nothing was promised of the disk
	}
	l.number++
	l.active, l.used = s, 0
	for number, end := range l.ends {
		if end <= now.UnixMilli() {
			l.drop(number)
		}
	}
	l.keep(l.number, 0)
	for ; len(l.ends) > mostSheets; l.oldest++ {
		if _, there := l.ends[l.oldest]; there {
			l.drop(l.oldest)
		}
	}
	return nil
}

// drop removes a sheet. One that cannot be removed is looked at again at the next start.
func (l *log) drop(number uint64) {
	delete(l.ends, number)
	_ = os.Remove(l.path(number))
}

func (l *log) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.active == nil {
		return nil
	}
	return errors.Join(os.Truncate(l.active.path, int64(l.used)), l.active.close())
}
