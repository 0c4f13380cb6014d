package resource

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

// plan is what is known of an operation before any call.
type plan struct {
	op     *spec.Operation
	top    string // name of the first path parameter: the resource
	nested bool   // a list below a resource
	chosen bool   // the customer chooses resource by resource
	totals bool   // meta names the totals
	last   bool   // links name the last page
	shape  projection
	window window
	filter []filter
}

func prepare(o *spec.Operation) *plan {
	p := &plan{op: o, totals: o.API.Name != "customers", last: true, shape: projections[o.API.Name+"@"+o.API.Version]}
	if i := strings.IndexByte(o.Path, '{'); i >= 0 {
		p.top = o.Path[i+1 : i+strings.IndexByte(o.Path[i:], '}')]
		p.nested = o.Shape != spec.One
	}
	switch o.Shape {
	case spec.Dated:
		p.window, p.totals, p.last = pastYear, false, false
	case spec.Recent:
		p.window, p.totals, p.last = recentWeek, false, false
	default: // no dates
	}
	for _, g := range spec.Groups() {
		if g.Choice == spec.ByResource && o.API.Name != "customers" &&
			slices.ContainsFunc(o.Permissions, func(x string) bool { return slices.Contains(g.Permissions, x) }) {
			p.chosen = true
		}
	}
	p.chosen = p.chosen || o.Source == "resources"
	p.filter = filters[o.ID]
	return p
}

// filter is a query parameter with a closed list of values, handed to the source.
type filter struct {
	name   string
	values []string
}

// filters are the parameters of the definitions, by operation.
var filters = map[string][]filter{
	"accounts.list":                 {{"accountType", []string{"CONTA_DEPOSITO_A_VISTA", "CONTA_POUPANCA", "CONTA_PAGAMENTO_PRE_PAGA"}}},
	"accounts.transactions":         {{"creditDebitIndicator", []string{"CREDITO", "DEBITO"}}},
	"accounts.transactions-current": {{"creditDebitIndicator", []string{"CREDITO", "DEBITO"}}},
}

// types are the kinds of resource and the permission that makes each visible in the list of resources.
var types = map[string]string{
	"ACCOUNT":                      "ACCOUNTS_READ",
	"CREDIT_CARD_ACCOUNT":          "CREDIT_CARDS_ACCOUNTS_READ",
	"LOAN":                         "LOANS_READ",
	"FINANCING":                    "FINANCINGS_READ",
	"UNARRANGED_ACCOUNT_OVERDRAFT": "UNARRANGED_ACCOUNTS_OVERDRAFT_READ",
	"INVOICE_FINANCING":            "INVOICE_FINANCINGS_READ",
	"BANK_FIXED_INCOME":            "BANK_FIXED_INCOMES_READ",
	"CREDIT_FIXED_INCOME":          "CREDIT_FIXED_INCOMES_READ",
	"VARIABLE_INCOME":              "VARIABLE_INCOMES_READ",
	"TREASURE_TITLE":               "TREASURE_TITLES_READ",
	"FUND":                         "FUNDS_READ",
	"EXCHANGE":                     "EXCHANGES_READ",
}

// byResource says which kinds the customer chooses one by one.
func byResource(kind string) bool { return kind == "ACCOUNT" || kind == "CREDIT_CARD_ACCOUNT" }
