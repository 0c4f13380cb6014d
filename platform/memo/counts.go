package memo

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Counts keeps counts by period: those of the last two that were asked for, and no others. It is safe for
// concurrent use.
type Counts struct {
	dir string

	mu    sync.Mutex
	books map[int64]*book
	order []int64 // periods, the one asked for first first
	ended bool
}

// Slot is the place of one count.
type Slot struct {
	mu       sync.Mutex
	sheet    *sheet
	at       int
	n        uint32
	line     line
	attached bool // guarded by the books' lock
}

// line names what a count is shown as.
type line struct{ where, what string }

// Value is the count that was kept last.
func (s *Slot) Value() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.n)
}

// Keep notes what the count has become.
func (s *Slot) Keep(n *atomic.Int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b [4]byte
	s.n = uint32(max(n.Load(), 0)) // read under the lock: who comes last notes the last
	binary.LittleEndian.PutUint32(b[:], s.n)
	_ = s.sheet.write(b[:], s.at) // into the file's own blocks; where it is not mapped, the next one tries again
}

const (
	countsSuffix = ".counts"
	recordSize   = 64
	mostPeriods  = 2

	kindName, kindCount, kindSalt = 1, 2, 3
)

// book holds the counts of one period. A record is a kind (1 byte) and, of a name, its length (1), at 4 the
// text and at 60 a checksum; of a count, at 4 the numbers of its two names, at 12 its key, at 28 a checksum
// and, outside of that, at 32 the count; of the salt of the keys, at 4 the salt and at 60 a checksum.
type book struct {
	dir    string
	period int64
	sheets []*sheet
	used   int // records
	salt   []byte
	names  map[string]uint32
	texts  map[uint32]string
	slots  map[key]*Slot
}

// OpenCounts reads what the folder holds of a period and the one before it; older ones are removed.
func OpenCounts(dir string, period int64) (*Counts, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &Counts{dir: dir, books: map[int64]*book{}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		var of int64
		var number int
		if _, err := fmt.Sscanf(f.Name(), "%d-%d"+countsSuffix, &of, &number); err != nil || f.Name() != sheetName(of, number) {
			continue
		}
		if of != period && of != period-1 {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range []int64{period - 1, period} {
		if _, err := c.book(p); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

func sheetName(period int64, number int) string {
	return fmt.Sprintf("%06d-%04d%s", period, number, countsSuffix)
}

// Slot is the place of what somebody counts of something in a period; whom is kept as a hash alone. An
// error means that there is none: the count is memory's then.
func (c *Counts) Slot(period int64, where, what, whom string) (*Slot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := c.book(period)
	if err != nil {
		return nil, err
	}
	s, err := b.slot(where, what, whom)
	if s != nil {
		s.attached = true
	}
	return s, err
}

// Each visits the counts of a period that no Slot was asked for since the start.
func (c *Counts) Each(period int64, visit func(where, what string, n int64)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.books[period]
	if b == nil {
		return
	}
	for _, s := range b.slots {
		if !s.attached {
			visit(s.line.where, s.line.what, s.Value())
		}
	}
}

// Reset forgets every count.
func (c *Counts) Reset() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var failed error
	for _, b := range c.books {
		failed = errors.Join(failed, b.remove())
	}
	clear(c.books)
	c.order = nil
	return failed
}

// Close ends the files; what they hold stays.
func (c *Counts) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var failed error
	c.ended = true
	for _, b := range c.books {
		for _, s := range b.sheets {
			failed = errors.Join(failed, s.close())
		}
	}
	clear(c.books)
	return failed
}

// book finds or opens that of a period. The lock is held.
func (c *Counts) book(period int64) (*book, error) {
	if b := c.books[period]; b != nil {
		return b, nil
	}
	if c.ended {
		return nil, os.ErrClosed
	}
	if len(c.order) == mostPeriods {
		if b := c.books[c.order[0]]; b != nil {
			_ = b.remove() // at the next start it is too old
		}
		delete(c.books, c.order[0])
		c.order = slices.Delete(c.order, 0, 1)
	}
	b := &book{dir: c.dir, period: period, names: map[string]uint32{}, texts: map[uint32]string{}, slots: map[key]*Slot{}}
	if err := b.load(); err != nil {
		return nil, err
	}
	c.books[period] = b
	c.order = append(c.order, period)
	return b, nil
}

func (b *book) remove() error {
	var failed error
	for _, s := range b.sheets {
		failed = errors.Join(failed, s.close(), os.Remove(s.path))
	}
	return failed
}

func (b *book) path(number int) string { return filepath.Join(b.dir, sheetName(b.period, number)) }

// load reads the sheets there are. What is no sound record is a hole.
func (b *book) load() error {
	for {
		s, held, err := openSheet(b.path(len(b.sheets)))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		b.sheets = append(b.sheets, s)
		for at := 0; at < sheetSize; at += recordSize {
			if b.read(s, at, held[at:at+recordSize]) {
				b.used = (len(b.sheets)-1)*(sheetSize/recordSize) + at/recordSize + 1
			}
		}
	}
}

func (b *book) read(s *sheet, at int, r []byte) bool {
	u32 := binary.LittleEndian.Uint32
	number := uint32((len(b.sheets)-1)*(sheetSize/recordSize) + at/recordSize)
	switch r[0] {
	case kindCount:
		if u32(r[28:]) != crc32.Checksum(r[:28], castagnoli) {
			return false
		}
		b.slots[key(r[12:28])] = &Slot{sheet: s, at: at + 32, n: u32(r[32:]), line: line{b.texts[u32(r[4:])], b.texts[u32(r[8:])]}}
	case kindName, kindSalt:
		if u32(r[60:]) != crc32.Checksum(r[:60], castagnoli) {
			return false
		}
		if r[0] == kindSalt {
			b.salt = slices.Clone(r[4:20])
			return true
		}
		text := string(r[4 : 4+min(int(r[1]), 56)])
		b.names[text], b.texts[number] = number, text
	default:
		return false
	}
	return true
}

func (b *book) slot(where, what, whom string) (*Slot, error) {
	if b.salt == nil {
		salt := make([]byte, 16)
		if _, err := rand.Read(salt); err != nil {
			return nil, err
		}
		if _, _, err := b.text(kindSalt, salt); err != nil {
			return nil, err
		}
		b.salt = salt
	}
	sum := sha256.Sum256(append(slices.Clone(b.salt), strings.Join([]string{where, what, whom}, "\x00")...))
	k := key(sum[:16])
	if s := b.slots[k]; s != nil {
		return s, nil
	}
	var r [recordSize]byte
	r[0] = kindCount
	for i, name := range []string{where, what} {
		number, err := b.name(name)
		if err != nil {
			return nil, err
		}
		binary.LittleEndian.PutUint32(r[4+4*i:], number)
	}
	copy(r[12:], k[:])
	binary.LittleEndian.PutUint32(r[28:], crc32.Checksum(r[:28], castagnoli))
	sheet, at, err := b.put(r)
	if err != nil {
		return nil, err
	}
	s := &Slot{sheet: sheet, at: at + 32, line: line{where, what}}
	b.slots[k] = s
	return s, nil
}

// name is the number of a text; what is longer than a record is cut.
func (b *book) name(text string) (uint32, error) {
	text = text[:min(len(text), 56)]
	if n, known := b.names[text]; known {
		return n, nil
	}
	number := uint32(b.used)
	if _, _, err := b.text(kindName, []byte(text)); err != nil {
		return 0, err
	}
	b.names[text], b.texts[number] = number, text
	return number, nil
}

func (b *book) text(kind byte, text []byte) (*sheet, int, error) {
	var r [recordSize]byte
	r[0], r[1] = kind, byte(len(text))
	copy(r[4:60], text)
	binary.LittleEndian.PutUint32(r[60:], crc32.Checksum(r[:60], castagnoli))
	return b.put(r)
}

// put writes a record behind the others.
func (b *book) put(r [recordSize]byte) (*sheet, int, error) {
	const each = sheetSize / recordSize
	if b.used == len(b.sheets)*each {
		s, err := newSheet(b.path(len(b.sheets)))
		if err != nil {
			return nil, 0, err
		}
		b.sheets = append(b.sheets, s)
	}
	s, at := b.sheets[b.used/each], b.used%each*recordSize
	if err := s.write(r[:], at); err != nil {
		return nil, 0, err
	}
	b.used++
	return s, at, nil
}
