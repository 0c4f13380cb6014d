package opendata

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/spec"
)

// The documents hold one list for each operation of an API, named like the last part of its path. A
// record is written as the contract wants it, without its participant: the number of the brand it belongs
// to, from 1, stands there, or nothing for the main brand.
//
//go:embed data/*.yml
var documents embed.FS

// moment is written where a record tells when it was quoted.
const moment = "${moment}"

// offer is the list of one operation.
type offer struct {
	records [][]byte // JSON
	moves   bool     // holds rates of the moment
}

// shelves finds the lists of each API; a document is read when its API is first asked.
func shelves(brands []Brand) (map[*spec.Operation]func() (*offer, error), error) {
	if len(brands) == 0 {
		return nil, errors.New("open data: no brand to offer anything")
	}
	all := map[*spec.Operation]func() (*offer, error){}
	for _, a := range spec.APIs() {
		if !a.OpenData {
			continue
		}
		read := sync.OnceValues(func() (map[*spec.Operation]*offer, error) { return load(a, brands) })
		for _, o := range a.Operations {
			all[o] = func() (*offer, error) {
				offers, err := read()
				return offers[o], err
			}
		}
	}
	return all, nil
}

// load reads the document of an API.
func load(a *spec.API, brands []Brand) (map[*spec.Operation]*offer, error) {
	text, err := documents.ReadFile("data/" + a.Name + ".yml")
	if err != nil {
		return nil, fmt.Errorf("open data of %s: %w", a.Name, err)
	}
	var lists map[string][]map[string]any
	if err := yaml.Unmarshal(text, &lists); err != nil {
		return nil, fmt.Errorf("open data of %s: %w", a.Name, err)
	}
	offers := map[*spec.Operation]*offer{}
	for _, o := range a.Operations {
		if offers[o], err = newOffer(lists[strings.TrimPrefix(o.Path, "/")], brands); err != nil {
			return nil, fmt.Errorf("open data of %s: %w", o.ID, err)
		}
	}
	return offers, nil
}

func newOffer(list []map[string]any, brands []Brand) (*offer, error) {
	if len(list) == 0 {
		return nil, errors.New("nothing is on offer")
	}
	o := &offer{}
	for i, r := range list {
		n := 1
		if told, ok := r["participant"]; ok {
			if n, ok = told.(int); !ok || n < 1 {
				return nil, fmt.Errorf("record %d: participant %v is not the number of a brand", i+1, told)
			}
		}
		b := brands[min(n, len(brands))-1] // who has fewer brands offers all under those
		r["participant"] = map[string]string{"brand": b.Name, "name": b.Company, "cnpjNumber": b.CNPJ}
		text, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i+1, err)
		}
		o.moves = o.moves || bytes.Contains(text, []byte(moment))
		o.records = append(o.records, text)
	}
	return o, nil
}

// write makes the body of a page. The definitions of open data have no request time in meta, so that the
// same page is the same for everybody.
func (o *offer) write(c *call.Call, at call.Page, modified time.Time) []byte {
	from := min(at.Offset(), len(o.records))
	some := o.records[from:min(from+at.Size, len(o.records))]
	size := 1024 // for what stands around the records
	for _, r := range some {
		size += len(r) + 1
	}
	b := append(make([]byte, 0, size), `{"data":[`...)
	for i, r := range some {
		if i > 0 {
			b = append(b, ',')
		}
		if o.moves {
			r = bytes.ReplaceAll(r, []byte(moment), []byte(call.Time(modified)))
		}
		b = append(b, r...)
	}
	b = append(o.links(append(b, `],"links":`...), c, at), `,"meta":{"totalRecords":`...)
	b = append(strconv.AppendInt(b, int64(len(o.records)), 10), `,"totalPages":`...)
	return append(strconv.AppendInt(b, int64(at.Pages(len(o.records))), 10), "}}"...)
}

// links names the ways from a page: self always, the others where they lead somewhere.
func (o *offer) links(b []byte, c *call.Call, at call.Page) []byte {
	last := at.Pages(len(o.records))
	link := func(name string, number int) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), `":"`...)
		b = append(append(append(b, c.Base...), c.Operation.FullPath()...), "?page="...)
		b = append(strconv.AppendInt(b, int64(number), 10), "&page-size="...)
		b = append(strconv.AppendInt(b, int64(at.Size), 10), '"')
	}
	b = append(b, '{')
	link("self", at.Number)
	if at.Number > 1 {
		link("first", 1)
		link("prev", min(at.Number-1, last))
	}
	if at.Number < last {
		link("next", at.Number+1)
		link("last", last)
	}
	return append(b, '}')
}
