package event

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestAFullDiskCostsAnAppendNothing lets no file be made: appends fail at once and do not try themselves,
// and go on when there is room again.
func TestAFullDiskCostsAnAppendNothing(t *testing.T) {
	o, err := OpenOutbox(t.TempDir(), Segment(1<<10))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	d := o.shelf.(*disk)
	var full atomic.Bool
	var tries atomic.Int64
	full.Store(true)
	d.fresh = func(path string, mode int) (*segment, error) {
		tries.Add(1)
		if full.Load() {
			return nil, syscall.ENOSPC
		}
		return d.blank(path, mode)
	}
	const n = 5000
	for range n {
		if err := o.Append("private", []byte("{}")); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v", err)
		}
	}
	if got := tries.Load(); got > n/50 {
		t.Errorf("%d tries to make a file for %d appends", got, n)
	}
	if s := o.Stats(); s.Refused != n || s.Entries != 0 {
		t.Errorf("counted %+v", s)
	}
	full.Store(false)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if err = o.Append("private", []byte("{}")); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil || o.Len() != 1 {
		t.Errorf("with room again: %v, %d wait", err, o.Len())
	}
}
