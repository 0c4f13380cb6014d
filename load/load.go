// Package load drives an open stream of requests at a target and keeps what was measured.
//
// It promises that a slow target never slows the arrivals, that latency counts from the moment a request
// was due, and that a figure the generator itself has spoilt is never given as the target's. It knows the
// wire and the facts of the standard; of the platform it knows nothing.
package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// The classes of what has no frequency class: tokens, pushed requests, registration; and whole journeys.
const (
	Security = record.Security
	Journey  = record.Journey
)

// Threshold is one row of what a run must keep; see [record.Metrics] for what can be limited.
type Threshold = record.Threshold

// Snapshot is the state of a running load, given every second.
type Snapshot = record.Snapshot

// Shot is one request, or one journey, ready to be sent.
type Shot struct {
	Operation string     // a registry id, or "token", "par", "register", "journey:pay"
	Class     spec.Class // of the registry, or [Security]
	Do        func(ctx context.Context) Outcome
}

// Outcome is how a shot ended. A shot that brought what was asked for has neither Err nor Wrong, whatever
// its status: a 429 that was provoked is no failure.
type Outcome struct {
	Status int    // 0: no answer came
	Err    error  // of the transport
	Wrong  string // how the answer is not what was asked for
}

// ErrShort is the outcome of a shot that was not sent because the generator had not made what it needs in
// time. It says nothing of the target, and counts as the generator's fault.
var ErrShort = errors.New("the generator had nothing ready to send")

// Source makes the shots of a run. The nth arrival gets the same operation for the same seed. Shot is
// called by many goroutines at once, between the instant the arrival was due and the instant it is sent, so
// it must be cheap: what it costs counts as the generator's lag.
type Source interface {
	Shot(n uint64) Shot
}

// Attached is a source that counts more than arrivals, such as the steps of its journeys: it is given the
// recording when the run begins, and nil when it is over.
type Attached interface {
	Attach(rec *record.Recording, start time.Time)
}

// Plan is one run.
type Plan struct {
	Name       string
	Pacer      pace.Pacer
	Source     Source
	Thresholds []Threshold
	InFlight   int           // most requests at once; 0 means [InFlight]
	Timeout    time.Duration // of one shot, by its context; 0 leaves it to the shot
	Grace      time.Duration // for what is in flight when the schedule ends; 0 means [Grace]
	Clock      *clock.Clock
	Start      time.Time // when arrival 0 is due; zero means at once
	// This worker takes the arrivals n with n % Shares == Share. Shares 0 means 1.
	Share, Shares int
	Observe       func(Snapshot) // called every second and at the end; may be nil
	Beside        *Beside        // requests that take places of the schedule; nil is none
	Abort         bool           // end early when a threshold can no longer be kept
	// Recording receives what is measured, so that it can be read while the load runs; nil makes a new one
	// with [Plan.Recorder].
	Recording *record.Recording
}

// What a plan takes when it says nothing.
const (
	InFlight = 512
	Grace    = 30 * time.Second
)

// Check refuses a plan that cannot be run.
func (p Plan) Check() error {
	switch {
	case p.Pacer == nil:
		return fmt.Errorf("load: a plan without a schedule")
	case p.Source == nil:
		return fmt.Errorf("load: a plan without a source of requests")
	case p.Clock == nil:
		return fmt.Errorf("load: a plan without a clock")
	case p.InFlight < 0:
		return fmt.Errorf("load: %d requests in flight are impossible", p.InFlight)
	case p.Share < 0 || p.Share >= max(p.Shares, 1):
		return fmt.Errorf("load: share %d of %d does not exist", p.Share, max(p.Shares, 1))
	}
	for _, t := range p.Thresholds {
		if err := t.Check(); err != nil {
			return fmt.Errorf("load: %w", err)
		}
	}
	return nil
}

// Recorder returns an empty recording that fits the plan, for a run that starts at start.
func (p Plan) Recorder(start time.Time) *record.Recording {
	return record.New(start, p.Pacer.Duration(), p.due())
}

// due is the number of arrivals of this share.
func (p Plan) due() uint64 {
	shares, share, all := uint64(max(p.Shares, 1)), uint64(p.Share), p.Pacer.Count()
	if all <= share {
		return 0
	}
	return (all-share-1)/shares + 1
}
