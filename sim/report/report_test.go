package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// canaries are secrets and personal data planted in a report; none may come out anywhere.
var canaries = []string{
	"canary-access-token-7f3a", "canary-refresh-91bc", "canary-password-55", "canary-code-4242", "canary-verifier-8",
	"eyJhbGciOiJQUzI1NiJ9.eyJjYW5hcnkiOiJ5ZXMifQ.c2lnbmF0dXJlLWNhbmFyeQ", "canary-private-exponent", "canary-csrf-1", "canary-cookie-9",
	"76109277673", "761.092.776-73", "50685362000135", "MIICANARYPRIVATEKEY",
}

func sample() *Report {
	at := time.Date(2026, 11, 22, 3, 40, 0, 0, time.UTC)
	jws := canaries[5]
	x := NewExchange(Raw{
		Ref: "e1", Party: "Receptora Aurora", Operation: "accounts.transactions", Method: "GET",
		URL:    "https://matls-api.banco-ensaio.test:8443/open-banking/accounts/v2/accounts/92792126019929279212650822221989319252576/transactions?page=2&cpf=76109277673&code=" + canaries[3],
		Status: 200, Duration: 41 * time.Millisecond, Started: at, Certificate: "app.receptora-aurora.localhost", TLS: "TLS 1.3 TLS_AES_128_GCM_SHA256",
		RequestHeader: http.Header{"Authorization": {"Bearer " + canaries[0]}, "X-Fapi-Interaction-Id": {"8f0c2f6a-1111-4a6e-9c3f-0c0c0c0c0c0c"}, "Cookie": {canaries[8]}},
		Header:        http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"s=" + canaries[8]}, "X-Fapi-Interaction-Id": {"8f0c2f6a-1111-4a6e-9c3f-0c0c0c0c0c0c"}},
		Body: []byte(`{"data":[{"transactionId":"TXpRMU9UQTROMWhZV2","amount":"10.00","loggedUser":{"document":{"identification":"76109277673","rel":"CPF"}}}],"access_token":"` + canaries[0] + `","refresh_token":"` + canaries[1] +
			`","id_token":"` + jws + `","note":"for 761.092.776-73 and 50685362000135","keys":[{"kty":"RSA","d":"` + canaries[6] + `"}]}`),
	}, false)
	y := NewExchange(Raw{
		Ref: "e2", Party: "Receptora Aurora", Method: "POST", URL: "https://matls-auth.banco-ensaio.test/token", Status: 400, Duration: 7 * time.Millisecond, Started: at,
		RequestHeader: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		RequestBody:   []byte("grant_type=authorization_code&code=" + canaries[3] + "&code_verifier=" + canaries[4] + "&client_assertion=" + jws + "&password=" + canaries[2] + "&csrf=" + canaries[7]),
		RequestClaims: map[string]any{"iss": "client", "sub": "76109277673", "password": canaries[2]},
		Header:        http.Header{"Location": {"https://app.example/cb#code=" + canaries[3] + "&id_token=" + jws + "&state=s"}},
		Body:          []byte(`{"error":"invalid_grant","error_description":"the code was used"}`),
		Error:         "read: Bearer " + canaries[0] + " -----BEGIN PRIVATE KEY-----\n" + canaries[12] + "\n-----END PRIVATE KEY-----",
	}, false)
	y.Error = RedactText(y.Error)
	r := &Report{
		APIVersion: APIVersion, Kind: Kind, Notice: Notice, Seed: 4711, Started: at, DurationMs: 52_000, Defects: []string{"data/shuffles-pages"},
		Tool:      Tool{Name: "ensaio", Version: "0.1.0", Go: "go1.26", Suite: "4f1d2c3b5a697887"},
		Target:    Target{Name: "Banco Exemplo – homologação", Role: "account-holder", Organisation: "0f1e2d3c-0000-4000-8000-000000000001", Discovery: "https://auth.banco-ensaio.localhost/.well-known/openid-configuration", Capabilities: []string{"clock", "defects"}},
		Selection: Selection{Patterns: []string{}, Profile: "account-holder", Full: true, Command: "ensaio run --seed 4711"},
		Problems:  []string{"baseline entry par/odd (OFB-12, ana) expired on 2026-11-01"},
		Checks: []Check{
			{ID: "SOP-015", Name: "par/rejects-missing-exp", Title: "A request object without exp is refused", Area: "security", Plan: "security-op", Status: Pass, Severity: Must, Rules: []string{"AS-REQ-03/has-exp"}, Official: []string{"fapi1-advanced-final-ensure-request-object-without-exp-fails"}, Needs: []string{"a registered client"}, DurationMs: 38, Asserted: 2, ProvenBy: []string{"par/accepts-missing-exp", "off:AS-REQ-03/has-exp"}, Evidence: []Exchange{y.Brief()}},
			{ID: "SOP-043", Name: "token/accepts-issuer-audience", Title: "A client assertion addressed to the issuer is accepted", Area: "security", Plan: "security-op", Status: Warn, Severity: Should, Rules: []string{"AS-CA-03"}, Needs: []string{"a registered client"}, DurationMs: 12, Asserted: 1, Expected: "success (2xx)", Received: "401 Unauthorized with invalid_client", Findings: []Finding{{Fail, "success (2xx)", "401 Unauthorized with invalid_client", []string{"e1"}}}, Evidence: []Exchange{}},
			{ID: "CON-004", Name: "consents/times-out-awaiting", Title: "A consent that nobody authorises ends after sixty minutes", Area: "consents", Plan: "consents", Status: Skip, Severity: Must, Undeclared: true, Reason: "the target does not declare the capability clock", Rules: []string{"AS-CONS-05"}, Needs: []string{"a stepped clock"}, Evidence: []Exchange{}},
			{ID: "DACC-012", Name: "data/accounts/transactions/keeps-order-across-pages", Title: "The second page starts after the last transaction of the first", Area: "data", Plan: "data-acc", Status: Fail, Severity: Must, Rules: []string{"DATA-PAGE-03"}, Needs: []string{"a customer who is ordinary"}, DurationMs: 233, Asserted: 5,
				Expected: "page 2 starts after the last transaction of page 1", Received: "page 2 repeats transactionId TXpRMU9UQTROMWhZV2", ProvenBy: []string{"data/shuffles-pages"},
				Findings: []Finding{{Fail, "page 2 starts after the last transaction of page 1", "page 2 repeats transactionId TXpRMU9UQTROMWhZV2", []string{"e1"}}}, Steps: []string{"consent created and authorised", "both pages read"}, Evidence: []Exchange{x, y}},
			{ID: "DACC-013", Name: "data/accounts/list/matches-schema", Title: "The list of accounts keeps its published contract", Area: "data", Plan: "data-acc", Status: Unavailable, Severity: Must, Reason: "GET /accounts: connection refused", DurationMs: 3, Rules: []string{"RS-HDR-05"}, Needs: []string{}, Evidence: []Exchange{}},
		},
	}
	for i := range r.Checks {
		if r.Checks[i].Official == nil {
			r.Checks[i].Official = []string{}
		}
	}
	r.Selection.Selected, r.Selection.Of = len(r.Checks), len(r.Checks)
	r.Summary = Count(r.Checks)
	r.Verdict = Judge(r.Checks, false, "")
	r.Profiles = []ProfileResult{{Name: "account-holder", Verdict: r.Verdict, Core: r.Summary}}
	return r
}

func written(t *testing.T, r *Report) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if _, err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range []string{"report.json", "junit.xml", "report.html"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(b)
	}
	var md bytes.Buffer
	if err := r.Markdown(&md); err != nil {
		t.Fatal(err)
	}
	out["report.md"] = md.String()
	return out
}

func TestNoSecretReachesAnyWriter(t *testing.T) {
	for name, text := range written(t, sample()) {
		for _, c := range canaries {
			if strings.Contains(text, c) {
				t.Errorf("%s holds %q", name, c)
			}
		}
	}
}

func TestReportsAreTheGoldenOnes(t *testing.T) {
	for name, got := range written(t, sample()) {
		if name == "report.html" {
			continue // looked at as a picture, and below for what it must hold
		}
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from %s; run with -update and read the difference", name, golden)
		}
	}
}

func TestTheHTMLNeedsNothingElseAndSaysWhatItMust(t *testing.T) {
	html := written(t, sample())["report.html"]
	for _, forbidden := range []string{"<link", "src=", "@import", "url(", "http-equiv=\"refresh"} {
		if strings.Contains(html, forbidden) {
			t.Errorf("the page is not self-contained: %s", forbidden)
		}
	}
	for _, wanted := range []string{Notice, "Broken on purpose", "data/shuffles-pages", "id=\"DACC-012\"", "id=\"c-SOP-015\"", "shown to fail on 2 defects",
		"page 2 starts after the last transaction", "page 2 repeats", "8f0c2f6a-1111-4a6e-9c3f-0c0c0c0c0c0c", "lang=\"en\"", "✗ FAIL"} {
		if !strings.Contains(html, wanted) {
			t.Errorf("the page lacks %q", wanted)
		}
	}
	if strings.Index(html, "id=\"DACC-012\"") > strings.Index(html, "id=\"c-SOP-015\"") {
		t.Error("failures do not come first")
	}
}

func TestTextOfOthersCannotBecomeMarkup(t *testing.T) {
	r := sample()
	r.Target.Name = `<script>alert(1)</script>`
	r.Checks[3].Received = `"><img onerror=x>`
	r.Checks[3].Findings[0].Received = r.Checks[3].Received
	html := written(t, r)["report.html"]
	if strings.Contains(html, "<script>alert") || strings.Contains(html, "<img") {
		t.Error("text of the target became markup")
	}
}

func TestJUnitCountsWhatItHolds(t *testing.T) {
	var doc struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Tests int    `xml:"tests,attr"`
			Cases []struct {
				Class   string    `xml:"classname,attr"`
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
				Props   []struct {
					Name  string `xml:"name,attr"`
					Value string `xml:"value,attr"`
				} `xml:"properties>property"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(written(t, sample())["junit.xml"]), &doc); err != nil {
		t.Fatal(err)
	}
	tests, failures, errs, skipped := 0, 0, 0, 0
	rules := map[string]bool{}
	for _, s := range doc.Suites {
		if s.Tests != len(s.Cases) {
			t.Errorf("suite %s says %d tests and holds %d", s.Name, s.Tests, len(s.Cases))
		}
		for _, c := range s.Cases {
			tests++
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errs++
			}
			if c.Skipped != nil {
				skipped++
			}
			for _, p := range c.Props {
				if p.Name == "rule" {
					rules[c.Class+" "+p.Value] = true
				}
			}
		}
	}
	if doc.Tests != tests || doc.Failures != failures || doc.Errors != errs || doc.Skipped != skipped || tests != 5 || failures != 1 || errs != 1 || skipped != 1 {
		t.Errorf("says %d/%d/%d/%d, holds %d/%d/%d/%d", doc.Tests, doc.Failures, doc.Errors, doc.Skipped, tests, failures, errs, skipped)
	}
	if !rules["SOP-015 AS-REQ-03/has-exp"] {
		t.Error("rules are no properties")
	}
}

func TestVerdicts(t *testing.T) {
	of := func(checks ...Check) []Check { return checks }
	pass := Check{Status: Pass, Severity: Must}
	for _, c := range []struct {
		name    string
		checks  []Check
		partial bool
		failOn  string
		want    Verdict
	}{
		{"nothing", nil, false, "", VerdictIncomplete},
		{"all pass", of(pass), false, "", VerdictPass},
		{"cut short", of(pass), true, "", VerdictIncomplete},
		{"a fail", of(pass, Check{Status: Fail, Severity: Must}), false, "", VerdictFail},
		{"a crash", of(pass, Check{Status: Error}), false, "", VerdictNone},
		{"no answer", of(pass, Check{Status: Unavailable}), false, "", VerdictNone},
		{"fail beats no answer", of(Check{Status: Fail}, Check{Status: Unavailable}), false, "", VerdictFail},
		{"must skipped", of(pass, Check{Status: Skip, Severity: Must}), false, "", VerdictIncomplete},
		{"power not declared", of(pass, Check{Status: Skip, Severity: Must, Undeclared: true}), false, "", VerdictPass},
		{"should skipped", of(pass, Check{Status: Skip, Severity: Should}), false, "", VerdictPass},
		{"only skipped", of(Check{Status: Skip, Undeclared: true}), false, "", VerdictIncomplete},
		{"review", of(pass, Check{Status: Review}), false, "", VerdictIncomplete},
		{"fixed", of(pass, Check{Status: Fixed}), false, "", VerdictFail},
		{"known failure", of(pass, Check{Status: KnownFail}), false, "", VerdictPass},
		{"warning", of(pass, Check{Status: Warn}), false, "", VerdictPass},
		{"warning, strict", of(pass, Check{Status: Warn}), false, "warn", VerdictFail},
		{"should, strict", of(pass, Check{Status: Warn, Severity: Should, Findings: []Finding{{Status: Fail}}}), false, "should", VerdictFail},
		{"unknown status", of(pass, Check{Status: "odd"}), false, "", VerdictNone},
	} {
		if got := Judge(c.checks, c.partial, c.failOn); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestVerifyFindsWhatDoesNotFollow(t *testing.T) {
	if wrong := Verify(sample()); len(wrong) > 0 {
		t.Fatalf("a true report is doubted: %v", wrong)
	}
	for name, lie := range map[string]func(*Report){
		"a dropped failure":          func(r *Report) { r.Checks = append(r.Checks[:3], r.Checks[4:]...) },
		"a better verdict":           func(r *Report) { r.Verdict = VerdictPass },
		"a better count":             func(r *Report) { r.Summary.Fail--; r.Summary.Pass++ },
		"a check twice":              func(r *Report) { r.Checks[1] = r.Checks[0] },
		"a pass without expectation": func(r *Report) { r.Checks[0].Asserted = 0 },
		"a pass with a finding":      func(r *Report) { r.Checks[0].Findings = []Finding{{Status: Fail}} },
		"a skip without reason":      func(r *Report) { r.Checks[2].Reason = "" },
	} {
		r := sample()
		lie(r)
		if len(Verify(r)) == 0 {
			t.Errorf("%s is not noticed", name)
		}
	}
}

func TestDiffSaysFirstWhetherItIsARegression(t *testing.T) {
	a, b := sample(), sample()
	b.Checks[0].Status = Fail
	b.Checks[3].Status = Pass
	d := Diff(a, b)
	if !d.Regression || len(d.Failing) != 1 || d.Failing[0].ID != "SOP-015" || len(d.Passing) != 1 || d.Passing[0].ID != "DACC-012" {
		t.Errorf("got %+v", d)
	}
	var out bytes.Buffer
	if err := d.Print(&out); err != nil || !strings.HasPrefix(out.String(), "REGRESSION\n") {
		t.Errorf("printed %q, %v", out.String(), err)
	}
	if Diff(a, sample()).Regression {
		t.Error("equal reports are a regression")
	}
	gone := sample()
	gone.Checks = gone.Checks[1:]
	if !Diff(a, gone).Regression {
		t.Error("a check that is gone is no regression")
	}
}

func TestTheMachineContractHoldsItsMembers(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(written(t, sample())["report.json"]), &doc); err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"apiVersion", "kind", "verdict", "tool", "target", "seed", "defects", "selection", "summary", "checks"} {
		if _, ok := doc[m]; !ok {
			t.Errorf("report lacks %s", m)
		}
	}
	summary := doc["summary"].(map[string]any)
	for _, m := range []string{"pass", "fail", "warn", "skip", "review", "knownFail", "fixed", "error", "unavailable"} {
		if _, ok := summary[m]; !ok {
			t.Errorf("summary lacks %s", m)
		}
	}
	for _, c := range doc["checks"].([]any) {
		for _, m := range []string{"id", "title", "area", "status", "severity", "rules", "official", "needs", "durationMs", "expected", "received", "reason", "evidence"} {
			if v, ok := c.(map[string]any)[m]; !ok || v == nil {
				t.Errorf("a check lacks %s", m)
			}
		}
	}
}

func TestAProofCountsAndMissesFloors(t *testing.T) {
	p := &Proof{Defects: []DefectProof{
		{Name: "a/x", Weight: "critical", Outcome: Killed, CaughtBy: []string{"C-1"}},
		{Name: "a/y", Weight: "critical", Outcome: Lived},
		{Name: "a/z", Weight: "minor", Outcome: Stillborn},
		{Name: "a/w", Weight: "minor", Outcome: Killed, CaughtBy: []string{"C-2", "C-1"}, Elsewhere: true},
	}}
	p.Summarise([]string{"C-1", "C-2", "C-3"})
	s := p.Summary
	if s.Defects != 4 || s.Killed != 2 || s.Lived != 1 || s.Stillborn != 1 || s.Aimed != 1 || s.ProvenChecks != 2 || s.ByWeight["critical"] != (Share{1, 2}) || s.ByWeight["minor"] != (Share{1, 1}) {
		t.Errorf("got %+v", s)
	}
	if len(p.Missed()) != 2 || len(p.Unproven) != 1 || p.Unproven[0] != "C-3" {
		t.Errorf("missed %v unproven %v", p.Missed(), p.Unproven)
	}
	if by := p.ByCheck(); len(by["C-1"]) != 2 {
		t.Errorf("by check %v", by)
	}
}
