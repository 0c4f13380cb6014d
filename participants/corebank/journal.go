package corebank

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// event is one change of the bank. The books are the sum of the events: what is applied at once is what is
// applied again when the journal is read.
type event struct {
	Kind   string    `json:"kind"` // "open", "order", "state", "account", "key", "unkey", "adjust", "hold", "limits"
	At     time.Time `json:"at"`
	ID     string    `json:"id,omitempty"` // of the order or account
	State  string    `json:"state,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Hold   bool      `json:"hold,omitempty"`
	Cents  int64     `json:"cents,omitempty"`
	Order  *Order    `json:"order,omitempty"`
	Key    *PixKey   `json:"key,omitempty"`
	Limits *Limits   `json:"limits,omitempty"`
}

// commit makes an event durable, then true, then known. The caller holds b.mu.
func (b *Bank) commit(e event) error {
	if err := b.journal.write(e); err != nil {
		return err
	}
	b.apply(e)
	if e.Kind == "state" {
		b.tell(Change{Order: e.ID, Receipt: b.orders[e.ID].receipt()})
	}
	return nil
}

// apply changes the bank. It must give the same result for the same event, whenever it is read.
func (b *Bank) apply(e event) {
	switch e.Kind {
	case "order":
		cents, err := Cents(e.Order.Amount)
		if err != nil {
			return
		}
		o := &order{Order: *e.Order, cents: cents, debtor: b.numbers[e.Order.Debtor.Number], day: dayOf(e.Order.Customer, e.At),
			state: e.State, reason: e.Reason, detail: e.Detail, holding: e.Hold}
		b.orders[o.ID] = o
		if o.state == Pending {
			b.reserve(o)
			if o.holding && o.debtor.holdNext > 0 {
				o.debtor.holdNext--
			}
		}
	case "state":
		o := b.orders[e.ID]
		if o == nil || final(o.state) {
			return
		}
		o.state, o.reason, o.detail = e.State, e.Reason, e.Detail
		switch e.State {
		case Settled:
			b.deliver(o, e.At)
		case Rejected, Cancelled:
			b.release(o)
		case Held:
			o.holding = false
		}
	case "account":
		if a := b.accounts[e.ID]; a != nil {
			a.status = e.State
		}
	case "hold":
		if a := b.accounts[e.ID]; a != nil {
			a.holdNext = int(e.Cents)
		}
	case "adjust":
		if a := b.accounts[e.ID]; a != nil {
			b.move(world, a.book(), e.Cents-b.books[a.book()])
		}
	case "key":
		b.keys[e.Key.Key] = *e.Key
	case "unkey":
		delete(b.keys, e.ID)
	case "limits":
		b.limits = *e.Limits
	}
}

// journal is the append-only file of events; nil keeps nothing.
type journal struct {
	file *os.File
	size int64 // of what is whole
}

// openJournal reads the events of a directory. A torn last line, the mark of a kill, is cut off.
func openJournal(dir string) (*journal, []event, error) {
	if dir == "" {
		return nil, nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	name := filepath.Join(dir, "books.jsonl")
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	past, good, err := replay(name)
	if err == nil {
		err = file.Truncate(good)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("journal %s: %w", name, err), file.Close())
	}
	return &journal{file, good}, past, nil
}

func replay(name string) (past []event, good int64, err error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, 0, err
	}
	for line := range bytes.Lines(raw) {
		var e event
		if line[len(line)-1] != '\n' || json.Unmarshal(line, &e) != nil {
			if rest := raw[good+int64(len(line)):]; len(rest) > 0 {
				return nil, 0, fmt.Errorf("damaged at byte %d", good)
			}
			break
		}
		good += int64(len(line))
		past = append(past, e)
	}
	return past, good, nil
}

func (j *journal) write(e event) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal %s: %w", e.Kind, err)
	}
	n, err := j.file.WriteAt(append(line, '\n'), j.size) // a torn write is written over by the next
	if err != nil {
		return fmt.Errorf("journal %s: %w", e.Kind, err)
	}
	j.size += int64(n)
	return nil
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}
