// Package ci holds what keeps the house in order: the import table and the gate's data.
package ci

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/ensaio/ensaio/"

// law says which of our own packages a folder may import, tests included. The first folder that matches
// a package is its law.
type law struct {
	folder string
	may    []string
	why    string
}

var laws = []law{
	{"sim/spec", nil, "facts import nothing"},
	{"sim/clock", nil, "time imports nothing"},
	{"sim/jose", nil, "the JOSE door imports nothing"},
	{"sim/file", nil, "replacing a file imports nothing"},
	{"sim/fault", []string{"sim/spec", "sim/clock"}, "the switchboard knows facts and draws repeatably"},
	{"sim/rule", []string{"sim/fault"}, "a rule knows only the switch"},
	{"sim/journal", leaves, "a leaf"},
	{"sim/pki", leaves, "a leaf"},
	{"sim/report", leaves, "a leaf"},
	{"scenarios", nil, "scenarios are data"},
	{"sim/availability", []string{"sim/spec"}, "the regulator's arithmetic knows facts alone"},
	{"sim/filing", append([]string{"sim/availability"}, leaves...), "filings are made of records"},
	{"sim/pcm", append([]string{"sim/availability", "sim/pki", "sim/rule", "sim/fault"}, leaves...), "the mock PCM knows no actor"},
	{"directory-mock", append([]string{"sim/pki", "sim/fault", "sim/rule"}, leaves...), "the directory knows no actor"},
	{"participants/", append([]string{"sim/pki", "sim/fault"}, leaves...), "actors know only the wire, and not one another"},
	{"platform/call", platformLeaves, "a call is data, with the rules of its paging"},
	{"platform/store", leaves, "storage knows no domain"},
	{"platform/memo", leaves, "storage knows no domain"},
	{"platform/shelf", nil, "holding many values knows none of them"},
	{"platform/event", append([]string{"platform/store"}, leaves...), "downstream of all"},
	{"platform/trust", append([]string{"platform/call"}, platformLeaves...), "downstream of all"},
	{"platform/connector", append([]string{"platform/connector"}, platformLeaves...), "the port to the core"},
	{"platform/consent", append([]string{"platform/call", "platform/connector", "platform/event", "platform/shelf", "platform/store"}, platformLeaves...), "downstream of as, resource and payment"},
	{"platform/message", append([]string{"platform/call", "platform/memo", "platform/trust"}, platformLeaves...), "downstream of payment and gateway"},
	{"platform/as", append([]string{"platform/call", "platform/as", "platform/consent", "platform/connector", "platform/event", "platform/memo", "platform/shelf", "platform/store", "platform/trust"}, platformLeaves...), "the authorization server"},
	{"platform/resource", append([]string{"platform/call", "platform/consent", "platform/connector", "platform/event"}, platformLeaves...), "downstream of the gateway"},
	{"platform/payment", append([]string{"platform/call", "platform/consent", "platform/connector", "platform/event", "platform/message", "platform/shelf", "platform/store"}, platformLeaves...), "downstream of the gateway"},
	{"platform/pcm", append([]string{"platform/event", "platform/store", "sim/pcm"}, platformLeaves...), "reads the outbox and what payments tell; its tests report to the mock"},
	{"platform", append([]string{"platform"}, platformLeaves...), "the reference institution"},
	{"suites", append([]string{"suites", "sim/availability", "sim/journal", "sim/pki", "sim/report", "participants/tpp", "participants/psu"}, leaves...), "the judge does not share the defendant's code"},
	{"load", append([]string{"load", "scenarios", "suites/target", "sim/availability", "sim/journal", "sim/report", "participants/tpp", "participants/psu"}, leaves...), "the load generator is a judge too"},
}

var (
	leaves         = []string{"sim/spec", "sim/clock", "sim/jose", "sim/journal", "sim/file"}
	platformLeaves = append([]string{"sim/rule", "sim/fault", "sim/pki"}, leaves...)
)

type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestEveryImportIsAllowed(t *testing.T) {
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		for _, l := range laws {
			if !within(path, l.folder) {
				continue
			}
			all := append(append(append([]string{}, p.Imports...), p.TestImports...), p.XTestImports...)
			for _, imp := range all {
				of, ours := strings.CutPrefix(imp, module)
				if ours && of != path && !allowed(of, l.may) {
					t.Errorf("%s imports %s; %s (%s)", path, of, l.why, l.folder)
				}
			}
			break
		}
	}
}

func TestTheJudgeNeverReachesTheDefendant(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../suites/...", "../load/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.Lines(string(out)) {
		if strings.HasPrefix(dep, module+"platform") || strings.HasPrefix(dep, module+"sim/fault") {
			t.Errorf("the judge reaches %s", strings.TrimSpace(dep))
		}
	}
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

func allowed(path string, may []string) bool {
	for _, m := range may {
		if within(path, m) {
			return true
		}
	}
	return false
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "../...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}
