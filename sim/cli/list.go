package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/check"
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
			CaughtBy: caught, Client: d.Client, Armed: slices.Contains(armed, d.Name)})
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

func (a *app) listProfiles() error {
	type row struct {
		suites.Profile
		Checks int `json:"checks"`
	}
	rows := []row{}
	for _, p := range suites.Profiles() {
		rows = append(rows, row{p, len(suites.Select(a.world.checks(), p, nil))})
	}
	return show(a, rows, func(r row) []string { return []string{r.Name, fmt.Sprint(r.Checks, " checks"), r.Title} })
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

func (a *app) explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain ID", Short: "One check, rule, operation, defect or profile, in full",
		Example: "  ensaio explain SOP-015\n  ensaio explain AS-REQ-03/has-exp\n  ensaio explain accounts.balances\n  ensaio explain par/accepts-missing-exp\n  ensaio explain target",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("explain takes one id"), "see 'ensaio list checks'")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.explain(args[0]) },
	}
	return cmd
}

func (a *app) explain(id string) error {
	checks := a.world.checks()
	var found []explanation
	if c, ok := suites.Find(checks, id); ok {
		found = append(found, a.explainCheck(c))
	}
	for _, r := range a.world.rules() {
		if requirement, _, _ := strings.Cut(r.ID, "/"); strings.EqualFold(r.ID, id) || strings.EqualFold(requirement, id) {
			found = append(found, a.explainRule(r.ID, r.Title, r.Set, string(r.Weight)))
		}
	}
	if o := spec.Find(id); o != nil {
		found = append(found, explainOperation(o))
	}
	for _, d := range append(a.world.defects(), a.world.variants()...) {
		if d.Name == id || (d.Rule != "" && "off:"+d.Rule == id) {
			found = append(found, explainDefect(d))
		}
	}
	for _, p := range suites.Profiles() {
		if p.Name == id {
			found = append(found, explanation{Kind: "profile", ID: p.Name, Title: p.Title, Facts: []fact{
				{"patterns", strings.Join(p.Patterns, ", ")}, {"without", strings.Join(p.Without, ", ")},
				{"checks", fmt.Sprint(len(suites.Select(checks, p, nil)))}}})
		}
	}
	if id == "target" {
		found = append(found, explainTarget())
	}
	if len(found) == 0 {
		return usage(fmt.Errorf("nothing is called %q", id), "did you mean %q?", target.Nearest(id, a.allIDs()))
	}
	if a.asJSON {
		return printJSON(a.out, found)
	}
	for i, e := range found {
		if i > 0 {
			a.printf("\n")
		}
		a.printf("%s  %s\n%s\n\n", a.bold(e.ID), a.dim(e.Kind), e.Title)
		for _, f := range e.Facts {
			if f.Value != "" {
				a.printf("  %-11s %s\n", f.Name, strings.ReplaceAll(f.Value, "\n", "\n              "))
			}
		}
	}
	return nil
}

type explanation struct {
	Kind  string `json:"kind"`
	ID    string `json:"id"`
	Title string `json:"title"`
	Facts []fact `json:"facts"`
}

type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (a *app) allIDs() []string {
	var ids []string
	for _, c := range a.world.checks() {
		ids = append(ids, c.ID, c.Name)
	}
	for _, r := range a.world.rules() {
		ids = append(ids, r.ID)
	}
	for _, d := range a.world.defects() {
		ids = append(ids, d.Name)
	}
	for _, o := range spec.Operations() {
		ids = append(ids, o.ID)
	}
	for _, p := range suites.Profiles() {
		ids = append(ids, p.Name)
	}
	return ids
}

func (a *app) explainCheck(c check.Check) explanation {
	e := c.Result()
	var proof []string
	for _, d := range a.world.defects() {
		if named(d, c) {
			proof = append(proof, d.Name)
		}
	}
	var rules []string
	for _, id := range c.Rules {
		text := id
		for _, r := range a.world.rules() {
			if requirement, _, _ := strings.Cut(r.ID, "/"); r.ID == id || requirement == id {
				text += "\n  " + r.ID + ": " + r.Title
			}
		}
		rules = append(rules, text)
	}
	contract := "a deviation fails the check"
	switch c.Contract {
	case check.ContractWarns:
		contract = "a deviation is a warning"
	case check.ContractOff:
		contract = "not looked at"
	case check.ContractFails:
	}
	alone := ""
	if c.Exclusive() {
		alone = "runs with no other check beside it"
	}
	return explanation{Kind: "check", ID: c.ID + "  " + c.Name, Title: c.Title, Facts: []fact{
		{"severity", e.Severity}, {"plan", e.Plan}, {"area", e.Area}, {"why", c.Why}, {"rules", strings.Join(rules, "\n")},
		{"official", strings.Join(c.Official, ", ")}, {"needs", strings.Join(e.Needs, ", ")}, {"contract", contract}, {"alone", alone},
		{"causes", strings.Join(c.Causes, "\n")}, {"proven by", strings.Join(proof, "\n")}, {"run it", "ensaio run " + c.ID}}}
}

func (a *app) explainRule(id, title, set, weight string) explanation {
	var checks, defects []string
	for _, c := range a.world.checks() {
		if c.Cites(id) {
			checks = append(checks, c.ID+" "+c.Name)
		}
	}
	for _, d := range a.world.defects() {
		if d.Rule == id {
			defects = append(defects, d.Name)
		}
	}
	return explanation{Kind: "rule", ID: id, Title: title, Facts: []fact{{"set", set}, {"weight", weight},
		{"checks", strings.Join(checks, "\n")}, {"defects", strings.Join(defects, "\n")}}}
}

func explainOperation(o *spec.Operation) explanation {
	monthly := "no quota"
	if o.Monthly > 0 {
		monthly = fmt.Sprintf("%d calls a month for each customer and resource", o.Monthly)
	}
	return explanation{Kind: "operation", ID: o.ID, Title: o.Title, Facts: []fact{
		{"call", o.Method + " " + o.FullPath()}, {"version", o.API.Version}, {"grant", string(o.Grant)}, {"scope", o.Scope},
		{"permission", strings.Join(o.Permissions, ", ")}, {"class", fmt.Sprintf("%s: %d ms at the 95th percentile", o.Class, o.Class.Budget())},
		{"quota", monthly}, {"shape", string(o.Shape)}, {"family", o.FamilyType()}, {"role", o.API.Role}}}
}

func explainDefect(d fault.Defect) explanation {
	return explanation{Kind: "defect", ID: d.Name, Title: d.Symptom, Facts: []fact{{"kind", string(d.Kind)}, {"weight", string(d.Weight)},
		{"rule", d.Rule}, {"caught by", strings.Join(d.CaughtBy, ", ")}, {"arm it", "ensaio defect on " + d.Name},
		{"see it", "ensaio run --defect " + d.Name + " " + d.Area()}}}
}

func explainTarget() explanation {
	var timeouts []string
	for name, t := range target.Timeouts {
		timeouts = append(timeouts, fmt.Sprintf("%s (%v): %s", name, t.Default, t.Bounds))
	}
	slices.Sort(timeouts)
	return explanation{Kind: "file", ID: "target", Title: "One YAML file says what is judged, as whom, and with which powers. Secrets stand elsewhere: file:<path> or env:<NAME>.", Facts: []fact{
		{"identity", "apiVersion: ensaio/v1, kind: Target, name, role (account-holder, data-transmitter, receiver, initiator)"},
		{"reach", "ca, hosts {name: address}"},
		{"directory", "url, participants, keystore, token, ssaIssuer"},
		{"bank", "organisationId, authorisationServerId, discovery, resourceBase (else taken from the directory)"},
		{"pcm", "url, token"}, {"apis", "{name: version}; without it every API is expected"},
		{"clients", "name, organisationId, softwareStatementId, cnpj, roles, transport {cert, key}, signing {jwk}, encryption {jwk}, redirectUris, webhookUris, ssa, registered, clientId, registrationToken"},
		{"hostile", "{kind: {cert, key}}: certificates a sound server refuses"},
		{"people", "id, cpf, cnpj, username, password, login (robot, human), has [traits]"},
		{"powers", "capabilities: clock, defects, bank, core, directory, pcm, journal: addresses of control surfaces, or absent"},
		{"run", "profile, timeouts: " + strings.Join(timeouts, "; ")}, {"baseline", "file of known failures"},
		{"example", "ensaio up writes one: the last line it prints names it"}}}
}
