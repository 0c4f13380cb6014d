package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/target"
)

var listable = []string{"checks", "rules", "operations", "defects", "profiles"}

func (a *app) listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list checks|rules|operations|defects|profiles [selector]…", Short: "What there is",
		Example: `  ensaio list checks 'par/*'
  ensaio list checks -t bank.yaml         says which would run there, and why not
  ensaio list operations --json`,
		ValidArgs: listable,
		RunE: func(_ *cobra.Command, args []string) error {
			kind := "checks"
			if len(args) > 0 {
				kind, args = args[0], args[1:]
			}
			switch kind {
			case "checks":
				return a.listChecks(args)
			case "rules":
				return a.listRules(args)
			case "operations":
				return a.listOperations(args)
			case "defects":
				return a.listDefects(args, nil)
			case "profiles":
				return a.listProfiles()
			}
			return usage(fmt.Errorf("cannot list %q", kind), "did you mean %q?", target.Nearest(kind, listable))
		},
	}
	a.targetFlag(cmd)
	return cmd
}

type checkRow struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Area     string   `json:"area"`
	Plan     string   `json:"plan"`
	Severity string   `json:"severity"`
	Rules    []string `json:"rules"`
	Official []string `json:"official"`
	Needs    []string `json:"needs"`
	RunsHere *bool    `json:"runsHere,omitempty"`
	Why      string   `json:"why,omitempty"`
}

func (a *app) listChecks(patterns []string) error {
	var t *target.Target
	if a.target != "" {
		var err error
		if t, err = a.load(a.target); err != nil {
			return err
		}
	}
	everything, _ := suites.ProfileOf("all")
	rows := []checkRow{}
	for _, c := range suites.Select(a.world.checks(), everything, patterns) {
		e := c.Result()
		row := checkRow{ID: e.ID, Name: e.Name, Title: e.Title, Area: e.Area, Plan: e.Plan, Severity: e.Severity, Rules: e.Rules, Official: e.Official, Needs: e.Needs}
		if t != nil {
			need, why := c.Unmet(t)
			runs := need == nil
			row.RunsHere, row.Why = &runs, why
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return fmt.Errorf("%w: no check matches %s", suites.ErrEmpty, strings.Join(patterns, " "))
	}
	return show(a, rows, func(r checkRow) []string {
		here := ""
		if r.RunsHere != nil {
			if here = "runs here"; !*r.RunsHere {
				here = "skipped: " + r.Why
			}
		}
		return []string{r.ID, r.Severity, r.Name, strings.Join(r.Rules, " "), here}
	})
}

type ruleRow struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Set      string   `json:"set"`
	Weight   string   `json:"weight"`
	Checks   []string `json:"checks"`
	Unproven bool     `json:"unproven"`
}

func (a *app) listRules(patterns []string) error {
	rows := []ruleRow{}
	for _, r := range a.world.rules() {
		if len(patterns) > 0 && !slices.ContainsFunc(patterns, func(p string) bool {
			return suites.MatchesText(p, r.ID, r.Set, string(r.Weight), strings.SplitN(r.ID, "/", 2)[0])
		}) {
			continue
		}
		row := ruleRow{ID: r.ID, Title: r.Title, Set: r.Set, Weight: string(r.Weight), Checks: []string{}}
		for _, c := range a.world.checks() {
			if c.Cites(r.ID) {
				row.Checks = append(row.Checks, c.ID)
			}
		}
		row.Unproven = len(row.Checks) == 0
		rows = append(rows, row)
	}
	return show(a, rows, func(r ruleRow) []string {
		return []string{r.ID, r.Weight, r.Title, strings.Join(r.Checks, " ")}
	})
}

type operationRow struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	API        string `json:"api"`
	Method     string `json:"method"`
	Path       string `json:"path"`
	Version    string `json:"version"`
	Scope      string `json:"scope"`
	Permission string `json:"permission"`
	Class      string `json:"class"`
	Grant      string `json:"grant"`
	Monthly    int    `json:"monthly"`
}

func (a *app) listOperations(patterns []string) error {
	rows := []operationRow{}
	for _, o := range spec.Operations() {
		if len(patterns) > 0 && !slices.ContainsFunc(patterns, func(p string) bool {
			return suites.MatchesText(p, o.ID, o.API.Name, o.FullPath(), o.Method)
		}) {
			continue
		}
		rows = append(rows, operationRow{ID: o.ID, Title: o.Title, API: o.API.Name, Method: o.Method, Path: o.FullPath(), Version: o.API.Version,
			Scope: o.Scope, Permission: strings.Join(o.Permissions, " "), Class: string(o.Class), Grant: string(o.Grant), Monthly: o.Monthly})
	}
	return show(a, rows, func(r operationRow) []string {
		return []string{r.ID, r.Method, r.Path, r.Version, r.Class, r.Scope, r.Permission}
	})
}

type defectRow struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Kind     string   `json:"kind"`
	Weight   string   `json:"weight"`
	Rule     string   `json:"rule,omitempty"`
	CaughtBy []string `json:"caughtBy"`
	Client   bool     `json:"client,omitempty"`
	Profile  string   `json:"profile,omitempty"` // the load profile that notices it, where no check does
	Armed    bool     `json:"armed"`
}

func (a *app) listDefects(patterns, armed []string) error {
	rows := []defectRow{}
	for _, d := range chosenDefects(a.world.defects(), patterns) {
		caught := d.CaughtBy
		if caught == nil {
			caught = []string{}
		}
		rows = append(rows, defectRow{ID: d.Name, Title: d.Symptom, Kind: string(d.Kind), Weight: string(d.Weight), Rule: d.Rule,
			CaughtBy: caught, Client: d.Client, Profile: d.Profile, Armed: slices.Contains(armed, d.Name)})
	}
	return show(a, rows, func(r defectRow) []string {
		mark := " "
		if r.Armed {
			mark = a.red("●")
		}
		return []string{mark, r.ID, r.Weight, r.Kind, r.Title}
	})
}

// chosenDefects returns the defects that a pattern names: by name, area, weight, kind or rule.
func chosenDefects(all []fault.Defect, patterns []string) []fault.Defect {
	if len(patterns) == 0 {
		return all
	}
	var out []fault.Defect
	for _, d := range all {
		requirement, _, _ := strings.Cut(d.Rule, "/")
		if slices.ContainsFunc(patterns, func(p string) bool {
			return suites.MatchesText(p, d.Name, d.Area(), string(d.Weight), string(d.Kind), d.Rule, requirement)
		}) {
			out = append(out, d)
		}
	}
	return out
}

// profileRow is a profile of `run` or of `load`.
type profileRow struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Verb     string   `json:"verb"` // run or load
	Patterns []string `json:"patterns,omitempty"`
	Without  []string `json:"without,omitempty"`
	Checks   int      `json:"checks,omitempty"`
	Sends    string   `json:"sends,omitempty"`
}

func (a *app) listProfiles() error {
	rows := []profileRow{}
	for _, p := range suites.Profiles() {
		rows = append(rows, profileRow{ID: p.Name, Title: p.Title, Verb: "run", Patterns: p.Patterns, Without: p.Without, Checks: len(suites.Select(a.world.checks(), p, nil))})
	}
	for _, p := range profile.All() {
		rows = append(rows, profileRow{ID: p.Name, Title: p.Title, Verb: "load", Sends: sends(p)})
	}
	return show(a, rows, func(r profileRow) []string {
		what := r.Sends
		if r.Verb == "run" {
			what = fmt.Sprint(r.Checks, " checks")
		}
		return []string{r.ID, r.Verb, what, r.Title}
	})
}

// sends says in a few words what a load profile sends.
func sends(p *profile.Profile) string {
	switch p.Procedure {
	case profile.Limits:
		return "as it needs"
	case profile.Capacity:
		return fmt.Sprintf("from %.0f/s", p.Search.From)
	case profile.Quarter:
		return "90 days"
	case profile.Steady:
	}
	return fmt.Sprintf("%s %.0f/s, %s", p.Pacer.Kind, p.Pacer.Highest(), report.Human(p.Sends()))
}

// show prints rows: a JSON array, or aligned columns.
func show[T any](a *app, rows []T, columns func(T) []string) error {
	if a.asJSON {
		return printJSON(a.out, rows)
	}
	if a.quiet {
		a.printf("%d\n", len(rows))
		return nil
	}
	var lines [][]string
	for _, r := range rows {
		lines = append(lines, columns(r))
	}
	table(a.out, lines)
	a.printf("%s\n", a.dim(fmt.Sprintf("%d rows", len(rows))))
	return nil
}
