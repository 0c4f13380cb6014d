package status

import (
	"net/http"
	"strings"

	"github.com/ensaio/ensaio/platform/call"
)

// Security watches over the security endpoints on their way to the authorization server: they are counted
// and stopped as the API host's are, and refused in the form of OAuth.
func (s *Service) Security(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := ""
		for _, e := range securityPaths {
			if r.URL.Path == e.path || strings.HasPrefix(r.URL.Path, e.path+"/") {
				id = e.id
			}
		}
		if id == "" {
			next.ServeHTTP(w, r)
			return
		}
		started := s.cfg.Clock.Now()
		out := &answered{ResponseWriter: w, status: http.StatusOK}
		if problem, delay := s.guard(id, started); problem != nil || delay > 0 {
			if delay > 0 && s.cfg.Clock.SleepUntil(r.Context(), started.Add(delay)) != nil {
				return // the caller has left
			}
			if problem != nil {
				refuse(out, problem)
			} else {
				next.ServeHTTP(out, r)
			}
		} else {
			next.ServeHTTP(out, r)
		}
		s.observe(id, started, s.cfg.Clock.Now().Sub(started), out.status)
	})
}

func refuse(w http.ResponseWriter, p *call.Problem) {
	code := "temporarily_unavailable"
	if p.Status < http.StatusInternalServerError {
		code = "invalid_request"
	}
	w.Header().Set("Cache-Control", "no-store")
	say(w, p.Status, map[string]string{"error": code, "error_description": p.Items[0].Detail})
}

// answered remembers the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the controllers of the response reach the one beneath.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
