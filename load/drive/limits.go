package drive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/spec"
)

// volleyRate is how fast a limit of a minute is used up.
const volleyRate = 1200

// spare is how many calls go beyond a limit.
const spare = 40

// crossing crosses limits, one after the other, and keeps what it found.
type crossing struct {
	*Source
	session  *Session
	rec      *record.Recording
	start    time.Time
	findings []record.Verdict
	stepped  time.Duration
}

// limits crosses every traffic limit and looks at each answer on both sides of it.
func (s *Source) limits(ctx context.Context, x Session) (*record.Report, error) {
	if s.bank() == "" {
		return nil, &Unprepared{errors.New("the profile switches limits, and the target does not declare the power to do so (capabilities.bank)")}
	}
	c := &crossing{Source: s, session: &x, start: s.clock.Now()}
	c.rec = record.New(c.start, 2*time.Minute, 0)
	if x.Ready != nil {
		x.Ready(c.rec)
	}
	off, on, none := false, true, 0
	back, err := s.switchLimits(ctx, profile.Switches{Minute: &off, Month: &off, PerSecond: &none})
	if err != nil {
		return nil, err
	}
	defer back()
	for _, part := range []struct {
		name  string
		under profile.Switches
		cross func(context.Context) error
	}{
		{"the limit of a minute", profile.Switches{Minute: &on, Month: &off, PerSecond: &none}, c.minutes},
		{"the limit of a second", profile.Switches{Minute: &off, Month: &off, PerSecond: new(perSecond)}, c.seconds},
		{"the quota of a month", profile.Switches{Minute: &off, Month: &on, PerSecond: &none}, c.months},
	} {
		x.say("crossing %s", part.name)
		restore, err := s.switchLimits(ctx, part.under)
		if err == nil {
			err = control(ctx, http.MethodPost, s.bank()+"/reset", nil, nil)
		}
		if err == nil {
			err = part.cross(ctx)
		}
		if restore != nil {
			restore()
		}
		if err != nil {
			c.rec.End(s.clock.Now().Sub(c.start), err.Error())
			return c.report(), err
		}
	}
	if err := control(ctx, http.MethodPost, s.bank()+"/reset", nil, nil); err != nil {
		s.note("what the limits counted could not be forgotten: %v", err)
	}
	c.rec.End(s.clock.Now().Sub(c.start), "")
	return c.report(), nil
}

func (c *crossing) report() *record.Report {
	x := c.session
	x.Identity.Thresholds = c.profile.Rows()
	if c.stepped > 0 {
		c.note("the target's clock was stepped forward by %v, from one minute into the next", c.stepped.Round(time.Second))
	}
	x.Identity.Findings = append(x.Identity.Findings, c.findings...)
	x.Identity.Notes = append(x.Identity.Notes, c.Notes()...)
	return c.rec.Report(x.Identity)
}

// expect keeps a finding: exactly want of what was counted.
func (c *crossing) expect(name, title string, got, want int, detail string) {
	f := finding(name, title, "count", float64(want))
	f.Value = float64(got)
	if got != want {
		f.Outcome, f.Reason = record.Crossed, detail
	}
	c.findings = append(c.findings, f)
}

// between keeps a finding: what was counted lies within.
func (c *crossing) between(name, title string, got, least, most int, detail string) {
	c.expect(name, title, min(max(got, least), most), got, detail)
	c.findings[len(c.findings)-1].Limit = float64(least)
	c.findings[len(c.findings)-1].Value = float64(got)
}

// withinMinute waits until a volley of that many calls fits into one clock minute.
func (c *crossing) withinMinute(ctx context.Context, calls int) error {
	needs := time.Duration(float64(calls)/volleyRate*float64(time.Second)) + 4*time.Second
	now := c.clock.Now()
	if end := now.Truncate(time.Minute).Add(time.Minute); end.Sub(now) < needs {
		return c.pass(ctx, end.Sub(now)+100*time.Millisecond)
	}
	return nil
}

// pass lets time go by: the target's clock is stepped where it can be, else it is waited for.
func (c *crossing) pass(ctx context.Context, d time.Duration) error {
	if c.target.Capabilities.Clock == "" {
		return c.clock.Sleep(ctx, d)
	}
	// The stepper reads no durations finer than these.
	step := d.Round(time.Millisecond) + time.Millisecond
	if err := control(ctx, http.MethodPost, c.target.Capabilities.Clock, map[string]string{"advance": step.String()}, nil); err != nil {
		return err
	}
	c.stepped += step
	return c.again(ctx)
}

// minutes: exactly the limit passes within a clock minute, for each class; beyond it 429 with Retry-After;
// others are not touched; the next minute passes.
func (c *crossing) minutes(ctx context.Context) error {
	seen := map[spec.Class]bool{}
	for _, a := range spec.APIs() {
		for _, o := range a.Operations {
			if a.Unlimited || seen[o.Class] || o.Method != "GET" || o.Grant != spec.AuthorizationCode {
				continue
			}
			one, err := c.pick(ctx, o.ID, 0, 0)
			if err != nil {
				return err
			}
			if one == nil {
				continue
			}
			seen[o.Class] = true
			if err := c.minute(ctx, one, o); err != nil {
				return err
			}
		}
	}
	// What has no limit of a minute passes at any number of calls.
	free, err := c.pick(ctx, "consents.read", 0, 0)
	if err != nil || free == nil {
		return err
	}
	n := spec.High.PerMinute(0) + spare
	if err := c.withinMinute(ctx, n); err != nil {
		return err
	}
	got, err := c.volley(ctx, times(free, n), volleyRate)
	if err != nil {
		return err
	}
	c.expect("minute: consents are exempt", "calls of consents answered 200 in a minute", count(got)[200], n, fmt.Sprint(count(got)))
	return nil
}

func (c *crossing) minute(ctx context.Context, one *call, o *spec.Operation) error {
	bound := o.Class.PerMinute(0)
	if err := c.withinMinute(ctx, bound+spare+10); err != nil {
		return err
	}
	began := c.clock.Now()
	got, err := c.volley(ctx, times(one, bound+spare), volleyRate)
	if err != nil {
		return err
	}
	label := "minute: class " + string(o.Class)
	if c.clock.Now().Truncate(time.Minute) != began.Truncate(time.Minute) {
		c.between(label, "calls in one clock minute", 0, 1, 1, "the machine was too slow for one minute: the limit was not crossed within it")
		c.findings[len(c.findings)-1].Outcome = record.Withheld
		return nil
	}
	codes := count(got)
	c.expect(label, fmt.Sprintf("of %s answered 200, the rest 429", o.ID), codes[200], bound, fmt.Sprint(codes))
	c.expect(label+", beyond", "answered 429", codes[429], spare, fmt.Sprint(codes))
	told := 0
	for _, h := range got {
		if n, err := strconv.Atoi(h.retry); h.status == 429 && err == nil && n >= 1 && n <= 60 {
			told++
		}
	}
	c.expect(label+", Retry-After", "429 that say when to come back, within the minute", told, codes[429], "Retry-After is missing or is no number from 1 to 60")
	if other, err := c.pick(ctx, o.ID, 1, 0); err != nil {
		return err
	} else if other != nil && other.party.entry.OrganisationID != one.party.entry.OrganisationID {
		got, err := c.volley(ctx, times(other, 5), volleyRate)
		if err != nil {
			return err
		}
		c.expect(label+", another origin", "calls of another institution in that minute answered 200", count(got)[200], 5, fmt.Sprint(count(got)))
	}
	now := c.clock.Now()
	if err := c.pass(ctx, now.Truncate(time.Minute).Add(time.Minute).Sub(now)+50*time.Millisecond); err != nil {
		return err
	}
	if got, err = c.volley(ctx, times(one, 5), volleyRate); err != nil {
		return err
	}
	c.expect(label+", next minute", "calls of the next minute answered 200", count(got)[200], 5, fmt.Sprint(count(got)))
	return nil
}

// perSecond is the bound that the second's crossing puts into force: the least that the regulation allows.
const perSecond = 300

// seconds: below the bound nothing is refused; beyond it exactly 529, with neither a timeout nor another
// error; and it recovers.
func (c *crossing) seconds(ctx context.Context) error {
	one, err := c.pick(ctx, "consents.read", 0, 0)
	if err != nil || one == nil {
		return err
	}
	below := int(0.8 * perSecond)
	got, err := c.volley(ctx, times(one, 2*below), float64(below))
	if err != nil {
		return err
	}
	c.expect("second: below the bound", fmt.Sprintf("calls at %d a second answered 200", below), count(got)[200], 2*below, fmt.Sprint(count(got)))
	const beyond, length = 2 * perSecond, 4
	if got, err = c.volley(ctx, times(one, length*beyond), beyond); err != nil {
		return err
	}
	codes := count(got)
	c.expect("second: 529 and nothing else", fmt.Sprintf("calls at %d a second answered 200 or 529", beyond), codes[200]+codes[529], length*beyond, fmt.Sprint(codes))
	// A volley touches one second more than it lasts; each lets the bound through, whole ones entirely.
	c.between("second: the bound passes", fmt.Sprintf("calls answered 200 in %d s, %d a second allowed", length, perSecond), codes[200], (length-1)*perSecond, (length+1)*perSecond, fmt.Sprint(codes))
	if err := c.clock.Sleep(ctx, 1100*time.Millisecond); err != nil {
		return err
	}
	if got, err = c.volley(ctx, times(one, below), float64(below)); err != nil {
		return err
	}
	c.expect("second: recovers", "calls after the peak answered 200", count(got)[200], below, fmt.Sprint(count(got)))
	return nil
}

// months: exactly the quota passes, then 423; another resource, institution and customer are not touched; pages
// of one query count once; a new month begins anew.
func (c *crossing) months(ctx context.Context) error {
	const slowly = 50
	one, err := c.pick(ctx, "accounts.identification", 0, 0)
	if err != nil || one == nil {
		return err
	}
	quota := one.op.Monthly
	var codes map[int]int
	send := func(one *call, n int) error {
		got, err := c.volley(ctx, times(one, n), slowly)
		codes = count(got)
		return err
	}
	if err := send(one, quota+3); err != nil {
		return err
	}
	c.expect("month: the quota passes", fmt.Sprintf("of %s answered 200, the rest 423", one.op.ID), codes[200], quota, fmt.Sprint(codes))
	c.expect("month: beyond", "answered 423", codes[423], 3, fmt.Sprint(codes))
	for _, other := range []struct {
		name             string
		client, resource int
	}{{"month: another resource", 0, 1}, {"month: another institution", 1, 0}} {
		o, err := c.pick(ctx, one.op.ID, other.client, other.resource)
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		if err := send(o, 2); err != nil {
			return err
		}
		c.expect(other.name, "calls answered 200", codes[200], 2, fmt.Sprint(codes))
	}
	if err := c.customers(ctx, send, &codes); err != nil {
		return err
	}
	free, err := c.pick(ctx, "consents.read", 0, 0)
	if err != nil {
		return err
	}
	if free != nil {
		const many = 300
		got, err := c.volley(ctx, times(free, many), perSecond)
		if err != nil {
			return err
		}
		c.expect("month: consents are exempt", "calls answered 200", count(got)[200], many, fmt.Sprint(count(got)))
	}
	return c.pages(ctx)
}

// customers: what reads of one customer have used up, those of another have left. What is read is no single
// object, so that nothing but the customer tells the two counts apart.
func (c *crossing) customers(ctx context.Context, send func(*call, int) error, codes *map[int]int) error {
	const id = "accounts.list"
	one, err := c.pick(ctx, id, 0, 0)
	if err != nil || one == nil {
		return err
	}
	other, err := c.pickOf(ctx, id, 0, 0, one)
	if err != nil {
		return err
	}
	if other == nil {
		c.note("the quota of a month was not held against another customer: the target declares no second one who can log in by a robot")
		return nil
	}
	if err := send(one, one.op.Monthly+1); err != nil {
		return err
	}
	c.expect("month: a customer's quota", fmt.Sprintf("of %s answered 200, the rest 423", id), (*codes)[200], one.op.Monthly, fmt.Sprint(*codes))
	if err := send(other, 2); err != nil {
		return err
	}
	c.expect("month: another customer", "calls answered 200", (*codes)[200], 2, fmt.Sprint(*codes))
	return nil
}

// pages: the further pages of one query, followed with their key, are free.
func (c *crossing) pages(ctx context.Context) error {
	o := spec.Find("accounts.transactions")
	if o == nil {
		return nil
	}
	for _, g := range c.parties[0].grants {
		if !g.opens(o) {
			continue
		}
		params, err := c.params(ctx, g, o)
		if err != nil || len(params) == 0 {
			return err
		}
		to := c.clock.Now().UTC()
		query := url.Values{"fromBookingDate": {to.AddDate(0, -11, 0).Format(time.DateOnly)}, "toBookingDate": {to.Format(time.DateOnly)}, "page-size": {"25"}}
		_, pages, err := g.party.client.ReadAll(ctx, g.got, o, params[0], query)
		if err != nil {
			return fmt.Errorf("pages of %s: %w", o.ID, err)
		}
		if len(pages) <= o.Monthly {
			continue // too few to show anything
		}
		// One query has used one of the quota, however many its pages: the rest of it is left.
		one := &call{source: c.Source, party: g.party, op: o, name: o.ID, class: o.Class, token: g.token, consent: g.consent.ID, want: 200}
		if err := one.to(g.party.server.ResourceBase, params[0]); err != nil {
			return err
		}
		got, err := c.volley(ctx, times(one, o.Monthly), 50)
		if err != nil {
			return err
		}
		c.expect("month: pages are free", fmt.Sprintf("queries answered 200 after one of %d pages", len(pages)), count(got)[200], o.Monthly-1, fmt.Sprint(count(got)))
		return nil
	}
	return nil
}
