package pcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/event"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

// maxEvents is the most events in one hybrid-flow request.
const maxEvents = 1000

// bending is what a seam made of an entry: what is sent instead, and when.
type bending struct {
	bodies []json.RawMessage
	due    time.Time
}

// tell delivers a window of entries: kind by kind, batch by batch. Its entries are acknowledged as far
// as nothing before them is missing. It says whether anything was told, which an error does not exclude.
func (r *Reporter) tell(ctx context.Context, list []event.Entry) (progress bool, failed error) {
	groups := map[string][]event.Entry{}
	var kinds []string
	now := r.cfg.Clock.Now()
	for _, e := range list {
		if r.told[e.Seq] {
			continue
		}
		if b := r.bend(e, now); b != nil && b.due.After(now) {
			continue
		}
		if groups[e.Kind] == nil {
			kinds = append(kinds, e.Kind)
		}
		groups[e.Kind] = append(groups[e.Kind], e)
	}
	before := len(r.told)
	for _, kind := range kinds {
		// A kind that fails does not hold up the others.
		failed = errors.Join(failed, r.tellKind(ctx, kind, groups[kind]))
	}
	progress = len(r.told) > before
	var refuses *unwanted
	if failed != nil && ctx.Err() == nil && (progress || errors.As(failed, &refuses)) {
		failed = errors.Join(failed, r.setAside(list, now))
	}
	r.waitsSince(list)
	if err := r.acknowledge(list); err != nil {
		return progress, errors.Join(failed, err)
	}
	if failed == nil && len(list) > 0 {
		r.mu.Lock()
		r.settled = max(r.settled, list[len(list)-1].Seq)
		r.mu.Unlock()
	}
	return progress, failed
}

// The marks of kinds that are not told for the first time. A report is mended once at most; a late one was
// put behind the others because its endpoint did not take it.
const (
	mended = "mended/"
	late   = "late/"
)

// bare is a kind without its marks.
func bare(kind string) string {
	return strings.TrimPrefix(strings.TrimPrefix(kind, late), mended)
}

// maxAside is how much of a window's bodies may stand in the way, in bytes.
const maxAside = 8 << 20

// setAside puts what was not told behind everything else once it fills the window, so that an endpoint
// that takes nothing holds up nothing but itself.
func (r *Reporter) setAside(list []event.Entry, now time.Time) error {
	size := 0
	for _, e := range list {
		size += len(e.Body)
	}
	if (len(list) < r.cfg.Batch && size < maxAside) || r.cfg.Outbox.Last() == list[len(list)-1].Seq {
		return nil
	}
	for _, e := range list {
		bodies, b := []json.RawMessage{e.Body}, r.bent[e.Seq]
		if r.told[e.Seq] || b != nil && b.due.After(now) {
			continue
		}
		if b != nil {
			bodies = b.bodies
		}
		for _, body := range bodies {
			if err := r.cfg.Outbox.Append(late+strings.TrimPrefix(e.Kind, late), body); err != nil {
				return fmt.Errorf("put a report behind the others: %w", err)
			}
			r.stats.aside.Add(1)
		}
		r.told[e.Seq] = true
	}
	return nil
}

// tellKind sends entries of one kind. A batch that is refused as a whole for what it is, not for the
// state of the platform, is halved until it passes or the one at fault stands alone.
func (r *Reporter) tellKind(ctx context.Context, kind string, list []event.Entry) error {
	to, ok := routes[bare(kind)]
	if !ok {
		return r.bury(list, "no endpoint for reports of kind "+bare(kind))
	}
	most := min(to.most, r.cfg.Batch)
	for len(list) > 0 {
		size := r.size[kind]
		if size == 0 {
			size = most
		}
		batch := list[:min(size, len(list))]
		err := r.send(ctx, to, batch)
		var refused *refusal
		switch {
		case err == nil:
			r.size[kind] = min(most, size+size/8+1)
		case errors.As(err, &refused) && r.does(kind, "refused", len(batch)).Stubborn:
			return err
		case errors.As(err, &refused) && len(batch) > 1:
			r.size[kind] = len(batch) / 2
			continue
		case errors.As(err, &refused):
			if err := r.bury(batch, refused.Error()); err != nil {
				return err
			}
		case r.does(kind, "failed", len(batch)).Drop:
			for _, e := range batch {
				r.told[e.Seq] = true
			}
			return err
		default:
			if errors.Is(err, context.DeadlineExceeded) { // a platform that is slow finishes a smaller batch in time
				r.size[kind] = max(1, len(batch)/2)
			}
			return errors.Join(fmt.Errorf("report %d of kind %s: %w", len(batch), kind, err), r.giveUp(batch, err))
		}
		list = list[len(batch):]
	}
	return nil
}

// route is where a kind of report goes, and how many fit in one request.
type route struct {
	path string
	most int
	// alone says that a request is one report, not an array of them.
	alone bool
}

var routes = func() map[string]route {
	all := map[string]route{
		spec.KindPrivate:  {path: spec.PrivateReportPath, most: spec.MaxReports},
		spec.KindOpenData: {path: spec.OpenDataPath, most: spec.MaxReports},
		spec.KindPayments: {path: spec.PaymentStatesPath, most: spec.MaxReports},
		spec.KindStock:    {path: spec.StockPath, most: 1, alone: true},
	}
	for _, e := range spec.HybridEvents() {
		all[e.Kind] = route{path: spec.HybridFlowPath + e.Kind, most: maxEvents}
	}
	return all
}()

// send makes one request of a batch and acts on the answer to each item.
func (r *Reporter) send(ctx context.Context, to route, batch []event.Entry) error {
	var body []byte
	var owner []event.Entry // of each item sent
	var items []json.RawMessage
	for _, e := range batch {
		bodies := []json.RawMessage{e.Body}
		if b := r.bent[e.Seq]; b != nil {
			bodies = b.bodies
		}
		for _, item := range bodies {
			if len(owner) > 0 {
				body = append(body, ',')
			}
			r.inspect(bare(e.Kind), item, r.cfg.Clock.Now())
			body = append(body, item...)
			owner, items = append(owner, e), append(items, item)
		}
	}
	if len(owner) > 0 {
		if !to.alone {
			body = append(append([]byte{'['}, body...), ']')
		}
		answers, err := r.post(ctx, to, body, len(owner))
		if err != nil {
			var refused *refusal
			if !errors.As(err, &refused) {
				r.doubt(batch)
			}
			return err
		}
		for i, a := range answers {
			if err := r.judge(owner[i], items[i], a); err != nil {
				r.doubt(batch) // the platform has them, we have not noted it
				return err
			}
			if i+1 == len(owner) || owner[i+1].Seq != owner[i].Seq {
				r.told[owner[i].Seq] = true
			}
		}
	}
	for _, e := range batch {
		r.told[e.Seq] = true
	}
	return nil
}

// doubt notes that entries may have arrived.
func (r *Reporter) doubt(batch []event.Entry) {
	for _, e := range batch {
		r.uncertain[e.Seq] = true
	}
}

// giveUp buries the entries of a failed batch that the platform would not take any more if it were back.
func (r *Reporter) giveUp(batch []event.Entry, cause error) error {
	oldest := r.cfg.Clock.Now().Add(-oldestTaken)
	var over []event.Entry
	for _, e := range batch {
		at := member(e.Body, "timestamp")
		if bare(e.Kind) == spec.KindPayments {
			at = member(e.Body, "eventDateTime")
		}
		if t, err := time.Parse(time.RFC3339, string(at)); err == nil && t.Before(oldest) {
			over = append(over, e)
		}
	}
	return r.bury(over, "not delivered within seven days: "+cause.Error())
}

// judge acts on the answer to one item.
func (r *Reporter) judge(e event.Entry, sent json.RawMessage, a spec.Taken) error {
	switch {
	case a.Status == spec.ReportAccepted:
		r.stats.accepted.Add(1)
	case r.again(e) && strings.Contains(strings.ToLower(a.Message), "duplicat"):
		// An earlier attempt whose answer was lost did arrive.
		r.stats.repeated.Add(1)
	case r.does(e.Kind, "discarded", 1).Drop:
	default:
		if better := mend(sent, a.Message); better != nil && !strings.HasPrefix(strings.TrimPrefix(e.Kind, late), mended) {
			if err := r.cfg.Outbox.Append(mended+bare(e.Kind), better); err != nil {
				return fmt.Errorf("send a mended report: %w", err)
			}
			r.stats.mended.Add(1)
			return nil
		}
		return r.discarded(e.Kind, sent, a)
	}
	return nil
}

// does passes what is about to be done through the seams.
func (r *Reporter) does(kind, stage string, items int) fault.Delivery {
	if !r.cfg.Seams.Bends() {
		return fault.Delivery{}
	}
	return r.cfg.Seams.Delivery(fault.Delivery{Kind: kind, Stage: stage, Items: items})
}

// again says whether an entry may have arrived before: its outcome was unclear, an earlier process may
// have sent it, or it is written again after one was killed.
func (r *Reporter) again(e event.Entry) bool {
	return r.uncertain[e.Seq] || e.Seq <= r.before || bare(e.Kind) != e.Kind || e.Kind == spec.KindStock || e.Kind == spec.KindPayments
}

// bury keeps entries that can never be told.
func (r *Reporter) bury(list []event.Entry, reason string) error {
	for _, e := range list {
		if err := r.discarded(e.Kind, e.Body, spec.Taken{Message: reason}); err != nil {
			return err
		}
		r.told[e.Seq] = true
	}
	return nil
}

// waitsSince notes how old the oldest entry is that was not told.
func (r *Reporter) waitsSince(list []event.Entry) {
	var since time.Time
	for _, e := range list {
		if !r.told[e.Seq] {
			since, _ = time.Parse(time.RFC3339, string(member(e.Body, "timestamp"))) // a stock has no time: then it is not known
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = since
}

// acknowledge lets the outbox forget what was told without a gap.
func (r *Reporter) acknowledge(list []event.Entry) error {
	n := 0
	for n < len(list) && r.told[list[n].Seq] {
		n++
	}
	if n == 0 {
		return nil
	}
	if err := r.cfg.Outbox.Ack(list[n-1].Seq); err != nil {
		return err
	}
	for _, e := range list[:n] {
		delete(r.told, e.Seq)
		delete(r.uncertain, e.Seq)
		delete(r.bent, e.Seq)
	}
	return nil
}

// bend passes an entry through the seams, once, while anything is armed.
func (r *Reporter) bend(e event.Entry, now time.Time) *bending {
	if b := r.bent[e.Seq]; b != nil || !r.cfg.Seams.Bends() || strings.HasPrefix(e.Kind, late) {
		return b
	}
	var body map[string]any
	if json.Unmarshal(e.Body, &body) != nil || body == nil {
		return nil
	}
	v := &fault.Report{Kind: e.Kind, Role: side(e.Kind, body), Body: body, Copies: 1}
	r.cfg.Seams.Report(v)
	b := &bending{due: now.Add(v.Delay)}
	for i := range v.Copies {
		if i > 0 && e.Kind == spec.KindPrivate {
			v.Body["fapiInteractionId"] = r.chance.UUID() // a repetition under the same id would be refused
		}
		text, err := json.Marshal(v.Body)
		if err != nil {
			return nil
		}
		b.bodies = append(b.bodies, text)
	}
	r.bent[e.Seq] = b
	return b
}

func side(kind string, body map[string]any) string {
	if role, ok := body["role"].(string); ok {
		return role
	}
	if strings.Contains(kind, "/client/") {
		return string(spec.ClientSide)
	}
	return string(spec.ServerSide)
}
