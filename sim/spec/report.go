package spec

import (
	"encoding/json"
	"strconv"
	"time"
)

// ReportTime is the form of the times in reports: UTC, with milliseconds.
const ReportTime = "2006-01-02T15:04:05.000Z"

// AppendJSON appends the report as JSON, as [json.Marshal] would write it, without its cost: reports are
// made once a call, on both sides of it. AdditionalInfo must be JSON already.
func (r *Report) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	if r.FapiInteractionID != "" {
		b = append(appendText(append(b, `"fapiInteractionId":`...), r.FapiInteractionID), ',')
	}
	b = appendText(append(b, `"endpoint":`...), r.Endpoint)
	b = strconv.AppendInt(append(b, `,"statusCode":`...), int64(r.StatusCode), 10)
	b = appendText(append(b, `,"httpMethod":`...), r.HTTPMethod)
	b = appendText(append(b, `,"timestamp":`...), r.Timestamp)
	b = strconv.AppendFloat(append(b, `,"processTimespan":`...), r.ProcessTimespan, 'f', -1, 64)
	b = appendText(append(b, `,"clientOrgId":`...), r.ClientOrgID)
	b = appendText(append(b, `,"serverOrgId":`...), r.ServerOrgID)
	b = appendText(append(b, `,"role":`...), string(r.Role))
	for _, m := range [...]struct{ name, value string }{
		{`,"clientSSId":`, r.ClientSSID}, {`,"endpointUriPrefix":`, r.EndpointURIPrefix}, {`,"correlationId":`, r.CorrelationID},
	} {
		if m.value != "" {
			b = appendText(append(b, m.name...), m.value)
		}
	}
	if len(r.AdditionalInfo) > 0 {
		b = append(append(b, `,"additionalInfo":`...), r.AdditionalInfo...)
	}
	return append(b, '}')
}

// appendText appends a JSON string. Nearly all texts of reports need no escape.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(s) // a string always encodes
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// At is a time as reports write it.
func At(t time.Time) string { return t.UTC().Format(ReportTime) }
