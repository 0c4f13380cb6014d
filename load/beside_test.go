package load

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// supplied needs another request for every shot it makes.
type supplied struct {
	beside Beside
	sent   atomic.Int64
	lost   int64
}

func (s *supplied) Shot(uint64) Shot {
	return Shot{Operation: "accounts.list", Class: spec.High, Do: func(context.Context) Outcome {
		n := s.sent.Add(2)
		s.beside.Count(n > 2*s.lost)
		return Outcome{Status: 200}
	}}
}

// The target is asked as often as the schedule says, whatever goes beside the arrivals.
func TestWhatGoesBesideTakesPlacesOfTheSchedule(t *testing.T) {
	pacer, err := pace.Constant(1000, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	s := &supplied{lost: 10}
	s.beside.Count(true) // before the run: nobody's business
	rec, err := Run(t.Context(), Plan{Pacer: pacer, Source: s, Clock: clock.New(), Beside: &s.beside, InFlight: 64})
	if err != nil {
		t.Fatal(err)
	}
	// Some of the last arrivals' own requests had no place left to take.
	if n := s.sent.Load(); n < 1000 || n > 1000+2*64 {
		t.Errorf("%d requests, 1000 were due", n)
	}
	rep := rec.Report(record.Identity{})
	if rep.Requests != 1000 || rep.Beside < 400 || rep.Beside > 500 || rep.Offered != 1000 || rep.Achieved != 990 {
		t.Errorf("%d requests, %d beside, %v offered, %v achieved", rep.Requests, rep.Beside, rep.Offered, rep.Achieved)
	}
}
