package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
)

// Coordination is one run shared by workers.
type Coordination struct {
	// URL is a NATS server or cluster, "nats://…"; "" embeds one on loopback, whose address Spawn is given.
	URL     string
	Workers int
	// Task is what every worker is given.
	Task []byte
	// Build says what the nth arrival means and how a recording is kept: workers of another one get no share.
	Build string
	// Spawn is called once when workers can connect, to start them; nil when they come by themselves. The
	// address may hold a token: it belongs into a child's environment, not on its command line. Workers that
	// Spawn starts should end with its ctx.
	Spawn   func(ctx context.Context, url string) error
	Clock   *clock.Clock          // of the recording's start
	Observe func(record.Snapshot) // the joint state, every second; may be nil
	// Gather, Prepare and Silence replace the patience with workers who do not come (30 s), are not ready
	// (3 min) and are not heard (6 s); 0 keeps it.
	Gather, Prepare, Silence time.Duration
}

// Coordinate gathers the workers, starts them at one instant, and returns their recordings as one. Beside an
// error ([ErrMissing], [ErrGone], [ErrWorker], [load.ErrLost], or the cause of ctx's end) it returns what has been
// recorded, which says that it is not whole, or nil.
func Coordinate(ctx context.Context, c Coordination) (*record.Recording, error) {
	if c.Workers < 1 || c.Clock == nil {
		return nil, fmt.Errorf("load fleet: %d workers cannot share a run", c.Workers)
	}
	c.Gather, c.Prepare, c.Silence = or(c.Gather, gather), or(c.Prepare, prepare), or(c.Silence, silence)
	url := c.URL
	if url == "" {
		b, err := startBroker()
		if err != nil {
			return nil, err
		}
		defer b.close()
		url = b.url
	}
	conn, err := connect(url, "ensaio load coordinator")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	run := &coordinator{Coordination: c, conn: conn, run: rand.Text(), workers: make([]worker, c.Workers), watch: clock.New()}
	run.enter(gathering)
	if err := run.listen(); err != nil {
		return nil, err
	}
	// Whoever was spawned ends with the run, whatever its end.
	spawned, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.Spawn != nil {
		if err := c.Spawn(spawned, url); err != nil {
			return nil, fmt.Errorf("load fleet: start the workers: %w", err)
		}
	}
	return run.lead(ctx)
}

func or(d, usually time.Duration) time.Duration {
	if d == 0 {
		return usually
	}
	return d
}

// worker is what the coordinator knows of one.
type worker struct {
	name     string
	last     time.Time // when it was heard last; zero before it came
	ready    bool
	lost     bool
	snapshot *record.Snapshot
	fresh    bool // the snapshot has not been shown
	done     bool // it knows that its recording has arrived
	parts    [][]byte
	rec      *record.Recording
}

type coordinator struct {
	Coordination
	conn    *nats.Conn
	run     string
	hellos  chan *nats.Msg
	news    chan *nats.Msg
	results chan *nats.Msg
	greets  *nats.Subscription
	workers []worker
	watch   *clock.Clock // the machine's, for patience: Clock may be stepped
	phase   phase
	since   time.Time       // when the phase began
	failure error           // the first thing that went wrong
	strange map[string]bool // workers of another version, who were refused
}

type phase int

const (
	gathering phase = iota
	preparing
	running
	ending // told to stop; only recordings are awaited
)

func (c *coordinator) listen() error {
	wire := of(c.run)
	c.hellos, c.news, c.results = make(chan *nats.Msg, 1024), make(chan *nats.Msg, 4096), make(chan *nats.Msg, 4096)
	var err error
	// Coordinators of one cluster share the greetings: each worker is answered by one of them.
	if c.greets, err = c.conn.ChanQueueSubscribe(string(hello), "coordinators", c.hellos); err == nil {
		if _, err = c.conn.ChanSubscribe(wire.news(), c.news); err == nil {
			if _, err = c.conn.ChanSubscribe(wire.result(), c.results); err == nil {
				err = c.conn.Flush()
			}
		}
	}
	if err != nil {
		return fmt.Errorf("load fleet: %w", err)
	}
	return nil
}

// lead is the coordinator's one loop.
func (c *coordinator) lead(ctx context.Context) (*record.Recording, error) {
	tick := time.NewTicker(c.Silence / 6)
	defer tick.Stop()
	over := ctx.Done()
	for !c.finished() {
		select {
		case m := <-c.hellos:
			c.greet(m)
		case m := <-c.news:
			c.note(m)
		case m := <-c.results:
			c.take(m)
		case <-tick.C:
			_ = c.conn.Publish(of(c.run).beat(), nil) // a broken connection shows as silence
			c.patience()
		case <-over:
			over = nil
			c.fail(context.Cause(ctx))
		}
		c.proceed()
	}
	c.dismiss()
	return c.whole()
}

// dismiss lets every worker hear that its recording has arrived, before the wire ends under it.
func (c *coordinator) dismiss() {
	enough := time.NewTimer(farewell)
	defer enough.Stop()
	for c.count(func(w worker) bool { return w.rec != nil && !w.lost && !w.done }) > 0 {
		select {
		case m := <-c.news:
			c.note(m)
		case m := <-c.results: // it did not hear, and asks again
			c.take(m)
		case <-enough.C:
			return
		}
	}
}

// greet gives a worker its share. Who greets again, because the answer was lost, gets the same.
func (c *coordinator) greet(m *nats.Msg) {
	var g greeting
	if json.Unmarshal(m.Data, &g) != nil || g.Worker == "" {
		return
	}
	if g.Build != c.Build {
		if c.strange == nil {
			c.strange = map[string]bool{}
		}
		c.strange[g.Worker] = true
		c.reply(m, Assignment{Refused: "another version of the program coordinates this run"})
		return
	}
	for i := range c.workers {
		w := &c.workers[i]
		if w.name != "" && w.name != g.Worker {
			continue
		}
		w.name, w.last = g.Worker, c.watch.Now()
		c.reply(m, Assignment{Run: c.run, Share: i, Shares: c.Workers, Beat: c.Silence / 6, Silence: c.Silence, Task: c.Task})
		return
	}
}

func (c *coordinator) reply(m *nats.Msg, v any) {
	if b, err := json.Marshal(v); err == nil {
		_ = m.Respond(b) // unanswered, the worker asks again
	}
}

func (c *coordinator) note(m *nats.Msg) {
	var n news
	if json.Unmarshal(m.Data, &n) != nil || n.Share < 0 || n.Share >= len(c.workers) {
		return
	}
	w := &c.workers[n.Share]
	w.last = c.watch.Now()
	w.ready, w.done = w.ready || n.Ready, w.done || n.Done
	if n.Snapshot != nil {
		w.snapshot, w.fresh = n.Snapshot, true
		c.show()
	}
	if n.Error != "" {
		w.lost = true
		c.fail(fmt.Errorf("%w: %s: %s", ErrWorker, c.title(n.Share), n.Error))
	}
}

func (c *coordinator) title(share int) string {
	return fmt.Sprintf("worker %d of %d", share+1, c.Workers)
}

// show gives the joint state when every worker that still runs has told its own anew.
func (c *coordinator) show() {
	var joint record.Snapshot
	for _, w := range c.workers {
		if w.rec == nil && !w.lost && !w.fresh {
			return
		}
		if w.snapshot != nil {
			joint = joint.Add(*w.snapshot)
		}
	}
	for i := range c.workers {
		c.workers[i].fresh = false
	}
	if c.Observe != nil {
		c.Observe(joint)
	}
}

// take keeps one part of a recording, and the whole once it is there.
func (c *coordinator) take(m *nats.Msg) {
	var p part
	if json.Unmarshal(m.Data, &p) != nil || p.Share < 0 || p.Share >= len(c.workers) || p.Of < 1 || p.Of > chunkLimit || p.Index < 0 || p.Index >= p.Of {
		return
	}
	w := &c.workers[p.Share]
	w.last = c.watch.Now()
	if w.rec != nil {
		c.reply(m, true)
		return
	}
	if len(w.parts) != p.Of {
		w.parts = make([][]byte, p.Of)
	}
	w.parts[p.Index] = p.Bytes
	c.reply(m, true)
	var all []byte
	for _, b := range w.parts {
		if b == nil {
			return
		}
		all = append(all, b...)
	}
	w.parts = nil
	rec, err := record.Decode(all)
	if err != nil {
		w.lost = true
		c.fail(fmt.Errorf("%w: %s: %w", ErrWorker, c.title(p.Share), err))
		return
	}
	w.rec = rec
	switch {
	case p.Lost:
		c.fail(fmt.Errorf("%w: %s", load.ErrLost, p.Why))
	case p.Why != "":
		c.fail(fmt.Errorf("%w: %s ended early: %s", ErrWorker, c.title(p.Share), p.Why))
	}
}

// patience ends when workers do not come, are not ready, or are not heard any more.
func (c *coordinator) patience() {
	now := c.watch.Now()
	waited := now.Sub(c.since)
	switch {
	case c.phase == gathering && waited > c.Gather:
		err := fmt.Errorf("%w: %d of %d within %s", ErrMissing, c.count(func(w worker) bool { return w.name != "" }), c.Workers, c.Gather)
		if n := len(c.strange); n > 0 {
			err = fmt.Errorf("%w; %d more came and are of another version", err, n)
		}
		c.fail(err)
	case c.phase == preparing && waited > c.Prepare:
		c.fail(fmt.Errorf("%w: %d of %d were ready within %s", ErrMissing, c.count(func(w worker) bool { return w.ready }), c.Workers, c.Prepare))
	}
	for i := range c.workers {
		w := &c.workers[i]
		if w.name != "" && w.rec == nil && !w.lost && now.Sub(w.last) > c.Silence {
			w.lost = true
			c.fail(fmt.Errorf("%w: %s was not heard for %s", ErrGone, c.title(i), c.Silence))
		}
		if c.phase == ending && w.rec == nil && waited > collect {
			w.lost = true
		}
	}
}

func (c *coordinator) count(is func(worker) bool) int {
	n := 0
	for _, w := range c.workers {
		if is(w) {
			n++
		}
	}
	return n
}

// proceed goes on to the next phase when every worker has come, or is ready.
func (c *coordinator) proceed() {
	switch {
	case c.phase == gathering && c.count(func(w worker) bool { return w.name != "" }) == c.Workers:
		c.enter(preparing)
	case c.phase == preparing && c.count(func(w worker) bool { return w.ready }) == c.Workers:
		c.enter(running)
		c.publish(of(c.run).start(), starting{In: lead, At: c.Clock.Now().Add(lead)})
	}
}

func (c *coordinator) enter(p phase) { c.phase, c.since = p, c.watch.Now() }

// fail keeps the first thing that went wrong and stops all workers.
func (c *coordinator) fail(err error) {
	if c.failure != nil {
		return
	}
	c.failure = err
	c.publish(of(c.run).stop(), stopping{Why: err.Error()})
	if c.phase != running {
		for i := range c.workers {
			c.workers[i].lost = true // nothing has been sent, nothing is to be collected
		}
	}
	c.enter(ending)
}

func (c *coordinator) publish(to string, v any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = c.conn.Publish(to, b)
	}
	if err == nil {
		err = c.conn.FlushTimeout(answer)
	}
	if err != nil && c.failure == nil {
		c.failure = fmt.Errorf("load fleet: %w", err)
	}
}

func (c *coordinator) finished() bool {
	return c.phase >= running && c.count(func(w worker) bool { return w.rec != nil || w.lost }) == c.Workers
}

// whole merges what came.
func (c *coordinator) whole() (*record.Recording, error) {
	var rec *record.Recording
	for _, w := range c.workers {
		switch {
		case w.rec == nil:
		case rec == nil:
			rec = w.rec
		default:
			if err := rec.Merge(w.rec); err != nil {
				return nil, errors.Join(c.failure, fmt.Errorf("load fleet: %w", err))
			}
		}
	}
	if rec != nil && c.failure != nil {
		rec.Stop(c.failure.Error())
	}
	return rec, c.failure
}
