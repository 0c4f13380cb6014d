package pcm

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/sim/spec"
)

func TestVerdictWords(t *testing.T) {
	create := func(fields object) object {
		o := with(with(with(clientReport(1), "endpoint", "/open-banking/payments/v5/consents"), "httpMethod", "POST"), "statusCode", 201)
		info := object{"authorisationFlowIntent": "HYBRID_FLOW", "consentId": urnOne, "localInstrument": "DICT", "paymentDate": "2026-09-15", "paymentType": "IMMEDIATE",
			"personType": "PF", "status": "AWAITING_AUTHORISATION", "tokenId": "c9ng8aKzxNXm"}
		for k, v := range fields {
			if info = with(info, k, v); k == "statusCode" {
				o["statusCode"] = v
				delete(info, k)
			}
		}
		o["additionalInfo"] = info
		return o
	}
	scheduled := func(schedule any) object {
		return create(object{"paymentType": "SCHEDULED", "paymentDate": nil, "paymentSchedule": schedule})
	}
	company := func(profile any) object { return create(object{"personType": "PJ", "companyProfileInfo": profile}) }
	sign := func(ids object) object {
		o := with(with(clientReport(1), "endpoint", "/open-banking/enrollments/v2/enrollments/{enrollmentId}/fido-sign-options"), "httpMethod", "POST")
		info := object{"enrollmentId": urnOne, "platform": "ANDROID", "rp": "banco.test", "tokenId": "c9ng8aKzxNXm"}
		for k, v := range ids {
			info[k] = v
		}
		o["additionalInfo"] = info
		return o
	}
	resources := func(summary any) object {
		o := with(clientReport(1), "endpoint", "/open-banking/resources/v3/resources")
		o["additionalInfo"] = with(object{"consentId": urnOne, "tokenId": "c9ng8aKzxNXm"}, "statusSummary", summary)
		return o
	}
	failed := func(status int, codes any) object {
		return create(object{"statusCode": status, "errorCodes": codes, "consentId": nil, "tokenId": nil, "status": nil, "paymentDate": nil})
	}
	paid := func(kind string) object {
		o := with(with(with(clientReport(1), "endpoint", "/open-banking/payments/v5/pix/payments"), "httpMethod", "POST"), "statusCode", 201)
		return with(o, "additionalInfo", object{"authorisationFlow": "HYBRID_FLOW", "consentId": urnOne, "paymentType": kind, "status": "RCVD", "tokenId": "c9ng8aKzxNXm"})
	}
	registered := func(attachment string) object {
		o := with(with(with(clientReport(1), "endpoint", "/open-banking/enrollments/v2/enrollments/{enrollmentId}/fido-registration"), "httpMethod", "POST"), "statusCode", 204)
		return with(o, "additionalInfo", object{"authenticatorAttachment": attachment, "enrollmentId": urnOne, "tokenId": "c9ng8aKzxNXm"})
	}
	for _, row := range []struct {
		name string
		o    object
		want string
	}{
		{"sound", create(nil), "[]"},
		{"no payments of a withdrawal", paid("WITHDRAW"), "[]"},
		{"no payments of a schedule", paid("SCHEDULED"), "[{paymentList Nulo}]"},
		{"a device that told nothing of itself", registered(""), "[]"},
		{"a device that told nonsense", registered("x"), "[{authenticatorAttachment Invalido}]"},
		{"null", create(object{"personType": nil}), "[{personType Nulo}]"},
		{"empty", create(object{"personType": ""}), "[{personType Vazio}]"},
		{"outside", create(object{"personType": "PX"}), "[{personType Invalido}]"},
		{"no URN", create(object{"consentId": "42"}), "[{consentId Invalido}]"},
		{"several codes", failed(400, `["A","B"]`), "[{errorCodes Multiplos itens}]"},
		{"no code", failed(400, nil), "[{errorCodes Error_Code invalido}]"},
		{"code in no array", failed(503, "A"), "[{errorCodes Error_Code invalido}]"},
		{"a code", failed(503, `["A"]`), "[]"},
		{"unlisted 422", failed(422, `["A"]`), "[{errorCodes Invalido}]"},
		{"listed 422", failed(422, `["ERRO_IDEMPOTENCIA"]`), "[]"},
		{"null 422", failed(422, nil), "[{errorCodes Nulo}]"},
		{"company", company(object{"naturezaJuridica": "2062", "porteEmpresa": "03"}), "[]"},
		{"no company", company(nil), "[{companyProfileInfo Nulo}]"},
		{"empty company", company(object{}), "[{companyProfileInfo Nulo/Vazio}]"},
		{"no nature", company(object{"porteEmpresa": "03"}), "[{companyProfileInfo Incompleto - sem Natureza Juridica}]"},
		{"no size", company(object{"naturezaJuridica": "2062"}), "[{companyProfileInfo Incompleto - sem Porta da Empresa}]"},
		{"wrong size", company(object{"naturezaJuridica": "2062", "porteEmpresa": "02"}), "[{companyProfileInfo Invalido}]"},
		{"company in words", company(`{"naturezaJuridica":"2062","porteEmpresa":"00"}`), "[]"},
		{"schedule", scheduled(`{"single":{"date":"2026-10-01"}}`), "[]"},
		{"no schedule", scheduled(nil), "[{paymentSchedule Conteudo do additionalInfo paymentSchedule nulo ou invalido}]"},
		{"unknown schedule", scheduled(`{"yearly":{}}`), "[{paymentSchedule Conteudo do additionalInfo paymentSchedule nulo ou invalido}]"},
		{"weekly without day", scheduled(`{"weekly":{"startDate":"2026-10-01","quantity":3}}`), "[{paymentSchedule Conteudo do agendamento semanal nulo ou invalido}]"},
		{"daily of nothing", scheduled(object{"daily": object{"startDate": "", "quantity": 3}}), "[{paymentSchedule Conteudo do agendamento diario invalido}]"},
		{"custom of nothing", scheduled(object{"custom": object{"dates": []string{}}}), "[{paymentSchedule Conteudo do agendamento custom invalido}]"},
		{"neither consent", sign(nil), "[{consentId Pelo menos consentId ou recurringConsentId deve estar preenchido}]"},
		{"both consents", sign(object{"consentId": urnOne, "recurringConsentId": urnOne}), "[{consentId Invalido}]"},
		{"one consent", sign(object{"recurringConsentId": urnOne}), "[]"},
		{"counts", resources(object{"available": "1", "unavailable": "0", "temporarilyUnavailable": "0", "pending_authorisation": "0"}), "[]"},
		{"counts as numbers", resources(object{"available": 1, "unavailable": 0, "temporary_unavailable": 0, "pending_authorisation": 0}), "[{statusSummary Invalido}]"},
		{"three counts", resources(object{"available": "1", "unavailable": "0", "temporary_unavailable": "0"}), "[{statusSummary Invalido}]"},
	} {
		p := start(t, Config{})
		if v := verdictOf(t, p, orgA, privatePath, row.o); v != "ACCEPTED" {
			t.Errorf("%s: %s", row.name, v)
			continue
		}
		var found []struct {
			Findings []Finding `json:"findings"`
		}
		control(t, p, "GET", "/reports?interaction="+interactionID(1), "", &found)
		got := []string{}
		for _, f := range found[0].Findings {
			got = append(got, fmt.Sprint(f))
		}
		if text := "[" + strings.Join(got, " ") + "]"; text != row.want {
			t.Errorf("%s: %s, want %s", row.name, text, row.want)
		}
	}
}

// TestEveryEndpointIsJudged finds, for every accepted endpoint of the private list with obligations of
// the caller, that an empty additionalInfo is refused or criticised.
func TestEveryEndpointIsJudged(t *testing.T) {
	d := today(t)
	judged := 0
	for _, e := range spec.PCMEndpoints() {
		if e.List != spec.KindPrivate || !e.Accepted(spec.CurrentRelease, false) || len(spec.ObligationsOf(e.Method, e.Endpoint, spec.CurrentRelease)) == 0 {
			continue
		}
		o := with(with(clientReport(1), "endpoint", e.Endpoint), "httpMethod", e.Method)
		o["additionalInfo"] = object{"x": "1"}
		r := &report{dialect: d, kind: kindPrivate, now: noon}
		body, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		r.read(body)
		if found := r.criticise(); len(found) == 0 && e.Endpoint != "/register/{clientId}" && e.Endpoint != "/register" {
			t.Errorf("%s %s: nothing is owed", e.Method, e.Endpoint)
		}
		judged++
	}
	if judged < 90 {
		t.Errorf("only %d endpoints owe something", judged)
	}
}
