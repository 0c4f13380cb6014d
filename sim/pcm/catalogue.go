package pcm

import (
	_ "embed"
	"strings"
)

//go:embed endpoints.txt
var endpointTable string

// endpoint is one accepted endpoint string with its methods.
type endpoint struct {
	name    string
	number  uint16
	list    string // "private", "portability", "opendata"
	methods []string
	// clientOnly endpoints need no report of the other side: one without counterpart is no divergence.
	clientOnly bool
}

// catalogue is the list of accepted endpoints. Number 0 is reserved for an unlisted one.
type catalogue struct {
	byName map[string]*endpoint
	all    []*endpoint
}

var endpoints = parseCatalogue(endpointTable)

// tokenEndpoint is the number of /token, whose reports end a consent's journey.
var tokenEndpoint = endpoints.byName["/token"].number

func parseCatalogue(table string) catalogue {
	c := catalogue{byName: map[string]*endpoint{}, all: []*endpoint{{name: ""}}}
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] == "#" {
			continue
		}
		e := c.byName[f[1]]
		if e == nil {
			e = &endpoint{name: f[1], number: uint16(len(c.all)), list: f[2], clientOnly: !strings.HasPrefix(f[1], "/open-banking/")}
			c.byName[f[1]] = e
			c.all = append(c.all, e)
		}
		e.methods = append(e.methods, f[0])
	}
	return c
}

// find returns the endpoint of that name on a list, or nil. The double slash of the official page's
// payments rows is accepted as the corrected string.
func (c catalogue) find(name []byte, lists ...string) *endpoint {
	e := c.byName[string(name)]
	if e == nil && strings.Contains(string(name), "//consents") {
		e = c.byName[strings.Replace(string(name), "//consents", "/consents", 1)]
	}
	if e == nil {
		return nil
	}
	for _, l := range lists {
		if e.list == l {
			return e
		}
	}
	return nil
}

// name returns the endpoint string behind a number.
func (c catalogue) name(number uint16) string {
	if int(number) < len(c.all) {
		return c.all[number].name
	}
	return ""
}
