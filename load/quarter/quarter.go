// Package quarter replays ninety regulatory days against the real HTTP endpoints of a target, under its
// stepped clock: a probe of the status every thirty seconds, a call of every operation some times a day, and
// the outages of a plan; and judges every day and the quarter from three sides: what the probes saw, what
// the caller saw, and what the metrics platform collected.
//
// It promises that every probe and every call is a request on the wire, that the clock moves only while
// nothing is in flight, and that whatever it stopped runs again when it ends, however it ends. It refuses a
// target that does not declare the powers it needs. What the institution says of itself is held against what
// was measured: a status that lies fails the quarter even where the figures would pass.
package quarter

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/suites/target"
)

// Options say what is played where.
type Options struct {
	Target *target.Target
	Plan   *Plan // nil is [Default]
	// Out is the folder for quarter.html, quarter.json and load.json; "" writes nothing.
	Out string
	// Observe hears of every day that has ended; may be nil.
	Observe func(Progress)
	// Days, when above 0, plays only so many of the plan's first days.
	Days int
	// Prepared, when set, is called once everything is prepared and before the first day.
	Prepared func(context.Context) error
	// Patience is how long a quarter that is certain to fail by its latencies goes on; 0 is [Patience]. A target
	// that holds calls back would otherwise stretch a minute to an hour.
	Patience time.Duration
	// Clock is the machine's own, by which timeouts and latencies are measured; nil makes one.
	Clock *clock.Clock
	// Seed, Tool, Command and Defects are told in the report.
	Seed          int64
	Tool, Command string
	Defects       []string
}

// Patience is how long a quarter goes on that cannot pass any more because its calls are too slow.
const Patience = time.Minute

// Progress is a day that has ended.
type Progress struct {
	Day, Days int // Day from 1
	Date      availability.Day
	// Down is how long the institution was down by probing, Scheduled how long on purpose.
	Down, Scheduled time.Duration
	Calls           int
}

// play is one quarter under way.
type play struct {
	o      Options
	plan   *Plan
	watch  *clock.Clock
	stage  *stage
	caller traffic
	status *line
	first  availability.Day

	seen      availability.Book // as probes and caller saw it
	collected availability.Book // as the metrics platform has it
	export    *availability.Input
	published []Published
	broken    map[*Outage]string // failures that last, by what ends them
	announced []string
	tally     tally
	notes     []string
	dial      func(ctx context.Context, to string) (net.Conn, error) // nil: the network
	hopeless  time.Time                                              // from here on what cannot pass is not played to its end
	pending   func()                                                 // reads the answer of the last probe
	probes    int
	unasked   int // probes whose answer was none
	calls     int
	whole     int   // days that were played to their end
	cut       error // why there are no more
}

// Run plays the plan and judges it. The report is written where Out says so. Beside an error the report is
// partial, of the days that were played to their end, or nil where there is none; but a report beside an
// [ErrUnwritten] is as good as it would be without.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Plan == nil {
		o.Plan = Default()
	}
	if o.Clock == nil {
		o.Clock = clock.New()
	}
	if o.Patience <= 0 {
		o.Patience = Patience
	}
	if o.Days > 0 && o.Days < o.Plan.Days {
		o.Plan = o.Plan.First(o.Days)
	}
	return (&play{}).run(ctx, o)
}

func (p *play) run(ctx context.Context, o Options) (*Report, error) {
	p.o, p.plan, p.watch, p.broken = o, o.Plan, o.Clock, map[*Outage]string{}
	defer p.close()
	started := o.Clock.Now()
	if err := p.open(ctx); err != nil {
		return nil, fmt.Errorf("quarter: %w", err)
	}
	if o.Prepared != nil {
		if err := o.Prepared(ctx); err != nil {
			return nil, fmt.Errorf("quarter: %w", err)
		}
	}
	prepared := o.Clock.Now()
	p.hopeless = prepared.Add(o.Patience)
	err := p.days(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause // and not what the end of ctx broke first
	}
	p.mend(ctx)
	if err != nil && p.whole == 0 {
		return nil, fmt.Errorf("quarter: %w", err)
	}
	if p.cut = err; err != nil {
		p.seen.Cut(p.first + availability.Day(p.whole-1))
		p.collected.To = p.seen.To
	}
	played := o.Clock.Now()
	reading, cancel := ctx, context.CancelFunc(func() {})
	if err != nil {
		reading, cancel = context.WithTimeout(context.WithoutCancel(ctx), patience)
	}
	defer cancel()
	if err := p.collect(reading); err != nil && p.cut == nil {
		p.cut = err
	} else if err != nil {
		p.remark("%v", err)
	}
	r := p.report(started, prepared.Sub(started), played.Sub(prepared))
	if o.Out != "" {
		if err := r.Write(o.Out); err != nil {
			return r, errors.Join(p.cut, fmt.Errorf("quarter: %w: %w", ErrUnwritten, err))
		}
	}
	if p.cut != nil {
		return r, fmt.Errorf("quarter: %w", p.cut)
	}
	return r, nil
}

// ErrUnwritten says that a report could not be stored.
var ErrUnwritten = errors.New("the report could not be written")

func (p *play) close() {
	if p.caller != nil {
		p.caller.close()
	}
	if p.stage != nil {
		p.stage.close()
	}
	if p.status != nil {
		p.status.close()
	}
}

// open prepares the caller and finds the first day.
func (p *play) open(ctx context.Context) error {
	var err error
	if p.stage, err = newStage(p.o.Target, p.watch, p.dial); err != nil {
		return err
	}
	now, err := p.stage.now(ctx)
	if err != nil {
		return err
	}
	p.stage.clock.Set(now)
	p.first = availability.DayOf(now) + 1
	if p.plan.Start != "" {
		if p.first, err = availability.ParseDay(p.plan.Start); err != nil {
			return err
		}
		if !p.first.Start().After(now) {
			return fmt.Errorf("the plan starts on %s and the target's clock already shows %s: leave start out, or step the clock back", p.first, now.In(availability.Brasilia).Format(time.DateTime))
		}
		// Tokens and consents of the preparation are to be young when the first day begins.
		if before := p.first.Start().Add(-5 * time.Minute); before.After(now) {
			if err := p.stage.at(ctx, before); err != nil {
				return err
			}
			p.stage.follow()
		}
	}
	if p.caller == nil {
		c, err := newCaller(ctx, p.stage, p.plan)
		if err != nil {
			return fmt.Errorf("prepare the target: %w", err)
		}
		p.caller = c
	}
	return p.watchful(ctx, now)
}

// watchful opens the line of the probes and tries it.
func (p *play) watchful(ctx context.Context, now time.Time) error {
	var trust *tls.Config
	var err error
	if strings.HasPrefix(p.caller.base(), "https:") {
		if trust, err = secure(p.o.Target, p.stage.clock.Now); err != nil {
			return err
		}
	}
	if p.status, err = newLine(p.caller.base(), p.o.Target.Hosts, trust, p.watch); err != nil {
		return err
	}
	p.status.dial = p.dial
	p.seen.From, p.seen.To = p.first, p.first+availability.Day(p.plan.Days-1)
	p.collected.From, p.collected.To = p.seen.From, p.seen.To
	for endpoint := range p.caller.endpoints() {
		p.seen.Probing.Know(endpoint)
	}
	code, body, err := p.status.ask(ctx, http.MethodGet, statusPath, nil, patience)
	if err == nil && code == http.StatusOK {
		_, err = availability.ProbeOf(now, body)
	}
	if err != nil || code != http.StatusOK {
		return fmt.Errorf("the target has no usable %s: answered %d, %w", statusPath, code, cmp.Or(err, errStatus))
	}
	return nil
}

var errStatus = errors.New("and 200 is wanted")

const (
	statusPath  = "/open-banking/discovery/v2/status"
	metricsPath = "/open-banking/admin/v2/metrics?period=CURRENT&page-size=1000"
)

// times are when an outage begins, and when it is published beforehand.
func (p *play) times(o *Outage) (from, publish time.Time) {
	from = (p.first + availability.Day(o.Day-1)).Start().Add(o.from)
	notice := time.Duration(o.Notice)
	if notice == 0 {
		notice = 7 * 24 * time.Hour
	}
	if publish = from.Add(-notice); publish.Before(p.first.Start()) {
		publish = p.first.Start()
	}
	return from, publish
}

// outages begins and ends what the plan has for an instant.
func (p *play) outages(ctx context.Context, day int, at time.Time) error {
	for i := range p.plan.Outages {
		o := &p.plan.Outages[i]
		from, publish := p.times(o)
		if o.Kind == Scheduled {
			if at.Equal(publish) {
				path, err := p.stage.announce(ctx, o, from)
				if err != nil {
					return fmt.Errorf("announce the outage of day %d: %w", o.Day, err)
				}
				p.announced = append(p.announced, path)
			}
			continue
		}
		if at.Equal(from) {
			path, err := p.stage.begin(ctx, o)
			if err != nil {
				return fmt.Errorf("begin the outage of day %d: %w", o.Day, err)
			}
			p.broken[o] = path
		}
		if path := p.broken[o]; path != "" && !at.Before(from.Add(time.Duration(o.Duration))) {
			if err := p.stage.end(ctx, path); err != nil {
				return fmt.Errorf("end the outage of day %d: %w", o.Day, err)
			}
			delete(p.broken, o)
		}
	}
	return nil
}

// note takes what the caller has met.
func (p *play) note(round []met) {
	for _, m := range round {
		p.tally.add(m)
		if m.Status != 0 {
			p.calls++
			p.seen.Call(m.Call)
		}
	}
}

// evening ends a day: reports leave, and what the institution says of its day is kept.
func (p *play) evening(ctx context.Context, day int, date availability.Day) error {
	if err := p.publishes(ctx, date); err != nil {
		p.remark("the metrics of %s could not be read: %v", date, err)
	}
	if err := p.caller.flush(ctx); err != nil {
		p.remark("the caller's reports of %s waited: %v", date, err)
	}
	if err := p.stage.flush(ctx); err != nil {
		p.remark("the institution's reports of %s waited: %v", date, err)
	}
	if p.o.Observe != nil {
		d := p.seen.Probing.Day("", date)
		p.o.Observe(Progress{Day: day + 1, Days: p.plan.Days, Date: date, Down: time.Duration(d.Down) * time.Second,
			Scheduled: time.Duration(d.Scheduled) * time.Second, Calls: p.calls})
	}
	return nil
}

// maxNotes bounds what is remarked.
const maxNotes = 40

func (p *play) remark(format string, args ...any) {
	if len(p.notes) < maxNotes {
		p.notes = append(p.notes, fmt.Sprintf(format, args...))
	}
}

// mend takes back whatever still lasts, also after an interruption.
func (p *play) mend(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for o, path := range p.broken {
		if err := p.stage.end(ctx, path); err != nil {
			p.remark("the outage of day %d was not taken back: %v", o.Day, err)
		}
	}
	for _, path := range p.announced {
		if err := p.stage.end(ctx, path); err != nil {
			p.remark("an announced outage was not withdrawn: %v", err)
		}
	}
	if err := p.stage.halt(ctx); err != nil {
		p.remark("the target's clock may step further: %v", err)
	}
}

// collect reads what the metrics platform holds of the quarter.
func (p *play) collect(ctx context.Context) error {
	address := p.o.Target.Capabilities.PCM
	if address == "" {
		p.remark("the target declares no metrics platform to be read: traffic is judged as the caller saw it")
		return nil
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/export?kind=private", nil)
	if err != nil {
		return fmt.Errorf("metrics platform: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: patience}}
	res, err := client.Do(q)
	if err != nil {
		return fmt.Errorf("metrics platform: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		return fmt.Errorf("metrics platform: the export answered %d: %s", res.StatusCode, b)
	}
	p.export, err = p.collected.Read(res.Body)
	if err != nil && !errors.Is(err, availability.ErrNothing) {
		return fmt.Errorf("metrics platform: %w", err)
	}
	return nil
}
