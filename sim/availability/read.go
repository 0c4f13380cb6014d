package availability

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxLine bounds one line of a file.
const maxLine = 1 << 20

// troubles is how many bad lines are named; the rest are counted.
const troubles = 5

// Input tells what a file held.
type Input struct {
	Format  string   `json:"format"` // csv or json lines
	Calls   int64    `json:"calls"`
	Probes  int64    `json:"probes"`
	Bad     int64    `json:"badLines"`
	First   []string `json:"firstBadLines,omitempty"` // with line numbers
	Foreign int64    `json:"notOfTheStandard"`        // calls of endpoints the standard does not have
	Outside int64    `json:"outsideThePeriod"`
	// Other counts records of a metrics platform's export that no figure here is made of.
	Other int64            `json:"otherRecords"`
	Left  map[string]int64 `json:"leftOut,omitempty"` // calls that do not count, by reason
}

func (in *Input) bad(line int64, err error) {
	if errors.Is(err, errForeign) {
		in.Foreign++
		return
	}
	in.Bad++
	if len(in.First) < troubles {
		in.First = append(in.First, fmt.Sprintf("line %d: %v", line, err))
	}
}

// Add takes what another file held; several say each where its lines are.
func (in *Input) Add(name string, o *Input, several bool) {
	if in.Format == "" || in.Format == o.Format {
		in.Format = o.Format
	} else {
		in.Format = "several"
	}
	in.Calls, in.Probes, in.Bad, in.Foreign = in.Calls+o.Calls, in.Probes+o.Probes, in.Bad+o.Bad, in.Foreign+o.Foreign
	in.Outside, in.Other, in.Left = in.Outside+o.Outside, in.Other+o.Other, o.Left
	for _, line := range o.First {
		if several {
			line = name + " " + line
		}
		if len(in.First) < troubles {
			in.First = append(in.First, line)
		}
	}
}

// ErrNothing says that a file had no usable record.
var ErrNothing = errors.New("no usable record")

// Read takes a file into the book: CSV with a header row, or JSON lines; calls, probes, or a metrics
// platform's export. Bad lines are counted and the first of them named. A file without one usable record
// is [ErrNothing]; other errors are those of reading.
func (b *Book) Read(r io.Reader) (*Input, error) {
	in := &Input{}
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(3)
	if len(head) == 3 && bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
	}
	head, err2 := buffered.Peek(512)
	if len(head) == 0 {
		if err2 != nil && !errors.Is(err2, io.EOF) {
			return in, fmt.Errorf("read the log: %w", errors.Join(err, err2))
		}
		return in, fmt.Errorf("%w: the file is empty", ErrNothing)
	}
	if first := bytes.TrimLeft(head, " \t\r\n"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		in.Format = "json lines"
		err = each(buffered, 0, in, func(line []byte) error { return b.line(line, in) })
	} else {
		in.Format = "csv"
		err = b.readCSV(buffered, in)
	}
	in.Left = b.Traffic.Left
	if err != nil {
		return in, err
	}
	if in.Calls+in.Probes == 0 {
		why := "the file has no records"
		switch {
		case len(in.First) > 0:
			why = in.First[0]
		case in.Outside > 0:
			why = "all records lie outside the period"
		case in.Foreign > 0:
			why = "no path is one of the standard's"
		}
		return in, fmt.Errorf("%w: %s", ErrNothing, why)
	}
	return in, nil
}

// take adds a record of a log, as what its columns make it.
func (b *Book) take(r row, probes bool, in *Input) error {
	if probes {
		p, err := r.probe()
		if err == nil {
			b.probe(p, in)
		}
		return err
	}
	c, err := r.call()
	if err != nil {
		return err
	}
	if !b.call(c, in) {
		return nil
	}
	if r.values[colInteraction] != "" && r.values[colReceived] != "" {
		if at, err := instant(r.values[colReceived]); err == nil {
			b.join.add(b, c, r.values[colInteraction], at)
		}
	}
	return nil
}

func (b *Book) readCSV(r *bufio.Reader, in *Input) error {
	head, err := r.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the log: the header row: %w", err)
	}
	comma := ','
	for _, c := range ";\t|" {
		if bytes.Count(head, []byte(string(c))) > bytes.Count(head, []byte(string(comma))) {
			comma = c
		}
	}
	names, err := fields(strings.TrimRight(string(head), "\r\n"), comma)
	if err != nil {
		return fmt.Errorf("%w: the header row cannot be read: %w", ErrNothing, err)
	}
	cols, unit, have := make([]string, len(names)), time.Millisecond, map[string]bool{}
	for i, name := range names {
		col, u := column(name)
		if col == "" || have[col] {
			continue
		}
		cols[i], have[col] = col, true
		if col == colTook {
			unit = u
		}
	}
	calls := (have[colEndpoint] || have[colRequest]) && have[colStatus]
	probes := !calls && (have[colCode] || have[colStatus]) && !have[colEndpoint]
	if !have[colAt] || !calls && !probes {
		return fmt.Errorf("%w: the header row %s names no columns of calls (timestamp, duration_ms, method, endpoint, status) nor of probes (timestamp, code)", ErrNothing, quoted(strings.TrimSpace(string(head))))
	}
	values := make(map[string]string, len(cols))
	return each(r, 1, in, func(line []byte) error {
		cells, err := fields(string(line), comma)
		if err != nil {
			return err
		}
		clear(values)
		for i, v := range cells {
			if i < len(cols) && cols[i] != "" {
				values[cols[i]] = strings.TrimSpace(v)
			}
		}
		return b.take(row{values, unit}, probes, in)
	})
}

// fields cuts a row into its cells. A row is one line: a quote left open spoils no more than that.
func fields(line string, comma rune) ([]string, error) {
	if !strings.Contains(line, `"`) {
		return strings.Split(line, string(comma)), nil
	}
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace = comma, -1, true
	cells, err := r.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		err = parse.Err
	}
	return cells, err
}

// each hands over the lines that are not empty, and counts those that were refused. before is how many
// lines were read already.
func each(r io.Reader, before int64, in *Input, take func([]byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	number := before
	for lines.Scan() {
		number++
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			if err := take(line); err != nil {
				in.bad(number, err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the log: line %d: %w", number+1, err)
	}
	return nil
}

var exported = []byte(`"report":`)

func (b *Book) line(line []byte, in *Input) error {
	if bytes.Contains(line, exported) {
		return b.export(line, in)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		if line[0] == '[' {
			return errors.New("a JSON array: give one object a line")
		}
		return errors.New("no JSON object")
	}
	r := row{values: make(map[string]string, len(object)), unit: time.Millisecond}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		col, unit := column(name)
		if col == "" || r.values[col] != "" {
			continue
		}
		if col == colTook {
			r.unit = unit
		}
		r.values[col] = scalar(object[name])
	}
	if raw := object["data"]; raw != nil {
		at, err := instant(r.values[colAt])
		if err != nil {
			return err
		}
		p, err := ProbeOf(at, line)
		if err != nil {
			return err
		}
		b.probe(p, in)
		return nil
	}
	_, coded := r.values[colCode]
	calls := r.values[colEndpoint] != "" || r.values[colRequest] != ""
	return b.take(r, !calls && (coded || r.values[colStatus] != ""), in)
}

// scalar is a JSON value as text; a list of texts is joined by spaces.
func scalar(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return strings.TrimSpace(s)
		}
	case '[':
		var list []string
		if json.Unmarshal(raw, &list) == nil {
			return strings.Join(list, " ")
		}
	case 'n':
		return ""
	}
	return string(raw)
}
