package drive

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/load/profile"
)

// bank is the address below which the holder's side is switched, or "".
func (s *Source) bank() string { return strings.TrimRight(s.target.Capabilities.Bank, "/") }

// put puts the profile's limits into force and returns what takes them back.
func (s *Source) put(ctx context.Context, x *Session) (restore func(), err error) {
	nothing := func() {}
	if s.profile.Switches == nil {
		return nothing, nil
	}
	if s.bank() == "" {
		x.Identity.Notes = append(x.Identity.Notes, "The profile wants other limits at the bank, and the target does not declare that power: they stay as they are.")
		return nothing, nil
	}
	back, err := s.switchLimits(ctx, *s.profile.Switches)
	if err != nil {
		return nothing, err
	}
	return back, nil
}

// switchLimits changes limits of the bank and returns what takes the change back.
func (s *Source) switchLimits(ctx context.Context, to profile.Switches) (func(), error) {
	before := map[string]any{}
	if err := control(ctx, http.MethodGet, s.bank()+"/limits", nil, &before); err != nil {
		return nil, err
	}
	after := map[string]any{}
	for _, name := range []string{"minute", "month", "perSecond"} {
		after[name] = before[name]
	}
	kept := map[string]any{"minute": before["minute"], "month": before["month"], "perSecond": before["perSecond"]}
	if to.Minute != nil {
		after["minute"] = *to.Minute
	}
	if to.Month != nil {
		after["month"] = *to.Month
	}
	if to.PerSecond != nil {
		after["perSecond"] = *to.PerSecond
	}
	// An interruption on the way would leave open whether they are in force.
	if err := control(context.WithoutCancel(ctx), http.MethodPost, s.bank()+"/limits", after, nil); err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := control(ctx, http.MethodPost, s.bank()+"/limits", kept, nil); err != nil {
			s.note("the limits of the bank could not be taken back: %v", err)
		}
	}, nil
}

// memory reads how much memory the target uses, in bytes, from its Prometheus endpoint, which stands beside
// its control surfaces.
func (s *Source) memory(ctx context.Context) (float64, error) {
	base, ok := strings.CutSuffix(s.bank(), "/bank")
	if !ok {
		return 0, fmt.Errorf("the target declares no figures of its own")
	}
	text, err := fetch(ctx, base+"/metrics")
	if err != nil {
		return 0, err
	}
	// What a Go collector lets the heap grow to follows what lives, without the teeth of a saw that the
	// heap itself draws between two collections.
	for _, name := range []string{"go_memstats_next_gc_bytes", "process_resident_memory_bytes"} {
		if v := figure(text, name); v > 0 {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%s/metrics tells no memory", base)
}

// figure reads one without labels out of the text format of Prometheus.
func figure(text, name string) float64 {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name+" ")
		if !ok {
			continue
		}
		var v float64
		if err := json.Unmarshal([]byte(strings.TrimSpace(rest)), &v); err == nil {
			return v
		}
	}
	return 0
}
