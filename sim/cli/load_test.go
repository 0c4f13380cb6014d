package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// unstarted is a world that must not be started: the question was wrong.
func unstarted(t *testing.T) World {
	w := toyWorld()
	w.Start = func(context.Context, StartOptions) (Ecosystem, error) {
		t.Error("an ecosystem was started")
		return nil, errors.New("not to be started")
	}
	return w
}

const loadHead = "apiVersion: ensaio/v1\nkind: Load\nname: mine\ntitle: Mine\n"

func TestWhatIsWrongWithALoadIsToldBeforeAnythingStarts(t *testing.T) {
	odd := write(t, "odd.yaml", loadHead+"pacing: {kind: constant}\nduration: 1s\n")
	impossible := write(t, "impossible.yaml", loadHead+"pacer: {kind: constant, rate: -5}\nduration: 1s\n")
	there := write(t, "there.yaml", "apiVersion: ensaio/v1\nkind: Target\nname: Banco de Longe\nrole: account-holder\nhosts: {auth.banco.example: 203.0.113.9}\ndirectory: {}\nbank: {discovery: \"https://auth.banco.example/.well-known/openid-configuration\"}\nclients: []\npeople: []\n")
	nameless := write(t, "nameless.yaml", "apiVersion: ensaio/v1\nkind: Target\nrole: account-holder\nhosts: {auth.banco.example: 203.0.113.9}\ndirectory: {}\nbank: {discovery: \"https://auth.banco.example/.well-known/openid-configuration\"}\nclients: []\npeople: []\n")
	ruled := write(t, "ruled.yaml", "apiVersion: ensaio/v1\nkind: Target\nname: Banco de Perto\nrole: account-holder\ndirectory: {}\nbank: {discovery: \"https://127.0.0.1:1/.well-known/openid-configuration\"}\ncapabilities: {bank: \"http://203.0.113.9/bank\"}\nclients: []\npeople: []\n")
	full := write(t, "full", "no folder")
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"rate that is no number", []string{"--rate", "NaN"}, "--rate is NaN"},
		{"bound that is no number", []string{"--rate", "5000", "--max-rate", "NaN"}, "--max-rate is NaN"},
		{"endless rate", []string{"--rate", "Inf"}, "--rate is +Inf"},
		{"hosts elsewhere without a name", []string{"-t", nameless}, "has no name"},
		{"hosts elsewhere without a name, confirmed", []string{"-t", nameless, "--yes", ""}, "has no name"},
		{"powers elsewhere", []string{"-t", ruled}, "203.0.113.9"},
		{"a crew for what cannot be shared", []string{"limits", "--workers", "2"}, "cannot be shared"},
		{"a crew for a quarter", []string{"quarter", "--workers", "2"}, "cannot be shared"},
		{"a folder that is a file", []string{"-o", full}, "-o"},
		{"unknown profile", []string{"regulatori"}, `did you mean "regulatory"`},
		{"unknown key", []string{odd}, `unknown key "pacing"; did you mean "pacer"`},
		{"impossible rate", []string{impossible}, "pacer.rate is -5"},
		{"missing file", []string{"./nowhere.yaml"}, "no such file"},
		{"two profiles", []string{"soak", "spike"}, "takes one profile"},
		{"rate above the bound", []string{"regulatory", "--rate", "5000"}, "--max-rate 5000"},
		{"duration above the bound", []string{"soak", "--duration", "2h"}, "--max-duration 2h"},
		{"negative rate", []string{"--rate", "-1"}, "cannot be negative"},
		{"rate of its own", []string{"limits", "--rate", "10"}, "sets its own rates"},
		{"plan of something else", []string{"soak", "--plan", "x.yaml"}, "--plan is for the quarter"},
		{"missing plan", []string{"quarter", "--plan", "./nowhere.yaml"}, "no such file"},
		{"unknown defect", []string{"--defect", "perf/unknown"}, "list defects"},
		{"defect at somebody else's", []string{"-t", there, "--defect", "par/accepts-missing-exp"}, "defect on"},
		{"hosts elsewhere", []string{"-t", there}, `--yes "Banco de Longe"`},
		{"another name", []string{"-t", there, "--yes", "Banco de Perto"}, `the target is "Banco de Longe"`},
		{"target file with a mistake", []string{"-t", odd}, "target"},
		{"worker without a server", []string{"worker"}, "ENSAIO_NATS"},
		{"a release of somebody else's", []string{"-t", there, "--pcm-release", "2025D"}, "an ecosystem of our own"},
		{"no such release", []string{"--pcm-release", "1999A"}, "there are 1.0.2"},
		{"no worker at all", []string{"--workers", "0"}, "needs a worker"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errOut := invoke(t, unstarted(t), append([]string{"load", "-o", t.TempDir()}, c.args...)...)
			if strings.Contains(c.name, "worker without") {
				code, out, errOut = invoke(t, unstarted(t), "load", "worker")
			}
			if code != CodeUsage || !strings.Contains(out+errOut, c.says) || !strings.Contains(errOut, "hint:") {
				t.Errorf("code %d, want %d with %q and a hint\n%s%s", code, CodeUsage, c.says, out, errOut)
			}
		})
	}
}

func TestATargetThatIsDownIsNotReady(t *testing.T) {
	down := write(t, "down.yaml", "apiVersion: ensaio/v1\nkind: Target\nname: x\nrole: account-holder\ndirectory: {}\nbank: {organisationId: o, discovery: \"https://127.0.0.1:1/.well-known/openid-configuration\"}\nclients: [{name: a, organisationId: o, softwareStatementId: s, roles: [DADOS], transport: {cert: \"file:no.pem\", key: \"file:no.key\"}, signing: {jwk: \"file:no.jwk\"}, redirectUris: [], registered: true, clientId: c}]\npeople: [{id: a, cpf: \"1\"}]\n")
	code, out, errOut := invoke(t, toyWorld(), "load", "-t", down, "-o", t.TempDir())
	if code != CodeUsage || !strings.Contains(errOut, "no.pem") {
		t.Errorf("a certificate that is missing: code %d\n%s%s", code, out, errOut)
	}
	if code, out, errOut = invoke(t, toyWorld(), "load", "-o", t.TempDir(), "--no-preflight"); code != CodeNotReady || !strings.Contains(errOut, "doctor") {
		t.Errorf("nobody answers: code %d\n%s%s", code, out, errOut)
	}
}

// small is a load of which no latency is judged: the machine of a test may be busy.
const small = loadHead + `pacer: {kind: constant, rate: 300}
duration: 5s
grants: 2
mix: {registry: 0.3, "journey:share": 200, "journey:revoke": 200, "journey:pay": 200, "journey:cancel": 200, payments.cancel: 200, payments.consent-cancel: 200, "journey:register": 200}
thresholds: {latency: false, errors: 0, serverErrors: 0, limited: 0}
`

// loaded reads load.json.
func loaded(t *testing.T, dir string) record.Report {
	t.Helper()
	var r record.Report
	b, err := os.ReadFile(filepath.Join(dir, "load.json"))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "load.html")); err != nil {
		t.Error(err)
	}
	return r
}

// left is an ecosystem that is looked at before it ends.
type left struct {
	Ecosystem
	look func(targetFile string)
}

func (l left) Close() error {
	l.look(l.TargetFile())
	return l.Ecosystem.Close()
}

func TestALoadOfAWholeEcosystem(t *testing.T) {
	dir, w := t.TempDir(), TheWorld()
	start, states := w.Start, map[string]int{}
	w.Start = func(ctx context.Context, o StartOptions) (Ecosystem, error) {
		e, err := start(ctx, o)
		return left{e, func(file string) {
			described, err := target.Load(file)
			if err == nil {
				err = stream(context.WithoutCancel(ctx), described, "bank", "/books/payments", lines(func(all ...struct{ Status string }) error {
					for _, p := range all {
						states[p.Status]++
					}
					return nil
				}))
			}
			if err != nil {
				t.Error(err)
			}
		}}, err
	}
	code, out, errOut := invoke(t, w, "load", write(t, "small.yaml", small), "-o", dir)
	r := loaded(t, dir)
	if busy := r.Generator.Bottleneck; code != CodePass && !(busy && code == CodeNotReady) || !busy && !strings.Contains(out, "PASS") {
		t.Fatalf("code %d\n%s%s", code, out, errOut)
	}
	delete(r.Errors, "401") // a revoked consent's token is rightly refused
	if !strings.Contains(r.Command, "small.yaml") {
		t.Errorf("the run is not repeated by %q", r.Command)
	}
	if r.Requests == 0 || r.Failed != 0 || len(r.Errors) != 0 {
		t.Errorf("%d requests, %d failed: %v", r.Requests, r.Failed, r.Errors)
	}
	if states["CANC"] == 0 || states["ACSC"] == 0 || states["SCHD"] != 0 {
		t.Errorf("scheduled payments were left: %v", states)
	}
	asked := map[string]uint64{}
	for _, e := range r.Endpoints {
		asked[e.Operation] = e.OK
	}
	// The steps of journeys stand under their operations.
	for _, op := range []string{"accounts.balances", "accounts.list", "resources.list", "consents.create", "token", "par", "register", "payments.create", "journey:share", "journey:pay", "journey:cancel", "payments.cancel", "payments.consent-cancel", "journey:revoke"} {
		if asked[op] == 0 {
			t.Errorf("%s was not asked: %v", op, asked)
		}
	}
}

func TestACrossedThresholdIsNamed(t *testing.T) {
	dir := t.TempDir()
	shed := write(t, "shed.yaml", loadHead+"pacer: {kind: constant, rate: 60}\nduration: 2s\ngrants: 1\nmix: {accounts.balances: 1}\nthresholds: {latency: false, overloads: 0}\nlimits: {perSecond: 5}\n")
	code, out, errOut := invoke(t, TheWorld(), "load", shed, "-o", dir)
	if code != CodeFloor || !strings.Contains(out, "✗ overloads") || !strings.Contains(out, "FAIL") {
		t.Fatalf("code %d\n%s%s", code, out, errOut)
	}
	if r := loaded(t, dir); r.Verdict != record.VerdictFail || r.Errors["529"] == 0 || r.Thresholds[0].Outcome != record.Crossed {
		t.Errorf("%v %+v", r.Errors, r.Thresholds)
	}
}

func TestAnInterruptedLoadWritesWhatItMeasured(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	long := write(t, "long.yaml", loadHead+"pacer: {kind: constant, rate: 20}\nduration: 10m\ngrants: 1\nmix: {accounts.balances: 1}\nschedule: [{at: 300ms, clock: 1s}]\n")
	out := &notify{want: "the clock steps", seen: make(chan struct{})}
	go func() { <-out.seen; cancel() }()
	var errOut strings.Builder
	code := Run(ctx, []string{"load", long, "-o", dir}, TheWorld(), strings.NewReader(""), out, &errOut)
	if r := loaded(t, dir); code != CodeInterrupted || !r.Partial || r.Verdict == record.VerdictPass || r.Stopped == "" {
		t.Errorf("code %d, %+v\n%s", code, r.Stopped, errOut.String())
	}
}

// only decodes the one JSON document that a script reads from standard output.
func only(t *testing.T, out string, into any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(out))
	if err := dec.Decode(into); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, out)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		t.Errorf("more than one document: %v\n%s", err, out)
	}
}

// A report that cannot be kept is printed all the same, once, and the exit code does not say that nothing was sent.
func TestAReportThatCannotBeKeptIsPrintedAllTheSame(t *testing.T) {
	taken := func(name string) string {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	short := write(t, "short.yaml", loadHead+"pacer: {kind: constant, rate: 20}\nduration: 1s\ngrants: 1\nmix: {accounts.balances: 1}\nthresholds: {latency: false}\n")
	calls := write(t, "calls.csv", logOf(69))
	for _, args := range [][]string{
		{"load", short, "-o", taken("load.json")},
		{"load", "quarter", "--days", "1", "-o", taken("load.json")},
		{"report", "availability", calls, "-o", taken("availability.json")},
		{"run", "AS-REQ-03/**", "par/rejects-missing-exp", "-o", taken("report.json")},
	} {
		code, out, errOut := invoke(t, TheWorld(), append(args, "--json")...)
		var doc struct{ Kind, Verdict string }
		only(t, out, &doc)
		if code != CodeHarness || doc.Verdict == "" || !strings.Contains(errOut, "hint:") || !strings.Contains(errOut, "make room") {
			t.Errorf("%v: code %d, %+v\n%s", args[:2], code, doc, errOut)
		}
	}
}

func TestAnInterruptedQuarterLeavesItsWholeDays(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	plan := write(t, "plan.yaml", "apiVersion: ensaio/v1\nkind: Quarter\nname: x\ndays: 60\ntraffic: {every: 24h, operations: [accounts.list]}\noutages: [{day: 1, at: \"10:00\", duration: 30s, kind: unscheduled}]\n")
	out := &notify{want: "1 of 60 days", seen: make(chan struct{})}
	go func() { <-out.seen; cancel() }()
	var errOut strings.Builder
	code := Run(ctx, []string{"load", "quarter", "--plan", plan, "-o", dir}, TheWorld(), strings.NewReader(""), out, &errOut)
	var r struct {
		Verdict string
		Partial bool
		Played  int `json:"daysPlayed"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "quarter.json"))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil || code != CodeInterrupted || !r.Partial || r.Verdict != record.VerdictNone || r.Played < 1 || r.Played >= 60 {
		t.Errorf("code %d, %+v, %v\n%s", code, r, err, errOut.String())
	}
	if page, err := os.ReadFile(filepath.Join(dir, "quarter.html")); err != nil || !strings.Contains(string(page), "partial, ") {
		t.Errorf("the page does not say that it is a part: %v", err)
	}
}

func TestTheMetricsPlatformKeepsTheReleaseThatIsAskedFor(t *testing.T) {
	w := TheWorld()
	start, said := w.Start, ""
	w.Start = func(ctx context.Context, o StartOptions) (Ecosystem, error) {
		e, err := start(ctx, o)
		if err != nil {
			return nil, err
		}
		described, err := target.Load(e.TargetFile())
		if err == nil {
			var dialect struct{ Release string }
			err = control(ctx, described, "pcm", "GET", "/dialect", nil, &dialect)
			said = dialect.Release
		}
		return e, err
	}
	short := write(t, "short.yaml", loadHead+"pacer: {kind: constant, rate: 20}\nduration: 1s\ngrants: 1\nmix: {accounts.balances: 1}\nthresholds: {latency: false}\n")
	dir := t.TempDir()
	if code, out, errOut := invoke(t, w, "load", short, "--pcm-release", "2025d", "-o", dir); code != CodePass && code != CodeNotReady || said != "2025D" {
		t.Errorf("code %d, release %q\n%s%s", code, said, out, errOut)
	}
	if r := loaded(t, dir); strings.Contains(r.Title, "changed") || !strings.Contains(r.Command, "--pcm-release=2025D") {
		t.Errorf("the run is not repeated by %q", r.Command)
	}
}

// A gentle run must not carry the title of the one that was not made.
func TestAChangedProfileSaysSo(t *testing.T) {
	p, err := profile.Open("regulatory")
	if err != nil {
		t.Fatal(err)
	}
	f := loadFlags{rate: 10, duration: 2 * time.Second, maxRate: maxRate, maxDuration: maxDuration, workers: 1}
	if err := f.apply(p, true); err != nil || !strings.Contains(p.Title, "(changed: ") || !strings.Contains(p.Title, "10 a second for 2s in place of ") || !strings.Contains(p.Title, "300 a second for 30s") {
		t.Errorf("%v: %s", err, p.Title)
	}
}

func TestWhatBecomesOfADefectUnderLoad(t *testing.T) {
	d := fault.Defect{Name: "perf/x", Weight: fault.Major, Profile: "regulatory"}
	crossed := record.Verdict{Threshold: record.Threshold{Name: "class high", Limit: 1500}, Unit: "ms", Value: 1800, Outcome: record.Crossed}
	for _, c := range []struct {
		rep  *record.Report
		err  error
		want string
	}{
		{&record.Report{Verdict: record.VerdictFail, Thresholds: []record.Verdict{crossed}}, nil, report.Killed},
		{&record.Report{Verdict: record.VerdictPass}, nil, report.Lived},
		{&record.Report{Verdict: record.VerdictNone}, nil, report.Stillborn},
		{nil, errors.New("no report"), report.Stillborn},
	} {
		p := concludeLoad(d, c.rep, c.err)
		if p.Outcome != c.want || p.ExpectedCheck != "load:regulatory" {
			t.Errorf("%+v, want %s", p, c.want)
		}
		if c.want == report.Killed && (!strings.Contains(p.Received, "class high: 1800 ms, 1500 ms allowed") || len(p.CaughtBy) != 1) {
			t.Errorf("%+v", p)
		}
	}
}

// Records that an institution keeps on a disk are no leak: where memory is measured, so does ours.
func TestWhereMemoryIsMeasuredStateLiesInAFolderOfTheRun(t *testing.T) {
	for _, c := range []struct {
		args []string
		of   string // "": none, "own": of the run, else as named
	}{{[]string{"soak"}, "own"}, {[]string{"soak", "--dir", "mine"}, "mine"}, {[]string{"regulatory"}, ""}} {
		w, asked := toyWorld(), "unasked"
		w.Start = func(_ context.Context, o StartOptions) (Ecosystem, error) {
			if asked = o.Dir; c.of == "own" {
				if _, err := os.Stat(asked); err != nil {
					t.Error(err)
				}
			}
			return nil, errors.New("enough")
		}
		_, _, _ = invoke(t, w, append([]string{"load", "-o", t.TempDir()}, c.args...)...)
		if c.of == "own" {
			if _, err := os.Stat(asked); asked == "" || !os.IsNotExist(err) {
				t.Errorf("%v: the folder %q is left behind: %v", c.args, asked, err)
			}
		} else if asked != c.of {
			t.Errorf("%v: %q, want %q", c.args, asked, c.of)
		}
	}
}
