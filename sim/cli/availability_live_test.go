package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A running ecosystem is judged by what its metrics platform and its bank hold, without a file.
func TestAvailabilityOfARunningEcosystem(t *testing.T) {
	probe, flushed, called := "OK", 0, true
	surface := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST /reporter/flush":
			flushed++
		case "GET /pcm/export":
			if called {
				_, _ = fmt.Fprintf(w, oneSided, "CLIENT")
			}
		case "GET /bank/books/probes":
			for i := range 20 * 60 * 2 {
				_, _ = fmt.Fprintf(w, `{"timestamp":"2026-11-17T%02d:%02d:%02dZ","code":%q,"endpoints":""}`+"\n", 3+i/120, i/2%60, i%2*30, probe)
			}
		default:
			http.NotFound(w, r)
		}
	}))
	defer surface.Close()
	file := filepath.Join(t.TempDir(), "target.yaml")
	text := "apiVersion: ensaio/v1\nkind: Target\nname: Banco\nrole: account-holder\ndirectory: {}\nbank: {organisationId: b, discovery: \"https://127.0.0.1:1/x\"}\nclients: []\npeople: []\ncapabilities: {pcm: \"" +
		surface.URL + "/pcm\", reporter: \"" + surface.URL + "/reporter\", bank: \"" + surface.URL + "/bank\"}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(want int, says string) {
		t.Helper()
		var said bytes.Buffer
		code := Run(t.Context(), []string{"report", "availability", "-t", file}, toyWorld(), strings.NewReader(""), &said, &said)
		if code != want || !strings.Contains(said.String(), says) {
			t.Errorf("exit %d, want %d with %q:\n%s", code, want, says, said.String())
		}
	}
	ask(CodePass, "1 call, 2400 probes")
	probe = "UNAVAILABLE"
	ask(CodeFloor, "NOT CONFORMING")
	probe, called = "OK", false
	ask(CodePass, "0 calls, 2400 probes")
	if flushed != 3 {
		t.Errorf("the reports that wait were asked for %d times", flushed)
	}
	surface.Close()
	ask(CodeNotReady, "still running")
}
