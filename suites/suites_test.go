package suites

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

func made(id, name string, fn func(*check.Bench)) check.Check {
	group, _, _ := strings.Cut(name, "/")
	area := map[string]string{"par": "security", "token": "security", "data": "data", "payments": "payments"}[group]
	return check.Check{ID: id, Name: name, Title: name, Plan: area + "-plan", Area: area, Body: fn}
}

func holds(b *check.Bench) { b.Expect(1).To(expect.Equal(1)) }
func fails(b *check.Bench) { b.Expect(1).To(expect.Equal(2)) }

func several() []check.Check {
	return []check.Check{
		made("SOP-015", "par/rejects-missing-exp", holds), made("SOP-016", "par/rejects-missing-nbf", holds),
		made("SOP-050", "token/code-is-single-use", holds), made("DACC-1", "data/accounts/list/matches-schema", holds),
		made("PAY-1", "payments/retry-is-idempotent", holds),
	}
}

func subject() *target.Target {
	return &target.Target{Name: "Banco de Teste", Role: "account-holder"}
}

func TestTheRealChecksAreWellFormed(t *testing.T) {
	for _, c := range All() {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	smoke, _ := ProfileOf("demo-smoke")
	if len(Select(All(), smoke, nil)) == 0 {
		t.Error("there is no smoke set")
	}
}

func TestTwoChecksOfOneNameAreRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("accepted")
		}
	}()
	one := made("A-1", "par/x", holds)
	two := made("A-2", "par/x", holds)
	collect([]area{{"a", func() []check.Check { return []check.Check{one} }}, {"b", func() []check.Check { return []check.Check{two} }}})
}

func TestSelection(t *testing.T) {
	everything, _ := ProfileOf("")
	for _, c := range []struct {
		patterns []string
		want     string
	}{
		{nil, "SOP-015 SOP-016 SOP-050 DACC-1 PAY-1"},
		{[]string{"SOP-015"}, "SOP-015"},
		{[]string{"sop-*"}, "SOP-015 SOP-016 SOP-050"},
		{[]string{"par"}, "SOP-015 SOP-016"},
		{[]string{"security"}, "SOP-015 SOP-016 SOP-050"},
		{[]string{"data-plan"}, "DACC-1"},
		{[]string{"par/*,PAY-1"}, "SOP-015 SOP-016 PAY-1"},
		{[]string{"data/*"}, ""},
		{[]string{"data/**"}, "DACC-1"},
		{[]string{"data/*/matches-schema"}, ""},
		{[]string{"data/**/matches-schema"}, "DACC-1"},
		{[]string{"!security"}, "DACC-1 PAY-1"},
		{[]string{"security", "!SOP-016"}, "SOP-015 SOP-050"},
		{[]string{"par/rejects"}, ""},
		{[]string{"a.*"}, ""},
	} {
		var got []string
		for _, k := range Select(several(), everything, c.patterns) {
			got = append(got, k.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v selects %v, want %s", c.patterns, got, c.want)
		}
	}
	transmitter, _ := ProfileOf("data-transmitter")
	if n := len(Select(several(), transmitter, nil)); n != 4 {
		t.Errorf("a transmitter has %d checks: payments are not its business", n)
	}
}

func run(t *testing.T, ctx context.Context, o Options) (*report.Report, error) {
	t.Helper()
	if o.Target == nil {
		o.Target = subject()
	}
	o.Frame = Direct
	return Run(ctx, o)
}

func TestARunReportsEveryCheckAndItsOrderHangsOnTheSeedAlone(t *testing.T) {
	var orders []string
	for _, seed := range []int64{7, 7, 8} {
		var order []string
		r, err := run(t, t.Context(), Options{Checks: several(), Seed: seed, Observe: func(e Event) {
			for _, c := range e.Selected {
				order = append(order, c.ID)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != report.VerdictPass || r.Summary.Pass != 5 || len(report.Verify(r)) > 0 || !r.Selection.Full {
			t.Errorf("%s %+v %v", r.Verdict, r.Summary, report.Verify(r))
		}
		orders = append(orders, strings.Join(order, " "))
	}
	if orders[0] != orders[1] || orders[0] == orders[2] {
		t.Errorf("orders %v", orders)
	}
}

func TestAPartIsNotTheWhole(t *testing.T) {
	r, err := run(t, t.Context(), Options{Checks: several(), Patterns: []string{"par"}})
	if err != nil || r.Selection.Full || r.Selection.Selected != 2 || r.Selection.Of != 5 {
		t.Errorf("%+v %v", r, err)
	}
	for _, p := range r.Profiles {
		if p.Name == "all" {
			t.Error("a part is called the whole profile")
		}
	}
}

func TestNothingSelectedIsNoPass(t *testing.T) {
	_, err := run(t, t.Context(), Options{Checks: several(), Patterns: []string{"nothing"}})
	if !errors.Is(err, ErrEmpty) {
		t.Errorf("got %v", err)
	}
	if _, err := run(t, t.Context(), Options{Checks: several(), Profile: "fapi"}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "fapi-op") {
		t.Errorf("got %v", err)
	}
}

func TestChecksThatMustBeAloneAre(t *testing.T) {
	var running, met atomic.Int32
	busy := func(b *check.Bench) {
		running.Add(1)
		defer running.Add(-1)
		holds(b)
	}
	alone := func(b *check.Bench) {
		if running.Add(1) != 1 {
			met.Add(1)
		}
		defer running.Add(-1)
		holds(b)
	}
	var checks []check.Check
	for i := range 30 {
		checks = append(checks, made(fmt.Sprintf("B-%d", i), fmt.Sprintf("par/b-%d", i), busy))
		c := made(fmt.Sprintf("A-%d", i), fmt.Sprintf("par/a-%d", i), alone)
		c.Alone = true
		checks = append(checks, c)
	}
	if r, err := run(t, t.Context(), Options{Checks: checks, Workers: 8}); err != nil || r.Verdict != report.VerdictPass || met.Load() > 0 {
		t.Errorf("%v, met company %d times", err, met.Load())
	}
}

func TestAnInterruptedRunIsPartialAndNoPass(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	checks := several()
	for i := range checks {
		checks[i].Alone = true
		checks[i].Body = func(b *check.Bench) { holds(b); cancel() }
	}
	r, err := run(t, ctx, Options{Checks: checks})
	if err != nil || !r.Partial || r.Verdict != report.VerdictIncomplete || r.Summary.Skip != 5 || len(report.Verify(r)) > 0 {
		t.Errorf("%v %+v", err, r)
	}
}

func TestFailFastStopsAndSaysSo(t *testing.T) {
	checks := several()
	for i := range checks {
		checks[i].Alone, checks[i].Body = true, fails
	}
	r, err := run(t, t.Context(), Options{Checks: checks, FailFast: true})
	if err != nil || r.Verdict != report.VerdictFail || !r.Partial || r.Summary.Fail != 1 || r.Summary.Skip != 4 {
		t.Errorf("%v %+v", err, r.Summary)
	}
}

func TestTheTargetVanishes(t *testing.T) {
	checks := several()
	checks[0].Body = func(b *check.Bench) { b.Given("a token", syscall.ECONNREFUSED) }
	r, err := run(t, t.Context(), Options{Checks: checks})
	if err != nil || r.Verdict != report.VerdictNone || r.Summary.Unavailable != 1 {
		t.Errorf("%v %+v", err, r)
	}
}

func baseline(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "baseline.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAKnownFailureMustFailAndOnlyForAWhile(t *testing.T) {
	entry := func(pattern, expires string) string {
		return fmt.Sprintf("- {pattern: %q, status: fail, reason: known, ticket: T-1, owner: ana, expires: %q}\n", pattern, expires)
	}
	checks := several()
	checks[0].Body = fails
	far, past := time.Now().AddDate(1, 0, 0).Format(time.DateOnly), "2020-01-01"
	for _, c := range []struct {
		name, file   string
		want         report.Verdict
		known, fixed int
	}{
		{"covered", entry("par/rejects-missing-exp", far), report.VerdictPass, 1, 0},
		{"covers a pass too", entry("par/*", far), report.VerdictFail, 1, 1},
		{"expired", entry("par/rejects-missing-exp", past), report.VerdictFail, 0, 0},
		{"expired where it passes", entry("token/*", past), report.VerdictFail, 0, 0},
		{"elsewhere", entry("data/**", far), report.VerdictFail, 0, 1},
	} {
		r, err := run(t, t.Context(), Options{Checks: checks, Baseline: baseline(t, c.file)})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != c.want || r.Summary.KnownFail != c.known || r.Summary.Fixed != c.fixed || len(report.Verify(r)) > 0 {
			t.Errorf("%s: %s %+v %v", c.name, r.Verdict, r.Summary, report.Verify(r))
		}
	}
}

func TestABaselineCannotSwallowAll(t *testing.T) {
	for name, text := range map[string]string{
		"everything":    `- {pattern: "**", status: fail, reason: r, ticket: t, owner: o, expires: "2030-01-01"}`,
		"every group":   `- {pattern: "*/x", status: fail, reason: r, ticket: t, owner: o, expires: "2030-01-01"}`,
		"no ticket":     `- {pattern: "par/x", status: fail, reason: r, owner: o, expires: "2030-01-01"}`,
		"no date":       `- {pattern: "par/x", status: fail, reason: r, ticket: t, owner: o, expires: later}`,
		"accepts error": `- {pattern: "par/x", status: error, reason: r, ticket: t, owner: o, expires: "2030-01-01"}`,
		"unknown key":   `- {pattern: "par/x", state: fail, reason: r, ticket: t, owner: o, expires: "2030-01-01"}`,
	} {
		if _, err := run(t, t.Context(), Options{Checks: several(), Baseline: baseline(t, text)}); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTheDigestSeesEveryChange(t *testing.T) {
	a, b := several(), several()
	slices.Reverse(b)
	if Digest(a) != Digest(b) {
		t.Error("the order counts")
	}
	b[0].Rules = []string{"AS-REQ-03"}
	if Digest(a) == Digest(b) {
		t.Error("a changed check does not count")
	}
}

// Ginkgo allows one run a process, so its frame is tried in a child of this test.
func TestTheGinkgoFrameJudgesLikeTheDirectOne(t *testing.T) {
	if os.Getenv("ENSAIO_GINKGO_CHILD") != "" {
		checks := several()
		checks[0].Body = fails
		checks[1].Body = func(b *check.Bench) { panic("no") }
		checks[2].Body = func(b *check.Bench) { b.Skip("not here") }
		r, err := Run(t.Context(), Options{Target: subject(), Checks: checks, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("verdict=%s pass=%d fail=%d error=%d skip=%d\n", r.Verdict, r.Summary.Pass, r.Summary.Fail, r.Summary.Error, r.Summary.Skip)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestTheGinkgoFrameJudgesLikeTheDirectOne$")
	cmd.Env = append(os.Environ(), "ENSAIO_GINKGO_CHILD=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "verdict=fail pass=2 fail=1 error=1 skip=1") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "Random Seed") || strings.Contains(string(out), "Summarizing") {
		t.Errorf("the frame is not silent:\n%s", out)
	}
}
