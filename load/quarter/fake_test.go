package quarter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// bank is an institution that speaks HTTP over connections in memory: one endpoint, a clock, a status.
type bank struct {
	now      time.Time
	failures map[string][]string
	outages  map[string]window
	made     int
	backward bool // the clock was set back
	row      *row // steps that answers of the status set off
	plain    bool // the clock knows no such row
	idle     bool // the clock takes a row and does nothing of it
	sets     int  // requests to the clock

	lies    bool                       // the status is always OK
	mute    func(time.Time) bool       // no answer of the status
	dead    func(time.Time) bool       // nothing answers any more
	broken  func(time.Time) int        // trouble of its own: the status of a call, 0 is none
	wrong   int64                      // seconds by which the metrics are wrong
	down    map[availability.Day]int64 // of the metrics
	planned map[availability.Day]int64
	probed  time.Time
}

type row struct {
	by   time.Duration
	left int
}

// step is what follows from an answer of the status.
func (b *bank) step() {
	if b.row == nil || b.row.left == 0 || b.idle {
		return
	}
	b.now = b.now.Add(b.row.by)
	b.row.left--
}

type window struct {
	from, to time.Time
	scope    []string
}

func newBank() *bank {
	return &bank{now: time.Date(2027, 1, 14, 15, 0, 0, 0, time.UTC), failures: map[string][]string{}, outages: map[string]window{},
		down: map[availability.Day]int64{}, planned: map[availability.Day]int64{}}
}

const operation = "accounts.list"

func covers(scope []string) bool {
	for _, g := range scope {
		if ok, _ := path.Match(g, operation); ok {
			return true
		}
	}
	return len(scope) == 0
}

func (b *bank) state() string {
	for _, o := range b.outages {
		if !b.now.Before(o.from) && b.now.Before(o.to) && covers(o.scope) {
			return availability.ScheduledOutage
		}
	}
	for _, scope := range b.failures {
		if covers(scope) {
			return availability.PartialFailure
		}
	}
	return availability.OK
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	say := func(status int, v any) {
		body, _ := json.Marshal(v)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	endpoint := spec.Find(operation).FullPath()
	switch at := r.Method + " " + r.URL.Path; {
	case at == "GET /clock":
		say(200, map[string]any{"now": b.now})
	case at == "POST /clock":
		var ask struct {
			Set            time.Time
			Advance, After string
			Times          int
		}
		err := json.NewDecoder(r.Body).Decode(&ask)
		if err == nil && ask.After != "" && b.plain {
			err = errors.New("unknown field")
		}
		if err != nil {
			say(400, err.Error())
			return
		}
		b.sets++
		if b.row = nil; ask.After != "" {
			by, _ := time.ParseDuration(ask.Advance)
			b.row = &row{by: by, left: ask.Times}
		}
		b.backward = b.backward || ask.Set.Before(b.now)
		b.now = ask.Set
		say(200, map[string]any{"now": b.now})
	case at == "POST /bank/failures":
		var ask struct{ Operations []string }
		_ = json.NewDecoder(r.Body).Decode(&ask)
		b.made++
		b.failures[fmt.Sprint(b.made)] = ask.Operations
		say(201, map[string]any{"id": fmt.Sprint(b.made)})
	case at == "POST /bank/outages":
		var ask struct {
			Start      time.Time
			Duration   string
			Operations []string
		}
		_ = json.NewDecoder(r.Body).Decode(&ask)
		d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(ask.Duration, "PT")))
		if err != nil {
			say(400, err.Error())
			return
		}
		b.made++
		b.outages[fmt.Sprint(b.made)] = window{ask.Start, ask.Start.Add(d), ask.Operations}
		say(201, map[string]any{"id": fmt.Sprint(b.made)})
	case strings.HasPrefix(at, "DELETE /bank/failures/"):
		delete(b.failures, id)
		w.WriteHeader(204)
	case strings.HasPrefix(at, "DELETE /bank/outages/"):
		delete(b.outages, id)
		w.WriteHeader(204)
	case r.URL.Path == statusPath:
		b.count()
		defer b.step()
		if b.mute != nil && b.mute(b.now) {
			say(504, "")
			return
		}
		entry := map[string]any{"code": b.state()}
		if b.lies {
			entry["code"] = availability.OK
		} else if b.state() != availability.OK {
			entry["unavailableEndpoints"] = []string{"https://bank.test" + endpoint}
		}
		say(200, map[string]any{"data": map[string]any{"status": []any{entry}}})
	case r.URL.Path == "/open-banking/admin/v2/metrics":
		d := availability.DayOf(b.now)
		downtime := map[string]any{"generalDowntime": b.down[d] + b.wrong, "scheduledOutage": b.planned[d], "partialDowntime": b.down[d]}
		say(200, map[string]any{"data": []any{map[string]any{"endpoint": "https://bank.test" + endpoint, "availability": map[string]any{"downtime": downtime}}}})
	case r.URL.Path == endpoint:
		switch status := 0; {
		case b.broken != nil && b.broken(b.now) != 0:
			status = b.broken(b.now)
			say(status, "")
		case b.state() != availability.OK:
			say(503, "")
		default:
			say(200, map[string]any{"data": []any{}})
		}
	default:
		say(404, "")
	}
}

// count is the bank's own measure: one state for each probe slot.
func (b *bank) count() {
	if b.now.Equal(b.probed) {
		return
	}
	b.probed = b.now
	d := availability.DayOf(b.now)
	hour := b.now.In(availability.Brasilia).Hour()
	switch state := b.state(); {
	case state == availability.ScheduledOutage && hour >= 1 && hour < 7:
		b.planned[d] += 30
	case state != availability.OK:
		b.down[d] += 30
	}
}

// dial gives a connection whose other end answers as soon as a request was written: no goroutine, no socket.
func (b *bank) dial(context.Context, string) (net.Conn, error) { return &memory{bank: b}, nil }

type memory struct {
	net.Conn
	bank *bank
	out  bytes.Buffer
}

// Write answers the two requests that a quarter makes half a million times without the costs of net/http.
func (m *memory) Write(p []byte) (int, error) {
	if m.bank.dead != nil && m.bank.dead(m.bank.now) {
		return 0, io.ErrClosedPipe
	}
	if body, ok := bytes.CutPrefix(p, []byte("POST /clock ")); ok && !bytes.Contains(body, []byte(`"after"`)) {
		at, err := time.Parse(time.RFC3339, string(body[bytes.LastIndex(body, []byte(`:"`))+2:len(body)-2]))
		if err != nil {
			return 0, err
		}
		m.bank.backward = m.bank.backward || at.Before(m.bank.now)
		m.bank.now, m.bank.row = at, nil
		m.bank.sets++
		m.out.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		return len(p), nil
	}
	if bytes.HasPrefix(p, []byte("GET "+statusPath)) && m.bank.mute == nil && m.bank.state() == availability.OK {
		m.bank.count()
		m.bank.step()
		m.out.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n" + `{"data":{"status":[{"code":"OK"}]}}`)
		return len(p), nil
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p)))
	if err != nil {
		return 0, err
	}
	w := httptest.NewRecorder()
	m.bank.ServeHTTP(w, r)
	fmt.Fprintf(&m.out, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n", w.Code, w.Body.Len())
	_, _ = m.out.Write(w.Body.Bytes())
	return len(p), nil
}

func (m *memory) Read(p []byte) (int, error) {
	if m.out.Len() == 0 {
		return 0, io.EOF
	}
	return m.out.Read(p)
}

func (m *memory) Close() error                { return nil }
func (m *memory) SetDeadline(time.Time) error { return nil }

// reader is a caller that asks the one endpoint.
type reader struct {
	line *line
	bk   *bank
	took time.Duration
}

func (r *reader) round(ctx context.Context) []met {
	endpoint := spec.Find(operation).FullPath()
	status, _, err := r.line.ask(ctx, "GET", endpoint, nil, time.Second)
	if err != nil {
		status = 0
	}
	return []met{{Call: availability.Call{At: r.bk.now, Took: max(r.took, time.Millisecond), Server: "bank", Client: "tpp", Method: "GET", Endpoint: endpoint, Status: status, Side: spec.ClientSide}, name: operation, class: spec.Low}}
}

func (r *reader) flush(context.Context) error { return nil }
func (r *reader) endpoints() map[string]bool {
	return map[string]bool{spec.Find(operation).FullPath(): true}
}
func (r *reader) bank() string      { return "bank" }
func (r *reader) base() string      { return "http://bank.test" }
func (r *reader) remarks() []string { return nil }
func (r *reader) close()            { r.line.close() }

// played runs a plan at a bank.
func played(ctx context.Context, b *bank, plan *Plan, out string) (*Report, error) {
	o := Options{Plan: plan, Out: out, Clock: realClock, Target: &target.Target{Name: "fake", Capabilities: target.Capabilities{Clock: "http://bank.test/clock", Bank: "http://bank.test/bank"}}}
	l, err := newLine("http://bank.test", nil, nil, realClock)
	if err != nil {
		return nil, err
	}
	l.dial = b.dial
	return (&play{dial: b.dial, caller: &reader{line: l, bk: b}}).run(ctx, o)
}

func targetWith(clock, bank string) *target.Target {
	return &target.Target{Name: "fake", Capabilities: target.Capabilities{Clock: clock, Bank: bank}}
}
