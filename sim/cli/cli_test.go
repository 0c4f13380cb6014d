package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/check"
)

func TestExitCodesOfRun(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	broken := toyWorld()
	broken.Start = func(context.Context, StartOptions) (Ecosystem, error) { return nil, errors.New("port taken") }
	advised := made("TOY-009", "par/advised", sees("par/accepts-missing-exp"))
	advised.Severity = check.Should
	unreachable := file("unreachable.yaml", "apiVersion: ensaio/v1\nkind: Target\nname: x\nrole: account-holder\ndirectory: {}\nbank: {discovery: \"https://127.0.0.1:1/.well-known/openid-configuration\"}\nclients: []\npeople: []\ncapabilities: {clock: \"http://127.0.0.1:1/clock\"}\n")
	for _, c := range []struct {
		name  string
		world World
		args  []string
		code  int
		says  string
	}{
		{"pass", with(good), nil, CodePass, "PASS"},
		{"fail", with(good, bad), nil, CodeFail, "FAIL"},
		{"fail beats crash", with(bad, crash), nil, CodeFail, "FAIL"},
		{"crash of a check", with(good, crash), nil, CodeHarness, "NO VERDICT"},
		{"a check that expects nothing", with(good, empty), nil, CodeHarness, "NO VERDICT"},
		{"target does not answer", with(good, absent), nil, CodeNotReady, "NO VERDICT"},
		{"a must that was not tried", with(good, skipped), nil, CodeIncomplete, "INCOMPLETE"},
		{"empty selection", with(good), []string{"nothing/**"}, CodeIncomplete, "selection is empty"},
		{"out of time", with(good, slow), []string{"--timeout", "600ms"}, CodeIncomplete, "INCOMPLETE"},
		{"ecosystem does not start", func() World { w := broken; w.Checks = with(good).Checks; return w }(), nil, CodeNotReady, "port taken"},
		{"unknown flag", with(good), []string{"--bogus"}, CodeUsage, "hint:"},
		{"unknown profile", with(good), []string{"-p", "bogus"}, CodeUsage, "list profiles"},
		{"unreadable target", with(good), []string{"-t", filepath.Join(dir, "missing.yaml")}, CodeUsage, "hint:"},
		{"target with unknown key", with(good), []string{"-t", file("odd.yaml", "rolle: x\n")}, CodeUsage, `did you mean "role"`},
		{"target out of reach", with(good), []string{"-t", unreachable, "--no-preflight"}, CodeNotReady, "doctor"},
		{"defect at somebody else's", with(good), []string{"-t", unreachable, "--defect", "x"}, CodeUsage, "defect on"},
		{"unknown defect", with(good), []string{"--defect", "par/unknown"}, CodeUsage, "list defects"},
		{"bad fail-on", with(good), []string{"--fail-on", "never"}, CodeUsage, "must, should or warn"},
		{"bad baseline", with(good), []string{"--baseline", filepath.Join(dir, "none.yaml")}, CodeUsage, "baseline"},
		{"bad proof", with(good), []string{"--proof", filepath.Join(dir, "none.json")}, CodeUsage, "prove"},
		{"bad specs", with(good), []string{"--specs", filepath.Join(dir, "none")}, CodeUsage, "hint:"},
		{"a recommendation broken on purpose", with(advised), []string{"--defect", "par/accepts-missing-exp"}, CodeFail, "1 warning"},
		{"a recommendation broken on purpose, and only what is due counts", with(advised), []string{"--defect", "par/accepts-missing-exp", "--fail-on", "must"}, CodePass, "1 warning"},
		{"armed defect", toyWorld(), []string{"--defect", "par/accepts-missing-exp"}, CodeFail, "broken on purpose: par/accepts-missing-exp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"run", "-o", t.TempDir()}, c.args...)
			if !strings.Contains(strings.Join(args, " "), "preflight") {
				args = append(args, "--no-preflight")
			}
			code, out, errOut := invoke(t, c.world, args...)
			if code != c.code || !strings.Contains(out+errOut, c.says) {
				t.Errorf("code %d, want %d with %q\n%s%s", code, c.code, c.says, out, errOut)
			}
			if strings.Contains(out+errOut, "goroutine ") {
				t.Error("a user is shown a stack")
			}
		})
	}
}

func TestExitCodesOfOtherVerbs(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"bogus"}, CodeUsage, "ensaio --help"},
		{[]string{"version"}, CodePass, "5 checks"},
		{[]string{"version", "x"}, CodeUsage, "takes no argument"},
		{[]string{"list", "chekcs"}, CodeUsage, `did you mean "checks"`},
		{[]string{"list", "checks", "nothing"}, CodeIncomplete, "list checks"},
		{[]string{"list", "profiles"}, CodePass, "fapi-op"},
		{[]string{"explain", "TOY-001"}, CodePass, "par/accepts-missing-exp"},
		{[]string{"explain", "AS-REQ-04"}, CodePass, "TOY-002"},
		{[]string{"explain", "par/accepts-missing-ex"}, CodeUsage, `did you mean "par/accepts-missing-exp"`},
		{[]string{"explain", "accounts.balances"}, CodePass, "ACCOUNTS_BALANCES_READ"},
		{[]string{"explain", "target"}, CodePass, "softwareStatementId"},
		{[]string{"doctor"}, CodeNotReady, "ensaio up"},
		{[]string{"clock", "now"}, CodeNotReady, "ensaio up"},
		{[]string{"clock"}, CodeUsage, "needs a verb"},
		{[]string{"defect", "off"}, CodeUsage, "--all"},
		{[]string{"report", "/nowhere"}, CodeUsage, "report.json"},
		{[]string{"report", "verify", "/nowhere"}, CodeUsage, "report.json"},
		{[]string{"prove", "nothing"}, CodeIncomplete, "list defects"},
	} {
		code, out, errOut := invoke(t, toyWorld(), c.args...)
		if code != c.code || !strings.Contains(out+errOut, c.says) {
			t.Errorf("%v: code %d, want %d with %q\n%s%s", c.args, code, c.code, c.says, out, errOut)
		}
	}
}

func TestAnInterruptedRunWritesAPartialReport(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	stops := good
	stops.Alone = true
	stops.Body = func(b *check.Bench) { cancel(); <-b.Context().Done() }
	code, out, errOut := invokeWith(ctx, with(stops), "run", "--no-preflight", "-o", dir)
	if code != CodeInterrupted {
		t.Errorf("code %d\n%s%s", code, out, errOut)
	}
	r, err := report.Open(dir)
	if err != nil || !r.Partial || r.Verdict == report.VerdictPass {
		t.Errorf("%+v %v", r, err)
	}
}

func TestEverythingPrintedHasAMachineForm(t *testing.T) {
	dir := t.TempDir()
	if code, _, errOut := invoke(t, with(good, bad), "run", "--no-preflight", "-o", dir, "-q"); code != CodeFail {
		t.Fatalf("code %d: %s", code, errOut)
	}
	for _, args := range [][]string{
		{"version"}, {"list", "checks"}, {"list", "rules"}, {"list", "operations"}, {"list", "defects"}, {"list", "profiles"}, {"defect", "list"},
		{"explain", "AS-REQ-04/has-nbf"}, {"report", dir}, {"report", "verify", dir}, {"report", "diff", dir, dir},
		{"run", "--no-preflight", "-o", t.TempDir()}, {"run", "nothing"}, {"list", "bogus"},
	} {
		_, out, _ := invoke(t, toyWorld(), append(args, "--json")...)
		var v any
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Errorf("%v --json: %v\n%s", args, err, out)
		}
	}
	_, out, _ := invoke(t, toyWorld(), "list", "operations", "--json")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) < 20 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, member := range []string{"id", "title", "method", "path", "version", "scope", "permission", "class"} {
		if _, ok := rows[0][member]; !ok {
			t.Errorf("an operation lacks %s", member)
		}
	}
}

func TestAFailureIsToldInFull(t *testing.T) {
	_, out, _ := invoke(t, with(good, bad), "run", "--no-preflight", "-o", t.TempDir())
	for _, want := range []string{"✗ par/fails  MUST", "expected  one: 2", "received  one: 1", "ensaio explain par/fails", "FAIL   1 passed · 1 failed", "report.html"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b[") {
		t.Error("colours without a terminal")
	}
	_, out, _ = invoke(t, with(good, bad), "run", "--no-preflight", "-q", "-o", t.TempDir())
	if strings.Count(strings.TrimSpace(out), "\n") != 0 || !strings.HasPrefix(out, "FAIL") {
		t.Errorf("-q prints more than the last line:\n%s", out)
	}
}

func TestEnvironmentStandsForFlagsNotGiven(t *testing.T) {
	t.Setenv("ENSAIO_PROFILE", "bogus")
	if code, _, errOut := invoke(t, with(good), "run", "--no-preflight", "-o", t.TempDir()); code != CodeUsage || !strings.Contains(errOut, "bogus") {
		t.Errorf("code %d: %s", code, errOut)
	}
	if code, _, errOut := invoke(t, with(good), "run", "--no-preflight", "-p", "all", "-o", t.TempDir()); code != CodePass {
		t.Errorf("a flag does not win: code %d: %s", code, errOut)
	}
	t.Setenv("ENSAIO_PROFILE", "all")
	t.Setenv("ENSAIO_WORKERS", "many")
	if code, _, errOut := invoke(t, with(good), "run", "--no-preflight", "-o", t.TempDir()); code != CodeUsage || !strings.Contains(errOut, "ENSAIO_WORKERS") {
		t.Errorf("code %d: %s", code, errOut)
	}
}

func TestAReportThatLiesIsFoundOut(t *testing.T) {
	dir := t.TempDir()
	if code, _, _ := invoke(t, with(good, bad), "run", "--no-preflight", "-o", dir, "-q"); code != CodeFail {
		t.Fatal(code)
	}
	if code, out, _ := invoke(t, toyWorld(), "report", "verify", dir); code != CodePass {
		t.Errorf("a true report: %d %s", code, out)
	}
	path := filepath.Join(dir, "report.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lie := strings.Replace(string(b), `"verdict": "fail"`, `"verdict": "pass"`, 1)
	if err := os.WriteFile(path, []byte(lie), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := invoke(t, toyWorld(), "report", "verify", dir); code != CodeFail || !strings.Contains(out, "✗") {
		t.Errorf("a lie: %d %s", code, out)
	}
}

func TestUpIsReadyWholeAndLeavesNothing(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready.json")
	ctx, cancel := context.WithCancel(t.Context())
	w := toyWorld()
	var inside string
	inner := w.Start
	w.Start = func(ctx context.Context, o StartOptions) (Ecosystem, error) {
		e, err := inner(ctx, o)
		if err == nil {
			inside = e.TargetFile()
		}
		return e, err
	}
	done := make(chan int)
	out := &notify{want: "next, in another terminal", seen: make(chan struct{})}
	go func() {
		done <- Run(ctx, []string{"up", "--ready-file", ready, "--seed", "9"}, w, strings.NewReader(""), out, out)
	}()
	<-out.seen
	b, err := os.ReadFile(ready)
	var doc map[string]any
	if err != nil || json.Unmarshal(b, &doc) != nil || doc["kind"] != "Ecosystem" {
		t.Errorf("ready file: %s %v", b, err)
	}
	// Verbs without -t find the ecosystem that runs.
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"defect", "on", "par/accepts-missing-exp"}, "broken on purpose: par/accepts-missing-exp"},
		{[]string{"defect", "off", "par/accepts-missing-exp"}, "no defect is armed"},
		{[]string{"defect", "off", "--all"}, "no defect is armed"},
		{[]string{"clock", "now"}, "2026-11-22T03:00:00Z"},
		{[]string{"clock", "advance", "90d"}, "2026-11-22T03:00:00Z"},
	} {
		if code, said, errOut := invoke(t, w, c.args...); code != CodePass || !strings.Contains(said, c.says) {
			t.Errorf("%v: %d %s%s", c.args, code, said, errOut)
		}
	}
	cancel()
	if code := <-done; code != CodePass {
		t.Errorf("code %d", code)
	}
	for _, path := range []string{ready, inside} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there", path)
		}
	}
}

func TestAMistypedCommandIsToldInJSONToo(t *testing.T) {
	for _, args := range [][]string{{"nope", "--json"}, {"run", "--json", "--bogus"}, {"clock", "--json"}} {
		var out, errOut strings.Builder
		code := Run(t.Context(), args, toyWorld(), strings.NewReader(""), &out, &errOut)
		var told struct {
			Error, Hint string
			ExitCode    int
		}
		if err := json.Unmarshal([]byte(out.String()), &told); err != nil || told.Error == "" || told.Hint == "" || told.ExitCode != code || code != CodeUsage || errOut.Len() > 0 {
			t.Errorf("%v: %d, %q and %q: %v", args, code, out.String(), errOut.String(), err)
		}
	}
}
