package event

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const crashDir = "ENSAIO_TEST_CRASH_DIR"

// appending is the child's half of the crash test: it appends for ever and says what was acknowledged.
func appending() bool {
	dir := os.Getenv(crashDir)
	if dir == "" {
		return false
	}
	o, err := OpenOutbox(dir, Segment(2000))
	if err != nil {
		fmt.Println("fail", err)
		return true
	}
	for i := 0; ; i++ {
		body := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if err := o.Append("k", []byte(body)); err != nil {
			fmt.Println("fail", err)
			return true
		}
		os.Stdout.WriteString("ok " + body + "\n")
	}
}

func TestAppendedEntriesSurviveSIGKILL(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []string
	for _, after := range []int{0, 17, 300} {
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
			word, body, _ := strings.Cut(lines.Text(), " ")
			if word != "ok" {
				t.Fatalf("child said %q", lines.Text())
			}
			acknowledged = append(acknowledged, body)
			if n == after {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		cmd.Wait() // killed: the error is the point
		o := open(t, dir)
		found := map[string]bool{}
		for _, line := range drain(t, o) {
			found[line[strings.LastIndexByte(line, ' ')+1:]] = true
		}
		for _, body := range acknowledged {
			if !found[body] {
				t.Errorf("acknowledged %s is missing among %d", body, len(found))
			}
		}
		o.Close()
	}
}
