package pcm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// segmentSize is how large a file of the log grows; whole files are deleted with the reports in them.
const segmentSize = 64 << 20

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
	torn    int64 // bytes cut off when it was opened

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
			return errors.Join(err, f.Close(), os.Remove(l.path(i)))
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

// load reads a file up to its first unsound byte: what was not synced was not answered either. It holds one
// entry at a time.
func (l *ledger) load(i int64, replay func(entry, position)) error {
	f, err := os.OpenFile(l.path(i), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	l.files[i] = f
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	in := readFrames(f, 0, end)
	for {
		e, err := in.next()
		if errors.Is(err, errUnsound) {
			l.torn += end - in.off
			return f.Truncate(in.off)
		}
		if err != nil {
			return notEnd(err)
		}
		replay(e, position(i<<32|in.at))
	}
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
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
		off, limit := int64(0), end.offset()
		if i == from.file() {
			off = from.offset()
		}
		if i != end.file() {
			info, err := f.Stat()
			if errors.Is(err, os.ErrClosed) {
				continue
			}
			if err != nil {
				return err
			}
			limit = info.Size()
		}
		in := readFrames(f, off, limit)
		for {
			e, err := in.next()
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s at byte %d: %w", l.path(i), in.off, err)
			}
			if err := fn(e, position(i<<32|in.at)); err != nil {
				return err
			}
		}
	}
	return nil
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
