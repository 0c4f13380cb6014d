package gateway

import (
	"net/http"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

// methods lists what the called path allows, for the Allow header (RFC 9110 10.2.1).
func (x *exchange) methods() string {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if op, _, _ := spec.Match(m, x.request.URL.Path); op != nil {
			allowed = append(allowed, m)
		}
	}
	return strings.Join(allowed, ", ")
}
