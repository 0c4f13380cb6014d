package pcm

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// The bounds of what is remembered of consent journeys.
const (
	maxJourneys = 100_000
	maxSteps    = 64
)

// JourneyStep is one reported step of a consent's way: the six events of the hybrid flow, then "token".
type JourneyStep struct {
	Event        string          `json:"event"`
	Timestamp    string          `json:"timestamp"`
	Organisation string          `json:"organisationId"`
	Received     time.Time       `json:"receivedAt"`
	Sent         json.RawMessage `json:"sent"`
}

// journeys holds the steps by consent id, the newest consents only.
type journeys struct {
	mu    sync.Mutex
	of    map[string][]JourneyStep
	order []string
}

func newJourneys() *journeys { return &journeys{of: map[string][]JourneyStep{}} }

func (j *journeys) add(kind byte, body raw, received int64) {
	var s step
	s.read(&events[kind-kindHybrid], body)
	j.put(s.values["consentId"].text(), JourneyStep{
		Event: s.event.path, Timestamp: s.values["timestamp"].text(), Organisation: s.values[s.party()].text(),
		Received: time.UnixMilli(received).UTC(), Sent: slices.Clone(json.RawMessage(body)),
	})
}

// token ends the journey: the private report of POST /token that names the consent.
func (j *journeys) token(body raw, received int64) {
	r := report{}
	r.read(body)
	if id := r.info.get("consentId").text(); id != "" {
		j.put(id, JourneyStep{
			Event: "token", Timestamp: r.fields[fTimestamp].text(), Organisation: r.fields[fClientOrg].text(),
			Received: time.UnixMilli(received).UTC(), Sent: slices.Clone(json.RawMessage(body)),
		})
	}
}

func (j *journeys) put(consent string, s JourneyStep) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.of[consent]; !known {
		if len(j.order) >= maxJourneys {
			delete(j.of, j.order[0])
			j.order = j.order[1:]
		}
		j.order = append(j.order, consent)
	}
	if len(j.of[consent]) < maxSteps {
		j.of[consent] = append(j.of[consent], s)
	}
}

// Journey returns the reported steps of a consent, in the order in which they came in.
func (p *PCM) Journey(consent string) []JourneyStep {
	p.journeys.mu.Lock()
	defer p.journeys.mu.Unlock()
	return slices.Clone(p.journeys.of[consent])
}

// judgeEvents applies the item rules to consent journey events.
func (p *PCM) judgeEvents(ctx context.Context, in *intake, list []verdict, s session, now time.Time) {
	st := &step{reporter: s.organisation, now: now, known: p.cfg.Known, dialect: p.Dialect()}
	for i := range list {
		v := &list[i]
		st.read(in.event, v.body)
		if breaches := hybrid.CheckAll(ctx, p.cfg.Seams, st); breaches != nil {
			v.discarded, v.message = true, join(breaches)
		}
		v.correlation = st.values["correlationId"].bytes()
	}
}
