package pcm

import (
	"context"
	"fmt"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// evidence is how many interaction ids a ticket shows of one case and day.
const evidence = 5

// due is when the reports about a call must be in: 08:00 of the day after it.
func (d *Dialect) due(at time.Time) time.Time {
	y, m, day := at.In(d.zone()).Date()
	return time.Date(y, m, day+1, 8, 0, 0, 0, d.zone())
}

// The two moments at which a day is judged.
const (
	atEight = iota // 08:00 of the next day
	atWeek         // seven days after each call
	moments
)

// count is how one organisation stood on one endpoint and method at one moment.
type count struct {
	received, missing            int
	paired, inconsistent, single int
	unpaired                     int // its own, without counterpart
	missed, lonely               [evidence]seen
	missedUsed, lonelyUsed       int
	late                         [len(latenesses)]int
	findings                     int
}

// seen is a report that serves as evidence.
type seen struct {
	key            [16]byte
	client, server uint32
	at             int64
	status         uint16
}

// cell is what counts are kept for.
type cell struct {
	day      int32 // days since 1970, of the dialect's zone
	org      uint32
	endpoint uint16
	method   uint8
	server   bool // the organisation's side
}

// tally is the balance of a stretch of days, made from the reports held: it is computed when asked, so
// that no step of the clock can pass over a closing.
type tally struct {
	cells map[cell]*[moments]count
	orgs  []string
	lost  int64 // reports up to that time may have been forgotten
	seams rule.Switch
}

// arrival is a report that came in when a moment had passed.
type arrival struct{ late time.Duration }

var inTime = rule.NewSet("pcm.closing",
	rule.Rule[arrival]{ID: "PCM-TIME/late-changes-nothing", Weight: fault.Major, Text: "what comes after the moment at which a day is judged does not count there",
		Check: func(_ context.Context, a arrival) error { return fmt.Errorf("%s too late", a.late) }},
)

// counts says whether a report counts at a moment.
func (t *tally) counts(rec *record, end int64) bool {
	return rec.received <= end || inTime.Check(context.Background(), t.seams, arrival{time.Duration(rec.received-end) * time.Millisecond}) == nil
}

// latenesses are the upper bounds of the lateness histogram; the last is what came later.
var latenesses = [...]struct {
	name string
	upTo time.Duration
}{{"1h", time.Hour}, {"6h", 6 * time.Hour}, {"12h", 12 * time.Hour}, {"24h", 24 * time.Hour}, {"32h", 32 * time.Hour}, {"48h", 48 * time.Hour}, {"72h", 72 * time.Hour}, {"7d", oldest}, {"later", 1 << 62}}

func dayOf(at int64, zone *time.Location) int32 {
	_, offset := time.UnixMilli(at).In(zone).Zone()
	return int32((at/1000 + int64(offset)) / 86400)
}

func dayName(day int32) string { return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly) }

// tallyOf adds up the reports about calls of the days from first to last.
func (p *PCM) tallyOf(d *Dialect, first, last int32) tally {
	t := tally{cells: map[cell]*[moments]count{}, seams: p.cfg.Seams}
	zone := d.zone()
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	for n := p.book.first; n < p.book.next; n++ {
		if n%chunkSize == 0 { // a long look lets intake go on
			p.book.mu.Unlock()
			p.book.mu.Lock()
		}
		rec := p.book.get(n)
		if !rec.counts() {
			continue
		}
		if day := dayOf(rec.at, zone); day >= first && day <= last {
			t.add(rec, p.book.onDisk(rec), day, d)
		}
	}
	t.lost = p.book.lost // what went while we looked counts as lost
	t.orgs = p.book.orgs[:len(p.book.orgs):len(p.book.orgs)]
	return t
}

// onDisk is the counterpart of a record, when it counts. The lock is held.
func (b *book) onDisk(rec *record) *record {
	if rec.key == [16]byte{} {
		return nil
	}
	other := b.counterpart(rec)
	if !other.counts() {
		return nil
	}
	return other
}

func (t *tally) cell(c cell) *[moments]count {
	if t.cells[c] == nil {
		t.cells[c] = &[moments]count{}
	}
	return t.cells[c]
}

func (t *tally) add(rec, other *record, day int32, d *Dialect) {
	own, their := rec.client, rec.server
	if rec.serverSide {
		own, their = their, own
	}
	mine := t.cell(cell{day, own, rec.endpoint, rec.method, rec.serverSide})
	ends := [moments]int64{d.due(time.UnixMilli(rec.at)).UnixMilli(), rec.at + oldest.Milliseconds()}
	alone := rec.key == [16]byte{} || endpoints.all[rec.endpoint].clientOnly
	for m, end := range ends {
		if !t.counts(rec, end) {
			continue
		}
		c := &mine[m]
		c.received++
		c.late[lateness(rec)]++
		if rec.findings > 0 {
			c.findings++
		}
		switch {
		case other != nil && t.counts(other, end):
			if rec.state == stateInconsistent {
				c.inconsistent++
			} else {
				c.paired++
			}
		case alone:
			c.single++
		default:
			c.unpaired++
			c.lonelyUsed = note(&c.lonely, c.lonelyUsed, rec)
			missing := &t.cell(cell{day, their, rec.endpoint, rec.method, !rec.serverSide})[m]
			missing.missing++
			missing.missedUsed = note(&missing.missed, missing.missedUsed, rec)
		}
	}
}

func note(list *[evidence]seen, used int, rec *record) int {
	if used < evidence {
		list[used] = seen{rec.key, rec.client, rec.server, rec.at, rec.status}
		used++
	}
	return used
}

func lateness(rec *record) int {
	for i, l := range latenesses {
		if time.Duration(rec.received-rec.at)*time.Millisecond <= l.upTo {
			return i
		}
	}
	return len(latenesses) - 1
}

// sla is [1 − missing ÷ (missing + received)] × 100 (section 13).
func (c *count) sla() float64 {
	if c.missing == 0 {
		return 100
	}
	return (1 - float64(c.missing)/float64(c.missing+c.judged())) * 100
}

// judged is what of the received reports is in the universe of the SLA: discarded and single ones stay out.
func (c *count) judged() int { return c.paired + c.inconsistent + c.unpaired }

// id is the interaction id as text.
func (s seen) id(endpoint uint16) string {
	key := s.key
	if int(endpoint) < len(endpoints.all) && endpoints.all[endpoint].list == spec.KindPortability {
		key[0] ^= 0xff
	}
	return string(appendUUID(nil, key))
}
