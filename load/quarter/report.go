package quarter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/file"
)

// Report is what came of a quarter: the content of quarter.json. Load is the same in the common form of load
// runs.
type Report struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`    // QuarterReport
	Verdict    string               `json:"verdict"` // pass, fail or, of a part that shows nothing wrong, none
	Partial    bool                 `json:"partial"`
	Stopped    string               `json:"stopped,omitempty"` // why the quarter is not whole
	Played     int                  `json:"daysPlayed"`        // to their end; only they are judged
	Target     string               `json:"target"`
	Plan       *Plan                `json:"plan"`
	Defects    []string             `json:"defects"`
	Started    time.Time            `json:"started"`
	Prepared   float64              `json:"preparedSeconds"` // how long the preparation took
	Seconds    float64              `json:"seconds"`         // how long the play took
	Findings   []string             `json:"findings"`        // why it fails, the worst first
	Notes      []string             `json:"notes"`
	Seen       *availability.Report `json:"seen"`                // by the probes and the caller
	Collected  *availability.Report `json:"collected,omitempty"` // by the metrics platform
	Published  []Published          `json:"published"`           // by the institution itself
	Load       *record.Report       `json:"-"`
}

// report judges everything.
func (p *play) report(started time.Time, prepared, played time.Duration) *Report {
	bank := p.caller.bank()
	judge := func(b *availability.Book, in *availability.Input) *availability.Report {
		return b.Judge(availability.Options{Name: p.o.Target.Name, Category: p.plan.Category, Server: bank, Input: in})
	}
	r := &Report{APIVersion: APIVersion, Kind: "QuarterReport", Target: p.o.Target.Name, Plan: p.plan, Defects: append([]string{}, p.o.Defects...),
		Started: started, Prepared: prepared.Seconds(), Seconds: played.Seconds(), Findings: []string{}, Notes: []string{}, Published: p.published, Played: p.whole}
	if p.cut != nil {
		r.Partial, r.Stopped = true, p.cut.Error()
		r.Notes = append(r.Notes, fmt.Sprintf("Partial: ended after %s of %d (%s). Only whole days are judged.", availability.Count(p.whole, "day"), p.plan.Days, r.Stopped))
	}
	r.Seen = judge(&p.seen, nil)
	r.Findings = append(r.Findings, r.Seen.Reasons...)
	if p.export != nil {
		r.Collected = judge(&p.collected, p.export)
		for _, why := range r.Collected.Reasons {
			r.Findings = append(r.Findings, "from the metrics platform's reports: "+why)
		}
		r.Findings = append(r.Findings, p.lost(bank)...)
	}
	r.Findings = append(r.Findings, p.lies(bank)...)
	r.Notes = append(append(r.Notes, p.notes...), p.caller.remarks()...)
	r.Verdict = record.VerdictPass
	switch {
	case len(r.Findings) > 0:
		r.Verdict = record.VerdictFail
	case r.Partial:
		r.Verdict = record.VerdictNone
	}
	r.Load = p.load(r, played)
	return r
}

// lies are what the institution says of itself against what was measured: a status that hides what callers
// met, and metrics that are not those of its own status.
func (p *play) lies(bank string) []string {
	type hidden struct {
		endpoint string
		lost     int
		more     int
	}
	days := map[availability.Day]*hidden{}
	for _, s := range p.seen.Traffic.Series() {
		if s.Server != bank || p.unwatched(s.Endpoint) {
			continue
		}
		for _, t := range p.seen.Traffic.Days(s) {
			probed := p.seen.Probing.Day(s.Endpoint, t.Day)
			if t.Up == t.Minutes || probed.Down+probed.Scheduled > 0 {
				continue
			}
			if h := days[t.Day]; h != nil {
				h.more++
			} else {
				days[t.Day] = &hidden{endpoint: s.Endpoint, lost: t.Minutes - t.Up}
			}
		}
	}
	var out []string
	for d, h := range days {
		more := ""
		if h.more > 0 {
			more = fmt.Sprintf(" and %d more", h.more)
		}
		out = append(out, fmt.Sprintf("%s: the status never said that %s%s was down, and %d of its minutes were lost", d, h.endpoint, more, h.lost))
	}
	slices.Sort(out)
	for _, d := range p.published {
		if d.agrees() {
			continue
		}
		text := fmt.Sprintf("%s: the published metrics say %d s down and %d s scheduled, the probes %d s and %d s", d.Day, d.Down, d.Scheduled, d.MeasuredDown, d.MeasuredScheduled)
		if len(d.Wrong) > 0 {
			text += fmt.Sprintf("; %s", d.Wrong[0])
			if len(d.Wrong) > 1 {
				text += fmt.Sprintf(" and %d more", len(d.Wrong)-1)
			}
		}
		out = append(out, text)
	}
	return out
}

// unwatched endpoints are not named by the status: it tells of resources, not of itself.
func (p *play) unwatched(endpoint string) bool { return endpoint == "/token" && !p.names("/token") }

func (p *play) names(endpoint string) bool {
	return slices.Contains(p.seen.Probing.Endpoints(), endpoint)
}

// lost are days on which the metrics platform knows of fewer or other calls than the caller made.
func (p *play) lost(bank string) []string {
	var out []string
	type day struct{ made, known int64 }
	days := map[availability.Day]*day{}
	at := func(d availability.Day) *day {
		if days[d] == nil {
			days[d] = &day{}
		}
		return days[d]
	}
	for _, s := range p.seen.Traffic.Series() {
		if s.Server != bank || !p.reported(s.Endpoint) {
			continue
		}
		for _, t := range p.seen.Traffic.Days(s) {
			at(t.Day).made += t.Success + t.Failure
			k := p.collected.Traffic.Day(s, t.Day)
			at(t.Day).known += k.Success + k.Failure
		}
	}
	for d, n := range days {
		if n.made != n.known {
			out = append(out, fmt.Sprintf("%s: %d valid calls were made, and the metrics platform counts %d", d, n.made, n.known))
		}
	}
	slices.Sort(out)
	return out
}

// reported says whether a client reports the endpoint; tokens it does.
func (p *play) reported(endpoint string) bool {
	reports, asked := p.caller.endpoints()[endpoint]
	return reports || !asked
}

// load gives the quarter the common form of load runs.
func (p *play) load(r *Report, played time.Duration) *record.Report {
	out := &record.Report{APIVersion: APIVersion, Kind: "Load", Verdict: r.Verdict, Notice: record.Notice, Profile: "quarter", Title: p.plan.Title, Target: r.Target,
		Seed: p.o.Seed, Defects: r.Defects, Tool: p.o.Tool, Command: p.o.Command, Started: r.Started, Duration: played.Seconds(), Planned: played.Seconds(), Partial: r.Partial, Stopped: r.Stopped,
		Requests: uint64(p.probes + p.calls), Errors: p.tally.errors, Notes: append(append([]string{}, r.Findings...), r.Notes...),
		Thresholds: []record.Verdict{}, Timeline: []record.Moment{}, Classes: []record.ClassRow{}, Endpoints: []record.EndpointRow{}}
	if s := played.Seconds(); s > 0 {
		out.Offered = float64(int(10*float64(out.Requests)/s)) / 10
		out.Achieved = out.Offered
	}
	for _, n := range out.Errors {
		out.Failed += n
	}
	if out.Errors == nil {
		out.Errors = map[string]uint64{}
	}
	if classes, endpoints := p.tally.rows(); len(classes) > 0 {
		out.Classes, out.Endpoints = classes, endpoints
	}
	out.Availability = record.Availability{Day: 1, DayTarget: availability.DayTarget, Quarter: 1, QuarterTarget: availability.LongTarget, Probes: p.probes, Source: "probes"}
	if all := r.Seen.Institution; all != nil {
		for _, d := range all.Days {
			out.Availability.PlannedSeconds += int(d.Scheduled)
			out.Availability.UnplannedSeconds += int(d.Down)
		}
	}
	defer func() { out.Thresholds = thresholds(r, out.Availability) }()
	for _, e := range r.Seen.Endpoints { // the worst endpoint decides, by either computation
		if e.Service {
			continue
		}
		if e.Probing != nil {
			out.Availability.Day = min(out.Availability.Day, e.Probing.Worst.Float())
			if e.Probing.LongRun != nil {
				out.Availability.Quarter = min(out.Availability.Quarter, e.Probing.LongRun.Mean)
			}
		}
		if e.Traffic != nil && e.Traffic.Worst.Defined() {
			out.Availability.Day = min(out.Availability.Day, e.Traffic.Worst.Float())
			if e.Traffic.LongRun != nil {
				out.Availability.Quarter = min(out.Availability.Quarter, e.Traffic.LongRun.Mean)
			}
		}
	}
	return out
}

// thresholds are the limits of a quarter in the form of load runs.
func thresholds(r *Report, a record.Availability) []record.Verdict {
	row := func(name, title, unit string, limit, value float64, least, kept bool) record.Verdict {
		v := record.Verdict{Threshold: record.Threshold{Name: name, Metric: "availability", Limit: limit}, Title: title, Unit: unit, Least: least, Value: value, Outcome: record.OK}
		if !kept {
			v.Outcome = record.Crossed
		}
		return v
	}
	rows := []record.Verdict{
		row("day", "worst day of an endpoint, by probing or by traffic", "share", availability.DayTarget, a.Day, true, a.Day >= availability.DayTarget),
		row("findings", "what speaks against the quarter", "count", 0, float64(len(r.Findings)), false, len(r.Findings) == 0),
	}
	if r.Plan.Days >= availability.LongDays {
		rows = append(rows, row("quarter", "worst mean of an endpoint over ninety days", "share", availability.LongTarget, a.Quarter, true, !r.long()))
	}
	if len(r.Findings) > 0 {
		rows[1].Reason = r.Findings[0]
	}
	return rows
}

// long says whether the exact mean of some endpoint is below its limit.
func (r *Report) long() bool {
	return slices.ContainsFunc(r.Seen.Endpoints, func(e availability.Endpoints) bool {
		return e.Probing != nil && e.Probing.LongRun != nil && e.Probing.LongRun.Verdict == availability.NonConforming ||
			e.Traffic != nil && e.Traffic.LongRun != nil && e.Traffic.LongRun.Verdict == availability.NonConforming
	})
}

// HTML writes the page with the calendars.
func (r *Report) HTML(w io.Writer) error {
	seen := *r.Seen
	seen.Reasons, seen.Notes = r.Findings, r.Notes
	seen.Verdict = availability.Conforming
	switch r.Verdict {
	case record.VerdictFail:
		seen.Verdict = availability.NonConforming
	case record.VerdictNone:
		seen.Verdict = availability.Undefined
	}
	v := availability.View{Report: &seen, Title: "A quarter of " + r.Target, Lead: r.Sentence()}
	a := r.Load.Availability
	v.Facts = [][2]string{
		{"worst day of an endpoint", availability.Percent(a.Day) + " of 95 %"}, {r.run(), availability.Percent(a.Quarter) + " of 99.5 %"},
		{"probes", fmt.Sprint(a.Probes)}, {"calls", fmt.Sprint(r.Load.Requests - uint64(a.Probes))},
		{"unplanned", availability.Span(int64(a.UnplannedSeconds))}, {"scheduled", availability.Span(int64(a.PlannedSeconds))},
		{"played in", fmt.Sprintf("%.1f s", r.Seconds)}, {"plan", r.Plan.Title}}
	if len(r.Defects) > 0 {
		v.Facts = append(v.Facts, [2]string{"broken on purpose", fmt.Sprint(r.Defects)})
	}
	return v.HTML(w)
}

// run names the long run as long as it is.
func (r *Report) run() string {
	if days := int(r.Seen.To-r.Seen.From) + 1; days < availability.LongDays {
		return fmt.Sprintf("lowest mean of an endpoint over %s, not judged", availability.Count(days, "day"))
	}
	return "lowest mean of an endpoint over ninety days"
}

// Sentence says the verdict in one line.
func (r *Report) Sentence() string {
	days := fmt.Sprintf("%s, %s", availability.Period(r.Seen.From, r.Seen.To), availability.Count(len(r.Seen.Endpoints), "endpoint"))
	if r.Partial {
		days = fmt.Sprintf("partial, %d of %s: %s", r.Played, availability.Count(r.Plan.Days, "day"), days)
	}
	if len(r.Findings) == 0 {
		if r.Partial {
			return days + ": nothing speaks against the days that were played; the quarter is not judged"
		}
		if r.Seen.To-r.Seen.From < availability.LongDays-1 {
			return days + ": every day conforms by probing and by traffic"
		}
		return days + ": every day and the quarter conform by probing and by traffic"
	}
	return days + ": " + r.Findings[0]
}

// Text prints the report as a table that fits a screen.
func (r *Report) Text(w io.Writer, whole bool) {
	seen := *r.Seen
	seen.Reasons, seen.Notes = r.Findings, nil
	seen.Text(w, whole)
	if r.Collected != nil {
		worst := slices.MinFunc(append([]availability.Endpoints{{}}, r.Collected.Endpoints...), func(a, b availability.Endpoints) int {
			return cmp.Compare(mean(a), mean(b))
		})
		if worst.Traffic != nil {
			_, _ = fmt.Fprintf(w, "  from the metrics platform's reports: lowest mean %s at %s\n", availability.Percent(mean(worst)), worst.Endpoint)
		}
	}
	agree := 0
	for _, d := range r.Published {
		if d.agrees() {
			agree++
		}
	}
	_, _ = fmt.Fprintf(w, "  published metrics agree with the probes on %d of %s\n", agree, availability.Count(len(r.Published), "day"))
}

func mean(e availability.Endpoints) float64 {
	if e.Traffic == nil || e.Traffic.LongRun == nil {
		return 2
	}
	return e.Traffic.LongRun.Mean
}

// Write writes quarter.html, quarter.json and load.json into a folder, each whole or not at all.
func (r *Report) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	document := func(v any) func(io.Writer) error {
		return func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", " ")
			return enc.Encode(v)
		}
	}
	for name, print := range map[string]func(io.Writer) error{"quarter.html": r.HTML, "quarter.json": document(r), "load.json": document(r.Load)} {
		var b bytes.Buffer
		if err := print(&b); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := file.Replace(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}
