package sim

import (
	"os"
	"testing"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/target"
)

// The whole suite against the whole ecosystem, by the same path as against a bank: a target file. Ginkgo
// runs once a process, so this is the one test of the package that uses it.
func TestTheEcosystemPassesEveryCheck(t *testing.T) {
	r := suites.Test(t, suites.Options{Target: standing(t, 21), Seed: 21})
	if r == nil {
		t.Fatal("there is no report")
	}
	if r.Summary.Pass < 400 {
		t.Errorf("only %d checks passed", r.Summary.Pass)
	}
	explain(t, r)
}

// The same, judged by the published definitions where they are at hand.
func TestTheEcosystemPassesByThePublishedDefinitions(t *testing.T) {
	specs := os.Getenv("ENSAIO_SPECS")
	if specs == "" {
		t.Skip("ENSAIO_SPECS names no folder of published definitions: judged by our contracts alone")
	}
	r, err := suites.Run(t.Context(), suites.Options{Target: standing(t, 22), Seed: 22, Specs: specs, Frame: suites.Direct})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != report.VerdictPass {
		t.Errorf("verdict %s: %s", r.Verdict, r.Sentence())
	}
	explain(t, r)
}

// A few defects of every kind, each noticed by the check meant for it. `ensaio prove` tries all of them.
func TestArmedDefectsAreNoticed(t *testing.T) {
	e, file := stand(t, 23)
	for _, c := range []struct{ defect, check string }{
		{"par/accepts-missing-exp", "par/rejects-missing-exp"},
		{"idtoken/wrong-audience", "idtoken/audience"},
		{"token/lives-too-long", "token/lifetime-in-range"},
		{"token/reusable-code", "token/code-is-single-use"},
		{"resources/lists-unconsented", "resources/lists-only-consented"},
		{"consents/readable-by-others", "consents/visible-to-owner-only"},
		{"directory/lists-wrong-api-address", "directory/addresses-answer"},
	} {
		if err := e.board.Arm(c.defect); err != nil {
			t.Fatal(err)
		}
		r, err := suites.Run(t.Context(), suites.Options{Target: file, Seed: 23, Patterns: []string{c.check}, Frame: suites.Direct})
		e.board.Disarm()
		if err != nil {
			t.Fatalf("%s: %v", c.defect, err)
		}
		if r.Verdict != report.VerdictFail {
			t.Errorf("%s is not noticed by %s: %s", c.defect, c.check, r.Sentence())
		}
	}
}

func standing(t *testing.T, seed int64) *target.Target {
	t.Helper()
	_, file := stand(t, seed)
	return file
}

func explain(t *testing.T, r *report.Report) {
	t.Helper()
	for _, c := range r.Checks {
		switch c.Status {
		case report.Fail, report.Error, report.Unavailable:
			t.Errorf("%s %s: %s\n  expected %s\n  received %s\n  %s", c.ID, c.Name, c.Status, c.Expected, c.Received, c.Reason)
		case report.Pass, report.Warn, report.Skip, report.Review, report.KnownFail, report.Fixed:
		}
	}
}
