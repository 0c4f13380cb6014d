package tpp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ensaio/ensaio/sim/file"
)

// line is one line of an inventory's file: something that was learned, or how far days were told. It holds
// no document and no consent id.
type line struct {
	Event    string `json:"e"`
	Key      uint64 `json:"k,omitempty"` // digest of the consent's id
	Place    place  `json:"p,omitzero"`
	At       int64  `json:"t,omitempty"`
	Until    int64  `json:"u,omitempty"`
	Customer uint64 `json:"c,omitempty"`
	Company  bool   `json:"j,omitempty"`
	Count    int    `json:"n,omitempty"`
}

// The events that only the file has.
const (
	since = "since"
	told  = "told"
	joint = "folded" // so many consents, live until a day
)

// inventoryLog is the file behind an inventory. A line is with the system when it was written, so that it
// outlives a killed process; it is not waited for that the disk has it.
type inventoryLog struct {
	path  string
	f     *os.File
	lines int // in the file
}

// open reads what the directory holds, drops a torn tail, and writes the rest anew without what is over.
func (i *Inventory) open() error {
	dir := i.cfg.Dir
	if dir == "" {
		i.key = []byte(secret(32))
		i.begin()
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	keep := filepath.Join(dir, "digests.key")
	key, err := os.ReadFile(keep)
	if errors.Is(err, fs.ErrNotExist) {
		key = []byte(secret(32))
		err = file.Replace(keep, key, 0o600)
	}
	if err != nil {
		return err
	}
	i.key = key
	i.log = &inventoryLog{path: filepath.Join(dir, "consents.jsonl")}
	b, err := os.ReadFile(i.log.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := i.replay(b); err != nil {
		return err
	}
	if i.since.IsZero() {
		i.begin()
	}
	if len(i.held) > i.cfg.Most {
		i.sweep()
	}
	return i.rewrite()
}

// begin says that no day before this one is told.
func (i *Inventory) begin() {
	i.since = midnight(i.cfg.Clock.Now())
	i.told = i.since
}

// replay applies the lines of a file. A last line that was cut short is dropped; another one that cannot be
// read says that the file is damaged.
func (i *Inventory) replay(b []byte) error {
	in := bufio.NewReader(bytes.NewReader(b))
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // without its end it was never acknowledged
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("%s is damaged in line %d: %w; move it away to begin anew, counting from zero", i.log.path, n, err)
		}
		switch l.Event {
		case since:
			i.since = time.UnixMilli(l.At)
		case told:
			i.told = time.UnixMilli(l.At)
		case joint:
			i.folded[fold{i.placeOf(l.Place), l.Until}] += l.Count
		default:
			i.apply(l)
		}
	}
}

// write appends a line. What the disk refuses is kept in memory and counted.
func (i *Inventory) write(l line) {
	if i.log == nil {
		return
	}
	if i.log.lines > 100_000+4*len(i.held) {
		if err := i.rewrite(); err != nil {
			i.refused(err)
		}
		return
	}
	b, err := json.Marshal(l)
	if err == nil {
		_, err = i.log.f.Write(append(b, '\n'))
	}
	if err != nil {
		i.refused(err)
		return
	}
	i.log.lines++
}

func (i *Inventory) refused(err error) {
	if i.stats.Broken++; i.stats.Broken == 1 {
		i.cfg.Log.Error("the third party's register of consents is not on the disk: what it counts will be wrong after a restart", "error", err)
	}
}

// rewrite replaces the file by what is held.
func (i *Inventory) rewrite() error {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	lines := 0
	put := func(l line) {
		_ = out.Encode(l) // a line always encodes, and a buffer takes it
		lines++
	}
	put(line{Event: since, At: i.since.UnixMilli()})
	for key, h := range i.held {
		at := i.places[h.place]
		put(line{Event: Created, Key: key, Place: at, At: h.born, Until: h.until, Customer: h.customer, Company: h.company})
		if h.from != 0 {
			put(line{Event: Granted, Key: key, At: h.from})
		}
		if h.ended != 0 {
			put(line{Event: Ended, Key: key, At: h.ended})
		}
	}
	for f, n := range i.folded {
		put(line{Event: joint, Place: i.places[f.place], Until: f.last, Count: n})
	}
	put(line{Event: told, At: i.told.UnixMilli()}) // last: what comes before it was told in time
	if err := file.Replace(i.log.path, b.Bytes(), 0o600); err != nil {
		return err
	}
	f, err := os.OpenFile(i.log.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if i.log.f != nil {
		_ = i.log.f.Close() // the file of before, which has no name any more
	}
	i.log.f, i.log.lines = f, lines
	return nil
}

// Close lets the file go. What is noted afterwards is kept in memory alone.
func (i *Inventory) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.log == nil || i.log.f == nil {
		return nil
	}
	return i.log.f.Close()
}
