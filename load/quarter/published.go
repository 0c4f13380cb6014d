package quarter

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/ensaio/ensaio/sim/availability"
)

// Published is what the institution says of one day of its own, beside what the probes measured.
type Published struct {
	Day       availability.Day `json:"date"`
	Down      int64            `json:"downSeconds"`
	Scheduled int64            `json:"scheduledSeconds"`
	// The measured figures of the same day.
	MeasuredDown      int64 `json:"measuredDownSeconds"`
	MeasuredScheduled int64 `json:"measuredScheduledSeconds"`
	// Wrong are endpoints whose own downtime differs, each in a sentence.
	Wrong []string `json:"wrong,omitempty"`
}

func (d Published) agrees() bool {
	return d.Down == d.MeasuredDown && d.Scheduled == d.MeasuredScheduled && len(d.Wrong) == 0
}

// publishes reads the institution's metrics of the day that ends, at its last probe.
func (p *play) publishes(ctx context.Context, date availability.Day) error {
	code, body, err := p.status.ask(ctx, http.MethodGet, metricsPath, nil, patience)
	if err != nil {
		return err
	}
	var answer struct {
		Data []struct {
			Endpoint     string `json:"endpoint"`
			Availability struct {
				Downtime struct {
					General   int64 `json:"generalDowntime"`
					Scheduled int64 `json:"scheduledOutage"`
					Endpoint  int64 `json:"partialDowntime"`
				} `json:"downtime"`
			} `json:"availability"`
		} `json:"data"`
	}
	if code != http.StatusOK {
		return fmt.Errorf("answered %d: %.200s", code, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if len(answer.Data) == 0 {
		return fmt.Errorf("they name no endpoint")
	}
	measured := p.seen.Probing.Day("", date)
	d := Published{Day: date, Down: answer.Data[0].Availability.Downtime.General, Scheduled: answer.Data[0].Availability.Downtime.Scheduled,
		MeasuredDown: measured.Down, MeasuredScheduled: measured.Scheduled}
	known := map[string]bool{}
	for _, e := range p.seen.Probing.Endpoints() {
		known[e] = true
	}
	told := map[string]bool{}
	for _, e := range answer.Data {
		endpoint := availability.Template(e.Endpoint)
		if !known[endpoint] || told[endpoint] {
			continue
		}
		told[endpoint] = true
		if own := p.seen.Probing.Day(endpoint, date).Down; own != e.Availability.Downtime.Endpoint {
			d.Wrong = append(d.Wrong, fmt.Sprintf("%s: %d s published, %d s measured", endpoint, e.Availability.Downtime.Endpoint, own))
		}
	}
	p.published = append(p.published, d)
	return nil
}
