package pcm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The bounds of what is remembered of payments.
const (
	maxPayments     = 100_000
	maxStatesOfOne  = 16
	maxOfConsent    = 60 // payments of one recurring consent
	yearsOfSchedule = 2
)

// claim is a payment as the initiator's private reports tell it.
type claim struct {
	payment, consent, kind, status string
	client, server                 string
	at                             time.Time // of the newest report
}

// paid is what both sides told of one payment.
type paid struct {
	claim  *claim
	states []toldState
}

// payments joins payment states with the initiators' private reports (section 10).
type payments struct {
	mu    sync.Mutex
	of    map[string]*paid
	order []string
}

func newPayments() *payments { return &payments{of: map[string]*paid{}} }

// at returns the entry of a payment between two organisations, made where there is none. The lock is held.
func (p *payments) at(id, client, server string) *paid {
	key := id + " " + strings.ToLower(client) + " " + strings.ToLower(server)
	if p.of[key] == nil {
		if len(p.order) >= maxPayments {
			delete(p.of, p.order[0])
			p.order = p.order[1:]
		}
		p.order = append(p.order, key)
		p.of[key] = &paid{}
	}
	return p.of[key]
}

// state enters a state that a holder told.
func (p *payments) state(id [16]byte, body raw, reporter string, received int64) {
	t := toldState{id: string(appendUUID(nil, id)), reporter: reporter, received: time.UnixMilli(received).UTC()}
	if json.Unmarshal(body, &t.PaymentState) != nil { // a rule that was off let it in
		return
	}
	t.at, _ = moment([]byte(t.EventDateTime))
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.at(t.PaymentID, t.ClientOrgID, reporter); len(one.states) < maxStatesOfOne {
		one.states = append(one.states, t)
	} else {
		one.states[maxStatesOfOne-1] = t
	}
}

// claim enters what an initiator's private report tells of payments: each of paymentList, or the one of
// automatic payments.
func (p *payments) claim(body raw) {
	var r report
	r.read(body)
	var list []claim
	base := claim{kind: r.info.get("paymentType").text(), client: r.fields[fClientOrg].text(), server: r.fields[fServerOrg].text(), at: r.at}
	if id := r.info.get("recurringPaymentId").text(); id != "" {
		base.payment, base.consent, base.status = id, r.info.get("recurringConsentId").text(), r.info.get("status").text()
		list = append(list, base)
	}
	if items := inner(r.info.get("paymentList")); items.kind() == "array" {
		elements(items, func(e raw) {
			var in info
			in.read(e)
			one := base
			one.payment, one.status = in.get("paymentId").text(), in.get("status").text()
			one.consent = cmp.Or(in.get("consentId").text(), in.get("recurringConsentId").text())
			if one.payment == "" {
				one.payment = in.get("recurringPaymentId").text()
			}
			list = append(list, one)
		})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range list {
		if c.payment == "" {
			continue
		}
		if one := p.at(c.payment, c.client, c.server); one.claim == nil || !c.at.Before(one.claim.at) {
			one.claim = &c
		}
	}
}

// newest is the newest state that an organisation told of a payment by then.
func (p *payments) newest(id, org string, by time.Time) (best toldState, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.order {
		if !strings.HasPrefix(key, id+" ") || !strings.HasSuffix(key, " "+strings.ToLower(org)) {
			continue
		}
		for _, t := range p.of[key].states {
			if !t.received.After(by) && (!found || !t.at.Before(best.at)) {
				best, found = t, true
			}
		}
	}
	return best, found
}

// PaymentFinding is a fault in payment states, or a difference from what the initiator reported.
type PaymentFinding struct {
	Payment string `json:"paymentId"`
	Client  string `json:"clientOrgId"`
	Server  string `json:"serverOrgId"`
	Day     string `json:"date"` // of the payment
	Kind    string `json:"kind"` // absent, type, status, reason, schedule, quantity or reach
	Finding string `json:"finding"`
}

// PaymentFindings compares payment states with the initiators' reports as far as both were due: what an
// initiator told of a day is looked for from 08:00 of the next day on.
func (p *PCM) PaymentFindings() (found []PaymentFinding) {
	d, now := p.Dialect(), p.cfg.Clock.Now()
	recurring := map[string][]toldState{}
	p.payments.mu.Lock()
	defer p.payments.mu.Unlock()
	for _, key := range p.payments.order {
		one := p.payments.of[key]
		ids := strings.SplitN(key, " ", 3)
		at := paidAt(one)
		tell := func(kind, text string, args ...any) {
			found = append(found, PaymentFinding{ids[0], ids[1], ids[2], at.In(d.zone()).Format(time.DateOnly), kind, fmt.Sprintf(text, args...)})
		}
		for i := range one.states {
			t := &one.states[i]
			if text := t.reasonFault(); text != "" {
				tell("reason", "%s of state %s", text, t.PaymentStatus)
			}
			if t.PaymentType == "RECURRENT" {
				recurring[t.ConsentID] = append(recurring[t.ConsentID], *t)
			}
		}
		if one.claim != nil && d.on[swBehaviour] && !now.Before(d.due(at)) {
			d.behaves(one, tell)
		}
	}
	return append(found, scheduleFindings(recurring, d)...)
}

func paidAt(one *paid) time.Time {
	if one.claim != nil {
		return one.claim.at
	}
	return one.states[0].at
}

// behaves judges one payment of which the initiator told.
func (d *Dialect) behaves(one *paid, tell func(kind, text string, args ...any)) {
	if len(one.states) == 0 {
		tell("absent", "the initiator told of the payment, its states were not")
		return
	}
	states := slices.Clone(one.states)
	slices.SortStableFunc(states, func(a, b toldState) int { return a.at.Compare(b.at) })
	last := states[len(states)-1]
	if c := one.claim; c.kind != "" && last.PaymentType != c.kind {
		tell("type", "paymentType is %s, the initiator told %s", last.PaymentType, c.kind)
	}
	if c := one.claim; slices.Contains([]string{"ACSC", "RJCT", "CANC"}, c.status) && last.PaymentStatus != c.status {
		tell("status", "the last state is %s, the initiator told %s", last.PaymentStatus, c.status)
	}
	scheduled := d.on[swAnySchedule] || slices.Contains([]string{"SCHEDULED", "RECURRENT"}, one.claim.kind)
	ended := slices.ContainsFunc(states, func(t toldState) bool { return t.PaymentStatus == "RJCT" || t.PaymentStatus == "CANC" })
	if scheduled && !ended && !slices.ContainsFunc(states, func(t toldState) bool { return t.PaymentStatus == "SCHD" }) {
		tell("schedule", "state SCHD is missing of a payment of type %s", one.claim.kind)
	}
}

// scheduleFindings judges the payments of each recurring consent together: at most sixty, none beyond the
// same day two years on.
func scheduleFindings(of map[string][]toldState, d *Dialect) (found []PaymentFinding) {
	for consent, states := range of {
		slices.SortFunc(states, func(a, b toldState) int { return a.at.Compare(b.at) })
		ids := map[string]bool{}
		for _, t := range states {
			ids[t.PaymentID] = true
		}
		first, last := states[0], states[len(states)-1]
		base := PaymentFinding{last.PaymentID, strings.ToLower(last.ClientOrgID), last.reporter, last.at.In(d.zone()).Format(time.DateOnly), "", ""}
		if len(ids) > maxOfConsent {
			base.Kind, base.Finding = "quantity", fmt.Sprintf("%d payments under consent %s, at most %d are possible", len(ids), consent, maxOfConsent)
			found = append(found, base)
		}
		if last.at.After(first.at.AddDate(yearsOfSchedule, 0, 0)) {
			base.Kind, base.Finding = "reach", "the last payment under consent "+consent+" is more than two years after the first"
			found = append(found, base)
		}
	}
	slices.SortFunc(found, func(a, b PaymentFinding) int { return cmp.Compare(a.Payment+a.Kind, b.Payment+b.Kind) })
	return found
}

// days of payments that initiators told of, by server: what the missing-day detector wants states of.
func (p *payments) claimed(zone *time.Location) map[string]map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	days := map[string]map[string]bool{}
	for _, one := range p.of {
		if c := one.claim; c != nil && slices.Contains([]string{"ACSC", "RJCT", "CANC", "SCHD"}, c.status) {
			server := strings.ToLower(c.server)
			if days[server] == nil {
				days[server] = map[string]bool{}
			}
			days[server][c.at.In(zone).Format(time.DateOnly)] = true
		}
	}
	return days
}

// told are the days of which a holder told states by their deadline.
func (p *payments) told(d *Dialect) map[string]map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	days := map[string]map[string]bool{}
	for _, one := range p.of {
		for _, t := range one.states {
			if !t.received.After(d.due(t.at)) {
				if days[t.reporter] == nil {
					days[t.reporter] = map[string]bool{}
				}
				days[t.reporter][t.at.In(d.zone()).Format(time.DateOnly)] = true
			}
		}
	}
	return days
}
