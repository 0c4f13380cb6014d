package availability

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLine bounds one line of a file.
const maxLine = 1 << 20

// errCut says that a file ends within a compressed block: what came before it was read.
var errCut = errors.New("the compressed file is cut short here")

// plain undoes what a log is wrapped in: gzip, and the byte-order marks of UTF-8 and UTF-16. What cannot be
// a log is refused by name.
func plain(r io.Reader) (*bufio.Reader, error) {
	text := bufio.NewReaderSize(r, 64<<10)
	head, err := text.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case starts("\x1f\x8b"):
		unpacked, err := gzip.NewReader(text)
		if err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
		return plain(&member{unpacked})
	case starts("PK\x03\x04"):
		return nil, fmt.Errorf("%w: this is a workbook or a ZIP archive; save the sheet as CSV, or unpack it", ErrNothing)
	case starts("\x28\xb5\x2f\xfd"), starts("BZh"), starts("\xfd7zX"):
		return nil, fmt.Errorf("%w: the file is compressed; only gzip is undone here, unpack it first", ErrNothing)
	case starts("\xef\xbb\xbf"):
		_, _ = text.Discard(3)
	case starts("\xff\xfe"):
		_, _ = text.Discard(2)
		return bufio.NewReaderSize(&wide{from: text, order: binary.LittleEndian}, 64<<10), nil
	case starts("\xfe\xff"):
		_, _ = text.Discard(2)
		return bufio.NewReaderSize(&wide{from: text, order: binary.BigEndian}, 64<<10), nil
	}
	return text, nil
}

// member tells of a file that ends within a compressed block by a name of its own.
type member struct{ io.Reader }

func (m *member) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	return n, err
}

// wide reads UTF-16 as UTF-8, which is what spreadsheets call Unicode text.
type wide struct {
	from  *bufio.Reader
	order binary.ByteOrder
	ready []byte
}

func (w *wide) Read(p []byte) (int, error) {
	for len(w.ready) < len(p) && len(w.ready) < 4<<10 {
		r, err := w.rune()
		if err != nil {
			if len(w.ready) > 0 {
				break
			}
			return 0, err
		}
		w.ready = utf8.AppendRune(w.ready, r)
	}
	n := copy(p, w.ready)
	w.ready = append(w.ready[:0], w.ready[n:]...)
	return n, nil
}

func (w *wide) rune() (rune, error) {
	var unit [2]byte
	if _, err := io.ReadFull(w.from, unit[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return 0, err
	}
	r := rune(w.order.Uint16(unit[:]))
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if _, err := io.ReadFull(w.from, unit[:]); err != nil {
		return utf8.RuneError, nil
	}
	return utf16.DecodeRune(r, rune(w.order.Uint16(unit[:]))), nil
}

// next reads a line without its end; last says that none follows. A line longer than maxLine is skipped, and
// comes back empty with an error that names no other.
func next(r *bufio.Reader, line []byte) (_ []byte, last bool, bad, err error) {
	line = line[:0]
	for {
		part, err := r.ReadSlice('\n')
		switch {
		case bad != nil:
		case len(line)+len(part) > maxLine:
			bad, line = fmt.Errorf("longer than %d bytes", maxLine), line[:0]
		default:
			line = append(line, part...)
		}
		switch {
		case err == nil:
			return bytes.TrimRight(line, "\r\n"), false, bad, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return bytes.TrimRight(line, "\r\n"), true, bad, nil
		case errors.Is(err, errCut):
			return line, true, errCut, nil
		default:
			return nil, true, nil, err
		}
	}
}

// each hands over the lines that are not empty, and counts those that were refused. before is how many
// lines were read already.
func each(r *bufio.Reader, before int64, in *Input, take func([]byte) error) error {
	var line []byte
	for number := before + 1; ; number++ {
		var last bool
		var bad, err error
		line, last, bad, err = next(r, line)
		if err != nil {
			return fmt.Errorf("read the log: line %d: %w", number, err)
		}
		if bad == nil && len(bytes.TrimSpace(line)) > 0 {
			if bad = take(line); bad != nil && last && !errors.Is(bad, errForeign) {
				bad = fmt.Errorf("%w (the file ends in the middle of this line)", bad)
			}
		}
		if bad != nil {
			in.bad("line", number, bad)
		}
		if last {
			return nil
		}
	}
}

// eachOf hands over the records of a JSON array.
func eachOf(r io.Reader, in *Input, take func([]byte) error) error {
	list := json.NewDecoder(r)
	_, _ = list.Token() // the bracket that told of an array
	for number := int64(1); list.More(); number++ {
		var record json.RawMessage
		if err := list.Decode(&record); err != nil {
			in.bad("record", number, fmt.Errorf("the rest of the array cannot be read: %w", err))
			return nil
		}
		if err := take(record); err != nil {
			in.bad("record", number, err)
		}
	}
	if _, err := list.Token(); err != nil {
		in.bad("array", 1, errors.New("it does not end"))
	}
	return nil
}
