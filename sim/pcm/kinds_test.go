package pcm

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

func stateReport(n int) object {
	return object{"eventDateTime": "2026-09-15T11:59:00.000Z", "paymentType": "IMMEDIATE", "clientOrgId": orgA, "consentId": urnOne,
		"paymentId": fmt.Sprintf("payment-%d", n), "paymentStatus": "ACSC"}
}

const portabilities = "/open-banking/credit-portability/v1/portabilities"

func portabilityReport(n int) object {
	return object{"fapiInteractionId": interactionID(n), "endpoint": portabilities, "statusCode": 201, "httpMethod": "POST", "timestamp": "2026-09-15T11:59:00.000Z",
		"processTimespan": 120, "clientOrgId": orgA, "serverOrgId": orgB, "clientSSId": softA, "endpointUriPrefix": "https://api.banco.test/",
		"portabilityId": interactionID(77), "consentId": urnOne, "creationDateTime": "2026-09-15T11:59:00Z"}
}

func portabilityServer(n int) object {
	o := portabilityReport(n)
	for _, f := range []string{"clientSSId", "endpointUriPrefix", "creationDateTime"} {
		delete(o, f)
	}
	return o
}

func stockReport(date, org, role string, lines ...object) object {
	return object{"date": date, "orgId": org, "role": role, "scope": "DADOS", "totalCustomerPF": 1, "totalCustomerPJ": 0, "consentsStockList": append([]object{}, lines...)}
}

func line(client, server string, n int) object {
	return object{"clientOrgId": client, "serverOrgId": server, "totalActiveConsents": n}
}

// stocked posts one stock report.
func stocked(t *testing.T, p *PCM, by string, o object) (int, item) {
	t.Helper()
	w := send(t, p, "POST", spec.StockPath, bearer(t, p, by), encode(t, o))
	var got item
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Code, got
}

// control asks the control surface.
func control(t *testing.T, p *PCM, method, path, body string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	p.Control().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	return w.Code
}

func TestEveryStockRuleDiscards(t *testing.T) {
	good := func() object { return stockReport("2026-09-14", orgA, "CLIENT", line(orgA, orgB, 3)) }
	if status, got := stocked(t, start(t, Config{}), orgA, good()); status != 200 || got.Status != Accepted || !isUUID([]byte(got.ReportID)) {
		t.Fatalf("%d %+v", status, got)
	}
	spoiled := map[string]object{
		"PCM-STOCK/has-required-fields": with(good(), "scope", nil),
		"PCM-STOCK/fields-typed":        with(good(), "totalCustomerPF", -1),
		"PCM-STOCK/ids-are-uuids":       with(good(), "consentsStockList", []object{line(orgA, "x", 3)}),
		"PCM-STOCK/values-listed":       with(good(), "scope", "PAGAMENTOS"),
		"PCM-STOCK/date-form":           with(good(), "date", "15/09/2026"),
		"PCM-STOCK/not-ahead":           with(good(), "date", "2026-09-16"),
		"PCM-STOCK/reports-itself":      good(), // from B
		"PCM-STOCK/organisation-known":  with(with(good(), "orgId", interactionID(1)), "consentsStockList", []object{line(interactionID(1), orgB, 1)}),
		"PCM-STOCK/lines-are-its-own":   with(good(), "consentsStockList", []object{line(orgC, orgB, 3)}),
		"PCM-STOCK/list-filled":         with(good(), "consentsStockList", []object{}), // where it must not be
	}
	for _, rule := range stockRules.Rules() {
		o, covered := spoiled[rule.ID]
		if !covered {
			t.Errorf("no report breaks %s alone", rule.ID)
			continue
		}
		by := orgA
		if rule.ID == "PCM-STOCK/reports-itself" {
			by = orgB
		}
		for _, seams := range []Config{{}, {Seams: off(t, rule.ID)}} {
			p := start(t, seams)
			if rule.ID == "PCM-STOCK/list-filled" {
				if err := p.Speak(map[string]any{"emptyStock": false}); err != nil {
					t.Fatal(err)
				}
			}
			want := Discarded
			if seams.Seams != nil {
				want = Accepted
			}
			if status, got := stocked(t, p, by, o); status != 200 || got.Status != want || (want == Discarded) == (got.Message == "") || strings.Contains(got.Message, ";") {
				t.Errorf("%s, want %s: %d %+v", rule.ID, want, status, got)
			}
		}
	}
}

// TestStockIsComparedBetweenCounterparts tells the same, then a changed number, then what the other side
// has.
func TestStockIsComparedBetweenCounterparts(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Config{Dir: dir})
	first := stockReport("2026-09-14", orgA, "CLIENT", line(orgA, orgB, 3))
	for _, o := range []object{first, first, stockReport("2026-09-14", orgA, "CLIENT", line(orgA, orgB, 4))} {
		stocked(t, p, orgA, o)
	}
	stocked(t, p, orgB, with(stockReport("2026-09-14", orgB, "SERVER", line(orgA, orgB, 5), line(orgC, orgB, 1)), "totalCustomerPF", 9))
	look := func(p *PCM) {
		t.Helper()
		var got struct {
			Reports  []StockKept
			Pairs    []StockPair
			Findings []StockFinding
		}
		control(t, p, "GET", "/stock?date=2026-09-14", "", &got)
		if len(got.Reports) != 2 || got.Reports[0].Repeats != 1 || got.Reports[0].Updates != 1 || got.Reports[0].Report.Stock[0].Total != 4 {
			t.Fatalf("got %+v", got.Reports)
		}
		if len(got.Pairs) != 2 || got.Pairs[0].Agree || *got.Pairs[0].Client != 4 || *got.Pairs[0].Server != 5 || got.Pairs[1].Client != nil {
			t.Errorf("got %+v", got.Pairs)
		}
		if len(got.Findings) != 3 || !strings.Contains(got.Findings[0].Finding, "above") || !strings.Contains(got.Findings[1].Finding, "4 active consents") {
			t.Errorf("got %+v", got.Findings)
		}
	}
	look(p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	look(start(t, Config{Dir: dir}))
}

// TestPaymentStatesMeetTheInitiatorsWord plays each finding of section 10 alone.
func TestPaymentStatesMeetTheInitiatorsWord(t *testing.T) {
	told := func(kind, status string) object {
		o := with(with(clientReport(1), "endpoint", "/open-banking/payments/v5/pix/payments"), "httpMethod", "POST")
		o["statusCode"] = 201
		o["additionalInfo"] = object{"consentId": urnOne, "tokenId": "c9ng8aKzxNXm", "paymentType": kind, "authorisationFlow": "HYBRID_FLOW", "status": status,
			"paymentList": fmt.Sprintf(`[{"paymentId":"payment-1","consentId":"%s","statusUpdateDateTime":"2026-09-15T11:59:00Z","status":"%s"}]`, urnOne, status)}
		return o
	}
	state := func(kind, status, reason string) object {
		o := with(with(stateReport(1), "paymentType", kind), "paymentStatus", status)
		if reason != "" {
			o["statusReasonCode"] = reason
		}
		return o
	}
	for _, row := range []struct {
		name    string
		claim   object
		states  []object
		release string
		want    string
	}{
		{"agreed", told("IMMEDIATE", "ACSC"), []object{state("IMMEDIATE", "ACSC", "")}, "", ""},
		{"absent", told("IMMEDIATE", "RCVD"), nil, "", "absent"},
		{"another type", told("WITHDRAW", "RCVD"), []object{state("IMMEDIATE", "ACSC", "")}, "", "type"},
		{"another end", told("IMMEDIATE", "RJCT"), []object{state("IMMEDIATE", "ACSC", "")}, "", "status"},
		{"no reason", told("IMMEDIATE", "RJCT"), []object{state("IMMEDIATE", "RJCT", "")}, "", "reason"},
		{"an unknown reason", told("IMMEDIATE", "CANC"), []object{state("IMMEDIATE", "CANC", "WHY_NOT")}, "", "reason"},
		{"a reason", told("IMMEDIATE", "RJCT"), []object{state("IMMEDIATE", "RJCT", "SALDO_INSUFICIENTE")}, "", ""},
		{"never scheduled", told("SCHEDULED", "ACSC"), []object{state("SCHEDULED", "ACSC", "")}, "", "schedule"},
		{"scheduled", told("SCHEDULED", "SCHD"), []object{state("SCHEDULED", "SCHD", "")}, "", ""},
		{"cancelled", told("SCHEDULED", "SCHD"), []object{state("SCHEDULED", "CANC", "CANCELADO_AGENDAMENTO")}, "", ""},
		{"any type, before", told("IMMEDIATE", "ACSC"), []object{state("IMMEDIATE", "ACSC", "")}, "2026B", "schedule"},
		{"nobody compared, long before", told("IMMEDIATE", "RCVD"), nil, "2025D", ""},
		{"no claim", nil, []object{state("IMMEDIATE", "ACSC", "")}, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			clk := clock.Fixed(noon)
			p := start(t, Config{Clock: clk})
			if row.claim != nil {
				if status, got := post(t, p, orgA, privatePath, row.claim); status != 200 {
					t.Fatalf("%+v", got)
				}
			}
			if row.states != nil {
				status, _ := post(t, p, orgB, spec.PaymentStatesPath, row.states...)
				if status != 200 {
					t.Fatal(status)
				}
			}
			if row.release != "" {
				if err := p.Speak(map[string]any{"release": row.release}); err != nil {
					t.Fatal(err)
				}
			}
			if row.want == "absent" && len(p.PaymentFindings()) != 0 {
				t.Error("missed before it was due")
			}
			clk.Set(time.Date(2026, 9, 16, 11, 0, 0, 0, time.UTC)) // 08:00 in Brasília
			var got []PaymentFinding
			control(t, p, "GET", "/payments", "", &got)
			kinds := []string{}
			for _, f := range got {
				kinds = append(kinds, f.Kind)
			}
			if strings.Join(kinds, " ") != row.want {
				t.Errorf("got %+v, want %q", got, row.want)
			}
		})
	}
}

func TestRecurringPaymentsAreCountedAndBounded(t *testing.T) {
	clk := clock.Fixed(noon)
	p := start(t, Config{Clock: clk})
	var batch []object
	for i := range 61 {
		batch = append(batch, with(with(stateReport(i), "paymentType", "RECURRENT"), "paymentStatus", "SCHD"))
	}
	post(t, p, orgB, spec.PaymentStatesPath, batch[:60]...)
	if got := p.PaymentFindings(); len(got) != 0 {
		t.Fatalf("sixty are possible: %+v", got)
	}
	post(t, p, orgB, spec.PaymentStatesPath, batch[60])
	if got := p.PaymentFindings(); len(got) != 1 || got[0].Kind != "quantity" {
		t.Fatalf("got %+v", got)
	}
	clk.Set(noon.AddDate(2, 0, 1))
	late := noon.AddDate(2, 0, 0).Format(instant)
	post(t, p, orgB, spec.PaymentStatesPath, with(with(with(stateReport(1), "paymentType", "RECURRENT"), "paymentStatus", "ACSC"), "eventDateTime", late))
	if got := p.PaymentFindings(); len(got) != 2 || got[1].Kind != "reach" {
		t.Errorf("got %+v", got)
	}
}

func TestStatesAndPortabilitiesAreRead(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Config{Dir: dir})
	post(t, p, orgB, spec.PaymentStatesPath, with(stateReport(1), "paymentStatus", "SCHD"), with(stateReport(1), "eventDateTime", "2026-09-15T11:59:30.000Z"))
	var got map[string]any
	w := send(t, p, "GET", spec.PaymentStatesPath+"/payment-1", bearer(t, p, orgB), nil)
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got["paymentStatus"] != "ACSC" || got["status"] != "ACCEPTED" || !isUUID([]byte(fmt.Sprint(got["reportId"]))) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := send(t, p, "GET", spec.PaymentStatesPath+"/payment-1", bearer(t, p, orgA), nil); w.Code != 404 {
		t.Errorf("another organisation reads %d %s", w.Code, w.Body)
	}
	post(t, p, orgA, spec.PortabilityClientPath, portabilityReport(1))
	if status, answers := post(t, p, orgB, spec.PortabilityServerPath, portabilityServer(1)); status != 200 {
		t.Fatalf("%+v", answers)
	}
	post(t, p, orgA, privatePath, clientReport(1)) // the same interaction id is no repetition there
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w = send(t, p, "GET", spec.PortabilityPath+interactionID(1), bearer(t, p, orgB), nil)
	clear(got)
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got["status"] != "PAIRED" || got["endpoint"] != portabilities || got["clientSSId"] != nil {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := send(t, p, "GET", spec.PortabilityPath+interactionID(1), bearer(t, p, orgC), nil); w.Code != 404 {
		t.Errorf("a third one reads %d", w.Code)
	}
	if w := send(t, p, "GET", privatePath+interactionID(1), bearer(t, p, orgA), nil); w.Code != 200 || !strings.Contains(w.Body.String(), `"status":"UNPAIRED"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	before := exported(t, p, "?discarded=true")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = start(t, Config{Dir: dir})
	if after := exported(t, p, "?discarded=true"); len(after) != 5 || !reflect.DeepEqual(before, after) {
		t.Errorf("after a restart %v, before %v", after, before)
	}
	if w := send(t, p, "GET", spec.PortabilityPath+interactionID(1), bearer(t, p, orgA), nil); w.Code != 200 || !strings.Contains(w.Body.String(), `"status":"PAIRED"`) {
		t.Errorf("after a restart: %d %s", w.Code, w.Body)
	}
	if w := send(t, p, "GET", spec.PaymentStatesPath+"/payment-1", bearer(t, p, orgB), nil); w.Code != 200 || !strings.Contains(w.Body.String(), "ACSC") {
		t.Errorf("after a restart: %d %s", w.Code, w.Body)
	}
}

func TestReadsSeeReportsAfterTheDelay(t *testing.T) {
	clk := clock.Fixed(noon)
	p := start(t, Config{Clock: clk})
	if err := p.Speak(map[string]any{"shownAfter": "30s"}); err != nil {
		t.Fatal(err)
	}
	post(t, p, orgA, privatePath, clientReport(1))
	post(t, p, orgB, spec.PaymentStatesPath, stateReport(1))
	for path, org := range map[string]string{privatePath + interactionID(1): orgA, spec.PaymentStatesPath + "/payment-1": orgB} {
		if w := send(t, p, "GET", path, bearer(t, p, org), nil); w.Code != 404 {
			t.Errorf("%s at once: %d", path, w.Code)
		}
	}
	clk.Advance(31 * time.Second)
	for path, org := range map[string]string{privatePath + interactionID(1): orgA, spec.PaymentStatesPath + "/payment-1": orgB} {
		if w := send(t, p, "GET", path, bearer(t, p, org), nil); w.Code != 200 {
			t.Errorf("%s later: %d", path, w.Code)
		}
	}
}
