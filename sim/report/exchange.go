package report

import (
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
)

// maxBody bounds the text of one body kept as evidence.
const maxBody = 16 << 10

// Exchange is one request and its answer as evidence. Values of this type are redacted: build them with
// [NewExchange].
type Exchange struct {
	Ref           string    `json:"ref"`
	Party         string    `json:"party,omitempty"`
	Operation     string    `json:"operation,omitempty"`
	Method        string    `json:"method"`
	URL           string    `json:"url"`
	Status        int       `json:"status"`
	DurationMs    int64     `json:"durationMs"`
	InteractionID string    `json:"interactionId,omitempty"`
	Started       time.Time `json:"started"`
	Certificate   string    `json:"certificate,omitempty"`
	TLS           string    `json:"tls,omitempty"`
	Error         string    `json:"error,omitempty"`
	Violations    []string  `json:"violations,omitempty"`
	Request       *Message  `json:"request,omitempty"`
	Response      *Message  `json:"response,omitempty"`
	// RuleTrace is what the platform itself judged in this exchange, where the target tells it: a help for
	// the reader, on which no verdict rests.
	RuleTrace []Judged `json:"ruleTrace,omitempty"`
}

// Judged is one sentence as the platform judged it.
type Judged struct {
	Rule    string `json:"rule"`
	Verdict string `json:"verdict"` // "kept" or "broken"
	Text    string `json:"text"`
	Set     string `json:"set"`
}

// Broken counts the sentences of the trace that were not kept.
func (e Exchange) Broken() int {
	n := 0
	for _, j := range e.RuleTrace {
		if j.Verdict == Broken {
			n++
		}
	}
	return n
}

// The verdicts of a trace.
const (
	Kept   = "kept"
	Broken = "broken"
)

// Message is one half of an exchange.
type Message struct {
	Header []string        `json:"header,omitempty"` // "Name: value"
	Body   string          `json:"body,omitempty"`
	Claims json.RawMessage `json:"claims,omitempty"` // of a signed body, decoded
}

// Raw is an exchange before redaction.
type Raw struct {
	Ref, Party, Operation, Method, URL string
	Status                             int
	Duration                           time.Duration
	Started                            time.Time
	Certificate, TLS, Error            string
	RequestHeader, Header              http.Header
	RequestBody, Body                  []byte
	RequestClaims, Claims              map[string]any
}

// NewExchange redacts raw and keeps it as evidence. Only one-line facts are kept when brief is set.
func NewExchange(raw Raw, brief bool) Exchange {
	e := Exchange{
		Ref: raw.Ref, Party: raw.Party, Operation: raw.Operation, Method: raw.Method, URL: RedactURL(raw.URL),
		Status: raw.Status, DurationMs: raw.Duration.Milliseconds(), Started: raw.Started,
		Certificate: raw.Certificate, TLS: raw.TLS, Error: RedactText(raw.Error),
		InteractionID: first(raw.Header.Get("X-Fapi-Interaction-Id"), raw.RequestHeader.Get("X-Fapi-Interaction-Id")),
	}
	if brief {
		return e
	}
	e.Request = message(raw.RequestHeader, raw.RequestBody, raw.RequestClaims)
	e.Response = message(raw.Header, raw.Body, raw.Claims)
	return e
}

// Brief returns the exchange without its messages.
func (e Exchange) Brief() Exchange {
	e.Request, e.Response = nil, nil
	return e
}

func first(values ...string) string {
	i := slices.IndexFunc(values, func(s string) bool { return s != "" })
	if i < 0 {
		return ""
	}
	return values[i]
}

func message(h http.Header, body []byte, claims map[string]any) *Message {
	if len(h) == 0 && len(body) == 0 {
		return nil
	}
	m := &Message{Header: headers(h), Body: RedactBody(h.Get("Content-Type"), body)}
	if claims != nil {
		if b, err := json.MarshalIndent(redactValue("", claims), "", "  "); err == nil {
			m.Claims = b
		}
	}
	return m
}

func headers(h http.Header) []string {
	var out []string
	for name, values := range h {
		for _, v := range values {
			out = append(out, strings.ToLower(name)+": "+redactHeader(name, v))
		}
	}
	sort.Strings(out)
	return out
}
