package memo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func counts(t testing.TB, dir string, period int64) *Counts {
	t.Helper()
	c, err := OpenCounts(dir, period)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// counted adds to a count, and returns what it has become.
func (c *Counts) counted(t testing.TB, period int64, whom string, more int64) int64 {
	t.Helper()
	s, err := c.Slot(period, "org-1", "accounts.list", whom)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	n.Store(s.Value() + more)
	s.Keep(&n)
	return n.Load()
}

func TestCountsOutliveTheProcess(t *testing.T) {
	const many = 10_000 // more than a sheet holds
	for name, end := range map[string]func(*Counts) error{"closed": (*Counts).Close, "killed": func(*Counts) error { return nil }} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := counts(t, dir, 100)
			for i := range many {
				c.counted(t, 100, fmt.Sprint("person-", i), int64(i%7))
			}
			c.counted(t, 100, "person-3", -1)
			if err := end(c); err != nil {
				t.Fatal(err)
			}
			c = counts(t, dir, 100)
			shown := func(want int) {
				t.Helper()
				n := 0
				c.Each(100, func(where, what string, _ int64) {
					if where == "org-1" && what == "accounts.list" {
						n++
					}
				})
				if n != want {
					t.Errorf("%d counts are shown beside those in use, want %d", n, want)
				}
			}
			shown(many)
			for i, want := range map[int]int64{0: 0, 1: 1, 3: 2, 4100: 4100 % 7, many - 1: (many - 1) % 7, many: 0} {
				if n := c.counted(t, 100, fmt.Sprint("person-", i), 0); n != want {
					t.Errorf("count %d is %d, was %d", i, n, want)
				}
			}
			shown(many - 5)
			if err := c.Reset(); err != nil {
				t.Fatal(err)
			}
			shown(0)
			if left := sheets(t, dir); left != 0 {
				t.Errorf("%d files after all was forgotten", left)
			}
			if n := c.counted(t, 100, "person-3", 1); n != 1 {
				t.Errorf("what was forgotten is %d", n)
			}
		})
	}
}

func TestAPeriodIsForgottenAfterTheNext(t *testing.T) {
	dir := t.TempDir()
	c := counts(t, dir, 100)
	for period := int64(100); period < 104; period++ {
		if n := c.counted(t, period, "x", period); n != period {
			t.Errorf("period %d begins with %d", period, n-period)
		}
		if n := c.counted(t, period-1, "x", 0); period > 100 && n != period-1 {
			t.Errorf("the one before %d has %d", period, n)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if left := sheets(t, dir); left != 2 {
		t.Errorf("%d files of two periods", left)
	}
	c = counts(t, dir, 104)
	if n := c.counted(t, 103, "x", 0); n != 103 || sheets(t, dir) != 1 {
		t.Errorf("%d counted, %d files", n, sheets(t, dir))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Slot(104, "", "", ""); err == nil {
		t.Error("a place after the end")
	}
}

func TestCountsTellOfNobody(t *testing.T) {
	dir := t.TempDir()
	c := counts(t, dir, 100)
	c.counted(t, 100, "12345678909\x00account-1", 3)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	held, err := os.ReadFile(filepath.Join(dir, sheetName(100, 0)))
	if err != nil || strings.Contains(string(held), "12345678909") || strings.Contains(string(held), "account-1") || !strings.Contains(string(held), "accounts.list") {
		t.Errorf("%v %q", err, strings.Trim(string(held), "\x00"))
	}
}

func TestTheLastOfManyIsKept(t *testing.T) {
	dir := t.TempDir()
	c := counts(t, dir, 100)
	s, err := c.Slot(100, "org-1", "accounts.list", "x")
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				n.Add(1)
				s.Keep(&n)
			}
		})
	}
	all.Wait()
	if got := counts(t, dir, 100).counted(t, 100, "x", 0); got != 4000 {
		t.Errorf("%d of 4000 are kept", got)
	}
}
