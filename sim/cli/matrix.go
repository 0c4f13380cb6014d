package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/check"
)

// named says whether the defect was made for the check: by its name or id, or, for a rule switched off,
// because the check cites exactly that rule.
func named(d fault.Defect, c check.Check) bool {
	return slices.Contains(d.CaughtBy, c.ID) || slices.Contains(d.CaughtBy, c.Name) ||
		(len(d.CaughtBy) == 0 && d.Rule != "" && c.Cites(d.Rule))
}

// smoke lists the checks without which nothing works.
func smoke(all []check.Check) []check.Check {
	profile, _ := suites.ProfileOf("demo-smoke")
	return suites.Select(all, profile, nil)
}

// stages orders the checks that may notice a defect: those made for it with the smoke set, then those of
// its area and of its rule, then, when asked, everything else.
func stages(d fault.Defect, all []check.Check, thorough, widen bool) [][]string {
	taken := map[string]bool{}
	take := func(when func(check.Check) bool) []string {
		var ids []string
		for _, c := range all {
			if !taken[c.ID] && when(c) {
				taken[c.ID] = true
				ids = append(ids, c.ID)
			}
		}
		return ids
	}
	calm := smoke(all)
	requirement, _, _ := strings.Cut(d.Rule, "/")
	near := func(c check.Check) bool {
		return c.Group() == d.Area() || (d.Rule != "" && c.Cites(d.Rule)) ||
			slices.ContainsFunc(c.Rules, func(r string) bool { return d.Rule != "" && strings.HasPrefix(r, requirement) })
	}
	aimed := take(func(c check.Check) bool {
		return named(d, c) || slices.ContainsFunc(calm, func(s check.Check) bool { return s.ID == c.ID })
	})
	around := take(near)
	var out [][]string
	if thorough {
		out = [][]string{append(aimed, around...)}
	} else {
		out = [][]string{aimed, around}
	}
	if widen {
		out = append(out, take(func(check.Check) bool { return true }))
	}
	return slices.DeleteFunc(out, func(ids []string) bool { return len(ids) == 0 })
}

// seen is what a check came to under a defect.
type seen struct {
	ID       string        `json:"id"`
	Status   report.Status `json:"status"`
	Headline string        `json:"headline"`
}

// noticed says whether a check failed with the message of a verdict, not of a crash or a missing answer.
func (s seen) noticed(clean map[string]report.Status) bool {
	return s.Status == report.Fail || (s.Status == report.Warn && clean[s.ID] == report.Pass)
}

// conclude says what became of a defect.
func conclude(d fault.Defect, all []check.Check, clean map[string]report.Status, outcomes []seen, trouble string) report.DefectProof {
	p := report.DefectProof{Name: d.Name, Weight: string(d.Weight), Symptom: d.Symptom, CaughtBy: []string{}, Ran: len(outcomes)}
	byID := map[string]check.Check{}
	for _, c := range all {
		byID[c.ID] = c
		if p.ExpectedCheck == "" && named(d, c) {
			p.ExpectedCheck = c.ID
		}
	}
	if p.ExpectedCheck == "" && len(d.CaughtBy) > 0 {
		p.ExpectedCheck = d.CaughtBy[0]
	}
	calm, broken, tried, dead := smoke(all), 0, 0, 0
	aim := false
	timed := d.Kind == fault.Time || d.Kind == fault.Network
	for _, o := range outcomes {
		isSmoke := slices.ContainsFunc(calm, func(c check.Check) bool { return c.ID == o.ID })
		if isSmoke && o.Status != report.Skip {
			tried++
			if o.Status != report.Pass && o.Status != report.Warn {
				broken++
			}
		}
		if o.Status == report.Error || o.Status == report.Unavailable {
			dead++
		}
		if o.noticed(clean) || (timed && o.Status == report.Unavailable && named(d, byID[o.ID])) {
			p.CaughtBy = append(p.CaughtBy, o.ID)
			aim = aim || named(d, byID[o.ID])
			if p.Received == "" || named(d, byID[o.ID]) {
				p.Received = o.Headline
			}
		}
	}
	switch {
	case trouble != "":
		p.Outcome, p.Reason = report.Stillborn, trouble
	case aim:
		p.Outcome = report.Killed
	case tried > 0 && broken == tried:
		p.Outcome, p.Reason = report.Stillborn, fmt.Sprintf("nothing works any more: all %d smoke checks broke", tried)
		p.CaughtBy = []string{}
	case len(p.CaughtBy) > 0:
		p.Outcome, p.Elsewhere = report.Killed, true
	default:
		p.Outcome = report.Lived
		if dead > 0 {
			p.Reason = fmt.Sprintf("%d checks crashed or got no answer, which is no verdict", dead)
		}
	}
	return p
}

// picture draws the matrix: a line for each area of defects, then the survivors.
func (a *app) picture(p *report.Proof) {
	type row struct{ killed, total, elsewhere, still int }
	rows := map[string]*row{}
	var areas []string
	for _, d := range p.Defects {
		area, _, _ := strings.Cut(d.Name, "/")
		if rest, off := strings.CutPrefix(area, "off:"); off {
			area = "off:" + strings.SplitN(rest, "-", 2)[0]
		}
		r := rows[area]
		if r == nil {
			r = &row{}
			rows[area] = r
			areas = append(areas, area)
		}
		switch d.Outcome {
		case report.Killed:
			r.killed++
			r.total++
			if d.Elsewhere {
				r.elsewhere++
			}
		case report.Lived:
			r.total++
		case report.Stillborn:
			r.still++
		}
	}
	slices.Sort(areas)
	a.printf("\n")
	for _, name := range areas {
		r := rows[name]
		line := fmt.Sprintf("  %-14s %s %7s", name, bar(r.killed, r.total), fmt.Sprintf("%d/%d", r.killed, r.total))
		if r.elsewhere > 0 {
			line += "   " + a.yellow(fmt.Sprintf("%d elsewhere", r.elsewhere))
		}
		if r.still > 0 {
			line += "   " + a.yellow(fmt.Sprintf("%d stillborn", r.still))
		}
		if r.killed < r.total {
			line += "   " + a.red(fmt.Sprintf("%d lived", r.total-r.killed))
		}
		a.printf("%s\n", line)
	}
	for _, d := range p.Defects {
		if d.Outcome == report.Killed {
			continue
		}
		a.printf("\n%s %s  %s  %s\n", a.red("✗"), a.bold(d.Name), strings.ToUpper(d.Weight), d.Outcome)
		for _, line := range [][2]string{{"symptom", d.Symptom}, {"expected", d.ExpectedCheck}, {"reason", d.Reason}, {"see it", seeing(d)}} {
			if line[1] != "" {
				a.printf("  %-9s %s\n", line[0], line[1])
			}
		}
	}
	var alarming []string
	runs := map[string][]string{}
	detail := map[string]string{}
	for _, f := range p.FalseAlarms {
		if runs[f.Check] == nil {
			alarming = append(alarming, f.Check)
			detail[f.Check] = f.Detail
		}
		runs[f.Check] = append(runs[f.Check], f.Run)
	}
	for _, id := range alarming {
		a.printf("\n%s false alarm of %s in %s\n  %s\n", a.red("✗"), a.bold(id), strings.Join(runs[id], ", "), detail[id])
	}
	if len(alarming) > 0 && len(p.Defects) == 0 {
		a.printf("\nNothing can be concluded from defects while checks fail without them.\n")
		return
	}
	if len(p.Unproven) > 0 {
		a.printf("\n%s\n", a.yellow(fmt.Sprintf("unproven (%d checks never seen to fail): %s", len(p.Unproven), strings.Join(p.Unproven, " "))))
	}
}

// seeing is how to watch what became of a defect.
func seeing(d report.DefectProof) string {
	if name, load := strings.CutPrefix(d.ExpectedCheck, loadCheck); load {
		return "ensaio load " + name + " --defect " + d.Name
	}
	return "ensaio run --defect " + d.Name
}

func (a *app) proofVerdict(p *report.Proof, file string) {
	missed := p.Missed()
	a.printf("\n")
	for _, w := range report.Weights {
		s := p.Summary.ByWeight[w]
		if s.Total > 0 {
			a.printf("  %-9s %s %7s  floor %.0f %%\n", w, bar(s.Killed, s.Total), fmt.Sprintf("%d/%d", s.Killed, s.Total), 100*report.Floors[w])
		}
	}
	for _, m := range missed {
		a.printf("  %s %s\n", a.red("✗"), m)
	}
	name := a.green("PROVEN")
	switch {
	case len(missed) > 0:
		name = a.red("NOT PROVEN")
	case p.Partial: // what was not tried has shown nothing
		name = a.yellow("INCOMPLETE")
	}
	s := p.Summary
	a.printf("%s   %d of %d defects killed, %d by the check meant for it · %d of %d checks seen to fail · %s\n", name, s.Killed, s.Killed+s.Lived, s.Aimed, s.ProvenChecks, s.Checks, human(p.DurationMs))
	if file != "" && !a.quiet {
		a.printf("proof %s\n", shellPath(file))
	}
}
