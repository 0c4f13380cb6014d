package spec

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestEveryOperationIsAMetricsEndpoint(t *testing.T) {
	for _, o := range Operations() {
		e, ok := FindPCMEndpoint(o.Method, o.FullPath())
		if !ok || e.Operation != o || e.ClientOnly || !e.Accepted(CurrentRelease, false) || (e.List == KindOpenData) != o.API.OpenData {
			t.Errorf("%s: %+v", o.ID, e)
		}
		if o.Grant == Public {
			continue // nobody's token is used, nobody's consent
		}
		if !e.Owed {
			t.Errorf("%s need not be reported", o.ID)
		}
		if len(o.PCM) == 0 || !slices.Contains(o.PCM, "tokenId") || !slices.Contains(o.PCM, "consentId") {
			t.Errorf("%s owes %v", o.ID, o.PCM)
		}
	}
	if _, ok := FindPCMEndpoint("POST", "/token"); !ok {
		t.Error("the token endpoint is missing")
	}
}

// TestObligationsSpeakOfEndpoints finds for every row, and for every pattern in it, an endpoint that it is
// about while it holds.
func TestObligationsSpeakOfEndpoints(t *testing.T) {
	for _, o := range Obligations() {
		for _, pattern := range o.Endpoints {
			one := o
			one.Endpoints = []string{pattern}
			if !slices.ContainsFunc(PCMEndpoints(), func(e PCMEndpoint) bool { return one.Covers(e.Method, e.Endpoint) }) {
				t.Errorf("%s of %s is about no endpoint", o.Field, pattern)
			}
		}
		for _, m := range o.Methods {
			one := o
			one.Methods = []string{m}
			if !slices.ContainsFunc(PCMEndpoints(), func(e PCMEndpoint) bool { return one.Covers(e.Method, e.Endpoint) }) {
				t.Errorf("%s by %s is about no endpoint", o.Field, m)
			}
		}
		if o.Until != 0 && o.Until <= o.Since || strings.Contains(o.If, "=") == strings.HasPrefix(o.If, "?") && o.If != "" {
			t.Errorf("%+v is never owed", o)
		}
	}
}

// TestObligationsDoNotContradict finds no two rows about one member, case and release.
func TestObligationsDoNotContradict(t *testing.T) {
	for _, name := range Releases() {
		r, _ := FindRelease(name)
		for _, e := range PCMEndpoints() {
			seen := map[string]bool{}
			for _, o := range ObligationsOf(e.Method, e.Endpoint, r) {
				key := string(o.By()) + o.Field + string(o.When) + o.Or + o.If
				if seen[key] {
					t.Errorf("%s %s %s: %s twice", name, e.Method, e.Endpoint, o.Field)
				}
				seen[key] = true
			}
		}
	}
}

func TestDomainsAreTheContracts(t *testing.T) {
	for _, op := range Operations() {
		for _, o := range op.Owes() {
			path := map[string][]string{"status": {"data", "status"}, "cancelledFrom": {"data", "cancellation", "cancelledFrom"}}[o.Field]
			if path == nil {
				continue
			}
			for _, v := range op.Values(path...) {
				if !slices.Contains(o.Values, v) {
					t.Errorf("%s: %s %s is in the contract, not in the metrics domain", op.ID, o.Field, v)
				}
			}
		}
	}
}

// TestEndpointsOfReleases holds the list of each release against what its texts say.
func TestEndpointsOfReleases(t *testing.T) {
	const api = "/open-banking/"
	for _, row := range []struct {
		method, endpoint, since, until string
		legacy                         bool
	}{
		{"GET", api + "accounts/v2/accounts", "1.0.2", "", false},
		{"POST", api + "payments/v5/pix/payments", "2026B", "", false},
		{"POST", api + "payments/v4/pix/payments", "1.0.2", "2026C", false},
		{"GET", api + "accounts/v2/accounts/{accountId}/reserved-balances", "2026B", "", false},
		{"POST", api + "enrollments/v1/enrollments", "1.0.2", "2026B", false},
		{"POST", api + "enrollments/v2/recurring-consents/{recurringConsentId}/authorise", "2025D", "", false},
		{"POST", api + "credit-portability/v1/portabilities", "2025B", "", false},
		{"GET", api + "accounts/v1/accounts", "", "", false},
		{"GET", api + "accounts/v1/accounts", "1.0.2", "", true},
		{"POST", api + "payments/v4/pix/payments", "1.0.2", "", true},
		{"GET", api + "opendata-exchange/v1/vet-rates", "1.0.2", "", true},
	} {
		e, ok := FindPCMEndpoint(row.method, row.endpoint)
		if !ok {
			t.Errorf("%s %s is missing", row.method, row.endpoint)
			continue
		}
		for _, name := range Releases() {
			r, _ := FindRelease(name)
			since, _ := FindRelease(row.since)
			until, _ := FindRelease(row.until)
			if want := row.since != "" && r.Within(since, until); e.Accepted(r, row.legacy) != want {
				t.Errorf("%s %s in %s, legacy %t: want %t", row.method, row.endpoint, name, row.legacy, want)
			}
		}
	}
	if r, ok := FindRelease("2027Z"); ok || r.InForce().After(CurrentRelease.InForce()) || CurrentRelease.String() != "2026C" {
		t.Error("releases are confused")
	}
}

func TestWhen(t *testing.T) {
	holds := map[When][]int{Always: {200, 302, 404, 422, 503}, Fine: {200, 302}, Success: {200}, Exactly200: {200}, Exactly201: nil, Failure: {404, 422, 503}, Fault: {404, 503}, Exactly422: {422}, NotRefused: {200, 302, 503}}
	for when, want := range holds {
		for _, status := range []int{200, 302, 404, 422, 503} {
			if got := when.Holds(status); got != slices.Contains(want, status) {
				t.Errorf("%q holds for %d: %t", when, status, got)
			}
		}
	}
}

func TestPCMPrefix(t *testing.T) {
	for address, want := range map[string]string{
		"https://api.bank.test/x/open-banking/accounts/v2/accounts": "https://api.bank.test/x",
		"https://auth.bank.test/token":                              "https://auth.bank.test/token",
	} {
		if got := PCMPrefix(address); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}

func TestReportNames(t *testing.T) {
	data, err := json.Marshal(Report{Role: ServerSide, StatusCode: 200})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"endpoint":"","statusCode":200,"httpMethod":"","timestamp":"","processTimespan":0,"clientOrgId":"","serverOrgId":"","role":"SERVER"}`
	if string(data) != want {
		t.Errorf("got %s", data)
	}
}
