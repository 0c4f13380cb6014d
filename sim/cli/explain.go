package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/target"
)

func (a *app) explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain ID", Short: "One check, rule, operation, defect or profile, in full",
		Example: "  ensaio explain SOP-015\n  ensaio explain AS-REQ-03/has-exp\n  ensaio explain accounts.balances\n  ensaio explain par/accepts-missing-exp\n  ensaio explain regulatory\n  ensaio explain target",
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
	for _, p := range profile.All() {
		if p.Name == id {
			found = append(found, explainLoad(p))
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
	return append(ids, profile.Names()...)
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
	seen := "ensaio run --defect " + d.Name + " " + d.Area()
	if d.Profile != "" {
		seen = "ensaio load " + d.Profile + " --defect " + d.Name
	}
	return explanation{Kind: "defect", ID: d.Name, Title: d.Symptom, Facts: []fact{{"kind", string(d.Kind)}, {"weight", string(d.Weight)},
		{"rule", d.Rule}, {"caught by", strings.Join(d.CaughtBy, ", ")}, {"load", d.Profile}, {"arm it", "ensaio defect on " + d.Name},
		{"see it", seen}}}
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
		{"powers", "capabilities: clock, defects, bank, core, directory, pcm, journal, reporter: addresses of control surfaces, or absent"},
		{"run", "profile, timeouts: " + strings.Join(timeouts, "; ")}, {"baseline", "file of known failures"},
		{"example", "ensaio up writes one: the last line it prints names it"}}}
}
