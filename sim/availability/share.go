package availability

import (
	"encoding/json"
	"math/big"
	"slices"
)

// Share is a part of a whole, kept as the two numbers it comes from.
type Share struct{ Part, Whole int64 }

// Defined says whether there is a whole.
func (s Share) Defined() bool { return s.Whole > 0 }

// Float is the share from 0 to 1, for people; rules compare with [Share.AtLeast].
func (s Share) Float() float64 {
	if s.Whole <= 0 {
		return 0
	}
	return float64(s.Part) / float64(s.Whole)
}

// AtLeast says whether the share is not below part ÷ whole, exactly.
func (s Share) AtLeast(part, whole int64) bool { return s.Part*whole >= part*s.Whole }

// Above says whether the share is greater than part ÷ whole, exactly.
func (s Share) Above(part, whole int64) bool { return s.Part*whole > part*s.Whole }

// MarshalJSON writes the share as a number from 0 to 1, or null without a whole.
func (s Share) MarshalJSON() ([]byte, error) {
	if !s.Defined() {
		return []byte("null"), nil
	}
	return json.Marshal(s.Float())
}

func (s Share) rat() *big.Rat { return big.NewRat(s.Part, s.Whole) }

// mean is a mean of shares that can be compared exactly.
type mean struct {
	sum    float64
	shares []Share
}

func (m *mean) add(s Share) {
	if s.Defined() {
		m.sum += s.Float()
		m.shares = append(m.shares, s)
	}
}

func (m *mean) float() float64 {
	if len(m.shares) == 0 {
		return 0
	}
	return m.sum / float64(len(m.shares))
}

// judge holds the mean against part ÷ whole. With days that nobody has seen it is undefined, unless it would
// be too low even if all of them were perfect.
func (m *mean) judge(part, whole int64, unseen int) Verdict {
	if unseen <= 0 {
		return verdict(m.atLeast(part, whole))
	}
	best := mean{sum: m.sum + float64(unseen), shares: slices.Clone(m.shares)}
	for range unseen {
		best.shares = append(best.shares, Share{1, 1})
	}
	if best.atLeast(part, whole) {
		return Undefined
	}
	return NonConforming
}

// atLeast says whether the mean is not below part ÷ whole. Far from the limit a float is certain; near it
// only the fractions themselves are.
func (m *mean) atLeast(part, whole int64) bool {
	gap := m.float() - float64(part)/float64(whole)
	if gap > 1e-9 || gap < -1e-9 {
		return gap > 0
	}
	sum := new(big.Rat)
	for _, s := range m.shares {
		sum.Add(sum, s.rat())
	}
	return sum.Cmp(new(big.Rat).Mul(big.NewRat(part, whole), big.NewRat(int64(len(m.shares)), 1))) >= 0
}
