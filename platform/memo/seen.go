// Package memo remembers small things that must outlive the process and are written by every call: which
// ids were used, and how often something was asked.
//
// It promises that what was noted before a call was answered is there after the process was killed, and
// that noting it costs a copy into memory: no system call, no commit. Of a machine that lost its power it
// keeps what the system had written by itself, usually all but the last half minute. It refuses to grow
// without bound: ids are held until their time, at most so many of one owner and so many in files; counts
// until their period is two periods past. The invariant: an id that is held is not new, whoever asks and
// whenever the process began. Names of customers and ids are kept as hashes alone.
package memo

import (
	"crypto/sha256"
	"hash/fnv"
	"sync"
	"time"
)

// MostOfOne is how many ids of one owner are remembered: beyond that the oldest go first.
const MostOfOne = 1 << 20

// Seen knows which ids were used, each until a time. It is safe for concurrent use.
type Seen struct {
	most int
	log  *log // nil: memory alone

	mu sync.Mutex
	by map[uint64]*shelf
}

// shelf holds one owner's, oldest first in line.
type shelf struct {
	mu   sync.Mutex
	at   map[key]int64 // Unix milliseconds at which it is forgotten
	line []key
}

type key [16]byte

// NewSeen remembers until the process ends.
func NewSeen() *Seen { return &Seen{most: MostOfOne, by: map[uint64]*shelf{}} }

// OpenSeen reads what the folder holds and goes on there; without a folder everything is forgotten at the
// end of the process.
func OpenSeen(dir string, now time.Time) (*Seen, error) {
	s := NewSeen()
	if dir == "" {
		return s, nil
	}
	var err error
	s.log, err = openLog(dir, now, func(n note) {
		s.of(n.owner).add(n.key, n.until, now.UnixMilli(), s.most)
	})
	return s, err
}

// First notes an id of an owner until a time, and says whether it is new. An error means that it could not
// be noted: then nobody may rely on its being new.
func (s *Seen) First(owner, id string, now, until time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(owner + "\x00" + id))
	n := note{key: key(sum[:16]), until: until.Add(time.Millisecond - 1).UnixMilli()}
	h := fnv.New64a()
	h.Write([]byte(owner))
	n.owner = h.Sum64()
	if !s.of(n.owner).first(n.key, n.until, now.UnixMilli(), s.most) {
		return false, nil
	}
	if s.log != nil {
		if err := s.log.append(n, now); err != nil {
			return false, err
		}
	}
	return true, nil
}

// Close ends the files; what they hold stays.
func (s *Seen) Close() error {
	if s.log == nil {
		return nil
	}
	return s.log.close()
}

func (s *Seen) of(owner uint64) *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.by[owner]
	if k == nil {
		k = &shelf{at: map[key]int64{}}
		s.by[owner] = k
	}
	return k
}

func (s *shelf) first(k key, until, now int64, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.at[k]; ok && now < held {
		return false
	}
	s.put(k, until, now, most)
	return true
}

// add is first for what a file holds.
func (s *shelf) add(k key, until, now int64, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until > now && until > s.at[k] {
		s.put(k, until, now, most)
	}
}

func (s *shelf) put(k key, until, now int64, most int) {
	for len(s.line) > 0 && (s.at[s.line[0]] <= now || len(s.line) >= most) {
		delete(s.at, s.line[0])
		s.line = s.line[1:]
	}
	s.at[k] = until
	s.line = append(s.line, k)
}
