package event

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/ensaio/ensaio/sim/file"
)

// segment is one file of consecutive frames. While it is written to, zeros lie behind them: the file has
// its whole length from the start, so that neither a write nor making it durable changes anything but
// data. When each append let the file grow, appends stood still behind the journal of the file system for
// as long as an fsync took, which cost a data read a fifth of its time.
type segment struct {
	path  string
	first uint64
	size  int64    // of sound frames
	file  *os.File // open for writing while active or not yet synced
	view  []byte   // the file in memory, nil where that cannot be had
	named bool     // its name and its length are durable
}

// put writes behind the last frame. The file is full of zeros, so its blocks are there: a copy into its view
// cannot meet a full disk.
func (s *segment) put(frame []byte) error {
	if s.size+int64(len(frame)) <= int64(len(s.view)) {
		copy(s.view[s.size:], frame)
		return nil
	}
	_, err := s.file.WriteAt(frame, s.size)
	return err
}

// finish cuts the zeros off and closes the file.
func (s *segment) finish() error {
	var failed error
	if s.view != nil {
		failed = file.Unview(s.view)
		s.view = nil
	}
	failed = errors.Join(failed, s.file.Truncate(s.size), s.file.Close())
	s.file = nil
	return failed
}

// blank makes a file full of zeros.
func (d *disk) blank(path string, mode int) (*segment, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|mode, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lengthen(f, d.segmentSize); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	s := &segment{path: path, file: f}
	s.view, _ = file.View(f, int(d.segmentSize)) // without one appends write
	return s, nil
}

// spareName is the file that is made ahead; it holds nothing.
const spareName = "spare"

// prepare makes the next file ahead: filling it takes some milliseconds, in which no append should wait. A
// disk that is full is told by the append that needs the file.
func (d *disk) prepare() {
	d.mu.Lock()
	wanted := d.spare == nil && (d.active != nil || d.failed != nil)
	d.mu.Unlock()
	if !wanted {
		return
	}
	s, err := d.fresh(filepath.Join(d.dir, spareName), os.O_TRUNC)
	if err != nil {
		return
	}
	_ = syncData(s.file) // else the first append's fsync would have it all to write
	d.mu.Lock()
	d.spare, d.failed = s, nil
	d.mu.Unlock()
}

// zeros are what a file is filled with.
var zeros = make([]byte, 1<<20)

// lengthen writes zeros. A reservation would not do: its first use changes metadata again.
func lengthen(f *os.File, size int64) error {
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}
