package pcm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// reading is a report that somebody asks for.
type reading struct {
	report Report
	by     string // organisation
}

var readers = rule.NewSet("pcm.read",
	rule.Rule[*reading]{ID: "PCM-READ/parties-alone", Weight: fault.Critical, Text: "a report is read by its reporter and by the organisations that it names",
		Check: func(_ context.Context, r *reading) error {
			if strings.EqualFold(r.report.ClientOrg, r.by) || strings.EqualFold(r.report.ServerOrg, r.by) || r.report.Reporter == r.by {
				return nil
			}
			return errors.New("Not Found") // the published words
		}},
)

// lookup answers GET of a report: the caller's own one, or the other one it is a party to. It goes by
// interaction id, in old dialects by report id.
func (p *PCM) lookup(of string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok := p.reader(w, r)
		if !ok {
			return
		}
		d := p.Dialect()
		query := Query{Interaction: r.PathValue("id")}
		if d.on[swLookupByReport] && of == spec.KindPrivate {
			query = Query{Interaction: p.interactionOf(r.PathValue("id"))}
		}
		if of == spec.KindPortability && !d.on[swPortability] || query.Interaction == "" {
			p.refuse(w, r, "report", http.StatusNotFound, "Not Found")
			return
		}
		found := p.Reports(query)
		slices.SortStableFunc(found, func(a, b Report) int { // own first
			return strings.Compare(mine(b, s.organisation), mine(a, s.organisation))
		})
		for _, rep := range found {
			switch {
			case endpointList(rep) != of, p.cfg.Clock.Now().Sub(rep.CreatedAt) < d.shownAfter:
			case d.on[swLookupByReport] && of == spec.KindPrivate && rep.ReportID != r.PathValue("id"):
			case readers.Check(r.Context(), p.cfg.Seams, &reading{rep, s.organisation}) != nil:
			default:
				p.answer(w, r, "report", http.StatusOK, model(rep))
				return
			}
		}
		p.refuse(w, r, "report", http.StatusNotFound, "Not Found")
	}
}

// reader is who asks, when it may.
func (p *PCM) reader(w http.ResponseWriter, r *http.Request) (session, bool) {
	if p.faults.strike(w, r, p, "report") {
		return session{}, false
	}
	now := p.cfg.Clock.Now()
	s, live := p.session(r, now)
	if !live {
		p.refuse(w, r, "report", http.StatusUnauthorized, "Unauthorized")
		return s, false
	}
	if !p.limits.allow(s.organisation, now) {
		p.refuse(w, r, "report", http.StatusTooManyRequests, "Too Many Requests")
		return s, false
	}
	return s, true
}

func endpointList(rep Report) string { return endpoints.all[rep.record.endpoint].list }

func mine(r Report, org string) string {
	if r.Reporter == org {
		return "1"
	}
	return "0"
}

var errFound = errors.New("found")

// interactionOf searches the log for a report id. Only the oldest dialects ask that way: an index would
// cost everybody its memory.
func (p *PCM) interactionOf(id string) (found string) {
	err := p.ledger.walk(0, func(e entry, _ position) error {
		if isPaired(e.kind) && string(appendUUID(nil, e.id)) == strings.ToLower(id) {
			found = string(idOf(e.body))
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		p.cfg.Log.Warn("log not searched", "error", err)
	}
	return found
}

// model writes the published ReportModel: the fields as sent, then what the platform adds.
func model(rep Report) []byte {
	added := map[string]any{
		"reportId": rep.ReportID, "status": rep.Status, "createdAt": rep.CreatedAt.Format(instant), "updatedAt": rep.UpdatedAt.Format(instant),
	}
	if rep.PairedReportID != "" {
		added["pairedReportId"] = rep.PairedReportID
	}
	return extended(rep.Sent, added)
}

// extended is a JSON object with members added at its end.
func extended(sent json.RawMessage, added map[string]any) []byte {
	tail, _ := json.Marshal(added) // texts only
	body := bytes.TrimSpace(sent)
	body = bytes.TrimRight(body[:len(body)-1], " \t\r\n")
	if len(body) > 1 {
		body = append(slices.Clone(body), ',')
	}
	return append(slices.Clone(body), tail[1:]...)
}

// amendable are the fields that PUT may correct.
var amendable = []string{"statusCode", "httpMethod", "processTimespan", "endpoint"}

// amend answers PUT of a private report, which exists in the oldest dialect alone: the reporter corrects
// an inconsistent report, and the pair is compared again.
func (p *PCM) amend(w http.ResponseWriter, r *http.Request) {
	d := p.Dialect()
	if !d.on[swPutReports] {
		p.refuse(w, r, "report", http.StatusNotFound, "Not Found")
		return
	}
	s, ok := p.reader(w, r)
	if !ok {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	edit := map[string]json.RawMessage{}
	if err != nil || json.Unmarshal(body, &edit) != nil {
		p.refuse(w, r, "report", http.StatusBadRequest, "Report Invalid")
		return
	}
	for name := range edit {
		if !slices.Contains(amendable, name) {
			p.refuse(w, r, "report", http.StatusBadRequest, "Invalid field value: "+name)
			return
		}
	}
	status, message := p.correct(r.Context(), s, r.PathValue("id"), edit)
	if message != "" {
		p.refuse(w, r, "report", status, message)
		return
	}
	p.answer(w, r, "report", http.StatusAccepted, []byte(`{}`))
}

func (p *PCM) correct(ctx context.Context, s session, id string, edit map[string]json.RawMessage) (int, string) {
	if err := p.Flush(ctx); err != nil {
		return http.StatusInternalServerError, "Internal Server Error"
	}
	var old *Report
	for _, rep := range p.Reports(Query{Interaction: p.interactionOf(id), Status: PairedInconsistent}) {
		if rep.ReportID == strings.ToLower(id) && rep.Reporter == s.organisation {
			old = &rep
		}
	}
	if old == nil {
		return http.StatusNotFound, "Not Found"
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(old.Sent, &fields); err != nil {
		return http.StatusInternalServerError, "Internal Server Error"
	}
	for name, value := range edit {
		fields[name] = value
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return http.StatusInternalServerError, "Internal Server Error"
	}
	now := p.cfg.Clock.Now()
	if now.Sub(old.Timestamp) > oldest { // the balance at seven days is closed
		return http.StatusBadRequest, "Report is too old"
	}
	corrected := &report{reporter: s.organisation, now: now, known: p.cfg.Known, dialect: p.Dialect(), kind: kindPrivate}
	corrected.read(body)
	for name := range edit {
		for _, breach := range private.CheckAll(ctx, p.cfg.Seams, corrected) {
			if strings.Contains(breach.Error(), name) || name == "endpoint" && corrected.endpoint == nil {
				return http.StatusBadRequest, "Invalid field value: " + name
			}
		}
	}
	e := entry{received: now.UnixMilli(), kind: kindAmended, decision: keptAccepted, reporter: s.organisation, body: body}
	first, err := p.ledger.at(old.record.pos)
	if err != nil {
		return http.StatusNotFound, "Not Found"
	}
	e.id = first.id
	frame := appendEntry(nil, &e)
	at, err := p.ledger.append(frame)
	if err == nil {
		err = p.ledger.commit(at + position(len(frame)))
	}
	if err != nil {
		p.cfg.Log.Error("correction not kept", "error", err)
		return http.StatusInternalServerError, "Internal Server Error"
	}
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	rec := p.book.recordLocked(corrected, kindAmended, now.UnixMilli())
	rec.pos = at
	p.book.amend(p.cfg.Seams, rec)
	return 0, ""
}
