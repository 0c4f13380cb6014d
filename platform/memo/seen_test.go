package memo

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 500e6, time.UTC)

func seen(t testing.TB, dir string, at time.Time) *Seen {
	t.Helper()
	s, err := OpenSeen(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// first expects whether an id is new.
func (s *Seen) is(t *testing.T, fresh bool, owner, id string, at, until time.Time) {
	t.Helper()
	if got, err := s.First(owner, id, at, until); got != fresh || err != nil {
		t.Errorf("%s of %s at %v: new %v, %v", id, owner, at, got, err)
	}
}

func TestAnIDServesOnceUntilItsTime(t *testing.T) {
	for name, dir := range map[string]string{"in memory": "", "in a folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			s := seen(t, dir, now)
			until := now.Add(time.Hour)
			s.is(t, true, "a", "1", now, until)
			s.is(t, false, "a", "1", until.Add(-time.Nanosecond), until.Add(time.Hour))
			s.is(t, true, "b", "1", now, until)
			s.is(t, true, "a", "1", until, until.Add(time.Hour))
			s.is(t, false, "a", "1", until.Add(time.Minute), until)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestTheMemoryOfEachOwnerIsBounded(t *testing.T) {
	s := seen(t, "", now)
	s.most = 100
	for i := range 1000 {
		s.is(t, true, "a", fmt.Sprint(i), now, now.Add(time.Hour))
		s.is(t, true, "b", fmt.Sprint(i), now.Add(time.Duration(i)*time.Second), now.Add(time.Duration(i)*time.Second+time.Hour))
	}
	for _, k := range s.by {
		if len(k.at) != 100 || len(k.line) != 100 {
			t.Errorf("%d ids, %d in line", len(k.at), len(k.line))
		}
	}
	s.is(t, false, "a", "999", now, now.Add(time.Hour))
	s.is(t, true, "a", "0", now, now.Add(time.Hour)) // the oldest made room
}

func TestUsedIDsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		s := seen(t, dir, now)
		for i := range round {
			s.is(t, false, "a", fmt.Sprint("id-", i), now, now.Add(time.Hour))
		}
		s.is(t, true, "a", fmt.Sprint("id-", round), now, now.Add(time.Hour))
		if round != 1 { // the second ends as a killed one does
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := seen(t, dir, now.Add(2*time.Hour))
	s.is(t, true, "a", "id-0", now.Add(2*time.Hour), now.Add(3*time.Hour))
	if left := sheets(t, dir); left != 1 {
		t.Errorf("%d files hold one id", left)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.First("a", "late", now, now.Add(time.Hour)); err == nil {
		t.Error("an id that cannot be noted was taken")
	}
}

// sheets counts the files of a folder.
func sheets(t *testing.T, dir string) int {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestFilesGoWithWhatTheyHold(t *testing.T) {
	dir, at := t.TempDir(), now
	s := seen(t, dir, at)
	const each = sheetSize / noteSize
	for i := range 4*each + 1 {
		if i%each == 0 {
			at = at.Add(10 * time.Minute) // a sheet each
		}
		s.is(t, true, "a", fmt.Sprint(i), at, at.Add(25*time.Minute))
	}
	if left := sheets(t, dir); left != 3 { // the first two were over when the last began
		t.Errorf("%d files", left)
	}
	s.is(t, false, "a", fmt.Sprint(2*each), at, at.Add(time.Hour))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = seen(t, dir, at.Add(6*time.Minute))
	if left := sheets(t, dir); left != 2 {
		t.Errorf("%d files after a start", left)
	}
	s.is(t, false, "a", fmt.Sprint(3*each), at.Add(6*time.Minute), at.Add(time.Hour))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamageCostsNoMoreThanItself(t *testing.T) {
	dir := t.TempDir()
	s := seen(t, dir, now)
	for i := range 3 {
		s.is(t, true, "a", fmt.Sprint(i), now, now.Add(time.Hour))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fmt.Sprintf("%020d%s", 1, suffix))
	held, err := os.ReadFile(path)
	if err != nil || len(held) != 3*noteSize {
		t.Fatalf("%d bytes, %v", len(held), err)
	}
	held[noteSize+3] ^= 1
	if err := os.WriteFile(path, append(held, 1, 2, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = seen(t, dir, now)
	for i, fresh := range []bool{false, true, false} {
		s.is(t, fresh, "a", fmt.Sprint(i), now, now.Add(time.Hour))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkFirst weighs what noting an id costs, in memory and in a folder.
func BenchmarkFirst(b *testing.B) {
	for name, dir := range map[string]string{"memory": "", "folder": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			s := seen(b, dir, now)
			s.most = 1 << 14
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := now.Add(time.Duration(i) * time.Millisecond)
				if ok, err := s.First("client", fmt.Sprint(i), at, at.Add(time.Hour)); !ok || err != nil {
					b.Fatal(i, err)
				}
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
