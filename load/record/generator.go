package record

import (
	"fmt"
	"time"
)

// Generator is what the load generator found out about itself.
type Generator struct {
	Workers       int           // processes that shared the run
	InFlightLimit int           // most requests at once, of all workers
	InFlightPeak  int           // most that were
	Saturated     time.Duration // how long the limit held arrivals back
	// Scheduling is the p99 of the time a goroutine that could run waited for a processor: answers are seen late by it.
	Scheduling time.Duration
	Processor  float64 // share of the processors' time in use by the process, 0 to 1; 0 when unknown
	Collector  float64 // share of it spent collecting garbage
}

func (g *Generator) merge(o Generator) {
	g.Workers += o.Workers
	g.InFlightLimit += o.InFlightLimit
	g.InFlightPeak += o.InFlightPeak
	g.Saturated = max(g.Saturated, o.Saturated)
	g.Scheduling = max(g.Scheduling, o.Scheduling)
	g.Processor = max(g.Processor, o.Processor)
	g.Collector = max(g.Collector, o.Collector)
}

// LagLimit is how late the generator may be, at the 99th of 100 requests, and still be trusted with a
// latency: a fifteenth of the tightest budget of the standard.
const LagLimit = 100 * time.Millisecond

// shortLimit is the share of requests that the generator may fail to have ready and still be trusted.
const shortLimit = 0.005

// Bottleneck says why the generator, and not the target, explains the latency; nothing when it does not.
func (r *Recording) Bottleneck() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bottleneck()
}

func (r *Recording) bottleneck() []string {
	var why []string
	if r.Answered+r.Short == 0 {
		return nil
	}
	if lag := r.Lag.Percentile(99); lag > LagLimit {
		why = append(why, fmt.Sprintf("requests left %s late at p99, %s is allowed", round(lag), LagLimit))
	}
	if g := r.Generator; g.Scheduling > LagLimit {
		why = append(why, fmt.Sprintf("goroutines waited %s for a processor at p99, %s is allowed", round(g.Scheduling), LagLimit))
	}
	if why == nil && r.Wait.Percentile(99) > LagLimit && r.idle() {
		why = append(why, fmt.Sprintf("all %d places in flight were taken while the target answered in %s on average", r.Generator.InFlightLimit, round(r.service())))
	}
	if all := r.Answered + r.Short; float64(r.Short) > shortLimit*float64(all) {
		why = append(why, fmt.Sprintf("nothing was ready to be sent for %d of %d requests", r.Short, all))
	}
	if why == nil {
		return nil
	}
	if p := r.Generator.Processor; p > 0.9 {
		why = append(why, fmt.Sprintf("the processors were %.0f %% busy", 100*p))
	}
	if c := r.Generator.Collector; c > 0.2 {
		why = append(why, fmt.Sprintf("%.0f %% of the processors' time went into collecting garbage", 100*c))
	}
	return why
}

// idle tells whether the places in flight were taken without the target needing them. By Little's law the
// target holds rate × service time requests at once; when that is under half of the limit while arrivals wait
// for a place, the places are held by the generator.
func (r *Recording) idle() bool {
	// Over the time until the last answer: a short run ends long before a slow target has answered.
	span := float64(len(r.Timeline)) * r.Slot.Seconds()
	return float64(r.Answered)*r.service().Seconds()/max(span, 1) < float64(r.Generator.InFlightLimit)/2
}

// service is the mean service time over all operations.
func (r *Recording) service() time.Duration {
	sum, n := 0.0, 0.0
	for _, s := range r.Classes {
		c := float64(s.Service.Count())
		sum += float64(s.Service.Mean()) * c
		n += c
	}
	if n == 0 {
		return 0
	}
	return time.Duration(sum / n)
}

func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}
