package quarter

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/suites/target"
)

// patience is how long a control surface may take.
const patience = 20 * time.Second

// stage is what the target lets one do beside the protocol: step its clock, stop its endpoints, let its
// reports leave.
type stage struct {
	target *target.Target
	clock  *clock.Clock // the target's time, as we follow it
	step   *line
	bank   *line
	report *line // nil: the target has no such power
	until  time.Time
	// stepwise says that the target's clock knows no steps by itself.
	stepwise bool
	// rolling says that steps may be left which answers of the target set off.
	rolling bool
}

// Powerless is a target on which no quarter can be played.
type Powerless struct{ Lacks string }

func (p *Powerless) Error() string {
	return fmt.Sprintf("the target declares no power over its %s: a quarter needs capabilities.%s", p.Lacks, p.Lacks)
}

// Hint says what to try next.
func (p *Powerless) Hint() string {
	return "leave out -t to play it on an ecosystem of ours, or give the addresses of your own control surfaces in the target file"
}

func newStage(t *target.Target, watch *clock.Clock, dial func(context.Context, string) (net.Conn, error)) (*stage, error) {
	s := &stage{target: t, clock: clock.New()}
	for _, power := range []struct {
		name  string
		into  **line
		needs bool
	}{{"clock", &s.step, true}, {"bank", &s.bank, true}, {"reporter", &s.report, false}} {
		address := t.Capabilities.Of(power.name)
		if address == "" {
			if power.needs {
				return nil, &Powerless{power.name}
			}
			continue
		}
		l, err := newLine(address, nil, nil, watch)
		if err != nil {
			return nil, fmt.Errorf("capabilities.%s: %w", power.name, err)
		}
		if l.address.Scheme != "http" {
			return nil, fmt.Errorf("capabilities.%s: a control surface is plain HTTP on this machine, not %s", power.name, address)
		}
		l.dial = dial
		*power.into = l
	}
	return s, nil
}

func (s *stage) close() {
	for _, l := range []*line{s.step, s.bank, s.report} {
		if l != nil {
			l.close()
		}
	}
}

// now asks the target's time and follows it.
func (s *stage) now(ctx context.Context) (time.Time, error) {
	return s.told(s.step.ask(ctx, http.MethodGet, "", nil, patience))
}

func (s *stage) told(status int, answer []byte, err error) (time.Time, error) {
	if err != nil {
		return time.Time{}, fmt.Errorf("clock: %w", err)
	}
	var state struct {
		Now time.Time `json:"now"`
	}
	if err := json.Unmarshal(answer, &state); err != nil || status != http.StatusOK || state.Now.IsZero() {
		return time.Time{}, fmt.Errorf("clock: answered %d: %.200s", status, answer)
	}
	return state.Now, nil
}

// at sets the target's clock. Our own follows when somebody needs it: [stage.follow].
func (s *stage) at(ctx context.Context, t time.Time) error {
	body := append(append(make([]byte, 0, 64), `{"set":"`...), t.UTC().AppendFormat(nil, time.RFC3339)...)
	status, answer, err := s.step.ask(ctx, http.MethodPost, "", append(body, `"}`...), patience)
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("clock: answered %d: %.200s", status, answer)
	}
	s.until, s.rolling = t, false
	return nil
}

// train sets the target's clock and has it step by itself after each of so many answers of the status; false
// when it cannot.
func (s *stage) train(ctx context.Context, from time.Time, times int, meanwhile func()) (bool, error) {
	s.step.meanwhile = meanwhile
	body := fmt.Appendf(nil, `{"set":%q,"advance":"%s","after":"common.status","times":%d}`, from.UTC().Format(time.RFC3339), availability.ProbeEvery, times)
	status, answer, err := s.step.ask(ctx, http.MethodPost, "", body, patience)
	switch {
	case err != nil:
		return false, fmt.Errorf("clock: %w", err)
	case status == http.StatusBadRequest:
		s.stepwise = true
		return false, nil
	case status != http.StatusOK:
		return false, fmt.Errorf("clock: answered %d: %.200s", status, answer)
	}
	s.rolling = true
	return true, nil
}

// halt forgets the steps that are left, wherever the target's clock is: nobody else's question may set them off.
func (s *stage) halt(ctx context.Context) error {
	if !s.rolling {
		return nil
	}
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	return s.at(ctx, now.Truncate(time.Second).Add(time.Second)) // the clock is set to whole seconds, and not back
}

// arrived checks that the target's clock is where its own steps should have brought it.
func (s *stage) arrived(ctx context.Context, want time.Time) error {
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	if off := now.Sub(want); off < 0 || off >= availability.ProbeEvery {
		return fmt.Errorf("clock: was to step to %s by itself and shows %s", want.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// follow brings our clock to where the target's was set.
func (s *stage) follow() { s.clock.Set(s.until) }

// begin starts an outage and returns what ends it, which may be nothing.
func (s *stage) begin(ctx context.Context, o *Outage) (end string, err error) {
	status := o.Status
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	id, err := s.post(ctx, "/failures", map[string]any{"operations": scope(o.Operations), "status": status})
	return "/failures/" + url.PathEscape(id), err
}

// announce publishes a scheduled outage.
func (s *stage) announce(ctx context.Context, o *Outage, start time.Time) (withdraw string, err error) {
	id, err := s.post(ctx, "/outages", map[string]any{"start": start.UTC().Format(time.RFC3339), "duration": iso(time.Duration(o.Duration)),
		"operations": scope(o.Operations), "explanation": "Manutenção programada do ensaio"})
	return "/outages/" + url.PathEscape(id), err
}

// scope leaves out a list that means everything.
func scope(operations []string) []string {
	for _, o := range operations {
		if o == "*" {
			return nil
		}
	}
	return operations
}

func (s *stage) post(ctx context.Context, path string, ask any) (id string, err error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return "", fmt.Errorf("bank: %w", err)
	}
	status, answer, err := s.bank.ask(ctx, http.MethodPost, path, body, patience)
	if err != nil {
		return "", fmt.Errorf("bank: %w", err)
	}
	var made struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer, &made) != nil || status/100 != 2 || made.ID == "" {
		return "", fmt.Errorf("bank: %s answered %d: %.200s", path, status, answer)
	}
	return made.ID, nil
}

// end takes a failure or an outage back.
func (s *stage) end(ctx context.Context, path string) error {
	status, answer, err := s.bank.ask(ctx, http.MethodDelete, path, nil, patience)
	if err != nil {
		return fmt.Errorf("bank: %w", err)
	}
	if status/100 != 2 && status != http.StatusNotFound {
		return fmt.Errorf("bank: DELETE %s answered %d: %.200s", path, status, answer)
	}
	return nil
}

// flush lets the institution's reports leave.
func (s *stage) flush(ctx context.Context) error {
	if s.report == nil {
		return nil
	}
	status, answer, err := s.report.ask(ctx, http.MethodPost, "/flush", []byte("{}"), patience)
	if err != nil {
		return fmt.Errorf("reporter: %w", err)
	}
	if status/100 != 2 {
		return fmt.Errorf("reporter: answered %d: %.200s", status, answer)
	}
	return nil
}

// iso writes a duration as the outages API has it: PT1H12M.
func iso(d time.Duration) string {
	var b strings.Builder
	b.WriteString("PT")
	for _, part := range []struct {
		unit time.Duration
		mark string
	}{{time.Hour, "H"}, {time.Minute, "M"}, {time.Second, "S"}} {
		if n := d / part.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, part.mark)
			d -= n * part.unit
		}
	}
	return b.String()
}
