package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/file"
	"github.com/ensaio/ensaio/sim/spec"
)

// Identity says what was run, for the report.
type Identity struct {
	Profile    string
	Title      string
	Target     string // name of the target
	Seed       int64
	Defects    []string // armed in the target
	Tool       string   // version of the binary
	Command    string   // what repeats the run
	Thresholds []Threshold
	Facts      Facts
	// Findings are what was held against the target beside the recording: they count like thresholds.
	Findings []Verdict
	Notes    []string
	Pictures []Picture
	// Availability replaces the figures that the traffic of the run gives, when probes were kept as well.
	Availability *Availability
}

// Picture is a further drawing for load.html: trusted SVG or HTML.
type Picture struct {
	Title string
	HTML  template.HTML
}

// The verdicts of a load run. None means that no conclusion could be reached.
const (
	VerdictPass = "pass"
	VerdictFail = "fail"
	VerdictNone = "none"
)

// Report is load.json: the stable members of the machine contract, and additions.
type Report struct {
	APIVersion   string            `json:"apiVersion"`
	Kind         string            `json:"kind"`
	Verdict      string            `json:"verdict"`
	Notice       string            `json:"notice"`
	Profile      string            `json:"profile"`
	Title        string            `json:"title,omitempty"`
	Target       string            `json:"target"`
	Seed         int64             `json:"seed"`
	Defects      []string          `json:"defects"`
	Tool         string            `json:"tool,omitempty"`
	Command      string            `json:"command,omitempty"`
	Started      time.Time         `json:"started"`
	Duration     float64           `json:"duration"` // seconds played
	Planned      float64           `json:"planned"`  // seconds planned
	Partial      bool              `json:"partial"`
	Stopped      string            `json:"stopped,omitempty"`
	Offered      float64           `json:"offered"`  // arrivals a second
	Achieved     float64           `json:"achieved"` // answers a second
	Requests     uint64            `json:"requests"`
	Beside       uint64            `json:"beside,omitempty"` // of them, what went beside the arrivals: supplies, tokens, steps of journeys
	Failed       uint64            `json:"failed"`
	Unsent       uint64            `json:"unsent"`
	Abandoned    uint64            `json:"abandoned"` // in flight when the run was interrupted
	Short        uint64            `json:"short"`     // arrivals for which the generator had nothing ready
	Errors       map[string]uint64 `json:"errors"`    // by status other than 2xx, or kind of failure
	Classes      []ClassRow        `json:"classes"`
	Availability Availability      `json:"availability"`
	Endpoints    []EndpointRow     `json:"endpoints"`
	Thresholds   []Verdict         `json:"thresholds"`
	Timeline     []Moment          `json:"timeline"`
	Generator    GeneratorRow      `json:"generator"`
	Notes        []string          `json:"notes"`
	Pictures     []Picture         `json:"-"`
}

// ClassRow is one frequency class over the whole run; latencies are corrected for coordinated omission.
type ClassRow struct {
	Class    string  `json:"class"`
	Count    uint64  `json:"count"`
	P50Ms    float64 `json:"p50Ms"`
	P95Ms    float64 `json:"p95Ms"`
	P99Ms    float64 `json:"p99Ms"`
	MaxMs    float64 `json:"maxMs"`
	BudgetMs int64   `json:"budgetMs"` // 0: none
	OK       bool    `json:"ok"`
	Withheld bool    `json:"withheld,omitempty"` // ok says nothing: the generator was the bottleneck
	Exact    bool    `json:"exact"`              // percentiles of single values, not of a histogram
}

// EndpointRow is one operation over the whole run.
type EndpointRow struct {
	Operation    string            `json:"operation"`
	Class        string            `json:"class"`
	Count        uint64            `json:"count"`
	OK           uint64            `json:"ok"`
	P50Ms        float64           `json:"p50Ms"`
	P95Ms        float64           `json:"p95Ms"`
	P99Ms        float64           `json:"p99Ms"`
	MaxMs        float64           `json:"maxMs"`
	ServiceP95Ms float64           `json:"serviceP95Ms"` // sent → answered
	BudgetMs     int64             `json:"budgetMs"`
	Availability *float64          `json:"availability"` // of its minutes; null without valid traffic
	Codes        map[string]uint64 `json:"codes"`
	Failures     map[string]uint64 `json:"failures,omitempty"`
	Details      map[string]uint64 `json:"details,omitempty"`
}

// Availability are the figures of the run, or those that probes gave.
type Availability struct {
	Day              float64 `json:"day"`
	DayTarget        float64 `json:"dayTarget"`
	Quarter          float64 `json:"quarter"`
	QuarterTarget    float64 `json:"quarterTarget"`
	Probes           int     `json:"probes"`
	PlannedSeconds   int     `json:"plannedSeconds"`
	UnplannedSeconds int     `json:"unplannedSeconds"`
	Source           string  `json:"source"` // "traffic" or "probes"
}

// Moment is one slot of the timeline.
type Moment struct {
	Second   float64           `json:"second"`
	Offered  float64           `json:"offered"`  // a second
	Achieved float64           `json:"achieved"` // a second
	Errors   map[string]uint64 `json:"errors,omitempty"`
	Classes  []Point           `json:"classes"`
}

// GeneratorRow is what the generator knows about itself.
type GeneratorRow struct {
	Bottleneck    bool     `json:"bottleneck"`
	Reasons       []string `json:"reasons"`
	Workers       int      `json:"workers"`
	LagP50Ms      float64  `json:"lagP50Ms"`
	LagP99Ms      float64  `json:"lagP99Ms"`
	LagMaxMs      float64  `json:"lagMaxMs"`
	WaitP99Ms     float64  `json:"waitP99Ms"` // for a free place in flight
	InFlightLimit int      `json:"inFlightLimit"`
	InFlightPeak  int      `json:"inFlightPeak"`
	SaturatedMs   float64  `json:"saturatedMs"`
	SchedulingMs  float64  `json:"schedulingP99Ms"`
	Processor     float64  `json:"processor"`
	Collector     float64  `json:"collector"`
}

// Notice stands on every report.
const Notice = "Rehearsal in a simulated or test environment. Not a certification."

// Report judges the recording and gives it the form of load.json.
func (r *Recording) Report(id Identity) *Report {
	verdicts := append(r.Judge(id.Thresholds, id.Facts), id.Findings...)
	r.mu.Lock()
	defer r.mu.Unlock()
	why := r.bottleneck()
	rep := &Report{
		APIVersion: "ensaio/v1", Kind: "Load", Notice: Notice, Profile: id.Profile, Title: id.Title, Target: id.Target,
		Seed: id.Seed, Defects: append([]string{}, id.Defects...), Tool: id.Tool, Command: id.Command,
		Started: r.Started, Duration: r.Elapsed.Seconds(), Planned: r.Planned.Seconds(), Partial: r.Stopped != "", Stopped: r.Stopped,
		Requests: r.Answered + r.Beside, Beside: r.Beside, Failed: r.Failed, Unsent: r.Unsent, Abandoned: r.Abandoned, Short: r.Short, Errors: map[string]uint64{}, Thresholds: verdicts,
		Notes: append([]string{}, id.Notes...), Pictures: id.Pictures,
	}
	rep.Offered, rep.Achieved = r.rates()
	rep.Offered, rep.Achieved = tenth(rep.Offered), tenth(rep.Achieved)
	for code, n := range r.codes() {
		if code/100 != 2 {
			rep.Errors[strconv.Itoa(code)] += n
		}
	}
	addAll(rep.Errors, r.failures())
	rep.Classes = r.classRows(why != nil)
	rep.Endpoints = r.endpointRows()
	rep.Timeline = r.moments()
	rep.Generator = r.generatorRow(why)
	rep.Availability = r.available()
	if id.Availability != nil {
		rep.Availability = *id.Availability
	}
	rep.Verdict = rep.conclude()
	rep.Notes = append(rep.Notes, r.notes(why)...)
	return rep
}

// conclude is "fail" as soon as something was crossed, and "pass" only when everything that was asked was
// kept, nothing was withheld and the whole schedule was played.
func (r *Report) conclude() string {
	verdict := VerdictPass
	refused := r.Errors["423"] + r.Errors["429"] + r.Errors["529"]
	if r.Partial || r.Generator.Bottleneck || refused >= r.Requests { // a target that served nothing showed nothing
		verdict = VerdictNone
	}
	for _, t := range r.Thresholds {
		switch t.Outcome {
		case Crossed:
			return VerdictFail
		case Withheld:
			verdict = VerdictNone
		}
	}
	return verdict
}

func (r *Recording) notes(why []string) []string {
	var notes []string
	if r.Stopped != "" {
		notes = append(notes, fmt.Sprintf("Stopped after %s of %s: %s. The figures are those of the part that was played.", round(r.Elapsed), r.Planned, r.Stopped))
	}
	if r.Abandoned > 0 {
		notes = append(notes, fmt.Sprintf("In flight when the run was interrupted: %s, counted neither for nor against the target.", availability.Count(r.Abandoned, "request")))
	}
	if r.Short > 0 {
		notes = append(notes, fmt.Sprintf("The generator had nothing ready to send for %s, counted neither for nor against the target.", availability.Count(r.Short, "arrival")))
	}
	if r.Unsent > 0 {
		notes = append(notes, fmt.Sprintf("Due and not sent before the end: %s.", availability.Count(r.Unsent, "arrival")))
	}
	if why != nil {
		notes = append(notes, "The generator was the bottleneck: latencies and rates say nothing about the target. Use more workers or another machine.")
	}
	for _, s := range r.Operations {
		if !s.exact() {
			notes = append(notes, fmt.Sprintf("Operations with more than %d timed answers are judged from a histogram of three digits: its percentiles are at most a thousandth above the exact ones.", exactValues))
			break
		}
	}
	return notes
}

func (r *Recording) classRows(withheld bool) []ClassRow {
	rows := []ClassRow{}
	for _, class := range classesOf(r.Classes) {
		s := r.Classes[class]
		members := r.of(string(class))
		row := ClassRow{Class: string(class), Count: s.Count, P50Ms: ms(percentileOf(50, members...)), P95Ms: ms(percentileOf(95, members...)),
			P99Ms: ms(percentileOf(99, members...)), MaxMs: ms(percentileOf(100, members...)), BudgetMs: budget(class).Milliseconds(), Withheld: withheld, Exact: true}
		for _, m := range members {
			row.Exact = row.Exact && m.exact()
		}
		row.OK = !withheld && (row.BudgetMs == 0 || row.P95Ms <= float64(row.BudgetMs))
		rows = append(rows, row)
	}
	return rows
}

func (r *Recording) endpointRows() []EndpointRow {
	rows := []EndpointRow{}
	ids := keysOf(r.Operations)
	slices.Sort(ids)
	for _, class := range classesOf(r.Classes) {
		for _, id := range ids {
			s := r.Operations[id]
			if s.Class != class {
				continue
			}
			row := EndpointRow{Operation: id, Class: string(s.Class), Count: s.Count, OK: s.Good, P50Ms: ms(s.percentile(50)), P95Ms: ms(s.percentile(95)),
				P99Ms: ms(s.percentile(99)), MaxMs: ms(s.percentile(100)), ServiceP95Ms: ms(s.Service.Percentile(95)), BudgetMs: budget(s.Class).Milliseconds(),
				Codes: map[string]uint64{}, Failures: map[string]uint64{}, Details: map[string]uint64{}}
			for code, n := range s.Codes {
				row.Codes[strconv.Itoa(code)] = n
			}
			addAll(row.Failures, s.Failures)
			addAll(row.Details, s.Details)
			if a, ok := s.available(); ok {
				row.Availability = &a
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (r *Recording) moments() []Moment {
	moments := make([]Moment, 0, len(r.Timeline))
	for i, s := range r.Timeline {
		m := Moment{Second: (time.Duration(i) * r.Slot).Seconds(), Offered: float64(s.Offered) / r.Slot.Seconds(),
			Achieved: float64(s.Achieved) / r.Slot.Seconds(), Classes: s.points(), Errors: map[string]uint64{}}
		for _, c := range s.Classes {
			for code, n := range c.Codes {
				m.Errors[strconv.Itoa(code)] += n
			}
			addAll(m.Errors, c.Fails)
		}
		moments = append(moments, m)
	}
	return moments
}

func (r *Recording) generatorRow(why []string) GeneratorRow {
	g := r.Generator
	return GeneratorRow{Bottleneck: why != nil, Reasons: append([]string{}, why...), Workers: g.Workers,
		LagP50Ms: ms(r.Lag.Percentile(50)), LagP99Ms: ms(r.Lag.Percentile(99)), LagMaxMs: ms(r.Lag.Max()), WaitP99Ms: ms(r.Wait.Percentile(99)),
		InFlightLimit: g.InFlightLimit, InFlightPeak: g.InFlightPeak, SaturatedMs: ms(g.Saturated), SchedulingMs: ms(g.Scheduling),
		Processor: tenth(100*g.Processor) / 100, Collector: tenth(100*g.Collector) / 100}
}

// available is the mean of the endpoints with frequency class over the minutes of the run. A run is no
// quarter: the same figure stands for both spans, each beside its own target.
func (r *Recording) available() Availability {
	sum, n := 0.0, 0
	for _, s := range r.Operations {
		if a, ok := s.available(); ok && spec.Class(s.Class) != Security {
			sum += a
			n++
		}
	}
	a := Availability{DayTarget: 0.95, QuarterTarget: 0.995, Source: "traffic"}
	if n > 0 {
		a.Day = sum / float64(n)
		a.Quarter = a.Day
	}
	return a
}

func tenth(v float64) float64 { return float64(int64(v*10+0.5)) / 10 }

// JSON writes the machine contract.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// Write stores the report under dir as load.json and load.html, and returns the path of the second.
func (r *Report) Write(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("write load report: %w", err)
	}
	page := filepath.Join(dir, "load.html")
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{filepath.Join(dir, "load.json"), r.JSON}, {page, r.HTML}} {
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			return "", fmt.Errorf("write load report: %w", err)
		}
		if err := file.Replace(f.name, b.Bytes(), 0o644); err != nil {
			return "", fmt.Errorf("write load report: %w", err)
		}
	}
	return page, nil
}
