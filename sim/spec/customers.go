package spec

var customers = &API{
	Name: "customers", Family: "customers-personal", Version: "2.3.0", Base: "/open-banking/customers/v2", Role: "DADOS",
	Operations: []*Operation{
		{ID: "customers.personal-identifications", Method: "GET", Path: "/personal/identifications", Title: "Identification of a natural person", Grant: AuthorizationCode, Scope: "customers", Permissions: []string{"CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ"}, Class: Low, Monthly: 8, Source: "personal-identifications", Shape: List},
		{ID: "customers.personal-qualifications", Method: "GET", Path: "/personal/qualifications", Title: "Qualification of a natural person", Grant: AuthorizationCode, Scope: "customers", Permissions: []string{"CUSTOMERS_PERSONAL_ADITTIONALINFO_READ"}, Class: Low, Monthly: 8, Source: "personal-qualifications", Shape: One},
		{ID: "customers.personal-financial-relations", Method: "GET", Path: "/personal/financial-relations", Title: "Financial relations of a natural person", Grant: AuthorizationCode, Scope: "customers", Permissions: []string{"CUSTOMERS_PERSONAL_ADITTIONALINFO_READ"}, Class: Low, Monthly: 8, Source: "personal-financial-relations", Shape: One},
		{ID: "customers.business-identifications", Method: "GET", Path: "/business/identifications", Title: "Identification of a company", Family: "customers-business", Grant: AuthorizationCode, Scope: "customers", Permissions: []string{"CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ"}, Class: Low, Monthly: 8, Source: "business-identifications", Shape: List},
		{ID: "customers.business-qualifications", Method: "GET", Path: "/business/qualifications", Title: "Qualification of a company", Family: "customers-business", Grant: AuthorizationCode, Scope: "customers", Permissions: []string{"CUSTOMERS_BUSINESS_ADITTIONALINFO_READ"}, Class: Low, Monthly: 8, Source: "business-qualifications", Shape: One},
		{ID: "customers.business-financial-relations", Method: "GET", Path: "/business/financial-relations", Title: "Financial relations of a company", Family: "customers-business", Grant: AuthorizationCode, Scope: "customers", Permissions: []string{"CUSTOMERS_BUSINESS_ADITTIONALINFO_READ"}, Class: Low, Monthly: 8, Source: "business-financial-relations", Shape: One},
	},
}
