package pcm

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// The bounds of what is remembered of consent journeys.
const (
	maxJourneys = 100_000
	maxSteps    = 64
)

// JourneyStep is one reported step of a consent's way: "created", the six events of the hybrid flow, then
// "token".
type JourneyStep struct {
	Event        string          `json:"event"`
	Timestamp    string          `json:"timestamp"`
	Organisation string          `json:"organisationId"`
	Received     time.Time       `json:"receivedAt"`
	Sent         json.RawMessage `json:"sent"`
}

// walked is what is held of a step: the rest is read from the log.
type walked struct {
	pos   position
	at    int64 // Unix milliseconds; 0 when malformed
	event uint8 // of events, or stepToken, or stepCreated
}

// The steps that are no events.
var (
	stepToken   = uint8(len(events))
	stepCreated = stepToken + 1
)

func (s walked) name() string {
	switch s.event {
	case stepToken:
		return "token"
	case stepCreated:
		return "created"
	}
	return events[s.event].path
}

// journeys holds the steps by consent id, the newest consents only.
type journeys struct {
	mu     sync.Mutex
	of     map[string][]walked
	order  []string
	begins position // of the log
	// strangers are the requests for consents, by the key under which the two reports of a call pair, whose
	// customer the institution does not know; the newest alone.
	strangers [][16]byte
}

func newJourneys() *journeys { return &journeys{of: map[string][]walked{}} }

func (j *journeys) add(kind byte, body raw, pos position) {
	var s step
	s.read(&events[kind-kindHybrid], body)
	j.put(s.values["consentId"].text(), walked{pos, millis(s.at), kind - kindHybrid})
}

// token ends the journey: the private report of POST /token that names the consent.
func (j *journeys) token(body raw, pos position) {
	r := report{}
	r.read(body)
	if id := r.info.get("consentId").text(); id != "" {
		j.put(id, walked{pos, millis(r.at), stepToken})
	}
}

// noCredential is the dropReason that leaves a request out of conversion (sections 7.6 and 8): the institution
// asked its records, and the person is nobody's customer there. What is unavailable or in doubt counts.
const noCredential = "NO_CREDENTIAL"

// request takes one side's private report of a request for a consent. The client's names the consent; the
// server's alone says whether the customer is one of its own.
func (j *journeys) request(rec *record, body raw, pos position) {
	r := report{}
	r.read(body)
	switch id := r.info.get("consentId").text(); {
	case r.fields[fMethod].text() != http.MethodPost:
	case !rec.serverSide && id != "":
		j.put(id, walked{pos, rec.at, stepCreated})
	case rec.serverSide && r.info.get("dropReason").text() == noCredential:
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.strangers = append(j.strangers, rec.key); len(j.strangers) > maxJourneys {
			j.strangers = j.strangers[1:]
		}
	}
}

// strangers are the places in the log of the client's reports of requests that convert nobody.
func (p *PCM) strangers() map[position]bool {
	p.journeys.mu.Lock()
	keys := slices.Clone(p.journeys.strangers)
	p.journeys.mu.Unlock()
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	at := map[position]bool{}
	for _, key := range keys {
		if rec := p.book.get(p.book.find(key, false)); rec.counts() {
			at[rec.pos] = true
		}
	}
	return at
}

// asking are the endpoints at which consents are asked for, by number.
var asking = func() map[uint16]bool {
	m := map[uint16]bool{}
	for _, e := range endpoints.all[1:] {
		if last := e.name[strings.LastIndexByte(e.name, '/')+1:]; strings.HasPrefix(e.name, "/open-banking/") && e.list == spec.KindPrivate {
			m[e.number] = last == "consents" || last == "recurring-consents" || last == "enrollments"
		}
	}
	return m
}()

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func (j *journeys) put(consent string, s walked) {
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

// forget drops the steps that stand before the log's beginning.
func (j *journeys) forget(begins position) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if begins == j.begins {
		return
	}
	j.begins = begins
	j.order = slices.DeleteFunc(j.order, func(consent string) bool {
		left := slices.DeleteFunc(j.of[consent], func(s walked) bool { return s.pos < begins })
		j.of[consent] = left
		if len(left) == 0 {
			delete(j.of, consent)
		}
		return len(left) == 0
	})
}

// Journey returns the reported steps of a consent, in the order in which they came in.
func (p *PCM) Journey(consent string) (steps []JourneyStep) {
	p.journeys.mu.Lock()
	list := slices.Clone(p.journeys.of[consent])
	p.journeys.mu.Unlock()
	for _, s := range list {
		e, err := p.ledger.at(s.pos)
		if err != nil {
			continue // forgotten in between
		}
		var in info
		in.read(e.body)
		party := "clientOrgId"
		if int(s.event) < len(events) && events[s.event].server {
			party = "serverOrgId"
		}
		steps = append(steps, JourneyStep{Event: s.name(), Timestamp: in.get("timestamp").text(), Organisation: in.get(party).text(),
			Received: time.UnixMilli(e.received).UTC(), Sent: json.RawMessage(e.body)})
	}
	return steps
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
