package psu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
)

// Human hands the journey to a person: it shows the address to open and waits for the address that the
// browser came back with, pasted whole. Visits of one Human wait for one another: there is one person.
type Human struct {
	Name string // who is asked to act
	// Tell shows the person what to do.
	Tell io.Writer
	// Answers gives what the person typed, line by line. It is read by one goroutine at a time.
	Answers *bufio.Reader

	turn    sync.Mutex
	pending chan typed // a line that is still being typed
}

type typed struct {
	line string
	err  error
}

// Visit asks the person, until they paste an address or ctx ends. When ctx ends while the person still
// types, the line they then type is the answer of the next visit.
func (h *Human) Visit(ctx context.Context, address string) (*url.URL, error) {
	h.turn.Lock()
	defer h.turn.Unlock()
	if _, err := fmt.Fprintf(h.Tell, "\nSua vez, %s: abra este endereço, entre e decida:\n\n  %s\n\nDepois cole aqui o endereço para onde o navegador voltou (inteiro, com o que vem após #):\n", h.Name, address); err != nil {
		return nil, fmt.Errorf("tell %s: %w", h.Name, err)
	}
	for {
		line, err := h.line(ctx)
		if err != nil {
			return nil, err
		}
		back, err := url.Parse(strings.TrimSpace(line))
		if err == nil && back.Scheme != "" && back.Host != "" {
			return back, nil
		}
		if _, err := fmt.Fprintln(h.Tell, "Isso não é um endereço completo. Cole de novo:"); err != nil {
			return nil, fmt.Errorf("tell %s: %w", h.Name, err)
		}
	}
}

// line waits for a line or for ctx. Only one goroutine reads at a time: a line begun during one visit is
// waited for by the next.
func (h *Human) line(ctx context.Context) (string, error) {
	if h.pending == nil {
		h.pending = make(chan typed, 1)
		go func(into chan<- typed) {
			line, err := h.Answers.ReadString('\n')
			into <- typed{line, err}
		}(h.pending)
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case t := <-h.pending:
		h.pending = nil
		if t.err != nil && (t.line == "" || !errors.Is(t.err, io.EOF)) {
			return "", fmt.Errorf("waiting for %s: %w", h.Name, t.err)
		}
		return t.line, nil
	}
}
