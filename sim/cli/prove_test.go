package cli

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/check"
)

// notify is a writer that tells when a text was written.
type notify struct {
	mu   sync.Mutex
	all  strings.Builder
	want string
	seen chan struct{}
	told bool
}

func (n *notify) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all.Write(p)
	if !n.told && strings.Contains(n.all.String(), n.want) {
		n.told = true
		close(n.seen)
	}
	return len(p), nil
}

// children makes this test program the child process of prove.
func children(t *testing.T) World {
	t.Helper()
	t.Setenv("ENSAIO_TEST_CHILD", "1")
	w := toyWorld()
	w.Executable = os.Args[0]
	return w
}

func TestAPartOfAProofIsNoProof(t *testing.T) {
	for _, partial := range []bool{false, true} {
		var out strings.Builder
		(&app{out: &out}).proofVerdict(&report.Proof{Partial: partial}, "")
		if strings.Contains(out.String(), "PROVEN") == partial || strings.Contains(out.String(), "INCOMPLETE") != partial {
			t.Errorf("partial %v: %s", partial, out.String())
		}
	}
}

func TestProveTellsWhatBecameOfEachDefect(t *testing.T) {
	for _, mode := range []string{"", "--isolate"} {
		t.Run("mode"+mode, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"prove", "-o", dir, "--seeds", "2"}
			if mode != "" {
				args = append(args, mode)
			}
			code, out, errOut := invoke(t, children(t), args...)
			if code != CodeFloor {
				t.Fatalf("code %d\n%s%s", code, out, errOut)
			}
			p, err := report.OpenProof(dir)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]struct {
				outcome, by string
				elsewhere   bool
			}{
				"par/accepts-missing-exp": {report.Killed, "TOY-001", false},
				"off:AS-REQ-04/has-nbf":   {report.Killed, "TOY-002", false},
				"par/aimed-badly":         {report.Killed, "TOY-003", true},
				"par/nobody-sees":         {report.Lived, "", false},
				"par/stillborn":           {report.Stillborn, "", false},
				"par/kills-all":           {report.Stillborn, "", false},
			}
			for _, d := range p.Defects {
				w := want[d.Name]
				if d.Outcome != w.outcome || d.Elsewhere != w.elsewhere || (w.by != "" && strings.Join(d.CaughtBy, " ") != w.by) {
					t.Errorf("%s: %s by %v elsewhere %v, want %+v", d.Name, d.Outcome, d.CaughtBy, d.Elsewhere, w)
				}
			}
			if len(p.Defects) != len(want) || p.Summary.FalseAlarms != 0 || p.Summary.Aimed != 2 {
				t.Errorf("%+v", p.Summary)
			}
			if !strings.Contains(strings.Join(p.Unproven, " "), "TOY-004") || !strings.Contains(out, "NOT PROVEN") || !strings.Contains(out, "par/nobody-sees") {
				t.Errorf("unproven %v\n%s", p.Unproven, out)
			}
		})
	}
}

func TestProveOfWhatHoldsReachesItsFloors(t *testing.T) {
	dir := t.TempDir()
	code, out, errOut := invoke(t, children(t), "prove", "par/accepts-missing-exp", "AS-REQ-04", "-o", dir, "--seeds", "1", "-q")
	if code != CodePass || !strings.HasPrefix(out, "\n") && !strings.Contains(out, "PROVEN") {
		t.Errorf("code %d\n%s%s", code, out, errOut)
	}
	run := t.TempDir()
	if code, _, errOut := invoke(t, toyWorld(), "run", "TOY-001", "--no-preflight", "--proof", dir, "-o", run, "-q"); code != CodePass {
		t.Fatalf("code %d %s", code, errOut)
	}
	r, err := report.Open(run)
	if err != nil || len(r.Checks[0].ProvenBy) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestACrashOrASilenceIsNoKill(t *testing.T) {
	d := fault.Defect{Name: "par/x", Weight: fault.Critical, Kind: fault.Mutate, CaughtBy: []string{"T-1"}}
	all := []check.Check{good, bad}
	clean := map[string]report.Status{"T-1": report.Pass, "T-2": report.Warn}
	for _, c := range []struct {
		kind     fault.Kind
		outcomes []seen
		want     string
	}{
		{fault.Mutate, []seen{{ID: "T-1", Status: report.Error}}, report.Lived},
		{fault.Mutate, []seen{{ID: "T-1", Status: report.Unavailable}}, report.Lived},
		{fault.Time, []seen{{ID: "T-1", Status: report.Unavailable}}, report.Killed},
		{fault.Mutate, []seen{{ID: "T-1", Status: report.Warn}}, report.Killed},
		{fault.Mutate, []seen{{ID: "T-2", Status: report.Warn}}, report.Lived},
		{fault.Mutate, []seen{{ID: "T-1", Status: report.Skip}}, report.Lived},
		{fault.Mutate, nil, report.Lived},
	} {
		d.Kind = c.kind
		if got := conclude(d, all, clean, c.outcomes, ""); got.Outcome != c.want {
			t.Errorf("%s %v: %s, want %s", c.kind, c.outcomes, got.Outcome, c.want)
		}
	}
}
