package pcm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// segmentSize is how large a file of the log grows; whole files are deleted with the reports in them.
const segmentSize = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry is one kept item: what was sent, by whom, and what was decided at the door.
type entry struct {
	id       [16]byte
	received int64 // Unix milliseconds
	kind     byte
	decision byte
	reporter string
	message  string
	body     []byte
}

// position is a place in the log: number of the file and offset in it.
type position int64

func (p position) file() int64   { return int64(p) >> 32 }
func (p position) offset() int64 { return int64(p) & (1<<32 - 1) }

// ledger is the append-only log of everything taken in. Concurrent requests share an fsync: who waits for
// one finds that another's covered its bytes. Without a directory the files are nameless and vanish with
// the process; then nothing is synced, because nothing could be found again.
type ledger struct {
	dir       string
	temporary bool
	limit     int64 // of a file

	mu      sync.Mutex // writes
	files   map[int64]*os.File
	current int64
	size    int64
	oldest  int64

	syncing sync.Mutex
	synced  position
}

func openLedger(dir string, replay func(entry, position)) (*ledger, error) {
	l := &ledger{dir: dir, limit: segmentSize, files: map[int64]*os.File{}}
	if dir == "" {
		tmp, err := os.MkdirTemp("", "pcm")
		if err != nil {
			return nil, err
		}
		l.dir, l.temporary = tmp, true
		return l, l.begin(1)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	last := int64(0)
	for _, n := range names {
		number, isLog := strings.CutSuffix(n.Name(), ".log")
		i, err := strconv.ParseInt(number, 10, 64)
		if !isLog || err != nil {
			continue
		}
		if err := l.load(i, replay); err != nil {
			return nil, errors.Join(err, l.close())
		}
		if l.oldest == 0 {
			l.oldest = i
		}
		last = i
	}
	l.synced = position((last + 1) << 32)
	return l, l.begin(last + 1)
}

func (l *ledger) path(i int64) string { return filepath.Join(l.dir, fmt.Sprintf("%012d.log", i)) }

func (l *ledger) begin(i int64) error {
	f, err := os.OpenFile(l.path(i), os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if l.temporary {
		_ = os.Remove(l.path(i)) // where an open file cannot be removed, close does it
	}
	if !l.temporary {
		if err := syncDir(l.dir); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	l.files[i], l.current, l.size = f, i, 0
	if l.oldest == 0 {
		l.oldest = i
	}
	return nil
}

// syncDir makes a new file's name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrInvalid) {
		err = nil // not every file system can
	}
	return errors.Join(err, d.Close())
}

// load reads a file up to its first unsound byte: what was not synced was not answered either.
func (l *ledger) load(i int64, replay func(entry, position)) error {
	f, err := os.OpenFile(l.path(i), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	l.files[i] = f
	b, err := os.ReadFile(l.path(i))
	if err != nil {
		return err
	}
	off := int64(0)
	for {
		e, n := parseEntry(b[off:])
		if n == 0 {
			break
		}
		replay(e, position(i<<32|off))
		off += n
	}
	if off < int64(len(b)) {
		return f.Truncate(off)
	}
	return nil
}

// append writes a prepared run of frames and returns where it begins. Durable is what [ledger.commit]
// makes of it.
func (l *ledger) append(frames []byte) (position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size >= l.limit {
		// The old file's bytes must be on disk before it is left behind.
		if err := l.flush(l.files[l.current]); err != nil {
			return 0, err
		}
		if err := l.begin(l.current + 1); err != nil {
			return 0, err
		}
	}
	f := l.files[l.current]
	if _, err := f.Write(frames); err != nil {
		return 0, errors.Join(err, f.Truncate(l.size))
	}
	at := position(l.current<<32 | l.size)
	l.size += int64(len(frames))
	return at, nil
}

// commit returns when everything up to a position is on disk.
func (l *ledger) commit(upTo position) error {
	if l.temporary {
		return nil
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.synced >= upTo {
		return nil
	}
	l.mu.Lock()
	f, end := l.files[l.current], position(l.current<<32|l.size)
	l.mu.Unlock()
	if err := l.flush(f); err != nil {
		return err
	}
	l.synced = end
	return nil
}

func (l *ledger) flush(f *os.File) error {
	if l.temporary {
		return nil
	}
	return f.Sync()
}

// at reads one entry.
func (l *ledger) at(p position) (entry, error) {
	l.mu.Lock()
	f := l.files[p.file()]
	l.mu.Unlock()
	if f == nil {
		return entry{}, os.ErrNotExist
	}
	var head [8]byte
	if _, err := f.ReadAt(head[:], p.offset()); err != nil {
		return entry{}, err
	}
	b := make([]byte, int64(binary.LittleEndian.Uint32(head[:]))+8)
	if _, err := f.ReadAt(b, p.offset()); err != nil {
		return entry{}, err
	}
	e, n := parseEntry(b)
	if n == 0 {
		return entry{}, errors.New("log entry is damaged")
	}
	return e, nil
}

// end is the place before which everything is kept for good.
func (l *ledger) end() position {
	if l.temporary {
		l.mu.Lock()
		defer l.mu.Unlock()
		return position(l.current<<32 | l.size)
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	return l.synced
}

// walk reads the entries from a place on, up to the log's end at the call. Files that were deleted
// meanwhile are passed over. An entry's body is valid during its call of fn alone.
func (l *ledger) walk(from position, fn func(entry, position) error) error {
	end := l.end()
	l.mu.Lock()
	first := max(from.file(), l.oldest)
	l.mu.Unlock()
	for i := first; i <= end.file(); i++ {
		l.mu.Lock()
		f := l.files[i]
		l.mu.Unlock()
		if f == nil {
			continue
		}
		off, limit := int64(0), int64(1<<62)
		if i == from.file() {
			off = from.offset()
		}
		if i == end.file() {
			limit = end.offset()
		}
		in := bufio.NewReaderSize(io.NewSectionReader(f, off, limit-off), 256<<10)
		for {
			e, size, err := readEntry(in)
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
				break
			}
			if err != nil {
				return err
			}
			if err := fn(e, position(i<<32|off)); err != nil {
				return err
			}
			off += size
		}
	}
	return nil
}

func readEntry(in *bufio.Reader) (entry, int64, error) {
	head, err := in.Peek(8)
	if err != nil {
		return entry{}, 0, io.EOF // fewer than a head: the end
	}
	frame := make([]byte, int64(binary.LittleEndian.Uint32(head))+8)
	if _, err := io.ReadFull(in, frame); err != nil {
		return entry{}, 0, fmt.Errorf("log entry is cut off: %w", err)
	}
	e, n := parseEntry(frame)
	if n == 0 {
		return entry{}, 0, errors.New("log entry is damaged")
	}
	return e, n, nil
}

// forget deletes the files before a position, and returns where the log begins now.
func (l *ledger) forget(before position) (position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	for ; l.oldest < before.file() && l.oldest < l.current; l.oldest++ {
		if f := l.files[l.oldest]; f != nil {
			err = errors.Join(err, f.Close())
			delete(l.files, l.oldest)
			if !l.temporary {
				err = errors.Join(err, os.Remove(l.path(l.oldest)))
			}
		}
	}
	return position(l.oldest << 32), err
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	for _, f := range l.files {
		err = errors.Join(err, l.flush(f), f.Close())
	}
	l.files = map[int64]*os.File{}
	if l.temporary {
		err = errors.Join(err, os.RemoveAll(l.dir))
	}
	return err
}

// appendEntry frames an entry: length and CRC-32C over all that follows, then the fields.
func appendEntry(b []byte, e *entry) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, e.id[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.received))
	b = append(b, e.kind, e.decision, byte(len(e.reporter)))
	b = append(b, e.reporter...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.message)))
	b = append(b, e.message...)
	b = append(b, e.body...)
	binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-8))
	binary.LittleEndian.PutUint32(b[at+4:], crc32.Checksum(b[at+8:], castagnoli))
	return b
}

// parseEntry reads the entry at the start of b; its size is 0 when there is no sound one.
func parseEntry(b []byte) (entry, int64) {
	const least = 8 + 16 + 8 + 3 + 2
	if len(b) < least {
		return entry{}, 0
	}
	n := int64(binary.LittleEndian.Uint32(b)) + 8
	if n < least || n > int64(len(b)) || crc32.Checksum(b[8:n], castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return entry{}, 0
	}
	var e entry
	copy(e.id[:], b[8:24])
	e.received = int64(binary.LittleEndian.Uint64(b[24:]))
	e.kind, e.decision = b[32], b[33]
	reporter := int64(b[34])
	if 35+reporter+2 > n {
		return entry{}, 0
	}
	e.reporter = string(b[35 : 35+reporter])
	at := 35 + reporter
	message := int64(binary.LittleEndian.Uint16(b[at:]))
	if at += 2; at+message > n {
		return entry{}, 0
	}
	e.message = string(b[at : at+message])
	e.body = b[at+message : n]
	return e, n
}
