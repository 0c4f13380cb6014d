package check

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

// Bench is where the body of one running check works. It belongs to one check and ends with it.
type Bench struct {
	session *Session
	check   Check
	ctx     context.Context

	mu        sync.Mutex
	exchanges []*tpp.Exchange
	marked    map[*tpp.Exchange]bool
	flaws     map[*tpp.Exchange][]string
	unjudged  map[*tpp.Exchange]bool
	findings  []report.Finding
	steps     []string
	notes     []string
	asserted  int
	lent      []*Person
	undo      []func()
	clients   map[string]*tpp.Client
	pages     []psu.Page
	ended     *outcome
}

type outcome struct {
	status report.Status
	reason string
}

// stop unwinds a body whose outcome is settled.
type stop struct{}

// Context ends with the check's timeout or when the run is interrupted.
func (b *Bench) Context() context.Context { return b.ctx }

// Target is what is under test.
func (b *Bench) Target() *target.Target { return b.session.target }

// Check is the value that runs here.
func (b *Bench) Check() Check { return b.check }

// Step names what comes next, for the reader of a report.
func (b *Bench) Step(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.steps = append(b.steps, report.RedactText(fmt.Sprintf(format, args...)))
}

// Note keeps a remark for the reader of a report.
func (b *Bench) Note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, report.RedactText(fmt.Sprintf(format, args...)))
}

// Fail ends the check with a deviation that no matcher expresses.
func (b *Bench) Fail(expected, received string, about ...*tpp.Exchange) {
	b.deviation(report.Fail, expected, received, about)
	panic(stop{})
}

// Warn reports a deviation from a recommendation, and the check goes on.
func (b *Bench) Warn(expected, received string, about ...*tpp.Exchange) {
	b.deviation(report.Warn, expected, received, about)
}

// Skip ends the check without a verdict: something found on the way makes it impossible. A skipped must
// leaves the run incomplete.
func (b *Bench) Skip(format string, args ...any) {
	b.end(report.Skip, fmt.Sprintf(format, args...))
}

// Review ends the check with a question that only a person can answer.
func (b *Bench) Review(format string, args ...any) {
	b.end(report.Review, fmt.Sprintf(format, args...))
}

func (b *Bench) end(status report.Status, reason string) {
	b.mu.Lock()
	b.ended = &outcome{status, report.RedactText(reason)}
	b.mu.Unlock()
	panic(stop{})
}

func (b *Bench) deviation(weight report.Status, expected, received string, about []*tpp.Exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(about) == 0 && len(b.exchanges) > 0 {
		about = b.exchanges[len(b.exchanges)-1:]
	}
	f := report.Finding{Status: weight, Expected: report.RedactText(expected), Received: report.RedactText(received)}
	for _, x := range about {
		if x == nil {
			continue
		}
		b.marked[x] = true
		for i, known := range b.exchanges {
			if known == x {
				f.Evidence = append(f.Evidence, ref(i))
			}
		}
	}
	b.findings = append(b.findings, f)
}

func ref(i int) string { return fmt.Sprintf("e%d", i+1) }

// Cleanup runs fn after the check, last first, whatever its outcome.
func (b *Bench) Cleanup(fn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.undo = append(b.undo, fn)
}

// cleanupContext outlives the check's own for as long as tidying up may take.
func (b *Bench) cleanupContext() context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 10*time.Second)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// Exchanges lists what was sent and received so far, in order.
func (b *Bench) Exchanges() []*tpp.Exchange {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*tpp.Exchange(nil), b.exchanges...)
}

// Unjudged excludes exchanges from the validation against their contracts: those in which the check
// provokes what no contract describes.
func (b *Bench) Unjudged(exchanges ...*tpp.Exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range exchanges {
		b.unjudged[x] = true
	}
}

func (b *Bench) record(x *tpp.Exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exchanges = append(b.exchanges, x)
}

// Together runs the functions at the same time and waits for all. The first that settles the check's
// outcome settles it for all.
func (b *Bench) Together(fns ...func()) {
	var wg sync.WaitGroup
	caught := make(chan any, len(fns))
	for _, fn := range fns {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					caught <- r
				}
			}()
			fn()
		})
	}
	wg.Wait()
	select {
	case r := <-caught:
		panic(r)
	default:
	}
}

// Wait polls until done says so, at the target's named timeout the latest, and says whether it was done
// in time. The pace starts at 20 ms and slows down to a second.
func (b *Bench) Wait(timeout, what string, done func() bool) bool {
	limit := b.session.target.Timeout(timeout)
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	b.session.waiting(b.check, what)
	defer b.session.waiting(b.check, "")
	for pace := 20 * time.Millisecond; ; pace = min(pace*3/2, time.Second) {
		if done() {
			return true
		}
		if b.session.pause(ctx, pace) != nil {
			if b.ctx.Err() != nil {
				b.end(report.Unavailable, "out of time while waiting for "+what)
			}
			return false
		}
	}
}
