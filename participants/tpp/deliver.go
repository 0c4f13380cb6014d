package tpp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// token is the cached access token of the metrics platform.
type token struct {
	value   string
	until   time.Time
	refused bool // the platform's own cache holds one that it does not accept
}

// retryAfter says that the platform named a pause.
type retryAfter struct {
	pause time.Duration
	err   error
}

func (e *retryAfter) Error() string { return e.err.Error() }
func (e *retryAfter) Unwrap() error { return e.err }

// refusal says that a request is refused for what it is: sending it again changes nothing.
type refusal struct{ err error }

func (e *refusal) Error() string { return e.err.Error() }

var (
	errUnauthorized = errors.New("the metrics platform refuses the token")
	errTooLarge     = errors.New("answer too large")
)

// deliver sends a window of reports, kind by kind, and forgets them as far as nothing before them is
// missing. A kind that fails does not hold up the others.
func (r *reporter) deliver(ctx context.Context, list []Kept) error {
	groups := map[string][]Kept{}
	var kinds []string
	for _, k := range list {
		if r.told[k.Seq] {
			continue
		}
		if groups[k.Kind] == nil {
			kinds = append(kinds, k.Kind)
		}
		groups[k.Kind] = append(groups[k.Kind], k)
	}
	var failed error
	for _, kind := range kinds {
		failed = errors.Join(failed, r.tell(ctx, kind, groups[kind]))
	}
	n := 0
	for n < len(list) && r.told[list[n].Seq] {
		n++
	}
	if n > 0 {
		if err := r.box.Ack(list[n-1].Seq); err != nil {
			return errors.Join(failed, err)
		}
		for _, k := range list[:n] {
			delete(r.told, k.Seq)
			delete(r.uncertain, k.Seq)
		}
		r.mu.Lock()
		r.settled = list[n-1].Seq
		r.mu.Unlock()
	}
	return failed
}

// tell sends reports of one kind. A request that is refused for what it is gets halved, until it passes or
// the report at fault stands alone.
func (r *reporter) tell(ctx context.Context, kind string, list []Kept) error {
	path, most := route(kind)
	for size := most; len(list) > 0; {
		batch := list[:min(size, len(list))]
		err := r.send(ctx, path, batch, most == 1)
		var refused *refusal
		switch {
		case err == nil:
			size = min(most, 2*size)
		case errors.As(err, &refused) && len(batch) > 1:
			size = len(batch) / 2
			continue
		case errors.As(err, &refused):
			r.discard(refused.Error())
			r.told[batch[0].Seq] = true
		default:
			return fmt.Errorf("report %d of kind %s: %w", len(batch), kind, err)
		}
		list = list[len(batch):]
	}
	return nil
}

// route is where reports of a kind go, and how many at once.
func route(kind string) (path string, most int) {
	switch kind {
	case private:
		return spec.PrivateReportPath, spec.MaxReports
	case spec.KindStock:
		return spec.StockPath, 1
	}
	return spec.HybridFlowPath + kind, 1000
}

// send makes one request of a batch and acts on the answer to each report.
func (r *reporter) send(ctx context.Context, path string, batch []Kept, alone bool) error {
	size := 2
	for _, k := range batch {
		size += len(k.Body) + 1
	}
	body := make([]byte, 0, size)
	for i, k := range batch {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, k.Body...)
	}
	if !alone {
		body = append(append([]byte{'['}, body...), ']')
	}
	answers, err := r.post(ctx, path, body, len(batch), alone)
	if err != nil {
		var refused *refusal
		if !errors.As(err, &refused) && !errors.Is(err, errUnauthorized) {
			for _, k := range batch {
				r.uncertain[k.Seq] = true
			}
		}
		return err
	}
	for i, a := range answers {
		seq := batch[i].Seq
		switch {
		case a.Status == spec.ReportAccepted:
			r.accepted.Add(1)
		case (r.uncertain[seq] || seq <= r.before) && strings.Contains(strings.ToLower(a.Message), "duplicat"):
			r.repeated.Add(1)
		default:
			r.discard(a.Message)
		}
		r.told[seq] = true
	}
	return nil
}

// discard counts a report that will never be accepted as it is.
func (r *reporter) discard(reason string) {
	r.discarded.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.refused) < 100 {
		r.refused = append(r.refused, reason)
	}
}

// post makes the request, with a fresh token once when the one in hand is refused.
func (r *reporter) post(ctx context.Context, path string, body []byte, items int, alone bool) ([]spec.Taken, error) {
	answers, err := r.attempt(ctx, path, body, items, alone)
	if errors.Is(err, errUnauthorized) {
		r.token.until, r.token.refused = time.Time{}, true
		answers, err = r.attempt(ctx, path, body, items, alone)
	}
	return answers, err
}

func (r *reporter) attempt(ctx context.Context, path string, body []byte, items int, alone bool) ([]spec.Taken, error) {
	bearer, err := r.bearer(ctx)
	if err != nil {
		return nil, err
	}
	status, answer, err := r.call(ctx, false, strings.TrimSuffix(r.client.cfg.PCM.URL, "/")+path, "application/json", bearer, body)
	if err != nil {
		return nil, err
	}
	switch status {
	case http.StatusOK, http.StatusMultiStatus:
		list := make([]spec.Taken, 1)
		if alone {
			err = json.Unmarshal(answer, &list[0])
		} else {
			list = nil
			err = json.Unmarshal(answer, &list)
		}
		if err != nil {
			return nil, fmt.Errorf("the answer is not one to reports: %w", err)
		}
		if len(list) != items {
			return nil, fmt.Errorf("%d answers to %d reports", len(list), items)
		}
		return list, nil
	case http.StatusUnauthorized:
		return nil, errUnauthorized
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		var m struct {
			Message string `json:"message"`
		}
		if err := json.Unmarshal(answer, &m); status == http.StatusRequestEntityTooLarge || err == nil && m.Message != "" {
			return nil, &refusal{fmt.Errorf("the metrics platform refuses with %d", status)}
		} // without its form of a refusal somebody else answers in its place
	}
	return nil, fmt.Errorf("the metrics platform answers %d", status)
}

// bearer is the token in hand while it lives, or a new one.
func (r *reporter) bearer(ctx context.Context) (string, error) {
	now := r.client.cfg.Clock.Now()
	if r.token.value != "" && now.Before(r.token.until) {
		return r.token.value, nil
	}
	address := r.client.cfg.PCM.Token
	if r.token.refused {
		address = strings.TrimSuffix(address, "token/") + "token-fresh/"
	}
	r.token.refused = false // the next try begins at the ordinary endpoint
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {r.client.cfg.SoftwareID}}
	status, answer, err := r.call(ctx, true, address, "application/x-www-form-urlencoded", "", []byte(form.Encode()))
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
	life := time.Duration(t.ExpiresIn) * time.Second
	r.token.value, r.token.until = t.AccessToken, now.Add(life-min(30*time.Second, life/10))
	return t.AccessToken, nil
}

// call is outside the recorded exchanges: reports are not reported.
func (r *reporter) call(ctx context.Context, certificate bool, address, media, bearer string, body []byte) (int, []byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Content-Type", media)
	q.Header.Set("Accept", "application/json")
	if bearer != "" {
		q.Header.Set("Authorization", "Bearer "+bearer)
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
	if err != nil {
		return 0, nil, err
	}
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil && seconds > 0 && a.StatusCode >= 400 {
		return 0, nil, &retryAfter{time.Duration(seconds) * time.Second, fmt.Errorf("the metrics platform answers %d", a.StatusCode)}
	}
	return a.StatusCode, answer, nil
}
