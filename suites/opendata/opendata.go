// Package opendata holds the checks of open data: what the institution offers to anybody must be readable
// without certificate and token, match its contracts, name every brand of the directory, and be reported
// to the metrics platform without telling more of the caller than its address.
//
// Each operation is called where the directory says it is, or else below the base of the target file. A
// check asks only for what the target declares.
package opendata

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// Checks lists the checks.
func Checks() []check.Check {
	all := slices.Concat(schemaChecks(), accessChecks(), freshChecks(), reportChecks())
	for i := range all {
		c := &all[i]
		c.Area, c.Plan = "opendata", "status-metrics"
		c.Needs = append([]check.Need{offered, check.Clients(1)}, c.Needs...)
	}
	return all
}

func rules(ids ...string) []string { return ids }

func causes(texts ...string) []string { return texts }

// offered needs any open-data API, anyOf one of those named.
var offered = anyOf()

func anyOf(apis ...string) check.Need {
	name := strings.TrimSpace("an open-data API " + strings.Join(apis, ", "))
	return check.Need{Name: name, Power: true, Unmet: func(t *target.Target) string {
		if len(operations(t, apis...)) == 0 {
			return "the target does not declare " + name
		}
		return ""
	}}
}

// operations lists the open-data operations of the APIs named, of all without names, as far as the target
// declares them. A target that lists no APIs offers all.
func operations(t *target.Target, apis ...string) []*spec.Operation {
	var all []*spec.Operation
	for _, a := range spec.APIs() {
		_, declared := t.APIs[a.Name]
		if a.OpenData && (declared || len(t.APIs) == 0) && (len(apis) == 0 || slices.Contains(apis, a.Name)) {
			all = append(all, a.Operations...)
		}
	}
	return all
}

// stranger is a caller whom nobody knows.
type stranger struct {
	*check.Bench
	party *check.Party
	at    map[string]string // addresses of the directory, by path
	orgs  []any             // the institution's entries in the directory's open list
}

func begin(b *check.Bench) *stranger {
	s := &stranger{Bench: b, party: b.Party(0), at: map[string]string{}}
	if b.Target().Directory.Participants == "" {
		return s
	}
	x := s.party.Request("participants", "GET", b.Target().Directory.Participants).WithoutCertificate().Send(b.Context())
	b.Expect(x, "the directory's open list").To(expect.Status(200))
	var list []any
	b.Given("a list of participants", json.Unmarshal(x.Body, &list))
	for _, o := range list {
		org, _ := o.(map[string]any)
		if id, _ := org["OrganisationId"].(string); !strings.EqualFold(id, b.Target().Bank.OrganisationID) {
			continue
		}
		s.orgs = append(s.orgs, org)
		for _, server := range objects(org["AuthorisationServers"]) {
			for _, resource := range objects(server["ApiResources"]) {
				for _, e := range objects(resource["ApiDiscoveryEndpoints"]) {
					s.knows(e["ApiEndpoint"])
				}
			}
		}
	}
	return s
}

// knows takes an address of the directory up; of several the first counts.
func (s *stranger) knows(endpoint any) {
	address, _ := endpoint.(string)
	if _, path, ok := strings.Cut(address, "/open-banking/"); ok {
		if path = "/open-banking/" + path; s.at[path] == "" {
			s.at[path] = address
		}
	}
}

// call is a call as anybody may make it: no certificate, no token, no header of the ecosystem but the
// number of the call.
func (s *stranger) call(o *spec.Operation) *tpp.APICall {
	c := s.party.API(s.party.Server, o).WithoutCertificate().WithoutHeader("Authorization", "X-Fapi-Auth-Date")
	if address := s.at[o.FullPath()]; address != "" {
		c.To(address)
	}
	return c
}

// reads makes a call that must succeed.
func (s *stranger) reads(o *spec.Operation, query ...string) *tpp.Exchange {
	c := s.call(o)
	for i := 0; i < len(query); i += 2 {
		c.Query(query[i], query[i+1])
	}
	x := c.Send(s.Context())
	s.Expect(x, o.ID).To(expect.Status(200))
	return x
}

// walk reads a list from its first page to its last, by the links, and returns its records, each as its
// JSON text.
func (s *stranger) walk(o *spec.Operation, size string) (records []string, pages []*tpp.Exchange) {
	for x := s.reads(o, "page-size", size); ; {
		pages = append(pages, x)
		for _, r := range objects(x.Field("data")) {
			text, _ := json.Marshal(r) // it was JSON
			records = append(records, string(text))
		}
		next := x.Text("links.next")
		if next == "" || len(pages) == 1000 {
			return records, pages
		}
		s.Expect(host(next), "host of the next page of %s", o.ID).About(x).To(expect.Equal(host(x.URL)))
		x = s.call(o).To(next).Send(s.Context())
		s.Expect(x, "the next page of %s", o.ID).To(expect.Status(200))
	}
}

func host(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// objects lists the objects of a JSON array.
func objects(v any) []map[string]any {
	list, _ := v.([]any)
	var all []map[string]any
	for _, one := range list {
		if o, ok := one.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}
