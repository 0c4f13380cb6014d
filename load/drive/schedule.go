package drive

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// ahead is how many days from now scheduled payments begin: far enough that none is settled before it is cancelled.
const ahead = 30

// perSchedule is how many payments one schedule has, where each is cancelled by itself: a customer at the bank's
// pages stands behind every schedule.
const perSchedule = 20

// schedule is an authorised schedule whose payments wait for their days.
type schedule struct {
	party   *party
	consent *tpp.Consent
	left    atomic.Int64 // payments that have not been cancelled
}

// planned is one payment of a schedule.
type planned struct {
	*schedule
	payment string
}

// schedules are those with payments that have not been cancelled, so that nothing of a run is ever paid.
type schedules struct {
	mu   sync.Mutex
	open map[*schedule]bool
}

func (s *schedules) add(one *schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*schedule]bool{}
	}
	s.open[one] = true
}

// cancelled notes that n payments of a schedule were cancelled.
func (s *schedules) cancelled(one *schedule, n int64) {
	if one.left.Add(-n) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, one)
}

// planPayments makes a schedule of n payments for a customer at the bank's pages.
func (s *Source) planPayments(ctx context.Context, p *party, who *target.Person, n int) ([]*planned, error) {
	robot, err := s.robot(p, who)
	if err != nil {
		return nil, err
	}
	order, now := s.order(who), s.clock.Now()
	order.Schedule = &tpp.Schedule{Single: now.AddDate(0, 0, ahead)}
	if n > 1 {
		order.Schedule = &tpp.Schedule{}
		for i := range n {
			order.Schedule.Custom = append(order.Schedule.Custom, now.AddDate(0, 0, ahead+i))
		}
	}
	k, err := p.client.CreatePaymentConsent(ctx, p.server, order)
	if err != nil {
		return nil, err
	}
	g, err := p.client.Authorise(ctx, k, robot)
	if err != nil {
		return nil, err
	}
	// What the end of the run broke off here would be paid one day.
	done, err := p.client.CreatePayment(context.WithoutCancel(ctx), g, order)
	if err != nil {
		return nil, err
	}
	one := &schedule{party: p, consent: done.Consent}
	one.left.Store(int64(len(done.IDs)))
	s.schedules.add(one)
	if err := p.client.Await(ctx, done, "SCHD"); err != nil {
		return nil, err
	}
	var all []*planned
	for i, id := range done.IDs {
		if done.Statuses[i] != "SCHD" {
			return nil, fmt.Errorf("a scheduled payment is %s", done.Statuses[i])
		}
		all = append(all, &planned{one, id})
	}
	return all, nil
}

// cancelling cancels scheduled payments, one by one, and whole schedules: each is made ahead, and its message signed
// just ahead.
func (s *Source) cancelling(p *party, people []*target.Person, weights map[string]float64) {
	for _, c := range []struct {
		id       string
		payments int // of a schedule
		want     int
		path     func(*planned) map[string]string
		ended    func(*planned)
	}{
		{"payments.cancel", perSchedule, http.StatusOK, func(one *planned) map[string]string { return map[string]string{"paymentId": one.payment} },
			func(one *planned) { s.schedules.cancelled(one.schedule, 1) }},
		{"payments.consent-cancel", 1, http.StatusAccepted, func(one *planned) map[string]string { return map[string]string{"consentId": one.consent.ID} },
			func(one *planned) { s.schedules.cancelled(one.schedule, one.left.Load()) }},
	} {
		o := spec.Find(c.id)
		if o == nil || weights[c.id] == 0 {
			continue
		}
		turn, rest := 0, []*planned(nil) // of the one maker
		waiting := s.stock("scheduled payment", s.size(weights[c.id], weights, 4), 1, consentKeeps, func(ctx context.Context) (any, error) {
			if len(rest) == 0 {
				turn++
				var err error
				if rest, err = s.planPayments(ctx, p, people[turn%len(people)], c.payments); err != nil {
					return nil, err
				}
			}
			one := rest[0]
			rest = rest[1:]
			return one, nil
		})
		ready := s.stock("signed cancellation", max(cap(waiting.ready)/2, 2), 1, signedLife, func(ctx context.Context) (any, error) {
			select {
			case kept := <-waiting.ready:
				one := kept.thing.(*planned)
				body, err := s.sign(p, o, tpp.CancelBody(one.consent.Person.CPF), c.path(one))
				return &cancellation{one, body}, err
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		ready.spoilt = func(v any) { waiting.put(v.(*cancellation).planned) } // the payment still waits
		s.add(o.ID, o.Class, func(ctx context.Context, _ uint64) load.Outcome {
			v, ok := ready.take()
			if !ok {
				return load.Outcome{Err: load.ErrShort}
			}
			one := v.(*cancellation)
			call, err := s.own(ctx, p, o, c.want, one.consent.ID, c.path(one.planned))
			if err != nil {
				return load.Outcome{Err: err}
			}
			return call.with(ctx, one.body, "application/jwt", func(*answer) { c.ended(one.planned) })
		})
	}
}

// cancellation is a cancellation whose message is signed.
type cancellation struct {
	*planned
	body []byte
}

// takeBack cancels what was scheduled and not cancelled by the run.
func (s *Source) takeBack() {
	s.schedules.mu.Lock()
	open := s.schedules.open
	s.schedules.open = nil
	s.schedules.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	for one := range open {
		if e, err := one.party.client.CancelPayments(ctx, one.consent); err != nil && (e == nil || e.Status != http.StatusUnprocessableEntity) {
			s.log.Warn("scheduled payments were not cancelled", "consent", one.consent.ID, "payments", one.left.Load(), "error", err)
		}
	}
}
