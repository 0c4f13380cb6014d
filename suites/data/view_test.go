package data

import (
	"testing"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/expect"
)

func TestMatchersNotice(t *testing.T) {
	for what, c := range map[string]struct {
		matcher expect.Matcher
		actual  any
		want    bool
	}{
		"distinct ids":            {distinct(), []string{"a", "b"}, true},
		"an id twice":             {distinct(), []string{"a", "b", "a"}, false},
		"the same order":          {like([]string{"a", "b"}, true), []string{"a", "b"}, true},
		"another order":           {like([]string{"a", "b"}, true), []string{"b", "a"}, false},
		"another order, allowed":  {like([]string{"a", "b"}, false), []string{"b", "a"}, true},
		"one missing":             {like([]string{"a", "b"}, false), []string{"b"}, false},
		"newest first":            {descending(), []string{"2027-03-01T10:00:00.000Z", "2027-03-01T07:00:00.000Z"}, true},
		"oldest first":            {descending(), []string{"2027-03-01T07:00:00.000Z", "2027-03-01T10:00:00.000Z"}, false},
		"dates inside":            {between("2027-03-01", "2027-03-02"), []string{"2027-03-01", "2027-03-02"}, true},
		"a date outside":          {between("2027-03-01", "2027-03-02"), []string{"2027-02-28"}, false},
		"another page":            {sameCall("https://bank/a?from=1&page=1"), "https://bank/a?from=1&page=2&page-size=25", true},
		"another host":            {sameCall("https://bank/a?from=1"), "https://other/a?from=1", false},
		"a filter lost":           {sameCall("https://bank/a?from=1"), "https://bank/a?page=2", false},
		"a plain error":           {discreet(), &tpp.Exchange{Body: []byte(`{"errors":[{"detail":"A página não existe"}]}`)}, true},
		"an error with a file":    {discreet(), &tpp.Exchange{Body: []byte(`{"detail":"at resource.go:42"}`)}, false},
		"an error with SQL":       {discreet(), &tpp.Exchange{Body: []byte(`{"detail":"SELECT * FROM records"}`)}, false},
		"the state named":         {refusedAs("UNAVAILABLE"), &tpp.Exchange{Status: 403, Body: []byte(`{"errors":[{"code":"STATUS_RESOURCE_UNAVAILABLE","title":"t","detail":"d"}]}`)}, true},
		"a state that is another": {refusedAs("UNAVAILABLE"), &tpp.Exchange{Status: 403, Body: []byte(`{"errors":[{"code":"NAO_AUTORIZADO","title":"t","detail":"d"}]}`)}, false},
	} {
		if got, err := c.matcher.Match(c.actual); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}

func TestBookingDatesAreThoseOfBrasilia(t *testing.T) {
	got := booked([]map[string]any{{"transactionDateTime": "2027-03-01T02:59:59.000Z"}, {"transactionDateTime": "2027-03-01T03:00:00.000Z"}})
	if got[0] != "2027-02-28" || got[1] != "2027-03-01" {
		t.Error(got)
	}
}

func TestEveryPlanHasItsInstances(t *testing.T) {
	have := map[string]bool{}
	for _, c := range Checks() {
		have[c.ID] = true
		if c.Plan == "" {
			t.Errorf("%s has no plan", c.ID)
		}
	}
	for _, id := range []string{"DACC-X01", "DACC-X09", "DACC-X20", "DCUST-X01", "DCUST-X15", "DRES-X15", "DRES-X18", "DRES-X19"} {
		if !have[id] {
			t.Errorf("%s is missing", id)
		}
	}
	for _, id := range []string{"DCUST-X09", "DCUST-X10", "DCUST-X18", "DRES-X06", "DRES-X09"} {
		if have[id] {
			t.Errorf("%s makes no sense in its plan", id)
		}
	}
}
