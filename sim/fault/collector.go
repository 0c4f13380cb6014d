package fault

import "strings"

// collected makes an OnReply for the metrics platform's answers to one operation; "" is any address that
// nobody serves.
func collected(operation string, edit func(*Reply)) func(*Reply) {
	return func(r *Reply) {
		if r.Place == "pcm" && r.Operation == operation {
			edit(r)
		}
	}
}

// restated makes an OnReply that tells another state of reports below a path.
func restated(path, from, to string, when func(report map[string]any) bool) func(*Reply) {
	return collected("report", func(r *Reply) {
		if r.Status != 200 || !strings.HasPrefix(r.Request.URL.Path, path) {
			return
		}
		r.JSON(func(report map[string]any) {
			if report["status"] == from && when(report) {
				report["status"] = to
			}
		})
	})
}

func always(map[string]any) bool { return true }

// The paths of the metrics platform that its defects speak of.
const (
	privateReports     = "/report-api/v1/private/report/"
	portabilityReports = "/report-api/v1/credit-portabilities/"
)

// The area of the metrics platform itself (PCM-).
var collector = []Defect{
	{Name: "pcm/tells-whole-token-life", Kind: Mutate, Rule: "PCM-TOKEN", Weight: Major,
		Symptom: "a token that has lived for hours is told with its whole life", CaughtBy: []string{"pcm/token-ends"},
		OnReply: collected("token", func(r *Reply) {
			r.JSON(func(m map[string]any) {
				if m["expires_in"] != nil {
					m["expires_in"] = 21600
				}
			})
		})},
	{Name: "pcm/fresh-token-is-old", Kind: Actor, Rule: "PCM-TOKEN", Weight: Major,
		Symptom: "where a fresh token is asked for, the one of before is answered", CaughtBy: []string{"pcm/token-is-cached"},
		OnRequest: func(r *Request) {
			if r.Place == "pcm" && r.HTTP.URL.Path == "/token-fresh/" {
				r.HTTP.URL.Path = "/token/"
			}
		}},
	{Name: "pcm/redirects-for-slash", Kind: Mutate, Rule: "PCM-TOKEN", Weight: Minor,
		Symptom: "the token's address without its slash redirects", CaughtBy: []string{"pcm/token-needs-slash"},
		OnReply: collected("token", func(r *Reply) {
			if r.Status == 404 && r.Request.URL.Path == "/token" {
				r.Status = 307
				r.Header.Set("Location", "/token/")
			}
		})},
	{Name: "pcm/refuses-json-for-token", Kind: Actor, Rule: "PCM-TOKEN", Weight: Minor,
		Symptom: "a token asked for with a JSON body is refused", CaughtBy: []string{"pcm/token-takes-json"},
		OnRequest: func(r *Request) {
			if r.Place == "pcm" && r.HTTP.URL.Path == "/token/" && strings.HasPrefix(r.HTTP.Header.Get("Content-Type"), "application/json") {
				r.HTTP.Header.Set("Content-Type", "text/plain")
			}
		}},
	{Name: "pcm/lacks-fresh-tokens", Kind: Mutate, Rule: "PCM-REQUEST", Weight: Major,
		Symptom: "the address of fresh tokens is not there, as in releases of before", CaughtBy: []string{"pcm/speaks-the-current-release"},
		OnReply: collected("token", func(r *Reply) {
			if r.Request.URL.Path == "/token-fresh/" {
				r.Status, r.Body = 404, []byte(`{"message":"Not Found"}`)
			}
		})},
	{Name: "pcm/takes-any-address", Kind: Mutate, Rule: "PCM-READ", Weight: Minor,
		Symptom: "an address that nobody published answers as if it took reports", CaughtBy: []string{"pcm/other-addresses-are-not-found"},
		OnReply: collected("", func(r *Reply) { r.Status, r.Body = 200, []byte(`[]`) })},
	{Name: "pcm/lacks-an-event", Kind: Mutate, Rule: "PCM-HYBRID", Weight: Major,
		Symptom: "one of the six events of a journey has no address", CaughtBy: []string{"pcm/takes-journey-events"},
		OnReply: collected("hybrid-flow/client/redirect-target-with-errors", func(r *Reply) { r.Status, r.Body = 404, []byte(`{"message":"Not Found"}`) })},
	{Name: "pcm/never-pairs", Kind: Actor, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "two reports that agree stay unpaired", CaughtBy: []string{"pcm/pairs-what-agrees"},
		OnReply: restated(privateReports, "PAIRED", "UNPAIRED", func(m map[string]any) bool { return m["statusCode"] == 200.0 })},
	{Name: "pcm/timeouts-never-pair", Kind: Actor, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "a timeout that both sides report is inconsistent", CaughtBy: []string{"pcm/timeout-of-both-pairs"},
		OnReply: restated(privateReports, "PAIRED", "PAIRED_INCONSISTENT", func(m map[string]any) bool { return m["statusCode"] == 408.0 })},
	{Name: "pcm/pairs-lonely-clients", Kind: Actor, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "a client's report without counterpart is paired", CaughtBy: []string{"pcm/lonely-client-is-unpaired"},
		OnReply: restated(privateReports, "UNPAIRED", "PAIRED", func(m map[string]any) bool { return m["role"] == "CLIENT" })},
	{Name: "pcm/pairs-lonely-servers", Kind: Actor, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "a server's report without counterpart is paired", CaughtBy: []string{"pcm/lonely-server-is-unpaired"},
		OnReply: restated(privateReports, "UNPAIRED", "PAIRED", func(m map[string]any) bool { return m["role"] == "SERVER" })},
	{Name: "pcm/waits-for-token-server", Kind: Actor, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "the report of a token request counts as unpaired", CaughtBy: []string{"pcm/token-report-stands-alone"},
		OnReply: restated(privateReports, "SINGLE", "UNPAIRED", func(m map[string]any) bool { return m["endpoint"] == "/token" })},
	{Name: "pcm/never-pairs-portability", Kind: Actor, Rule: "PCM-PORTABILITY", Weight: Major,
		Symptom: "two reports of a portability that agree stay unpaired", CaughtBy: []string{"pcm/pairs-portability-reports"},
		OnReply: restated(portabilityReports, "PAIRED", "UNPAIRED", always)},
	{Name: "pcm/keeps-first-payment-state", Kind: Actor, Rule: "PCM-STATE", Weight: Major,
		Symptom: "a payment is read in the state in which it was told first", CaughtBy: []string{"pcm/takes-payment-states"},
		OnReply: collected("payments", func(r *Reply) {
			r.JSON(func(m map[string]any) {
				if m["paymentStatus"] != nil {
					m["paymentStatus"] = "SCHD"
					delete(m, "statusReasonCode")
				}
			})
		})},
	{Name: "pcm/takes-list-of-stocks", Kind: Mutate, Rule: "PCM-STOCK", Weight: Minor,
		Symptom: "a list of stock reports is answered as if it were one", CaughtBy: []string{"pcm/takes-consent-stock"},
		OnReply: collected("stock", func(r *Reply) {
			if r.Status == 400 {
				r.Status, r.Body = 200, []byte(`{"reportId":"10000000-0000-4000-8000-000000000000","status":"ACCEPTED"}`)
			}
		})},
	{Name: "pcm/omits-payment-calls", Kind: Actor, Rule: "PCM-REPORT", Weight: Major,
		Symptom: "calls of the payment API are not reported", CaughtBy: []string{"pcm/reports-payments"},
		OnReport: server(func(r *Report) {
			if endpoint, _ := r.Body["endpoint"].(string); strings.HasPrefix(endpoint, "/open-banking/payments/") {
				r.Copies = 0
			}
		})},
}
