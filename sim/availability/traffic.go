package availability

import (
	"slices"
	"time"
)

// minute counts the valid calls of one minute.
type minute struct{ success, failure uint32 }

// up says whether at least 95 % of the minute's valid calls succeeded.
func (m minute) up() bool {
	return 20*uint64(m.success) >= 19*(uint64(m.success)+uint64(m.failure))
}

// minutes are a day's 1440 slots, in hours that exist only where there was traffic.
type minutes [24]*[60]minute

func (m *minutes) at(t time.Time) *minute {
	s := second(t)
	hour := &m[s/3600]
	if *hour == nil {
		*hour = new([60]minute)
	}
	return &(*hour)[s/60%60]
}

// Traffic computes availability as the monitoring does, from what callers reported (monitoring page on
// API availability). The zero value is empty and ready.
type Traffic struct {
	series map[Series]map[Day]*minutes
	// Left counts the records that do not count, by reason.
	Left map[string]int64
}

// Add takes a call. Statuses that say nothing of availability are ignored.
func (t *Traffic) Add(c Call) {
	if reason := c.Counts(); reason != "" {
		if t.Left == nil {
			t.Left = map[string]int64{}
		}
		t.Left[reason]++
		return
	}
	if !Valid(c.Status) {
		return
	}
	m := t.day(Series{c.Server, c.Endpoint}, DayOf(c.At)).at(c.At)
	if Success(c.Status) {
		m.success++
	} else {
		m.failure++
	}
}

func (t *Traffic) day(s Series, d Day) *minutes {
	if t.series == nil {
		t.series = map[Series]map[Day]*minutes{}
	}
	days := t.series[s]
	if days == nil {
		days = map[Day]*minutes{}
		t.series[s] = days
	}
	if days[d] == nil {
		days[d] = new(minutes)
	}
	return days[d]
}

// Merge takes everything that another computation holds.
func (t *Traffic) Merge(o *Traffic) {
	for s, days := range o.series {
		for d, theirs := range days {
			ours := t.day(s, d)
			for h, hour := range theirs {
				if hour == nil {
					continue
				}
				if ours[h] == nil {
					ours[h] = new([60]minute)
				}
				for i, m := range hour {
					ours[h][i].success += m.success
					ours[h][i].failure += m.failure
				}
			}
		}
	}
	for reason, n := range o.Left {
		if t.Left == nil {
			t.Left = map[string]int64{}
		}
		t.Left[reason] += n
	}
}

// Series lists what there was traffic on, in order.
func (t *Traffic) Series() []Series { return ordered(t.series) }

func ordered[V any](m map[Series]V) []Series {
	list := make([]Series, 0, len(m))
	for s := range m {
		list = append(list, s)
	}
	slices.SortFunc(list, compare)
	return list
}

// TrafficDay is one endpoint's day by traffic.
type TrafficDay struct {
	Day     Day   `json:"date"`
	Success int64 `json:"success"` // valid calls: 2xx and 422
	Failure int64 `json:"failure"` // valid calls: 5xx and 408
	Minutes int   `json:"minutes"` // that had valid calls
	Up      int   `json:"minutesAvailable"`
	// Availability is Up ÷ Minutes; undefined without traffic.
	Availability Share   `json:"availability"`
	Verdict      Verdict `json:"verdict"`
	down         []int   // minutes of the day that were not available
}

// Days lists the days of a series that had valid calls, in order.
func (t *Traffic) Days(s Series) []TrafficDay {
	var list []TrafficDay
	for d, m := range t.series[s] {
		list = append(list, m.judge(d))
	}
	slices.SortFunc(list, func(a, b TrafficDay) int { return int(a.Day - b.Day) })
	return list
}

// Day is one day of a series, Undefined without valid calls.
func (t *Traffic) Day(s Series, d Day) TrafficDay {
	if m := t.series[s][d]; m != nil {
		return m.judge(d)
	}
	return TrafficDay{Day: d, Verdict: Undefined}
}

func (m *minutes) judge(d Day) TrafficDay {
	day := TrafficDay{Day: d, Verdict: Undefined}
	for h, hour := range m {
		if hour == nil {
			continue
		}
		for i, slot := range hour {
			if slot.success+slot.failure == 0 {
				continue
			}
			day.Success += int64(slot.success)
			day.Failure += int64(slot.failure)
			day.Minutes++
			if slot.up() {
				day.Up++
			} else {
				day.down = append(day.down, h*60+i)
			}
		}
	}
	day.Availability = Share{int64(day.Up), int64(day.Minutes)}
	if day.Minutes > 0 {
		day.Verdict = verdict(day.Availability.AtLeast(95, 100))
	}
	return day
}
