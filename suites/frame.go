package suites

import (
	"context"
	"fmt"
	"io"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/check"
)

// Frame runs the checks of a work and returns when all are done.
type Frame func(ctx context.Context, w *Work, seed int64) error

// Direct runs the checks without any framework, as often as wanted in one process.
func Direct(_ context.Context, w *Work, _ int64) error {
	w.Start()
	for _, c := range w.Checks() {
		w.Await(c)
	}
	return nil
}

// InGinkgo runs the checks as Ginkgo specs inside an ordinary program, silently: progress comes from the
// work's events and the report is ours. Ginkgo allows one run a process.
func InGinkgo(_ context.Context, w *Work, seed int64) error {
	Register(w)
	suite, reporter := ginkgo.GinkgoConfiguration()
	suite.RandomSeed, suite.RandomizeAllSpecs = seed, true
	suite.ParallelTotal, suite.ParallelProcess = 1, 1
	suite.EmitSpecProgress = false
	reporter.NoColor, reporter.Succinct = true, true
	stdout := formatter.ColorableStdOut
	formatter.ColorableStdOut = io.Discard
	defer func() { formatter.ColorableStdOut = stdout }()
	ginkgo.RunSpecs(new(quiet), "ensaio", suite, reporter)
	return nil
}

// T is what [Test] needs of a *testing.T.
type T interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fail()
}

// Test runs the checks as Ginkgo specs of a Go test, with Ginkgo's own words on the terminal, and fails
// the test unless the verdict is pass. Once a process.
func Test(t T, o Options) *report.Report {
	t.Helper()
	o.Frame = func(_ context.Context, w *Work, seed int64) error {
		Register(w)
		suite, reporter := ginkgo.GinkgoConfiguration()
		suite.RandomSeed, suite.RandomizeAllSpecs = seed, true
		reporter.Succinct = true
		ginkgo.RunSpecs(t, "ensaio", suite, reporter)
		return nil
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Errorf("run the checks: %v", err)
		return nil
	}
	if r.Verdict != report.VerdictPass {
		t.Errorf("verdict %s: %s", r.Verdict, r.Sentence())
	}
	return r
}

// Register makes a Ginkgo spec of every check: to be called once, before specs run. The specs tell what
// became of the checks, which the work's own workers run side by side.
func Register(w *Work) {
	byArea := map[string][]check.Check{}
	var areas []string
	for _, c := range w.Checks() {
		if byArea[c.Area] == nil {
			areas = append(areas, c.Area)
		}
		byArea[c.Area] = append(byArea[c.Area], c)
	}
	for _, a := range areas {
		ginkgo.Describe(a, func() {
			for _, c := range byArea[a] {
				ginkgo.It(c.ID+" "+c.Name, ginkgo.Label(c.Plan, string(c.Weight())), func() {
					w.Start()
					tell(w.Await(c))
				})
			}
		})
	}
}

// tell turns an outcome into Ginkgo's words.
func tell(r report.Check) {
	at := types.CodeLocation{FileName: r.Name}
	switch r.Status {
	case report.Fail, report.Fixed, report.Error, report.Unavailable, report.Review:
		ginkgo.Fail(fmt.Sprintf("%s\n%s", r.Status, r.Text()))
	case report.Skip:
		ginkgo.Skip(r.Reason)
	case report.Warn, report.KnownFail:
		ginkgo.AddReportEntry(string(r.Status), at, r.Headline())
	case report.Pass:
	}
}

// quiet stands for the test that Ginkgo wants to fail: our report says it better.
type quiet struct{ failed bool }

// Fail notes that a spec failed.
func (q *quiet) Fail() { q.failed = true }
