package pcm

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/ensaio/ensaio/sim/spec"
)

// TestNumbersBeyondMeasureAreDiscarded sends numbers that fit no type of ours, and empty texts where only
// some kinds of reports looked.
func TestNumbersBeyondMeasureAreDiscarded(t *testing.T) {
	for _, row := range []struct {
		what, path string
		item       object
	}{
		{"a status of twenty digits", privatePath, with(clientReport(1), "statusCode", json.Number("99999999999999999999"))},
		{"an endless negative duration", privatePath, with(clientReport(1), "processTimespan", json.Number("-1e400"))},
		{"an empty interaction id", privatePath, with(clientReport(1), "fapiInteractionId", "")},
		{"an empty interaction id of portability", spec.PortabilityClientPath, with(portabilityReport(1), "fapiInteractionId", "")},
		{"an error that is no text", HybridFlow + "client/redirect-target-with-errors", object{"consentId": urnOne, "os": "ANDROID", "osVersion": "14",
			"timestamp": "2026-09-15T11:59:00.000Z", "platform": "APP", "clientOrgId": orgA, "error": object{"code": "access_denied"}}},
		{"an empty error", HybridFlow + "client/redirect-target-with-errors", object{"consentId": urnOne, "os": "ANDROID", "osVersion": "14",
			"timestamp": "2026-09-15T11:59:00.000Z", "platform": "APP", "clientOrgId": orgA, "error": ""}},
		{"an empty time of open data", spec.OpenDataPath, object{"endpoint": "/open-banking/channels/v2/branches", "statusCode": 200, "httpMethod": "GET", "timestamp": "",
			"processTimespan": 3, "additionalInfo": object{"clientIp": "192.0.2.7"}}},
	} {
		if status, got := post(t, start(t, Config{}), orgA, row.path, row.item); status != http.StatusMultiStatus || got[0].Status != Discarded {
			t.Errorf("%s: %d %+v", row.what, status, got)
		}
	}
}
