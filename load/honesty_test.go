package load

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// held runs a source for less than a second with so many places in flight, and judges it.
func held(t *testing.T, rate float64, inflight int, source Source) *record.Report {
	t.Helper()
	rec, err := Run(context.Background(), Plan{Pacer: constant(t, rate, 400*time.Millisecond), Source: source, Clock: clock.New(), InFlight: inflight})
	if err != nil {
		t.Fatal(err)
	}
	return rec.Report(record.Identity{Thresholds: []Threshold{{Name: "budget", Metric: "p95", Of: "high", Limit: 300}}})
}

// wait takes d of the machine's time, as a busy target or a busy generator does.
func wait(ctx context.Context, d time.Duration) Outcome {
	if err := clock.New().Sleep(ctx, d); err != nil {
		return Outcome{Err: err}
	}
	return Outcome{Status: 200}
}

func TestASlowTargetIsToldFromASlowGenerator(t *testing.T) {
	t.Run("slow target", func(t *testing.T) {
		rep := held(t, 100, 4, fake(func(uint64) Shot {
			return Shot{Operation: "op", Class: spec.High, Do: func(ctx context.Context) Outcome { return wait(ctx, 150*time.Millisecond) }}
		}))
		if rep.Generator.Bottleneck || rep.Thresholds[0].Outcome != record.Crossed || rep.Verdict != record.VerdictFail {
			t.Errorf("bottleneck %v %v, budget %s, verdict %s", rep.Generator.Bottleneck, rep.Generator.Reasons, rep.Thresholds[0].Outcome, rep.Verdict)
		}
	})
	t.Run("slow generator", func(t *testing.T) {
		// The target answers at once; making the request takes as long as the target took above.
		rep := held(t, 100, 4, fake(func(uint64) Shot {
			wait(context.Background(), 150*time.Millisecond)
			return Shot{Operation: "op", Class: spec.High, Do: func(context.Context) Outcome { return Outcome{Status: 200} }}
		}))
		if !rep.Generator.Bottleneck || rep.Thresholds[0].Outcome != record.Withheld || rep.Verdict != record.VerdictNone {
			t.Errorf("bottleneck %v, budget %s, verdict %s", rep.Generator.Bottleneck, rep.Thresholds[0].Outcome, rep.Verdict)
		}
		if why := strings.Join(rep.Generator.Reasons, "; "); !strings.Contains(why, "late") {
			t.Errorf("the reasons are %q", why)
		}
	})
	t.Run("generator that is slow, little by little", func(t *testing.T) {
		// No request is made late by much, but together they hold all places, which the target does not need.
		rep := held(t, 100, 1, fake(func(uint64) Shot {
			wait(context.Background(), 30*time.Millisecond)
			return Shot{Operation: "op", Class: spec.High, Do: func(context.Context) Outcome { return Outcome{Status: 200} }}
		}))
		if !rep.Generator.Bottleneck || rep.Thresholds[0].Outcome != record.Withheld {
			t.Errorf("bottleneck %v, budget %s", rep.Generator.Bottleneck, rep.Thresholds[0].Outcome)
		}
		if why := strings.Join(rep.Generator.Reasons, "; "); !strings.Contains(why, "places in flight") {
			t.Errorf("the reasons are %q", why)
		}
	})
	t.Run("neither", func(t *testing.T) {
		rep := held(t, 100, 64, fake(func(uint64) Shot {
			return Shot{Operation: "op", Class: spec.High, Do: func(ctx context.Context) Outcome { return wait(ctx, 20*time.Millisecond) }}
		}))
		if rep.Generator.Bottleneck || rep.Verdict != record.VerdictPass {
			t.Errorf("bottleneck %v %v, verdict %s", rep.Generator.Bottleneck, rep.Generator.Reasons, rep.Verdict)
		}
	})
}
