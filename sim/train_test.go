package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
)

// The clock steps after each answered call of the operation, as often as asked and no more, and whoever
// sets it otherwise ends that.
func TestTheClockStepsWithTheCallsOfAnOperation(t *testing.T) {
	noon := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	clk := clock.Fixed(noon)
	c := newControl(clk, fault.NewBoard(nil))
	ask := func(body string, want int) {
		t.Helper()
		q := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/clock", strings.NewReader(body))
		w := httptest.NewRecorder()
		c.ServeHTTP(w, q)
		if w.Code != want {
			t.Fatalf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	shows := func(want time.Time) {
		t.Helper()
		if !clk.Now().Equal(want) {
			t.Fatalf("the clock shows %s, not %s", clk.Now(), want)
		}
	}
	for _, wrong := range []string{
		`{"advance":"30s","after":"common.status","times":2}`, `{"set":"2027-03-01T13:00:00Z","after":"common.status","times":2}`,
		`{"set":"2027-03-01T13:00:00Z","advance":"30s","after":"common.nothing","times":2}`, `{"set":"2027-03-01T13:00:00Z","advance":"30s","after":"common.status"}`,
		`{"set":"2027-03-01T13:00:00Z","advance":"-30s","after":"common.status","times":2}`, `{"set":"2027-03-01T13:00:00Z","advance":"30s","after":"common.status","times":1000001}`,
		`{"set":"2027-03-01T13:00:00Z","advance":"30s"}`, `{"set":"soon"}`, `{"advance":"soon"}`, `{}`, `{"after":"common.status"}`,
	} {
		ask(wrong, http.StatusBadRequest)
		shows(noon)
	}
	const row = `{"set":"2027-03-01T13:00:00Z","advance":"30s","after":"common.status","times":2}`
	one := noon.Add(time.Hour)
	ask(row, http.StatusOK)
	shows(one)
	c.train.answered("common.outages")
	shows(one)
	for _, after := range []time.Duration{30, 60, 60} {
		c.train.answered("common.status")
		shows(one.Add(after * time.Second))
	}
	ask(row, http.StatusOK)
	ask(`{"advance":"1h"}`, http.StatusOK)
	c.train.answered("common.status")
	shows(one.Add(time.Hour))
}
