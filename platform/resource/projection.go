package resource

import (
	"bytes"
	"encoding/json"

	"github.com/ensaio/ensaio/sim/spec"
)

// projection rewrites a record of the newest shape into the shape of an older version of its API. The
// zero value leaves records as they are.
type projection struct {
	// without lists members that the version does not know yet, by operation verb ("balances").
	without map[string][]string
}

// projections are the older versions, by API and version. The newest is not listed: sources speak it.
var projections = map[string]projection{
	"accounts@2.4.2": {without: map[string][]string{"accounts.balances": {"hasReservedBalance"}}},
}

func (p projection) apply(o *spec.Operation, body []byte) []byte {
	drop := p.without[o.ID]
	if len(drop) == 0 {
		return body
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil {
		return body
	}
	for _, name := range drop {
		delete(m, name)
	}
	var out bytes.Buffer
	if json.NewEncoder(&out).Encode(m) != nil {
		return body
	}
	return bytes.TrimSpace(out.Bytes())
}
