package pcm

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Closing is the balance of the calls of one day, at 08:00 of the next day and at seven days.
type Closing struct {
	Date  string  `json:"date"`
	Zone  string  `json:"zone"`
	Eight Balance `json:"at0800"`
	Week  Balance `json:"at7days"`
	// Waived says that the platform was away while the reports of the day were due at 08:00.
	Waived bool `json:"waived"`
	// Partial says that reports of the day may have been forgotten, for the bound on what is held.
	Partial   bool           `json:"partial"`
	Discarded []DiscardCount `json:"discarded"`
	Missing   []MissingDay   `json:"missing"`
	Tickets   []Ticket       `json:"tickets"`
}

// Balance is what was in at one moment.
type Balance struct {
	Deadline time.Time         `json:"deadline"` // of the day's last call
	Closed   bool              `json:"closed"`   // the moment has passed; before, the figures may still grow
	Lines    []ClosingLine     `json:"lines"`
	Percent  map[State]float64 `json:"percentByStatus"` // of the reports in the SLA's universe, and of SINGLE ones beside them
	Lateness []LatenessBucket  `json:"lateness"`
}

// ClosingLine is how one organisation stood on one endpoint and method.
type ClosingLine struct {
	Org          string  `json:"orgId"`
	Role         string  `json:"role"`
	Endpoint     string  `json:"endpoint"`
	Method       string  `json:"httpMethod"`
	Received     int     `json:"received"` // its own reports
	Missing      int     `json:"missing"`  // the counterpart's report is there, its own is not
	Paired       int     `json:"paired"`
	Inconsistent int     `json:"pairedInconsistent"`
	Unpaired     int     `json:"unpaired"`
	Single       int     `json:"single"`
	Findings     int     `json:"findings"`
	SLA          float64 `json:"sla"`
}

// LatenessBucket counts the reports of an organisation that came at most so late after their call, and
// later than the bucket before.
type LatenessBucket struct {
	Org     string `json:"orgId"`
	UpTo    string `json:"upTo"`
	Reports int    `json:"reports"`
}

// MissingDay is a day of which an organisation told nothing although it owed something.
type MissingDay struct {
	Date string `json:"date"`
	Org  string `json:"orgId"`
	Kind string `json:"kind"` // a kind of package spec
	Role string `json:"role,omitempty"`
}

// Closing computes the balance of a day from what is held. Take [PCM.Flush] first.
func (p *PCM) Closing(date string) (*Closing, error) {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return nil, fmt.Errorf("date is a day such as 2026-09-15: %w", err)
	}
	d, now := p.Dialect(), p.cfg.Clock.Now()
	day := int32(at.Unix() / 86400)
	t := p.tallyOf(d, day, day)
	start := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, d.zone())
	due, week := d.due(start), start.AddDate(0, 0, 8)
	c := &Closing{Date: date, Zone: d.zone().String(), Waived: p.faults.away(start, due), Partial: t.lost >= start.UnixMilli(), Discarded: p.history.discardsOf(date)}
	c.Eight, c.Week = t.balance(atEight), t.balance(atWeek)
	c.Eight.Deadline, c.Eight.Closed = due.UTC(), !now.Before(due)
	c.Week.Deadline, c.Week.Closed = week.UTC(), !now.Before(week)
	if c.Eight.Closed {
		c.Missing = p.missingOf(d, &t, date, due)
	}
	c.Tickets = p.ticketsOf(d, &t, c)
	return c, nil
}

func (t *tally) sorted() []cell {
	keys := make([]cell, 0, len(t.cells))
	for k := range t.cells {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(t.orgs[a.org], t.orgs[b.org]), cmp.Compare(endpoints.name(a.endpoint), endpoints.name(b.endpoint)),
			cmp.Compare(a.method, b.method), cmp.Compare(sideOf(a.server), sideOf(b.server)))
	})
	return keys
}

func sideOf(server bool) spec.Side {
	if server {
		return spec.ServerSide
	}
	return spec.ClientSide
}

func (t *tally) balance(m int) Balance {
	b := Balance{Percent: map[State]float64{}, Lines: []ClosingLine{}, Lateness: []LatenessBucket{}}
	late := map[uint32]*[len(latenesses)]int{}
	by := map[State]int{}
	universe := 0
	for _, k := range t.sorted() {
		c := &t.cells[k][m]
		if c.received == 0 && c.missing == 0 {
			continue
		}
		b.Lines = append(b.Lines, t.line(k, c))
		if late[k.org] == nil {
			late[k.org] = new([len(latenesses)]int)
		}
		for i, n := range c.late {
			late[k.org][i] += n
		}
		by[Paired] += c.paired
		by[PairedInconsistent] += c.inconsistent
		by[Unpaired] += c.unpaired
		by[Single] += c.single
		universe += c.judged()
	}
	for state, n := range by {
		if of := max(universe, 1); state == Single {
			b.Percent[state] = 100 * float64(n) / float64(max(universe+n, 1))
		} else {
			b.Percent[state] = 100 * float64(n) / float64(of)
		}
	}
	for org, counts := range late {
		for i, n := range counts {
			if n > 0 {
				b.Lateness = append(b.Lateness, LatenessBucket{t.orgs[org], latenesses[i].name, n})
			}
		}
	}
	slices.SortStableFunc(b.Lateness, func(a, b LatenessBucket) int { return cmp.Compare(a.Org, b.Org) })
	return b
}

func (t *tally) line(k cell, c *count) ClosingLine {
	return ClosingLine{
		Org: t.orgs[k.org], Role: string(sideOf(k.server)), Endpoint: endpoints.name(k.endpoint), Method: methods[k.method],
		Received: c.received, Missing: c.missing, Paired: c.paired, Inconsistent: c.inconsistent, Unpaired: c.unpaired, Single: c.single, Findings: c.findings, SLA: c.sla(),
	}
}

// missingOf finds who told nothing of a day although it owed something: reports, where a counterpart told
// of calls; stock, of whoever shares data or told stock before; payment states, of whoever holds payments
// that an initiator told as final or scheduled.
func (p *PCM) missingOf(d *Dialect, t *tally, date string, due time.Time) (missing []MissingDay) {
	type who struct{ org, role string }
	received, called, shares := map[who]int{}, map[who]int{}, map[who]bool{}
	for k, c := range t.cells {
		w := who{t.orgs[k.org], string(sideOf(k.server))}
		received[w] += c[atEight].received
		called[w] += c[atEight].missing
		if sharesData(k.endpoint) {
			shares[w] = true
		}
	}
	for w, n := range called {
		if n > 0 && received[w] == 0 {
			missing = append(missing, MissingDay{date, w.org, spec.KindPrivate, w.role})
		}
	}
	if d.on[swStock] {
		for _, k := range p.stocks.all() {
			if k.Report.Date < date {
				shares[who{lower(k.Report.OrgID), string(k.Report.Role)}] = true
			}
		}
		for w := range shares {
			if _, told := p.stocks.get(date, w.org, spec.Side(w.role), due); !told {
				missing = append(missing, MissingDay{date, w.org, spec.KindStock, w.role})
			}
		}
	}
	if d.on[swStates] {
		told := p.payments.told(d)
		for org, days := range p.payments.claimed(d.zone()) {
			if days[date] && !told[org][date] {
				missing = append(missing, MissingDay{date, org, spec.KindPayments, string(spec.ServerSide)})
			}
		}
	}
	slices.SortFunc(missing, func(a, b MissingDay) int {
		return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Role, b.Role))
	})
	return missing
}
