package spec

var consents = &API{
	Name: "consents", Family: "consents", Version: "3.3.1", Base: "/open-banking/consents/v3", Role: "DADOS", Unlimited: true,
	Operations: []*Operation{
		{ID: "consents.create", Method: "POST", Path: "/consents", Title: "Create a data consent", Grant: ClientCredentials, Scope: "consents", Class: High, Shape: Action},
		{ID: "consents.read", Method: "GET", Path: "/consents/{consentId}", Title: "Read a data consent", Grant: ClientCredentials, Scope: "consents", Class: High, Shape: Action},
		{ID: "consents.delete", Method: "DELETE", Path: "/consents/{consentId}", Title: "Revoke or reject a data consent", Grant: ClientCredentials, Scope: "consents", Class: High, Shape: Action},
		{ID: "consents.extend", Method: "POST", Path: "/consents/{consentId}/extends", Title: "Extend a data consent", Grant: AuthorizationCode, Scope: "openid", Class: Low, Shape: Action, CustomerHeaders: true, Renewal: true},
		{ID: "consents.extensions", Method: "GET", Path: "/consents/{consentId}/extensions", Title: "List the extensions of a data consent", Grant: ClientCredentials, Scope: "consents", Class: Low, Shape: Action, MinPageSize: 25, Renewal: true},
	},
}

var resources = &API{
	Name: "resources", Family: "resources", Version: "3.1.0", Base: "/open-banking/resources/v3", Role: "DADOS", Unlimited: true,
	Operations: []*Operation{
		{ID: "resources.list", Method: "GET", Path: "/resources", Title: "List the resources of a consent", Grant: AuthorizationCode, Scope: "resources", Permissions: []string{"RESOURCES_READ"}, Class: High, Source: "resources", Shape: List, MinPageSize: 25},
	},
}
