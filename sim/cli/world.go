package cli

import (
	"context"

	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
)

// TheWorld is the real one.
func TheWorld() World {
	return World{Rules: sim.Rules, Defects: sim.Catalogue, Variants: fault.Variants, Start: func(ctx context.Context, o StartOptions) (Ecosystem, error) {
		e, err := sim.Start(ctx, sim.Options{Dir: o.Dir, Reports: o.Reports, Release: o.Release, PortBase: o.PortBase, Seed: clock.Seed(o.Seed), Defects: o.Defects,
			Core: o.Core, Database: o.Database, Events: o.Events, Shout: o.Shout, Journal: o.Journal, Log: o.Log})
		if err != nil {
			return nil, err
		}
		return running{e}, nil
	}}
}

// running is a started ecosystem as the verbs see it.
type running struct{ *sim.Ecosystem }

// Ready is the content of the ready file.
func (r running) Ready() any { return r.Ecosystem.Ready() }
