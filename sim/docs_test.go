package sim

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The steps of docs/any-client.md, as they stand there, against a running ecosystem.
func TestAnyClientTakesPartByTheDocumentedSteps(t *testing.T) {
	for _, tool := range []string{"curl", "openssl", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: the documented steps cannot be run here", tool)
		}
	}
	text, err := os.ReadFile("../docs/any-client.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```sh\n")
	steps, _, found := strings.Cut(rest, "\n```")
	if !found {
		t.Fatal("the document holds no steps")
	}
	e, err := Start(t.Context(), Options{Seed: 11})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	ready := filepath.Join(t.TempDir(), "ready.json")
	if err := e.WriteReady(ready); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", steps)
	cmd.Env = append(os.Environ(), "READY="+ready)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"OrganisationName":"Banco Ensaio"`, "CENTRAL_TELEFONICA", "\neyJ", `"code":"NAO_ENCONTRADO"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the steps do not show %q:\n%s", want, out)
		}
	}
}
