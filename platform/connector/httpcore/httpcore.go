// Package httpcore is a connector over HTTP: one POST for each question, JSON both ways, and a stream of
// changes, one JSON object a line.
//
// It promises that an answer is whole or an error, that a refusal of the port is told from an outage, and
// that the caller's deadline ends the call. The client it is given verifies the core and proves us to it.
package httpcore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/ensaio/ensaio/platform/connector"
)

// most bounds an answer: a page holds a thousand records.
const most = 16 << 20

// errAnswer says that what came back is not an answer of the protocol.
var errAnswer = errors.New("the core's answer is broken")

// Source is a core system behind an address. It is safe for concurrent use.
type Source struct {
	base string
	http *http.Client
}

var (
	_ connector.Source    = (*Source)(nil)
	_ connector.Canceller = (*Source)(nil)
)

// New makes a source of the core at base. The client sets no limit of its own on reading an answer, as a
// watch lasts; deadlines come with each call's context.
func New(base string, client *http.Client) *Source {
	return &Source{base: strings.TrimSuffix(base, "/"), http: client}
}

// Authenticate proves a person by username and password.
func (s *Source) Authenticate(ctx context.Context, username, password string) (connector.Customer, error) {
	return ask[connector.Customer](ctx, s, "authenticate", map[string]string{"username": username, "password": password})
}

// Find returns the customer of a CPF.
func (s *Source) Find(ctx context.Context, cpf string) (connector.Customer, error) {
	return ask[connector.Customer](ctx, s, "find", map[string]string{"cpf": cpf})
}

// List returns a page of records.
func (s *Source) List(ctx context.Context, q connector.Query) (connector.Page, error) {
	p, err := ask[connector.Page](ctx, s, "list", q)
	if err == nil && (p.Records == nil || p.Total < len(p.Records)) {
		return connector.Page{}, fmt.Errorf("core list %s: %w: page without its records", q.Source, errAnswer)
	}
	return p, err
}

// Get returns one record.
func (s *Source) Get(ctx context.Context, k connector.Key) (connector.Record, error) {
	r, err := ask[connector.Record](ctx, s, "get", k)
	if err == nil && r.ID == "" {
		return connector.Record{}, fmt.Errorf("core get %s: %w: record without id", k.Source, errAnswer)
	}
	return r, err
}

// Resolve looks a Pix key up.
func (s *Source) Resolve(ctx context.Context, key string) (connector.PixKey, error) {
	return ask[connector.PixKey](ctx, s, "resolve", map[string]string{"key": key})
}

// Foresee says whether an order could be paid now.
func (s *Source) Foresee(ctx context.Context, o connector.Order) (connector.Verdict, error) {
	return ask[connector.Verdict](ctx, s, "foresee", o)
}

// Submit executes an order once.
func (s *Source) Submit(ctx context.Context, o connector.Order) (connector.Receipt, error) {
	return s.receipt(ask[connector.Receipt](ctx, s, "submit", o))
}

// Cancel takes a held order back.
func (s *Source) Cancel(ctx context.Context, id string) (connector.Receipt, error) {
	return s.receipt(ask[connector.Receipt](ctx, s, "cancel", map[string]string{"id": id}))
}

func (s *Source) receipt(r connector.Receipt, err error) (connector.Receipt, error) {
	if err == nil && r.State == "" {
		return connector.Receipt{}, fmt.Errorf("core receipt: %w: no state", errAnswer)
	}
	return r, err
}

// Watch delivers what changes from now on. The channel closes when ctx or the connection ends.
func (s *Source) Watch(ctx context.Context) (<-chan connector.Change, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/watch", nil)
	if err != nil {
		return nil, fmt.Errorf("core watch: %w", err)
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("core watch: %w", reached(err))
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }() // nothing of it is read
		return nil, fmt.Errorf("core watch: %w", refusal(resp.StatusCode))
	}
	out := make(chan connector.Change)
	go func() {
		defer close(out)
		defer func() { _ = resp.Body.Close() }() // the stream is over
		for d := json.NewDecoder(resp.Body); ; {
			var c connector.Change
			if d.Decode(&c) != nil {
				return
			}
			select {
			case out <- c:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// ask puts one question.
func ask[A any](ctx context.Context, s *Source, what string, question any) (a A, err error) {
	body, err := json.Marshal(question)
	if err != nil {
		return a, fmt.Errorf("core %s: %w", what, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/"+what, bytes.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("core %s: %w", what, err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(r)
	if err != nil {
		return a, fmt.Errorf("core %s: %w", what, reached(err))
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return a, fmt.Errorf("core %s: %w", what, err) // torn on the way
	}
	if resp.StatusCode != http.StatusOK {
		return a, fmt.Errorf("core %s: %w", what, refusal(resp.StatusCode))
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media != "application/json" || len(raw) > most || json.Unmarshal(raw, &a) != nil {
		return a, fmt.Errorf("core %s: %w", what, errAnswer)
	}
	return a, nil
}

// refusal is what a status means. The body's text stays behind: it is the core's own.
func refusal(status int) error {
	switch status {
	case http.StatusNotFound:
		return connector.ErrUnknown
	case http.StatusUnauthorized:
		return connector.ErrCredentials
	case http.StatusConflict:
		return connector.ErrConflict
	case http.StatusServiceUnavailable:
		return connector.ErrUnavailable
	default:
		return fmt.Errorf("%w: status %d", errAnswer, status)
	}
}

// reached tells a core that was never reached, which took nothing, from one that may have heard.
func reached(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%w: %w", connector.ErrUnavailable, err)
	}
	return err
}
