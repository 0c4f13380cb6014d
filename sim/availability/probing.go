package availability

import (
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// ProbeEvery is the interval of probes: what each of them stands for (availability page).
const ProbeEvery = 30 * time.Second

// ProbeTimeout is how long a probe waits for its answer.
const ProbeTimeout = time.Second

// The window in which a scheduled outage is counted apart, in seconds of the day: 01:00 to 07:00.
const windowFrom, windowTo = 1 * 3600, 7 * 3600

// Whole is the series of the institution itself: down while any of its endpoints is.
var Whole = Series{}

// down counts the probes of one day that found something down.
type down struct{ unplanned, scheduled int64 }

func (d *down) add(scheduled bool) {
	if scheduled {
		d.scheduled++
	} else {
		d.unplanned++
	}
}

type probedDay struct {
	probes int64
	vague  int64           // probes that told of a partial failure and named no endpoint
	any    down            // the institution: at least one endpoint
	all    down            // probes that named no endpoint because none answered
	own    map[string]down // by endpoint, beside all
}

// Probing computes availability as an institution publishes it of itself: by asking its status every
// thirty seconds (availability page). The zero value is empty and ready.
type Probing struct {
	days      map[Day]*probedDay
	endpoints map[string]bool
}

// Add takes a probe. One that finds something down stands for thirty seconds; SCHEDULED_OUTAGE from 01:00
// to 07:00 is counted apart, and outside of that window like any other.
func (p *Probing) Add(probe Probe) {
	d := p.day(DayOf(probe.At))
	d.probes++
	s := second(probe.At)
	window := s >= windowFrom && s < windowTo
	planned := probe.Code == ScheduledOutage && window
	if probe.Code != OK {
		if len(probe.Endpoints) == 0 && probe.Code != PartialFailure {
			d.any.add(planned)
			d.all.add(planned)
			return // all are down; naming some of them again adds nothing
		}
		d.any.add(planned)
		if len(probe.Endpoints) == 0 {
			d.vague++
		}
	} else if len(probe.Scheduled) > 0 {
		d.any.add(window)
	}
	counted := make(map[string]bool, len(probe.Endpoints)+len(probe.Scheduled))
	count := func(endpoints []string, planned bool) {
		for _, e := range endpoints {
			if counted[e] {
				continue
			}
			counted[e] = true
			p.know(e)
			own := d.own[e]
			own.add(planned)
			if d.own == nil {
				d.own = map[string]down{}
			}
			d.own[e] = own
		}
	}
	if probe.Code != OK {
		count(probe.Endpoints, planned)
	}
	count(probe.Scheduled, window)
}

// Know names endpoints that exist, so that they have days even when they never were down.
func (p *Probing) Know(endpoints ...string) {
	for _, e := range endpoints {
		p.know(e)
	}
}

func (p *Probing) know(endpoint string) {
	if p.endpoints == nil {
		p.endpoints = map[string]bool{}
	}
	p.endpoints[endpoint] = true
}

func (p *Probing) day(d Day) *probedDay {
	if p.days == nil {
		p.days = map[Day]*probedDay{}
	}
	if p.days[d] == nil {
		p.days[d] = &probedDay{}
	}
	return p.days[d]
}

// Merge takes everything that another computation holds.
func (p *Probing) Merge(o *Probing) {
	for e := range o.endpoints {
		p.know(e)
	}
	for d, theirs := range o.days {
		ours := p.day(d)
		ours.probes += theirs.probes
		ours.vague += theirs.vague
		ours.any.plus(theirs.any)
		ours.all.plus(theirs.all)
		for e, n := range theirs.own {
			own := ours.own[e]
			own.plus(n)
			if ours.own == nil {
				ours.own = map[string]down{}
			}
			ours.own[e] = own
		}
	}
}

func (d *down) plus(o down) { d.unplanned += o.unplanned; d.scheduled += o.scheduled }

// Endpoints lists the known endpoints, in order.
func (p *Probing) Endpoints() []string {
	list := make([]string, 0, len(p.endpoints))
	for e := range p.endpoints {
		list = append(list, e)
	}
	slices.Sort(list)
	return list
}

// Probes is how many probes were taken.
func (p *Probing) Probes() (n int64) {
	for _, d := range p.days {
		n += d.probes
	}
	return n
}

// ProbedDay is one day by probing, of one endpoint or of the whole institution.
type ProbedDay struct {
	Day       Day   `json:"date"`
	Probes    int64 `json:"probes"`
	Down      int64 `json:"downSeconds"`
	Scheduled int64 `json:"scheduledSeconds"` // counted apart
	// Availability is one less Down ÷ 86400.
	Availability Share   `json:"availability"`
	Verdict      Verdict `json:"verdict"`
}

// Days lists the probed days in order: of one endpoint, or of the institution when endpoint is "".
func (p *Probing) Days(endpoint string) []ProbedDay {
	list := make([]ProbedDay, 0, len(p.days))
	for d := range p.days {
		list = append(list, p.Day(endpoint, d))
	}
	slices.SortFunc(list, func(a, b ProbedDay) int { return int(a.Day - b.Day) })
	return list
}

// Day is one day of an endpoint, or of the institution when endpoint is ""; Undefined without probes.
func (p *Probing) Day(endpoint string, d Day) ProbedDay {
	on := p.days[d]
	if on == nil {
		return ProbedDay{Day: d, Verdict: Undefined}
	}
	n := on.any
	if endpoint != "" {
		n = on.all
		n.plus(on.own[endpoint])
	}
	const day, each = 86400, int64(ProbeEvery / time.Second)
	out := ProbedDay{Day: d, Probes: on.probes, Down: min(n.unplanned*each, day), Scheduled: min(n.scheduled*each, day)}
	out.Availability = Share{day - out.Down, day}
	out.Verdict = verdict(out.Availability.AtLeast(95, 100))
	return out
}

// Template is the template behind an address, a path or a template: what status answers and logs name.
// What the registry does not know is returned without host and query.
func Template(address string) string {
	path, _, _ := strings.Cut(address, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			path = rest[i:]
		} else {
			path = "/"
		}
	}
	if i := strings.Index(path, "/open-banking/"); i > 0 {
		path = path[i:]
	}
	if op := anyMethod(path); op != nil {
		return op.FullPath()
	}
	return path
}

// anyMethod is an operation of the path, whatever its method.
func anyMethod(path string) *spec.Operation {
	for _, method := range []string{"GET", "POST", "PATCH", "DELETE", "PUT"} {
		op, _, known := spec.Match(method, path)
		if op != nil {
			return op
		}
		if !known {
			break
		}
	}
	return nil
}
