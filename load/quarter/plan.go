package quarter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ensaio/ensaio/scenarios"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// The identity of the document.
const (
	APIVersion = "ensaio/v1"
	Kind       = "Quarter"
)

// Plan is what happens in a quarter.
type Plan struct {
	APIVersion string                `yaml:"apiVersion" json:"apiVersion"`
	Kind       string                `yaml:"kind" json:"kind"`
	Name       string                `yaml:"name" json:"name"`
	Title      string                `yaml:"title" json:"title"`
	Days       int                   `yaml:"days" json:"days"`
	Start      string                `yaml:"start,omitempty" json:"start,omitempty"` // YYYY-MM-DD in Brasília; absent is the day after the target's today
	Category   availability.Category `yaml:"category,omitempty" json:"category"`
	ProbeEvery Span                  `yaml:"probeEvery" json:"probeEvery"`
	Traffic    Traffic               `yaml:"traffic" json:"traffic"`
	Outages    []Outage              `yaml:"outages,omitempty" json:"outages"`
}

// Traffic says how often every operation is asked once.
type Traffic struct {
	Every      Span     `yaml:"every" json:"every"`
	Operations []string `yaml:"operations,omitempty" json:"operations"` // globs of registry ids; absent is all
	AtOnce     int      `yaml:"atOnce,omitempty" json:"atOnce"`
}

// Outage is one stop of operations.
type Outage struct {
	Day        int      `yaml:"day" json:"day"` // from 1
	At         string   `yaml:"at" json:"at"`   // HH:MM or HH:MM:SS in Brasília
	Duration   Span     `yaml:"duration" json:"duration"`
	Kind       string   `yaml:"kind" json:"kind"` // unscheduled or scheduled
	Operations []string `yaml:"operations,omitempty" json:"operations"`
	// Status is what an unscheduled stop answers; 0 is 503.
	Status int `yaml:"status,omitempty" json:"status,omitempty"`
	// Notice is how long before its start a scheduled stop is announced; 0 is seven days.
	Notice Span `yaml:"notice,omitempty" json:"notice,omitempty"`

	from time.Duration // since the midnight of its day
}

// The kinds of outages.
const (
	Unscheduled = "unscheduled"
	Scheduled   = "scheduled"
)

// Span is a duration as a plan writes it: "72m", "30s".
type Span time.Duration

// UnmarshalYAML reads the usual text form.
func (s *Span) UnmarshalYAML(n *yaml.Node) error {
	d, err := time.ParseDuration(n.Value)
	if err != nil || d <= 0 {
		return fmt.Errorf("line %d: %q is not a positive duration such as 30s or 72m", n.Line, n.Value)
	}
	*s = Span(d)
	return nil
}

// MarshalText writes the usual text form.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// maxPlan bounds a plan's file, maxDays a quarter.
const maxPlan, maxDays = 1 << 20, 366

// Default is the plan that comes with it.
func Default() *Plan {
	p, err := Parse(scenarios.Quarter)
	if err != nil {
		panic(err) // held against the reader by a test
	}
	return p
}

// Open reads a plan from a file; "" is [Default].
func Open(name string) (*Plan, error) {
	if name == "" {
		return Default(), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxPlan+1))
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if len(b) > maxPlan {
		return nil, fmt.Errorf("plan %s: larger than %d bytes", name, maxPlan)
	}
	p, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", name, err)
	}
	return p, nil
}

// keys are all that a plan may say, for the hint of a misspelt one.
var keys = []string{"apiVersion", "kind", "name", "title", "days", "start", "category", "probeEvery", "traffic", "every", "operations", "atOnce", "outages", "day", "at", "duration", "status", "notice"}

var unknownKey = regexp.MustCompile(`line (\d+): field (\S+) not found`)

// Parse reads and checks a plan. Its errors name the line and what to write instead.
func Parse(b []byte) (*Plan, error) {
	p := &Plan{Category: "A", ProbeEvery: Span(availability.ProbeEvery), Traffic: Traffic{AtOnce: 4}}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(p); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty")
		}
		if m := unknownKey.FindStringSubmatch(err.Error()); m != nil {
			return nil, fmt.Errorf("line %s: unknown key %q; did you mean %q?", m[1], m[2], target.Nearest(m[2], keys))
		}
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file holds more than one document")
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Plan) check() error {
	switch {
	case p.APIVersion != APIVersion || p.Kind != Kind:
		return fmt.Errorf("apiVersion %s and kind %s are wanted, not %q and %q", APIVersion, Kind, p.APIVersion, p.Kind)
	case p.Days < 1 || p.Days > maxDays:
		return fmt.Errorf("days: %d is not from 1 to %d", p.Days, maxDays)
	case time.Duration(p.ProbeEvery) != availability.ProbeEvery:
		return fmt.Errorf("probeEvery: the formula knows probes of %s alone", availability.ProbeEvery)
	case !p.Category.Known():
		return fmt.Errorf("category: %q is not A, B, C or D", p.Category)
	case p.Traffic.Every <= 0 || !p.onProbe(time.Duration(p.Traffic.Every)):
		return fmt.Errorf("traffic.every: %s is no multiple of %s", time.Duration(p.Traffic.Every), availability.ProbeEvery)
	case p.Traffic.AtOnce < 1 || p.Traffic.AtOnce > 64:
		return fmt.Errorf("traffic.atOnce: %d is not from 1 to 64", p.Traffic.AtOnce)
	}
	if p.Start != "" {
		if _, err := availability.ParseDay(p.Start); err != nil {
			return fmt.Errorf("start: %w", err)
		}
	}
	if err := globs(p.Traffic.Operations); err != nil {
		return fmt.Errorf("traffic.operations: %w", err)
	}
	for i := range p.Outages {
		if err := p.outage(&p.Outages[i]); err != nil {
			return fmt.Errorf("outages[%d]: %w", i, err)
		}
	}
	return nil
}

func (p *Plan) outage(o *Outage) error {
	at, err := time.Parse("15:04:05", o.At)
	if err != nil {
		if at, err = time.Parse("15:04", o.At); err != nil {
			return fmt.Errorf("at: %q is no time such as 10:00", o.At)
		}
	}
	o.from = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	switch {
	case o.Day < 1 || o.Day > p.Days:
		return fmt.Errorf("day: %d is not from 1 to %d", o.Day, p.Days)
	case o.Duration <= 0:
		return errors.New("duration: how long it lasts is missing")
	case !p.onProbe(o.from) || !p.onProbe(time.Duration(o.Duration)):
		return fmt.Errorf("at and duration must be multiples of %s: no probe sees what lies between", availability.ProbeEvery)
	case o.Kind != Unscheduled && o.Kind != Scheduled:
		return fmt.Errorf("kind: %q is neither %s nor %s", o.Kind, Unscheduled, Scheduled)
	case o.Kind == Scheduled && o.Status != 0:
		return errors.New("status: a scheduled stop answers as the institution does")
	case o.Status != 0 && (o.Status < 400 || o.Status > 599):
		return fmt.Errorf("status: %d is no failure", o.Status)
	case time.Duration(o.from)+time.Duration(o.Duration) > time.Duration(p.Days-o.Day+1)*24*time.Hour:
		return errors.New("it lasts beyond the last day")
	}
	return globs(o.Operations)
}

func (p *Plan) onProbe(d time.Duration) bool { return d%availability.ProbeEvery == 0 }

// First is the plan of its first days alone: outages that begin later, or last beyond them, are left out.
func (p *Plan) First(days int) *Plan {
	short := *p
	short.Days = min(days, p.Days)
	short.Outages = nil
	for _, o := range p.Outages {
		if o.Day <= short.Days && o.from+time.Duration(o.Duration) <= time.Duration(short.Days-o.Day+1)*24*time.Hour {
			short.Outages = append(short.Outages, o)
		}
	}
	return &short
}

// globs checks that each pattern finds something that can be asked or stopped.
func globs(patterns []string) error {
	names := []string{"token", "par", "register"}
	for _, o := range spec.Operations() {
		names = append(names, o.ID)
	}
	for _, g := range patterns {
		if !slices.ContainsFunc(names, func(n string) bool { ok, err := path.Match(g, n); return ok && err == nil }) {
			return fmt.Errorf("no operation %q; did you mean %q?", g, target.Nearest(g, names))
		}
	}
	return nil
}

// wants says whether the patterns name an operation; no pattern names all.
func wants(patterns []string, id string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(g string) bool { ok, _ := path.Match(g, id); return ok })
}
