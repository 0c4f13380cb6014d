package tpp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The limits of a report queue: what a request may carry, and what is kept while the platform is away.
const (
	batchSize = 5000
	backlog   = 200_000
)

const (
	privatePath = "/report-api/v1/private/report/"
	hybridPath  = "/report-api/v2/hybrid-flow/"
)

// reporter tells the metrics platform the client's side of every call, in the background. Reports wait
// in memory until they are accepted; the oldest are dropped, and counted, when too many wait.
type reporter struct {
	client *Client
	on     bool

	mu      sync.Mutex
	waiting map[string][]map[string]any // by path
	held    int
	lost    int
	refused []string // why the platform discarded reports
	token   string
	until   time.Time

	sending sync.Mutex // one delivery at a time
	cancel  context.CancelFunc
	ended   chan struct{}
}

func newReporter(c *Client) *reporter {
	r := &reporter{client: c, on: c.cfg.PCM.URL != "" && c.cfg.PCM.Token != "", waiting: map[string][]map[string]any{}, ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	if !r.on {
		close(r.ended)
		return r
	}
	go r.run(ctx)
	return r
}

func (r *reporter) close() {
	r.cancel()
	<-r.ended
}

// run delivers what waits every second, and less often while that fails.
func (r *reporter) run(ctx context.Context) {
	defer close(r.ended)
	pause := time.Second
	for r.client.cfg.Clock.Sleep(ctx, pause) == nil {
		if r.deliver(ctx) != nil {
			pause = min(2*pause, time.Minute)
		} else {
			pause = time.Second
		}
	}
}

func (r *reporter) add(path string, report map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held >= backlog {
		for p, list := range r.waiting {
			if len(list) > 0 {
				r.waiting[p] = list[1:]
				r.held--
				r.lost++
				break
			}
		}
	}
	r.waiting[path] = append(r.waiting[path], report)
	r.held++
}

// FlushReports delivers everything that waits, and returns why it could not.
func (c *Client) FlushReports(ctx context.Context) error {
	if !c.out.on {
		return nil
	}
	return c.out.deliver(ctx)
}

// ReportsWaiting is how many reports have not been accepted yet, and how many were dropped for lack of room.
func (c *Client) ReportsWaiting() (waiting, lost int) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.held, c.out.lost
}

// ReportsRefused lists why the metrics platform discarded reports, at most a hundred reasons.
func (c *Client) ReportsRefused() []string {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return append([]string(nil), c.out.refused...)
}

// deliver sends batches until nothing waits or one fails; a failed batch waits again, in its place.
func (r *reporter) deliver(ctx context.Context) error {
	r.sending.Lock()
	defer r.sending.Unlock()
	for {
		path, batch := r.take()
		if len(batch) == 0 {
			return nil
		}
		if err := r.post(ctx, path, batch, true); err != nil {
			r.mu.Lock()
			r.waiting[path] = append(batch, r.waiting[path]...)
			r.held += len(batch)
			r.mu.Unlock()
			return err
		}
	}
}

func (r *reporter) take() (string, []map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path, list := range r.waiting {
		if len(list) == 0 {
			continue
		}
		limit := batchSize
		if strings.HasPrefix(path, hybridPath) {
			limit = 1000
		}
		n := min(limit, len(list))
		r.waiting[path] = list[n:]
		r.held -= n
		return path, list[:n:n]
	}
	return "", nil
}

func (r *reporter) post(ctx context.Context, path string, batch []map[string]any, again bool) error {
	token, err := r.bearer(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	status, answer, err := r.call(ctx, false, "POST", strings.TrimSuffix(r.client.cfg.PCM.URL, "/")+path, "application/json", token, body)
	switch {
	case err != nil:
		return fmt.Errorf("report: %w", err)
	case status == http.StatusUnauthorized && again:
		r.mu.Lock()
		r.token = ""
		r.mu.Unlock()
		return r.post(ctx, path, batch, false)
	case status == http.StatusOK, status == http.StatusMultiStatus:
		r.note(answer)
		return nil
	}
	return fmt.Errorf("report: %s answered %d", path, status)
}

// note keeps the reasons of what was discarded. Discarded reports are not sent again: they would be
// discarded again.
func (r *reporter) note(answer []byte) {
	var items []struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &items) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range items {
		if it.Status == "DISCARDED" && len(r.refused) < 100 {
			r.refused = append(r.refused, it.Message)
		}
	}
}

func (r *reporter) bearer(ctx context.Context) (string, error) {
	now := r.client.cfg.Clock.Now()
	r.mu.Lock()
	token, until := r.token, r.until
	r.mu.Unlock()
	if token != "" && now.Before(until) {
		return token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {r.client.cfg.SoftwareID}}
	status, answer, err := r.call(ctx, true, "POST", r.client.cfg.PCM.Token, "application/x-www-form-urlencoded", "", []byte(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("metrics token: %w", err)
	}
	var t struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if status != http.StatusOK || json.Unmarshal(answer, &t) != nil || t.AccessToken == "" {
		return "", fmt.Errorf("metrics token: answered %d", status)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token, r.until = t.AccessToken, now.Add(time.Duration(t.ExpiresIn)*time.Second-30*time.Second)
	return t.AccessToken, nil
}

// call is outside the recorded exchanges: reports are not reported.
func (r *reporter) call(ctx context.Context, certificate bool, method, address, media, token string, body []byte) (int, []byte, error) {
	q, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Content-Type", media)
	q.Header.Set("Accept", "application/json")
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	pool := r.client.pool(nil)
	if certificate {
		pool = r.client.pool(&r.client.cfg.Transport)
	}
	a, err := pool.Do(q)
	if err != nil {
		return 0, nil, withoutAddress(err)
	}
	defer func() { _ = a.Body.Close() }()
	answer, err := readBounded(a.Body)
	return a.StatusCode, answer, err
}

var errTooLarge = errors.New("answer too large")
