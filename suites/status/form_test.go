package status

import (
	"testing"

	"github.com/ensaio/ensaio/suites/expect"
)

func TestDurationsAreThoseOfISO8601(t *testing.T) {
	for text, want := range map[string]bool{
		"PT2H30M": true, "P1D": true, "P1DT12H": true, "PT45S": true, "P2W": true, "P1Y2M3DT4H5M6S": true, "PT90M": true,
		"P": false, "PT": false, "P1DT": false, "PT30M2H": false, "2h": false, "PT2H ": false, "02:30:00": false, "P1W2D": false, "": false,
	} {
		if ok, err := expect.Matching(durationForm).Match(text); err != nil || ok != want {
			t.Errorf("%q is a duration: %v %v", text, ok, err)
		}
	}
}
