package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
)

// Worker is one process of a fleet.
type Worker struct {
	URL   string // of the NATS server, as the coordinator's Spawn was given it
	Build string // as the coordinator's
	// Prepare opens the task and makes everything ready; nothing of the schedule is sent before it returns. Share,
	// Shares, Start, Recording and Observe of its plan are set by the fleet; release, which may be nil, is called
	// at the end.
	Prepare func(ctx context.Context, a Assignment) (plan load.Plan, release func(), err error)
	// Gather replaces the patience with a coordinator who does not answer (30 s); 0 keeps it.
	Gather time.Duration
}

// Work takes part in one run, and returns when its recording has been handed over. Its errors: no
// coordinator ([ErrMissing]), one that fell silent ([ErrUnattended]), Prepare's, the coordinator's reason to stop before
// the start, or the cause of ctx's end.
func Work(ctx context.Context, w Worker) error {
	if w.Prepare == nil {
		return fmt.Errorf("load fleet: a worker without anything to do")
	}
	conn, err := connect(w.URL, "ensaio load worker")
	if err != nil {
		return err
	}
	defer conn.Close()
	m := &member{Worker: w, conn: conn, watch: clock.New()}
	if err := m.join(ctx); err != nil {
		return err
	}
	ctx, m.end = context.WithCancelCause(ctx)
	if err := m.listen(); err != nil {
		m.end(nil)
		return err
	}
	alive := make(chan struct{})
	go func() { defer close(alive); m.live(ctx) }()
	err = m.play(ctx)
	m.end(nil)
	<-alive
	return err
}

type member struct {
	Worker
	Assignment
	conn  *nats.Conn
	watch *clock.Clock // the machine's: the plan's may be stepped with its target
	end   context.CancelCauseFunc
	start chan *nats.Msg
	stop  chan *nats.Msg
	beats chan *nats.Msg

	mu       sync.Mutex
	ready    bool
	trouble  string
	snapshot *record.Snapshot
}

// join greets until a coordinator answers.
func (m *member) join(ctx context.Context) error {
	greeting, err := json.Marshal(greeting{Worker: rand.Text(), Build: m.Build})
	if err != nil {
		return fmt.Errorf("load fleet: %w", err)
	}
	patience := or(m.Gather, gather)
	until := m.watch.Now().Add(patience)
	for m.watch.Now().Before(until) {
		asked, cancel := context.WithTimeout(ctx, answer)
		msg, err := m.conn.RequestWithContext(asked, string(hello), greeting)
		cancel()
		if err == nil {
			err := json.Unmarshal(msg.Data, &m.Assignment)
			if err == nil && m.Refused != "" {
				return fmt.Errorf("%w: %s", ErrBuild, m.Refused)
			}
			if err != nil || m.Shares < 1 || m.Beat <= 0 || m.Silence < m.Beat {
				return fmt.Errorf("load fleet: the coordinator's answer is no assignment")
			}
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, nats.ErrNoResponders) {
			if err := m.watch.Sleep(ctx, answer/10); err != nil {
				return context.Cause(ctx)
			}
		}
	}
	return fmt.Errorf("%w: no coordinator answered within %s", ErrMissing, patience)
}

func (m *member) listen() error {
	wire := of(m.Run)
	m.start, m.stop, m.beats = make(chan *nats.Msg, 4), make(chan *nats.Msg, 4), make(chan *nats.Msg, 64)
	for subject, ch := range map[string]chan *nats.Msg{wire.start(): m.start, wire.stop(): m.stop, wire.beat(): m.beats} {
		if _, err := m.conn.ChanSubscribe(subject, ch); err != nil {
			return fmt.Errorf("load fleet: %w", err)
		}
	}
	if err := m.conn.Flush(); err != nil {
		return fmt.Errorf("load fleet: %w", err)
	}
	return nil
}

// errTold is the coordinator's word to stop: what was recorded is still wanted.
type errTold struct{ why string }

func (e errTold) Error() string { return e.why }

// live says every beat that the worker is there, and ends the run when the coordinator says so or is silent.
func (m *member) live(ctx context.Context) {
	tick := time.NewTicker(m.Beat)
	defer tick.Stop()
	last := m.watch.Now()
	for {
		select {
		case <-m.beats:
			last = m.watch.Now()
		case msg := <-m.stop:
			var s stopping
			_ = json.Unmarshal(msg.Data, &s) // an empty reason is one too
			m.end(errTold{s.Why})
			last = m.watch.Now()
		case <-tick.C:
			m.tell()
			if m.watch.Now().Sub(last) > m.Silence || m.conn.IsClosed() {
				m.end(ErrUnattended)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (m *member) tell() {
	m.mu.Lock()
	n := news{Share: m.Share, Ready: m.ready, Error: m.trouble, Snapshot: m.snapshot}
	m.snapshot = nil
	m.mu.Unlock()
	if b, err := json.Marshal(n); err == nil {
		_ = m.conn.Publish(of(m.Run).news(), b) // the next beat says it again
	}
}

func (m *member) play(ctx context.Context) error {
	plan, release, err := m.Prepare(ctx, m.Assignment)
	if release != nil {
		defer release()
	}
	if err == nil {
		err = plan.Check()
	}
	if err != nil {
		m.mu.Lock()
		m.trouble = err.Error()
		m.mu.Unlock()
		m.tell()
		_ = m.conn.FlushTimeout(answer) // an unheard worker is lost, which is as true
		return err
	}
	m.mu.Lock()
	m.ready = true
	m.mu.Unlock()
	m.tell()
	var word starting
	select {
	case msg := <-m.start:
		if err := json.Unmarshal(msg.Data, &word); err != nil {
			return fmt.Errorf("load fleet: the word to start: %w", err)
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	plan.Share, plan.Shares, plan.Start = m.Share, m.Shares, plan.Clock.Now().Add(word.In)
	plan.Recording = plan.Recorder(word.At)
	observe := plan.Observe
	plan.Observe = func(s record.Snapshot) {
		if observe != nil {
			observe(s)
		}
		m.mu.Lock()
		m.snapshot = &s
		m.mu.Unlock()
		m.tell()
	}
	rec, err := load.Run(ctx, plan)
	if errors.Is(err, ErrUnattended) {
		return err
	}
	var told errTold
	why := ""
	if err != nil && !errors.As(err, &told) {
		why = err.Error()
	}
	if handed := m.hand(context.WithoutCancel(ctx), rec, why, errors.Is(err, load.ErrLost)); handed != nil {
		return errors.Join(err, handed)
	}
	if why != "" && !errors.Is(err, load.ErrLost) {
		return err
	}
	return nil
}

// hand gives the recording to the coordinator, piece by piece, each acknowledged.
func (m *member) hand(ctx context.Context, rec *record.Recording, why string, lost bool) error {
	b, err := rec.Encode()
	if err != nil {
		return fmt.Errorf("load fleet: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, collect)
	defer cancel()
	of, whole := of(m.Run), (len(b)+chunk-1)/chunk
	for i := range whole {
		piece, err := json.Marshal(part{Share: m.Share, Index: i, Of: whole, Why: why, Lost: lost, Bytes: b[i*chunk : min((i+1)*chunk, len(b))]})
		if err != nil {
			return fmt.Errorf("load fleet: %w", err)
		}
		for {
			asked, cancel := context.WithTimeout(ctx, answer)
			_, err = m.conn.RequestWithContext(asked, of.result(), piece)
			cancel()
			if err == nil {
				break
			}
			if ctx.Err() != nil || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrConnectionClosed) {
				return fmt.Errorf("%w: its recording could not be handed over: %w", ErrUnattended, err)
			}
		}
	}
	// The coordinator waits for this word before it ends the wire.
	b, err = json.Marshal(news{Share: m.Share, Done: true})
	if err == nil {
		err = m.conn.Publish(of.news(), b)
	}
	if err == nil {
		_ = m.conn.FlushTimeout(answer) // the recording is there, heard or not
	}
	return nil
}
