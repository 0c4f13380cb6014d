package drive

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// searched is a source that looks for its capacity and answers as told.
func searched(from float64, answer func() load.Outcome) *Source {
	s := &Source{profile: &profile.Profile{Search: &profile.Search{From: from, Step: 2e8}}, target: &target.Target{}, clock: clock.New(), actions: map[string]*action{}}
	s.keeper = newKeeper(s.clock, nil)
	s.add("accounts.list", spec.High, func(context.Context, uint64) load.Outcome { return answer() })
	s.choice = s.choose(map[string]float64{"accounts.list": 1})
	return s
}

func TestAnInterruptedSearchHasNoVerdict(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := searched(50, func() load.Outcome { return load.Outcome{Status: 200} })
	rep, err := s.capacity(ctx, Session{Say: func(format string, _ ...any) {
		if strings.Contains(format, "kept") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || rep == nil || rep.Verdict != record.VerdictNone || !rep.Partial {
		t.Fatalf("%v %+v", err, rep)
	}
	for _, f := range rep.Thresholds {
		if f.Name == "capacity" && (f.Outcome != record.Withheld || strings.Contains(f.Reason, "the most that was asked for")) {
			t.Errorf("%s: %s", f.Outcome, f.Reason)
		}
	}
}

// A generator that cannot even send the lowest rate has found nothing out about the target.
func TestASearchThatTheGeneratorBoundsIsNoFailure(t *testing.T) {
	s := searched(20, func() load.Outcome { return load.Outcome{Err: load.ErrShort} })
	rep, err := s.capacity(t.Context(), Session{})
	if err != nil || rep.Verdict != record.VerdictNone {
		t.Errorf("%v %+v", err, rep)
	}
}
