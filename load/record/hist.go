package record

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range and precision of every histogram: one microsecond to a minute, three digits.
const (
	lowest  = 1
	highest = 60_000_000
	digits  = 3
)

// Hist is a histogram of microseconds. What is beyond a minute counts as a minute.
type Hist struct{ h *hdrhistogram.Histogram }

func newHist() *Hist { return &Hist{hdrhistogram.New(lowest, highest, digits)} }

func (h *Hist) record(d time.Duration) {
	_ = h.h.RecordValue(min(micros(d), highest)) // within the range, so that it cannot fail
}

func (h *Hist) merge(o *Hist) { h.h.Merge(o.h) }

// Count is the number of values.
func (h *Hist) Count() uint64 { return uint64(h.h.TotalCount()) }

// Percentile is the value at index round(p/100 × n), at least the first, of the ascending values: the index
// rule of the response time page, on values kept to three digits.
func (h *Hist) Percentile(p int) time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	return h.at(rank(p, n))
}

// at is the kth smallest value, from 1.
func (h *Hist) at(k uint64) time.Duration {
	return time.Duration(h.h.ValueAtPercentile(100*float64(k)/float64(h.Count()))) * time.Microsecond
}

// Max is the largest value.
func (h *Hist) Max() time.Duration { return time.Duration(h.h.Max()) * time.Microsecond }

// Mean is the mean of the values.
func (h *Hist) Mean() time.Duration {
	if h.h.TotalCount() == 0 {
		return 0
	}
	return time.Duration(h.h.Mean() * float64(time.Microsecond))
}

// GobEncode writes pairs of gap and count: most counts of a histogram are zero.
func (h *Hist) GobEncode() ([]byte, error) {
	var b []byte
	gap := uint64(0)
	for _, n := range h.h.Export().Counts {
		if n == 0 {
			gap++
			continue
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, gap), uint64(n))
		gap = 0
	}
	return b, nil
}

var errHist = errors.New("a histogram that does not fit its range")

// GobDecode reads what GobEncode wrote.
func (h *Hist) GobDecode(b []byte) error {
	snapshot := hdrhistogram.New(lowest, highest, digits).Export()
	for i := uint64(0); len(b) > 0; i++ {
		gap, k := binary.Uvarint(b)
		if k <= 0 {
			return errHist
		}
		n, l := binary.Uvarint(b[k:])
		if i += gap; l <= 0 || i >= uint64(len(snapshot.Counts)) || n>>62 != 0 {
			return errHist
		}
		snapshot.Counts[i] = int64(n)
		b = b[k+l:]
	}
	if err := snapshot.Validate(); err != nil {
		return errHist
	}
	h.h = hdrhistogram.Import(snapshot)
	return nil
}

// Sketch is a sparse histogram of microseconds with steps under one in a hundred: one second of one class
// fills a few hundred of its buckets, where a dense one would hold thousands for every second of a run.
type Sketch map[uint16]uint32

func (k Sketch) record(d time.Duration) { k[bucket(uint64(min(micros(d), highest)))]++ }

// percentile follows the same index rule as [Hist.Percentile].
func (k Sketch) percentile(p int, sorted []uint16) time.Duration {
	total := uint64(0)
	for _, n := range k {
		total += uint64(n)
	}
	if total == 0 {
		return 0
	}
	index, seen := rank(p, total), uint64(0)
	for _, b := range sorted {
		if seen += uint64(k[b]); seen >= index {
			return time.Duration(ceiling(b)) * time.Microsecond
		}
	}
	return 0
}

// rank is the regulator's index for any percentile: p % of n rounded to the nearest integer, at least 1. In
// whole numbers, because 0.95 × n ends on a half now and then.
func rank(p int, n uint64) uint64 { return max((uint64(p)*n+50)/100, 1) }

const fine = 7 // bits kept of a value's leading part

// bucket is monotonic in v: values below 2^fine have their own, larger ones share by leading bits.
func bucket(v uint64) uint16 {
	shift := max(bits.Len64(v)-fine-1, 0)
	return uint16(shift<<fine + int(v>>shift))
}

// ceiling is the largest value of a bucket.
func ceiling(b uint16) uint64 {
	if b < 2<<fine {
		return uint64(b)
	}
	shift := b>>fine - 1
	return (uint64(b&(1<<fine-1)|1<<fine)+1)<<shift - 1
}
