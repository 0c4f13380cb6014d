package pcm

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
)

// Report is an accepted private or open-data report and what became of it.
type Report struct {
	ReportID       string          `json:"reportId"`
	PairedReportID string          `json:"pairedReportId,omitempty"`
	Status         State           `json:"status"`
	Interaction    string          `json:"fapiInteractionId,omitempty"`
	Role           string          `json:"role"`
	ClientOrg      string          `json:"clientOrgId,omitempty"`
	ServerOrg      string          `json:"serverOrgId,omitempty"`
	Endpoint       string          `json:"endpoint"`
	Method         string          `json:"httpMethod"`
	StatusCode     int             `json:"statusCode"`
	Timestamp      time.Time       `json:"timestamp"`
	CreatedAt      time.Time       `json:"createdAt"`
	UpdatedAt      time.Time       `json:"updatedAt"`
	Reporter       string          `json:"reporter"`
	Differs        []string        `json:"differs,omitempty"`  // the fields that keep a pair inconsistent
	Findings       []Finding       `json:"findings,omitempty"` // faults in additionalInfo
	Sent           json.RawMessage `json:"sent"`
	record         record
}

// Query chooses reports; empty fields do not.
type Query struct {
	Interaction, Org, Role, Endpoint, Method string
	Status                                   State
	Findings                                 bool // only reports with faults in additionalInfo
	Limit                                    int  // 100 when 0
}

// Discard is a report that was refused at the door.
type Discard struct {
	At           time.Time       `json:"at"`
	Organisation string          `json:"organisationId"`
	Kind         string          `json:"kind"`
	Message      string          `json:"message"`
	Sent         json.RawMessage `json:"sent"` // null when the log has forgotten it
	pos          position
}

// Request is one intake request.
type Request struct {
	At           time.Time `json:"at"`
	Organisation string    `json:"organisationId"`
	Operation    string    `json:"operation"`
	Items        int       `json:"items"`
	Bytes        int       `json:"bytes"`
	Status       int       `json:"status"`
}

// history remembers the newest requests and discards.
type history struct {
	mu        sync.Mutex
	requests  []Request
	discards  []Discard
	discarded map[string]int // by message, all of them
	groups    map[DiscardCount]*discardGroup
}

const remembered = 10_000

func newest[T any](list []T, v T) []T {
	if len(list) >= 2*remembered {
		list = slices.Clone(list[len(list)-remembered:])
	}
	return append(list, v)
}

func (h *history) request(r Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = newest(h.requests, r)
}

func (h *history) discard(d Discard, sent raw) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.discards = newest(h.discards, d)
	h.group(d, sent)
	if h.discarded == nil {
		h.discarded = map[string]int{}
	}
	if _, known := h.discarded[d.Message]; known || len(h.discarded) < remembered {
		h.discarded[d.Message]++
	}
}

// Discards lists the newest refused reports, oldest first.
func (p *PCM) Discards() []Discard {
	p.history.mu.Lock()
	list := slices.Clone(p.history.discards)
	p.history.mu.Unlock()
	for i := range list {
		if e, err := p.ledger.at(list[i].pos); err == nil {
			list[i].Sent = json.RawMessage(e.body)
		}
	}
	return list
}

// Requests lists the newest intake requests, oldest first.
func (p *PCM) Requests() []Request {
	p.history.mu.Lock()
	defer p.history.mu.Unlock()
	return slices.Clone(p.history.requests)
}

// Reports returns the newest reports that match, newest first. Take [PCM.Flush] first for final states.
func (p *PCM) Reports(q Query) []Report {
	if q.Limit == 0 {
		q.Limit = 100
	}
	var out []Report
	for _, rec := range p.find(q) {
		r, err := p.describe(rec)
		if err != nil {
			continue // forgotten in between
		}
		out = append(out, r)
	}
	return out
}

// findAll returns every record held that a condition chooses, oldest first.
func (p *PCM) findAll(chosen func(*record) bool) (out []hit) {
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	for n := p.book.first; n < p.book.next; n++ {
		if n%chunkSize == 0 {
			p.book.mu.Unlock()
			p.book.mu.Lock()
		}
		rec := p.book.get(n)
		if !rec.counts() || !chosen(rec) {
			continue
		}
		h := hit{record: *rec}
		if other := p.book.onDisk(rec); other != nil {
			h.other = *other
		}
		out = append(out, h)
	}
	return out
}

// hit is a record found, with its counterpart's place when paired.
type hit struct {
	record record
	other  record
}

func (p *PCM) find(q Query) []hit {
	var out []hit
	wanted := interaction([]byte(q.Interaction))
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	consider := func(n uint64) {
		rec := p.book.get(n)
		if !rec.counts() || !p.book.matches(rec, q) {
			return
		}
		h := hit{record: *rec}
		if other := p.book.onDisk(rec); other != nil {
			h.other = *other
		}
		out = append(out, h)
	}
	if q.Interaction != "" {
		for _, key := range [...][16]byte{wanted, keyOf(kindPortabilityClient, []byte(q.Interaction))} {
			consider(p.book.find(key, false))
			consider(p.book.find(key, true))
		}
		return out
	}
	for n := p.book.next - 1; n >= p.book.first && n > 0 && len(out) < q.Limit; n-- {
		consider(n)
		if n%chunkSize == 0 { // a long search lets intake go on
			p.book.mu.Unlock()
			p.book.mu.Lock()
		}
	}
	return out
}

func (b *book) matches(rec *record, q Query) bool {
	org := strings.ToLower(q.Org)
	return (q.Org == "" || b.orgs[rec.client] == org || b.orgs[rec.server] == org) &&
		(q.Role == "" || q.Role == role(rec)) && (q.Status == "" || states[rec.state] == q.Status) &&
		(q.Endpoint == "" || endpoints.name(rec.endpoint) == q.Endpoint) && (q.Method == "" || methods[rec.method] == q.Method) &&
		(!q.Findings || rec.findings > 0)
}

func role(rec *record) string {
	if rec.serverSide {
		return "SERVER"
	}
	return "CLIENT"
}

func (p *PCM) describe(h hit) (Report, error) {
	e, err := p.ledger.at(h.record.pos)
	if err != nil {
		return Report{}, err
	}
	r := kept(e, p.Dialect())
	out := Report{
		ReportID: string(appendUUID(nil, e.id)), Status: states[h.record.state], Interaction: r.fields[fInteraction].text(), Role: role(&h.record),
		ClientOrg: r.fields[fClientOrg].text(), ServerOrg: r.fields[fServerOrg].text(), Endpoint: r.fields[fEndpoint].text(), Method: r.method,
		StatusCode: r.status, Timestamp: r.at, CreatedAt: time.UnixMilli(h.record.received).UTC(), UpdatedAt: time.UnixMilli(max(e.received, h.other.received)).UTC(),
		Reporter: e.reporter, Sent: json.RawMessage(e.body), record: h.record,
	}
	out.Findings = p.findings(context.Background(), r)
	switch h.record.state {
	case statePaired:
		if other, err := p.ledger.at(h.other.pos); err == nil {
			out.PairedReportID = string(appendUUID(nil, other.id))
		}
	case stateInconsistent:
		for _, breach := range pairing.CheckAll(context.Background(), p.cfg.Seams, couplet(&h.record, &h.other)) {
			out.Differs = append(out.Differs, breach.Error()[strings.Index(breach.Error(), ": ")+2:])
		}
	}
	return out, nil
}

// Line is the balance of one organisation on one endpoint and method.
type Line struct {
	Org          string  `json:"orgId"`
	Endpoint     string  `json:"endpoint"`
	Method       string  `json:"httpMethod"`
	Received     int     `json:"received"` // its own reports
	Paired       int     `json:"paired"`
	Inconsistent int     `json:"pairedInconsistent"`
	Unpaired     int     `json:"unpaired"` // its own, without counterpart
	Single       int     `json:"single"`
	Missing      int     `json:"missing"`  // the counterpart reported, it did not
	Findings     int     `json:"findings"` // its own, with faults in additionalInfo
	SLA          float64 `json:"sla"`      // [1 − missing ÷ (missing + received)] × 100, section 13
}

// Summary is the balance of everything held.
type Summary struct {
	Reports   int            `json:"reports"`
	ByStatus  map[State]int  `json:"byStatus"`
	Forgotten map[State]int  `json:"forgotten,omitempty"` // reports beyond the bound, by their last state
	Discarded map[string]int `json:"discardedByMessage"`
	Lines     []Line         `json:"lines"`
}

// Summary adds up what is held. Take [PCM.Flush] first for final states.
func (p *PCM) Summary() Summary {
	type key struct {
		org      uint32
		endpoint uint16
		method   uint8
	}
	lines := map[key]*Line{}
	s := Summary{ByStatus: map[State]int{}, Forgotten: map[State]int{}, Discarded: map[string]int{}}
	p.book.mu.Lock()
	line := func(org uint32, rec *record) *Line {
		k := key{org, rec.endpoint, rec.method}
		if lines[k] == nil {
			lines[k] = &Line{Org: p.book.orgs[org], Endpoint: endpoints.name(rec.endpoint), Method: methods[rec.method]}
		}
		return lines[k]
	}
	for n := p.book.first; n < p.book.next; n++ {
		rec := p.book.get(n)
		if n%chunkSize == 0 {
			p.book.mu.Unlock()
			p.book.mu.Lock()
		}
		if !rec.counts() {
			continue
		}
		s.Reports++
		s.ByStatus[states[rec.state]]++
		own, other := rec.client, rec.server
		if rec.serverSide {
			own, other = other, own
		}
		l := line(own, rec)
		l.Received++
		if rec.findings > 0 {
			l.Findings++
		}
		switch rec.state {
		case statePaired:
			l.Paired++
		case stateInconsistent:
			l.Inconsistent++
		case stateUnpaired:
			l.Unpaired++
			line(other, rec).Missing++
		case stateSingle:
			l.Single++
		}
	}
	for state, n := range p.book.gone {
		if n > 0 {
			s.Forgotten[states[state]] = n
		}
	}
	p.book.mu.Unlock()
	for _, l := range lines {
		l.SLA = 100
		if l.Missing > 0 {
			l.SLA = (1 - float64(l.Missing)/float64(l.Missing+l.Received)) * 100
		}
		s.Lines = append(s.Lines, *l)
	}
	slices.SortFunc(s.Lines, func(a, b Line) int {
		return strings.Compare(a.Org+" "+a.Endpoint+" "+a.Method, b.Org+" "+b.Endpoint+" "+b.Method)
	})
	p.history.mu.Lock()
	defer p.history.mu.Unlock()
	for m, n := range p.history.discarded {
		s.Discarded[m] = n
	}
	return s
}
