package contract

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/sim/spec"
)

const (
	interaction = "7b0c1f6e-4a5d-4f0e-9b1a-2c3d4e5f6a7b"
	paged       = `"links":{"self":"https://matls-api.bank.test/x"},"meta":{"totalRecords":1,"totalPages":1,"requestDateTime":"2026-05-01T12:00:00Z"}`
	plain       = `"links":{"self":"https://matls-api.bank.test/x"},"meta":{"requestDateTime":"2026-05-01T12:00:00Z"}`
	account     = `{"brandName":"Banco","companyCnpj":"12345678000195","type":"CONTA_DEPOSITO_A_VISTA","compeCode":"001","branchCode":"6272","number":"94088392","checkDigit":"4","accountId":"92792126019929279212650822221989319252576"}`
	accounts    = `{"data":[` + account + `],` + paged + `}`
	problem     = `{"errors":[{"code":"X","title":"T","detail":"D"}],"meta":{"requestDateTime":"2026-05-01T12:00:00Z"}}`
	person      = `"loggedUser":{"document":{"identification":"76109277673","rel":"CPF"}}`
	payment     = `{"iss":"a","aud":"b","jti":"c","iat":1,"data":{` + person + `,"creditor":{"personType":"PESSOA_NATURAL","cpfCnpj":"58764789000137","name":"Loja"},"payment":{"type":"PIX","purpose":"%s","currency":"BRL","amount":"1.00",%s"details":{"localInstrument":"DICT","proxy":"x@y.test","creditorAccount":{"ispb":"12345678","issuer":"1774","number":"1234567890","accountType":"CACC"}}}}}`
)

// sources are the contracts every case is tried on: ours and, where they are given, the published ones.
func sources(t testing.TB) map[string]*Judge {
	t.Helper()
	all := map[string]Source{"embedded": Embedded()}
	if dir := os.Getenv("ENSAIO_SPECS"); dir != "" {
		all["published"] = Published(dir)
	} else {
		t.Log("ENSAIO_SPECS names no folder of published definitions; trying the embedded contracts only")
	}
	judges := map[string]*Judge{}
	for name, s := range all {
		j, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		judges[name] = j
	}
	return judges
}

func answerHeader(contentType string) http.Header {
	h := http.Header{}
	h.Set("X-Fapi-Interaction-Id", interaction)
	h.Set("X-V", "2.5.1")
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	return h
}

func TestResponses(t *testing.T) {
	const json, jwt, jsonUTF8 = "application/json", "application/jwt", "application/json; charset=utf-8"
	without := func(name string) http.Header { h := answerHeader(json); h.Del(name); return h }
	cases := []struct {
		name, op string
		status   int
		header   http.Header
		body     string
		want     []string // each the start of a violation, in order
	}{
		{"accounts", "accounts.list", 200, answerHeader(json), accounts, nil},
		{"empty list", "accounts.list", 200, answerHeader(json), `{"data":[],` + paged + `}`, nil},
		{"any spelling of utf-8", "accounts.list", 200, answerHeader("application/json;charset=UTF-8"), accounts, nil},
		{"error with charset", "accounts.list", 403, answerHeader(jsonUTF8), problem, nil},
		{"error without charset", "accounts.list", 403, answerHeader(json), problem, nil},
		{"status outside the list", "accounts.list", 503, answerHeader(jsonUTF8), problem, nil},
		{"resources in preparation", "resources.list", 202, answerHeader(""), "", nil},
		{"deleted consent", "consents.delete", 204, answerHeader(""), "", nil},
		{"signed problem", "payments.create", 422, answerHeader(jwt), `{"iss":"a","aud":"b","jti":"c","iat":1,` + strings.Replace(problem, `"X"`, `"SALDO_INSUFICIENTE"`, 1)[1:], nil},
		{"plain problem of a signed API", "payments.create", 400, answerHeader(jsonUTF8), problem, nil},

		{"missing field", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `"compeCode":"001",`, "", 1), []string{"/data/0/compeCode: is missing"}},
		{"wrong pattern", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `"001"`, `"1"`, 1), []string{`/data/0/compeCode: does not match ^\d{3}$`}},
		{"wrong enum", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `CONTA_DEPOSITO_A_VISTA`, `CONTA`, 1), []string{`/data/0/type: "CONTA" is not one of CONTA_DEPOSITO_A_VISTA, CONTA_POUPANCA`}},
		{"wrong type", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `"totalPages":1`, `"totalPages":"1"`, 1), []string{"/meta/totalPages: must be integer, is string"}},
		{"too long", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `"checkDigit":"4"`, `"checkDigit":"44"`, 1), []string{"/data/0/checkDigit: is 2 characters long, at most 1 are allowed"}},
		{"fraction of a second", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `12:00:00Z`, `12:00:00.000Z`, 1), []string{"/meta/requestDateTime: is 24 characters long"}},
		{"no date", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `2026-05-01T12:00:00Z`, `yesterday`, 1), []string{"/meta/requestDateTime: is not a valid date-time"}},
		{"null", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `"6272"`, `null`, 1), []string{"/data/0/branchCode: must not be null"}},
		{"empty list where one is owed", "customers.personal-identifications", 200, answerHeader(json), `{"data":[],` + plain + `}`, []string{"/data: has 0 items, at least 1 are needed"}},
		{"several faults", "accounts.list", 200, answerHeader(json), `{"data":{}}`, []string{"/data: must be array, is object", "/links: is missing", "/meta: is missing"}},
		{"unknown field", "accounts.list", 200, answerHeader(json), strings.Replace(accounts, `"branchCode"`, `"branch":"1","branchCode"`, 1), []string{"/data/0/branch: is not in the contract"}},
		{"forbidden field", "consents.read", 529, answerHeader(jsonUTF8), strings.Replace(problem, `"code"`, `"more":1,"code"`, 1), []string{`/errors/0: property "more" is not allowed here`}},
		{"no x-v", "accounts.list", 200, without("X-V"), accounts, []string{"header x-v: is missing"}},
		{"no interaction id", "accounts.list", 200, without("X-Fapi-Interaction-Id"), accounts, []string{"header x-fapi-interaction-id: is missing"}},
		{"wrong content type", "accounts.list", 200, answerHeader("text/html"), accounts, []string{"content-type: is text/html, must be application/json"}},
		{"wrong charset", "accounts.list", 200, answerHeader("application/json; charset=iso-8859-1"), accounts, []string{"content-type: charset is iso-8859-1, must be utf-8"}},
		{"unsigned answer of a signed API", "payments.read", 200, answerHeader(json), `{}`, []string{"content-type: is application/json, must be application/jwt"}},
		{"not JSON", "accounts.list", 200, answerHeader(json), `{"data"`, []string{"body: is not JSON"}},
		{"no body", "accounts.list", 200, answerHeader(json), ``, []string{"body: is missing"}},
		{"body where none is", "consents.delete", 204, answerHeader(json), `{}`, []string{"body: none is described for status 204"}},
		{"wrong 422 code", "consents.create", 422, answerHeader(jsonUTF8), problem, []string{`/errors/0/code: "X" is not one of SEM_PERMISSOES_FUNCIONAIS_RESTANTES`}},
		{"link on localhost", "payments.create", 201, answerHeader(jwt), `{"data":[],"links":{"self":"https://localhost:8443/x"},"meta":{"requestDateTime":"2026-05-01T12:00:00Z"}}`, []string{"/links/self: does not match"}},
	}
	sent := http.Header{"X-Fapi-Interaction-Id": {interaction}}
	for source, judge := range sources(t) {
		for _, c := range cases {
			t.Run(source+"/"+c.name, func(t *testing.T) {
				got := judge.Response(spec.Find(c.op), c.status, c.header, []byte(c.body), sent)
				expect(t, got, c.want)
			})
		}
	}
}

func TestRequests(t *testing.T) {
	const base = "https://matls-api.bank.test:8443"
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		h.Set("Authorization", "Bearer x")
		h.Set("X-Fapi-Interaction-Id", interaction)
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				h.Del(pairs[i])
				continue
			}
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	signed := header("Content-Type", "application/jwt", "X-Idempotency-Key", "k1")
	consent := `{"data":{` + person + `,"permissions":["ACCOUNTS_READ","RESOURCES_READ"]}}`
	single := `"schedule":{"single":{"date":"2026-09-01"}},`
	cases := []struct {
		name, op, path string
		header         http.Header
		body           string
		want           []string
	}{
		{"list", "accounts.list", "/open-banking/accounts/v2/accounts?page=1&page-size=1&accountType=CONTA_POUPANCA", header(), "", nil},
		{"under a prefix", "accounts.list", "/bank-a/open-banking/accounts/v2/accounts", header(), "", nil},
		{"consent", "consents.create", "/open-banking/consents/v3/consents", header("Content-Type", "application/json"), consent, nil},
		{"identifier escaped", "consents.read", "/open-banking/consents/v3/consents/urn%3Abanco%3A1", header(), "", nil},
		{"payment consent", "payments.consent-create", "/open-banking/payments/v5/consents", signed, fmt.Sprintf(payment, "IMMEDIATE", `"date":"2026-05-01",`), nil},
		{"scheduled payment", "payments.consent-create", "/open-banking/payments/v5/consents", signed, fmt.Sprintf(payment, "SINGLE_SCHEDULED", single[:len(single)-2]+`,"additionalInformation":"x"},`), nil},

		{"page 0", "accounts.list", "/open-banking/accounts/v2/accounts?page=0", header(), "", []string{"query page: number must be at least 1"}},
		{"page is text", "accounts.list", "/open-banking/accounts/v2/accounts?page=two", header(), "", []string{"query page: must be integer"}},
		{"page too small", "resources.list", "/open-banking/resources/v3/resources?page-size=24", header(), "", []string{"query page-size: number must be at least 25"}},
		{"unknown account type", "accounts.list", "/open-banking/accounts/v2/accounts?accountType=X", header(), "", []string{`query accountType: "X" is not one of`}},
		{"no interaction id", "accounts.list", "/open-banking/accounts/v2/accounts", header("X-Fapi-Interaction-Id", ""), "", []string{"header x-fapi-interaction-id: is missing"}},
		{"no UUID", "accounts.list", "/open-banking/accounts/v2/accounts", header("X-Fapi-Interaction-Id", "1"), "", []string{"header x-fapi-interaction-id: does not match"}},
		{"identifier without namespace", "consents.read", "/open-banking/consents/v3/consents/abcdef", header(), "", []string{"path consentId: does not match"}},
		{"another path", "accounts.list", "/open-banking/accounts/v3/accounts", header(), "", []string{"path: is not /open-banking/accounts/v2/accounts"}},
		{"unknown permission", "consents.create", "/open-banking/consents/v3/consents", header("Content-Type", "application/json"), strings.Replace(consent, "ACCOUNTS_READ", "ALL", 1), []string{`/data/permissions/0: "ALL" is not one of`}},
		{"body where none is", "accounts.list", "/open-banking/accounts/v2/accounts", header("Content-Type", "application/json"), `{}`, []string{"body: none is described"}},
		{"no body", "consents.create", "/open-banking/consents/v3/consents", header(), "", []string{"body: is missing"}},
		{"key with white space", "payments.consent-create", "/open-banking/payments/v5/consents", header("Content-Type", "application/jwt", "X-Idempotency-Key", " k"), fmt.Sprintf(payment, "IMMEDIATE", ""), []string{"header x-idempotency-key: does not match"}},
		{"two schedules", "payments.consent-create", "/open-banking/payments/v5/consents", signed, fmt.Sprintf(payment, "SINGLE_SCHEDULED", `"schedule":{"additionalInformation":"x","single":{"date":"2026-09-01"},"daily":{"startDate":"2026-09-01","quantity":2}},`), []string{"/data/payment/schedule: must fit exactly one of 5 alternatives"}},
		{"fault inside a schedule", "payments.consent-create", "/open-banking/payments/v5/consents", signed, fmt.Sprintf(payment, "RECURRENT_SCHEDULED", `"schedule":{"additionalInformation":"x","daily":{"startDate":"2026-09-01","quantity":1}},`), []string{"/data/payment/schedule/daily/quantity: number must be at least 2"}},
	}
	for source, judge := range sources(t) {
		for _, c := range cases {
			t.Run(source+"/"+c.name, func(t *testing.T) {
				op := spec.Find(c.op)
				expect(t, judge.Request(op, op.Method, base+c.path, c.header, []byte(c.body)), c.want)
			})
		}
	}
}

func TestTheEchoedInteractionIDMustBeTheOneSent(t *testing.T) {
	judge := sources(t)["embedded"]
	got := answerHeader("application/json")
	for sent, want := range map[string][]string{
		interaction:                            nil,
		strings.ToUpper(interaction):           nil,
		"not-a-uuid":                           nil,
		"00000000-0000-4000-8000-000000000000": {"header x-fapi-interaction-id: is not the one sent"},
	} {
		expect(t, judge.Response(spec.Find("accounts.list"), 200, got, []byte(accounts), http.Header{"X-Fapi-Interaction-Id": {sent}}), want)
	}
}

func TestUnknownFieldsAreNoBreach(t *testing.T) {
	judge := sources(t)["embedded"]
	all := judge.Response(spec.Find("accounts.list"), 200, answerHeader("application/json"), []byte(`{"extra":1,`+accounts[1:]), nil)
	if len(all) != 1 || all[0].Kind != Unknown || len(Breaches(all)) != 0 {
		t.Errorf("got %v", all)
	}
}

func TestNoPersonalValueIsRepeated(t *testing.T) {
	judge := sources(t)["embedded"]
	body := strings.Replace(accounts, "94088392", "secret-account-number", 1)
	for _, v := range judge.Response(spec.Find("accounts.list"), 200, answerHeader("application/json"), []byte(body), nil) {
		if strings.Contains(v.String(), "secret") {
			t.Errorf("%v repeats the value", v)
		}
	}
}

func TestAFolderWithoutTheAPIIsRefused(t *testing.T) {
	if _, err := New(Published(t.TempDir())); err == nil {
		t.Error("an empty folder was taken for definitions")
	}
}

func BenchmarkResponse(b *testing.B) {
	rows := make([]string, 25)
	for i := range rows {
		rows[i] = account
	}
	body := []byte(`{"data":[` + strings.Join(rows, ",") + `],` + paged + `}`)
	judge, op, h := sources(b)["embedded"], spec.Find("accounts.list"), answerHeader("application/json")
	for b.Loop() {
		if got := judge.Response(op, 200, h, body, nil); got != nil {
			b.Fatal(got)
		}
	}
}

func expect(t *testing.T, got []Violation, want []string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok && strings.HasPrefix(got[i].String(), want[i])
	}
	if !ok {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
