package status

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/ensaio/ensaio/sim/rule"
)

// Control is what an operator, or a rehearsal, may do to the institution's availability; it belongs on the
// control port alone, for it asks nobody who they are:
//
//	GET  /availability        what status and metrics say, whole
//	GET  /failures            trouble that is made now
//	POST /failures            {"operations":["accounts.*","token"],"status":503,"delay":"3s"}; no operations: all
//	DELETE /failures[/{id}]
//	GET  /outages             scheduled unavailability, by start; what is over too
//	POST /outages             {"start":"2026-03-08T04:00:00Z","duration":"PT2H30M","operations":["accounts.*"],"explanation":"…"}; no operations: total
//	PUT  /outages/{id}        the same, whole
//	DELETE /outages/{id}
//	GET  /books/probes        JSON lines: every probe of that time
//	GET  /books/downtime      JSON lines: what was down on which day, for as long as is remembered
func (s *Service) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /availability", func(w http.ResponseWriter, r *http.Request) { say(w, http.StatusOK, s.Overview(r.Context())) })
	mux.HandleFunc("GET /failures", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, append([]*Failure{}, s.Failures()...))
	})
	mux.HandleFunc("POST /failures", func(w http.ResponseWriter, r *http.Request) {
		var f Failure
		if !read(w, r, &f) {
			return
		}
		made, err := s.Fail(r.Context(), Failure{Operations: f.Operations, Status: f.Status, Delay: f.Delay, Explanation: f.Explanation})
		told(w, http.StatusCreated, made, err)
	})
	mend := func(w http.ResponseWriter, r *http.Request) {
		told(w, http.StatusNoContent, nil, s.Mend(r.Context(), r.PathValue("id")))
	}
	mux.HandleFunc("DELETE /failures", mend)
	mux.HandleFunc("DELETE /failures/{id}", mend)
	mux.HandleFunc("GET /outages", func(w http.ResponseWriter, _ *http.Request) {
		all := []shown{}
		for _, o := range s.Outages() {
			all = append(all, s.show(o))
		}
		say(w, http.StatusOK, all)
	})
	announce := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var o Outage
			if !read(w, r, &o) {
				return
			}
			o.ID = r.PathValue("id")
			made, err := s.Announce(r.Context(), o)
			if err != nil {
				told(w, status, nil, err)
				return
			}
			say(w, status, s.show(made))
		}
	}
	mux.HandleFunc("POST /outages", announce(http.StatusCreated))
	mux.HandleFunc("PUT /outages/{id}", announce(http.StatusOK))
	mux.HandleFunc("DELETE /outages/{id}", func(w http.ResponseWriter, r *http.Request) {
		told(w, http.StatusNoContent, nil, s.Withdraw(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("GET /books/downtime", s.downtimes)
	mux.HandleFunc("GET /books/probes", s.probes)
	return mux
}

// shown is an outage with what follows from it.
type shown struct {
	*Outage
	End     time.Time `json:"end"`
	Partial bool      `json:"partial"`
	State   string    `json:"state"` // "planned", "running", "over"
}

func (s *Service) show(o *Outage) shown {
	v := shown{o, o.end(), len(o.Operations) > 0, "planned"}
	switch now := s.cfg.Clock.Now(); {
	case o.in(now):
		v.State = "running"
	case !now.Before(o.end()):
		v.State = "over"
	}
	return v
}

func told(w http.ResponseWriter, status int, v any, err error) {
	var breach *rule.Breach
	switch {
	case errors.Is(err, errUnknown):
		say(w, http.StatusNotFound, map[string]string{"error": err.Error()})
	case errors.As(err, &breach):
		say(w, http.StatusBadRequest, map[string]string{"error": breach.Err.Error(), "rule": breach.Rule})
	case err != nil:
		say(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	case v == nil:
		w.WriteHeader(status)
	default:
		say(w, status, v)
	}
}

// read takes a small JSON body; members that nobody knows are an error.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		say(w, http.StatusBadRequest, map[string]string{"error": "body: " + err.Error()})
		return false
	}
	return true
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that left hears nothing
}
