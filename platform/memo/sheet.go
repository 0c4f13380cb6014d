package memo

import (
	"errors"
	"os"
	"runtime"

	"github.com/ensaio/ensaio/sim/file"
)

// sheetSize is the length of a sheet in bytes.
const sheetSize = 256 << 10

// sheet is a file of one length. It is full of zeros from the start, so that its blocks are there and a
// write cannot meet a full disk. Whoever writes to one place of it locks that place.
//
// Its pages stay in memory as long as anybody holds the sheet, also after it was closed or removed: a call
// that comes late writes where nobody reads any more.
type sheet struct {
	path string
	file *os.File
	view []byte // nil where that cannot be had
}

var zeros [sheetSize]byte

// newSheet makes a sheet; one that is there is emptied.
func newSheet(path string) (*sheet, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(zeros[:]); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return (&sheet{path: path, file: f}).mapped(), nil
}

// openSheet reads what a sheet holds, and gives it its length again.
func openSheet(path string) (*sheet, []byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	held, err := os.ReadFile(path)
	if err == nil && len(held) < sheetSize { // killed while it was made
		_, err = f.WriteAt(zeros[len(held):], int64(len(held)))
		held = append(held, zeros[len(held):]...)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return (&sheet{path: path, file: f}).mapped(), held[:sheetSize], nil
}

func (s *sheet) mapped() *sheet {
	if s.view, _ = file.View(s.file, sheetSize); s.view != nil {
		runtime.AddCleanup(s, func(b []byte) { _ = file.Unview(b) }, s.view)
	}
	return s
}

func (s *sheet) write(b []byte, at int) error {
	if s.view != nil {
		copy(s.view[at:], b)
		runtime.KeepAlive(s)
		return nil
	}
	_, err := s.file.WriteAt(b, int64(at))
	return err
}

func (s *sheet) close() error { return s.file.Close() }
