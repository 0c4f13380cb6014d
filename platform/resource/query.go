package resource

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// window is how far back the booking dates of a list may go.
type window int

const (
	undated window = iota
	pastYear
	recentWeek
)

const (
	fromParam = "fromBookingDate"
	toParam   = "toBookingDate"
)

// dates are the booking dates of a call: as sent, and as they apply.
type dates struct {
	sentFrom, sentTo string
	badFrom, badTo   bool
	today            time.Time
	from, to         time.Time // zero for lists without dates
}

// dates reads the booking dates. Both absent mean today; a malformed or missing one counts as today too,
// which the rules refuse first. The past ends a year back.
func (p *plan) dates(c *call.Call) dates {
	if p.window == undated {
		return dates{}
	}
	y, m, d := c.Now.In(brasilia).Date()
	v := dates{sentFrom: c.Query(fromParam), sentTo: c.Query(toParam), today: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
	read := func(sent string) (time.Time, bool) {
		if sent == "" {
			return v.today, false
		}
		t, err := time.Parse(time.DateOnly, sent)
		if err != nil {
			return v.today, true
		}
		return t, false
	}
	v.from, v.badFrom = read(v.sentFrom)
	v.to, v.badTo = read(v.sentTo)
	if oldest := v.today.AddDate(-1, 0, 0); v.from.Before(oldest) {
		v.from = oldest
	}
	return v
}

func unprocessable(detail string) error {
	return call.Refuse(http.StatusUnprocessableEntity, "PARAMETRO_INVALIDO", "Parâmetro inválido", detail)
}

func when(id, text string, broken func(*read) bool, problem error) rule.Rule[*read] {
	return rule.Rule[*read]{ID: id, Text: text, Weight: fault.Minor, Check: func(_ context.Context, r *read) error {
		if broken(r) {
			return problem
		}
		return nil
	}}
}

var queryRules = rule.NewSet("data query",
	when("DATE-01/form", "Booking dates are dates of the calendar.",
		func(r *read) bool { return r.dates.badFrom || r.dates.badTo },
		call.Refuse(http.StatusBadRequest, "PARAMETRO_INVALIDO", "Parâmetro inválido", "As datas devem ter a forma AAAA-MM-DD")),
	when("DATE-02/both", "Booking dates come both or not at all.",
		func(r *read) bool { return (r.dates.sentFrom == "") != (r.dates.sentTo == "") },
		unprocessable("fromBookingDate e toBookingDate devem ser informados em conjunto")),
	when("DATE-03/ordered", "The first booking date is not after the last.",
		func(r *read) bool {
			return r.dates.sentFrom != "" && r.dates.sentTo != "" && !r.dates.badFrom && !r.dates.badTo && r.dates.from.After(r.dates.to)
		}, unprocessable("fromBookingDate é posterior a toBookingDate")),
	when("DATE-04/recent-window", "Current transactions go back no further than six days before today.",
		func(r *read) bool {
			return r.plan.window == recentWeek && r.dates.from.Before(r.dates.today.AddDate(0, 0, -6))
		}, unprocessable("As datas devem estar nos últimos sete dias")),
	when("FILTER-01/known-value", "A filter has one of the values of the definition.",
		func(r *read) bool {
			return slices.ContainsFunc(r.plan.filter, func(f filter) bool {
				sent := r.Query(f.name)
				return sent != "" && !slices.Contains(f.values, sent)
			})
		}, unprocessable("Valor de filtro desconhecido")),
)

// filters are the parameters for the source.
func (r *read) filters() map[string]string {
	var out map[string]string
	for _, f := range r.plan.filter {
		if v := r.Query(f.name); v != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[f.name] = v
		}
	}
	return out
}
