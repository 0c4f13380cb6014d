package pcm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"
)

// The limits of one request.
const (
	maxReports = 5000
	maxEvents  = 1000
	maxBody    = 32 << 20
	oldMaxBody = 10 << 20
)

// The kinds of entries in the log.
const (
	kindPrivate = iota + 1
	kindOpen
	kindHybrid // and the number of the event above it
)

const (
	kindStock = iota + 16
	kindStates
	kindPortabilityClient
	kindPortabilityServer
	kindAmended // a private report as it is after a correction; takes the place of the one with its id
)

// isEvent tells the events of a consent's journey, isPaired the kinds that two sides send, isBooked those
// that enter the book.
func isEvent(kind byte) bool { return kind >= kindHybrid && kind < kindStock }
func isPortability(kind byte) bool {
	return kind == kindPortabilityClient || kind == kindPortabilityServer
}
func isPaired(kind byte) bool {
	return kind == kindPrivate || kind == kindAmended || isPortability(kind)
}
func isBooked(kind byte) bool { return kind == kindOpen || isPaired(kind) }

// The decisions at the door, as logged.
const (
	keptAccepted = iota + 1
	keptDiscarded
)

// limits holds one bucket per organisation.
type limits struct {
	mu   sync.Mutex
	rate int
	of   map[string]*rate.Limiter
}

func (l *limits) allow(org string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]*rate.Limiter{}
	}
	b := l.of[org]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(l.rate), l.rate)
		l.of[org] = b
	}
	return b.AllowN(now, 1)
}

// verdict is the decision about one item.
type verdict struct {
	id          [16]byte
	body        raw
	record      record
	number      uint64 // in the book, when accepted there
	discarded   bool
	message     string
	correlation []byte
	payment     []byte // paymentId of a payment state, told again in its answer
	offset      int    // of its frame in the run
}

// bodies and runs are reused between requests: a full batch is several megabytes.
var (
	bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	runs   = sync.Pool{New: func() any { return new([]byte) }}
)

// intake takes a batch in: the whole-request rules, then each item's, then the book for what was
// accepted, then the log, and only then the answer.
func (p *PCM) intake(in *intake) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if p.faults.strike(w, r, p, "report") {
			return
		}
		buf := bodies.Get().(*bytes.Buffer)
		defer bodies.Put(buf)
		buf.Reset()
		now, d := p.cfg.Clock.Now(), p.Dialect()
		if in.needs != alwaysThere && !d.on[in.needs] {
			p.refuse(w, r, in.operation, http.StatusNotFound, "Not Found")
			return
		}
		s, live := p.session(r, now)
		q := &request{http: r, session: live, intake: in, dialect: d, allowed: p.limits.allow(s.organisation, now)}
		largest := int64(maxBody)
		if d.on[swTenMegabytes] {
			largest = oldMaxBody
		}
		_, err := io.Copy(buf, http.MaxBytesReader(w, r.Body, largest))
		var large *http.MaxBytesError
		if q.tooBig = errors.As(err, &large); err != nil && !q.tooBig {
			p.refuse(w, r, in.operation, http.StatusBadRequest, in.malformed)
			return
		}
		if body := trim(buf.Bytes()); json.Valid(body) {
			switch q.body = body; body.kind() {
			case "array":
				elements(body, func(raw) { q.count++ })
			case "object":
				q.count = 1
			}
		}
		status, answer := p.take(r.Context(), q, s, now)
		p.history.request(Request{At: now, Organisation: s.organisation, Operation: in.operation, Items: q.count, Bytes: buf.Len(), Status: status})
		if _, lost := p.faults.take(now, "report", "lost"); lost {
			panic(http.ErrAbortHandler)
		}
		p.answer(w, r, in.operation, status, answer)
	}
}

func (p *PCM) take(ctx context.Context, q *request, s session, now time.Time) (int, []byte) {
	if err := requestRules.Check(ctx, p.cfg.Seams, q); err != nil {
		var b *problem
		if errors.As(err, &b) {
			return b.status, []byte(b.body)
		}
		return http.StatusInternalServerError, []byte(`{"message":"Internal Server Error"}`)
	}
	list := make([]verdict, 0, max(q.count, 1))
	if q.body.kind() == "array" {
		elements(q.body, func(v raw) { list = append(list, verdict{body: v}) })
	} else if q.body != nil {
		list = append(list, verdict{body: q.body})
	}
	_, discardAll := p.faults.take(now, "report", "discard")
	if err := p.keep(ctx, q.intake, list, s, now, discardAll); err != nil {
		p.cfg.Log.Error("reports not kept", "items", len(list), "error", err)
		return http.StatusInternalServerError, []byte(`{"message":"Internal Server Error"}`)
	}
	return answerTo(q, list)
}

// keep judges, enters and logs a batch. After an error nothing of it counts.
func (p *PCM) keep(ctx context.Context, in *intake, list []verdict, s session, now time.Time, discardAll bool) error {
	received := now.UnixMilli()
	in.judge(p, ctx, in, list, s, now)
	for i := range list {
		if _, err := p.ids.Read(list[i].id[:]); err != nil {
			return err
		}
		list[i].id[6], list[i].id[8] = list[i].id[6]&0x0f|0x40, list[i].id[8]&0x3f|0x80
		if discardAll {
			list[i].discarded, list[i].message = true, "Internal processing error"
		}
	}
	if isBooked(in.kind) {
		if err := p.enter(ctx, list); err != nil {
			p.settleBatch(in, list, s, 0, received, err)
			return err
		}
	}
	run := runs.Get().(*[]byte)
	defer runs.Put(run)
	b := (*run)[:0]
	for i := range list {
		v := &list[i]
		v.offset = len(b)
		e := entry{id: v.id, received: received, kind: in.kind, decision: keptAccepted, reporter: s.organisation, message: v.message, body: v.body}
		if v.discarded {
			e.decision = keptDiscarded
		}
		b = appendEntry(b, &e)
	}
	*run = b
	at, err := p.ledger.append(b)
	if err == nil {
		err = p.ledger.commit(at + position(len(b)))
	}
	p.settleBatch(in, list, s, at, received, err)
	return err
}

// judgeReports applies the item rules. No lock is held: this is the expensive part.
func (p *PCM) judgeReports(ctx context.Context, in *intake, list []verdict, s session, now time.Time) {
	r := &report{reporter: s.organisation, now: now, known: p.cfg.Known, dialect: p.Dialect(), kind: in.kind}
	rules := private
	switch {
	case in.kind == kindOpen:
		rules = open
	case isPortability(in.kind):
		rules = portability
	}
	for i := range list {
		v := &list[i]
		r.read(v.body)
		if breaches := rules.CheckAll(ctx, p.cfg.Seams, r); breaches != nil {
			v.discarded, v.message = true, join(breaches)
		} else {
			v.record = p.book.record(r, in.kind, now.UnixMilli())
			v.record.findings = uint8(min(len(p.findings(ctx, r)), 255))
			if in.kind == kindOpen {
				v.record.open(p.book.number(s.organisation))
			}
		}
		v.correlation = r.fields[fCorrelation].bytes()
	}
}

func join(breaches []error) string {
	var m []string
	for _, err := range breaches {
		m = append(m, errors.Unwrap(err).Error())
	}
	text := strings.Join(m, ";")
	for len(text) > 200 || !utf8.ValidString(text) {
		text = text[:min(len(text)-1, 200)]
	}
	return text
}

var errInFlight = errors.New("a report is repeated while the first one is still being kept")

// enter puts the accepted reports into the book, where a repetition shows. Of a report that another request
// has entered and not yet kept nobody can say whether this one repeats it: then it is an error, and the
// reporter asks again.
func (p *PCM) enter(ctx context.Context, list []verdict) error {
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	first := p.book.next
	for i := range list {
		v := &list[i]
		if v.discarded {
			continue
		}
		there := p.book.find(v.record.key, v.record.serverSide)
		pl := place{taken: there != 0}
		if other := p.book.get(there); other != nil && other.pos == 0 && there < first {
			return errInFlight
		}
		if err := once.Check(ctx, p.cfg.Seams, &pl); err != nil {
			v.discarded, v.message = true, errors.Unwrap(err).Error()
			continue
		}
		v.number = p.book.add(v.record)
	}
	return nil
}

// settleBatch gives the entered reports their place in the log and hands them to the pairing, or takes
// them back when the log failed.
func (p *PCM) settleBatch(in *intake, list []verdict, s session, at position, received int64, failed error) {
	numbers := make([]uint64, 0, len(list))
	p.book.mu.Lock()
	for i := range list {
		v, pos := &list[i], at+position(list[i].offset)
		switch {
		case failed != nil:
			p.book.void(v.number)
		case v.number == 0:
			p.book.add(record{state: stateNoted, received: received, pos: pos})
		default:
			if rec := p.book.get(v.number); rec != nil {
				rec.pos = pos
				numbers = append(numbers, v.number)
			}
		}
	}
	unneeded := p.book.evict(received)
	p.book.mu.Unlock()
	if failed != nil {
		return
	}
	p.forget(unneeded)
	for i := range list {
		v := &list[i]
		p.remember(in.kind, s.organisation, v, received, at+position(v.offset))
	}
	p.pairing.add(numbers)
}

// forget deletes what of the log is not needed, 0 for nothing.
func (p *PCM) forget(before position) {
	if before == 0 {
		return
	}
	begins, err := p.ledger.forget(before)
	if err != nil {
		p.cfg.Log.Warn("old reports not deleted", "error", err)
	}
	p.journeys.forget(begins)
}

// remember keeps what the queries need beside the book.
func (p *PCM) remember(kind byte, reporter string, v *verdict, received int64, at position) {
	switch {
	case v.discarded:
		p.history.discard(Discard{At: time.UnixMilli(received).UTC(), Organisation: reporter, Kind: kindName(kind), Message: v.message, pos: at}, v.body)
	case isEvent(kind):
		p.journeys.add(kind, v.body, at)
	case kind == kindStock:
		p.stocks.add(v.id, v.body, reporter, received)
	case kind == kindStates:
		p.payments.state(v.id, v.body, reporter, received)
	case kind != kindPrivate:
	case v.record.endpoint == tokenEndpoint && !v.record.serverSide:
		p.journeys.token(v.body, at)
	case asking[v.record.endpoint]:
		p.journeys.request(&v.record, v.body, at)
	case paying[v.record.endpoint] && !v.record.serverSide && v.record.status < 300:
		p.payments.claim(v.body)
	}
}

func (p *PCM) pair(batch []uint64) {
	const stretch = 4096 // the lock is let go in between, so that intake goes on
	for len(batch) > 0 {
		n := min(len(batch), stretch)
		p.book.mu.Lock()
		for _, number := range batch[:n] {
			p.book.settle(context.Background(), p.cfg.Seams, number)
		}
		p.book.mu.Unlock()
		batch = batch[n:]
	}
}

// replay rebuilds memory from one entry of the log, as it was decided then.
func (p *PCM) replay(e entry, at position) {
	v := verdict{id: e.id, body: e.body, discarded: e.decision == keptDiscarded, message: e.message}
	p.book.mu.Lock()
	if !v.discarded && isBooked(e.kind) {
		r := kept(e, p.Dialect())
		v.record = p.book.recordLocked(r, e.kind, e.received)
		v.record.pos, v.record.findings = at, uint8(min(len(p.findings(context.Background(), r)), 255))
		switch e.kind {
		case kindOpen:
			v.record.open(p.book.org([]byte(e.reporter)))
			p.book.settle(context.Background(), p.cfg.Seams, p.book.add(v.record))
		case kindAmended:
			p.book.amend(p.cfg.Seams, v.record)
		default:
			// Written, but never answered: the disk failed before it was kept for good, and it came again.
			p.book.void(p.book.find(v.record.key, v.record.serverSide))
			p.book.settle(context.Background(), p.cfg.Seams, p.book.add(v.record))
		}
	} else {
		p.book.add(record{state: stateNoted, received: e.received, pos: at})
	}
	p.book.evict(p.cfg.Clock.Now().UnixMilli())
	p.book.mu.Unlock()
	p.remember(e.kind, e.reporter, &v, e.received, at)
}

// kept reads a report of the log.
func kept(e entry, d *Dialect) *report {
	r := &report{dialect: d}
	r.read(e.body)
	if isPortability(e.kind) || e.kind == kindOpen {
		r.server = e.kind != kindPortabilityClient
	}
	return r
}
