package pcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/platform/event"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// Duties is what a clerk needs.
type Duties struct {
	Outbox *event.Outbox
	// Store tells the states of payments, and keeps how far they and the days were written.
	Store *store.Store
	Clock *clock.Clock
	// Stock counts the live consents at the moments at which days ended: one report for each, whose date
	// the clerk fills in.
	Stock func(ends []time.Time) []spec.StockReport
	// Organisation is a client's, "" when it is not known.
	Organisation func(clientID string) string
	Log          *slog.Logger
}

// Clerk writes the reports that no call writes: the consent stock at the end of each day in Brasília, and
// the state of each payment that came to its end or was scheduled.
//
// It promises that each day and each state is written once, days that were slept through or stepped over
// and states of an earlier process among them; only a process killed between writing and noting writes
// the last ones again. A clock that is put back makes its days begin anew, as updates. It refuses to
// report a day that is not over, and days before it first ran.
type Clerk struct {
	cfg    Duties
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex // one writer
	noted mark
}

// mark is how far everything was written.
type mark struct {
	Event int64  `json:"event"` // of the store, the last one read
	Day   string `json:"day"`   // the last one whose stock was written
}

const (
	markKind = "report-mark"
	markID   = "clerk"
	// lookAgain is how often a clerk looks at the clock, which may have been moved either way.
	lookAgain = time.Second
	// gathering is how long states of payments gather.
	gathering = 100 * time.Millisecond
	// farthest is how many days back a stock is still written.
	farthest = 400
	page     = 512
)

// brasilia is the zone of the platform's days, without summer time since 2019.
var brasilia = time.FixedZone("BRT", -3*60*60)

// Employ starts a clerk.
func Employ(ctx context.Context, cfg Duties) (*Clerk, error) {
	if cfg.Outbox == nil || cfg.Store == nil || cfg.Clock == nil || cfg.Stock == nil || cfg.Organisation == nil {
		return nil, errors.New("a clerk needs an outbox, a store, a clock, and who counts and knows")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	k := &Clerk{cfg: cfg, done: make(chan struct{})}
	k.noted.Day = yesterday(cfg.Clock.Now())
	err := cfg.Store.Each(ctx, markKind, func(r store.Record) error { return json.Unmarshal(r.Body, &k.noted) })
	if err != nil {
		return nil, fmt.Errorf("read how far reports were written: %w", err)
	}
	if err := k.note(ctx, k.noted); err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	k.cancel = cancel
	go k.run(run)
	return k, nil
}

// Close ends the clerk.
func (k *Clerk) Close() error {
	k.cancel()
	<-k.done
	return nil
}

func (k *Clerk) run(ctx context.Context) {
	defer close(k.done)
	for ctx.Err() == nil {
		told := k.cfg.Store.Told() // before asking: what is committed in between rings it
		if err := k.Write(ctx); err != nil && ctx.Err() == nil {
			k.cfg.Log.Error("reports not written, trying again", "error", err)
		}
		if wait(ctx, lookAgain, told) {
			wait(ctx, gathering, nil)
		}
	}
}

// wait returns when the bell rings, which it says, or the time is over on the wall, or ctx ends.
func wait(ctx context.Context, d time.Duration, bell <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-bell:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// Write puts everything that is due now into the outbox.
func (k *Clerk) Write(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return errors.Join(k.states(ctx), k.days(ctx))
}

// states writes the states of payments that the store told since the last time.
func (k *Clerk) states(ctx context.Context) error {
	for {
		list, err := k.cfg.Store.Events(ctx, k.noted.Event, page)
		if err != nil {
			return err
		}
		wrote := false
		for _, e := range list {
			if body := k.state(e); body != nil {
				if err = k.cfg.Outbox.Append(spec.KindPayments, body); err != nil {
					err = fmt.Errorf("report the state of payment %s: %w", e.ID, err)
					break
				}
				wrote = true
			}
			k.noted.Event = e.Seq
		}
		if wrote {
			err = errors.Join(err, k.note(ctx, k.noted))
		}
		if err != nil || len(list) < page {
			return err
		}
	}
}

// state is the report of an event, nil when it makes none.
func (k *Clerk) state(e store.Event) []byte {
	if !strings.HasPrefix(e.Type, "payment.") {
		return nil
	}
	var told struct {
		Status       string    `json:"status"`
		ConsentID    string    `json:"consentId"`
		ClientID     string    `json:"clientId"`
		Organisation string    `json:"organisation"`
		Type         string    `json:"paymentType"`
		Reason       string    `json:"reason"`
		At           time.Time `json:"at"`
	}
	if err := json.Unmarshal(e.Data, &told); err != nil {
		k.cfg.Log.Error("event not understood", "event", e.Seq, "error", err)
		return nil
	}
	switch told.Status {
	case "ACSC", "RJCT", "CANC", "SCHD":
	default:
		return nil
	}
	if told.Organisation == "" {
		told.Organisation = k.cfg.Organisation(told.ClientID)
	}
	if told.At.IsZero() {
		told.At = time.UnixMilli(e.At)
	}
	body, err := json.Marshal(spec.PaymentState{
		EventDateTime: spec.At(told.At), PaymentType: told.Type, ClientOrgID: told.Organisation, ConsentID: told.ConsentID,
		PaymentID: e.ID, PaymentStatus: told.Status, StatusReasonCode: told.Reason,
	})
	if err != nil {
		return nil // texts always encode
	}
	return body
}

// days writes the stock of every day that ended since the last one.
func (k *Clerk) days(ctx context.Context) error {
	now := k.cfg.Clock.Now()
	last := yesterday(now)
	if last == k.noted.Day {
		return nil
	}
	next := mark{k.noted.Event, last}
	if last < k.noted.Day { // the clock was put back
		return k.note(ctx, next)
	}
	var ends []time.Time
	for end := midnight(now); len(ends) < farthest && day(end.Add(-1)) > k.noted.Day; end = end.AddDate(0, 0, -1) {
		ends = append([]time.Time{end}, ends...)
	}
	for i, report := range k.cfg.Stock(ends) {
		report.Date = day(ends[i].Add(-1))
		body, err := json.Marshal(report)
		if err == nil {
			err = k.cfg.Outbox.Append(spec.KindStock, body)
		}
		if err != nil {
			return fmt.Errorf("report the stock of %s: %w", report.Date, err)
		}
		k.noted.Day = report.Date
	}
	return k.note(ctx, next)
}

// note keeps how far everything was written.
func (k *Clerk) note(ctx context.Context, m mark) error {
	if err := k.cfg.Store.Commit(ctx, store.Put(markKind, markID, m)); err != nil {
		return fmt.Errorf("note how far reports were written: %w", err)
	}
	k.noted = m
	return nil
}

// midnight is when the day of an instant began in Brasília.
func midnight(t time.Time) time.Time {
	y, m, d := t.In(brasilia).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, brasilia)
}

// day is the date of an instant in Brasília.
func day(t time.Time) string { return t.In(brasilia).Format(time.DateOnly) }

func yesterday(now time.Time) string { return day(midnight(now).Add(-1)) }
