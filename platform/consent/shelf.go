package consent

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"sync"
)

// key is the random part of a consent id.
type key [16]byte

// keyOf turns an id into a key: ours by their hexadecimal end, any other by its hash. Two spellings may
// share a key, so whoever finds a consent compares the id itself.
func keyOf(id string) (k key) {
	if n := len(id) - hex.EncodedLen(len(k)); n > 0 {
		if _, err := hex.Decode(k[:], []byte(id[n:])); err == nil {
			return k
		}
	}
	sum := sha256.Sum256([]byte(id))
	return key(sum[:16])
}

// place is where a consent rests: chunk and offset.
type place uint64

const (
	smallest   = 4 << 10
	largest    = 256 << 10
	awakeMost  = 64      // values held by one shelf
	worthwhile = 1 << 20 // dead bytes from which on a shelf is tidied
)

// shelf holds a share of the consents: each at rest, as JSON in large chunks of bytes, and those in use
// as values too.
//
// Almost all consents of an institution sleep. As values each is half a dozen objects, and with a million
// of them the walk of the collector, not the work, was two thirds of a read's cost. What it does not walk
// are maps and chunks without pointers; smaller objects without pointers would not do, since it is their
// number that costs.
type shelf struct {
	mu    sync.RWMutex
	rests map[key]place
	chunk [][]byte
	dead  int // bytes of what was replaced
	alive int

	awake map[key]*Consent
	ring  [awakeMost]key // of those awake, in order of waking
	next  int
}

// get returns the consent as it is, or nil.
func (s *shelf) get(k key) *Consent {
	s.mu.RLock()
	c := s.awake[k]
	s.mu.RUnlock()
	if c != nil {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.awake[k]; c != nil {
		return c
	}
	at, ok := s.rests[k]
	if !ok {
		return nil
	}
	c = &Consent{}
	if err := json.Unmarshal(s.at(at), c); err != nil {
		panic("a consent cannot be read again: " + err.Error()) // it was written by put
	}
	s.wake(k, c)
	return c
}

// put makes c what is seen under k. body is its JSON; awake says that it will be used soon.
func (s *shelf) put(k key, c *Consent, body []byte, awake bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rests == nil {
		s.rests, s.awake = map[key]place{}, map[key]*Consent{}
	}
	if old, ok := s.rests[k]; ok {
		n := 4 + len(s.at(old))
		s.dead, s.alive = s.dead+n, s.alive-n
	}
	s.rests[k] = s.keep(body)
	if awake {
		s.wake(k, c)
	}
	if s.dead > worthwhile && s.dead > s.alive {
		s.tidy()
	}
}

// wake holds a value; the one that was woken longest ago rests.
func (s *shelf) wake(k key, c *Consent) {
	if s.awake[k] == nil {
		delete(s.awake, s.ring[s.next])
		s.ring[s.next] = k
		s.next = (s.next + 1) % awakeMost
	}
	s.awake[k] = c
}

// at returns the bytes at a place.
func (s *shelf) at(p place) []byte {
	b := s.chunk[p>>32][uint32(p):]
	return b[4 : 4+binary.LittleEndian.Uint32(b)]
}

// keep writes bytes into the last chunk, or a new one.
func (s *shelf) keep(body []byte) place {
	need := 4 + len(body)
	last := len(s.chunk) - 1
	if last < 0 || cap(s.chunk[last])-len(s.chunk[last]) < need {
		size := smallest
		if last >= 0 {
			size = min(2*cap(s.chunk[last]), largest)
		}
		s.chunk = append(s.chunk, make([]byte, 0, max(size, need)))
		last++
	}
	p := place(last)<<32 | place(len(s.chunk[last]))
	b := binary.LittleEndian.AppendUint32(s.chunk[last], uint32(len(body)))
	s.chunk[last] = append(b, body...)
	s.alive += need
	return p
}

// tidy writes what lives into new chunks.
func (s *shelf) tidy() {
	old := shelf{chunk: s.chunk}
	s.chunk, s.dead, s.alive = nil, 0, 0
	for k, p := range s.rests {
		s.rests[k] = s.keep(old.at(p))
	}
}

// keys lists what is held.
func (s *shelf) keys() []key {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]key, 0, len(s.rests))
	for k := range s.rests {
		all = append(all, k)
	}
	return all
}
