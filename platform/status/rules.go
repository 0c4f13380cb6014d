package status

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// overloaded is the status of a call beyond the bound of all calls.
const overloaded = 529

// observation is the end of a call, as far as it tells of the endpoint's health.
type observation struct {
	operation string
	status    int
	planned   bool // a scheduled outage answered it
}

var errNoTrouble = errors.New("says nothing of the endpoint")

// exemptRules say what is no sign of trouble: a breach means that the answer is left alone.
var exemptRules = rule.NewSet("availability exemption",
	rule.Rule[observation]{ID: "DISP-01/client-errors-are-no-downtime", Text: "What the caller did wrong (4xx) is no downtime of the endpoint.", Weight: fault.Major,
		Check: func(_ context.Context, x observation) error {
			if x.status < http.StatusInternalServerError {
				return errNoTrouble
			}
			return nil
		}},
	rule.Rule[observation]{ID: "DISP-01/refusals-are-no-downtime", Text: "A call refused for load (529) is a rejection, and no downtime of the endpoint.", Weight: fault.Minor,
		Check: func(_ context.Context, x observation) error {
			if x.status == overloaded {
				return errNoTrouble
			}
			return nil
		}},
	rule.Rule[observation]{ID: "DISP-02/announced-work-is-no-failure", Text: "What a scheduled outage answers is no failure found.", Weight: fault.Minor,
		Check: func(_ context.Context, x observation) error {
			if x.planned {
				return errNoTrouble
			}
			return nil
		}},
)

// trouble says whether the answer speaks against the endpoint.
func (x observation) trouble(sw *fault.Seams) bool {
	return exemptRules.Check(context.Background(), sw, x) == nil
}

var errDowntime = errors.New("counts as downtime")

// apartRules say which seconds of a scheduled outage are counted apart: a breach means downtime.
var apartRules = rule.NewSet("scheduled outage apart",
	rule.Rule[bool]{ID: "DISP-02/night-work-only-at-night", Text: "A scheduled outage is counted apart between 01:00 and 07:00 in Brasília, and as downtime by day.", Weight: fault.Major,
		Check: func(_ context.Context, night bool) error {
			if !night {
				return errDowntime
			}
			return nil
		}},
)

// draft is an outage about to be announced or changed.
type draft struct {
	was  *Outage // nil when it is new
	next *Outage
	now  time.Time
}

var draftRules = rule.NewSet("scheduled outage",
	rule.Rule[draft]{ID: "DISP-03/announced-beforehand", Text: "An outage is announced, and moved, before it begins.", Weight: fault.Major,
		Check: func(_ context.Context, d draft) error {
			if d.was != nil && d.was.Start.Equal(d.next.Start) {
				return nil // one under way may be prolonged or cut short
			}
			if d.next.Start.Before(d.now.Truncate(time.Second)) {
				return errors.New("start: it has passed; an outage is announced before it begins; trouble without notice goes to /failures")
			}
			return nil
		}},
	rule.Rule[draft]{ID: "DISP-03/stops-no-more", Text: "An outage under way may be prolonged or cut short, but stops no more than was announced.", Weight: fault.Minor,
		Check: func(_ context.Context, d draft) error {
			if d.was != nil && d.was.in(d.now) && !d.was.scope.holds(d.next.scope) {
				return errors.New("operations: the outage is under way, and stops no more than was announced; announce another for the rest")
			}
			return nil
		}},
	rule.Rule[draft]{ID: "DISP-03/over-stays-over", Text: "An outage that is over is not changed.", Weight: fault.Minor,
		Check: func(_ context.Context, d draft) error {
			if d.was != nil && !d.now.Before(d.was.end()) && d.was.Start.Equal(d.next.Start) {
				return errors.New("the outage is over; announce another")
			}
			return nil
		}},
	rule.Rule[draft]{ID: "DISP-03/ends", Text: "An outage lasts for some time, and no longer than a month.", Weight: fault.Minor,
		Check: func(_ context.Context, d draft) error {
			if l := d.next.length; l <= 0 || l > 31*24*time.Hour {
				return errors.New("duration: want more than nothing and at most P31D")
			}
			return nil
		}},
)

var periodRules = rule.NewSet("metrics question",
	rule.Rule[string]{ID: "ADM-01/period-is-known", Text: "period is CURRENT or ALL, or left out.", Weight: fault.Minor,
		Check: func(_ context.Context, period string) error {
			if period != "" && period != "CURRENT" && period != "ALL" {
				return call.Refuse(http.StatusBadRequest, "PARAMETRO_INVALIDO", "Parâmetro inválido", "period deve ser CURRENT ou ALL")
			}
			return nil
		}},
)

// Rules lists every sentence this package keeps.
func Rules() []rule.Info {
	return slices.Concat(exemptRules.Rules(), apartRules.Rules(), draftRules.Rules(), periodRules.Rules())
}
