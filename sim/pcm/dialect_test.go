package pcm

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

func speaking(t *testing.T, edit object) *PCM {
	t.Helper()
	p := start(t, Config{})
	if err := p.Speak(edit); err != nil {
		t.Fatal(err)
	}
	return p
}

// verdictOf is what becomes of one item at the door: "ACCEPTED", or the message of its discard.
func verdictOf(t *testing.T, p *PCM, by, path string, o object) string {
	t.Helper()
	_, got := post(t, p, by, path, o)
	if got[0].Status == Accepted {
		return string(Accepted)
	}
	return got[0].Message
}

// whole is the answer to one request as a whole.
func whole(t *testing.T, p *PCM, path string, body any) string {
	t.Helper()
	w := send(t, p, "POST", path, bearer(t, p, orgA), encode(t, body))
	return fmt.Sprintf("%d %s", w.Code, w.Body)
}

// TestEveryReleaseChangesWhatItSays shows each row of the dialect table in the releases around its
// change: the same act, with what it comes to before and after.
func TestEveryReleaseChangesWhatItSays(t *testing.T) {
	old := func() object { return with(clientReport(1), "processTimespan", 12) } // which had whole numbers alone
	ahead := with(old(), "timestamp", "2026-09-15T12:06:00.000Z")
	timeout := with(with(old(), "statusCode", 408), "fapiInteractionId", nil)
	child := with(old(), "clientOrgId", orgC)
	at := func(endpoint, method string) object {
		return with(with(clientReport(1), "endpoint", endpoint), "httpMethod", method)
	}
	private := func(o object) func(*testing.T, *PCM) string {
		return func(t *testing.T, p *PCM) string { return verdictOf(t, p, orgA, privatePath, o) }
	}
	posted := func(path string, body any) func(*testing.T, *PCM) string {
		return func(t *testing.T, p *PCM) string { return whole(t, p, path, body) }
	}
	findings := func(o object) func(*testing.T, *PCM) string {
		return func(t *testing.T, p *PCM) string {
			if v := verdictOf(t, p, orgA, privatePath, o); v != "ACCEPTED" {
				return v
			}
			return fmt.Sprint(p.Reports(Query{Interaction: interactionID(1)})[0].Findings)
		}
	}
	step := object{"consentId": urnOne, "os": "android", "osVersion": "14", "timestamp": "2026-09-15T11:59:00.000Z", "Platform": "app", "clientOrgId": orgA}
	selfless := with(with(with(step2(step), "clientOrgId", ""), "platform", "APP"), "os", "ANDROID")
	pay := func(version, field string, value any) object {
		o := at("/open-banking/payments/"+version+"/pix/payments/{paymentId}", "GET")
		o["additionalInfo"] = with(object{"consentId": urnOne, "tokenId": "c9ng8aKzxNXm", "authorisationFlow": "HYBRID_FLOW", "localInstrument": "DICT", "status": "ACSC"}, field, value)
		return o
	}
	const api = "/open-banking/"
	for _, row := range []struct {
		name, before, since string
		act                 func(*testing.T, *PCM) string
		was, is             string // begins with
	}{
		{"stock", "1.0.4", "2025A", posted(spec.StockPath, stockReport("2026-09-14", orgA, "CLIENT")), "404", "200"},
		{"states", "2025B", "2025C", posted(spec.PaymentStatesPath, []object{stateReport(1)}), "404", "200"},
		{"portability", "2025A", "2025B", posted(spec.PortabilityClientPath, []object{portabilityReport(1)}), "404", "200"},
		{"old portability fields", "2025C", "2025D", func(t *testing.T, p *PCM) string {
			return verdictOf(t, p, orgA, spec.PortabilityClientPath, with(portabilityReport(1), "contractId", "x"))
		}, "ACCEPTED", "property contractId"},
		{"state of settlement", "2025C", "2025D", func(t *testing.T, p *PCM) string {
			return verdictOf(t, p, orgA, spec.PortabilityClientPath, with(portabilityReport(1), "creditPortabilityStatus", "ACCEPTED_SETTLEMENT_IN_PROCESS"))
		}, "ACCEPTED", "creditPortabilityStatus must be"},
		{"eligibility", "2025D", "2026A", func(t *testing.T, p *PCM) string {
			return verdictOf(t, p, orgA, spec.PortabilityClientPath, with(portabilityReport(1), "endpoint", api+"credit-portability/v1/credit-operations/{contractId}/portability-eligibility"))
		}, "Unlisted endpoint", "ACCEPTED"},
		{"conglomerates", "2025A", "2025B", private(child), "Requester id mismatch", "ACCEPTED"},
		{"future", "2025C", "2025D", private(ahead), "ACCEPTED", "Timestamp is in the future"},
		{"timeout without id", "2025C", "2025D", private(timeout), "ACCEPTED", "Invalid field value fapiInteractionId"},
		{"whole timespan", "2026B", "2026C", private(clientReport(1)), "Invalid type: processTimespan: Expected integer", "ACCEPTED"},
		{"payments v5", "2026A", "2026B", private(with(at(api+"payments/v5/pix/payments/{paymentId}", "GET"), "processTimespan", 3)), "Unlisted endpoint", "ACCEPTED"},
		{"payments v4", "2026B", "2026C", private(with(at(api+"payments/v4/pix/payments/{paymentId}", "GET"), "processTimespan", 3)), "ACCEPTED", "Unlisted endpoint"},
		{"enrollments v1", "2026A", "2026B", private(with(at(api+"enrollments/v1/enrollments", "POST"), "processTimespan", 3)), "ACCEPTED", "Unlisted endpoint"},
		{"recurring authorise", "2025C", "2025D", private(with(at(api+"enrollments/v2/recurring-consents/{recurringConsentId}/authorise", "POST"), "processTimespan", 3)), "Unlisted endpoint", "ACCEPTED"},
		{"retry", "2025B", "2025C", private(with(at(api+"automatic-payments/v2/pix/recurring-payments/{originalRecurringPaymentId}/retry", "POST"), "processTimespan", 3)), "Unlisted endpoint", "ACCEPTED"},
		{"legacy list", "2025C", "2025D", private(with(at(api+"accounts/v1/accounts", "GET"), "processTimespan", 3)), "ACCEPTED", "Unlisted endpoint"},
		{"one event", "1.0.2", "1.0.4", posted(HybridFlow+"client/redirect-to-server", step), `200 {"reportId":"`, "400"},
		{"events in arrays", "1.0.2", "1.0.4", posted(HybridFlow+"client/redirect-to-server", []object{with(with(step2(step), "platform", "APP"), "os", "ANDROID")}), "400", "200 [{"},
		{"empty party", "1.0.4", "2025A", posted(HybridFlow+"client/redirect-to-server", []object{selfless}), "200", "207"},
		{"old words", "1.0.2", "1.0.4", private(with(with(clientReport(1), "processTimespan", nil), "httpMethod", nil)), "Missing fields: 'httpMethod', 'processTimespan'", "Invalid type: httpMethod: Required"},
		{"old words of types", "1.0.2", "1.0.4", private(with(clientReport(1), "processTimespan", "3")), "Field type mismatch", "Invalid type: processTimespan"},
		{"old words of aliens", "1.0.2", "1.0.4", private(with(with(clientReport(1), "colour", 1), "processTimespan", 3)), "Additional property", "Invalid format: : Unrecognized"},
		{"ten megabytes", "1.0.2", "1.0.4", posted(privatePath, []object{with(clientReport(1), "x", strings.Repeat("x", 11<<20))}), "413", "207"},
		{"token tags", "2025C", "2025D", findings(with(with(clientReport(1), "additionalInfo", object{"consentId": urnOne}), "processTimespan", 3)), "[]", "[{tokenId Nulo}]"},
		{"token tags of failures", "2026B", "2026C", findings(with(with(with(clientReport(1), "additionalInfo", object{"consentId": urnOne}), "processTimespan", 3), "statusCode", 403)), "[{tokenId Nulo}]", "[]"},
		{"cancellations", "2026B", "2026C", findings(with(pay("v5", "status", "CANC"), "processTimespan", 3)), "[]", "[{cancellationReason Nulo} {cancelledFrom Nulo}]"},
		{"slips", "2026B", "2026C", findings(with(pay("v5", "authorisationFlow", "CIBA_FLOW "), "processTimespan", 3)), "[]", "[{authorisationFlow Invalido}]"},
		{"instruments", "2026A", "2026B", findings(with(pay("v4", "localInstrument", "APDN"), "processTimespan", 3)), "[{localInstrument Invalido}]", "[]"},
		{"drop reasons", "2025A", "2025B", dropped("NO_AUTHORITY"), "[{dropReason Invalido}]", "[]"},
		{"drop reason of credentials", "2026B", "2026C", dropped("CREDENTIAL_UNAVAILABLE"), "[{dropReason Invalido}]", "[]"},
		{"types of payment", "2026B", "2026C", func(t *testing.T, p *PCM) string {
			return verdictOf(t, p, orgB, spec.PaymentStatesPath, with(stateReport(1), "paymentType", "WITHDRAW"))
		}, "paymentType must be", "ACCEPTED"},
		{"fresh tokens", "2025D", "2026A", func(t *testing.T, p *PCM) string { return tokenAnswer(t, p, "/token-fresh/", "") }, "404", "401"},
		{"PUT", "1.0.2", "1.0.4", func(t *testing.T, p *PCM) string {
			w := send(t, p, "PUT", privatePath+interactionID(1), bearer(t, p, orgA), []byte(`{"role":"SERVER"}`))
			return fmt.Sprintf("%d %s", w.Code, w.Body)
		}, `400 {"message":"Invalid field value: role"}`, "404"},
		{"GET", "1.0.4", "2025A", func(t *testing.T, p *PCM) string {
			_, got := post(t, p, orgA, privatePath, with(clientReport(1), "processTimespan", 3))
			byReport := send(t, p, "GET", privatePath+got[0].ReportID, bearer(t, p, orgA), nil)
			byInteraction := send(t, p, "GET", privatePath+interactionID(1), bearer(t, p, orgA), nil)
			return fmt.Sprint(byReport.Code, byInteraction.Code)
		}, "200 404", "404 200"},
		{"cached tokens", "2025C", "2025D", func(t *testing.T, p *PCM) string {
			return fmt.Sprint(bearer(t, p, orgA) == bearer(t, p, orgA))
		}, "false", "true"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for release, want := range map[string]string{row.before: row.was, row.since: row.is} {
				if got := row.act(t, speaking(t, object{"release": release})); !strings.HasPrefix(got, want) {
					t.Errorf("%s: %.150s, want %s", release, got, want)
				}
			}
		})
	}
}

func step2(step object) object {
	o := object{}
	for k, v := range step {
		o[k] = v
	}
	delete(o, "Platform")
	return o
}

// dropped reports the creation of a consent from the holder's side.
func dropped(reason string) func(*testing.T, *PCM) string {
	return func(t *testing.T, p *PCM) string {
		o := with(with(with(serverReport(1), "endpoint", "/open-banking/consents/v3/consents"), "httpMethod", "POST"), "processTimespan", 3)
		o["additionalInfo"] = object{"dropReason": reason}
		if v := verdictOf(t, p, orgB, privatePath, o); v != "ACCEPTED" {
			return v
		}
		return fmt.Sprint(p.Reports(Query{Interaction: interactionID(1)})[0].Findings)
	}
}

func tokenAnswer(t *testing.T, p *PCM, path, media string) string {
	t.Helper()
	w := send(t, p, "POST", path, "", []byte(`{"client_id":"x","grant_type":"client_credentials"}`), func(r *http.Request) {
		r.Host = "auth.pcm.test"
		if media != "" {
			r.Header.Set("Content-Type", media)
		}
	})
	return fmt.Sprintf("%d %s", w.Code, w.Body)
}

// TestEverySwitchWorksAlone turns over the switches that no release has on, or that releases share.
func TestEverySwitchWorksAlone(t *testing.T) {
	slashless := strings.TrimSuffix(privatePath, "/")
	for _, row := range []struct {
		name       string
		is         bool // in the current release
		act        func(*testing.T, *PCM) string
		off, turns string
	}{
		{"strictMethods", false, func(t *testing.T, p *PCM) string {
			return verdictOf(t, p, orgA, privatePath, with(clientReport(1), "httpMethod", "POST"))
		}, "ACCEPTED", "Unlisted endpoint"},
		{"strictPath", false, func(t *testing.T, p *PCM) string { return whole(t, p, slashless, []object{clientReport(1)}) }, "200", "404"},
		{"singleDiscard", false, func(t *testing.T, p *PCM) string {
			return whole(t, p, privatePath, []object{with(clientReport(1), "role", nil)})
		}, "207 [{", `400 {"reportId"`},
		{"legacyEndpoints", false, func(t *testing.T, p *PCM) string {
			return verdictOf(t, p, orgA, privatePath, with(clientReport(1), "endpoint", "/open-banking/accounts/v1/accounts"))
		}, "Unlisted endpoint", "ACCEPTED"},
		{"emptyStock", true, func(t *testing.T, p *PCM) string {
			_, got := stocked(t, p, orgA, stockReport("2026-09-14", orgA, "CLIENT"))
			return string(got.Status)
		}, "DISCARDED", "ACCEPTED"},
		{"tokenJSON", true, func(t *testing.T, p *PCM) string { return tokenAnswer(t, p, "/token/", "application/json") }, "400", "401"},
		{"tokenForm", true, func(t *testing.T, p *PCM) string {
			return tokenAnswer(t, p, "/token/", "application/x-www-form-urlencoded")
		}, "400", "401"},
		{"greenwich", false, func(t *testing.T, p *PCM) string {
			c, err := p.Closing("2026-09-14")
			if err != nil {
				t.Fatal(err)
			}
			return c.Eight.Deadline.Format("15:04")
		}, "11:00", "08:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var now object
			p := start(t, Config{})
			if control(t, p, "GET", "/dialect", "", &now); now[row.name] != row.is || now["release"] != "2026C" {
				t.Errorf("in the current release: %v", now)
			}
			for on, want := range map[bool]string{false: row.off, true: row.turns} {
				p := start(t, Config{})
				if status := control(t, p, "POST", "/dialect", fmt.Sprintf(`{%q:%t}`, row.name, on), &now); status != 200 || now[row.name] != on {
					t.Fatalf("%d %v", status, now)
				}
				if got := row.act(t, p); !strings.HasPrefix(got, want) {
					t.Errorf("%t: %s, want %s", on, got, want)
				}
			}
		})
	}
}

func TestUnknownDialectsAreRefused(t *testing.T) {
	p := start(t, Config{})
	for _, body := range []string{`{"release":"2027Z"}`, `{"release":5}`, `{"putReport":true}`, `{"putReports":"yes"}`, `{"shownAfter":"-1s"}`, `[]`} {
		var answer map[string]string
		if status := control(t, p, "POST", "/dialect", body, &answer); status != 400 || answer["error"] == "" {
			t.Errorf("%s: %d %v", body, status, answer)
		}
	}
	if _, err := New(Config{Release: "2027Z"}); err == nil || !strings.Contains(err.Error(), "2026C") {
		t.Errorf("got %v", err)
	}
	var rows []map[string]string
	if control(t, p, "GET", "/dialects", "", &rows); len(rows) != switchCount {
		t.Errorf("%d switches are explained", len(rows))
	}
	for _, r := range rows {
		if r["switch"] == "" || r["changes"] == "" {
			t.Errorf("got %v", r)
		}
	}
}

// TestCorrectionPairsAnInconsistentReport corrects a report in the oldest dialect, also across a restart.
func TestCorrectionPairsAnInconsistentReport(t *testing.T) {
	dir := t.TempDir()
	clk := clock.Fixed(noon)
	p := start(t, Config{Dir: dir, Release: "1.0.2", Clock: clk})
	client, server := with(clientReport(1), "processTimespan", 12), with(with(serverReport(1), "processTimespan", 12), "statusCode", 201)
	_, mine := post(t, p, orgA, privatePath, client)
	post(t, p, orgB, privatePath, server)
	put := func(by, id, body string) int {
		return send(t, p, "PUT", privatePath+id, bearer(t, p, by), []byte(body)).Code
	}
	id := mine[0].ReportID
	clk.Advance(7 * 24 * time.Hour)
	if got := put(orgA, id, `{"statusCode":201}`); got != 400 {
		t.Fatalf("a correction after seven days: %d", got)
	}
	clk.Set(noon)
	for _, row := range []struct {
		by, id, body string
		want         int
	}{{orgB, id, `{"statusCode":201}`, 404}, {orgA, interactionID(5), `{"statusCode":201}`, 404}, {orgA, id, `{"statusCode":20}`, 400}, {orgA, id, `x`, 400}, {orgA, id, `{"statusCode":201}`, 202}} {
		if got := put(row.by, row.id, row.body); got != row.want {
			t.Fatalf("%v: %d", row, got)
		}
	}
	look := func(p *PCM) {
		t.Helper()
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Reports(Query{Interaction: interactionID(1)}) {
			if r.Status != Paired || r.StatusCode != 201 {
				t.Errorf("%s is %s with %d", r.Role, r.Status, r.StatusCode)
			}
		}
		lines := exported(t, p, "?kind=private")
		if len(lines) != 2 || lines[1].ReportID != id || lines[1].State != "PAIRED" {
			t.Errorf("exported %+v", lines)
		}
	}
	look(p)
	if got := put(orgA, id, `{"statusCode":200}`); got != 404 {
		t.Errorf("a paired report is corrected: %d", got)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	look(start(t, Config{Dir: dir}))
}

// TestEverySwitchIsDocumented holds the table of docs/pcm.md against the switches.
func TestEverySwitchIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/pcm.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range switches {
		if row := fmt.Sprintf("| `%s` | %s | %s | %s |", s.name, s.since, strings.Trim(s.until, "-"), s.changes); !strings.Contains(string(text), row) {
			t.Errorf("docs/pcm.md lacks %s", row)
		}
	}
}
