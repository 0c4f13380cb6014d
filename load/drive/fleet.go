package drive

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/fleet"
	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// task is what every worker of a fleet is given. Secrets are not in it: each worker reads its own target
// file.
type task struct {
	Profile []byte `json:"profile"` // YAML
	Target  string `json:"target"`  // path, good on the coordinator's machine
	Seed    int64  `json:"seed"`
	Reports bool   `json:"reports"`
	HTTP2   bool   `json:"http2"`
}

// Shared says whether a profile can be shared by workers, or why not.
func Shared(p *profile.Profile) error {
	switch {
	case p.Procedure != profile.Steady:
		return fmt.Errorf("profile %s follows its own answers and cannot be shared by workers", p.Name)
	case len(p.Schedule) > 0:
		return fmt.Errorf("profile %s holds each answer against its schedule and cannot be shared by workers", p.Name)
	}
	return nil
}

// Crew says who shares a run.
type Crew struct {
	Workers int
	URL     string // of a NATS server or cluster; "" embeds one
	// Spawn starts the workers, told where to connect; nil waits for workers that come by themselves.
	Spawn func(ctx context.Context, url string) error
}

// Coordinate plays a profile with the workers of a crew, each of whom prepares the target for itself, and
// judges what all of them recorded.
func Coordinate(ctx context.Context, t *target.Target, o Options, x Session, c Crew) (*record.Report, error) {
	if err := Shared(o.Profile); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{target: t, options: o, profile: o.Profile, clock: clock.New(), log: o.Log, cancel: func() {}}
	s.keeper = newKeeper(s.clock, o.Log)
	if err := s.follow(ctx); err != nil {
		return nil, &Unprepared{err}
	}
	x.Identity.Profile, x.Identity.Title = o.Profile.Name, o.Profile.Title
	x.Identity.Target, x.Identity.Seed = t.Name, int64(o.Seed)
	restore, err := s.put(ctx, &x)
	if err != nil {
		return nil, err
	}
	defer restore()
	text, err := o.Profile.YAML()
	if err != nil {
		return nil, err
	}
	parcel, err := json.Marshal(task{Profile: text, Target: t.Path(), Seed: int64(o.Seed), Reports: o.Reports, HTTP2: o.HTTP2})
	if err != nil {
		return nil, err
	}
	// The workers come back to a broken target: each arms nothing, and what is armed now meets their warm-up.
	if x.Prepared != nil {
		if err := x.Prepared(ctx); err != nil {
			return nil, err
		}
	}
	beside, cancel := context.WithCancel(ctx)
	watch := newVigil(s, s.clock.Now())
	watched := make(chan struct{})
	go func() { defer close(watched); watch.run(beside) }()
	rec, err := fleet.Coordinate(ctx, fleet.Coordination{URL: c.URL, Build: build(), Workers: c.Workers, Task: parcel, Spawn: c.Spawn, Clock: s.clock, Observe: x.Observe})
	cancel()
	<-watched
	if rec == nil {
		return nil, &Unprepared{err}
	}
	x.Identity.Thresholds = o.Profile.Rows()
	x.Identity.Findings = append(x.Identity.Findings, watch.findings(nil)...)
	x.Identity.Notes = append(x.Identity.Notes, s.Notes()...)
	if errors.Is(err, load.ErrLost) {
		err = nil
	}
	return rec.Report(x.Identity), err
}

// build is the same where the nth arrival of a seed asks the same, and recordings fit together.
func build() string {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, record.Format, profile.Journeys) // hashes take everything
	for _, o := range spec.Operations() {
		_, _ = fmt.Fprintln(h, o.ID, o.Method, o.FullPath(), o.Class, profile.Weight(o))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

// Work takes part in one shared run. open reads the target file of a path for a profile, or refuses either: who
// coordinates is trusted with neither the bounds nor the hosts of this machine. Wait is how long a coordinator is
// waited for; 0 is half a minute.
func Work(ctx context.Context, url string, wait time.Duration, open func(path string, p *profile.Profile) (*target.Target, error), log *slog.Logger) error {
	return fleet.Work(ctx, fleet.Worker{URL: url, Build: build(), Gather: wait, Prepare: func(ctx context.Context, a fleet.Assignment) (load.Plan, func(), error) {
		var job task
		if err := json.Unmarshal(a.Task, &job); err != nil {
			return load.Plan{}, nil, fmt.Errorf("the task cannot be read: %w", err)
		}
		p, err := profile.Parse(job.Profile)
		if err != nil {
			return load.Plan{}, nil, err
		}
		if err := Shared(p); err != nil {
			return load.Plan{}, nil, err
		}
		t, err := open(job.Target, p)
		if err != nil {
			return load.Plan{}, nil, err
		}
		s, err := Prepare(ctx, t, Options{Profile: p, Seed: clock.Seed(job.Seed), Rate: p.Pacer.Highest() / float64(a.Shares), Reports: job.Reports, HTTP2: job.HTTP2, Log: log})
		if err != nil {
			return load.Plan{}, nil, err
		}
		var pacer pace.Pacer
		pacer, err = p.Pacer.Schedule(p.Sends())
		if err == nil {
			err = s.warm(ctx, pacer.Rate(0)/float64(a.Shares))
			s.warmed = 0 // the nth arrival of the whole is the same for every worker
		}
		if err != nil {
			s.Close()
			return load.Plan{}, nil, err
		}
		plan := s.plan(pacer)
		plan.Abort = p.Abort
		return plan, s.Close, nil
	}})
}
