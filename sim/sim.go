// Package sim is the world and its laws: it puts a whole Open Finance Brasil ecosystem together on this
// machine. This is the one place where everybody meets; nobody imports it but the command line.
//
// It promises that a started ecosystem is ready: a real consent has been created, authorised by a
// customer on the bank's own pages and used to read data, over the same wire as everybody else uses. What
// cannot start leaves nothing behind.
package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ensaio/ensaio/directory-mock"
	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/platform"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
)

// Options say how an ecosystem is to be. The zero value is a new one in memory, at free ports.
type Options struct {
	// Dir keeps everything acknowledged: keys, registrations, consents, payments, books, reports. Empty
	// keeps nothing.
	Dir string
	// PortBase gives every role a fixed port from here on; 0 lets the system choose. With Dir, the ports of
	// the first start are kept.
	PortBase int
	Seed     clock.Seed
	// Defects are armed once the ecosystem stands.
	Defects []string
	// Database is a PostgreSQL URL for the bank's records; empty is SQLite below Dir, or memory.
	Database string
	// Core is the core system behind the bank: empty is ours in this process, "http" is ours across its HTTP
	// port, and an address is a connector of somebody else that speaks the same protocol.
	Core string
	// Events is the URL of an external NATS server for the bank's events; empty embeds one.
	Events string
	// Journal bounds the record of exchanges, in bytes; 0 is the journal's own measure, less keeps none.
	Journal int
	// Reports bounds how many reports the metrics platform remembers; 0 is its own measure.
	Reports int
	// Release of its texts that the metrics platform keeps; "" is the current one.
	Release string
	// Unreported lets the bank tell the metrics platform nothing: what its reports cost can be measured so.
	Unreported bool
	// Shout puts the names of armed defects into every answer, as X-Ofb-Simulator-Defect.
	Shout bool
	Log   *slog.Logger
}

// Ecosystem is a running world. Close ends it.
type Ecosystem struct {
	options Options
	clock   *clock.Clock
	board   *fault.Board
	log     *slog.Logger
	net     *network
	watch   *observer
	cast    *cast
	secrets *secrets

	directory               directory.Addresses
	ssaIssuer               string
	control, console, proxy string
	files                   string
	assertion               func(*software) string                             // where a statement's assertion is served
	forget                  func(ctx context.Context, softwareID string) error // ends a registration at the bank
	ready                   Ready
	apps                    *apps
	offices                 map[string]*office // by organisation
	source                  platform.Core

	flush   func(context.Context) error // sends the reports that wait
	undoing sync.Once
	undo    []func()
	failure error
}

// Ready describes the ecosystem for its clients.
func (e *Ecosystem) Ready() Ready { return e.ready }

// TargetFile is the target file that was written for the suites.
func (e *Ecosystem) TargetFile() string { return e.ready.Target }

// Console is the address of the first page, for a browser.
func (e *Ecosystem) Console() string { return e.console }

// Clock is the time of this world.
func (e *Ecosystem) Clock() *clock.Clock { return e.clock }

// after registers what Close must undo, last first.
func (e *Ecosystem) after(fn func()) { e.undo = append(e.undo, fn) }

// Close ends every role, flushes what is kept, and removes what was temporary. Its error says what could
// not be kept.
func (e *Ecosystem) Close() error {
	e.undoing.Do(func() {
		if e.flush != nil {
			ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
			if err := errors.Join(e.flushOffices(ctx), e.flush(ctx)); err != nil {
				e.log.Info("reports stay in the outbox", "error", err)
			}
			cancel()
		}
		if e.watch != nil {
			e.watch.journal.End() // whoever follows it would hold a server open
		}
		if e.net != nil {
			e.net.close() // nobody is answered any more before anything else ends
		}
		for i := len(e.undo) - 1; i >= 0; i-- {
			e.undo[i]()
		}
	})
	return e.failure
}

// closing turns a closer into something to undo, keeping its error.
func (e *Ecosystem) closing(what string, close func() error) {
	e.after(func() {
		if err := close(); err != nil {
			e.failure = errors.Join(e.failure, fmt.Errorf("close %s: %w", what, err))
		}
	})
}

// Start builds an ecosystem and returns when it is ready. The context bounds the start alone.
func Start(ctx context.Context, o Options) (*Ecosystem, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Ecosystem{options: o, clock: clock.New(), log: o.Log, board: fault.NewBoard(append(Catalogue(), fault.Variants()...)), cast: newCast(o.Seed)}
	for _, name := range o.Defects {
		if err := e.board.Arm(name); err != nil { // an unknown name is told before anything starts
			return nil, err
		}
	}
	e.board.Disarm()
	err := e.assemble(ctx)
	for _, name := range o.Defects {
		err = errors.Join(err, e.board.Arm(name))
	}
	if err != nil {
		if undone := e.Close(); undone != nil {
			e.log.Error("a failed start left something behind", "error", undone)
		}
		return nil, fmt.Errorf("start the ecosystem: %w", err)
	}
	return e, nil
}

func (e *Ecosystem) assemble(ctx context.Context) error {
	if err := e.settle(); err != nil {
		return err
	}
	places, err := e.openPlaces()
	if err != nil {
		return err
	}
	if err := e.openTrust(places); err != nil {
		return err
	}
	all := people.Population(e.options.Seed, population)
	control := newControl(e.clock, e.board)
	e.watch = newObserver(e)
	e.watch.serve(control)
	source, err := e.openCore(places, control, all)
	if err != nil {
		return err
	}
	e.source = source
	if err := e.openDirectory(places, control); err != nil {
		return err
	}
	if err := e.openPCM(places, control); err != nil {
		return err
	}
	if err := e.openBank(ctx, places, control, source); err != nil {
		return err
	}
	if err := e.openOffices(control); err != nil {
		return err
	}
	e.openSurfaces(places, control)
	registered, err := e.register(ctx)
	if err != nil {
		return err
	}
	if err := e.publish(all, registered); err != nil {
		return err
	}
	e.apps.open(registered)
	return e.rehearse(ctx, all, registered[0])
}

// settle finds the directories the ecosystem lives in.
func (e *Ecosystem) settle() error {
	if dir := e.options.Dir; dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("directory: %w", err)
		}
	}
	files, temporary, err := filesDir(e.options.Dir)
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	e.files = files
	if temporary {
		e.closing("temporary files", func() error { return os.RemoveAll(files) })
	}
	return nil
}

// sub is a folder below the ecosystem's directory, or "" where nothing is kept.
func (e *Ecosystem) sub(name string) string {
	if e.options.Dir == "" {
		return ""
	}
	return filepath.Join(e.options.Dir, name)
}

const (
	// startTimeout bounds the first journey.
	startTimeout = 10 * time.Second
	// flushTimeout is what the reports that still wait are given at the end.
	flushTimeout = 2 * time.Second
)
