package pcm

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkIntake takes batches of 500 reports in through HTTP: both sides of each call, validated,
// logged with an fsync before the answer, and paired. Beside it, in the same run, runs the floor: the
// same bytes decoded by encoding/json and written and synced, with nothing else done. The ratio says
// what everything else costs.
func BenchmarkIntake(b *testing.B) {
	const size = 500
	client, server := make([]object, size), make([]object, size)
	for i := range size {
		client[i], server[i] = clientReport(i), serverReport(i)
	}
	batches := [][]byte{encode(b, client), encode(b, server)}
	p := start(b, Config{Dir: b.TempDir()})
	srv := httptest.NewServer(p.Handler())
	defer srv.Close()
	tokens := []string{bearer(b, p, orgA), bearer(b, p, orgB)}
	floorFile, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer floorFile.Close()

	var floor, whole time.Duration
	round := 0
	for b.Loop() {
		for side := range 2 {
			// Fresh interaction ids of the same length: a new batch, not a repetition.
			body := strings.ReplaceAll(string(batches[side]), "10000000-0000-4000-8000-0000", stamp(round))
			began := time.Now()
			var items []map[string]any
			if err := json.Unmarshal([]byte(body), &items); err != nil {
				b.Fatal(err)
			}
			if _, err := floorFile.WriteString(body); err != nil {
				b.Fatal(err)
			}
			if err := floorFile.Sync(); err != nil {
				b.Fatal(err)
			}
			floor += time.Since(began)

			began = time.Now()
			req, err := http.NewRequestWithContext(b.Context(), "POST", srv.URL+privatePath, strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			req.Host = "api.pcm.test"
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+tokens[side])
			res, err := srv.Client().Do(req)
			if err != nil {
				b.Fatal(err)
			}
			var answer []item
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
				b.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 200 || len(answer) != size {
				b.Fatalf("got %d", res.StatusCode)
			}
			whole += time.Since(began)
		}
		round++
	}
	began := time.Now()
	if err := p.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	whole += time.Since(began)
	if s := p.Summary(); s.ByStatus[Paired] != s.Reports {
		b.Fatalf("not all are paired: %v", s.ByStatus)
	}
	reports := float64(round * 2 * size)
	b.ReportMetric(reports/whole.Seconds(), "reports/s")
	b.ReportMetric(reports/floor.Seconds(), "floor-reports/s")
	b.ReportMetric(whole.Seconds()/floor.Seconds(), "times-floor")
	b.ReportMetric(0, "ns/op")
}

func stamp(round int) string {
	const digits = "0123456789abcdef"
	s := []byte("20000000-0000-4000-8000-0000")
	for i := 7; i > 0; i-- {
		s[i] = digits[round&15]
		round >>= 4
	}
	return string(s)
}
