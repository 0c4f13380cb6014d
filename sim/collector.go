package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/pcm"
)

// collector is the metrics platform as a process that can be killed by itself: its connections are cut,
// whatever they carry, what it held in memory is gone, and it comes up again on what it kept.
type collector struct {
	open  func() (*pcm.PCM, error)
	kept  bool // it has a directory to come up on
	clock *clock.Clock

	killing sync.Mutex // one at a time
	serving sync.RWMutex
	now     *pcm.PCM // nil while it is away
	public  http.Handler
	private http.Handler

	mu    sync.Mutex
	away  bool
	conns map[net.Conn]bool
}

func newCollector(clk *clock.Clock, kept bool, open func() (*pcm.PCM, error)) (*collector, error) {
	c := &collector{open: open, kept: kept, clock: clk, conns: map[net.Conn]bool{}}
	return c, c.start()
}

func (c *collector) start() error {
	p, err := c.open()
	if err != nil {
		return fmt.Errorf("metrics platform: %w", err)
	}
	c.serving.Lock()
	defer c.serving.Unlock()
	c.now, c.public, c.private = p, p.Handler(), p.Control()
	return nil
}

// stop waits for the requests that were cut to notice, and closes what served them.
func (c *collector) stop() error {
	c.serving.Lock()
	defer c.serving.Unlock()
	p := c.now
	c.now = nil
	if p == nil {
		return nil
	}
	return p.Close()
}

// errNothingKept says why a platform in memory cannot be killed.
var errNothingKept = errors.New("the metrics platform keeps nothing on disk: start the ecosystem with --dir")

// Kill ends the platform in the middle of whatever it does and starts it again after a while on the
// ecosystem's clock.
func (c *collector) Kill(r *http.Request, away time.Duration) error {
	if !c.kept {
		return errNothingKept
	}
	c.killing.Lock()
	defer c.killing.Unlock()
	c.cut(true)
	err := c.stop()
	_ = c.clock.Sleep(r.Context(), away) // whoever asked may have left: it comes up all the same
	c.cut(false)
	return errors.Join(err, c.start())
}

// cut closes every connection, and those that come from now on where the platform is to stay away.
func (c *collector) cut(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
	for conn := range c.conns {
		_ = conn.Close()
	}
}

// ServeHTTP serves the public hosts.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.serving.RLock()
	defer c.serving.RUnlock()
	if c.now == nil {
		panic(http.ErrAbortHandler)
	}
	c.public.ServeHTTP(w, r)
}

// control is the platform's own, and the power to kill it: POST /restart {"away":"2s"}, which answers when
// the platform is there again.
func (c *collector) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /restart", func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ Away string }
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil && r.ContentLength != 0 {
			say(w, http.StatusBadRequest, map[string]string{"error": `want {"away":"2s"}: ` + err.Error()})
			return
		}
		away := time.Duration(0)
		if ask.Away != "" {
			d, err := ParseStep(ask.Away)
			if err != nil || d < 0 {
				say(w, http.StatusBadRequest, map[string]string{"error": "away: want a duration such as 2s, not " + ask.Away})
				return
			}
			away = d
		}
		switch err := c.Kill(r, away); {
		case errors.Is(err, errNothingKept):
			say(w, http.StatusConflict, map[string]string{"error": err.Error()})
		case err != nil:
			say(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.serving.RLock()
		defer c.serving.RUnlock()
		if c.now == nil {
			say(w, http.StatusServiceUnavailable, map[string]string{"error": "the metrics platform is being restarted"})
			return
		}
		c.private.ServeHTTP(w, r)
	})
	return mux
}

// severed is a listener whose connections the collector can cut.
type severed struct {
	net.Listener
	of *collector
}

// Accept hands out connections the collector knows of; while it is away, it takes none.
func (s severed) Accept() (net.Conn, error) {
	for {
		conn, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s.of.mu.Lock()
		away := s.of.away
		if !away {
			s.of.conns[conn] = true
		}
		s.of.mu.Unlock()
		if !away {
			return &cuttable{conn, s.of}, nil
		}
		_ = conn.Close()
	}
}

type cuttable struct {
	net.Conn
	of *collector
}

// Close forgets the connection.
func (c *cuttable) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
