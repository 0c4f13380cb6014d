// Package shelf holds a great many values of which few are in use: each at rest, as its JSON in large chunks
// of bytes, and those in use as values too. It promises that the cost of everything else does not grow with
// how many are held.
//
// Almost all consents, grants and payments of an institution sleep. As values each is half a dozen objects or
// more, and with a million of them the walk of the collector, not the work, was two thirds of a read's cost.
// What it does not walk are maps and chunks without pointers; smaller objects without pointers would not do,
// since it is their number that costs.
package shelf

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"iter"
	"sync"

	"github.com/google/uuid"
)

// Key names a value.
type Key [16]byte

// KeyOf turns an id into a key: one that ends in 32 hexadecimal digits by these, a UUID by its digits, any
// other by its hash. Two spellings may share a key, so whoever finds a value compares the id itself.
func KeyOf(id string) (k Key) {
	if n := len(id) - hex.EncodedLen(len(k)); n >= 0 {
		if _, err := hex.Decode(k[:], []byte(id[n:])); err == nil {
			return k
		}
	}
	if u, err := uuid.Parse(id); err == nil {
		return Key(u)
	}
	sum := sha256.Sum256([]byte(id))
	return Key(sum[:16])
}

// place is where a value rests: chunk and offset.
type place uint64

const (
	parts      = 256
	smallest   = 4 << 10
	largest    = 256 << 10
	awakeMost  = 16      // values held by one part
	worthwhile = 1 << 20 // dead bytes from which on a part is tidied
)

// Shelf holds values by key. It is safe for concurrent use. A value that was put or got is never changed.
type Shelf[T any] struct {
	read  func(k Key, body []byte) (*T, error)
	parts [parts]part[T]
}

// part holds a share of the values, by the first byte of their keys.
type part[T any] struct {
	mu    sync.RWMutex
	rests map[Key]place
	chunk [][]byte
	dead  int // bytes of what was replaced
	alive int

	awake map[Key]*T
	ring  [awakeMost]Key // of those awake, in order of waking
	next  int
}

// New makes an empty shelf. Read makes a value of the bytes it was put with, which always succeeded once.
func New[T any](read func(k Key, body []byte) (*T, error)) *Shelf[T] { return &Shelf[T]{read: read} }

// Get returns the value, or nil. It holds it as one in use.
func (s *Shelf[T]) Get(k Key) *T {
	p := s.of(k)
	p.mu.RLock()
	v := p.awake[k]
	p.mu.RUnlock()
	if v != nil {
		return v
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.awake[k]; v != nil {
		return v
	}
	at, ok := p.rests[k]
	if !ok {
		return nil
	}
	v = s.rouse(k, p.at(at))
	p.wake(k, v)
	return v
}

// Look returns the value, or nil, and leaves it at rest.
func (s *Shelf[T]) Look(k Key) *T {
	p := s.of(k)
	p.mu.RLock()
	defer p.mu.RUnlock()
	if v := p.awake[k]; v != nil {
		return v
	}
	at, ok := p.rests[k]
	if !ok {
		return nil
	}
	return s.rouse(k, p.at(at))
}

// Put makes v, whose bytes are body, what is seen under k. It is held as one in use.
func (s *Shelf[T]) Put(k Key, v *T, body []byte) {
	p := s.of(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest(k, body)
	p.wake(k, v)
}

// Rest makes the value that body is read as what is seen under k. Nobody uses it yet.
func (s *Shelf[T]) Rest(k Key, body []byte) {
	p := s.of(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.awake, k)
	p.rest(k, body)
}

// Drop takes a value away; it may not be there.
func (s *Shelf[T]) Drop(k Key) {
	p := s.of(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bury(k)
	delete(p.rests, k)
	delete(p.awake, k)
}

// All shows every value, in no order, and leaves it at rest. What is put meanwhile may be missed.
func (s *Shelf[T]) All() iter.Seq2[Key, *T] {
	return func(yield func(Key, *T) bool) {
		for i := range s.parts {
			for _, k := range s.parts[i].keys() {
				if v := s.Look(k); v != nil && !yield(k, v) {
					return
				}
			}
		}
	}
}

func (s *Shelf[T]) of(k Key) *part[T] { return &s.parts[k[0]] }

func (s *Shelf[T]) rouse(k Key, body []byte) *T {
	v, err := s.read(k, body)
	if err != nil {
		panic("a value cannot be read again: " + err.Error()) // it was written by Put
	}
	return v
}

// rest writes what is seen under k.
func (p *part[T]) rest(k Key, body []byte) {
	if p.rests == nil {
		p.rests, p.awake = map[Key]place{}, map[Key]*T{}
	}
	p.bury(k)
	p.rests[k] = p.keep(body)
	if p.dead > worthwhile && p.dead > p.alive {
		p.tidy()
	}
}

// bury counts the bytes of what k had as dead.
func (p *part[T]) bury(k Key) {
	if old, ok := p.rests[k]; ok {
		n := 4 + len(p.at(old))
		p.dead, p.alive = p.dead+n, p.alive-n
	}
}

// wake holds a value; the one that was woken longest ago rests.
func (p *part[T]) wake(k Key, v *T) {
	if p.awake[k] == nil {
		delete(p.awake, p.ring[p.next])
		p.ring[p.next] = k
		p.next = (p.next + 1) % awakeMost
	}
	p.awake[k] = v
}

// at returns the bytes at a place.
func (p *part[T]) at(where place) []byte {
	b := p.chunk[where>>32][uint32(where):]
	return b[4 : 4+binary.LittleEndian.Uint32(b)]
}

// keep writes bytes into the last chunk, or a new one.
func (p *part[T]) keep(body []byte) place {
	need := 4 + len(body)
	last := len(p.chunk) - 1
	if last < 0 || cap(p.chunk[last])-len(p.chunk[last]) < need {
		size := smallest
		if last >= 0 {
			size = min(2*cap(p.chunk[last]), largest)
		}
		p.chunk = append(p.chunk, make([]byte, 0, max(size, need)))
		last++
	}
	where := place(last)<<32 | place(len(p.chunk[last]))
	b := binary.LittleEndian.AppendUint32(p.chunk[last], uint32(len(body)))
	p.chunk[last] = append(b, body...)
	p.alive += need
	return where
}

// tidy writes what lives into new chunks.
func (p *part[T]) tidy() {
	old := part[T]{chunk: p.chunk}
	p.chunk, p.dead, p.alive = nil, 0, 0
	for k, where := range p.rests {
		p.rests[k] = p.keep(old.at(where))
	}
}

func (p *part[T]) keys() []Key {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := make([]Key, 0, len(p.rests))
	for k := range p.rests {
		all = append(all, k)
	}
	return all
}
