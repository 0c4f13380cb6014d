package sim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
)

// control is the second port: powers that are no part of the protocol. It listens on loopback only, and
// whatever it can do is declared to the suites as a capability.
type control struct {
	clock *clock.Clock
	board *fault.Board
	mux   *http.ServeMux
	train train
}

func newControl(clk *clock.Clock, board *fault.Board) *control {
	c := &control{clock: clk, board: board, mux: http.NewServeMux(), train: train{clock: clk}}
	c.mux.HandleFunc("GET /clock", c.now)
	c.mux.HandleFunc("POST /clock", c.step)
	c.mux.HandleFunc("DELETE /clock", func(w http.ResponseWriter, r *http.Request) {
		c.train.end()
		c.clock.Advance(-c.clock.Offset())
		c.now(w, r)
	})
	c.mux.HandleFunc("GET /defects", c.defects)
	c.mux.HandleFunc("POST /defects", c.arm)
	c.mux.HandleFunc("DELETE /defects", func(w http.ResponseWriter, r *http.Request) {
		c.board.Disarm()
		c.defects(w, r)
	})
	c.mux.HandleFunc("DELETE /defects/{name...}", func(w http.ResponseWriter, r *http.Request) {
		c.board.Disarm(r.PathValue("name"))
		c.defects(w, r)
	})
	return c
}

// mount adds the control surface of one role.
func (c *control) mount(name string, h http.Handler) {
	c.mux.Handle("/"+name+"/", http.StripPrefix("/"+name, h))
}

// ServeHTTP refuses whatever did not come to a loopback name, so that no web page can reach it through
// its visitor's browser.
func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	if host != "127.0.0.1" && host != "localhost" && !strings.HasSuffix(host, ".localhost") || r.Header.Get("Origin") != "" {
		say(w, http.StatusForbidden, map[string]string{"error": "the control port speaks to this machine only"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	c.mux.ServeHTTP(w, r)
}

func (c *control) now(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusOK, map[string]any{"now": c.clock.Now().Format(time.RFC3339Nano), "offsetSeconds": c.clock.Offset().Seconds()})
}

// step moves the clock by a step, to an instant, or to an instant and from there by a step after each of so
// many answered calls of an operation.
func (c *control) step(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Advance, Set, After string
		Times               int
	}
	err := read(r, &ask)
	var by time.Duration
	if err == nil && ask.Advance != "" {
		by, err = ParseStep(ask.Advance)
	}
	var at time.Time
	if err == nil && ask.Set != "" {
		if at, err = time.Parse(time.RFC3339, ask.Set); err != nil {
			err = errors.New("set: want a time such as 2027-03-01T12:00:00Z")
		}
	}
	switch {
	case err != nil:
	case ask.After != "" || ask.Times != 0:
		if err = errTrain; ask.Set != "" {
			err = c.train.start(at, by, ask.After, ask.Times)
		}
	case ask.Advance != "" && ask.Set == "":
		c.train.end()
		c.clock.Advance(by)
	case ask.Set != "" && ask.Advance == "":
		c.train.end()
		c.clock.Set(at)
	default:
		err = errors.New(`want {"advance": "90d"} or {"set": "2027-03-01T12:00:00Z"}`)
	}
	if err != nil {
		say(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	c.now(w, r)
}

// ParseStep reads a step of the clock: a Go duration, or a number of days such as "90d", with an
// optional sign.
func ParseStep(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n > -40*365 && n < 40*365 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	} else if d, err := time.ParseDuration(s); err == nil {
		return d, nil
	}
	return 0, errors.New("advance: want a duration such as 90d, 1h30m or 45s, not " + strconv.Quote(s))
}

func (c *control) defects(w http.ResponseWriter, _ *http.Request) {
	armed := c.board.Seams().Armed()
	if armed == nil {
		armed = []string{}
	}
	say(w, http.StatusOK, map[string]any{"armed": armed})
}

func (c *control) arm(w http.ResponseWriter, r *http.Request) {
	var ask struct{ Name string }
	err := read(r, &ask)
	if err == nil {
		err = c.board.Arm(ask.Name)
	}
	if err != nil {
		say(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	c.defects(w, r)
}

func read(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return errors.New("body: " + err.Error())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("body: more than one JSON value")
	}
	return nil
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
