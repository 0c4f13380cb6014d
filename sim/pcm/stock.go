package pcm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// stock is a consent stock report on its way through the rules.
type stock struct {
	top      info
	lines    []info
	reporter string
	now      time.Time
	known    Participants
	dialect  *Dialect
}

func (s *stock) read(body raw) {
	s.top.read(body)
	s.lines = s.lines[:0]
	if list := s.top.get("consentsStockList"); list.kind() == "array" {
		elements(list, func(e raw) {
			var in info
			in.read(e)
			s.lines = append(s.lines, in)
		})
	}
}

func (s *stock) group(org string) bool {
	return strings.EqualFold(org, s.reporter) || s.known != nil && s.dialect.on[swConglomerates] && s.known.SameGroup(s.reporter, org)
}

// date is the day told; zero when it is none.
func (s *stock) date() time.Time {
	t, _ := time.Parse(time.DateOnly, s.top.get("date").text())
	return t
}

// stockRules holds the discard rules of consent stock (section 9).
var stockRules = rule.NewSet("pcm.stock",
	rule.Rule[*stock]{ID: "PCM-STOCK/has-required-fields", Weight: fault.Major, Text: "date, orgId, role, scope and the list are there, and every line is whole",
		Check: func(_ context.Context, s *stock) error {
			var m messages
			for _, name := range [...]string{"date", "orgId", "role", "scope", "consentsStockList"} {
				if s.top.get(name).absent() {
					m = append(m, "Invalid type: "+name+": Required")
				}
			}
			for i := range s.lines {
				for _, name := range [...]string{"clientOrgId", "serverOrgId", "totalActiveConsents"} {
					if s.lines[i].get(name).absent() {
						m = append(m, fmt.Sprintf("Invalid type: consentsStockList.%d.%s: Required", i, name))
					}
				}
			}
			return m.orNil()
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/fields-typed", Weight: fault.Major, Text: "every field has its JSON type, and no count is negative or broken",
		Check: func(_ context.Context, s *stock) error {
			var m messages
			for _, row := range [...][2]string{{"date", "string"}, {"orgId", "string"}, {"role", "string"}, {"scope", "string"},
				{"totalCustomerPF", "number"}, {"totalCustomerPJ", "number"}, {"consentsStockList", "array"}} {
				if v := s.top.get(row[0]); !v.absent() && (v.kind() != row[1] || row[1] == "number" && !number.Match(v)) {
					m = append(m, "Invalid type: "+row[0]+": Expected "+row[1]+", received "+v.kind())
				}
			}
			for i := range s.lines {
				if v := s.lines[i].get("totalActiveConsents"); !v.absent() && !number.Match(v) {
					m = append(m, fmt.Sprintf("Invalid type: consentsStockList.%d.totalActiveConsents: Expected number, received %s", i, v.kind()))
				}
			}
			return m.orNil()
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/ids-are-uuids", Weight: fault.Major, Text: "organisation ids are UUIDs",
		Check: func(_ context.Context, s *stock) error {
			var m messages
			if b := s.top.get("orgId").bytes(); b != nil && !isUUID(b) {
				m = append(m, "Invalid format: orgId: Invalid uuid")
			}
			for i := range s.lines {
				for _, name := range [...]string{"clientOrgId", "serverOrgId"} {
					if v := s.lines[i].get(name); !v.absent() && !isUUID(v.bytes()) {
						m = append(m, "Invalid format: "+name+": Invalid uuid")
					}
				}
			}
			return m.orNil()
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/values-listed", Weight: fault.Major, Text: "role and scope hold one of their values",
		Check: func(_ context.Context, s *stock) error {
			var m messages
			for _, row := range [...][2]string{{"role", "CLIENT SERVER"}, {"scope", spec.StockScope}} {
				if v := s.top.get(row[0]); v.kind() == "string" && !oneOf(row[1])(v) {
					m = append(m, "Invalid value: "+row[0]+": Invalid enum value. Expected '"+strings.ReplaceAll(row[1], " ", "' | '")+"'")
				}
			}
			return m.orNil()
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/date-form", Weight: fault.Major, Text: "date is a day",
		Check: func(_ context.Context, s *stock) error {
			if v := s.top.get("date"); v.kind() == "string" && s.date().IsZero() {
				return errors.New("Invalid format: date: Invalid date") // the published words
			}
			return nil
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/not-ahead", Weight: fault.Major, Text: "the day is not after the day of sending",
		Check: func(_ context.Context, s *stock) error {
			if d := s.date(); !d.IsZero() && d.Format(time.DateOnly) > s.now.In(s.dialect.zone()).Format(time.DateOnly) {
				return errors.New("Invalid value: date: date is in the future") // the published words
			}
			return nil
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/reports-itself", Weight: fault.Critical, Text: "stock comes from the organisation it names or its conglomerate",
		Check: func(_ context.Context, s *stock) error {
			if org := s.top.get("orgId").text(); isUUID([]byte(org)) && !s.group(org) && (s.known == nil || s.known.Organisation(org)) {
				return errors.New("Requester id mismatch with orgId") // the published words
			}
			return nil
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/organisation-known", Weight: fault.Major, Text: "the organisation is in the directory",
		Check: func(_ context.Context, s *stock) error {
			if org := s.top.get("orgId").text(); isUUID([]byte(org)) && s.known != nil && !s.known.Organisation(org) {
				return errors.New("OrganisationId doesn't exist on Directory") // the published words
			}
			return nil
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/lines-are-its-own", Weight: fault.Major, Text: "every line names the reporting organisation on its side",
		Check: func(_ context.Context, s *stock) error {
			own := "clientOrgId"
			if s.top.get("role").text() == string(spec.ServerSide) {
				own = "serverOrgId"
			}
			org := s.top.get("orgId").text()
			for i := range s.lines {
				if id := s.lines[i].get(own).text(); isUUID([]byte(id)) && !strings.EqualFold(id, org) {
					return errors.New("Requester id mismatch with " + own) // the published words
				}
			}
			return nil
		}},
	rule.Rule[*stock]{ID: "PCM-STOCK/list-filled", Weight: fault.Minor, Text: "where the dialect asks it, the list is not empty",
		Check: func(_ context.Context, s *stock) error {
			if v := s.top.get("consentsStockList"); v.kind() == "array" && len(s.lines) == 0 && !s.dialect.on[swEmptyStock] {
				return errors.New("Invalid value: consentsStockList: Array must contain at least 1 element(s)") // the published words
			}
			return nil
		}},
)

// judgeStock applies the rules to the one object of a stock request.
func (p *PCM) judgeStock(ctx context.Context, _ *intake, list []verdict, s session, now time.Time) {
	st := &stock{reporter: s.organisation, now: now, known: p.cfg.Known, dialect: p.Dialect()}
	for i := range list {
		st.read(list[i].body)
		if breaches := stockRules.CheckAll(ctx, p.cfg.Seams, st); breaches != nil {
			list[i].discarded, list[i].message = true, join(breaches)
		}
	}
}

// maxStocks bounds the stock reports held: ten organisations in both roles for nine months, say.
const maxStocks = 5000

// StockKept is what an organisation told of a day in one role, as it stands.
type StockKept struct {
	ReportID string           `json:"reportId"`
	Reporter string           `json:"reporter"`
	First    time.Time        `json:"firstReceivedAt"`
	Last     time.Time        `json:"lastReceivedAt"`
	Repeats  int              `json:"repeats"` // the same numbers again within a day of the first: counted once
	Updates  int              `json:"updates"` // other numbers later
	Report   spec.StockReport `json:"report"`
}

// stocks holds the newest stock reports by day, organisation and role.
type stocks struct {
	mu    sync.Mutex
	of    map[string]*StockKept
	order []string
}

func newStocks() *stocks { return &stocks{of: map[string]*StockKept{}} }

func stockKey(date, org, role string) string { return date + " " + strings.ToLower(org) + " " + role }

func (s *stocks) add(id [16]byte, body raw, reporter string, received int64) {
	var r spec.StockReport
	if json.Unmarshal(body, &r) != nil { // a rule that was off let it in
		return
	}
	at := time.UnixMilli(received).UTC()
	key := stockKey(r.Date, r.OrgID, string(r.Role))
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.of[key]
	switch {
	case had == nil:
		if len(s.order) >= maxStocks {
			delete(s.of, s.order[0])
			s.order = s.order[1:]
		}
		s.order = append(s.order, key)
		s.of[key] = &StockKept{ReportID: string(appendUUID(nil, id)), Reporter: reporter, First: at, Last: at, Report: r}
		return
	case sameStock(had.Report, r) && at.Sub(had.Last) < 24*time.Hour:
		had.Repeats++
		return
	case !sameStock(had.Report, r):
		had.Updates++
	}
	had.ReportID, had.Reporter, had.Last, had.Report = string(appendUUID(nil, id)), reporter, at, r
}

func sameStock(a, b spec.StockReport) bool {
	return a.TotalCustomerPF == b.TotalCustomerPF && a.TotalCustomerPJ == b.TotalCustomerPJ && slices.Equal(sortedPairs(a), sortedPairs(b))
}

func sortedPairs(r spec.StockReport) []spec.StockedPair {
	return slices.SortedFunc(slices.Values(r.Stock), func(a, b spec.StockedPair) int {
		return cmp.Or(cmp.Compare(a.ClientOrgID, b.ClientOrgID), cmp.Compare(a.ServerOrgID, b.ServerOrgID), cmp.Compare(a.Total, b.Total))
	})
}

// get returns what was told, when it had come in by then.
func (s *stocks) get(date, org string, role spec.Side, by time.Time) (StockKept, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.of[stockKey(date, org, string(role))]
	if k == nil || k.First.After(by) {
		return StockKept{}, false
	}
	return *k, true
}

// all lists what is held, by day, organisation and role.
func (s *stocks) all() []StockKept {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []StockKept
	for _, k := range s.of {
		list = append(list, *k)
	}
	slices.SortFunc(list, func(a, b StockKept) int {
		return cmp.Compare(stockKey(a.Report.Date, a.Report.OrgID, string(a.Report.Role)), stockKey(b.Report.Date, b.Report.OrgID, string(b.Report.Role)))
	})
	return list
}
