package sim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/status"
)

// conditions says in words how the bank is, and how good that is.
var conditions = map[string]struct{ words, class string }{
	"OK": {"tudo funciona", "good"}, "UNAVAILABLE": {"uma API ou mais não funciona", "bad"},
	"PARTIAL_FAILURE": {"parte não funciona", "bad"}, "SCHEDULED_OUTAGE": {"parada programada", "wait"},
}

// availability shows how the bank is, how it was, and what is planned; and lets one stop something.
func (c *console) availability(w http.ResponseWriter, r *http.Request) {
	var now status.Overview
	var outages []struct {
		status.Outage
		End   time.Time
		State string
	}
	var failures []status.Failure
	for path, into := range map[string]any{"/bank/availability": &now, "/bank/outages": &outages, "/bank/failures": &failures} {
		if err := c.ask(r.Context(), http.MethodGet, path, nil, into); err != nil {
			c.wrong(w, r, err)
			return
		}
	}
	type condition struct {
		Code, Words, Class, Explanation string
		Down                            int
	}
	var all []condition
	for _, one := range now.Status {
		say := conditions[one.Code]
		all = append(all, condition{one.Code, say.words, say.class, one.Explanation, len(one.Endpoints)})
	}
	type endpoint struct {
		Path, Today, Week string
		Down, Calls       int64
	}
	var used []endpoint
	for i, f := range now.Today {
		if f.Invocations.Today == 0 && now.Week[i].Availability.Downtime.Endpoint == 0 {
			continue // nobody called it, and it was up
		}
		u, err := url.Parse(f.Endpoint)
		if err != nil {
			continue
		}
		used = append(used, endpoint{u.Path, f.Availability.Uptime.Endpoint, now.Week[i].Availability.Uptime.Endpoint, f.Availability.Downtime.Endpoint, f.Invocations.Today})
	}
	type work struct{ ID, Start, End, Reach, Explanation, State string }
	var planned []work
	for _, o := range outages {
		if o.State != "over" {
			planned = append(planned, work{o.ID, moment(o.Start), moment(o.End), reach(o.Operations), o.Explanation, o.State})
		}
	}
	type failure struct{ ID, Reach, Does string }
	var trouble []failure
	for _, f := range failures {
		does := f.Delay
		if f.Status != 0 {
			does = strings.TrimSpace(strconv.Itoa(f.Status) + " " + f.Delay)
		}
		trouble = append(trouble, failure{f.ID, reach(f.Operations), does})
	}
	c.show(w, r, http.StatusOK, "availability", map[string]any{"Status": all, "Used": used, "Endpoints": len(now.Today), "Planned": planned, "Trouble": trouble,
		"Apart": now.Today[0].Availability.Downtime.Scheduled, "General": now.Today[0].Availability.Uptime.General})
}

func reach(operations []string) string {
	if len(operations) == 0 {
		return "tudo"
	}
	return strings.Join(operations, ", ")
}

// trouble announces or withdraws an outage, and makes or mends a failure.
func (c *console) trouble(w http.ResponseWriter, r *http.Request) {
	var err error
	patterns := strings.FieldsFunc(r.PostFormValue("operacoes"), func(x rune) bool { return x == ',' || x == ' ' })
	switch r.PostFormValue("acao") {
	case "anunciar":
		minutes, wrong := strconv.Atoi(r.PostFormValue("em"))
		if wrong != nil || minutes < 0 || minutes > 366*24*60 {
			err = &refused{http.StatusBadRequest, "em: want minutes from now"}
			break
		}
		err = c.ask(r.Context(), http.MethodPost, "/bank/outages", map[string]any{"start": c.eco.clock.Now().Add(time.Duration(minutes) * time.Minute), "duration": r.PostFormValue("duracao"),
			"operations": patterns, "explanation": r.PostFormValue("motivo")}, nil)
	case "retirar":
		err = c.ask(r.Context(), http.MethodDelete, "/bank/outages/"+url.PathEscape(r.PostFormValue("id")), nil, nil)
	case "falhar":
		err = c.ask(r.Context(), http.MethodPost, "/bank/failures", map[string]any{"operations": patterns, "status": http.StatusServiceUnavailable}, nil)
	case "consertar":
		err = c.ask(r.Context(), http.MethodDelete, "/bank/failures/"+url.PathEscape(r.PostFormValue("id")), nil, nil)
	default:
		err = &refused{http.StatusBadRequest, "acao: want anunciar, retirar, falhar or consertar"}
	}
	c.back(w, r, "/disponibilidade", err)
}
