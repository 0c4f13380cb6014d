package data

import (
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
)

// plan is one family of reads, as it is certified.
type plan struct {
	prefix, name string // of check ids; of the plan
	group, api   string // of check names; of the registry
	faces        []face
}

// face is one kind of consent through which operations are read.
type face struct {
	traits      []string // of the customer; none: an ordinary one
	permissions []string
	operations  []string
}

// The permissions of the groups that the checks share.
var (
	allAccounts = []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "ACCOUNTS_OVERDRAFT_LIMITS_READ", "ACCOUNTS_TRANSACTIONS_READ", spec.ResourcesRead}
	balances    = []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", spec.ResourcesRead}
	statement   = []string{"ACCOUNTS_READ", "ACCOUNTS_TRANSACTIONS_READ", spec.ResourcesRead}
	personal    = []string{"CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ", "CUSTOMERS_PERSONAL_ADITTIONALINFO_READ", spec.ResourcesRead}
	business    = []string{"CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ", "CUSTOMERS_BUSINESS_ADITTIONALINFO_READ", spec.ResourcesRead}
)

// The faces.
var (
	accountFace = face{nil, allAccounts, []string{"accounts.list", "accounts.identification", "accounts.balances", "accounts.transactions",
		"accounts.transactions-current", "accounts.overdraft-limits", "accounts.reserved-balances"}}
	personFace = face{nil, personal, []string{"customers.personal-identifications", "customers.personal-qualifications",
		"customers.personal-financial-relations"}}
	companyFace = face{[]string{"company-alone"}, business, []string{"customers.business-identifications", "customers.business-qualifications",
		"customers.business-financial-relations"}}
	resourceFace = face{nil, balances, []string{"resources.list"}}
	// wholeFace reads everything of a person in one consent.
	wholeFace = face{nil, append(append([]string{}, allAccounts...), personal[:2]...),
		append(append(append([]string{}, accountFace.operations...), personFace.operations...), "resources.list")}
)

var plans = []plan{
	{"DACC", "data-acc", "accounts", "accounts", []face{accountFace}},
	{"DCUST", "data-cust", "customers", "customers", []face{personFace, companyFace}},
	{"DRES", "data-res", "resources", "resources", []face{resourceFace}},
}

var planOf = func() map[string]plan {
	m := map[string]plan{}
	for _, p := range plans {
		m[p.prefix] = p
	}
	return m
}()

// has says whether one of the plan's operations fits.
func (p plan) has(fits func(*spec.Operation) bool) bool {
	for _, f := range p.faces {
		for _, id := range f.operations {
			if fits(spec.Find(id)) {
				return true
			}
		}
	}
	return false
}

// The kinds of operation that rows ask for.
func listed(o *spec.Operation) bool { return o.Shape != spec.One }
func dated(o *spec.Operation) bool  { return o.Shape == spec.Dated || o.Shape == spec.Recent }
func named(o *spec.Operation) bool  { return o.Param() != "" }
func every(*spec.Operation) bool    { return true }

// views opens a sharing for each face that the target has customers for, one after the other. With traits
// given, the customers have those instead of the face's own.
func (p plan) views(b *check.Bench, traits []string, judge func(*view)) {
	for _, f := range p.faces {
		if traits != nil {
			f.traits = traits
		}
		if len(f.traits) > 0 && len(b.Target().With(f.traits...)) == 0 {
			b.Note("no customer who is %v: not asked", f.traits)
			continue
		}
		judge(f.open(b))
	}
}
