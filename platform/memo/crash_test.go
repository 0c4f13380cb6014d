package memo

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const crashDir = "ENSAIO_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		noteForEver(dir)
		return
	}
	os.Exit(m.Run())
}

// noteForEver is the child's half of the crash test: it notes ids and counts for ever, and says what it was told.
func noteForEver(dir string) {
	s, err := OpenSeen(dir+"/seen", now)
	if err != nil {
		fmt.Println("fail", err)
		return
	}
	c, err := OpenCounts(dir+"/counts", 100)
	if err != nil {
		fmt.Println("fail", err)
		return
	}
	for i := 0; ; i++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if ok, err := s.First("a", id, now, now.Add(time.Hour)); !ok || err != nil {
			fmt.Println("fail", ok, err)
			return
		}
		n := c.counted(nil, 100, fmt.Sprint(i%5), 1)
		os.Stdout.WriteString(fmt.Sprintln("ok", id, i%5, n))
	}
}

func TestWhatWasNotedSurvivesSIGKILL(t *testing.T) {
	dir := t.TempDir()
	var ids []string
	last := map[string]int64{}
	for _, after := range []int{0, 17, 12_000} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			words := strings.Fields(lines.Text())
			if len(words) != 4 || words[0] != "ok" {
				t.Fatalf("child said %q", lines.Text())
			}
			count, _ := strconv.ParseInt(words[3], 10, 64)
			if count < last[words[2]]+1 {
				t.Fatalf("%q after %d: a count began anew", lines.Text(), last[words[2]])
			}
			ids, last[words[2]] = append(ids, words[1]), count
			if n == after {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed: the error is the point
	}
	s, c := seen(t, dir+"/seen", now), counts(t, dir+"/counts", 100)
	for _, id := range ids {
		s.is(t, false, "a", id, now, now.Add(time.Hour))
	}
	for whom, n := range last {
		if got := c.counted(t, 100, whom, 0); got < n || got > n+1 {
			t.Errorf("count %s is %d, was told as %d", whom, got, n)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
