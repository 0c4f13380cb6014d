package load

import (
	"context"
	"testing"
	"time"

	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/sim/clock"
)

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
		// Everything is due within a millisecond: the generator goes as fast as it can.
		p, err := pace.Constant(float64(b.N)*1000, time.Millisecond)
		if err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		if _, err := Run(context.Background(), Plan{Pacer: p, Source: source, Clock: clock.New()}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "shots/s")
	})
}

// BenchmarkPrecision shows how late requests leave at rates a target is asked for.
func BenchmarkPrecision(b *testing.B) {
	for name, rate := range map[string]float64{"300": 300, "3000": 3000, "20000": 20000} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p, err := pace.Constant(rate, time.Second)
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
