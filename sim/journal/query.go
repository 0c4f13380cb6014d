package journal

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"
)

// Query says which entries are wanted; an empty member wants all.
type Query struct {
	Interaction, Consent, Client, Role string
	// Rule is an id, or a requirement whose every sentence is meant: "AS-REQ-03". An entry is of a rule
	// when the rule was judged in it.
	Rule string
	// Broken wants only entries in which a rule was broken.
	Broken bool
	// Since is the earliest time; After the number of the last entry already known.
	Since time.Time
	After uint64
	// Limit bounds the answer to the newest so many; 0 is 100.
	Limit int
}

// Find returns the newest entries that match, oldest first.
func (j *Journal) Find(q Query) []Entry {
	out := []Entry{}
	if j == nil {
		return out
	}
	if q.Limit <= 0 {
		q.Limit = 100
	}
	m := j.matcher(q)
	for _, s := range slices.Backward(j.snapshot()) {
		for i := len(s.ends) - 1; i >= 0 && len(out) < q.Limit; i-- {
			seq := s.first + uint64(i)
			if seq <= q.After {
				slices.Reverse(out)
				return out
			}
			from := uint32(0)
			if i > 0 {
				from = s.ends[i-1]
			}
			if r := readRecord(s.buf[from:s.ends[i]]); m.wants(r) {
				out = append(out, j.entry(seq, r))
			}
		}
	}
	slices.Reverse(out)
	return out
}

// snapshot is what is kept now. What it shows never changes.
func (j *Journal) snapshot() []segment {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]segment, len(j.segments))
	for i, s := range j.segments {
		all[i] = *s
	}
	return all
}

type matcher struct {
	Query
	since int64
	rules map[uint64]bool
}

func (j *Journal) matcher(q Query) matcher {
	m := matcher{Query: q}
	if !q.Since.IsZero() {
		m.since = q.Since.UnixNano()
	}
	if q.Rule != "" || q.Broken {
		m.rules = map[uint64]bool{}
		for i, p := range j.names.pairs() {
			if q.Rule == "" || p.rule == q.Rule || strings.HasPrefix(p.rule, q.Rule+"/") {
				m.rules[uint64(i)] = true //nolint:gosec // an index
			}
		}
	}
	return m
}

func (m matcher) wants(r record) bool {
	is := func(want string, i int) bool { return want == "" || string(r.fields[i]) == want }
	return (m.since == 0 || r.at >= m.since) && is(m.Role, 0) &&
		(m.Interaction == "" || bytes.EqualFold(r.fields[1], []byte(m.Interaction))) &&
		is(m.Client, 5) && is(m.Consent, 6) && (m.rules == nil || r.judged(m.rules, m.Broken))
}

// Wait returns when there is an entry after the given number, or an error when the context or the journal
// ends first.
func (j *Journal) Wait(ctx context.Context, after uint64) error {
	for {
		j.mu.Lock()
		if j.ended {
			j.mu.Unlock()
			return context.Canceled
		}
		if j.next-1 > after {
			j.mu.Unlock()
			return nil
		}
		j.waiting = true
		news := j.changed
		j.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		}
	}
}

// Await is Wait for at most d; it says whether there is news.
func (j *Journal) Await(ctx context.Context, after uint64, d time.Duration) (bool, error) {
	bounded, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := j.Wait(bounded, after)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return false, nil
	}
	return err == nil, err
}

// Last is the number of the newest entry.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next - 1
}

// End lets everybody go who waits for more. What is kept can still be read.
func (j *Journal) End() {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended {
		j.ended = true
		close(j.changed)
		j.changed = make(chan struct{})
	}
}
