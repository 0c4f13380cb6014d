package check

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

// maxControl bounds an answer of a control surface.
const maxControl = 16 << 20

// control speaks to the control surfaces that a target declares.
type control struct {
	target *target.Target
	clock  *clock.Clock
	http   *http.Client
}

func newControl(t *target.Target, c *clock.Clock) *control {
	return &control{target: t, clock: c, http: &http.Client{Timeout: 10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second}}}
}

// call sends body as JSON to a capability and decodes the answer into out, either of which may be nil; a
// *[]byte takes the answer as it came.
func (c *control) call(ctx context.Context, capability, method, path string, body, out any) error {
	base := c.target.Capabilities.Of(capability)
	if base == "" {
		return fmt.Errorf("the target does not declare the capability %s", capability)
	}
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("control %s %s: %w", method, path, err)
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(base, "/")+path, payload)
	if err != nil {
		return fmt.Errorf("control %s %s: %w", method, path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("control %s %s: %w", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxControl))
	if err != nil {
		return fmt.Errorf("control %s %s: %w", method, path, err)
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("control %s %s %s: status %d: %.200s", capability, method, path, res.StatusCode, report.RedactText(string(b)))
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = b
		return nil
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("control %s %s: %w", method, path, err)
	}
	return nil
}

type clockState struct {
	Now           time.Time `json:"now"`
	OffsetSeconds float64   `json:"offsetSeconds"`
}

// follow sets our clock to the target's where the target lets us ask.
func (c *control) follow(ctx context.Context) error {
	if c.target.Capabilities.Clock == "" {
		return nil
	}
	_, err := c.moved(ctx, http.MethodGet, nil)
	return err
}

func (c *control) moved(ctx context.Context, method string, body any) (clockState, error) {
	var state clockState
	if err := c.call(ctx, "clock", method, "", body, &state); err != nil {
		return state, err
	}
	offset := time.Duration(state.OffsetSeconds * float64(time.Second))
	c.clock.Advance(offset - c.clock.Offset())
	return state, nil
}

// Control is one control surface of the target: powers outside the protocol.
type Control struct {
	bench      *Bench
	capability string
}

// Holder is the bank's surface: /consents/{id}/history, /consents/{id}/revoke, /payments/{id} and so on.
func (b *Bench) Holder() *Control { return &Control{b, "bank"} }

// Core is the core bank's surface: /accounts/{id}/status, /balance, /hold, /keys.
func (b *Bench) Core() *Control { return &Control{b, "core"} }

// Directory is the directory's surface: /software/{id}/status, /organisations/{id}/status and so on.
func (b *Bench) Directory() *Control { return &Control{b, "directory"} }

// PCM is the metrics platform's surface: /reports, /summary, /fail.
func (b *Bench) PCM() *Control { return &Control{b, "pcm"} }

// Reporter is the surface of what reports to the metrics platform: /flush, /stats, /dead.
func (b *Bench) Reporter() *Control { return &Control{b, "reporter"} }

// Parties is the surface of the third parties' own offices: /consents, /flush, /stats.
func (b *Bench) Parties() *Control { return &Control{b, "parties"} }

// Journal is the record of exchanges.
func (b *Bench) Journal() *Control { return &Control{b, "journal"} }

// Get decodes the answer to a question into out. A surface that cannot answer ends the check.
func (c *Control) Get(path string, out any) { c.do(http.MethodGet, path, nil, out) }

// Post sends body and decodes the answer into out; both may be nil. A *[]byte takes an answer that is no
// JSON.
func (c *Control) Post(path string, body, out any) { c.do(http.MethodPost, path, body, out) }

// Delete removes what is at path.
func (c *Control) Delete(path string) { c.do(http.MethodDelete, path, nil, nil) }

// Try is a call whose error the check judges itself.
func (c *Control) Try(method, path string, body, out any) error {
	return c.bench.session.control.call(c.bench.ctx, c.capability, method, path, body, out)
}

func (c *Control) do(method, path string, body, out any) {
	if err := c.Try(method, path, body, out); err != nil {
		c.bench.end(report.Error, err.Error())
	}
}

// Now is the time at the target.
func (b *Bench) Now() time.Time { return b.session.clock.Now() }

// Advance steps the target's clock, and that of all actors, by d. After the check it stands as before.
func (b *Bench) Advance(d time.Duration) {
	b.Step("the clock is advanced by %v", d)
	b.moveClock(map[string]string{"advance": d.String()})
}

// SetClock steps the target's clock to t. After the check it stands as before.
func (b *Bench) SetClock(t time.Time) {
	b.Step("the clock is set to %s", t.UTC().Format(time.RFC3339))
	b.moveClock(map[string]string{"set": t.UTC().Format(time.RFC3339)})
}

func (b *Bench) moveClock(how map[string]string) {
	c := b.session.control
	b.session.actors.settle(b.ctx) // what was learned before belongs to the days before
	before := c.clock.Offset()
	state, err := c.moved(b.ctx, http.MethodPost, how)
	if err != nil {
		b.end(report.Error, err.Error())
	}
	_ = state
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 10*time.Second)
		defer cancel()
		method, body := http.MethodPost, any(map[string]string{"advance": (before - c.clock.Offset()).String()})
		if before == 0 {
			method, body = http.MethodDelete, nil
		}
		if _, err := c.moved(ctx, method, body); err != nil {
			panic(fmt.Sprintf("the clock could not be put back: %v", err))
		}
	})
}
