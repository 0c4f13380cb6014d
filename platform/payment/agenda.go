package payment

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/shelf"
)

// agenda holds the scheduled payments by the day they fall due.
type agenda struct {
	mu   sync.Mutex
	list appointments
	bell chan struct{}
}

type appointment struct {
	at time.Time
	of shelf.Key
}

type appointments []appointment

func (l appointments) Len() int           { return len(l) }
func (l appointments) Less(i, j int) bool { return l[i].at.Before(l[j].at) }
func (l appointments) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *appointments) Push(x any)        { *l = append(*l, x.(appointment)) }
func (l *appointments) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

func newAgenda() *agenda { return &agenda{bell: make(chan struct{}, 1)} }

func (a *agenda) add(at time.Time, of shelf.Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	heap.Push(&a.list, appointment{at, of})
	select {
	case a.bell <- struct{}{}:
	default: // it rings already
	}
}

// take removes the payments due at now and tells when the next one is, if there is one.
func (a *agenda) take(now time.Time) (due []shelf.Key, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.list) > 0 {
		if a.list[0].at.After(now) {
			return due, a.list[0].at
		}
		due = append(due, heap.Pop(&a.list).(appointment).of)
	}
	return due, time.Time{}
}

// keepAgenda starts each scheduled payment when its day begins in Brasília.
func (s *Service) keepAgenda() {
	for s.ctx.Err() == nil {
		due, next := s.due.take(s.cfg.Clock.Now())
		for _, k := range due {
			if e, ok := s.payments.at(k); ok {
				s.work.Go(func() { s.fall(e) })
			}
		}
		wait, done := context.WithCancel(s.ctx)
		slept := make(chan struct{})
		go func() {
			defer close(slept)
			if next.IsZero() {
				<-wait.Done()
				return
			}
			_ = s.cfg.Clock.SleepUntil(wait, next) // ended by the bell or by Close as well
		}()
		select {
		case <-slept:
		case <-s.due.bell:
		case <-s.ctx.Done():
		}
		done()
		<-slept
	}
}

// enrol schedules the payments of one initiation, all or none (payments 5.2, recurring).
func (s *Service) enrol(all []entry) {
	p := all[0].now()
	reason, err := s.directory(p)
	for err != nil {
		if s.cfg.Clock.Sleep(s.ctx, askAgain) != nil {
			return
		}
		reason, err = s.directory(p)
	}
	if reason != "" {
		r := connector.Receipt{State: connector.Rejected, Reason: reason, Detail: "A chave Pix não corresponde ao recebedor."}
		if len(all) > 1 {
			r.Reason, r.Detail = "FALHA_AGENDAMENTO_PAGAMENTOS", "Ao menos um dos pagamentos não pôde ser agendado."
		}
		for _, e := range all {
			s.settle(e, r)
		}
		return
	}
	for _, e := range all {
		unlock := e.lock()
		err := s.move(s.ctx, e, "schedule", scheduled, nil)
		unlock()
		if err != nil {
			s.cfg.Log.ErrorContext(s.ctx, "payment not scheduled", "payment_id", e.now().ID, "error", err)
		}
		if e.now().Status == scheduled {
			s.due.add(settles(e.now().Date), e.key)
		}
	}
}

// directory compares a payment's key with the key directory and returns the reason to refuse it, or "".
func (s *Service) directory(p *Payment) (string, error) {
	if p.Order.Proxy == "" {
		return "", nil
	}
	k, err := s.cfg.Core.Resolve(s.ctx, p.Order.Proxy)
	switch {
	case errors.Is(err, connector.ErrUnknown):
		return "PAGAMENTO_RECUSADO_DETENTORA", nil
	case err != nil:
		return "", err
	case !same(k.Account, p.Order.Creditor), k.Document != p.Order.CreditorDoc:
		return "DETALHE_PAGAMENTO_INVALIDO", nil
	default:
		return "", nil
	}
}

// fall executes a scheduled payment on its day. The directory is asked again: a key that is gone or has
// changed rejects every payment of the consent (payments 6.2, version 5).
func (s *Service) fall(e entry) {
	p := e.now()
	reason, err := s.directory(p)
	for err != nil {
		if s.cfg.Clock.Sleep(s.ctx, askAgain) != nil {
			return
		}
		reason, err = s.directory(p)
	}
	if reason != "" {
		for _, other := range s.payments.of(p.ConsentID) {
			if other.now().Status == scheduled {
				s.settle(other, connector.Receipt{State: connector.Rejected, Reason: "CHAVE_PIX_DIVERGENTE_AGENDAMENTO_LIQUIDACAO", Detail: "A chave Pix deixou de corresponder ao recebedor."})
			}
		}
		return
	}
	if e.order() {
		s.pursue(e, false)
	}
}
