package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ensaio/ensaio/platform/store"
)

const crashDir = "ENSAIO_TEST_CRASH_DIR"

// crashed is the child's half of the crash test: it commits from several goroutines for ever and writes
// to stdout what was acknowledged. One write(2) per line: what the parent reads was truly acknowledged.
func crashed() bool {
	dir := os.Getenv(crashDir)
	if dir == "" {
		return false
	}
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "store.db"))
	if err != nil {
		fmt.Println("fail", err)
		return true
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if err := s.Commit(ctx, store.Put("left", id, i), store.Put("right", id, i), store.Emit("n", id, 0, nil)); err != nil {
					fmt.Println("fail", err)
					return
				}
				os.Stdout.WriteString("ok " + id + "\n")
			}
		})
	}
	wg.Wait()
	return true
}

// TestAcknowledgedCommitsSurviveSIGKILL kills a committing process at several moments and compares what
// it was promised with what is found: nothing acknowledged may be missing, nothing may be half there.
func TestAcknowledgedCommitsSurviveSIGKILL(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for _, after := range []int{1, 40, 150} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			word, id, _ := strings.Cut(lines.Text(), " ")
			if word != "ok" {
				t.Fatalf("child said %q", lines.Text())
			}
			acknowledged[id] = true
			if n == after {
				must(t, cmd.Process.Kill())
			}
		}
		cmd.Wait() // killed: the error is the point
		inspect(t, dir, acknowledged)
	}
}

func inspect(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "store.db"))
	must(t, err)
	defer s.Close()
	left, err := store.Load[int](ctx, s, "left")
	must(t, err)
	right, err := store.Load[int](ctx, s, "right")
	must(t, err)
	events, err := s.Events(ctx, 0, 1<<20)
	must(t, err)
	for id := range acknowledged {
		if _, ok := left[id]; !ok {
			t.Errorf("acknowledged %s is missing", id)
		}
	}
	for id := range left {
		if _, ok := right[id]; !ok {
			t.Errorf("%s was half committed", id)
		}
	}
	if len(left) != len(right) || len(left) != len(events) {
		t.Errorf("%d left, %d right, %d events", len(left), len(right), len(events))
	}
}
