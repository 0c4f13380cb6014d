package data

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// preflight checks what a plan stands on: the directory lists every operation of the plan's API at an
// address of the bank, and the client can obtain its statement and token.
func preflight(prefix string, official []string) check.Check {
	p := planOf[prefix]
	return check.Check{
		ID: prefix + "-001", Name: p.group + "/preflight", Rules: rules("DIR-02"), Official: official, Needs: []check.Need{check.Clients(1)},
		Title:  fmt.Sprintf("The directory lists the bank's %s, and the client can obtain statement and token", p.group),
		Why:    "A failure here explains most failures below it.",
		Causes: causes("the bank's entry in the directory is out of date", "the statement was deactivated"),
		Body: func(b *check.Bench) {
			party := b.Party(0)
			check.Given[string](b, "a software statement from the directory")(party.SSA(b.Context()))
			b.Expect(party.Credentials("consents").AccessToken(), "token for consents").To(expect.Something())
			b.Expect(party.Server.Document["scopes_supported"], "scopes of the bank").To(expect.Containing(p.api))
			listed := endpoints(b, party)
			for _, f := range p.faces {
				for _, id := range f.operations {
					op := spec.Find(id)
					b.Verify(listed[op.FullPath()], "%s in the directory", op.FullPath()).To(expect.Something())
				}
			}
		},
	}
}

// endpoints are the addresses that the directory lists for the bank under test, by path. Names of path
// parameters are those of the registry where the shape is the same.
func endpoints(b *check.Bench, party *check.Party) map[string]string {
	list := check.Given[[]map[string]any](b, "the directory's list of participants")(party.Participants(b.Context()))
	found := map[string]string{}
	for _, org := range list {
		for _, server := range members(org, "AuthorisationServers") {
			if server["AuthorisationServerId"] != b.Target().Bank.AuthorisationServerID {
				continue
			}
			for _, resource := range members(server, "ApiResources") {
				for _, endpoint := range members(resource, "ApiDiscoveryEndpoints") {
					address, _ := endpoint["ApiEndpoint"].(string)
					if u, err := url.Parse(address); err == nil {
						found[canonical(u.Path)] = address
					}
				}
			}
		}
	}
	return found
}

// canonical is the path of the registry's operation that a listed path means.
func canonical(path string) string {
	if at := strings.Index(path, "/open-banking/"); at > 0 {
		path = path[at:]
	}
	if op, _, _ := spec.Match("GET", path); op != nil {
		return op.FullPath()
	}
	return path
}

func members(of map[string]any, name string) []map[string]any {
	list, _ := of[name].([]any)
	var out []map[string]any
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// sizeOf is the page size in an address, or 0.
func sizeOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(u.Query().Get("page-size"))
	if err != nil {
		return 0
	}
	return n
}
