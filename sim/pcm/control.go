package pcm

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Control serves questions and switches for whoever runs the ecosystem; it is no part of the published
// surface and must not be reachable by participants.
//
//	GET    /reports?interaction=&org=&role=&status=&endpoint=&method=&findings=true&limit=
//	GET    /findings?org=&limit=   reports with faults in additionalInfo
//	GET    /discards    reports refused at the door
//	GET    /summary     balance per organisation, endpoint and method
//	GET    /requests    intake requests with their sizes
//	GET    /journeys?consent=
//	GET    /funnel?from=&to=       how far the consents of a period came
//	GET    /closing?date=          the balance of a day at 08:00 and at seven days
//	GET    /tickets?from=&to=&org= the tickets of a period, of at most 92 days
//	GET    /verdicts?month=        the verdict on each organisation
//	GET    /stock?date=            consent stock, compared between counterparts
//	GET    /payments               payment states against the initiators' reports
//	GET    /export?kind=&after=&discarded=true   everything held, as JSON lines ([spec.Exported])
//	GET    /dialect     release and switches
//	POST   /dialect     {"release":"2025D"}, {"putReports":true}, {"shownAfter":"2s"}
//	GET    /dialects    what each switch changes, and in which releases it is on
//	GET    /fail        what is switched on
//	POST   /fail        {"kind":"status","status":500,"times":3}; a status alone is enough
//	DELETE /fail        everything works again
func (p *PCM) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /reports", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		limit, err := strconv.Atoi(q.Get("limit"))
		if q.Get("limit") != "" && (err != nil || limit < 1 || limit > 10_000) {
			tell(w, http.StatusBadRequest, map[string]string{"error": "limit is a number from 1 to 10000"})
			return
		}
		if p.settled(w, r) {
			found := p.Reports(Query{
				Interaction: q.Get("interaction"), Org: q.Get("org"), Role: strings.ToUpper(q.Get("role")), Endpoint: q.Get("endpoint"),
				Method: strings.ToUpper(q.Get("method")), Status: State(strings.ToUpper(q.Get("status"))), Findings: q.Get("findings") == "true", Limit: limit,
			})
			if found == nil {
				found = []Report{}
			}
			tell(w, http.StatusOK, found)
		}
	})
	mux.HandleFunc("GET /findings", func(w http.ResponseWriter, r *http.Request) {
		if p.settled(w, r) {
			limit, _ := strconv.Atoi(r.URL.Query().Get("limit")) // none is the default
			tell(w, http.StatusOK, append([]Report{}, p.Reports(Query{Org: r.URL.Query().Get("org"), Findings: true, Limit: min(max(limit, 0), 10_000)})...))
		}
	})
	mux.HandleFunc("GET /summary", func(w http.ResponseWriter, r *http.Request) {
		if p.settled(w, r) {
			tell(w, http.StatusOK, p.Summary())
		}
	})
	mux.HandleFunc("GET /discards", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, http.StatusOK, append([]Discard{}, p.Discards()...))
	})
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, http.StatusOK, append([]Request{}, p.Requests()...))
	})
	mux.HandleFunc("GET /journeys", func(w http.ResponseWriter, r *http.Request) {
		tell(w, http.StatusOK, append([]JourneyStep{}, p.Journey(r.URL.Query().Get("consent"))...))
	})
	mux.HandleFunc("GET /export", p.serveExport)
	p.controlClosings(mux)
	p.controlDialect(mux)
	mux.HandleFunc("GET /fail", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, http.StatusOK, append([]Failure{}, p.Failures()...))
	})
	mux.HandleFunc("POST /fail", func(w http.ResponseWriter, r *http.Request) {
		var f Failure
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&f); err != nil {
			tell(w, http.StatusBadRequest, map[string]string{"error": "the body is not a failure: " + err.Error()})
			return
		}
		if f.Kind == "" && f.Status != 0 {
			f.Kind = "status"
		}
		if err := p.Fail(f); err != nil {
			tell(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		tell(w, http.StatusOK, p.Failures())
	})
	mux.HandleFunc("DELETE /fail", func(w http.ResponseWriter, _ *http.Request) {
		p.Recover()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (p *PCM) settled(w http.ResponseWriter, r *http.Request) bool {
	if err := p.Flush(r.Context()); err != nil {
		tell(w, http.StatusServiceUnavailable, map[string]string{"error": "reports are still being paired"})
		return false
	}
	return true
}

func tell(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"answer not encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that left needs no answer
}
