// Package pcm is a stand-in for the metrics platform of Open Finance Brasil (Plataforma de Coleta de
// Métricas), release 2026C.
//
// It promises what the published texts promise: tokens over mutual TLS, intake of private, open-data and
// consent-journey reports with the published validation and messages, pairing by interaction id, and
// answers about the result. What it answered as accepted is on disk first. It refuses nothing that the
// texts allow and invents no verdict: where they are silent, the choice is named at the code. The
// invariant: every accepted private report ends in exactly one of the states PAIRED,
// PAIRED_INCONSISTENT, UNPAIRED or SINGLE, and [PCM.Flush] waits until it has.
//
// It never stands in the way of a call: everything here is told after the fact.
package pcm

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// Config is what a platform needs from its world.
type Config struct {
	Clock *clock.Clock
	Seed  clock.Seed
	Seams *fault.Seams
	// Roots are the authorities of transport certificates; Revoked may refuse single ones.
	Roots   *x509.CertPool
	Revoked func(*x509.Certificate) bool
	// ClientID maps a software statement to its client_id; nil means they are equal.
	ClientID func(softwareID string) string
	// Known is the directory's knowledge; nil means that every organisation and statement is known.
	Known Participants
	// Dir keeps the reports; empty means nothing outlives the process.
	Dir string
	// Keep bounds the items held, of whatever kind, 500,000 when 0: about 35 MB of memory and 400 MB of disk.
	Keep int
	// Release of the texts that the platform keeps, one of [spec.Releases]; the current one when empty.
	Release string
	// AuthHost and APIHost are the public names, "auth.pcm.test" and "api.pcm.test" when empty.
	AuthHost, APIHost string
	// Rate is how many requests per second one organisation may send, 300 when 0.
	Rate int
	Log  *slog.Logger
}

// PCM is a running platform.
type PCM struct {
	cfg    Config
	ids    *clock.Stream
	tokens tokens
	limits limits
	ledger *ledger
	faults failures

	dialect  atomic.Pointer[Dialect]
	speaking sync.Mutex // who changes the dialect

	book     *book
	journeys *journeys
	stocks   *stocks
	payments *payments
	history  history
	pairing  worker
}

// New opens the platform and, when it has a directory, reads back what it kept.
func New(cfg Config) (*PCM, error) {
	if cfg.Keep == 0 {
		cfg.Keep = 500_000
	}
	if cfg.Rate == 0 {
		cfg.Rate = 300
	}
	if cfg.AuthHost == "" {
		cfg.AuthHost = "auth.pcm.test"
	}
	if cfg.APIHost == "" {
		cfg.APIHost = "api.pcm.test"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &PCM{cfg: cfg, ids: cfg.Seed.Stream("pcm/report-id"), book: newBook(cfg.Keep), journeys: newJourneys(), stocks: newStocks(), payments: newPayments()}
	d, err := speak(cfg.Release)
	if err != nil {
		return nil, fmt.Errorf("open metrics platform: %w", err)
	}
	p.dialect.Store(d)
	if err := p.tokens.prepare(); err != nil {
		return nil, fmt.Errorf("open metrics platform: %w", err)
	}
	p.limits.rate = cfg.Rate
	if p.ledger, err = openLedger(cfg.Dir, p.replay); err != nil {
		return nil, fmt.Errorf("open metrics platform: %w", err)
	}
	if n := p.ledger.torn; n > 0 {
		cfg.Log.Warn("end of the log was damaged and cut off", "bytes", n)
	}
	p.pairing.start(p.pair)
	return p, nil
}

// Close settles what was accepted and closes the log.
func (p *PCM) Close() error {
	p.pairing.end()
	if err := p.ledger.close(); err != nil {
		return fmt.Errorf("close metrics platform: %w", err)
	}
	return nil
}

// Flush waits until every report accepted so far has its state.
func (p *PCM) Flush(ctx context.Context) error { return p.pairing.flush(ctx) }

// Handler serves both public hosts; client certificates are asked for on the first one.
func (p *PCM) Handler() http.Handler {
	auth, api := http.NewServeMux(), http.NewServeMux()
	auth.HandleFunc("POST /token/{$}", p.token(false))
	auth.HandleFunc("POST /token-fresh/{$}", p.token(true))
	for _, path := range []string{"/token", "/token-fresh"} { // the slash is mandatory; no redirect helps a forgetful caller
		auth.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			p.refuse(w, r, "token", http.StatusNotFound, "Not Found")
		})
	}
	for _, in := range intakes {
		path := in.path
		if strings.HasSuffix(path, "/") {
			path += "{$}"
		}
		api.HandleFunc("POST "+path, p.intake(in))
	}
	slashless := p.intake(intakes[0])
	api.HandleFunc("POST "+strings.TrimSuffix(spec.PrivateReportPath, "/"), func(w http.ResponseWriter, r *http.Request) {
		if p.Dialect().on[swStrictPath] {
			p.refuse(w, r, "private", http.StatusNotFound, "Not Found")
			return
		}
		slashless(w, r)
	})
	api.HandleFunc("GET "+spec.PrivateReportPath+"{id}", p.lookup(spec.KindPrivate))
	api.HandleFunc("PUT "+spec.PrivateReportPath+"{id}", p.amend)
	api.HandleFunc("GET "+spec.PortabilityPath+"{id}", p.lookup(spec.KindPortability))
	api.HandleFunc("GET "+spec.PaymentStatesPath+"/{id}", p.lookupState)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if p.cfg.Seams.Bends() {
			p.cfg.Seams.Request(&fault.Request{Place: "pcm", HTTP: r})
		}
		mux := api
		switch host {
		case p.cfg.AuthHost:
			mux = auth
		case p.cfg.APIHost:
		default:
			p.refuse(w, r, "", http.StatusNotFound, "Not Found")
			return
		}
		if _, pattern := mux.Handler(r); pattern == "" {
			p.refuse(w, r, "", http.StatusNotFound, "Not Found")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// answer writes a JSON answer after the seams.
func (p *PCM) answer(w http.ResponseWriter, r *http.Request, operation string, status int, body []byte) {
	if p.cfg.Seams.Bends() {
		reply := &fault.Reply{Place: "pcm", Operation: operation, Request: r, Status: status, Header: w.Header(), Body: body}
		p.cfg.Seams.Reply(reply)
		status, body = reply.Status, reply.Body
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		p.cfg.Log.Debug("answer not delivered", "operation", operation, "error", err)
	}
}

// refuse writes a whole-request failure: a message and nothing else (section 3).
func (p *PCM) refuse(w http.ResponseWriter, r *http.Request, operation string, status int, message string) {
	p.answer(w, r, operation, status, append(appendText([]byte(`{"message":`), message), '}'))
}

// Rules lists every rule of the platform.
func Rules() []rule.Info {
	return slices.Concat(tokenRules.Rules(), requestRules.Rules(), private.Rules(), open.Rules(), hybrid.Rules(), stockRules.Rules(), stateRules.Rules(), portability.Rules(), once.Rules(), pairing.Rules(), content.Rules(), readers.Rules(), inTime.Rules())
}

// worker runs one function over batches of numbers, in order, in the background.
type worker struct {
	mu      sync.Mutex
	queue   []uint64
	added   uint64
	handled uint64
	bell    chan struct{}
	moved   chan struct{} // closed and replaced when handled grows
	stop    chan struct{}
	done    chan struct{}
}

func (w *worker) start(fn func([]uint64)) {
	w.bell, w.moved = make(chan struct{}, 1), make(chan struct{})
	w.stop, w.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.bell:
				w.run(fn)
			case <-w.stop:
				w.run(fn)
				return
			}
		}
	}()
}

func (w *worker) run(fn func([]uint64)) {
	w.mu.Lock()
	batch := w.queue
	w.queue = nil
	w.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	fn(batch)
	w.mu.Lock()
	w.handled += uint64(len(batch))
	close(w.moved)
	w.moved = make(chan struct{})
	w.mu.Unlock()
}

func (w *worker) add(batch []uint64) {
	w.mu.Lock()
	w.queue = append(w.queue, batch...)
	w.added += uint64(len(batch))
	w.mu.Unlock()
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

func (w *worker) flush(ctx context.Context) error {
	w.mu.Lock()
	target := w.added
	w.mu.Unlock()
	for {
		w.mu.Lock()
		done, moved := w.handled >= target, w.moved
		w.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *worker) end() {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	<-w.done
}
