package event

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	suffix  = ".log"
	ackFile = "acknowledged"
)

// openDisk reads what a directory holds: how far it was acknowledged, and every sound frame beyond.
func openDisk(dir string, segmentSize int64) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := hold(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	d := &disk{
		dir: dir, segmentSize: segmentSize, lock: lock,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	d.fresh = d.blank
	if err := d.recover(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	go d.keep()
	return d, nil
}

func (d *disk) recover() error {
	d.acked = readCheckpoint(filepath.Join(d.dir, ackFile))
	d.lastSeq = d.acked
	files, err := os.ReadDir(d.dir) // sorted by name, hence by number
	if err != nil {
		return err
	}
	for _, f := range files {
		name, isSegment := strings.CutSuffix(f.Name(), suffix)
		first, err := strconv.ParseUint(name, 10, 64)
		if !isSegment || err != nil {
			continue
		}
		if err := d.scan(&segment{path: filepath.Join(d.dir, f.Name()), first: first}); err != nil {
			return err
		}
	}
	return nil
}

// scan reads one file up to its first unsound byte and cuts the rest off: the tail that a killed machine
// left half written. A file of which nothing is left to tell is deleted.
func (d *disk) scan(s *segment) error {
	b, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	waiting, start := 0, cursor{s, 0}
	for {
		e, n := parseFrame(b[s.size:])
		if n == 0 || e.Seq < s.first {
			break
		}
		s.size += int64(n)
		d.lastSeq = max(d.lastSeq, e.Seq)
		if e.Seq <= d.acked {
			start.off = s.size
			continue
		}
		waiting++
		d.waitingBytes += int64(n)
	}
	if cut := int64(len(b)) - s.size; cut > 0 {
		if len(bytes.Trim(b[s.size:], "\x00")) > 0 { // zeros are what it was filled with
			d.torn += cut
		}
		if err := os.Truncate(s.path, s.size); err != nil {
			return fmt.Errorf("cut torn tail: %w", err)
		}
	}
	if waiting == 0 {
		return os.Remove(s.path)
	}
	if d.waiting == 0 {
		d.at = start
	}
	d.waiting += waiting
	d.segments = append(d.segments, s)
	return nil
}

// checkpoint writes how far the outbox was acknowledged: to a new file that then takes the old one's
// name, so that a crash leaves either the old number or the new one.
func (d *disk) checkpoint() error {
	b := binary.LittleEndian.AppendUint64(nil, d.acked)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	path := filepath.Join(d.dir, ackFile)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// readCheckpoint returns the acknowledged number, or 0 when there is none that is sound: then what is
// still there is told again, which at-least-once allows.
func readCheckpoint(path string) uint64 {
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 12 || crc32.Checksum(b[:8], castagnoli) != binary.LittleEndian.Uint32(b[8:]) {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, fs.ErrInvalid) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // not every file system can
	}
	return errors.Join(err, f.Close())
}
