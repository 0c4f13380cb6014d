package status_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/status"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the middle of a day in Brasília, on a probe.
var noon = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

// world is an institution that only knows itself.
type world struct {
	*status.Service
	t     testing.TB
	clock *clock.Clock
	store *store.Store
	away  atomic.Bool                // the core
	hangs atomic.Pointer[chan error] // what the core says at last, when it is asked and says nothing
	pings atomic.Int64               // it got
}

func begin(t testing.TB, at time.Time) *world {
	t.Helper()
	records, err := store.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close() })
	return beginWith(t, clock.Fixed(at), records)
}

func beginWith(t testing.TB, c *clock.Clock, records *store.Store) *world {
	t.Helper()
	w := &world{t: t, clock: c, store: records}
	w.start()
	t.Cleanup(func() {
		if w.Service != nil {
			_ = w.Close()
		}
	})
	return w
}

func (w *world) start() {
	w.t.Helper()
	s, err := status.Open(w.t.Context(), status.Config{
		Clock: w.clock, Store: w.store, APIs: spec.APIs(), API: "https://api.bank.test", MTLS: "https://auth.bank.test",
		Ping: func(context.Context) error {
			w.pings.Add(1)
			if late := w.hangs.Load(); late != nil {
				return <-*late
			}
			if w.away.Load() {
				return errors.New("nobody there")
			}
			return nil
		},
		NeedsCore: func(o *spec.Operation) bool { return o.Source != "" }, NewID: clock.Seed(1).Stream("ids").UUID,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service = s
}

// restart ends the service, or loses it as a killed process would, and opens it again on the same records.
func (w *world) restart(kill bool) {
	w.t.Helper()
	old := w.Service
	if kill {
		w.t.Cleanup(func() { _ = old.Close() })
	} else if err := old.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

func (w *world) ask(id, query string) (int, []byte) {
	w.t.Helper()
	op := spec.Find(id)
	a, err := w.Handle(w.t.Context(), &call.Call{Operation: op, Request: httptest.NewRequest("GET", op.FullPath()+query, nil), Base: "https://api.bank.test", Now: w.clock.Now()})
	var p *call.Problem
	if errors.As(err, &p) {
		return p.Status, nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Status, a.Body
}

type entry struct {
	Code                                              string
	DetectionTime, ExpectedResolutionTime, UpdateTime string
	UnavailableEndpoints                              []string
}

func (w *world) status() []entry {
	w.t.Helper()
	var answer struct{ Data struct{ Status []entry } }
	code, body := w.ask("common.status", "")
	if err := json.Unmarshal(body, &answer); err != nil || code != 200 {
		w.t.Fatalf("status: %d %v", code, err)
	}
	return answer.Data.Status
}

func (w *world) is(want ...string) {
	w.t.Helper()
	var got []string
	for _, e := range w.status() {
		got = append(got, e.Code)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("at %s the status is %v, want %v", w.clock.Now().Format(time.RFC3339), got, want)
	}
}

type days struct {
	CurrentDay   int64
	PreviousDays []int64
}

type figures struct {
	Endpoint     string
	Availability struct {
		Uptime   struct{ GeneralUptimeRate, UptimeRate string }
		Downtime struct{ GeneralDowntime, ScheduledOutage, PartialDowntime int64 }
	}
	Invocations, AverageResponse, AverageTps, PeakTps, Errors, Rejections days
}

// metrics are those of an operation's endpoint.
func (w *world) metrics(id, period string) figures {
	w.t.Helper()
	var answer struct{ Data []figures }
	code, body := w.ask("admin.metrics", "?page-size=1000&period="+period)
	if err := json.Unmarshal(body, &answer); err != nil || code != 200 {
		w.t.Fatalf("metrics: %d %v", code, err)
	}
	for _, f := range answer.Data {
		if strings.HasSuffix(f.Endpoint, spec.Find(id).FullPath()) {
			return f
		}
	}
	w.t.Fatalf("no metrics of %s", id)
	return figures{}
}

// down is the seconds of downtime of an endpoint today, of any, and those counted apart.
func (w *world) down(id string, own, any, apart int64) {
	w.t.Helper()
	d := w.metrics(id, "CURRENT").Availability.Downtime
	if d.PartialDowntime != own || d.GeneralDowntime != any || d.ScheduledOutage != apart {
		w.t.Errorf("at %s %s was down %d s, anything %d s, apart %d s; want %d, %d, %d", w.clock.Now().Format(time.RFC3339), id, d.PartialDowntime, d.GeneralDowntime, d.ScheduledOutage, own, any, apart)
	}
}

// calls tells of n calls that ended with a status.
func (w *world) calls(id string, n, code int) {
	for range n {
		w.Observe(context.Background(), gateway.Entry{At: w.clock.Now(), Operation: id, Status: code, Took: 20 * time.Millisecond})
	}
}

func (w *world) fail(f status.Failure) string {
	w.t.Helper()
	made, err := w.Fail(w.t.Context(), f)
	if err != nil {
		w.t.Fatal(err)
	}
	return made.ID
}

func (w *world) announce(start time.Time, duration string, operations ...string) string {
	w.t.Helper()
	made, err := w.Announce(w.t.Context(), status.Outage{Start: start, Duration: duration, Operations: operations})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.ID
}
