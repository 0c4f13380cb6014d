package record

import (
	"maps"
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Slice is one slot of the timeline. Requests stand where they were due, however late they were answered, and also
// those that never left; only Achieved counts by when an answer came: a connection that was refused is none.
type Slice struct {
	Offered  uint64
	Achieved uint64
	Prompt   uint64 // of the achieved, those within the budget of their class
	Classes  map[spec.Class]*Cell
}

// Cell is one class within one slot.
type Cell struct {
	Count  uint64
	Good   uint64
	Codes  map[int]uint64    // of answers other than 2xx
	Fails  map[string]uint64 // by kind
	Sketch Sketch            // corrected latency of the answers whose latency counts
}

func newSlice() *Slice { return &Slice{Classes: map[spec.Class]*Cell{}} }

func (s *Slice) cell(class spec.Class) *Cell {
	c := s.Classes[class]
	if c == nil {
		c = &Cell{Codes: map[int]uint64{}, Fails: map[string]uint64{}, Sketch: Sketch{}}
		s.Classes[class] = c
	}
	return c
}

func (s *Slice) arrive(m Sample) {
	s.Offered++
	c := s.cell(m.Class)
	c.Count++
	if m.good() {
		c.Good++
	}
	if m.Status != 0 && m.Status/100 != 2 {
		c.Codes[m.Status]++
	}
	if m.Failure != "" {
		c.Fails[m.Failure]++
	}
	if m.timed() {
		c.Sketch.record(m.Done - m.Due)
	}
}

func (s *Slice) merge(o *Slice) {
	s.Offered += o.Offered
	s.Achieved += o.Achieved
	s.Prompt += o.Prompt
	for class, from := range o.Classes {
		c := s.cell(class)
		c.Count += from.Count
		c.Good += from.Good
		addAll(c.Codes, from.Codes)
		addAll(c.Fails, from.Fails)
		for b, n := range from.Sketch {
			c.Sketch[b] += n
		}
	}
}

// Point is one class in one slot of the timeline, as reports give it.
type Point struct {
	Class spec.Class `json:"class"`
	Count uint64     `json:"count"`
	OK    uint64     `json:"ok"`
	P50Ms float64    `json:"p50Ms"`
	P95Ms float64    `json:"p95Ms"`
	P99Ms float64    `json:"p99Ms"`
	MaxMs float64    `json:"maxMs"`
}

// points are the classes of the slice in a fixed order.
func (s *Slice) points() []Point {
	points := []Point{}
	for _, class := range classesOf(s.Classes) {
		c := s.Classes[class]
		sorted := sortedKeys(c.Sketch)
		at := func(p int) float64 { return ms(c.Sketch.percentile(p, sorted)) }
		points = append(points, Point{Class: class, Count: c.Count, OK: c.Good, P50Ms: at(50), P95Ms: at(95), P99Ms: at(99), MaxMs: at(100)})
	}
	return points
}

// classOrder is the order in which people read classes.
var classOrder = []spec.Class{spec.High, spec.MediumHigh, spec.Medium, spec.Low, Security, Journey}

func classesOf[V any](m map[spec.Class]V) []spec.Class {
	keys := keysOf(m)
	slices.SortFunc(keys, func(a, b spec.Class) int {
		if i, j := slices.Index(classOrder, a), slices.Index(classOrder, b); i != j {
			return i - j
		}
		return slices.Compare([]byte(a), []byte(b))
	})
	return keys
}

func sortedKeys(k Sketch) []uint16 { return slices.Sorted(maps.Keys(k)) }

func ms(d time.Duration) float64 { return millis(d.Microseconds()) }
