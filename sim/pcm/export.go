package pcm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// kindPath is the path on which items of a kind are sent, which is also what the export tells of them.
func kindPath(kind byte) (name, path string) {
	switch {
	case kind == kindPrivate, kind == kindAmended:
		return spec.KindPrivate, spec.PrivateReportPath
	case kind == kindOpen:
		return spec.KindOpenData, spec.OpenDataPath
	case isEvent(kind):
		return spec.KindHybrid, HybridFlow + events[kind-kindHybrid].path
	case kind == kindStock:
		return spec.KindStock, spec.StockPath
	case kind == kindStates:
		return spec.KindPayments, spec.PaymentStatesPath
	case kind == kindPortabilityClient:
		return spec.KindPortability, spec.PortabilityClientPath
	case kind == kindPortabilityServer:
		return spec.KindPortability, spec.PortabilityServerPath
	}
	return "", ""
}

func kindName(kind byte) string { name, _ := kindPath(kind); return name }

// exporting chooses entries of the log.
type exporting struct {
	kind      string // "" is every kind
	after     position
	discarded bool // the refused ones too
}

// export writes entries of the log as JSON lines, oldest first, until the log's end at the call. The
// number of a line is its place in the log, so that a later request goes on behind it without a search.
// Reports that the book has forgotten are left out: their state is not known any more.
func (p *PCM) export(w io.Writer, x exporting) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var line bytes.Buffer
	err := p.ledger.walk(x.after, func(e entry, at position) error {
		name, path := kindPath(e.kind)
		if name == "" || (x.kind != "" && x.kind != name) || at <= x.after || (e.decision == keptDiscarded && !x.discarded) {
			return nil
		}
		state, known := p.stateAt(e, at)
		if !known {
			return nil
		}
		line.Reset()
		fmt.Fprintf(&line, `{"number":%d,"kind":"%s","state":"%s","reportId":"%s","reporter":"%s","receivedAt":"%s","path":"%s","report":`,
			at, name, state, appendUUID(nil, e.id), e.reporter, time.UnixMilli(e.received).UTC().Format(instant), path)
		if err := json.Compact(&line, e.body); err != nil { // what is no JSON was refused as a whole
			return fmt.Errorf("entry %d: %w", at, err)
		}
		line.WriteString("}\n")
		_, err := out.Write(line.Bytes())
		return err
	})
	if err != nil {
		return fmt.Errorf("export reports: %w", err)
	}
	return out.Flush()
}

// stateAt is the state of the report behind an entry; false when the book has forgotten it or never took
// it in.
func (p *PCM) stateAt(e entry, at position) (State, bool) {
	switch {
	case e.decision == keptDiscarded:
		return Discarded, true
	case !isPaired(e.kind):
		if e.kind == kindOpen {
			return Single, true
		}
		return Accepted, true
	}
	key := keyOf(e.kind, idOf(e.body))
	if key == [16]byte{} {
		return Single, true
	}
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	for _, server := range [...]bool{false, true} {
		if rec := p.book.get(p.book.find(key, server)); rec != nil && rec.pos == at {
			return states[rec.state], true
		}
	}
	return "", false
}

// idOf is the interaction id of an item.
func idOf(body raw) (id []byte) {
	members(body, func(k []byte, v raw) {
		if string(k) == fieldNames[fInteraction] {
			id = v.bytes()
		}
	})
	return id
}

// serveExport answers GET /export.
func (p *PCM) serveExport(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, err := strconv.ParseInt(q.Get("after"), 10, 64)
	if q.Get("after") != "" && (err != nil || after < 0) {
		tell(w, http.StatusBadRequest, map[string]string{"error": "after is the number of a line, or 0"})
		return
	}
	switch kind := q.Get("kind"); kind {
	case "", spec.KindPrivate, spec.KindOpenData, spec.KindHybrid, spec.KindStock, spec.KindPayments, spec.KindPortability:
	default:
		tell(w, http.StatusBadRequest, map[string]string{"error": "no kind " + strconv.Quote(kind) + "; there are private, opendata, hybrid, stock, payments and portability"})
		return
	}
	if !p.settled(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if err := p.export(w, exporting{kind: q.Get("kind"), after: position(after), discarded: q.Get("discarded") == "true"}); err != nil {
		p.cfg.Log.Warn("export broken off", "error", err)
		panic(http.ErrAbortHandler) // the status is sent: a torn connection tells the reader that lines are missing
	}
}
