package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// open connects to the broker, starting the embedded one when there is none yet, and makes sure that
// the stream exists.
func (r *Relay) open(ctx context.Context) (jetstream.JetStream, jetstream.Stream, error) {
	if err := r.connect(); err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(r.conn, jetstream.WithPublishAsyncMaxPending(batch))
	if err != nil {
		return nil, nil, fmt.Errorf("open JetStream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cfg := jetstream.StreamConfig{
		Name: r.cfg.Stream, Subjects: []string{r.cfg.Stream + ".>"}, Storage: jetstream.FileStorage, MaxBytes: diskBytes, Discard: jetstream.DiscardOld,
	}
	if r.cfg.URL == "" && r.cfg.Dir == "" {
		cfg.Storage, cfg.MaxBytes = jetstream.MemoryStorage, memoryBytes
	}
	stream, err := js.Stream(ctx, cfg.Name) // an operator's own settings are left alone
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, cfg)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open stream %s: %w", cfg.Name, err)
	}
	return js, stream, nil
}

func (r *Relay) connect() error {
	if r.conn != nil && r.conn.IsConnected() {
		return nil
	}
	if r.conn != nil {
		r.conn.Close()
		r.conn = nil
	}
	options := []nats.Option{nats.Name("ensaio relay"), nats.Timeout(startTimeout), nats.NoReconnect()}
	if r.cfg.URL == "" {
		if err := r.embed(); err != nil {
			return err
		}
		options = append(options, nats.InProcessServer(r.broker))
	}
	conn, err := nats.Connect(r.cfg.URL, options...)
	if err != nil {
		return fmt.Errorf("connect to the broker: %w", err)
	}
	r.conn = conn
	return nil
}

// embed starts a broker in this process. It listens nowhere and handles no signals.
func (r *Relay) embed() error {
	if r.broker != nil {
		return nil
	}
	options := &server.Options{
		ServerName: "ensaio", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: r.cfg.Dir, JetStreamMaxMemory: memoryBytes * 2, JetStreamMaxStore: diskBytes * 2,
	}
	if r.cfg.Dir == "" {
		// The server insists on a directory for its own book-keeping.
		dir, err := scratch()
		if err != nil {
			return err
		}
		options.StoreDir = dir.path
		r.scratch = dir
	}
	broker, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("start the embedded broker: %w", err)
	}
	broker.Start()
	if !broker.ReadyForConnections(startTimeout) {
		broker.Shutdown()
		return errors.New("start the embedded broker: it does not become ready")
	}
	r.mu.Lock()
	r.broker = broker
	r.mu.Unlock()
	return nil
}

func (r *Relay) end() {
	if r.conn != nil {
		r.conn.Close()
	}
	r.mu.Lock()
	broker := r.broker
	r.broker = nil
	r.mu.Unlock()
	if broker != nil {
		broker.Shutdown()
		broker.WaitForShutdown()
	}
	if err := r.scratch.remove(); err != nil {
		r.cfg.Log.Warn("directory of the embedded broker not removed", "error", err)
	}
}
