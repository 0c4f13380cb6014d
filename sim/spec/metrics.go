package spec

import "encoding/json"

// Paths of the metrics platform's API beside those of private reports and hybrid-flow events.
const (
	OpenDataPath          = "/report-api/v1/opendata/report"
	StockPath             = "/report-api/v1/consents/stock"
	PaymentStatesPath     = "/report-api/v1/payments/status"
	PortabilityPath       = "/report-api/v1/credit-portabilities/" // then the interaction id, to read
	PortabilityClientPath = PortabilityPath + "client"
	PortabilityServerPath = PortabilityPath + "server"
)

// The kinds of reports, as outboxes and the metrics platform's exports name them. Hybrid-flow events
// have their own path below HybridFlowPath as kind.
const (
	KindPrivate     = "private"
	KindHybrid      = "hybrid" // of an export: all six events
	KindOpenData    = "opendata"
	KindStock       = "stock"
	KindPayments    = "payments"
	KindPortability = "portability"
)

// OpenDataReport is the serving side's account of one open-data call. It is never paired.
type OpenDataReport struct {
	Endpoint        string       `json:"endpoint"` // the template, never the concrete path
	StatusCode      int          `json:"statusCode"`
	HTTPMethod      string       `json:"httpMethod"`
	Timestamp       string       `json:"timestamp"`       // UTC, milliseconds: when the request was received
	ProcessTimespan float64      `json:"processTimespan"` // milliseconds, above zero
	AdditionalInfo  OpenDataInfo `json:"additionalInfo"`
}

// OpenDataInfo is the additionalInfo of an open-data report.
type OpenDataInfo struct {
	ClientIP string `json:"clientIp"` // IPv4 or IPv6
}

// StockReport is one organisation's count of active consents at the end of a day, in one role. It is
// sent as one object, not in an array.
type StockReport struct {
	Date            string        `json:"date"` // YYYY-MM-DD, not after the day of sending
	OrgID           string        `json:"orgId"`
	Role            Side          `json:"role"`
	Scope           string        `json:"scope"` // StockScope
	TotalCustomerPF int           `json:"totalCustomerPF"`
	TotalCustomerPJ int           `json:"totalCustomerPJ"`
	Stock           []StockedPair `json:"consentsStockList"` // owed; empty when there is nothing
}

// StockScope is the only scope of a stock report.
const StockScope = "DADOS"

// StockedPair is the number of active consents between two organisations.
type StockedPair struct {
	ClientOrgID string `json:"clientOrgId"`
	ServerOrgID string `json:"serverOrgId"`
	Total       int    `json:"totalActiveConsents"`
}

// StockTaken is the metrics platform's answer to a stock report.
type StockTaken struct {
	ReportID string `json:"reportId"`
	Status   string `json:"status"`
	Message  string `json:"message,omitempty"`
}

// PaymentState is the account holder's word that a payment reached a final or scheduled state.
type PaymentState struct {
	EventDateTime    string `json:"eventDateTime"` // UTC, milliseconds
	PaymentType      string `json:"paymentType"`   // AUTOMATIC, CHANGE, IMMEDIATE, RECURRENT, SCHEDULED, SWEEPING, WITHDRAW
	ClientOrgID      string `json:"clientOrgId"`
	ConsentID        string `json:"consentId"`
	PaymentID        string `json:"paymentId"`                  // or the recurringPaymentId
	PaymentStatus    string `json:"paymentStatus"`              // ACSC, RJCT, CANC, SCHD
	StatusReasonCode string `json:"statusReasonCode,omitempty"` // owed for RJCT and CANC
}

// PaymentStateTaken is the metrics platform's answer to one payment state.
type PaymentStateTaken struct {
	ReportID  string `json:"reportId"`
	PaymentID string `json:"paymentId,omitempty"`
	Status    string `json:"status"`
	Message   string `json:"message,omitempty"`
}

// PortabilityReport is one side's account of one call of credit portability; each side has its own path.
type PortabilityReport struct {
	Timestamp         string  `json:"timestamp"`
	FapiInteractionID string  `json:"fapiInteractionId"`
	ClientOrgID       string  `json:"clientOrgId"`
	ServerOrgID       string  `json:"serverOrgId"`
	Endpoint          string  `json:"endpoint"`
	StatusCode        int     `json:"statusCode"`
	HTTPMethod        string  `json:"httpMethod"`
	ClientSSID        string  `json:"clientSSId,omitempty"`        // owed by the client side
	EndpointURIPrefix string  `json:"endpointUriPrefix,omitempty"` // owed by the client side
	ProcessTimespan   float64 `json:"processTimespan,omitempty"`   // milliseconds, whole
	CorrelationID     string  `json:"correlationId,omitempty"`
	PortabilityID     string  `json:"portabilityId,omitempty"`
	ConsentID         string  `json:"consentId,omitempty"`
	Created           string  `json:"creationDateTime,omitempty"` // the client side's alone
	State             string  `json:"creditPortabilityStatus,omitempty"`
	StateSince        string  `json:"statusUpdateDateTime,omitempty"`
	RejectedBy        string  `json:"rejectedBy,omitempty"`
	RejectionReason   string  `json:"rejectionReason,omitempty"`
	ErrorCode         string  `json:"errorCode,omitempty"`
}

// Exported is one line of the metrics platform's export (GET <control>/pcm/export).
type Exported struct {
	Number   uint64          `json:"number"` // grows with gaps; the next request asks after the last one
	Kind     string          `json:"kind"`
	State    string          `json:"state"`
	ReportID string          `json:"reportId"`
	Reporter string          `json:"reporter"`   // organisation, from the token
	Received string          `json:"receivedAt"` // RFC 3339, milliseconds
	Path     string          `json:"path"`       // where it was sent; tells the events of a journey apart
	Report   json.RawMessage `json:"report"`     // as it was sent
}
