package pcm

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/event"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// desk is a clerk at work whose clock stands still until it is moved.
type desk struct {
	t      *testing.T
	clock  *clock.Clock
	store  *store.Store
	outbox *event.Outbox
	counts int // times the stock was counted
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, clock: clock.Fixed(time.Date(2026, 11, 22, 2, 59, 0, 0, time.UTC))} // 23:59 of the 21st in Brasília
	var err error
	if d.store, err = store.Open(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if d.outbox, err = event.OpenOutbox(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = d.outbox.Close(), d.store.Close() })
	return d
}

func (d *desk) employ() *Clerk {
	d.t.Helper()
	k, err := Employ(d.t.Context(), Duties{Outbox: d.outbox, Store: d.store, Clock: d.clock, Organisation: func(id string) string { return "org of " + id },
		Stock: func(ends []time.Time) (all []spec.StockReport) {
			d.counts++
			for range ends {
				all = append(all, spec.StockReport{OrgID: orgB})
			}
			return all
		}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = k.Close() })
	return k
}

// days lets the clerk write and takes the days it wrote.
func (d *desk) days(k *Clerk) (days []string) {
	d.t.Helper()
	for _, e := range d.written(k) {
		var r spec.StockReport
		if e.Kind != spec.KindStock || json.Unmarshal(e.Body, &r) != nil {
			d.t.Errorf("%s %s", e.Kind, e.Body)
		}
		days = append(days, r.Date)
	}
	return days
}

func (d *desk) written(k *Clerk) []event.Entry {
	d.t.Helper()
	if err := k.Write(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	if d.outbox.Len() == 0 {
		return nil
	}
	list, err := d.outbox.Next(context.Background(), 10_000)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.outbox.Ack(d.outbox.Last()); err != nil {
		d.t.Fatal(err)
	}
	return list
}

func same(a []string, b ...string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Each day's stock is written once, when the day is over in Brasília: by running, stepping, and across
// restarts; a clock put back begins its days anew.
func TestEachDayIsCountedOnce(t *testing.T) {
	d := newDesk(t)
	k := d.employ()
	if got := d.days(k); len(got) != 0 {
		t.Errorf("before the turn of the day: %v", got)
	}
	d.clock.Advance(time.Minute)
	if got := d.days(k); !same(got, "2026-11-21") {
		t.Errorf("at the turn of the day: %v", got)
	}
	if got := d.days(k); len(got) != 0 {
		t.Errorf("again: %v", got)
	}
	d.clock.Advance(3 * 24 * time.Hour)
	if got := d.days(k); !same(got, "2026-11-22", "2026-11-23", "2026-11-24") {
		t.Errorf("days stepped over: %v", got)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	d.clock.Advance(48 * time.Hour)
	k = d.employ()
	if got := d.days(k); !same(got, "2026-11-25", "2026-11-26") {
		t.Errorf("days of a process that was not there: %v", got)
	}
	d.clock.Advance(-72 * time.Hour)
	if got := d.days(k); len(got) != 0 {
		t.Errorf("a clock put back: %v", got)
	}
	d.clock.Advance(24 * time.Hour)
	if got := d.days(k); !same(got, "2026-11-24") {
		t.Errorf("the day after a clock was put back: %v", got)
	}
}

// Each final or scheduled state is written once, with its reason, also those of an earlier process.
func TestEachStateOfAPaymentIsTold(t *testing.T) {
	d := newDesk(t)
	tell := func(id, status, organisation, reason string) {
		t.Helper()
		op := store.Emit("payment.something", id, d.clock.Now().UnixMilli(), map[string]any{"status": status, "consentId": "urn:bancoensaio:1", "clientId": "c1",
			"organisation": organisation, "paymentType": "IMMEDIATE", "reason": reason, "at": d.clock.Now()})
		if err := d.store.Commit(t.Context(), op, store.Emit("consent.created", "urn:bancoensaio:1", 1, map[string]string{"status": "ACSC"})); err != nil {
			t.Fatal(err)
		}
	}
	tell("p1", "RCVD", orgA, "")
	tell("p1", "SCHD", orgA, "")
	tell("p2", "RJCT", "", "SALDO_INSUFICIENTE")
	k := d.employ()
	states := func() (all []spec.PaymentState) {
		for _, e := range d.written(k) {
			var s spec.PaymentState
			if e.Kind != spec.KindPayments || json.Unmarshal(e.Body, &s) != nil {
				t.Errorf("%s %s", e.Kind, e.Body)
			}
			all = append(all, s)
		}
		return all
	}
	got := states()
	if len(got) != 2 || got[0] != (spec.PaymentState{EventDateTime: "2026-11-22T02:59:00.000Z", PaymentType: "IMMEDIATE", ClientOrgID: orgA,
		ConsentID: "urn:bancoensaio:1", PaymentID: "p1", PaymentStatus: "SCHD"}) ||
		got[1].PaymentID != "p2" || got[1].ClientOrgID != "org of c1" || got[1].StatusReasonCode != "SALDO_INSUFICIENTE" {
		t.Errorf("%+v", got)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	tell("p1", "ACSC", orgA, "")
	k = d.employ()
	if got := states(); len(got) != 1 || got[0].PaymentStatus != "ACSC" {
		t.Errorf("after a restart: %+v", got)
	}
}
