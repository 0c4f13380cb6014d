package availability

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// exportLine is one line of a metrics platform's export.
type exportLine struct {
	Kind       string `json:"kind"` // "private" or "opendata"; others make no figure here
	State      string `json:"state"`
	Reporter   string `json:"reporter"`
	ReceivedAt string `json:"receivedAt"`
	Report     struct {
		spec.Report
		AdditionalInfo struct {
			ConsentID  string `json:"consentId"`
			DropReason string `json:"dropReason"`
		} `json:"additionalInfo"`
	} `json:"report"`
}

func (b *Book) export(line []byte, in *Input) error {
	var e exportLine
	if err := json.Unmarshal(line, &e); err != nil {
		return errors.New("no line of an export: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	if e.Kind != "private" && e.Kind != "opendata" {
		in.Other++
		return nil
	}
	at, err := instant(e.Report.Timestamp, nil)
	if err != nil {
		return err
	}
	r := &e.Report
	c := Call{At: at, Took: time.Duration(r.ProcessTimespan*float64(time.Millisecond) + 0.5), Server: r.ServerOrgID, Client: r.ClientOrgID,
		Method: r.HTTPMethod, Status: r.StatusCode, Side: r.Role, State: e.State}
	if e.Kind == "opendata" {
		c.Server, c.Side, c.State = e.Reporter, spec.ServerSide, spec.ReportSingle
	}
	known := false
	if c.Endpoint, known = Endpoint(c.Method, r.Endpoint); c.Endpoint == "" || !known && missing(c.Status) {
		return errForeign
	}
	if c.Status < 100 || c.Status > 599 || c.Took < 0 || c.Took > 24*time.Hour {
		return errors.New("a report with an impossible status or duration")
	}
	if !b.call(c, in) {
		return nil
	}
	received, err := instant(e.ReceivedAt, nil)
	if err == nil && e.Kind == "private" && r.FapiInteractionID != "" {
		b.join.add(b, c, r.FapiInteractionID, received)
	}
	if e.Kind == "private" && e.State != spec.ReportDiscarded {
		b.join.consent(c, r.FapiInteractionID, r.AdditionalInfo.ConsentID, r.AdditionalInfo.DropReason)
	}
	return nil
}

// joining brings the two reports of a call together, and a consent with its token. What waits for its
// counterpart is kept small: a record told by one side alone has as many of them as calls.
type joining struct {
	open     map[[16]byte]halves
	parties  []parties
	numbers  map[parties]int32
	newest   time.Time           // that a report was taken in
	requests map[string]*request // of consents, by interaction
	tokened  map[string]bool     // consents that yielded a token
}

// request is one creation of a consent as its two reports tell it.
type request struct {
	ConsentRequest
	consent string // "" where none came of it
}

// halves is what is known of a call so far; instants are in nanoseconds since 1970, and 0 is never.
type halves struct {
	at, client, server   int64
	parties              int32
	paired, inconsistent bool
}

type parties struct{ method, endpoint, client, server string }

func (j *joining) number(p parties) int32 {
	n, known := j.numbers[p]
	if !known {
		if j.numbers == nil {
			j.numbers = map[parties]int32{}
		}
		n = int32(len(j.parties))
		j.numbers[p], j.parties = n, append(j.parties, p)
	}
	return n
}

func (j *joining) filing(h halves) Filing {
	instant := func(ns int64) (t time.Time) {
		if ns != 0 {
			t = time.Unix(0, ns)
		}
		return t
	}
	p := j.parties[h.parties]
	return Filing{At: instant(h.at), Method: p.method, Endpoint: p.endpoint, Client: p.client, Server: p.server,
		ClientAt: instant(h.client), ServerAt: instant(h.server), Inconsistent: h.inconsistent}
}

func (j *joining) add(b *Book, c Call, interaction string, received time.Time) {
	if received.After(j.newest) {
		j.newest = received
	}
	row, known := spec.FindPCMEndpoint(c.Method, c.Endpoint)
	if known && row.ClientOnly || c.State == spec.ReportDiscarded || c.State == spec.ReportSingle || c.Side == "" {
		return
	}
	sum := sha256.Sum256([]byte(interaction))
	key := [16]byte(sum[:16])
	h, waits := j.open[key]
	if !waits || c.Side == spec.ClientSide {
		h.at, h.parties = c.At.UnixNano(), j.number(parties{c.Method, c.Endpoint, c.Client, c.Server})
	}
	h.inconsistent = h.inconsistent || c.State == spec.ReportPairedInconsistent
	h.paired = h.paired || c.State == spec.ReportPaired || c.State == spec.ReportPairedInconsistent
	if c.Side == spec.ClientSide {
		h.client = received.UnixNano()
	} else {
		h.server = received.UnixNano()
	}
	if h.client != 0 && h.server != 0 {
		b.Timeliness.Add(j.filing(h))
		delete(j.open, key)
		return
	}
	if j.open == nil {
		j.open = map[[16]byte]halves{}
	}
	j.open[key] = h
}

// consent notes a request for a consent, or the token that came of one. The consumer tells of the request, whatever
// was answered; 401 and 403 say that it lacked the permission to ask, and the provider's NO_CREDENTIAL that it asked
// about somebody who is no customer: neither is part of the rate.
func (j *joining) consent(c Call, interaction, id, drop string) {
	if j.requests == nil {
		j.requests, j.tokened = map[string]*request{}, map[string]bool{}
	}
	if c.Endpoint == "/token" {
		if c.Status == http.StatusOK && c.Side != spec.ServerSide && id != "" {
			j.tokened[id] = true
		}
		return
	}
	if c.Method != http.MethodPost || !strings.Contains(c.Endpoint, "consents/v") || !strings.HasSuffix(c.Endpoint, "/consents") {
		return
	}
	if interaction == "" {
		interaction = "of " + id // an account that pairs with nothing still tells of its consent
	}
	k := j.requests[interaction]
	if k == nil {
		k = &request{}
		j.requests[interaction] = k
	}
	if drop == noCredential {
		k.Refused = true
	}
	if c.Side == spec.ServerSide {
		return
	}
	k.At, k.Server = c.At, c.Server
	k.Refused = k.Refused || c.Status == http.StatusUnauthorized || c.Status == http.StatusForbidden
	if c.Status == http.StatusCreated {
		k.consent = id
	}
}

// noCredential is the dropReason of a request about somebody whom the institution confirmed not to know.
const noCredential = "NO_CREDENTIAL"

// end counts what found no counterpart in any of the files. A report that was paired has one elsewhere, and
// when that came in nobody says here. The record ends with the newest report: it says nothing of deadlines
// that were still to come.
func (j *joining) end(b *Book) {
	for _, h := range j.open {
		if h.paired {
			continue
		}
		f := j.filing(h)
		f.Known = j.newest
		b.Timeliness.Add(f)
	}
	for _, k := range j.requests {
		if k.At.IsZero() {
			continue // only the provider told of it
		}
		k.Tokened = k.consent != "" && j.tokened[k.consent]
		b.Conversion.Add(k.ConsentRequest)
	}
	*j = joining{}
}
