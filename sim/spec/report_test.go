package spec

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestAReportIsWrittenAsEncodingJSONWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,40}`))
		r := Report{
			FapiInteractionID: text.Draw(t, "id"), Endpoint: text.Draw(t, "endpoint"), StatusCode: rapid.Int().Draw(t, "status"), HTTPMethod: text.Draw(t, "method"),
			Timestamp: text.Draw(t, "timestamp"), ProcessTimespan: rapid.Float64Range(0.001, 1e6).Draw(t, "took"), ClientOrgID: text.Draw(t, "client"),
			ServerOrgID: text.Draw(t, "server"), Role: Side(text.Draw(t, "role")), ClientSSID: text.Draw(t, "statement"), EndpointURIPrefix: text.Draw(t, "prefix"),
			CorrelationID: text.Draw(t, "correlation"),
		}
		if rapid.Bool().Draw(t, "informed") {
			r.AdditionalInfo = json.RawMessage(`{"a":"b"}`)
		}
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(r.AppendJSON(nil)); got != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}
