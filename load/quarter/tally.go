package quarter

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/spec"
)

// tally is what the calls of the traffic were like, for the common form of load reports.
type tally struct {
	errors     map[string]uint64 // by status other than 2xx, or kind of failure
	classes    map[spec.Class][]time.Duration
	operations map[string]*tallied
}

type tallied struct {
	class spec.Class
	took  []time.Duration
	codes map[string]uint64
	good  uint64
}

func (t *tally) add(c availability.Call, e *tpp.Exchange) {
	if t.errors == nil {
		t.errors, t.classes, t.operations = map[string]uint64{}, map[spec.Class][]time.Duration{}, map[string]*tallied{}
	}
	class, name := record.Security, e.Name
	if e.Operation != nil {
		class, name = e.Operation.Class, e.Operation.ID
	}
	one := t.operations[name]
	if one == nil {
		one = &tallied{class: class, codes: map[string]uint64{}}
		t.operations[name] = one
	}
	code := strconv.Itoa(c.Status)
	one.codes[code]++
	if c.Status/100 == 2 {
		one.good++
	} else {
		t.errors[code]++
	}
	if c.Status != 423 && c.Status != 429 && c.Status != 529 {
		one.took = append(one.took, c.Took)
		t.classes[class] = append(t.classes[class], c.Took)
	}
}

// fail counts a call that found nobody.
func (t *tally) fail(*tpp.Exchange) {
	if t.errors == nil {
		t.errors = map[string]uint64{}
	}
	t.errors["connection"]++
}

func (t *tally) rows() (classes []record.ClassRow, endpoints []record.EndpointRow) {
	for _, class := range []spec.Class{spec.High, spec.MediumHigh, spec.Medium, spec.Low, record.Security} {
		took := t.classes[class]
		if len(took) == 0 {
			continue
		}
		slices.Sort(took)
		row := record.ClassRow{Class: string(class), Count: uint64(len(took)), P50Ms: percentile(took, 0.5), P95Ms: percentile(took, 0.95),
			P99Ms: percentile(took, 0.99), MaxMs: percentile(took, 1), BudgetMs: limit(class), Exact: true}
		row.OK = row.BudgetMs == 0 || row.P95Ms <= float64(row.BudgetMs)
		classes = append(classes, row)
	}
	for name, one := range t.operations {
		slices.Sort(one.took)
		row := record.EndpointRow{Operation: name, Class: string(one.class), OK: one.good, Codes: one.codes, BudgetMs: limit(one.class)}
		for _, n := range one.codes {
			row.Count += n
		}
		if len(one.took) > 0 {
			row.P50Ms, row.P95Ms, row.P99Ms, row.MaxMs = percentile(one.took, 0.5), percentile(one.took, 0.95), percentile(one.took, 0.99), percentile(one.took, 1)
			row.ServiceP95Ms = row.P95Ms
		}
		endpoints = append(endpoints, row)
	}
	slices.SortFunc(endpoints, func(a, b record.EndpointRow) int { return compareText(a.Operation, b.Operation) })
	return classes, endpoints
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func limit(class spec.Class) int64 {
	if class == record.Security {
		return 0
	}
	return int64(class.Budget())
}

// percentile is by the published index rule.
func percentile(sorted []time.Duration, share float64) float64 {
	at := max(1, int(math.Round(share*float64(len(sorted)))))
	return float64(sorted[at-1].Microseconds()) / 1000
}
