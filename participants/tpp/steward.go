package tpp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Steward tells the metrics platform an organisation's consent stock, as the receiver of data: one report
// for each day in Brasília as soon as it is over, by its clock running or stepped; it is due at 08:00.
//
// It promises that each day is told, days that were slept through or stepped over among them, and that a day
// whose numbers turn out to be others, since something was learned late, is told again as an update, up to
// a week back. A clock that was put back makes the last week be told anew. It refuses to tell a day that is not
// over, and days before the inventory was first opened.
type Steward struct {
	inventory *Inventory
	client    *Client
	cancel    context.CancelFunc
	done      chan struct{}

	mu sync.Mutex // one writer
}

const (
	// lookAgain is how often a steward looks at the clock, which may have been put back.
	lookAgain = time.Second
	// grace is how long, on the wall, a day must be over before it is told unasked.
	grace = 250 * time.Millisecond
	// farthest is how many days back a stock is still told for the first time, and correctable how many again.
	farthest    = 400
	correctable = 7
)

// Employ starts a steward, who reports through a client of the organisation.
func Employ(i *Inventory, c *Client) (*Steward, error) {
	if c.cfg.OrganisationID != i.cfg.Organisation {
		return nil, errors.New("a steward reports for the organisation of the inventory")
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Steward{inventory: i, client: c, cancel: cancel, done: make(chan struct{})}
	go s.run(ctx)
	return s, nil
}

// Close ends the steward.
func (s *Steward) Close() {
	s.cancel()
	<-s.done
}

func (s *Steward) run(ctx context.Context) {
	defer close(s.done)
	for ctx.Err() == nil {
		if err := s.Write(); err != nil {
			s.inventory.cfg.Log.Error("consent stock not written, trying again", "organisation", s.inventory.cfg.Organisation, "error", err)
		}
		look, cancel := context.WithTimeout(ctx, lookAgain)
		ended := s.inventory.cfg.Clock.SleepUntil(look, midnight(s.inventory.cfg.Clock.Now()).AddDate(0, 0, 1)) == nil
		cancel()
		if ended { // by a step perhaps that is taken back at once
			pause, cancel := context.WithTimeout(ctx, grace)
			<-pause.Done()
			cancel()
		}
	}
}

// Write puts the stock of every day that is over and was not told, or told otherwise, into the outbox.
func (s *Steward) Write() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends, last, stale := s.inventory.due()
	for _, r := range s.inventory.Stock(ends...) {
		body, err := json.Marshal(r)
		if err == nil {
			err = s.client.out.queue(spec.KindStock, body)
		}
		if err != nil {
			s.inventory.again(stale)
			return fmt.Errorf("report the stock of %s: %w", r.Date, err)
		}
	}
	s.inventory.tell(last)
	return nil
}

// due lists the ends of days that must be told, oldest first, the last of them all, and what made it look
// back.
func (i *Inventory) due() (ends []time.Time, last, stale time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	last, stale, i.stale = midnight(i.cfg.Clock.Now()), i.stale, time.Time{}
	after, again := i.told, last.AddDate(0, 0, -correctable)
	switch first := midnight(stale); {
	case last.Before(after): // put back, and perhaps stepped since: nobody saw how far
		after = again
	case !stale.IsZero() && first.Before(after):
		after = latest(first, earliest(after, again))
	}
	after = latest(after, i.since)
	for end := last; len(ends) < farthest && end.After(after); end = end.AddDate(0, 0, -1) {
		ends = append([]time.Time{end}, ends...)
	}
	return ends, last, stale
}

// again lets days that could not be told be told the next time.
func (i *Inventory) again(stale time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stale.IsZero() || !stale.IsZero() && stale.Before(i.stale) {
		i.stale = stale
	}
}

// tell notes that every day up to the end of one was told.
func (i *Inventory) tell(last time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.told.Equal(last) {
		return
	}
	i.told = last
	i.write(line{Event: told, At: last.UnixMilli()})
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
