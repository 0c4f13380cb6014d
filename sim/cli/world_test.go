package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// toy is an ecosystem that consists of a switchboard: its defects are the only thing that can be seen.
type toy struct {
	dir    string
	server *httptest.Server

	mu    sync.Mutex
	armed []string
}

func (e *toy) TargetFile() string { return filepath.Join(e.dir, "target.yaml") }
func (e *toy) Ready() any {
	return map[string]any{"apiVersion": "ensaio/v1", "kind": "Ecosystem", "target": e.TargetFile()}
}
func (e *toy) Close() error { e.server.Close(); return os.RemoveAll(e.dir) }

func (e *toy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case strings.HasPrefix(r.URL.Path, "/clock"):
		_ = json.NewEncoder(w).Encode(map[string]any{"now": "2026-11-22T03:00:00Z", "offsetSeconds": 0})
		return
	case r.Method == http.MethodPost:
		var ask struct{ Name string }
		_ = json.NewDecoder(r.Body).Decode(&ask)
		if ask.Name == "par/stillborn" {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "cannot be armed"})
			return
		}
		e.armed = append(e.armed, ask.Name)
	case r.Method == http.MethodDelete:
		name := strings.TrimPrefix(r.URL.Path, "/defects/")
		e.armed = slices.DeleteFunc(e.armed, func(n string) bool { return r.URL.Path == "/defects" || n == name })
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"armed": append([]string{}, e.armed...)})
}

func startToy(context.Context, StartOptions) (Ecosystem, error) {
	dir, err := os.MkdirTemp("", "ensaio-toy-")
	if err != nil {
		return nil, err
	}
	e := &toy{dir: dir}
	e.server = httptest.NewServer(e)
	text := fmt.Sprintf("apiVersion: ensaio/v1\nkind: Target\nname: Banco de Teste\nrole: account-holder\ndirectory: {}\nbank: {organisationId: o, discovery: \"https://127.0.0.1:1/.well-known/openid-configuration\"}\nclients: []\npeople: [{id: ana, cpf: \"1\", username: a, password: b, has: [ordinary]}]\ncapabilities: {defects: \"%s/defects\", clock: \"%s/clock\"}\n", e.server.URL, e.server.URL)
	return e, os.WriteFile(e.TargetFile(), []byte(text), 0o600)
}

// sees makes a check that fails while one of the defects is armed.
func sees(defects ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		res, err := http.Get(b.Target().Capabilities.Defects)
		if err != nil {
			b.Given("the switchboard", err)
		}
		defer func() { _ = res.Body.Close() }()
		var now armed
		b.Given("the switchboard", json.NewDecoder(res.Body).Decode(&now))
		for _, d := range defects {
			b.Expect(slices.Contains(now.Armed, d)).To(expect.Equal(false))
		}
		b.Expect(true).To(expect.True("something was looked at"))
	}
}

func made(id, name string, fn func(*check.Bench), rules ...string) check.Check {
	return check.Check{ID: id, Name: name, Title: name, Plan: "toy", Area: "toy", Rules: rules, Body: fn}
}

func toyChecks() []check.Check {
	ground := made("GND-001", "ground/stands", sees("par/kills-all"))
	ground.Area = "ground"
	return []check.Check{
		ground,
		made("TOY-001", "par/rejects-missing-exp", sees("par/accepts-missing-exp", "off:AS-REQ-03/has-exp")),
		made("TOY-002", "par/rejects-missing-nbf", sees("off:AS-REQ-04/has-nbf", "par/kills-all"), "AS-REQ-04/has-nbf"),
		made("TOY-003", "par/neighbour", sees("par/aimed-badly")),
		made("TOY-004", "token/never-fails", func(b *check.Bench) { b.Expect(1).To(expect.Equal(1)) }),
	}
}

func toyDefects() []fault.Defect {
	row := func(name string, w fault.Weight, rule string, by ...string) fault.Defect {
		d := fault.Defect{Name: name, Kind: fault.Mutate, Weight: w, Symptom: "seen: " + name, CaughtBy: by}
		if rule != "" {
			d.Kind, d.Rule = fault.Off, rule
		}
		return d
	}
	return []fault.Defect{
		row("par/accepts-missing-exp", fault.Critical, "", "par/rejects-missing-exp"),
		row("off:AS-REQ-04/has-nbf", fault.Major, "AS-REQ-04/has-nbf"),
		row("par/aimed-badly", fault.Minor, "", "par/rejects-missing-exp"),
		row("par/nobody-sees", fault.Critical, "", "par/rejects-missing-exp"),
		row("par/stillborn", fault.Major, "", "par/rejects-missing-exp"),
		row("par/kills-all", fault.Minor, "", "par/rejects-missing-exp"),
	}
}

func toyWorld() World {
	return World{
		Start: startToy, Defects: toyDefects, Checks: toyChecks, Frame: suites.Direct,
		Rules: func() []rule.Info {
			return []rule.Info{{ID: "AS-REQ-04/has-nbf", Title: "nbf is present", Set: "request object", Weight: fault.Major}}
		},
		Variants: func() []fault.Defect {
			return []fault.Defect{{Name: "legal/audience-as-array", Weight: fault.Minor, Symptom: "aud is an array"}}
		},
	}
}

// with returns the toy world with other checks.
func with(checks ...check.Check) World {
	w := toyWorld()
	w.Checks = func() []check.Check { return checks }
	return w
}

var (
	good    = made("T-1", "par/holds", func(b *check.Bench) { b.Expect(1).To(expect.Equal(1)) })
	bad     = made("T-2", "par/fails", func(b *check.Bench) { b.Expect(1, "one").To(expect.Equal(2)) })
	crash   = made("T-3", "par/crashes", func(*check.Bench) { panic("no") })
	empty   = made("T-4", "par/asks-nothing", func(*check.Bench) {})
	absent  = made("T-5", "par/finds-nobody", func(b *check.Bench) { b.Given("x", syscall.ECONNREFUSED) })
	skipped = made("T-6", "par/cannot", func(b *check.Bench) { b.Skip("cannot") })
	slow    = made("T-7", "par/waits", func(b *check.Bench) { <-b.Context().Done(); b.Expect(1).To(expect.Equal(1)) })
)

// TestMain lets this program be the child process of a test.
func TestMain(m *testing.M) {
	if os.Getenv("ENSAIO_TEST_CHILD") != "" {
		os.Exit(Main(os.Args[1:], toyWorld()))
	}
	dir, err := os.MkdirTemp("", "ensaio-home-")
	if err != nil {
		panic(err)
	}
	_ = os.Setenv("XDG_CACHE_HOME", dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// invoke runs a command line and returns its code and what it printed.
func invoke(t *testing.T, w World, args ...string) (code int, out, errOut string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return invokeWith(ctx, w, args...)
}

func invokeWith(ctx context.Context, w World, args ...string) (code int, out, errOut string) {
	var o, e strings.Builder
	code = Run(ctx, args, w, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}
