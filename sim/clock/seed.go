package clock

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"
)

// Seed is the one number from which every repeatable choice of a run derives.
type Seed int64

// Stream returns the named stream of the seed. The same seed and name give the same sequence, and a
// draw from one stream never changes another.
func (s Seed) Stream(name string) *Stream {
	h := sha256.New()
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(s))
	h.Write(b[:])
	h.Write([]byte(name))
	var key [32]byte
	h.Sum(key[:0])
	return &Stream{src: rand.NewChaCha8(key)}
}

// Stream is a repeatable sequence of choices, safe for concurrent use. Not for secrets.
type Stream struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

// Uint64 draws 64 bits; it makes a Stream a [rand.Source].
func (s *Stream) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.src.Uint64()
}

// Read fills p with drawn bytes and never fails.
func (s *Stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.src.Read(p)
}

// IntN draws a number in [0, n).
func (s *Stream) IntN(n int) int { return rand.New(s).IntN(n) } //nolint:gosec // to be repeated, not to be secret

// UUID draws a version 4 UUID in its usual text form.
func (s *Stream) UUID() string {
	id, err := uuid.NewRandomFromReader(s)
	if err != nil {
		panic(err) // Read never fails
	}
	return id.String()
}

// Pick draws one of the given values.
func Pick[T any](s *Stream, of []T) T { return of[s.IntN(len(of))] }
