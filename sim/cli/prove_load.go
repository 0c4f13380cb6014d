package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/report"
)

// Defects that name a load profile are seen by nobody but its thresholds: they are proved by a short load of
// that profile, one after the other and with nothing beside, since what is measured is time.

// byLoad splits the defects into those that checks notice and those that a load profile notices.
func byLoad(wanted []fault.Defect) (checked, loaded []fault.Defect) {
	for _, d := range wanted {
		if d.Profile != "" {
			loaded = append(loaded, d)
		} else {
			checked = append(checked, d)
		}
	}
	return checked, loaded
}

// loadCheck stands before the name of a profile where the proof names checks.
const loadCheck = "load:"

// patient is how often a load that came to no verdict is tried: a busy machine spoils the generator.
const patient = 3

// brief runs a profile for a short time in a child process, with a defect or without.
func (m *matrix) brief(ctx context.Context, name, defect string) (*record.Report, error) {
	p, err := profile.Open(name)
	if err != nil {
		return nil, err
	}
	length := time.Duration(p.Brief)
	if length == 0 {
		length = profile.DefaultBrief
	}
	dir, err := os.MkdirTemp("", "ensaio-load-")
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"load", name, "--seed", fmt.Sprint(m.app.seed), "-o", dir, "--json"}
	if p.Procedure == profile.Steady {
		args = append(args, "--duration", length.String())
	}
	if p.Procedure == profile.Quarter {
		args = append(args, "--days", "2")
	}
	if defect != "" {
		args = append(args, "--defect", defect)
	}
	var rep *record.Report
	for range patient {
		if rep, err = m.child(ctx, args); err != nil || rep.Verdict != record.VerdictNone {
			break
		}
	}
	return rep, err
}

// child runs one load and reads what it prints.
func (m *matrix) child(ctx context.Context, args []string) (*record.Report, error) {
	program := m.app.world.Executable
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, program, append(slices.Clone(m.app.world.Arguments), args...)...) //nolint:gosec // this very program
	var said tail
	cmd.Stderr = &said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = childGrace
	out, err := cmd.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return nil, fmt.Errorf("load: %w", err)
	}
	var rep record.Report
	if jerr := json.NewDecoder(bytes.NewReader(out)).Decode(&rep); jerr != nil || rep.Kind != "Load" {
		line, _, _ := strings.Cut(report.RedactText(string(said.b)+string(out)), "\n")
		return nil, fmt.Errorf("load ended without a report: %s", line)
	}
	return &rep, nil
}

// undisturbed runs every profile that defects name where nothing is wrong.
func (m *matrix) undisturbed(ctx context.Context, loaded []fault.Defect) ([]report.FalseAlarm, error) {
	var names []string
	for _, d := range loaded {
		if !slices.Contains(names, d.Profile) {
			names = append(names, d.Profile)
		}
	}
	alarms := []report.FalseAlarm{}
	for _, name := range names {
		if ctx.Err() != nil {
			return nil, &Exit{Code: CodeIncomplete, Err: fmt.Errorf("ended before the clean runs were over")}
		}
		rep, err := m.brief(ctx, name, "")
		if err != nil {
			return nil, &Exit{Code: CodeHarness, Err: fmt.Errorf("clean load %s: %w", name, err), Hint: "does 'ensaio load " + name + "' work?"}
		}
		mark := m.app.green("✓")
		if rep.Verdict == record.VerdictFail {
			mark = m.app.red("✗")
			for _, t := range crossedOf(rep) {
				alarms = append(alarms, report.FalseAlarm{Run: fmt.Sprintf("seed %d", m.app.seed), Check: loadCheck + name, Detail: t})
			}
		}
		if !m.app.quiet && !m.app.asJSON {
			m.app.printf("  %s clean: load %s, %d requests\n", mark, name, rep.Requests)
		}
	}
	return alarms, nil
}

// crossedOf lists the thresholds that were crossed, each with its figure.
func crossedOf(r *record.Report) []string {
	var out []string
	for _, t := range r.Thresholds {
		if t.Outcome == record.Crossed {
			out = append(out, fmt.Sprintf("%s: %s, %s allowed", t.Name, amount(t.Value, t.Unit), amount(t.Limit, t.Unit)))
		}
	}
	return out
}

// gale tries the defects that a load notices.
func (m *matrix) gale(ctx context.Context, loaded []fault.Defect) []report.DefectProof {
	watch := clock.New()
	out := []report.DefectProof{}
	for _, d := range loaded {
		if ctx.Err() != nil {
			break
		}
		from := watch.Now()
		rep, err := m.brief(ctx, d.Profile, d.Name)
		if ctx.Err() != nil {
			break
		}
		p := concludeLoad(d, rep, err)
		p.DurationMs = watch.Now().Sub(from).Milliseconds()
		m.mu.Lock()
		out = append(out, p)
		m.told(p, m.of)
		m.mu.Unlock()
	}
	return out
}

// concludeLoad says what became of a defect under load.
func concludeLoad(d fault.Defect, rep *record.Report, err error) report.DefectProof {
	check := loadCheck + d.Profile
	p := report.DefectProof{Name: d.Name, Weight: string(d.Weight), Symptom: d.Symptom, ExpectedCheck: check, CaughtBy: []string{}, Ran: 1}
	switch {
	case err != nil:
		p.Outcome, p.Reason = report.Stillborn, err.Error()
	case rep.Verdict == record.VerdictFail:
		p.Outcome, p.CaughtBy = report.Killed, []string{check}
		p.Received = strings.Join(crossedOf(rep), "; ")
	case rep.Verdict == record.VerdictPass:
		p.Outcome = report.Lived
	default:
		p.Outcome, p.Reason = report.Stillborn, fmt.Sprintf("%d loads came to no verdict: %s", patient, strings.Join(rep.Generator.Reasons, "; "))
	}
	return p
}

// told prints what became of a defect.
func (m *matrix) told(d report.DefectProof, of int) {
	m.done++
	a := m.app
	if a.quiet || a.asJSON {
		return
	}
	if a.wide {
		a.printf("\r\x1b[K")
	}
	switch {
	case d.Outcome == report.Lived:
		a.printf("  %s %-9s %s\n", a.red("✗"), "lived", d.Name)
	case d.Outcome == report.Stillborn:
		a.printf("  %s %-9s %s: %s\n", a.yellow("!"), "stillborn", d.Name, d.Reason)
	case a.verbose > 0 || !a.wide:
		where := strings.Join(d.CaughtBy, " ")
		if d.Elsewhere {
			where += a.yellow(" (elsewhere)")
		}
		a.printf("  %s %-9s %s  %s\n", a.green("✓"), "killed", d.Name, a.dim(where))
	}
	if a.wide {
		a.printf("  %s %d of %d", bar(m.done, of), m.done, of)
		if m.done == of {
			a.printf("\r\x1b[K")
		}
	}
}
