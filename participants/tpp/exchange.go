package tpp

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/spec"
)

// Exchange is one request and what came back, whatever it was. Err is set when there was no answer:
// the request could not be built, the connection or the handshake failed, the answer was too large.
// It holds secrets; reports take [Exchange.Redacted].
type Exchange struct {
	Name      string // "par", "token", "accounts.list", …
	Method    string
	URL       string
	Operation *spec.Operation

	RequestHeader http.Header
	RequestBody   []byte
	RequestClaims map[string]any // of a signed request: assertion, request object or message
	Certificate   string         // common name of the client certificate, or ""

	Status int
	Header http.Header
	Body   []byte
	Claims map[string]any // of a signed answer, not yet verified
	TLS    *tls.ConnectionState

	Started   time.Time     // when the request began to leave
	FirstByte time.Duration // until the answer's head
	Duration  time.Duration // until its last byte
	Err       error

	consent string // consent the call is about, for reports
	party   string // organisation at the other side, for reports
	token   string // bearer token used
}

// JSON is the answer's body as an object: the claims of a signed one, the document of another, or nil.
func (e *Exchange) JSON() map[string]any {
	if e.Claims != nil {
		return e.Claims
	}
	var m map[string]any
	if json.Unmarshal(e.Body, &m) != nil {
		return nil
	}
	return m
}

// Field digs into the answer: "data.status", "data.0.paymentId", "errors.0.code". It is nil where
// nothing is found.
func (e *Exchange) Field(path string) any { return dig(e.JSON(), path) }

// Text is Field when it is a string, else "".
func (e *Exchange) Text(path string) string { s, _ := e.Field(path).(string); return s }

// Code is the first error code of the answer: the OAuth 2.0 error, or errors[0].code.
func (e *Exchange) Code() string {
	if s := e.Text("error"); s != "" {
		return s
	}
	return e.Text("errors.0.code")
}

// Codes lists every code of an Open Finance error body.
func (e *Exchange) Codes() []string {
	list, _ := e.Field("errors").([]any)
	var codes []string
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			if s, ok := m["code"].(string); ok {
				codes = append(codes, s)
			}
		}
	}
	return codes
}

// Interaction is the x-fapi-interaction-id of the request.
func (e *Exchange) Interaction() string { return e.RequestHeader.Get("X-Fapi-Interaction-Id") }

// OK says that an answer of the 2xx class came.
func (e *Exchange) OK() bool { return e.Err == nil && e.Status/100 == 2 }

// String tells the exchange in one line, without secrets.
func (e *Exchange) String() string {
	if e.Err != nil {
		return fmt.Sprintf("%s %s %s: %v", e.Name, e.Method, redactURL(e.URL), e.Err)
	}
	s := fmt.Sprintf("%s %s %s: %d", e.Name, e.Method, redactURL(e.URL), e.Status)
	if code := e.Code(); code != "" {
		s += " " + code
	}
	return s
}

// Failure is an answer that a helper could not use.
type Failure struct{ Exchange *Exchange }

// Error tells the call and its answer without secrets.
func (f *Failure) Error() string { return f.Exchange.String() }

// Unwrap gives the transport's error, if that was it.
func (f *Failure) Unwrap() error { return f.Exchange.Err }

// want turns an exchange into an error unless its status is one of those wanted.
func (e *Exchange) want(status ...int) error {
	if e.Err == nil {
		for _, s := range status {
			if e.Status == s {
				return nil
			}
		}
	}
	return &Failure{e}
}

// read decodes a signed body, so that claims can be seen; verification is another matter.
func (e *Exchange) read() {
	body := strings.TrimSpace(string(e.Body))
	if strings.HasPrefix(body, "ey") && strings.Count(body, ".") == 2 {
		if t, err := jose.Parse(body); err == nil {
			e.Claims = t.Claims
		}
	}
}

func dig(at any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	return at
}

// sent is the request's body as an object.
func (e *Exchange) sent() map[string]any {
	if e.RequestClaims != nil {
		return e.RequestClaims
	}
	var m map[string]any
	_ = json.Unmarshal(e.RequestBody, &m) // a body that is no object is nil
	return m
}

// formValue is a parameter of a form request.
func (e *Exchange) formValue(name string) string {
	form, err := url.ParseQuery(string(e.RequestBody))
	if err != nil {
		return ""
	}
	return form.Get(name)
}
