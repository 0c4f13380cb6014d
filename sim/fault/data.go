package fault

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ensaio/ensaio/sim/clock"
)

var anyData = []string{"accounts.*", "customers.*", "resources.*"}

// edited makes a reply that changes the JSON body of successful data reads.
func edited(edit func(map[string]any), operations ...string) func(*Reply) {
	return reply(func(r *Reply) { r.JSON(edit) }, operations...)
}

func lookup(bend func(*Lookup), sources ...string) func(*Lookup) {
	return func(l *Lookup) {
		if named(l.Source, sources) {
			bend(l)
		}
	}
}

func everywhere(edit func(*Reply)) func(*Reply) {
	return func(r *Reply) {
		if r.Place == "api" {
			edit(r)
		}
	}
}

// The area of resources and of every data read (RS-).
var data = []Defect{
	{Name: "resources/lists-unconsented", Kind: Query, Rule: "AS-CONS-02", Weight: Critical,
		Symptom: "resources the customer did not select are listed", CaughtBy: []string{"resources/lists-only-consented"},
		OnQuery: lookup(func(l *Lookup) { l.Consented = nil }, "resources")},
	{Name: "resources/always-available", Kind: Mutate, Rule: "RES-STATUS", Weight: Major,
		Symptom: "a blocked account is shown available", CaughtBy: []string{"resources/status-is-truthful"},
		OnReply: edited(func(m map[string]any) {
			items(m, func(d map[string]any) { d["status"] = "AVAILABLE" })
		}, "resources.list")},
	{Name: "resources/other-ids", Kind: Mutate, Rule: "RES-ID", Weight: Major,
		Symptom: "resource ids differ from the product API's", CaughtBy: []string{"resources/ids-match-products"},
		OnReply: edited(func(m map[string]any) {
			items(m, func(d map[string]any) {
				if id, ok := d["resourceId"].(string); ok {
					d["resourceId"] = "r" + id[1:]
				}
			})
		}, "resources.list")},
	{Name: "resources/wrong-type", Kind: Mutate, Rule: "RES-TYPE", Weight: Major,
		Symptom: "an account is called a loan", CaughtBy: []string{"resources/types-match-products"},
		OnReply: edited(func(m map[string]any) { items(m, func(d map[string]any) { d["type"] = "LOAN" }) }, "resources.list")},
	{Name: "resources/hides-pending", Kind: Mutate, Rule: "RES-STATUS", Weight: Major,
		Symptom: "a resource awaiting a second approver is not listed", CaughtBy: []string{"resources/lists-pending"},
		OnReply: edited(func(m map[string]any) {
			list(m, func(l []any) []any {
				kept := []any{}
				for _, o := range l {
					if d, ok := o.(map[string]any); !ok || d["status"] != "PENDING_AUTHORISATION" {
						kept = append(kept, o)
					}
				}
				return kept
			})
		}, "resources.list")},

	{Name: "data/leaks-other-customer", Kind: Query, Rule: "RS-TOK-02", Weight: Critical,
		Symptom: "another customer's id returns that customer's data", CaughtBy: []string{"data/refuses-other-customer"},
		OnQuery: lookup(func(l *Lookup) {
			if l.ID != "" || l.Parent != "" {
				l.AnyCustomer, l.Consented = true, nil
			}
		}, "*")},
	{Name: "data/leaks-unconsented-resource", Kind: Query, Rule: "AS-CONS-02", Weight: Critical,
		Symptom: "a resource of the customer outside the consent is served", CaughtBy: []string{"data/refuses-unconsented-resource"},
		OnQuery: lookup(func(l *Lookup) {
			if l.ID != "" || l.Parent != "" {
				l.Consented = nil
			}
		}, "*")},
	{Name: "data/list-leaks", Kind: Query, Rule: "AS-CONS-02", Weight: Critical,
		Symptom: "the list holds accounts outside the consent", CaughtBy: []string{"data/list-is-customer-only"},
		OnQuery: lookup(func(l *Lookup) { l.Consented = nil }, "accounts")},
	{Name: "data/omits-interaction-id", Kind: Mutate, Rule: "RS-HDR-02", Weight: Major,
		Symptom: "x-fapi-interaction-id is missing in responses", CaughtBy: []string{"data/returns-interaction-id"},
		OnReply: everywhere(func(r *Reply) { r.Header.Del("x-fapi-interaction-id") })},
	{Name: "data/omits-interaction-id-on-errors", Kind: Mutate, Rule: "RS-HDR-02", Weight: Major,
		Symptom: "x-fapi-interaction-id is missing in errors", CaughtBy: []string{"data/returns-interaction-id"},
		OnReply: everywhere(func(r *Reply) {
			if r.Status >= 400 {
				r.Header.Del("x-fapi-interaction-id")
			}
		})},
	{Name: "data/replaces-interaction-id", Kind: Mutate, Rule: "RS-HDR-02", Weight: Major,
		Symptom: "x-fapi-interaction-id differs from the request's", CaughtBy: []string{"data/mirrors-interaction-id"},
		OnReply: everywhere(func(r *Reply) { r.Header.Set("x-fapi-interaction-id", "0f8fad5b-d9cb-469f-a165-70867728950e") })},
	{Name: "data/drops-required-member", Kind: Mutate, Rule: "RS-SCHEMA", Weight: Major,
		Symptom: "a required member is missing", CaughtBy: []string{"data/matches-schema"},
		OnReply: edited(func(m map[string]any) {
			items(m, func(d map[string]any) { delete(d, "compeCode"); delete(d, "automaticallyInvestedAmount") })
		}, "accounts.*")},
	{Name: "data/drops-customer-member", Kind: Mutate, Rule: "RS-SCHEMA", Weight: Major,
		Symptom: "a required member of the customer data is missing", CaughtBy: []string{"data/matches-schema"},
		OnReply: edited(func(m map[string]any) { items(m, func(d map[string]any) { delete(d, "updateDateTime") }) }, "customers.*")},
	{Name: "data/number-as-text", Kind: Mutate, Rule: "RS-SCHEMA", Weight: Major,
		Symptom: "an amount is a number instead of a text", CaughtBy: []string{"data/matches-schema"},
		OnReply: edited(func(m map[string]any) {
			walk(m["data"], func(parent map[string]any, name string, value any) {
				if s, ok := value.(string); ok && name == "amount" {
					f, _ := strconv.ParseFloat(s, 64)
					parent[name] = f
				}
			})
		}, "accounts.*")},
	{Name: "data/rounds-amounts", Kind: Mutate, Rule: "RS-EXACT", Weight: Critical,
		Symptom: "the cents of amounts are lost", CaughtBy: []string{"data/amounts-are-exact"},
		OnReply: edited(func(m map[string]any) {
			walk(m["data"], func(parent map[string]any, name string, value any) {
				if s, ok := value.(string); ok && name == "amount" {
					whole, _, _ := strings.Cut(s, ".")
					parent[name] = whole + ".00"
				}
			})
		}, "accounts.transactions*", "accounts.balances")},
	{Name: "data/local-request-time", Kind: Mutate, Rule: "RS-META", Weight: Minor,
		Symptom: "requestDateTime is not UTC", CaughtBy: []string{"data/meta-time"},
		OnReply: edited(func(m map[string]any) {
			if meta, ok := m["meta"].(map[string]any); ok {
				meta["requestDateTime"] = "2021-05-21T08:30:00-03:00"
			}
		}, anyData...)},
	{Name: "data/stale-request-time", Kind: Mutate, Rule: "RS-META", Weight: Minor,
		Symptom: "requestDateTime is of another day", CaughtBy: []string{"data/meta-time"},
		OnReply: edited(func(m map[string]any) {
			if meta, ok := m["meta"].(map[string]any); ok {
				meta["requestDateTime"] = "2021-05-21T08:30:00Z"
			}
		}, anyData...)},
	{Name: "data/wrong-totals", Kind: Mutate, Rule: "RS-PAGE", Weight: Major,
		Symptom: "totalRecords disagrees with the content", CaughtBy: []string{"data/totals-agree"},
		OnReply: edited(func(m map[string]any) {
			if meta, ok := m["meta"].(map[string]any); ok {
				if n, ok := meta["totalRecords"].(float64); ok {
					meta["totalRecords"] = n + 1
				}
			}
		}, "accounts.list", "accounts.transactions")},
	{Name: "data/repeats-across-pages", Kind: Mutate, Rule: "RS-PAGE", Weight: Major,
		Symptom: "the first item of a page was already on the page before", CaughtBy: []string{"data/pages-partition-the-list"},
		OnReply: repeating()},
	{Name: "data/drops-across-pages", Kind: Mutate, Rule: "RS-PAGE", Weight: Critical,
		Symptom: "an item is lost between pages", CaughtBy: []string{"data/pages-partition-the-list"},
		OnReply: edited(func(m map[string]any) {
			list(m, func(l []any) []any {
				if len(l) > 2 {
					return l[:len(l)-1]
				}
				return l
			})
		}, "accounts.transactions")},
	{Name: "data/shuffles-pages", Kind: Mutate, Rule: "RS-PAGE", Weight: Major,
		Symptom: "the order changes between calls", CaughtBy: []string{"data/order-is-stable"},
		OnReply: shuffling()},
	{Name: "data/oldest-first", Kind: Mutate, Rule: "RS-PAGE", Weight: Major,
		Symptom: "transactions start with the oldest", CaughtBy: []string{"data/newest-first"},
		OnReply: edited(func(m map[string]any) { list(m, reversed) }, "accounts.transactions*")},
	{Name: "data/wrong-links", Kind: Mutate, Rule: "RS-LINKS", Weight: Major,
		Symptom: "self names another host", CaughtBy: []string{"data/links-are-right"},
		OnReply: edited(func(m map[string]any) {
			if links, ok := m["links"].(map[string]any); ok {
				links["self"] = "https://api.outro-banco.test/open-banking/accounts/v2/accounts"
			}
		}, anyData...)},
	{Name: "data/omits-next-link", Kind: Mutate, Rule: "RS-LINKS", Weight: Major,
		Symptom: "next is missing though another page follows", CaughtBy: []string{"data/links-are-right"},
		OnReply: edited(func(m map[string]any) {
			if links, ok := m["links"].(map[string]any); ok {
				delete(links, "next")
			}
		}, "accounts.transactions")},
	{Name: "data/ignores-date-range", Kind: Query, Rule: "RS-DATES", Weight: Major,
		Symptom: "items outside the asked dates are served", CaughtBy: []string{"data/respects-date-range"},
		OnQuery: lookup(func(l *Lookup) {
			if !l.From.IsZero() {
				l.From = l.From.AddDate(-2, 0, 0)
			}
		}, "transactions")},
	{Name: "data/unstable-ids", Kind: Mutate, Rule: "RS-IDS", Weight: Major,
		Symptom: "a transaction's id changes between calls", CaughtBy: []string{"data/ids-are-stable"},
		OnReply: renaming()},
	{Name: "data/empty-as-missing", Kind: Mutate, Rule: "RS-EMPTY", Weight: Minor,
		Symptom: "an empty list is answered 404", CaughtBy: []string{"data/empty-list-is-200"},
		OnReply: reply(func(r *Reply) {
			empty := false
			r.JSON(func(m map[string]any) { l, ok := m["data"].([]any); empty = ok && len(l) == 0 })
			if empty {
				r.Status = 404
				r.Header.Set("Content-Type", "application/json; charset=utf-8")
				r.Body = body(map[string]any{"errors": []any{map[string]any{"code": "NAO_ENCONTRADO", "title": "Nada encontrado", "detail": "Nada encontrado"}},
					"meta": map[string]any{"requestDateTime": "2026-01-01T00:00:00Z"}})
			}
		}, anyData...)},
	{Name: "data/unknown-as-crash", Kind: Mutate, Rule: "ERR-12", Weight: Major,
		Symptom: "an unknown id is answered 500", CaughtBy: []string{"data/unknown-id-is-4xx"},
		OnReply: refusal(func(r *Reply) {
			if r.Status == 403 || r.Status == 404 {
				r.Status = 500
			}
		}, "accounts.identification", "accounts.balances")},
	{Name: "data/bare-error", Kind: Mutate, Rule: "ERR-07", Weight: Major,
		Symptom: "errors have no body of the common form", CaughtBy: []string{"data/errors-have-form"},
		OnReply: refusal(func(r *Reply) { r.Body = body(map[string]any{"error": "refused"}) }, anyData...)},
	{Name: "data/leaks-internals", Kind: Mutate, Rule: "ERR-07", Weight: Critical,
		Symptom: "an error tells of the software behind it", CaughtBy: []string{"data/errors-reveal-nothing"},
		OnReply: refusal(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				errs, _ := m["errors"].([]any)
				for _, e := range errs {
					if item, ok := e.(map[string]any); ok {
						item["detail"] = "panic: runtime error at resource.go:42; SELECT * FROM records"
					}
				}
			})
		}, anyData...)},
	{Name: "data/success-with-error", Kind: Mutate, Rule: "ERR-11", Weight: Major,
		Symptom: "refusals are answered 200 with a list of errors", CaughtBy: []string{"data/status-fits-body"},
		OnReply: refusal(func(r *Reply) { r.Status = 200 }, anyData...)},
	{Name: "data/wrong-media-type", Kind: Mutate, Rule: "RS-HDR-05", Weight: Minor,
		Symptom: "content type is text", CaughtBy: []string{"data/media-type"},
		OnReply: reply(func(r *Reply) { r.Header.Set("Content-Type", "text/plain; charset=utf-8") }, anyData...)},
	{Name: "data/wrong-refusal-status", Kind: Mutate, Rule: "AS-CONS-03", Weight: Major,
		Symptom: "token trouble is answered 403 and permission trouble 401", CaughtBy: []string{"data/401-and-403-are-distinct"},
		OnReply: everywhere(func(r *Reply) {
			switch r.Status {
			case 401:
				r.Status = 403
			case 403:
				r.Status = 401
			}
		})},
	{Name: "data/no-version-header", Kind: Mutate, Rule: "RS-HDR-04", Weight: Minor,
		Symptom: "x-v is missing", CaughtBy: []string{"data/names-its-version"},
		OnReply: everywhere(func(r *Reply) { r.Header.Del("x-v") })},
	{Name: "data/wrong-version-header", Kind: Mutate, Rule: "RS-HDR-04", Weight: Minor,
		Symptom: "x-v names another version", CaughtBy: []string{"data/names-its-version"},
		OnReply: everywhere(func(r *Reply) { r.Header.Set("x-v", "1.0.0") })},
	{Name: "data/any-method", Kind: Mutate, Rule: "ERR-15", Weight: Minor,
		Symptom: "an undocumented method is answered like GET", CaughtBy: []string{"data/refuses-other-methods"},
		OnRequest: func(r *Request) {
			if r.Place == "api" && r.HTTP.Method != http.MethodGet && strings.HasPrefix(r.HTTP.URL.Path, "/open-banking/accounts/") {
				r.HTTP.Method = http.MethodGet
			}
		}},
	{Name: "data/cacheable", Kind: Mutate, Rule: "RS-HDR-06", Weight: Major,
		Symptom: "personal data may be cached", CaughtBy: []string{"data/forbids-caching"},
		OnReply: everywhere(func(r *Reply) { r.Header.Set("Cache-Control", "public, max-age=600"); r.Header.Del("Pragma") })},
}

// repeating puts the last item of the page before in front of every later page.
func repeating() func(*Reply) {
	var last atomic.Value
	return reply(func(r *Reply) {
		r.JSON(func(m map[string]any) {
			list(m, func(l []any) []any {
				if len(l) == 0 {
					return l
				}
				before, page := last.Load(), ""
				if r.Request != nil {
					page = r.Request.URL.Query().Get("page")
				}
				last.Store(map[string]any{"item": l[len(l)-1]})
				if b, ok := before.(map[string]any); ok && page != "" && page != "1" {
					l = append([]any{b["item"]}, l[1:]...)
				}
				return l
			})
		})
	}, "accounts.transactions")
}

func shuffling() func(*Reply) {
	draw := clock.Seed(1).Stream("defect/shuffles-pages")
	return reply(func(r *Reply) {
		r.JSON(func(m map[string]any) {
			list(m, func(l []any) []any {
				for i := len(l) - 1; i > 0; i-- {
					j := draw.IntN(i + 1)
					l[i], l[j] = l[j], l[i]
				}
				return l
			})
		})
	}, "accounts.transactions*", "accounts.list")
}

func renaming() func(*Reply) {
	draw := clock.Seed(1).Stream("defect/unstable-ids")
	return edited(func(m map[string]any) {
		items(m, func(d map[string]any) {
			if _, ok := d["transactionId"]; ok {
				d["transactionId"] = draw.UUID()
			}
		})
	}, "accounts.transactions*")
}
