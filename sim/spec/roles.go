package spec

import "slices"

// Role is a regulatory role a software statement may hold in the directory.
type Role struct {
	Name   string
	Title  string
	Scopes []string // what a client of that role may be registered for
}

// Roles lists the directory's roles with the scopes each allows at registration (DCR 7.2).
func Roles() []Role { return roles }

// ScopesOf gives the scopes that the roles together allow, each once, in the order of the table.
func ScopesOf(names ...string) []string {
	var all []string
	for _, r := range roles {
		if !slices.Contains(names, r.Name) {
			continue
		}
		for _, s := range r.Scopes {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

var roles = []Role{
	{"DADOS", "transmitter or receiver of customer data", []string{
		"openid", "consents", "resources", "customers", "accounts", "credit-cards-accounts", "loans", "financings",
		"unarranged-accounts-overdraft", "invoice-financings", "bank-fixed-incomes", "credit-fixed-incomes",
		"variable-incomes", "treasure-titles", "funds", "exchanges",
	}},
	{"PAGTO", "payment initiator", []string{"openid", "payments", "recurring-payments"}},
	{"CONTA", "account holder", []string{"openid"}},
	{"CCORR", "credit correspondent", []string{"openid"}},
}
