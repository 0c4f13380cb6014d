package message

import (
	"crypto/sha256"
	"sync"
	"time"
)

// A jti is remembered for a day, and at most so many a client: beyond that the oldest go first.
const (
	remembered = 24 * time.Hour
	mostKnown  = 1 << 20
)

// memory knows which jti a client has used. It is no record: a restart forgets it, and a client that sends
// more than it holds makes it forget the oldest first. Neither opens a door for long, since a message whose
// iat is older than a minute is refused for that.
type memory struct {
	most int // of one client; there are as many shelves as registered clients
	mu   sync.Mutex
	by   map[string]*shelf
}

// shelf holds one client's, oldest first in line.
type shelf struct {
	mu   sync.Mutex
	at   map[[16]byte]int64 // Unix seconds
	line [][16]byte
}

// first records a jti and says whether it is new.
func (m *memory) first(client, jti string, now time.Time) bool {
	m.mu.Lock()
	s := m.by[client]
	if s == nil {
		s = &shelf{at: map[[16]byte]int64{}}
		m.by[client] = s
	}
	m.mu.Unlock()
	sum := sha256.Sum256([]byte(jti))
	key := [16]byte(sum[:16])
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := now.Add(-remembered).Unix()
	for len(s.line) > 0 && (s.at[s.line[0]] <= limit || len(s.line) >= m.most) {
		delete(s.at, s.line[0])
		s.line = s.line[1:]
	}
	if used, ok := s.at[key]; ok && used > limit {
		return false
	}
	s.at[key] = now.Unix()
	s.line = append(s.line, key)
	return true
}
