// Package availability is the regulator's arithmetic: pure functions over records of calls and probes
// that give days, rolling ninety days, months, verdicts and grades, as the monitoring computes them.
//
// It promises that the order and the grouping of records never matter, that what sits exactly on a limit
// is judged by whole numbers and never by a rounded one, and that memory grows with days, endpoints and
// distinct durations, not with calls; of an export also with the reports whose counterpart was not
// read. It refuses to give a verdict where the rule defines none: a day without valid traffic is [Undefined].
// Days are those of Brasília. The clauses are the portal's pages on availability, response time, overload,
// reporting and conversion; docs/availability.md works an example.
package availability

import (
	"fmt"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Brasilia is the time of every rule here: three hours behind UTC, all year.
var Brasilia = time.FixedZone("BRT", -3*60*60)

// Call is one call of an operation, as one side of it tells.
type Call struct {
	At       time.Time     // when it began
	Took     time.Duration // until the answer; zero or less is unknown and judged by no latency rule
	Server   string        // organisation that answered
	Client   string        // organisation that asked
	Method   string
	Endpoint string // path template: "/open-banking/accounts/v2/accounts/{accountId}/balances", "/token"
	Status   int
	Side     spec.Side // who tells; "" is the log of one institution, which nobody pairs
	State    string    // of the report at the metrics platform; "" outside of it
}

// Counts says whether the monitoring counts the call: the consumer's account, and the provider's only
// where there is no other. Inconsistent and discarded reports never count. The reason is "" when it does.
func (c Call) Counts() (reason string) {
	switch {
	case c.State == spec.ReportDiscarded:
		return "discarded"
	case c.State == spec.ReportPairedInconsistent:
		return "paired inconsistently"
	case c.Side != spec.ServerSide, c.State == "", c.State == spec.ReportUnpaired, c.State == spec.ReportSingle:
		return ""
	}
	return "provider's account beside the consumer's"
}

// Valid says whether a status takes part in availability: 2xx, 5xx, 408 and 422.
func Valid(status int) bool { return Success(status) || Failure(status) }

// Success says whether a valid status counts as available: 2xx and 422.
func Success(status int) bool { return status/100 == 2 || status == 422 }

// missing says whether a status tells that there is no such endpoint. Where the registry knows none either,
// somebody tried a door: that is no call of the standard.
func missing(status int) bool { return status == 404 || status == 405 }

// Failure says whether a valid status counts against availability: 5xx and 408.
func Failure(status int) bool { return status/100 == 5 || status == 408 }

// The codes of GET /discovery/v2/status.
const (
	OK              = "OK"
	PartialFailure  = "PARTIAL_FAILURE"
	Unavailable     = "UNAVAILABLE"
	ScheduledOutage = "SCHEDULED_OUTAGE"
)

// Probe is one question to GET /discovery/v2/status and what came of it.
type Probe struct {
	At   time.Time
	Code string // OK, PARTIAL_FAILURE, UNAVAILABLE, SCHEDULED_OUTAGE; "" is no answer within a second
	// Endpoints are the templates that the answer called unavailable; empty means all of them, when the
	// code is neither OK nor PARTIAL_FAILURE.
	Endpoints []string
	// Scheduled are the templates that an answer of another code named under SCHEDULED_OUTAGE beside it.
	Scheduled []string
}

// Day is a day in Brasília, counted from 1970-01-01.
type Day int32

// DayOf is the day of an instant in Brasília.
func DayOf(t time.Time) Day { return Day(floor(t.Unix()-3*60*60, 86400)) }

// ParseDay reads YYYY-MM-DD.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("%q is no day such as 2027-03-01", s)
	}
	return Day(floor(t.Unix(), 86400)), nil
}

// Start is the day's midnight in Brasília.
func (d Day) Start() time.Time { return time.Unix(int64(d)*86400+3*60*60, 0).In(Brasilia) }

func (d Day) String() string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

// MarshalText writes YYYY-MM-DD.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD.
func (d *Day) UnmarshalText(b []byte) (err error) { *d, err = ParseDay(string(b)); return err }

// Month is the day's month, YYYY-MM.
func (d Day) Month() string { return d.String()[:7] }

func (d Day) monthStart() Day {
	t := time.Unix(int64(d)*86400, 0).UTC()
	return d - Day(t.Day()-1)
}

// nextMonth is the first day of the month after that of d, which must be a first day itself.
func (d Day) nextMonth() Day {
	return Day(floor(time.Unix(int64(d)*86400, 0).UTC().AddDate(0, 1, 0).Unix(), 86400))
}

// second is the second of the day in Brasília, 0 to 86399.
func second(t time.Time) int { s := t.Unix() - 3*60*60; return int(s - floor(s, 86400)*86400) }

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Verdict is what a rule says of a day, a month or a whole record.
type Verdict string

// The verdicts. Tolerated days of latency lie above the limit, but within a fifth of it.
const (
	Conforming    Verdict = "conforming"
	Tolerated     Verdict = "tolerated"
	NonConforming Verdict = "non-conforming"
	Undefined     Verdict = "undefined"
)

func verdict(ok bool) Verdict {
	if ok {
		return Conforming
	}
	return NonConforming
}

// worse is the worse of two verdicts; an undefined one adds nothing.
func worse(a, b Verdict) Verdict {
	rank := map[Verdict]int{Undefined: 0, "": 0, Conforming: 1, Tolerated: 2, NonConforming: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Series is what one figure is about: one endpoint of one organisation. The template carries the major
// version, so that two live majors are two series; methods of one template are one, as the monitoring has it.
type Series struct {
	Server   string `json:"server,omitempty"`
	Endpoint string `json:"endpoint"`
}

// Major is the major version in the template, "v2", or "" where there is none.
func (s Series) Major() string {
	for seg := range strings.SplitSeq(s.Endpoint, "/") {
		if len(seg) > 1 && seg[0] == 'v' && strings.Trim(seg[1:], "0123456789") == "" {
			return seg
		}
	}
	return ""
}

// Webhook says whether the endpoint is one of those that tell of events, which have no latency rule.
func (s Series) Webhook() bool { return strings.Contains(s.Endpoint, "/webhook/") }

// Service says whether the endpoint is one of payments, automatic payments or enrolments, whose
// availability follows the institution's category at Pix.
func (s Series) Service() bool {
	for _, api := range []string{"/payments/", "/automatic-payments/", "/enrollments/"} {
		if strings.Contains(s.Endpoint, "/open-banking"+api) {
			return true
		}
	}
	return false
}

// Budget is the p95 of a day that the endpoint may take: that of its class, and of class high where the
// registry does not know it.
func (s Series) Budget() (spec.Class, time.Duration) {
	class := spec.High
	if op := anyMethod(s.Endpoint); op != nil {
		class = op.Class
	}
	return class, time.Duration(class.Budget()) * time.Millisecond
}

func compare(a, b Series) int {
	if a.Server != b.Server {
		return strings.Compare(a.Server, b.Server)
	}
	return strings.Compare(a.Endpoint, b.Endpoint)
}
