package journal

import (
	"encoding/binary"
	"time"
)

// fields are the texts of an entry in the order in which they are written.
func (e *Entry) fields() [8]string {
	return [8]string{e.Role, e.Interaction, e.Operation, e.Method, e.Endpoint, e.Client, e.Consent, e.Rule}
}

// bound is at least what encode writes.
func (e *Entry) bound(marks []uint16, texts []string) int {
	n := 64 + 3*len(marks)
	for _, f := range e.fields() {
		n += len(f) + 5
	}
	for _, t := range texts {
		n += len(t) + 5
	}
	return n
}

// encode appends the entry: three numbers, the texts, the marks, and a text for every broken mark.
func (e *Entry) encode(b []byte, marks []uint16, texts []string) []byte {
	b = binary.AppendVarint(b, e.At.UnixNano())
	b = binary.AppendUvarint(b, uint64(max(e.Status, 0))) //nolint:gosec // not negative
	b = binary.AppendVarint(b, int64(e.Duration))
	for _, f := range e.fields() {
		b = append(binary.AppendUvarint(b, uint64(len(f))), f...)
	}
	b = binary.AppendUvarint(b, uint64(len(marks)))
	for _, m := range marks {
		b = binary.AppendUvarint(b, uint64(m))
	}
	for _, t := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	return b
}

// record is an encoded entry being read; nothing is copied until it is wanted.
type record struct {
	at, took int64
	status   uint64
	fields   [8][]byte
	marks    uint64
	rest     []byte // the marks, then the texts
}

func readRecord(b []byte) record {
	var r record
	r.at, b = varint(b)
	r.status, b = uvarint(b)
	r.took, b = varint(b)
	for i := range r.fields {
		r.fields[i], b = text(b)
	}
	r.marks, r.rest = uvarint(b)
	return r
}

// judged says whether one of the wanted marks is among the record's.
func (r record) judged(wanted map[uint64]bool, broken bool) bool {
	b := r.rest
	for range r.marks {
		var m uint64
		if m, b = uvarint(b); wanted[m>>1] && (!broken || m&1 == 1) {
			return true
		}
	}
	return false
}

// entry copies a record out.
func (j *Journal) entry(seq uint64, r record) Entry {
	f := func(i int) string { return string(r.fields[i]) }
	e := Entry{Seq: seq, At: time.Unix(0, r.at).UTC(), Status: int(r.status), Duration: time.Duration(r.took), //nolint:gosec // as written
		Role: f(0), Interaction: f(1), Operation: f(2), Method: f(3), Endpoint: f(4), Client: f(5), Consent: f(6), Rule: f(7)}
	if r.marks == 0 {
		return e
	}
	marks := make([]uint64, r.marks)
	b := r.rest
	for i := range marks {
		marks[i], b = uvarint(b)
	}
	pairs := j.names.pairs()
	for _, m := range marks {
		var v Verdict
		if n := int(m >> 1); n < len(pairs) { //nolint:gosec // at most fifteen bits
			v.Set, v.Rule = pairs[n].set, pairs[n].rule
		}
		if v.Kept = m&1 == 0; v.Kept {
			v.Text = j.sentences[v.Rule]
		} else {
			var t []byte
			t, b = text(b)
			v.Text = string(t)
		}
		e.Verdicts = append(e.Verdicts, v)
	}
	return e
}

func varint(b []byte) (int64, []byte) {
	v, n := binary.Varint(b)
	return v, b[max(n, 0):]
}

func uvarint(b []byte) (uint64, []byte) {
	v, n := binary.Uvarint(b)
	return v, b[max(n, 0):]
}

func text(b []byte) (t, rest []byte) {
	n, b := uvarint(b)
	if n > uint64(len(b)) {
		return nil, nil
	}
	return b[:n], b[n:]
}
