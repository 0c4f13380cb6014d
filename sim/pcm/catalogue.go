package pcm

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

// endpoint is one endpoint string with its methods, of any release.
type endpoint struct {
	name    string
	number  uint16
	list    string // spec.KindPrivate, spec.KindPortability or spec.KindOpenData
	methods []string
	rows    []spec.PCMEndpoint
	// clientOnly endpoints need no report of the other side: one without counterpart is no divergence.
	clientOnly bool
}

// catalogue is the list of endpoints. Number 0 is reserved for an unlisted one.
type catalogue struct {
	byName map[string]*endpoint
	all    []*endpoint
}

var endpoints = readCatalogue()

// tokenEndpoint is the number of /token, whose reports end a consent's journey.
var tokenEndpoint = endpoints.byName["/token"].number

func readCatalogue() catalogue {
	c := catalogue{byName: map[string]*endpoint{}, all: []*endpoint{{name: ""}}}
	for _, row := range spec.PCMEndpoints() {
		e := c.byName[row.Endpoint]
		if e == nil {
			e = &endpoint{name: row.Endpoint, number: uint16(len(c.all)), list: row.List, clientOnly: !strings.HasPrefix(row.Endpoint, "/open-banking/")}
			c.byName[row.Endpoint] = e
			c.all = append(c.all, e)
		}
		e.methods = append(e.methods, row.Method)
		e.rows = append(e.rows, row)
	}
	return c
}

// find returns the endpoint of that name, of whatever list and release, or nil. The double slash of the
// official page's payments rows is accepted as the corrected string.
func (c catalogue) find(name []byte) *endpoint {
	e := c.byName[string(name)]
	if e == nil && strings.Contains(string(name), "//consents") {
		e = c.byName[strings.Replace(string(name), "//consents", "/consents", 1)]
	}
	return e
}

// accepted says whether the dialect takes reports of the endpoint, and of this method where it is strict.
func (e *endpoint) accepted(d *Dialect, method string) bool {
	return slices.ContainsFunc(e.rows, func(r spec.PCMEndpoint) bool {
		return r.Accepted(d.release, d.on[swLegacyEndpoints]) && (!d.on[swStrictMethods] || method == "" || r.Method == method)
	})
}

// name returns the endpoint string behind a number.
func (c catalogue) name(number uint16) string {
	if int(number) < len(c.all) {
		return c.all[number].name
	}
	return ""
}
