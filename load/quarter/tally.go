package quarter

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/load/record"
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

func (t *tally) add(m met) {
	if t.errors == nil {
		t.errors, t.classes, t.operations = map[string]uint64{}, map[spec.Class][]time.Duration{}, map[string]*tallied{}
	}
	if m.Status == 0 {
		t.errors["connection"]++
		return
	}
	one := t.operations[m.name]
	if one == nil {
		one = &tallied{class: m.class, codes: map[string]uint64{}}
		t.operations[m.name] = one
	}
	code := strconv.Itoa(m.Status)
	one.codes[code]++
	if m.Status/100 == 2 {
		one.good++
	} else {
		t.errors[code]++
	}
	if m.Status != 423 && m.Status != 429 && m.Status != 529 {
		one.took = append(one.took, m.Took)
		t.classes[m.class] = append(t.classes[m.class], m.Took)
	}
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
