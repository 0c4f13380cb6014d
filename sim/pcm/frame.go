package pcm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

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

// errUnsound says that what follows is no entry.
var errUnsound = errors.New("log entry is damaged or cut off")

// frames reads the entries of a stretch of a file, one at a time.
type frames struct {
	in  *bufio.Reader
	at  int64 // where the entry that was read last begins
	off int64 // behind it
	end int64
	buf []byte
}

func readFrames(f io.ReaderAt, from, to int64) *frames {
	return &frames{in: bufio.NewReaderSize(io.NewSectionReader(f, from, to-from), 256<<10), off: from, end: to}
}

// next returns the next entry, whose body is valid until the one after it is read; [io.EOF] at the end, or
// [errUnsound].
func (r *frames) next() (entry, error) {
	if r.off >= r.end {
		return entry{}, io.EOF
	}
	head, err := r.in.Peek(8)
	if errors.Is(err, io.EOF) {
		return entry{}, errUnsound
	}
	if err != nil {
		return entry{}, err
	}
	n := int64(binary.LittleEndian.Uint32(head)) + 8
	if n > r.end-r.off {
		return entry{}, errUnsound
	}
	if int64(cap(r.buf)) < n {
		r.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(r.in, r.buf[:n]); err != nil {
		return entry{}, err
	}
	e, size := parseEntry(r.buf[:n])
	if size == 0 {
		return entry{}, errUnsound
	}
	r.at, r.off = r.off, r.off+n
	return e, nil
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
