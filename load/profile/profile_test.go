package profile

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

func TestEveryProfileThatComesWithItCanBePlayed(t *testing.T) {
	all := All()
	if len(all) != len(Names()) {
		t.Fatalf("%d of %d", len(all), len(Names()))
	}
	for i, p := range all {
		if p.Name != Names()[i] || p.Title == "" {
			t.Errorf("%s is called %q: %q", Names()[i], p.Name, p.Title)
		}
		if p.Procedure != Steady {
			continue
		}
		pacer, err := p.Pacer.Schedule(p.Sends())
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		highest := 0.0
		for at := time.Duration(0); at < pacer.Duration(); at += pacer.Duration() / 1000 {
			highest = max(highest, pacer.Rate(at))
		}
		if math.Abs(highest-p.Pacer.Highest()) > 0.02*highest {
			t.Errorf("%s reaches %v, and says %v", p.Name, highest, p.Pacer.Highest())
		}
		for _, row := range p.Rows() {
			if err := row.Check(); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
	}
}

const whole = `apiVersion: ensaio/v1
kind: Load
name: mine
title: Mine
pacer: {kind: constant, rate: 20}
duration: 30s
mix: {high: 2, accounts.list: 5, "customers.*": 1, token: 1}
thresholds: {budgets: {high: 800ms}, errors: 0.01}
schedule:
  - {at: 5s, for: 10s, failure: {operations: ["accounts.*"], status: 503}}
limits: {minute: false, perSecond: 0}
`

func TestMistakesAreNamedWithWhatToWrite(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"unknown key", "pacer:", "pacing:", `line 5: unknown key "pacing"; did you mean "pacer"?`},
		{"unknown nested key", "rate: 20", "rat: 20", `unknown key "rat" in pacer; did you mean "rate"?`},
		{"unknown key in a step", "operations:", "operation:", `in schedule[0].failure; did you mean "operations"?`},
		{"unknown pacer", "kind: constant", "kind: konstant", `pacer.kind is "konstant"; did you mean "constant"?`},
		{"no rate", "rate: 20", "rate: 0", "pacer.rate is 0: a rate is a positive number"},
		{"negative rate", "rate: 20", "rate: -3", "pacer.rate is -3"},
		{"rate that is no number", "rate: 20", "rate: .nan", "pacer.rate is NaN"},
		{"endless rate", "rate: 20", "rate: .inf", "pacer.rate is +Inf"},
		{"a peak that does not fit", "{kind: constant, rate: 20}", "{kind: spike, rate: 20, peak: 40, at: 25s, for: 10s}", "does not fit into 30s"},
		{"a start that is no number", "{kind: constant, rate: 20}", "{kind: ramp, from: .nan, to: 40}", "pacer.from is NaN"},
		{"weight that is no number", "token: 1", "token: .nan", "mix.token is NaN"},
		{"share that is no number", "errors: 0.01", "errors: .nan", "thresholds.errors is NaN"},
		{"growth that is no number", "errors: 0.01", "memory: .nan", "thresholds.memory is NaN"},
		{"shrinking slope", "errors: 0.01", "slope: -1", "slope"},
		{"endless tail", "errors: 0.01", "tail: .inf", "tail"},
		{"search that is no number", "title: Mine", "title: Mine\nprocedure: capacity\nsearch: {from: .nan}", "search.from is NaN"},
		{"no duration", "duration: 30s\n", "", "duration is missing"},
		{"bad duration", "duration: 30s", "duration: half a minute", "line 6"},
		{"unknown operation", "accounts.list", "accounts.lists", `unknown key "accounts.lists" in mix; did you mean "accounts.list"?`},
		{"glob of nothing", `"customers.*"`, `"clients.*"`, `unknown key "clients.*" in mix`},
		{"negative weight", "token: 1", "token: -1", "mix.token is -1"},
		{"empty mix", `{high: 2, accounts.list: 5, "customers.*": 1, token: 1}`, "{high: 0}", "every weight is zero"},
		{"share", "errors: 0.01", "errors: 3", "thresholds.errors is 3, want a share"},
		{"unknown class", "high: 800ms", "hihg: 800ms", `in thresholds.budgets; did you mean "high"?`},
		{"late step", "at: 5s", "at: 40s", "schedule[0].at is 40s, after the end"},
		{"endless step", "for: 10s, ", "", "schedule[0].for is missing"},
		{"idle step", `, failure: {operations: ["accounts.*"], status: 503}`, "", "has 0 deeds"},
		{"odd status", "status: 503", "status: 404", "want a 5xx"},
		{"negative bound", "perSecond: 0", "perSecond: -1", "limits.perSecond is -1"},
		{"wrong kind", "kind: Load", "kind: Target", `kind is "Target"`},
		{"wrong version", "ensaio/v1", "ensaio/v9", `apiVersion is "ensaio/v9"`},
		{"unknown procedure", "title: Mine", "title: Mine\nprocedure: capacitiy", `did you mean "capacity"?`},
		{"capacity without a start", "title: Mine", "title: Mine\nprocedure: capacity", "search is missing"},
		{"not yaml", "kind: Load", "kind: [", "line"},
		{"empty", whole, "", "the file is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(whole, c.from, c.to, 1)
			if text == whole {
				t.Fatal("nothing was changed")
			}
			if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestAFileIsReadAndAnUnknownNameIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Open(path)
	if err != nil || p.Name != "mine" || p.Procedure != Steady || p.Budget(spec.High) != 800*time.Millisecond || p.Budget(spec.Low) != 4*time.Second {
		t.Fatalf("%+v %v", p, err)
	}
	again, err := p.YAML()
	if err != nil {
		t.Fatal(err)
	}
	q, err := Parse(again)
	if err != nil || q.Pacer != p.Pacer || len(q.Schedule) != 1 || q.Budget(spec.High) != p.Budget(spec.High) {
		t.Errorf("written and read again: %+v %v", q, err)
	}
	if _, err := Open("regulatori"); err == nil || !strings.Contains(err.Error(), `did you mean "regulatory"`) {
		t.Errorf("got %v", err)
	}
}

func TestTheMostExactKeyDecidesAWeight(t *testing.T) {
	p := &Profile{Mix: map[string]float64{"high": 2, "accounts": 3, "accounts.b*": 4, "accounts.balances": 5, Registry: 0.5}}
	got := p.Weights([]string{"accounts.balances", "accounts.list", "resources.list", "customers.personal-identifications", Token, JourneyPay})
	for name, want := range map[string]float64{"accounts.balances": 5, "accounts.list": 3, "resources.list": 2, "customers.personal-identifications": 4, Token: 24, JourneyPay: 0} {
		if got[name] != want {
			t.Errorf("%s weighs %v, want %v", name, got[name], want)
		}
	}
}

func TestTheRegistrysMixFollowsTheMonthlyQuotas(t *testing.T) {
	weights := (&Profile{}).Weights([]string{"accounts.balances", "accounts.transactions-current", "accounts.list", "consents.read", "consents.create"})
	for name, want := range map[string]float64{"accounts.balances": 420, "accounts.transactions-current": 240, "accounts.list": 8, "consents.read": 240, "consents.create": 8} {
		if weights[name] != want {
			t.Errorf("%s weighs %v, want %v", name, weights[name], want)
		}
	}
}

func TestAShorterRunMovesItsScheduleWithIt(t *testing.T) {
	p, err := Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Shorten(3 * time.Second); err != nil {
		t.Fatal(err)
	}
	if s := p.Schedule[0]; time.Duration(s.At) != 500*time.Millisecond || time.Duration(s.For) != time.Second {
		t.Errorf("%+v", s)
	}
	if r := (Pacer{Kind: "spike", Rate: 100, Peak: 300}).AtRate(30); r.Rate != 10 || r.Peak != 30 {
		t.Errorf("%+v", r)
	}
}
