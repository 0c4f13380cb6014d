package pcm

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestAReportWrittenTwiceCountsOnce reads a log in which a disk failed between a report's writing and its
// fsync: the reporter got 500 and sent it again.
func TestAReportWrittenTwiceCountsOnce(t *testing.T) {
	dir := t.TempDir()
	var b []byte
	for i, r := range []object{clientReport(1), serverReport(1), clientReport(1)} {
		by := orgA
		if r["role"] == "SERVER" {
			by = orgB
		}
		b = appendEntry(b, &entry{id: [16]byte{byte(i + 1)}, received: noon.UnixMilli(), kind: kindPrivate, decision: keptAccepted, reporter: by, body: encode(t, r)})
	}
	if err := os.WriteFile(filepath.Join(dir, "000000000001.log"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, Config{Dir: dir})
	if s := p.Summary(); s.Reports != 2 || s.ByStatus[Paired] != 2 {
		t.Errorf("holds %+v", s.ByStatus)
	}
	for _, r := range p.Reports(Query{Role: "CLIENT"}) {
		if want := string(appendUUID(nil, [16]byte{3})); r.ReportID != want {
			t.Errorf("kept %s, want the one that was answered, %s", r.ReportID, want)
		}
	}
}

// TestWhatIsNoEntryIsCutOff opens logs that end in what a cut of power, or a bad block, leaves: what stands
// before it is there, the rest is cut off and counted, however long it says it is.
func TestWhatIsNoEntryIsCutOff(t *testing.T) {
	frame := func(i int) []byte { return appendEntry(nil, &entry{reporter: orgA, body: fmt.Appendf(nil, "%d", i)}) }
	sound := bytes.Join([][]byte{frame(0), frame(1), frame(2)}, nil)
	flipped := frame(3)
	flipped[len(flipped)-1] ^= 1
	for name, tail := range map[string][]byte{
		"nothing": nil, "a few bytes": []byte("torn"), "zeros": make([]byte, 5000), "half an entry": frame(3)[:30], "a flipped bit": flipped,
		"an endless length": append([]byte{0xff, 0xff, 0xff, 0xff}, frame(3)...), "an entry behind a flipped bit": append(bytes.Clone(flipped), frame(4)...),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "000000000001.log")
			if err := os.WriteFile(path, append(bytes.Clone(sound), tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			var read []string
			l, err := openLedger(dir, func(e entry, at position) {
				read = append(read, fmt.Sprintf("%s at %d", e.body, at.offset()))
			})
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			n := len(frame(0))
			if want := fmt.Sprintf("[0 at 0 1 at %d 2 at %d]", n, 2*n); fmt.Sprint(read) != want || l.torn != int64(len(tail)) {
				t.Errorf("read %v, want %s; %d bytes cut off of %d", read, want, l.torn, len(tail))
			}
			if info, err := os.Stat(path); err != nil || info.Size() != int64(len(sound)) {
				t.Errorf("%v is left: %v", info, err)
			}
			walked := 0
			if err := l.walk(position(1<<32|n), func(e entry, at position) error {
				if got, err := l.at(at); err != nil || !bytes.Equal(got.body, e.body) {
					t.Errorf("%s is %s at its place: %v", e.body, got.body, err)
				}
				walked++
				return nil
			}); err != nil || walked != 2 {
				t.Errorf("walked over %d entries: %v", walked, err)
			}
		})
	}
}
