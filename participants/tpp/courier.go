package tpp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Courier is a [Register] somewhere else: clients of an organisation at work in one process, its inventory
// in another. It carries sightings in order, many at once, and tries again until they are taken.
type Courier struct {
	address string
	http    *http.Client
	bell    chan struct{}
	cancel  context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	list   []Sighting
	moved  chan struct{} // closed when some were taken, or could not be
	failed error
	lost   int
}

const (
	mostCarried = 1000
	mostWaiting = 100_000 // beyond it, sightings are lost and counted
	courierRest = 200 * time.Millisecond
)

// NewCourier carries to an address that takes a POST of a list of sightings and answers 2xx.
func NewCourier(address string, by *http.Client) *Courier {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Courier{address: address, http: by, bell: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{}), moved: make(chan struct{})}
	go c.run(ctx)
	return c
}

// Note hands over a sighting.
func (c *Courier) Note(s Sighting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= mostWaiting {
		c.lost++
		return
	}
	c.list = append(c.list, s)
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// Flush returns when everything noted before was taken. When ctx ends first, the error says what stood in
// the way.
func (c *Courier) Flush(ctx context.Context) error {
	for {
		c.mu.Lock()
		waiting, moved, failed := len(c.list), c.moved, c.failed
		c.mu.Unlock()
		if waiting == 0 {
			return nil
		}
		select {
		case <-moved:
		case <-c.done:
			return fmt.Errorf("%d sightings of consents were not told: %w", waiting, context.Canceled)
		case <-ctx.Done():
			return fmt.Errorf("%d sightings of consents were not told: %w (%v)", waiting, ctx.Err(), failed)
		}
	}
}

// Lost is how many sightings there was no room for.
func (c *Courier) Lost() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// Close ends the courier, without waiting: see [Courier.Flush].
func (c *Courier) Close() {
	c.cancel()
	<-c.done
	c.http.CloseIdleConnections()
}

func (c *Courier) run(ctx context.Context) {
	defer close(c.done)
	for {
		c.mu.Lock()
		batch := c.list[:min(len(c.list), mostCarried)]
		c.mu.Unlock()
		if len(batch) == 0 {
			select {
			case <-c.bell:
				continue
			case <-ctx.Done():
				return
			}
		}
		err := c.carry(ctx, batch)
		c.mu.Lock()
		if c.failed = err; err == nil {
			clear(batch) // the documents can go before the list is moved
			if c.list = c.list[len(batch):]; len(c.list) == 0 {
				c.list = nil
			}
		}
		close(c.moved)
		c.moved = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			rest, cancel := context.WithTimeout(ctx, courierRest)
			<-rest.Done()
			cancel()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (c *Courier) carry(ctx context.Context, batch []Sighting) error {
	b, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(b))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	a, err := c.http.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, 4096)) // so that the connection can be used again
	if a.StatusCode/100 != 2 {
		return fmt.Errorf("the register of consents answers %d", a.StatusCode)
	}
	return nil
}
