package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// control asks a control surface, on this machine, and decodes its answer into out, which may be nil.
func control(ctx context.Context, method, address string, ask, out any) error {
	var body io.Reader
	if ask != nil {
		b, err := json.Marshal(ask)
		if err != nil {
			return fmt.Errorf("control: %w", err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	b, err := whole(r)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("control: %s: %w", address, err)
	}
	return nil
}

// fetch reads a text.
func fetch(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("control: %w", err)
	}
	b, err := whole(r)
	return string(b), err
}

func whole(r *http.Request) ([]byte, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("control: %s %s answers %d: %s", r.Method, r.URL, res.StatusCode, bytes.TrimSpace(b))
	}
	return b, nil
}
