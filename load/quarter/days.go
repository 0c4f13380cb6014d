package quarter

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
)

// days plays the plan.
func (p *play) days(ctx context.Context) error {
	for day := range p.plan.Days {
		date := p.first + availability.Day(day)
		for slot := 0; slot < perDay; {
			ahead, err := p.instant(ctx, day, slot)
			if err == nil {
				err = p.stretch(ctx, slotAt(date, slot+1), ahead)
			}
			if err != nil {
				return err
			}
			slot += 1 + ahead
		}
		p.settle()
		if err := p.evening(ctx, day, date); err != nil {
			return err
		}
		p.whole++
		if why := p.beyond(date); why != "" && day+1 < p.plan.Days && p.watch.Now().After(p.hopeless) {
			p.remark("stopped after day %d of %d: %s, so that the quarter cannot pass any more", day+1, p.plan.Days, why)
			return nil
		}
	}
	return nil
}

// perDay is how many probes a day has.
const perDay = int(24 * time.Hour / availability.ProbeEvery)

func slotAt(date availability.Day, slot int) time.Time {
	return date.Start().Add(time.Duration(slot) * availability.ProbeEvery)
}

// instant plays one slot: what the plan has for it, the probe, and the calls that are due. It returns how many
// slots after it have nothing but their probe.
func (p *play) instant(ctx context.Context, day, slot int) (ahead int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	date := p.first + availability.Day(day)
	at := slotAt(date, slot)
	p.stage.step.meanwhile = p.settle
	if err := p.stage.at(ctx, at); err != nil {
		return 0, err
	}
	p.settle()
	if err := p.outages(ctx, day, at); err != nil {
		return 0, err
	}
	every := int(time.Duration(p.plan.Traffic.Every) / availability.ProbeEvery)
	if number := day*perDay + slot; number%every == 0 {
		p.stage.follow()
		probed := make(chan struct{})
		go func() { p.probe(ctx, at); close(probed) }()
		round := p.caller.round(ctx)
		<-probed
		p.note(round)
		ahead = every - 1
	} else {
		p.probe(ctx, at)
		ahead = every - 1 - number%every
	}
	ahead = min(ahead, perDay-1-slot)
	if turn, known := p.turn(at); known {
		ahead = min(ahead, int(turn.Sub(at)/availability.ProbeEvery)-1)
	}
	return max(ahead, 0), nil
}

// turn is the first instant after at for which the plan has something.
func (p *play) turn(at time.Time) (first time.Time, known bool) {
	for i := range p.plan.Outages {
		o := &p.plan.Outages[i]
		from, publish := p.times(o)
		turns := []time.Time{from, from.Add(time.Duration(o.Duration))}
		if o.Kind == Scheduled {
			turns = []time.Time{publish}
		}
		for _, t := range turns {
			if t.After(at) && (!known || t.Before(first)) {
				first, known = t, true
			}
		}
	}
	return first, known
}

// stretch asks the status once in each of n slots, the first of them at from. Where the target's clock can
// be told to step after each answer, that is one request a probe and not two; where it cannot, or does
// otherwise than it was told, the clock is set for each.
func (p *play) stretch(ctx context.Context, from time.Time, n int) error {
	done := 0
	if n > 1 && !p.stage.stepwise {
		ran, err := p.stage.train(ctx, from, n-1, p.settle)
		if err != nil {
			return err
		}
		for sound := ran; sound && done < n && ctx.Err() == nil; done++ {
			sound = p.probe(ctx, from.Add(time.Duration(done)*availability.ProbeEvery))
		}
		if ran && done == n {
			return p.stage.arrived(ctx, from.Add(time.Duration(n-1)*availability.ProbeEvery))
		}
	}
	for ; done < n; done++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := from.Add(time.Duration(done) * availability.ProbeEvery)
		p.stage.step.meanwhile = p.settle
		if err := p.stage.at(ctx, at); err != nil {
			return err
		}
		p.settle()
		p.probe(ctx, at)
	}
	return nil
}

// beyond says which endpoint was so slow on a day that the month fails whatever follows.
func (p *play) beyond(date availability.Day) string {
	for _, s := range p.seen.Latency.Series() {
		for _, d := range p.seen.Latency.Days(s) {
			if d.Day == date && d.Verdict == availability.NonConforming {
				return fmt.Sprintf("p95 of %s on %s was %.0f ms", s.Endpoint, date, d.P95Ms)
			}
		}
	}
	return ""
}

// probe asks the status once, and says whether it was answered. The answer is read while the next one is
// under way: that is a tenth of a step.
func (p *play) probe(ctx context.Context, at time.Time) (answered bool) {
	p.status.meanwhile = p.settle
	code, body, err := p.status.ask(ctx, http.MethodGet, statusPath, nil, availability.ProbeTimeout)
	p.settle() // where nothing could be sent
	p.probes++
	p.pending = func() {
		p.pending = nil
		found := availability.Probe{At: at}
		if err == nil && code == http.StatusOK {
			found, err = availability.ProbeOf(at, body)
		}
		if err != nil || code != http.StatusOK {
			p.unasked++
		}
		p.seen.Probe(found)
	}
	return err == nil && code == http.StatusOK
}

// settle reads the answer of the last probe.
func (p *play) settle() {
	if p.pending != nil {
		p.pending()
	}
}
