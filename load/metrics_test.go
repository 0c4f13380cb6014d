package load

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

func TestPrometheusReadsTheRunningLoad(t *testing.T) {
	m, err := Serve(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := Run(context.Background(), Plan{Pacer: constant(t, 500, 100*time.Millisecond), Source: answers(503), Clock: clock.New(), Observe: m.Set}); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`ensaio_load_answers_total{status="503"} 50`, `ensaio_load_requests_total{class="high"} 25`, "ensaio_load_failed_total 50",
		`ensaio_load_budget_seconds{class="low"} 4`, "ensaio_load_generator_bottleneck 0", "ensaio_load_due_total 50"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("missing: %s", want)
		}
	}
}
