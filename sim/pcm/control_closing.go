package pcm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// maxPeriod bounds the days of one question.
const maxPeriod = 92

// controlClosings serves what is computed from the reports held.
func (p *PCM) controlClosings(mux *http.ServeMux) {
	ask := func(pattern string, answer func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if !p.settled(w, r) {
				return
			}
			v, err := answer(r)
			if err != nil {
				tell(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
				return
			}
			tell(w, http.StatusOK, v)
		})
	}
	ask("GET /closing", func(r *http.Request) (any, error) { return p.Closing(p.dayAsked(r, "date")) })
	ask("GET /tickets", func(r *http.Request) (any, error) {
		first, last, err := p.period(r)
		if err != nil {
			return nil, err
		}
		all, org := []Ticket{}, lower(r.URL.Query().Get("org"))
		for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
			c, err := p.Closing(day.Format(time.DateOnly))
			if err != nil {
				return nil, err
			}
			for _, t := range c.Tickets {
				if org == "" || org == t.Org {
					all = append(all, t)
				}
			}
		}
		return all, nil
	})
	ask("GET /verdicts", func(r *http.Request) (any, error) {
		month := r.URL.Query().Get("month")
		if month == "" {
			month = p.cfg.Clock.Now().In(p.Dialect().zone()).Format("2006-01")
		}
		return p.Verdicts(month)
	})
	ask("GET /stock", func(r *http.Request) (any, error) {
		pairs, found := p.StockComparison(r.URL.Query().Get("date"))
		reports := []StockKept{}
		for _, k := range p.stocks.all() {
			if date := r.URL.Query().Get("date"); date == "" || date == k.Report.Date {
				reports = append(reports, k)
			}
		}
		return map[string]any{"reports": reports, "pairs": append([]StockPair{}, pairs...), "findings": append([]StockFinding{}, found...)}, nil
	})
	ask("GET /payments", func(*http.Request) (any, error) { return append([]PaymentFinding{}, p.PaymentFindings()...), nil })
	ask("GET /funnel", func(r *http.Request) (any, error) {
		first, last, err := p.period(r)
		if err != nil {
			return nil, err
		}
		zone := p.Dialect().zone()
		begin := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, zone)
		return p.Funnel(begin, time.Date(last.Year(), last.Month(), last.Day()+1, 0, 0, 0, 0, zone)), nil
	})
}

// dayAsked is the day of a question; none is today.
func (p *PCM) dayAsked(r *http.Request, name string) string {
	if day := r.URL.Query().Get(name); day != "" {
		return day
	}
	return p.cfg.Clock.Now().In(p.Dialect().zone()).Format(time.DateOnly)
}

func (p *PCM) period(r *http.Request) (first, last time.Time, err error) {
	first, err = time.Parse(time.DateOnly, p.dayAsked(r, "from"))
	if err != nil {
		return first, last, fmt.Errorf("from is a day such as 2026-09-15: %w", err)
	}
	if last, err = time.Parse(time.DateOnly, p.dayAsked(r, "to")); err != nil {
		return first, last, fmt.Errorf("to is a day such as 2026-09-15: %w", err)
	}
	if last.Before(first) || last.Sub(first) > maxPeriod*24*time.Hour {
		return first, last, fmt.Errorf("from and to bound a period of at most %d days", maxPeriod)
	}
	return first, last, nil
}

// controlDialect serves the dialect.
func (p *PCM) controlDialect(mux *http.ServeMux) {
	mux.HandleFunc("GET /dialect", func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusOK, p.Dialect()) })
	mux.HandleFunc("GET /dialects", func(w http.ResponseWriter, _ *http.Request) {
		rows := []map[string]string{}
		for _, s := range switches {
			rows = append(rows, map[string]string{"switch": s.name, "since": s.since, "until": strings.Trim(s.until, "-"), "changes": s.changes})
		}
		tell(w, http.StatusOK, rows)
	})
	mux.HandleFunc("POST /dialect", func(w http.ResponseWriter, r *http.Request) {
		edit := map[string]any{}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&edit); err != nil {
			tell(w, http.StatusBadRequest, map[string]string{"error": `the body is an object such as {"release":"2025D"}: ` + err.Error()})
			return
		}
		if err := p.Speak(edit); err != nil {
			tell(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		tell(w, http.StatusOK, p.Dialect())
	})
}
