package availability

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// troubles is how many bad lines are named; the rest are counted.
const troubles = 5

// Input tells what a file held.
type Input struct {
	Format string   `json:"format"` // csv or json lines
	Calls  int64    `json:"calls"`
	Probes int64    `json:"probes"`
	Bad    int64    `json:"badLines"`
	First  []string `json:"firstBadLines,omitempty"` // with line numbers
	// Zoneless are the bad lines whose time named no zone while nobody said which one holds.
	Zoneless int64 `json:"badForWantOfAZone,omitempty"`
	Foreign  int64 `json:"notOfTheStandard"` // calls of endpoints the standard does not have
	Outside  int64 `json:"outsideThePeriod"`
	unitless bool  // durations came under a name that says no unit
	// Other counts records of a metrics platform's export that no figure here is made of.
	Other int64            `json:"otherRecords"`
	Left  map[string]int64 `json:"leftOut,omitempty"` // calls that do not count, by reason
}

func (in *Input) bad(what string, number int64, err error) {
	if errors.Is(err, errForeign) {
		in.Foreign++
		return
	}
	if in.Bad++; errors.Is(err, errZone) {
		in.Zoneless++
	}
	if len(in.First) < troubles {
		in.First = append(in.First, fmt.Sprintf("%s %d: %v", what, number, err))
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
	in.Zoneless, in.unitless = in.Zoneless+o.Zoneless, in.unitless || o.unitless
	for _, line := range o.First {
		if several {
			line = name + " " + line
		}
		if len(in.First) < troubles {
			in.First = append(in.First, line)
		}
	}
}

// ErrNothing says that a file had no usable record, ErrMostlyBad that more of it was refused than read: a
// verdict on the rest would be one on another record.
var (
	ErrNothing   = errors.New("no usable record")
	ErrMostlyBad = errors.New("more records were refused than read")
)

// Read takes a file into the book: CSV with a header row, JSON lines or a JSON array, as it is or under
// gzip; calls, probes, or a metrics platform's export. It holds one line at a time. Bad lines are counted
// and the first of them named. A file without one usable record is [ErrNothing], one with more bad records
// than good ones [ErrMostlyBad]; other errors are those of reading.
func (b *Book) Read(r io.Reader) (*Input, error) {
	in := &Input{}
	text, err := plain(r)
	if err != nil {
		return in, err
	}
	head, err := text.Peek(512)
	if len(head) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return in, fmt.Errorf("read the log: %w", err)
		}
		return in, fmt.Errorf("%w: the file is empty", ErrNothing)
	}
	line := func(line []byte) error { return b.line(bytes.TrimSpace(line), in) }
	switch first := bytes.TrimLeft(head, " \t\r\n"); {
	case bytes.HasPrefix(first, []byte("{")):
		in.Format = "json lines"
		err = each(text, 0, in, line)
	case bytes.HasPrefix(first, []byte("[")):
		in.Format = "json"
		err = eachOf(text, in, line)
	default:
		in.Format = "csv"
		err = b.readCSV(text, in)
	}
	in.Left = b.Traffic.Left
	if err != nil {
		return in, err
	}
	good := in.Calls + in.Probes
	switch {
	case good == 0:
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
	case in.Bad > good+in.Foreign+in.Outside+in.Other:
		return in, fmt.Errorf("%w, %d against %d: %s", ErrMostlyBad, in.Bad, good, in.First[0])
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
		if at, err := instant(r.values[colReceived], b.Zone); err == nil {
			b.join.add(b, c, r.values[colInteraction], at)
		}
	}
	return nil
}

func (b *Book) readCSV(r *bufio.Reader, in *Input) error {
	comma, before := ',', int64(1)
	head, last, bad, err := next(r, nil)
	if named, ok := separator(head); ok && !last { // as spreadsheets write it above the header row
		comma, before = named, 2
		head, _, bad, err = next(r, nil)
	}
	switch {
	case err != nil:
		return fmt.Errorf("read the log: the header row: %w", err)
	case bad != nil:
		return fmt.Errorf("%w: the header row is %w: is this a text?", ErrNothing, bad)
	}
	if before == 1 {
		for _, c := range ";\t|" {
			if bytes.Count(head, []byte(string(c))) > bytes.Count(head, []byte(string(comma))) {
				comma = c
			}
		}
	}
	names, err := fields(string(head), comma)
	if err != nil {
		return fmt.Errorf("%w: the header row cannot be read: %w", ErrNothing, err)
	}
	cols, unit, have := make([]string, len(names)), time.Duration(0), map[string]bool{}
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
	if !have[colAt] && !have[colDate] || !calls && !probes {
		return fmt.Errorf("%w: %s", ErrNothing, lacking(have, string(head)))
	}
	in.unitless = in.unitless || have[colTook] && unit == 0
	values := make(map[string]string, len(cols))
	return each(r, before, in, func(line []byte) error {
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
		if err = b.take(row{values, unit, b.Zone}, probes, in); err != nil && err != errForeign && len(cells) != len(cols) {
			return fmt.Errorf("%w (it has %d cells and the header row %d: does a cell hold the separator?)", err, len(cells), len(cols))
		}
		return err
	})
}

// lacking says what a header row would need.
func lacking(have map[string]bool, head string) string {
	if len(have) == 0 {
		return fmt.Sprintf("the header row %s names no columns of calls (timestamp, duration_ms, method, endpoint, status) nor of probes (timestamp, code)", quoted(strings.TrimSpace(head)))
	}
	var known, missing []string
	for _, need := range []struct {
		name  string
		cells []string
	}{{"timestamp", []string{colAt, colDate}}, {"endpoint", []string{colEndpoint, colRequest}}, {"status", []string{colStatus}}} {
		if slices.ContainsFunc(need.cells, func(c string) bool { return have[c] }) {
			known = append(known, need.name)
		} else {
			missing = append(missing, need.name)
		}
	}
	return fmt.Sprintf("the header row %s has no column for the %s of a call; understood: %s", quoted(strings.TrimSpace(head)), strings.Join(missing, " and the "), cmp.Or(strings.Join(known, ", "), "nothing that a call needs"))
}

// separator reads a first line "sep=;".
func separator(line []byte) (rune, bool) {
	s, ok := strings.CutPrefix(strings.ToLower(strings.Trim(string(line), `"`)), "sep=")
	if !ok || len(s) != 1 {
		return 0, false
	}
	return rune(s[0]), true
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

var exported = []byte(`"report":`)

func (b *Book) line(line []byte, in *Input) error {
	if bytes.Contains(line, exported) {
		return b.export(line, in)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return errors.New("no JSON object")
	}
	r := row{values: make(map[string]string, len(object)), zone: b.Zone}
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
			r.unit, in.unitless = unit, in.unitless || unit == 0
		}
		r.values[col] = scalar(object[name])
	}
	if raw := object["data"]; raw != nil {
		at, err := r.at()
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
