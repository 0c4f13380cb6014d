package pcm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// State is where a report stands in its life.
type State string

// The states of section 5.
const (
	Accepted           State = "ACCEPTED"
	Discarded          State = "DISCARDED"
	Paired             State = "PAIRED"
	PairedInconsistent State = "PAIRED_INCONSISTENT"
	Unpaired           State = "UNPAIRED"
	Single             State = "SINGLE"
)

var states = [...]State{Accepted, Paired, PairedInconsistent, Unpaired, Single}

const (
	stateAccepted = iota
	statePaired
	stateInconsistent
	stateUnpaired
	stateSingle
	stateNoted // no report for the book, but an entry of the log that is bounded with the others
	stateVoid  // not kept after all
)

// record is what is held in memory of an entry of the log: 56 bytes. The words of the sender are in the log.
type record struct {
	key        [16]byte // of the interaction id; zero when there was none
	at         int64    // Unix milliseconds of the call
	received   int64
	pos        position
	client     uint32
	server     uint32
	endpoint   uint16
	status     uint16
	method     uint8
	serverSide bool
	state      uint8
	findings   uint8
}

// counts says whether it is a report that is kept. Without a place in the log it may still be taken back.
func (r *record) counts() bool { return r != nil && r.pos != 0 && r.state < stateNoted }

const chunkSize = 1 << 14

// reach is how long anything is held by the ecosystem's clock: a verdict looks ninety days back from a
// month's end, and is final eight days after it.
const reach = 130 * 24 * time.Hour

// book holds the newest entries of the log and finds counterparts. Its size is bounded: beyond keep entries,
// and beyond the time that any question reaches back, the oldest are forgotten, a chunk at a time.
type book struct {
	mu     sync.Mutex
	keep   int
	chunks []*[chunkSize]record
	first  uint64 // number of the first record of chunks[0]
	next   uint64
	index  index
	names  map[string]uint32
	orgs   []string
	lost   int64           // the newest call of which a report was forgotten, Unix milliseconds
	gone   [stateNoted]int // forgotten records by their last state
}

func newBook(keep int) *book {
	return &book{keep: keep, first: 1, next: 1, index: index{seed: maphash.MakeSeed()}, names: map[string]uint32{}}
}

// place is an accepted report about to enter the book.
type place struct {
	taken bool // a report of the same role and interaction is there already
}

// once refuses repetitions. The policy is ours: the published texts leave duplicates open.
var once = rule.NewSet("pcm.book",
	rule.Rule[*place]{ID: "PCM-BOOK/not-repeated", Weight: fault.Major,
		Text: "one role reports one interaction once", Check: func(_ context.Context, p *place) error {
			if p.taken {
				return errRepeated
			}
			return nil
		}},
)

var errRepeated = errors.New("Duplicated report: fapiInteractionId was already reported by this role")

// couple is two reports of one interaction.
type couple struct{ client, server *record }

func agree(same func(*couple) bool, name string) func(context.Context, *couple) error {
	err := errors.New(name)
	return func(_ context.Context, c *couple) error {
		if same(c) {
			return nil
		}
		return err
	}
}

// pairing compares exactly the five fields of section 5.
var pairing = rule.NewSet("pcm.pairing",
	rule.Rule[*couple]{ID: "PCM-PAIRING/same-client", Weight: fault.Major, Text: "both sides name the same client organisation",
		Check: agree(func(c *couple) bool { return c.client.client == c.server.client }, "clientOrgId")},
	rule.Rule[*couple]{ID: "PCM-PAIRING/same-server", Weight: fault.Major, Text: "both sides name the same server organisation",
		Check: agree(func(c *couple) bool { return c.client.server == c.server.server }, "serverOrgId")},
	rule.Rule[*couple]{ID: "PCM-PAIRING/same-status", Weight: fault.Major, Text: "both sides saw the same status code",
		Check: agree(func(c *couple) bool { return c.client.status == c.server.status }, "statusCode")},
	rule.Rule[*couple]{ID: "PCM-PAIRING/same-method", Weight: fault.Major, Text: "both sides saw the same method",
		Check: agree(func(c *couple) bool { return c.client.method == c.server.method }, "httpMethod")},
	rule.Rule[*couple]{ID: "PCM-PAIRING/same-endpoint", Weight: fault.Major, Text: "both sides name the same endpoint",
		Check: agree(func(c *couple) bool { return c.client.endpoint == c.server.endpoint }, "endpoint")},
)

// interaction turns the id as sent into a key; UUIDs keep their bytes, anything else is hashed.
func interaction(id []byte) (key [16]byte) {
	if len(id) == 0 {
		return key
	}
	if isUUID(id) {
		var compact [32]byte
		n := 0
		for _, c := range id {
			if c != '-' {
				compact[n] = c //nolint:gosec // a UUID has thirty-two of these
				n++
			}
		}
		if _, err := hex.Decode(key[:], compact[:]); err == nil && key != [16]byte{} {
			return key
		}
	}
	sum := sha256.Sum256(id)
	copy(key[:], sum[:])
	return key
}

// keyOf is the key of a report of a kind: an interaction may be told of both as a private call and as one
// of credit portability, and these are no counterparts.
func keyOf(kind byte, id []byte) [16]byte {
	key := interaction(id)
	if isPortability(kind) && key != [16]byte{} {
		key[0] ^= 0xff
	}
	return key
}

// org numbers an organisation id. The lock is held.
func (b *book) org(id []byte) uint32 {
	if n, known := b.names[string(id)]; known {
		return n
	}
	name := strings.ToLower(string(id))
	n, known := b.names[name]
	if !known {
		n = uint32(len(b.orgs))
		b.orgs = append(b.orgs, name)
		b.names[name] = n
	}
	return n
}

// number is org for callers without the lock.
func (b *book) number(org string) uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.org([]byte(org))
}

// record builds the entry of a report.
func (b *book) record(r *report, kind byte, received int64) record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recordLocked(r, kind, received)
}

func (b *book) recordLocked(r *report, kind byte, received int64) record {
	rec := record{
		key: keyOf(kind, r.fields[fInteraction].bytes()), at: r.at.UnixMilli(), received: received,
		client: b.org(r.fields[fClientOrg].bytes()), server: b.org(r.fields[fServerOrg].bytes()),
		status: uint16(r.status), serverSide: r.server,
	}
	if r.endpoint != nil {
		rec.endpoint = r.endpoint.number
	}
	for i, m := range methods {
		if r.method == m {
			rec.method = uint8(i)
		}
	}
	return rec
}

// add enters a record and returns its number. The lock is held.
func (b *book) add(rec record) uint64 {
	if uint32(b.next) == 0 { // what the index calls free
		b.next++
	}
	n := b.next
	b.next++
	i := n - b.first
	if int(i/chunkSize) == len(b.chunks) {
		b.chunks = append(b.chunks, new([chunkSize]record))
	}
	b.chunks[i/chunkSize][i%chunkSize] = rec
	if rec.key != [16]byte{} {
		b.link(n, &rec)
	}
	return n
}

// get returns a record, or nil when it was forgotten. The lock is held.
func (b *book) get(n uint64) *record {
	if n < b.first || n >= b.next {
		return nil
	}
	i := n - b.first
	return &b.chunks[i/chunkSize][i%chunkSize]
}

// void takes back a record that could not be kept. The lock is held.
func (b *book) void(n uint64) {
	rec := b.get(n)
	if rec == nil {
		return
	}
	b.unlink(n, rec)
	rec.state = stateVoid
}

// evict forgets whole chunks beyond the bounds and returns the place before which the log is not needed,
// or 0. The lock is held.
func (b *book) evict(now int64) position {
	began := b.first
	for len(b.chunks) > 1 && (b.next-b.first >= uint64(b.keep)+chunkSize || b.chunks[0][chunkSize-1].received < now-reach.Milliseconds()) {
		chunk := b.chunks[0]
		for i := range chunk {
			rec := &chunk[i]
			if rec.counts() {
				b.gone[rec.state]++
				b.lost = max(b.lost, rec.at)
			}
			b.unlink(b.first+uint64(i), rec)
		}
		b.chunks[0] = nil
		b.chunks = b.chunks[1:]
		b.first += chunkSize
	}
	if b.first == began {
		return 0
	}
	from := position(math.MaxInt64)
	for i := range b.chunks[0] { // a correction stands further behind than its neighbours
		if pos := b.chunks[0][i].pos; pos != 0 {
			from = min(from, pos)
		}
	}
	if from == math.MaxInt64 { // nothing of it is kept yet
		return 0
	}
	return from
}

// amend puts a corrected report into the place of the one it corrects, or where that one is forgotten into
// one of its own. The lock is held.
func (b *book) amend(sw rule.Switch, rec record) {
	n := b.find(rec.key, rec.serverSide)
	if old := b.get(n); old != nil {
		rec.received = old.received
		*old = rec
	} else {
		n = b.add(rec)
	}
	b.settle(context.Background(), sw, n)
}

// settle decides the state of a record and of its counterpart. The lock is held.
func (b *book) settle(ctx context.Context, sw rule.Switch, n uint64) {
	rec := b.get(n)
	if rec == nil || rec.state >= stateNoted {
		return
	}
	if rec.key == [16]byte{} {
		rec.state = stateSingle
		return
	}
	other := b.counterpart(rec)
	if !other.counts() { // not on disk yet: it will find us
		rec.state = stateUnpaired
		if int(rec.endpoint) < len(endpoints.all) && endpoints.all[rec.endpoint].clientOnly {
			rec.state = stateSingle
		}
		return
	}
	state := uint8(statePaired)
	if pairing.Check(ctx, sw, couplet(rec, other)) != nil {
		state = stateInconsistent
	}
	rec.state, other.state = state, state
}

func (b *book) counterpart(rec *record) *record { return b.get(b.find(rec.key, !rec.serverSide)) }

func couplet(a, b *record) *couple {
	if a.serverSide {
		a, b = b, a
	}
	return &couple{a, b}
}
