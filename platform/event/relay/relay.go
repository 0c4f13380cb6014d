// Package relay publishes the events of a store to NATS JetStream as CloudEvents.
//
// It promises at-least-once delivery in the order of the store: an event that committed with its record
// is published, also after a killed process, and a repetition carries the same message id, which
// JetStream drops. It refuses to be in anybody's way: it starts in the background, reads behind the
// commits, and a broker that is away costs nothing but delay. The invariant: what the stream holds is a
// prefix of what the store told, as far as the store still has it.
//
// The broker is an external cluster, or one embedded in this process without a listening port. Measured
// (see the benchmark), the embedded one with ten thousand events in memory adds about 22 MB of resident
// memory, so it may be on by default.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ensaio/ensaio/platform/store"
)

// Config is what a relay needs.
type Config struct {
	Store *store.Store
	// Source is the CloudEvents source, "urn:ensaio:bancoensaio".
	Source string
	// URL is an external NATS server, "nats://…"; empty means an embedded one.
	URL string
	// Dir keeps the embedded stream; empty keeps it in memory, bounded.
	Dir string
	// Stream is the stream's name and the first token of its subjects, "ENSAIO" when empty.
	Stream string
	// Keep is how many published events stay in the store, 100,000 when 0.
	Keep int64
	Log  *slog.Logger
}

const (
	batch = 256
	// memoryBytes bounds an embedded stream without a directory; the oldest go first.
	memoryBytes = 16 << 20
	diskBytes   = 1 << 30
	// lookAgain is how often the store is asked although this process committed nothing: other processes
	// may share the database.
	lookAgain = 5 * time.Second
	// The pauses after a failure: the first, and the longest.
	firstPause   = 250 * time.Millisecond
	longestPause = 15 * time.Second
	startTimeout = 10 * time.Second
	idHeader     = nats.MsgIdHdr
)

// Relay is running from [Start] until [Relay.Close].
type Relay struct {
	cfg    Config
	cancel context.CancelFunc
	done   chan struct{}

	published atomic.Int64 // number of the newest event in the stream

	mu      sync.Mutex
	broker  *server.Server
	conn    *nats.Conn
	scratch scratchDir
	moved   chan struct{}
}

// Start begins to publish in the background and returns at once.
func Start(cfg Config) (*Relay, error) {
	if cfg.Store == nil || cfg.Source == "" {
		return nil, errors.New("relay needs a store and a source")
	}
	if cfg.Stream == "" {
		cfg.Stream = "ENSAIO"
	}
	if cfg.Keep == 0 {
		cfg.Keep = 100_000
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Relay{cfg: cfg, cancel: cancel, done: make(chan struct{}), moved: make(chan struct{})}
	go r.run(ctx)
	return r, nil
}

// Close ends the relay and its embedded broker. What is not yet published stays in the store.
func (r *Relay) Close() error {
	r.cancel()
	<-r.done
	return nil
}

// Published is the number of the newest event that the stream confirmed.
func (r *Relay) Published() int64 { return r.published.Load() }

// Await returns when the stream has confirmed the event of that number.
func (r *Relay) Await(ctx context.Context, seq int64) error {
	for {
		r.mu.Lock()
		moved := r.moved
		r.mu.Unlock()
		if r.published.Load() >= seq {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Connect opens a connection to the broker for a reader, in-process where it is embedded. It fails until
// the broker is up.
func (r *Relay) Connect() (*nats.Conn, error) {
	r.mu.Lock()
	broker := r.broker
	r.mu.Unlock()
	if r.cfg.URL != "" {
		return nats.Connect(r.cfg.URL)
	}
	if broker == nil {
		return nil, errors.New("the embedded broker is not up yet")
	}
	return nats.Connect("", nats.InProcessServer(broker))
}

func (r *Relay) run(ctx context.Context) {
	defer close(r.done)
	defer r.end()
	pause := firstPause
	for ctx.Err() == nil {
		err := r.serve(ctx)
		if ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			return
		}
		r.cfg.Log.Warn("events not published, trying again", "after", r.published.Load(), "error", err)
		rest(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// serve publishes until something fails.
func (r *Relay) serve(ctx context.Context) error {
	js, stream, err := r.open(ctx)
	if err != nil {
		return err
	}
	last, err := newest(ctx, stream)
	if err != nil {
		return fmt.Errorf("find the newest published event: %w", err)
	}
	r.advance(last)
	for {
		told := r.cfg.Store.Told() // before asking: what is committed in between rings it
		n, err := r.publish(ctx, js)
		if err != nil {
			return err
		}
		if n == batch {
			continue
		}
		timer := time.NewTimer(lookAgain)
		select {
		case <-told:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		timer.Stop()
	}
}

// publish sends the next events and waits until the stream confirmed them all.
func (r *Relay) publish(ctx context.Context, js jetstream.JetStream) (int, error) {
	list, err := r.cfg.Store.Events(ctx, r.published.Load(), batch)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	acks := make([]jetstream.PubAckFuture, 0, len(list))
	for _, e := range list {
		ack, err := js.PublishMsgAsync(r.message(e), jetstream.WithExpectStream(r.cfg.Stream))
		if err != nil {
			return 0, fmt.Errorf("publish event %d: %w", e.Seq, err)
		}
		acks = append(acks, ack)
	}
	for i, ack := range acks {
		select {
		case <-ack.Ok():
			r.advance(list[i].Seq)
		case err := <-ack.Err():
			return 0, fmt.Errorf("publish event %d: %w", list[i].Seq, err)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if last := list[len(list)-1].Seq; last/r.cfg.Keep != (last-int64(len(list)))/r.cfg.Keep && last > r.cfg.Keep {
		if err := r.cfg.Store.Prune(ctx, last-r.cfg.Keep); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// message is an event as a CloudEvents 1.0 message in binary mode. Its id is the event's number.
func (r *Relay) message(e store.Event) *nats.Msg {
	id := strconv.FormatInt(e.Seq, 10)
	m := nats.NewMsg(r.cfg.Stream + "." + e.Type)
	m.Header.Set(idHeader, r.cfg.Source+"/"+id)
	m.Header.Set("ce-specversion", "1.0")
	m.Header.Set("ce-id", id)
	m.Header.Set("ce-source", r.cfg.Source)
	m.Header.Set("ce-type", e.Type)
	m.Header.Set("ce-subject", e.ID)
	m.Header.Set("ce-time", time.UnixMilli(e.At).UTC().Format("2006-01-02T15:04:05.000Z"))
	if len(e.Data) > 0 {
		m.Header.Set("content-type", "application/json")
		m.Data = e.Data
	}
	return m
}

func (r *Relay) advance(seq int64) {
	if seq <= r.published.Load() {
		return
	}
	r.published.Store(seq)
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.moved)
	r.moved = make(chan struct{})
}

// newest reads the number of the last event out of the stream itself: no place of its own can disagree.
func newest(ctx context.Context, s jetstream.Stream) (int64, error) {
	info, err := s.Info(ctx)
	if err != nil || info.State.LastSeq == 0 || info.State.Msgs == 0 {
		return 0, err
	}
	m, err := s.GetMsg(ctx, info.State.LastSeq)
	if err != nil {
		return 0, err
	}
	id := m.Header.Get(idHeader)
	return strconv.ParseInt(id[strings.LastIndexByte(id, '/')+1:], 10, 64)
}
