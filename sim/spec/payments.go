package spec

var payments = &API{
	Name: "payments", Family: "payments-pix", Version: "5.0.0", Base: "/open-banking/payments/v5", Role: "PAGTO", Signed: true, Unlimited: true,
	Operations: []*Operation{
		{ID: "payments.consent-create", Method: "POST", Path: "/consents", Title: "Create a payment consent", Family: "payments-consents", Grant: ClientCredentials, Scope: "payments", Class: High, Shape: Action, Idempotent: true},
		{ID: "payments.consent-read", Method: "GET", Path: "/consents/{consentId}", Title: "Read a payment consent", Family: "payments-consents", Grant: ClientCredentials, Scope: "payments", Class: High, Shape: Action},
		{ID: "payments.consent-payments", Method: "GET", Path: "/consents/{consentId}/pix/payments", Title: "List the payments of a consent", Grant: ClientCredentials, Scope: "payments", Class: High, Shape: Action},
		{ID: "payments.consent-cancel", Method: "PATCH", Path: "/consents/{consentId}/pix/payments", Title: "Cancel the payments of a consent", Grant: ClientCredentials, Scope: "payments", Class: High, Shape: Action, Idempotent: true},
		{ID: "payments.create", Method: "POST", Path: "/pix/payments", Title: "Initiate Pix payments", Grant: AuthorizationCode, Scope: "payments", Class: High, Shape: Action, Idempotent: true},
		{ID: "payments.read", Method: "GET", Path: "/pix/payments/{paymentId}", Title: "Read a Pix payment", Grant: ClientCredentials, Scope: "payments", Class: High, Shape: Action},
		{ID: "payments.cancel", Method: "PATCH", Path: "/pix/payments/{paymentId}", Title: "Cancel a Pix payment", Grant: ClientCredentials, Scope: "payments", Class: High, Shape: Action, Idempotent: true},
	},
}
