package load

import (
	"math"
	"runtime/metrics"
	"time"

	"github.com/ensaio/ensaio/load/record"
)

// The figures of the runtime by which the generator knows itself.
const (
	scheduling = "/sched/latencies:seconds"
	cpuTotal   = "/cpu/classes/total:cpu-seconds"
	cpuIdle    = "/cpu/classes/idle:cpu-seconds"
	cpuGC      = "/cpu/classes/gc/total:cpu-seconds"
)

// meter reads what the runtime has measured since the meter was made.
type meter struct{ from reading }

type reading struct {
	waits            *metrics.Float64Histogram
	total, idle, gcs float64
}

func newMeter() *meter { return &meter{from: readRuntime()} }

func readRuntime() reading {
	samples := []metrics.Sample{{Name: scheduling}, {Name: cpuTotal}, {Name: cpuIdle}, {Name: cpuGC}}
	metrics.Read(samples)
	var r reading
	if samples[0].Value.Kind() == metrics.KindFloat64Histogram {
		h := samples[0].Value.Float64Histogram()
		r.waits = &metrics.Float64Histogram{Counts: append([]uint64{}, h.Counts...), Buckets: h.Buckets}
	}
	for i, v := range []*float64{&r.total, &r.idle, &r.gcs} {
		if s := samples[i+1]; s.Value.Kind() == metrics.KindFloat64 {
			*v = s.Value.Float64()
		}
	}
	return r
}

// read returns the figures since the meter was made. The processor shares stay 0 until the collector has run,
// because the runtime only counts them then.
func (m *meter) read() record.Generator {
	now := readRuntime()
	g := record.Generator{Scheduling: m.wait99(now)}
	if total := now.total - m.from.total; total > 0 {
		g.Processor = min(max(1-(now.idle-m.from.idle)/total, 0), 1)
		g.Collector = min(max((now.gcs-m.from.gcs)/total, 0), 1)
	}
	return g
}

// wait99 is the p99 of the time that runnable goroutines waited, as the upper bound of its bucket.
func (m *meter) wait99(now reading) time.Duration {
	if now.waits == nil || m.from.waits == nil || len(now.waits.Counts) != len(m.from.waits.Counts) {
		return 0
	}
	total := uint64(0)
	for i, c := range now.waits.Counts {
		total += c - m.from.waits.Counts[i]
	}
	seen := uint64(0)
	for i, c := range now.waits.Counts {
		seen += c - m.from.waits.Counts[i]
		if total > 0 && float64(seen) >= 0.99*float64(total) {
			upper := now.waits.Buckets[i+1]
			if math.IsInf(upper, 1) {
				upper = now.waits.Buckets[i]
			}
			return time.Duration(upper * float64(time.Second))
		}
	}
	return 0
}
