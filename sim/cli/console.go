package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/check"
)

func (a *app) paint(code, s string) string {
	if !a.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (a *app) bold(s string) string   { return a.paint("1", s) }
func (a *app) red(s string) string    { return a.paint("1;31", s) }
func (a *app) green(s string) string  { return a.paint("1;32", s) }
func (a *app) yellow(s string) string { return a.paint("33", s) }
func (a *app) dim(s string) string    { return a.paint("2", s) }

const barWidth = 16

// bar draws how much of a whole is done.
func bar(done, of int) string {
	if of <= 0 {
		return strings.Repeat("░", barWidth)
	}
	n := min(done*barWidth/of, barWidth)
	return strings.Repeat("█", n) + strings.Repeat("░", barWidth-n)
}

// progress shows a run while it goes: one line that changes where a person watches, a line for every
// finished area elsewhere.
type progress struct {
	app   *app
	watch *clock.Clock

	mu      sync.Mutex
	total   int
	done    int
	bad     int
	areas   []*tally
	byArea  map[string]*tally
	waiting map[string]wait
	news    time.Time
	ended   chan struct{}
	stopped sync.WaitGroup
}

type tally struct {
	name             string
	total, done, bad int
	good, warned     int
	skipped          int
}

type wait struct {
	what  string
	since time.Time
}

func (a *app) progress() *progress {
	p := &progress{app: a, watch: clock.New(), byArea: map[string]*tally{}, waiting: map[string]wait{}, ended: make(chan struct{})}
	p.news = p.watch.Now()
	return p
}

// observe takes an event of the run.
func (p *progress) observe(e suites.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case suites.Selected:
		p.plan(e.Selected)
	case suites.Began:
	case suites.Waiting:
		if e.Waiting == "" {
			delete(p.waiting, e.Check.Name)
		} else {
			p.waiting[e.Check.Name] = wait{e.Waiting, p.watch.Now()}
		}
	case suites.Finished:
		p.finished(e)
	}
}

func (p *progress) plan(order []check.Check) {
	p.total = len(order)
	for _, c := range order {
		t := p.byArea[c.Area]
		if t == nil {
			t = &tally{name: c.Area}
			p.byArea[c.Area] = t
			p.areas = append(p.areas, t)
		}
		t.total++
	}
	if !p.silent() {
		p.stopped.Go(p.patience)
	}
}

func (p *progress) silent() bool { return p.app.quiet || p.app.asJSON }

func (p *progress) finished(e suites.Event) {
	p.news = p.watch.Now()
	delete(p.waiting, e.Check.Name)
	p.done++
	t := p.byArea[e.Check.Area]
	t.done++
	switch e.Result.Status {
	case report.Pass, report.KnownFail:
		t.good++
	case report.Warn:
		t.good++
		t.warned++
	case report.Skip:
		t.skipped++
	default:
		t.bad++
		p.bad++
	}
	if p.silent() {
		return
	}
	if p.app.verbose > 0 {
		p.clear()
		p.app.printf("  %s %-10s %s  %s\n", p.app.mark(e.Result.Status), e.Check.ID, e.Check.Name, p.app.dim(report.Human(time.Duration(e.Result.DurationMs)*time.Millisecond)))
	} else if e.Result.Status == report.Fail || e.Result.Status == report.Error {
		p.clear()
		p.app.printf("  %s %s\n", p.app.mark(e.Result.Status), e.Check.Name)
	}
	if p.app.wide {
		p.line()
	} else if t.done == t.total {
		p.app.area(t)
	}
}

func (p *progress) line() {
	p.app.printf("\r\x1b[K  %s %d of %d", bar(p.done, p.total), p.done, p.total)
	if p.bad > 0 {
		p.app.printf(" · %s", p.app.red(fmt.Sprintf("%d failing", p.bad)))
	}
}

func (p *progress) clear() {
	if p.app.wide {
		p.app.printf("\r\x1b[K")
	}
}

// patience says after 30 s without news what is being waited for, and since when.
func (p *progress) patience() {
	const limit = 30 * time.Second
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-ticker.C:
		}
		p.mu.Lock()
		if now := p.watch.Now(); now.Sub(p.news) > limit {
			p.news = now
			p.clear()
			for name, w := range p.waiting {
				p.app.printf("  … %s waits for %s, since %s\n", name, w.what, report.Human(now.Sub(w.since)))
			}
			if len(p.waiting) == 0 {
				p.app.printf("  … %d of %d done, no news for %v\n", p.done, p.total, limit)
			}
		}
		p.mu.Unlock()
	}
}

// close ends the progress and, where a person watched, leaves a line for every area.
func (p *progress) close() {
	close(p.ended)
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent() || !p.app.wide {
		return
	}
	p.clear()
	for _, t := range p.areas {
		p.app.area(t)
	}
}

func (a *app) area(t *tally) {
	tried := t.total - t.skipped
	line := fmt.Sprintf("  %-12s %s %5s", t.name, bar(t.good, tried), fmt.Sprintf("%d/%d", t.good, tried))
	if t.bad > 0 {
		line += "   " + a.red(fmt.Sprintf("%d failing", t.bad))
	}
	if t.warned > 0 {
		line += "   " + a.yellow(fmt.Sprintf("%d warnings", t.warned))
	}
	if t.skipped > 0 {
		line += "   " + a.dim(fmt.Sprintf("%d skipped", t.skipped))
	}
	a.printf("%s\n", line)
}

// mark is a status as a coloured symbol.
func (a *app) mark(s report.Status) string {
	switch s {
	case report.Pass:
		return a.green(s.Symbol())
	case report.Fail, report.Fixed, report.Error, report.Unavailable:
		return a.red(s.Symbol())
	case report.Warn, report.KnownFail, report.Review:
		return a.yellow(s.Symbol())
	case report.Skip:
	}
	return a.dim(s.Symbol())
}

// verdict prints the end of a run: the verdict last, the failures above it.
func (a *app) verdict(r *report.Report, file string) {
	if !a.quiet {
		for _, c := range r.Troubles() {
			if c.Status == report.Warn && a.verbose == 0 {
				continue
			}
			head, rest, _ := strings.Cut(c.Text(), "\n")
			a.printf("\n%s %s\n%s", a.mark(c.Status), a.bold(head), rest)
			if a.verbose > 0 {
				a.printf("%s", c.Trace())
			}
		}
		for _, p := range r.Problems {
			a.printf("\n%s %s\n", a.red("✗"), p)
		}
		for _, c := range r.Checks {
			if c.Status == report.Skip && !c.Undeclared && c.Severity == report.Must {
				a.printf("\n%s %s %s\n", a.yellow("–"), c.Name, a.dim("not tried: "+c.Reason))
			}
		}
		if len(r.Defects) > 0 {
			a.printf("\n%s\n", a.red("broken on purpose: "+strings.Join(r.Defects, ", ")))
		}
		a.printf("\n")
	}
	name := strings.ToUpper(string(r.Verdict))
	switch r.Verdict {
	case report.VerdictPass:
		name = a.green("PASS")
	case report.VerdictFail:
		name = a.red("FAIL")
	case report.VerdictNone:
		name = a.red("NO VERDICT")
	case report.VerdictIncomplete:
		name = a.yellow("INCOMPLETE")
	}
	a.printf("%s   %s\n", name, r.Sentence())
	if !a.quiet && file != "" {
		a.printf("report %s\n", shellPath(file))
	}
}

// table prints aligned columns.
func table(w io.Writer, rows [][]string) {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			for len(width) <= i {
				width = append(width, 0)
			}
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-len([]rune(cell))+2))
			}
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
