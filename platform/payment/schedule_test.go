package payment

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestSchedulesFallOnTheirDays(t *testing.T) {
	for _, c := range []struct {
		schedule string
		want     []string
	}{
		{`{"single":{"date":"2026-05-01"}}`, []string{"2026-05-01"}},
		{`{"daily":{"startDate":"2027-02-27","quantity":3}}`, []string{"2027-02-27", "2027-02-28", "2027-03-01"}},
		{`{"weekly":{"dayOfWeek":"SEGUNDA_FEIRA","startDate":"2026-11-22","quantity":2}}`, []string{"2026-11-23", "2026-11-30"}},
		{`{"weekly":{"dayOfWeek":"DOMINGO","startDate":"2026-11-22","quantity":2}}`, []string{"2026-11-22", "2026-11-29"}},
		{`{"monthly":{"dayOfMonth":31,"startDate":"2026-01-31","quantity":4}}`, []string{"2026-01-31", "2026-03-01", "2026-03-31", "2026-05-01"}},
		{`{"monthly":{"dayOfMonth":29,"startDate":"2028-02-01","quantity":1}}`, []string{"2028-02-29"}},
		{`{"monthly":{"dayOfMonth":5,"startDate":"2026-12-06","quantity":2}}`, []string{"2027-01-05", "2027-02-05"}},
		{`{"custom":{"dates":["2026-07-02","2026-07-01"]}}`, []string{"2026-07-01", "2026-07-02"}},
		{`{}`, nil},
	} {
		if got := occurrences(terms(json.RawMessage(`{"payment":{"schedule":` + c.schedule + `}}`))); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.schedule, got, c.want)
		}
	}
}
