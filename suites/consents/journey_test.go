package consents

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
)

func TestCountersHaveLittleFreedom(t *testing.T) {
	var counter, random []string
	for i := range 100 {
		counter = append(counter, fmt.Sprintf("urn:bank:%d", 1000+i))
		random = append(random, fmt.Sprintf("urn:bank:%016x%016x", uint64(i+1)*0x9e3779b97f4a7c15, uint64(i+1)*0xbf58476d1ce4e5b9))
	}
	if bits := freedom(counter); bits >= 64 {
		t.Errorf("a counter has %.0f bits", bits)
	}
	if bits := freedom(random); bits < 64 {
		t.Errorf("random ids have %.0f bits", bits)
	}
}

func TestAJourneyThatBringsACodeIsNoRefusal(t *testing.T) {
	stopped := func(status int) error { return &psu.Stopped{Page: psu.Page{Status: status}} }
	for what, c := range map[string]struct {
		ending  string
		refused bool
	}{
		"code":        {ending(&tpp.Answer{Code: "x"}, nil), false},
		"denied":      {ending(&tpp.Answer{Error: "access_denied"}, nil), true},
		"nothing":     {ending(&tpp.Answer{}, nil), false},
		"error page":  {ending(nil, stopped(400)), true},
		"broken page": {ending(nil, stopped(500)), false},
		"lost":        {ending(nil, errors.New("went round in circles")), false},
	} {
		if ok, _ := unauthorised().Match(c.ending); ok != c.refused {
			t.Errorf("%s (%q): refused is %v", what, c.ending, ok)
		}
	}
}

func TestPermissionsOutsideTheRequestAreSeen(t *testing.T) {
	asked := []string{"A", "B"}
	for got, want := range map[string]bool{"A": true, "B": true, "C": false} {
		if ok, _ := within(asked).Match([]string{got}); ok != want {
			t.Errorf("%s: %v", got, ok)
		}
	}
	if ok, _ := within(asked).Match([]string(nil)); ok {
		t.Error("nothing granted passes")
	}
}
