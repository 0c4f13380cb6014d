package status

import (
	"encoding/json"
	"net/http"

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
