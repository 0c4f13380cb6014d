package record

import (
	"bytes"
	"compress/flate"
	"encoding/gob"
	"fmt"
	"io"
)

// Format names what a recording holds and how: recordings of one format merge.
const Format = "recording 5, 1us-60s, 3 digits"

// largest is the most bytes an encoded recording may unfold to.
const largest = 1 << 30

// Encode gives the recording a compact form for the wire; [Decode] reads it back whole.
func (r *Recording) Encode() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("encode recording: %w", err)
	}
	if err := gob.NewEncoder(z).Encode(&r.data); err != nil {
		return nil, fmt.Errorf("encode recording: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("encode recording: %w", err)
	}
	return b.Bytes(), nil
}

// Decode reads what [Recording.Encode] wrote. It refuses what is cut off, inconsistent or unreasonably large.
func Decode(b []byte) (*Recording, error) {
	r := &Recording{}
	unfolded := &io.LimitedReader{R: flate.NewReader(bytes.NewReader(b)), N: largest}
	if err := gob.NewDecoder(unfolded).Decode(&r.data); err != nil {
		return nil, fmt.Errorf("decode recording: %w", err)
	}
	if err := r.restore(); err != nil {
		return nil, fmt.Errorf("decode recording: %w", err)
	}
	return r, nil
}

// restore puts back the empty maps and histograms, which the encoding leaves out.
func (r *Recording) restore() error {
	if r.Slot <= 0 || r.Planned < 0 || r.Lag == nil || r.Lag.h == nil || r.Wait == nil || r.Wait.h == nil {
		return fmt.Errorf("it lacks its slots or histograms")
	}
	r.Operations, r.Classes = orEmpty(r.Operations), orEmpty(r.Classes)
	for _, s := range r.Operations {
		if err := s.restore(); err != nil {
			return err
		}
	}
	for _, s := range r.Classes {
		if err := s.restore(); err != nil {
			return err
		}
	}
	for i, s := range r.Timeline {
		if s == nil {
			return fmt.Errorf("slot %d of the timeline is missing", i)
		}
		s.Classes = orEmpty(s.Classes)
		for _, c := range s.Classes {
			c.Codes, c.Fails, c.Sketch = orEmpty(c.Codes), orEmpty(c.Fails), orEmpty(c.Sketch)
		}
	}
	return nil
}

func (s *Series) restore() error {
	if s == nil || s.Corrected == nil || s.Corrected.h == nil || s.Service == nil || s.Service.h == nil || s.Keep < 0 || s.Keep > exactValues {
		return fmt.Errorf("a series lacks its histograms")
	}
	if s.exact() && uint64(len(s.Exact)) != s.Corrected.Count() {
		return fmt.Errorf("a series holds %d values and counts %d", len(s.Exact), s.Corrected.Count())
	}
	s.Codes, s.Failures, s.Details, s.Minutes = orEmpty(s.Codes), orEmpty(s.Failures), orEmpty(s.Details), orEmpty(s.Minutes)
	return nil
}

func orEmpty[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}
