package drive

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/record"
)

// attempt is one rate that was tried.
type attempt struct {
	rate    float64
	kept    bool
	why     string // what was crossed, or why the generator is not to be trusted
	limited bool   // by the generator
	rec     *record.Recording
}

// capacity doubles the rate until a threshold is crossed and then halves the interval. The report is that
// of the highest rate that was kept.
func (s *Source) capacity(ctx context.Context, x Session) (*record.Report, error) {
	search := *s.profile.Search
	step := time.Duration(search.Step)
	if step == 0 {
		step = 4 * time.Second
	}
	if search.Precision == 0 {
		search.Precision = 0.05
	}
	var best, worst *attempt
	try := func(rate float64) error {
		a, err := s.attempt(ctx, rate, step, x)
		if err == nil && !a.kept {
			a, err = s.attempt(ctx, rate, step, x) // one bad moment of the machine must not set the limit
		}
		if err != nil {
			return err
		}
		if a.kept {
			best = a
			x.say("%.0f a second: kept", rate)
		} else {
			worst = a
			x.say("%.0f a second: %s", rate, a.why)
		}
		return nil
	}
	most := search.Most
	if most == 0 {
		most = math.Inf(1)
	}
	var err error
	rate := search.From
	for err == nil && worst == nil && rate <= most {
		err = try(rate)
		rate *= 2
		if best != nil && best.rate < most && rate > most {
			rate = most
		}
		if best != nil && best.rate >= most {
			break
		}
	}
	// A start that is too high is searched downwards.
	for err == nil && best == nil && worst != nil && worst.rate > 1 {
		err = try(worst.rate / 2)
	}
	for err == nil && best != nil && worst != nil && worst.rate-best.rate > search.Precision*best.rate {
		err = try((best.rate + worst.rate) / 2)
	}
	shown := best
	if shown == nil {
		shown = worst
	}
	if shown == nil {
		return nil, err
	}
	x.Identity.Thresholds = s.profile.Rows()
	x.Identity.Notes = append(x.Identity.Notes, s.Notes()...)
	f := finding("capacity", "requests a second, the highest rate at which everything is kept", "a second", 0)
	f.Least = true
	switch {
	case err != nil:
		if best != nil {
			f.Value = best.rate
		}
		f.Outcome, f.Reason = record.Withheld, fmt.Sprintf("the search ended early: %v", err)
		shown.rec.Stop(err.Error())
	case best == nil && worst.limited:
		f.Outcome, f.Reason = record.Withheld, fmt.Sprintf("bounded by the generator: at %.1f a second %s", worst.rate, worst.why)
	case best == nil:
		f.Outcome, f.Reason = record.Crossed, fmt.Sprintf("not even %.1f a second: %s", worst.rate, worst.why)
	case worst == nil:
		f.Value, f.Reason = best.rate, fmt.Sprintf("everything is kept at %.0f a second, the most that was asked for; the limit lies higher", best.rate)
	case worst.limited:
		f.Value, f.Reason = best.rate, fmt.Sprintf("bounded by the generator: at %.0f a second %s. The target's own limit lies higher", worst.rate, worst.why)
	default:
		f.Value, f.Reason = best.rate, fmt.Sprintf("at %.0f a second %s", worst.rate, worst.why)
	}
	x.Identity.Findings = append(x.Identity.Findings, f)
	x.Identity.Notes = append(x.Identity.Notes, fmt.Sprintf("Capacity: %.0f requests a second. %s.", f.Value, f.Reason))
	return shown.rec.Report(x.Identity), err
}

// attempt sends one rate for a while, after a warm-up at the same rate.
func (s *Source) attempt(ctx context.Context, rate float64, step time.Duration, x Session) (*attempt, error) {
	a := &attempt{rate: rate}
	if err := s.warm(ctx, rate); err != nil {
		return nil, err
	}
	pacer, err := pace.Constant(rate, step)
	if err != nil {
		return nil, err
	}
	plan := s.plan(pacer)
	plan.Observe, plan.Grace = x.Observe, patience
	plan.Recording = plan.Recorder(s.clock.Now())
	if x.Ready != nil {
		x.Ready(plan.Recording)
	}
	rec, err := load.Run(ctx, plan)
	s.warmed += pacer.Count()
	a.rec = rec
	if err != nil && !errors.Is(err, load.ErrLost) {
		return a, err
	}
	a.kept = true
	var why []string
	for _, v := range rec.Judge(plan.Thresholds, nil) {
		switch v.Outcome {
		case record.Crossed:
			why = append(why, crossed(v))
		case record.Withheld:
			a.limited = true
			why = append(why, v.Reason)
		}
	}
	if gen := rec.Bottleneck(); len(gen) > 0 {
		a.limited, why = true, gen
	}
	if len(why) > 0 {
		a.kept, a.why = false, strings.Join(why[:1], "; ")
	}
	return a, nil
}

// crossed tells a threshold that was crossed.
func crossed(v record.Verdict) string {
	switch v.Unit {
	case "ms":
		return fmt.Sprintf("%s: %s %.0f ms, %.0f allowed", v.Name, v.Metric, v.Value, v.Limit)
	case "share":
		return fmt.Sprintf("%s: %.2f %%, %.2f %% allowed", v.Name, 100*v.Value, 100*v.Limit)
	}
	return fmt.Sprintf("%s: %g, %g allowed", v.Name, v.Value, v.Limit)
}
