package status_test

import (
	"context"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/status"
	"github.com/ensaio/ensaio/sim/spec"
)

// BenchmarkObserve is the cost of counting one call, which every call of the API host pays.
func BenchmarkObserve(b *testing.B) {
	w := begin(b, noon)
	e := gateway.Entry{At: noon, Operation: "accounts.balances", Status: 200, Took: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		w.Observe(context.Background(), e)
	}
}

// BenchmarkGuard is the cost of asking whether a call is to be stopped, when nothing is.
func BenchmarkGuard(b *testing.B) {
	w := begin(b, noon)
	op := spec.Find("accounts.balances")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = w.Guard(op, noon)
	}
}

// BenchmarkProbe steps the clock by one probe and asks for the status, as a replayed quarter does.
func BenchmarkProbe(b *testing.B) {
	for name, prepare := range map[string]func(*world){
		"well":    func(*world) {},
		"trouble": func(w *world) { w.fail(status.Failure{Operations: []string{"accounts.*"}, Status: 503}) },
	} {
		b.Run(name, func(b *testing.B) {
			w := begin(b, noon)
			prepare(w)
			for b.Loop() {
				w.clock.Advance(status.Period)
				w.Status(b.Context())
			}
		})
	}
}
