package pcm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// refusal says that a request is refused for what it is: sending it again changes nothing.
type refusal struct {
	status  int
	message string
}

func (e *refusal) Error() string { return fmt.Sprintf("refused with %d: %s", e.status, e.message) }

// unwanted says that an endpoint of a platform that lives does not take the request.
type unwanted struct{ status int }

func (e *unwanted) Error() string { return fmt.Sprintf("the platform answers %d", e.status) }

// retryAfter says that the platform named a pause.
type retryAfter struct {
	pause time.Duration
	err   error
}

func (e *retryAfter) Error() string { return e.err.Error() }
func (e *retryAfter) Unwrap() error { return e.err }

// errUnauthorized says that the token is not good (any more).
var errUnauthorized = errors.New("the platform refuses the token")

const maxAnswer = 16 << 20

// token is the cached access token.
type token struct {
	mu      sync.Mutex
	value   string
	until   time.Time
	refused bool // the platform's cache holds one that it does not accept
}

// post sends a batch and returns one answer per item. A refused token is replaced once.
func (r *Reporter) post(ctx context.Context, to route, body []byte, items int) ([]spec.Taken, error) {
	answers, err := r.attempt(ctx, to, body, items)
	if errors.Is(err, errUnauthorized) {
		r.forget()
		answers, err = r.attempt(ctx, to, body, items)
	}
	return answers, err
}

func (r *Reporter) attempt(ctx context.Context, to route, body []byte, items int) ([]spec.Taken, error) {
	bearer, err := r.bearer(ctx)
	if err != nil {
		return nil, err
	}
	r.stats.requests.Add(1)
	status, answer, err := r.do(ctx, http.MethodPost, strings.TrimSuffix(r.cfg.API, "/")+to.path, r.header(bearer), body)
	if err != nil {
		return nil, err
	}
	switch status {
	case http.StatusOK, http.StatusMultiStatus:
		if to.alone {
			answer = append(append([]byte{'['}, answer...), ']')
		}
		var list []spec.Taken
		if err := json.Unmarshal(answer, &list); err != nil {
			return nil, fmt.Errorf("the answer is not one to reports: %w", err)
		}
		if len(list) != items {
			return nil, fmt.Errorf("%d answers to %d reports", len(list), items)
		}
		for i, a := range list {
			if a.Status != spec.ReportAccepted && a.Status != spec.ReportDiscarded {
				return nil, fmt.Errorf("the answer to report %d is neither %s nor %s but %.40q", i+1, spec.ReportAccepted, spec.ReportDiscarded, a.Status)
			}
		}
		return list, nil
	case http.StatusUnauthorized:
		return nil, errUnauthorized
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		var m struct {
			Message string `json:"message"`
		}
		if err := json.Unmarshal(answer, &m); status == http.StatusRequestEntityTooLarge || err == nil && m.Message != "" {
			return nil, &refusal{status, m.Message}
		} // without its form of a refusal somebody else answers in its place
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusGone, http.StatusUnsupportedMediaType:
		return nil, &unwanted{status}
	}
	return nil, fmt.Errorf("the platform answers %d", status)
}

// put corrects one report of the platform's.
func (r *Reporter) put(ctx context.Context, reportID string, body []byte) error {
	bearer, err := r.bearer(ctx)
	if err != nil {
		return err
	}
	status, answer, err := r.do(ctx, http.MethodPut, strings.TrimSuffix(r.cfg.API, "/")+spec.PrivateReportPath+url.PathEscape(reportID), r.header(bearer), body)
	if err != nil {
		return err
	}
	if status != http.StatusAccepted {
		return fmt.Errorf("the platform answers %d: %.200s", status, answer)
	}
	return nil
}

func (r *Reporter) header(bearer string) http.Header {
	return http.Header{"Authorization": {"Bearer " + bearer}, "Content-Type": {"application/json"}, "Accept": {"application/json"}}
}

// do makes one bounded exchange.
func (r *Reporter) do(ctx context.Context, method, address string, header http.Header, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = header
	res, err := r.cfg.HTTP.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, nil, err
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 && res.StatusCode >= 400 {
		return 0, nil, &retryAfter{time.Duration(seconds) * time.Second, fmt.Errorf("the platform answers %d", res.StatusCode)}
	}
	return res.StatusCode, answer, nil
}

// bearer returns the token in the cache, or a new one. Its life is what the platform says is left of it.
func (r *Reporter) bearer(ctx context.Context) (string, error) {
	r.token.mu.Lock()
	defer r.token.mu.Unlock()
	now := r.cfg.Clock.Now()
	if r.token.value != "" && r.token.until.After(now) {
		return r.token.value, nil
	}
	return r.fetch(ctx, now)
}

func (r *Reporter) fetch(ctx context.Context, now time.Time) (string, error) {
	address := r.cfg.Token
	if r.token.refused {
		address = strings.TrimSuffix(address, "token/") + "token-fresh/"
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {r.cfg.ClientID}}
	r.stats.tokens.Add(1)
	status, answer, err := r.do(ctx, http.MethodPost, address, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}, []byte(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	var t struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	if status != http.StatusOK {
		r.token.refused = false // the next try begins at the ordinary endpoint
		return "", fmt.Errorf("ask for a token: the platform answers %d", status)
	}
	if err := json.Unmarshal(answer, &t); err != nil || t.Token == "" {
		return "", errors.New("ask for a token: the answer holds none")
	}
	// Left a little early, so that it does not end on the way.
	r.token.value, r.token.refused, r.token.until = t.Token, false, now.Add(time.Duration(t.Expires)*time.Second-min(30, time.Duration(t.Expires)/10)*time.Second)
	return t.Token, nil
}

// forget makes the next request ask for a fresh token.
func (r *Reporter) forget() {
	r.token.mu.Lock()
	defer r.token.mu.Unlock()
	r.token.until, r.token.refused = time.Time{}, true
}
