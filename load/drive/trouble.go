package drive

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/spec"
)

// stop is one unavailability that the schedule made.
type stop struct {
	scheduled bool
	profile.Trouble
	from, to time.Duration // since the start, as it really came about
	id       string
}

// total says whether everything was stopped.
func (s *stop) total() bool { return len(s.Operations) == 0 }

// refuses says whether what is stopped is refused: what is only slowed down may answer.
func (s *stop) refuses() bool { return s.scheduled || s.Status != 0 || s.Delay == 0 }

// hits says whether an operation was stopped.
func (s *stop) hits(op string) bool {
	return s.total() || slices.ContainsFunc(s.Operations, func(glob string) bool {
		prefix, any := strings.CutSuffix(glob, "*")
		return glob == op || (any && strings.HasPrefix(op, prefix))
	})
}

// troubles plays the steps of a schedule through the target's control surfaces.
type troubles struct {
	source *Source
	start  time.Time
	say    func(string, ...any)
	notes  func(string, ...any)

	mu     sync.Mutex
	stops  []*stop
	missed []string // steps that did not come about, and why
}

func (s *Source) troubles(start time.Time, x *Session) *troubles {
	return &troubles{source: s, start: start, say: x.say, notes: s.note}
}

// run plays the schedule until it is over or ctx ends.
func (t *troubles) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, step := range t.source.profile.Schedule {
		all.Go(func() {
			if t.source.clock.SleepUntil(ctx, t.start.Add(time.Duration(step.At))) == nil {
				if err := t.play(ctx, step); err != nil && ctx.Err() == nil {
					t.mu.Lock()
					t.missed = append(t.missed, fmt.Sprintf("%v: %v", step, err))
					t.mu.Unlock()
				}
			}
		})
	}
	all.Wait()
}

func (t *troubles) play(ctx context.Context, step profile.Step) error {
	s := t.source
	switch {
	case step.Clock != "":
		t.say("the clock steps by %s", step.Clock)
		if err := control(ctx, http.MethodPost, s.target.Capabilities.Clock, map[string]string{"advance": step.Clock}, nil); err != nil {
			return err
		}
		return s.again(ctx)
	case s.bank() == "":
		return fmt.Errorf("the target does not declare the power to stop the bank")
	case step.Outage != nil:
		return t.outage(ctx, step)
	}
	return t.failure(ctx, step)
}

// again follows a clock that has been stepped.
func (s *Source) again(ctx context.Context) error {
	s.clock.Advance(-s.clock.Offset())
	return s.follow(ctx)
}

// outage schedules an unavailability that begins now.
func (t *troubles) outage(ctx context.Context, step profile.Step) error {
	s, length := t.source, max(time.Duration(step.For).Truncate(time.Second), time.Second)
	why := step.Outage.Explanation
	if why == "" {
		why = "Manutenção de ensaio"
	}
	// Whole seconds, as the document that publishes it has them; never before now.
	from := s.clock.Now().Truncate(time.Second).Add(time.Second)
	ask := map[string]any{"start": from.Format(time.RFC3339), "duration": iso(length), "explanation": why}
	if len(step.Outage.Operations) > 0 {
		ask["operations"] = step.Outage.Operations
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := control(context.WithoutCancel(ctx), http.MethodPost, s.bank()+"/outages", ask, &made); err != nil {
		return err
	}
	at := from.Sub(t.start)
	t.add(&stop{scheduled: true, Trouble: *step.Outage, from: at, to: at + length, id: made.ID})
	t.say("scheduled outage for %v: %s", length, said(step.Outage.Operations))
	return nil
}

// failure breaks the bank and mends it.
func (t *troubles) failure(ctx context.Context, step profile.Step) error {
	s := t.source
	ask := map[string]any{"operations": step.Failure.Operations, "status": step.Failure.Status, "delay": time.Duration(step.Failure.Delay).String()}
	if len(step.Failure.Operations) == 0 {
		ask["operations"] = []string{"*"}
	}
	if step.Failure.Status == 0 && step.Failure.Delay == 0 {
		ask["status"] = http.StatusServiceUnavailable
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := control(context.WithoutCancel(ctx), http.MethodPost, s.bank()+"/failures", ask, &made); err != nil {
		return err
	}
	one := &stop{Trouble: *step.Failure, from: s.clock.Now().Sub(t.start), id: made.ID}
	one.to = one.from + time.Duration(step.For)
	t.add(one)
	t.say("failure for %v: %s", time.Duration(step.For), said(step.Failure.Operations))
	if s.clock.Sleep(ctx, time.Duration(step.For)) != nil {
		return nil // end mends it
	}
	err := t.mend(ctx, one)
	t.say("mended")
	return err
}

func (t *troubles) add(one *stop) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stops = append(t.stops, one)
}

func (t *troubles) mend(ctx context.Context, one *stop) error {
	t.mu.Lock()
	id := one.id
	one.id = ""
	if id != "" && !one.scheduled {
		one.to = t.source.clock.Now().Sub(t.start)
	}
	t.mu.Unlock()
	if id == "" {
		return nil
	}
	kind := "/failures/"
	if one.scheduled {
		kind = "/outages/"
	}
	err := control(ctx, http.MethodDelete, t.source.bank()+kind+id, nil, nil)
	if err != nil {
		t.mu.Lock()
		one.id = id // so that the end tries again
		t.mu.Unlock()
	}
	return err
}

// end takes back what still stands.
func (t *troubles) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, one := range t.made() {
		if err := t.mend(ctx, one); err != nil && !one.scheduled {
			t.notes("a failure could not be taken back: %v", err)
		}
	}
}

// findings withhold the verdict of a run whose schedule did not come about.
func (t *troubles) findings() []record.Verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []record.Verdict
	for _, why := range t.missed {
		f := finding("schedule", "steps that did not come about", "count", 0)
		f.Value, f.Outcome, f.Reason = 1, record.Withheld, why
		out = append(out, f)
	}
	return out
}

func (t *troubles) made() []*stop {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.stops)
}

func said(operations []string) string {
	if len(operations) == 0 {
		return "everything"
	}
	return strings.Join(operations, ", ")
}

// iso is a duration of ISO 8601.
func iso(d time.Duration) string {
	text := "PT"
	for _, part := range []struct {
		unit time.Duration
		sign string
	}{{time.Hour, "H"}, {time.Minute, "M"}, {time.Second, "S"}} {
		if n := d / part.unit; n > 0 {
			text += fmt.Sprintf("%d%s", n, part.sign)
			d -= n * part.unit
		}
	}
	if text == "PT" {
		return "PT0S"
	}
	return text
}

// statusOperation publishes what works.
func statusOperation() *spec.Operation { return spec.Find("common.status") }
