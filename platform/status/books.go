package status

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// line is how long an endpoint was down on a day, in seconds. What is counted apart is planned.
type line struct {
	Method   string `json:"method"`
	Endpoint string `json:"endpoint"`
	Date     string `json:"date"`
	Down     int64  `json:"downSeconds"`
	Planned  int64  `json:"plannedSeconds"`
}

// downtimes tells every day of the last quarter on which an operation was down, oldest first: what the
// filings of the institution are made of.
func (s *Service) downtimes(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	now := s.cfg.Clock.Now()
	s.look(r.Context(), now)
	today := s.dayOf(now.Unix())
	var all []line
	for d := max(today-remembered+1, s.dayOf(s.since*seconds)); d <= today; d++ {
		down := downtime{each: make([]int64, len(s.endpoints)), planned: make([]int64, len(s.endpoints))}
		from, to := s.slotsOf(d)
		s.history.tally(&down, from, to, s.apart)
		for i, p := range s.endpoints {
			if down.each[i]+down.planned[i] == 0 {
				continue
			}
			for _, id := range p.operations {
				l := line{Method: http.MethodPost, Endpoint: p.path, Date: name(d), Down: down.each[i] * seconds, Planned: down.planned[i] * seconds}
				if op := spec.Find(id); op != nil {
					l.Method, l.Endpoint = op.Method, op.FullPath()
				}
				all = append(all, l)
			}
		}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	for i := range all {
		if out.Encode(&all[i]) != nil {
			return // a caller that left hears nothing more
		}
	}
}

// probes tells every probe that is remembered, oldest first, as a log of the status API would: the code,
// and the paths that were down; "scheduled" names those stopped on purpose beside trouble with others.
func (s *Service) probes(w http.ResponseWriter, r *http.Request) {
	type stretch struct {
		from, to int64
		text     string
	}
	s.mu.Lock()
	s.look(r.Context(), s.cfg.Clock.Now())
	all := make([]stretch, 0, len(s.history.runs))
	for _, x := range s.history.runs {
		line := map[string]string{"code": codeOK}
		switch {
		case !x.trouble.empty():
			line["code"], line["endpoints"] = s.gravity(x.trouble), strings.Join(s.paths(x.trouble), " ")
			if !x.planned.empty() {
				line["scheduled"] = strings.Join(s.paths(x.planned), " ")
			}
		case !x.planned.empty():
			line["code"], line["endpoints"] = codeScheduled, strings.Join(s.paths(x.planned), " ")
		}
		text, _ := json.Marshal(line) // texts always can
		all = append(all, stretch{x.from, x.to, string(text[1:])})
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := bufio.NewWriter(w)
	for _, x := range all {
		for slot := x.from; slot < x.to; slot++ {
			_, err := out.WriteString(`{"timestamp":"` + time.Unix(slot*seconds, 0).UTC().Format(time.RFC3339) + `",` + x.text + "\n")
			if err != nil {
				return // a caller that left hears nothing more
			}
		}
	}
	_ = out.Flush()
}
