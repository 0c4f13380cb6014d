package call

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// The page sizes of the standard (pagination page; definitions).
const (
	DefaultPageSize = 25
	MaxPageSize     = 1000
)

// Page is the part of a list that a call asks for.
type Page struct {
	Number int
	Size   int
}

// Offset is how many records come before the page.
func (p Page) Offset() int { return (p.Number - 1) * p.Size }

// Pages is how many pages hold total records; an empty list has none.
func (p Page) Pages(total int) int { return (total + p.Size - 1) / p.Size }

type pageQuery struct {
	number, size string // as sent; "" when absent
}

func whole(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && n > 0
}

var pageRules = rule.NewSet("page",
	rule.Rule[pageQuery]{ID: "PAGE-01/page-is-positive", Text: "page is a whole number from 1.", Weight: fault.Minor,
		Check: func(_ context.Context, q pageQuery) error {
			if _, ok := whole(q.number); q.number != "" && !ok {
				return Refuse(http.StatusBadRequest, "PARAMETRO_INVALIDO", "Parâmetro inválido", "page deve ser um número inteiro a partir de 1")
			}
			return nil
		}},
	rule.Rule[pageQuery]{ID: "PAGE-02/size-is-positive", Text: "page-size is a whole number from 1.", Weight: fault.Minor,
		Check: func(_ context.Context, q pageQuery) error {
			if _, ok := whole(q.size); q.size != "" && !ok {
				return Refuse(http.StatusBadRequest, "PARAMETRO_INVALIDO", "Parâmetro inválido", "page-size deve ser um número inteiro a partir de 1")
			}
			return nil
		}},
	rule.Rule[pageQuery]{ID: "PAGE-03/size-has-a-maximum", Text: "page-size is at most 1000.", Weight: fault.Minor,
		Check: func(_ context.Context, q pageQuery) error {
			if n, ok := whole(q.size); ok && n > MaxPageSize {
				return Refuse(http.StatusUnprocessableEntity, "PARAMETRO_INVALIDO", "Parâmetro inválido", "page-size deve ser no máximo 1000")
			}
			return nil
		}},
)

type pageFound struct {
	page  Page
	total int
}

var pageFoundRules = rule.NewSet("page found",
	rule.Rule[pageFound]{ID: "PAGE-04/page-exists", Text: "A page beyond the last, other than the first, is refused with PAGE_NOT_FOUND.", Weight: fault.Minor,
		Check: func(_ context.Context, f pageFound) error {
			if f.page.Number > 1 && f.page.Number > f.page.Pages(f.total) {
				return Refuse(http.StatusUnprocessableEntity, "PAGE_NOT_FOUND", "Página não encontrada", "A página informada está além da última")
			}
			return nil
		}},
)

// PageRules lists the sentences about paging.
func PageRules() []rule.Info { return append(pageRules.Rules(), pageFoundRules.Rules()...) }

// Paging reads page and page-size. A legal size below the smallest of customer data counts as that
// (pagination page).
func (c *Call) Paging(ctx context.Context, sw rule.Switch) (Page, error) {
	q := pageQuery{number: c.query("page"), size: c.query("page-size")}
	if err := pageRules.Check(ctx, sw, q); err != nil {
		return Page{}, err
	}
	p := Page{Number: 1, Size: DefaultPageSize}
	if n, ok := whole(q.number); ok {
		p.Number = n
	}
	if n, ok := whole(q.size); ok {
		p.Size = n
		if c.Operation == nil || c.Operation.Grant != spec.Public {
			p.Size = max(n, DefaultPageSize)
		}
	}
	return p, nil
}

// Exists refuses a page beyond the last of total records.
func (p Page) Exists(ctx context.Context, sw rule.Switch, total int) error {
	return pageFoundRules.Check(ctx, sw, pageFound{p, total})
}

// query returns a parameter of the request's query.
func (c *Call) query(name string) string {
	if c.Request.URL.RawQuery == "" {
		return ""
	}
	if c.values == nil {
		c.values = c.Request.URL.Query()
	}
	return c.values.Get(name)
}

// Query returns a parameter of the request's query, or "".
func (c *Call) Query(name string) string { return c.query(name) }

// Filters returns the query parameters that are not about paging, verbatim, or nil.
func (c *Call) Filters() map[string]string {
	if c.Request.URL.RawQuery == "" {
		return nil
	}
	c.query("")
	var out map[string]string
	for k, v := range c.values {
		if k == "page" || k == "page-size" || k == "pagination-key" || len(v) == 0 {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[k] = v[0]
	}
	return out
}

// Listing is a page in the list it belongs to.
type Listing struct {
	Page
	Total int
	// Totals asks for totalRecords and totalPages in meta, Last for the last link: the definitions leave
	// them out where counting is dear (transactions), and customers has no totals.
	Totals, Last bool
	Key          string // pagination-key, or ""
}

// AppendLinks appends the links object of a page: self always; first and prev from the second page on;
// next and last before the last. Filters stay, the page size is the one truly used, and the pagination
// key, if there is one, travels along.
func (c *Call) AppendLinks(b []byte, l Listing) []byte {
	p := l.Page
	rest := ""
	c.query("")
	if len(c.values) > 0 {
		keep := url.Values{}
		for k, v := range c.values {
			if k != "page" && k != "page-size" && k != "pagination-key" {
				keep[k] = v
			}
		}
		if len(keep) > 0 {
			rest = "&" + keep.Encode()
		}
	}
	if l.Key != "" {
		rest += "&pagination-key=" + l.Key
	}
	last := p.Pages(l.Total)
	link := func(name string, number int) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":"`...)
		b = append(b, c.Base...)
		b = append(b, c.Request.URL.EscapedPath()...)
		b = append(b, "?page="...)
		b = strconv.AppendInt(b, int64(number), 10)
		b = append(b, "&page-size="...)
		b = strconv.AppendInt(b, int64(p.Size), 10)
		b = append(b, rest...)
		b = append(b, '"')
	}
	b = append(b, '{')
	link("self", p.Number)
	if p.Number > 1 {
		link("first", 1)
		link("prev", min(p.Number-1, max(last, 1)))
	}
	if p.Number < last {
		link("next", p.Number+1)
		if l.Last {
			link("last", last)
		}
	}
	return append(b, '}')
}

// AppendMeta appends the meta object of a page.
func (c *Call) AppendMeta(b []byte, l Listing) []byte {
	b = append(b, '{')
	if l.Totals {
		b = append(b, `"totalRecords":`...)
		b = strconv.AppendInt(b, int64(l.Total), 10)
		b = append(b, `,"totalPages":`...)
		b = strconv.AppendInt(b, int64(l.Pages(l.Total)), 10)
		b = append(b, ',')
	}
	b = append(b, `"requestDateTime":"`...)
	b = AppendTime(b, c.Now)
	return append(b, `"}`...)
}
