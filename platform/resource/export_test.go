package resource

import "github.com/ensaio/ensaio/sim/spec"

// Project shows the projection of an operation's version to the tests.
func Project(o *spec.Operation, body []byte) []byte {
	return projections[o.API.Name+"@"+o.API.Version].apply(o, body)
}
