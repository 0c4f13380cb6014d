// Package profile reads load profiles: what is sent at which rate for how long, what happens meanwhile,
// and which thresholds decide.
//
// A profile is data. It promises that an unreadable, misspelt or impossible one is an error before
// anything is sent, naming the line and the nearest known key, and that what a file leaves out has one
// documented default. It sends nothing and knows no target.
package profile

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// The identity of the document.
const (
	APIVersion = "ensaio/v1"
	Kind       = "Load"
)

// Procedure is how a profile comes to its verdict.
type Procedure string

// The procedures.
const (
	// Steady sends the mix as the pacer says and holds the thresholds against what was recorded.
	Steady Procedure = "steady"
	// Limits crosses every traffic limit on purpose and looks at each answer.
	Limits Procedure = "limits"
	// Capacity searches the highest rate at which every threshold holds.
	Capacity Procedure = "capacity"
	// Quarter replays ninety regulatory days under the stepped clock.
	Quarter Procedure = "quarter"
)

var procedures = []Procedure{Steady, Limits, Capacity, Quarter}

// Profile is one load profile.
type Profile struct {
	APIVersion string          `yaml:"apiVersion" json:"-"`
	Kind       string          `yaml:"kind" json:"-"`
	Name       string          `yaml:"name" json:"id"`
	Title      string          `yaml:"title" json:"title"`
	Procedure  Procedure       `yaml:"procedure,omitempty" json:"procedure"`
	Pacer      Pacer           `yaml:"pacer,omitempty" json:"pacer"`
	Duration   target.Duration `yaml:"duration,omitempty" json:"-"`
	// Warmup is sent before, at the same rate, and not judged.
	Warmup target.Duration `yaml:"warmup,omitempty" json:"-"`
	// InFlight is the most requests that wait for an answer at once; beyond it the generator says that it
	// is the bottleneck.
	InFlight int `yaml:"inFlight,omitempty" json:"inFlight,omitempty"`
	// Grants is how many consents are made ahead for each client; 0 is [DefaultGrants].
	Grants int `yaml:"grants,omitempty" json:"grants,omitempty"`
	// Mix says how often each thing is asked; absent is {registry: 1}. See [Profile.Weights].
	Mix        map[string]float64 `yaml:"mix,omitempty" json:"mix,omitempty"`
	Thresholds Thresholds         `yaml:"thresholds,omitempty" json:"thresholds"`
	// Abort ends the run as soon as a threshold cannot be met any more.
	Abort bool `yaml:"abort,omitempty" json:"abort,omitempty"`
	// Switches are put into force at the target's bank for the run and taken back afterwards, where the
	// target declares that power.
	Switches *Switches `yaml:"limits,omitempty" json:"limits,omitempty"`
	Schedule []Step    `yaml:"schedule,omitempty" json:"schedule,omitempty"`
	Search   *Search   `yaml:"search,omitempty" json:"search,omitempty"`
	// Plan is the file of a quarter's plan; "" is the one that comes with it.
	Plan string `yaml:"plan,omitempty" json:"plan,omitempty"`
	// Brief is how long a proof of a defect runs this profile; 0 is [DefaultBrief].
	Brief target.Duration `yaml:"brief,omitempty" json:"-"`
}

// Defaults of what a profile leaves out.
const (
	DefaultGrants   = 8
	DefaultInFlight = 512
	DefaultBrief    = 4 * time.Second
)

// Pacer says when requests are due. Rates are requests a second.
type Pacer struct {
	// Kind is constant (rate), ramp (from, to), step (from, to, steps), spike (rate, peak, at, for) or
	// payday (peak: the recorded daily curve, its busiest moment at that rate).
	Kind  string          `yaml:"kind" json:"kind"`
	Rate  float64         `yaml:"rate,omitempty" json:"rate,omitempty"`
	From  float64         `yaml:"from,omitempty" json:"from,omitempty"`
	To    float64         `yaml:"to,omitempty" json:"to,omitempty"`
	Steps int             `yaml:"steps,omitempty" json:"steps,omitempty"`
	Peak  float64         `yaml:"peak,omitempty" json:"peak,omitempty"`
	At    target.Duration `yaml:"at,omitempty" json:"-"`
	For   target.Duration `yaml:"for,omitempty" json:"-"`
}

var pacers = []string{"constant", "ramp", "step", "spike", "payday"}

// Highest is the highest rate that the pacer reaches.
func (p Pacer) Highest() float64 { return max(p.Rate, p.From, p.To, p.Peak) }

// AtRate is the pacer with its highest rate changed and everything else in proportion.
func (p Pacer) AtRate(rate float64) Pacer {
	by := rate / p.Highest()
	p.Rate, p.From, p.To, p.Peak = p.Rate*by, p.From*by, p.To*by, p.Peak*by
	return p
}

// Thresholds decide the verdict. Shares are of the requests that were answered or failed; nil is not
// judged.
type Thresholds struct {
	// Budgets are the latencies at the 95th percentile by class; a class that is left out has the
	// registry's. Class security has none unless one is written here.
	Budgets map[spec.Class]target.Duration `yaml:"budgets,omitempty" json:"-"`
	// Latency false judges no latency.
	Latency *bool `yaml:"latency,omitempty" json:"latency,omitempty"`
	// Tail is how many times its budget the 99th percentile of a class may be.
	Tail *float64 `yaml:"tail,omitempty" json:"tail,omitempty"`
	// Errors is the share of requests without an answer and of wrong answers.
	Errors *float64 `yaml:"errors,omitempty" json:"errors,omitempty"`
	// ServerErrors is how many 5xx there may be, 529 apart.
	ServerErrors *float64 `yaml:"serverErrors,omitempty" json:"serverErrors,omitempty"`
	// Overloads is the share of 529, Limited that of 423 and 429.
	Overloads *float64 `yaml:"overloads,omitempty" json:"overloads,omitempty"`
	Limited   *float64 `yaml:"limited,omitempty" json:"limited,omitempty"`
	// Slope is how much the median latency of a class may grow, in milliseconds a minute.
	Slope *float64 `yaml:"slope,omitempty" json:"slope,omitempty"`
	// Availability is the least share of available minutes, counted as the monitoring counts traffic.
	Availability *float64 `yaml:"availability,omitempty" json:"availability,omitempty"`
	// Memory is how much the target's memory may grow after its warm-up, as a factor.
	Memory *float64 `yaml:"memory,omitempty" json:"memory,omitempty"`
	// Follows is how long the published status may lag behind an injected change.
	Follows target.Duration `yaml:"follows,omitempty" json:"-"`
	// Achieved is the least share of the offered rate that must have been answered.
	Achieved *float64 `yaml:"achieved,omitempty" json:"achieved,omitempty"`
}

// Switches are the limits of the bank. A member that is left out stays as it is.
type Switches struct {
	Minute    *bool `yaml:"minute,omitempty" json:"minute,omitempty"`
	Month     *bool `yaml:"month,omitempty" json:"month,omitempty"`
	PerSecond *int  `yaml:"perSecond,omitempty" json:"perSecond,omitempty"`
}

// Step is one thing that happens at an offset from the start. Exactly one of its deeds is given.
type Step struct {
	At      target.Duration `yaml:"at" json:"-"`
	For     target.Duration `yaml:"for,omitempty" json:"-"`
	Outage  *Trouble        `yaml:"outage,omitempty" json:"outage,omitempty"`
	Failure *Trouble        `yaml:"failure,omitempty" json:"failure,omitempty"`
	Clock   string          `yaml:"clock,omitempty" json:"clock,omitempty"`
}

// Trouble is an unavailability: scheduled as an outage, or not as a failure.
type Trouble struct {
	// Operations are globs of registry ids; empty is everything.
	Operations  []string        `yaml:"operations,omitempty" json:"operations,omitempty"`
	Status      int             `yaml:"status,omitempty" json:"status,omitempty"` // failures only; 0 is 503
	Delay       target.Duration `yaml:"delay,omitempty" json:"-"`                 // failures only
	Explanation string          `yaml:"explanation,omitempty" json:"explanation,omitempty"`
}

// Search is how capacity is found: doubling from a rate until a threshold is crossed, then halving the
// interval until it is narrower than the precision.
type Search struct {
	From      float64         `yaml:"from" json:"from"`
	Most      float64         `yaml:"most,omitempty" json:"most,omitempty"` // 0: as far as --max-rate allows
	Step      target.Duration `yaml:"step,omitempty" json:"-"`
	Precision float64         `yaml:"precision,omitempty" json:"precision,omitempty"` // share of the rate
}

// Length is how long the profile sends, warm-up included.
func (p *Profile) Length() time.Duration { return time.Duration(p.Duration) + time.Duration(p.Warmup) }

// Budget is the latency at the 95th percentile that a class must keep.
func (p *Profile) Budget(c spec.Class) time.Duration {
	if d := time.Duration(p.Thresholds.Budgets[c]); d > 0 {
		return d
	}
	return time.Duration(c.Budget()) * time.Millisecond
}

// JudgesLatency says whether the budgets are thresholds.
func (p *Profile) JudgesLatency() bool { return p.Thresholds.Latency == nil || *p.Thresholds.Latency }

// problems lists what cannot be, all of it at once.
func (p *Profile) problems() (out target.Problems) {
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if p.APIVersion != APIVersion {
		say("apiVersion is %q, want %q", p.APIVersion, APIVersion)
	}
	if p.Kind != Kind {
		say("kind is %q, want %q", p.Kind, Kind)
	}
	if p.Name == "" {
		say("name is missing")
	}
	if p.Procedure == "" {
		p.Procedure = Steady
	}
	if !slices.Contains(procedures, p.Procedure) {
		say("procedure is %q; did you mean %q?", p.Procedure, target.Nearest(string(p.Procedure), words(procedures)))
	}
	if p.Procedure == Steady {
		p.Pacer.problems(say)
		if p.Duration <= 0 {
			say("duration is missing: how long is it to be sent, such as 30s?")
		}
	}
	if p.Procedure == Capacity {
		p.searchProblems(say)
	}
	p.mixProblems(say)
	p.Thresholds.problems(say)
	for i, s := range p.Schedule {
		s.problems(i, time.Duration(p.Duration), say)
	}
	if p.InFlight < 0 || p.Grants < 0 {
		say("inFlight and grants are counts and cannot be negative")
	}
	if len(out) == 0 { // what is readable must also be possible
		if p.Procedure == Steady {
			if _, err := p.Pacer.Schedule(time.Duration(p.Duration)); err != nil {
				say("%v", err)
			}
		}
		for _, row := range p.Rows() {
			if err := row.Check(); err != nil {
				say("%v", err)
			}
		}
	}
	if p.Switches != nil && p.Switches.PerSecond != nil && *p.Switches.PerSecond < 0 {
		say("limits.perSecond is %d; 0 is no bound", *p.Switches.PerSecond)
	}
	return out
}

func (p Pacer) problems(say func(string, ...any)) {
	if !slices.Contains(pacers, p.Kind) {
		say("pacer.kind is %q; did you mean %q?", p.Kind, target.Nearest(p.Kind, pacers))
		return
	}
	positive := func(name string, rate float64) {
		if !(rate > 0) || math.IsInf(rate, 1) {
			say("pacer.%s is %v: a rate is a positive number of requests a second", name, rate)
		}
	}
	switch p.Kind {
	case "constant":
		positive("rate", p.Rate)
	case "ramp", "step":
		if !(p.From >= 0) || math.IsInf(p.From, 1) {
			say("pacer.from is %v, want 0 or more requests a second", p.From)
		}
		positive("to", p.To)
		if p.Kind == "step" && p.Steps < 2 {
			say("pacer.steps is %d, want at least 2", p.Steps)
		}
	case "spike":
		positive("rate", p.Rate)
		positive("peak", p.Peak)
		if p.Peak <= p.Rate {
			say("pacer.peak is %v: a spike rises above its rate of %v", p.Peak, p.Rate)
		}
		if p.For <= 0 {
			say("pacer.for is missing: how long is the spike?")
		}
	case "payday":
		positive("peak", p.Peak)
	}
}

func (p *Profile) searchProblems(say func(string, ...any)) {
	if p.Search == nil {
		say("search is missing: a capacity profile says from which rate it looks, such as {from: 100, step: 4s}")
		return
	}
	if !(p.Search.From > 0) || math.IsInf(p.Search.From, 1) || p.Search.Most != 0 && !(p.Search.Most >= p.Search.From) {
		say("search.from is %v, want a positive rate not above search.most", p.Search.From)
	}
	if !(p.Search.Precision >= 0 && p.Search.Precision < 1) {
		say("search.precision is %v, want a share such as 0.05", p.Search.Precision)
	}
}

func (t Thresholds) problems(say func(string, ...any)) {
	for name, share := range map[string]*float64{"errors": t.Errors, "overloads": t.Overloads,
		"limited": t.Limited, "availability": t.Availability, "achieved": t.Achieved} {
		if share != nil && !(*share >= 0 && *share <= 1) {
			say("thresholds.%s is %v, want a share from 0 to 1", name, *share)
		}
	}
	if t.ServerErrors != nil && !(*t.ServerErrors >= 0) {
		say("thresholds.serverErrors is %v, want a count of 0 or more", *t.ServerErrors)
	}
	if t.Tail != nil && !(*t.Tail >= 1) {
		say("thresholds.tail is %v, want a factor of 1 or more", *t.Tail)
	}
	if t.Memory != nil && !(*t.Memory > 1) {
		say("thresholds.memory is %v, want a factor above 1", *t.Memory)
	}
	for c := range t.Budgets {
		if !slices.Contains(Classes, c) {
			say("unknown key %q in thresholds.budgets; did you mean %q?", c, target.Nearest(string(c), words(Classes)))
		}
	}
}

func (s Step) problems(i int, length time.Duration, say func(string, ...any)) {
	deeds := 0
	for _, given := range []bool{s.Outage != nil, s.Failure != nil, s.Clock != ""} {
		if given {
			deeds++
		}
	}
	if deeds != 1 {
		say("schedule[%d] has %d deeds, want exactly one of outage, failure, clock", i, deeds)
	}
	if time.Duration(s.At) >= length {
		say("schedule[%d].at is %v, after the end at %v", i, time.Duration(s.At), length)
	}
	if (s.Outage != nil || s.Failure != nil) && s.For <= 0 {
		say("schedule[%d].for is missing: how long is the trouble?", i)
	}
	if s.Failure != nil && s.Failure.Status != 0 && (s.Failure.Status < 500 || s.Failure.Status > 599) {
		say("schedule[%d].failure.status is %d, want a 5xx", i, s.Failure.Status)
	}
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
