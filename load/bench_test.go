package load

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// places is how many requests are on their way at once at a bare server.
const places = 8

// flood plays n arrivals that are all due within a millisecond: as fast as the generator can.
func flood(b *testing.B, n, inflight int, source Source) time.Duration {
	b.Helper()
	p, err := pace.Constant(float64(n)*1000, time.Millisecond)
	if err != nil {
		b.Fatal(err)
	}
	c := clock.New()
	start := c.Now()
	rec, err := Run(context.Background(), Plan{Pacer: p, Source: source, Clock: c, InFlight: inflight})
	if err != nil {
		b.Fatal(err)
	}
	took := c.Now().Sub(start)
	if rec.Answered != uint64(n) || rec.Failed > 0 {
		b.Fatalf("%d of %d answered, %d failed", rec.Answered, n, rec.Failed)
	}
	return took
}

// BenchmarkCeiling shows how many arrivals a second the generator can offer when the target costs nothing,
// beside an empty loop over the same source that neither paces, hands over nor records.
func BenchmarkCeiling(b *testing.B) {
	source := answers(200)
	b.Run("loop", func(b *testing.B) {
		ctx := context.Background()
		for n := range b.N {
			_ = source.Shot(uint64(n)).Do(ctx)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "shots/s")
	})
	b.Run("generator", func(b *testing.B) {
		b.ReportMetric(float64(b.N)/flood(b, b.N, 0, source).Seconds(), "shots/s")
	})
}

// bare is a handler behind mutual TLS that does nothing, and a client with connections kept alive.
func bare(b *testing.B) func(ctx context.Context) Outcome {
	b.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{}}`) }))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	b.Cleanup(s.Close)
	client := s.Client()
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig.Certificates = s.TLS.Certificates
	transport.MaxIdleConnsPerHost = places
	b.Cleanup(transport.CloseIdleConnections)
	return func(ctx context.Context) Outcome {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
		if err != nil {
			return Outcome{Err: err}
		}
		a, err := client.Do(q)
		if err != nil {
			return Outcome{Err: err}
		}
		_, err = io.Copy(io.Discard, a.Body)
		_ = a.Body.Close()
		return Outcome{Status: a.StatusCode, Err: err}
	}
}

// BenchmarkGeneratorBesideLoop asks a bare handler behind mutual TLS as fast as it answers: from a closed loop of
// eight goroutines, which neither paces nor records, and from the generator with eight places in flight. They
// take turns within one run, so that a busy machine slows both; the ratio is what counts.
func BenchmarkGeneratorBesideLoop(b *testing.B) {
	do := bare(b)
	source := fake(func(uint64) Shot { return Shot{Operation: "op", Class: spec.High, Do: do} })
	loop := func(n int) time.Duration {
		var left atomic.Int64
		left.Store(int64(n))
		var done sync.WaitGroup
		c := clock.New()
		start := c.Now()
		for range places {
			done.Go(func() {
				for left.Add(-1) >= 0 {
					if o := do(context.Background()); o.Err != nil {
						b.Error(o.Err)
					}
				}
			})
		}
		done.Wait()
		return c.Now().Sub(start)
	}
	loop(200) // connections stand
	const turn = 1000
	var floor, spent time.Duration
	for n := 0; n < b.N; n += turn {
		floor += loop(turn)
		spent += flood(b, turn, places, source)
	}
	turns := float64((b.N + turn - 1) / turn * turn)
	b.ReportMetric(turns/floor.Seconds(), "loop/s")
	b.ReportMetric(turns/spent.Seconds(), "generator/s")
	b.ReportMetric(floor.Seconds()/spent.Seconds(), "ratio")
}

// BenchmarkPrecision shows how late requests leave at rates a target is asked for.
func BenchmarkPrecision(b *testing.B) {
	for _, row := range []struct {
		name string
		rate float64
	}{{"300", 300}, {"3000", 3000}, {"20000", 20000}} {
		b.Run(row.name, func(b *testing.B) {
			for b.Loop() {
				p, err := pace.Constant(row.rate, time.Second)
				if err != nil {
					b.Fatal(err)
				}
				rec, err := Run(context.Background(), Plan{Pacer: p, Source: answers(200), Clock: clock.New()})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(rec.Lag.Percentile(50).Microseconds()), "lag-p50-µs")
				b.ReportMetric(float64(rec.Lag.Percentile(99).Microseconds()), "lag-p99-µs")
			}
		})
	}
}
