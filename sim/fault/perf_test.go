package fault

import (
	"testing"
	"time"
)

func armedAlone(t *testing.T, name string) (*Board, *Seams) {
	t.Helper()
	b := NewBoard(Named())
	if err := b.Arm(name); err != nil {
		t.Fatal(err)
	}
	return b, b.Seams()
}

func TestTailsMoveOneFigureEach(t *testing.T) {
	for name, c := range map[string]struct {
		class string
		share int // of a thousand calls
		by    time.Duration
	}{
		"perf/slow-class": {"high", 100, 1800 * time.Millisecond},
		"perf/slow-tail":  {"low", 20, 5 * time.Second},
	} {
		_, seams := armedAlone(t, name)
		slow := 0
		for i := range 1000 {
			v := Serve{Class: c.class, Number: uint64(i + 1)}
			if seams.Serve(&v); v.Delay == c.by {
				slow++
			} else if v.Delay != 0 {
				t.Errorf("%s: a delay of %v", name, v.Delay)
			}
		}
		if slow != c.share {
			t.Errorf("%s: %d of a thousand calls are slow", name, slow)
		}
	}
	_, seams := armedAlone(t, "perf/slow-class")
	for range 100 {
		v := Serve{Class: "low"}
		if seams.Serve(&v); v.Delay != 0 {
			t.Fatalf("another class: %v", v.Delay)
		}
	}
}

func TestSlopesAndShedding(t *testing.T) {
	_, seams := armedAlone(t, "perf/degrades")
	for consents, want := range map[int]time.Duration{0: 0, 8: 2 * time.Second, 1000: 6 * time.Second} {
		v := Serve{Consents: consents}
		if seams.Serve(&v); v.Delay != want {
			t.Errorf("%d consents: %v", consents, v.Delay)
		}
	}
	_, seams = armedAlone(t, "perf/sheds-early")
	for second, want := range map[int]int{1: 0, 200: 0, 201: 529, 300: 529} {
		v := Serve{Second: second}
		if seams.Serve(&v); v.Status != want {
			t.Errorf("call %d of a second: %d", second, v.Status)
		}
	}
}

func TestWhatLeaksIsBoundedAndLetGo(t *testing.T) {
	b, seams := armedAlone(t, "perf/leaks")
	held := func() int {
		v := Serve{}
		seams.Serve(&v)
		return v.Held()
	}
	for want := 1; want <= 3; want++ {
		if got := held(); got != want {
			t.Fatalf("%d pieces, want %d", got, want)
		}
	}
	b.Disarm()
	if got := held(); got != 0 {
		t.Errorf("disarmed: %d pieces", got)
	}
	if err := b.Arm("perf/leaks"); err != nil {
		t.Fatal(err)
	}
	if got := held(); got != 1 {
		t.Errorf("armed again: %d pieces", got)
	}
}
