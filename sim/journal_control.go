package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/sim/journal"
)

// The journal on the control port:
//
//	GET /journal?interaction=&consent=&client=&role=&rule=&broken=true&since=&after=&limit=
//	GET /journal/stream    the same, as it happens: server-sent events named "exchange"
const (
	mostEntries = 1000
	// streamPulse keeps an idle stream open, and finds out that its reader left.
	streamPulse = 10 * time.Second
)

func (o *observer) serve(c *control) {
	c.mux.Handle("GET /metrics", o.figures.handler())
	if o.journal == nil {
		return
	}
	c.mux.HandleFunc("GET /journal", o.find)
	c.mux.HandleFunc("GET /journal/stream", o.stream)
}

func (o *observer) find(w http.ResponseWriter, r *http.Request) {
	q, err := question(r.URL.Query())
	if err != nil {
		say(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	s := o.journal.Stats()
	say(w, http.StatusOK, map[string]any{"entries": o.journal.Find(q), "held": s.Entries, "total": s.Total})
}

// question reads what is asked for.
func question(v url.Values) (q journal.Query, err error) {
	for name, values := range v {
		value := values[0]
		switch name {
		case "interaction":
			q.Interaction = value
		case "consent":
			q.Consent = value
		case "client":
			q.Client = value
		case "role":
			q.Role = value
		case "rule":
			q.Rule = value
		case "broken":
			q.Broken, err = strconv.ParseBool(value)
		case "since":
			q.Since, err = time.Parse(time.RFC3339, value)
		case "after":
			q.After, err = strconv.ParseUint(value, 10, 64)
		case "limit":
			if q.Limit, err = strconv.Atoi(value); err == nil && (q.Limit < 1 || q.Limit > mostEntries) {
				err = fmt.Errorf("want 1 to %d", mostEntries)
			}
		default:
			err = errors.New("no such parameter; want interaction, consent, client, role, rule, broken, since, after or limit")
		}
		if err != nil {
			return q, fmt.Errorf("%s: %w", name, err)
		}
	}
	return q, nil
}

// stream tells entries as they come. A reader that was cut off goes on where it stood by Last-Event-ID.
func (o *observer) stream(w http.ResponseWriter, r *http.Request) {
	q, err := question(r.URL.Query())
	if err != nil {
		say(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	if last, err := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64); err == nil {
		q.After = last
	} else if q.After == 0 {
		q.After = o.journal.Last()
	}
	q.Limit = mostEntries
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	write := func(format string, args ...any) bool {
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout)) // an endless answer has a deadline for each part
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && out.Flush() == nil
	}
	if !write(": journal\n\n") {
		return
	}
	for {
		news, err := o.journal.Await(r.Context(), q.After, streamPulse)
		if err != nil {
			return
		}
		if !news {
			if !write(": still here\n\n") {
				return
			}
			continue
		}
		last := o.journal.Last()
		for _, e := range o.journal.Find(q) {
			b, err := json.Marshal(e)
			if err != nil || !write("id: %d\nevent: exchange\ndata: %s\n\n", e.Seq, b) {
				return
			}
			last = max(last, e.Seq)
		}
		q.After = last
	}
}
