package opendata

import (
	"context"
	"net/http"
	"strconv"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// query is what a caller asks of a list.
type query struct {
	number, size string // as sent; "" when absent
	total        int    // records there are
}

func whole(s string, otherwise int) (int, bool) {
	if s == "" {
		return otherwise, true
	}
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && n > 0
}

// page is what the query asks for as far as it can be read.
func (q query) page() call.Page {
	p := call.Page{Number: 1, Size: call.DefaultPageSize}
	if n, ok := whole(q.number, 1); ok {
		p.Number = n
	}
	if n, ok := whole(q.size, call.DefaultPageSize); ok {
		p.Size = n
	}
	return p
}

func row(id, text string, problem *call.Problem, wrong func(query) bool) rule.Rule[query] {
	return rule.Rule[query]{ID: id, Text: text, Weight: fault.Minor, Check: func(_ context.Context, q query) error {
		if wrong(q) {
			return problem
		}
		return nil
	}}
}

func badParameter(detail string) *call.Problem {
	return call.Refuse(http.StatusBadRequest, "PARAMETRO_INVALIDO", "Parâmetro inválido", detail)
}

var noPage = call.Refuse(http.StatusNotFound, "NAO_ENCONTRADO", "Recurso não encontrado", "A página informada está além da última")

// pageRules differ from those of customer data: the definitions know no 422 here, and the smallest page is
// one record.
var pageRules = rule.NewSet("open-data page",
	row("OPEN-01/page-is-positive", "page of an open-data list is a whole number from 1.", badParameter("page deve ser um número inteiro a partir de 1"),
		func(q query) bool { _, ok := whole(q.number, 1); return !ok }),
	row("OPEN-02/size-has-bounds", "page-size of an open-data list is a whole number from 1 to 1000.", badParameter("page-size deve ser um número inteiro de 1 a 1000"),
		func(q query) bool {
			n, ok := whole(q.size, call.DefaultPageSize)
			return !ok || n > call.MaxPageSize
		}),
	row("OPEN-03/page-exists", "A page of an open-data list beyond the last is not found.", noPage,
		func(q query) bool {
			p := q.page()
			return p.Number > 1 && p.Number > p.Pages(q.total)
		}),
)

// Rules lists the sentences this package keeps.
func Rules() []rule.Info { return pageRules.Rules() }

// paging reads which page is asked for.
func paging(ctx context.Context, sw rule.Switch, c *call.Call, total int) (call.Page, error) {
	q := query{number: c.Query("page"), size: c.Query("page-size"), total: total}
	if err := pageRules.Check(ctx, sw, q); err != nil {
		return call.Page{}, err
	}
	return q.page(), nil
}
