package payment

import (
	"context"
	"net/http"
	"time"

	"github.com/ensaio/ensaio/platform/call"
)

// paymentOf returns the payment a call names, if it is the caller's.
func (s *Service) paymentOf(ctx context.Context, c *call.Call) (entry, error) {
	e, ok := s.payments.find(c.Params["paymentId"])
	if !ok {
		return entry{}, unknown("O pagamento informado não existe")
	}
	p := e.now()
	report(c, p)
	return e, ownerRules.Check(ctx, s.cfg.Seams, access{p.ClientID, c.Client.ID})
}

func (s *Service) read(ctx context.Context, c *call.Call) (*call.Answer, error) {
	e, err := s.paymentOf(ctx, c)
	if err != nil {
		return nil, err
	}
	return answer(c, http.StatusOK, show(e.now(), false), c.Self()), nil
}

// listPayments lists the payments of a consent whose date of settlement lies between the two given.
func (s *Service) listPayments(ctx context.Context, c *call.Call) (*call.Answer, error) {
	from, to := c.Query("startDate"), c.Query("endDate")
	for _, d := range []string{from, to} {
		if _, err := time.Parse(time.DateOnly, d); d != "" && err != nil {
			return nil, badRequest("startDate e endDate devem ter a forma AAAA-MM-DD")
		}
	}
	found, err := s.consentOf(ctx, c)
	if err != nil {
		return nil, err
	}
	views := []view{}
	for _, e := range s.payments.of(found.ID) {
		p := e.now()
		date := p.Date
		if date == "" {
			date = today(p.Created)
		}
		if (from == "" || date >= from) && (to == "" || date <= to) {
			views = append(views, show(p, false))
		}
	}
	return answer(c, http.StatusOK, views, c.Self()), nil
}
