package consents

import (
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// manyReads is how often a consent is read in a row. The official module reads 600 times; a limit that
// does not show within these is none that it would find.
const manyReads = 250

func limitChecks() []check.Check {
	return []check.Check{{
		ID: "CON-017", Name: "consents/reads-are-unlimited", Rules: rules("RS-HDR-07", "TRAF-01/exempt-apis"), Official: official("operational-limits"),
		Title:  "A consent can be read as often as the receiver likes",
		Why:    "Receivers poll consents; the standard limits them nowhere.",
		Causes: causes("a global limiter in front of all APIs"),
		Body: func(b *check.Bench) {
			d := open(b)
			id := d.made(d.body(balances...))
			half := func() {
				for i := range manyReads / 2 {
					b.Expect(d.call("consents.read", id).Send(b.Context()), "read %d", i+1).To(expect.Status(200))
				}
			}
			b.Together(half, half)
		},
	}}
}
