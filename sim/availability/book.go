package availability

import (
	"maps"
	"time"
)

// Book holds every computation over one period. The zero value takes everything.
type Book struct {
	From, To Day // both included; 0 is open
	// Zone is that of times in a log which name none; nil refuses such times.
	Zone *time.Location

	Traffic    Traffic
	Probing    Probing
	Latency    Latency
	Overload   Overload
	Timeliness Timeliness
	Conversion Conversion

	join joining
}

func (b *Book) within(d Day) bool {
	return (b.From == 0 || d >= b.From) && (b.To == 0 || d <= b.To)
}

// Call takes a call into every computation; false when it lies outside the period.
func (b *Book) Call(c Call) bool {
	if !b.within(DayOf(c.At)) {
		return false
	}
	b.Traffic.Add(c)
	b.Latency.Add(c)
	b.Overload.Add(c)
	return true
}

// Probe takes a probe; false when it lies outside the period.
func (b *Book) Probe(p Probe) bool {
	if !b.within(DayOf(p.At)) {
		return false
	}
	b.Probing.Add(p)
	return true
}

func (b *Book) call(c Call, in *Input) bool {
	if !b.Call(c) {
		in.Outside++
		return false
	}
	in.Calls++
	return true
}

func (b *Book) probe(p Probe, in *Input) {
	if !b.Probe(p) {
		in.Outside++
		return
	}
	in.Probes++
}

// Cut ends the period with a day and forgets what was taken of later ones.
func (b *Book) Cut(last Day) {
	b.To = last
	later := func(d Day) bool { return d > last }
	for _, days := range b.Traffic.series {
		maps.DeleteFunc(days, func(d Day, _ *minutes) bool { return later(d) })
	}
	for _, days := range b.Latency.series {
		maps.DeleteFunc(days, func(d Day, _ *spread) bool { return later(d) })
	}
	for _, days := range b.Overload.days {
		maps.DeleteFunc(days, func(d Day, _ Share) bool { return later(d) })
	}
	maps.DeleteFunc(b.Probing.days, func(d Day, _ *probedDay) bool { return later(d) })
}

// Merge takes everything that another book holds. Reports that still wait for their counterpart do not
// find it across books.
func (b *Book) Merge(o *Book) {
	b.Traffic.Merge(&o.Traffic)
	b.Probing.Merge(&o.Probing)
	b.Latency.Merge(&o.Latency)
	b.Overload.Merge(&o.Overload)
	b.Timeliness.Merge(&o.Timeliness)
	b.Conversion.Merge(&o.Conversion)
}
