package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/sim/spec"
)

// call is one request, ready but for what must be new each time.
type call struct {
	source  *Source
	party   *party // nil: public
	op      *spec.Operation
	name    string
	class   spec.Class
	token   *bearer // nil: none
	consent string
	want    int

	method   string
	address  *url.URL
	endpoint string
	customer bool // sends the headers that show the customer as present
	idem     bool
	accept   string
	// hear, when set, is told of every answer, whatever its status.
	hear func(status int, header http.Header)
}

// to sets the address, with the parameters of the path filled in.
func (c *call) to(base string, params map[string]string) error {
	path := c.op.FullPath()
	c.method, c.endpoint = c.op.Method, path
	for name, value := range params {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	c.accept = "application/json"
	if c.op.API.Signed {
		c.accept = "application/jwt"
	}
	c.customer, c.idem = c.op.CustomerHeaders, c.op.Idempotent
	return c.at(strings.TrimSuffix(base, "/") + path)
}

func (c *call) at(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%s: the target's address %q cannot be used", c.name, address)
	}
	c.address = u
	return nil
}

// do asks without a body.
func (c *call) do(ctx context.Context, _ uint64) load.Outcome { return c.with(ctx, nil, "", nil) }

// Header values that never change are shared: the transport does not write to them.
var (
	customerIP    = []string{"203.0.113.7"}
	customerAgent = []string{"Mozilla/5.0 (simulado)"}
	plainMedia    = map[string][]string{}
)

func init() {
	for _, m := range []string{"application/json", "application/jwt", "application/x-www-form-urlencoded"} {
		plainMedia[m] = []string{m}
	}
}

// with asks with a body; seen, when given, looks at an answer that has the wanted status.
func (c *call) with(ctx context.Context, body []byte, media string, seen func(*answer)) load.Outcome {
	s := c.source
	id := uuid.NewString()
	header := make(http.Header, 8)
	header["X-Fapi-Interaction-Id"] = []string{id}
	header["Accept"] = plainMedia[c.accept]
	var token *held
	if c.token != nil {
		token = c.token.now.Load()
		header["Authorization"] = token.header
	}
	if body != nil {
		header["Content-Type"] = plainMedia[media]
	}
	if c.customer {
		header["X-Fapi-Customer-Ip-Address"], header["X-Customer-User-Agent"] = customerIP, customerAgent
	}
	if c.idem {
		header["X-Idempotency-Key"] = []string{uuid.NewString()}
	}
	w := s.open
	if c.party != nil {
		w = c.party.wire
	}
	started := s.clock.Now()
	a, err := w.send(ctx, s.clock, c.method, c.address, header, body)
	defer a.release()
	if err != nil {
		s.books.Load().note(c, started, a.took, gaveUp(err))
		s.reportFailure(c, id, started, a.took, err, token)
		return load.Outcome{Err: err}
	}
	if c.hear != nil {
		c.hear(a.status, a.header)
	}
	s.books.Load().note(c, started, a.took, a.status)
	out := load.Outcome{Status: a.status}
	if a.status == http.StatusUnauthorized && token != nil {
		s.keeper.refuse(c.token, token)
	}
	switch {
	case a.status == c.want:
		out.Wrong = c.judge(s.sent.Add(1), id, &a)
		if seen != nil && out.Wrong == "" {
			seen(&a)
		}
	case a.status < 500 && a.status != http.StatusTooManyRequests && a.status != http.StatusLocked:
		out.Wrong = fmt.Sprintf("status %d in place of %d", a.status, c.want)
	}
	s.report(c, id, started, &a, token)
	return out
}

// sample is how often a body is read as JSON: of every so many.
const sample = 32

// judge looks at an answer of the wanted status: "" is right.
func (c *call) judge(n uint64, id string, a *answer) string {
	if c.op != nil && !strings.EqualFold(a.header.Get("X-Fapi-Interaction-Id"), id) {
		return "x-fapi-interaction-id is not the one sent"
	}
	if n%sample != 0 || a.status == http.StatusNoContent {
		return ""
	}
	body := bytes.TrimSpace(a.body.Bytes())
	if a.status == http.StatusAccepted && len(body) == 0 {
		return "" // it was taken, and there is nothing to tell yet
	}
	if c.accept == "application/jwt" {
		if bytes.Count(body, []byte{'.'}) != 2 {
			return "the body is no signed message"
		}
		return ""
	}
	if !json.Valid(body) {
		return "the body is not JSON"
	}
	return ""
}

// text finds the first member of that name with a text value in a JSON body, without reading the whole of
// it; "" where there is none. Good for ids and states, which hold nothing that JSON escapes.
func text(body []byte, member string) string {
	at := bytes.Index(body, []byte(`"`+member+`"`))
	if at < 0 {
		return ""
	}
	rest := bytes.TrimLeft(body[at+len(member)+2:], " :\n\t")
	if len(rest) == 0 || rest[0] != '"' {
		return ""
	}
	end := bytes.IndexByte(rest[1:], '"')
	if end < 0 {
		return ""
	}
	return string(rest[1 : end+1])
}
