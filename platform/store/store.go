// Package store keeps what must survive: records of a kind and id, and an outbox of events that commits
// together with them. One schema, two engines (embedded SQLite, PostgreSQL), or memory alone when no
// place is given.
//
// Commit returns only when the change is durable; concurrent commits share one transaction. Reads of the
// hot path never come here: packages load their records at start and keep them in memory.
//
// Durable means: an acknowledged commit survives a killed process and a lost power supply. SQLite
// therefore runs with synchronous=FULL (in WAL mode NORMAL may lose acknowledged commits with the
// power), and the cost of its fsync is shared by all commits that wait for it. The invariant: events are
// numbered in the order in which they became visible, so a reader that remembers one number misses none.
package store

import "encoding/json"

// Op is one change of a commit. Exactly one of the fields is set.
type Op struct {
	Put    *Record
	Delete *Key
	Emit   *Event
}

// Key names a record.
type Key struct{ Kind, ID string }

// Record is one durable value, encoded as JSON.
type Record struct {
	Key
	Body json.RawMessage
}

// Event is something that happened, told once and in order. Seq is given by the store.
type Event struct {
	Seq  int64           `json:"seq"`
	Type string          `json:"type"` // "consent.authorised", "payment.settled", …
	ID   string          `json:"id"`   // of the subject
	At   int64           `json:"at"`   // Unix milliseconds of the ecosystem's clock
	Data json.RawMessage `json:"data,omitempty"`
}

// Put makes an Op that writes v. It panics on a value that cannot be encoded.
func Put(kind, id string, v any) Op {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return Op{Put: &Record{Key: Key{kind, id}, Body: b}}
}

// Delete makes an Op that removes a record.
func Delete(kind, id string) Op { return Op{Delete: &Key{kind, id}} }

// Emit makes an Op that tells an event. It panics on data that cannot be encoded.
func Emit(typ, id string, at int64, data any) Op {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return Op{Emit: &Event{Type: typ, ID: id, At: at, Data: b}}
}
