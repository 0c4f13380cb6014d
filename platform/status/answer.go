package status

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/call"
)

// The codes of a status, the gravest first among those that are no OK.
const (
	codeOK          = "OK"
	codeUnavailable = "UNAVAILABLE"
	codePartial     = "PARTIAL_FAILURE"
	codeScheduled   = "SCHEDULED_OUTAGE"
)

// Condition is one entry of the status, as it is published.
type Condition struct {
	Code        string   `json:"code"`
	Explanation string   `json:"explanation"`
	Detected    string   `json:"detectionTime,omitempty"`
	Expected    string   `json:"expectedResolutionTime,omitempty"`
	Updated     string   `json:"updateTime"`
	Endpoints   []string `json:"unavailableEndpoints,omitempty"`
}

type announced struct {
	Start       string   `json:"outageTime"`
	Duration    string   `json:"duration"`
	Partial     bool     `json:"isPartial"`
	Explanation string   `json:"explanation"`
	Endpoints   []string `json:"unavailableEndpoints,omitempty"`
}

type totals struct {
	Records int `json:"totalRecords"`
	Pages   int `json:"totalPages"`
}

type envelope struct {
	Data  any             `json:"data"`
	Links json.RawMessage `json:"links"`
	Meta  totals          `json:"meta"`
}

// Handle answers the calls about the institution itself.
func (s *Service) Handle(ctx context.Context, c *call.Call) (*call.Answer, error) {
	switch c.Operation.Path {
	case "/status":
		return list(ctx, s, c, s.Status(ctx), func(page []Condition) any { return map[string]any{"status": page} })
	case "/outages":
		return list(ctx, s, c, s.announced(c.Now), func(page []announced) any { return page })
	}
	return s.metrics(ctx, c)
}

// list answers one page of entries.
func list[T any](ctx context.Context, s *Service, c *call.Call, all []T, data func([]T) any) (*call.Answer, error) {
	p, err := c.Paging(ctx, s.cfg.Seams)
	if err != nil {
		return nil, err
	}
	if err := p.Exists(ctx, s.cfg.Seams, len(all)); err != nil {
		return nil, err
	}
	from := min(p.Offset(), len(all))
	page := slices.Clip(append([]T{}, all[from:min(from+p.Size, len(all))]...))
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // links hold ampersands
	if err := e.Encode(envelope{data(page), c.AppendLinks(nil, call.Listing{Page: p, Total: len(all), Last: true}), totals{len(all), p.Pages(len(all))}}); err != nil {
		return nil, err
	}
	return &call.Answer{Status: http.StatusOK, Body: bytes.TrimSpace(b.Bytes())}, nil
}

// Status is what holds now: one entry, OK, when all is well; else trouble before scheduled outages, which
// is the published hierarchy. Several endpoints in trouble are one entry, UNAVAILABLE as soon as a whole
// API is among them.
func (s *Service) Status(ctx context.Context) []Condition {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock.Now()
	s.look(ctx, now)
	st, updated := s.history.now(), time.Unix(s.history.last*seconds, 0)
	var all []Condition
	if !st.trouble.empty() {
		detected := time.Unix(s.history.began()*seconds, 0)
		all = append(all, Condition{Code: s.gravity(st.trouble), Explanation: s.explain(st.trouble), Detected: call.Time(detected),
			Expected: call.Time(expected(detected, now)), Updated: call.Time(updated), Endpoints: s.urls(st.trouble)})
	}
	if !st.planned.empty() {
		all = append(all, s.scheduled(st.planned, updated))
	}
	if all == nil {
		all = []Condition{{Code: codeOK, Explanation: "Todas as APIs estão disponíveis", Updated: call.Time(updated)}}
	}
	return all
}

// expected is a guess where nobody knows: a full hour after the detection, moved on as long as it lasts.
func expected(detected, now time.Time) time.Time {
	return detected.Add((now.Sub(detected)/time.Hour + 1) * time.Hour)
}

// gravity is UNAVAILABLE when a whole API is down, and PARTIAL_FAILURE when endpoints are.
func (s *Service) gravity(down set) string {
	up := map[string]bool{}
	for _, p := range s.endpoints {
		up[p.api] = up[p.api] || !down.has(p.number)
	}
	for _, works := range up {
		if !works {
			return codeUnavailable
		}
	}
	return codePartial
}

func (s *Service) explain(down set) string {
	for _, f := range s.plan.Load().failures {
		if f.Explanation != "" && f.down(s) {
			return f.Explanation
		}
	}
	var apis []string
	down.each(func(i int) {
		if a, _, _ := strings.Cut(s.endpoints[i].api, " "); !slices.Contains(apis, a) {
			apis = append(apis, a)
		}
	})
	return "Falha em andamento: " + strings.Join(apis, ", ")
}

func (s *Service) scheduled(stopped set, at time.Time) Condition {
	c := Condition{Code: codeScheduled, Updated: call.Time(at), Endpoints: s.urls(stopped)}
	var end time.Time
	var why []string
	for _, o := range s.plan.Load().outages {
		if !o.in(at) {
			continue
		}
		if end.Before(o.end()) {
			end = o.end()
		}
		if c.Detected == "" {
			c.Detected = call.Time(o.Start)
		}
		why = append(why, o.Explanation)
	}
	if why == nil { // withdrawn since the last probe
		why, end = []string{"Indisponibilidade programada"}, at.Add(Period)
	}
	c.Explanation, c.Expected = strings.Join(why, "; "), call.Time(end)
	return c
}

func (s *Service) urls(of set) []string {
	all := []string{}
	of.each(func(i int) { all = append(all, s.endpoints[i].url) })
	return all
}

// announced lists the outages that are not over.
func (s *Service) announced(now time.Time) []announced {
	all := []announced{}
	for _, o := range s.plan.Load().outages {
		if !now.Before(o.end()) {
			continue
		}
		a := announced{Start: call.Time(o.Start), Duration: o.Duration, Partial: len(o.Operations) > 0, Explanation: o.Explanation}
		if a.Partial {
			a.Endpoints = s.urls(o.scope)
		}
		all = append(all, a)
	}
	return all
}
