package spec

// opendata holds the open-data APIs: what the institution offers to anybody, and where it is found. Their
// calls take neither certificate nor token (open-data part of the standard, phases 1 and 4A). The families
// follow the spelling of phase 4A, one for each endpoint; channels has one for all.
var opendata = []*API{
	{Name: "channels", Family: "channels", Version: "2.1.0", Base: "/open-banking/channels/v2", OpenData: true, Operations: []*Operation{
		{ID: "channels.banking-agents", Method: "GET", Path: "/banking-agents", Title: "Banking agents", Grant: Public, Class: Low, Shape: List},
		{ID: "channels.branches", Method: "GET", Path: "/branches", Title: "Branches of the institution", Grant: Public, Class: Low, Shape: List},
		{ID: "channels.electronic-channels", Method: "GET", Path: "/electronic-channels", Title: "Electronic channels", Grant: Public, Class: Low, Shape: List},
		{ID: "channels.phone-channels", Method: "GET", Path: "/phone-channels", Title: "Telephone channels", Grant: Public, Class: Low, Shape: List},
		{ID: "channels.shared-automated-teller-machines", Method: "GET", Path: "/shared-automated-teller-machines", Title: "Shared automated teller machines", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "opendata-accounts", Family: "opendata-accounts", Version: "1.1.0", Base: "/open-banking/opendata-accounts/v1", OpenData: true, Operations: []*Operation{
		{ID: "opendata-accounts.personal-accounts", Method: "GET", Path: "/personal-accounts", Title: "Accounts for natural persons", Family: "opendata-accounts_personal-accounts", Grant: Public, Class: Low, Shape: List},
		{ID: "opendata-accounts.business-accounts", Method: "GET", Path: "/business-accounts", Title: "Accounts for companies", Family: "opendata-accounts_business-accounts", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "opendata-creditcards", Family: "opendata-creditcards", Version: "1.1.0", Base: "/open-banking/opendata-creditcards/v1", OpenData: true, Operations: []*Operation{
		{ID: "opendata-creditcards.personal-credit-cards", Method: "GET", Path: "/personal-credit-cards", Title: "Credit cards for natural persons", Family: "opendata-creditcards_personal-credit-cards", Grant: Public, Class: Low, Shape: List},
		{ID: "opendata-creditcards.business-credit-cards", Method: "GET", Path: "/business-credit-cards", Title: "Credit cards for companies", Family: "opendata-creditcards_business-credit-cards", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "opendata-loans", Family: "opendata-loans", Version: "1.1.0", Base: "/open-banking/opendata-loans/v1", OpenData: true, Operations: []*Operation{
		{ID: "opendata-loans.personal-loans", Method: "GET", Path: "/personal-loans", Title: "Loans for natural persons", Family: "opendata-loans_personal-loans", Grant: Public, Class: Low, Shape: List},
		{ID: "opendata-loans.business-loans", Method: "GET", Path: "/business-loans", Title: "Loans for companies", Family: "opendata-loans_business-loans", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "opendata-financings", Family: "opendata-financings", Version: "1.1.0", Base: "/open-banking/opendata-financings/v1", OpenData: true, Operations: []*Operation{
		{ID: "opendata-financings.personal-financings", Method: "GET", Path: "/personal-financings", Title: "Financings for natural persons", Family: "opendata-financings_personal-financings", Grant: Public, Class: Low, Shape: List},
		{ID: "opendata-financings.business-financings", Method: "GET", Path: "/business-financings", Title: "Financings for companies", Family: "opendata-financings_business-financings", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "opendata-invoicefinancings", Family: "opendata-invoicefinancings", Version: "1.1.0", Base: "/open-banking/opendata-invoicefinancings/v1", OpenData: true, Operations: []*Operation{
		{ID: "opendata-invoicefinancings.personal-invoice-financings", Method: "GET", Path: "/personal-invoice-financings", Title: "Invoice financings for natural persons", Family: "opendata-invoicefinancings_personal-invoice-financings", Grant: Public, Class: Low, Shape: List},
		{ID: "opendata-invoicefinancings.business-invoice-financings", Method: "GET", Path: "/business-invoice-financings", Title: "Invoice financings for companies", Family: "opendata-invoicefinancings_business-invoice-financings", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "opendata-unarranged", Family: "opendata-unarranged", Version: "1.1.0", Base: "/open-banking/opendata-unarranged/v1", OpenData: true, Operations: []*Operation{
		{ID: "opendata-unarranged.personal-unarranged-account-overdraft", Method: "GET", Path: "/personal-unarranged-account-overdraft", Title: "Unarranged overdrafts for natural persons", Family: "opendata-unarranged_personal-unarranged-account-overdraft", Grant: Public, Class: Low, Shape: List},
		{ID: "opendata-unarranged.business-unarranged-account-overdraft", Method: "GET", Path: "/business-unarranged-account-overdraft", Title: "Unarranged overdrafts for companies", Family: "opendata-unarranged_business-unarranged-account-overdraft", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "investments", Family: "opendata-investments", Version: "1.1.0", Base: "/open-banking/opendata-investments/v1", OpenData: true, Operations: []*Operation{
		{ID: "investments.funds", Method: "GET", Path: "/funds", Title: "Investment funds", Family: "opendata-investments_funds", Grant: Public, Class: Low, Shape: List},
		{ID: "investments.bank-fixed-incomes", Method: "GET", Path: "/bank-fixed-incomes", Title: "Fixed incomes issued by banks", Family: "opendata-investments_bank-fixed-incomes", Grant: Public, Class: Low, Shape: List},
		{ID: "investments.credit-fixed-incomes", Method: "GET", Path: "/credit-fixed-incomes", Title: "Fixed incomes issued by companies", Family: "opendata-investments_credit-fixed-incomes", Grant: Public, Class: Low, Shape: List},
		{ID: "investments.variable-incomes", Method: "GET", Path: "/variable-incomes", Title: "Variable incomes", Family: "opendata-investments_variable-incomes", Grant: Public, Class: Low, Shape: List},
		{ID: "investments.treasure-titles", Method: "GET", Path: "/treasure-titles", Title: "Treasury titles", Family: "opendata-investments_treasure-titles", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "exchange", Family: "opendata-exchange", Version: "1.1.0", Base: "/open-banking/opendata-exchange/v1", OpenData: true, Operations: []*Operation{
		{ID: "exchange.online-rates", Method: "GET", Path: "/online-rates", Title: "Exchange rates of the moment", Family: "opendata-exchange_online-rates", Grant: Public, Class: High, Shape: List},
		{ID: "exchange.vet-values", Method: "GET", Path: "/vet-values", Title: "Total effective value of exchange operations", Family: "opendata-exchange_vet-values", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "pension", Family: "opendata-pension", Version: "2.1.0", Base: "/open-banking/opendata-pension/v2", OpenData: true, Operations: []*Operation{
		{ID: "pension.risk-coverages", Method: "GET", Path: "/risk-coverages", Title: "Pension plans that cover a risk", Family: "opendata-pension_risk-coverages", Grant: Public, Class: Low, Shape: List},
		{ID: "pension.survival-coverages", Method: "GET", Path: "/survival-coverages", Title: "Pension plans that cover survival", Family: "opendata-pension_survival-coverages", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "insurances", Family: "opendata-insurance", Version: "2.1.0", Base: "/open-banking/opendata-insurance/v2", OpenData: true, Operations: []*Operation{
		{ID: "insurances.personals", Method: "GET", Path: "/personals", Title: "Insurances of persons", Family: "opendata-insurance_personals", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "capitalization-bonds", Family: "opendata-capitalization", Version: "2.1.0", Base: "/open-banking/opendata-capitalization/v2", OpenData: true, Operations: []*Operation{
		{ID: "capitalization-bonds.bonds", Method: "GET", Path: "/bonds", Title: "Capitalization bonds", Family: "opendata-capitalization_bonds", Grant: Public, Class: Low, Shape: List},
	}},
	{Name: "acquiring-services", Family: "opendata-acquiring-services", Version: "1.1.0", Base: "/open-banking/opendata-acquiring-services/v1", OpenData: true, Operations: []*Operation{
		{ID: "acquiring-services.personals", Method: "GET", Path: "/personals", Title: "Acquiring for natural persons", Family: "opendata-acquiring-services_personals", Grant: Public, Class: Low, Shape: List},
		{ID: "acquiring-services.businesses", Method: "GET", Path: "/businesses", Title: "Acquiring for companies", Family: "opendata-acquiring-services_businesses", Grant: Public, Class: Low, Shape: List},
	}},
}
