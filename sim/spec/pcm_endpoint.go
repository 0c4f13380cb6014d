package spec

import (
	_ "embed"
	"strings"
)

//go:embed pcm_endpoints.txt
var endpointTable string

// PCMEndpoint is a method and endpoint that reports may name.
type PCMEndpoint struct {
	Method   string
	Endpoint string
	List     string // KindPrivate, KindPortability or KindOpenData
	// Operation of the registry behind the endpoint; nil for those of the authorization server and those
	// that the registry does not have.
	Operation *Operation
	// ClientOnly endpoints are reported by the caller alone.
	ClientOnly bool
	// Owed says that every call must be reported; the others may be.
	Owed bool
	// Legacy rows are majors of before, accepted while the legacy list is on.
	Legacy bool
	// Since and Until are the first release that accepts the row and the first that does not any more.
	Since, Until Release
}

// Accepted says whether a release takes reports of the endpoint; legacy says whether the list of old
// majors is on.
func (e *PCMEndpoint) Accepted(r Release, legacy bool) bool {
	switch {
	case e.Legacy && e.Until == 0:
		return legacy
	case e.Until != 0 && legacy:
		return r >= e.Since
	}
	return r.Within(e.Since, e.Until)
}

// PCMEndpoints lists every endpoint that a release of the metrics platform accepts or accepted.
func PCMEndpoints() []PCMEndpoint { return pcmEndpoints }

// FindPCMEndpoint returns the row of a method and endpoint template, or false.
func FindPCMEndpoint(method, endpoint string) (PCMEndpoint, bool) {
	i, ok := pcmIndex[method+" "+endpoint]
	if !ok {
		return PCMEndpoint{}, false
	}
	return pcmEndpoints[i], true
}

var (
	pcmEndpoints = readEndpoints(endpointTable)
	pcmIndex     = func() map[string]int {
		m := make(map[string]int, len(pcmEndpoints))
		for i, e := range pcmEndpoints {
			m[e.Method+" "+e.Endpoint] = i
		}
		return m
	}()
)

func readEndpoints(table string) []PCMEndpoint {
	var list []PCMEndpoint
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "#":
		case f[0] == "legacy" && strings.HasPrefix(f[2], "/"):
			list = append(list, PCMEndpoint{Method: f[1], Endpoint: f[2], List: KindOpenData, Legacy: true, Since: 1})
		case f[0] == "legacy":
			list = append(list, olderMajor(list, f[1:])...)
		default:
			op, _, _ := Match(f[0], f[1])
			list = append(list, PCMEndpoint{
				Method: f[0], Endpoint: f[1], List: f[2], Operation: op, ClientOnly: f[3] == string(ClientSide), Owed: f[4] == "owed",
				Since: mustRelease(f[5]), Until: mustRelease(f[6]),
			})
		}
	}
	return list
}

// olderMajor repeats the rows of an API's major under an older one: api, major there, major wanted, and
// the release until which it was on the list itself.
func olderMajor(list []PCMEndpoint, f []string) (older []PCMEndpoint) {
	from, to := "/open-banking/"+f[0]+"/"+f[1]+"/", "/open-banking/"+f[0]+"/"+f[2]+"/"
	for _, e := range list {
		if rest, ok := strings.CutPrefix(e.Endpoint, from); ok && !e.Legacy {
			e.Endpoint, e.Operation, e.Legacy, e.Since, e.Until = to+rest, nil, true, 1, 0
			if len(f) > 3 {
				e.Until = mustRelease(f[3])
			}
			older = append(older, e)
		}
	}
	return older
}
