package pcm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// StockPair is the number of consents between two organisations on a day, as each of them told it.
type StockPair struct {
	Date        string `json:"date"`
	ClientOrgID string `json:"clientOrgId"`
	ServerOrgID string `json:"serverOrgId"`
	Client      *int   `json:"client"` // null: the client told nothing of that day
	Server      *int   `json:"server"`
	Agree       bool   `json:"agree"`
}

// StockFinding is a fault in stock reports: within one, or between two.
type StockFinding struct {
	Date    string `json:"date"`
	Org     string `json:"orgId"`
	Role    string `json:"role"`
	Finding string `json:"finding"`
}

// StockComparison sets the stock reports of a day side by side; "" is every day that is held. A line
// that one side told and the other's report lacks counts as zero there.
func (p *PCM) StockComparison(date string) (pairs []StockPair, found []StockFinding) {
	type key struct{ date, client, server string }
	type told struct{ client, server *int }
	sides := map[key]*told{}
	reported := map[string]bool{}
	for _, k := range p.stocks.all() {
		r := k.Report
		if date != "" && r.Date != date {
			continue
		}
		reported[stockKey(r.Date, r.OrgID, string(r.Role))] = true
		sum := 0
		for _, line := range r.Stock {
			sum += line.Total
			id := key{r.Date, strings.ToLower(line.ClientOrgID), strings.ToLower(line.ServerOrgID)}
			if sides[id] == nil {
				sides[id] = &told{}
			}
			n := line.Total
			if r.Role == spec.ClientSide {
				sides[id].client = &n
			} else {
				sides[id].server = &n
			}
		}
		if r.TotalCustomerPF+r.TotalCustomerPJ > sum {
			found = append(found, StockFinding{r.Date, r.OrgID, string(r.Role),
				fmt.Sprintf("totalCustomerPF + totalCustomerPJ = %d is above the %d active consents", r.TotalCustomerPF+r.TotalCustomerPJ, sum)})
		}
	}
	zero := 0
	for id, t := range sides {
		if t.client == nil && reported[stockKey(id.date, id.client, string(spec.ClientSide))] {
			t.client = &zero
		}
		if t.server == nil && reported[stockKey(id.date, id.server, string(spec.ServerSide))] {
			t.server = &zero
		}
		pair := StockPair{Date: id.date, ClientOrgID: id.client, ServerOrgID: id.server, Client: t.client, Server: t.server}
		pair.Agree = t.client != nil && t.server != nil && *t.client == *t.server
		pairs = append(pairs, pair)
	}
	slices.SortFunc(pairs, func(a, b StockPair) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.ClientOrgID, b.ClientOrgID), cmp.Compare(a.ServerOrgID, b.ServerOrgID))
	})
	for _, pair := range pairs {
		if pair.Client != nil && pair.Server != nil && !pair.Agree {
			text := fmt.Sprintf("client %s has %d active consents at server %s, which has %d", pair.ClientOrgID, *pair.Client, pair.ServerOrgID, *pair.Server)
			found = append(found, StockFinding{pair.Date, pair.ClientOrgID, string(spec.ClientSide), text}, StockFinding{pair.Date, pair.ServerOrgID, string(spec.ServerSide), text})
		}
	}
	return pairs, found
}

// FunnelStep counts the consents that came to a step of their journey.
type FunnelStep struct {
	Step     string  `json:"step"`
	Consents int     `json:"consents"`
	Share    float64 `json:"share"` // of the consents that began, in percent
}

// Funnel says how far the consents of a period came.
type Funnel struct {
	// Steps are the creation, the six events in the order of a journey, and the token.
	Steps []FunnelStep `json:"steps"`
	// LeftOut counts the consents of people who are no customers of the institution (NO_CREDENTIAL): no step
	// counts them.
	LeftOut int `json:"leftOut"`
	// Gaps names up to five consents for each step that is missing before a later one.
	Gaps map[string][]string `json:"gaps"`
}

// Funnel counts how far the consents of the period came (section 8).
func (p *PCM) Funnel(from, to time.Time) Funnel {
	f := Funnel{Gaps: map[string][]string{}}
	names := []string{"created"}
	for _, e := range events {
		names = append(names, e.path)
	}
	names = append(names, "token")
	counts := map[string]int{}
	began, strangers := 0, p.strangers()
	p.journeys.mu.Lock()
	defer p.journeys.mu.Unlock()
	for _, consent := range p.journeys.order {
		seen, stranger := map[string]bool{}, false
		for _, s := range p.journeys.of[consent] {
			stranger = stranger || s.event == stepCreated && strangers[s.pos]
			if at := time.UnixMilli(s.at); s.at != 0 && !at.Before(from) && at.Before(to) {
				seen[s.name()] = true
			}
		}
		if len(seen) == 0 {
			continue
		}
		if stranger {
			f.LeftOut++
			continue
		}
		began++
		for name := range seen {
			counts[name]++
		}
		if gap := gapIn(seen); gap != "" && len(f.Gaps[gap]) < evidence {
			f.Gaps[gap] = append(f.Gaps[gap], consent)
		}
	}
	for _, name := range names {
		step := FunnelStep{Step: name, Consents: counts[name]}
		if began > 0 {
			step.Share = 100 * float64(counts[name]) / float64(began)
		}
		f.Steps = append(f.Steps, step)
	}
	return f
}

// gapIn names the first step that is missing although a later one was told.
func gapIn(seen map[string]bool) string {
	last := -1
	done := func(i int) bool { // the two ends of a journey exclude each other
		return seen[events[i].path] || i >= len(events)-2 && (seen[events[len(events)-1].path] || seen[events[len(events)-2].path])
	}
	for i := range events {
		if done(i) {
			last = i
		}
	}
	if seen["token"] {
		last = len(events)
	}
	for i := range min(last, len(events)) {
		if !done(i) && i < len(events)-1 {
			return events[i].path
		}
	}
	return ""
}
