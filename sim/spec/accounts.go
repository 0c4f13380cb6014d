package spec

var accounts = &API{
	Name: "accounts", Family: "accounts", Version: "2.5.1", Base: "/open-banking/accounts/v2", Role: "DADOS",
	Operations: []*Operation{
		{ID: "accounts.list", Method: "GET", Path: "/accounts", Title: "List the consented accounts", Grant: AuthorizationCode, Scope: "accounts", Permissions: []string{"ACCOUNTS_READ"}, Class: Low, Monthly: 8, Source: "accounts", Shape: List},
		{ID: "accounts.identification", Method: "GET", Path: "/accounts/{accountId}", Title: "Identification of an account", Grant: AuthorizationCode, Scope: "accounts", Permissions: []string{"ACCOUNTS_READ"}, Class: Low, Monthly: 8, Source: "account", Shape: One},
		{ID: "accounts.balances", Method: "GET", Path: "/accounts/{accountId}/balances", Title: "Balances of an account", Grant: AuthorizationCode, Scope: "accounts", Permissions: []string{"ACCOUNTS_BALANCES_READ"}, Class: High, Monthly: 420, Source: "balances", Shape: One},
		{ID: "accounts.transactions", Method: "GET", Path: "/accounts/{accountId}/transactions", Title: "Transactions of an account", Grant: AuthorizationCode, Scope: "accounts", Permissions: []string{"ACCOUNTS_TRANSACTIONS_READ"}, Class: Low, Monthly: 8, Source: "transactions", Shape: Dated},
		{ID: "accounts.transactions-current", Method: "GET", Path: "/accounts/{accountId}/transactions-current", Title: "Transactions of the last seven days", Grant: AuthorizationCode, Scope: "accounts", Permissions: []string{"ACCOUNTS_TRANSACTIONS_READ"}, Class: High, Monthly: 240, Source: "transactions", Shape: Recent},
		{ID: "accounts.overdraft-limits", Method: "GET", Path: "/accounts/{accountId}/overdraft-limits", Title: "Overdraft limits of an account", Grant: AuthorizationCode, Scope: "accounts", Permissions: []string{"ACCOUNTS_OVERDRAFT_LIMITS_READ"}, Class: High, Monthly: 420, Source: "overdraft-limits", Shape: One},
		{ID: "accounts.reserved-balances", Method: "GET", Path: "/accounts/{accountId}/reserved-balances", Title: "Reserved balances of an account", Grant: AuthorizationCode, Scope: "accounts", Permissions: []string{"ACCOUNTS_BALANCES_READ"}, Class: High, Monthly: 420, Source: "reserved-balances", Shape: List},
	},
}
