package availability

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// ConsentRequest is one request for a consent, created or refused, and what became of it.
type ConsentRequest struct {
	At     time.Time
	Server string // organisation that was asked
	// Refused for want of permissions: no part of the rate.
	Refused bool
	// Tokened says that a token came of it.
	Tokened bool
}

// Conversion computes the share of consent requests that yielded a token, by institution and month of whole
// weeks (monitoring page on conversion). The zero value is empty and ready.
type Conversion struct{ months map[string]map[string]Share }

// Add takes a consent request.
func (c *Conversion) Add(r ConsentRequest) {
	if r.Refused {
		return
	}
	n := Share{Whole: 1}
	if r.Tokened {
		n.Part = 1
	}
	c.add(r.Server, ConversionMonth(r.At), n)
}

func (c *Conversion) add(server, month string, n Share) {
	if c.months == nil {
		c.months = map[string]map[string]Share{}
	}
	if c.months[server] == nil {
		c.months[server] = map[string]Share{}
	}
	have := c.months[server][month]
	c.months[server][month] = Share{have.Part + n.Part, have.Whole + n.Whole}
}

// Merge takes everything that another computation holds.
func (c *Conversion) Merge(o *Conversion) {
	for server, months := range o.months {
		for m, n := range months {
			c.add(server, m, n)
		}
	}
}

// ConversionMonth is the month, YYYY-MM, in which the Friday lies that ends the week of an instant; weeks
// run from Saturday.
func ConversionMonth(t time.Time) string {
	d := DayOf(t) // day 0 was a Thursday, so that day 1 was a Friday
	return (d + ((1-d)%7+7)%7).Month()
}

// Rates gives the months of an institution.
func (c *Conversion) Rates(server string) map[string]Share { return maps.Clone(c.months[server]) }

// Standing is how a conversion rate compares with the least that is expected.
type Standing string

// The standings: below 80 % of the least a notice, below 60 % an independent diagnosis.
const (
	Fine      Standing = "fine"
	Below     Standing = "below"
	Notice    Standing = "notice"
	Diagnosis Standing = "diagnosis"
)

// Least is the rate expected in a month: 80 % of the weighted mean of the three best institutions of the
// three months before, less three points. It is undefined when those months have no figure.
func (c *Conversion) Least(month string) Share {
	at, err := time.Parse("2006-01", month)
	if err != nil {
		return Share{}
	}
	var rates []Share
	for _, months := range c.months {
		var sum Share
		for back := 1; back <= 3; back++ {
			n := months[at.AddDate(0, -back, 0).Format("2006-01")]
			sum.Part, sum.Whole = sum.Part+n.Part, sum.Whole+n.Whole
		}
		if sum.Defined() {
			rates = append(rates, sum)
		}
	}
	if len(rates) == 0 {
		return Share{}
	}
	slices.SortFunc(rates, func(a, b Share) int {
		if d := a.Part*b.Whole - b.Part*a.Whole; d != 0 {
			return int(max(-1, min(-d, 1)))
		}
		return int(max(-1, min(b.Whole-a.Whole, 1)))
	})
	var best Share
	for _, r := range rates[:min(3, len(rates))] {
		best.Part, best.Whole = best.Part+r.Part, best.Whole+r.Whole
	}
	return Share{max(0, 80*best.Part-3*best.Whole), 100 * best.Whole}
}

// Stand compares a rate with the least expected, exactly.
func Stand(rate, least Share) Standing {
	switch {
	case rate.AtLeast(least.Part, least.Whole):
		return Fine
	case rate.AtLeast(8*least.Part, 10*least.Whole):
		return Below
	case rate.AtLeast(6*least.Part, 10*least.Whole):
		return Notice
	}
	return Diagnosis
}

// Servers lists the institutions, in order.
func (c *Conversion) Servers() []string {
	return slices.SortedFunc(maps.Keys(c.months), strings.Compare)
}

// ServerConversion is one institution's conversion of consent requests.
type ServerConversion struct {
	Server string           `json:"server"`
	Months map[string]Share `json:"months"`
	// Least is what was expected, and Standings how the rate compares with it, of the months that follow
	// others on record.
	Least     map[string]Share    `json:"least,omitempty"`
	Standings map[string]Standing `json:"standings,omitempty"`
}

// conversion compares the months of each institution with what was expected of them.
func (j *judging) conversion() {
	c := &j.book.Conversion
	for _, server := range c.Servers() {
		s := ServerConversion{Server: server, Months: c.Rates(server), Least: map[string]Share{}, Standings: map[string]Standing{}}
		for _, month := range slices.Sorted(maps.Keys(s.Months)) {
			rate, least := s.Months[month], c.Least(month)
			if !least.Defined() {
				continue
			}
			s.Least[month], s.Standings[month] = least, Stand(rate, least)
			if s.Standings[month] == Fine {
				j.count(Conforming)
				continue
			}
			j.count(NonConforming)
			j.fails(least.Float()-rate.Float(), "%s: %s of the consents asked of %s yielded a token, and %s were expected (%s)", month, Percent(rate.Float()), server, Percent(least.Float()), s.Standings[month])
		}
		j.report.Conversion = append(j.report.Conversion, s)
	}
}
