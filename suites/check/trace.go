package check

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/report"
)

const (
	// traceLimit bounds what is spent on the traces of one check.
	traceLimit = 2 * time.Second
	// tracePatience is how often a record is asked for that was not there yet: a platform records an
	// exchange after its last byte.
	tracePatience = 5
)

// trace adds to the evidence of a deviation what the platform judged in the exchanges it was seen in, where
// the target keeps a journal. It comes when everything is settled: nothing of it can change a result.
func (b *Bench) trace(ctx context.Context, r *report.Check) {
	if len(r.Findings) == 0 || b.session.target.Capabilities.Journal == "" || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, traceLimit)
	defer cancel()
	for _, marked := range r.Marked() {
		i := slices.IndexFunc(r.Evidence, func(e report.Exchange) bool { return e.Ref == marked.Ref })
		e := &r.Evidence[i]
		for range tracePatience {
			found, err := b.recorded(ctx, e)
			if err != nil {
				return
			}
			if found != nil {
				e.RuleTrace = judged(found.Verdicts)
				break
			}
			if b.session.pause(ctx, 20*time.Millisecond) != nil {
				return
			}
		}
	}
}

// recorded is the platform's record of an exchange: of its interaction id, the one alike, nearest in time.
func (b *Bench) recorded(ctx context.Context, e *report.Exchange) (*journal.Entry, error) {
	if e.InteractionID == "" {
		return nil, nil
	}
	var answer struct{ Entries []journal.Entry }
	if err := b.session.control.call(ctx, "journal", http.MethodGet, "?interaction="+url.QueryEscape(e.InteractionID), nil, &answer); err != nil {
		return nil, err
	}
	var best *journal.Entry
	distance := func(x *journal.Entry) time.Duration {
		d := x.At.Sub(e.Started).Abs()
		if x.Status != e.Status { // a defect may have bent the answer; one that is alike comes first
			d += time.Hour
		}
		return d
	}
	for i := range answer.Entries {
		x := &answer.Entries[i]
		if x.Method == e.Method && (best == nil || distance(x) < distance(best)) {
			best = x
		}
	}
	return best, nil
}

func judged(verdicts []journal.Verdict) []report.Judged {
	out := make([]report.Judged, len(verdicts))
	for i, v := range verdicts {
		out[i] = report.Judged{Rule: v.Rule, Set: v.Set, Text: report.RedactText(v.Text), Verdict: report.Broken}
		if v.Kept {
			out[i].Verdict = report.Kept
		}
	}
	return out
}
