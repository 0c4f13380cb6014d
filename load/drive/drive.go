// Package drive turns a target file into a source of load: everything that must exist before a request
// can be asked is made ahead, so that the target is measured and not the preparation.
//
// It promises that a request is asked with a living token, a fresh interaction id and a fresh signature,
// that each answer is looked at (its status, its echo, a sample of its body), that the nth arrival asks the
// same thing for the same seed, and that what could not be made in time is told as the generator's fault.
// It refuses to send anything to a host that the target file does not name. It keeps nothing: who measures
// is package load.
package drive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// Options say how a target is driven.
type Options struct {
	Profile *profile.Profile
	Seed    clock.Seed
	// Rate is the highest rate that will be asked, by which supplies are measured; 0 is the pacer's.
	Rate float64
	// Reports sends the client's report of each call to the metrics platform, where the target names one.
	Reports bool
	// HTTP2 speaks it where the target does.
	HTTP2 bool
	Log   *slog.Logger
}

// Source is a prepared target. Close ends what runs behind it.
type Source struct {
	target  *target.Target
	options Options
	profile *profile.Profile
	clock   *clock.Clock
	log     *slog.Logger

	parties    []*party
	travellers []*traveller
	open       *wire // without a certificate, for public operations
	keeper     *keeper
	courier    *tpp.Courier // to the third parties' offices; nil where these are elsewhere
	stocks     []*stock
	schedules  schedules
	actions    map[string]*action
	choice     choice
	seed       uint64
	steps      atomic.Pointer[func(step)]
	beside     load.Beside
	hosts      map[string]bool // of the bank, where third parties ask
	books      atomic.Pointer[ledger]

	mu    sync.Mutex
	notes []string

	cancel context.CancelFunc
	behind sync.WaitGroup
	sent   atomic.Uint64
	warmed uint64 // arrivals that the warm-up took
}

// action is one thing that can be asked, in as many variants as there are grants, resources and clients.
type action struct {
	name     string
	class    spec.Class
	variants []func(ctx context.Context, n uint64) load.Outcome
}

// Unprepared is a target of which nothing can be asked.
type Unprepared struct{ Cause error }

func (u *Unprepared) Error() string { return "prepare the target: " + u.Cause.Error() }

// Unwrap returns the cause.
func (u *Unprepared) Unwrap() error { return u.Cause }

// Hint says what to try next.
func (u *Unprepared) Hint() string { return "'ensaio doctor' looks at everything a run needs" }

// Prepare makes clients, consents, tokens and supplies for everything that the profile's mix asks for. ctx
// bounds the preparation alone.
func Prepare(ctx context.Context, t *target.Target, o Options) (*Source, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{target: t, options: o, profile: o.Profile, clock: clock.New(), log: o.Log, actions: map[string]*action{}, hosts: map[string]bool{}, seed: uint64(o.Seed)}
	var background context.Context
	background, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.keeper = newKeeper(s.clock, o.Log)
	s.courier = s.target.Courier()
	err := s.prepare(ctx, background)
	if err == nil && len(s.choice.actions) == 0 {
		err = errors.New("nothing that the mix asks for can be played there: " + s.excuses())
	}
	if err != nil {
		s.Close()
		return nil, &Unprepared{err}
	}
	return s, nil
}

func (s *Source) prepare(ctx, background context.Context) error {
	if err := s.follow(ctx); err != nil {
		return err
	}
	roots, err := s.target.Roots()
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	s.open = newWire(s.target, roots, nil, s.clock, s.inFlight(), s.options.HTTP2)
	names := slices.DeleteFunc(profile.Known(), func(n string) bool {
		return spec.Find(n) == nil && n != profile.Token && n != profile.PAR && !slices.Contains(profile.Journeys, n)
	})
	weights := s.profile.Weights(names)
	maps.DeleteFunc(weights, func(name string, w float64) bool { return w == 0 || !s.offered(name) })
	if err := s.enter(ctx, roots); err != nil {
		return err
	}
	if err := s.share(ctx, weights); err != nil {
		return err
	}
	if err := s.serve(ctx, weights); err != nil {
		return err
	}
	if err := s.publicly(weights); err != nil {
		return err
	}
	if err := s.journeys(weights); err != nil {
		return err
	}
	s.choice = s.choose(weights)
	s.behind.Go(func() { s.keeper.run(background) })
	for _, k := range s.stocks {
		for range k.makers {
			s.behind.Go(func() { k.run(background) })
		}
		s.behind.Go(func() { k.freshen(background) })
	}
	for _, k := range s.stocks {
		if err := k.filled(ctx); err != nil {
			return err
		}
	}
	return nil
}

// offered says whether the target declares the API of an operation.
func (s *Source) offered(name string) bool {
	o := spec.Find(name)
	if o == nil || len(s.target.APIs) == 0 {
		return true
	}
	_, ok := s.target.APIs[o.API.Name]
	return ok
}

func (s *Source) inFlight() int {
	if s.profile.InFlight > 0 {
		return s.profile.InFlight
	}
	return profile.DefaultInFlight
}

// Close ends renewals and supplies, delivers what reports it can, and lets go of every connection.
func (s *Source) Close() {
	s.cancel()
	s.behind.Wait()
	s.takeBack()
	for _, t := range s.travellers {
		leave(t.client)
	}
	for _, p := range s.parties {
		p.close()
	}
	if s.open != nil {
		s.open.close()
	}
	s.recall()
}

// Clock is the target's time as the source reads it.
func (s *Source) Clock() *clock.Clock { return s.clock }

// Played lists what the mix really asks, each with its share of the arrivals.
func (s *Source) Played() map[string]float64 {
	out := map[string]float64{}
	last := 0.0
	for i, a := range s.choice.actions {
		out[a.name] = s.choice.upTo[i] - last
		last = s.choice.upTo[i]
	}
	return out
}

// Notes tells what is not played and why, and what the generator could not supply.
func (s *Source) Notes() []string {
	s.mu.Lock()
	out := slices.Clone(s.notes)
	s.mu.Unlock()
	dry, why := map[string]uint64{}, map[string]string{}
	for _, k := range s.stocks {
		if n := k.dry.Load(); n > 0 {
			dry[k.name] += n
			if k.failed.Load() > 0 {
				why[k.name] = "; making one failed: " + k.lastFailure()
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dry)) {
		out = append(out, fmt.Sprintf("the generator had no %s ready %s%s", name, availability.Count(dry[name], "time"), why[name]))
	}
	if n := s.keeper.failed.Load(); n > 0 {
		out = append(out, fmt.Sprintf("%s of access tokens failed: %s", availability.Count(n, "renewal"), s.keeper.lastFailure()))
	}
	return out
}

func (s *Source) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.notes, text) {
		s.notes = append(s.notes, text)
	}
}

func (s *Source) excuses() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notes) == 0 {
		return "the target offers none of it"
	}
	return s.notes[0]
}

func (s *Source) add(name string, class spec.Class, variant func(context.Context, uint64) load.Outcome) {
	a := s.actions[name]
	if a == nil {
		a = &action{name: name, class: class}
		s.actions[name] = a
	}
	a.variants = append(a.variants, variant)
}

// choice draws an action in proportion to the weights.
type choice struct {
	actions []*action
	upTo    []float64 // cumulated shares; the last is 1
}

func (s *Source) choose(weights map[string]float64) choice {
	var c choice
	total := 0.0
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if a := s.actions[name]; a != nil {
			total += weights[name]
			c.actions, c.upTo = append(c.actions, a), append(c.upTo, total)
		}
	}
	for i := range c.upTo {
		c.upTo[i] /= total
	}
	return c
}

// Shot is the nth arrival. The same seed gives the same operation and the same variant.
func (s *Source) Shot(n uint64) load.Shot {
	n += s.warmed
	draw := scatter(s.seed, n)
	at, _ := slices.BinarySearch(s.choice.upTo, float64(draw>>11)/(1<<53))
	a := s.choice.actions[min(at, len(s.choice.actions)-1)]
	variant := a.variants[scatter(draw, n)%uint64(len(a.variants))]
	return load.Shot{Operation: a.name, Class: a.class, Do: func(ctx context.Context) load.Outcome { return variant(ctx, n) }}
}

// scatter is splitmix64: a stateless draw of the nth number of a seed.
func scatter(seed, n uint64) uint64 {
	z := seed + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// lead is how long before its end a token is renewed.
func lead(life time.Duration) time.Duration { return min(life/3, 2*time.Minute) }
