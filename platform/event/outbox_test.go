package event

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	if appending() {
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t interface {
	Helper()
	Fatal(...any)
}, dir string, o ...Option) *Outbox {
	t.Helper()
	box, err := OpenOutbox(dir, o...)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// drain returns what waits as text, without acknowledging it.
func drain(t interface {
	Helper()
	Fatal(...any)
}, o *Outbox) []string {
	t.Helper()
	if o.Len() == 0 {
		return nil
	}
	list, err := o.Next(context.Background(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprintf("%d %s %s", e.Seq, e.Kind, e.Body))
	}
	return out
}

func TestOutboxHandsOutInOrderUntilAcknowledged(t *testing.T) {
	for _, place := range []string{"memory", "disk"} {
		t.Run(place, func(t *testing.T) {
			dir := ""
			if place == "disk" {
				dir = t.TempDir()
			}
			o := open(t, dir, Segment(64))
			defer o.Close()
			for i := 1; i <= 5; i++ {
				if err := o.Append("private", fmt.Appendf(nil, "body %d", i)); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				list, err := o.Next(t.Context(), 2)
				if err != nil || len(list) != 2 || list[0].Seq != 1 || string(list[1].Body) != "body 2" {
					t.Fatalf("got %v, %v", list, err)
				}
			}
			if err := o.Ack(4); err != nil {
				t.Fatal(err)
			}
			if err := o.Ack(2); err != nil {
				t.Fatalf("an old number: %v", err)
			}
			if err := o.Ack(6); !errors.Is(err, ErrEntry) {
				t.Fatalf("a number from the future: %v", err)
			}
			if got := drain(t, o); o.Len() != 1 || strings.Join(got, ",") != "5 private body 5" {
				t.Fatalf("got %v", got)
			}
			if err := o.Ack(5); err != nil {
				t.Fatal(err)
			}
			if s := o.Stats(); s.Entries != 0 || s.Bytes != 0 {
				t.Fatalf("empty, still %+v", s)
			}
		})
	}
}

func TestOutboxWakesAWaitingSender(t *testing.T) {
	o := open(t, t.TempDir())
	got := make(chan error)
	next := func() {
		list, err := o.Next(context.Background(), 1)
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("got %v", list)
		}
		got <- err
	}
	go next()
	if err := o.Append("private", nil); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if err := o.Ack(1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := o.Next(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	go next()
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
	if err := o.Append("private", nil); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

func TestOutboxRefusesBeyondItsLimit(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		o := open(t, dir, Limit(100))
		defer o.Close()
		if err := o.Append("k", make([]byte, 60)); err != nil {
			t.Fatal(err)
		}
		if err := o.Append("k", make([]byte, 60)); !errors.Is(err, ErrFull) {
			t.Fatalf("got %v", err)
		}
		if s := o.Stats(); s.Refused != 1 || s.Entries != 1 {
			t.Fatalf("counted %+v", s)
		}
		if err := o.Ack(1); err != nil {
			t.Fatal(err)
		}
		if err := o.Append("k", make([]byte, 60)); err != nil {
			t.Fatalf("there is room again: %v", err)
		}
		for _, kind := range []string{"", strings.Repeat("x", 256)} {
			if err := o.Append(kind, nil); !errors.Is(err, ErrEntry) {
				t.Fatalf("got %v", err)
			}
		}
	}
}

func TestOutboxBelongsToOneProcess(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir)
	if second, err := OpenOutbox(dir); err == nil {
		second.Close()
		t.Fatal("opened twice")
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir).Close()
}

// TestTornTailIsDropped cuts, zeroes or garbles the file at every byte, as a machine that lost its power
// could, and expects exactly the frames before that byte; new entries must then be kept as usual.
func TestTornTailIsDropped(t *testing.T) {
	source := t.TempDir()
	o := open(t, source)
	var ends []int
	for i := range 4 {
		if err := o.Append("private", []byte(strings.Repeat("x", i*7))); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(o.bytes.Load()))
	}
	all := drain(t, o)
	o.Close()
	names, _ := filepath.Glob(filepath.Join(source, "*"+suffix))
	whole, err := os.ReadFile(names[0])
	if err != nil || len(names) != 1 || len(whole) != ends[3] {
		t.Fatalf("found %v of %d bytes: %v", names, len(whole), err)
	}
	damage := map[string]func(at int) []byte{
		"cut":     func(at int) []byte { return whole[:at] },
		"zeroed":  func(at int) []byte { return append(append([]byte{}, whole[:at]...), make([]byte, len(whole)-at)...) },
		"garbled": func(at int) []byte { b := append([]byte{}, whole...); b[at] ^= 0x40; return b },
	}
	for kind, spoil := range damage {
		for at := range whole {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(names[0])), spoil(at), 0o600); err != nil {
				t.Fatal(err)
			}
			sound := 0
			for sound < len(ends) && ends[sound] <= at {
				sound++
			}
			o := open(t, dir)
			if got := drain(t, o); strings.Join(got, "\n") != strings.Join(all[:sound], "\n") {
				t.Fatalf("%s at %d: got %q, want %q", kind, at, got, all[:sound])
			}
			if err := o.Append("private", []byte("new")); err != nil {
				t.Fatal(err)
			}
			o.Close()
			o = open(t, dir)
			want := append(append([]string{}, all[:sound]...), fmt.Sprintf("%d private new", sound+1))
			if got := drain(t, o); strings.Join(got, "\n") != strings.Join(want, "\n") || o.Stats().TornBytes != 0 {
				t.Fatalf("%s at %d, reopened: got %q, want %q", kind, at, got, want)
			}
			o.Close()
		}
	}
}

func TestDamagedCheckpointTellsAgain(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir)
	for range 3 {
		o.Append("k", []byte("b"))
	}
	o.Ack(2)
	o.Close()
	if err := os.WriteFile(filepath.Join(dir, ackFile), []byte("nonsense 123"), 0o600); err != nil {
		t.Fatal(err)
	}
	o = open(t, dir)
	defer o.Close()
	if o.Len() != 3 {
		t.Fatalf("%d wait, want all 3", o.Len())
	}
}

// TestOutboxAgainstModel compares random histories, reopening included, with a slice.
func TestOutboxAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "outbox")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		size := Segment(rapid.Int64Range(1, 300).Draw(t, "segment"))
		o := open(t, dir, size)
		defer func() { o.Close() }()
		var model []string
		seq, acked := 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				body := rapid.SliceOfN(rapid.Byte(), 0, 90).Draw(t, "body")
				if err := o.Append("k", body); err != nil {
					t.Fatal(err)
				}
				seq++
				model = append(model, fmt.Sprintf("%d k %s", seq, body))
			},
			"take": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				n := rapid.IntRange(1, 5).Draw(t, "n")
				list, err := o.Next(context.Background(), n)
				if err != nil || len(list) != min(n, len(model)) {
					t.Fatalf("took %d of %d: %v", len(list), len(model), err)
				}
			},
			"ack": func(t *rapid.T) {
				n := rapid.IntRange(0, len(model)).Draw(t, "n")
				if err := o.Ack(uint64(acked + n)); err != nil {
					t.Fatal(err)
				}
				acked, model = acked+n, model[n:]
			},
			"reopen": func(t *rapid.T) {
				o.Close()
				o = open(t, dir, size)
			},
			"": func(t *rapid.T) {
				if got := drain(t, o); strings.Join(got, "\n") != strings.Join(model, "\n") || o.Len() != len(model) {
					t.Fatalf("got %q, want %q", got, model)
				}
			},
		})
	})
}

func TestOutboxManyWritersOneReader(t *testing.T) {
	o := open(t, t.TempDir(), Segment(4096))
	const writers, each = 8, 500
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := o.Append("k", fmt.Appendf(nil, "%d-%d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[string]bool{}
	for want := uint64(1); len(seen) < writers*each; {
		list, err := o.Next(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Seq != want || seen[string(e.Body)] {
				t.Fatalf("got number %d, want %d", e.Seq, want)
			}
			want++
			seen[string(e.Body)] = true
		}
		if err := o.Ack(want - 1); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	o.Close()
	left, _ := filepath.Glob(filepath.Join(o.shelf.(*disk).dir, "*"+suffix))
	if len(left) > 1 {
		t.Errorf("told files are still there: %v", left)
	}
}

func BenchmarkAppend(b *testing.B) {
	body := []byte(strings.Repeat("x", 600))
	for _, place := range []string{"memory", "disk"} {
		b.Run(place, func(b *testing.B) {
			dir := ""
			if place == "disk" {
				dir = b.TempDir()
			}
			o := open(b, dir, Limit(64<<30))
			defer o.Close()
			b.ReportAllocs()
			for b.Loop() {
				if err := o.Append("private", body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
