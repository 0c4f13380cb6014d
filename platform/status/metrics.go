package status

import (
	"context"
	"fmt"
	"time"

	"github.com/ensaio/ensaio/platform/call"
)

// Figures is one endpoint in the metrics, as it is published.
type Figures struct {
	Endpoint     string       `json:"endpoint"`
	RequestTime  string       `json:"requestTime"`
	Availability availability `json:"availability"`
	Invocations  series       `json:"invocations"`
	Response     series       `json:"averageResponse"`
	AverageTPS   series       `json:"averageTps"`
	PeakTPS      series       `json:"peakTps"`
	Errors       series       `json:"errors"`
	Rejections   series       `json:"rejections"`
}

type availability struct {
	Uptime struct {
		General  string `json:"generalUptimeRate"`
		Endpoint string `json:"uptimeRate"`
	} `json:"uptime"`
	Downtime struct {
		General   int64 `json:"generalDowntime"`
		Scheduled int64 `json:"scheduledOutage"`
		Endpoint  int64 `json:"partialDowntime"`
	} `json:"downtime"`
}

// series is a figure of today and of the days before, yesterday first.
type series struct {
	Today  int64   `json:"currentDay"`
	Before []int64 `json:"previousDays"`
}

// metrics answers for today alone unless all days are asked for: the definition has no default. The
// figures of availability then span today and the days before; those of traffic are told day by day.
func (s *Service) metrics(ctx context.Context, c *call.Call) (*call.Answer, error) {
	period, before := c.Query("period"), int64(0)
	if err := periodRules.Check(ctx, s.cfg.Seams, period); err != nil {
		return nil, err
	}
	if period == "ALL" {
		before = kept - 1
	}
	return list(ctx, s, c, s.endpoints, func(page []*endpoint) any { return s.figures(ctx, page, before) })
}

func (s *Service) figures(ctx context.Context, page []*endpoint, before int64) []Figures {
	t := s.tally(ctx, before)
	all := make([]Figures, len(page))
	for i, p := range page {
		all[i] = t.of(p)
	}
	return all
}

// Overview is what the institution says of itself, at one glance.
type Overview struct {
	Status []Condition `json:"status"`
	// Today and Week are every endpoint's figures of today, and of today with the seven days before.
	Today []Figures `json:"today"`
	Week  []Figures `json:"week"`
}

// Overview looks, and tells all of it.
func (s *Service) Overview(ctx context.Context) Overview {
	return Overview{s.Status(ctx), s.figures(ctx, s.endpoints, 0), s.figures(ctx, s.endpoints, kept-1)}
}

// tally is what the figures of all endpoints have in common.
type tally struct {
	now    time.Time
	today  int64
	before int64 // days before today that are known of
	second int64 // of the day
	down   downtime
}

func (s *Service) tally(ctx context.Context, before int64) tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock.Now()
	s.look(ctx, now)
	t := tally{now: now, today: s.dayOf(now.Unix()), down: downtime{each: make([]int64, len(s.endpoints))}}
	t.before = min(before, kept-1, t.today-s.dayOf(s.since*seconds))
	t.second = now.Unix() - t.today*86400 - int64(s.midnight()/time.Second)
	from, _ := s.slotsOf(t.today - t.before)
	_, to := s.slotsOf(t.today)
	s.history.tally(&t.down, from, to, s.apart)
	return t
}

// apart is how many of the slots are counted apart when scheduled work stops something in them.
func (s *Service) apart(from, to int64) int64 {
	night, ctx := nightly(from, to), context.Background()
	n := int64(0)
	if apartRules.Check(ctx, s.cfg.Seams, true) == nil {
		n += night
	}
	if apartRules.Check(ctx, s.cfg.Seams, false) == nil {
		n += to - from - night
	}
	return n
}

func (t *tally) of(p *endpoint) Figures {
	f := Figures{Endpoint: p.url, RequestTime: call.Time(t.now)}
	span := 86400 * (t.before + 1)
	general, own := t.down.general*seconds, t.down.each[p.number]*seconds
	f.Availability.Uptime.General, f.Availability.Uptime.Endpoint = rate(general, span), rate(own, span)
	f.Availability.Downtime.General, f.Availability.Downtime.Scheduled, f.Availability.Downtime.Endpoint = general, t.down.apart*seconds, own
	for back := range t.before + 1 {
		d, length := p.on(t.today-back), int64(86400)
		if back == 0 {
			length = max(t.second, 1)
		}
		f.Invocations.add(back, d.Calls)
		f.Response.add(back, nearest(d.Took.Milliseconds(), d.Calls))
		f.AverageTPS.add(back, nearest(d.Calls, length))
		f.PeakTPS.add(back, int64(d.Peak))
		f.Errors.add(back, d.Errors)
		f.Rejections.add(back, d.Rejections)
	}
	return f
}

func (s *series) add(back, figure int64) {
	if back == 0 {
		s.Today, s.Before = figure, []int64{}
		return
	}
	s.Before = append(s.Before, figure)
}

func nearest(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return (2*a + b) / (2 * b)
}

// rate is the share of the time without downtime, with six decimals.
func rate(down, span int64) string {
	parts := (1_000_000*(span-down) + span/2) / span
	return fmt.Sprintf("%d.%06d", parts/1_000_000, parts%1_000_000)
}
