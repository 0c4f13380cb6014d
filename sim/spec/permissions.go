package spec

import "slices"

// Choice says what the customer selects at the transmitter for a group of permissions.
type Choice string

// The three kinds of choice.
const (
	ByResource      Choice = "resource"       // each account, card or registration is chosen by itself
	ByProductGroup  Choice = "product-group"  // everything the customer has of the products, now and later
	ByResourceGroup Choice = "resource-group" // all resources of one product together
)

// Person says which kind of customer a permission group fits.
type Person string

// Natural persons (PF), companies (PJ), or both.
const (
	AnyPerson Person = ""
	Natural   Person = "PF"
	Company   Person = "PJ"
)

// ResourcesRead accompanies every group and gives nothing by itself.
const ResourcesRead = "RESOURCES_READ"

// Group is one published permission group: a data consent asks for whole groups, never for parts of one.
type Group struct {
	Name        string
	Permissions []string // ResourcesRead goes without saying
	Choice      Choice
	Person      Person
	// APIs are those that serve the group, by registry name. A bank that offers none of them removes a
	// group chosen by resource from the consent, and keeps a grouped one.
	APIs []string
}

// Removable says whether a group not offered by the bank leaves the consent; product groups stay.
func (g Group) Removable() bool { return g.Choice == ByResource }

// Groups lists the published permission groups (consents v3, permission grouping).
func Groups() []Group { return groups }

// Permissions lists every permission of the standard, ResourcesRead last, each once.
func Permissions() []string { return permissions }

// KnownPermission says whether the standard has that permission.
func KnownPermission(name string) bool { return slices.Contains(permissions, name) }

var groups = []Group{
	{"pf-registration", []string{"CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ"}, ByResource, Natural, []string{"customers"}},
	{"pf-additional", []string{"CUSTOMERS_PERSONAL_ADITTIONALINFO_READ"}, ByResource, Natural, []string{"customers"}},
	{"pj-registration", []string{"CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ"}, ByResource, Company, []string{"customers"}},
	{"pj-additional", []string{"CUSTOMERS_BUSINESS_ADITTIONALINFO_READ"}, ByResource, Company, []string{"customers"}},
	{"account-balances", []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ"}, ByResource, AnyPerson, []string{"accounts"}},
	{"account-limits", []string{"ACCOUNTS_READ", "ACCOUNTS_OVERDRAFT_LIMITS_READ"}, ByResource, AnyPerson, []string{"accounts"}},
	{"account-statement", []string{"ACCOUNTS_READ", "ACCOUNTS_TRANSACTIONS_READ"}, ByResource, AnyPerson, []string{"accounts"}},
	{"card-limits", []string{"CREDIT_CARDS_ACCOUNTS_READ", "CREDIT_CARDS_ACCOUNTS_LIMITS_READ"}, ByResource, AnyPerson, []string{"credit-cards"}},
	{"card-transactions", []string{"CREDIT_CARDS_ACCOUNTS_READ", "CREDIT_CARDS_ACCOUNTS_TRANSACTIONS_READ"}, ByResource, AnyPerson, []string{"credit-cards"}},
	{"card-bills", []string{"CREDIT_CARDS_ACCOUNTS_READ", "CREDIT_CARDS_ACCOUNTS_BILLS_READ", "CREDIT_CARDS_ACCOUNTS_BILLS_TRANSACTIONS_READ"}, ByResource, AnyPerson, []string{"credit-cards"}},
	{"credit-operations", []string{
		"LOANS_READ", "LOANS_WARRANTIES_READ", "LOANS_SCHEDULED_INSTALMENTS_READ", "LOANS_PAYMENTS_READ",
		"FINANCINGS_READ", "FINANCINGS_WARRANTIES_READ", "FINANCINGS_SCHEDULED_INSTALMENTS_READ", "FINANCINGS_PAYMENTS_READ",
		"UNARRANGED_ACCOUNTS_OVERDRAFT_READ", "UNARRANGED_ACCOUNTS_OVERDRAFT_WARRANTIES_READ", "UNARRANGED_ACCOUNTS_OVERDRAFT_SCHEDULED_INSTALMENTS_READ", "UNARRANGED_ACCOUNTS_OVERDRAFT_PAYMENTS_READ",
		"INVOICE_FINANCINGS_READ", "INVOICE_FINANCINGS_WARRANTIES_READ", "INVOICE_FINANCINGS_SCHEDULED_INSTALMENTS_READ", "INVOICE_FINANCINGS_PAYMENTS_READ",
	}, ByProductGroup, AnyPerson, []string{"loans", "financings", "unarranged-accounts-overdraft", "invoice-financings"}},
	{"investments", []string{
		"BANK_FIXED_INCOMES_READ", "CREDIT_FIXED_INCOMES_READ", "FUNDS_READ", "VARIABLE_INCOMES_READ", "TREASURE_TITLES_READ",
	}, ByProductGroup, AnyPerson, []string{"bank-fixed-incomes", "credit-fixed-incomes", "funds", "variable-incomes", "treasure-titles"}},
	{"exchange", []string{"EXCHANGES_READ"}, ByResourceGroup, AnyPerson, []string{"exchanges"}},
}

var permissions = func() []string {
	var all []string
	for _, g := range groups {
		for _, p := range g.Permissions {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return append(all, ResourcesRead)
}()
