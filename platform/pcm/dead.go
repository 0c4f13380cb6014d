package pcm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// maxDead bounds the dead letters held in memory; the oldest go first.
const maxDead = 10_000

// DeadLetter is a report that the platform discarded and that could not be mended, with the reason. It is
// not sent again by itself: what was wrong with it is still wrong.
type DeadLetter struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	// ReportID is the platform's, "" when the whole request was refused.
	ReportID string          `json:"reportId,omitempty"`
	At       time.Time       `json:"at"`
	Report   json.RawMessage `json:"report"`

	seq uint64 // in the box of dead letters, 0 without one
}

// DeadLetters lists the discarded reports, oldest first.
func (r *Reporter) DeadLetters() []DeadLetter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.dead)
}

// discarded keeps a report with the reason, durably before its entry is acknowledged.
func (r *Reporter) discarded(kind string, report json.RawMessage, a spec.Taken) error {
	kind = bare(kind)
	d := DeadLetter{Kind: kind, Reason: a.Message, ReportID: a.ReportID, At: r.cfg.Clock.Now(), Report: slices.Clone(report)}
	if !json.Valid(report) {
		d.Report, _ = json.Marshal(string(report)) // a string always encodes
	}
	if err := r.bin(d); err != nil {
		return fmt.Errorf("keep a discarded report: %w", err)
	}
	r.stats.discarded.Add(1)
	var named struct {
		Interaction string `json:"fapiInteractionId"`
	}
	_ = json.Unmarshal(report, &named) // only for the log
	r.cfg.Log.Error("report discarded", "kind", kind, "interaction_id", named.Interaction, "reason", a.Message)
	return nil
}

// bin puts a letter into the box and into memory at once, for whoever resends.
func (r *Reporter) bin(d DeadLetter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cfg.Dead != nil {
		body, err := json.Marshal(d)
		if err == nil {
			err = r.cfg.Dead.Append("dead", body)
		}
		if err != nil {
			return err
		}
		d.seq = r.cfg.Dead.Last()
	}
	r.remember(d)
	return nil
}

func (r *Reporter) remember(d DeadLetter) {
	if r.dead = append(r.dead, d); len(r.dead) > 2*maxDead {
		r.dead = slices.Clone(r.dead[len(r.dead)-maxDead:])
	}
}

// recall reads the dead letters of earlier processes.
func (r *Reporter) recall() error {
	if r.cfg.Dead == nil || r.cfg.Dead.Len() == 0 {
		return nil
	}
	list, err := r.cfg.Dead.Next(context.Background(), r.cfg.Dead.Len())
	if err != nil {
		return err
	}
	for _, e := range list {
		var d DeadLetter
		if json.Unmarshal(e.Body, &d) == nil {
			d.seq = e.Seq
			r.remember(d)
		}
	}
	return nil
}

// Resend puts every dead letter into the outbox again, as a new report, and returns how many: for an
// operator who has removed the reason (section 5: a discarded report is fixed and posted anew).
func (r *Reporter) Resend(ctx context.Context) (int, error) {
	r.resending.Lock()
	defer r.resending.Unlock()
	if r.cfg.Dead != nil {
		return r.resendBox(ctx)
	}
	r.mu.Lock()
	dead := r.dead
	r.dead = nil
	r.mu.Unlock()
	for i, d := range dead {
		err := r.anew(ctx, d)
		if err != nil {
			r.mu.Lock()
			r.dead = append(slices.Clone(dead[i:]), r.dead...)
			r.mu.Unlock()
			return i, fmt.Errorf("resend a discarded report: %w", err)
		}
	}
	return len(dead), nil
}

// resendBox resends what the box of dead letters holds now, which may be more than memory does. A letter
// leaves the box only after its report is in the outbox again; one that comes back meanwhile stays.
func (r *Reporter) resendBox(ctx context.Context) (sent int, err error) {
	r.mu.Lock()
	last := r.cfg.Dead.Last()
	r.mu.Unlock()
	for upTo := uint64(0); upTo < last && r.cfg.Dead.Len() > 0; {
		list, err := r.cfg.Dead.Next(ctx, maxDead)
		if err != nil {
			return sent, fmt.Errorf("read dead letters: %w", err)
		}
		if list[0].Seq > last {
			return sent, nil
		}
		done := uint64(0)
		for _, e := range list {
			if e.Seq > last {
				break
			}
			var d DeadLetter
			if json.Unmarshal(e.Body, &d) == nil {
				if err = r.anew(ctx, d); err != nil {
					err = fmt.Errorf("resend a discarded report: %w", err)
					break
				}
				sent++
			}
			done = e.Seq
		}
		if done > 0 {
			if ack := r.cfg.Dead.Ack(done); ack != nil {
				return sent, fmt.Errorf("forget resent reports: %w", ack)
			}
			r.mu.Lock()
			r.dead = slices.DeleteFunc(r.dead, func(d DeadLetter) bool { return d.seq <= done })
			r.mu.Unlock()
			upTo = done
		}
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (r *Reporter) anew(ctx context.Context, d DeadLetter) error {
	if r.does(d.Kind, "resend", 1).Amend {
		return r.put(ctx, d.ReportID, d.Report)
	}
	return r.cfg.Outbox.Append(d.Kind, d.Report)
}

// Amendment corrects an inconsistent private report where it stands.
type Amendment struct {
	StatusCode      int     `json:"statusCode,omitempty"`
	HTTPMethod      string  `json:"httpMethod,omitempty"`
	ProcessTimespan float64 `json:"processTimespan,omitempty"`
	Endpoint        string  `json:"endpoint,omitempty"`
}

// Amend corrects a report that does not agree with its counterpart. Only platforms of release 1.0.2 know
// of it; others answer 404, and the report stays as it is.
func (r *Reporter) Amend(ctx context.Context, reportID string, to Amendment) error {
	body, err := json.Marshal(to)
	if err == nil {
		err = r.put(ctx, reportID, body)
	}
	if err != nil {
		return fmt.Errorf("amend report %s: %w", reportID, err)
	}
	return nil
}
