package spec

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestEveryOperationIsAMetricsEndpoint(t *testing.T) {
	for _, o := range Operations() {
		e, ok := FindPCMEndpoint(o.Method, o.FullPath())
		if !ok || e.Operation != o || e.ClientOnly || !e.Owed {
			t.Errorf("%s: %+v", o.ID, e)
		}
		if len(o.PCM) == 0 || !slices.Contains(o.PCM, "tokenId") || !slices.Contains(o.PCM, "consentId") {
			t.Errorf("%s owes %v", o.ID, o.PCM)
		}
	}
	if _, ok := FindPCMEndpoint("POST", "/token"); !ok {
		t.Error("the token endpoint is missing")
	}
}

func TestObligationsNameKnownOperations(t *testing.T) {
	for id := range obligations {
		if Find(id) == nil {
			t.Errorf("obligations of %s, which is no operation", id)
		}
	}
}

func TestDomainsAreTheContracts(t *testing.T) {
	for id, owes := range obligations {
		for _, o := range owes {
			if o.Field != "status" && o.Field != "cancelledFrom" {
				continue
			}
			path := map[string][]string{"status": {"data", "status"}, "cancelledFrom": {"data", "cancellation", "cancelledFrom"}}[o.Field]
			for _, v := range Find(id).Values(path...) {
				if !slices.Contains(o.Values, v) {
					t.Errorf("%s: %s %s is in the contract, not in the metrics domain", id, o.Field, v)
				}
			}
		}
	}
}

func TestWhen(t *testing.T) {
	holds := map[When][]int{Always: {200, 302, 404, 503}, Fine: {200, 302}, Success: {200}, Exactly200: {200}, Exactly201: nil, Failure: {404, 503}}
	for when, want := range holds {
		for _, status := range []int{200, 302, 404, 503} {
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
