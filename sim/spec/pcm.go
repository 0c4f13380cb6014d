package spec

import (
	"encoding/json"
	"strings"
)

// Side is the role in which an organisation reports a call to the metrics platform.
type Side string

// The two sides of a call.
const (
	ClientSide Side = "CLIENT"
	ServerSide Side = "SERVER"
)

// Paths of the metrics platform's API.
const (
	PrivateReportPath = "/report-api/v1/private/report/"
	HybridFlowPath    = "/report-api/v2/"
)

// MaxReports is how many reports one request to the metrics platform may carry.
const MaxReports = 5000

// Report is a private report: one side's account of one call.
type Report struct {
	FapiInteractionID string          `json:"fapiInteractionId,omitempty"`
	Endpoint          string          `json:"endpoint"` // the template, never the concrete path
	StatusCode        int             `json:"statusCode"`
	HTTPMethod        string          `json:"httpMethod"`
	Timestamp         string          `json:"timestamp"`       // UTC, milliseconds
	ProcessTimespan   float64         `json:"processTimespan"` // milliseconds, above zero
	ClientOrgID       string          `json:"clientOrgId"`
	ServerOrgID       string          `json:"serverOrgId"`
	Role              Side            `json:"role"`
	ClientSSID        string          `json:"clientSSId,omitempty"`        // owed by the client side
	EndpointURIPrefix string          `json:"endpointUriPrefix,omitempty"` // owed by the client side
	CorrelationID     string          `json:"correlationId,omitempty"`
	AdditionalInfo    json.RawMessage `json:"additionalInfo,omitempty"`
}

// HybridReport is one side's account of one step of a customer's redirection.
type HybridReport struct {
	ConsentID                string `json:"consentId"`
	OS                       string `json:"os"`
	OSVersion                string `json:"osVersion"`
	Timestamp                string `json:"timestamp"`
	Platform                 string `json:"platform,omitempty"`
	ClientOrgID              string `json:"clientOrgId,omitempty"`
	ServerOrgID              string `json:"serverOrgId,omitempty"`
	Type                     string `json:"type,omitempty"`
	URIAuthorizationEndpoint string `json:"uriAuthorizationEndpoint,omitempty"`
	URICallback              string `json:"uri_callback,omitempty"`
	Error                    string `json:"error,omitempty"`
}

// Taken is the metrics platform's answer to one report, in the order of the request.
type Taken struct {
	ReportID      string `json:"reportId"`
	Status        string `json:"status"` // ReportAccepted or ReportDiscarded
	CorrelationID string `json:"correlationId,omitempty"`
	Message       string `json:"message,omitempty"`
}

// The states of a report.
const (
	ReportAccepted           = "ACCEPTED"
	ReportDiscarded          = "DISCARDED"
	ReportPaired             = "PAIRED"
	ReportPairedInconsistent = "PAIRED_INCONSISTENT"
	ReportUnpaired           = "UNPAIRED"
	ReportSingle             = "SINGLE"
)

// HybridEvent is one of the six steps of a redirection that are reported.
type HybridEvent struct {
	Kind  string // below HybridFlowPath; also the kind of the outbox entry
	Side  Side
	Types []string // values of "type", where the event has one
	// Fields that the event owes beside the common consentId, os, osVersion and timestamp.
	Fields []string
}

// The kinds of hybrid-flow events.
const (
	RedirectToServer            = "hybrid-flow/client/redirect-to-server"
	RedirectTarget              = "hybrid-flow/server/redirect-target"
	Authenticated               = "hybrid-flow/server/authenticated"
	RedirectToClient            = "hybrid-flow/server/redirect-to-client"
	RedirectTargetWithErrors    = "hybrid-flow/client/redirect-target-with-errors"
	RedirectTargetWithoutErrors = "hybrid-flow/client/redirect-target-without-errors"
)

// HybridEvents lists the six steps in the order of a journey; the last two exclude each other.
func HybridEvents() []HybridEvent { return hybridEvents }

var hybridEvents = []HybridEvent{
	{RedirectToServer, ClientSide, nil, []string{"platform", "clientOrgId"}},
	{RedirectTarget, ServerSide, []string{"AWAITING_HANDOFF", "AWAITING_USER_AUTH", "AWAITING_REDIRECT_TO_APP"}, []string{"type", "serverOrgId"}},
	{Authenticated, ServerSide, nil, []string{"platform", "serverOrgId"}},
	{RedirectToClient, ServerSide, []string{"AUTHORISED", "REJECTED"}, []string{"platform", "serverOrgId", "uri_callback", "type"}},
	{RedirectTargetWithErrors, ClientSide, nil, []string{"platform", "clientOrgId", "error"}},
	{RedirectTargetWithoutErrors, ClientSide, nil, []string{"platform", "clientOrgId"}},
}

// PCMPrefix splits the address of a call into what the client side reports as endpointUriPrefix: the
// part before "/open-banking", or all of it for the authorization server's endpoints.
func PCMPrefix(address string) string {
	if before, _, ok := strings.Cut(address, "/open-banking/"); ok {
		return before
	}
	return address
}
