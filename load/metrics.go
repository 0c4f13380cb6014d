package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ensaio/ensaio/load/record"
)

// Metrics is a running endpoint that a Prometheus server reads while the load runs.
type Metrics struct {
	record.Gauges
	server *http.Server
	ended  chan error
	addr   net.Addr
}

// Serve answers /metrics on addr ("127.0.0.1:0" takes a free port) with the figures of the snapshots that
// are [record.Gauges.Set], beside those of the process.
func Serve(ctx context.Context, addr string) (*Metrics, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("load: metrics endpoint: %w", err)
	}
	m := &Metrics{ended: make(chan error, 1), addr: listener.Addr()}
	registry := prometheus.NewRegistry()
	registry.MustRegister(&m.Gauges, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { m.ended <- m.server.Serve(listener) }()
	return m, nil
}

// URL is the address to read from.
func (m *Metrics) URL() string { return "http://" + m.addr.String() + "/metrics" }

// Close ends the endpoint.
func (m *Metrics) Close() error {
	err := m.server.Close()
	if ended := <-m.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
